"""``%jobs service``: start one, or do something with the one of a name."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from tether_lab.errors import OptionError

from .flags import SERVICE, SERVICE_HELP, help_text
from .parsing import evaluate, job_line, nearest

if TYPE_CHECKING:
    from tether_lab.lab import Lab

VERBS = ("start", "show", "stop", "restart", "send", "events", "remove")
MOST_SHOWN = 200


def service(lab: Lab, line: str, namespace: dict[str, Any]) -> object:
    """What the line says; what the cell should show."""
    verb, _, rest = line.strip().partition(" ")
    if verb in ("", "list"):
        return lab.services()
    if verb in ("--help", "-h"):
        return print(help_text(SERVICE_HELP, SERVICE))  # noqa: T201  what a magic says
    if verb not in VERBS:
        raise OptionError(f"%jobs service knows no {verb!r}{nearest(verb, VERBS)}",
                          remedy=f"It takes {', '.join(VERBS)}; %jobs service --help.")
    if verb == "start":
        return _start(lab, rest, namespace)
    name, _, more = rest.strip().partition(" ")
    if not name:
        raise OptionError(f"{verb} which service?", remedy="%jobs services lists them.")
    found = lab.get_service(name)
    match verb:
        case "stop":
            return found.stop(force="--force" in more)
        case "restart":
            return found.restart()
        case "send":
            if not more.strip():
                raise OptionError("send what?", remedy="A value: %jobs service send NAME {'x': 1}")
            number = found.send(evaluate({"message": more}, namespace, what="%jobs service send")["message"])
            return print(f"Message {number} waits for {name}.")  # noqa: T201  what a magic says
        case "events":
            _events(found, more)
            return None
        case "remove":
            found.remove()
            return print(f"The service {name} is forgotten.")  # noqa: T201  what a magic says
        case _:
            return found


def _start(lab: Lab, rest: str, namespace: dict[str, Any]) -> object:
    parsed = job_line(rest, SERVICE)
    if parsed.has("help"):
        return print(help_text(SERVICE_HELP, SERVICE))  # noqa: T201  what a magic says
    if parsed.key is None:
        raise OptionError("start which handler?", remedy="%jobs service start KEY [name=value …] [--every 10s]")
    said = {name: parsed.flags.get(name) for name in ("name", "every", "title", "body")}
    payload = evaluate(parsed.expressions, namespace, what="%jobs service")
    return lab.start_service(
        str(said["name"] or parsed.key), parsed.key, payload, update_interval=said["every"] or 10.0,
        title=None if said["title"] is None else str(said["title"]), body=str(said["body"] or ""),
        **parsed.options)


def _events(found: Any, more: str) -> None:
    """The last ones; with ``--follow`` those that come, until the cell is interrupted."""
    if "--follow" not in more:
        for event in found.history(20):
            _say(event)
        return
    try:
        for event in itertools.islice(found.events(), 1_000_000):
            _say(event)
    except KeyboardInterrupt:
        print("(the service goes on)")  # noqa: T201  what a magic says


def _say(event: Any) -> None:
    value = "" if event.value is None else f"  {event.value!r:.{MOST_SHOWN}}"
    print(f"{event.at.astimezone():%H:%M:%S}  {event.kind}{value}")  # noqa: T201  what a magic says
