"""Runs inside the kernel, kept out of the user's namespace: a fresh start before each case, and
`_` and `Out` put back as they were after `%%job` was typed."""

from __future__ import annotations

import builtins
import decimal
import gc
import logging
import math
import os
import random
import shlex
import signal
import sys
import tempfile
import time
import warnings
from typing import Any

import numpy as np

FIRST: dict[str, Any] = {}
KEPT: dict[str, Any] = {}
PATCHED = shlex.join                # library functions that cases replace
SINC = np.sinc


def shell() -> Any:
    from IPython import get_ipython

    return get_ipython()


def remember() -> None:
    """Call once, before the first case. What is loaded now is frozen, so that each reset, which
    collects garbage, stays quick."""
    import matplotlib as mpl
    import matplotlib.pyplot as plt
    import pandas as pd

    gc.freeze()
    FIRST.update(printers={mime: dict(formatter.type_printers) for mime, formatter
                           in shell().display_formatter.formatters.items()})
    FIRST.update(loaded=(pd, plt), numpy=np.get_printoptions(), rc=dict(mpl.rcParams))
    FIRST.update(environ=dict(os.environ), path=list(sys.path), filters=list(warnings.filters),
                 handlers=list(logging.root.handlers), level=logging.root.level,
                 builtins=set(vars(builtins)), math=set(vars(math)), recursion=sys.getrecursionlimit(),
                 signals={s: signal.getsignal(s) for s in (signal.SIGALRM, signal.SIGINT)})


def fresh() -> None:
    """As a kernel that has just started, in an empty folder of its own."""
    ip = shell()
    ip.reset(new_session=True)
    os.environ.clear()
    os.environ.update(FIRST["environ"])
    time.tzset()
    sys.path[:] = FIRST["path"]
    os.chdir(os.path.realpath(tempfile.mkdtemp(prefix="corpus-")))
    for name in [n for n in sys.modules if n.startswith("corpus_")]:
        del sys.modules[name]
    warnings.filters[:] = FIRST["filters"]
    warnings._filters_mutated()                   # type: ignore[attr-defined]
    _fresh_interpreter(ip)
    _fresh_libraries()
    gc.freeze()                                   # the next reset need not look at libraries again


def _fresh_interpreter(ip: Any) -> None:
    logging.root.handlers[:] = FIRST["handlers"]
    logging.root.setLevel(FIRST["level"])
    decimal.setcontext(decimal.Context())
    sys.setrecursionlimit(FIRST["recursion"])
    random.seed()
    shlex.join = PATCHED
    for module, kept in ((builtins, FIRST["builtins"]), (math, FIRST["math"])):
        for name in set(vars(module)) - kept:
            if name.startswith("corpus_"):
                delattr(module, name)
    for magics in ip.magics_manager.magics.values():
        for name in [n for n, function in magics.items() if getattr(function, "__module__", "") == "__main__"]:
            del magics[name]
    for number, handler in FIRST["signals"].items():
        signal.signal(number, handler)
    ip.run_line_magic("precision", "")
    ip.InteractiveTB.set_mode(mode="Context")
    type(ip).ast_node_interactivity = ip.ast_node_interactivity = "last_expr"
    _fresh_formatters(ip)


def _fresh_formatters(ip: Any) -> None:
    for mime, formatter in ip.display_formatter.formatters.items():
        usual = type(formatter)()
        formatter.enabled = usual.enabled
        for cls in [c for c in formatter.type_printers if c.__module__ in ("__main__", "builtins")]:
            formatter.type_printers.pop(cls)
        formatter.type_printers.update(FIRST["printers"][mime])
        formatter.deferred_printers.pop(("fractions", "Fraction"), None)
        if mime == "text/plain":
            formatter.pprint = usual.pprint
    from IPython.core.pylabtools import select_figure_formats
    from matplotlib_inline.config import InlineBackend

    backend = InlineBackend.instance(parent=ip)
    backend.figure_formats, backend.print_figure_kwargs = {"png"}, {"bbox_inches": "tight"}
    select_figure_formats(ip, {"png"}, bbox_inches="tight")


def _fresh_libraries() -> None:
    import matplotlib as mpl
    import matplotlib.pyplot as plt
    import pandas as pd

    np.random.seed(None)
    np.set_printoptions(**FIRST["numpy"])
    np.sinc = SINC
    if "plotly.io" in sys.modules:
        sys.modules["plotly.io"].renderers.default = "plotly_mimetype"
    for name in ("display.precision", "display.max_rows", "display.float_format"):   # those that cases set
        pd.reset_option(name)
    plt.close("all")
    if mpl.get_backend() == "agg":
        plt.switch_backend("inline")
    if mpl.get_backend() == "inline":
        plt.ion()
    mpl.rcParams.update({k: v for k, v in FIRST["rc"].items()
                         if k not in ("backend", "interactive") and mpl.rcParams[k] != v})


def keep() -> None:
    """Before `%%job` is typed: what the cell that is then run for the truth must find unchanged."""
    ip = shell()
    hook = ip.displayhook
    KEPT.update(ns={k: ip.user_ns.get(k) for k in ("_", "__", "___")}, hook=(hook._, hook.__, hook.___),
                out=dict(ip.user_ns["_oh"]), names=set(ip.user_ns))


def put_back() -> None:
    """After the job ended: as if `%%job` had never been typed."""
    ip = shell()
    hook = ip.displayhook
    ip.user_ns.update(KEPT["ns"])
    hook._, hook.__, hook.___ = KEPT["hook"]
    ip.user_ns["_oh"].clear()
    ip.user_ns["_oh"].update(KEPT["out"])
    for name in set(ip.user_ns) - KEPT["names"]:
        if name.startswith("_") and name[1:].isdigit():
            del ip.user_ns[name]
