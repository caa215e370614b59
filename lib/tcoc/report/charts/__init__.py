"""The chart types of the reports, each drawn once and well; a deliverable brings data and words.

Every function takes a PublicTable and names of its columns, and returns a Chart that
`release.show` draws. Labels, units and formats come from the table's dictionary; the rows are
drawn in the table's order. A hidden value is never drawn as a number.
"""

from tcoc.report.charts.base import EMPTY, LAYOUTS, Chart, Layout, needs_rows
from tcoc.report.charts.dots import dots
from tcoc.report.charts.grids import heat
from tcoc.report.charts.maps import zip_map, zip_maps
from tcoc.report.charts.rows import bars
from tcoc.report.charts.scales import histogram, scatter
from tcoc.report.charts.series import lines, small_multiples
from tcoc.report.charts.slopes import slope
from tcoc.report.charts.stacks import stacked_bars, stacked_shares, waterfall

__all__ = [
    "EMPTY",
    "LAYOUTS",
    "Chart",
    "Layout",
    "bars",
    "dots",
    "heat",
    "histogram",
    "lines",
    "needs_rows",
    "scatter",
    "slope",
    "small_multiples",
    "stacked_bars",
    "stacked_shares",
    "waterfall",
    "zip_map",
    "zip_maps",
]
