"""Dedup against a model, and against processes that ask for the same at the same time."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from tests import queues
from tests.queues import NOW, SECOND
from tether_lab.errors import DuplicateJob
from tether_lab.job import State
from tether_lab.job_queue import cancel, retry
from tether_lab.job_queue.queue import Queue
from tether_lab.outcome import Finish


@dataclass(slots=True)
class Model:
    """What a job should be: its status, and the key it holds or would take again."""

    state: State
    key: str | None
    until: int | None


@pytest.fixture(scope="module")
def queue(tmp_path_factory: pytest.TempPathFactory) -> Queue:
    return queues.opened(tmp_path_factory.mktemp("dedup"))


actions = st.lists(st.one_of(
    st.tuples(st.just("enqueue"), st.sampled_from("ab"), st.none() | st.integers(1, 5),
              st.sampled_from(["existing", "replace", "raise"])),
    st.tuples(st.sampled_from(["run", "fail", "cancel", "retry", "wait"]), st.integers(0, 9))), max_size=25)


@settings(max_examples=60, deadline=None)
@given(actions)
def test_one_job_holds_a_key(queue: Queue, steps: list[tuple[object, ...]]) -> None:
    """Whatever is enqueued, run, cancelled and retried, the queue does what the model does."""
    with queue.write() as connection:
        connection.execute("DELETE FROM job")
    handler, now = queues.registered(queue), NOW
    jobs: dict[int, Model] = {}

    def holder(key: str, present: int) -> int | None:
        for number, model in jobs.items():
            if model.key == key and model.state not in (State.FAILED, State.CANCELLED):
                if model.until is None or model.until > present:
                    return number
                model.key = None
        return None

    for name, *rest in steps:
        if name == "enqueue":
            key, ttl, mode = rest
            until = None if ttl is None else now + int(str(ttl)) * SECOND
            job = queues.new_job(handler, dedup_key=key, dedup_until=until, on_conflict=mode, run_at=now)
            held = holder(str(key), now)
            if held is not None and mode == "raise":
                with pytest.raises(DuplicateJob, match=f"job {held} "):
                    queues.enqueue.enqueue(queue, [job], now=now)
                continue
            if held is not None and mode == "replace" and jobs[held].state is State.PENDING:
                jobs[held].state, held = State.CANCELLED, None
            (got,) = queues.enqueue.enqueue(queue, [job], now=now)
            assert (got == held) if held is not None else got not in jobs
            jobs.setdefault(got, Model(State.PENDING, str(key), until))
            continue
        number = int(str(rest[0]))
        if name == "wait":
            now += number * SECOND
        elif name in ("run", "fail"):
            for claimed in queues.turn(queue, now=now, limit=1).claimed:
                end = Finish(State.COMPLETED if name == "run" else State.FAILED, "x")
                queues.turn(queue, now=now, limit=0, finished=[queues.ending(claimed, end, at=now)])
                jobs[claimed.claim.job_id].state = end.state
        elif jobs:
            chosen = sorted(jobs)[number % len(jobs)]
            model = jobs[chosen]
            if name == "cancel":
                cancel.cancel(queue, [chosen], now=now)
                model.state = State.CANCELLED if model.state is State.PENDING else model.state
            elif model.state is not State.PENDING:
                given_back = model.state in (State.FAILED, State.CANCELLED)
                live = model.key is not None and (model.until is None or model.until > now)
                taken = holder(model.key, now) if given_back and live and model.key else None
                if taken is not None:
                    with pytest.raises(DuplicateJob, match=f"job {taken} "):
                        retry.retry(queue, chosen, now)
                    continue
                retry.retry(queue, chosen, now)
                model.state, model.key = State.PENDING, model.key if live else None
        with queue.read() as connection:
            found = {row[0]: row[1] for row in connection.execute("SELECT id, state FROM job").fetchall()}
        assert found == {number: str(model.state) for number, model in jobs.items()}


ASKER = """
import json, sys
from pathlib import Path
from tests import queues
from tether_lab.job_queue import handlers
queue = queues.opened(Path(sys.argv[1]))
handler = handlers.version(queue, 1)
got = {}
for start in range(0, int(sys.argv[2]), 50):
    keys = [f"k{n}" for n in range(start, start + 50)]
    made = [queues.new_job(handler, uuid=f"{sys.argv[3]}-{key}", dedup_key=key) for key in keys]
    got.update(zip(keys, queues.enqueue.enqueue(queue, made)))
print(json.dumps(got))
"""


@pytest.mark.parametrize("count", [1000, pytest.param(10_000, marks=pytest.mark.soak)])
def test_four_processes_lose_and_double_nothing(tmp_path: Path, count: int) -> None:
    """All four ask for the same keys at once: one job a key, and everybody is told the same one."""
    queue = queues.opened(tmp_path)
    queues.registered(queue)
    asking = [subprocess.Popen([sys.executable, "-c", ASKER, str(tmp_path), str(count), f"p{n}"],
                               stdout=subprocess.PIPE, text=True) for n in range(4)]
    answers = [json.loads(process.communicate(timeout=120)[0]) for process in asking]
    assert all(answer == answers[0] for answer in answers)
    assert len(set(answers[0].values())) == count
    with queue.read() as connection:
        rows = connection.execute("SELECT count(*), count(DISTINCT dedup_key) FROM job").fetchone()
        times = connection.execute("SELECT sum(json_extract(detail, '$.times')) FROM event").fetchone()
    assert rows == (count, count)
    assert times == (3 * count,)
