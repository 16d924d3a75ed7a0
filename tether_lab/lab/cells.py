"""``%%job``: a cell becomes a handler version and, unless it is only registered, a job."""

from __future__ import annotations

import hashlib
import json
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tether_lab.errors import CellError
from tether_lab.job import HandlerVersion, JobOptions, check_key
from tether_lab.worker.payload import read_payload

from .enqueue import cached, loose, new_jobs
from .job import Job
from .register import capture_limit, closed_defaults, handler_options, of_all_jobs, signed

if TYPE_CHECKING:
    from tether_lab.capture import Captured

    from .lab import Lab


@dataclass(frozen=True, slots=True)
class CellRequest:
    """A cell as it was typed, and what the notebook around it is like.

    ``source`` is the cell, ``transformed`` the same as plain Python (IPython's syntax resolved),
    ``parameters`` the values on the line: they declare the cell's parameters and are this job's
    payload. ``kind`` is ``cell`` or ``shell``. ``shell`` is what its runner needs of the shell
    (``extensions``, ``aliases``, ``magics`` as ``{"line": {name: function}}``, ``display``,
    ``printers``), ``seeded`` which random generators the notebook seeded, ``assigned`` what its cells
    set on modules and classes, ``module_times`` when local modules were written as they were first
    imported.
    """

    source: str
    transformed: str
    namespace: dict[str, Any]
    key: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    options: JobOptions = field(default_factory=JobOptions)
    with_names: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    capture: str = "auto"
    environ_names: tuple[str, ...] = ()
    register_only: bool = False
    kind: str = "cell"
    notebook: str | None = None
    cell_id: str | None = None
    shell: Mapping[str, Any] = field(default_factory=dict)
    seeded: frozenset[str] = frozenset()
    assigned: frozenset[str] = frozenset()
    module_times: Mapping[str, int] = field(default_factory=dict)


def submit_cell(lab: Lab, request: CellRequest) -> tuple[Job | None, HandlerVersion, str | None]:
    """Register the cell and enqueue one job of it, in one transaction; then wake the worker.

    Returns the job (None for ``register_only``), the version, and what there is to say about it.
    With the option ``cache`` a completed job of the same version and payload is returned instead.
    """
    from tether_lab.job_queue.register import register, register_and_enqueue

    if not request.source.strip():
        raise CellError("the cell is empty", remedy="Put the code of the job below %%job.")
    key = check_key(request.key) if request.key is not None else derived_key(request)
    if lab.settings.encrypt:
        request = replace(request, options=replace(request.options, encrypt=True))
    secret = request.options.secret
    parameters = json.dumps({name: {"required": name in secret, "type": None} for name in request.parameters})
    captured = _capture(lab, request)
    version = signed(lab, key, request.kind, request.source, parameters, captured,
                     request.notebook, request.cell_id)
    payload = read_payload(request.parameters, version, "{}", lab.store(encrypted=request.options.encrypt),
                           limit=lab.settings.payload_limit)
    wanted = replace(request.options, notebook_random=bool(request.seeded) and request.options.seed is None)
    notices: list[str | None] = []
    if request.options.cache not in (None, False) and not request.register_only:
        found = _cached(lab, version, payload.text, request.options, notices)
        if found is not None:
            return found, found.version, _said(notices)
    options = (of_all_jobs if request.register_only else handler_options)(request.options).to_json()
    defaults = closed_defaults(lab, key, payload.text, request.options)
    large = {**captured.large, **payload.blobs}
    if request.register_only:
        version, _, notice = register(lab.queue, version, defaults=defaults, options=options,
                                      small_blobs=captured.small, large_blobs=large)
        job = None
    else:
        jobs = new_jobs(lab, version, [payload], wanted)
        version, _, notice, ids = register_and_enqueue(
            lab.queue, version, jobs, defaults=defaults, options=options,
            small_blobs=captured.small, large_blobs=large)
        lab.waker.wake()
        job = Job(lab, ids[0])
        if wanted.dedup is not None and job.row.uuid != jobs[0].uuid:
            notices.append(f"dedup: job {job.id} already counts as this one; nothing new was enqueued")
    lab.remember(version)
    return job, version, _said([*notices, notice])


def _capture(lab: Lab, request: CellRequest) -> Captured:
    from tether_lab.capture import CaptureRequest, capture_cell

    shell = {name: value for name, value in request.shell.items() if name not in ("magics", "printers")}
    magics = {f"{kind}:{name}": function for kind, known in request.shell.get("magics", {}).items()
              for name, function in known.items()}
    return capture_cell(CaptureRequest(
        namespace=request.namespace, source="" if request.kind == "shell" else request.transformed,
        parameters=frozenset(request.parameters), with_names=request.with_names,
        without=request.without, mode="none" if request.kind == "shell" else request.capture,
        environ_names=request.environ_names, warn=lab.settings.capture_warn,
        limit=capture_limit(lab, request.options), seeded=request.seeded, assigned=request.assigned,
        repeated=request.register_only, magics=magics, printers=request.shell.get("printers", {}),
        shell=shell), lab.store(encrypted=request.options.encrypt))


def derived_key(request: CellRequest) -> str:
    """The key of a cell without one: the same for the same code, whatever its data."""
    code = textwrap.dedent(request.source).strip().encode()
    return f"{request.kind}-{hashlib.blake2b(code, digest_size=4).hexdigest()}"


def _cached(lab: Lab, version: HandlerVersion, payload: str, options: JobOptions,
            notices: list[str | None]) -> Job | None:
    """A completed job that did the same before, for the option ``cache``."""
    from tether_lab.job_queue import handlers

    if unknown := loose(version):
        notices.append(f"--cache is off: {', '.join(unknown[:5])} cannot be compared with earlier runs")
        return None
    for known in handlers.versions(lab.queue, version.key):
        if known.version == version.version:
            found = cached(lab, known, payload, options)
            if found is not None:
                notices.append(f"nothing ran: job {found} did the same before")
                return Job(lab, found)
    return None


def _said(notices: list[str | None]) -> str | None:
    return "; ".join(notice for notice in notices if notice) or None
