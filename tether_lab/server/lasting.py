"""Verbs of services and triggers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tether_lab.errors import NothingThere, TetherLabError, WrongState

from .api import Call
from .contract import Json
from .wire import maybe, moment

if TYPE_CHECKING:
    from tether_lab.job.service import ServiceRow
    from tether_lab.job.trigger import TriggerRow
    from tether_lab.lab import Job, Lab
    from tether_lab.lab.services import ServiceHandle

SECRET = "X-Tether-Lab-Secret"  # noqa: S105  the name of a header
EVENTS = 100
_ROLES = {"running": "running", "starting": "waiting", "restarting": "retrying", "stopped": "ended"}


def _present() -> int:
    from tether_lab.lab import clock

    return clock.now()


def service(row: ServiceRow, now: int) -> Json:
    """A service as it stands (Service)."""
    return {
        "id": row.id, "uuid": row.uuid, "name": row.name, "key": row.key, "title": row.title,
        "text": row.text(now), "status": row.status, "role": _ROLES[row.status], "ending": row.ending,
        "messages": row.messages, "job": row.job_id, "error": row.error, "payload": json.loads(row.payload),
        "update_interval": row.update_every / 1e6, "started_at": maybe(row.started_at),
        "created_at": moment(row.created_at)}


def trigger(row: TriggerRow) -> Json:
    """A trigger as it stands, without its secret (Trigger)."""
    return {
        "id": row.id, "uuid": row.uuid, "name": row.name, "kind": row.kind, "key": row.key,
        "status": row.status, "words": row.words(), "payload": json.loads(row.payload), "fired": row.fired,
        "fired_at": maybe(row.fired_at), "job": row.job_id, "trouble": row.trouble,
        "created_at": moment(row.created_at)}


# -- services ----------------------------------------------------------------------------------------


def _find(lab: Lab, number: int) -> ServiceHandle:
    for found in lab.services():
        if found.row.id == number:
            return found
    raise NothingThere(f"there is no service {number} in {lab.name}", where=str(number),
                       remedy="GET …/services lists them.")


async def _hop(call: Call, verb: Any) -> Json:
    found: Json = await call.hop(lambda: service(verb().row, _present()))
    return found


async def services(call: Call) -> Json:
    """All of them."""
    now = _present()
    found = await call.hop(lambda: [service(one.row, now) for one in call.lab.lab.services()])
    return {"at": moment(now), "services": found}


async def start_service(call: Call) -> Json:
    """Say what it is, and start it."""
    said, lab = call.body, call.lab.lab
    further = {name: said[name] for name in ("update_interval", "body") if said.get(name) is not None}
    return await _hop(call, lambda: lab.start_service(
        said["name"], said.get("key"), said.get("payload"), title=said.get("title"),
        restart=said.get("restart", False), **further, **said.get("options", {})))


async def get_service(call: Call) -> Json:
    """One, with what it said."""
    def verb() -> Json:
        found, now = _find(call.lab.lab, call.path["id"]), _present()
        events = [{"id": one.id, "kind": one.kind, "at": moment(round(one.at.timestamp() * 1e6)),
                   "value": one.value} for one in found.history(EVENTS)]
        return {"at": moment(now), "service": service(found.row, now), "events": events}
    found: Json = await call.hop(verb)
    return found


async def start_again(call: Call) -> Json:
    """As it was said last."""
    return await _hop(call, lambda: _find(call.lab.lab, call.path["id"]).start())


async def restart(call: Call) -> Json:
    """End what runs and start again."""
    return await _hop(call, lambda: _find(call.lab.lab, call.path["id"]).restart())


async def stop(call: Call) -> Json:
    """Ask it to end."""
    force = call.body.get("force", False)
    return await _hop(call, lambda: _find(call.lab.lab, call.path["id"]).stop(force=force))


async def send(call: Call) -> Json:
    """A message."""
    number = await call.hop(lambda: _find(call.lab.lab, call.path["id"]).send(call.body["message"]))
    return {"message": number}


async def remove_service(call: Call) -> None:
    """Forget it."""
    await call.hop(lambda: _find(call.lab.lab, call.path["id"]).remove())


# -- triggers ----------------------------------------------------------------------------------------


async def triggers(call: Call) -> Json:
    """All of them."""
    found = await call.hop(lambda: [trigger(one.row) for one in call.lab.lab.triggers()])
    return {"at": moment(_present()), "triggers": found}


async def fire_web(call: Call) -> Json:
    """What a web request does, with the trigger's secret."""
    from tether_lab.lab.triggers import fire_web as verb

    lab, name = call.lab.lab, call.path["name"]

    def fire() -> Job:
        try:
            return verb(lab, name, call.headers.get(SECRET, ""), call.body)
        except NothingThere:
            raise
        except TetherLabError as error:
            if lab.get_trigger(name).row.paused:
                raise WrongState(error.message, remedy=error.remedy, where=error.where) from None
            raise
    return _fired(await call.hop(fire))


async def fire(call: Call) -> Json:
    """A job of it now."""
    return _fired(await call.hop(lambda: call.lab.lab.get_trigger(call.path["name"]).fire(call.body)))


def _fired(job: Job) -> Json:
    return {"job": job.id, "uuid": job.row.uuid}


async def pause(call: Call) -> Json:
    """Make no more jobs."""
    return trigger(await call.hop(lambda: call.lab.lab.get_trigger(call.path["name"]).pause().row))


async def resume(call: Call) -> Json:
    """Go on."""
    return trigger(await call.hop(lambda: call.lab.lab.get_trigger(call.path["name"]).resume().row))


async def remove_trigger(call: Call) -> None:
    """Remove it."""
    await call.hop(lambda: call.lab.lab.get_trigger(call.path["name"]).remove())
