"""The first frame of a zygote or spare process: who it is, and which words it understands."""

from __future__ import annotations

import os
import platform
import sys

from . import wire


def hello(loaded: tuple[str, ...] = ()) -> wire.Hello:
    """``loaded``: the modules imported ahead."""
    package = sys.modules["tether_lab"]      # an import would draw every room in
    return wire.Hello(wire.PROTOCOL, os.getpid(), platform.python_version(), sys.prefix,
                      package.__version__, loaded)
