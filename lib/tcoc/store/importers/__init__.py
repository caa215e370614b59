"""CMS source files to a store: `rif`, `cclf` and `synpuf`, on one shared engine."""

from pathlib import Path

from tcoc.errors import InputError, nearest
from tcoc.folders import owner_only
from tcoc.resources.shortage import explained
from tcoc.store.importers import engine, flow, synpuf
from tcoc.store.importers.admission import AdmissionError, load_limits
from tcoc.store.importers.cclf import CCLF
from tcoc.store.importers.flow import Request, SourceKind
from tcoc.store.importers.inspection import Inspection, inspect_delivery
from tcoc.store.importers.rif import RIF
from tcoc.store.importers.sources import Progress
from tcoc.store.importers.steps import Steps
from tcoc.store.importers.summary import ImportSummary, render

KINDS = ("rif", "cclf", "synpuf")


def import_files(
    kind: str,
    source: Path,
    out: Path,
    state: str = "all",
    clinicians: Path | None = None,
    beneficiaries: Path | None = None,
    progress: Progress | None = None,
    memory_limit: str | None = None,
    synthetic: bool | None = None,
    accept: str = "",
) -> ImportSummary:
    """Import CMS source files into a store at `out`, in place of a store that is there.

    The store is whole or absent: all work is done beside it, in `.NAME.import`, and taken up by the
    next call after an interruption. Rows that can't be used go to out/quarantine. `progress` is
    called with what is being done, the bytes done and all bytes; the work after reading counts like
    bytes. `accept` is the reason to import a delivery that is beyond a limit (rule I8). Raises
    AdmissionError, with the summary, for one that is and without a reason; InputError in one
    sentence, also where another import into `out` is at work; and ShortageError where memory or
    disk do not suffice. All that is written is for its owner only.
    """
    if kind not in KINDS:
        raise InputError(f'import: found "{kind}"{nearest(kind, KINDS)}')
    source, out = source.resolve(), out.resolve()
    if source == out or out in source.parents or source in out.parents:
        raise InputError(
            f"--out {out.name}: lies in the source folder or around it; choose a place apart"
        )
    summary = ImportSummary(kind, source.name, out, state, accepted=accept.strip())
    steps, limits = Steps(progress), load_limits()
    with (
        explained("opening the work folder", place=out),
        owner_only(),
        engine.work_folder(out) as work,
    ):
        with engine.open_engine(work, memory_limit, steps) as con:
            request = Request(source, work, steps, limits, synthetic)
            flow.run(con, source_kind(kind, clinicians, beneficiaries), request, summary)
        with explained("finishing the store", place=work):
            engine.write_info(summary, work / "store")
            engine.publish(work, out)
    steps.finish()
    return summary


def source_kind(kind: str, clinicians: Path | None, beneficiaries: Path | None) -> SourceKind:
    """Return what a kind of source brings, with the optional tables of synpuf."""
    if kind == "synpuf":
        return synpuf.prepare(clinicians, beneficiaries)
    if clinicians or beneficiaries:
        raise InputError(
            f"--clinicians and --beneficiaries supply what synpuf lacks; {kind} has it"
        )
    return CCLF if kind == "cclf" else RIF


def inspect(
    folder: Path,
    kind: str | None = None,
    state: str = "all",
    progress: Progress | None = None,
    memory_limit: str | None = None,
) -> Inspection:
    """Look through a delivery as an import would; write nothing (see `inspection`)."""
    known = {name: source_kind(name, None, None) for name in KINDS}
    return inspect_delivery(folder, known, kind, state, progress, memory_limit)


__all__ = ["KINDS", "AdmissionError", "ImportSummary", "import_files", "inspect", "render"]
