"""Schedules with a real worker: on time, once, with what the handler is now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from eventually import eventually

from tether_lab import (
    BadSignature,
    Lab,
    OptionError,
    PayloadError,
    ScheduleNotFound,
    UnknownHandler,
)
from tether_lab.cli.main import main
from tether_lab.job.policies.cron import Cron


@pytest.fixture
def lab() -> Iterator[Lab]:
    lab = Lab(runners=2)

    @lab.handler("tick")
    def tick(ctx: Any, n: int = 3) -> list[float]:
        import time

        return [time.time(), ctx.scheduled_for.timestamp(), n]

    yield lab
    lab.close()
    lab.worker.stop(now=True, timeout=10)


@pytest.mark.alone
def test_a_schedule_fires_within_50_ms_of_its_time(lab: Lab) -> None:
    """From the moment that the rule names to the row of the job, on an idle machine."""
    schedule = lab.schedule("tick", {"n": 5}, interval="1s")
    lab.worker.start()
    eventually(lambda: len(schedule.fires()) >= 4, within=15)
    late = [fire.seen_at - fire.at for fire in schedule.fires()]
    assert sorted(late)[len(late) // 2] < 50_000, late
    schedule.pause()
    first = lab.jobs(key="tick", order="oldest")[0]
    assert first.result(timeout=20)[2] == 5


def test_the_same_name_changes_the_schedule_and_adds_none(lab: Lab) -> None:
    """Running a cell again is harmless; pause, resume, reschedule, run_now and unschedule do as they say."""
    schedule = lab.schedule("tick", interval="1h")
    anchor = schedule.row.rule.anchor
    assert lab.schedule("tick", interval="1h").row.rule.anchor == anchor
    assert len(lab.schedules()) == 1
    assert len(schedule.next_fires(3)) == 3
    schedule.pause()
    assert (schedule.status, schedule.next_at, schedule.next_fires()) == ("paused", None, [])
    schedule.resume()
    assert schedule.status == "active"
    schedule.reschedule(cron=Cron.weekdays_at("09:00"), tz="Europe/Madrid")
    assert "every weekday at 09:00 Europe/Madrid" in schedule._repr_mimebundle_()["text/plain"]
    assert schedule.run_now().result(timeout=30)[2] == 3
    schedule.reschedule(payload={"n": 4})
    assert schedule.payload == {"n": 4}
    assert "every weekday at 09:00" in schedule.row.rule.words()
    assert schedule.run_now().result(timeout=30)[2] == 4
    with pytest.raises(PayloadError):
        schedule.reschedule(payload={"n": float("nan")})
    assert schedule.payload == {"n": 4}
    assert [fire.outcome for fire in schedule.fires()] == ["asked", "asked"]
    assert "made job" in schedule._repr_mimebundle_()["text/html"]
    lab.unschedule("tick")
    with pytest.raises(ScheduleNotFound, match="no schedule 'tick'"):
        lab.get_schedule("tick")


def test_jobs_follow_the_newest_version_of_the_handler(lab: Lab) -> None:
    """A schedule names a key; what it runs is what that key is when it fires."""
    schedule = lab.schedule("tick", interval="1h")

    @lab.handler("tick")
    def tick() -> str:
        return "new"

    assert schedule.run_now().result(timeout=30) == "new"


@pytest.mark.row(43)
def test_fires_missed_without_a_worker_are_made_up_for_by_the_policy(lab: Lab) -> None:
    """latest makes one job, all makes each, none makes none; the log says what was missed."""
    start = datetime.now(UTC) - timedelta(hours=5, minutes=30)
    with Lab(autostart=False) as quiet:
        for misfire in ("latest", "all", "none"):
            quiet.schedule("tick", name=misfire, interval="1h", start=start, misfire=misfire, overlap="allow")
        with quiet.queue.write() as connection:           # as if nobody had looked for four hours
            connection.execute("UPDATE schedule SET next_at = next_at - 4 * 3600 * 1000000")
    lab.worker.start()
    made = {name: eventually(lambda name=name: [f.outcome for f in lab.get_schedule(name).fires()])
            for name in ("latest", "all", "none")}
    assert made == {"latest": ["enqueued", *["missed"] * 3], "all": ["enqueued"] * 4, "none": ["missed"] * 4}


def test_an_unfinished_job_keeps_the_next_fire_away(lab: Lab) -> None:
    """skip: none beside it; cancel: the old one goes; queue: one behind it."""
    @lab.handler("long")
    def long() -> None:
        import time

        time.sleep(60)

    for overlap in ("skip", "queue", "cancel"):
        lab.schedule("long", name=overlap, interval="1s", overlap=overlap)
    eventually(lambda: len(lab.get_schedule("skip").fires()) >= 3, within=15)
    made = {name: [f.outcome for f in lab.get_schedule(name).fires()] for name in ("skip", "queue")}
    assert made["skip"].count("enqueued") == 1
    assert made["queue"].count("enqueued") <= 2
    assert "skipped" in made["skip"]
    eventually(lambda: lab.jobs("cancelled", key="long"), within=15)
    for schedule in lab.schedules():
        schedule.unschedule()
    lab.cancel(all=True, force=True)


def test_a_schedule_of_somebody_else_makes_no_job(lab: Lab) -> None:
    """Its signature is checked before anything is signed on its word."""
    schedule = lab.schedule("tick", interval="1h")
    with lab.queue.write() as connection:
        connection.execute("UPDATE schedule SET payload = '{\"n\": 9}'")
    with pytest.raises(BadSignature):
        schedule.run_now()
    assert not lab.jobs(key="tick")


@pytest.mark.row(42)
@pytest.mark.parametrize(("given", "words"), [
    ({"cron": "0 0 31 2 *"}, "never happens"), ({"interval": 0}, "too short"),
    ({"cron": "* * * * *", "tz": "Europe/Madird"}, "no time zone"),
    ({"interval": "1h", "start": "2027-01-01", "end": "2026-12-01"}, "before it starts"),
    ({"interval": "1h", "end": "2020-01-01"}, "never fire"), ({"interval": "1h", "overlap": "x"}, "overlap"),
    ({"interval": "1h", "misfire": "x"}, "misfire"), ({}, "interval and cron"),
    ({"interval": "1h", "cron": "* * * * *"}, "one of interval and cron"),
    ({"interval": "1h", "delay": "3s"}, "do not go together"), ({"interval": "1h", "jitter": "2h"}, "jitter"),
    ({"interval": "1h", "start": "soon"}, "no moment"), ({"interval": "1h", "nme": "x"}, "no option"),
])
def test_a_schedule_that_cannot_be_is_refused_at_the_door(lab: Lab, given: dict[str, Any], words: str) -> None:
    """Each with what is wrong; nothing is written."""
    with pytest.raises(OptionError, match=words):
        lab.schedule("tick", **given)
    assert lab.schedules() == []


def test_unknown_handlers_and_payloads_that_do_not_fit_are_refused(lab: Lab) -> None:
    """As at enqueue."""
    with pytest.raises(UnknownHandler):
        lab.schedule("nope", interval="1h")
    with pytest.raises(PayloadError):
        lab.schedule("tick", {"q": 1}, interval="1h")
    assert lab.schedules() == []


def test_the_terminal_tells_the_next_times(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    """One line a fire, in the schedule's zone; a sentence where there is none."""
    lab.schedule("tick", cron="0 9 * * *", tz="Europe/Madrid").next_fires()
    assert main(["schedule", "next", "tick"]) == 0
    lines = capsys.readouterr().out.split()
    assert len(lines) == 10
    assert all("T09:00:00+0" in line for line in lines)
    lab.get_schedule("tick").pause()
    assert main(["schedule", "next", "tick"]) == 0
    assert "paused" in capsys.readouterr().out
