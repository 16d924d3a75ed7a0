"""Starting, stopping, resting: the worker as kernels see it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from eventually import eventually
from faults.bench import Bench

from tether_lab.errors import WorkerDidNotStart, WorkerDisabled, WorkerError
from tether_lab.job import State
from tether_lab.job_queue import workers
from tether_lab.worker import logs, spawn


@pytest.fixture
def make_bench(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def make(**settings: object) -> Bench:
        made.append(Bench(home / f"lab{len(made)}", **settings))
        monkeypatch.setenv("TETHER_LAB_MARK", made[-1].mark)
        return made[-1]

    yield make
    for bench in made:
        spawn.stop(bench.folder, now=True, timeout=20)
        bench.close()


def test_an_idle_worker_ends_and_the_next_one_starts(make_bench: Callable[..., Bench]) -> None:
    """After its rest it is gone; a job that comes later gets a worker again."""
    bench = make_bench(idle_worker=0.5)
    worker = bench.worker()
    [job] = bench.enqueue("1")
    bench.ended(job)
    assert worker.wait(10) == 0
    assert spawn.status(bench.folder).state == "stopped"
    [again] = bench.enqueue("2")
    assert spawn.start(bench.folder, bench.settings).state == "running"
    assert bench.ended(again).state is State.COMPLETED


def test_a_job_that_comes_while_the_worker_goes_is_run(make_bench: Callable[..., Bench]) -> None:
    """The socket is gone, the lock not yet: whoever starts a worker then gets one."""
    bench = make_bench(idle_worker=0.3)
    worker = bench.worker(faults="before_exit:delay")
    eventually(lambda: "the worker ends" in bench.log() and not spawn.wake(bench.folder), within=10)
    [job] = bench.enqueue("1")         # the old one may yet see it: then it stays for it
    spawn.start(bench.folder, bench.settings)
    assert bench.ended(job).state is State.COMPLETED
    assert worker.wait(10) == 0


def test_a_worker_with_something_scheduled_does_not_end(make_bench: Callable[..., Bench]) -> None:
    """Rest is over when something is due; then it is run."""
    bench = make_bench(idle_worker=0.2)
    worker = bench.worker()
    version = bench.handler("1", key="later")
    [job] = bench.enqueue("", version=version, run_at=time.time_ns() // 1000 + 2_000_000)
    assert bench.job(job).state is State.SCHEDULED
    row = bench.ended(job)
    assert row.state is State.COMPLETED
    claimed = next(e.at for e in bench.events(job) if e.kind == "started")
    assert 0 <= claimed - row.run_at < 1_000_000
    assert worker.wait(10) == 0


def test_stop_with_a_patience_of_its_own(make_bench: Callable[..., Bench]) -> None:
    """drain= shortens the grace; the job goes back to the queue; the row of the worker says stopped."""
    bench = make_bench(drain_grace=60.0, cancel_grace=1.0)
    spawn.start(bench.folder, bench.settings)
    [job] = bench.enqueue("import time\ntime.sleep(60)")
    eventually(lambda: bench.job(job).state is State.RUNNING)
    begun = time.monotonic()
    assert spawn.stop(bench.folder, drain=0.2, timeout=15).state == "stopped"
    assert time.monotonic() - begun < 8
    assert bench.job(job).state is State.PENDING
    assert [w.state for w in workers.list(bench.queue)] == ["stopped"]


def test_a_worker_that_cannot_start_says_why(make_bench: Callable[..., Bench]) -> None:
    """WorkerDidNotStart carries the end of the log."""
    bench = make_bench()
    bench.folder.settings_file.write_text("runers = 2\n")
    with pytest.raises(WorkerDidNotStart, match="did you mean 'runners'"):
        spawn.start(bench.folder, bench.settings)
    bench.folder.settings_file.unlink()


def test_a_disabled_worker_is_refused(make_bench: Callable[..., Bench]) -> None:
    """enabled = false: the error says which file decides, nothing was started."""
    bench = make_bench(enabled=False)
    with pytest.raises(WorkerDisabled, match="enabled = false"):
        spawn.start(bench.folder, bench.settings)
    assert not spawn.is_running(bench.folder)


def test_a_killed_worker_is_dead_and_another_takes_over(make_bench: Callable[..., Bench]) -> None:
    """status() tells dead from stopped; its row is marked by the next one."""
    bench = make_bench()
    spawn.start(bench.folder, bench.settings)
    spawn.kill(bench.folder)
    eventually(lambda: spawn.status(bench.folder).state == "dead")
    with pytest.raises(WorkerError, match="no worker answered"):
        spawn.stack(bench.folder, 1, timeout=0.2)
    spawn.start(bench.folder, bench.settings)
    assert sorted(w.state for w in workers.list(bench.queue)) == ["dead", "running"]


def test_the_worker_holds_nothing_of_who_started_it(make_bench: Callable[..., Bench]) -> None:
    """Its standard descriptors are the log, its environment an allow-list, its folder the lab's."""
    bench = make_bench()
    os.environ["JPY_PARENT_PID"] = "1"
    try:
        pid = spawn.start(bench.folder, bench.settings).pid
    finally:
        del os.environ["JPY_PARENT_PID"]
    targets = {n: os.readlink(f"/proc/{pid}/fd/{n}") for n in (0, 1, 2)}
    assert targets == {0: "/dev/null", 1: str(bench.folder.worker_log), 2: str(bench.folder.worker_log)}
    environ = Path(f"/proc/{pid}/environ").read_bytes()
    assert b"JPY_PARENT_PID" not in environ
    assert b"PYTEST_CURRENT_TEST" not in environ
    assert bench.folder.worker_log.stat().st_mode & 0o777 == 0o600


def test_the_log_is_rotated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five files at most; standard error follows to the new one."""
    monkeypatch.setattr(logs, "LARGEST", 500)
    path = tmp_path / "worker.log"
    path.touch(0o600)
    kept = os.dup(1), os.dup(2)
    try:
        log = logs.Log(path)
        for i in range(100):
            log(f"line {i} of a log that grows")
    finally:
        for number, copy in enumerate(kept, 1):
            os.dup2(copy, number)
            os.close(copy)
    found = sorted(p.name for p in tmp_path.iterdir())
    assert found == ["worker.log", "worker.log.1", "worker.log.2", "worker.log.3", "worker.log.4"]
