"""What a machine must offer before a job starts."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tether_lab.errors import OptionError

NETWORKS = ("connected", "unmetered", "none")
Read = Callable[[str], float | bool | None]
"""A reading of the machine by name; None if it cannot be read here."""
_WORDS = ("network", "unmetered", "battery", "charging", "idle", "gpu")
_COMPARED = {"memory": "min_free_memory", "disk": "min_free_disk", "load": "max_load"}


@dataclass(frozen=True, slots=True)
class Constraints:
    """All of them must hold when a job starts; what cannot be read counts as satisfied.

    ``network``: connected, unmetered, or none (no requirement). ``battery_not_low``: 20 % or more, or
    charging. ``charging``: on mains. ``idle``: no key or mouse for five minutes. ``min_free_memory`` and
    ``min_free_disk`` (where labs lie): bytes. ``max_load``: running processes per core, over a minute.
    ``gpu``: one that nobody uses.
    """

    network: str = "none"
    battery_not_low: bool = False
    charging: bool = False
    idle: bool = False
    min_free_memory: int | None = None
    min_free_disk: int | None = None
    max_load: float | None = None
    gpu: bool = False

    def __post_init__(self) -> None:
        if self.network not in NETWORKS:
            raise OptionError(f"constraints: network is {self.network!r}", where="constraints",
                              remedy=f"One of {', '.join(NETWORKS)}.")
        for name in ("min_free_memory", "min_free_disk"):
            value = getattr(self, name)
            if value is not None:
                from tether_lab.job.options import size

                try:
                    object.__setattr__(self, name, size(value))
                except ValueError as error:
                    raise OptionError(f"constraints: {name}: {error}", where="constraints") from None
        if self.max_load is not None and not 0 < self.max_load <= 1000:
            raise OptionError(f"constraints: max_load is {self.max_load!r}", where="constraints",
                              remedy="Running processes per core, as in 0.8.")

    @classmethod
    def parse(cls, value: object) -> Constraints:
        """Constraints, their fields, or text: ``network,charging,memory>2GB,disk>10GB,load<0.8,gpu``."""
        if isinstance(value, Constraints):
            return value
        if isinstance(value, Mapping):
            return cls(**value)
        if not isinstance(value, str) or not value.strip():
            raise ValueError(_accepted(value))
        said: dict[str, object] = {}
        for word in (part.strip() for part in value.split(",")):
            compared = re.fullmatch(r"(memory|disk)\s*>\s*(\S+)|(load)\s*<\s*([\d.]+)", word)
            if compared:
                name, amount = compared[1] or compared[3], compared[2] or compared[4]
                said[_COMPARED[name]] = float(amount) if name == "load" else amount
            elif word in ("network", "unmetered"):
                said["network"] = "connected" if word == "network" else word
            elif word in _WORDS:
                said["battery_not_low" if word == "battery" else word] = True
            else:
                raise ValueError(_accepted(word))
        return cls(**said)  # type: ignore[arg-type]  # checked by name above, by value in the class

    def unmet(self, read: Read) -> str | None:
        """The first that does not hold now, in words; None if the job may start."""
        wanted: list[tuple[bool, str, Callable[[float], bool], str]] = [
            (self.network != "none", "network", bool, "network"),
            (self.network == "unmetered", "unmetered", bool, "unmetered network"),
            (self.battery_not_low, "battery", bool, "battery"),
            (self.charging, "charging", bool, "charging"),
            (self.idle, "idle", bool, "idle"),
            (self.min_free_memory is not None, "memory", lambda n: n >= (self.min_free_memory or 0),
             f"memory>{self.min_free_memory or 0:,} bytes"),
            (self.min_free_disk is not None, "disk", lambda n: n >= (self.min_free_disk or 0),
             f"disk>{self.min_free_disk or 0:,} bytes"),
            (self.max_load is not None, "load", lambda n: n <= (self.max_load or 0), f"load<{self.max_load}"),
            (self.gpu, "gpu", bool, "gpu"),
        ]
        for asked, name, holds, said in wanted:
            if asked and (found := read(name)) is not None and not holds(found):
                return said
        return None


def _accepted(value: object) -> str:
    return ("network, unmetered, battery, charging, idle, gpu, memory>2GB, disk>10GB, load<0.8 (with commas "
            f"between them) or Constraints; got {value!r}")
