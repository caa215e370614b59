"""Dictionary entries that several of the MPA's public tables share."""

from tcoc.disclosure import Column

SOURCE = "Medicare claims and enrollment of the run's store; rules M, R, T and A12"
OF = ("benes",)

RATE_YEAR = Column("Rate year", "year", "Fiscal year whose payments are adjusted (rule M1).")
YEAR = Column("Performance year", "year", "Calendar year whose per capita is judged (rule M1).")
CCN = Column("CCN", "key", "CMS certification number of the hospital.")
HOSPITAL = Column("Hospital", "label")
BENES = Column(
    "Beneficiaries", "count", "Attributed people of the performance year (rule A11).", "people"
)


def dollars(label: str, description: str = "", protected: bool = True) -> Column:
    """Return the entry of an amount of dollars; `protected` by the hospital's beneficiaries."""
    return Column(label, "dollars", description, "dollars", OF if protected else ())


def per_capita(label: str, description: str = "") -> Column:
    """Return the entry of an annual amount per beneficiary."""
    return Column(label, "per_capita", description, "dollars per person and year", OF)


def rate(label: str, description: str = "", digits: int = 2, protected: bool = True) -> Column:
    """Return the entry of a result or adjustment; `digits` are those of the percentage."""
    return Column(label, "growth", description, "share", OF if protected else (), digits=digits + 2)


def share(label: str, description: str = "", digits: int = 0) -> Column:
    """Return the entry of a probability or share whose step the beneficiaries set."""
    return Column(label, "share", description, "share", OF, "benes", digits + 2)


def hospitals(label: str, description: str = "") -> Column:
    """Return the entry of a number of hospitals."""
    return Column(label, "entities", description, "hospitals")


def number(label: str, description: str = "", unit: str = "", digits: int = 2) -> Column:
    """Return the entry of a number about nobody: a policy value or a figure of probability."""
    return Column(label, "number", description, unit, digits=digits)


OPTION_NAMES = {
    "improvement": "Own terms, hospitals combined",
    "improvement_single": "Own terms, every hospital alone",
    "improvement_demographic": "Demographic risk adjustment",
    "improvement_new_enrollee": "New enrollee risk adjustment",
    "attainment": "Attainment alone",
    "attainment_half": "Attainment half and half",
    "quality_reward_helps": "Quality rewards always help",
    "base_two_years": "Base of two years",
    "base_three_years": "Base of three years",
    "truncated": "High costs cut",
    "risk_capped": "Risk change capped",
    "credibility": "Weighted by reliability",
    "attainment_price_standardized": "Attainment without price",
}
"""What a reader calls the options that ship with the project; others go by their own name."""


def option_name(option: str) -> str:
    """Return an option as a reader calls it."""
    return OPTION_NAMES.get(option, option.replace("_", " "))
