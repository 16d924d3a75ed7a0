"""Chains: steps that wait for each other, put in as one, seen and acted on as one."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from tether_lab.errors import BadRequest, OptionError
from tether_lab.job import JobOptions, State
from tether_lab.job.options import read_options
from tether_lab.job.workflow import POLICIES, ChainRow, Parent, in_order
from tether_lab.worker.new_jobs import options_of
from tether_lab.worker.payload import read_payload

from . import conditions
from .callbacks import callbacks_of
from .door import door
from .enqueue import find, new_jobs
from .group import Group

if TYPE_CHECKING:
    from tether_lab.job_queue.enqueue import NewJob

    from .handler import RegisteredHandler
    from .lab import Lab

Policies = str | Mapping[str, str]
Conditions = Callable[[Any], object] | Mapping[str, Callable[[Any], object]] | None


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a chain: which handler, under which name, after which steps; ``on_failure`` and ``when``
    by those."""

    name: str
    key: str
    after: tuple[str, ...]
    on_failure: Mapping[str, str]
    when: Mapping[str, Callable[[Any], object]]
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
             on_failure: Policies = "fail", when: Conditions = None, **options: Any) -> Self:
        """A step. ``name``: how ``ctx.inputs`` calls its result (default: the key).
        ``on_failure``: what becomes of this step if one before it does not complete: ``fail`` (it is
        cancelled), ``skip``, or ``continue`` (that input is None). ``when``: a function of the result of a
        step before it; if it says no, this step is skipped. Both may be dicts, by the names of those steps."""
        before = self._last if after is None else after
        self._last = (self._add(key, name, before, on_failure, when, options),)
        return self

    def then_all(self, keys: Iterable[str | RegisteredHandler], *, after: str | Iterable[str] | None = None,
                 on_failure: Policies = "fail", when: Conditions = None, **options: Any) -> Self:
        """Steps side by side; what comes next waits for all of them."""
        before = self._last if after is None else after
        self._last = tuple(self._add(key, None, before, on_failure, when, options) for key in keys)
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
        judges = self._judges(names)
        jobs = [self._job(self._steps[name], names, input, judges.get(name, [])) for name in order]
        callbacks = callbacks_of(self._lab, "chain", complete=self._complete)
        number = groups.add_chain(self._lab.queue, str(uuid.uuid4()), self._name, jobs, callbacks)
        self._lab.waker.wake()
        return Chain(self._lab, number)

    def _judges(self, names: Mapping[str, str]) -> dict[str, list[str]]:
        """By step, what its result is asked, and for whom: as the option ``judges``. Stores conditions."""
        found: dict[str, list[str]] = {}
        for step in self._steps.values():
            for other, function in step.when.items():
                found.setdefault(other, []).append(f"{names[step.name]}={conditions.keep(self._lab, function)}")
        return found

    def _add(self, key: str | RegisteredHandler, name: str | None, after: str | Iterable[str],
             on_failure: Policies, when: Conditions, options: Mapping[str, Any]) -> str:
        plain = key if isinstance(key, str) else key.key
        name = name or plain
        if name in self._steps:
            raise BadRequest(f"the chain has two steps {name!r}", where=name,
                             remedy="Give one of them another name: .then(key, name='…').")
        read_options(options)
        needed = (after,) if isinstance(after, str) else tuple(dict.fromkeys(after))
        policies = by_parent("on_failure", name, on_failure, needed)
        for policy in [on_failure] if isinstance(on_failure, str) else policies.values():
            if policy not in POLICIES:
                raise OptionError(f"on_failure: one of {', '.join(POLICIES)}; got {policy!r}",
                                  where="on_failure")
        asked = {} if when is None else by_parent("when", name, when, needed)
        if when is not None and not asked:
            raise BadRequest(f"the step {name!r} comes after none, so there is no result to ask", where="when",
                             remedy="Put the condition on a step that follows another.")
        for function in asked.values():
            conditions.check(name, function)
        self._steps[name] = Step(name, plain, needed, policies, asked, dict(options))
        return name

    def _job(self, step: Step, names: Mapping[str, str], given: Mapping[str, Any] | None,
             judges: Iterable[str]) -> NewJob:
        lab, handler = self._lab, find(self._lab, step.key)
        version = lab.version(handler.head)
        options = options_of({**self._common, **step.options},
                             JobOptions.from_json(handler.options), encrypt=lab.settings.encrypt)
        payload = read_payload(given, version, handler.defaults,
                               lab.store(encrypted=options.encrypt),
                               limit=lab.settings.payload_limit, shared=True)
        parents = tuple(Parent(names[other], other, step.on_failure.get(other, "fail")) for other in step.after)
        options = replace(options, shared_input=True, judges=tuple(judges))
        (job,) = new_jobs(lab, version, [payload], options, parents=parents, uuid_=names[step.name])
        return replace(job, step=step.name)


def by_parent(word: str, step: str, given: Any, needed: tuple[str, ...]) -> dict[str, Any]:
    """What is said about each step before ``step``: one thing for all of them, or a dict for some."""
    if not isinstance(given, Mapping):
        return dict.fromkeys(needed, given)
    for other in given:
        if other not in needed:
            raise BadRequest(f"{word}: the step {step!r} does not come after {other!r:.80}", where=word,
                             remedy=f"It comes after {', '.join(needed) or 'none'}.")
    return dict(given)


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
        """Again from what did not complete: those steps, and what had ended because of them. A condition
        that raised is asked again: the step whose result it is about runs again."""
        from tether_lab.job_queue import groups

        bad = (State.FAILED, State.EXPIRED, State.CANCELLED)
        asked = groups.undecided(self.lab.queue, self.id)
        self._again([job_id for job_id, state in self.members() if job_id in asked or state in bad])
        return self

    again = retry

    def result(self, timeout: object = None) -> Any:
        """The result of the last step, or a dict by name where several are last. Waits; raises
        JobFailed if one of them did not complete."""
        self.wait(timeout)
        return self._value()

    def _value(self) -> Any:
        from tether_lab.job_queue import groups

        parents = {edge.parent for edge in groups.edges(self.lab.queue, self.id)}
        last = {name: job for name, job in self.steps.items() if job.id not in parents}
        found = {name: job.result() for name, job in last.items()}
        return next(iter(found.values())) if len(found) == 1 else found

    def __await__(self) -> Generator[Any, None, Any]:
        return self._result_async().__await__()

    async def _result_async(self) -> Any:
        await self.wait_async()
        return self._value()
