"""Small notebooks and stand-in deliverables, for the runner's tests: no claims rule is in them."""

from pathlib import Path

import nbformat
import pandas as pd

from tcoc.deliverables.registry import Check, Deliverable, Measured
from tcoc.disclosure import Column, Draft
from tcoc.study import Product, Study

OPEN = "import tcoc\n\nrelease = tcoc.open_release(run, public)"
SHOWN = 'release.show_table(release.table("{name}_people"))'


def write_page(file: Path, *cells: str, parameters: str = 'run = ""\npublic = ""') -> Path:
    """Write a notebook: title, parameters, the given code cells; the same cells, the same bytes."""
    code = nbformat.v4.new_code_cell
    made = [
        nbformat.v4.new_markdown_cell(f"# {file.stem}\n\nA page of the tests."),
        code(parameters, metadata={"tags": ["parameters"]}),
        *(code(source) for source in cells),
    ]
    for number, cell in enumerate(made):
        cell["id"] = f"cell-{number}"
    kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
    nbformat.write(nbformat.v4.new_notebook(cells=made, metadata={"kernelspec": kernel}), file)
    return file


def people(study: Study) -> pd.DataFrame:
    """People of the store in residence, by year; reads one policy value and the years."""
    months = study.policy.get("attribution.min_eligible_months")
    rows = []
    for year in study.run.years:
        member = study.store_table("member_month", [year])
        found = member.group_by("bene_id").agg(months=member.count())
        counted = found.filter(found.months >= months).count()
        rows.append({"year": year, "benes": int(counted.execute())})
    return pd.DataFrame(rows)


def doubled(study: Study) -> pd.DataFrame:
    """Twice the people; reads a table of its own and no policy value."""
    frame = study.frame("people")
    return frame.assign(benes=frame["benes"] * 2)


def limited(study: Study) -> pd.DataFrame:
    """The threshold of the MPA as a table; reads it and nothing of claims."""
    years = study.run.spec.rate_years or [2020]
    values = [float(study.policy.get("mpa.threshold", year)) for year in years]
    return pd.DataFrame({"year": years, "limit": values})


def drafts(study: Study) -> list[Draft]:
    """One public table of the first deliverable."""
    return [
        Draft(
            name="first_people",
            title="People",
            frame=study.frame("people"),
            keys=("year",),
            columns={"benes": Column("Beneficiaries", "count", unit="people")},
        )
    ]


def second_drafts(study: Study) -> list[Draft]:
    """One public table of the second deliverable: about nobody."""
    columns = {"limit": Column("Limit", "number")}
    return [
        Draft(
            name="second_people",
            title="Limits",
            frame=study.frame("limit"),
            keys=("year",),
            columns=columns,
        )
    ]


def no_fewer(study: Study) -> Measured:
    """Twice as many are no fewer."""
    return Measured(float((study.frame("doubled")["benes"] < study.frame("people")["benes"]).sum()))


def headline(_release: object) -> str:
    """The answer of either page."""
    return "People were counted."


FIRST = Deliverable(
    name="first",
    title="First",
    question="How many?",
    policy=("attribution",),
    tables=(
        Product("people", ("year",), people, {"year": "int32", "benes": "int64"}),
        Product("doubled", ("year",), doubled, {"year": "int32", "benes": "int64"}, internal=True),
    ),
    public=drafts,
    words=__name__,
    checks=(Check("no_fewer", "P1", "Twice as many are no fewer.", no_fewer),),
)
SECOND = Deliverable(
    name="second",
    title="Second",
    question="What limit?",
    policy=("mpa", "attribution"),
    uses=("first",),
    tables=(Product("limit", ("year",), limited, {"year": "int32", "limit": "float64"}),),
    public=second_drafts,
    words=__name__,
)
