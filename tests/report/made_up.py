"""Made-up public tables, through the real gate, and outputs without a kernel."""

from functools import cache

import numpy as np
import pandas as pd

from tcoc.disclosure import Column, Draft, PublicTable, gate

HOSPITALS = (
    (
        "Meritus UMMC UM-PGHC Holy-Cross Frederick UM-Harford Mercy Johns-Hopkins UM-Dorchester"
        " St-Agnes Sinai Bon-Secours MedStar-Franklin Adventist-WO Garrett MedStar-Montgomery"
        " Peninsula Suburban Anne-Arundel MedStar-Union Western-Maryland St-Marys Bayview"
        " UM-Chestertown Union-Cecil Carroll MedStar-Harbor UM-Charles UM-Easton Midtown Calvert"
        " Northwest UM-BWMC GBMC McCready Howard-County Upper-Chesapeake Doctors Laurel"
        " Good-Samaritan Shady-Grove Rehab-Ortho Fort-Washington Atlantic-General Southern-MD"
        " St-Joseph Holy-Cross-Germantown"
    )
    .replace("-", " ")
    .replace("St ", "St. ")
)
YEARS = (2013, 2014, 2015, 2016, 2017, 2018)
STAGES = ("aco_like", "mdpcp_like", "geographic")
SOURCE = "Synthetic Maryland, rules A5, A7 and T2"


def hospital_names() -> list[str]:
    return [name.strip() for name in HOSPITALS.replace("  ", " ").split(" ") if name]


NAMES = [
    "Meritus",
    "UMMC",
    "UM PGHC",
    "Holy Cross",
    "Frederick",
    "UM Harford",
    "Mercy",
    "Johns Hopkins",
    "UM Dorchester",
    "St. Agnes",
    "Sinai",
    "Bon Secours",
    "MedStar Franklin Square",
    "Adventist White Oak",
    "Garrett",
    "MedStar Montgomery",
    "Peninsula Regional",
    "Suburban",
    "Anne Arundel",
    "MedStar Union Memorial",
    "Western Maryland",
    "St. Mary's",
    "Hopkins Bayview",
    "UM Chestertown",
    "Union of Cecil",
    "Carroll",
    "MedStar Harbor",
    "UM Charles Regional",
    "UM Easton",
    "UMMC Midtown",
    "Calvert",
    "Northwest",
    "UM BWMC",
    "GBMC",
    "McCready",
    "Howard County",
    "UM Upper Chesapeake",
    "Doctors",
    "UM Laurel",
    "MedStar Good Samaritan",
    "Shady Grove",
    "UM Rehab & Ortho",
    "Fort Washington",
    "Atlantic General",
    "MedStar Southern MD",
    "UM St. Joseph",
    "Holy Cross Germantown",
]
CCNS = tuple(f"2100{number:02d}" for number in range(1, len(NAMES) + 1))


def stages() -> Draft:
    rng = np.random.default_rng(1)
    rows = []
    for i, year in enumerate(YEARS):
        counts = np.array([218402 + 4000 * i, 331870 + 3000 * i, 219310 - 2500 * i]) + rng.integers(
            0, 900, 3
        )
        for stage, benes in zip(STAGES, counts, strict=True):
            rows.append((year, "STATE", stage, benes, benes * 11650.0, benes / counts.sum()))
        rows.append((year, "STATE", "all", counts.sum(), counts.sum() * 11650.0, 1.0))
    frame = pd.DataFrame(rows, columns=["year", "ccn", "stage", "benes", "tcoc", "share_benes"])
    columns = {
        "benes": Column("Beneficiaries", "count", "Sum of shares (rule A5).", "people"),
        "tcoc": Column("Total cost of care", "dollars", "Rule T1.", "dollars", of=("benes",)),
        "share_benes": Column(
            "Share of beneficiaries", "share", "Rule A5.", of=("benes",), base="benes"
        ),
    }
    return Draft(
        name="waterfall",
        title="Beneficiaries by stage of attribution",
        frame=frame,
        keys=("year", "ccn", "stage"),
        columns=columns,
        totals={"stage": "all", "ccn": "STATE"},
        universe="attributed",
        source=SOURCE,
    )


def hospitals() -> Draft:
    rng = np.random.default_rng(7)
    n = len(NAMES)
    benes = rng.integers(900, 60000, n).astype(float)
    benes[34] = 7
    frame = pd.DataFrame(
        {
            "year": 2018,
            "ccn": CCNS,
            "hospital": NAMES,
            "benes": benes,
            "per_capita": rng.normal(11650, 1400, n),
            "mpa_percent": rng.normal(0, 0.004, n).clip(-0.005, 0.005),
        }
    )
    frame["low"], frame["high"] = frame.per_capita - 320, frame.per_capita + 320
    frame["before"] = frame.per_capita / rng.normal(1.02, 0.02, n)
    frame["mpa_dollars"] = frame.mpa_percent * benes * 9000
    of = {"of": ("benes",)}
    columns = {
        "hospital": Column("Hospital", "label"),
        "benes": Column("Beneficiaries", "count", "Attributed people (rule A5).", "people"),
        "per_capita": Column(
            "Per capita spending", "per_capita", "Rule T2.", "dollars per person and year", **of
        ),
        "low": Column("Low", "per_capita", "Lower end of the 95% interval.", **of),
        "high": Column("High", "per_capita", "Upper end of the 95% interval.", **of),
        "before": Column("2017", "per_capita", "Rule T2.", **of),
        "mpa_percent": Column(
            "MPA", "percent", "Rule M2.", "share of payments", of=("benes",), base="benes"
        ),
        "mpa_dollars": Column("MPA dollars", "dollars", "Rule M4.", "dollars", **of),
    }
    return Draft(
        name="hospital_year",
        title="Per capita Medicare spending by hospital",
        frame=frame,
        keys=("year", "ccn"),
        columns=columns,
        universe="attributed",
        source=SOURCE,
        note="Completion factor as in the run file.",
    )


def scores() -> Draft:
    edges = np.arange(0, 1, 0.05).round(2)
    counts = (3000 * np.exp(-((edges - 0.45) ** 2) / 0.05)).round()
    counts[-1] = 4
    frame = pd.DataFrame({"left": edges, "right": (edges + 0.05).round(2), "clinicians": counts})
    columns = {
        "left": Column("Patient score from", "number", unit="share", digits=2),
        "right": Column("Patient score to", "number", unit="share", digits=2),
        "clinicians": Column("Clinicians", "count", "Rule Q5.", "clinicians"),
    }
    return Draft(
        name="qp_scores",
        title="Patient scores of clinicians",
        frame=frame,
        keys=("left",),
        columns=columns,
        source=SOURCE,
    )


def zips() -> Draft:
    import zipcodes

    places = sorted(z["zip_code"] for z in zipcodes.filter_by(state="MD") if z["active"])[::3]
    rng = np.random.default_rng(3)
    rows = [
        (ccn, name, place, float(count))
        for ccn, name in zip(CCNS[:6], NAMES[:6], strict=True)
        for place, count in zip(places, rng.integers(2, 4000, len(places)), strict=True)
    ]
    frame = pd.DataFrame(rows, columns=["ccn", "hospital", "zip", "benes"])
    columns = {
        "zip": Column("ZIP", "key"),
        "benes": Column("Beneficiaries", "count", unit="people"),
    }
    return Draft(
        name="home_zips",
        title="Where attributed beneficiaries live",
        frame=frame,
        keys=("ccn", "zip"),
        columns=columns,
        source=SOURCE,
    )


def settings() -> Draft:
    rows = [
        (year, setting, 1e9 * share * (1 + 0.03 * i))
        for i, year in enumerate(YEARS)
        for setting, share in (
            ("inpatient", 2.1),
            ("outpatient", 1.6),
            ("professional", 2.6),
            ("snf", 0.8),
        )
    ]
    frame = pd.DataFrame(rows, columns=["year", "setting", "dollars"])
    frame["benes"] = 700000.0
    columns = {
        "setting": Column("Setting", "key"),
        "dollars": Column("Medicare payments", "dollars", "Rule T1.", "dollars", of=("benes",)),
        "benes": Column("Beneficiaries", "count", unit="people"),
    }
    return Draft(
        name="settings",
        title="Medicare payments by setting",
        frame=frame,
        keys=("year", "setting"),
        columns=columns,
        source=SOURCE,
    )


def steps() -> Draft:
    frame = pd.DataFrame(
        {
            "step": ["before", "stayers", "joiners", "leavers", "after"],
            "change": [11210.0, 310.0, -120.0, 64.0, 11464.0],
            "benes": [800000.0] * 5,
        }
    )
    columns = {
        "step": Column("Step", "key"),
        "change": Column(
            "Per capita spending", "per_capita", unit="dollars per person and year", of=("benes",)
        ),
        "benes": Column("Beneficiaries", "count", unit="people"),
    }
    return Draft(
        name="growth_steps",
        title="What moved spending per capita",
        frame=frame,
        keys=("step",),
        columns=columns,
        source=SOURCE,
    )


def options() -> Draft:
    rng = np.random.default_rng(11)
    result = rng.normal(0, 0.02, len(CCNS))
    rows = []
    for threshold in (0.02, 0.03, 0.06):
        for risk in (0.005, 0.01):
            for ccn, name, at in zip(CCNS, NAMES, result, strict=True):
                percent = float(np.clip(at / threshold, -1, 1)) * risk
                rows.append((ccn, name, threshold, risk, percent * 3e8, 9000.0))
    frame = pd.DataFrame(
        rows, columns=["ccn", "hospital", "threshold", "revenue_at_risk", "mpa_dollars", "benes"]
    )
    columns = {
        "threshold": Column("Threshold", "number", unit="share", digits=4),
        "revenue_at_risk": Column("Revenue at risk", "number", unit="share of payments", digits=4),
        "mpa_dollars": Column("MPA dollars", "dollars", "Rule M4.", "dollars", of=("benes",)),
        "benes": Column("Beneficiaries", "count", unit="people"),
    }
    return Draft(
        name="mpa_what_if",
        title="MPA dollars under other terms",
        frame=frame,
        keys=("ccn", "threshold", "revenue_at_risk"),
        columns=columns,
        source=SOURCE,
    )


def checks() -> Draft:
    frame = pd.DataFrame(
        {
            "deliverable": ["demo", "demo"],
            "name": ["shares_sum_to_one", "months_add_up"],
            "rule": ["A5", "T1"],
            "holds": [True, True],
            "measured": [0.0, 0.0],
            "allowed": [1e-9, 0.5],
        }
    )
    columns = {
        "measured": Column("Measured", "number", digits=6),
        "allowed": Column("Allowed", "number", digits=9),
    }
    return Draft(
        name="checks",
        title="Checks of the run",
        frame=frame,
        keys=("deliverable", "name"),
        columns=columns,
    )


@cache
def made_up() -> dict[str, PublicTable]:
    """The tables by name, as the gate lets them out."""
    drafts = [stages(), hospitals(), scores(), zips(), settings(), steps(), options()]
    return dict(gate({"demo": drafts, "core": [checks()]}).tables)
