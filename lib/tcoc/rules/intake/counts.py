"""What an analyst must know of a store before trusting a year: volumes, checks, traffic lights.

Each check counts the rows that break it, by data year, of all rows that it looks at. Nothing here
holds an identifier beyond the expressions themselves: results are counts and dollars.
"""

from collections.abc import Iterable, Mapping
from typing import Any, cast

import ibis
import ibis.expr.types as ir
import pandas as pd

from tcoc.rules.population import month_bit, number_bit
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

SEEN = ("bene_id", "service_date", "npi")
"""What tells a visit: nearly always one claim has all its lines."""


def repeated_services(tables: Tables) -> ir.Table:
    """Professional lines that equal a line of another claim in all but the claim number.

    Only lines whose person, clinician and day stand in two claims are compared: few do. Claims are
    told apart by a hash of their numbers, which takes a third of the time of the numbers.
    """
    lines = tables["professional"]
    named = lines.filter(lines.npi.notnull(), lines.hcpcs.notnull(), lines.allowed_amount > 0)
    key = ibis.struct({c: named[c] for c in SEEN}).hash()
    # two selections of the lines and not one that both sides share: that would be written down
    every = named.select(hashed=key, claim=named.claim_id.hash())
    seen = every.group_by("hashed").agg(low=every.claim.min(), high=every.claim.max())
    twice = seen.filter(seen.low != seen.high).select(again="hashed")
    hashed = named.select(*SAME, "claim_id", hashed=key)
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
