"""Whatever kills the worker around the end of a job: those who wait for it are neither lost nor doubled."""

from __future__ import annotations

import itertools
import signal
from pathlib import Path
from typing import Any

import psutil
import pytest
from eventually import eventually
from faults.bench import Bench

from tether_lab import Lab

POINTS = ("before_turn", "inside_turn", "after_turn_commit", "after_claim_commit", "before_finish_commit",
          "inside_finish", "after_finish_commit", "after_task_sent")


@pytest.fixture
def lab(bench: Bench) -> Any:
    with Lab(bench.folder.path, autostart=False) as lab:
        @lab.handler("part")
        def part(ctx: Any, path: str) -> int:
            with open(path, "a") as file:
                file.write(f"{ctx.key} {ctx.id}\n")
            return sum(ctx.inputs.values()) if ctx.inputs else 1

        yield lab


def killed_and_healed(bench: Bench, point: str, number: int) -> None:
    """A worker that is killed there, then a sound one."""
    worker = bench.worker(faults=f"{point}:kill@{number}", ready=False)
    assert worker.wait(30) == -signal.SIGKILL
    bench.worker()


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_around_promotion_loses_no_child(bench: Bench, lab: Lab, tmp_path: Path, point: str) -> None:
    """A diamond, its callback, a batch and a trigger behind it: each ends once, with the right inputs."""
    given = {"path": str(tmp_path / "log")}
    lab.trigger("behind", "part", given, after="last")
    lab.register(lambda ctx: sum(ctx.inputs.values()), "last")
    chain = lab.chain("c").then("part", name="a").then("part", name="b").then(
        "part", name="c", after="a").then("last", name="d", after=("b", "c")).enqueue(given)
    batch = lab.batch("b", [given] * 3, "part")
    killed_and_healed(bench, point, 1 if point == "inside_turn" else 2)
    assert chain.result(60) == 2
    assert batch.results(60) == [1, 1, 1]
    eventually(lambda: lab.counts() == {"completed": 8}, within=30, say=str(lab.counts()))
    assert (lab.get_trigger("behind").row.fired, batch.row.completed) == (1, 3)


@pytest.mark.parametrize("point", ["before_fire", "after_fire"])
def test_a_kill_around_a_fire_makes_one_job_a_time(bench: Bench, lab: Lab, tmp_path: Path, point: str) -> None:
    """The log of fires and the jobs agree: no time is lost to the policy, none makes two."""
    given = {"path": str(tmp_path / "log")}
    schedule = lab.schedule("part", given, interval="1s", misfire="all", overlap="allow")
    killed_and_healed(bench, point, 2)
    eventually(lambda: len(schedule.fires()) >= 4, within=30)
    schedule.pause()
    fires = schedule.fires(100)
    assert {fire.outcome for fire in fires} == {"enqueued"}
    moments = sorted(fire.at for fire in fires)
    assert [b - a for a, b in itertools.pairwise(moments)] == [1_000_000] * (len(moments) - 1)
    assert len({fire.job_id for fire in fires}) == len(fires) == len(lab.jobs(key="part", limit=None))


@pytest.mark.parametrize("action", ["kill", "stop"])
@pytest.mark.parametrize("point", ["before_watching", "before_trigger", "after_trigger"])
def test_a_file_that_came_makes_a_job_whatever_happens(
        bench: Bench, lab: Lab, tmp_path: Path, point: str, action: str) -> None:
    """Killed or stopped around the watching of files: the file that changed has its job, and only one."""
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    lab.trigger("inbox", "part", {"path": str(tmp_path / "log")}, files=inbox, settle=0.1)
    worker = bench.worker(faults=f"{point}:{action}", ready=False)
    if point != "before_watching":
        eventually(lambda: bench.log().count("watch") or True, within=5)
    (inbox / "came").write_text("1")
    if action == "kill":
        assert worker.wait(30) == -signal.SIGKILL, bench.log()
        bench.worker()
    else:
        process = psutil.Process(worker.pid)
        eventually(lambda: process.status() == psutil.STATUS_STOPPED, within=30, say=bench.log())
        worker.send_signal(signal.SIGCONT)
    eventually(lambda: lab.jobs("completed", key="part", limit=None), within=30, say=bench.log())
    assert len(lab.jobs(key="part", limit=None)) == 1
