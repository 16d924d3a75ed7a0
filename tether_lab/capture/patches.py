"""Functions of libraries that the notebook replaced by its own: these do not travel, and are told."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from types import FunctionType, ModuleType


def patched(modules: Iterable[str]) -> list[str]:
    """Sentences about replaced functions of ``modules``. Classes are not looked into: a method that
    the job lacks says so by itself."""
    said = []
    for name in sorted(set(modules) - {"__main__"}):
        module = sys.modules.get(name)
        if isinstance(module, ModuleType):
            said += [f"{name}.{function} was replaced by the notebook; the job has the library's own: "
                     "replace it inside the cell" for function in _of_main(module)]
    return said


def _of_main(module: ModuleType) -> list[str]:
    return [name for name, value in list(vars(module).items())
            if type(value) is FunctionType and value.__module__ == "__main__"]
