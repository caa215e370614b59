"""What the pages may know of a run beside its public tables: years, data, policy values."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from tcoc.disclosure import PublicTable
from tcoc.errors import InputError
from tcoc.params import PolicyUse

FILE, EFFECTS = "facts.json", "mpa_sensitivity"


@dataclass(frozen=True)
class RunFacts:
    """One run's facts for its pages; nothing in it is about a person.

    `completeness` is the completion factor by year, as run and policy say it; `policy` every dated
    or plain policy value that the run used; `policy_of` the policy files of each deliverable;
    `effects` the dollars of the MPA that a value's strongest alternative moves (rule S1).
    """

    name: str
    years: tuple[int, ...] = ()
    base_year: int | None = None
    performance_year: int | None = None
    qp_years: tuple[int, ...] = ()
    rate_years: tuple[int, ...] = ()
    synthetic: bool = False
    data: str = ""
    vintage: str = ""
    completeness: Mapping[int, float] = field(default_factory=dict)
    policy: tuple[PolicyUse, ...] = ()
    policy_of: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    effects: Mapping[str, float] = field(default_factory=dict)

    def uses(self, deliverable: str = "") -> list[PolicyUse]:
        """Return the policy values behind one deliverable; behind the run where none is named."""
        prefixes = self.policy_of.get(deliverable)
        if prefixes is None:
            return list(self.policy)
        return [use for use in self.policy if _under(use.name, prefixes)]

    def assumed(self, deliverable: str = "") -> list[PolicyUse]:
        """Return the policy values of `uses` that are assumed, or replaced by the run."""
        return [u for u in self.uses(deliverable) if u.replaced or u.status == "assumed"]

    def with_effects(self, effects: Mapping[str, float]) -> "RunFacts":
        """Return the facts with the effects of those values that the run used."""
        used = {use.name for use in self.policy}
        return replace(self, effects={n: moved for n, moved in effects.items() if n in used})

    def write(self, folder: Path) -> None:
        """Write the facts into the folder of public tables."""
        text = json.dumps(asdict(self), indent=1, ensure_ascii=False, default=str)
        (folder / FILE).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> "RunFacts":
        """Read the facts of a folder of public tables; InputError where there are none."""
        file = folder / FILE
        if not file.is_file():
            raise InputError(f"{file}: the run's facts are missing; the folder is not a run's")
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        for name in ("years", "qp_years", "rate_years"):
            content[name] = tuple(content[name])
        content["completeness"] = {int(y): float(f) for y, f in content["completeness"].items()}
        content["policy"] = tuple(
            PolicyUse(**use | {"alternatives": tuple(use.get("alternatives", ()))})
            for use in content["policy"]
        )
        content["policy_of"] = {k: tuple(v) for k, v in content["policy_of"].items()}
        return cls(**content)


def facts_of(
    run: Any,
    store: Any,
    policy_of: Mapping[str, Sequence[str]],
    completeness: Mapping[int, float] | None = None,
    effects: Mapping[str, float] | None = None,
) -> RunFacts:
    """Return the facts of an opened run and its store."""
    from tcoc.report.provenance import data_words, policy_years, settings_words, vintage_words

    spec = run.spec
    used = run.policy.uses(run.policy.files, policy_years(run))
    return RunFacts(
        name=run.name,
        years=tuple(run.years),
        base_year=spec.base_year,
        performance_year=spec.performance_year,
        qp_years=tuple(spec.qp_years),
        rate_years=tuple(spec.rate_years),
        synthetic=bool(store.synthetic),
        data=data_words(store),
        vintage=vintage_words(store),
        completeness=dict(completeness or {}),
        policy=tuple(used),
        policy_of={name: tuple(files) for name, files in policy_of.items()},
        settings=settings_words(run),
    ).with_effects(effects or {})


def effects_of(public: Mapping[str, PublicTable]) -> dict[str, float]:
    """Return the dollars that each assumed value's strongest alternative moves, where measured."""
    table = public.get(EFFECTS)
    if table is None or table.empty:
        return {}
    moved = table.frame.dropna(subset=["dollars_moved"]).groupby("assumption")["dollars_moved"]
    return {str(name): float(dollars) for name, dollars in moved.max().items()}


def _under(name: str, prefixes: Sequence[str]) -> bool:
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes)
