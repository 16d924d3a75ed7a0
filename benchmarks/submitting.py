"""``%%job`` in a real kernel: a small cell, a frame of 100 MB."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from figure import Figure, p95
from kernel import Kernel

SUBMIT = """
import io, json, time, contextlib
ip = get_ipython()
small = {"rate": 3}
def once(n):
    begun = time.perf_counter()
    ip.run_cell_magic("job", "", f"print(small['rate'] + {n})")
    return (time.perf_counter() - begun) * 1000
with contextlib.redirect_stdout(io.StringIO()):
    once(0)
    time.sleep(1)
    found = []
    for n in range(1, 41):
        found.append(once(n))
        time.sleep(0.05)
print(json.dumps(found))
"""

CAPTURE = """
import io, json, time, contextlib
import numpy as np, pandas as pd
ip = get_ipython()
def once(frame, n):
    ip.user_ns["frame"] = frame
    begun = time.perf_counter()
    ip.run_cell_magic("job", "capture --register", f"frame['a'].sum() + {n}")
    return (time.perf_counter() - begun) * 1000
found = {"first": [], "again": []}
with contextlib.redirect_stdout(io.StringIO()):
    for n in range(3):
        frame = pd.DataFrame({c: np.random.rand(12_500_000 // 8) for c in "abcdefgh"})
        found["first"].append(once(frame, n))
        found["again"] += [once(frame, 10 * n + k) for k in (1, 2)]
print(json.dumps(found))
"""


def submitting() -> Iterator[Figure]:
    """%%job with a small cell, and with a frame of 100 MB."""
    kernel = Kernel()
    kernel.run("%load_ext tether_lab\n%tether start")
    found = kernel.numbers(SUBMIT)
    yield Figure("%%job, small cell, returns", statistics.median(found), 15, "ms", f"p95 {p95(found):.1f}")
    frames = kernel.numbers(CAPTURE)
    for which, target in (("first", 300), ("again", 130)):
        yield Figure(f"capture of 100 MB, {which}", statistics.median(frames[which]), target, "ms",
                     f"worst {max(frames[which]):.0f}")
    kernel.end()
