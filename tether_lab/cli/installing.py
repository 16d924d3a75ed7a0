"""``tether-lab worker install`` and ``uninstall``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tether_lab.errors import BadRequest

from .parsing import Arguments
from .terminal import say

if TYPE_CHECKING:
    from tether_lab.lab import Lab


def run(given: Arguments, lab: Lab) -> int:
    """Write and enable the service of this lab's worker, print it, or take it away."""
    from tether_lab.worker import install

    system = given.system or install.system_here()
    unit = install.unit(lab.folder, lab.settings, system)
    if given.print:
        say(unit.text.rstrip("\n"))
        return 0
    if system != "systemd":
        act = unit.enable if given.verb == "install" else unit.disable
        raise BadRequest(f"{system} is set up by hand", where=system, remedy=(
            f"tether-lab worker install --print --system {system} > {unit.path}, then "
            + "; ".join(" ".join(words) for words in act) if given.verb == "install" else
            f"{'; '.join(' '.join(words) for words in act)}, then remove {unit.path}"))
    do = install.install if given.verb == "install" else install.uninstall
    for line in do(unit):
        say(line)
    return 0
