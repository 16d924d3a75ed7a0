"""Verbs that ask about jobs."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from tether_lab.errors import BadSignature, KeyMissing, ResultUnavailable
from tether_lab.job import ResultRow, State

from . import wire, wire_detail, wire_lab
from .api import Call
from .contract import Json

if TYPE_CHECKING:
    from tether_lab.lab import Lab


async def page(call: Call) -> Json:
    """A page of jobs; the cursor is of before it was read, so that nothing falls in between."""
    from tether_lab.lab import clock
    from tether_lab.lab.listing import filters

    opened, said = call.lab, call.query
    cursor, at, limit = opened.live.memory.cursor, clock.now(), said["limit"]
    chosen = filters(status=said.get("status"), key=said.get("key"), tag=said.get("tag"),
                     queue=said.get("queue"), search=said.get("q"), since=said.get("since"),
                     limit=limit + 1, offset=said["offset"], order=said["order"])
    rows = await opened.lab.reader.jobs(
        **chosen, chain=said.get("chain"), batch=said.get("batch"), before=said.get("before"))
    head = {"at": wire.moment(at), "cursor": cursor, "more": len(rows) > limit}
    if said["view"] == "record":
        return {**head, "records": [wire.record(row) for row in rows[:limit]]}
    alive = opened.worker_alive()
    return {**head, "jobs": [wire.job(row, at=at, worker_alive=alive) for row in rows[:limit]]}


async def detail(call: Call) -> Json:
    """Everything about one job."""
    cursor = call.lab.live.memory.cursor
    found: Json = await call.hop(_detail, call.lab.lab, call.path["id"], cursor)
    return found


def _detail(lab: Lab, job_id: int, cursor: str) -> Json:
    from dataclasses import replace

    from tether_lab.job_queue import groups, handlers

    snapshot = lab.get(job_id).snapshot()
    verified = not lab.restricted and (snapshot.result is None or is_ours(lab, snapshot.result))
    if not verified:
        snapshot = replace(snapshot, result=None)
    head = handlers.head(lab.queue, snapshot.row.key)
    parents, children = groups.around(lab.queue, job_id)
    return wire_detail.detail(snapshot, cursor=cursor, verified=verified, parents=parents, children=children,
                              newer=head is not None and head.head != snapshot.row.handler_id)


def is_ours(lab: Lab, row: ResultRow) -> bool:
    """Whether this user's worker stored this result. Nothing of one that is not ours is shown."""
    from tether_lab.lab.results import verify

    try:
        verify(lab, row)
    except (BadSignature, KeyMissing):
        return False
    return True


async def attempts(call: Call) -> Json:
    """Every execution, oldest first."""
    lab, job_id = call.lab.lab, call.path["id"]
    row = await lab.reader.get(job_id)
    version = await call.hop(lab.version, row.handler_id)
    found = await lab.reader.attempts(job_id)
    return _listed("attempts", [wire.attempt(one, version.source) for one in found])


async def events(call: Call) -> Json:
    """What happened, oldest first; only what is new after an id."""
    lab, job_id, after = call.lab.lab, call.path["id"], call.query["after"]
    found = await call.hop(lambda: lab.get(job_id).events)
    return _listed("events", [wire.event(one) for one in found if one.id > after or not after])


async def payload(call: Call) -> Json:
    """What it was given."""
    found: Json = json.loads((await call.lab.lab.reader.get(call.path["id"])).payload)
    return found


async def captures(call: Call) -> Json:
    """What its handler took along."""
    lab = call.lab.lab
    row = await lab.reader.get(call.path["id"])
    return wire.captures((await call.hop(lab.version, row.handler_id)).manifest)


async def source(call: Call) -> Json:
    """Its code, with the line that failed."""
    lab, job_id = call.lab.lab, call.path["id"]
    row = await lab.reader.get(job_id)
    version, tried = await call.hop(lab.version, row.handler_id), await lab.reader.attempts(job_id)
    head = await call.hop(_head, lab, row.key)
    return wire.source(version, tried, newer=head not in (None, row.handler_id))


def _head(lab: Lab, key: str) -> int | None:
    from tether_lab.job_queue import handlers

    found = handlers.head(lab.queue, key)
    return found.head if found else None


async def stack(call: Call) -> Json:
    """Where it is now."""
    from tether_lab.lab import clock

    lab, job_id = call.lab.lab, call.path["id"]
    text = await call.hop(lambda: lab.get(job_id).stack())
    return {"job": job_id, "at": wire.moment(clock.now()), "text": text}


async def outputs(call: Call) -> Json:
    """What the newest attempt has shown: all of it, or what is new behind a cursor."""
    found: Json = await call.hop(_outputs, call.lab.lab, call.path["id"], call.query.get("after"))
    return found


def _outputs(lab: Lab, job_id: int, after: str | None) -> Json:
    from tether_lab.lab.follow import latest
    from tether_lab.views.fold import fold

    final = lab.read_row(job_id).is_final          # before the rows: what follows it is complete
    rows = latest(lab, job_id)
    epoch = rows[0][1] if rows else 0
    shown = fold(rows)
    marks = [_mark([json.dumps(one, sort_keys=True)]) for one in shown]
    start = _same(epoch, marks, after) if after else 0
    return {"cursor": _cursor(epoch, marks), "epoch": epoch, "start": start, "outputs": shown[start:],
            "total": len(shown), "final": final}


def _cursor(epoch: int, marks: list[str]) -> str:
    """Which outputs somebody has: of which execution, how many, all but the last, the last."""
    return f"{epoch}.{len(marks)}.{_mark(marks[:-1])}.{_mark(marks)}"


def _mark(marks: list[str]) -> str:
    return hashlib.blake2b("".join(marks).encode(), digest_size=6).hexdigest()


def _same(epoch: int, marks: list[str], after: str) -> int:
    """How many of the outputs that the cursor stands for are still as they were."""
    parts = after.split(".")
    if len(parts) != 4 or parts[0] != str(epoch) or not parts[1].isdecimal():
        return 0
    had = int(parts[1][:9])
    if had <= len(marks) and parts[3] == _mark(marks[:had]):
        return had
    if 0 < had <= len(marks) and parts[2] == _mark(marks[:had - 1]):
        return had - 1                             # its last one grew
    return 0


async def result(call: Call) -> Json:
    """The result of a completed job, its signature verified."""
    return wire.result(await call.hop(verified_result, call.lab.lab, call.path["id"]))


def verified_result(lab: Lab, job_id: int) -> ResultRow:
    """Raises JobFailed, ResultUnavailable or BadSignature (all 409): there is nothing to show then."""
    from tether_lab.job_queue import read
    from tether_lab.lab.results import failure, verify

    row = lab.read_row(job_id)
    if not row.is_final:
        raise ResultUnavailable(f"job {job_id} ({row.key}) is {row.state}: it has no result yet",
                                where=f"job {job_id}", remedy="Ask again when it has ended.")
    if row.state is not State.COMPLETED:
        raise failure(lab, row)
    found = read.result(lab.queue, job_id)
    if found is None:
        return ResultRow(job_id, row.uuid, row.epoch, "none", "", "", "NoneType", 0, "", b"")
    verify(lab, found)
    return found


async def history(call: Call) -> Json:
    """What ran, newest first."""
    lab, said = call.lab.lab, call.query
    found = await call.hop(lab.history, said.get("key"), status=said.get("status"), since=said.get("since"),
                           limit=said["limit"])
    return _listed("runs", [wire_lab.run(one) for one in found])


def _listed(name: str, found: list[Any]) -> Json:
    from tether_lab.lab import clock

    return {"at": wire.moment(clock.now()), name: found}
