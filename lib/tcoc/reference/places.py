"""Which county and region a ZIP code lies in: for where people live, not for attribution."""

from functools import cache
from pathlib import Path

import pandas as pd
import zipcodes

from tcoc.errors import InputError, nearest
from tcoc.paths import params_dir

REGION_COLUMNS = ("county", "region", "code_county_class", "source")
UNKNOWN = "Unknown"
"""County and region of a ZIP code that no list of Maryland ZIP codes has."""

MARYLAND, OUTSIDE = "Maryland", "outside Maryland's ZIP list"
"""The whole of all places, and what is called so where the county is unknown."""

_CITY = {"baltimore city": "Baltimore City"}


def normal_county(name: str) -> str:
    """Return one spelling of a Maryland county: "St Mary's County" becomes "St. Mary's".

    Baltimore City keeps its "City", because Baltimore County is another place.
    """
    plain = " ".join(name.split())
    if plain.lower() in _CITY:
        return _CITY[plain.lower()]
    plain = plain.removesuffix(" County")
    return f"St. {plain[3:]}" if plain.startswith("St ") else plain


@cache
def zip_counties() -> pd.DataFrame:
    """Return zip and county of Maryland's ZIP codes, one row each (package `zipcodes`).

    Post office boxes and unique ZIP codes count too: a county does not need coordinates.
    """
    found = {z["zip_code"]: normal_county(z["county"]) for z in zipcodes.filter_by(state="MD")}
    return pd.DataFrame(sorted(found.items()), columns=["zip", "county"])


def county_regions() -> dict[str, str]:
    """Return the region of each of Maryland's counties; that all are there `load_regions` sees."""
    regions = _read_regions(_regions_file())
    return dict(zip(regions["county"], regions["region"], strict=True))


def _regions_file() -> Path:
    return params_dir() / "reference" / "regions.csv"


def _read_regions(file: Path) -> pd.DataFrame:
    regions = pd.read_csv(file, dtype=str, keep_default_na=False)
    missing = [c for c in REGION_COLUMNS if c not in regions.columns]
    if missing:
        raise InputError(f'{file.name}: column "{missing[0]}" is missing')
    return regions


def load_regions(file: Path | None = None) -> pd.DataFrame:
    """Read the region of each county; InputError for a county that stands twice or has none."""
    file = file or _regions_file()
    regions = _read_regions(file)
    for county in regions.loc[regions["county"].duplicated(), "county"]:
        raise InputError(f'{file.name}: county "{county}" stands twice')
    for county in sorted(set(zip_counties()["county"]) - set(regions["county"])):
        raise InputError(
            f'{file.name}: county "{county}" has no row{nearest(county, regions["county"])}'
        )
    return regions


def zip_regions(regions: pd.DataFrame) -> pd.DataFrame:
    """Return zip, county and region, one row per Maryland ZIP code."""
    joined = zip_counties().merge(regions[["county", "region"]], on="county", how="left")
    return joined.sort_values("zip", ignore_index=True)


def county_label(county: str) -> str:
    """Write a county so that it cannot be taken for a region: Baltimore is Baltimore County."""
    if county == UNKNOWN:
        return OUTSIDE
    return county if county.endswith("City") else f"{county} County"


def place_parents() -> dict[str, str]:
    """Return the region of each county, and Maryland of each region."""
    regions = load_regions()
    names = dict(zip(map(county_label, regions["county"]), regions["region"], strict=True))
    return names | dict.fromkeys(sorted(set(regions["region"])), MARYLAND) | {OUTSIDE: MARYLAND}
