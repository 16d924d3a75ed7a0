"""The first frame of a zygote or spare process: who it is, and which words it understands."""

from __future__ import annotations

import os
import platform
import sys

from . import wire


def hello(loaded: tuple[str, ...] = ()) -> wire.Hello:
    """``loaded``: the modules imported ahead; those of captures are told as well."""
    captures = tuple(sorted(name for name in sys.modules if name.startswith("tether_lab.capture.")))
    package = sys.modules["tether_lab"]      # an import would draw every room in
    return wire.Hello(wire.PROTOCOL, os.getpid(), platform.python_version(), sys.prefix,
                      package.__version__, (*captures, *loaded))
