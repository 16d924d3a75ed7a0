"""What loading costs: the package in a Python, the extension in a kernel."""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Iterator

from figure import Figure
from kernel import Kernel

IMPORT = """
import time
begun = time.perf_counter()
import tether_lab
print((time.perf_counter() - begun) * 1000)
"""
LOAD = """
import time, json
begun = time.perf_counter()
%load_ext tether_lab
print(json.dumps([(time.perf_counter() - begun) * 1000]))
"""


def loading() -> Iterator[Figure]:
    """``import tether_lab``, and %load_ext in a bare kernel."""
    found = [float(subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, timeout=60,
                                  check=True).stdout) for _ in range(9)]
    yield Figure("import tether_lab", statistics.median(found), 40, "ms", f"worst {max(found):.0f}")
    found = []
    for _ in range(5):
        kernel = Kernel()
        found += kernel.numbers(LOAD)
        kernel.end()
    yield Figure("%load_ext tether_lab", statistics.median(found), 150, "ms", f"worst {max(found):.0f}")
