"""Fault matrix, rows 14 and 31: memory and disk that run out for real, in a control group with little memory
and on a file system of a few megabytes. Whoever may make neither skips them; RLIMIT_AS and RLIMIT_FSIZE stand
in elsewhere (test_hostile_jobs, test_storage)."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from eventually import eventually
from faults.bench import Bench
from faults.inv import completed

from tether_lab.errors import StorageFull
from tether_lab.job import State

FEW = 350_000_000


def own_group() -> Path | None:
    """The folder of this process's memory group, of either version of control groups."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "memory":
            return Path(f"/sys/fs/cgroup/memory{path}")
        if controllers == "" and (found := Path(f"/sys/fs/cgroup{path}")).joinpath("memory.max").exists():
            return found
    return None


@pytest.fixture
def little_memory() -> Iterator[Path]:
    """A control group whose processes have 350 MB together, and no swap."""
    own = own_group()
    group = own / f"tether-lab-test-{os.getpid()}" if own else None
    try:
        if group is None:
            raise OSError("no memory controller")
        group.mkdir()
        limit = "memory.max" if (group / "memory.max").exists() else "memory.limit_in_bytes"
        (group / limit).write_text(str(FEW))
        with contextlib.suppress(OSError):
            (group / "memory.swap.max").write_text("0")
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error}")
    yield group
    eventually(lambda: not (group / "cgroup.procs").read_text(), within=10, say="the end of what was in it")
    group.rmdir()


@pytest.fixture
def small_disk(home: Path) -> Iterator[Path]:
    """A file system of 12 MB."""
    place = home / "disk"
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m,mode=0700", "tether-lab-test", str(place)],
                          capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"no file system can be mounted here: {made.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.row(14)
def test_the_kernel_kills_a_job_for_lack_of_memory(little_memory: Path, bench: Bench) -> None:
    """The kernel chooses the job, not its worker; the reason says so, with how much it had, the attempt burns
    the crash budget, and the next job runs."""
    worker = bench.worker(group=little_memory)
    [greedy] = bench.enqueue("hoard = []\nwhile True: hoard.append(b'x' * 20_000_000)")
    row = bench.ended(greedy, within=60)
    assert row.state is State.FAILED
    assert "killed by the kernel for lack of memory" in (row.error or ""), row
    assert row.crash_count >= 1
    assert bench.attempts(greedy)[-1].outcome == "crashed"
    [next_one] = bench.enqueue("'and on'")
    completed(bench, {next_one: "and on"})
    assert worker.poll() is None
    bench.stop(worker)


@pytest.mark.row(31)
def test_a_disk_that_is_full_for_everybody(small_disk: Path, home: Path) -> None:
    """While a job runs its disk fills up: enqueuing is refused, reading goes on, the ending waits; with room
    again it is recorded, once, and what was refused is accepted."""
    bench = Bench(small_disk / "lab", runners=1, lease=1.0, cancel_grace=2.0, drain_grace=5.0)
    try:
        _fill_and_free(bench, small_disk, home / "go")
    finally:
        bench.close()


def _fill_and_free(bench: Bench, disk: Path, gate: Path) -> None:
    worker = bench.worker()
    [job] = bench.enqueue(f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(.01)\n"
                          "print('y' * 300_000)\n'ended'")
    eventually(lambda: bench.job(job).state is State.RUNNING, within=20)
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass
    with pytest.raises(StorageFull, match="full"):
        bench.enqueue("1", [{"n": "x" * 100_000}] * 20)
    gate.touch()
    eventually(lambda: "tried again" in bench.log() or "full" in bench.log(), within=20, say="a word about it")
    assert bench.job(job).state is State.RUNNING
    assert read_counts(bench) == {State.RUNNING: 1}
    ballast.unlink()
    completed(bench, {job: "ended"})
    assert len(bench.attempts(job)) == 1
    [after] = bench.enqueue("'accepted'")
    completed(bench, {after: "accepted"})
    bench.stop(worker)


def read_counts(bench: Bench) -> dict[State, int]:
    from tether_lab.job_queue import read

    return read.counts(bench.queue)


def test_the_group_is_the_one_that_is_counted(little_memory: Path, make_bench: Callable[..., Bench]) -> None:
    """A kill of the machine's in another group is not taken for one of ours."""
    bench = make_bench(crash_budget=1)
    bench.worker(group=little_memory)
    [job] = bench.enqueue("import os\nos.kill(os.getpid(), 9)")
    assert "memory" not in (bench.ended(job).error or "")
