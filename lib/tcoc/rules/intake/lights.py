"""Traffic lights of the data intake: limits, shares, and what a source lacks (rules I, P, T)."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import fsum
from typing import Any

import pandas as pd

from tcoc.errors import InputError
from tcoc.params import Policy
from tcoc.rules.intake.counts import COUNTED, MEASURES


@dataclass(frozen=True)
class Limit:
    """From which value a check is amber, and from which red."""

    amber: float
    red: float

    def light(self, value: float | None) -> str:
        """Return green, amber or red; grey where there is nothing to look at."""
        if value is None or pd.isna(value):
            return GREY
        return RED if value >= self.red else AMBER if value >= self.amber else GREEN


RED, AMBER, GREEN, GREY = "red", "amber", "green", "grey"
LIGHTS = (RED, AMBER, GREEN, GREY)
"""Worst first; grey says that nothing could be looked at."""


def limit(policy: Policy, check: str) -> Limit:
    """Read a check's limits from params/policy/intake.yml; InputError unless amber <= red."""
    bounds = policy.get(f"intake.{check}")
    if set(bounds) != {"amber", "red"} or not 0 < bounds["amber"] <= bounds["red"]:
        raise InputError(f"intake.{check}: found {bounds}, expected 0 < amber <= red")
    return Limit(**bounds)


MEASURED = ("change_rows", "change_people", "change_dollars", "completion_gap", "short_run_out")
IMPORTED = ("quarantined", "unreconciled")
"""Checks of the import as a whole, whose year is 0; the measured ones have a value, no count."""


def with_shares(counted: pd.DataFrame, years: Iterable[int]) -> pd.DataFrame:
    """Every counted check in every year, with its share; 0 of 0 where nothing was looked at."""
    grid = pd.MultiIndex.from_product([COUNTED, sorted(years)], names=["check", "year"])
    table = counted.set_index(["check", "year"])[["count", "of"]].reindex(grid, fill_value=0)
    table["share"] = table["count"] / table["of"].where(table["of"] > 0)
    return table.reset_index()


def change_checks(changed: pd.DataFrame, years: Iterable[int], least: int = 1) -> pd.DataFrame:
    """Return the largest change of any part from the year before, up or down, by measure and year.

    Parts with fewer than `least` people in both years are not looked at: their changes are chance.
    """
    before = changed.groupby("part")["people"].shift(1).fillna(0)
    large = (before >= least) | (changed["people"].fillna(0) >= least)
    rows = []
    for name in MEASURES:
        moved = changed.loc[large].assign(size=changed[f"change_{name}"].abs())
        by_year = moved.groupby("year")["size"].max()
        rows += [(f"change_{name}", year, by_year.get(year)) for year in sorted(years)]
    return pd.DataFrame(rows, columns=["check", "year", "share"])


def completion_by_year(completeness: pd.DataFrame, factor: Callable[[int], float]) -> pd.DataFrame:
    """Compare what a year's months imply of its completion with the parameter (rule T2).

    One row per year of `completeness`: implied is dollars / (dollars of the same months a year
    before x growth of the mature months), over months with a year before; null where all months
    are mature (then nothing is estimated) or none has a year before. `gap` is the difference.
    """
    rows = []
    for year in sorted(set(completeness["year"].tolist())):
        months = completeness[completeness["year"] == year]
        expected = (months["prior_year_amount"] * months["growth"]).astype(float)
        known = expected > 0
        open_months = bool((~months["mature"].astype(bool) & known).any())
        whole = fsum(expected[known])
        paid = fsum(months.loc[known, "paid_amount"].astype(float))
        implied = paid / whole if whole and open_months else None
        gap = None if implied is None else abs(implied - factor(year))
        rows.append((year, implied, factor(year), gap))
    return pd.DataFrame(rows, columns=["year", "implied_completion", "completion_factor", "gap"])


def import_checks(summary: pd.DataFrame) -> pd.DataFrame:
    """Rows in quarantine of rows read, and dollars that no disposition explains, of the import."""
    read, kept_out = (int(sum(summary[name].tolist())) for name in ("read", "quarantined"))
    carried = fsum(abs(float(d)) for d in summary["difference"].dropna())
    whole = fsum(abs(float(d)) for d in summary["dollars_in_files"].dropna())
    has_dollars = bool(summary["difference"].notna().any())
    return pd.DataFrame(
        [
            ("quarantined", 0, kept_out, read, kept_out / read if read else None),
            ("unreconciled", 0, None, None, carried / max(whole, 1.0) if has_dollars else None),
        ],
        columns=["check", "year", "count", "of", "share"],
    )


ADMISSION = ("check", "place", "year", "count", "of", "share", "limit", "light")
UNMATCHED, CONTROL = "unmatched_cancellations", "control_totals"


def admission_lights(info: Mapping[str, Any]) -> pd.DataFrame:
    """What an import says of its delivery, from store.json, with lights (rules I7, I8).

    One row per (check, place, year): shares that have a limit of admission (red beyond it, though
    it was accepted; amber above half of it), control totals by file (red where what was read
    differs; no limit), and cancellations that meet no original by file type (amber where there are
    any). Year 0 is all years; counts of dollars are cents. A store not imported has no row.
    """
    found = info.get("import", {})
    rows: list[tuple[Any, ...]] = []
    for entry in found.get("lights", []):
        share, most = float(entry["share"]), float(entry["limit"])
        light = "red" if not entry["holds"] else "amber" if share > most / 2 else "green"
        named = (entry["limit_name"], entry["place"], entry["year"], entry["count"], entry["of"])
        rows.append((*named, share, most, light))
    for control in info.get("controls", []):
        off = abs(control["expected"] - control["found"])
        place = f"{control['file']}: {control['name']}"
        light = "green" if control["holds"] else "red"
        rows.append((CONTROL, place, 0, off, control["expected"], None, 0.0, light))
    for name, entry in found.get("types", {}).items():
        if count := entry.get("unmatched", 0):
            share = count / max(entry["read"], 1)
            rows.append((UNMATCHED, name, 0, count, entry["read"], share, None, "amber"))
    table = pd.DataFrame(rows, columns=list(ADMISSION))
    return table.sort_values(["check", "place", "year"], ignore_index=True)


def traffic_lights(checks: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """Give each row of checks (check, year, share) its rule and light."""
    bounds = {check: limit(policy, check) for check in sorted(set(checks["check"]))}
    return checks.assign(
        rule=[policy.entries[f"intake.{check}"].rule for check in checks["check"]],
        light=[
            bounds[check].light(share)
            for check, share in zip(checks["check"], checks["share"], strict=True)
        ],
    )


def careful_share(count: float, of: float, least: int) -> float | None:
    """Return the share by which a published light is decided: it tells no small count (rule D2).

    Fewer than `least` broken rows count as one less than `least`, and fewer than `least` whole
    ones as none; None where there are fewer than `least` rows at all.
    """
    if of < least:
        return None
    if 0 < count < least:
        return min((least - 1) / of, 1.0)
    return 1.0 if 0 < of - count < least else count / of


# ---------------------------------------------------------------- what the source lacks

NEEDS = {
    "specialty": ("A2", "the steps of primary care, so ACO-like and MDPCP-like attribution"),
    "zip": ("P3, A9", "geographic attribution and everything by place of residence"),
    "dual status": ("P4, R1, R3", "risk adjustment by dual status"),
    "monthly enrolment": ("P1, I5", "eligible months to the month; they stand as counts"),
    "original entitlement": ("P4, R3", "the originally disabled factor of the new enrollee method"),
    "managed care": ("P1", "leaving out months of managed care, if there are any"),
    "pass-through": ("I4", "pass-through payments of inpatient claims"),
    "npi": ("A2, Q1", "attribution by clinician and QP threshold scores"),
    "place of service": ("A2", "nothing: no rule looks at it"),
}
"""What a source may lack -> the rules that use it, and what can't be computed without it."""


def consequences(missing: Iterable[str]) -> pd.DataFrame:
    """Return what can't be computed for want of something, one row per missing thing."""
    rows = []
    for name in sorted(set(missing)):
        near = [n for k, n in NEEDS.items() if k in name.lower()]
        rule, part = near[0] if near else ("", "not known: see the importer's notes")
        rows.append((name, rule, part))
    return pd.DataFrame(rows, columns=["missing", "rule", "cannot_be_computed"])
