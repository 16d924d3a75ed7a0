"""Kill whatever there is, again and again, and count what was lost.

A producer enqueues cells, and bursts of short functions that warm processes are handed dozens at a
time; every 15 to 100 ms a job process, a zygote or the supervisor gets SIGKILL (also while it starts);
a dead supervisor is started again. At the end everything is left in peace until it is done, and a
checker counts in Jepsen's four words: *lost* (acknowledged, no accepted result), *duplicated* (more than
one), *unexpected* (never enqueued, or a wrong value), *recovered* (killed on the way, and there after
all).

    python tests/faults/kill_loop.py --seed 7 --seconds 60
    python tests/faults/kill_loop.py --kills 1000
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))
from faults.bench import Bench

from tether_lab.job import State

OFTEN = {"job": 30, "zygote": 1, "supervisor": 1}
"""Of these kinds, how often each is killed: a supervisor and its zygote need a second to get up again."""
FUNCTION = "def quick(n=0):\n    return n * n"
CELL = "import time\nprint('job', n)\ntime.sleep(pause)\nprint('done', n)\nn * n"
PARAMETERS = json.dumps({"n": {"required": True, "type": None}, "pause": {"required": True, "type": None}})


@dataclass
class Report:
    """What happened."""

    seed: int
    seconds: float = 0.0
    enqueued: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    duplicated: int = 0
    unexpected: int = 0
    recovered: int = 0

    @property
    def clean(self) -> bool:
        return not (self.lost or self.duplicated or self.unexpected)

    def __str__(self) -> str:
        return json.dumps({**asdict(self), "kills": sum(self.kills.values()), "killed": dict(self.kills)})


def kill_loop(folder: Path, *, seed: int, seconds: float, kills: int | None = None) -> Report:
    """Run the loop for ``seconds``, or until ``kills`` processes were killed; then check."""
    chance, report = random.Random(seed), Report(seed)
    bench = Bench(folder, crash_budget=1000, runners=4, lease=30.0)
    expected: dict[int, int] = {}
    begun = time.monotonic()
    try:
        worker = bench.worker()
        while (sum(report.kills.values()) < kills if kills else time.monotonic() - begun < seconds):
            if len(expected) - _final(bench) < 100:
                _produce(bench, chance, expected)
            time.sleep(chance.uniform(0.015, 0.1))
            killed = _kill_some(bench, chance)
            report.kills.update(killed)
            if "supervisor" in killed:
                worker.wait(10)
            if worker.poll() is not None:
                worker = bench.worker(ready=False)
        deadline = time.monotonic() + 120
        while _final(bench) < len(expected) and time.monotonic() < deadline:
            time.sleep(0.1)
        report.seconds = round(time.monotonic() - begun, 1)
        _check(bench, expected, report)
    finally:
        bench.close()
    return report


def _produce(bench: Bench, chance: random.Random, expected: dict[int, int]) -> None:
    if chance.random() < 0.3:
        quick = bench.function(FUNCTION, "quick", n=False)
        numbers = range(len(expected), len(expected) + chance.randint(20, 80))
        jobs = bench.enqueue("", [{"n": n} for n in numbers], version=quick, isolation="warm")
        expected |= {job: n * n for job, n in zip(jobs, numbers, strict=True)}
    version = bench.handler(CELL, key="square", parameters=PARAMETERS)
    for _ in range(chance.randint(1, 6)):
        n = len(expected)
        [job] = bench.enqueue("", {"n": n, "pause": chance.choice([0, 0.05, 0.3, 0.6])}, version=version)
        expected[job] = n * n


def _kill_some(bench: Bench, chance: random.Random) -> list[str]:
    """SIGKILL one process of a kind chosen first, or several jobs at once as a machine does that is out of
    memory; what they were."""
    kinds: dict[str, list[int]] = {"supervisor": [], "zygote": [], "job": []}
    for worker in (p.pid for p in bench.workers if p.poll() is None):
        kinds["supervisor"].append(worker)
        try:
            below = psutil.Process(worker).children(recursive=True)
            kinds["zygote"] += [p.pid for p in below if p.ppid() == worker]
            kinds["job"] += [p.pid for p in below if p.pid not in kinds["zygote"]]
        except psutil.NoSuchProcess:
            continue
    if not kinds["job"] and chance.random() < 0.9:
        return []                          # mostly let them get up again, or no job would ever run
    kind = chance.choices(list(OFTEN), list(OFTEN.values()))[0]
    some = chance.sample(kinds[kind], min(len(kinds[kind]), chance.randint(1, 4) if kind == "job" else 1))
    killed = []
    for process in some:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
            killed.append(kind)
    return killed


def _final(bench: Bench) -> int:
    from tether_lab.job_queue import read

    counts = read.counts(bench.queue)
    return sum(counts.get(state, 0) for state in State if state not in
               (State.PENDING, State.RUNNING, State.RETRYING, State.SCHEDULED, State.BLOCKED))


def _check(bench: Bench, expected: dict[int, int], report: Report) -> None:
    report.enqueued = len(expected)
    for job, value in expected.items():
        kinds = [event.kind for event in bench.events(job)]
        if bench.job(job).state is not State.COMPLETED:
            report.lost += 1
            print("lost:", bench.job(job), kinds, file=sys.stderr)
            continue
        report.duplicated += kinds.count("succeeded") > 1
        report.unexpected += bench.result(job) != value
        report.recovered += len(bench.attempts(job)) > 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--seconds", type=float, default=25.0)
    parser.add_argument("--kills", type=int)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TETHER_LAB_CONFIG"] = str(Path(folder) / "config")
        os.environ["TETHER_LAB_HOME"] = str(Path(folder) / "home")
        report = kill_loop(Path(folder) / "lab", seed=given.seed, seconds=given.seconds, kills=given.kills)
    print(report)
    return 0 if report.clean else 1


if __name__ == "__main__":
    sys.exit(main())
