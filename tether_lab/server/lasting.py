"""Verbs of services and triggers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tether_lab.errors import NothingThere, TetherLabError, WrongState

from . import wire_lasting
from .acting import payload_of
from .api import Call
from .contract import Json
from .wire import moment

if TYPE_CHECKING:
    from tether_lab.lab import Job, Lab
    from tether_lab.lab.services import ServiceHandle
    from tether_lab.lab.triggers import TriggerHandle

SECRET = "X-Tether-Lab-Secret"  # noqa: S105  the name of a header
EVENTS = 100


def _present() -> int:
    from tether_lab.lab import clock

    return clock.now()


# -- services ----------------------------------------------------------------------------------------


def _find(lab: Lab, number: int) -> ServiceHandle:
    for found in lab.services():
        if found.row.id == number:
            return found
    raise NothingThere(f"there is no service {number} in {lab.name}", where=str(number),
                       remedy="GET …/services lists them.")


async def _hop(call: Call, verb: Any) -> Json:
    found: Json = await call.hop(lambda: wire_lasting.service(verb().row, _present()))
    return found


async def services(call: Call) -> Json:
    """All of them."""
    now = _present()
    found = await call.hop(lambda: [wire_lasting.service(one.row, now) for one in call.lab.lab.services()])
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
        return wire_lasting.service_detail(found.row, found.history(EVENTS), now)
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
    found = await call.hop(lambda: list(map(_shown, call.lab.lab.triggers())))
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


async def _trigger(call: Call, verb: Callable[[TriggerHandle], TriggerHandle]) -> Json:
    found: Json = await call.hop(lambda: _shown(verb(call.lab.lab.get_trigger(call.path["name"]))))
    return found


def _shown(trigger: TriggerHandle) -> Json:
    return wire_lasting.trigger(trigger.row, payload_of(trigger))


async def pause(call: Call) -> Json:
    """Make no more jobs."""
    return await _trigger(call, lambda found: found.pause())


async def resume(call: Call) -> Json:
    """Go on."""
    return await _trigger(call, lambda found: found.resume())


async def remove_trigger(call: Call) -> None:
    """Remove it."""
    await call.hop(lambda: call.lab.lab.get_trigger(call.path["name"]).remove())
