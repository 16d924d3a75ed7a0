"""``%jobs schedule``: add one, or do something with the one of a name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tether_lab.errors import OptionError

from .flags import SCHEDULE, SCHEDULE_HELP, help_text
from .parsing import evaluate, job_line, nearest

if TYPE_CHECKING:
    from tether_lab.lab import Lab

VERBS = ("show", "next", "pause", "resume", "run", "remove")


def schedule(lab: Lab, line: str, namespace: dict[str, Any]) -> object:
    """What the cell should show."""
    first, _, rest = line.strip().partition(" ")
    if first in ("", "list"):
        return lab.schedules()
    if first in VERBS:
        return _act(lab, first, rest.strip())
    parsed = job_line(line, SCHEDULE)
    if parsed.has("help"):
        return print(help_text(SCHEDULE_HELP, SCHEDULE))  # noqa: T201  what a magic says
    if parsed.key is None:
        raise OptionError("schedule what?", remedy="Write %jobs schedule KEY --interval 1h; --help has more.")
    rule: dict[str, Any] = {name: value for name, value in parsed.flags.items() if name != "help"}
    payload = evaluate(parsed.expressions, namespace, what="%jobs schedule")
    return lab.schedule(parsed.key, payload, **rule, **parsed.options)


def _act(lab: Lab, verb: str, name: str) -> object:
    if not name:
        raise OptionError(f"{verb} which schedule?", remedy="%jobs schedules lists them.")
    names = [found.name for found in lab.schedules()]
    if name not in names:
        raise OptionError(f"there is no schedule {name!r}{nearest(name, names)}",
                          remedy="%jobs schedules lists them.")
    found = lab.get_schedule(name)
    match verb:
        case "next":
            moments = "\n".join(at.isoformat(" ", "seconds") for at in found.next_fires(10))
            return print(moments or f"The schedule {name} is {found.status}: it fires nothing now.")  # noqa: T201  what a magic says
        case "pause":
            return found.pause()
        case "resume":
            return found.resume()
        case "run":
            return found.run_now()
        case "remove":
            found.unschedule()
            return print(f"The schedule {name} is removed; its jobs stay.")  # noqa: T201  what a magic says
        case _:
            return found
