"""Whether the kernel killed something for lack of memory since the last look."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

_COUNT = re.compile(r"^oom_kill (\d+)$", re.MULTILINE)


class OutOfMemory:
    """Counts the kernel's kills: those of this process's control group, else of the machine."""

    def __init__(self) -> None:
        self._file = next((f for f in _candidates() if f.is_file()), None)
        self._seen = self._count()

    def happened(self) -> bool:
        """Whether there was one since this was last asked."""
        before, self._seen = self._seen, self._count()
        return self._seen > before

    def _count(self) -> int:
        if self._file is None:
            return 0
        with suppress(OSError):
            found = _COUNT.search(self._file.read_text())
            return int(found[1]) if found else 0
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
