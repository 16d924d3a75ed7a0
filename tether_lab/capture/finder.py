"""Imports in the job: local modules from their snapshot, and actions when a library is loaded."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import linecache
import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any


class _SnapshotLoader(importlib.machinery.SourceFileLoader):
    """Runs the source as it was at submit; data files beside it are read from the disk."""

    def __init__(self, name: str, file: str, source: str) -> None:
        super().__init__(name, file)
        self._source = source

    def get_source(self, fullname: str) -> str:  # noqa: ARG002 - as the protocol has it
        return self._source

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002
        lines = self._source.splitlines(keepends=True)
        # No time given: linecache never compares the entry with the file, which may be newer. Not in
        # an exec_module of our own, which would stand in the tracebacks of imports.
        linecache.cache[self.path] = (len(self._source), None, lines, self.path)
        code: CodeType = compile(self._source, self.path, "exec", dont_inherit=True)
        return code


class SnapshotFinder(importlib.abc.MetaPathFinder):
    """Finds local modules in a manifest before the disk is asked."""

    def __init__(self, modules: Mapping[str, Mapping[str, Any]]) -> None:
        self.modules = modules

    def find_spec(self, fullname: str, path: Sequence[str] | None = None,  # noqa: ARG002
                  target: ModuleType | None = None) -> importlib.machinery.ModuleSpec | None:  # noqa: ARG002
        entry = self.modules.get(fullname)
        if entry is None or not entry["file"]:
            return None                               # namespace packages are folders: as on disk
        file = str(entry["file"])
        folder = [str(Path(file).parent)] if entry["package"] else None
        return importlib.util.spec_from_file_location(
            fullname, file, loader=_SnapshotLoader(fullname, file, entry["source"]),
            submodule_search_locations=folder)


class _Then(importlib.abc.Loader):
    """A loader that does something after the module has run."""

    def __init__(self, loader: Any, actions: list[Callable[[], None]]) -> None:
        self._loader, self._actions = loader, actions

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader     # nobody else sees that we were here
        module.__loader__ = self._loader
        self._loader.exec_module(module)
        for action in self._actions:
            action()


class AfterImport(importlib.abc.MetaPathFinder):
    """Runs actions when modules are imported for the first time."""

    def __init__(self) -> None:
        self._actions: dict[str, list[Callable[[], None]]] = {}
        self._busy = threading.local()

    def __call__(self, module: str, action: Callable[[], None]) -> None:
        """Run ``action`` now if the module is loaded, else right after it is."""
        if module in sys.modules:
            action()
            return
        self._actions.setdefault(module, []).append(action)
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)

    def find_spec(self, fullname: str, path: Sequence[str] | None = None,
                  target: ModuleType | None = None) -> importlib.machinery.ModuleSpec | None:
        if fullname not in self._actions or getattr(self._busy, "name", None) == fullname:
            return None
        self._busy.name = fullname
        try:
            spec = None
            for finder in sys.meta_path:
                if finder is not self and hasattr(finder, "find_spec"):
                    spec = finder.find_spec(fullname, path, target)
                    if spec is not None:
                        break
        finally:
            self._busy.name = None
        if spec is None or spec.loader is None or not hasattr(spec.loader, "exec_module"):
            return None
        spec.loader = _Then(spec.loader, self._actions.pop(fullname))
        return spec


def keep_source(file: str, source: str) -> None:
    """Make a cell's source visible to tracebacks and ``inspect.getsource``."""
    if not os.path.exists(file):  # noqa: PTH110 - file names of cells are no paths
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
