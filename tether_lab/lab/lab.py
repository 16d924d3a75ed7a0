"""``Lab``: one queue and what can be asked of it. One method a verb, grouped in files beside this one
(``registering``, ``asking``, ``acting``, ``together``, ``in_time``, ``lasting``, ``seeing``, ``trusting``);
what each does is a file of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tether_lab.job import HandlerVersion

from .acting import Acting
from .asking import Asking
from .door import door
from .handler import RegisteredHandler
from .in_time import InTime
from .job import Job
from .lasting import Lasting
from .opened import OpenLab
from .registering import Registering
from .seeing import Seeing
from .together import Together
from .trusting import Trusting
from .verbs import key_of

if TYPE_CHECKING:
    from .cells import CellRequest


@door
class Lab(OpenLab, Registering, Asking, Acting, Together, InTime, Lasting, Seeing, Trusting):
    """A lab: a queue of jobs, the handlers they run, and the worker that runs them.

    ``Lab()`` is the user's own; ``Lab("thesis")`` another one by name, ``Lab("./here")`` one in a
    folder. Settings given here beat those of files and environment: ``Lab(runners=2)``. Opening it
    makes what is missing, so the first mistake of a place or a setting shows here.
    """

    def enqueue(self, key: str | RegisteredHandler, payload: object = None, **options: Any) -> Job:
        """One job of a registered key. Everything is checked first; then it is on disk.

        Raises UnknownHandler, PayloadError (``where`` says which value), OptionError, CaptureRefused.
        """
        from .enqueue import enqueue

        return Job(self, enqueue(self, key_of(key), (payload,), options)[0])

    def enqueue_many(self, key: str | RegisteredHandler, payloads: Iterable[object],
                     **options: Any) -> list[Job]:
        """One job for each payload, in one transaction: all or none."""
        from .enqueue import enqueue

        return [Job(self, number) for number in enqueue(self, key_of(key), payloads, options)]

    def submit(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Job:
        """Run ``function(*args, **kwargs)`` once as a job; awaitable. Its key comes from its name."""
        from .submit import submit

        return submit(self, function, args, kwargs)

    def enqueue_command(self, command: str | Sequence[str], *, key: str | None = None,
                        **options: Any) -> Job:
        """A program as a job: a list of arguments, or a text for the shell."""
        from .commands import enqueue_command

        return enqueue_command(self, command, key, options)

    def enqueue_notebook(self, path: str | os.PathLike[str], parameters: Mapping[str, Any] | None = None, *,
                         key: str | None = None, **options: Any) -> Job:
        """A whole notebook as a job, as it is on disk now: ``parameters`` go into a cell behind the one
        tagged ``parameters``, its kernel runs the cells, the executed copy is saved (``output=``). Its
        file name is its key: ``lab.schedule("report.ipynb", …)``, ``lab.sweep("report.ipynb", …)``."""
        from .notebooks import enqueue_notebook

        return enqueue_notebook(self, path, parameters, key, options)

    def submit_cell(self, request: CellRequest) -> tuple[Job | None, HandlerVersion, str | None]:
        """What ``%%job`` does: see ``CellRequest``."""
        from .cells import submit_cell

        return submit_cell(self, request)
