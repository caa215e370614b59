"""Where a report's numbers come from: run, data, parameters, versions, how to get them again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from tcoc.params import PolicyUse, Run
from tcoc.paths import project_root
from tcoc.report import words
from tcoc.report.tables import simple_table

_SOURCES = {
    "synthetic": "Synthetic Maryland",
    "rif": "CMS Research Identifiable Files",
    "cclf": "CMS Claim and Claim Line Feed",
    "synpuf": "CMS DE-SynPUF (synthetic public use file)",
}


@dataclass(frozen=True)
class Provenance:
    """What the header and the footer of a page say; no clock, so that a page is reproducible."""

    run: str
    data: str
    vintage: str
    synthetic: bool
    command: str
    commit: str = ""
    engine: str = "duckdb"
    versions: Mapping[str, str] = field(default_factory=dict)
    replaced: tuple[PolicyUse, ...] = ()
    assumed: tuple[PolicyUse, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    reused: str = ""
    released: bool = False

    @property
    def draft(self) -> bool:
        """Whether values that are assumed or replaced stand behind the numbers."""
        return bool(self.assumed or self.replaced)

    @classmethod
    def from_manifest(
        cls, manifest: Mapping[str, Any], prefixes: Sequence[str] | None = None, **about: str
    ) -> "Provenance":
        """Take from a run's manifest what a page says of it.

        `prefixes` are the policy values that the page rests on (None: all); `about` brings the
        words for data and vintage.
        """
        parameters = manifest.get("parameters", {})
        uses = [
            PolicyUse(**use)
            for use in parameters.get("policy", [])
            if prefixes is None or _under(use["name"], prefixes)
        ]
        spec = parameters.get("run", {})
        return cls(
            run=str(manifest.get("run", "")),
            data=about.get("data", ""),
            vintage=about.get("vintage", ""),
            synthetic=bool(manifest.get("synthetic", False)),
            command=f"tcoc run {_run_file(manifest)}",
            commit=str(manifest.get("git_commit", "")),
            engine=str(spec.get("engine", "duckdb")),
            versions={str(k): str(v) for k, v in manifest.get("versions", {}).items()},
            replaced=tuple(use for use in uses if use.replaced),
            assumed=tuple(use for use in uses if use.status == "assumed" and not use.replaced),
            settings=_settings(spec),
            released=bool(manifest.get("released", False)),
        )


def citation_file() -> dict[str, Any]:
    """Return what the project's CITATION.cff says, or nothing."""
    file = project_root() / "CITATION.cff"
    return dict(yaml.safe_load(file.read_text(encoding="utf-8"))) if file.is_file() else {}


def citation(facts: Provenance, page: str = "") -> str:
    """Say how to cite a run, or one of its pages, from the project's CITATION.cff."""
    about = citation_file()
    title = str(about.get("title", "Maryland Total Cost of Care"))
    version = f", version {about['version']}" if about.get("version") else ""
    commit = f", commit {facts.commit[:12]}" if facts.commit else ""
    of = f"{page}. In: " if page else ""
    return f"{of}{title}{version}. Run {facts.run}, {facts.data or 'data as stated'}{commit}."


def reused_words(manifest: Mapping[str, Any], deliverable: str) -> str:
    """Say what of a report is that of an earlier run and when that was made, or nothing."""
    done = manifest.get("deliverables", {}).get(deliverable, {})
    said: Mapping[str, Any] = done.get("reused") or {}
    tables, notebook = said.get("tables"), said.get("notebook")
    made, shown = (_moment(said.get(key, "")) for key in ("from", "notebook_from"))
    if notebook and tables is True and made == shown:
        return f"Tables and figures reused unchanged from the run of {made}"
    if notebook:
        first = f"Tables reused unchanged from the run of {made}; figures" if made else "Figures"
        return f"{first} reused unchanged from the run of {shown}"
    some = "Tables" if tables is True else f"{len(tables or ())} of the tables"
    return f"{some} reused unchanged from the run of {made}; figures made anew" if tables else ""


def _moment(started: Any) -> str:
    return f"{str(started)[:16].replace('T', ' ')} UTC" if started else ""


def _under(name: str, prefixes: Sequence[str]) -> bool:
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes)


def _run_file(manifest: Mapping[str, Any]) -> str:
    """Return the run file, which is the first of the inputs that a manifest lists."""
    for entry in manifest.get("inputs", [])[:1]:
        return str(entry.get("path", ""))
    return f"params/runs/{manifest.get('run', 'NAME')}.yml"


def policy_years(run: Run) -> tuple[int, ...]:
    """Return every year for which the run reads a dated policy value."""
    spec = run.spec
    named = [y for y in (spec.base_year, spec.performance_year) if y]
    return tuple(sorted({*spec.years, *named, *spec.qp_years, *spec.rate_years}))


def data_words(store: Any) -> str:
    """Say what data a store holds: kind of source, and size and seed where it is synthetic."""
    source = store.info.get("source", {})
    kind = str(source.get("kind", ""))
    words_of_kind = _SOURCES.get(kind, kind or "source not stated")
    if kind != "synthetic" or "benes" not in source:
        return words_of_kind
    return f"{words_of_kind}, {words.count(source['benes'])} people, seed {source.get('seed', 0)}"


def vintage_words(store: Any) -> str:
    """Say which years of claims a store holds, and its own vintage where it states one."""
    stated = str(store.info.get("vintage", ""))
    years = words.span(store.years) if store.years else "years not stated"
    return f"claims {years}" + (f", {stated}" if stated else "")


def assumptions_html(uses: Sequence[PolicyUse], effects: Mapping[str, float]) -> str:
    """Return the table of assumed and replaced policy values, those that move most first (S1)."""
    together = sorted(_together(uses), key=lambda pair: -effects.get(pair[0].name, -1.0))
    rows = [
        [
            use.description,
            words.dollars(effects[use.name]) if use.name in effects else "–",
            value_words(use.value) + ("" if years == "all" else f" ({years})"),
            "; ".join(value_words(other) for other in use.alternatives) or "none named",
            use.rule,
            use.name,
            "; ".join(dict.fromkeys(s for s in (_status(use), use.grade) if s != "assumed" and s))
            or "not stated",
        ]
        for use, years in together
    ]
    if not rows:
        return "<p>Every policy value behind this report is sourced; none is assumed.</p>"
    headings = [
        "What it says",
        "Moves",
        "Value",
        "Could be",
        "Rule",
        "Name",
        "Evidence",
    ]
    caption = f"{words.plural(len(rows), 'value')} assumed, not sourced"
    if effects:
        return simple_table("assumptions", f"{caption}, by what they move", headings, rows, _MOVES)
    without = [[first, *rest] for first, _, *rest in [headings, *rows]]
    return simple_table("assumptions", caption, without[0], without[1:])


_MOVES = (
    "Moves: dollars of the MPA that change hands, all hospitals together, under the alternative"
    " that moves most (rule S1). A dash where nothing was measured: the value has no effect on the"
    " MPA, or no alternative that can be computed."
)


def value_words(value: Any) -> str:
    """Write a policy value on one line."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        shown = ", ".join(map(str, value[:6]))
        return shown + (f", … ({len(value)} values)" if len(value) > 6 else "")
    if isinstance(value, Mapping):
        text = ", ".join(f"{str(k).replace('_', ' ')}: {unsourced(v)}" for k, v in value.items())
        return text if len(text) <= 80 else f"mapping of {len(value)} keys"
    return str(value)


def unsourced(value: Any) -> Any:
    """Return the value alone of one that is given with its source, else what was given."""
    sourced = isinstance(value, Mapping) and {"value", "source"} <= set(value)
    return value["value"] if sourced else value


def _status(use: PolicyUse) -> str:
    return "replaced by the run file" if use.replaced else use.status


def _together(uses: Sequence[PolicyUse]) -> list[tuple[PolicyUse, str]]:
    groups: dict[tuple[str, str], list[PolicyUse]] = {}
    for use in uses:
        if use.replaced or use.status == "assumed":
            groups.setdefault((use.name, value_words(use.value)), []).append(use)
    return [
        (group[0], words.span([u.year for u in group if u.year is not None]) or "all")
        for group in groups.values()
    ]


def settings_words(run: Run) -> dict[str, str]:
    """Return what a run file sets, in words, without paths and policy options."""
    return _settings(run.spec.model_dump(mode="json"))


def _settings(spec: Mapping[str, Any]) -> dict[str, str]:
    skipped = ("name", "store", "reference", "options")
    return {key: value_words(v) for key, v in spec.items() if key not in skipped and v}
