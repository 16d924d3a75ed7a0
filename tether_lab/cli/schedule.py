"""``tether-lab schedule``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tether_lab.errors import OptionError

from .enqueue import payload
from .labs import open_lab
from .parsing import RULE, Arguments, options
from .terminal import say, show_found, show_json, show_rows

if TYPE_CHECKING:
    from tether_lab.lab.schedules import Schedule


def run(given: Arguments) -> int:
    """List, add, or do something with the schedule of a name."""
    lab = open_lab(given)
    if given.verb != "list" and given.name_or_key is None:
        raise OptionError(f"{given.verb} what?",
                          remedy="tether-lab schedule add KEY …, or the name of a schedule.")
    if given.verb == "list":
        from tether_lab.views.schedules import table

        show_rows(lab.schedules().rows, table, _json if given.json else None)
    elif given.verb == "add":
        rule = {name: value for name in RULE if (value := getattr(given, name)) is not None}
        _show(given, lab.schedule(given.name_or_key, payload(given), name=given.name, **rule, **options(given)))
    else:
        _act(given, lab.get_schedule(given.name_or_key))
    lab.close()
    return 0


def _act(given: Arguments, found: Schedule) -> None:
    match given.verb:
        case "remove":
            found.unschedule()
            say(f"The schedule {found.name} is removed; its jobs stay.")
        case "run":
            job = found.run_now()
            say(f"Job {job.id} ({found.key}) is {job.status}: tether-lab job {job.id} follow")
        case "next":
            moments = [at.isoformat() for at in found.next_fires(10)]
            if given.json:
                show_json(moments)
            else:
                say("\n".join(moments) or f"The schedule {found.name} is {found.status}: it fires nothing now.")
        case "pause":
            _show(given, found.pause())
        case "resume":
            _show(given, found.resume())
        case _:
            _show(given, found)


def _show(given: Arguments, found: Schedule) -> None:
    show_found(found, {**_json(found.row), "next": [at.isoformat() for at in found.next_fires(5)],
                       "fires": [asdict(fire) for fire in found.fires(5)]} if given.json else None)


def _json(row: Any) -> dict[str, Any]:
    return {"name": row.name, "key": row.key, "status": row.status, "when": row.rule.words(),
            "next_at": row.next_at, "trouble": row.trouble}
