"""What follows when an attempt of a service ends."""

from __future__ import annotations

from tether_lab.job import State
from tether_lab.outcome import (
    Cancelled,
    Crashed,
    Failed,
    Finish,
    Interrupted,
    Lost,
    Outcome,
    Requeue,
    RetryAt,
    Snoozed,
    Stored,
    Succeeded,
    TimedOut,
    decide_service,
)

ENDS: list[Outcome] = [Succeeded(Stored()), Failed(("ValueError",), "x"), TimedOut(1.0), Crashed("SIGSEGV")]


def test_whatever_ends_it_it_starts_again_later_and_later() -> None:
    """A second, two, four …, five minutes at most; an asked for rest is taken as asked."""
    for outcome in ENDS:
        delays = [step.run_at for deaths in range(1, 12)
                  if isinstance(step := decide_service(outcome, deaths=deaths, now=0), RetryAt)]
        assert delays == [min(300, 2**n) * 1_000_000 for n in range(11)]
    assert decide_service(Snoozed(7), deaths=3, now=0) == RetryAt(7_000_000, "it asked for a rest")


def test_our_own_doing_costs_no_time() -> None:
    """A worker that stopped or died gives it back at once, whatever its crash budget would say."""
    assert isinstance(decide_service(Interrupted("x"), deaths=9, now=0), Requeue)
    assert decide_service(Lost("w"), deaths=9, now=0) == Requeue("the worker w died", crash=True)


def test_it_stays_down_when_somebody_says_so() -> None:
    """A stop, also one that was asked for while it died; an error that says that trying again is useless."""
    stopped = decide_service(Cancelled("user"), deaths=1, now=0)
    assert stopped == Finish(State.CANCELLED, "stopped by user")
    for outcome in (*ENDS, Snoozed(1), Lost("w"), Interrupted("x")):
        assert decide_service(outcome, deaths=1, now=0, cancel_requested=True) == stopped
    assert decide_service(Failed(("NoRetry",), "no", retry=False), deaths=1, now=0) == Finish(
        State.FAILED, "NoRetry: no")
