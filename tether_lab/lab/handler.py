"""``@lab.handler``: a function or class registered under a key, and still itself."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from tether_lab.job import HandlerVersion, JobOptions

from .door import door

if TYPE_CHECKING:
    from .job import Job
    from .lab import Lab


@door
class RegisteredHandler:
    """What ``@lab.handler`` leaves in place of the function: call it as before (``ctx`` may be left
    out), or ``enqueue`` it.

    ``key``, ``version`` (a HandlerVersion) and ``notice`` (what the registration had to say) are
    those of the registration.
    """

    def __init__(self, lab: Lab, target: Callable[..., Any], version: HandlerVersion,
                 options: JobOptions, notice: str | None) -> None:
        functools.update_wrapper(self, target, updated=())
        self._lab, self.target, self.key = lab, target, version.key
        self.version, self.options, self.notice = version, options, notice

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The plain call, for a plain test: parameters that a job would be handed (``ctx``,
        ``payload``) are filled with stand-ins unless given."""
        target = self.target
        if inspect.isclass(target):
            return target(*args, **kwargs)
        wanted = _injected(target)
        if wanted and not args:
            from tether_lab.runner.context import current

            stand_ins = {"ctx": current(), "service": current(), "payload": dict(kwargs)}
            kwargs = {**{name: stand_ins[name] for name in wanted if name in stand_ins}, **kwargs}
        return target(*args, **kwargs)

    def enqueue(self, **payload: Any) -> Job:
        """Enqueue one job with these parameters."""
        self._complete()
        return self._lab.enqueue(self.key, payload)

    def map(self, payloads: Iterable[Any], **options: Any) -> list[Job]:
        """One job for each payload, in one transaction. A payload that is no dict is the value of
        the handler's only parameter."""
        self._complete()
        name = _only_parameter(self.target)
        ready = [p if isinstance(p, dict) else {name: p} for p in payloads]
        return self._lab.enqueue_many(self.key, ready, **options)

    def _complete(self) -> None:
        """Take along what did not exist yet when the function was defined."""
        missing = self.version.manifest.missing
        namespace = getattr(inspect.unwrap(self.target), "__globals__", {})
        if missing and any(name in namespace for name in missing):
            fresh = self._lab.register(self.target, self.key, options=self.options)
            self.version, self.notice = fresh.version, fresh.notice

    def __getstate__(self) -> dict[str, Any]:
        """In a job it is the function, to be called; the registration stays behind."""
        state = dict(vars(self))
        state.pop("version"), state.pop("notice")
        return state

    def __repr__(self) -> str:
        return f"<handler {self.key}: {self.target!r}>"


def _injected(target: Callable[..., Any]) -> list[str]:
    """The parameters of ``target`` that a job is handed by name."""
    return [name for name in inspect.signature(target).parameters
            if name in ("ctx", "service", "payload")]


def _only_parameter(target: Callable[..., Any]) -> str:
    if inspect.isclass(target):
        return "item"
    names = [name for name in inspect.signature(target).parameters
             if name not in ("ctx", "service", "payload", "db")]
    return names[0] if len(names) == 1 else "item"
