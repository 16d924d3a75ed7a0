"""``lab.worker``: start, stop and ask the worker of a lab."""

from __future__ import annotations

from tether_lab.errors import OptionError
from tether_lab.settings import LabFolder, Settings, SettingsError
from tether_lab.worker import spawn
from tether_lab.worker.spawn import WorkerStatus

from .door import door


@door
class WorkerControl:
    """The worker of one lab. It is a process of its own: what is done here outlives this kernel."""

    def __init__(self, folder: LabFolder, settings: Settings, *, restricted: bool = False) -> None:
        self._folder, self._settings, self._restricted = folder, settings, restricted

    def start(self, *, wait: bool = True, executor: str | None = None,
              runners: int | str | None = None) -> WorkerStatus:
        """Start the worker unless one runs. ``wait``: until it is ready. ``executor`` (``"dask=tcp://…"``)
        and ``runners`` in place of the settings of these names.

        Raises WorkerDisabled, WorkerDidNotStart, OptionError for a wrong value, or
        RestrictedLab for somebody else's lab.
        """
        if self._restricted:
            from tether_lab.job_queue import owner

            raise owner.restricted(self._folder.queue_db)
        asked = {"executor": executor, "runners": runners}
        try:
            found = self._settings.changed(**asked)
        except SettingsError as error:
            raise OptionError(error.message, remedy=error.remedy, where=error.where) from None
        return spawn.start(self._folder, found, wait=wait)

    def stop(self, *, drain: float | None = None, now: bool = False,
             timeout: float | None = None) -> WorkerStatus:
        """Stop the worker and wait for its end.

        ``drain``: seconds for running jobs to finish (default: the setting ``drain_grace``); what
        has not finished goes back to the queue and burns no attempt. ``now``: no time at all.
        Raises WorkerError if it is still there after ``timeout`` seconds.
        """
        return spawn.stop(self._folder, drain=drain, now=now, timeout=timeout)

    def status(self) -> WorkerStatus:
        """Whether it runs, and as which process."""
        return spawn.status(self._folder)

    def is_running(self) -> bool:
        """Whether a worker holds the lab at this moment."""
        return spawn.is_running(self._folder)

    def log(self, *, lines: int = 20) -> str:
        """The end of the worker's log."""
        return spawn.log_tail(self._folder, lines=lines)

    def __repr__(self) -> str:
        found = self.status()
        pid = f", pid {found.pid}" if found.pid else ""
        return f"<worker of {self._folder.name}: {found.state}{pid}>"
