"""Verbs about labs themselves: which there are, what changed, settings, the worker, queues, handlers."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tether_lab.errors import NothingThere, TetherLabError
from tether_lab.job import Event
from tether_lab.job_queue import news
from tether_lab.settings import version

from . import contract, wire, wire_lab
from .api import Call
from .contract import Json

if TYPE_CHECKING:
    from tether_lab.lab import Lab

    from .labs import OpenedLab

SOON = 2.0
"""Seconds that a request waits for the worker's end; what takes longer is told as an event."""


def _listed(name: str, found: list[Any]) -> Json:
    return {"at": _now(), name: found}


def _now() -> str:
    from tether_lab.lab import clock

    return wire.moment(clock.now())


async def openapi(call: Call) -> Json:  # noqa: ARG001 — every verb takes its call
    """The document."""
    return contract.document()


# -- labs -------------------------------------------------------------------------------------------


async def labs(call: Call) -> Json:
    """All of this user's, those that cannot be opened with the reason."""
    desk = call.desk.labs
    await desk.refresh()
    default = desk.default()
    found = [await _lab(opened, default) for opened in desk.all()]
    found += [_broken(str(path), path.name, error) for path, error in sorted(desk.broken.items())]
    return {"at": _now(), "version": version(), "default": default, "labs": found}


async def lab(call: Call) -> Json:
    """One."""
    return await _lab(call.lab, call.desk.labs.default())


async def open_lab(call: Call) -> Json:
    """Open one by name (or the default one), made if it is not there."""
    opened = await call.desk.labs.make(call.body.get("name"))
    return await _lab(opened, call.desk.labs.default())


async def _lab(opened: OpenedLab, default: str | None) -> Json:
    found = opened.lab
    counts = await opened.counts()
    return {"uuid": found.uuid, "name": found.name, "default": found.uuid == default,
            "path": str(found.folder.path), "counts": {str(state): n for state, n in counts.items()},
            "counts_at": wire.maybe(opened.counts_at), "worker": _worker(found),
            "cursor": opened.live.memory.cursor, "restricted": found.restricted, "error": None}


def _broken(path: str, name: str, error: TetherLabError) -> Json:
    return {"uuid": None, "name": name, "default": False, "path": path, "counts": {}, "counts_at": None,
            "worker": None, "cursor": None, "restricted": False, "error": wire.error(error)}


async def changes(call: Call) -> Json:
    """What came after a cursor: jobs as they are now."""
    from tether_lab.lab import clock

    opened, since = call.lab, call.query.get("since")
    missed = opened.live.memory.since(since or opened.live.memory.cursor, call.query["limit"])
    at = clock.now()
    rows = await news.jobs(opened.lab.reader, missed.jobs)
    hidden = {n for n, row in rows.items() if row.queue.startswith("~") or row.key.startswith("~")}
    others = {note.job_id for note in missed.notes} - rows.keys()
    known = rows | await news.jobs(opened.lab.reader, list(others))
    alive = opened.worker_alive()
    return {
        "at": wire.moment(at), "cursor": missed.cursor, "reset": missed.reset,
        "jobs": [wire.job(rows[n], at=at, worker_alive=alive) for n in missed.jobs
                 if n in rows and n not in hidden],
        "gone": [n for n in missed.jobs if n not in rows], "topics": missed.topics,
        "notes": [wire.note(await _whole(opened, note), known[note.job_id].key)
                  for note in missed.notes if note.job_id in known.keys() - hidden],
        "more": missed.more}


async def _whole(opened: OpenedLab, note: Event) -> Event:
    """With what the job said, if it said something."""
    if note.kind != "notified":
        return note
    found = await opened.lab.reader.events(note.job_id, note.id - 1)
    return next((event for event in found if event.id == note.id), note)


async def stats(call: Call) -> Json:
    """How many jobs stand where."""
    from tether_lab.lab import clock

    found = await call.hop(call.lab.lab.stats)
    return wire.stats({state.value: n for state, n in found.states.items()}, found.groups, at=clock.now(),
                      handlers=found.handlers, next_due=found.next_due, worker=found.worker)


async def settings(call: Call) -> Json:
    """Every setting and where it came from."""
    from tether_lab.settings import Settings

    found = await call.hop(Settings.origins, call.lab.lab.folder)
    about = {name: Settings.__dataclass_fields__[name].metadata for name in found}
    return _listed("settings", wire_lab.settings(found, about))


async def doctor(call: Call) -> Json:
    """What may be wrong."""
    from tether_lab.lab.checks import BAD, examine

    checks = await call.hop(lambda: list(examine(str(call.lab.lab.folder.path))))
    return {**_listed("checks", [asdict(check) for check in checks]), "ok": all(c.state != BAD for c in checks)}


async def prune(call: Call) -> Json:
    """Remove what is over and old."""
    dry = call.body.get("dry_run", False)
    found = await call.hop(lambda: call.lab.lab.prune(call.body.get("older_than"), dry_run=dry))
    return {"jobs": found.jobs, "files": found.files, "dry_run": dry}


# -- the worker and its queues -----------------------------------------------------------------------


def _worker(lab: Lab) -> Json:
    from tether_lab.job_queue import workers

    found = lab.worker.status()
    runners = next((row.runners for row in workers.list(lab.queue) if row.id == found.worker),
                   lab.settings.runners) if found.running else lab.settings.runners
    return wire_lab.worker(found, lab.settings, runners)


async def worker(call: Call) -> Json:
    """Whether it runs."""
    return _worker(call.lab.lab)


async def start_worker(call: Call) -> Json:
    """Start it unless one runs."""
    await call.hop(call.lab.lab.worker.start)
    return _worker(call.lab.lab)


async def stop_worker(call: Call) -> Json:
    """Ask it to stop; wait a moment for that."""
    said, control = call.body, call.lab.lab.worker
    stopping = asyncio.ensure_future(call.hop(
        lambda: control.stop(drain=said.get("drain"), now=said.get("now", False), timeout=3600.0)))
    stopping.add_done_callback(lambda done: done.cancelled() or done.exception())   # told as an event
    await asyncio.wait([stopping], timeout=SOON)
    return _worker(call.lab.lab)


async def worker_log(call: Call) -> Json:
    """The end of its log."""
    return {"text": await call.hop(call.lab.lab.worker.log, lines=call.query["lines"])}


async def queues(call: Call) -> Json:
    """Share, depth, pause."""
    return _listed("queues", [wire_lab.queue(one) for one in await call.hop(call.lab.lab.queues)])


async def pause(call: Call) -> Json:
    """Start nothing more of a queue."""
    await call.hop(call.lab.lab.pause, call.body.get("queue"))
    return await queues(call)


async def resume(call: Call) -> Json:
    """End the pause."""
    await call.hop(call.lab.lab.resume, call.body.get("queue"))
    return await queues(call)


# -- code ----------------------------------------------------------------------------------------------


async def handlers(call: Call) -> Json:
    """Every key."""
    lab = call.lab.lab
    return _listed("handlers", await call.hop(
        lambda: [wire_lab.handler(head, lab.version(head.head)) for head in lab.handlers()]))


async def handler(call: Call) -> Json:
    """One key with its versions."""
    from tether_lab.job_queue import handlers as code

    lab, key = call.lab.lab, call.path["key"]

    def verb() -> Json:
        head = code.head(lab.queue, key)
        if head is None:
            raise NothingThere(f"no handler is registered under {key!r:.80}", where="key",
                               remedy="GET …/handlers lists them.")
        found = code.versions(lab.queue, key)
        return {"handler": wire_lab.handler(head, lab.version(head.head)),
                "versions": wire_lab.versions(head, found)}
    found: Json = await call.hop(verb)
    return found


async def extras(call: Call) -> Json:
    """What acts beside jobs."""
    found = await call.hop(call.lab.lab.extras)
    return _listed("extras", list(map(wire_lab.extra, found)))


async def remove_extra(call: Call) -> None:
    """Remove one."""
    lab, kind, name = call.lab.lab, call.path["kind"], call.path["name"]
    if not any((one.kind, one.name) == (kind, name) for one in await call.hop(lab.extras)):
        raise NothingThere(f"there is no {kind:.40} {name!r:.80}", where="name",
                           remedy="GET …/extras lists them.")
    await call.hop(lab.remove_extra, kind, name)
