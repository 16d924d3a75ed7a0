"""``tether-lab service``."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from tether_lab.errors import OptionError

from .enqueue import payload
from .job import parse_value
from .labs import open_lab
from .parsing import Arguments
from .terminal import say, show_found, show_json, show_rows

if TYPE_CHECKING:
    from tether_lab.lab.services import ServiceEvent, ServiceHandle


def run(given: Arguments) -> int:
    """List, start, or do something with the service of a name."""
    lab = open_lab(given)
    if given.verb != "list" and given.name is None:
        raise OptionError(f"{given.verb} what?", remedy="tether-lab service lists their names.")
    if given.verb == "list":
        from tether_lab.views.services import table

        show_rows(lab.services().rows, table, _json if given.json else None)
    elif given.verb == "start":
        options = {name: getattr(given, name) for name in ("memory", "max_output", "tags", "seed")}
        _show(given, lab.start_service(given.name, given.handler, payload(given), update_interval=given.every,
                                       title=given.title, body=given.body, **options))
    else:
        _act(given, lab.get_service(given.name))
    lab.close()
    return 0


def _act(given: Arguments, found: ServiceHandle) -> None:
    match given.verb:
        case "stop":
            _show(given, found.stop(force=given.force))
        case "restart":
            _show(given, found.restart())
        case "send":
            message = {**payload(given)} if "=" in "".join(given.values) or given.payload is not None else \
                parse_value(" ".join(given.values))
            say(f"Message {found.send(message)} waits for {found.name}.")
        case "events":
            for event in found.events() if given.follow else found.history(50):
                _event(given, event)
        case "remove":
            found.remove()
            say(f"The service {found.name} is forgotten.")
        case _:
            _show(given, found)


def _event(given: Arguments, event: ServiceEvent) -> None:
    if given.json:
        show_json({"id": event.id, "kind": event.kind, "at": event.at.isoformat(), "value": event.value})
    else:
        value = "" if event.value is None else f"  {json.dumps(event.value, ensure_ascii=False)}"
        say(f"{event.at.astimezone():%Y-%m-%d %H:%M:%S}  {event.kind}{value}")


def _show(given: Arguments, found: ServiceHandle) -> None:
    show_found(found, _json(found.row) if given.json else None)


def _json(row: Any) -> dict[str, Any]:
    return {"name": row.name, "key": row.key, "status": row.status, "title": row.title,
            "text": row.text(time.time_ns() // 1000), "messages": row.messages, "job": row.job_id,
            "error": row.error}
