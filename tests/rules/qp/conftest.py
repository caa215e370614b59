from collections.abc import Iterator

import pytest

from tcoc.store.connection import Connection, connect


@pytest.fixture(scope="session")
def connection() -> Iterator[Connection]:
    with connect(memory_limit="1GB", threads=1) as opened:
        yield opened
