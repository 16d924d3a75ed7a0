"""What loading costs: the extension in a kernel."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from figure import Figure
from kernel import Kernel

LOAD = """
import time, json
begun = time.perf_counter()
%load_ext tether_lab
print(json.dumps([(time.perf_counter() - begun) * 1000]))
"""


def loading() -> Iterator[Figure]:
    """%load_ext in a bare kernel."""
    found = []
    for _ in range(5):
        kernel = Kernel()
        found += kernel.numbers(LOAD)
        kernel.end()
    yield Figure("%load_ext tether_lab", statistics.median(found), 150, "ms", f"worst {max(found):.0f}")
