"""How near a store comes to the calibration targets: an independent second reading in plain SQL.

It shares no code with the rules' modules, works on any store, and is meant for tests and tuning;
published numbers come from the rules' modules alone.
"""

from collections.abc import Sequence
from pathlib import Path

import duckdb

PRIMARY: tuple[str, ...] = ("01", "08", "11", "37", "38", "50", "89", "97")
OTHERS: tuple[str, ...] = (
    "06",
    "12",
    "13",
    "16",
    "23",
    "25",
    "26",
    "27",
    "29",
    "39",
    "46",
    "70",
    "79",
    "82",
)
OTHERS += ("83", "84", "86", "90", "98")
PRIMARY_CARE = r"""(regexp_matches(hcpcs,
 '^(9920[1-5]|9921[1-5]|9930[4-9]|99310|9931[568]|9932[4-8]|9933[4-7]|99339|9934[0-57-9]|99350|99490|9949[56]|G0402|G043[89]|G0463)$'))"""
"""Primary care services by code; rule A2 leaves some out at place 31, skilled nursing."""

ATTRIBUTED = (
    f"({PRIMARY_CARE} and not (coalesce(place_of_service, '') = '31' and hcpcs between '99304' and"
    " '99318'))"
)
FEE_SCHEDULE = r"""(not regexp_matches(hcpcs, '^[ABDEJKLPQRV]') and hcpcs <> '36415'
 and not regexp_matches(hcpcs, '^(8[0-7]|89|906[3-9]|907[0-4]|9047[3-9])'))"""
"""Paid under the physician fee schedule: no drugs, tests, ambulance, supplies, vaccines."""

VISITS = f"({PRIMARY_CARE} or hcpcs in ('99354', '99355', '99497', '99498'))"


class Measure:
    """Figures of one store."""

    def __init__(self, root: Path, memory: str = "3GB") -> None:
        self.root = root
        self._db = duckdb.connect()
        self._db.execute(f"set memory_limit = '{memory}'")
        for table in ("member_month", "professional", "facility", "dme"):
            self._view(table, root / table / "*" / "*.parquet")
        self._view("beneficiary", root / "beneficiary" / "*.parquet")
        for table in ("hospitals", "aco_hospitals", "aco_practitioners", "psa_zips"):
            self._db.execute(
                f"create view {table} as select * from"
                f" read_csv('{root / 'reference' / table}.csv', all_varchar = true)"
            )

    def _view(self, name: str, files: Path) -> None:
        self._db.execute(f"create view {name} as select * from read_parquet('{files}')")

    def sql(self, query: str) -> list[tuple[object, ...]]:
        """Return the rows of a query over the store's tables."""
        rows: list[tuple[object, ...]] = self._db.execute(query).fetchall()
        return rows

    def number(self, query: str) -> float:
        """Return the one number of a query."""
        return float(str(self.sql(query)[0][0]))

    def eligible(self, year: int) -> None:
        """Make `months` (eligible months) and `people` (with months and last ZIP) of a year."""
        self._db.execute(f"""
            create or replace temp table months as
            select bene_id, month, zip, esrd,
                   dual_code in ('01', '02', '03', '04', '05', '06', '08') as dual
            from member_month join beneficiary using (bene_id)
            where year(month) = {year} and part_a and part_b and not managed_care
              and state = 'MD' and (death_date is null or death_date >= month)""")
        self._db.execute("""
            create or replace temp table people as
            select bene_id, count(*) as months, arg_max(zip, month) as zip,
                   bool_or(dual) as dual, bool_or(esrd) as esrd
            from months group by bene_id""")

    def spending(self, year: int) -> dict[str, float]:
        """Return dollars by setting per person-year in eligible months (rules T1, T2)."""
        self.eligible(year)
        self._db.execute(f"""
            create or replace temp table paid as
            select bene_id, setting, sum(paid_amount) as paid from (
              select bene_id, setting, thru_date as day, paid_amount from facility
              union all select bene_id, 'professional', service_date, paid_amount from professional
              union all select bene_id, 'dme', service_date, paid_amount from dme) lines
            join months using (bene_id)
            where year(day) = {year} and months.month = date_trunc('month', day)
            group by all""")
        years = self.number("select sum(months) / 12.0 from people")
        rows = self.sql("select setting, sum(paid) from paid group by 1 order by 1")
        result = {str(setting): float(str(total)) / years for setting, total in rows}
        total = sum(result.values())
        result["all"] = total
        result["hospital_share"] = (result["inpatient"] + result["outpatient"]) / total
        result["top_5_percent"] = self.number("""
            select sum(paid) filter (rank <= 0.05) / sum(paid) from (
              select paid, percent_rank() over (order by paid desc) as rank from (
                select coalesce(sum(paid), 0) as paid
                from people left join paid using (bene_id) group by people.bene_id))""")
        return result

    def mix(self, year: int) -> dict[str, float]:
        """Return shares of the eligible people: under 65, 85 and over, women, dual, ESRD."""
        self.eligible(year)
        row = self.sql(f"""
            select count(*), avg((age < 65)::int), avg((age >= 85)::int), avg((sex = 'F')::int),
                   avg(dual::int), avg(esrd::int),
                   avg((orig_entitlement in ('1', '3') and age >= 65)::int)
            from (select *, date_sub('year', birth_date, date '{year}-02-01') as age
                  from people join beneficiary using (bene_id))""")[0]
        names = ("people", "under_65", "over_84", "women", "dual", "esrd", "originally_disabled")
        return {name: float(str(value)) for name, value in zip(names, row, strict=True)}

    def lines_per_person(self, year: int) -> float:
        """Return professional lines per eligible person-year."""
        self.eligible(year)
        lines = f"select count(*) from professional where year(service_date) = {year}"
        return self.number(lines) / self.number("select sum(months) / 12.0 from people")

    def attribute(self, year: int) -> dict[str, float]:
        """Attribute a year (rules A0-A9, plainly) into `attributed`; return the stages' shares."""
        self.eligible(year)
        self._use(year)
        self._aco_like()
        self._mdpcp_like(year)
        self._geographic()
        rows = self.sql(
            "select stage, count(distinct bene_id) / (select count(*) from people)"
            " from attributed group by 1 order by 1"
        )
        return {str(stage): float(str(share)) for stage, share in rows}

    def _use(self, year: int) -> None:
        window = f"between date '{year - 3}-10-01' and date '{year - 1}-09-30'"
        self._db.execute(f"""
            create or replace temp table used as
            select bene_id, npi, if(specialty in {PRIMARY}, 1, 2) as step, sum(cents) as cents,
                   count(distinct service_date) as visits, max(service_date) as latest
            from (select *, cast(allowed_amount * 100 as bigint) as cents from professional
                  where service_date {window} and npi is not null and allowed_amount > 0
                    and specialty in {PRIMARY + OTHERS} and {ATTRIBUTED})
            join people using (bene_id) group by all""")
        self._db.execute(f"""
            create or replace temp table passing as
            select npi from professional where service_date {window} and npi is not null
            group by npi having sum(if({ATTRIBUTED}
              and specialty in {PRIMARY + OTHERS}, allowed_amount, 0))
              >= 0.6 * sum(allowed_amount)""")
        self._db.execute(f"""
            create or replace temp table hospital_use as
            select bene_id, ccn, sum(paid_amount) as paid from facility join hospitals using (ccn)
            where thru_date {window} and attributable = 'true'
              and setting in ('inpatient', 'outpatient') group by all""")

    def _aco_like(self) -> None:
        self._db.execute("""
            create or replace temp table attributed as
            with listed as (select distinct npi, aco_id from aco_practitioners),
            steps as (select bene_id, min(step) as step from used group by bene_id),
            collections as (
              select bene_id, coalesce(aco_id, '~') as aco, sum(cents) as cents,
                     sum(visits) as visits, max(latest) as latest
              from used join steps using (bene_id, step) left join listed using (npi)
              group by bene_id, coalesce(aco_id, '~')),
            winners as (
              select bene_id, aco from collections
              qualify row_number() over (partition by bene_id
                order by cents desc, visits desc, latest desc, aco) = 1),
            chosen as (
              select bene_id, aco, npi from winners join listed on aco = aco_id
              join used using (bene_id, npi) join steps using (bene_id, step)
              qualify row_number() over (partition by bene_id
                order by cents desc, visits desc, latest desc, npi) = 1),
            of_aco as (select distinct aco_id, ccn from aco_hospitals),
            links as (
              select npi, aco_id, ccn from aco_practitioners where ccn is not null
              union all
              select npi, p.aco_id, o.ccn from aco_practitioners p
              join of_aco o using (aco_id) where p.ccn is null)
            select distinct bene_id, links.ccn, npi, 'aco_like' as stage
            from chosen join links using (npi)""")

    def _mdpcp_like(self, year: int) -> None:
        self._db.execute("""
            create or replace temp table chosen as
            with left_over as (
              select * from used where bene_id not in (select bene_id from attributed)),
            candidates as (
              select *, step = 2 or npi in (select npi from passing) as fits from left_over),
            first as (select bene_id, min(step) as step from candidates where fits group by 1)
            select bene_id, npi from candidates join first using (bene_id, step) where fits
            qualify row_number() over (partition by bene_id
              order by visits desc, latest desc, cents desc, npi) = 1""")
        self._db.execute("""
            insert into attributed
            with panels as (
              select npi, ccn, sum(paid) as paid from chosen join hospital_use using (bene_id)
              group by npi, ccn having sum(paid) > 0
              qualify row_number() over (partition by npi order by sum(paid) desc, ccn) = 1)
            select bene_id, ccn, npi, 'mdpcp_like' from chosen join panels using (npi)""")

    def _geographic(self) -> None:
        self._db.execute("""
            insert into attributed
            select bene_id, coalesce(z.ccn, '?'), null, 'geographic' from people
            left join psa_zips z using (zip)
            where bene_id not in (select bene_id from attributed)""")

    def qp(self, year: int, tests: Sequence[tuple[float, float]]) -> dict[str, list[float]]:
        """Return clinicians in the model; by test, the share that meets and its mean score.

        A test is (payment threshold, patient threshold); rules Q1-Q5 with the best hospital.
        """
        self.attribute(year)
        during = f"year(service_date) = {year}"
        self._db.execute(f"""
            create or replace temp table modelled as
            select npi from professional
            where {during} and npi is not null and allowed_amount > 0 group by npi
            having count(distinct bene_id) >= 100 or sum(allowed_amount) >= 30000""")
        self._db.execute(f"""
            create or replace temp table pairs as
            select npi, bene_id, sum(if({FEE_SCHEDULE}, paid_amount, 0)) as paid
            from professional join people using (bene_id) join beneficiary using (bene_id)
            where {during} and npi in (select npi from modelled)
              and date_sub('year', birth_date, date '{year}-02-01') >= 18
            group by all having bool_or({VISITS} and allowed_amount > 0)""")
        self._db.execute(f"""
            create or replace temp table near as
            select bene_id, ccn from attributed union
            select bene_id, ccn from facility join hospitals using (ccn)
            where year(thru_date) = {year} and setting in ('inpatient', 'outpatient')
              and attributable = 'true'""")
        self._db.execute("""
            create or replace temp table scores as
            with denominators as (
              select npi, count(*) as people, sum(paid) as paid from pairs group by npi),
            numerators as (
              select npi, ccn, count(*) as n, sum(paid) as p
              from pairs join near using (bene_id) where ccn <> '?' group by all)
            select npi, coalesce(n / people, 0) as patient,
                   coalesce(cast(p as double) / nullif(cast(paid as double), 0), 0) as payment
            from denominators left join numerators using (npi)
            qualify row_number() over (partition by npi
              order by greatest(patient, payment) desc, payment desc, ccn) = 1""")
        result = {"clinicians": [self.number("select count(*) from scores")]}
        for payment, patient in tests:
            meets = f"payment >= {payment} or patient >= {patient}"
            result[f"{payment:g}/{patient:g}"] = [
                self.number(f"select avg(({meets})::int) from scores"),
                self.number(f"select avg(greatest(payment, patient)) from scores where {meets}"),
            ]
        return result
