"""Schedules against a model that knows nothing of cronsim: every fire once, whatever the clocks do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import queues
from hypothesis import given, settings, strategies as st

from tether_lab.job import State
from tether_lab.job.policies.cron import Cron
from tether_lab.job.policies.schedule import MOST_AT_ONCE, ON_TIME, Rule
from tether_lab.job.schedule import ScheduleRow
from tether_lab.job_queue import read, schedules
from tether_lab.outcome import Finish

SECOND = 1_000_000
DAY = 86400 * SECOND
ZONES = ("America/New_York", "Europe/Madrid", "Australia/Lord_Howe")


def micro(moment: datetime) -> int:
    return round(moment.timestamp()) * SECOND


def instant(day: date, hour: int, minute: int, zone: ZoneInfo) -> int:
    """When a wall time happens: the first time if twice; if never, right after the jump. The rule that
    Debian's cron has, from its manual."""
    wall = datetime(day.year, day.month, day.day, hour, minute)  # noqa: DTZ001  a time on the wall
    early = wall.replace(tzinfo=zone, fold=0)
    if early.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == wall:
        return micro(early)
    while early.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != wall:
        wall += timedelta(minutes=1)
        early = wall.replace(tzinfo=zone, fold=0)
    return micro(early)


@pytest.mark.row(41)
@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(("hour", "minute"), [(1, 30), (2, 0), (2, 15), (2, 30), (3, 0), (9, 0)])
def test_a_daily_time_happens_once_a_day_through_two_years(zone: str, hour: int, minute: int) -> None:
    """In the gap once, right after the jump; in the fold once, the first time."""
    cron, here = Cron.daily_at(hour, minute), ZoneInfo(zone)
    at = micro(datetime(2026, 1, 1, tzinfo=UTC))
    first = datetime.fromtimestamp(at / 1e6, here).date() - timedelta(days=1)
    wanted = [moment for n in range(2 * 366)
              if (moment := instant(first + timedelta(days=n), hour, minute, here)) > at]
    for moment in wanted:
        found = cron.after(at, zone)
        assert found == moment
        at = found


@pytest.mark.row(41)
@pytest.mark.parametrize("zone", ZONES)
def test_steps_follow_real_time_through_clock_changes(zone: str) -> None:
    """Every 30 minutes is every 30 minutes, also in the hour that comes twice."""
    for month in (3, 10):
        at = micro(datetime(2026, month, 1, tzinfo=UTC))
        found = list(islice(Rule(cron="*/30 * * * *", tz=zone).fires(at), 40 * 48))
        gaps = {b - a for a, b in pairwise(found)}
        assert gaps == {1800 * SECOND}


@pytest.mark.row(41)
@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("text", ["0 30 2 * * *", "0 30 1 * * *", "0 0,30 2,3 * * *", "15,45 1,2,3 * * *"])
def test_fixed_times_of_five_and_six_fields_happen_once(zone: str, text: str) -> None:
    """A year of times, the same with seconds and without: none lost in a gap, none doubled in a fold."""
    here, at = ZoneInfo(zone), micro(datetime(2026, 1, 1, tzinfo=UTC))
    minutes, hours = (tuple(map(int, field.split(","))) for field in text.split()[-5:-3])
    first = datetime.fromtimestamp(at / 1e6, here).date() - timedelta(days=1)
    wanted = sorted({moment for n in range(370) for hour in hours for minute in minutes
                     if (moment := instant(first + timedelta(days=n), hour, minute, here)) > at})
    found = list(islice(Rule(cron=text, tz=zone).fires(at), 300))
    assert found == wanted[:300]


@pytest.mark.row(43)
def test_a_year_without_a_worker_is_dealt_with_at_once() -> None:
    """A schedule of every second after a year away: the last fires are named, nothing walks the rest."""
    rule = Rule(cron="* * * * * *", misfire="all")
    now = queues.NOW + 365 * DAY
    begun = time.perf_counter()
    found = rule.due(queues.NOW, now)
    assert time.perf_counter() - begun < 1.0
    assert found.fires == tuple(now - n * SECOND for n in range(99, -1, -1))
    assert found.next_fire == now + SECOND


@pytest.mark.parametrize("overlap", ["skip", "queue", "cancel"])
def test_fires_that_are_made_up_for_run_one_after_the_other(tmp_path: Path, overlap: str) -> None:
    """misfire="all" means all of them, whatever the overlap policy says about later ones; two never run at
    once, and one that fails holds nobody up."""
    queue = queues.opened(tmp_path, "supervisor")
    version = queues.registered(queue)
    rule = Rule(interval=60 * SECOND, anchor=queues.NOW, overlap=overlap, misfire="all")
    schedules.put(queue, ScheduleRow(0, "u", "s", "train", rule, "{}", "{}", queues.NOW + 60 * SECOND, False,
                                     None, 0, 0, "k1", b"mac"), now=queues.NOW)
    now = queues.NOW + 300 * SECOND
    schedules.fire(queue, lambda row, at: queues.new_job(version, description=str(at), run_at=now), now)
    order = []
    for n in range(5):
        (claimed,) = queues.turn(queue, now=now).claimed
        order.append(int(read.get(queue, claimed.claim.job_id).description or 0))
        end = Finish(State.FAILED if n == 2 else State.COMPLETED)
        queues.turn(queue, now=now, limit=0, finished=[queues.ending(claimed, end, at=now)])
    assert order == [queues.NOW + n * 60 * SECOND for n in range(1, 6)]
    queue.close()


def test_running_the_cell_again_keeps_a_fire_that_was_missed(tmp_path: Path) -> None:
    """The same rule moves nothing; another one counts from now."""
    queue = queues.opened(tmp_path)
    queues.registered(queue)
    rule = Rule(interval=60 * SECOND, anchor=queues.NOW)
    due, later = queues.NOW + 60 * SECOND, queues.NOW + 3600 * SECOND
    row = ScheduleRow(0, "u", "s", "train", rule, "{}", "{}", due, False, None, 0, 0, "k1", b"mac")
    schedules.put(queue, row, now=queues.NOW)
    assert schedules.put(queue, replace(row, next_at=later), now=later - 1).next_at == due
    changed = replace(row, rule=replace(rule, misfire="none"), next_at=later)
    assert schedules.put(queue, changed, now=later - 1).next_at == later
    queue.close()


def test_a_zone_that_this_machine_does_not_know_stops_only_its_schedule(tmp_path: Path) -> None:
    """The worker pauses it and says why; the others fire."""
    queue = queues.opened(tmp_path)
    version = queues.registered(queue)
    rule = Rule(interval=60 * SECOND, anchor=queues.NOW)
    for name in ("odd", "plain"):
        row = ScheduleRow(0, name, name, "train", rule, "{}", "{}", queues.NOW, False, None, 0, 0, "k1", b"mac")
        schedules.put(queue, row, now=queues.NOW)
    with queue.write() as connection:
        connection.execute("UPDATE schedule SET rule = ? WHERE name = 'odd'",
                           ('{"interval":60000000,"tz":"Mars/Olympus"}',))
    told = schedules.fire(queue, lambda row, at: queues.new_job(version), queues.NOW)
    assert [row.name for row, _, _ in told] == ["plain"]
    with queue.read() as connection:
        paused, trouble = connection.execute(
            "SELECT paused, trouble FROM schedule WHERE name = 'odd'").fetchone()
    assert paused == 1
    assert "Mars/Olympus" in trouble
    queue.close()


RULES = st.one_of(
    st.builds(lambda n, misfire, grace: Rule(interval=n * SECOND, anchor=12_345, misfire=misfire, grace=grace),
              st.integers(1, 200_000), st.sampled_from(["latest", "all", "none"]),
              st.one_of(st.none(), st.integers(1, 3 * DAY))),
    st.builds(lambda hour, zone, misfire, grace: Rule(cron=f"30 {hour} * * *", tz=zone, misfire=misfire,
                                                      grace=grace),
              st.integers(0, 23), st.sampled_from(ZONES), st.sampled_from(["latest", "all", "none"]),
              st.one_of(st.none(), st.integers(1, 3 * DAY))))


@settings(max_examples=60, deadline=None)
@given(rule=RULES, looks=st.lists(st.integers(1, 40 * DAY), min_size=1, max_size=12),
       start=st.integers(micro(datetime(2026, 1, 1, tzinfo=UTC)), micro(datetime(2029, 1, 1, tzinfo=UTC))))
def test_no_fire_is_lost_or_doubled_against_the_policy(rule: Rule, looks: list[int], start: int) -> None:
    """Whenever a worker looks, what it makes up for is what the policy says of the fires since."""
    pending, now = rule.after(start), start
    for pause in looks:
        if pending is None:
            return
        now += pause
        if (now - pending) / (rule.interval or DAY) > 5 * MOST_AT_ONCE:
            now = pending + (rule.interval or DAY) * 5 * MOST_AT_ONCE    # the model walks every fire
        passed, at = [], pending
        while at is not None and at <= now:
            passed.append(at)
            at = rule.after(at)
        late = rule.grace if rule.grace is not None else ON_TIME if rule.misfire == "none" else None
        kept = passed[-MOST_AT_ONCE:] if rule.misfire == "all" else passed[-1:]
        wanted = tuple(fire for fire in kept if late is None or now - fire <= late)
        found = rule.due(pending, now)
        assert found.fires == wanted
        assert found.missed_count == len(passed) - len(wanted)
        assert found.next_fire == at
        assert not set(found.fires) & set(found.missed)
        pending = at


FIRING = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
import queues
from tether_lab.job_queue import schedules
queue = queues.opened(Path(sys.argv[1]))
version = queues.registered(queue)
print("ready", flush=True)
now = queues.NOW
while True:
    now += queues.SECOND // 2
    schedules.fire(queue, lambda row, at: queues.new_job(version, description=str(at)), now)
    if now > queues.NOW + 200 * queues.SECOND:
        break
"""


def test_one_job_for_each_fire_with_three_workers_one_of_them_killed(tmp_path: Path) -> None:
    """Three processes deal with the same fires, one is killed among them: no fire lost, none twice."""
    queue = queues.opened(tmp_path)
    queues.registered(queue)
    schedules.put(queue, ScheduleRow(
        0, "u", "tick", "train", Rule(interval=SECOND, anchor=queues.NOW, overlap="allow", misfire="all"), "{}",
        "{}", queues.NOW + SECOND, False, None, 0, 0, "k1", b"mac"), now=queues.NOW)
    workers = [subprocess.Popen([sys.executable, "-c", FIRING, str(tmp_path), str(Path(__file__).parents[1])],
                                stdout=subprocess.PIPE) for _ in range(3)]
    for worker in workers:
        assert worker.stdout is not None
        worker.stdout.readline()
    os.kill(workers[0].pid, signal.SIGKILL)
    assert [worker.wait(50) for worker in workers[1:]] == [0, 0]
    workers[0].wait(5)
    with queue.read() as connection:
        made = [int(text) for (text,) in connection.execute("SELECT description FROM job").fetchall()]
    assert sorted(made) == [queues.NOW + n * SECOND for n in range(1, 201)]
    row = schedules.get(queue, "tick")
    assert {fire.outcome for fire in schedules.fires(queue, row, 500)} == {"enqueued"}
    queue.close()
    for worker in workers:
        assert worker.stdout is not None
        worker.stdout.close()
