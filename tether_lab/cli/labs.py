"""``tether-lab labs``, and how every command opens its lab."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tether_lab.errors import BadRequest
from tether_lab.settings import DEFAULT_LAB, LabFolder, known_labs

from .parsing import Arguments

if TYPE_CHECKING:
    from tether_lab.lab import Lab


def open_lab(given: Arguments, *, create: bool = False) -> Lab:
    """The lab that was asked for. A name nobody has used is a mistake where things are only asked."""
    from tether_lab.lab import Lab

    folder = LabFolder.of(given.lab)
    if not create and not folder.exists() and folder.name != DEFAULT_LAB:
        names = ", ".join(found.name for found in known_labs())
        raise BadRequest(f"there is no lab {folder.name!r}", where="lab",
                         remedy=f"Your labs: {names or 'none yet'}. A notebook makes one: Lab(name).")
    return Lab(given.lab)


def run(given: Arguments) -> int:
    """List the labs of this user."""
    from tether_lab.views.tables import pairs_table
    from tether_lab.worker import spawn

    from .terminal import show_json, show_table

    found = [(folder, spawn.status(folder)) for folder in known_labs()]
    if given.json:
        show_json([{"name": f.name, "path": str(f.path), "worker": s.state, "pid": s.pid} for f, s in found])
        return 0
    show_table(pairs_table("Labs", [
        (folder.name, f"{folder.path}  (worker {status.state})") for folder, status in found]))
    return 0
