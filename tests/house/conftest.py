"""What the tests of the house have parsed is let go when the last of them has ended."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.house import source


@pytest.fixture(scope="package", autouse=True)
def _trees() -> Iterator[None]:
    """Millions of nodes would be looked at by each collection of garbage, ten times at the end alone."""
    yield
    source.forget()
