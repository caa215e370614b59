"""The cache's key covers what it says, its size is bounded, and damage is found."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import tcoc.cache
import tcoc.identity
from tcoc.cache import Cache, Entry, look_up
from tcoc.errors import InputError
from tcoc.identity import base_key, closure, sha256

PACKAGE = Path(tcoc.identity.__file__).parent


@pytest.fixture(autouse=True)
def forgetful() -> Iterator[None]:
    yield
    for remembered in (tcoc.identity.code_digest, tcoc.identity.parameter_digest):
        remembered.cache_clear()


def kept(cache: Cache, folder: Path, name: str, text: str, reads: tuple = ()) -> Entry:  # type: ignore[type-arg]
    file = folder / name
    file.write_text(text)
    entry = Entry(name.split(".", maxsplit=1)[0], "base", reads, {name: sha256(file)})
    cache.keep(entry, folder)
    return entry


def test_the_code_of_a_table_is_what_its_module_imports() -> None:
    files = closure(["tcoc.rules.mpa.scale"])
    assert "rules/mpa/scale.py" in files
    assert not [name for name in files if name.startswith(("report/", "run/", "deliverables/"))]
    tables = closure(["tcoc.deliverables.risk_adjustment.tables"])
    assert "deliverables/y1_attribution/completion.py" in tables
    assert "study.py" in tables
    assert not [name for name in tables if name.startswith("report/")]


def test_a_checkout_below_a_folder_named_report_hashes_the_same(tmp_path: Path) -> None:
    copy = tmp_path / "report" / "tcoc"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    module = ["tcoc.deliverables.y1_attribution.tables"]
    assert closure(module, copy) == closure(module)
    assert closure(module, copy)


def test_changed_code_changes_the_key_of_what_runs_it_alone(tmp_path: Path) -> None:
    copy = tmp_path / "tcoc"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    risk, attribution = (
        [f"tcoc.deliverables.{name}.tables"] for name in ("risk_adjustment", "y1_attribution")
    )
    before = closure(risk, copy), closure(attribution, copy)
    file = copy / "rules" / "risk" / "adjust.py"
    file.write_text(file.read_text() + "\n# another line\n")
    assert closure(risk, copy) != before[0]
    assert closure(attribution, copy) == before[1]


def test_another_library_version_changes_every_key(monkeypatch: pytest.MonkeyPatch) -> None:
    modules = frozenset(("tcoc.rules.population",))
    before = base_key("t", modules, [])
    assert base_key("t", modules, []) == before
    real = tcoc.identity.metadata.version
    monkeypatch.setattr(
        tcoc.identity.metadata, "version", lambda name: "9.9" if name == "duckdb" else real(name)
    )
    assert base_key("t", modules, []) != before


@pytest.mark.parametrize("place", ["scenarios/new.yml", "reference/new.csv", "published/new.yml"])
def test_a_changed_parameter_file_changes_every_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    modules = frozenset(("tcoc.rules.population",))
    shutil.copytree(tcoc.identity.params_dir(), tmp_path / "params")
    monkeypatch.setattr(tcoc.identity, "params_dir", lambda: tmp_path / "params")
    tcoc.identity.parameter_digest.cache_clear()
    before = base_key("t", modules, [])
    (tmp_path / "params" / place).parent.mkdir(exist_ok=True)
    (tmp_path / "params" / place).write_text("a: 1\n")
    tcoc.identity.parameter_digest.cache_clear()
    assert base_key("t", modules, []) != before


def test_an_entry_holds_only_where_all_that_was_read_is_the_same(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    reads = (("table", "below", "1"), ("policy", "a.b", "2"), ("setting", "years", "3"))
    kept(cache, tmp_path, "t.parquet", "x", reads)
    asked: list[str] = []

    def holds(read: tuple[str, str, str], wrong: str = "") -> bool:
        asked.append(read[1])
        return read[1] != wrong

    assert len(list(look_up(cache, "t", "base", holds))) == 1
    assert asked == ["a.b", "years", "below"]
    asked.clear()
    assert not list(look_up(cache, "t", "base", lambda r: holds(r, "a.b")))
    assert asked == ["a.b"]  # a table is not made to find that a value is another


def test_files_are_the_owners_and_come_back_as_they_were(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    entry = kept(cache, tmp_path, "t.parquet", "x")
    out = tmp_path / "out"
    out.mkdir()
    assert cache.take(entry, out)
    assert (out / "t.parquet").read_text() == "x"
    for file in (tmp_path / "cache").rglob("*"):
        assert file.stat().st_mode & 0o077 == 0


def test_a_file_that_was_changed_in_a_run_folder_is_not_believed(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    entry = kept(cache, tmp_path, "t.parquet", "x")
    (tmp_path / "t.parquet").write_text("changed by mistake")
    out = tmp_path / "out"
    out.mkdir()
    assert not cache.take(entry, out)
    assert not list(out.iterdir())
    assert not list(cache.entries("t", "base"))


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    import os

    cache = Cache(tmp_path / "cache", "1kB")
    for number in range(4):
        entry = kept(cache, tmp_path, f"t{number}.parquet", str(number) * 400)
        os.utime(cache.entry_file(entry), (1_000 + number, 1_000 + number))
    assert cache.trim() == 2
    left = {kind for kind, count in cache.usage().entries.items() if count}
    assert left == {"t2", "t3"}
    assert cache.usage().size <= 1_000
    assert cache.usage().objects == 2


def test_an_entry_that_is_cut_off_is_none(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    entry = kept(cache, tmp_path, "t.parquet", "x")
    cache.entry_file(entry).write_text('{"kind": "t"')
    assert not list(cache.entries("t", "base"))
    assert cache.trim() == 0


def test_a_limit_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="TCOC_CACHE_LIMIT: found"):
        Cache(tmp_path, "much")


def test_hashes_are_remembered_and_a_changed_file_is_read_again(tmp_path: Path) -> None:
    import os

    cache, file = Cache(tmp_path / "cache"), tmp_path / "big"
    file.write_text("x")
    os.utime(file, (1_000, 1_000))
    first = cache.hashes([file])
    assert first == [sha256(file)]
    assert Cache(tmp_path / "cache").hashes([file]) == first
    file.write_text("y")
    assert Cache(tmp_path / "cache").hashes([file]) == [sha256(file)] != first


def test_a_file_that_is_copied_is_whole_once_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = Cache(tmp_path / "cache")
    entry = kept(cache, tmp_path, "t.parquet", "x")
    out = tmp_path / "out"

    def cut_off(_source: Path, target: Path) -> None:
        Path(target).write_text("half")
        raise KeyboardInterrupt

    def no_links(*_: Path) -> None:
        raise OSError

    monkeypatch.setattr(tcoc.cache.os, "link", no_links)
    with monkeypatch.context() as broken:
        broken.setattr(tcoc.cache.shutil, "copyfile", cut_off)
        with pytest.raises(KeyboardInterrupt):
            cache.take(entry, out)
    assert not list(out.iterdir())
    assert cache.take(entry, out)
    assert [(f.name, f.read_text()) for f in out.iterdir()] == [("t.parquet", "x")]


def test_what_was_being_added_when_it_was_cut_off_is_counted_and_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = Cache(tmp_path / "cache")
    kept(cache, tmp_path, "t.parquet", "x")
    (whole,) = (tmp_path / "cache" / "objects").glob("??/????*[!n]")
    killed = whole.with_name(f".{whole.name}.0123abcd")
    killed.write_text("exact")
    assert cache.usage().size == len("x") + len("exact")
    cache.trim()
    assert killed.exists()  # it may be at work
    monkeypatch.setattr(tcoc.cache, "_CUT_OFF_SECONDS", -1.0)
    cache.trim()
    assert not killed.exists()
    assert cache.usage().size == len("x")


def test_an_addition_that_fails_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = Cache(tmp_path / "cache")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        kept(cache, tmp_path, "t.parquet", "x")
    assert not [f for f in (tmp_path / "cache" / "objects").rglob("*") if f.is_file()]
