"""Who is in a store, and their months: state and county codes, the state filter (rules I5, I6)."""
# ruff: noqa: S608  (the SQL holds names of this package only)

from tcoc.errors import InputError, nearest
from tcoc.paths import params_dir
from tcoc.store.importers.resolve import rows_view
from tcoc.store.importers.staging import Connection
from tcoc.store.importers.values import literal

UNKNOWN_STATE = "ZZ"
"""State of a month whose county and state codes say nothing, or lie outside the United States."""


def load_states(con: Connection) -> None:
    """Make the tables `ssa_states` and `fips_states` (code, usps) from params/reference."""
    file = params_dir() / "reference" / "state_codes.csv"
    for name in ("ssa", "fips"):
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE {name}_states AS SELECT {name} AS code, usps FROM"
            f" read_csv({literal(str(file))}, header = true, all_varchar = true)"
            f" WHERE {name} IS NOT NULL AND {name} <> ''"
        )


def parse_states(con: Connection, state: str) -> list[str]:
    """Return the states of `--state`: none for all. Raises InputError for an unknown one."""
    if state.lower() == "all":
        return []
    known = [
        r[0] for r in con.execute("SELECT DISTINCT usps FROM ssa_states ORDER BY 1").fetchall()
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


BENE_YEAR = """
CREATE OR REPLACE TEMP TABLE bene_year AS
SELECT * EXCLUDE (_key, _group, _header, _hash, _event, _final, _reason, _found)
FROM {rows} WHERE _reason IS NULL AND _final
AND _order NOT IN (SELECT _order FROM settled_beneficiary)
"""

PEOPLE = """
CREATE OR REPLACE TEMP TABLE people AS
SELECT bene_id, arg_max(birth_date, (year, _order)) AS birth_date,
  arg_max(death_date, (year, _order)) FILTER (WHERE death_date IS NOT NULL) AS death_date,
  CASE arg_max_null(sex, (year, _order)) WHEN '1' THEN 'M' WHEN 'M' THEN 'M' WHEN '2' THEN 'F'
    WHEN 'F' THEN 'F' ELSE 'U' END AS sex,
  nullif(regexp_extract(arg_max_null(orig_entitlement, (year, _order)), '^[0-3]$'), '')
    AS orig_entitlement,
  {kept} AS kept
FROM bene_year GROUP BY bene_id
"""
"""One row per person: the latest reference year's values, the last death date that is not blank."""


def gather(con: Connection, months: str, states: list[str]) -> None:
    """Make `bene_year`, `months` and `people`, and say who is kept (rules I5, I6).

    `months` is the SQL for twelve rows per row of `bene_year`.
    """
    con.execute(BENE_YEAR.format(rows=rows_view(con, "beneficiary")))
    con.execute(f"CREATE OR REPLACE TEMP VIEW months AS {months}")
    wanted = f"bene_id IN (SELECT bene_id FROM months WHERE {kept_sql(states)})"
    con.execute(PEOPLE.format(kept=wanted if states else "true"))


def years(con: Connection, select: str) -> list[int]:
    """Return the years of months."""
    return [r[0] for r in con.execute(select).fetchall()]


def unknown_states(con: Connection) -> int:
    """Return how many months of kept people have no known state."""
    row = con.execute(
        f"SELECT count(*) FROM months WHERE state = '{UNKNOWN_STATE}'"
        " AND bene_id IN (SELECT bene_id FROM people WHERE kept)"
    ).fetchone()
    return int(row[0]) if row else 0


def count_rows(con: Connection) -> dict[str, int]:
    """Return the rows of the beneficiary files by disposition."""
    view = rows_view(con, "beneficiary")
    rows = con.execute(
        "SELECT CASE WHEN s._reason IS NOT NULL THEN 'quarantined' WHEN NOT s._final THEN"
        " 'not_final' WHEN e._order IS NOT NULL THEN e.disposition WHEN NOT p.kept THEN"
        f" 'other_state' ELSE 'imported' END, count(*) FROM {view} AS s LEFT JOIN"
        " settled_beneficiary AS e ON s._order = e._order LEFT JOIN people AS p"
        " ON s.bene_id = p.bene_id GROUP BY 1"
    ).fetchall()
    return dict(rows)
