"""The one-file edition: whole by itself, every anchor once, every link inside."""

import re
import shutil
from collections import Counter

import pytest

from tcoc.report.index import render_index
from tcoc.report.one_file import write_one_file
from tests.report.test_index import MANIFEST, REPORT


@pytest.fixture
def everything(shown, tmp_path):
    shutil.copytree(shown, tmp_path / "run", ignore=shutil.ignore_patterns("hospitals"))
    render_index(tmp_path / "run", MANIFEST, [REPORT])
    shutil.copy(tmp_path / "run" / "demo.html", tmp_path / "run" / "other.html")
    return write_one_file(tmp_path / "run", ["demo", "other", "absent"]).read_text()


def test_every_anchor_stands_once_and_every_link_leads_to_one(everything):
    anchors = Counter(re.findall(r' id="([^"]+)"', everything))
    assert [name for name, times in anchors.items() if times > 1] == []
    links = set(re.findall(r' href="#([^"]+)"', everything))
    assert links - set(anchors) == set()
    drawn = set(re.findall(r"url\(#([^)]+)\)", everything))
    assert drawn - set(anchors) == set()
    named = {n for v in re.findall(r' (?:for|aria-labelledby)="([^"]+)"', everything) for n in [v]}
    assert named - set(anchors) == set()


def test_nothing_leads_out_of_the_file(everything):
    assert re.findall(r'href="(?!#|data:)[^"]*"', everything) == []
    assert everything.count("<main") == 1
    assert everything.count('<article class="report"') == 2
