"""Where run folders stand, and what run folder a name means."""

from pathlib import Path

from tcoc.errors import InputError

OUTPUTS = "outputs"


def outputs_dir(chosen: Path | None = None, run_file: Path | None = None) -> Path:
    """Return the folder of run folders: the one asked for, else that of the run file's project.

    A run file stands in PROJECT/params/runs; of any other the working directory's project counts,
    or the working directory itself. An installed package is never written to.
    """
    if chosen is not None:
        place = chosen.absolute()
        if chosen.is_file():
            raise InputError(f"--out {chosen}: run folders cannot be written there (a file)")
        if any((folder / "store.json").is_file() for folder in (place, *place.parents)):
            raise InputError(f"--out {chosen}: lies in a store, which holds claims; name another")
        return place
    if run_file is not None and (project := _project_of_file(run_file.resolve())):
        return project / OUTPUTS
    here = Path.cwd()
    return next((p for p in (here, *here.parents) if _is_project(p)), here) / OUTPUTS


def _project_of_file(file: Path) -> Path | None:
    project = file.parent.parent.parent
    in_place = file.parent.name == "runs" and file.parent.parent.name == "params"
    return project if in_place and project.name != "_project" else None


def _is_project(folder: Path) -> bool:
    return (folder / "params" / "runs").is_dir() and folder.name != "_project"


def run_folder(named: Path) -> Path:
    """Return a run folder that is given as a path, or by its name under outputs/."""
    by_name = outputs_dir() / named
    return by_name if not named.is_dir() and by_name.is_dir() else named
