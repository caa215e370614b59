"""The generator's coefficients, read from params/synthetic: the code holds no level of its own."""

import csv
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from tcoc.params import read_yaml
from tcoc.paths import params_dir


@dataclass(frozen=True)
class Group:
    """A group of clinicians: CMS specialty, how many, and which codes they bill."""

    name: str
    specialty: str
    per_1000: float
    slot: float
    codes: dict[str, float]
    extra_lines: float
    extra: dict[str, float]


@dataclass(frozen=True)
class Code:
    """A billing code: typical allowed dollars, spread on the log scale, share that is paid."""

    hcpcs: str
    allowed: float
    spread: float
    paid_share: float


@dataclass(frozen=True)
class Config:
    """Everything that steers the generator."""

    folder: Path
    reference: Path
    settings: dict[str, Any]
    groups: tuple[Group, ...]
    services: dict[str, dict[str, Any]]
    facilities: dict[str, dict[str, Any]]
    codes: tuple[Code, ...]

    def number(self, name: str) -> float:
        """Return a number of generator.yml by its dotted name."""
        part, key = name.split(".")
        return float(self.settings[part][key])

    def value(self, name: str) -> Any:
        """Return any value of generator.yml by its dotted name."""
        part, key = name.split(".")
        return self.settings[part][key]

    @cached_property
    def group_index(self) -> dict[str, int]:
        """Positions of the groups by name."""
        return {group.name: i for i, group in enumerate(self.groups)}

    @cached_property
    def specialties(self) -> list[str]:
        """CMS specialty codes of the groups, each once."""
        return sorted({group.specialty for group in self.groups})

    @cached_property
    def specialty_of_group(self) -> list[int]:
        """Position of each group's specialty."""
        return [self.specialties.index(group.specialty) for group in self.groups]

    @cached_property
    def code_index(self) -> dict[str, int]:
        """Positions of the billing codes."""
        return {code.hcpcs: i for i, code in enumerate(self.codes)}

    @property
    def years(self) -> tuple[int, int]:
        """First and last year that can be generated."""
        return min(self.settings["trend"]), max(self.settings["trend"])


def read_csv(file: Path) -> list[dict[str, str]]:
    """Read a small CSV as dictionaries of text."""
    with file.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def _weights(raw: dict[Any, Any]) -> dict[str, float]:
    return {str(code): float(weight) for code, weight in raw.items()}


def _group(name: str, raw: dict[str, Any]) -> Group:
    return Group(
        name,
        raw["specialty"],
        float(raw["per_1000"]),
        float(raw["slot"]),
        _weights(raw["codes"]),
        float(raw["extra_lines"]),
        _weights(raw["extra"]),
    )


@cache
def load_config() -> Config:
    """Read params/synthetic; raises InputError for a missing or broken file."""
    folder = params_dir() / "synthetic"
    groups = read_yaml(folder / "clinicians.yml")
    codes = tuple(
        Code(r["hcpcs"], float(r["allowed"]), float(r["spread"]), float(r["paid_share"]))
        for r in read_csv(folder / "codes.csv")
    )
    return Config(
        folder,
        params_dir() / "reference",
        read_yaml(folder / "generator.yml"),
        tuple(_group(name, raw) for name, raw in groups.items()),
        read_yaml(folder / "services.yml"),
        read_yaml(folder / "facilities.yml"),
        codes,
    )
