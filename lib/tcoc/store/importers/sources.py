"""Source files as they come: plain, gz, zst or zipped, in any encoding and with any line ending.

What a file is packed in is seen from its first bytes, whatever its name; a package in a package is
unpacked into the work folder. Every file is read once from end to end before DuckDB sees it: for
its sha256, for damage that would otherwise pass unseen (a broken archive, NUL bytes) and for what
has to be made plain (another encoding, mixed line endings). Only a file that needs it is rewritten,
in the work folder.
"""

import codecs
import csv
import gzip
import io
import re
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from tcoc.errors import InputError, nearest

CHUNK = 4 << 20
HEADER_LIMIT = 1 << 20
TEXT_SUFFIXES = {".csv", ".txt", ".psv", ".tsv", ".dat", ".rif", ""}
DELIMITERS = ("|", ",", "\t", ";")
ENCODINGS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
DAMAGE = (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile, pa.ArrowException)

Progress = Callable[[str, int, int], None]
"""Called with the file's name, the bytes read so far and all bytes of the delivery."""


@dataclass(frozen=True)
class SourceFile:
    """A file of the delivery: its name in messages, where it is, and how it is packed."""

    name: str
    path: Path
    packing: str
    bytes: int
    member: str = ""


@dataclass
class Scan:
    """What one pass over a file's bytes found."""

    sha256: str = ""
    newlines: int = 0
    returns: int = 0
    size: int = 0
    nul_line: int = 0
    utf8: bool = True
    bom: bytes = b""
    blank_lines: bool = False
    empty: bool = True
    head: bytes = b""
    ends_with_newline: bool = True

    @property
    def needs_rewriting(self) -> bool:
        """Whether DuckDB can't read the bytes as they are."""
        mixed = self.returns not in (0, self.newlines)
        return mixed or not self.utf8 or self.bom in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

    @property
    def lines(self) -> int | None:
        """The file's lines, where the line ends of the bytes say them: else they are counted."""
        if self.needs_rewriting or self.blank_lines:
            return None
        ends = self.newlines or self.returns
        return ends + (not self.ends_with_newline)

    @property
    def encoding(self) -> str:
        """The encoding to read with: by the byte order mark, UTF-8, else Latin-1."""
        return ENCODINGS.get(self.bom, "utf-8" if self.utf8 else "latin-1")


@dataclass(frozen=True)
class Header:
    """The first line of a file, cut: column names, delimiter, quote, and the line it stands in."""

    names: tuple[str, ...]
    delimiter: str
    quote: str
    line: int = 1
    positions: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    blank_lines: tuple[int, ...] = field(default=())


def find_sources(folder: Path, unpacked: Path | None = None) -> list[SourceFile]:
    """List the files of a delivery by name, numbers in numeric order, members of zip files too.

    Packages inside of packages are written to `unpacked`. Raises InputError for a folder that is
    absent, empty or unreadable, and for a broken zip.
    """
    if not folder.exists():
        beside = [p.name for p in folder.parent.glob("*") if p.is_dir()]
        hint = nearest(folder.name, beside)
        close = hint if "did you mean" in hint else ""
        raise InputError(f"{folder}: there is no such folder{close}")
    try:
        paths = (
            [folder] if folder.is_file() else sorted(p for p in folder.rglob("*") if p.is_file())
        )
    except OSError as error:
        raise InputError(f"{folder}: can't be read ({error.strerror})") from error
    root = folder.parent if folder.is_file() else folder
    visible = [p for p in paths if not any(s.startswith(".") for s in p.relative_to(root).parts)]
    if not visible:
        raise InputError(f"{folder}: the folder is empty, expected CMS source files")
    found = [
        source
        for path in visible
        for source in _unpack(path.relative_to(root).as_posix(), path, unpacked, 0)
    ]
    return sorted(found, key=lambda s: _natural(s.name))


def _natural(name: str) -> tuple[Any, ...]:
    """Order names so that part 2 stands before part 10; ties by the name itself."""
    return (
        *((int(t), "") if t.isdigit() else (-1, t) for t in re.split(r"(\d+)", name)),
        (-2, name),
    )


MAGIC = {
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
}
"""The first bytes of what files come packed in."""

SUFFIXES = {".zip": "zip", ".gz": "gzip", ".zst": "zstd", ".zstd": "zstd"}
OFFICE = {".xlsx", ".xlsm", ".docx", ".pptx", ".odt", ".ods", ".jar"}
"""Files that begin like a zip and are no package."""

DEEPEST = 5


def _packing(name: str, head: bytes) -> str:
    """Return what a file is packed in, by its first bytes, else by its suffix."""
    suffix = Path(name).suffix.lower()
    if suffix in OFFICE:
        return ""
    by_bytes = next((what for magic, what in MAGIC.items() if head.startswith(magic)), "")
    return by_bytes or SUFFIXES.get(suffix, "")


def _unpack(name: str, path: Path, unpacked: Path | None, depth: int) -> Iterator[SourceFile]:
    """List a file, or the members of a zip file; packed members are unpacked first."""
    try:
        with path.open("rb") as stream:
            packing = _packing(name, stream.read(4))
    except OSError as error:
        raise InputError(f"{name}: can't be read ({error.strerror})") from error
    if packing != "zip":
        yield SourceFile(name, path, packing, path.stat().st_size)
        return
    try:
        with zipfile.ZipFile(path) as archive:
            members = [i for i in archive.infolist() if not i.is_dir()]
            if any(i.flag_bits & 1 for i in members):
                raise InputError(f"{name}: the zip file is encrypted; unpack it first")
            heads = [_head(archive, i) for i in members]
            for info, head in zip(members, heads, strict=True):
                inner = f"{name}/{info.filename}"
                if not _packing(info.filename, head) or unpacked is None:
                    yield SourceFile(inner, path, "zip", info.file_size, info.filename)
                    continue
                if depth == DEEPEST:
                    raise InputError(
                        f"{name}: zip files lie more than {DEEPEST} deep in each other"
                    )
                place = _extract(archive, info, unpacked)
                yield from _unpack(inner, place, unpacked, depth + 1)
    except (zipfile.BadZipFile, OSError) as error:
        raise InputError(f"{name}: the zip file is damaged or cut off") from error


def _head(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """Return a member's first bytes; a damaged one is found out when it is read."""
    try:
        with archive.open(info) as stream:
            return stream.read(4)
    except DAMAGE:
        return b""


def _extract(archive: zipfile.ZipFile, info: zipfile.ZipInfo, unpacked: Path) -> Path:
    """Write a packed member to a file of its own, in the work folder."""
    unpacked.mkdir(parents=True, exist_ok=True)
    place = unpacked / f"{len(list(unpacked.iterdir())):05d}{Path(info.filename).suffix}"
    with archive.open(info) as source, place.open("wb") as target:
        shutil.copyfileobj(source, target, CHUNK)
    return place


def stem(source: SourceFile) -> str:
    """Return a file's name without folders and packing suffixes."""
    name = source.name.rsplit("/", 1)[-1]
    return re.sub(r"\.(gz|zst|zstd)$", "", name, flags=re.IGNORECASE)


def identity(source: SourceFile, found: Scan, stamp: str) -> str:
    """Return what makes a file the same: its bytes, and its year where only the name has it."""
    return found.sha256[:24] + (f"-{stamp_of_name(source, stamp)}" if stamp else "")


def stamp_of_name(source: SourceFile, stamp: str) -> int | None:
    """Return the year of a file's name, or its year and month (YYYYMM) where it has one."""
    return _month_of_name(source) if stamp == "month" else _year_of_name(source)


def _month_of_name(source: SourceFile) -> int | None:
    name = stem(source)
    short = re.search(r"\.D([0-9]{2})(0[1-9]|1[0-2])[0-9]{2}(?![0-9])", name, re.IGNORECASE)
    if short:
        return (2000 + int(short[1])) * 100 + int(short[2])
    long = re.search(r"(?<![0-9])(20[0-9]{2})[-_]?(0[1-9]|1[0-2])(?:[-_]?[0-9]{2})?(?![0-9])", name)
    return int(long[1]) * 100 + int(long[2]) if long else None


def _year_of_name(source: SourceFile) -> int:
    years = re.findall(r"(?<![0-9])((?:19|20)[0-9]{2})(?![0-9])", stem(source))
    if not years:
        raise InputError(f"{source.name}: the name holds no year, as the file's rows need it")
    return int(years[0])


def is_text(source: SourceFile) -> bool:
    """Whether a file's suffix is one that text files of a delivery have."""
    suffix = Path(stem(source)).suffix.lower()
    return suffix in TEXT_SUFFIXES or bool(re.fullmatch(r"[.]t[0-9]+", suffix))


def scan(source: SourceFile, report: Callable[[int], None]) -> Scan:
    """Read a file from end to end. Raises InputError where it can't be read or is damaged."""
    found = Scan()
    digest = sha256()
    decoder = codecs.getincrementaldecoder("utf-8")()
    last = b""
    try:
        with open_bytes(source, digest.update) as stream:
            while chunk := stream.read(CHUNK):
                look(found, chunk, last, decoder)
                last = chunk[-2:]
                report(len(chunk))
    except DAMAGE as error:
        raise InputError(f"{source.name}: the file is damaged or cut off") from error
    except OSError as error:
        words = (
            f"can't be read ({error.strerror})" if error.errno else "the file is damaged or cut off"
        )
        raise InputError(f"{source.name}: {words}") from error
    found.sha256 = digest.hexdigest()
    found.ends_with_newline = last.endswith((b"\n", b"\r"))
    return found


def check_scan(source: SourceFile, found: Scan) -> None:
    """Raise InputError for a file that holds no text."""
    if found.empty:
        raise InputError(f"{source.name}: the file is empty, expected a header and rows")
    if found.nul_line and found.bom not in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        raise InputError(
            f"{source.name}: line {found.nul_line} holds a NUL byte: the file is damaged or not"
            " text"
        )


def look(found: Scan, chunk: bytes, last: bytes = b"", decoder: Any = None) -> None:
    """Add what a piece of a file shows to what was found before it."""
    decoder = decoder or codecs.getincrementaldecoder("utf-8")()
    if found.empty:
        found.bom = next((b for b in ENCODINGS if chunk.startswith(b)), b"")
    found.empty = found.empty and not chunk.strip(b" \r\n\t\x00")
    if len(found.head) < HEADER_LIMIT:
        found.head += chunk[:HEADER_LIMIT]
    if not found.nul_line and b"\x00" in chunk:
        found.nul_line = found.newlines + chunk[: chunk.index(b"\x00")].count(b"\n") + 1
    found.size += len(chunk)
    found.newlines += chunk.count(b"\n")
    found.returns += chunk.count(b"\r") if b"\r" in chunk else 0
    found.blank_lines = found.blank_lines or _has_blank_line(chunk, last + chunk[:2])
    found.utf8 = found.utf8 and _decodes(decoder, chunk)


BLANK_LINE = re.compile(rb"\n\n")
"""A pattern, as it passes over a text in a third of the time that `in` takes for two bytes."""


def _has_blank_line(chunk: bytes, edge: bytes) -> bool:
    """Whether two line ends follow each other; most files have no returns to look through."""
    ends = (b"\n\r\n", b"\r\r")
    if any(b"\r" in text and any(end in text for end in ends) for text in (chunk, edge)):
        return True
    return bool(BLANK_LINE.search(chunk) or BLANK_LINE.search(edge))


def _decodes(decoder: Any, chunk: bytes) -> bool:
    if chunk.isascii() and not decoder.getstate()[0]:
        return True
    try:
        decoder.decode(chunk)
    except UnicodeDecodeError:
        return False
    return True


class _Hashing(io.RawIOBase):
    """A raw stream that shows the bytes it hands out to someone else."""

    def __init__(self, raw: IO[bytes], update: Callable[[bytes], None]) -> None:
        super().__init__()
        self._raw, self._update = raw, update

    def read(self, size: int = -1) -> bytes:
        """Read, and show what was read."""
        data = self._raw.read(size)
        self._update(data)
        return data

    def readinto(self, buffer: Any) -> int:
        """Read into a buffer, for readers that bring their own."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def readable(self) -> bool:
        """It can be read."""
        return True


@contextmanager
def open_bytes(source: SourceFile, update: Callable[[bytes], None] | None = None) -> Iterator[Any]:
    """Open a file's text as bytes, unpacked; `update` sees the bytes as they are stored."""
    update = update or (lambda data: None)
    if source.packing == "zip":
        with zipfile.ZipFile(source.path) as archive, archive.open(source.member) as raw:
            yield _Hashing(raw, update)
        return
    with source.path.open("rb") as raw:
        hashing = _Hashing(raw, update)
        if source.packing == "gzip":
            yield gzip.GzipFile(fileobj=io.BufferedReader(hashing, CHUNK))
        elif source.packing == "zstd":
            yield pa.CompressedInputStream(pa.PythonFile(hashing, mode="r"), "zstd")
        else:
            yield hashing


def make_plain(source: SourceFile, found: Scan, target: Path, mend_quotes: bool = False) -> Path:
    """Return a path that DuckDB can read: the file itself, or a rewritten copy in UTF-8.

    `mend_quotes` reads a line whose quotes do not pair without quotes, so that a stray one spoils
    no line but its own.
    """
    if not found.needs_rewriting and source.packing != "zip" and not mend_quotes:
        return source.path
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    decoder = codecs.getincrementaldecoder(found.encoding)(errors="replace")
    with open_bytes(source) as stream, partial.open("w", encoding="utf-8", newline="") as out:
        pending = ""
        for text in _texts(stream, decoder):
            lines = pending + text
            cut = lines.rfind("\n") + 1 if mend_quotes else len(lines)
            out.write(_paired(lines[:cut]) if mend_quotes else lines)
            pending = lines[cut:]
        out.write(_paired(pending))
    partial.replace(target)
    return target


def _texts(stream: Any, decoder: Any) -> Iterator[str]:
    """Decode a file piece by piece, with plain line ends."""
    pending = ""
    while chunk := stream.read(CHUNK):
        text = pending + decoder.decode(chunk)
        pending = text[-1:] if text.endswith("\r") else ""
        yield _line_ends(text[: len(text) - len(pending)])
    yield _line_ends(pending + decoder.decode(b"", final=True))


def _paired(text: str) -> str:
    """Take the quotes out of lines where they do not pair."""
    if '"' not in text:
        return text
    lines = text.split("\n")
    return "\n".join(line.replace('"', "") if line.count('"') % 2 else line for line in lines)


def _line_ends(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_header(source: SourceFile, found: Scan, known: set[str]) -> Header:
    """Cut the first line with text; the delimiter is the one that gives most known columns.

    Raises InputError for a header without any known column and for a column that stands twice.
    """
    text = _line_ends(found.head.decode(found.encoding, errors="replace"))
    lines = text.split("\n")
    place = next(i for i, line in enumerate(lines) if line.strip())
    line = lines[place].lstrip("\ufeff")
    cut = {d: [c.strip().strip('"').strip() for c in line.split(d)] for d in DELIMITERS}
    best = max(DELIMITERS, key=lambda d: sum(c.upper() in known for c in cut[d]))
    names = cut[best]
    if not any(c.upper() in known for c in names):
        raise InputError(
            f"{source.name}: line {place + 1} is not a header: no known column such as"
            f" {', '.join(sorted(known)[:3])}, cut at | , ; or tab"
        )
    while names and not names[-1]:
        names = names[:-1]
    twice = sorted({c for c in names if c and [n.upper() for n in names].count(c.upper()) > 1})
    if twice:
        raise InputError(f"{source.name}: column {twice[0]} stands twice in the header")
    return Header(tuple(names), best, _quote(text, line, best), place + 1)


def _quote(text: str, header: str, delimiter: str) -> str:
    """Quotes count in comma files; elsewhere only where the header or a whole field is quoted.

    CMS's pipe files have none: there a quote is a character like others.
    """
    if delimiter == "," or header.lstrip("\ufeff").startswith('"'):
        return '"'
    cut = re.escape(delimiter)
    return '"' if re.search(rf'(^|{cut})"[^"\n]*"({cut}|$)', text, re.MULTILINE) else ""


def line_counts(path: Path, source: SourceFile, plain: bool) -> tuple[int, list[int]]:
    """Count a file's lines, and number the blank ones (they give no row)."""
    opened = SourceFile(source.name, path, "", 0) if plain else source
    numbers, line, rest = [], 0, b""
    with open_bytes(opened) as stream:
        while chunk := stream.read(CHUNK):
            *lines, rest = (rest + chunk).split(b"\n")
            numbers += [line + i for i, text in enumerate(lines, 1) if not text.strip(b"\r")]
            line += len(lines)
    return line + bool(rest.strip(b"\r")), numbers


def day_of_name(name: str) -> int:
    """Return the day of delivery (YYMMDD, or YYYYMM00) that a file's name says, 0 for none."""
    file = name.rsplit("/", 1)[-1]
    if short := re.search(r"\.D([0-9]{6})(?![0-9])", file, re.IGNORECASE):
        return 20_000_000 + int(short[1])
    long = re.search(r"(?<![0-9])(20[0-9]{2})[-_]?(0[1-9]|1[0-2])(?![0-9])", file)
    return (int(long[1]) * 100 + int(long[2])) * 100 if long else 0


def bare(source: SourceFile) -> str:
    """Return a file's name with folders, in small letters, without its suffix and packing."""
    return bare_name(source.name)


def bare_name(name: str) -> str:
    """Return a name with folders, in small letters, without its suffix and packing."""
    name = re.sub(r"\.(gz|zst|zstd)$", "", name, flags=re.IGNORECASE)
    folder, _, file = name.rpartition("/")
    return f"{folder}/{file.rsplit('.', 1)[0]}".lower()


def plain_text(scan: Scan) -> str:
    """Return the beginning of a file as text with plain line ends."""
    return _line_ends(scan.head.decode(scan.encoding, errors="replace")).lstrip("\ufeff")


def cut(header: Header, lines: Sequence[str]) -> list[list[str]]:
    """Cut lines of text into the cells of a header's columns."""
    if header.positions:
        places = header.positions.values()
        return [[line[first - 1 : first - 1 + n] for first, n in places] for line in lines]
    if header.quote:
        return list(csv.reader(lines, delimiter=header.delimiter))
    return list(csv.reader(lines, delimiter=header.delimiter, quoting=csv.QUOTE_NONE))
