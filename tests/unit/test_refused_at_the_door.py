"""What cannot be is refused where it is said, with words, and nothing is written."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tether_lab import BadRequest, Lab, OptionError, PayloadError, UnknownHandler


def work(x: float = 0) -> float:
    return x


@pytest.fixture
def lab() -> Lab:
    lab = Lab(autostart=False)
    for key in ("a", "b", "c"):
        lab.register(work, key)
    return lab


def nothing(lab: Lab) -> bool:
    """Whether nothing is there of what was asked for."""
    return not (lab.jobs() or lab.chains() or lab.batches() or lab.schedules())


def test_a_chain_that_goes_round_is_refused_and_the_circle_named(lab: Lab) -> None:
    """Steps that wait for each other, for themselves, or for one that there is not."""
    with pytest.raises(BadRequest, match="wait for each other: b → c → a → b"):
        lab.chain("x").then("a", after="c").then("b").then("c").enqueue()
    with pytest.raises(BadRequest, match="wait for each other: a → a"):
        lab.chain("x").then("a", after="a").enqueue()
    with pytest.raises(BadRequest, match="'b' comes after 'nobody'"):
        lab.chain("x").then("a").then("b", after="nobody").enqueue()
    with pytest.raises(BadRequest, match="two steps 'a'"):
        lab.chain("x").then("a").then("a")
    with pytest.raises(BadRequest, match="no steps"):
        lab.chain("x").enqueue()
    with pytest.raises(UnknownHandler):
        lab.chain("x").then("a").then("nobody").enqueue()
    assert nothing(lab)


@pytest.mark.parametrize("rule", ["0 0 31 2 *", "0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 32 * *", "61 * * * *"])
def test_a_time_that_never_comes_is_refused(lab: Lab, rule: str) -> None:
    """31 February, 31 April, minute 61."""
    with pytest.raises(OptionError, match="never happens or is not understood"):
        lab.schedule("a", cron=rule)
    assert nothing(lab)


@pytest.mark.parametrize("zone", ["Europe/Madird", "Mars/Base", "../etc/passwd", ""])
def test_a_zone_that_there_is_not_is_refused(lab: Lab, zone: str) -> None:
    """In schedules and in windows."""
    with pytest.raises(OptionError, match="zone"):
        lab.schedule("a", cron="0 9 * * *", tz=zone)
    with pytest.raises(OptionError, match="zone"):
        lab.enqueue("a", window={"start_hour": 9, "end_hour": 17, "tz": zone})
    assert nothing(lab)


@pytest.mark.parametrize("window", ["24-3", "25-26", "9-17 XYZ UTC", "9:75-10", "9"])
def test_a_window_that_never_opens_is_refused(lab: Lab, window: str) -> None:
    """Hours that no day has, days that no week has."""
    with pytest.raises(OptionError, match="window"):
        lab.enqueue("a", window=window)
    assert nothing(lab)


def test_a_window_that_opens_after_the_job_gave_up_is_refused(lab: Lab) -> None:
    """Its start deadline passes before the window opens; with a later deadline it is taken."""
    later = (datetime.now(UTC) + timedelta(hours=5)).hour
    window = f"{later}-{later + 1} UTC"
    for given in ({"expires": "1h"}, {"expires": "1h", "delay": "10m"}):
        with pytest.raises(OptionError, match="after the job has expired"):
            lab.enqueue("a", window=window, **given)
    assert nothing(lab)
    assert lab.enqueue("a", window=window, expires="7h").id
    assert lab.enqueue("a", window="0-24 UTC", expires="1h").id


@pytest.mark.parametrize(("value", "words"), [
    (math.nan, "JSON cannot say"), (-math.inf, "JSON cannot say"), (2**63, "beyond")])
def test_an_item_that_is_not_json_is_refused_with_its_place(lab: Lab, value: Any, words: str) -> None:
    """In a batch none of the items is enqueued; the same for sweeps, chains and schedules."""
    for ask in (lambda: lab.batch("a", [{"x": 1}, {"x": value}]), lambda: lab.sweep("a", x=[1, value]),
                lambda: lab.chain("n").then("a").enqueue({"x": value}),
                lambda: lab.schedule("a", {"x": value}, interval="1h")):
        with pytest.raises(PayloadError, match=words):
            ask()
    assert nothing(lab)
