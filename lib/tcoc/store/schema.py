"""The tables of a data store and their columns: the contract that other programs read.

Identifiers are strings, because leading zeros live. Dates are dates. Dollars are decimal(12,2) in
rows and decimal(18,2) in sums. All tables but `beneficiary` are partitioned by year, as
`TABLE/year=YYYY/*.parquet`, each partition ordered by bene_id.
"""

from dataclasses import dataclass, field

FORMAT_VERSION = 1
ROW_GROUP = 122_880
"""Rows of a row group: the engine's own number of them, which it reads fastest."""

DOLLARS = "decimal(12, 2)"
DOLLAR_SUM = "decimal(18, 2)"

SETTINGS = ("inpatient", "outpatient", "snf", "hha", "hospice")
"""Facility settings, in the order in which reports show them."""

SPENDING_COLUMNS = (*SETTINGS, "professional", "dme")
"""The settings of total cost of care (rule T1), in the order in which reports show them."""

HOSPITAL_SETTINGS = ("inpatient", "outpatient")
"""Settings that count as hospital spending (rule T4)."""


@dataclass(frozen=True)
class Column:
    """One column: Ibis type, whether it may be null, its allowed values or its pattern."""

    name: str
    type: str
    nullable: bool = False
    allowed: tuple[str, ...] = ()
    pattern: str = ""
    identifier: bool = False
    added: bool = False
    """Whether stores that were written before the column was added lack it: it is null there."""


@dataclass(frozen=True)
class TableSpec:
    """One table of the store: key, columns, and the date column whose year is the partition."""

    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    year_of: str = ""
    order: tuple[str, ...] = field(default=())

    @property
    def partitioned(self) -> bool:
        """Whether the table has a folder for each year."""
        return bool(self.year_of)

    @property
    def added(self) -> tuple[str, ...]:
        """Columns that older stores lack."""
        return tuple(c.name for c in self.columns if c.added)

    @property
    def schema(self) -> dict[str, str]:
        """Column names and Ibis types, in order."""
        return {c.name: c.type for c in self.columns}


def _id(name: str, nullable: bool = False, pattern: str = "") -> Column:
    return Column(name, "string", nullable, pattern=pattern, identifier=True)


PROCESSED = Column("processed_date", "date", nullable=True, added=True)
"""When Medicare processed a claim: what completion is measured from (rule T2)."""

BENEFICIARY = TableSpec(
    "beneficiary",
    ("bene_id",),
    (
        _id("bene_id"),
        Column("birth_date", "date"),
        Column("death_date", "date", nullable=True),
        Column("sex", "string", allowed=("F", "M", "U")),
        Column("orig_entitlement", "string", nullable=True, allowed=("0", "1", "2", "3")),
    ),
    order=("bene_id",),
)

MEMBER_MONTH = TableSpec(
    "member_month",
    ("bene_id", "month"),
    (
        _id("bene_id"),
        Column("month", "date"),
        Column("part_a", "boolean"),
        Column("part_b", "boolean"),
        Column("managed_care", "boolean"),
        Column("esrd", "boolean"),
        Column("dual_code", "string", nullable=True, pattern=r"^[0-9A-Z]{2}$"),
        Column("state", "string", pattern=r"^[A-Z]{2}$"),
        Column("county_fips", "string", nullable=True, pattern=r"^[0-9]{5}$"),
        Column("zip", "string", pattern=r"^([0-9]{5})?$"),
    ),
    year_of="month",
    order=("bene_id", "month"),
)

PROFESSIONAL = TableSpec(
    "professional",
    ("claim_id", "line_number"),
    (
        _id("claim_id"),
        Column("line_number", "int32"),
        _id("bene_id"),
        Column("service_date", "date"),
        _id("npi", nullable=True, pattern=r"^[0-9]{10}$"),
        _id("tin", nullable=True),
        Column("specialty", "string", nullable=True, pattern=r"^[0-9A-Z]{2}$"),
        Column("hcpcs", "string", nullable=True, pattern=r"^[0-9A-Z]{5}$"),
        Column("place_of_service", "string", nullable=True, pattern=r"^[0-9A-Z]{2}$"),
        Column("allowed_amount", DOLLARS),
        Column("paid_amount", DOLLARS),
        Column("part_b_covered", "boolean"),
        PROCESSED,
    ),
    year_of="service_date",
    order=("bene_id", "service_date", "claim_id", "line_number"),
)

FACILITY = TableSpec(
    "facility",
    ("claim_id",),
    (
        _id("claim_id"),
        _id("bene_id"),
        Column("setting", "string", allowed=SETTINGS),
        Column("ccn", "string", pattern=r"^[0-9A-Z]{6}$"),
        Column("from_date", "date"),
        Column("thru_date", "date"),
        Column("paid_amount", DOLLARS),
        PROCESSED,
    ),
    year_of="thru_date",
    order=("bene_id", "thru_date", "claim_id"),
)

DME = TableSpec(
    "dme",
    ("claim_id", "line_number"),
    (
        _id("claim_id"),
        Column("line_number", "int32"),
        _id("bene_id"),
        Column("service_date", "date"),
        _id("npi", nullable=True, pattern=r"^[0-9]{10}$"),
        Column("hcpcs", "string", nullable=True, pattern=r"^[0-9A-Z]{5}$"),
        Column("allowed_amount", DOLLARS),
        Column("paid_amount", DOLLARS),
        PROCESSED,
    ),
    year_of="service_date",
    order=("bene_id", "service_date", "claim_id", "line_number"),
)

TABLES: dict[str, TableSpec] = {
    t.name: t for t in (BENEFICIARY, MEMBER_MONTH, PROFESSIONAL, FACILITY, DME)
}
