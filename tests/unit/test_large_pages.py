"""Large pages for what a zygote shares with its children: where they are full, and nothing changes in them."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

PROGRAM = """
import ctypes, json, mmap, os, re
from tether_lab.runner.large_pages import SIZE, use_large_pages

def at(memory):
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    return start + -start % SIZE

def large(start):
    for area in re.split(r"\\n(?=[0-9a-f]+-)", open("/proc/self/smaps").read()):
        begin, end = (int(text, 16) for text in area.split(" ")[0].split("-"))
        if begin <= start < end:
            return int(re.search(r"AnonHugePages: *([0-9]+)", area)[1])

full, sparse = (mmap.mmap(-1, 6 * SIZE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) for _ in range(2))
for offset in range(0, 6 * SIZE, mmap.PAGESIZE):
    full[offset:offset + 8] = offset.to_bytes(8)
sparse[::SIZE // 4] = bytes([1]) * 24
before = int(open("/proc/self/statm").read().split()[1])
taken = use_large_pages()
told = {"taken": taken, "full": large(at(full)),
        "same": all(int.from_bytes(full[o:o + 8]) == o for o in range(0, 6 * SIZE, mmap.PAGESIZE)),
        "grown": (int(open("/proc/self/statm").read().split()[1]) - before) * mmap.PAGESIZE}
here = at(full) - ctypes.addressof(ctypes.c_char.from_buffer(full)) + 100
child = os.fork()
if child == 0:
    full[here] = 77
    os._exit(full[here])
told["childs"] = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
told["ours"] = full[here]
print(json.dumps(told))
"""


def test_full_memory_goes_into_large_pages_and_stays_what_it_was() -> None:
    """Sparse memory is left alone: it would grow. A child that writes has a page of its own, as always."""
    ran = subprocess.run([sys.executable, "-P", "-c", PROGRAM], capture_output=True, text=True, timeout=60,
                         check=False)
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert told["same"]
    assert (told["childs"], told["ours"]) == (77, 0)
    assert told["grown"] < 4_000_000       # 12 MB, were the sparse memory filled
    if told["taken"] == 0:
        pytest.skip("this kernel has no MADV_COLLAPSE")
    assert told["full"] >= 4 * 2048
