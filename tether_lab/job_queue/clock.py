"""Times as the database has them, and which boot of which machine this is."""

from __future__ import annotations

import subprocess
import sys
import time
from functools import cache
from pathlib import Path


def utc() -> int:
    """Now, UTC microseconds."""
    return time.time_ns() // 1000


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
