"""Enqueue: check everything, write one transaction, wake the worker."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from tether_lab.errors import JobNotFound, OptionError, UnknownHandler
from tether_lab.job import Handler, HandlerVersion, JobOptions, check_key
from tether_lab.job.duration import words
from tether_lab.job.workflow import Parent
from tether_lab.job_queue import enqueue as verb
from tether_lab.worker.new_jobs import fresh_names
from tether_lab.worker.payload import Payload, read_payload

from .clock import now

if TYPE_CHECKING:
    from tether_lab.job_queue.enqueue import NewJob

    from .lab import Lab
    from .plans import Plan


def enqueue(lab: Lab, key: str, payloads: Iterable[object], given: Mapping[str, Any], *,
            plain: bool = False) -> list[int]:
    """Enqueue one job of ``key`` for each payload, all or none; their ids, in order.

    ``given`` are options, on top of the handler's. ``plain``: JSON only (requests from outside).
    Raises UnknownHandler, OptionError, PayloadError, CaptureRefused; then nothing was written.
    """
    asked, limit = list(payloads), lab.settings.payload_limit
    moved = False
    while True:
        plan = lab.plans.of(lab, key, given, fresh=moved)
        store = lab.store(encrypted=plan.options.encrypt)
        checked = [read_payload(payload, plan.version, plan.handler.defaults, store, limit=limit, plain=plain)
                   for payload in asked]
        if plan.template is None or any(payload.blobs for payload in checked):
            return _each(lab, plan, checked)
        ids = _alike(lab, plan, plan.template, checked)
        if ids is not None:
            return ids
        moved = True


def _alike(lab: Lab, plan: Plan, template: NewJob, checked: Sequence[Payload]) -> list[int] | None:
    """The usual way: a template, and what is each job's own. None: the plan is out of date."""
    if not checked:
        return []
    sign = plan.sign
    varying = [(name, payload.text, sign(name, payload.text))
               for name, payload in zip(fresh_names(len(checked)), checked, strict=True)]
    ids = verb.enqueue_alike(lab.queue, template, varying, plan.handler)
    if ids is not None:
        lab.waker.wake()
    return ids


def _each(lab: Lab, plan: Plan, checked: Sequence[Payload]) -> list[int]:
    """Jobs that differ in more than their payload, or that may be there already."""
    version, options = plan.version, plan.options
    known = [cached(lab, version, payload.text, options) for payload in checked]
    fresh = [payload for payload, found in zip(checked, known, strict=True) if found is None]
    ids = verb.enqueue(lab.queue, new_jobs(lab, version, fresh, options))
    if ids:
        lab.waker.wake()
    rest = iter(ids)
    return [next(rest) if found is None else found for found in known]


def cached(lab: Lab, version: HandlerVersion, payload: str, options: JobOptions) -> int | None:
    """With the option ``cache``: the newest completed job of the same code, data and payload, not
    older than asked for. Data that cannot be compared is never the same."""
    if options.cache in (None, False) or not version.id or loose(version):
        return None
    from tether_lab.job_queue import read

    age = None if isinstance(options.cache, bool) else options.cache
    since = 0 if age is None else now() - round(age * 1e6)
    found = (read.cached(lab.queue, version.id, payload, since) if not options.encrypt else
             read.cached_closed(lab.queue, version.id, payload, since))
    if found is None or not set(options.keep) <= set(lab.read_row(found).options.keep):
        return None
    return found


def loose(version: HandlerVersion) -> list[str]:
    """Captured variables without a fingerprint: nobody can tell whether they are the same again."""
    return [v.name for v in version.manifest.variables if v.fingerprint is None]


def find(lab: Lab, key: str) -> Handler:
    """The head of a key, or UnknownHandler naming those there are. A notebook file is registered as it is."""
    from tether_lab.job_queue import handlers

    from .notebooks import as_handler, is_notebook

    found = as_handler(lab, key) if is_notebook(key) else None
    if found is None and is_notebook(key) and "/" in key:
        raise UnknownHandler(f"there is no notebook {key}", where="key", remedy="Check the path.")
    found = found or handlers.head(lab.queue, check_key(key))
    if found is None and lab.modules():          # an installed package may bring it along
        found = handlers.head(lab.queue, key)
    if found is not None:
        return found
    keys = sorted(handler.key for handler in handlers.handlers(lab.queue))
    near = get_close_matches(key, keys, 1)
    listed = ", ".join(keys[:20]) + (f" and {len(keys) - 20} more" if len(keys) > 20 else "")
    raise UnknownHandler(
        f"no handler is registered under {key!r}" + (f"; did you mean {near[0]!r}?" if near else ""),
        remedy=f"Registered in the lab {lab.name}: {listed}." if keys else
               f"The lab {lab.name} has no handlers yet: %%job NAME or @lab.handler registers one.",
        where="key")


def parents_of(lab: Lab, after: Iterable[str]) -> tuple[Parent, ...]:
    """The jobs that the option ``after`` names: by number, or the newest of a key. Raises JobNotFound."""
    found: dict[int, Parent] = {}
    for word in after:
        name, _, policy = word.rpartition(":") if ":" in word else (word, "", "fail")
        if name.isdecimal():
            row = lab.read_row(int(name))
        else:
            newest = lab.rows(key=find(lab, name).key, limit=1)
            if not newest:
                raise JobNotFound(f"there is no job of {name!r} to wait for", where="after",
                                  remedy="Enqueue it first, or build a chain: lab.chain(…).")
            row = newest[0]
        called = row.step or row.key
        if any(one.name == called for one in found.values()):
            called = f"{called}-{row.id}"
        found.setdefault(row.id, Parent(row.uuid, called, policy, row.id))
    return tuple(found.values())


def new_jobs(lab: Lab, version: HandlerVersion, payloads: Iterable[Payload],
             options: JobOptions, *, parents: Sequence[Parent] = (),
             uuid_: str | None = None) -> list[NewJob]:
    """Rows to insert, signed by this user. ``parents``: whom they wait for; ``uuid_``: of the only one."""
    from tether_lab.worker.new_jobs import new_jobs

    if options.after:
        parents = (*parents, *parents_of(lab, options.after))
        options = replace(options, after=tuple(f"{one.job_id}:{one.policy}" for one in parents if one.job_id))
    _check_window(options)
    if version.kind == "notebook":
        from .notebooks import check_kernel

        check_kernel(version, options)
    return new_jobs(lab.queue, lab.sign_job, version, payloads, options, now(), parents=parents, uuid_=uuid_)


def _check_window(options: JobOptions) -> None:
    """Raises OptionError where a job would give up before it may start."""
    if options.window is None or options.expires is None:
        return
    present = now()
    due = max(present, round((options.at or 0) * 1e6), present + round((options.delay or 0) * 1e6))
    opens = options.window.next_opening(due)
    if opens > present + options.expires * 1e6:
        raise OptionError(f"window: {options.window} opens in {words((opens - present) / 1e6)}, after the job "
                          f"has expired ({words(options.expires)})", where="window",
                          remedy="Let it wait longer (expires), or start at another time.")
