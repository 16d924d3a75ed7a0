"""Where there is no fork: a process started ahead that runs one job, speaking the same protocol.

``python -P -m tether_lab.runner.spare --fd CONTROL --stack STACK [--preload numpy,pandas]``; its
descriptors 1 and 2 are the pipes to the supervisor. Its first frame is Hello: ready for its Task.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from contextlib import suppress

from . import child, kinship, wire
from .channel import Channel, lift
from .greeting import hello
from .preload import can_import, rehearse_captures
from .shell import make_shell


def main(arguments: list[str] | None = None) -> int:
    """Get ready, say so, run one job."""
    parser = argparse.ArgumentParser(prog="tether_lab.runner.spare", description=__doc__)
    parser.add_argument("--fd", type=int, required=True, help="the control socket")
    parser.add_argument("--stack", type=int, required=True, help="where stacks are written to")
    parser.add_argument("--preload", default="", help="modules to import ahead, with commas between")
    parser.add_argument("--warm", action="store_true", help="run tasks until the socket closes")
    parser.add_argument("--ahead", type=int, help="the socket with jobs ahead")
    asked = parser.parse_args(arguments)
    kinship.die_with_parent()
    with suppress(OSError):
        os.setsid()                    # it leads its session already if it was started so
    ahead = () if asked.ahead is None else (lift(asked.ahead),)
    channel, stack = Channel(lift(asked.fd), *ahead), lift(asked.stack)
    desk = child.prepare(make_shell())
    rehearse_captures()
    loaded = tuple(name for name in asked.preload.split(",") if name and can_import(name))
    gc.collect()
    gc.freeze()
    channel.send(wire.frame(hello(loaded)))
    child.serve(channel, stack, desk, warm=asked.warm)


if __name__ == "__main__":
    sys.exit(main())
