"""Local modules travel as source: the job imports them as they were when the cell was submitted.

A module is local if its file lies below the notebook's roots and neither in site-packages nor in
the standard library. Which of them a capture needs is followed through their own imports. Their
state (globals that were changed after the import) does not travel: the job runs them anew.
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

_OWN = __name__.partition(".")[0]
_LIBRARY = ("site-packages", "dist-packages")


@dataclass(slots=True)
class Snapshot:
    """``modules`` as ``Manifest.modules`` wants them, and sentences about stale ones."""

    modules: dict[str, dict[str, Any]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Source:
    text: str
    imports: tuple[str, ...]


def top(module: str) -> str:
    """``numpy`` of ``numpy.linalg``."""
    return module.partition(".")[0]


@lru_cache(maxsize=1)
def _prefixes() -> tuple[str, ...]:
    found = {os.path.realpath(p) for p in (sys.prefix, sys.base_prefix, sys.exec_prefix)}
    return tuple(path.rstrip(os.sep) + os.sep for path in found if path != os.sep)


@lru_cache(maxsize=8192)
def _is_local(file: str, roots: tuple[str, ...]) -> bool:
    real = os.path.realpath(file)                     # 10 µs each, hence the cache
    if any(part in _LIBRARY for part in Path(real).parts) or real.startswith(_prefixes()):
        return False
    return real.startswith(roots)


def real_roots(roots: Iterable[Path]) -> tuple[str, ...]:
    """Folders as prefixes of real paths; the working folder if there are none."""
    folders = list(roots) or [Path.cwd()]
    return tuple({os.path.realpath(folder).rstrip(os.sep) + os.sep for folder in folders})


def is_local(module: ModuleType, roots: tuple[str, ...]) -> bool:
    """Whether a loaded module is one of the notebook's own."""
    if top(module.__name__) in {"__main__", _OWN} or module.__spec__ is None:
        return False
    file = getattr(module, "__file__", None)
    if file:
        return file.endswith(".py") and _is_local(file, roots)
    paths = list(getattr(module, "__path__", ()))     # a namespace package
    return bool(paths) and all(_is_local(str(path), roots) for path in paths)


def local_modules(seeds: Iterable[str], roots: Sequence[Path]) -> Snapshot:
    """Snapshot the local modules that ``seeds`` (names of modules) lead to.

    Seeds that are not loaded yet are looked for on ``sys.path``, without importing them.
    """
    where, found = real_roots(roots), Snapshot()
    waiting, tops = list(dict.fromkeys(seeds)), set[str]()
    while waiting:
        name = waiting.pop()
        if name in found.modules or not name or top(name) in sys.stdlib_module_names:
            continue
        entry = _entry(name, where)
        if entry is None:
            continue
        file, package = entry
        source = _read(file) if file else _Source("", ())
        if source is None:
            continue
        found.modules[name] = {"file": file, "source": source.text, "package": package}
        _stale(name, file, found.warnings)
        parent = name.rpartition(".")[0]
        waiting += [parent, *_absolute(name, package, source.imports)]
        if top(name) not in tops:
            # A package may import its parts by computed names: all that are loaded come along.
            tops.add(top(name))
            prefix = top(name) + "."
            waiting += [n for n in list(sys.modules) if n.startswith(prefix)]
    return found


def _entry(name: str, roots: tuple[str, ...]) -> tuple[str, bool] | None:
    """File ("" for a namespace package) and whether it is a package, of a local module."""
    module = sys.modules.get(name)
    if isinstance(module, ModuleType):
        if not is_local(module, roots):
            return None
        return getattr(module, "__file__", None) or "", hasattr(module, "__path__")
    parent = name.rpartition(".")[0]
    path: list[str] | None = None
    if parent:
        holder = _entry(parent, roots)
        if holder is None or not holder[1]:
            return None
        path = [str(Path(holder[0]).parent)] if holder[0] else list(
            getattr(sys.modules.get(parent), "__path__", ()))
    try:
        spec = PathFinder.find_spec(name, path)
    except (ImportError, ValueError, AttributeError):
        return None
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        return None
    if not _is_local(spec.origin, roots):
        return None
    return spec.origin, spec.submodule_search_locations is not None


def _read(file: str) -> _Source | None:
    try:
        found = Path(file).stat()
        return _parsed(file, found.st_mtime_ns, found.st_size)
    except (OSError, UnicodeDecodeError):
        return None


@lru_cache(maxsize=2048)
def _parsed(file: str, _changed: int, _size: int) -> _Source:
    """Source and imports of a file, read again when it changed."""
    import tokenize

    with tokenize.open(file) as handle:
        text = handle.read()
    imports: list[str] = []
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return _Source(text, ())                      # the job will show the error where it imports
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            dot = "" if not node.module else "."
            imports += [base, *(f"{base}{dot}{alias.name}" for alias in node.names)]
    return _Source(text, tuple(dict.fromkeys(imports)))


def _absolute(name: str, package: bool, imports: Iterable[str]) -> list[str]:
    """Names of imported modules, ``..tools`` resolved from where it stands."""
    found = []
    for imported in imports:
        level = len(imported) - len(imported.lstrip("."))
        if not level:
            found.append(imported)
            continue
        parts = name.split(".")
        parts = parts[: len(parts) - level + (1 if package else 0)]
        found.append(".".join([*parts, *filter(None, imported[level:].split("."))]))
    return found


# -- stale modules ---------------------------------------------------------------------------------

_LOOKED_AT: dict[str, Any] = {}            # name of a module -> its spec; "" -> the roots
_SEEN: dict[str, tuple[Any, int]] = {}     # file -> (the spec it was loaded by, its time then)


def watch_modules(roots: Sequence[Path] = ()) -> None:
    """Note the files of local modules that were loaded since the last call.

    Called after each cell: a file that is newer at submit was edited after its import. A reload
    makes a new spec, so a module that autoreload keeps up to date is noted anew.
    """
    where = real_roots(roots)
    if _LOOKED_AT.setdefault("", where) != where:
        _LOOKED_AT.clear()
        _LOOKED_AT[""] = where
    for name, module in list(sys.modules.items()):
        spec = getattr(module, "__dict__", _LOOKED_AT).get("__spec__")
        if spec is None or _LOOKED_AT.get(name) is spec:
            continue
        _LOOKED_AT[name] = spec
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and isinstance(module, ModuleType) and is_local(module, where):
            _first_seen(file, spec)


def _first_seen(file: str, spec: Any) -> int:
    seen = _SEEN.get(file)
    if seen is not None and seen[0] is spec:
        return seen[1]
    try:
        changed = Path(file).stat().st_mtime_ns
    except OSError:
        changed = 0
    compiled = _compiled_from(getattr(spec, "cached", None))
    # Seconds of the source that the import compiled, where its cache file still tells.
    first = compiled * 10**9 if compiled is not None and compiled != changed // 10**9 else changed
    _SEEN[file] = (spec, first)
    return first


def _compiled_from(cached: str | None) -> int | None:
    """The time of the source as a ``.pyc`` file records it."""
    if cached is None or sys.dont_write_bytecode:
        return None                                   # a cache file may be older than the import
    try:
        with Path(cached).open("rb") as handle:
            header = handle.read(16)
    except OSError:
        return None
    if len(header) < 16 or header[4:8] != b"\0\0\0\0":
        return None                                   # checked by hash, not by time
    return int.from_bytes(header[8:12], "little")


def _stale(name: str, file: str, warnings: list[str]) -> None:
    module = sys.modules.get(name)
    if module is None or not file:
        return
    try:
        changed = Path(file).stat().st_mtime_ns
    except OSError:
        return
    if changed // 10**9 > _first_seen(file, module.__spec__) // 10**9 or (
            changed > _SEEN[file][1] and _SEEN[file][1] % 10**9):
        warnings.append(f"{Path(file).name} was edited after {name} was imported; the job uses the "
                        "version on disk")
