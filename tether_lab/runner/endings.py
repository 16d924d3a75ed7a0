"""What user code may return, or raise, to end its job in another way."""

from __future__ import annotations

from dataclasses import dataclass

from tether_lab.errors import BadRequest, TetherLabError
from tether_lab.job.duration import seconds


@dataclass(frozen=True, slots=True)
class Snooze:
    """Run this job again after ``delay`` (seconds, a timedelta, ``"10m"``). Burns no attempt."""

    delay: object

    def __post_init__(self) -> None:
        try:
            seconds(self.delay, what="Snooze")
        except ValueError as error:
            raise BadRequest(str(error), remedy="As in Snooze('10m').", where="delay") from None

    @property
    def seconds(self) -> float:
        return seconds(self.delay)


@dataclass(frozen=True, slots=True)
class Cancel:
    """End this job as cancelled; ``reason`` is shown."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Fail:
    """End this attempt as failed, with an exception or a text; ``retry=False``: for good."""

    error: BaseException | str
    retry: bool = True


class RetryAfter(TetherLabError):
    """Raise it to fail now and to be tried again after ``delay`` (seconds, a timedelta, ``"10m"``),
    if attempts are left."""

    def __init__(self, delay: object, message: str = "") -> None:
        self.seconds = seconds(delay, what="RetryAfter")
        super().__init__(message or f"to be tried again after {self.seconds:g} s")
