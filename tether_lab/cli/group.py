"""``tether-lab chain`` and ``tether-lab batch``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .labs import open_lab
from .parsing import Arguments
from .terminal import moment, say, show_json, show_table

if TYPE_CHECKING:
    from tether_lab.lab.group import Group


def run(given: Arguments) -> int:
    """List the newest, show one, or do something with it; 1 if one that is waited for did not complete."""
    from tether_lab.lab import clock
    from tether_lab.views.groups import table

    kind = given.command
    with open_lab(given) as lab:
        if given.id is None:
            rows = [one.row for one in (lab.chains() if kind == "chain" else lab.batches())]
            if given.json:
                show_json([_json(row) for row in rows])
            else:
                show_table(table(kind, rows, clock.now()))
            return 0
        found: Group = lab.get_chain(given.id) if kind == "chain" else lab.get_batch(given.id)
        return _act(given, found)


def _act(given: Arguments, found: Group) -> int:
    match given.verb:
        case "cancel":
            found.cancel(force=given.force)
        case "retry":
            found.again()
        case "wait":
            found.wait(given.timeout)
    if given.json:
        show_json({**_json(found.row), "members": [[number, state.value] for number, state in found.members()]})
    else:
        say(found._repr_mimebundle_()["text/plain"])
    return 1 if given.verb == "wait" and found.row.status != "completed" else 0


def _json(row: Any) -> dict[str, Any]:
    return {"id": row.id, "name": row.name, "status": row.status, "total": row.total,
            "created_at": moment(row.created_at), "finished_at": moment(row.finished_at)}
