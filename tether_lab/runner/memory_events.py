"""Whether the kernel killed something for lack of memory since the last look."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

LONGEST = 1 << 16


class OutOfMemory:
    """Counts the kernel's kills: those of this process's control group, else of the machine. Asked at the end
    of every job: plain calls, since each page that a zygote writes to after a fork is copied."""

    def __init__(self) -> None:
        found = next((f for f in _candidates() if f.is_file()), None)
        self._file = -1 if found is None else os.open(found, os.O_RDONLY | os.O_CLOEXEC)
        self._seen = self._count()

    def happened(self) -> bool:
        """Whether there was one since this was last asked."""
        before, self._seen = self._seen, self._count()
        return self._seen > before

    def close(self) -> None:
        """In a process that does not ask."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _count(self) -> int:
        if self._file >= 0:
            with suppress(OSError, ValueError):
                _, _, rest = (b"\n" + os.pread(self._file, LONGEST, 0)).partition(b"\noom_kill ")
                return int(rest.partition(b"\n")[0] or 0)
        return 0


def _candidates() -> list[Path]:
    found = []
    with suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers == "":
                found.append(Path(f"/sys/fs/cgroup{path}/memory.events"))
            elif "memory" in controllers.split(","):
                found.append(Path(f"/sys/fs/cgroup/memory{path}/memory.oom_control"))
    return [*found, Path("/proc/vmstat")]
