"""Fault matrix, row 35: the power goes. What was synced is there; what was not is lost, garbled or both, at
every place where it can end."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import queues
from queues import NOW

from tether_lab.job import State
from tether_lab.job_queue import read, rescue
from tether_lab.job_queue.queue import Queue

HEADER, FRAME = 32, 24 + 4096
"""Bytes of the log's header, and of a frame: its own header and a page."""

WRITER = """
import json, os, signal, sys
sys.path.insert(0, TESTS)
import queues
from pathlib import Path
from tether_lab.job_queue import checkpoint
q = queues.opened(Path(PLACE), "supervisor", durability="power")
h = queues.registered(q)
checkpoint.checkpoint(q, worthwhile=0, exposed=True)
done, jobs, ended = [], 0, []
for number in range(ROUNDS):
    queues.put(q, h, 2)                          # acknowledged to somebody: synced in full
    jobs += 2
    print(json.dumps([os.stat(q.log_path).st_size, jobs, len(ended)]), flush=True)
    turn = queues.turn(q, limit=2, finished=[queues.ending(job) for job in done])
    ended += [job.claim.job_id for job in done]
    done = turn.claimed
    print(json.dumps([os.stat(q.log_path).st_size, jobs, len(ended)]), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def written(tmp_path: Path, request: pytest.FixtureRequest) -> tuple[Path, list[list[int]]]:
    """A lab whose writer was killed, and what it had acknowledged at which size of the log: (size, jobs
    enqueued, jobs ended)."""
    tmp_path.chmod(0o700)
    code = WRITER.replace("TESTS", repr(str(Path(__file__).parents[1]))).replace("PLACE", repr(str(tmp_path)))
    done = subprocess.run([sys.executable, "-c", code.replace("ROUNDS", str(request.param))], check=False,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == -signal.SIGKILL, done.stderr
    return tmp_path / "lab", [json.loads(line) for line in done.stdout.splitlines()]


def tails(log: bytes, every: int) -> Iterator[tuple[int, bytes]]:
    """Logs that a power cut may leave: up to each boundary of a frame, and what may stand there instead of the
    rest: nothing, zeros, noise, frames of another order, half a frame."""
    chance = random.Random(7)
    for number, cut in enumerate(range(HEADER, len(log) + 1, FRAME)):
        lost = len(log) - cut
        yield cut, log[:cut]
        if number % every == 0 and lost:
            yield cut, log[:cut] + bytes(lost)
            yield cut, log[:cut] + chance.randbytes(lost)
            yield cut, log[:cut] + log[cut + FRAME:]                  # one frame never came
            yield cut, log[:cut + chance.randrange(1, FRAME)]         # half of one did
            torn = bytearray(log[cut:])
            torn[chance.randrange(len(torn))] ^= 0xFF
            yield cut, log[:cut] + bytes(torn)


@pytest.mark.row(35)
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("written", "every"), [(6, 8), pytest.param(60, 1, marks=pytest.mark.soak)],
                         indirect=["written"])
def test_whatever_the_power_leaves_of_the_log_is_a_whole_queue(
    written: tuple[Path, list[list[int]]], every: int, tmp_path: Path,
) -> None:
    """With durability="power" every job that was acknowledged before the cut is there, and every ending; the
    rest is a prefix of the commits, and every job in it goes on to its end."""
    lab, acknowledged = written
    log = lab.joinpath("queue.db-wal").read_bytes()
    assert acknowledged[-1][0] == len(log)
    seen = set()
    for number, (cut, left) in enumerate(tails(log, every)):
        place = tmp_path / f"cut{number}"
        _copy(lab, place, left)
        known = max(((jobs, ended) for size, jobs, ended in acknowledged if size <= cut), default=(0, 0))
        seen.add(_check(queues.opened(place, "supervisor"), *known))
        shutil.rmtree(place)
    assert len(seen) > 5, "the cuts fell into different places"


def _copy(lab: Path, place: Path, log: bytes) -> None:
    (place / "lab").mkdir(parents=True, mode=0o700)
    place.chmod(0o700)
    for name in ("queue.db", "queue.uuid"):
        shutil.copy2(lab / name, place / "lab" / name)
    descriptor = os.open(place / "lab" / "queue.db-wal", os.O_WRONLY | os.O_CREAT, 0o600)
    with open(descriptor, "wb") as file:
        file.write(log)


def _check(queue: Queue, jobs: int, ended: int) -> int:
    """Whole, with what was acknowledged, and every job completes from here; how many jobs there are."""
    with queue.read() as connection:
        assert connection.execute("PRAGMA quick_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        ids = [row[0] for row in connection.execute("SELECT id FROM job ORDER BY id").fetchall()]
    assert ids == list(range(1, len(ids) + 1))
    assert len(ids) >= jobs
    assert read.counts(queue).get(State.COMPLETED, 0) >= ended
    rescue.rescue(queue, worker="next", boot_id="after the cut", mono=0, now=NOW, dead=[], crash_budget=3)
    while claimed := queues.turn(queue, "next", limit=100).claimed:
        assert not queues.turn(queue, "next", limit=0, finished=map(queues.ending, claimed)).lost
    assert read.counts(queue) == ({State.COMPLETED: len(ids)} if ids else {})
    queue.close()
    return len(ids)
