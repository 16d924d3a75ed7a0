"""A notebook file as a handler, and one run of it as a job."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tether_lab.errors import BadRequest, OptionError
from tether_lab.job import Handler, HandlerVersion, JobOptions, check_key, notebook as text
from tether_lab.worker.new_jobs import options_of
from tether_lab.worker.payload import OPEN, read_payload

from .enqueue import new_jobs
from .register import capture_limit, handler_options, signed

if TYPE_CHECKING:
    from tether_lab.capture import Captured

    from .job import Job
    from .lab import Lab


def enqueue_notebook(lab: Lab, path: object, parameters: Mapping[str, Any] | None, key: str | None,
                     given: Mapping[str, Any]) -> Job:
    """Register the notebook as it is on disk now, and enqueue one run of it, in one transaction.

    Raises BadRequest (no such file, no notebook), OptionError (no such kernel), PayloadError (a parameter
    that the notebook does not have, or that is no JSON); then nothing was written.
    """
    from tether_lab.job_queue.register import register_and_enqueue

    from .job import Job

    options = options_of(given, JobOptions(), encrypt=lab.settings.encrypt)
    version, captured = _version(lab, Path(str(path)), key, options)
    payload = read_payload(parameters, version, "{}", lab.store(encrypted=options.encrypt),
                           limit=lab.settings.payload_limit)
    jobs = new_jobs(lab, version, [payload], options)
    version, _, _, ids = register_and_enqueue(
        lab.queue, version, jobs, defaults="{}", options=handler_options(options).to_json(),
        small_blobs=captured.small, large_blobs=captured.large)
    lab.remember(version)
    lab.waker.wake()
    return Job(lab, ids[0])


def is_notebook(key: object) -> bool:
    """Whether a key is meant as the name of a notebook file."""
    return isinstance(key, str) and key.endswith(text.SUFFIX)


def as_handler(lab: Lab, key: str) -> Handler | None:
    """The handler of a notebook file, registered as it is on disk now; None if there is no such file."""
    from tether_lab.job_queue import handlers
    from tether_lab.job_queue.register import register

    path = Path(key).expanduser()
    if not path.is_file():
        return None
    version, captured = _version(lab, path, None, JobOptions())
    known = handlers.head(lab.queue, version.key)
    version, _, _ = register(lab.queue, version, defaults="{}", options=known.options if known else "{}",
                             small_blobs=captured.small, large_blobs=captured.large)
    lab.remember(version)
    return handlers.head(lab.queue, version.key)


def check_kernel(version: HandlerVersion, options: JobOptions) -> None:
    """Refuse a kernel that is not installed. Raises OptionError naming those that are."""
    from jupyter_client.kernelspec import KernelSpecManager

    wanted = options.kernel or text.kernel_of(json.loads(version.source))
    known = KernelSpecManager().find_kernel_specs()
    if wanted not in known:
        raise OptionError(f"there is no kernel {wanted!r} here", where="kernel",
                          remedy=f"Installed: {', '.join(sorted(known)) or 'none'}; choose one with kernel=.")


def _version(lab: Lab, path: Path, key: str | None, options: JobOptions) -> tuple[HandlerVersion, Captured]:
    from tether_lab.capture import CaptureRequest, capture_cell

    path = path.expanduser().absolute()
    try:
        notebook = text.read_notebook(path.read_text(encoding="utf-8"), path.name)
    except FileNotFoundError:
        raise BadRequest(f"there is no notebook {path}", where=str(path), remedy="Check the path.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadRequest(f"{path} cannot be read: {error}", where=str(path)) from None
    names = text.declared(notebook)
    parameters = {name: {"required": False, "type": None} for name in ([OPEN] if names is None else names)}
    beside = {"notebook": str(path)}
    captured = capture_cell(CaptureRequest(
        namespace={}, mode="none", shell=beside, warn=lab.settings.capture_warn,
        limit=capture_limit(lab, options)), lab.store(encrypted=options.encrypt or lab.settings.encrypt))
    captured = replace(captured, manifest=replace(captured.manifest, cwd=str(path.parent)))
    source = json.dumps(notebook, ensure_ascii=False, separators=(",", ":"))
    return signed(lab, check_key(key or _key(path)), "notebook", source, json.dumps(parameters), captured,
                  notebook=str(path)), captured


def _key(path: Path) -> str:
    """The file's name, without what a key may not have."""
    plain = ("-" if c.isspace() or c in "<>\"'`\\" else c for c in path.name)
    return "".join(plain).lstrip("-.~") or "notebook.ipynb"
