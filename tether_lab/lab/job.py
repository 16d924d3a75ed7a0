"""``Job``: the handle that users hold. It has an id and a lab; everything else is read when asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from tether_lab.errors import KeyMissing, TetherLabError
from tether_lab.job import Attempt, Event, HandlerVersion, JobRow, State

from . import follow as following, results, wait as waiting
from .door import door
from .travel import open_job
from .watch import Watch

if TYPE_CHECKING:
    from tether_lab.views.board import Snapshot
    from tether_lab.views.dashboard.widget import Dashboard

    from .lab import Lab


@door
class Job:
    """One job of a lab, in whatever state it is now. ``int(job)`` is its id.

    Every attribute is read from the queue when it is asked for, so a Job never grows old; one
    moment as a value is ``job.row``. ``await job`` gives the result, as ``job.result()`` does.
    """

    __slots__ = ("__weakref__", "id", "lab")

    def __init__(self, lab: Lab, job_id: int) -> None:
        self.lab, self.id = lab, job_id

    # -- what is known -------------------------------------------------------------------------

    @property
    def row(self) -> JobRow:
        """The job as it stands at this moment, as a value. Raises JobNotFound if it was removed."""
        return self.lab.read_row(self.id)

    @property
    def key(self) -> str:
        return self.row.key

    @property
    def status(self) -> State:
        """Where it stands: equal to a text such as ``"running"``."""
        return self.row.state

    @property
    def waits_for(self) -> str | None:
        """What holds it back (``slot:train``, ``rate:api``, ``paused:low`` …); None if nothing does."""
        return self.row.waits_for

    @property
    def payload(self) -> dict[str, Any]:
        """What it was given; values that are no JSON stand as ``{"$blob": …}``, secret ones as dots.
        Raises KeyMissing if it is encrypted and the key is not here."""
        row = self.row
        if row.unreadable is not None:
            raise KeyMissing(f"the payload of job {self.id} cannot be read: {row.unreadable}",
                             remedy="tether-lab keys import FILE, or tether-lab keys unlock.",
                             where=f"job {self.id}")
        return dict(json.loads(row.payload))

    @property
    def progress(self) -> dict[str, Any] | None:
        """``fraction`` (0 … 1 or None), ``message``, ``bars``; None before anything was reported."""
        text = self.row.progress
        return json.loads(text) if text else None

    @property
    def error(self) -> str | None:
        """The last failure in one line; None if there was none."""
        return self.row.error

    @property
    def attempts(self) -> list[Attempt]:
        """Every execution, oldest first."""
        from tether_lab.job_queue import read

        return read.attempts(self.lab.queue, self.id)

    @property
    def events(self) -> list[Event]:
        """What happened to the job, oldest first. The first, ``enqueued``, says with which options; it
        is read from the job itself, since a row of its own would double the price of an enqueue."""
        from tether_lab.job_queue import read

        row = self.row
        asked = {"priority": row.priority, "queue": row.queue, "max_attempts": row.max_attempts,
                 **({"description": row.description} if row.description else {}),
                 **({"tags": list(row.tags)} if row.tags else {})}
        detail = {**asked, **json.loads(row.options.to_json())}
        return [Event(0, row.id, 0, "enqueued", row.created_at, detail),
                *read.events(self.lab.queue, self.id)]

    @property
    def version(self) -> HandlerVersion:
        """The code it runs, with what that took along and where it came from."""
        return self.lab.version(self.row.handler_id)

    @property
    def outputs(self) -> list[dict[str, Any]]:
        """What the newest attempt has shown so far, as a notebook keeps it (nbformat v4)."""
        from tether_lab.views.fold import Fold

        fold = Fold()
        for _, _, body in following.latest(self.lab, self.id):
            fold.add(json.loads(body))
        return fold.outputs()

    def rows(self, after: tuple[int, int] = (0, -1)) -> list[tuple[int, int, str]]:
        """Output rows ``(seq, epoch, body)`` behind ``(epoch, seq)``: for those who follow."""
        return following.rows(self.lab, self.id, after)

    def stack(self, *, raw: bool = False) -> str:
        """Where the running job is now: every thread with user code in it, the newest call last, with
        the lines of the cell; ``raw`` gives the dump as faulthandler wrote it. Raises WorkerError if
        the job does not run."""
        from .stack import stack

        return stack(self.lab, self.id, raw=raw)

    # -- its end -------------------------------------------------------------------------------

    def wait(self, timeout: object = None) -> Job:
        """Wait until it has ended, in whatever way; the job itself. Starts a worker if there is none.

        Raises WaitTimeout after ``timeout`` (seconds, or ``"10m"``): the job goes on then.
        """
        waiting.wait(self.lab, self.id, timeout)
        return self

    def result(self, timeout: object = None) -> Any:
        """The value of its last expression, or what it returned; waits for the end.

        Raises JobFailed, JobWasCancelled or JobExpired (the job's own traceback is the cause),
        ResultUnavailable if the value cannot be loaded here, WaitTimeout after ``timeout``.
        """
        return results.result(self.lab, waiting.wait(self.lab, self.id, timeout))

    @property
    def vars(self) -> dict[str, Any]:
        """The variables that ``keep`` named, as it left them. Waits and raises as ``result`` does."""
        return results.kept(self.lab, waiting.wait(self.lab, self.id))

    def __await__(self) -> Generator[Any, None, Any]:
        return self._result_async().__await__()

    async def _result_async(self) -> Any:
        return results.result(self.lab, await waiting.wait_async(self.lab, self.id))

    async def wait_async(self, timeout: object = None) -> Job:  # noqa: ASYNC109 — as in wait()
        """``wait`` on an event loop."""
        await waiting.wait_async(self.lab, self.id, timeout)
        return self

    def watch(self) -> Watch[JobRow]:
        """Its row now and after each change, until it is final. For ``for`` and ``async for``."""
        return self.lab.watch(self.id)

    def follow(self) -> Job:
        """Show its output here as it comes, until it ends. An interrupt stops the watching only."""
        following.follow(self.lab, self.id)
        return self

    # -- acting on it --------------------------------------------------------------------------

    def cancel(self, *, force: bool = False) -> Job:
        """Ask for its end: at once if it waits; a running one is asked, then killed after the
        setting ``cancel_grace`` (``force``: at once)."""
        self.lab.cancel(self.id, force=force)
        return self

    def prioritise(self, priority: int) -> Job:
        """Move it forward (higher) or back in its queue while it waits."""
        return self.lab.prioritise(self.id, priority)

    def retry(self, *, with_code: bool = False, fresh_seed: bool = False) -> Job:
        """Run it once more, with the same payload; its history is kept. ``with_code``: with the
        newest version of its handler; ``fresh_seed``: with other random numbers than before."""
        return self.lab.retry(self.id, with_code=with_code, fresh_seed=fresh_seed)

    def debug(self, *, start: bool = False, debugger: Callable[[Any], object] | None = None) -> Any:
        """Run it once more in this process, with its code, captures and payload, and open the debugger where
        it raises; ``start``: step from its first line. The job in the queue stays as it is. What it returns."""
        from .debugging import debug

        return debug(self.lab, self.id, start=start, debugger=debugger)

    # -- showing it ----------------------------------------------------------------------------

    def show(self) -> None:
        """Put its outputs here, as they would have stood under the original cell."""
        from tether_lab.views.replay import republish

        republish(self.outputs)

    def widget(self) -> Dashboard:
        """A live view of it alone: card, outputs, attempts, events, payload, captures, code, stack, buttons."""
        from .dashboard import dashboard

        self.lab.read_row(self.id)
        return dashboard(self.lab, {"job": self.id}, rate=4.0, only="job")

    def snapshot(self) -> Snapshot:
        """Everything that its card says, read now."""
        from .snapshot import snapshot

        return snapshot(self.lab, self.id)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:  # noqa: ARG002 — IPython passes both
        from tether_lab.views.mime import bundle

        return bundle(self.snapshot())

    def __repr__(self) -> str:
        try:
            row = self.row
        except TetherLabError as error:
            return f"<Job {self.id}: {error.message}>"
        return f"<Job {row.id} {row.key}: {row.state}>"

    def __int__(self) -> int:
        return self.id

    __index__ = __int__

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Job):
            return NotImplemented
        return (self.lab.uuid, self.id) == (other.lab.uuid, other.id)

    def __hash__(self) -> int:
        return hash((self.lab.uuid, self.id))

    def __reduce__(self) -> tuple[Any, ...]:
        return open_job, (str(self.lab.folder.path), self.id)
