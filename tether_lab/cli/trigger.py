"""``tether-lab trigger``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tether_lab.errors import OptionError

from .enqueue import payload
from .labs import open_lab
from .parsing import Arguments, options
from .terminal import say, show_found, show_rows

if TYPE_CHECKING:
    from tether_lab.lab.triggers import TriggerHandle


def run(given: Arguments) -> int:
    """List, add, or do something with the trigger of a name."""
    lab = open_lab(given)
    if given.verb != "list" and given.name_or_key is None:
        raise OptionError(f"{given.verb} what?",
                          remedy="tether-lab trigger add KEY --files 'inbox/*.csv', or the name of a trigger.")
    if given.verb == "list":
        from tether_lab.views.triggers import table

        show_rows(lab.triggers().rows, table, _json if given.json else None)
    elif given.verb == "add":
        said = {name: value for name in ("files", "on", "web", "settle", "recursive")
                if (value := getattr(given, name))}
        if given.changes:
            said["changes"] = given.changes.split(",")
        _show(given, lab.trigger(given.name or given.name_or_key, given.name_or_key, payload(given), **said,
                                 **options(given)))
    else:
        _act(given, lab.get_trigger(given.name_or_key))
    lab.close()
    return 0


def _act(given: Arguments, found: TriggerHandle) -> None:
    match given.verb:
        case "remove":
            found.remove()
            say(f"The trigger {found.name} is removed; its jobs stay.")
        case "fire":
            job = found.fire(payload(given))
            say(f"Job {job.id} ({job.key}) is {job.status}: tether-lab job {job.id} follow")
        case "secret":
            say(found.secret)
        case "pause":
            _show(given, found.pause())
        case "resume":
            _show(given, found.resume())
        case _:
            _show(given, found)


def _show(given: Arguments, found: TriggerHandle) -> None:
    show_found(found, _json(found.row) if given.json else None)


def _json(row: Any) -> dict[str, Any]:
    return {"name": row.name, "kind": row.kind, "key": row.key, "status": row.status, "when": row.words(),
            "fired": row.fired, "fired_at": row.fired_at, "job": row.job_id, "trouble": row.trouble}
