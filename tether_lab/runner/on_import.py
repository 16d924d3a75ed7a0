"""Do something when a module is imported, now or later, without importing it oneself."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

Action = Callable[[ModuleType], None]


def when_imported(name: str, action: Action) -> None:
    """Call ``action(module)`` at once if it is imported already, else right after its import."""
    module = sys.modules.get(name)
    if module is not None:
        action(module)
        return
    _finder.actions.setdefault(name, []).append(action)
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)


class _Finder(MetaPathFinder):
    """Lets the other finders find the module, and wraps its loader."""

    def __init__(self) -> None:
        self.actions: dict[str, list[Action]] = {}
        self._busy: set[str] = set()

    def find_spec(self, name: str, path: Sequence[str] | None,  # noqa: ARG002
                  target: ModuleType | None = None) -> ModuleSpec | None:  # noqa: ARG002
        if name not in self.actions or name in self._busy:
            return None
        self._busy.add(name)
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self._busy.discard(name)
        if spec is not None and spec.loader is not None:
            spec.loader = _Wrapped(spec.loader, self.actions.pop(name))
        return spec


class _Wrapped(Loader):
    """The loader of the module, with something after it. Everything else is passed through."""

    def __init__(self, loader: Loader, actions: list[Action]) -> None:
        self._loader, self._actions = loader, actions

    def __getattr__(self, name: str) -> object:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        self._loader.exec_module(module)
        for action in self._actions:
            action(module)


_finder = _Finder()
