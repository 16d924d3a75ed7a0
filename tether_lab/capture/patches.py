"""What the notebook did to libraries and how it shows figures: these do not travel, and are told.

Replaced functions are found by looking into the modules that a job uses. Whatever else was set on a
module, on one of its classes or values (``math.tau = 6``, ``DataFrame.head = mine``) is found by the
lines that did it (see ``assignments``).
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from types import FunctionType, ModuleType
from typing import Any

from .modules import top

# What goes along with every job (see ``ambient``), or says so by itself.
_TRAVELS = (
    "matplotlib.rcParams", "matplotlib.pyplot.rcParams", "matplotlib.style", "os.environ", "pandas.options",
    "plotly.io.renderers.default", "plotly.io.templates.default", "sys.path", "sys.ps1", "sys.ps2", "IPython",
    "sys.last_", "sys.modules", "tether_lab",
)
_ALWAYS = frozenset({"builtins", "gc", "locale", "logging", "socket", "ssl", "sys", "threading", "warnings"})
"""Modules that act on code which never names them."""

_INTERACTIVE = ("nbagg", "ipympl", "widget", "notebook", "qt", "tk", "gtk", "wx", "macosx", "webagg")
_WIDGETS = frozenset({
    "anywidget", "bqplot", "ipycytoscape", "ipyleaflet", "ipyvolume", "ipywidgets", "pythreejs"})


def patched(modules: Iterable[str]) -> list[str]:
    """Sentences about functions of ``modules`` that are the notebook's own."""
    said = []
    for name in sorted(set(modules) - {"__main__"}):
        module = sys.modules.get(name)
        if isinstance(module, ModuleType):
            said += [_sentence(f"{name}.{function}", "replaced") for function in _of_main(module)]
    return said


def _sentence(what: str, how: str) -> str:
    remedy = "replace it" if how == "replaced" else "set it"
    return f"{what} was {how} by the notebook; the job has the library's own: {remedy} inside the cell"


def _of_main(module: ModuleType) -> list[str]:
    return [name for name, value in list(vars(module).items())
            if type(value) is FunctionType and value.__module__ == "__main__"]


def changed(names: Iterable[str], namespace: Mapping[str, Any], modules: Iterable[str]) -> list[str]:
    """Sentences about those of ``names`` that belong to modules, or to what their job acts on."""
    tops = {top(module) for module in modules} | _ALWAYS
    said = {}
    for dotted in sorted(names):
        path = _path(dotted, namespace)
        if path is not None and top(path) in tops - {"__main__"} and not path.startswith(_TRAVELS):
            said[path] = _sentence(path, "set")
    return list(said.values())


def _path(dotted: str, namespace: Mapping[str, Any]) -> str | None:
    """``math.tau`` of ``m.tau``; None for what is no part of a module or of a class from one."""
    root, *rest = dotted.split(".")
    owner = namespace.get(root)
    if isinstance(owner, type):
        path = f"{owner.__module__}.{owner.__qualname__}"
    elif isinstance(owner, ModuleType):
        path = owner.__name__
    else:
        return None
    for part in rest[:-1]:
        owner = getattr(owner, part, None)
        if isinstance(owner, type) and owner.__module__ == "__main__":
            return None
        path = owner.__name__ if isinstance(owner, ModuleType) else f"{path}.{part}"
    if not hasattr(owner, rest[-1]):
        return None
    if isinstance(owner, ModuleType) and rest[-1] in _of_main(owner):
        return None                        # ``patched`` has said it
    return f"{path}.{rest[-1]}"


def shown_alive(modules: Iterable[str], sources: Iterable[str]) -> list[str]:
    """Sentences about figures and widgets that live in a kernel only. ``sources``: local modules'."""
    tops = {top(module) for module in modules}
    said = []
    matplotlib = sys.modules.get("matplotlib")
    if matplotlib is not None and "matplotlib" in tops:
        # dict's own look-up: that of rcParams resolves the backend, which imports pyplot.
        backend = str(dict.get(matplotlib.rcParams, "backend")).lower()
        if any(word in backend for word in _INTERACTIVE) and "inline" not in backend:
            said.append(f"the notebook shows figures alive ({backend.removeprefix('module://')}); "
                        "a job shows them as pictures")
    if tops & _WIDGETS or any("ipywidgets" in source for source in sources):
        said.append("widgets live in a kernel only; a job shows their text")
    return said
