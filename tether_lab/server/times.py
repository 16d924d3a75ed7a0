"""Verbs of schedules."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from tether_lab.errors import NothingThere

from . import acting, wire_time as wire
from .api import Call
from .contract import Json
from .wire import moment

if TYPE_CHECKING:
    from tether_lab.lab import Lab
    from tether_lab.lab.schedules import Schedule

COMING = 5


def _present() -> int:
    from tether_lab.lab import clock

    return clock.now()


def _shown(found: Schedule) -> Json:
    return wire.schedule(found.row, found.next_fires(COMING), acting.payload_of(found))


def _find(lab: Lab, number: int) -> Schedule:
    for found in lab.schedules():
        if found.row.id == number:
            return found
    raise NothingThere(f"there is no schedule {number} in {lab.name}", where=str(number),
                       remedy="GET …/schedules lists them.")


async def schedules(call: Call) -> Json:
    """All, the next to fire first."""
    found = await call.hop(lambda: [_shown(one) for one in call.lab.lab.schedules()])
    return {"at": moment(_present()), "schedules": found}


async def schedule(call: Call) -> Json:
    """Add one, or give the one of this name a new rule."""
    from tether_lab.lab.schedules import RULE, schedule as verb

    said = call.body
    given = {**said.get("options", {}), **{word: said[word] for word in RULE if word in said}}
    return await _hop(call, lambda: verb(call.lab.lab, said["key"], said.get("payload"), said.get("name"),
                                         given))


async def preview(call: Call) -> Json:
    """When a rule would fire."""
    from datetime import UTC, datetime

    from tether_lab.job.policies.cron import zone
    from tether_lab.lab.schedules import RULE, rule_of

    def verb() -> Json:
        now = _present()
        rule = rule_of({word: call.body[word] for word in RULE if call.body.get(word) is not None}, now)
        coming = [datetime.fromtimestamp(at / 1e6, UTC).astimezone(zone(rule.tz)).isoformat()
                  for at in islice(rule.fires(now), call.body.get("n", COMING))]
        return {"next": coming, "words": rule.words(), "tz": rule.tz}
    found: Json = await call.hop(verb)
    return found


async def get_schedule(call: Call) -> Json:
    """One, and what became of its last fires."""
    def verb() -> Json:
        found = _find(call.lab.lab, call.path["id"])
        return {"schedule": _shown(found), "fires": wire.fires(found.fires())}
    found: Json = await call.hop(verb)
    return found


async def reschedule(call: Call) -> Json:
    """The same jobs at other times."""
    changes = {word: value for word, value in call.body.items() if value is not None}
    return await _hop(call, lambda: _find(call.lab.lab, call.path["id"]).reschedule(**changes))


async def unschedule(call: Call) -> None:
    """Remove it."""
    await call.hop(lambda: _find(call.lab.lab, call.path["id"]).unschedule())


async def pause(call: Call) -> Json:
    """Fire no more."""
    return await _hop(call, lambda: _find(call.lab.lab, call.path["id"]).pause())


async def resume(call: Call) -> Json:
    """Go on."""
    return await _hop(call, lambda: _find(call.lab.lab, call.path["id"]).resume())


async def run(call: Call) -> Json:
    """A job of it now."""
    made = await call.hop(lambda: _find(call.lab.lab, call.path["id"]).run_now().id)
    return await acting.summary(call.lab, made)


async def _hop(call: Call, verb: Any) -> Json:
    found: Json = await call.hop(lambda: _shown(verb()))
    return found
