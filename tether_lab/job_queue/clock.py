"""Times as the database has them, and which boot of which machine this is."""

from __future__ import annotations

import subprocess
import sys
import time
from functools import cache
from pathlib import Path


def read() -> int:
    """The clock on the wall, UTC microseconds; tests put another one in its place."""
    return time.time_ns() // 1000


def utc() -> int:
    """Now, UTC microseconds."""
    return read()


@cache
def boot_id() -> str:
    """This boot of this machine; empty where the system does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        pass
    if sys.platform == "darwin":
        try:
            return subprocess.run(["/usr/sbin/sysctl", "-n", "kern.bootsessionuuid"], check=True,
                                  capture_output=True, text=True, timeout=5).stdout.strip()
        except (OSError, subprocess.SubprocessError):
            return ""
    return ""
