"""How long one attempt may run, and all attempts of a job together."""

from __future__ import annotations

from dataclasses import dataclass

from tether_lab.errors import OptionError
from tether_lab.job.duration import seconds

PRESETS: dict[str, tuple[float, float]] = {
    "quick": (45.0, 60.0), "moderate": (240.0, 300.0), "extended": (1500.0, 1800.0),
}
ACCEPTED = f"10m, SOFT/HARD as in 4m/5m, {', '.join(PRESETS)}; then ,total=1h and ,catch"


@dataclass(frozen=True, slots=True)
class Timeout:
    """Seconds per attempt. At ``soft`` a warning event (and ``SoftTimeout`` if ``catch``) is sent,
    at ``hard`` the attempt's process group is killed. ``total``: so long after its first attempt began
    the job fails, whatever attempts are left. None: no limit."""

    soft: float | None = None
    hard: float | None = None
    catch: bool = False
    total: float | None = None

    def __post_init__(self) -> None:
        if self.hard is not None and self.hard <= 0:
            raise OptionError(f"timeout: {self.hard!r} s would end every attempt at once",
                              remedy="Give a time above 0, such as 10m.")
        if self.total is not None and self.total <= 0:
            raise OptionError(f"timeout: a total of {self.total!r} s would end every attempt at once",
                              remedy="Give a time above 0, such as total=1h.")
        if self.soft is not None and self.hard is not None and self.soft > self.hard:
            raise OptionError(f"timeout: soft {self.soft} s lies after hard {self.hard} s",
                              remedy="Give soft/hard in that order, such as 4m/5m.")

    @classmethod
    def parse(cls, value: object) -> Timeout:
        """``"10m"`` (hard), ``"4m/5m"`` (soft/hard), ``"quick"``, seconds, a timedelta, a Timeout; after it,
        or alone, ``total=1h`` (all attempts) and ``catch`` (SoftTimeout is raised), as in ``"4m/5m,catch"``."""
        if isinstance(value, Timeout):
            return value
        if not isinstance(value, str):
            return cls(hard=seconds(value, what="timeout"))
        words = [word.strip() for word in value.split(",")]
        total = [word.removeprefix("total=") for word in words if word.startswith("total=")]
        times = [word for word in words if word != "catch" and not word.startswith("total=")]
        if len(times) > 1 or len(total) > 1 or not (times or total):
            raise OptionError(f"timeout: {value!r:.80} is no time", where="timeout",
                              remedy=f"Accepted: {ACCEPTED}.")
        soft, hard = _soft_hard(times[0]) if times else (None, None)
        return cls(soft, hard, "catch" in words, seconds(total[0], what="timeout") if total else None)


def _soft_hard(text: str) -> tuple[float | None, float | None]:
    if text in PRESETS:
        return PRESETS[text]
    if "/" in text:
        soft, _, hard = text.partition("/")
        return (seconds(soft, what="timeout") if soft else None,
                seconds(hard, what="timeout") if hard else None)
    return None, seconds(text, what="timeout")
