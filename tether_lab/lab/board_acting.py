"""The buttons of a dashboard: each one verb of the lab, and a sentence about what it did."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from tether_lab.errors import BadRequest, TetherLabError
from tether_lab.job import FINAL, State
from tether_lab.views.phrases import count

if TYPE_CHECKING:
    from .lab import Lab

STEP = 10
"""How far Sooner and Later move a job's priority."""

What = Mapping[str, Any]


def act(lab: Lab, verb: str, what: What) -> str:
    """Do it. Raises what the verb raises; BadRequest for a button that there is not."""
    found = VERBS.get((verb, next(iter(what), "")))
    if found is None:
        raise BadRequest(f"a dashboard cannot {verb!r} {', '.join(what) or 'the lab'}", where=verb)
    return found(lab, what)


def _cancel(lab: Lab, what: What) -> str:
    number = int(what["job"])
    counts = lab.cancel(number)
    if counts.get(State.RUNNING):
        return f"Job {number} was asked to stop."
    return f"Job {number} was cancelled." if any(
        n for state, n in counts.items() if state not in FINAL) else f"Job {number} had ended already."


def _cancel_many(lab: Lab, what: What) -> str:
    counts = lab.cancel([int(number) for number in what["jobs"]])
    alive = {state: n for state, n in counts.items() if n and state not in FINAL}
    if not alive:
        return "They had ended already."
    asked = alive.pop(State.RUNNING, 0)
    said = [f"{count(sum(alive.values()), 'job')} cancelled"] if alive else []
    return ", ".join([*said, *([f"{count(asked, 'job')} asked to stop"] if asked else [])]) + "."


def _retry_many(lab: Lab, what: What) -> str:
    refused: list[TetherLabError] = []
    for number in what["jobs"]:
        try:
            lab.retry(int(number))
        except TetherLabError as error:
            refused.append(error)
    again = len(what["jobs"]) - len(refused)
    if refused and not again:
        raise refused[0]
    said = f"{count(again, 'job')} once more."
    return f"{said} {len(refused)} not: {refused[0].message}" if refused else said


def _kill(lab: Lab, what: What) -> str:
    lab.cancel(int(what["job"]), force=True)
    return f"Job {what['job']} is being ended."


def _retry(lab: Lab, what: What) -> str:
    lab.retry(int(what["job"]))
    return f"Job {what['job']} runs once more."


def _moved(by: int) -> Callable[[Lab, What], str]:
    def move(lab: Lab, what: What) -> str:
        number = int(what["job"])
        priority = lab.read_row(number).priority + by
        lab.prioritise(number, priority)
        return f"Job {number} has priority {priority} now."
    return move


def _pause(lab: Lab, what: What) -> str:
    lab.pause(what.get("queue"))
    if "queue" in what:
        return f"The queue {what['queue']} is paused."
    return "Everything is paused; what runs goes on."


def _resume(lab: Lab, what: What) -> str:
    lab.resume(what.get("queue"))
    return f"The queue {what['queue']} goes on." if "queue" in what else "Everything goes on."


def _start(lab: Lab, _: What) -> str:
    return f"The worker runs, pid {lab.worker.start().pid}."


def _cancel_group(kind: str) -> Callable[[Lab, What], str]:
    def cancel(lab: Lab, what: What) -> str:
        _group(lab, kind, what).cancel()
        return f"The {kind} {what[kind]} is being cancelled."
    return cancel


def _retry_group(kind: str) -> Callable[[Lab, What], str]:
    def again(lab: Lab, what: What) -> str:
        found = _group(lab, kind, what)
        found.retry() if kind == "chain" else found.retry_failed()
        return f"What did not complete in {kind} {what[kind]} runs once more."
    return again


def _group(lab: Lab, kind: str, what: What) -> Any:
    return lab.get_chain(int(what[kind])) if kind == "chain" else lab.get_batch(int(what[kind]))


def _schedule(verb: str, said: str) -> Callable[[Lab, What], str]:
    def change(lab: Lab, what: What) -> str:
        getattr(lab.get_schedule(str(what["schedule"])), verb)()
        return said.format(name=what["schedule"])
    return change


def _service(verb: str, said: str) -> Callable[[Lab, What], str]:
    def change(lab: Lab, what: What) -> str:
        getattr(lab.get_service(str(what["service"])), verb)()
        return said.format(name=what["service"])
    return change


VERBS: dict[tuple[str, str], Callable[[Lab, What], str]] = {
    ("cancel", "jobs"): _cancel_many, ("retry", "jobs"): _retry_many,
    ("cancel", "job"): _cancel, ("kill", "job"): _kill, ("retry", "job"): _retry, ("up", "job"): _moved(STEP),
    ("down", "job"): _moved(-STEP), ("pause", "queue"): _pause, ("resume", "queue"): _resume,
    ("pause", ""): _pause, ("resume", ""): _resume, ("start", ""): _start,
    ("cancel", "chain"): _cancel_group("chain"),
    ("retry", "chain"): _retry_group("chain"), ("cancel", "batch"): _cancel_group("batch"),
    ("retry", "batch"): _retry_group("batch"), ("pause", "schedule"): _schedule("pause", "{name} is paused."),
    ("resume", "schedule"): _schedule("resume", "{name} goes on."),
    ("run", "schedule"): _schedule("run_now", "A job of {name} was enqueued."),
    ("start", "service"): _service("start", "{name} starts."),
    ("stop", "service"): _service("stop", "{name} was asked to end."),
    ("restart", "service"): _service("restart", "{name} starts again.")}
"""(verb, what it acts on) to what does it; the empty word stands for the whole lab."""
