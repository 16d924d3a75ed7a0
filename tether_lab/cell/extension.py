"""``%load_ext tether_lab`` and its undoing.

Loads no lab and opens nothing: a kernel that never uses a magic pays for these modules alone.
"""

from __future__ import annotations

import sys
from typing import Any

from .completion import complete
from .magics import TetherMagics

NAMES = {"job": ("line", "cell"), "jobs": ("line",), "tether": ("line",)}
_ATTRIBUTE = "_tether_lab_magics"


def load_ipython_extension(shell: Any) -> None:
    """Register the magics, their completion and the way jobs are shown; again does nothing.

    A name that another extension owns stays theirs: ``%tether jobs …`` works in any case.
    """
    if getattr(shell, _ATTRIBUTE, None) is not None:
        return
    magics = TetherMagics(shell)
    setattr(shell, _ATTRIBUTE, magics)
    for name, kinds in NAMES.items():
        for kind in kinds:
            owner = shell.magics_manager.magics[kind].get(name)
            if owner is None or _is_ours(owner):
                shell.magics_manager.magics[kind][name] = getattr(magics, name)
            else:
                _yielded(name, kind, owner)
    for key in ("%job", "%%job", "%jobs", "%tether"):
        shell.set_hook("complete_command", _completer(magics), str_key=key)
    magics.cards.connect()
    shell.events.register("pre_run_cell", magics.cards.before_cell)
    shell.events.register("post_run_cell", magics.memory.after_cell)


def unload_ipython_extension(shell: Any) -> None:
    """Take back what ``load_ipython_extension`` registered. Jobs and worker go on."""
    magics = getattr(shell, _ATTRIBUTE, None)
    if magics is None:
        return
    shell.events.unregister("pre_run_cell", magics.cards.before_cell)
    shell.events.unregister("post_run_cell", magics.memory.after_cell)
    for name, kinds in NAMES.items():
        for kind in kinds:
            if _is_ours(shell.magics_manager.magics[kind].get(name)):
                del shell.magics_manager.magics[kind][name]
    magics.cards.disconnect()
    magics.current.close()
    setattr(shell, _ATTRIBUTE, None)


def _is_ours(function: object) -> bool:
    return isinstance(getattr(function, "__self__", None), TetherMagics)


def _yielded(name: str, kind: str, owner: object) -> None:
    sign = "%%" if kind == "cell" else "%"
    module = getattr(owner, "__module__", None) or "another extension"
    instead = f"%tether {name} …" if name == "jobs" else "%unload_ext the other one first"
    sys.stderr.write(f"tether_lab: {sign}{name} belongs to {module}; use {instead}.\n")


def _completer(magics: TetherMagics) -> Any:
    def completer(shell: Any, event: Any) -> list[str]:  # noqa: ARG001 — IPython passes the shell
        return complete(event.line, event.text_until_cursor, lambda: magics.current.lab)

    return completer
