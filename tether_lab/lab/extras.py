"""Middleware, resources, what runs first, hooks: stored like handlers, they act though the kernel is gone."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from tether_lab.errors import BadRequest
from tether_lab.job import check_key
from tether_lab.job.extras import Extra
from tether_lab.job.hooks import HOOKS, NOTIFY

if TYPE_CHECKING:
    from .lab import Lab

F = TypeVar("F", bound=Callable[..., Any])
GIVEN = ("ctx", "service", "payload", "db")


def keys_of(keys: str | Iterable[str] | None) -> tuple[str, ...]:
    """Handlers that something is for; none for all."""
    if keys is None:
        return ()
    return tuple(check_key(key) for key in ([keys] if isinstance(keys, str) else keys))


def add(lab: Lab, kind: str, function: F, *, name: str | None = None, order: int = 0,
        keys: str | Iterable[str] | None = None, scope: str = "job") -> F:
    """Register ``function``; the same name again replaces it from the next attempt on."""
    from tether_lab.capture import CaptureRequest, capture_function
    from tether_lab.job_queue import register as verb

    from .register import namespace_of, signed, source_of

    about = Extra(kind, name or str(getattr(function, "__name__", "")), order, keys_of(keys), scope)
    _check(about, function)
    request = CaptureRequest(namespace=namespace_of(function), repeated=True,
                             warn=lab.settings.capture_warn, limit=lab.settings.capture_limit)
    captured = capture_function(function, request, lab.store(encrypted=lab.settings.encrypt))
    version = signed(lab, about.key, "function", source_of(function), about.to_parameters(), captured)
    verb.register(lab.queue, version, defaults="{}", options="{}", small_blobs=captured.small,
                  large_blobs=captured.large)
    lab.registered(about.key, function)
    return function


def add_hook(lab: Lab, events: Iterable[str], function: F, **about: Any) -> F:
    """Register ``function`` for each of ``events``. Raises BadRequest for one that there is not."""
    wanted = tuple(events)
    for event in wanted or ("",):
        if event not in HOOKS:
            said = f"there is no hook {event!r:.60}" if wanted else "a hook is for something"
            raise BadRequest(said, where="event", remedy=f"There are {', '.join(HOOKS)}.")
    for event in wanted:
        add(lab, event, function, **about)
    return function


def extras(lab: Lab) -> list[Extra]:
    """All of them: by kind, in their order."""
    from tether_lab.job_queue import handlers

    versions = [lab.version(version_id) for version_id in handlers.extras(lab.queue)]
    found = [Extra.of(version) for version in versions if version.key != NOTIFY]
    return sorted(found, key=lambda extra: (extra.kind, extra.order, extra.name))


def remove(lab: Lab, kind: str, name: str) -> None:
    """It acts no more from the next attempt on. Raises BadRequest naming those there are."""
    from tether_lab.job_queue import handlers

    if not handlers.remove_extra(lab.queue, Extra(kind, name).key):
        known = ", ".join(extra.name for extra in extras(lab) if extra.kind == kind) or "none"
        raise BadRequest(f"there is no {kind} {name!r}", where="name", remedy=f"Registered: {known}.")


def _check(about: Extra, function: Callable[..., Any]) -> None:
    """What can be seen at the door."""
    if not callable(function):
        raise BadRequest(f"{function!r:.60} is no function", where=about.kind,
                         remedy=f"Put @lab.{about.kind} above a function.")
    names = list(inspect.signature(function).parameters)
    if about.kind == "middleware" and len(names) != 2:
        raise BadRequest(f"the middleware {about.name} takes {len(names)} parameters", where=about.name,
                         remedy="It takes two: def around(job, call_next): return call_next().")
    generator = inspect.isgeneratorfunction(function)
    if about.kind in HOOKS and len([name for name in names if name not in ("ctx", "db")]) == 0:
        raise BadRequest(f"the hook {about.name} takes nothing", where=about.name,
                         remedy="Its first parameter is what happened: def tell(entry): print(entry.key).")
    if inspect.isasyncgenfunction(function) or (
            about.kind == "resource" and inspect.iscoroutinefunction(function)):
        raise BadRequest(f"the resource {about.name} is async", where=about.name,
                         remedy="Use a plain function; what it yields may have async methods.")
    if generator and about.kind != "resource":
        raise BadRequest(f"{about.name} is a generator function", where=about.name,
                         remedy="Use a plain function.")
    if about.kind == "resource" and about.name in GIVEN:
        raise BadRequest(f"a resource cannot be called {about.name!r}", where="name",
                         remedy=f"{', '.join(GIVEN)} are handed to jobs already.")
    if about.kind == "resource" and about.name in names:
        raise BadRequest(f"the resource {about.name} needs itself", where=about.name,
                         remedy="Rename the parameter.")
