"""Verbs that act on jobs: put in, cancel, run again, move."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tether_lab.errors import MalformedRequest, TetherLabError
from tether_lab.job_queue import news
from tether_lab.job_queue.sealed import CLOSED

from . import wire
from .api import Call
from .contract import Json

if TYPE_CHECKING:
    from tether_lab.lab.schedules import Schedule
    from tether_lab.lab.triggers import TriggerHandle

    from .labs import OpenedLab

SHOWN = 100


async def enqueue(call: Call) -> Json:
    """One job of a key, or one for each payload."""
    from tether_lab.lab.enqueue import enqueue as verb

    said = call.body
    if "payload" in said and "payloads" in said:
        raise MalformedRequest("payload and payloads were both given", where="$.payloads",
                               remedy="Give one of them.")
    payloads = said["payloads"] if "payloads" in said else [said.get("payload")]
    ids = await call.hop(verb, call.lab.lab, said["key"], payloads, said.get("options", {}), plain=True)
    return await enqueued(call.lab, ids)


async def enqueued(opened: OpenedLab, ids: list[int]) -> Json:
    """What was put in: all ids, the first rows."""
    return {"ids": ids, "jobs": await summaries(opened, ids[:SHOWN])}


async def summaries(opened: OpenedLab, ids: list[int]) -> list[Json]:
    """Rows of these jobs, in this order, as they stand; those that are gone are left out."""
    from tether_lab.lab import clock

    found, at = await news.jobs(opened.lab.reader, ids), clock.now()
    alive = opened.worker_alive()
    return [wire.job(found[number], at=at, worker_alive=alive) for number in ids if number in found]


def payload_of(lasting: Schedule | TriggerHandle) -> Json:
    """What the jobs of it are given, and why that cannot be read here, if so."""
    try:
        return {"payload": lasting.payload, "unreadable": None}
    except CLOSED as error:
        return {"payload": {}, "unreadable": error.message}


async def summary(opened: OpenedLab, job_id: int) -> Json:
    """The row of one job. Raises JobNotFound."""
    from tether_lab.lab import clock

    row = await opened.lab.reader.get(job_id)
    return wire.job(row, at=clock.now(), worker_alive=opened.worker_alive())


def _one_of(said: Json, *names: str) -> str:
    given = [name for name in names if name in said]
    if len(given) != 1:
        raise MalformedRequest(f"exactly one of {', '.join(names)} says which jobs", where="$",
                               remedy=f"Given: {', '.join(given) or 'none'}.")
    return given[0]


async def cancel(call: Call) -> Json:
    """By ids, key, tag, chain, batch, or all."""
    from tether_lab.job_queue import cancel as verb
    from tether_lab.lab.cancel import cancel as by_lab

    said, lab, force = call.body, call.lab.lab, call.body.get("force", False)
    which = _one_of(said, "ids", "key", "tag", "chain", "batch", "all")
    if which in ("chain", "batch"):
        await call.hop(lab.get_chain if which == "chain" else lab.get_batch, said[which])

        def group() -> Any:
            counts = verb.cancel(lab.queue, **{which: said[which]}, force=force)
            lab.waker.nudge()
            return counts
        counts = await call.hop(group)
        return {"ids": [], "counts": _counts(counts), "errors": []}
    if which != "ids":
        counts = await call.hop(by_lab, lab, None, key=said.get("key"), tag=said.get("tag"),
                                everything=which == "all", force=force)
        return {"ids": [], "counts": _counts(counts), "errors": []}
    known = await news.jobs(lab.reader, said["ids"])
    wanted = [number for number in dict.fromkeys(said["ids"]) if number in known]
    counts = {}
    if wanted:
        counts = await call.hop(by_lab, lab, wanted, key=None, tag=None, everything=False, force=force)
    return {"ids": wanted, "counts": _counts(counts), "errors": await _missing(call, said["ids"], set(known))}


def _counts(found: dict[Any, int]) -> Json:
    return {str(state): n for state, n in found.items()}


async def _missing(call: Call, ids: list[int], known: set[int]) -> list[Json]:
    return [await _trouble(call, number) for number in dict.fromkeys(ids) if number not in known]


async def _trouble(call: Call, number: int) -> Json:
    try:
        await call.lab.lab.reader.get(number)
    except TetherLabError as error:
        return {"id": number, "error": wire.error(error)}
    raise AssertionError("a job that was missing a moment ago is there: ids are never given twice")


async def retry(call: Call) -> Json:
    """By ids, or what did not complete of a chain or batch."""
    said, lab = call.body, call.lab.lab
    which = _one_of(said, "ids", "chain", "batch")
    if which == "chain":
        await call.hop(lambda: lab.get_chain(said["chain"]).retry())
    elif which == "batch":
        await call.hop(lambda: lab.get_batch(said["batch"]).retry_failed())
    else:
        with_code = said.get("with_code", False)
        return await _each(call, lambda number: lab.retry(number, with_code=with_code))
    return {"ids": [], "counts": {}, "errors": []}


async def prioritise(call: Call) -> Json:
    """Each of these that waits."""
    said, lab = call.body, call.lab.lab
    return await _each(call, lambda number: lab.prioritise(number, said["priority"]))


async def _each(call: Call, verb: Callable[[int], object]) -> Json:
    """One after the other in one hop: what is refused of one says nothing of the others."""
    def all_of_them() -> Json:
        done, wrong = [], []
        for number in dict.fromkeys(call.body["ids"]):
            try:
                verb(number)
                done.append(number)
            except TetherLabError as error:
                wrong.append({"id": number, "error": wire.error(error)})
        return {"ids": done, "counts": {}, "errors": wrong}
    found: Json = await call.hop(all_of_them)
    return found


async def cancel_one(call: Call) -> Json:
    """One job by its path."""
    lab, job_id = call.lab.lab, call.path["id"]
    await call.hop(lambda: lab.cancel(job_id, force=call.body.get("force", False)))
    return await summary(call.lab, job_id)


async def retry_one(call: Call) -> Json:
    """One job by its path."""
    lab, job_id = call.lab.lab, call.path["id"]
    await call.hop(lambda: lab.retry(job_id, with_code=call.body.get("with_code", False)))
    return await summary(call.lab, job_id)


async def prioritise_one(call: Call) -> Json:
    """One job by its path."""
    lab, job_id = call.lab.lab, call.path["id"]
    await call.hop(lambda: lab.prioritise(job_id, call.body["priority"]))
    return await summary(call.lab, job_id)
