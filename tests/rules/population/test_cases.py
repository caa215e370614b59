"""The cases of this part, one YAML file each."""

from pathlib import Path

import pytest

from tests.support.cases import case_files, run_case


@pytest.mark.parametrize("file", case_files(Path(__file__).parent))
def test_case(file: Path) -> None:
    run_case(file)
