"""Fault matrix, rows 30 and 38, and load: a million jobs, eight processes that enqueue, days of use, nothing
that grows without bound. The long forms are ``soak``."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

import psutil
import pytest
from eventually import eventually
from faults.bench import Bench, now
from faults.inv import whole

from tether_lab.job import State
from tether_lab.job_queue import checkpoint, claim, read
from tether_lab.worker import pruning


def fill(bench: Bench, count: int, state: str) -> None:
    """Rows as ``enqueue`` writes them, copied inside the database; finished ones a day old."""
    [one] = bench.enqueue("1", run_at=now() + 10**13)
    columns = ("key, handler_id, queue, payload, options, priority, max_attempts, run_at, created_at, "
               "updated_at, key_id, mac")
    with bench.queue.write(power=False) as connection:
        finished = f", {now() - 10**11}" if state == "completed" else ", NULL"
        for begin in range(0, count, 100_000):
            connection.execute(
                f"INSERT INTO job (uuid, state, finished_at, {columns}) "
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
                f"SELECT lower(hex(randomblob(16))), '{state}'{finished}, key, handler_id, queue, payload, "
                f"options, i % 3, max_attempts, {now() - 10**9} + i, created_at, updated_at, key_id, mac "
                "FROM job, n WHERE id = ?", (min(100_000, count - begin), one))
        connection.execute("DELETE FROM job WHERE id = ?", (one,))


def quantile(values: list[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def claims_and_pages(bench: Bench, turns: int = 200) -> tuple[float, float]:
    """p99 of a claim and the slowest page, in seconds."""
    spent, pages = [], []
    for _ in range(turns):
        begun = time.perf_counter()
        found = claim.turn(bench.queue, worker="w", now=now(), mono=time.monotonic_ns(), lease_ns=10**12,
                           finished=[], limit=1)
        spent.append(time.perf_counter() - begun)
        assert len(found.claimed) == 1
    for offset in (0, 500):
        begun = time.perf_counter()
        assert len(read.jobs(bench.queue, limit=100, offset=offset)) == 100
        pages.append(time.perf_counter() - begun)
    return quantile(spent, 0.99), max(pages)


@pytest.mark.row(30)
@pytest.mark.alone
@pytest.mark.parametrize("count", [100_000, pytest.param(1_000_000, marks=pytest.mark.soak)])
@pytest.mark.timeout(600)
def test_claims_and_pages_do_not_notice_how_many_wait(make_bench: Callable[..., Bench], count: int) -> None:
    """As many pending and as many finished: a claim takes milliseconds, a page a fifth of a second at most."""
    bench = make_bench(durability="process")
    fill(bench, 1000, "pending")
    few, _ = claims_and_pages(bench)
    fill(bench, count, "pending")
    fill(bench, count, "completed")
    checkpoint.checkpoint(bench.queue)
    many, page = claims_and_pages(bench)
    print(f"{count:,} + {count:,} jobs: claim p99 {many * 1e3:.2f} ms ({few * 1e3:.2f} ms with a thousand), "
          f"page {page * 1e3:.1f} ms")
    assert many < max(0.005, 3 * few), (few, many)         # a busy machine is busy for both
    assert page < 0.5


@pytest.mark.row(38)
@pytest.mark.parametrize("each", [60, pytest.param(2000, marks=pytest.mark.soak)])
@pytest.mark.timeout(300)
def test_eight_processes_enqueue_while_a_worker_runs_their_jobs(
    make_bench: Callable[..., Bench], each: int,
) -> None:
    """Every acknowledged job is there and completes once, whoever asked; nobody waits for its deadline."""
    bench = make_bench(runners=2, durability="process")
    bench.worker()
    bench.function("def add(n): return n + 1", "add", n=True)
    code = ("import time\nfrom pathlib import Path\nfrom tether_lab import Lab\n"
            f"lab = Lab(Path({str(bench.folder.path)!r}), autostart=False, durability='process')\n"
            "slowest = 0\n"
            f"for n in range({each}):\n    begun = time.monotonic()\n"
            "    print(int(lab.enqueue('add', {'n': n}, isolation='warm')), n)\n"
            "    slowest = max(slowest, time.monotonic() - begun)\n"
            "print('slowest', slowest)\nlab.close()")
    eight = [subprocess.Popen([sys.executable, "-c", code], env=bench.environ(), text=True,
                              stdout=subprocess.PIPE) for _ in range(8)]
    expected: dict[int, int] = {}
    slowest = 0.0
    for process in eight:
        out = process.communicate(timeout=240)[0].split("\n")
        assert process.returncode == 0
        expected |= {int(job): int(n) + 1 for job, n in (line.split() for line in out[:-2])}
        slowest = max(slowest, float(out[-2].split()[1]))
    assert len(expected) == 8 * each
    assert slowest < 5.0
    eventually(lambda: read.counts(bench.queue).get(State.COMPLETED, 0) == 8 * each, within=240,
               say=f"the end of all\n{bench.log()}")
    for job in list(expected)[:: max(1, len(expected) // 200)]:
        assert bench.result(job) == expected[job]
        assert len(bench.attempts(job)) == 1
    whole(bench)


@pytest.mark.parametrize("rounds", [4, pytest.param(400, marks=pytest.mark.soak)])
@pytest.mark.timeout(1200)
def test_nothing_grows_without_bound(make_bench: Callable[..., Bench], rounds: int) -> None:
    """Days of use in little time: jobs with output, results and files come and go, yesterday's are removed;
    log, database, files, rows and the worker's memory stay where they were after the first rounds. (The log is
    measured when it was moved into the database: what one round's commits need meanwhile is 21 MB.)"""
    bench = make_bench(runners=2, durability="process", retention=60.0, retention_failed=60.0)
    worker = psutil.Process(bench.worker().pid)
    seen: list[dict[str, float]] = []
    for number in range(rounds):
        _some_use(bench, number)
        _days_pass(bench)
        seen.append(_sizes(bench, worker))
    half, last = seen[len(seen) // 2 - 1], seen[-1]
    for name, floor in (("log", 5e6), ("database", 2e6), ("rows", 20), ("files", 20), ("memory", 6e6)):
        assert last[name] <= half[name] * 1.5 + floor, (name, half, last)
    print(last)
    whole(bench)


def _some_use(bench: Bench, number: int) -> None:
    cell = ("import os\nprint('line\\n' * 5000)\n"
            f"data = os.urandom(300_000)\nif n == 3: raise ValueError(n)\n(data, {number})")
    version = bench.handler(cell, key="use", parameters='{"n": {"required": true, "type": null}}')
    jobs = [bench.enqueue("", {"n": n}, version=version)[0] for n in range(10)]
    for job in jobs:
        bench.ended(job, within=60)


def _days_pass(bench: Bench) -> None:
    """What the worker does each hour about what is over, with its clock two days ahead."""
    later = now() + 2 * 86_400_000_000
    pruning.prune_jobs(bench.queue, bench.settings, later)
    pruning.prune(bench.queue, later)
    checkpoint.checkpoint(bench.queue)
    assert checkpoint.log_size(bench.queue) <= checkpoint.WORTHWHILE


def _sizes(bench: Bench, worker: psutil.Process) -> dict[str, float]:
    with bench.queue.read() as connection:
        tables = [row[0] for row in connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").fetchall()]
        rows = sum(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables)
    files = sum(p.is_file() for p in bench.folder.blobs.rglob("*"))
    return {"log": checkpoint.log_size(bench.queue), "database": bench.folder.queue_db.stat().st_size,
            "rows": rows, "files": files, "memory": worker.memory_info().rss}
