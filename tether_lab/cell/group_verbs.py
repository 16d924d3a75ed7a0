"""``%jobs chain`` and ``%jobs batch``: all of them, one, or a verb of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tether_lab.errors import OptionError

if TYPE_CHECKING:
    from tether_lab.lab import Lab
    from tether_lab.lab.group import Group

VERBS = ("show", "cancel", "retry")


def chain(lab: Lab, line: str, namespace: dict[str, Any]) -> object:  # noqa: ARG001 — as all who read their line
    """What the line says; what the cell should show."""
    number, verb = _read("chain", line)
    return lab.chains() if number is None else _act(lab.get_chain(number), verb)


def batch(lab: Lab, line: str, namespace: dict[str, Any]) -> object:  # noqa: ARG001 — as all who read their line
    """What the line says; what the cell should show."""
    number, verb = _read("batch", line)
    return lab.batches() if number is None else _act(lab.get_batch(number), verb)


def _read(kind: str, line: str) -> tuple[int | None, str]:
    """(which one, what to do with it); None: list them all."""
    match line.split():
        case [] | ["list"]:
            return None, "list"
        case [number] if number.isdecimal():
            return int(number), "show"
        case [number, verb] | [verb, number] if number.isdecimal() and verb in VERBS:
            return int(number), verb
    raise OptionError(f"%jobs {kind} takes the number of a {kind}; got {line:.80}",
                      remedy=f"%jobs {kind} 3, with {' or '.join(VERBS[1:])} behind it if wanted; "
                             f"%jobs {kind} alone lists them.")


def _act(found: Group, verb: str) -> Group:
    match verb:
        case "cancel":
            return found.cancel()
        case "retry":
            return found.again()
        case _:
            return found
