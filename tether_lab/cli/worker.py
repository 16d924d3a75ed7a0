"""``tether-lab worker [status|start|stop|run|install|uninstall]``."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from .labs import open_lab
from .parsing import Arguments
from .terminal import say, show_json

if TYPE_CHECKING:
    from tether_lab.lab import Lab


def run(given: Arguments) -> int:
    """Do what the verb says. ``status`` exits with 1 if no worker runs."""
    lab = open_lab(given, create=given.verb != "status")
    match given.verb:
        case "run":
            _become(lab)
        case "start":
            before = lab.worker.is_running()
            status = lab.worker.start()
            _told(given, lab, "runs already" if before else "started")
            return 0 if status.running else 1
        case "stop":
            return _stop(given, lab)
        case "install" | "uninstall":
            from .installing import run as installing

            return installing(given, lab)
    _told(given, lab, "runs")
    return 0 if lab.worker.is_running() else 1


def _become(lab: Lab) -> None:
    """This process becomes the worker: signals and the end of the terminal reach it as they should."""
    lab.close()
    os.environ.update(lab.settings.environ())
    os.execv(sys.executable, [sys.executable, "-P", "-m", "tether_lab.worker", "--lab", str(lab.folder.path)])  # noqa: S606 — our own words


def _stop(given: Arguments, lab: Lab) -> int:
    from tether_lab.job.duration import seconds

    if not lab.worker.is_running():
        _told(given, lab, "")
        return 0
    drain = None if given.drain is None else seconds(given.drain, what="--drain")
    lab.worker.stop(drain=drain, now=given.now)
    _told(given, lab, "stopped")
    return 0


def _told(given: Arguments, lab: Lab, did: str) -> None:
    status = lab.worker.status()
    if given.json:
        show_json({"lab": lab.name, "path": str(lab.folder.path), **asdict(status)})
    elif status.running:
        say(f"The worker of {lab.name} {did or 'runs'} (pid {status.pid}).")
    elif did == "stopped":
        say(f"The worker of {lab.name} stopped; what was not finished waits in the queue.")
    else:
        died = " It ended without saying so; what it left is rescued by the next one." \
            if status.state == "dead" else ""
        say(f"No worker runs for {lab.name}.{died}")
