"""How the notebook's shell shows things, applied to a job's shell; ``cell/shell_settings`` read it."""

from __future__ import annotations

import builtins
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from .on_import import when_imported


def apply_display_state(shell: Any, found: dict[str, Any]) -> None:
    """Set what differs from a fresh shell. What this version of IPython lacks is left alone."""
    for name, value in found.get("traits", {}).items():
        setattr(shell, name, value)
    if "xmode" in found:
        shell.InteractiveTB.set_mode(mode=found["xmode"])
    formatters = shell.display_formatter.formatters
    for name, value in found.get("text", {}).items():
        with suppress(Exception):
            setattr(formatters["text/plain"], name, value)
    for mime in found.get("disabled", ()):
        if mime in formatters:
            formatters[mime].enabled = False
    if "inline" in found:
        _inline(shell, dict(found["inline"]))


def _inline(shell: Any, found: dict[str, Any]) -> None:
    if "backend" in found:
        chosen = found.pop("backend")
        os.environ["MPLBACKEND"] = chosen
        when_imported("matplotlib", lambda module: module.use(chosen))
    is_interactive = found.pop("interactive", True)
    if "figure_formats" in found:
        found["figure_formats"] = set(found["figure_formats"])
    shell.config.InlineBackend.update(found)

    def configure(module: Any) -> None:
        for backend in [module.InlineBackend.instance()] if module.InlineBackend.initialized() else []:
            for name, value in found.items():
                setattr(backend, name, value)

    when_imported("matplotlib_inline.config", configure)
    if not is_interactive:
        # Its import turns interaction on; the notebook turned it off after that.
        when_imported("matplotlib_inline.backend_inline",
                      lambda _: sys.modules["matplotlib"].interactive(False))


def register_printer(shell: Any, key: str, printer: Callable[..., Any]) -> None:
    """Register a printer of the notebook: ``MIME type|module|name``, or ``sympy|attribute``,
    ``pandas|option``, ``numpy|kind of number``."""
    mime, _, what = key.partition("|")
    if mime == "pandas":
        when_imported("pandas", lambda pandas: pandas.set_option(what, printer))
        return
    if mime == "numpy":
        when_imported("numpy", lambda numpy: numpy.set_printoptions(formatter={
            **(numpy.get_printoptions()["formatter"] or {}), what: printer}))
        return
    if mime == "sympy":
        setattr(sys.modules["sympy.core._print_helpers"].Printable, what, printer)
        return
    module, _, name = what.partition("|")
    formatter = shell.display_formatter.formatters.get(mime)
    if formatter is None:
        return
    if module == "builtins":
        formatter.for_type(getattr(builtins, name), printer)
    else:
        formatter.for_type_by_name(module, name, printer)


def as_in_a_kernel(pandas: Any) -> None:
    """Pandas looks for a terminal as it is imported, and takes a process without a kernel for one: then
    it fits frames to the terminal's width. In a kernel it shows twenty columns, whatever the width."""
    if pandas.get_option("display.max_columns") == 0:
        pandas.set_option("display.max_columns", 20)
