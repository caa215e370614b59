"""Run files: what an analyst edits, one YAML per run, with policy values under `options`."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tcoc.errors import InputError, nearest
from tcoc.params.completion import Completion
from tcoc.params.policy import FIRST_YEAR, LAST_YEAR, Policy
from tcoc.params.typed import load_policy
from tcoc.params.yaml_file import Strict, parse, read_yaml

REFERENCE_TABLES = (
    "hospitals",
    "aco_hospitals",
    "aco_practitioners",
    "psa_zips",
    "ecmad",
    "drive_times",
    "care_partners",
    "quality_adjustments",
    "combinations",
    "fee_schedule",
    "medicaid_spending",
)


class NationalGrowth(Strict):
    """National Medicare per capita growth for a rate year: an input, never a default (rule M1)."""

    value: float = Field(gt=-0.5, lt=0.5)
    source: str = Field(min_length=1)


Year = Annotated[int, Field(ge=FIRST_YEAR, le=LAST_YEAR)]


class RunFile(BaseModel):
    """What an analyst edits: one YAML per run. Relative paths are relative to the run file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    store: str
    reference: str | dict[str, str] | None = None
    years: list[Year] = Field(min_length=1)
    base_year: Year | None = None
    performance_year: Year | None = None
    qp_years: list[Year] = Field(default_factory=list)
    rate_years: list[Year] = Field(default_factory=list)
    completion: dict[Year, Completion] = Field(default_factory=dict)
    national_growth: dict[Year, NationalGrowth] = Field(default_factory=dict)
    deliverables: list[str] = Field(default_factory=lambda: ["y1_attribution"], min_length=1)
    engine: Literal["duckdb", "spark"] = "duckdb"
    options: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _known(self) -> "RunFile":
        if len(set(self.years)) != len(self.years):
            raise ValueError("years: a year stands twice")
        if isinstance(self.reference, dict):
            for name in self.reference:
                if name not in REFERENCE_TABLES:
                    raise ValueError(
                        f'reference: "{name}" is unknown{nearest(name, REFERENCE_TABLES)}'
                    )
        return self


@dataclass(frozen=True)
class Run:
    """A run file, where it stands, and the policy with the run's options laid over."""

    file: Path
    spec: RunFile
    policy: Policy

    @property
    def name(self) -> str:
        """The run's name, which is also the name of its output folder."""
        return self.spec.name

    @property
    def years(self) -> tuple[int, ...]:
        """The run's years, ascending."""
        return tuple(sorted(self.spec.years))

    @cached_property
    def store_path(self) -> Path:
        """The store's folder."""
        return self.resolve(self.spec.store)

    @property
    def reference_folder(self) -> Path:
        """The folder of reference tables: the run file's, else the one that came with the store."""
        chosen = self.spec.reference
        has_folder = isinstance(chosen, str) and chosen
        return self.resolve(str(chosen)) if has_folder else self.store_path / "reference"

    def reference_paths(self) -> dict[str, Path]:
        """Find the file of each reference table that the run has, without reading any.

        Raises InputError for a folder or a named file that is not there.
        """
        chosen = self.spec.reference
        if isinstance(chosen, dict):
            named = {
                name: self.resolve(chosen[name]) for name in REFERENCE_TABLES if name in chosen
            }
            for path in named.values():
                if not path.is_file():
                    raise InputError(f"{path}: there is no such file")
            return named
        folder = self.reference_folder
        if not folder.is_dir():
            raise InputError(f"{folder}: there is no such folder of reference tables")
        found = {name: folder / _file_name(name) for name in REFERENCE_TABLES}
        return {name: path for name, path in found.items() if path.is_file()}

    def resolve(self, path: str) -> Path:
        """Return a path of the run file as an absolute path."""
        try:
            return (self.file.parent / path).resolve()
        except (ValueError, OSError, RuntimeError) as error:  # the last for a loop of links
            raise InputError(f"{self.file.name}: {path!r} is not the path of a file") from error


def _file_name(table: str) -> str:
    return f"{table}.parquet" if table == "medicaid_spending" else f"{table}.csv"


def load_run(file: Path, changes: Mapping[str, Any] | None = None) -> Run:
    """Read a run file, apply changes (run keys, or dotted policy names), and check everything.

    Raises InputError that names the key, what was found, what was expected, the nearest name.
    """
    content = read_yaml(file)
    options = content.setdefault("options", {})
    for key, value in (changes or {}).items():
        if key in RunFile.model_fields:
            content[key] = value
        elif "." in key and isinstance(options, dict):
            options[key] = value
        else:
            raise InputError(f'--set: "{key}" is unknown{nearest(key, RunFile.model_fields)}')
    spec = parse(RunFile, content, file.name)
    try:
        policy = load_policy(options=spec.options)
    except InputError as error:
        if not str(error).startswith("options: "):  # a policy file names itself
            raise
        raise InputError(f"{file.name}: {error}") from error
    return Run(file.resolve(), spec, policy)
