"""A benchmark's results as a table and as a plot."""

from pathlib import Path
from typing import Any

from benchmarks.import_carrier import sentence

ENGINES = {
    "ours": ("this project (DuckDB)", "-", "o"),
    "pandas": ("pandas, identifiers as strings", "--", "s"),
    "pandas_coded": ("pandas, identifiers as whole numbers", ":", "^"),
}
WORDS = {
    "command_seconds": "the command fresh, seconds",
    "command_peak_mb": "the command fresh, highest memory of all processes, MB",
    "unchanged_seconds": "nothing changed, seconds",
    "mpa_value_seconds": "one MPA value changed, seconds",
    "attribution_option_seconds": "one attribution option changed, seconds",
    "notebook_value_seconds": "one MPA value changed in an open notebook, seconds",
    "sample_seconds": "the sample fresh, seconds",
    "total_seconds": "all tables, seconds",
    "total_cpu_seconds": "all tables, CPU seconds",
    "peak_mb": "highest memory of the process, MB",
    "heavy_seconds": "heavy steps, seconds",
    "heavy_cpu_seconds": "heavy steps, CPU seconds",
    "raw_scan_cpu_seconds": "raw scan of their columns, CPU seconds",
    "scan_ratio": "heavy steps in raw scans (CPU)",
    "pandas_ratio": "pandas with strings, times our seconds",
    "pandas_cpu_ratio": "pandas with strings, times our CPU seconds",
    "pandas_coded_ratio": "pandas with whole numbers, times our seconds",
    "pandas_coded_cpu_ratio": "pandas with whole numbers, times our CPU seconds",
    "scaling_exponent": "exponent of CPU seconds, 10 to 100 per cent",
    "fixed_cpu_seconds": "fixed costs, CPU seconds",
}
WHOLE = {
    "command": "tcoc run --fresh: claims to HTML, all deliverables",
    "unchanged": "the same again",
    "mpa_value": "one MPA value changed",
    "attribution_option": "one attribution option changed",
    "risk_option": "one risk option changed",
}
IMPORT = "tcoc import: a year of a state"
NOTEBOOK = {
    "import_seconds": "library loaded",
    "first_table_seconds": "first table",
    "first_figure_seconds": "its first figure",
    "value_seconds": "the table with one MPA value changed",
}
STEP = ("seconds", "cpu_seconds", "peak_mb", "scan_ratio", "pandas_ratio", "pandas_coded_ratio",
        "scaling_exponent")  # fmt: skip


def table(result: dict[str, Any]) -> str:
    """Return the results as Markdown: the whole, the sizes, and step by step."""
    lines = [f"{result['benes']:,} beneficiaries, {result['machine']['cores']} cores", ""]
    lines += markdown_rows(
        ("what", "value"), [(w, result[k]) for k, w in WORDS.items() if k in result]
    )
    lines += _commands(result)
    if "import" in result:
        lines += ["", sentence(result["import"]) + "."]
    sizes = [
        (ENGINES[engine][0], row["benes"], row["seconds"], row["cpu_seconds"], row["peak_mb"])
        for engine, found in result["sizes"].items()
        for row in found.values()
    ]
    lines += ["", "Heavy steps by size:", ""]
    lines += markdown_rows(("code", "beneficiaries", "seconds", "CPU seconds", "peak MB"), sizes)
    steps = [(n, *(row.get(k, "") for k in STEP)) for n, row in result["steps"].items()]
    lines += ["", "Step by step:", "", *markdown_rows(("step", *STEP), steps)]
    stages = [
        (table, stage, *(row[k] for k in STEP[:3]))
        for table, found in result["stages"].items()
        for stage, row in found.items()
    ]
    lines += ["", "Stages of steps, all years together:", ""]
    lines += markdown_rows(("step", "stage", "seconds", "CPU seconds", "peak MB"), stages)
    return "\n".join(lines) + "\n"


def _commands(result: dict[str, Any]) -> list[str]:
    """Say what whole commands took, of a state and of the sample, and what a notebook takes."""
    keys = (*STEP[:3], "load")
    measured = {size: result["commands"][size] for size in ("state", "sample")
                if size in result.get("commands", {})}  # fmt: skip
    rows = [
        (size, words, *(found[name].get(key, "") for key in keys))
        for size, found in measured.items()
        for name, words in WHOLE.items()
        if name in found
    ]
    if "import" in result:
        rows.append(("state", IMPORT, *(result["import"].get(key, "") for key in keys)))
    heads = ("store", "command", "seconds", "CPU seconds", "peak MB", "load of the machine")
    lines = ["", "Whole commands, with all their processes:", "", *markdown_rows(heads, rows)]
    notebooks = [
        (size, *(found["notebook"].get(key, "") for key in NOTEBOOK))
        for size, found in measured.items()
        if "notebook" in found
    ]
    if notebooks:
        lines += ["", "An open notebook, seconds:", ""]
        lines += markdown_rows(("store", *NOTEBOOK.values()), notebooks)
    return lines if rows else []


def markdown_rows(heads: tuple[str, ...], rows: list[tuple[Any, ...]]) -> list[str]:
    """Return a table of Markdown; numbers with separators."""
    cells = [tuple(_shown(value) for value in row) for row in rows]
    ruler = "|" + "|".join("---" for _ in heads) + "|"
    return ["| " + " | ".join(row) + " |" if row else ruler for row in (heads, (), *cells)]


def _shown(value: Any) -> str:
    return f"{value:,}" if isinstance(value, (int, float)) else str(value)


def write_plot(result: dict[str, Any], file: Path) -> None:
    """Draw CPU seconds of the heavy steps against beneficiaries, for each code."""
    from matplotlib.figure import Figure

    from tcoc.report import style

    style.use_style()
    figure = Figure(figsize=(6.5, 3.6), layout="constrained")
    axes = figure.add_subplot()
    for engine, found in result["sizes"].items():
        label, line, marker = ENGINES[engine]
        rows = sorted(found.values(), key=lambda row: row["benes"])
        points = [[row[key] for row in rows] for key in ("benes", "cpu_seconds")]
        axes.plot(*points, line, marker=marker, color=style.PALETTE[list(ENGINES).index(engine)],
                  label=label)  # fmt: skip
    axes.set(xscale="log", yscale="log", xlabel="beneficiaries", ylabel="CPU seconds")
    axes.legend(frameon=False)
    figure.savefig(file, dpi=150, metadata={"Software": None})
