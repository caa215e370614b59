"""Who is in a store, and their months: state and county codes, the state filter (I5, I6, I8)."""
# ruff: noqa: S608  (the SQL holds names of this package only)

from dataclasses import dataclass

from tcoc.errors import InputError, nearest
from tcoc.paths import params_dir
from tcoc.store.importers.resolve import Rows
from tcoc.store.importers.staging import Connection
from tcoc.store.importers.values import literal

UNKNOWN_STATE = "ZZ"
"""State of a month whose county and state codes say nothing, or lie outside the United States."""


@dataclass(frozen=True)
class States:
    """The relations (code, usps) of state codes: SSA's and FIPS's."""

    ssa: str
    fips: str


@dataclass(frozen=True)
class People:
    """The relations of a delivery's people: rows by year, months, and one row per person."""

    bene_year: str
    months: str
    people: str


def load_states(con: Connection) -> States:
    """Make the tables of state codes from params/reference."""
    file = params_dir() / "reference" / "state_codes.csv"
    for name in ("ssa", "fips"):
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE {name}_states AS SELECT {name} AS code, usps FROM"
            f" read_csv({literal(str(file))}, header = true, all_varchar = true)"
            f" WHERE {name} IS NOT NULL AND {name} <> ''"
        )
    return States("ssa_states", "fips_states")


def parse_states(con: Connection, codes: States, state: str) -> list[str]:
    """Return the states of `--state`: none for all. Raises InputError for an unknown one."""
    if state.lower() == "all":
        return []
    known = [
        r[0] for r in con.execute(f"SELECT DISTINCT usps FROM {codes.ssa} ORDER BY 1").fetchall()
    ]
    wanted = [part.strip().upper() for part in state.split(",") if part.strip()]
    for part in wanted:
        if part not in known:
            raise InputError(f'--state: found "{part}"{nearest(part, ["all", *known])}')
    if not wanted:
        raise InputError('--state: found nothing, expected "all" or state codes such as MD')
    return wanted


def kept_sql(states: list[str]) -> str:
    """Return the SQL for whether a state of a month is wanted."""
    return f"state IN ({', '.join(literal(s) for s in states)})" if states else "true"


PEOPLE = """
CREATE OR REPLACE TEMP TABLE people AS
SELECT bene_id, arg_max(birth_date, (year, _seq)) AS birth_date,
  arg_max(death_date, (year, _seq)) FILTER (WHERE death_date IS NOT NULL) AS death_date,
  CASE arg_max_null(sex, (year, _seq)) WHEN '1' THEN 'M' WHEN 'M' THEN 'M' WHEN '2' THEN 'F'
    WHEN 'F' THEN 'F' ELSE 'U' END AS sex,
  nullif(regexp_extract(arg_max_null(orig_entitlement, (year, _seq)), '^[0-3]$'), '')
    AS orig_entitlement,
  {kept} AS kept
FROM bene_year GROUP BY bene_id
"""
"""One row per person: the latest reference year's values, the last death date that is not blank."""


def gather(con: Connection, rows: Rows, months: str, codes: States, states: list[str]) -> People:
    """Gather a delivery's people and months, and say who is kept (rules I5, I6).

    `months` is the SQL for a row per month over {bene_year}, {ssa} and {fips}.
    """
    con.execute(
        "CREATE OR REPLACE TEMP TABLE bene_year AS"
        " SELECT * EXCLUDE (_key, _group, _header, _hash, _event, _final, _reason, _found)"
        f" FROM {rows.rows} WHERE _reason IS NULL AND _final"
        f" AND _order NOT IN (SELECT _order FROM {rows.settled})"
    )
    select = months.format(bene_year="bene_year", ssa=codes.ssa, fips=codes.fips)
    con.execute(f"CREATE OR REPLACE TEMP VIEW months AS {select}")
    wanted = f"bene_id IN (SELECT bene_id FROM months WHERE {kept_sql(states)})"
    con.execute(PEOPLE.format(kept=wanted if states else "true"))
    return People("bene_year", "months", "people")


def years(con: Connection, select: str) -> list[int]:
    """Return the years of months."""
    return [r[0] for r in con.execute(select).fetchall()]


@dataclass(frozen=True)
class MonthCounts:
    """Months of kept people, those without a known state, and people who are never eligible.

    Eligible is a month with Part A and Part B and without managed care, wherever its person lives.
    """

    months: int
    unknown_state: int
    people: int
    never_eligible: int


def count_months(con: Connection, found: People) -> MonthCounts:
    """Count the months and people that are kept (rule I8)."""
    row = con.execute(
        "SELECT coalesce(sum(months), 0), coalesce(sum(unknown), 0), count(*),"
        " count(*) FILTER (WHERE NOT coalesce(eligible, false)) FROM"
        f" (SELECT bene_id FROM {found.people} WHERE kept) AS p LEFT JOIN (SELECT bene_id,"
        f" count(*) AS months, count(*) FILTER (WHERE state = '{UNKNOWN_STATE}') AS unknown,"
        " bool_or(part_a AND part_b AND NOT managed_care) AS eligible"
        f" FROM {found.months} GROUP BY 1) AS m ON m.bene_id = p.bene_id"
    ).fetchone()
    assert row is not None
    return MonthCounts(*(int(value) for value in row))


@dataclass(frozen=True)
class PeopleCounts:
    """People named in the beneficiary files = imported + of other states + in set-aside rows only.

    A row without a number of its person is counted as a row, not here.
    """

    read: int
    imported: int
    other_state: int
    set_aside: int


def count_people(con: Connection, rows: Rows, found: People) -> PeopleCounts:
    """Count the people of the beneficiary files by what became of them (rule I8)."""
    row = con.execute(
        "SELECT count(*), count(*) FILTER (WHERE p.kept), count(*) FILTER (WHERE NOT p.kept),"
        " count(*) FILTER (WHERE p.bene_id IS NULL) FROM (SELECT DISTINCT bene_id"
        f" FROM {rows.rows} WHERE bene_id IS NOT NULL AND _final AND _event <> 2) AS s"
        f" LEFT JOIN {found.people} AS p ON s.bene_id = p.bene_id"
    ).fetchone()
    assert row is not None
    return PeopleCounts(*(int(value) for value in row))


def count_rows(con: Connection, rows: Rows, found: People) -> dict[str, int]:
    """Return the rows of the beneficiary files by disposition."""
    counted = con.execute(
        "SELECT CASE WHEN s._reason IS NOT NULL THEN 'quarantined' WHEN NOT s._final THEN"
        " 'not_final' WHEN e._order IS NOT NULL THEN e.disposition WHEN NOT p.kept THEN"
        f" 'other_state' ELSE 'imported' END, count(*) FROM {rows.rows} AS s LEFT JOIN"
        f" {rows.settled} AS e ON s._order = e._order LEFT JOIN {found.people} AS p"
        " ON s.bene_id = p.bene_id GROUP BY 1"
    ).fetchall()
    return dict(counted)
