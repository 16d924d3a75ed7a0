"""The other direction: captures in the job's process, results and values anywhere.

Nothing here checks signatures: ``vault`` did before these bytes were handed over. Loading never
changes what is there: a class of the notebook keeps its attributes, because streams carry no
tracker ids and results refer to classes by name.
"""

from __future__ import annotations

import importlib
import io
import json
import os
import pickle
import sys
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from tether_lab.errors import CaptureUnavailable, ResultUnavailable, TetherLabError
from tether_lab.job.handler import Manifest

from . import rebuild
from .ambient import apply_ambient
from .blobs import Blobs
from .finder import AfterImport, SnapshotFinder, keep_source
from .results import RESULT, is_body

_PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
_REBUILD = rebuild.__name__
_BESIDE = ("__magic__:", "__printer__:")


class Loader(pickle.Unpickler):
    """Reads streams; "the namespace" in them means the one given here."""

    def __init__(self, stream: Any, buffers: Iterable[Any], namespace: dict[str, Any]) -> None:
        super().__init__(stream, buffers=buffers)
        self._bound: dict[str, Callable[..., Any]] = {
            "namespace": lambda: namespace,
            "known_class": partial(_known_class, namespace),
        }
        self._namespace = namespace

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        """What the stream names; ``__main__`` is the namespace, whatever ``__main__`` is here."""
        if module_name == _REBUILD and global_name in self._bound:
            return self._bound[global_name]
        if module_name == "__main__":
            first, *rest = global_name.split(".")
            if first in self._namespace:
                found = self._namespace[first]
                for part in rest:
                    found = getattr(found, part)
                return found
        return super().find_class(module_name, global_name)


def _known_class(namespace: dict[str, Any], name: str, stream: bytes) -> type:
    found = rebuild.find_class(namespace, name)
    if found is not None:
        return found
    loaded: type = Loader(io.BytesIO(stream), (), namespace).load()
    return loaded


# -- captures ----------------------------------------------------------------------------------------


def load_manifest(manifest: Manifest, blobs: Blobs, namespace: dict[str, Any], *,
                  fresh_seed: bool = False, process: bool = True) -> dict[str, Any]:
    """Put everything that a handler took along in place: working folder, environment, paths, local
    modules, settings, imports and, in ``namespace``, variables.

    Returns what is no variable: ``__handler__`` (also in the namespace) and, as
    ``__magic__:line:name`` and ``__printer__:…``, user-defined magics and printers. ``fresh_seed``
    leaves random states alone; ``process=False`` leaves the process alone (a kernel that debugs a
    job). Raises CaptureUnavailable naming the variable, module or blob.
    """
    _same_python(manifest.python)
    after_import = AfterImport()
    if process:
        _set_process(manifest)
    if manifest.modules:
        sys.meta_path.insert(0, SnapshotFinder(manifest.modules))
    for file, source in manifest.sources.items():
        keep_source(file, source)
    blobs = blobs.expect(manifest.large)
    if process and manifest.ambient is not None:
        state = pickle.loads(blobs.code(manifest.ambient))
        settings = {name: found for name, found in state.items() if not _is_random(name)}
        apply_ambient(settings, after_import=after_import)
    for name, module in manifest.imports.items():
        namespace[name] = _import(module, f"{name} is the module {module}")
    for module in manifest.submodules:
        _import(module, f"the cell uses {module}")
    beside = _load_variables(manifest, blobs, namespace)
    if process and manifest.ambient is not None:
        # Last of all: imports and __setstate__ may draw numbers.
        random = {name: found for name, found in state.items() if _is_random(name)}
        apply_ambient(random, after_import=after_import, fresh_seed=fresh_seed)
    return beside


def _is_random(name: str) -> bool:
    return name in {"random", "numpy.random", "torch"}


def _same_python(python: str) -> None:
    if python and python != _PYTHON:
        raise CaptureUnavailable(
            f"this was captured under Python {python}, and this is Python {_PYTHON}",
            where=f"Python {python}", remedy="Compiled functions do not move between versions: run "
            "the cell again, or start the worker's runner with that Python.")


def _set_process(manifest: Manifest) -> None:
    if manifest.cwd:
        try:
            os.chdir(manifest.cwd)
        except OSError as error:
            raise CaptureUnavailable(
                f"the notebook's folder {manifest.cwd} cannot be entered ({error.strerror})",
                where=manifest.cwd, remedy="Create it, or run the cell again from another folder.",
            ) from error
    os.environ.update(manifest.environ)
    if "TZ" in manifest.environ and hasattr(time, "tzset"):
        time.tzset()
    sys.path[:0] = [path for path in manifest.path if path not in sys.path]


def _import(module: str, why: str) -> Any:
    try:
        return importlib.import_module(module)
    except Exception as error:
        missing = isinstance(error, ModuleNotFoundError)
        remedy = f"Install it for {sys.executable}." if missing else "The import itself failed."
        raise CaptureUnavailable(f"{why}, which cannot be imported: {type(error).__name__}: {error}",
                                 where=module, remedy=remedy) from error


def _load_variables(manifest: Manifest, blobs: Blobs, namespace: dict[str, Any]) -> dict[str, Any]:
    beside: dict[str, Any] = {}
    if manifest.stream is None:
        return beside
    stream = io.BytesIO(blobs.code(manifest.stream))
    loader = Loader(stream, [blobs[digest] for digest in manifest.buffers], namespace)
    for variable in manifest.variables:
        try:
            value = loader.load()
        except TetherLabError:
            raise
        except Exception as error:
            raise CaptureUnavailable(
                f"could not rebuild {variable.name} ({variable.type}): {type(error).__name__}: {error}",
                where=variable.name, remedy=f"Leave it out with --without {variable.name}, or pass "
                "what it is made from.") from error
        if variable.name.startswith(_BESIDE):
            beside[variable.name] = value
            continue
        namespace[variable.name] = value
        if variable.name == "__handler__":
            beside[variable.name] = value
    return beside


# -- results -----------------------------------------------------------------------------------------


def load_result(body: str, blobs: Blobs, namespace: dict[str, Any], *, kind: str = "",
                text: str = "") -> Any:
    """The value of a stored result; ``kind`` and ``text`` as in ``job.ResultRow``, where known.

    Raises ResultUnavailable with the reason; the text form still shows.
    """
    if kind == "none" or (not kind and not body):
        return None
    found: Any = None if kind == "unavailable" else json.loads(body)
    if kind == "unavailable" or (is_body(found) and found["variables"][0].get("error")):
        raise ResultUnavailable(f"the result was not stored: {text}",
                                remedy="Return something that can travel, or its path.")
    return _load_body(found, blobs, namespace)[RESULT] if is_body(found) else found


def load_kept(body: str, blobs: Blobs, namespace: dict[str, Any]) -> dict[str, Any]:
    """The kept variables of a stored result. One that could not be stored raises
    ResultUnavailable, with its reason, when it is asked for."""
    found: Any = json.loads(body) if body else None
    if not is_body(found):
        return Kept({}, {})
    values = _load_body(found, blobs, namespace)
    values.pop(RESULT, None)
    return Kept(values, {v["name"]: v["error"] for v in found["variables"]
                         if v["name"] != RESULT and v.get("error")})


def load_values(body: str, blobs: Blobs, namespace: dict[str, Any]) -> dict[str, Any]:
    """What ``capture_values`` dumped."""
    return _load_body(json.loads(body), blobs, namespace)


class Kept(dict[str, Any]):
    """Kept variables by name; ``problems`` has those that could not be stored, with reasons."""

    def __init__(self, values: dict[str, Any], problems: dict[str, str]) -> None:
        super().__init__(values)
        self.problems = problems

    def __missing__(self, name: str) -> Any:
        if name in self.problems:
            raise ResultUnavailable(f"{name} was not stored: {self.problems[name]}", where=name)
        raise KeyError(name)


def _load_body(found: dict[str, Any], blobs: Blobs, namespace: dict[str, Any]) -> dict[str, Any]:
    if found["python"] != _PYTHON:
        raise ResultUnavailable(
            f"this was stored by Python {found['python']}, and this is Python {_PYTHON}",
            where=f"Python {found['python']}",
            remedy="Load it in a notebook with that Python; its text form still shows.")
    if found["stream"] is None:
        return {}
    try:
        blobs = blobs.expect(found["large"]).sound(found["buffers"])
        loader = Loader(io.BytesIO(blobs.code(found["stream"])),
                        [blobs[digest] for digest in found["buffers"]], namespace)
        return {v["name"]: loader.load() for v in found["variables"] if not v.get("error")}
    except CaptureUnavailable as error:
        raise ResultUnavailable(error.message, remedy=error.remedy, where=error.where) from error
    except TetherLabError:
        raise
    except Exception as error:
        raise ResultUnavailable(
            f"the result cannot be rebuilt here: {type(error).__name__}: {error}",
            remedy="Its modules and classes must be importable; its text form still shows.",
        ) from error
