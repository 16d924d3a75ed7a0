"""When a failed attempt is tried again, and after how long."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tether_lab.errors import OptionError
from tether_lab.job.duration import seconds

KINDS = ("exponential", "linear", "fixed", "custom")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """A stored retry policy. Build it with the named constructors; times in seconds.

    ``exponential``: initial · multiplierⁿ⁻¹, at most ``max_delay``; ``linear``: delay · n;
    ``fixed``: delay; ``custom``: ``delays[n - 1]``, the last one repeated. ``n`` is the attempt
    that failed, counted from 1. ``jitter`` spreads a delay by ± that fraction of it.
    ``on`` and ``not_on`` name exception classes (their names, bases count too).
    """

    kind: str = "exponential"
    max_attempts: int | None = None
    delay: float = 2.0
    multiplier: float = 2.0
    max_delay: float = 3600.0
    jitter: float = 0.1
    delays: tuple[float, ...] = ()
    on: tuple[str, ...] = ()
    not_on: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise OptionError(f"retry: no policy {self.kind!r}", remedy=f"Accepted: {', '.join(KINDS)}.")
        if self.max_attempts is not None and not 1 <= self.max_attempts <= 1000:
            raise OptionError(f"retry: max_attempts is {self.max_attempts!r}", remedy="Use 1 to 1000.")
        if not 0 <= self.jitter <= 1:
            raise OptionError(f"retry: jitter is {self.jitter!r}", remedy="Use a fraction, 0 to 1.")
        if self.multiplier < 1:
            raise OptionError(f"retry: multiplier is {self.multiplier!r}", remedy="Use 1 or more.")
        if self.kind == "custom" and not self.delays:
            raise OptionError("retry: a custom policy needs its delays", remedy="Give delays=[5, 60, …].")
        for name in (*self.on, *self.not_on):
            if not name.isidentifier():
                raise OptionError(f"retry: {name!r} is no name of an exception class",
                                  remedy="Give the bare name, without its module, such as ConnectionError.")

    @classmethod
    def exponential(
        cls, max_attempts: int | None = None, initial_delay: object = 2.0, *,
        max_delay: object = 3600.0, multiplier: float = 2.0, jitter: float = 0.1,
    ) -> RetryPolicy:
        return cls("exponential", max_attempts, seconds(initial_delay, what="initial_delay"),
                   multiplier, seconds(max_delay, what="max_delay"), jitter)

    @classmethod
    def linear(
        cls, max_attempts: int | None = None, delay: object = 2.0, *, jitter: float = 0.1,
    ) -> RetryPolicy:
        return cls("linear", max_attempts, seconds(delay, what="delay"), jitter=jitter)

    @classmethod
    def fixed(
        cls, delay: object = 2.0, max_attempts: int | None = None, *, jitter: float = 0.0,
    ) -> RetryPolicy:
        return cls("fixed", max_attempts, seconds(delay, what="delay"), jitter=jitter)

    @classmethod
    def custom(
        cls, max_attempts: int | None = None, delays: list[object] | tuple[object, ...] = (), *,
        jitter: float = 0.0,
    ) -> RetryPolicy:
        return cls("custom", max_attempts, jitter=jitter,
                   delays=tuple(seconds(d, what="delays") for d in delays))

    def only(self, *, on: tuple[object, ...] = (), not_on: tuple[object, ...] = ()) -> RetryPolicy:
        """The same policy for some exceptions only (classes or their names)."""
        return replace(self, on=tuple(map(_name, on)), not_on=tuple(map(_name, not_on)))

    def delay_after(self, attempt: int, *, spread: float = 0.0) -> float:
        """Seconds to wait after failed attempt ``attempt`` (from 1); ``spread`` in -1 … 1 is the
        caller's random number, scaled by ``jitter``. Exponents are bounded, so no overflow."""
        n = max(1, attempt)
        match self.kind:
            case "exponential":
                base = self.delay * self.multiplier ** min(n - 1, 64)
            case "linear":
                base = self.delay * n
            case "fixed":
                base = self.delay
            case _:
                base = self.delays[min(n, len(self.delays)) - 1]
        return min(base, self.max_delay) * (1 + self.jitter * max(-1.0, min(1.0, spread)))

    def retries(self, error_types: tuple[str, ...]) -> bool:
        """Whether an error with these class names (its own and its bases') is tried again."""
        if any(name in self.not_on for name in error_types):
            return False
        return not self.on or any(name in self.on for name in error_types)


def _name(error: object) -> str:
    return error if isinstance(error, str) else getattr(error, "__name__", repr(error))
