"""A zygote for each module: what its jobs do to it, it does to none of another module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from small_supervisor import SmallZygote


@pytest.fixture(scope="module")
def zygote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallZygote]:
    """Of this Python, forking; ``test_executors`` has others in its place."""
    blobs = tmp_path_factory.mktemp("blobs")
    blobs.chmod(0o700)
    running = SmallZygote(blobs)
    yield running
    running.close()
