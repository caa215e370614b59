"""Which systems, ACOs and counties a run has, and the cells of which each of them is a sum."""

import re
from itertools import count

import ibis
import pandas as pd

from tcoc.reference.places import (
    UNKNOWN,
    county_label,
    county_regions,
    normal_county,
    zip_counties,
)
from tcoc.rules.groups import ACO, COUNTY, KEYS, PARTS, SUMS, SYSTEM, Group, summed
from tcoc.rules.spending import total
from tcoc.store.schema import DOLLAR_SUM
from tcoc.study import Product, Study


def groups_of(study: Study) -> tuple[Group, ...]:
    """Return the run's systems of two or more hospitals, its hospital-based ACOs, its counties."""
    hospitals = study.references.tables["hospitals"]
    hospitals = hospitals[hospitals["ccn"].isin(study.references.eligible_hospitals)]
    owned = hospitals[hospitals["system"] != ""].groupby("system")["ccn"].agg(sorted)
    systems = {str(name): (str(name), tuple(own)) for name, own in owned.items() if len(own) > 1}
    listed = study.references.tables["aco_hospitals"]
    acos = {
        str(aco): (short_name(rows["aco_name"].iloc[0]) or str(aco), tuple(sorted(rows["ccn"])))
        for aco, rows in listed.groupby("aco_id")
    }
    at = hospitals["county"].map(lambda name: county_label(normal_county(name)))
    places = {
        place: (place, tuple(sorted(hospitals.loc[at == place, "ccn"])))
        for place in map(county_label, sorted(county_regions()))
    }
    taken: set[str] = set()
    return tuple(
        Group(_file_name(kind, name, taken), kind, name, key, own)
        for kind, found in ((SYSTEM, systems), (ACO, acos), (COUNTY, places))
        for key, (name, own) in sorted(found.items())
    )


def short_name(name: str) -> str:
    """Return an organization's name without its legal form."""
    return re.sub(r",? (?:LLC|Inc\.?)$", "", name)


def _file_name(kind: str, name: str, taken: set[str]) -> str:
    """Return what a group's file, address and picker call it: system-medstar-health."""
    plain = f"{kind}-{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}"
    found = next(n for i in count(1) if (n := plain if i == 1 else f"{plain}-{i}") not in taken)
    taken.add(found)
    return found


# ---------------------------------------------------------------- sums


def attribution_groups(study: Study) -> pd.DataFrame:
    """People, months, dollars by setting by year, home county, stage, ACO and hospital (A11).

    Unrounded sums of share x value; `users_` count those with a payment of a part of the settings.
    Years without claims have null dollars.
    """
    people, attributed = study.table("beneficiary_year"), study.table("attribution")
    homes = study.connection.load(zip_counties(), {"zip": "string", "county": "string"})
    dollars = {name: total(people, settings) for name, settings in PARTS.items()}
    person = people.left_join(homes, "zip").select(
        person_year="year", person="bene_id", county=homes.county, tcoc=people.tcoc, **dollars
    )
    joined = attributed.join(
        person,
        (attributed.year == person.person_year) & (attributed.bene_id == person.person),
    ).mutate(
        county=ibis.coalesce(person.county, ibis.literal(UNKNOWN)),
        aco_id=ibis.coalesce(attributed.aco_id, ibis.literal("")),
    )
    sums = {name: joined[name].sum().cast(DOLLAR_SUM) for name in ("tcoc", *PARTS)}
    seen = {f"users_{name}": (joined[name] != 0).cast("int32").sum().cast("int32")
            for name in PARTS}  # fmt: skip
    groups = joined.group_by(*KEYS, "share").agg(
        benes=joined.count().cast("int32"),
        eligible_months=joined.eligible_months.cast("int32").sum().cast("int32"),
        **sums,
        **seen,
    )
    found = study.connection.fetch(groups, [*KEYS, "share"])
    values = found[list(SUMS)].astype(float).mul(found["share"], axis=0)
    return summed(pd.concat([found[list(KEYS)], values], axis=1), KEYS)


PRODUCTS = (
    Product(
        "attribution_groups",
        KEYS,
        attribution_groups,
        {
            **dict.fromkeys(KEYS, "string"),
            "year": "int32",
            **dict.fromkeys(SUMS, "float64"),
        },
    ),
)
"""The cube of which every system, ACO and county is a sum; docs/tables.md has its columns."""
