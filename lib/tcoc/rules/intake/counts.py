"""What an analyst must know of a store before trusting a year: volumes, checks, traffic lights.

Each check counts the rows that break it, by data year, of all rows that it looks at. Nothing here
holds an identifier beyond the expressions themselves: results are counts and dollars.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import ibis
import ibis.expr.types as ir
import pandas as pd

from tcoc.rules.population import by_person, every_bit, in_years, month_bit
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


@dataclass(frozen=True)
class YearRows:
    """The rows of one or more successive years, each with its `year`, and what is known of people.

    `people` has a row per (year, bene_id) with a month: `known` and `managed`, months with a row
    and of managed care as powers of two. `claimed` has a row per (part, year, bene_id) with a
    claim: `mask`, the months of claims. Both are asked several times: `kept` by the caller.
    """

    years: Sequence[int]
    tables: Tables
    people: ir.Table
    claimed: ir.Table


def year_rows(
    tables: Tables, years: Sequence[int], kept: Callable[[ir.Table], ir.Table]
) -> YearRows:
    """Return the rows of successive years; a claim lies in the year and month of its last day."""
    mine = _in_years(tables, years)
    people, claimed = _people(mine["member_month"], years), _claimed(mine, years)
    return YearRows(years, mine, kept(people), kept(claimed))


def from_year(rows: YearRows, first: int) -> YearRows:
    """Return the rows from a year on: those before are not read again."""
    if first == rows.years[0]:
        return rows
    years = [year for year in rows.years if year >= first]
    people, claimed = (table.filter(table.year >= first) for table in (rows.people, rows.claimed))
    return YearRows(years, _in_years(rows.tables, years), people, claimed)


def _in_years(tables: Tables, years: Sequence[int]) -> Tables:
    last_days = {"facility": "thru_date", "professional": "service_date", "dme": "service_date"}
    last_days["member_month"] = "month"
    mine = {name: in_years(tables[name], day, years) for name, day in last_days.items()}
    return {**tables, **mine}


def _people(months: ir.Table, years: Sequence[int]) -> ir.Table:
    bit = month_bit(months.month)
    bits = months.select(
        "year", "bene_id", bit=bit, managed=ibis.ifelse(months.managed_care, bit, 0).cast("int32")
    )
    return by_person(bits, years, known=every_bit(bits.bit), managed=every_bit(bits.managed))


def _claimed(tables: Tables, years: Sequence[int]) -> ir.Table:
    """Months of claims by part and person: of each part alone, since one key costs a third."""
    facility = tables["facility"]
    stays = facility.select(
        "year", "bene_id", part=facility.setting, bit=month_bit(facility.thru_date)
    )
    parts = [stays.group_by("part", "year", "bene_id").agg(mask=every_bit(stays.bit))]
    for name in ("professional", "dme"):
        lines = tables[name]
        bits = lines.select("year", "bene_id", bit=month_bit(lines.service_date))
        masks = by_person(bits, years, mask=every_bit(bits.bit))
        parts.append(masks.mutate(part=ibis.literal(name)))
    columns = ("part", "year", "bene_id", "mask")
    return cast(ir.Table, ibis.union(*(part.select(*columns) for part in parts)))


def claim_sums(rows: YearRows, line_limit: float, claim_limit: float) -> ir.Table:
    """Claims and lines by part, year and month: how many, dollars, and those that break a check.

    One row per (part, year, month) with rows, dollars and a count for each of CLAIM_CHECKS. A
    payment after death is one for a service that began after the death date; below zero is an
    adjustment that was not netted (rule I1); an outlier is above the limit of a line or of a claim.
    Without a month: the person has no row for the claim's month; managed care: one with a payment
    then.
    """
    claims = _with_death(claim_days(rows.tables), rows.tables)
    people = rows.people.rename(member="bene_id", member_year="year")
    same = [claims.bene_id == people.member]
    if len(rows.years) > 1:
        same.append(claims.year == people.member_year)
    joined = claims.left_join(people, same)
    bit, paid = month_bit(joined.day), joined.paid_amount > 0
    is_line = joined.part.isin(["professional", "dme"])
    limit = ibis.ifelse(is_line, float(line_limit), float(claim_limit))
    broken = {
        "payments_after_death": (joined.first_day > joined.death_date) & paid,
        "negative_amounts": joined.paid_amount < 0,
        "outliers": joined.paid_amount.cast("float64") > limit,
        "claims_without_month": (joined.known.fill_null(0) & bit) == 0,
        "paid_in_managed_care": ((joined.managed.fill_null(0) & bit) > 0) & paid,
    }
    flags = joined.select(
        "part",
        "year",
        "paid_amount",
        month=joined.day.month().cast("int32"),
        **{name: flag.fill_null(False).cast("int8") for name, flag in broken.items()},
    )
    return cast(
        ir.Table,
        flags.group_by("part", "year", "month").agg(
            rows=flags.count().cast("int32"),
            dollars=flags.paid_amount.sum().cast(DOLLAR_SUM),
            **{name: flags[name].sum().cast("int32") for name in broken},
        ),
    )


CLAIM_CHECKS = (
    "payments_after_death",
    "negative_amounts",
    "outliers",
    "claims_without_month",
    "paid_in_managed_care",
)
"""The checks that look at each claim and line once."""

ENROLMENT = ("claims_without_month", "paid_in_managed_care")
"""Those that only years with member months can break."""


def people_counts(rows: YearRows) -> ir.Table:
    """People by part and year: of the whole year (`whole`), and in each month.

    Parts as in VOLUMES.
    """
    claimed = rows.claimed
    together = claimed.group_by("year", "bene_id").agg(mask=every_bit(claimed.mask))
    masks = [
        rows.people.select("year", mask="known", part=ibis.literal(MEMBER_MONTH)),
        together.select("year", "mask", part=ibis.literal(ALL_CLAIMS)),
        claimed.select("year", "mask", "part"),
    ]
    return cast(ir.Table, ibis.union(*(_people_of(of) for of in masks)))


MONTHS = range(1, 13)
_BITS = {f"month_{month}": month for month in MONTHS}


def _people_of(masks: ir.Table) -> ir.Table:
    return cast(
        ir.Table,
        masks.group_by("part", "year").agg(
            whole=masks.count().cast("int32"),
            **{n: _has_bit(masks.mask, m).sum().cast("int32") for n, m in _BITS.items()},
        ),
    )


def _has_bit(mask: ir.IntegerValue, month: int) -> ir.IntegerValue:
    """Return 1 where a mask has the bit of a month, else 0."""
    return cast(ir.IntegerValue, (mask & 2 ** (month - 1) > 0).cast("int32"))


def volumes(sums: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """Rows, people and dollars by part and month, from `claim_sums` and `people_counts`.

    One row per (part, year, month) that has rows; month 0 is the whole year, part `all claims` all
    of them. A person is counted once in each row. A member month is one row of one person and has
    no dollars (null).
    """
    named = {"whole": WHOLE_YEAR, **_BITS}
    key = ["part", "year", "month"]
    heads = people.rename(columns=named).melt(key[:2], var_name="month", value_name="people")
    parts = [sums, sums.assign(part=ALL_CLAIMS)]
    monthly = pd.concat([*parts, *(part.assign(month=WHOLE_YEAR) for part in parts)])
    claims = monthly.groupby(key, as_index=False)[["rows", "dollars"]].sum()
    months = heads[heads["part"] == MEMBER_MONTH]
    counted = months[months["month"] != WHOLE_YEAR].groupby("year")["people"].sum()
    # a member month is a row: in each month as many rows as people
    rows = months["people"].where(months["month"] != WHOLE_YEAR, months["year"].map(counted))
    both = pd.concat([claims, months.assign(rows=rows, dollars=None)[list(claims)]])
    found = both[both["rows"] > 0].merge(heads, "left", key)
    return found[list(VOLUMES)].reset_index(drop=True)


VOLUMES = {
    "part": "string",
    "year": "int32",
    "month": "int32",
    "rows": "int32",
    "people": "int32",
    "dollars": DOLLAR_SUM,
}


def claim_days(tables: Tables) -> ir.Table:
    """All claims and lines of some years: person, part, year, first and last day, and payment."""
    facility = tables["facility"]
    parts = [
        facility.select(
            "bene_id",
            "year",
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
                "year",
                "paid_amount",
                part=ibis.literal(name),
                first_day=lines.service_date,
                day=lines.service_date,
            )
        )
    columns = ("part", "bene_id", "year", "first_day", "day", "paid_amount")
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


def overlapping_stays(facility: ir.Table) -> ir.Table:
    """Inpatient stays that begin before an earlier stay of the person has ended.

    A stay that begins on the day on which another ends is a transfer, no overlap. `facility` has
    the years around those asked for too: an earlier stay can end in the next year.
    """
    stays = facility.filter(facility.setting == "inpatient")
    order = [stays.from_date, stays.thru_date, stays.claim_id]
    so_far = ibis.cumulative_window(group_by=stays.bene_id, order_by=order)
    ended = stays.mutate(ended=stays.thru_date.max().over(so_far))
    again = [ended.from_date, ended.thru_date, ended.claim_id]
    before = ibis.window(group_by=ended.bene_id, order_by=again)
    rows = ended.mutate(until=ended.ended.lag().over(before))
    return _of_rows(rows, rows.thru_date, overlapping_stays=rows.from_date < rows.until)


def claim_checks(every: pd.DataFrame, has_months: bool, year: int) -> pd.DataFrame:
    """CLAIM_CHECKS of a year from `claim_sums`: NAME and NAME_of, one row or none."""
    sums = every[every["year"] == year]
    if sums.empty:
        return pd.DataFrame(columns=["year"])
    names = [name for name in CLAIM_CHECKS if has_months or name not in ENROLMENT]
    found = {name: [int(sums[name].sum())] for name in names}
    return pd.DataFrame(
        {"year": [year], **found, **{name + OF: [int(sums["rows"].sum())] for name in names}}
    )


def people_without_month(rows: YearRows) -> ir.Table:
    """People with a claim or line, but no month of the year; none in a year without any month."""
    people = rows.people.rename(member="bene_id", member_year="year")
    known = people.select(filled="member_year").distinct()
    heads = rows.claimed.select("year", "bene_id").distinct()
    asked = heads.semi_join(known, heads.year == known.filled)
    same = [asked.bene_id == people.member, asked.year == people.member_year]
    flags = asked.left_join(people, same).select("year", broken=people.member.isnull())
    return _by_year(flags, ibis.literal(1), people_without_month=flags.broken)


def month_gaps(rows: YearRows) -> ir.Table:
    """People with months before and after a month of the year for which they have no row.

    Their months as powers of two, from the first on: with no gap all bits are set, so that one
    more has none of them.
    """
    known = rows.people.known
    run = (known // (known & -known)).cast("int32")
    flags = rows.people.select("year", gap=(run & (run + 1)) > 0)
    return _by_year(flags, ibis.literal(1), month_gaps=flags.gap)


SAME = ("bene_id", "service_date", "npi", "hcpcs", "allowed_amount", "paid_amount")
"""In what a repeated service equals the other line."""

SEEN = ("bene_id", "service_date", "npi")
"""What tells a visit: nearly always one claim has all its lines."""


def repeated_services(tables: Tables) -> ir.Table:
    """Professional lines that equal a line of another claim in all but the claim number.

    Only lines whose person, clinician and day stand in two claims are compared: few do. Claims are
    told apart by a hash of their numbers, which takes a third of the time of the numbers.
    """
    lines = tables["professional"]
    # of all lines, also those that are no service: a filter costs more than it leaves out
    every = lines.select(hashed=_seen(lines), claim=lines.claim_id.hash())
    seen = every.group_by("hashed").agg(low=every.claim.min(), high=every.claim.max())
    twice = seen.filter(seen.low != seen.high).select(again="hashed")
    named = lines.filter(lines.npi.notnull(), lines.hcpcs.notnull(), lines.allowed_amount > 0)
    # a selection of its own: one that both sides share would be written down
    hashed = named.select(*SAME, "claim_id", hashed=_seen(named))
    likely = hashed.semi_join(twice, hashed.hashed == twice.again)
    claims = likely.group_by(*SAME, "claim_id").agg(n=likely.count().cast("int32"))
    groups = claims.group_by(*SAME).agg(
        n=claims.n.sum().cast("int32"), claims=claims.count(), most=claims.n.max()
    )
    extra = ibis.ifelse(groups.claims > 1, groups.n - groups.most, 0).cast("int32")
    zero = ibis.literal(0, type="int32")
    dated = lines.select(year=lines.service_date.year().cast("int32"))
    counts = dated.group_by("year").agg(of=dated.count().cast("int32"))
    pieces = ibis.union(
        groups.select(year=groups.service_date.year().cast("int32"), broken=extra, of=zero),
        counts.select("year", broken=zero, of=counts.of),
    )
    return _by_year(pieces, pieces.of, repeated_services=pieces.broken)


def _seen(lines: ir.Table) -> ir.IntegerValue:
    return cast(ir.IntegerValue, ibis.struct({c: lines[c] for c in SEEN}).hash())


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


def check_tables(rows: YearRows, zips: ir.Table) -> list[ir.Table]:
    """The counted checks beside CLAIM_CHECKS, those of the same rows in one table.

    Each as `_by_year` gives it.
    """
    tables = rows.tables
    return [
        line_checks(tables),
        months_after_death(tables),
        people_without_month(rows),
        month_gaps(rows),
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
