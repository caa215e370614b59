"""The commands: thin wrappers that read arguments, call the library, and say what happened.

Exit status: 0 done; 1 the work failed or a check did not hold; 2 bad arguments, parameters or
inputs. An error is one sentence on standard error; the traceback only with --debug.
"""

import errno
import signal
import sys
import traceback
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from tcoc.errors import InputError, TcocError
from tcoc.resources.memory import collect_seldom

app = typer.Typer(
    name="tcoc",
    help="Maryland Total Cost of Care: from Medicare claims to reports.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Limit = Annotated[str | None, typer.Option("--memory-limit", help="Engine memory, such as 2GB.")]
INTERRUPTED = 130
"""The status with which typer ends at Ctrl-C."""

NO_PATH = (errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR)
"""Errors of the system that say that an argument is no path of a file."""

Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


def _version(asked: bool) -> None:
    if asked:
        import tcoc

        typer.echo(f"tcoc {tcoc.__version__}")
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option("--version", callback=_version, is_eager=True, help="Say the version and end."),
]


@app.callback()
def _options(debug: Debug = False, version: Version = False) -> None:
    """Maryland Total Cost of Care: from Medicare claims to reports."""


@app.command()
def synth(
    out: Annotated[Path, typer.Option(help="Folder of the new store.")],
    benes: Annotated[int, typer.Option(help="Beneficiaries: sample 100000, state 850000.")],
    seed: Annotated[int, typer.Option(help="Same arguments, same bytes.")],
    years: Annotated[str, typer.Option(help="First and last calendar year, A-B.")] = "2012-2018",
    world: Annotated[
        str, typer.Option(help="What is planted: params/synthetic/worlds.")
    ] = "default",
) -> None:
    """Make a synthetic Maryland, with its reference tables and the planted truth."""
    from tcoc.progress import reporter
    from tcoc.store.synth import write_synthetic_store

    with reporter() as report:
        told = partial(report.reach, "synthetic store")
        write_synthetic_store(out, benes, seed, _years(years), told, world=world)
    typer.echo(f"{out}: a synthetic store of {benes:,} beneficiaries")


def _years(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    if not (first.isdigit() and (last or first).isdigit()):
        raise InputError(f'--years: found "{text}", expected A-B such as 2012-2018')
    return int(first), int(last or first)


@app.command("import")
def import_(
    kind: Annotated[str, typer.Argument(help="rif, cclf or synpuf.")],
    source: Annotated[Path, typer.Option("--from", help="Folder with the CMS files.")],
    out: Annotated[Path, typer.Option(help="Folder of the new store.")],
    state: Annotated[str, typer.Option(help="MD, or all: whom to keep.")] = "all",
    clinicians: Annotated[Path | None, typer.Option(help="CSV with npi, specialty.")] = None,
    beneficiaries: Annotated[Path | None, typer.Option(help="CSV with bene_id, zip, ...")] = None,
    accept: Annotated[
        str | None, typer.Option(help="Reason to import a delivery that is beyond a limit.")
    ] = None,
    memory_limit: Limit = None,
) -> None:
    """Load CMS files into a store; exit 1 where a delivery is beyond a limit and not accepted."""
    from tcoc.progress import reporter
    from tcoc.store.importers import AdmissionError, import_files, render

    if accept is not None and not accept.strip():
        raise InputError('--accept: found nothing, expected a reason such as "test extract"')
    _warn_of(memory_limit)
    with reporter() as report:
        try:
            summary = import_files(
                kind,
                source,
                out,
                state,
                clinicians,
                beneficiaries,
                partial(report.reach, "import"),
                memory_limit,
                accept=accept or "",
            )
        except AdmissionError as error:
            typer.echo(render(error.summary))
            raise
    typer.echo(render(summary))


@app.command()
def inspect(
    folder: Annotated[Path, typer.Argument(help="Folder with the CMS files.")],
    kind: Annotated[str | None, typer.Option(help="rif, cclf or synpuf; else it is seen.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    state: Annotated[str, typer.Option(help="MD, or all: whom an import would keep.")] = "all",
    memory_limit: Limit = None,
) -> None:
    """Say what an import of a delivery would do; exit 1 where it would not end with status 0."""
    import json

    from tcoc.progress import reporter
    from tcoc.store.importers import inspect as look
    from tcoc.store.importers.inspection import render

    with reporter() as report:
        found = look(folder, kind, state, partial(report.reach, "inspect"), memory_limit)
    typer.echo(json.dumps(found.as_json(), indent=1) if json_ else render(found))
    if not found.ok:
        raise typer.Exit(1)


@app.command()
def check(
    store: Annotated[Path, typer.Argument(help="Folder of a store.")], memory_limit: Limit = None
) -> None:
    """Check a store's schema and content; exit 1 where something does not hold."""
    from tcoc.store.check import check_store, render

    report = check_store(store, memory_limit)
    typer.echo(render(report))
    if not report.ok:
        raise typer.Exit(1)


@app.command()
def lab(
    states: Annotated[int, typer.Option(min=2, help="Synthetic states in each world.")] = 50,
    benes: Annotated[int | None, typer.Option(min=1, help="People of a state.")] = None,
    out: Annotated[Path, typer.Option(help="Where the scores are kept.")] = Path(
        "benchmarks/results/lab.json"
    ),
) -> None:
    """Score designs of the MPA in synthetic worlds where the truth is known; resumable."""
    from tcoc.deliverables.policy_lab.lab import lab_work, plan_of, run_lab
    from tcoc.params import load_policy
    from tcoc.progress import reporter

    with reporter() as report:
        run_lab(plan_of(load_policy(), benes), states, out, lab_work(), report)
    typer.echo(f"{out}: designs scored in {states} states of each world")


@app.command()
def run(
    file: Annotated[Path, typer.Argument(help="A run file, such as params/runs/sample.yml.")],
    only: Annotated[list[str] | None, typer.Option(help="Only this deliverable.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="key=value: a run key or policy value.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for run folders.")] = None,
    engine: Annotated[str | None, typer.Option(help="duckdb or spark.")] = None,
    memory_limit: Limit = None,
    workers: Annotated[int, typer.Option(min=1, help="Notebooks side by side.")] = 2,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Reuse nothing of an earlier run.")
    ] = False,
) -> None:
    """Run the deliverables of a run file and write the run folder.

    What is unchanged since the last finished run of the same name is taken over from it.
    """
    from tcoc.progress import reporter
    from tcoc.run.key import RunRequest, said, unchanged
    from tcoc.run.summary import summary

    changes = dict(_assignment(text) for text in set_ or [])
    if engine:
        changes["engine"] = engine
    _warn_of(memory_limit)
    request = RunRequest(file, tuple(only or ()), changes, out, memory_limit, workers, fresh)
    with reporter() as report:
        if folder := unchanged(request):
            report.say(said(folder))
        else:
            # loaded only where there is something to do: it takes longer than to see that
            from tcoc.run.runner import execute_run

            folder = execute_run(request, report)
    if line := summary(folder):
        typer.echo(line)
    typer.echo(f"{folder}/index.html")


def _warn_of(memory_limit: str | None) -> None:
    """Say that a memory limit is above what the machine has; the work goes on."""
    from tcoc.resources.shortage import too_high

    if line := too_high(memory_limit):
        typer.echo(f"tcoc: {line}", err=True)


def _assignment(text: str) -> tuple[str, Any]:
    import yaml

    from tcoc.params.yaml_file import LARGEST, load_text

    key, sign, value = text.partition("=")
    if not (sign and key):
        raise InputError(f'--set: found "{text}", expected key=value')
    if len(value) > LARGEST:
        raise InputError(f'--set: the value of "{key}" has more than {LARGEST:,} characters')
    try:
        return key, load_text(value)
    except (yaml.YAMLError, ValueError) as error:
        raise InputError(f'--set: the value of "{key}" is not YAML: {value[:60]}') from error


@app.command()
def sensitivity(
    file: Annotated[Path, typer.Argument(help="A run file, such as params/runs/sample.yml.")],
    out: Annotated[Path | None, typer.Option(help="Folder of run folders.")] = None,
    memory_limit: Limit = None,
) -> None:
    """Rerun each assumed value at its alternatives and say what moves; goes on where it stopped."""
    from tcoc.progress import reporter
    from tcoc.run.sensitivity import measure, render

    _warn_of(memory_limit)
    with reporter() as report:
        table = measure(file, report, out, memory_limit)
    typer.echo(render(table))


@app.command()
def runs(
    out: Annotated[Path | None, typer.Option(help="Folder of run folders.")] = None,
) -> None:
    """List the runs, their state, parameters and age, and renew the page over them."""
    from tcoc.manifest import list_runs
    from tcoc.report.index import render_portfolio
    from tcoc.run.places import outputs_dir
    from tcoc.run.run_list import render_runs

    folder = outputs_dir(out)
    typer.echo(render_runs(list_runs(folder)))
    if any(folder.glob("*/manifest.json")):
        typer.echo(f"{render_portfolio(folder)}")


@app.command()
def cache(
    out: Annotated[Path | None, typer.Option(help="Folder of run folders.")] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Remove everything that is kept.")] = False,
) -> None:
    """Say how large the cache of tables and pages is, or clear it."""
    from tcoc.cache import FOLDER, Cache
    from tcoc.run.places import outputs_dir
    from tcoc.run.summary import render_usage

    found = Cache(outputs_dir(out) / FOLDER)
    typer.echo(render_usage(found.clear() if clear else found.usage(), clear))


@app.command()
def verify(
    run_: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder or a run's name.")],
    rerun: Annotated[bool, typer.Option("--rerun", help="Make the tables again too.")] = False,
) -> None:
    """Hold a run's inputs, tables and pages against its manifest; exit 1 where any differs."""
    from tcoc.progress import reporter
    from tcoc.run.verify import rerun as again
    from tcoc.run.verify import verify as look

    folder = _run_folder(run_)
    found = [look(folder)]
    typer.echo(found[0].text())
    if rerun:
        with reporter() as report:
            found.append(again(folder, report))
        typer.echo(f"made again: {found[1].text()}")
    if not all(each.ok for each in found):
        raise typer.Exit(1)


@app.command()
def compare(
    run_a: Annotated[Path, typer.Argument(help="The run before: a run folder or a run's name.")],
    run_b: Annotated[Path, typer.Argument(help="The run after.")],
    out: Annotated[Path | None, typer.Option(help="Write the comparison as HTML and CSV.")] = None,
) -> None:
    """Say what changed between two runs: totals, hospitals by dollars, parameters; all in a file.

    Without --out the file goes to the later run's restricted folder. Ends with 1 where the two
    editions together would tell a small count.
    """
    from tcoc.report.compare import compare_runs, default_out, render_comparison

    later = _run_folder(run_b)
    comparison = compare_runs(_run_folder(run_a), later)
    if not comparison.empty:
        target = out or default_out(later, comparison)
        render_comparison(comparison, target)
        typer.echo(f"{target}")
    elif out:
        render_comparison(comparison, out)
    typer.echo(comparison.text())
    if comparison.discloses:
        raise typer.Exit(1)


@app.command()
def release(
    run_: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder or a run's name.")],
    by: Annotated[str, typer.Option("--by", help="Who answers for the release.")],
    on: Annotated[str, typer.Option("--date", help="Its day; else today.")] = "",
    edition: Annotated[str, typer.Option(help="stakeholder or working.")] = "stakeholder",
) -> None:
    """Hand a finished run out: review sheet, name and date, checksums, ledger.

    Ends with 1 where this and earlier releases of the same data would disclose together.
    """
    from tcoc.run.release import release_run

    typer.echo(f"{release_run(_run_folder(run_), by, on, edition)}")


def _run_folder(named: Path) -> Path:
    """Return a run folder that is given as a path, or by its name under outputs/."""
    from tcoc.run.places import run_folder

    return run_folder(named)


@app.command()
def feed(
    run: Annotated[Path, typer.Argument(help="A finished run: its folder or its name.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder of the feed; RUN/restricted/feed where not given.")
    ] = None,
) -> None:
    """Write the attribution feed for the monitoring contractor: files, dictionary, checksums."""
    from tcoc.deliverables.y1_attribution.feed import FOLDER, check_feed, write_feed
    from tcoc.manifest import finished
    from tcoc.study import RESTRICTED

    folder = _run_folder(run)
    manifest = finished(folder)
    restricted = folder / RESTRICTED
    facts = {"synthetic": manifest.synthetic, "git_commit": manifest.git_commit}
    place = write_feed(restricted, manifest.run, facts, out or restricted / FOLDER)
    check_feed(place)
    typer.echo(f"{place}")


@app.command()
def sheet(
    run: Annotated[Path | None, typer.Argument(help="A run folder or a run's name.")] = None,
    name: Annotated[str, typer.Argument(help="CCN, hospital, system, ACO, county; else all.")] = "",
    run_: Annotated[Path | None, typer.Option("--run", help="The same as RUN.")] = None,
    ccn: Annotated[str, typer.Option(help="The same as NAME.")] = "",
) -> None:
    """Make sheets of a finished run again: public, and confidential for the owner.

    Sheets are of hospitals, health systems, ACOs and counties, in RUN/hospitals and
    RUN/restricted/hospitals; every run makes them by itself.
    """
    from tcoc.run.sheets import remake_sheets

    folder = run_ or run
    if folder is None:
        raise InputError("sheet: no run is named, expected tcoc sheet RUN [NAME]")
    # with --run the first word is the name
    wanted = ccn or name or (str(run or "") if run_ else "")
    for file in remake_sheets(_run_folder(folder), wanted):
        typer.echo(f"{file}")


explain = typer.Typer(help="Recompute one number step by step.", no_args_is_help=True)
app.add_typer(explain, name="explain")


@explain.callback()
def _explain() -> None:
    """Recompute one number step by step, from a run's restricted tables."""


@explain.command("mpa")
def explain_mpa_(
    run_: Annotated[Path, typer.Option("--run", help="A run folder or a run's name.")],
    ccn: Annotated[str, typer.Option(help="The hospital.")],
    option: Annotated[str, typer.Option(help="An option of table mpa.")] = "improvement_single",
) -> None:
    """Print how a hospital's dollars come about, from per capita to payments."""
    from tcoc.deliverables.mpa_options.explain import explain_mpa

    typer.echo(explain_mpa(_run_folder(run_), ccn, option))


@explain.command("attribution")
def explain_attribution_(
    run_: Annotated[Path, typer.Option("--run", help="A run folder or a run's name.")],
    bene: Annotated[str, typer.Option(help="A beneficiary.")] = "",
    npi: Annotated[str, typer.Option(help="Or a clinician.")] = "",
) -> None:
    """Print why a person, or a clinician's people, went to their hospital; for the owner only."""
    from tcoc.deliverables.y1_attribution.explain import explain_attribution

    typer.echo(explain_attribution(_run_folder(run_), bene, npi))


@explain.command("beneficiary")
def explain_beneficiary_(
    run_: Annotated[Path, typer.Option("--run", help="A run folder or a run's name.")],
    bene: Annotated[str, typer.Option(help="The beneficiary.")],
) -> None:
    """Print a person's months, dollars and hospital by year; for the owner only."""
    from tcoc.deliverables.y1_attribution.explain import explain_beneficiary

    typer.echo(explain_beneficiary(_run_folder(run_), bene))


@explain.command("qp")
def explain_qp_(
    run_: Annotated[Path, typer.Option("--run", help="A run folder or a run's name.")],
    npi: Annotated[str, typer.Option(help="The clinician.")],
    ccn: Annotated[str | None, typer.Option(help="The hospital; else the one chosen.")] = None,
) -> None:
    """Print a clinician's QP counts, thresholds and what it would take to qualify."""
    from tcoc.deliverables.qp_preliminary.explain import explain_qp

    typer.echo(explain_qp(_run_folder(run_), npi, ccn))


@app.command("new-year")
def new_year_(
    year: Annotated[int, typer.Argument(help="The new data year.")],
    from_: Annotated[Path, typer.Option("--from", help="The run file to start from.")],
) -> None:
    """Write the run file of a new data year and list the policy values that it will use."""
    from tcoc.params import load_run
    from tcoc.run.new_year import new_year, render_dated, undated_assumptions

    file, values = new_year(year, from_)
    typer.echo(f"{file}: written\n\npolicy values of {year}:")
    typer.echo(render_dated(values, undated_assumptions(load_run(file))))


def main() -> None:
    """Run a command and turn an error into one sentence and an exit status."""
    collect_seldom()
    signal.signal(signal.SIGTERM, _interrupt)
    debug = "--debug" in sys.argv[1:]
    arguments = [a for a in sys.argv[1:] if a != "--debug"]
    try:
        app(args=arguments, standalone_mode=True)
    except TcocError as error:
        if debug:
            raise
        typer.echo(f"tcoc: {error}", err=True)
        sys.exit(error.exit_status)
    except SystemExit as end:
        if end.code != INTERRUPTED:
            raise
        typer.echo("tcoc: interrupted", err=True)
        sys.exit(1)
    except Exception as error:
        if debug:
            raise
        typer.echo(f"tcoc: {_told(error)}", err=True)
        sys.exit(2 if isinstance(error, OSError) and error.errno in NO_PATH else 1)


def _interrupt(*_signal: object) -> None:
    """Treat an end from outside like Ctrl-C, so that what is half done is removed."""
    raise KeyboardInterrupt


def _told(error: Exception) -> str:
    """Say in one sentence what nobody foresaw: where, not with which values (they may be people's).

    A shortage of memory or disk is told as that, a path that cannot be used by its name.
    """
    from tcoc.resources.shortage import shortage

    if short := shortage(error):
        return str(short)
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if "tcoc" in Path(f.filename).parts]
    where = (own or frames)[-1]
    return (
        f"unexpected {type(error).__name__} in {Path(where.filename).name}, line {where.lineno};"
        " --debug shows all of it"
    )


if __name__ == "__main__":
    main()
