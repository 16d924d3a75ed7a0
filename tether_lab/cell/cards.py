"""Shows jobs: one output with a display id for each, kept true while the kernel lives.

In a terminal, which has no outputs to update, a job is a few lines of text.
"""

from __future__ import annotations

import sys
import uuid
from dataclasses import replace
from types import FrameType
from typing import TYPE_CHECKING, Any

from .live import LiveCards, Shown

if TYPE_CHECKING:
    from tether_lab.lab import Job
    from tether_lab.views.board import Snapshot

_JOB = ("tether_lab.lab.job", "Job")


class Cards:
    """The jobs shown by one shell."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._returned: object = None
        self.live = LiveCards(self._update)
        self.can_update = hasattr(shell, "kernel")

    def connect(self) -> None:
        """Have the shell show every Job that a cell ends with, or that is displayed, through us."""
        if self.can_update:
            self._formatter().for_type_by_name(*_JOB, self._show_by_formatter)

    def disconnect(self) -> None:
        """Undo ``connect``; shown cards stay as they are."""
        self.live.forget()
        if self.can_update:
            formatter = self._formatter()
            formatter.deferred_printers.pop(_JOB, None)
            for known in [t for t in formatter.type_printers if (t.__module__, t.__name__) == _JOB]:
                formatter.type_printers.pop(known)

    def _formatter(self) -> Any:
        return self._shell.display_formatter.ipython_display_formatter

    def show(self, job: Job, notices: tuple[str, ...] = (), *, full: bool = False) -> None:
        """Show a job as one output, kept up to date until the job is final."""
        from tether_lab.views.mime import bundle

        snapshot = replace(job.snapshot(), notices=notices)
        data = bundle(snapshot, full=full)
        if not self.can_update:
            print(data["text/plain"])  # noqa: T201 — a terminal's way to show
            return
        name = f"tether-{uuid.uuid4().hex}"
        self._shell.display_pub.publish(data=data, metadata={}, transient={"display_id": name})
        self.live.add(Shown(job, name, notices), snapshot)

    def show_and_return(self, job: Job, notices: tuple[str, ...] = ()) -> Job:
        """Show a job and hand it back, so that ``j = %job …`` works and a card shows once."""
        if not self.can_update:
            return job
        self.show(job, notices)
        return self.quietly(job)

    def can_ask(self) -> bool:
        """Whether ``input`` reaches somebody: nobody sits before papermill or nbclient."""
        kernel = getattr(self._shell, "kernel", None)
        return kernel is None or bool(getattr(kernel, "_allow_stdin", False))

    def quietly(self, job: Job) -> Job:
        """Hand a job back without it being shown when the cell ends with it."""
        self._returned = job
        return job

    def before_cell(self, info: Any = None) -> None:  # noqa: ARG002 — IPython passes it
        """A new cell: what the last one returned may be shown again (IPython's ``pre_run_cell``)."""
        self._returned = None

    def _show_by_formatter(self, job: Any) -> None:
        if job is self._returned and _asked_by_displayhook():
            self._returned = None
            return
        self.show(job)

    def _update(self, display_id: str, snapshot: Snapshot) -> None:
        from tether_lab.views.mime import bundle

        self._shell.display_pub.publish(data=bundle(snapshot), metadata={}, update=True,
                                        transient={"display_id": display_id})


def _asked_by_displayhook() -> bool:
    """Whether a value is shown because the cell ended with it, not because of ``display(job)``."""
    from IPython.core.displayhook import DisplayHook

    code = DisplayHook.compute_format_data.__code__
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 — the documented way to look at callers
    while frame is not None:
        if frame.f_code is code:
            return True
        frame = frame.f_back
    return False
