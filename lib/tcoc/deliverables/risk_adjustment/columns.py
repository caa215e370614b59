"""Dictionary entries that several public tables of risk adjustment share."""

from tcoc.disclosure import Column

SOURCE = "Medicare claims and enrollment of the run's store; rules R1 to R10"
UNIVERSE = "attributed beneficiaries"
OF = ("benes",)
BOTH = ("benes", "base_benes")
"""A growth rests on two years' people: a small count in either hides it."""

YEAR = Column("Performance year", "year", "Calendar year whose per capita is compared (rule R4).")
BASE_YEAR = Column("Base year", "year", "Calendar year that is adjusted (rule R4).")
CCN = Column("CCN", "key", "CMS certification number of the hospital.")
HOSPITAL = Column("Hospital", "label")
METHOD = Column("Method", "label", "How the base year is adjusted (rules R2 and R3).")
BENES = Column("Beneficiaries", "count", "People of the performance year (rule A11).", "people")
BASE_BENES = Column(
    "Beneficiaries, base year", "count", "People of the base year (rule A11).", "people"
)

HELD, MARKED = "Intervals that hold what is planted", "Marked where nothing is planted"
"""What the table of coverage counts: intervals, and marks of hospitals or states."""

METHOD_NAMES = {
    "none": "No adjustment",
    "demographic": "Demographic",
    "demographic_own": "Demographic, own costs",
    "demographic_statewide": "Demographic, state's costs",
    "new_enrollee": "New enrollee score",
}
"""What a reader calls the methods of slide 18 and the forms of the demographic one."""


def per_capita(label: str, description: str = "", of: tuple[str, ...] = OF) -> Column:
    """Return the entry of annual dollars per beneficiary."""
    return Column(label, "per_capita", description, "dollars per person and year", of)


def rate(label: str, description: str = "", of: tuple[str, ...] = OF, digits: int = 4) -> Column:
    """Return the entry of a growth or a difference of growths, shown as a percentage."""
    return Column(label, "growth", description, "share", of, digits=digits)


def error(label: str, description: str = "", of: tuple[str, ...] = OF) -> Column:
    """Return the entry of a sampling error of growth, a size without a sign."""
    return Column(label, "share", description, "share", of, "benes", 4)


def factor(label: str, description: str = "", of: tuple[str, ...] = OF) -> Column:
    """Return the entry of a factor."""
    return Column(label, "factor", description, "", of, digits=3)


def number(label: str, description: str = "", unit: str = "", digits: int = 2) -> Column:
    """Return the entry of a number about nobody: a statistic, a policy value, a printed figure."""
    return Column(label, "number", description, unit, digits=digits)


def hospitals(label: str, description: str = "") -> Column:
    """Return the entry of a number of hospitals."""
    return Column(label, "entities", description, "hospitals")
