"""Register code under a key: check it, capture what it needs, sign it, write it."""

from __future__ import annotations

import functools
import inspect
import json
import sys
import textwrap
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tether_lab.errors import BadRequest, OptionError
from tether_lab.job import HandlerVersion, JobOptions, Manifest, check_key
from tether_lab.worker.payload import OPEN

from .clock import now
from .handler import RegisteredHandler

if TYPE_CHECKING:
    from tether_lab.capture import Captured

    from .lab import Lab


def register(lab: Lab, target: Callable[..., Any], key: str | None,
             options: JobOptions) -> RegisteredHandler:
    """Register a function, or a class with ``execute``, under ``key`` (default: its own).

    Raises BadRequest for what cannot be a handler, CaptureRefused for what it cannot take along.
    """
    from tether_lab.job_queue import register as verb

    if isinstance(target, RegisteredHandler):
        target = target.target
    key = check_key(key or key_of(target))
    of_all_jobs(options)
    version, captured = version_of(lab, target, key, options)
    version, _, notice = verb.register(
        lab.queue, version, defaults="{}", options=of_all_jobs(options).to_json(),
        small_blobs=captured.small, large_blobs=captured.large)
    lab.remember(version)
    lab.registered(key, target)
    return RegisteredHandler(lab, target, version, options, notice)


def version_of(lab: Lab, target: Callable[..., Any], key: str,
               options: JobOptions) -> tuple[HandlerVersion, Captured]:
    """The signed version of a function or class, and the blobs that it refers to."""
    from tether_lab.capture import CaptureRequest, capture_function
    from tether_lab.runner.call import needs_instance

    _check_target(target)
    kind = "class" if needs_instance(target) else "function"
    parameters = _declared(lab, target, kind)
    request = CaptureRequest(namespace=namespace_of(target), repeated=True,
                             warn=lab.settings.capture_warn, limit=capture_limit(lab, options))
    captured = capture_function(target, request, lab.store(encrypted=options.encrypt or lab.settings.encrypt))
    return signed(lab, key, kind, source_of(target), parameters, captured), captured


def signed(lab: Lab, key: str, kind: str, source: str, parameters: str, captured: Captured,
           notebook: str | None = None, cell_id: str | None = None) -> HandlerVersion:
    """A version with its content's hash and our signature; its id comes from the queue."""
    from tether_lab.capture.provenance import interpreter, provenance
    from tether_lab.capture.versions import version_hash

    where = interpreter()
    manifest: Manifest = captured.manifest
    names = tuple(json.loads(parameters))
    content = version_hash(kind, source, names, manifest, where)
    if manifest.encrypted:                   # a plain hash would tell whether a guess at the data is right
        content = lab.vault.mask("version", lab.uuid, content)[:12]
    version = HandlerVersion(
        id=0, uuid=str(uuid.uuid4()), key=key, kind=kind, source=source, parameters=parameters,
        version=content, manifest=manifest,
        interpreter=where, provenance=provenance(notebook, cell_id=cell_id, packages=manifest.packages),
        created_at=now())
    return lab.sign_handler(version)


def capture_limit(lab: Lab, options: JobOptions) -> float:
    """Bytes that a capture may have."""
    from tether_lab.capture import SEALED_LIMIT

    encrypted = options.encrypt or lab.settings.encrypt
    return min(lab.settings.capture_limit, SEALED_LIMIT) if encrypted else lab.settings.capture_limit


def closed_defaults(lab: Lab, key: str, defaults: str, options: JobOptions) -> str:
    """The values that later jobs of a key start from: without secret ones, which are given each time."""
    from tether_lab.job_queue import sealed

    if options.secret:
        kept = {name: value for name, value in json.loads(defaults).items() if name not in options.secret}
        defaults = json.dumps(kept, ensure_ascii=False, separators=(",", ":"))
    return sealed.close(lab.queue, defaults, "handler", "defaults", key) if options.encrypt else defaults


def of_all_jobs(options: JobOptions) -> JobOptions:
    """Options that somebody gives to a handler, so that all its jobs have them. Raises OptionError for those
    that can only be meant for one."""
    for name in ("at", "after"):
        if getattr(options, name):
            raise OptionError(f"{name} is about one job, not about all jobs of a handler", where=name,
                              remedy="Give it to enqueue; delay and schedules are for all jobs.")
    return options


def handler_options(options: JobOptions) -> JobOptions:
    """The options that later jobs inherit from one that registered its handler: not what is said about it
    alone."""
    return replace(options, delay=None, at=None, cache=None, description=None, meta={}, tags=(),
                   seed=None, notebook_random=False, after=())


def namespace_of(target: Any) -> dict[str, Any]:
    """The notebook, for what is defined in it; modules travel on their own."""
    main = sys.modules["__main__"]
    return vars(main) if getattr(target, "__module__", None) == "__main__" else {}


def _declared(lab: Lab, target: Any, kind: str) -> str:
    """The parameters as stored with a version, with a mark if any further key is welcome. Those that
    resources fill are none."""
    from tether_lab.runner.binding import signature

    if kind == "function":
        found = signature(target)
    else:
        job_class = _job_class(target)
        found = signature(functools.partial(job_class.execute, None))
    from .extras import extras

    resources = {extra.name for extra in extras(lab) if extra.kind == "resource"}
    declared = {name: about for name, about in found.declared().items() if name not in resources}
    if found.open or (not declared and found.given):
        declared[OPEN] = {"required": False, "type": None}
    return json.dumps(declared)


def _job_class(target: Any) -> Any:
    """The class with ``execute``: itself, or what a factory says that it returns."""
    return target if inspect.isclass(target) else target.__annotations__["return"]


def key_of(target: object) -> str:
    """The key that the code itself names: ``key``, ``identifier``, or the name it has."""
    from tether_lab.runner.call import needs_instance

    if needs_instance(target):
        for name in ("key", "identifier"):
            found = getattr(_job_class(target), name, None)
            if isinstance(found, str) and found:
                return found
    name = getattr(target, "__name__", "")
    if not name or name == "<lambda>":
        raise BadRequest(f"{target!r:.80} has no name to register it under", where="key",
                         remedy="Give a key: lab.register(function, 'key').")
    return str(name)


def source_of(target: object) -> str:
    """The source, dedented; empty where Python cannot tell."""
    try:
        return textwrap.dedent(inspect.getsource(inspect.unwrap(target)))  # type: ignore[arg-type]
    except (OSError, TypeError):
        return ""


def _check_target(target: object) -> None:
    if inspect.isclass(target):
        if not callable(getattr(target, "execute", None)):
            raise BadRequest(f"the class {target.__name__} has no method execute(self, ctx)",
                             remedy="Add one, or register a function.", where=target.__name__)
        return
    if not callable(target):
        raise BadRequest(f"{target!r:.80} is neither a function nor a class", where="handler",
                         remedy="Register a function, or a class with execute(self, ctx).")
    if inspect.isgeneratorfunction(target) or inspect.isasyncgenfunction(target):
        raise BadRequest(f"{key_of(target)} is a generator function: a job has one result, no stream",
                         remedy="Return a list, or report with ctx.progress.", where="handler")
