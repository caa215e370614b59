"""Who is in a store, and their months: state and county codes, the state filter (rules I5, I6)."""
# ruff: noqa: S608

from tcoc.errors import InputError, nearest
from tcoc.paths import params_dir
from tcoc.store.importers.staging import Connection
from tcoc.store.importers.values import literal

UNKNOWN_STATE = "ZZ"
"""State of a month whose county and state codes say nothing, or lie outside the United States."""


def load_states(con: Connection) -> None:
    """Make the tables `ssa_states` and `fips_states` (code, usps) from params/reference."""
    file = params_dir() / "reference" / "state_codes.csv"
    for name in ("ssa", "fips"):
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE {name}_states AS SELECT {name} AS code, usps FROM"
            f" read_csv({literal(str(file))}, header = true, all_varchar = true)"
            f" WHERE {name} IS NOT NULL AND {name} <> ''"
        )


def parse_states(con: Connection, state: str) -> list[str]:
    """Return the states of `--state`: none for all. Raises InputError for an unknown one."""
    if state.lower() == "all":
        return []
    known = [
        r[0] for r in con.execute("SELECT DISTINCT usps FROM ssa_states ORDER BY 1").fetchall()
    ]
    wanted = [part.strip().upper() for part in state.split(",") if part.strip()]
    for part in wanted:
        if part not in known:
            raise InputError(f'--state: found "{part}"{nearest(part, ["all", *known])}')
    if not wanted:
        raise InputError('--state: found nothing, expected "all" or state codes such as MD')
    return wanted


def kept_sql(states: list[str]) -> str:
    """Return the SQL for whether a state of a month is wanted."""
    return f"state IN ({', '.join(literal(s) for s in states)})" if states else "true"
