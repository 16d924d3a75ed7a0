"""Attempts on a Dask cluster of real processes: what a worker does here holds there, whatever dies."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from eventually import eventually

from tether_lab import Lab
from tether_lab.lab import Job
from tether_lab.lab.places import executor_line

QUIET = ["--no-dashboard"]


@dataclass
class Cluster:
    """A scheduler and its workers, each a process of its own that a test may kill."""

    port: int
    scheduler: subprocess.Popen[bytes] | None = None
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def spec(self) -> str:
        return f"dask=tcp://127.0.0.1:{self.port}"

    def start_scheduler(self) -> None:
        self.scheduler = _start("dask_scheduler", "--host", "127.0.0.1", "--port", str(self.port), *QUIET)

    def add(self, count: int = 1) -> None:
        for _ in range(count):
            self.workers.append(_start("dask_worker", f"tcp://127.0.0.1:{self.port}", "--nthreads", "1",
                                       "--no-nanny", "--host", "127.0.0.1", *QUIET))

    def complete(self, count: int) -> None:
        """So many workers that live, whatever a test has done to them."""
        for process in self.workers:
            process.send_signal(signal.SIGCONT)
        self.workers = [process for process in self.workers if process.poll() is None]
        self.add(max(0, count - len(self.workers)))

    def close(self) -> None:
        for process in [*self.workers, *([self.scheduler] if self.scheduler else [])]:
            process.kill()
            process.wait(10)


def _start(module: str, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", f"distributed.cli.{module}", *arguments],
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def started() -> Iterator[Cluster]:
    """One scheduler for all: it takes seconds to start."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    made = Cluster(port)
    made.start_scheduler()
    yield made
    made.close()


@pytest.fixture
def cluster(started: Cluster) -> Cluster:
    """It, with two workers."""
    started.complete(2)
    return started


@pytest.fixture
def lab(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """A lab whose attempts run on that cluster, every place taken for another machine's."""
    monkeypatch.setenv("TETHER_LAB_TEST", "1")
    monkeypatch.setenv("TETHER_LAB_FAR", "1")
    with Lab("cluster", executor=cluster.spec, runners=2, cancel_grace=1.0) as made:
        yield made
        made.worker.stop(now=True, timeout=30)


def wait_in(folder: str, name: str) -> int:
    """A job that says that it runs, and goes on when it may."""
    Path(folder, f"{name}-{os.getpid()}").touch()
    print("begun", flush=True)
    while not Path(folder, "go").exists():
        time.sleep(0.02)
    return os.getpid()


def begun(job: Job) -> bool:
    return any("begun" in output.get("text", "") for output in job.outputs)


@pytest.mark.timeout(150)
def test_a_job_on_a_cluster_is_a_job(lab: Lab) -> None:
    """Captures go there and large results come back; output, an error, a timeout, a cancel and a crash
    are told as they are here; a memory limit ends it."""
    import numpy as np

    data = np.arange(3_000_000, dtype="float64")

    def total(ctx, scale):
        ctx.progress(1, 2, "half")
        print("on the cluster")
        return {"sum": float(data.sum()), "back": data * scale}

    lab.register(total, "total")
    first = lab.enqueue("total", {"scale": 2})
    result = first.result(timeout=90)
    assert result["sum"] == float(data.sum())
    assert (result["back"] == data * 2).all()
    assert "on the cluster" in str(first.outputs)
    failed = lab.submit(lambda: 1 / 0)
    late = lab.enqueue_command("sleep 60", timeout="1s")
    crashed = lab.submit(os._exit, 7)
    eventually(lambda: all(job.row.is_final for job in (failed, late, crashed)), within=60, say="their ends")
    assert "ZeroDivisionError" in str(failed.error)
    assert "timed out after 1 s" in str(late.error)
    assert "exit code 7" in str(crashed.attempts[-1].error)

    def holds_much():
        held = np.ones(60_000_000)
        time.sleep(30)
        return len(held)

    lab.register(holds_much, "large", memory="300MB")
    large = lab.enqueue("large")
    eventually(lambda: large.row.is_final, within=40, say="the end of a large one")
    assert "memory" in str(large.error)
    assert {a.outcome for a in large.attempts} == {"crashed"}
    stopped = lab.enqueue_command("echo begun; sleep 60")
    eventually(lambda: begun(stopped), within=30, say="the command")
    stopped.cancel()
    eventually(lambda: stopped.status == "cancelled", within=15, say="the cancel")


@pytest.mark.timeout(150)
def test_a_worker_of_the_cluster_dies(lab: Lab, cluster: Cluster, tmp_path: Path) -> None:
    """SIGKILL to the Dask worker under a job: it runs again on another, is accepted once, and no process of the
    first attempt is left."""
    lab.register(wait_in)
    job = lab.enqueue("wait_in", {"folder": str(tmp_path), "name": "a"})
    eventually(lambda: begun(job), within=90, say="the first attempt")
    first = int(next(tmp_path.glob("a-*")).name.removeprefix("a-"))
    of_cluster = {parent.pid for parent in psutil.Process(first).parents()}
    victim = next(worker for worker in cluster.workers if worker.pid in of_cluster)
    victim.kill()
    victim.wait(10)
    eventually(lambda: len(list(tmp_path.glob("a-*"))) == 2, within=60, say="the second attempt")
    assert not psutil.pid_exists(first) or psutil.Process(first).status() == psutil.STATUS_ZOMBIE
    (tmp_path / "go").touch()
    assert job.result(timeout=30) != first
    assert [attempt.outcome for attempt in job.attempts] == ["interrupted", "succeeded"]


@pytest.mark.soak
@pytest.mark.timeout(200)
def test_the_scheduler_of_the_cluster_restarts(lab: Lab, cluster: Cluster, tmp_path: Path) -> None:
    """The scheduler is killed and comes back with new workers: what ran, or waited, is done once each."""
    lab.register(wait_in)
    jobs = [lab.enqueue("wait_in", {"folder": str(tmp_path), "name": name}) for name in "abc"]
    eventually(lambda: sum(map(begun, jobs)) == 2, within=90, say="two that run")
    assert cluster.scheduler is not None
    cluster.scheduler.kill()
    cluster.scheduler.wait(10)
    for worker in cluster.workers:
        worker.kill()
        worker.wait(10)
    cluster.start_scheduler()
    cluster.add(2)
    (tmp_path / "go").touch()
    pids = [job.result(timeout=120) for job in jobs]
    assert len(set(pids)) == 3
    assert all([a.outcome for a in job.attempts].count("succeeded") == 1 for job in jobs)


@pytest.mark.soak
@pytest.mark.timeout(200)
def test_a_worker_of_the_cluster_hangs(lab: Lab, cluster: Cluster, tmp_path: Path) -> None:
    """SIGSTOP to the Dask worker under a job: its silence is noticed, the job runs elsewhere, and what the
    stopped one says when it goes on is heard by nobody."""
    lab.register(wait_in)
    job = lab.enqueue("wait_in", {"folder": str(tmp_path), "name": "a"})
    eventually(lambda: begun(job), within=90, say="the first attempt")
    first = int(next(tmp_path.glob("a-*")).name.removeprefix("a-"))
    of_cluster = {parent.pid for parent in psutil.Process(first).parents()}
    victim = next(worker for worker in cluster.workers if worker.pid in of_cluster)
    victim.send_signal(signal.SIGSTOP)
    eventually(lambda: len(list(tmp_path.glob("a-*"))) == 2, within=60, say="the second attempt")
    (tmp_path / "go").touch()
    second = job.result(timeout=30)
    victim.send_signal(signal.SIGCONT)
    eventually(lambda: not psutil.pid_exists(first), within=30, say="the end of the zombie")
    assert job.result() == second != first


@pytest.mark.soak
@pytest.mark.timeout(300)
def test_a_sweep_of_two_hundred_jobs(cluster: Cluster, home: Path) -> None:
    """Four workers, two hundred settings: each is there once, in order, and the places were all used."""
    cluster.add(2)
    with Lab("sweep", executor=cluster.spec, runners=4) as lab:
        lab.register(lambda x, y: (x * y, os.getppid()), "product")
        batch = lab.sweep("product", x=list(range(20)), y=list(range(10)))
        results = [job.result(timeout=200) for job in batch.jobs]
        assert [value for value, _ in results] == [x * y for x in range(20) for y in range(10)]
        assert len({parent for _, parent in results}) == 4
        lab.worker.stop(now=True, timeout=30)


def test_an_executor_out_of_reach_is_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No scheduler there, or no such executor: jobs wait, and the log says why."""
    monkeypatch.setenv("TETHER_LAB_TEST", "1")
    monkeypatch.setenv("TETHER_LAB_CONNECT_WITHIN", "1")
    for spec, said in (("dask=tcp://127.0.0.1:9", "does not answer"), ("dusk", "there is no executor 'dusk'")):
        with Lab(f"lost-{spec[:4]}", executor=spec, runners=1) as lab:
            job = lab.submit(os.getpid)
            eventually(lambda lab=lab, said=said: said in lab.worker.log(lines=50), within=40, say=said)
            assert job.status == "pending"
            eventually(lambda lab=lab, said=said: said in str(executor_line(lab)), within=15, say="the status")
            lab.worker.stop(now=True, timeout=30)
