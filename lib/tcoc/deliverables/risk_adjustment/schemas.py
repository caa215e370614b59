"""The columns of the tables of risk adjustment."""

from tcoc.rules.inference.replicates import REPLICATE_COLUMNS
from tcoc.rules.inference.statistics import STATISTIC_COLUMNS

_PAIR = {"base_year": "int32", "performance_year": "int32"}
_RESULT = dict.fromkeys(
    (
        "base_per_capita",
        "factor",
        "adjusted_base",
        "performance_per_capita",
        "growth",
        "difference",
    ),
    "float64",
)
_COUNTS = dict.fromkeys(
    ("base_benes", "base_months", "performance_benes", "performance_months"), "float64"
)
_ENDS = dict.fromkeys(
    (f"{of}_{end}" for of in ("growth", "difference") for end in ("low", "high", "error")),
    "float64",
)

ADJUSTMENT = {
    "method": "string",
    **_PAIR,
    "ccn": "string",
    **_RESULT,
    "ci_low": "float64",
    "ci_high": "float64",
}
METHODS_TABLE = {
    "variant": "string",
    **_PAIR,
    "ccn": "string",
    **_RESULT,
    **_ENDS,
    **_COUNTS,
}
COMBINATIONS = {"variant": "string", **_PAIR, "combination": "string", **_RESULT, **_COUNTS}
LABELS = {
    "age_from": "int32",
    "sex": "string",
    "dual": "boolean",
    "esrd": "boolean",
    "originally_disabled": "boolean",
    "bucket": "int32",
    "factor": "int64",
}
REPLICATES = {
    **_PAIR,
    "ccn": "string",
    "replicate": "int32",
    **dict.fromkeys(REPLICATE_COLUMNS, "float64"),
}
STATISTICS = {
    "statistic": "string",
    "variant": "string",
    **_PAIR,
    **dict.fromkeys(STATISTIC_COLUMNS, "float64"),
}
VERDICTS = {
    "verdict": "string",
    "question": "string",
    "answer": "string",
    "printed": "string",
    **{name: "float64" for name in STATISTIC_COLUMNS if name != "error"},
    **dict.fromkeys(("false_rate", "power", "stability", "right"), "float64"),
    "states": "int32",
    "state_benes": "float64",
    "people_needed": "float64",
}
_SIDES = dict.fromkeys(
    (f"{year}_{of}" for year in ("base", "performance") for of in ("benes", "months", "dollars")),
    "float64",
)
GROWTH_CELLS = {
    **_PAIR,
    "year": "int32",
    "ccn": "string",
    "part": "string",
    "share": "float64",
    **dict.fromkeys(("people", "months"), "int32"),
    "dollars": "decimal(18, 2)",
}
GROWTH_PARTS = {
    **_PAIR,
    "ccn": "string",
    "part": "string",
    **dict.fromkeys(("benes", "months"), "float64"),
    "dollars": "float64",
    "contribution": "float64",
    "per_capita": "float64",
    **_SIDES,
}
GROWTH_PANELS = {
    **_PAIR,
    "ccn": "string",
    "unit": "string",
    "moved": "string",
    "contribution": "float64",
    **{name: kind for name, kind in _SIDES.items() if "benes" not in name},
}
PANEL_OPTIONS = {
    "option": "string",
    **_PAIR,
    "ccn": "string",
    **dict.fromkeys(
        ("growth", "growth_low", "growth_high", "growth_error", "relinked", "moved"), "float64"
    ),
}
UNITS = {"year": "int32", "ccn": "string", "place": "int32", "units": "float64"}
DECOMPOSITION = {
    "variant": "string",
    "ccn": "string",
    "part": "string",
    "relative": "float64",
    "dollars": "float64",
}
SENSITIVITY = {
    "case": "string",
    "variant": "string",
    "ccn": "string",
    "factor": "float64",
    "growth": "float64",
    "difference": "float64",
}
BUCKETS = {
    "bucket": "string",
    **{
        f"{year}_{name}": "float64"
        for year in ("base", "performance")
        for name in ("benes", "months", "relative", "score")
    },
}
EVIDENCE = {
    "model": "string",
    "test": "string",
    "dimension": "string",
    "group": "string",
    **dict.fromkeys(("benes", "actual", "predicted", "ratio", "r2", "mae", "slope"), "float64"),
}
BENCHMARK = {
    "model": "string",
    "ccn": "string",
    "factor": "float64",
    "growth": "float64",
    "difference": "float64",
}
CHOICE = {
    "variant": "string",
    **dict.fromkeys(
        (
            "slope",
            "slope_low",
            "slope_high",
            "hospitals",
            "spread",
            "error",
            "stability",
            "benchmark",
            "largest_move",
        ),
        "float64",
    ),
}
