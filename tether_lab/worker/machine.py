"""What the machine offers just now, for constraints. Read at most once a second each.

psutil is loaded with the first constraint: a worker without any does not need it.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

LASTS = 1.0
LOW_BATTERY = 20.0
IDLE = 300.0


class Machine:
    """``read("memory")`` … None for what cannot be read here. ``folder``: where disk space is counted."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, tuple[float, float | bool | None]] = {}
        self._readers: dict[str, Callable[[], float | bool | None]] = {
            "network": _connected, "unmetered": lambda: None, "battery": _battery, "charging": _charging,
            "idle": _idle, "memory": _memory,
            "disk": lambda: shutil.disk_usage(self._folder).free,
            "load": lambda: os.getloadavg()[0] / (os.cpu_count() or 1), "gpu": _free_gpu}

    def read(self, name: str) -> float | bool | None:
        """The reading of this name."""
        now = time.monotonic()
        at, value = self._known.get(name, (-LASTS, None))
        if now - at >= LASTS:
            try:
                value = self._readers[name]()
            except (OSError, RuntimeError, ValueError, AttributeError):
                value = None
            self._known[name] = now, value
        return value


def _connected() -> bool | None:
    """Whether an interface other than loopback is up and has an address."""
    import psutil

    addresses = psutil.net_if_addrs()
    return any(found.isup and name != "lo" and not name.startswith(("docker", "veth", "br-"))
               and any(address.family.name in ("AF_INET", "AF_INET6") for address in addresses.get(name, ()))
               for name, found in psutil.net_if_stats().items())


def _memory() -> float:
    import psutil

    return float(psutil.virtual_memory().available)


def _battery() -> bool | None:
    import psutil

    found = psutil.sensors_battery()
    return None if found is None else bool(found.power_plugged or found.percent >= LOW_BATTERY)


def _charging() -> bool | None:
    import psutil

    found = psutil.sensors_battery()
    return None if found is None else bool(found.power_plugged)


def _idle() -> bool | None:
    """Whether nobody has typed for a while: the time of the terminals, which input sets."""
    import psutil

    seen = [Path("/dev", user.terminal).stat().st_atime for user in psutil.users()
            if user.terminal and Path("/dev", user.terminal).exists()]
    return time.time() - max(seen) >= IDLE if seen else None


def _free_gpu() -> bool | None:
    """Whether the NVIDIA driver lists a device that no process has open."""
    devices = [path for path in Path("/dev").glob("nvidia[0-9]*") if path.name[6:].isdecimal()]
    if not devices:
        return None
    used = set()
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            used.add(str(link.readlink()))
        except OSError:
            continue
    return any(str(device) not in used for device in devices)
