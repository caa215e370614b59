"""Writes a synthetic store block by block, beside its place, and renames it when whole."""

import json
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from threading import Lock

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tcoc.errors import InputError
from tcoc.folders import owner_only, publish, remove_left, work_beside
from tcoc.resources.shortage import explained
from tcoc.store.schema import FORMAT_VERSION, ROW_GROUP
from tcoc.store.synth import columns, members, mix, truth
from tcoc.store.synth.bedside import bedside_visits
from tcoc.store.synth.clinicians import make_clinicians
from tcoc.store.synth.draws import Integers, day_number
from tcoc.store.synth.facility import facility_table, stays
from tcoc.store.synth.people import People, make_people
from tcoc.store.synth.professional import dme_table, professional_table
from tcoc.store.synth.reference import write_reference
from tcoc.store.synth.scene import make_scene
from tcoc.store.synth.world import World, geography_of
from tcoc.store.synth.worlds import WorldModel, config_of, load_world

DEFAULT_YEARS = (2012, 2018)
MOST_BENES = 99_999_999

_TAKEN = "{out}: exists already; a store is never overwritten, name another place"

Progress = Callable[[str, int, int], None]
"""Told what was done, how many steps are done, and of how many."""


def write_synthetic_store(
    out: Path,
    benes: int,
    seed: int,
    years: tuple[int, int] = DEFAULT_YEARS,
    progress: Progress | None = None,
    *,
    workers: int | None = None,
    world: str | WorldModel = "default",
) -> None:
    """Write a synthetic Maryland of `benes` people to the folder `out`.

    The same benes, seed, years and world (a name of params/synthetic/worlds, or a model of one's
    own) give the same bytes, whatever the number of workers (threads). Claims begin on 1 October
    2012, months on 1 January of the first year; what was processed after the extract's date is
    missing. Raises InputError for a target that exists, for a world or years that cannot be
    generated, and for fewer people than one; ShortageError where memory or disk do not suffice.
    """
    model = load_world(world) if isinstance(world, str) else world
    _check(out, benes, years, model)
    with explained("synthetic store", place=out), owner_only():
        out.parent.mkdir(parents=True, exist_ok=True)
        remove_left(out.parent, out.name)
        with work_beside(out) as part:
            made = make_world(benes, seed, years, model)
            _write(part, made, benes, progress, workers or min(os.cpu_count() or 1, 4))
            _publish(part, out)


def _publish(part: Path, out: Path) -> None:
    try:
        publish(part, out, replace=False)
    except FileExistsError as error:
        raise InputError(_TAKEN.format(out=out)) from error


def _check(out: Path, benes: int, years: tuple[int, int], model: WorldModel) -> None:
    if out.exists():
        raise InputError(_TAKEN.format(out=out))
    if not 1 <= benes <= MOST_BENES:
        raise InputError(f"benes: found {benes}, expected a whole number from 1 to {MOST_BENES}")
    first, last = config_of(model).years
    if not first <= years[0] <= years[1] <= last:
        raise InputError(
            f"years: found {years[0]}-{years[1]}, expected A-B with {first} <= A <= B <= {last}"
        )


@dataclass
class _Work:
    """Everything that the threads share; only counters and gathered pieces change."""

    world: World
    folder: Path
    people: list[People]
    progress: Progress | None
    total: int
    done: int = 0
    stopped: bool = False
    rows: dict[str, int] = field(default_factory=dict)
    hospital_sums: dict[int, list[Integers]] = field(default_factory=dict)
    panels: dict[int, list[Integers]] = field(default_factory=dict)
    medicaid: dict[int, list[tuple[Integers, ...]]] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def count(self, table: str, rows: int) -> None:
        """Add to the rows of a table."""
        with self.lock:
            self.rows[table] = self.rows.get(table, 0) + rows

    def tick(self, what: str) -> None:
        """Tell that a step is done."""
        with self.lock:
            self.done += 1
            if self.progress:
                self.progress(what, self.done, self.total)


def _write(
    folder: Path,
    world: World,
    benes: int,
    progress: Progress | None,
    workers: int,
) -> None:
    write_reference(folder / "reference", world, benes)
    size = int(world.config.settings["block"])
    blocks = [(start, min(start + size, benes)) for start in range(0, benes, size)]
    every_year = range(world.years[0], world.years[1] + 1)
    with ThreadPoolExecutor(workers) as pool:
        people = list(pool.map(lambda block: make_people(world, block), blocks))
        work = _Work(world, folder, people, progress, len(blocks) * len(every_year))
        try:
            list(pool.map(lambda year: _write_year(work, year), every_year))
        except BaseException:
            work.stopped = True
            pool.shutdown(cancel_futures=True)
            raise
    _write_beneficiaries(work)
    _write_gathered(work, benes)
    _write_info(work, benes)


def make_world(
    benes: int, seed: int, years: tuple[int, int], model: WorldModel | None = None
) -> World:
    """Lay out places and clinicians for a store of `benes` people, in a world."""
    model = model or load_world("default")
    config, geo = config_of(model), geography_of(model)
    return World(config, geo, make_clinicians(config, geo, benes, seed), seed, years, model)


def _write_year(work: _Work, year: int) -> None:
    """Write the partitions of one year, block after block."""
    folder = work.folder
    with ExitStack() as stack:
        writers = {
            table: stack.enter_context(_Writer(folder / table / f"year={year}", table))
            for table in ("member_month", "professional", "facility", "dme")
        }
        known = stack.enter_context(_Writer(folder / "truth" / f"beneficiary_year-{year}", ""))
        for people in work.people:
            if work.stopped:
                return
            scene = make_scene(work.world, people, year)
            writers["member_month"].write(members.member_month_table(scene))
            claims = stays(scene)
            bedside = bedside_visits(scene, claims)
            writers["professional"].write(professional_table(scene, bedside))
            writers["facility"].write(facility_table(scene, claims))
            writers["dme"].write(dme_table(scene))
            known.write(truth.beneficiary_year(scene))
            work.medicaid.setdefault(year, []).append(members.medicaid_spending(scene))
            _add(work.hospital_sums, year, truth.hospital_sums(scene))
            _add(work.panels, year, (truth.panels(scene),))
            work.tick(f"{year}")
        for table, writer in writers.items():
            work.count(table, writer.rows)


def _add(sums: dict[int, list[Integers]], year: int, new: tuple[Integers, ...]) -> None:
    old = sums.get(year)
    sums[year] = list(new) if old is None else [a + b for a, b in zip(old, new, strict=True)]


class _Writer:
    """One Parquet file of a partition, in row groups of the size that engines read fastest.

    All columns are kept by dictionary where that is shorter: dollars too are read in half the time.
    """

    def __init__(self, folder: Path, table: str) -> None:
        folder.mkdir(parents=True)
        self._file = folder / "part-0.parquet"
        self._schema = columns.arrow_schema(table) if table else None
        self._writer: pq.ParquetWriter | None = None
        self._waiting: list[pa.Table] = []
        self.rows = 0

    def __enter__(self) -> "_Writer":
        return self

    def write(self, table: pa.Table) -> None:
        """Add a block of people; it waits until there are enough rows for a row group."""
        self.rows += table.num_rows
        self._waiting.append(table)
        if sum(block.num_rows for block in self._waiting) >= ROW_GROUP:
            self._flush()

    def _flush(self) -> None:
        """Write what waits; texts that were drawn from a list are plain texts for the reader."""
        table = pa.concat_tables(self._waiting).unify_dictionaries().combine_chunks()
        self._waiting = []
        schema = self._arrow_schema(table)
        if self._writer is None:
            self._writer = pq.ParquetWriter(
                self._file, schema, compression="zstd", compression_level=1, store_schema=False
            )
        self._writer.write_table(
            pa.Table.from_arrays(table.columns, schema=schema), row_group_size=1 << 20
        )

    def _arrow_schema(self, table: pa.Table) -> pa.Schema:
        """Return the block's own types, with the contract's rules on what may be null."""
        if self._schema is None:
            return table.schema
        return pa.schema([self._schema.field(f.name).with_type(f.type) for f in table.schema])

    def __exit__(self, *error: object) -> None:
        if self._waiting and error[0] is None:
            self._flush()
        if self._writer is not None:
            self._writer.close()


def plain_schema(schema: pa.Schema) -> pa.Schema:
    """Return a schema with plain texts in place of dictionaries."""
    return pa.schema(
        [
            pa.field(f.name, f.type.value_type if pa.types.is_dictionary(f.type) else f.type)
            for f in schema
        ]
    )


def _write_beneficiaries(work: _Work) -> None:
    last_day = day_number(work.world.years[1] + 1) - 1
    with _Writer(work.folder / "beneficiary.tmp", "beneficiary") as writer:
        for people in work.people:
            writer.write(members.beneficiary_table(people, last_day))
    (work.folder / "beneficiary").mkdir()
    (work.folder / "beneficiary.tmp" / "part-0.parquet").rename(
        work.folder / "beneficiary" / "beneficiary.parquet"
    )
    (work.folder / "beneficiary.tmp").rmdir()
    work.count("beneficiary", writer.rows)


def _write_gathered(work: _Work, benes: int) -> None:
    """Write what was gathered over all years: Medicaid spending, clinicians, hospitals, people."""
    years = sorted(work.medicaid)
    spending = members.medicaid_table([part for year in years for part in work.medicaid[year]])
    _write_single(spending, work.folder / "reference" / "medicaid_spending.parquet")
    known = work.folder / "truth"
    _write_single(truth.clinician_table(work.world), known / "clinician.parquet")
    panels = {year: sums[0] for year, sums in work.panels.items()}
    panel = truth.clinician_year_table(work.world, panels)
    _write_single(panel, known / "clinician_year.parquet")
    hospital = truth.hospital_year_table(work.world, work.hospital_sums)
    _write_single(hospital, known / "hospital_year.parquet")
    _write_single(
        mix.expected_mix(work.world.years, benes, work.world.model), known / "hospital_mix.parquet"
    )
    _join_years(known, years)


def _join_years(known: Path, years: list[int]) -> None:
    """Put the years' truth about people into one file, as they come."""
    parts = [known / f"beneficiary_year-{year}" for year in years]
    schema = pq.read_schema(parts[0] / "part-0.parquet")
    file = known / "beneficiary_year.parquet"
    with pq.ParquetWriter(file, schema, compression="zstd", store_schema=False) as writer:
        for part in parts:
            source = pq.ParquetFile(part / "part-0.parquet")
            for group in range(source.num_row_groups):
                writer.write_table(source.read_row_group(group))
            shutil.rmtree(part)


def _write_single(table: pa.Table, file: Path) -> None:
    plain = table.cast(plain_schema(table.schema))
    pq.write_table(plain, file, compression="zstd", store_schema=False)


def _write_info(work: _Work, benes: int) -> None:
    first, last = work.world.years
    info = {
        "format_version": FORMAT_VERSION,
        "synthetic": True,
        "source": {
            "kind": "synthetic",
            "benes": benes,
            "seed": work.world.seed,
            "years": [first, last],
            "extract_date": str(np.datetime64(work.world.extract_day, "D")),
            "world": work.world.model.summary(),
        },
        "files": [],
        "years": list(range(first, last + 1)),
        "rows": dict(sorted(work.rows.items())),
        "created_by": f"tcoc {version('tcoc')}",
    }
    text = json.dumps(info, indent=2, ensure_ascii=False) + "\n"
    (work.folder / "store.json").write_text(text, encoding="utf-8")
