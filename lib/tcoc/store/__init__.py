"""The data store: schema, connection, checks, importers and the synthetic Maryland."""
