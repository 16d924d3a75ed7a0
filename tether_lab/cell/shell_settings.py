"""How the kernel's shell shows things, where the user changed that: read here, applied by the
runner's shell (``runner/shell_settings``).

Traits of the shell and of its formatters are plain values; printers (``for_type``) are functions,
which travel with the captures.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

_SHELL = {"ast_node_interactivity": "last_expr", "colors": "neutral"}
_PLAIN_TEXT = ("pprint", "float_precision", "float_format", "max_seq_length", "max_width", "newline", "verbose")
_FIGURE = ("matplotlib.figure", "Figure")
_OURS = ("tether_lab.lab.job", "Job")
_FORMATS = {"image/png": "png", "image/jpeg": "jpeg", "image/svg+xml": "svg", "application/pdf": "pdf"}
_FILES = frozenset({"agg", "svg", "pdf", "ps", "cairo", "pgf", "template"})
_USUAL: dict[Any, Any] = {}
_SYMPY = ("_repr_latex_", "_repr_png_", "_repr_svg_")


def display_state(shell: Any) -> dict[str, Any]:
    """Plain values that differ from a fresh shell's: ``traits`` of the shell, ``text`` those of the
    plain text formatter, ``xmode``, ``disabled`` MIME types, ``inline`` how figures are shown."""
    found: dict[str, Any] = {
        "traits": {name: getattr(shell, name) for name, usual in _SHELL.items()
                   if getattr(shell, name) != usual},
        "xmode": _xmode(shell), "text": _plain_text(shell), "inline": _inline(shell),
        "disabled": sorted(mime for mime, formatter in shell.display_formatter.formatters.items()
                           if not formatter.enabled and _usual(type(formatter)).enabled),
    }
    return {name: value for name, value in found.items() if value}


def _usual(kind: Any) -> Any:
    """An object of a class of formatters or settings as it is before anybody changed it."""
    if kind not in _USUAL:
        _USUAL[kind] = kind()
    return _USUAL[kind]


def _xmode(shell: Any) -> str | None:
    mode = getattr(shell.InteractiveTB, "mode", "Context")
    return None if mode == "Context" else str(mode)


def _plain_text(shell: Any) -> dict[str, Any]:
    formatter = shell.display_formatter.formatters["text/plain"]
    usual = _usual(type(formatter))
    return {name: getattr(formatter, name) for name in _PLAIN_TEXT
            if getattr(formatter, name) != getattr(usual, name)}


def _inline(shell: Any) -> dict[str, Any]:
    """What ``%config InlineBackend`` and ``set_matplotlib_formats`` chose, and ``plt.ioff()``."""
    config = sys.modules.get("matplotlib_inline.config")
    backend = sys.modules.get("matplotlib_inline.backend_inline")
    found: dict[str, Any] = _file_backend()
    if config is None or not config.InlineBackend.initialized():
        return found
    backend_config = config.InlineBackend.instance()
    usual = _usual(config.InlineBackend)
    formats, options = _figure_formats(shell)
    if formats and formats != ["png"]:
        found["figure_formats"] = formats
    if options is not None and options != usual.print_figure_kwargs:
        found["print_figure_kwargs"] = options
    for name in ("close_figures", "rc"):
        if getattr(backend_config, name, None) != getattr(usual, name, None):
            found[name] = getattr(backend_config, name)
    matplotlib = sys.modules.get("matplotlib")
    if backend is not None and matplotlib and not matplotlib.is_interactive() and "backend" not in found:
        found["interactive"] = False
    return found


def _file_backend() -> dict[str, Any]:
    """A backend that shows nothing, if the notebook chose one."""
    matplotlib = sys.modules.get("matplotlib")
    # dict's own look-up: that of rcParams resolves the backend, which imports pyplot.
    chosen = dict.get(matplotlib.rcParams, "backend") if matplotlib is not None else None
    return {"backend": chosen} if isinstance(chosen, str) and chosen.lower() in _FILES else {}


def _figure_formats(shell: Any) -> tuple[list[str], dict[str, Any] | None]:
    """The formats that figures are shown in, read from their printers, and the options of these."""
    formats: list[str] = []
    options: dict[str, Any] | None = None
    for mime, name in _FORMATS.items():
        for cls, printer in shell.display_formatter.formatters[mime].type_printers.items():
            if (cls.__module__, cls.__name__) != _FIGURE:
                continue
            given = dict(getattr(printer, "keywords", None) or {})
            is_double = getattr(getattr(printer, "func", None), "__name__", "") == "retina_figure"
            formats.append("retina" if is_double else name)
            options = {k: v for k, v in given.items() if k not in ("fmt", "base64")
                       and (v is None or isinstance(v, str | int | float | bool))}
    return formats, options


def printers(shell: Any) -> dict[str, Callable[..., Any]]:
    """Printers that the user or a library registered, by ``MIME type|module|name`` of what they print."""
    found: dict[str, Callable[..., Any]] = {}
    for mime, formatter in shell.display_formatter.formatters.items():
        usual = _usual(type(formatter))
        for cls, printer in formatter.type_printers.items():
            if not _is_usual(printer, usual.type_printers.get(cls)):
                found[f"{mime}|{cls.__module__}|{cls.__qualname__}"] = printer
        for (module, name), printer in formatter.deferred_printers.items():
            if not _is_usual(printer, usual.deferred_printers.get((module, name))):
                found[f"{mime}|{module}|{name}"] = printer
    ours = ("|".join(_OURS), "|".join(_FIGURE))
    found = {key: printer for key, printer in found.items() if key.partition("|")[2] not in ours}
    return found | _of_sympy() | _of_numbers()


def _of_numbers() -> dict[str, Callable[..., Any]]:
    """Functions that pandas and numpy were given to show numbers with."""
    found: dict[str, Callable[..., Any]] = {}
    pandas, numpy = sys.modules.get("pandas"), sys.modules.get("numpy")
    with suppress(Exception):                     # half imported
        if pandas is not None and pandas.get_option("display.float_format") is not None:
            found["pandas|display.float_format"] = pandas.get_option("display.float_format")
        for kind, shows in (numpy.get_printoptions()["formatter"] or {}).items() if numpy else ():
            if callable(shows):
                found[f"numpy|{kind}"] = shows
    return found


def _is_usual(printer: Any, usual: Any) -> bool:
    """Whether this is what IPython installs by itself: some of it is made anew for each formatter."""
    return printer is usual or getattr(printer, "__code__", None) is getattr(usual, "__code__", printer)


def _of_sympy() -> dict[str, Callable[..., Any]]:
    """What sympy's ``init_printing`` made of its classes: it writes into them."""
    module = sys.modules.get("sympy.core._print_helpers")
    with suppress(AttributeError):                # another version of sympy
        printable: Any = module.Printable if module is not None else None
        if printable and vars(printable)["_repr_latex_"].__qualname__ != "Printable._repr_latex_":
            return {f"sympy|{name}": vars(printable)[name] for name in _SYMPY}
    return {}
