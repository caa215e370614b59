"""Evidence: what each policy value rests on, where it stands, who read it and when.

A value's evidence is a block beside it. `document` is a key of `params/documents.yml`, which says
the document's title and address; `quote` is the words that carry the value, as they stand there.
The ledger of all values, ranked by what they move, is docs/evidence.md.
"""

from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from tcoc.errors import InputError, nearest
from tcoc.params.yaml_file import Strict, parse, read_yaml
from tcoc.paths import params_dir

Grade = Literal["primary", "secondary", "recalled", "ours"]

GRADES: dict[Grade, str] = {
    "primary": "read in the document that sets it",
    "secondary": "read in a document that reports it",
    "recalled": "remembered from the document that sets it, not read again",
    "ours": "chosen here; no document found sets it",
}
"""What each grade of evidence means, best first."""


class Evidence(Strict):
    """What one value rests on.

    grade       how it was read (GRADES)
    document    key of documents.yml: where it was read or is remembered from
    location    slide, section or paragraph
    quote       the words that carry the value, exactly
    read        the day on which it was read
    settled_by  key of documents.yml, or words: what would settle a value that is not read
    """

    grade: Grade
    document: str = ""
    location: str = ""
    quote: str = ""
    read: date | None = None
    settled_by: str = ""

    @model_validator(mode="after")
    def _complete(self) -> "Evidence":
        if self.grade in ("primary", "secondary"):
            if not self.document or self.read is None or not (self.location or self.quote):
                raise ValueError(
                    f"a {self.grade} reading needs document, read, and location or quote"
                )
        elif self.quote or self.read:
            raise ValueError(f"a value that is {self.grade} has neither quote nor date of reading")
        if self.grade == "recalled" and not self.document:
            raise ValueError("a recalled value names the document that it is recalled from")
        return self


class Document(Strict):
    """A source document: its title, where it is found, and when it was published."""

    title: str = Field(min_length=1)
    address: str = ""
    published: str = ""
    missing: bool = False
    """Whether its text was not found, so that it has to be asked for."""


@cache
def documents(file: Path | None = None) -> dict[str, Document]:
    """Read the list of source documents; raises InputError for one that is not as described."""
    file = file or params_dir() / "documents.yml"
    return {
        key: parse(Document, raw, f"{file.name}: {key}") for key, raw in read_yaml(file).items()
    }


def document(key: str) -> Document:
    """Return a source document by its key; raises InputError that names the nearest."""
    known = documents()
    if key not in known:
        raise InputError(f'documents.yml: "{key}" is unknown{nearest(key, known)}')
    return known[key]
