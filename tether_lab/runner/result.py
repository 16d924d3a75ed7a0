"""From values to what is stored, and from what is stored to values: the runner's side of capture."""

from __future__ import annotations

import builtins
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tether_lab.errors import StorageFull
from tether_lab.job import Manifest

from . import wire

if TYPE_CHECKING:
    from tether_lab.capture import BlobStore
    from tether_lab.outcome import Stored

BLOB = "$blob"
_NOTHING = Manifest()
AGAIN = 2.0
"""Seconds until a full disk is tried again."""


def load(task: wire.Task, manifest: Manifest, payload: dict[str, Any],
         namespace: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Put what the handler took along into ``namespace`` (and cwd, environment, modules in place).

    Gives the payload with its stored values loaded, and what came along beside the variables.
    """
    stored = [name for name, value in payload.items() if isinstance(value, dict) and BLOB in value]
    if not stored and manifest == _NOTHING:
        return payload, {}
    from tether_lab.capture import Blobs, load_manifest, load_result

    blobs = Blobs(Path(task.blob_folder), task.blobs)
    beside = load_manifest(manifest, blobs, namespace, fresh_seed=task.fresh_seed)
    namespace["__builtins__"] = builtins     # cloudpickle puts a dict there; in __main__ it is the module
    return {name: load_result(value[BLOB], blobs, namespace) if name in stored else value
            for name, value in payload.items()}, beside


def load_payload(task: wire.Task, payload: dict[str, Any], namespace: dict[str, Any]) -> dict[str, Any]:
    """The payload alone, for a handler that is loaded already."""
    if not any(isinstance(value, dict) and BLOB in value for value in payload.values()):
        return payload
    return load(task, _NOTHING, payload, namespace)[0]


def hint(manifest: Manifest, error: NameError) -> str | None:
    """What the notebook knows about a name that the job does not."""
    from tether_lab.capture import hint as hint_of

    found: str | None = hint_of(manifest, error)
    return found


def store_of(task: wire.Task) -> tuple[BlobStore, float]:
    """Where large buffers of this job go, and how much there may be: files, or, for an encrypted job, only
    to the worker, which closes them."""
    from tether_lab.capture import SEALED_LIMIT, BlobStore, MemoryStore

    if '"encrypt":true' in task.options and json.loads(task.options).get("encrypt"):
        return MemoryStore(), min(task.result_limit, SEALED_LIMIT)
    return BlobStore(Path(task.blob_folder)), task.result_limit


def succeeded(task: wire.Task, value: object, keep: dict[str, Any], namespace: dict[str, Any],
              warn: Callable[[str], None] = lambda _: None) -> wire.Ended:
    """The ending with its result. A value that cannot be stored is no failure: it is ``unavailable``; one
    that finds no room on the disk waits for some, as what the job did may have taken days."""
    if value is None and not keep:
        return wire.Ended(task.job_id, task.epoch, "succeeded")
    stored = _stored(task, value, keep, namespace, warn)
    return wire.Ended(
        task.job_id, task.epoch, "succeeded", result_kind=stored.kind, result_body=stored.body,
        result_text=stored.text, result_type=stored.type, result_size=stored.size,
        blobs=stored.blobs or {})


def _stored(task: wire.Task, value: object, keep: dict[str, Any], namespace: dict[str, Any],
            warn: Callable[[str], None]) -> Stored:
    from tether_lab.capture import dump_plain, dump_result

    plain = dump_plain(value) if not keep else None
    if plain is not None:
        return plain
    store, limit = store_of(task)
    told = False
    while True:
        try:
            return dump_result(value, keep, store, namespace=namespace, limit=limit)
        except StorageFull as error:
            if not told:
                warn(f"the result waits for room: {error.message}")
            told = True
            time.sleep(AGAIN)
