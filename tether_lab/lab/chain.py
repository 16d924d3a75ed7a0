"""Chains: steps that wait for each other, put in as one, seen and acted on as one."""

from __future__ import annotations

import uuid
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from tether_lab.errors import BadRequest, OptionError
from tether_lab.job import JobOptions, State
from tether_lab.job.options import read_options
from tether_lab.job.workflow import POLICIES, ChainRow, Parent, in_order
from tether_lab.worker.new_jobs import options_of
from tether_lab.worker.payload import read_payload

from .callbacks import callbacks_of
from .door import door
from .enqueue import find, new_jobs
from .group import Group

if TYPE_CHECKING:
    from tether_lab.job_queue.enqueue import NewJob

    from .handler import RegisteredHandler
    from .lab import Lab


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a chain: which handler, under which name, after which steps."""

    name: str
    key: str
    after: tuple[str, ...]
    on_failure: str
    options: Mapping[str, Any]


@door
class ChainBuilder:
    """``lab.chain("etl").then("extract").then_all(["a", "b"]).then("load").enqueue(input={…})``.

    Each ``then`` waits for the step (or steps) before it, or for those that ``after`` names.
    """

    def __init__(self, lab: Lab, name: str) -> None:
        self._lab, self._name = lab, name
        self._steps: dict[str, Step] = {}
        self._last: tuple[str, ...] = ()
        self._common: dict[str, Any] = {}
        self._complete: str | None = None

    def then(self, key: str | RegisteredHandler, *, name: str | None = None,
             after: str | Iterable[str] | None = None,
             on_failure: str = "fail", **options: Any) -> Self:
        """A step. ``name``: how ``ctx.inputs`` calls its result (default: the key).
        ``on_failure``: what becomes of this step if one before it does not complete: ``fail`` (it is
        cancelled), ``skip``, or ``continue`` (that input is None)."""
        self._last = (self._add(key, name, self._last if after is None else after, on_failure,
                                options),)
        return self

    def then_all(self, keys: Iterable[str | RegisteredHandler], *, after: str | Iterable[str] | None = None,
                 on_failure: str = "fail", **options: Any) -> Self:
        """Steps side by side; what comes next waits for all of them."""
        before = self._last if after is None else after
        self._last = tuple(self._add(key, None, before, on_failure, options) for key in keys)
        return self

    def with_retry(self, retry: object = None, **options: Any) -> Self:
        """For every step that does not say otherwise: ``with_retry("fixed:30s", retries=3)``."""
        return self.with_options(retry=retry, **options)

    def with_options(self, **options: Any) -> Self:
        """Options of every step that does not say otherwise."""
        read_options(options)
        self._common |= {name: value for name, value in options.items() if value is not None}
        return self

    def on_complete(self, key: str | RegisteredHandler) -> Self:
        """A handler to run once, when all steps have ended, however; its payload names the ``chain``."""
        self._complete = key if isinstance(key, str) else key.key
        return self

    def enqueue(self, input: Mapping[str, Any] | None = None) -> Chain:  # noqa: A002 — the word people use
        """Check everything, then write all steps in one transaction."""
        from tether_lab.job_queue import groups

        if not self._steps:
            raise BadRequest(f"the chain {self._name!r} has no steps", where="chain",
                             remedy=".then('extract').then('load') adds some.")
        order = in_order({step.name: step.after for step in self._steps.values()})
        names = {name: str(uuid.uuid4()) for name in order}
        jobs = [self._job(self._steps[name], names, input) for name in order]
        callbacks = callbacks_of(self._lab, "chain", complete=self._complete)
        number = groups.add_chain(self._lab.queue, str(uuid.uuid4()), self._name, jobs, callbacks)
        self._lab.waker.wake()
        return Chain(self._lab, number)

    def _add(self, key: str | RegisteredHandler, name: str | None, after: str | Iterable[str],
             on_failure: str, options: Mapping[str, Any]) -> str:
        plain = key if isinstance(key, str) else key.key
        name = name or plain
        if name in self._steps:
            raise BadRequest(f"the chain has two steps {name!r}", where=name,
                             remedy="Give one of them another name: .then(key, name='…').")
        if on_failure not in POLICIES:
            raise OptionError(f"on_failure: one of {', '.join(POLICIES)}; got {on_failure!r}",
                              where="on_failure")
        read_options(options)
        needed = (after,) if isinstance(after, str) else tuple(after)
        self._steps[name] = Step(name, plain, needed, on_failure, dict(options))
        return name

    def _job(self, step: Step, names: Mapping[str, str], given: Mapping[str, Any] | None) -> NewJob:
        lab, handler = self._lab, find(self._lab, step.key)
        version = lab.version(handler.head)
        options = options_of({**self._common, **step.options},
                             JobOptions.from_json(handler.options), encrypt=lab.settings.encrypt)
        payload = read_payload(given, version, handler.defaults,
                               lab.store(encrypted=options.encrypt),
                               limit=lab.settings.payload_limit, shared=True)
        parents = tuple(Parent(names[other], other, step.on_failure) for other in step.after)
        (job,) = new_jobs(lab, version, [payload], replace(options, shared_input=True), parents=parents,
                          uuid_=names[step.name])
        return replace(job, step=step.name)


@door
class Chain(Group):
    """A chain that was enqueued. ``int(chain)`` is its number; everything else is read when asked."""

    kind = "chain"

    @property
    def row(self) -> ChainRow:
        """The chain as it stands, as a value."""
        from tether_lab.job_queue import groups

        return groups.chain(self.lab.queue, self.id)

    @property
    def steps(self) -> dict[str, Any]:
        """The job of each step, by name."""
        from .job import Job

        return {row.step or row.key: Job(self.lab, row.id) for row in self.rows()}

    @property
    def progress(self) -> float:
        """The part of its steps that has ended, 0 … 1."""
        row = self.row
        return sum(n for state, n in row.counts.items() if state in self.final) / row.total

    def retry(self) -> Chain:
        """Again from what did not complete: those steps, and what had ended because of them."""
        bad = (State.FAILED, State.EXPIRED, State.CANCELLED)
        self._again([job_id for job_id, state in self.members() if state in bad])
        return self

    def result(self, timeout: object = None) -> Any:
        """The result of the last step, or a dict by name where several are last. Waits; raises
        JobFailed if one of them did not complete."""
        self.wait(timeout)
        return self._value()

    def _value(self) -> Any:
        from tether_lab.job_queue import groups

        parents = {parent for parent, _, _ in groups.edges(self.lab.queue, self.id)}
        last = {name: job for name, job in self.steps.items() if job.id not in parents}
        found = {name: job.result() for name, job in last.items()}
        return next(iter(found.values())) if len(found) == 1 else found

    def __await__(self) -> Generator[Any, None, Any]:
        return self._result_async().__await__()

    async def _result_async(self) -> Any:
        await self.wait_async()
        return self._value()
