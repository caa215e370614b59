"""The store that the generator writes: contract, determinism, identifiers, plausibility, errors."""

import hashlib
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tcoc.errors import InputError
from tcoc.store.layout import open_store
from tcoc.store.schema import TABLES
from tcoc.store.synth import write_synthetic_store
from tcoc.store.synth.clinicians import npi
from tests.store.synth.measure import Measure

TYPES = {
    "string": "string",
    "date": "date32[day]",
    "boolean": "bool",
    "int32": "int32",
    "decimal(12, 2)": "decimal128(12, 2)",
}


def digests(root: Path) -> dict[str, str]:
    return {
        str(file.relative_to(root)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(root.rglob("*"))
        if file.is_file()
    }


def test_same_arguments_same_bytes_whatever_the_threads(tmp_path: Path) -> None:
    for name, workers in (("one", 1), ("three", 3)):
        write_synthetic_store(tmp_path / name, 700, 3, (2014, 2016), workers=workers)
    one, three = digests(tmp_path / "one"), digests(tmp_path / "three")
    assert {name for name in one if one[name] != three.get(name)} == set()
    assert one.keys() == three.keys()
    assert len(one) > 15
    write_synthetic_store(tmp_path / "seed", 700, 4, (2014, 2016))
    other = digests(tmp_path / "seed")
    assert other.keys() == one.keys()
    changed = {name for name in one if one[name] != other[name]}
    assert "professional/year=2015/part-0.parquet" in changed


@pytest.mark.parametrize("table", sorted(TABLES))
def test_schema(store: Path, table: str) -> None:
    opened = open_store(store)
    files = opened.files(table)
    assert files
    for file in files:
        schema = pq.read_schema(file)
        expected = [(c.name, TYPES[c.type]) for c in TABLES[table].columns]
        assert [(f.name, str(f.type)) for f in schema] == expected
    assert opened.info["rows"][table] == sum(pq.read_metadata(f).num_rows for f in files)


def test_store_json(store: Path) -> None:
    info = json.loads((store / "store.json").read_text())
    assert info["synthetic"] is True
    assert info["years"] == list(range(2012, 2019))
    assert info["files"] == []
    assert info["source"] == {
        "kind": "synthetic",
        "benes": 12_000,
        "seed": 7,
        "years": [2012, 2018],
        "extract_date": "2019-02-28",
        "world": {"name": "default", "cost": "new_enrollee", "drift": 0.0, "effect": 1.0},
    }
    assert info["rows"]["beneficiary"] == 12_000


@pytest.mark.parametrize("table", sorted(TABLES))
def test_keys_order_values_and_partition(measure: Measure, table: str, store: Path) -> None:
    spec = TABLES[table]
    key = ", ".join(spec.key)
    assert measure.number(f"select count(*) - count(distinct ({key})) from {table}") == 0
    for column in spec.columns:
        if not column.nullable:
            assert measure.number(f"select count(*) from {table} where {column.name} is null") == 0
        if column.allowed:
            values = {row[0] for row in measure.sql(f"select distinct {column.name} from {table}")}
            assert values - {None} <= set(column.allowed)
        if column.pattern:
            wrong = f"not regexp_full_match({column.name}, '{column.pattern.strip('^$')}')"
            assert measure.number(f"select count(*) from {table} where {wrong}") == 0
    for year, files in open_store(store).partitions(table).items():
        rows = f"read_parquet('{files[0]}', file_row_number = true)"
        order = ", ".join(spec.order)
        unordered = f"""select count(*) from (select row_number() over (order by {order}) - 1 as n,
                        file_row_number as place from {rows}) where n <> place"""
        assert measure.number(unordered) == 0, (table, year)
        outside = f"select count(*) from {rows} where year({spec.year_of}) <> {year}"
        assert measure.number(outside) == 0


def test_claims_are_people_with_coverage(measure: Measure) -> None:
    """Every claim lies in a fee-for-service month, at or before death, from October 2012 on."""
    for table, day in (
        ("professional", "service_date"),
        ("dme", "service_date"),
        ("facility", "thru_date"),
    ):
        assert measure.number(f"select count(*) from {table} where {day} < date '2012-10-01'") == 0
        alive = f"""select count(*) from {table} join beneficiary using (bene_id)
                    where {day} > death_date"""
        assert measure.number(alive) == 0
        covered = f"""select count(*) from {table} anti join
            (select * from member_month where part_a and part_b and not managed_care) m
            on {table}.bene_id = m.bene_id and date_trunc('month', {day}) = m.month"""
        assert measure.number(covered) == 0
    assert measure.number("select count(*) from facility where from_date > thru_date") == 0
    assert measure.number("select count(*) from facility where paid_amount <= 0") == 0
    overpaid = "select count(*) from professional where paid_amount > allowed_amount"
    assert measure.number(overpaid) == 0


def test_months_are_complete(measure: Measure) -> None:
    """A person's months have no gap, and end with the month of death."""
    gaps = """select count(*) from (select bene_id, count(*) as n,
              date_diff('month', min(month), max(month)) + 1 as span
              from member_month group by 1) where n <> span"""
    assert measure.number(gaps) == 0
    late = """select count(*) from (select bene_id, max(month) as last from member_month group by 1)
              join beneficiary using (bene_id)
              where last <> date_trunc('month', coalesce(death_date, date '2018-12-01'))"""
    assert measure.number(late) == 0


def test_edges_are_planted(measure: Measure) -> None:
    for query in (
        "beneficiary where sex = 'U'",
        "beneficiary where orig_entitlement is null",
        "beneficiary where orig_entitlement = '2'",
        "member_month where zip = ''",
        "member_month where zip = '20588'",
        "member_month where state <> 'MD'",
        "member_month where managed_care",
        "member_month where not part_b",
        "member_month where not part_a",
        "member_month where esrd",
        "member_month where dual_code is null",
        "professional where npi is null",
        "professional where allowed_amount = 0",
        "facility where ccn like '09%'",
        "facility where ccn like '39%' or ccn like '51%'",
        "facility where setting = 'snf' and ccn like '215%'",
        "facility where setting = 'hha' and ccn like '217%'",
        "facility where setting = 'hospice' and ccn like '2115%'",
        "facility where setting = 'outpatient' and ccn like '2125%'",
        "facility where setting = 'outpatient' and ccn like '2118%'",
        "facility where setting = 'outpatient' and ccn like '2138%'",
        "professional where place_of_service = '31' and hcpcs between '99307' and '99310'",
        "professional where place_of_service = '32' and hcpcs between '99307' and '99310'",
        "professional where hcpcs like 'J%'",
        "professional where hcpcs like 'Q51%'",
        "professional where hcpcs in ('80053', '85025', '81002')",
        "professional where hcpcs like 'A04%'",
        "professional where hcpcs in ('90662', '90670')",
        "dme where hcpcs like 'E%'",
    ):
        assert measure.number(f"select count(*) from {query}") > 0, query
    codes = {r[0] for r in measure.sql("select distinct dual_code from member_month")}
    assert {"00", "01", "02", "03", "04", "06", "08"} <= codes


def luhn(number: str) -> bool:
    """The check of 45 CFR 162.406, written another way than the generator's."""
    digits = [int(d) for d in "80840" + number]
    doubled = [d * 2 - 9 * (d > 4) if i % 2 else d for i, d in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0


def test_npis(measure: Measure) -> None:
    assert luhn("1234567893")  # the example in CMS's description of the check digit
    assert not luhn("1234567894")
    found = [str(row[0]) for row in measure.sql("select distinct npi from professional")]
    npis = [number for number in found if number != "None"]
    assert len(npis) > 200
    assert all(number[0] == "9" and luhn(number) for number in npis)
    assert luhn(npi(1))
    assert len(npi(99_999_999)) == 10


def test_target_must_not_exist(tmp_path: Path) -> None:
    out = tmp_path / "store"
    out.mkdir()
    with pytest.raises(InputError, match="exists already"):
        write_synthetic_store(out, 10, 1)
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize("years", [(2018, 2017), (2011, 2013), (2017, 2035)])
def test_years_must_be_possible(tmp_path: Path, years: tuple[int, int]) -> None:
    with pytest.raises(InputError, match=r"years: found .* expected A-B"):
        write_synthetic_store(tmp_path / "s", 10, 1, years)


@pytest.mark.parametrize("benes", [0, -5])
def test_at_least_one_person(tmp_path: Path, benes: int) -> None:
    with pytest.raises(InputError, match="benes: found"):
        write_synthetic_store(tmp_path / "s", benes, 1)


def test_one_person_is_enough(tmp_path: Path) -> None:
    write_synthetic_store(tmp_path / "s", 1, 1, (2016, 2016))
    assert open_store(tmp_path / "s").info["rows"]["beneficiary"] == 1


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    def stop(what: str, done: int, total: int) -> None:
        raise RuntimeError(what)

    with pytest.raises(RuntimeError, match="2016"):
        write_synthetic_store(tmp_path / "s", 50, 1, (2016, 2016), stop)
    assert list(tmp_path.iterdir()) == []


def test_progress_counts_to_the_end(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    write_synthetic_store(
        tmp_path / "s",
        50,
        1,
        (2016, 2017),
        lambda what, done, total: told.append((what, done, total)),
    )
    assert [done for _, done, _ in told] == [1, 2]
    assert told[-1][2] == 2
