"""A run's manifest: what was asked, on what, with what, and what came of it. One model, one reader.

It is public: no path of the machine and no hash of a restricted table stands in it, because the
hash of a small table would let a reader try hidden counts until it fits. Those are kept, for the
owner, in `restricted/run.json`.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tcoc.errors import InputError, nearest
from tcoc.folders import write_whole

FILE = "manifest.json"
PRIVATE = "restricted/run.json"

_M = TypeVar("_M", bound=BaseModel)

State = Literal["running", "ok", "failed", "unknown"]


class _Model(BaseModel):
    # a manifest of a later version may say more than this one reads
    model_config = ConfigDict(extra="ignore", populate_by_name=True)


class Input(_Model):
    """A file that went in, named from the project or the store, with its hash."""

    path: str
    sha256: str


class Reused(_Model):
    """What of a deliverable was taken over, and when it was made.

    `tables` is true where all are, else the names of those that are.
    """

    tables: bool | list[str] = False
    notebook: bool = False
    since: str = Field(default="", alias="from")
    notebook_since: str = Field(default="", alias="notebook_from")


class Done(_Model):
    """What became of a deliverable, and what it took."""

    state: State = "unknown"
    seconds: float | None = None
    peak_mb: float = 0.0
    reused: Reused = Field(default_factory=Reused)


class Parameters(_Model):
    """What a run was asked for, after defaults: its file, replaced and all policy values."""

    run: dict[str, Any] = Field(default_factory=dict)
    options: dict[str, Any] = Field(default_factory=dict)
    policy: list[dict[str, Any]] = Field(default_factory=list)


class Manifest(_Model):
    """One run: state, code, libraries, parameters, inputs, tables, deliverables, public files.

    `follows` is the id of the run that stood in its place when it began: which of two is the later
    one does not rest on the clock.
    """

    run: str = ""
    id: str = ""
    follows: str = ""
    state: State = "unknown"
    error: str = ""
    started: str = ""
    finished: str = ""
    git_commit: str = ""
    versions: dict[str, str] = Field(default_factory=dict)
    engine: str = ""
    isolation: str = ""
    synthetic: bool = False
    parameters: Parameters = Field(default_factory=Parameters)
    inputs: list[Input] = Field(default_factory=list)
    accepted: list[str] = Field(default_factory=list)
    ignored_reference_rows: dict[str, int] = Field(default_factory=dict)
    tables: dict[str, int] = Field(default_factory=dict)
    deliverables: dict[str, Done] = Field(default_factory=dict)
    files: dict[str, str] = Field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """Return the manifest as plain data, as the pages take it."""
        return self.model_dump(mode="json", by_alias=True)

    def write(self, folder: Path) -> None:
        """Write the manifest of a run folder, whole or not at all."""
        text = json.dumps(self.plain(), indent=2, ensure_ascii=False)
        write_whole(folder / FILE, (text + "\n").encode())


class Private(_Model):
    """What only the owner may know of a run: what it depends on, its restricted files and tables.

    The rows of a restricted table are an exact count of people.
    """

    key: str = ""
    tables: dict[str, int] = Field(default_factory=dict)
    files: dict[str, str] = Field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Write it into the restricted folder of a run."""
        write_whole(folder / PRIVATE, (self.model_dump_json(indent=1) + "\n").encode())


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a run folder, an empty one of unknown state where it has none.

    Raises InputError for a manifest that cannot be read.
    """
    return _read(folder / FILE, Manifest)


def finished(folder: Path) -> Manifest:
    """Return the manifest of a finished run; InputError, with the nearest name, for any other."""
    manifest = read_manifest(folder)
    if manifest.state == "unknown":
        beside = [file.parent.name for file in folder.parent.glob(f"*/{FILE}")]
        hint = nearest(folder.name, sorted(beside)) if beside else ""
        raise InputError(f"{folder}: there is no finished run{hint}")
    if manifest.state != "ok":
        raise InputError(f"{folder}: the run is {manifest.state}, expected a finished one")
    return manifest


def read_private(folder: Path) -> Private:
    """Return what the owner keeps of a run folder, empty where there is nothing."""
    return _read(folder / PRIVATE, Private)


def _read(file: Path, model: type[_M]) -> _M:
    if not file.is_file():
        return model()
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(content, Mapping):
            raise InputError(f"{file}: found {type(content).__name__}, expected a JSON object")
        return model.model_validate(content)
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{file}: it is not JSON; the run's manifest is damaged") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"]))
        raise InputError(f"{file}: {key}: {first['msg']}") from error


def list_runs(outputs: Path) -> list[tuple[str, Manifest]]:
    """Return the runs under a folder with the name of each one's folder, newest first.

    A finished one that stands under its working name is not listed: it is an earlier edition of a
    run that stands in its place, or it will be put there by the next run.
    """
    found = [
        *(file.parent for file in outputs.glob("*/manifest.json")),
        *(file.parent for file in outputs.glob(".*.partial/manifest.json")),
        *(file.parent for file in outputs.glob(".failed/*/manifest.json")),
    ]
    read = [(folder.name, read_manifest(folder)) for folder in found]
    listed = [(n, m) for n, m in read if not (n.startswith(".") and m.state == "ok")]
    return sorted(listed, key=lambda pair: pair[1].started, reverse=True)
