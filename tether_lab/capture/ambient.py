"""Settings of a process that change what a cell does: options of pandas and matplotlib, numpy's
print options, warning filters, the decimal context, logging levels, random states.

Read in the kernel, only from libraries that are loaded; applied in the job, to a library at the
moment it is imported there, so that a setting alone never costs an import.
"""

from __future__ import annotations

import importlib
import logging
import pickle
import sys
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

State = dict[str, Any]             # aspect -> what to restore; small, made of plain values


def read_ambient(seeded: frozenset[str] = frozenset(), *, figures: bool = False) -> State:
    """What differs from the defaults. ``seeded`` names the random generators whose state goes
    along: "random", "numpy.random", "torch"; ``figures``: there are some among the variables."""
    state: State = {}
    for name, (module, reader, _) in _ASPECTS.items():
        loaded = sys.modules.get(module)
        if loaded is None or (name == "pyplot" and not figures):
            continue
        with suppress(Exception):                     # a half-imported or faked library
            found = reader(loaded)
            if found:
                state[name] = found
    for generator in sorted(seeded):
        loaded = sys.modules.get(generator)
        if loaded is not None and generator in _RANDOM:
            with suppress(Exception):
                state[generator] = _RANDOM[generator][0](loaded)
    return state


def apply_ambient(state: Mapping[str, Any], *, after_import: Callable[[str, Callable[[], None]], None],
                  fresh_seed: bool = False) -> None:
    """Restore ``state``. ``after_import(module, action)`` runs the action at once if the module is
    loaded, else when it is. With ``fresh_seed`` random states are left alone."""
    for name, found in state.items():
        if name in _ASPECTS:
            module, _, writer = _ASPECTS[name]
            after_import(module, _quietly(writer, module, found))
        elif name in _RANDOM and not fresh_seed:
            after_import(name, _quietly(_RANDOM[name][1], name, found))


def _quietly(writer: Callable[[Any, Any], None], module: str, found: Any) -> Callable[[], None]:
    def action() -> None:
        with suppress(Exception):                     # an option that this version does not have
            writer(sys.modules[module], found)
    return action


def _differs(left: Any, right: Any) -> bool:
    try:
        return bool(left != right)
    except Exception:  # noqa: BLE001 - values of any library; what cannot be compared is left alone
        return False


# -- pandas ------------------------------------------------------------------------------------------


def _pandas_options(_: Any) -> Any:
    # The public get_option() takes 3 µs for each of a hundred options.
    config = sys.modules["pandas._config.config"]
    registered: Mapping[str, Any] = config._registered_options  # noqa: SLF001
    deprecated: Mapping[str, Any] = config._deprecated_options  # noqa: SLF001
    values = _flat(config._global_config)  # noqa: SLF001
    return {key: values[key] for key, option in registered.items()
            if key in values and key not in deprecated and _differs(values[key], option.defval)
            and _is_plain(values[key])}


def _flat(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in nested.items():
        if isinstance(value, dict):
            found.update(_flat(value, f"{prefix}{key}."))
        else:
            found[prefix + key] = value
    return found


def _set_pandas(pandas: Any, options: Mapping[str, Any]) -> None:
    for key, value in options.items():
        with suppress(Exception):
            pandas.set_option(key, value)


# -- matplotlib ----------------------------------------------------------------------------------------


def _rc_parameters(matplotlib: Any) -> Any:
    # dict's own methods: rcParams' look-ups resolve the backend, which imports pyplot.
    now, default = matplotlib.rcParams, matplotlib.rcParamsDefault
    found = {}
    for key, value in dict.items(now):
        if (value is not dict.get(default, key) and _differs(value, dict.get(default, key))
                and not key.startswith("backend") and key != "interactive"):
            value = str.__str__(value) if isinstance(value, str) else value      # cap and join styles
            # Effects of lines (xkcd) are objects; as bytes they import nothing before their time.
            found[key] = value if _is_plain(value) else pickle.dumps(value, protocol=5)
    return found


def _set_rc(matplotlib: Any, values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        with suppress(Exception):
            matplotlib.rcParams[key] = pickle.loads(value) if isinstance(value, bytes) else value


def _backend(pyplot: Any) -> Any:
    """Whether a backend is at work: it is what shows figures that were not made by pyplot."""
    return {"loaded": True} if getattr(pyplot, "_backend_mod", None) is not None else None


def _load_backend(pyplot: Any, _: Any) -> None:
    pyplot.switch_backend(pyplot.matplotlib.rcParams["backend"])


def _colormaps(colors: Any) -> Any:
    """How another library has colormaps shown (seaborn does, when it is imported)."""
    return {name: printer.__module__ for name, printer in vars(colors.Colormap).items()
            if name.startswith("_repr_") and not printer.__module__.startswith(("matplotlib", "__main__"))}


def _set_colormaps(colors: Any, found: Mapping[str, str]) -> None:
    def replaced(name: str, module: str) -> Callable[[Any], Any]:
        def shown(colormap: Any) -> Any:
            importlib.import_module(module)               # which puts its own in the place of this one
            printer = getattr(colors.Colormap, name)
            return None if printer is shown else printer(colormap)
        return shown

    for name, module in found.items():
        setattr(colors.Colormap, name, replaced(name, module))


# -- numpy -----------------------------------------------------------------------------------------------

_NUMPY_PRINT: dict[str, Any] = {
    "edgeitems": 3, "threshold": 1000, "floatmode": "maxprec", "precision": 8, "suppress": False,
    "linewidth": 75, "nanstr": "nan", "infstr": "inf", "sign": "-", "legacy": False,
}
_NUMPY_ERRORS = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}


def _numpy(numpy: Any) -> Any:
    shown = {key: value for key, value in numpy.get_printoptions().items()
             if key in _NUMPY_PRINT and value != _NUMPY_PRINT[key]}
    errors = {key: value for key, value in numpy.geterr().items()
              if value != _NUMPY_ERRORS.get(key) and value != "call"}
    return {k: v for k, v in (("print", shown), ("errors", errors)) if v}


def _set_numpy(numpy: Any, found: Mapping[str, Any]) -> None:
    if "print" in found:
        numpy.set_printoptions(**found["print"])
    if "errors" in found:
        numpy.seterr(**found["errors"])


# -- the standard library ----------------------------------------------------------------------------------


def _filters(_: Any) -> Any:
    """Warning filters as (action, message, category, module, line), newest first."""
    found = []
    for action, message, category, module, line in warnings.filters:
        pattern = getattr(message, "pattern", message)
        where = getattr(module, "pattern", module)
        if not isinstance(category, type) or category.__module__ != "builtins":
            continue
        entry = (action, pattern, category.__name__, where, line)
        if entry not in _DEFAULT_FILTERS and not str(pattern or "").startswith(_OTHERS_WARNINGS):
            found.append(entry)
    return found


_OTHERS_WARNINGS = ("numpy.", ".*Trio's")             # numpy's and the kernel's own filters
_DEFAULT_FILTERS = frozenset({
    ("default", None, "DeprecationWarning", "__main__", 0),
    ("ignore", None, "DeprecationWarning", None, 0),
    ("ignore", None, "PendingDeprecationWarning", None, 0),
    ("ignore", None, "ImportWarning", None, 0),
    ("ignore", None, "ResourceWarning", None, 0),
})


def _set_filters(module: Any, found: list[tuple[Any, ...]]) -> None:
    import builtins

    for action, message, category, where, line in reversed(found):
        module.filterwarnings(action, message or "", getattr(builtins, category), where or "", line)


def _decimal(decimal: Any) -> Any:
    now, default = decimal.getcontext(), decimal.DefaultContext
    return {key: getattr(now, key) for key in ("prec", "rounding", "Emin", "Emax", "capitals", "clamp")
            if getattr(now, key) != getattr(default, key)}


def _set_decimal(decimal: Any, found: Mapping[str, Any]) -> None:
    for key, value in found.items():
        setattr(decimal.getcontext(), key, value)


def _logging(_: Any) -> Any:
    """Levels that were set and handlers that write to a stream or a file, by logger ("" = root)."""
    root = logging.getLogger()
    found: State = {}
    for name, logger in [("", root), *root.manager.loggerDict.items()]:
        if not isinstance(logger, logging.Logger) or name.partition(".")[0] in _OTHERS_LOGGERS:
            continue
        entry: State = {}
        if logger.level not in {logging.NOTSET, logging.WARNING}:
            entry["level"] = logger.level
        handlers = [spec for handler in logger.handlers if (spec := _handler(handler))]
        if handlers:
            entry["handlers"], entry["propagate"] = handlers, logger.propagate
        if entry:
            found[name] = entry
    return found


_OTHERS_LOGGERS = frozenset({"asyncio", "traitlets", "IPKernelApp", "parso", "prompt_toolkit", "comm",
                             "concurrent", "tornado", "matplotlib", "PIL", "distributed", "py4j",
                             "tether_lab"})


def _handler(handler: logging.Handler) -> State | None:
    kind = type(handler)
    if kind is logging.FileHandler:
        target = {"file": getattr(handler, "baseFilename", "")}
    elif kind is logging.StreamHandler:
        stream = getattr(handler, "stream", None)
        target = {"stdout": stream is sys.stdout or stream is sys.__stdout__}
    else:
        return None
    layout = handler.formatter
    return {**target, "level": handler.level, "format": getattr(layout, "_fmt", None),
            "datefmt": getattr(layout, "datefmt", None), "formatted": layout is not None}


def _set_logging(_: Any, found: Mapping[str, Any]) -> None:
    for name, entry in found.items():
        logger = logging.getLogger(name or None)
        if "level" in entry:
            logger.setLevel(entry["level"])
        if "handlers" not in entry or any(_handler(handler) for handler in logger.handlers):
            continue
        logger.propagate = entry["propagate"]
        for spec in entry["handlers"]:
            stream = sys.stdout if spec.get("stdout") else sys.stderr
            handler: logging.Handler = (logging.FileHandler(spec["file"]) if "file" in spec
                                        else logging.StreamHandler(stream))
            handler.setLevel(spec["level"])
            if spec["formatted"]:
                handler.setFormatter(logging.Formatter(spec["format"], spec["datefmt"]))
            logger.addHandler(handler)


def _limits(module: Any) -> Any:
    found = {}
    if module.getrecursionlimit() not in {1000, 3000}:     # IPython raises it to 3000
        found["recursion"] = module.getrecursionlimit()
    if module.get_int_max_str_digits() != module.int_info.default_max_str_digits:
        found["digits"] = module.get_int_max_str_digits()
    return found


def _set_limits(module: Any, found: Mapping[str, int]) -> None:
    if "recursion" in found:
        module.setrecursionlimit(found["recursion"])
    if "digits" in found:
        module.set_int_max_str_digits(found["digits"])


def _socket_timeout(socket: Any) -> Any:
    return {"seconds": socket.getdefaulttimeout()} if socket.getdefaulttimeout() is not None else None


def _sklearn(sklearn: Any) -> Any:
    return {k: v for k, v in sklearn.get_config().items() if _is_plain(v)}


def _plotly(plotly_io: Any) -> Any:
    return {"template": plotly_io.templates.default, "renderer": plotly_io.renderers.default}


def _set_plotly(plotly_io: Any, found: Mapping[str, Any]) -> None:
    plotly_io.templates.default = found["template"]
    if plotly_io.renderers.default != found["renderer"]:
        plotly_io.renderers.default = found["renderer"]


def _sympy(printer: Any) -> Any:
    """What ``init_printing`` says of the order of terms and the like."""
    settings = printer.Printer._global_settings  # noqa: SLF001 - it can be set, but not asked for
    return {key: value for key, value in settings.items() if _is_plain(value)}


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(_is_plain(item) for item in value)
    if type(value).__module__ == "cycler":
        return True
    return value is None or type(value) in {bool, int, float, str}


_ASPECTS: dict[str, tuple[str, Callable[[Any], Any], Callable[[Any, Any], None]]] = {
    "pandas": ("pandas", _pandas_options, _set_pandas),
    "matplotlib": ("matplotlib", _rc_parameters, _set_rc),
    "pyplot": ("matplotlib.pyplot", _backend, _load_backend),
    "colormaps": ("matplotlib.colors", _colormaps, _set_colormaps),
    "numpy": ("numpy", _numpy, _set_numpy),
    "sklearn": ("sklearn", _sklearn, lambda sklearn, found: sklearn.set_config(**found)),
    "plotly": ("plotly.io", _plotly, _set_plotly),
    "sympy": ("sympy.printing.printer", _sympy,
              lambda printer, found: printer.Printer.set_global_settings(**found)),
    "warnings": ("warnings", _filters, _set_filters),
    "decimal": ("decimal", _decimal, _set_decimal),
    "logging": ("logging", _logging, _set_logging),
    "limits": ("sys", _limits, _set_limits),
    "socket": ("socket", _socket_timeout, lambda s, found: s.setdefaulttimeout(found["seconds"])),
}
_RANDOM: dict[str, tuple[Callable[[Any], Any], Callable[[Any, Any], None]]] = {
    "random": (lambda random: random.getstate(), lambda random, found: random.setstate(found)),
    "numpy.random": (lambda random: random.get_state(),
                     lambda random, found: random.set_state(found)),
    "torch": (lambda torch: torch.get_rng_state().numpy().tobytes(),
              lambda torch, found: torch.set_rng_state(torch.frombuffer(bytearray(found),
                                                                        dtype=torch.uint8))),
}
