"""What an analyst must know of a store before trusting a year: volumes, checks, traffic lights.

Each check counts the rows that break it, by data year, of all rows that it looks at. Nothing here
holds an identifier beyond the expressions themselves: results are counts and dollars.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import fsum
from typing import Any, cast

import ibis
import ibis.expr.types as ir
import pandas as pd

from tcoc.errors import InputError
from tcoc.params import Policy
from tcoc.population import month_bit, number_bit
from tcoc.store.schema import DOLLAR_SUM

COUNTS = {"check": "object", "year": "int32", "count": "int32", "of": "int32"}
UNKNOWN_SPECIALTY = "99"
NPI_PREFIX_SUM = 24
"""What the digits 80840 before an NPI add to its Luhn sum."""

Tables = Mapping[str, ir.Table]


# ---------------------------------------------------------------- volumes

ALL_CLAIMS, MEMBER_MONTH = "all claims", "member_month"
WHOLE_YEAR = 0
"""The month that stands for all of a year: people are counted once in it."""


def claim_months(tables: Tables) -> ir.Table:
    """Claims and lines by part, person and month, from which volumes and checks are counted.

    One row per (part, bene_id, year, month): rows, paid_rows (payment above zero), dollars. Parts
    are professional, dme and the facility settings; a claim lies in the month of its last day.
    """
    claims = claim_days(tables)
    paid = ibis.ifelse(claims.paid_amount > 0, 1, 0).cast("int32")
    dated = claims.mutate(
        year=claims.day.year().cast("int32"), month=claims.day.month().cast("int32"), paid=paid
    )
    return cast(
        ir.Table,
        dated.group_by("part", "bene_id", "year", "month").agg(
            rows=dated.count().cast("int32"),
            paid_rows=dated.paid.sum().cast("int32"),
            dollars=dated.paid_amount.sum().cast(DOLLAR_SUM),
        ),
    )


def volumes(claims: ir.Table, member_month: ir.Table) -> ir.Table:
    """Rows, people and dollars by part, year and month, from `claim_months` and the months.

    One row per (part, year, month); month 0 is the whole year, part `all claims` all of them. A
    person is counted once in each row: months are gathered by person as powers of two, since both
    tables have a person once in each month of a part, and counted bit by bit. Member months have
    no dollars (null).
    """
    months = member_month.select(
        "bene_id",
        part=ibis.literal(MEMBER_MONTH),
        year=member_month.month.year().cast("int32"),
        month=member_month.month.month().cast("int32"),
        rows=ibis.literal(1, type="int32"),
        dollars=ibis.null(DOLLAR_SUM),
    )
    by_part = _months_of(claims)
    # the parts' months together, bit by bit: Ibis has no bit_or for Spark
    each = by_part.group_by("year", "bene_id").agg(
        **{name: _has_bit(by_part.mask, month).max() for name, month in _BITS.items()}
    )
    together = each.select(
        "bene_id",
        part=ibis.literal(ALL_CLAIMS),
        year="year",
        mask=sum((each[name] * 2 ** (m - 1) for name, m in _BITS.items()), ibis.literal(0)),
    )
    people = [_people_of(masks) for masks in (_months_of(months), by_part, together)]
    sums = _sums_of(claims)
    everything = sums.group_by("year", "month", part=ibis.literal(ALL_CLAIMS)).agg(
        rows=sums["rows"].sum().cast("int32"), dollars=sums.dollars.sum().cast(DOLLAR_SUM)
    )
    counted = ibis.union(*people)
    summed = ibis.union(_sums_of(months), sums, everything.select(*sums.columns))
    return cast(ir.Table, summed.join(counted, ["part", "year", "month"]).select(*VOLUMES))


MONTHS = range(1, 13)
_BITS = {f"month_{month}": month for month in MONTHS}


def _months_of(rows: ir.Table) -> ir.Table:
    """The months of each person, part and year as powers of two; each month stands there once."""
    bits = rows.select("part", "year", "bene_id", bit=number_bit(rows.month))
    return cast(
        ir.Table, bits.group_by("part", "year", "bene_id").agg(mask=bits.bit.sum().cast("int32"))
    )


def _people_of(masks: ir.Table) -> ir.Table:
    """People by month and of whole years, by part."""
    wide = masks.group_by("part", "year").agg(
        whole=masks.count().cast("int32"),
        **{n: _has_bit(masks.mask, m).sum().cast("int32") for n, m in _BITS.items()},
    )
    named = {"whole": WHOLE_YEAR, **_BITS}
    return cast(
        ir.Table,
        ibis.union(
            *(
                wide.select("part", "year", month=ibis.literal(month, type="int32"), people=name)
                for name, month in named.items()
            )
        ),
    )


def _sums_of(rows: ir.Table) -> ir.Table:
    """Rows and dollars by month and of whole years, by part."""
    monthly = rows.group_by("part", "year", "month").agg(
        rows=rows["rows"].sum().cast("int32"), dollars=rows.dollars.sum().cast(DOLLAR_SUM)
    )
    yearly = monthly.group_by("part", "year").agg(
        month=ibis.literal(WHOLE_YEAR, type="int32"),
        rows=monthly["rows"].sum().cast("int32"),
        dollars=monthly.dollars.sum().cast(DOLLAR_SUM),
    )
    return cast(ir.Table, ibis.union(monthly, yearly))


def _has_bit(mask: ir.IntegerValue, month: int) -> ir.IntegerValue:
    """Return 1 where a mask has the bit of a month, else 0."""
    return cast(ir.IntegerValue, (mask & 2 ** (month - 1) > 0).cast("int32"))


VOLUMES = {
    "part": "string",
    "year": "int32",
    "month": "int32",
    "rows": "int32",
    "people": "int32",
    "dollars": DOLLAR_SUM,
}


def claim_days(tables: Tables) -> ir.Table:
    """All claims and lines with person, part, first and last day, and payment."""
    facility = tables["facility"]
    parts = [
        facility.select(
            "bene_id",
            "paid_amount",
            part=facility.setting,
            first_day=facility.from_date,
            day=facility.thru_date,
        )
    ]
    for name in ("professional", "dme"):
        lines = tables[name]
        parts.append(
            lines.select(
                "bene_id",
                "paid_amount",
                part=ibis.literal(name),
                first_day=lines.service_date,
                day=lines.service_date,
            )
        )
    columns = ("part", "bene_id", "first_day", "day", "paid_amount")
    return cast(ir.Table, ibis.union(*(part.select(*columns) for part in parts)))


MEASURES = ("rows", "people", "dollars")


def changes(volumes: pd.DataFrame) -> pd.DataFrame:
    """Change of rows, people and dollars of each part from the year before.

    One row per (part, year) of the whole-year rows of `volumes`, with the measures and
    change_MEASURE as a fraction; null in a part's first year and after a year of nothing. A part
    that ends leaves a row of zeros: -1, not silence.
    """
    whole = volumes[volumes["month"] == WHOLE_YEAR].set_index(["part", "year"])[list(MEASURES)]
    years = sorted(set(whole.index.get_level_values("year")))
    parts = sorted(set(whole.index.get_level_values("part")))
    grid = pd.MultiIndex.from_product([parts, years], names=["part", "year"])
    table = whole.astype(float).reindex(grid)
    for name in MEASURES:
        filled = table[name].fillna(0.0)
        before = filled.reindex([(p, y - 1) for p, y in grid]).to_numpy()
        change = filled.to_numpy() / pd.Series(before).where(lambda b: b > 0).to_numpy() - 1
        table[f"change_{name}"] = change
    return table.reset_index()


# ---------------------------------------------------------------- checks


OF = "_of"
"""Ending of the column that counts the rows at which a check looks."""


def line_checks(tables: Tables) -> ir.Table:
    """Professional lines without specialty (or 99), without NPI, and with a wrong check digit.

    Wrong check digits are counted of all lines, so that the lines without NPI don't follow from
    two counts of lines looked at.
    """
    lines = tables["professional"]
    unknown = lines.specialty.fill_null(UNKNOWN_SPECIALTY) == UNKNOWN_SPECIALTY
    dated = lines.select(
        "npi", year=lines.service_date.year().cast("int32"), unknown=unknown.cast("int32")
    )
    clinicians = dated.group_by("year", "npi").agg(
        lines=dated.count().cast("int32"), unknown=dated.unknown.sum().cast("int32")
    )
    good = has_check_digit(clinicians.npi).fill_null(True)
    return _by_year(
        clinicians,
        clinicians.lines,
        unknown_specialty=clinicians.unknown,
        missing_npi=ibis.ifelse(clinicians.npi.isnull(), clinicians.lines, 0),
        npi_check_digit=ibis.ifelse(good, 0, clinicians.lines),
    )


def has_check_digit(npi: ir.StringValue) -> ir.BooleanValue:
    """Whether ten digits end in their Luhn check digit, with the prefix 80840 before them."""
    total: Any = ibis.literal(NPI_PREFIX_SUM)
    for place in range(10):
        digit = npi.substr(place, 1).cast("int32")
        total = total + (_doubled(digit) if place % 2 == 0 else digit)
    return cast(ir.BooleanValue, total % 10 == 0)


def _doubled(digit: ir.IntegerValue) -> ir.IntegerValue:
    """Twice a digit, as the sum of its digits."""
    return cast(ir.IntegerValue, ibis.ifelse(digit > 4, digit * 2 - 9, digit * 2))


def zip_not_in_state(tables: Tables, zips: ir.Table, state: str = "MD") -> ir.Table:
    """Months of the state's residents with a blank ZIP, or one that is not among its ZIPs."""
    months = tables["member_month"]
    here = months.filter(months.state == state)
    known = zips.select(known="zip").distinct()
    joined = here.left_join(known, here.zip == known.known)
    return _of_rows(joined, joined.month, zip_not_in_state=joined.known.isnull())


def payment_checks(tables: Tables, line_limit: float, claim_limit: float) -> ir.Table:
    """Claims and lines with a payment after death, below zero, or above a limit.

    After death: a payment for a service that began after the death date. Below zero: an adjustment
    that was not netted (rule I1).
    """
    rows = _with_death(claim_days(tables), tables)
    is_line = rows.part.isin(["professional", "dme"])
    limit = ibis.ifelse(is_line, float(line_limit), float(claim_limit))
    return _of_rows(
        rows,
        rows.day,
        payments_after_death=(rows.first_day > rows.death_date) & (rows.paid_amount > 0),
        negative_amounts=rows.paid_amount < 0,
        outliers=rows.paid_amount.cast("float64") > limit,
    )


def months_after_death(tables: Tables) -> ir.Table:
    """Months with Part A or B that begin after the death date."""
    rows = _with_death(tables["member_month"], tables)
    after = (rows.month > rows.death_date) & (rows.part_a | rows.part_b)
    return _of_rows(rows, rows.month, months_after_death=after)


def _with_death(rows: ir.Table, tables: Tables) -> ir.Table:
    people = tables["beneficiary"]
    died = people.filter(people.death_date.notnull())
    deaths = died.select(person="bene_id", death_date="death_date")
    return cast(ir.Table, rows.left_join(deaths, rows.bene_id == deaths.person))


def overlapping_stays(tables: Tables) -> ir.Table:
    """Inpatient stays that begin before an earlier stay of the person has ended.

    A stay that begins on the day on which another ends is a transfer, no overlap.
    """
    facility = tables["stays"] if "stays" in tables else tables["facility"]
    stays = facility.filter(facility.setting == "inpatient")
    order = [stays.from_date, stays.thru_date, stays.claim_id]
    so_far = ibis.cumulative_window(group_by=stays.bene_id, order_by=order)
    ended = stays.mutate(ended=stays.thru_date.max().over(so_far))
    again = [ended.from_date, ended.thru_date, ended.claim_id]
    before = ibis.window(group_by=ended.bene_id, order_by=again)
    rows = ended.mutate(until=ended.ended.lag().over(before))
    return _of_rows(rows, rows.thru_date, overlapping_stays=rows.from_date < rows.until)


def enrolment_checks(tables: Tables) -> ir.Table:
    """Claims, lines and people without a month of enrolment, and payments in managed care.

    In years that have months: claims and lines of a month for which the person has no row; people
    with a claim or line, but no month of the year; claims and lines with a payment in a month of
    managed care.
    """
    rows = _with_months(tables)
    people = rows.group_by("year", "bene_id").agg(
        rows=rows["rows"].sum().cast("int32"),
        without=ibis.ifelse(_has(rows, rows.known), 0, rows["rows"]).sum().cast("int32"),
        managed=ibis.ifelse(_has(rows, rows.managed), rows.paid_rows, 0).sum().cast("int32"),
        known=rows.known.max(),
    )
    claims = _by_year(
        people,
        people["rows"],
        claims_without_month=people.without,
        paid_in_managed_care=people.managed,
    )
    heads = _by_year(
        people, ibis.literal(1), people_without_month=ibis.ifelse(people.known > 0, 0, 1)
    )
    both = claims.join(heads.rename(head_year="year"), claims.year == heads.year)
    return cast(ir.Table, both.drop("head_year"))


def month_gaps(tables: Tables) -> ir.Table:
    """People with months before and after a month of the year for which they have no row."""
    months = tables["member_month"]
    number = months.month.month().cast("int32")
    dated = months.mutate(year=months.month.year().cast("int32"), number=number)
    people = dated.group_by("year", "bene_id").agg(
        months=dated.count().cast("int32"), first=dated.number.min(), last=dated.number.max()
    )
    gap = people.last - people["first"] + 1 > people.months
    return _by_year(people, ibis.literal(1), month_gaps=ibis.ifelse(gap, 1, 0))


def _with_months(tables: Tables) -> ir.Table:
    """Claim months of years with member months, with the person's months as bits."""
    months = tables["member_month"]
    bit = month_bit(months.month)
    dated = months.select(
        "bene_id",
        year=months.month.year().cast("int32"),
        bit=bit,
        managed=ibis.ifelse(months.managed_care, bit, 0).cast("int32"),
    )
    people = dated.group_by("bene_id", "year").agg(
        known=dated.bit.sum().cast("int32"), managed=dated.managed.sum().cast("int32")
    )
    person = people.select(person="bene_id", person_year="year", known="known", managed="managed")
    claims = tables["claim_months"] if "claim_months" in tables else claim_months(tables)
    years = people.select(covered="year").distinct()
    covered = claims.semi_join(years, claims.year == years.covered)
    on = (covered.bene_id == person.person) & (covered.year == person.person_year)
    joined = covered.left_join(person, on)
    masks = {name: joined[name].fill_null(0) for name in ("known", "managed")}
    return cast(ir.Table, joined.select("bene_id", "year", "month", "rows", "paid_rows", **masks))


def _has(rows: ir.Table, mask: ir.IntegerValue) -> ir.BooleanValue:
    """Whether the bit of a row's month is set in a mask."""
    return cast(ir.BooleanValue, (mask & number_bit(rows.month)) > 0)


SAME = ("bene_id", "service_date", "npi", "hcpcs", "allowed_amount", "paid_amount")
"""In what a repeated service equals the other line."""


def repeated_services(tables: Tables) -> ir.Table:
    """Professional lines that equal a line of another claim in all but the claim number.

    Only lines whose hash of these columns is there twice are compared: nearly all are alone.
    """
    lines = tables["professional"]
    named = lines.filter(lines.npi.notnull(), lines.hcpcs.notnull(), lines.allowed_amount > 0)
    hashed = named.select(*SAME, "claim_id", hashed=ibis.struct({c: named[c] for c in SAME}).hash())
    seen = hashed.group_by("hashed").agg(lines=hashed.count())
    twice = seen.filter(seen.lines > 1).select(again="hashed")
    likely = hashed.semi_join(twice, hashed.hashed == twice.again)
    claims = likely.group_by(*SAME, "claim_id").agg(n=likely.count().cast("int32"))
    groups = claims.group_by(*SAME).agg(
        n=claims.n.sum().cast("int32"), claims=claims.count(), most=claims.n.max()
    )
    extra = ibis.ifelse(groups.claims > 1, groups.n - groups.most, 0).cast("int32")
    zero = ibis.literal(0, type="int32")
    dated = lines.select(year=lines.service_date.year().cast("int32"))
    every = dated.group_by("year").agg(of=dated.count().cast("int32"))
    pieces = ibis.union(
        groups.select(year=groups.service_date.year().cast("int32"), broken=extra, of=zero),
        every.select("year", broken=zero, of=every.of),
    )
    return _by_year(pieces, pieces.of, repeated_services=pieces.broken)


def _by_year(rows: ir.Table, of: ir.Value, **broken: ir.Value) -> ir.Table:
    """Sum the broken and all rows of checks: one row per year, NAME and NAME_of by check."""
    numbers = rows.select(
        "year", of=of.cast("int32"), **{name: value.cast("int32") for name, value in broken.items()}
    )
    sums = {name: numbers[name].sum().cast("int32") for name in broken}
    looked_at = {name + OF: numbers.of.sum().cast("int32") for name in broken}
    return cast(ir.Table, numbers.group_by("year").agg(**sums, **looked_at))


def _of_rows(rows: ir.Table, day: ir.DateValue, **broken: ir.BooleanValue) -> ir.Table:
    """Count broken rows by the year of a day; unknown is not broken."""
    flags = rows.select(
        year=day.year().cast("int32"), **{n: b.fill_null(False) for n, b in broken.items()}
    )
    return _by_year(flags, ibis.literal(1), **{name: flags[name] for name in broken})


COUNTED = (
    "unknown_specialty",
    "missing_npi",
    "npi_check_digit",
    "payments_after_death",
    "months_after_death",
    "overlapping_stays",
    "claims_without_month",
    "people_without_month",
    "month_gaps",
    "paid_in_managed_care",
    "negative_amounts",
    "repeated_services",
    "zip_not_in_state",
    "outliers",
)
"""The checks that count rows."""


def check_tables(tables: Tables, zips: ir.Table, limits: tuple[float, float]) -> list[ir.Table]:
    """All counted checks, those of the same rows in one table, as `_by_year` gives them."""
    return [
        line_checks(tables),
        payment_checks(tables, *limits),
        months_after_death(tables),
        overlapping_stays(tables),
        enrolment_checks(tables),
        month_gaps(tables),
        repeated_services(tables),
        zip_not_in_state(tables, zips),
    ]


def counted(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Put the checks one below the other: a row per (check, year), count of broken rows, of all."""
    frames = [
        pd.DataFrame({"check": n, "year": t["year"], "count": t[n], "of": t[n + OF]})
        for t in tables
        for n in COUNTED
        if n in t
    ]
    return pd.concat(frames, ignore_index=True).astype(COUNTS)


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
