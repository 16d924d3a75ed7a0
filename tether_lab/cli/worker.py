"""``tether-lab worker [status|start|stop|run|install|uninstall]``."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from tether_lab.errors import OptionError
from tether_lab.settings import SettingsError

from .labs import open_lab
from .parsing import Arguments
from .terminal import say, show_json

if TYPE_CHECKING:
    from tether_lab.lab import Lab


def run(given: Arguments) -> int:
    """Do what the verb says. ``status`` exits with 1 if no worker runs."""
    verb = given.verb or ("run" if given.executor else "status")
    lab = open_lab(given, create=verb != "status")
    if verb in ("run", "start") and (given.executor or given.runners) and lab.worker.is_running():
        raise OptionError(f"the worker of {lab.name} is running already, as it was started",
                          remedy="tether-lab worker stop first.")
    match verb:
        case "run":
            _become(lab, executor=given.executor, runners=given.runners)
        case "start":
            before = lab.worker.is_running()
            status = lab.worker.start(executor=given.executor, runners=given.runners)
            _told(given, lab, "runs already" if before else "started")
            return 0 if status.running else 1
        case "stop":
            return _stop(given, lab)
        case "install" | "uninstall":
            from .installing import run as installing

            return installing(given, lab)
    _told(given, lab, "runs")
    return 0 if lab.worker.is_running() else 1


def _become(lab: Lab, **changed: str | None) -> None:
    """This process becomes the worker: signals and the end of the terminal reach it as they should."""
    lab.close()
    try:
        os.environ.update(lab.settings.changed(**changed).environ())
    except SettingsError as error:
        raise OptionError(error.message, remedy=error.remedy, where=error.where) from None
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
        from tether_lab.lab.places import executor_line

        elsewhere = executor_line(lab)
        say(f"The worker of {lab.name} {did or 'runs'} (pid {status.pid})."
            + (f" Attempts run on {elsewhere}." if elsewhere else ""))
    elif did == "stopped":
        say(f"The worker of {lab.name} stopped; what was not finished waits in the queue.")
    else:
        died = " It ended without saying so; what it left is rescued by the next one." \
            if status.state == "dead" else ""
        say(f"No worker runs for {lab.name}.{died}")
