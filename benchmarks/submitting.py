"""``%%job`` in a real kernel: a small cell, a frame of 100 MB, there and back."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from typing import Any

from answering import milliseconds
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

REGISTER = """
import numpy as np, pandas as pd
frame = pd.DataFrame({c: np.random.rand(12_500_000 // 8) for c in "abcdefgh"})
ip = get_ipython()
ip.run_cell_magic("job", "without --register", "import time\\nimport pandas\\ntime.monotonic_ns()")
ip.run_cell_magic("job", "with --register", "import time\\nframe\\ntime.monotonic_ns()")
ip.run_cell_magic("job", "there --register", "frame")
"""
TIMES = 20


def submitting() -> Iterator[Figure]:
    """%%job with a small cell, and with a frame of 100 MB; how soon such a frame is in its job, and back."""
    kernel = Kernel()
    kernel.run("%load_ext tether_lab\n%tether start")
    found = kernel.numbers(SUBMIT)
    yield Figure("%%job, small cell, returns", statistics.median(found), 15, "ms", f"p95 {p95(found):.1f}")
    frames = kernel.numbers(CAPTURE)
    for which, target in (("first", 300), ("again", 130)):
        yield Figure(f"capture of 100 MB, {which}", statistics.median(frames[which]), target, "ms",
                     f"worst {max(frames[which]):.0f}")
    kernel.run(REGISTER)
    kernel.end()
    yield from there_and_back()


def there_and_back() -> Iterator[Figure]:
    """The frame in a job: how much later its first line comes. As a result: how long the caller loads."""
    from tether_lab import Lab

    with Lab() as lab:
        without, within = (statistics.median(first_lines(lab, key)) for key in ("without", "with"))
        yield Figure("captured 100 MB, loaded in its job", within - without, 5, "ms",
                     f"first line after {within:.1f} ms, {without:.1f} without")
        job = lab.enqueue("there")
        assert len(job.result(timeout=60)) == 12_500_000 // 8
        yield Figure("result of 100 MB, back", milliseconds(job.result, 9), 10, "ms")


def first_lines(lab: Any, key: str) -> list[float]:
    """Milliseconds from an enqueue to the first line of a cell, one after the other."""
    found = []
    for _ in range(TIMES):
        begun = time.monotonic_ns()
        found.append((lab.enqueue(key).result(timeout=60) - begun) / 1e6)
        time.sleep(0.05)
    return found[2:]
