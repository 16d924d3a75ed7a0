"""The verbs of ``Lab`` for code: handlers, and what acts beside every job."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar, overload

from tether_lab.job import Handler
from tether_lab.job.options import read_options

from .door import door
from .handler import RegisteredHandler
from .verbs import Verbs

if TYPE_CHECKING:
    from tether_lab.job.extras import Extra
    from tether_lab.job_queue.contributed import Module


F = TypeVar("F", bound=Callable[..., Any])


@door
class Registering(Verbs):
    """What ``Lab`` can do with code."""

    @overload
    def handler(self, key: Callable[..., Any], /) -> RegisteredHandler: ...
    @overload
    def handler(self, key: str | None = None, **options: Any) -> Callable[..., RegisteredHandler]: ...
    def handler(self, key: Any = None, **options: Any) -> Any:
        """Register the function or class below it: ``@lab.handler``, ``@lab.handler("train",
        retries=3, timeout="10m")``. What is left is still callable, and has ``enqueue`` and ``map``."""
        if callable(key):
            return self._lab.register(key)

        def decorate(target: Callable[..., Any]) -> RegisteredHandler:
            return self._lab.register(target, key, **options)

        read_options(options)                # a mistake shows at the line of the decorator
        return decorate

    def register(self, target: Callable[..., Any], key: str | None = None,
                 **options: Any) -> RegisteredHandler:
        """Register a function, or a class with ``execute(self._lab, ctx)``, under ``key`` (default: its
        own ``key``, ``identifier`` or name). Equal code and data reuse the version there is."""
        from .register import register

        return register(self._lab, target, key, read_options(options))

    def is_registered(self, key: str) -> bool:
        """Whether jobs of this key can be enqueued."""
        from tether_lab.job_queue import handlers

        return handlers.head(self._lab.queue, key) is not None

    def handlers(self) -> list[Handler]:
        """Every registered key with its newest version and defaults."""
        from tether_lab.job_queue import handlers

        self._lab.modules()
        return handlers.handlers(self._lab.queue)

    def middleware(self, function: F | None = None, *, name: str | None = None, order: int = 0,
                   keys: str | Iterable[str] | None = None) -> Any:
        """Put ``def around(job, call_next)`` (or ``async def``) around every job, or those of ``keys``:
        ``@lab.middleware``. Lower ``order`` is further out. Stored: it acts though the kernel is gone."""
        return self._extra("middleware", function, name=name, order=order, keys=keys)

    def resource(self, name: str | F | None = None, *, scope: str = "job",
                 keys: str | Iterable[str] | None = None) -> Any:
        """What jobs may ask for by the name of a parameter, or with ``ctx.resource``: ``@lab.resource``
        above a function that returns it, or yields it and tidies up after. Built on first use;
        ``scope="runner"``: once a process."""
        function, name = (name, None) if callable(name) else (None, name)
        return self._extra("resource", function, name=name, scope=scope, keys=keys)

    def on_worker_start(self, function: F | None = None, *, name: str | None = None, order: int = 0,
                        keys: str | Iterable[str] | None = None) -> Any:
        """Run first in every job's process, before its handler: ``@lab.on_worker_start``. If it raises,
        the job is tried again later and loses no attempt."""
        return self._extra("start", function, name=name, order=order, keys=keys)

    def hook(self, *events: str, name: str | None = None, order: int = 0,
             keys: str | Iterable[str] | None = None) -> Callable[[F], F]:
        """Run ``def tell(entry)`` when something happens to a job, or to those of ``keys``:
        ``@lab.hook("on_success", "on_failure")``, or the shorter ``@lab.on_success``. Stored like a handler;
        runs as an internal job of its own, beside all limits: it cannot change or delay what happened."""
        from .extras import add_hook

        return lambda function: add_hook(self._lab, events, function, name=name, order=order, keys=keys)

    def on_start(self, function: F | None = None, **about: Any) -> Any:
        """Hook: an attempt begins. ``keys=``, ``name=``, ``order=`` as in ``hook``, here and below."""
        return self._hook("on_start", function, about)

    def on_success(self, function: F | None = None, **about: Any) -> Any:
        """Hook: a job completed."""
        return self._hook("on_success", function, about)

    def on_failure(self, function: F | None = None, **about: Any) -> Any:
        """Hook: a job failed for good, or its start deadline passed."""
        return self._hook("on_failure", function, about)

    def on_retry(self, function: F | None = None, **about: Any) -> Any:
        """Hook: an attempt failed and the job will be tried again."""
        return self._hook("on_retry", function, about)

    def on_cancel(self, function: F | None = None, **about: Any) -> Any:
        """Hook: a job was cancelled."""
        return self._hook("on_cancel", function, about)

    def on_soft_timeout(self, function: F | None = None, **about: Any) -> Any:
        """Hook: the soft timeout of an attempt passed."""
        return self._hook("on_soft_timeout", function, about)

    def on_progress(self, function: F | None = None, **about: Any) -> Any:
        """Hook: a running job reported progress; at most once a second."""
        return self._hook("on_progress", function, about)

    def on_chain_complete(self, function: F | None = None, **about: Any) -> Any:
        """Hook: all jobs of a chain have ended; ``keys`` are names of chains."""
        return self._hook("on_chain_complete", function, about)

    def on_batch_complete(self, function: F | None = None, **about: Any) -> Any:
        """Hook: all jobs of a batch have ended; ``keys`` are names of batches."""
        return self._hook("on_batch_complete", function, about)

    def on_service_event(self, function: F | None = None, **about: Any) -> Any:
        """Hook: a service said something; ``keys`` are names of services."""
        return self._hook("on_service_event", function, about)

    def _hook(self, event: str, function: F | None, about: dict[str, Any]) -> Any:
        decorate = self.hook(event, **about)
        return decorate if function is None else decorate(function)

    def modules(self) -> list[Module]:
        """What installed packages contribute (entry points ``tether_lab.modules``: ``def register(lab)``),
        registered with this lab if it was not yet in this process."""
        from .modules import modules

        return modules(self._lab)

    def extras(self) -> list[Extra]:
        """What acts beside jobs: middleware, resources, what runs first, hooks."""
        from .extras import extras

        return extras(self._lab)

    def remove_extra(self, kind: str, name: str) -> None:
        """Remove a ``"middleware"``, ``"resource"``, ``"start"`` or hook (``"on_success"`` …) by its name:
        it acts no more from the next attempt on."""
        from .extras import remove

        remove(self._lab, kind, name)

    def _extra(self, kind: str, function: Callable[..., Any] | None, **about: Any) -> Any:
        from .extras import add

        if function is not None:
            return add(self._lab, kind, function, **about)
        return lambda target: add(self._lab, kind, target, **about)
