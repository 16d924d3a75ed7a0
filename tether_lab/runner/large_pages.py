"""Large pages for what a zygote and its children share.

A fork copies an entry for each page of the parent's own memory, the end of the child goes through them
again, and that is a fifth of what a job process costs once pandas is loaded. A page of 2 MB is one entry
instead of 512, until something in it is written to; most of what libraries hold never is.

Linux does it when asked (MADV_COLLAPSE, from 6.1 on, which copies small pages one by one when they are
written to); where it cannot, nothing happens.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

SIZE = 2 * 1024 * 1024
PAGE = 4096
MADV_COLLAPSE = 25
FULL = 0.9
"""The part of a large page that must be there already: the rest of it would be new memory."""
_libc = ctypes.CDLL(None, use_errno=True)


def use_large_pages() -> int:
    """Put this process's own memory into large pages, where it fills them; how many bytes it did. For memory
    that will be kept: of what is freed, nothing goes back to the system before all of a page is free."""
    done = 0
    if sys.platform == "linux":
        with suppress(OSError):
            for start, size in _areas():
                if _libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(size), MADV_COLLAPSE) == 0:
                    done += size
    return done


def _areas() -> Iterator[tuple[int, int]]:
    """(start, bytes) of memory that is neither a file's nor shared, and could be large pages."""
    for line in Path("/proc/self/maps").read_text(errors="replace").splitlines():
        addresses, rights, _, _, inode, *name = line.split(maxsplit=5)
        if rights != "rw-p" or inode != "0" or name not in ([], ["[heap]"]):
            continue
        start, end = (int(address, 16) for address in addresses.split("-"))
        begun = 0
        for at in range(-(-start // SIZE) * SIZE, end - SIZE + 1, SIZE):
            if not _is_full(at):
                if begun:
                    yield begun, at - begun
                begun = 0
            elif not begun:
                begun = at
        if begun:
            yield begun, end // SIZE * SIZE - begun


def _is_full(start: int) -> bool:
    found = (ctypes.c_ubyte * (SIZE // PAGE))()
    if _libc.mincore(ctypes.c_void_p(start), ctypes.c_size_t(SIZE), found) != 0:
        return False
    return bytes(found).count(1) >= FULL * len(found)
