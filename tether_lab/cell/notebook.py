"""What the notebook around a cell is like: where it lies, what its shell has, what its cells did.

``Memory`` is told of every executed cell and looks for three things cheaply (tens of microseconds a
cell): which global random generators were seeded, what was set on modules and classes, and whether
local modules were imported, so that ``capture`` can note how old their files were then.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from typing import Any

from .shell_settings import display_state, printers

_SEEDS = re.compile(r"([\w.]*\.)?(\w*seed\w*|setstate|set_state|set_rng_state)\s*\(", re.IGNORECASE)
_GENERATORS = ("random", "numpy.random", "torch")
_OURS = frozenset({"tether_lab", "storemagic"})


def _note_modules() -> None:
    from tether_lab.capture import watch_modules

    watch_modules()


class Memory:
    """What executed cells of this kernel did that a job must know of."""

    def __init__(self, shell: Any, note_modules: Callable[[], object] = _note_modules) -> None:
        self.seeded: set[str] = set()
        self.assigned: set[str] = set()
        self._note_modules = note_modules
        self._known: set[str] = set()
        for source in shell.user_ns.get("In", ()):
            self._look_into(str(source))
        self._look_for_modules()

    def after_cell(self, result: Any = None) -> None:
        """To be called when a cell has run (IPython's ``post_run_cell``)."""
        source = getattr(getattr(result, "info", None), "raw_cell", None)
        if isinstance(source, str):
            self._look_into(source)
        self._look_for_modules()

    def _look_into(self, source: str) -> None:
        from tether_lab.capture import assigned

        self._look_for_seeds(source)
        if not source.lstrip().startswith("%%job"):        # that ran elsewhere
            self.assigned |= assigned(source)

    def _look_for_seeds(self, source: str) -> None:
        """A call such as ``np.random.seed(1)``, ``seed_everything(1)``. A cell that only defines a
        function which seeds counts too: taking a state along that nobody seeded changes nothing."""
        if "seed" not in source.lower() and "state" not in source:
            return
        for dotted, called in _SEEDS.findall(source):
            self.seeded.update(_generators(dotted.rstrip("."), called))

    def _look_for_modules(self) -> None:
        """Have the files of local modules noted, if there are new ones."""
        if len(sys.modules) == len(self._known):
            return
        fresh = sys.modules.keys() - self._known
        self._known |= fresh
        files = (getattr(sys.modules.get(name), "__file__", None) for name in fresh
                 if not name.startswith("tether_lab"))
        if any(isinstance(file, str) and _is_local(file) for file in files):
            self._note_modules()


def _generators(owner: str, called: str) -> tuple[str, ...]:
    """Which global generators ``owner.called(…)`` may seed."""
    if called in ("SeedSequence", "get_state", "getstate"):
        return ()
    if owner == "random":
        return ("random",)
    if owner in ("np.random", "numpy.random"):
        return ("numpy.random",)
    if owner == "torch" or owner.startswith("torch."):
        return ("torch",)
    return _GENERATORS


def _is_local(file: str) -> bool:
    """Whether a module's file is the user's own: neither installed nor of the standard library."""
    return not (file.startswith((sys.prefix, sys.base_prefix)) or "site-packages" in file
                or "dist-packages" in file) and file.endswith(".py")


def shell_state(shell: Any) -> dict[str, Any]:
    """What the shell was given: ``extensions`` (names), ``aliases`` (name to command), ``magics``
    (``{"line": {name: function}, "cell": …}``), the last two made by the user only; ``magic_names``
    other names for magics; ``display`` and ``printers``: see ``shell_settings``."""
    defaults = {name: command.replace(" --color", "")
                for name, command in shell.alias_manager.default_aliases}
    aliases = {name: command for name, command in shell.alias_manager.aliases
               if isinstance(command, str) and defaults.get(name) != command.replace(" --color", "")}
    magics = {kind: {name: function for name, function in known.items() if _is_users(function)}
              for kind, known in shell.magics_manager.magics.items() if kind in ("line", "cell")}
    names = {kind: {name: [alias.magic_name, alias.magic_params] for name, alias in known.items()
                    if type(alias).__name__ == "MagicAlias"}
             for kind, known in shell.magics_manager.magics.items() if kind in ("line", "cell")}
    return {"extensions": sorted(shell.extension_manager.loaded - _OURS), "aliases": aliases,
            "magics": magics, "magic_names": names, "display": display_state(shell),
            "printers": printers(shell)}


def _is_users(function: Any) -> bool:
    owner = getattr(function, "__self__", None)
    if owner is not None and type(owner).__module__ == "__main__":
        return True
    return getattr(function, "__module__", None) == "__main__" and owner is None


def provenance(shell: Any) -> tuple[str | None, str | None]:
    """The notebook's path and the cell's id, where the front end tells them.

    JupyterLab puts ``cellId`` into the request's metadata, the Jupyter server the notebook's path
    into the kernel's environment; VS Code leaves the path in the namespace.
    """
    notebook = os.environ.get("JPY_SESSION_NAME") or shell.user_ns.get("__vsc_ipynb_file__")
    parent: Any = {}
    if hasattr(shell, "get_parent"):
        parent = shell.get_parent() or {}
    metadata = parent.get("metadata") if isinstance(parent, dict) else None
    kernel = getattr(shell, "kernel", None)
    if not metadata and kernel is not None and hasattr(kernel, "get_parent"):
        metadata = (kernel.get_parent("shell") or {}).get("metadata")
    cell = (metadata or {}).get("cellId")
    return (str(notebook) if notebook else None), (str(cell) if cell else None)
