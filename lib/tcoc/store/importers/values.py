"""How the text of a source field becomes a value of the store: DuckDB SQL expressions.

A value that can't be read is null. Where the store can't do without it, or where text stands that
is not what the field says, the row goes to quarantine with the reason; a clinician's number or a
code that is not well formed is left blank and counted, so that the line keeps its dollars.
"""

from collections.abc import Callable, Sequence

from tcoc.store.importers.layouts import FieldSpec

SUBUNIT = "substr({x}, 3, 1) IN ('S', 'T', 'U', 'W', 'Y', 'Z', 'M', 'R')"

STRICT = {
    "date": "a date from 1850 to 2100",
    "service_date": "a date from 1965 to 2100",
    "year": "a year from 1990 to 2100",
    "amount": "an amount below 10 billion dollars",
    "amount0": "an amount below 10 billion dollars",
    "charge": "an amount from 0 to below 10 billion dollars",
    "integer": "a whole number",
    "integer0": "a whole number",
    "line": "a whole number",
    "ccn": "a provider number of six letters or digits",
}
"""Kinds whose text must be readable, with the words that say what was expected."""

LENIENT = ("npi", "code2", "hcpcs")
"""Kinds that are left blank where the text is not well formed, and counted."""


def quoted(name: str) -> str:
    """Quote a column name."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a text."""
    return "'" + text.replace("'", "''") + "'"


def raw_text(column: str, nulls: Sequence[str] = ()) -> str:
    """Return a source column without blanks around it; blank, or a text that says so, is null."""
    text = f"nullif(trim({quoted(column)}), '')"
    if not nulls:
        return text
    return f"CASE WHEN {text} NOT IN ({', '.join(literal(n) for n in nulls)}) THEN {text} END"


def typed(field: FieldSpec, x: str) -> str:
    """Return the SQL that turns a field's text into a value of its kind, or null."""
    return _KINDS[field.kind](x)


def problem(field: FieldSpec, column: str, raw: str, value: str) -> list[tuple[str, str]]:
    """Return (condition, reason) pairs that make a row unusable."""
    rules = []
    if field.need == "row":
        rules.append((f"{raw} IS NULL", f"{column} is blank"))
    if field.kind in STRICT:
        rules.append(
            (f"{raw} IS NOT NULL AND {value} IS NULL", f"{column} is not {STRICT[field.kind]}")
        )
    return rules


def date_sql(x: str) -> str:
    """Return the SQL for a date in any form that CMS files have.

    10-Jul-2014, 10JUL2014, 20140710, 2014-07-10 and 07/10/2014, most with or without a time of
    day. Each length admits few forms, so that no text reads as two dates.
    """
    dash = f"substr({x}, 5, 1) = '-'"
    return (
        f"CASE WHEN length({x}) = 8 THEN CASE WHEN {x} ~ '^[0-9]{{8}}$' THEN {_parse(x, '%Y%m%d')}"
        f" ELSE {_parse(x, '%m/%d/%Y')} END"
        f" WHEN length({x}) = 11 THEN {_parse(x, '%d-%b-%Y')}"
        f" WHEN length({x}) = 10 AND {dash} THEN {_parse(x, '%Y-%m-%d')}"
        f" WHEN length({x}) = 10 THEN coalesce({_parse(x, '%m/%d/%Y')}, {_parse(x, '%d-%b-%Y')})"
        f" WHEN length({x}) = 9 THEN coalesce({_parse(x, '%d%b%Y')}, {_parse(x, '%m/%d/%Y')})"
        f" WHEN length({x}) > 11 AND {dash} THEN try_cast(try_cast({x} AS TIMESTAMP) AS DATE)"
        f" WHEN length({x}) > 11 THEN coalesce({_parse(f'substr({x}, 1, 9)', '%d%b%Y')},"
        f" {_parse(f'substr({x}, 1, 11)', '%d-%b-%Y')},"
        f" {_parse(f'substr({x}, 1, 10)', '%m/%d/%Y')})"
        " END"
    )


def _parse(x: str, form: str) -> str:
    return f"CAST(try_strptime({x}, '{form}') AS DATE)"


def _between(x: str, first: int, last: int) -> str:
    date = date_sql(x)
    return (
        f"CASE WHEN ({date}) BETWEEN DATE '{first}-01-01' AND DATE '{last}-12-31' THEN ({date}) END"
    )


def _matching(x: str, pattern: str) -> str:
    return f"CASE WHEN regexp_full_match({x}, '{pattern}') THEN {x} END"


def _padded(x: str, width: int) -> str:
    """A code in capitals; one that a spreadsheet robbed of its leading zeros gets them back."""
    short = f"{x} ~ '^[0-9]+$' AND length({x}) < {width}"
    return f"CASE WHEN {short} THEN lpad({x}, {width}, '0') ELSE upper({x}) END"


def _amount(x: str) -> str:
    return f"try_cast({x} AS DECIMAL(12, 2))"


def _charge(x: str) -> str:
    return f"CASE WHEN {_amount(x)} >= 0 THEN {_amount(x)} END"


def _ccn(x: str) -> str:
    code = _matching(f"({_padded(x, 6)})", "[0-9A-Z]{6}")
    host = f"substr(upper({x}), 1, 2) || '0' || substr(upper({x}), 4)"
    unit = f"length({x}) = 6 AND {SUBUNIT.format(x=f'upper({x})')}"
    return f"CASE WHEN {unit} THEN {_matching(f'({host})', '[0-9A-Z]{6}')} ELSE {code} END"


def _integer(x: str) -> str:
    """A whole number, also written 3.0 or 3.00."""
    number = f"try_cast(try_cast({x} AS DECIMAL(18, 2)) AS INTEGER)"
    return f"CASE WHEN {x} ~ '^-?[0-9]+([.]0*)?$' THEN {number} END"


def _year(x: str) -> str:
    year = f"try_cast({x} AS INTEGER)"
    return f"CASE WHEN {year} BETWEEN 1990 AND 2100 THEN {year} END"


_KINDS: dict[str, Callable[[str], str]] = {
    "text": lambda x: x,
    "code": lambda x: f"upper({x})",
    "code2": lambda x: _matching(f"({_padded(x, 2)})", "[0-9A-Z]{2}"),
    "hcpcs": lambda x: _matching(f"(upper({x}))", "[0-9A-Z]{5}"),
    "npi": lambda x: _matching(x, "[0-9]{10}"),
    "ccn": _ccn,
    "date": lambda x: _between(x, 1850, 2100),
    "service_date": lambda x: _between(x, 1965, 2100),
    "year": _year,
    "amount": _amount,
    "amount0": lambda x: f"CASE WHEN {x} IS NULL THEN 0.00 ELSE {_amount(x)} END",
    "charge": _charge,
    "integer": _integer,
    "integer0": lambda x: f"CASE WHEN {x} IS NULL THEN 0 ELSE {_integer(x)} END",
    "line": lambda x: f"CASE WHEN {x} IS NULL THEN 0 ELSE {_integer(x)} END",
}
