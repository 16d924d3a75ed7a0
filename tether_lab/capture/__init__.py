"""What a handler takes along: from a cell's source and a namespace to bytes, and back.

Who calls it: ``lab`` captures (in the kernel) and loads results; ``runner`` loads captures and
dumps results. It never talks to the queue, never imports IPython, and imports cloudpickle only
when something is pickled.

    names      which names must exist before the source runs (flow, scopes, evidence, texts)
    gathering  the variables, modules and imports behind those names
    pickling   ONE pickle stream with a shared memo; buffers out of band; refusals by path
    blobs      content-addressed files for large buffers, mapped copy-on-write when loaded
    modules    local .py files travel as source; ``finder`` imports them from there
    ambient    pandas options, rcParams, random states; ``environment`` what the notebook set
    loading    the other direction, in the job's process or, for results, in the kernel

Decisions, with their reasons:

* One stream for all variables: aliases (``b = a``, a row inside a table) survive, and each
  variable still has its own size and its own error.
* Functions of the notebook get the job's namespace itself as ``__globals__``: a helper sees what
  the cell rebinds, as it does in the kernel. Each global is captured once, as a variable.
* Classes travel without cloudpickle's tracker ids, so that loading never resets a live class.
* Results name the classes of ``__main__`` instead of carrying them: an instance that comes back is
  an instance of the class the notebook has now.
* When unsure, refuse or warn: nothing is replaced by a silent copy (open files, locks, generators).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .assignments import assigned
    from .blobs import LARGE, SEALED_LIMIT, Blobs, BlobStore, MemoryStore, SealedStore
    from .capture import Captured, CaptureRequest, capture_cell, capture_function
    from .hints import hint
    from .loading import load_kept, load_manifest, load_result, load_values
    from .modules import watch_modules
    from .names import Names, analyse
    from .provenance import interpreter
    from .results import Dumped, capture_values, dump_plain, dump_result
    from .versions import version_hash

_HOME = {
    "LARGE": "blobs", "BlobStore": "blobs", "Blobs": "blobs", "SealedStore": "blobs",
    "MemoryStore": "blobs", "SEALED_LIMIT": "blobs",
    "CaptureRequest": "capture", "Captured": "capture", "capture_cell": "capture",
    "capture_function": "capture",
    "assigned": "assignments",
    "hint": "hints",
    "load_kept": "loading", "load_manifest": "loading", "load_result": "loading",
    "load_values": "loading",
    "watch_modules": "modules",
    "Names": "names", "analyse": "names",
    "interpreter": "provenance",
    "Dumped": "results", "capture_values": "results", "dump_plain": "results",
    "dump_result": "results",
    "version_hash": "versions",
}

__all__ = [
    "LARGE", "SEALED_LIMIT", "BlobStore", "Blobs", "CaptureRequest", "Captured", "Dumped", "MemoryStore",
    "Names", "SealedStore", "analyse",
    "assigned", "capture_cell", "capture_function", "capture_values", "dump_plain", "dump_result", "hint",
    "interpreter", "load_kept", "load_manifest", "load_result", "load_values", "version_hash",
    "watch_modules",
]


def __getattr__(name: str) -> Any:
    """Rooms open when somebody enters: cloudpickle and the analysis load on first use."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value
