"""How the text of a source field becomes a value of the store (rule I7): DuckDB SQL expressions.

One way for every source, in four steps: the text without blanks around it; the same without null
words, float tails and times of day; what it says as a date or an amount; the value. What had to be
mended on the way is a *repair*, counted by file and column.

A value that can't be read is null. Where the store can't do without it, or where text stands that
is not what the field says, the row goes to quarantine with the reason; a clinician's number or a
code that is not well formed is left blank and counted, so that the line keeps its dollars.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tcoc.store.importers.layouts import FieldSpec

NULL_WORDS = ("na", "n/a", "null", "\\n", ".", "nan", "nat", "<na>", "(null)")
"""What databases, R, SAS and pandas write where nothing stands, in small letters."""

SENTINELS = "year({d}) >= 9999 OR {d} IN (DATE '1000-01-01', DATE '0001-01-01')"
"""Dates that mean "none", in whatever form they are written."""

SUBUNIT = "substr({x}, 3, 1) IN ('S', 'T', 'U', 'W', 'Y', 'Z', 'M', 'R')"

REPAIRS = {
    1: "null word read as blank",
    2: "date that means none read as blank",
    3: "whole number written as a float",
    4: "padded to its width",
    5: "sign or thousands written as a spreadsheet does",
    6: "not well formed, left blank",
    7: "time of day left out",
    9: "code that is not in CMS's list",
}
"""What is counted of a text, by number; one per text, the most serious one."""

BLANKED, UNKNOWN = 6, 9

STRICT = {
    "date": "a date from 1850 to 2100",
    "service_date": "a date from 1965 to 2100",
    "year": "a year from 1990 to 2100",
    "amount": "an amount below 10 billion dollars",
    "amount0": "an amount below 10 billion dollars",
    "integer": "a whole number",
    "integer0": "a whole number",
    "line": "a whole number",
    "ccn": "a provider number of six letters or digits",
}
"""Kinds whose text must be readable, with the words that say what was expected."""

LENIENT = ("npi", "code2", "hcpcs", "digits", "zip", "processed")
"""Kinds that are left blank where the text is not well formed, and counted."""

DATES = ("date", "service_date", "processed")
AMOUNTS = ("amount", "amount0")

LOST_DIGITS = "regexp_full_match({x}, '[0-9]([.][0-9]+)?[Ee][+][0-9]+')"
"""An identifier that a spreadsheet wrote as 1.2E+12: its digits are gone."""

TIME = (
    "^([0-9A-Za-z/-]{8,11})[ T:][0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?( ?[AaPp][Mm])?"
    "( ?(Z|UTC|[+-][0-9]{2}:?[0-9]{2}))?$"
)
"""A date with a time of day; the day is the one that is written, whatever the time zone."""


def quoted(name: str) -> str:
    """Quote a column name."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a text."""
    return "'" + text.replace("'", "''") + "'"


def trimmed(column: str) -> str:
    """Return a source column without blanks around it; nothing is null."""
    return f"nullif(trim({quoted(column)}), '')"


@dataclass(frozen=True)
class Text:
    """The SQL of one source column on its way to a value, by step; names of columns of a step.

    `t` is the trimmed text, `r` the readable one, `p` what it says as a date or an amount, `v` the
    value, `f` the number of the repair.
    """

    field: FieldSpec
    codes: tuple[str, ...]
    t: str
    r: str
    p: str
    v: str
    f: str

    @property
    def parses(self) -> bool:
        """Whether there is a step between text and value."""
        return self.field.kind in (*DATES, *AMOUNTS)

    def readable(self, nulls: Sequence[str]) -> str:
        """Return the SQL of `r` over `t`: null words, float tails and times of day are gone."""
        kind = self.field.kind
        own = {c.lower() for c in self.codes}
        words = [w for w in (*NULL_WORDS, *nulls) if w not in own]
        longest = max(map(len, words))
        listed = ", ".join(literal(w) for w in words)
        first = sorted({ord(c) for word in words for c in (word[0], word[0].upper())})
        begins = f"ascii({self.t}) IN ({', '.join(map(str, first))})"
        # the first letter alone rules out nearly every text, at a fraction of the cost
        null = f"length({self.t}) <= {longest} AND {begins} AND lower({self.t}) IN ({listed})"
        cases = [f"WHEN {null} THEN NULL"]
        if kind not in AMOUNTS:
            float_tail = f"regexp_full_match({self.t}, '-?[0-9]+[.]0*')"
            cases.append(
                f"WHEN contains({self.t}, '.') AND {float_tail} THEN split_part({self.t}, '.', 1)"
            )
        if kind in DATES:
            day = f"regexp_extract({self.t}, {literal(TIME)}, 1)"
            cases.append(f"WHEN length({self.t}) > 11 THEN coalesce(nullif({day}, ''), {self.t})")
        return f"CASE {' '.join(cases)} ELSE {self.t} END"

    def parsed(self) -> str:
        """Return the SQL of `p` over `r`."""
        return date_sql(self.r) if self.field.kind in DATES else _amount(self.r)

    def value(self) -> str:
        """Return the SQL of `v` over `r` and `p`."""
        if self.field.kind == "amount0":
            return f"CASE WHEN {self.r} IS NULL THEN 0.00 ELSE {self.p} END"
        return _KINDS[self.field.kind](self.p if self.parses else self.r, self.field)

    def repair(self) -> str:
        """Return the SQL of the repair's number, 0 where the text was as it should be."""
        kind, t, r, v = self.field.kind, self.t, self.r, self.v
        cases = [f"WHEN {t} IS NULL THEN 0", f"WHEN {r} IS NULL THEN 1"]
        if kind in DATES:
            cases.append(f"WHEN {v} IS NULL AND ({SENTINELS.format(d=self.p)}) THEN 2")
        if kind in LENIENT:
            cases.append(f"WHEN {v} IS NULL THEN {BLANKED}")
        if self.codes:
            # the usual codes stand first in a list: most rows are compared with these alone
            usual, listed = (", ".join(map(literal, c)) for c in (self.codes[:4], self.codes))
            cases.append(f"WHEN {v} NOT IN ({usual}) AND {v} NOT IN ({listed}) THEN {UNKNOWN}")
        if kind in AMOUNTS:
            cases.append(f"WHEN try_cast({r} AS DECIMAL(18, 2)) IS NULL AND {v} IS NOT NULL THEN 5")
        elif kind in DATES:
            cases.append(f"WHEN length({t}) > length({r}) THEN if(contains({t}, ':'), 7, 3)")
        else:
            cases.append(f"WHEN length({t}) > length({r}) THEN 3")
        if width := width_of(self.field):
            cases.append(f"WHEN length({r}) < {width} AND length({v}) = {width} THEN 4")
        return f"CASE {' '.join(cases)} ELSE 0 END"

    def problems(self, column: str) -> list[tuple[str, str]]:
        """Return (condition, reason) pairs that make a row unusable."""
        found = []
        blank = f"({self.r} IS NULL OR {self.f} = 2)"
        if self.field.need == "row":
            found.append((blank, f"{column} is blank"))
            if self.field.kind == "text":
                lost = f"contains({self.r}, '+') AND {LOST_DIGITS.format(x=self.r)}"
                found.append((lost, f"{column} is a number that has lost its digits"))
        if self.field.kind in STRICT:
            wrong = f"{self.r} IS NOT NULL AND {self.v} IS NULL AND {self.f} <> 2"
            found.append((wrong, f"{column} is not {STRICT[self.field.kind]}"))
        return found


def width_of(field: FieldSpec) -> int:
    """Return the digits of a padded field: its own, or those of its kind."""
    return field.width or {"code2": 2, "ccn": 6, "zip": 5}.get(field.kind, 0)


def date_sql(x: str) -> str:
    """Return the SQL for a date in any form that deliveries have, without a time of day.

    10-Jul-2014, 10JUL2014, 20140710, 2014-07-10, 2014/07/10 and 7/10/2014. Each length admits few
    forms, so that no text reads as two dates.
    """
    return (
        f"CASE length({x}) WHEN 8 THEN CASE WHEN {x} ~ '^[0-9]{{8}}$' THEN {_parse(x, '%Y%m%d')}"
        f" ELSE {_parse(x, '%m/%d/%Y')} END"
        f" WHEN 11 THEN {_parse(x, '%d-%b-%Y')}"
        f" WHEN 10 THEN CASE substr({x}, 5, 1) WHEN '-' THEN {_parse(x, '%Y-%m-%d')}"
        f" WHEN '/' THEN {_parse(x, '%Y/%m/%d')}"
        f" ELSE coalesce({_parse(x, '%m/%d/%Y')}, {_parse(x, '%d-%b-%Y')}) END"
        f" WHEN 9 THEN coalesce({_parse(x, '%d%b%Y')}, {_parse(x, '%m/%d/%Y')}) END"
    )


def dollars(x: str) -> str:
    """Return the SQL for the dollars in a text of any size, null where it says none (rule I8)."""
    return f"coalesce(try_cast({x} AS DECIMAL(18, 2)), try_cast({_plain(x)} AS DECIMAL(18, 2)))"


def _parse(x: str, form: str) -> str:
    return f"CAST(try_strptime({x}, '{form}') AS DATE)"


def _between(x: str, first: int, last: int) -> str:
    return f"CASE WHEN {x} BETWEEN DATE '{first}-01-01' AND DATE '{last}-12-31' THEN {x} END"


def _matching(x: str, pattern: str) -> str:
    return f"CASE WHEN regexp_full_match({x}, '{pattern}') THEN {x} END"


def _padded(x: str, width: int) -> str:
    """A code in capitals; one that a spreadsheet robbed of its leading zeros gets them back."""
    short = f"length({x}) < {width} AND {x} ~ '^[0-9]+$'"
    return f"CASE WHEN {short} THEN lpad({x}, {width}, '0') ELSE upper({x}) END"


def _code(x: str, field: FieldSpec) -> str:
    return _padded(x, field.width) if field.width else f"upper({x})"


def _digits(x: str, field: FieldSpec) -> str:
    """Digits of a width; of a county of five, one zero at most was lost: none begins with two."""
    if field.width == 5:
        lost = f"CASE WHEN length({x}) = 4 THEN '0' || {x} ELSE {x} END"
        return _matching(f"({lost})", "[0-9]{5}")
    return _matching(f"({_padded(x, field.width)})", f"[0-9]{{{field.width}}}")


def _zip(x: str, field: FieldSpec) -> str:
    """The five digits of a ZIP; of more than five digits the last four are the add-on."""
    of_nine = f"left(lpad({x}, 9, '0'), 5)"
    long = f"WHEN regexp_full_match({x}, '[0-9]{{6,9}}') THEN {of_nine}"
    dashed = f"WHEN regexp_full_match({x}, '[0-9]{{3,5}}-[0-9]{{0,4}}') THEN"
    short = f"lpad(split_part({x}, '-', 1), 5, '0')"
    return (
        f"CASE WHEN regexp_full_match({x}, '[0-9]{{5}}') THEN {x} {long} {dashed} {short}"
        f" WHEN regexp_full_match({x}, '[0-9]{{3,4}}') THEN lpad({x}, 5, '0') END"
    )


def _plain(x: str) -> str:
    """An amount as spreadsheets and mainframes write it: 80.00-, (80.00), +80.00, 1,234.50."""
    number = "([0-9]+|[0-9]{1,3}(,[0-9]{3})+)([.][0-9]*)?"
    bare = f"replace({x}, ',', '')"
    return (
        f"CASE WHEN regexp_full_match({x}, '{number}-') THEN '-' || rtrim({bare}, '-')"
        f" WHEN regexp_full_match({x}, '[(]{number}[)]') THEN '-' || trim({bare}, '()')"
        f" WHEN regexp_full_match({x}, '[+]{number}') THEN ltrim({bare}, '+')"
        f" WHEN regexp_full_match({x}, '-?{number}') THEN {bare} END"
    )


def _amount(x: str) -> str:
    cast = "try_cast({x} AS DECIMAL(12, 2))"
    return f"coalesce({cast.format(x=x)}, {cast.format(x=_plain(x))})"


def _ccn(x: str, field: FieldSpec) -> str:
    code = _matching(f"({_padded(x, 6)})", "[0-9A-Z]{6}")
    host = f"substr(upper({x}), 1, 2) || '0' || substr(upper({x}), 4)"
    unit = f"length({x}) = 6 AND {SUBUNIT.format(x=f'upper({x})')}"
    return f"CASE WHEN {unit} THEN {_matching(f'({host})', '[0-9A-Z]{6}')} ELSE {code} END"


def _integer(x: str, field: FieldSpec) -> str:
    return f"CASE WHEN {x} ~ '^-?[0-9]+$' THEN try_cast({x} AS INTEGER) END"


def _year(x: str, field: FieldSpec) -> str:
    year = f"try_cast({x} AS INTEGER)"
    return f"CASE WHEN {year} BETWEEN 1990 AND 2100 THEN {year} END"


_KINDS: dict[str, Callable[[str, FieldSpec], str]] = {
    "text": lambda x, f: x,
    "code": _code,
    "code2": lambda x, f: _matching(f"({_padded(x, 2)})", "[0-9A-Z]{2}"),
    "digits": _digits,
    "zip": _zip,
    "hcpcs": lambda x, f: _matching(f"(upper({x}))", "[0-9A-Z]{5}"),
    "npi": lambda x, f: _matching(x, "[0-9]{10}"),
    "ccn": _ccn,
    "date": lambda x, f: _between(x, 1850, 2100),
    "service_date": lambda x, f: _between(x, 1965, 2100),
    "processed": lambda x, f: _between(x, 1965, 2100),
    "year": _year,
    "amount": lambda x, f: x,
    "integer": _integer,
    "integer0": lambda x, f: f"CASE WHEN {x} IS NULL THEN 0 ELSE {_integer(x, f)} END",
    "line": lambda x, f: f"CASE WHEN {x} IS NULL THEN 0 ELSE {_integer(x, f)} END",
}
