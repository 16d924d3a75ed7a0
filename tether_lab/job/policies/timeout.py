"""How long one attempt may run."""

from __future__ import annotations

from dataclasses import dataclass

from tether_lab.errors import OptionError
from tether_lab.job.duration import seconds

PRESETS: dict[str, tuple[float, float]] = {
    "quick": (45.0, 60.0), "moderate": (240.0, 300.0), "extended": (1500.0, 1800.0),
}


@dataclass(frozen=True, slots=True)
class Timeout:
    """Seconds per attempt. At ``soft`` a warning event (and ``SoftTimeout`` if ``catch``) is sent,
    at ``hard`` the attempt's process group is killed. None: no limit."""

    soft: float | None = None
    hard: float | None = None
    catch: bool = False

    def __post_init__(self) -> None:
        if self.hard is not None and self.hard <= 0:
            raise OptionError(f"timeout: {self.hard!r} s would end every attempt at once",
                              remedy="Give a time above 0, such as 10m.")
        if self.soft is not None and self.hard is not None and self.soft > self.hard:
            raise OptionError(f"timeout: soft {self.soft} s lies after hard {self.hard} s",
                              remedy="Give soft/hard in that order, such as 4m/5m.")

    @classmethod
    def parse(cls, value: object) -> Timeout:
        """``"10m"`` (hard), ``"4m/5m"`` (soft/hard), ``"quick"``, seconds, a timedelta, a Timeout."""
        if isinstance(value, Timeout):
            return value
        if isinstance(value, str):
            if value in PRESETS:
                return cls(*PRESETS[value])
            if "/" in value:
                soft, _, hard = value.partition("/")
                return cls(seconds(soft, what="timeout") if soft else None,
                           seconds(hard, what="timeout") if hard else None)
        return cls(hard=seconds(value, what="timeout"))
