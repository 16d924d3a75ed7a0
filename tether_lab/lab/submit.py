"""``lab.submit(function, …)``: one call as one job, without a key of its own."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from tether_lab.errors import BadRequest
from tether_lab.job import JobOptions
from tether_lab.worker.payload import read_payload

from .enqueue import new_jobs
from .handler import RegisteredHandler
from .register import key_of, source_of, version_of

if TYPE_CHECKING:
    from .job import Job
    from .lab import Lab


def submit(lab: Lab, function: Callable[..., Any], args: tuple[Any, ...],
           kwargs: Mapping[str, Any]) -> Job:
    """Register the function under a key made of its name and code, and enqueue this call."""
    from tether_lab.job_queue.register import register_and_enqueue

    if isinstance(function, RegisteredHandler):
        function = function.target
    payload = _bind(function, args, kwargs)
    options = JobOptions(encrypt=lab.settings.encrypt)
    version, captured = version_of(lab, function, _one_off_key(function), options)
    checked = read_payload(payload, version, "{}", lab.store(encrypted=options.encrypt),
                           limit=lab.settings.payload_limit)
    version, _, _, ids = register_and_enqueue(
        lab.queue, version, new_jobs(lab, version, [checked], options), defaults="{}",
        options="{}", small_blobs=captured.small, large_blobs=captured.large)
    lab.remember(version)
    lab.waker.wake()
    return lab.get(ids[0])


def _bind(function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments by name, as a payload has them."""
    try:
        found = inspect.signature(function)
        given = [n for n in found.parameters if n in ("ctx", "service", "payload", "db")]
        free = found.replace(parameters=[p for n, p in found.parameters.items() if n not in given])
        bound = free.bind(*args, **kwargs)
    except (TypeError, ValueError) as error:
        raise BadRequest(f"{getattr(function, '__name__', function)!s:.60} cannot be called like that: "
                         f"{error}", where="submit") from None
    values: dict[str, Any] = {}
    for name, value in bound.arguments.items():
        if free.parameters[name].kind is inspect.Parameter.VAR_KEYWORD:
            values.update(value)
        else:
            values[name] = value
    return values


def _one_off_key(function: Callable[..., Any]) -> str:
    name = key_of(function) if getattr(function, "__name__", "") != "<lambda>" else "lambda"
    code = source_of(function) or repr(function)
    plain = "".join(c for c in name if c.isalnum() or c in "._-").strip(".-")[:80] or "call"
    return f"{plain}-{hashlib.blake2b(code.encode(), digest_size=3).hexdigest()}"
