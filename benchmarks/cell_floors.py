"""What a cell in a process of its own costs at least: a fork, ``run_cell`` and the end of the process, with
IPython rehearsed and nothing of the supervisor, its sockets and its queue. Nothing of ours can be quicker.

    python benchmarks/cell_floors.py [MODULE …]        CPU time, user and system; imports the modules first
"""

from __future__ import annotations

import gc
import importlib
import os
import resource
import sys

COUNT = 200


def spent() -> float:
    """CPU seconds of this process and of its children that have ended."""
    return sum(used.ru_utime + used.ru_stime for used in map(
        resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))


def main(modules: list[str]) -> None:
    from tether_lab.runner.child import prepare
    from tether_lab.runner.large_pages import use_large_pages
    from tether_lab.runner.rehearsal import rehearse
    from tether_lab.runner.shell import make_shell

    for name in modules:
        importlib.import_module(name)
    desk = prepare(make_shell())
    rehearse(desk)
    gc.disable()
    gc.collect()
    gc.freeze()
    use_large_pages()
    for named, source in (("fork and end", None), ("fork, run_cell, end", "1 + 1;")):
        before = spent()
        for _ in range(COUNT):
            pid = os.fork()
            if pid == 0:
                try:
                    if source and desk.shell is not None:
                        desk.shell.run(source)
                finally:
                    os._exit(0)
            os.waitpid(pid, 0)
        each = (spent() - before) / COUNT
        print(f"{named:20} {each * 1e3:5.2f} ms  {os.cpu_count() or 1} cores: at most "
              f"{(os.cpu_count() or 1) / each:.0f}/s, with {', '.join(modules) or 'nothing'} loaded")


if __name__ == "__main__":
    main(sys.argv[1:])
