"""``%jobs trigger``: add one, or do something with the one of a name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tether_lab.errors import OptionError

from .flags import TRIGGER, TRIGGER_HELP, help_text
from .parsing import evaluate, job_line, nearest

if TYPE_CHECKING:
    from tether_lab.lab import Lab

VERBS = ("show", "pause", "resume", "fire", "remove")


def trigger(lab: Lab, line: str, namespace: dict[str, Any]) -> object:
    """What the line says; what the cell should show."""
    first, _, rest = line.strip().partition(" ")
    if first in ("", "list"):
        return lab.triggers()
    if first in VERBS:
        return _act(lab, first, rest.strip())
    parsed = job_line(line, TRIGGER)
    if parsed.has("help"):
        return print(help_text(TRIGGER_HELP, TRIGGER))  # noqa: T201  what a magic says
    if parsed.key is None:
        raise OptionError("trigger what?", remedy="%jobs trigger KEY --files 'inbox/*.csv'; --help has more.")
    said: dict[str, Any] = {name: value for name, value in parsed.flags.items() if name not in ("help", "name")}
    if "changes" in said:
        said["changes"] = str(said["changes"]).split(",")
    if "on" in said and "," in str(said["on"]):
        said["on"] = str(said["on"]).split(",")
    payload = evaluate(parsed.expressions, namespace, what="%jobs trigger")
    name = str(parsed.flags.get("name") or parsed.key)
    return lab.trigger(name, parsed.key, payload, **said, **parsed.options)


def _act(lab: Lab, verb: str, name: str) -> object:
    if not name:
        raise OptionError(f"{verb} which trigger?", remedy="%jobs triggers lists them.")
    names = [found.name for found in lab.triggers()]
    if name not in names:
        raise OptionError(f"there is no trigger {name!r}{nearest(name, names)}",
                          remedy="%jobs triggers lists them.")
    found = lab.get_trigger(name)
    match verb:
        case "pause":
            return found.pause()
        case "resume":
            return found.resume()
        case "fire":
            return found.fire()
        case "remove":
            found.remove()
            return print(f"The trigger {name} is removed; its jobs stay.")  # noqa: T201  what a magic says
        case _:
            return found
