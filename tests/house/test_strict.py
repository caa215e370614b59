"""Under CI=1 an undeclared skip is a failure, of a test and of a whole file."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROFILE = Path(__file__).resolve().parents[1] / "conftest.py"
TESTS = {
    "declared": "import pytest\ndef test_it(): pytest.skip('no chromium: install it')\n",
    "undeclared": "import pytest\ndef test_it(): pytest.skip('not today')\n",
    "whole file": "import pytest\npytest.importorskip('no_such_module')\ndef test_it(): pass\n",
    "marked": "import pytest\n@pytest.mark.skipif(True, reason='later')\ndef test_it(): pass\n",
    "expected failure": "import pytest\n@pytest.mark.xfail\ndef test_it(): assert False\n",
}

ALONE = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
"""The plugins of the project take seconds to load and have no part in it."""


@pytest.mark.parametrize(
    ("case", "strict", "status"),
    [("declared", "1", 0), ("undeclared", "1", 1), ("undeclared", "", 0), ("whole file", "1", 2),
     ("marked", "1", 1), ("expected failure", "1", 0)],
)  # fmt: skip
def test_a_skip(case: str, strict: str, status: int, tmp_path: Path) -> None:
    shutil.copy(PROFILE, tmp_path / "conftest.py")
    (tmp_path / "test_it.py").write_text(TESTS[case])
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir=."],
        cwd=tmp_path, env={**os.environ, **ALONE, "CI": strict}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == status, done.stdout
    if status:
        assert "not a declared reason" in done.stdout
