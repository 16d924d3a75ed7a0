"""What a cell in a process of its own costs at least: a fork, ``run_cell`` and the end of the process, with
IPython rehearsed and nothing of the supervisor, its sockets and its queue. Nothing of ours can be quicker.
The last line is a whole job process (a session, sockets, pipes, the cell, its ending told), forked and reaped
with no worker and no queue beside it: what they may still take is the rest.

    python benchmarks/cell_floors.py [MODULE …]        CPU time, user and system; imports the modules first

``two_at_a_time`` is what ``bench`` puts beside a drain: so many a second of two processes that do no more.
"""

from __future__ import annotations

import gc
import importlib
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

COUNT = 200
SECONDS = 1.0


def spent() -> float:
    """CPU seconds of this process and of its children that have ended."""
    return sum(used.ru_utime + used.ru_stime for used in map(
        resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))


def ready(modules: list[str]) -> Any:
    """What a zygote has at hand, these modules imported."""
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
    assert desk.shell is not None
    return desk


def main(modules: list[str]) -> None:
    desk = ready(modules)
    for named, of in (("fork and end", lambda: forked(lambda: None)),
                      ("fork, run_cell, end", lambda: forked(lambda: desk.shell.run("1 + 1;"))),
                      ("a job process", lambda: job_process(desk))):
        before = spent()
        for _ in range(COUNT):
            of()
        each = (spent() - before) / COUNT
        print(f"{named:20} {each * 1e3:5.2f} ms  {os.cpu_count() or 1} cores: at most "
              f"{(os.cpu_count() or 1) / each:.0f}/s, with {', '.join(modules) or 'nothing'} loaded")


def forked(do: Callable[[], object]) -> None:
    """A child that does this and ends, waited for."""
    pid = os.fork()
    if pid == 0:
        try:
            do()
        finally:
            os._exit(0)
    os.waitpid(pid, 0)


def two_at_a_time(*modules: str) -> float:
    """Cells a second of two processes that fork, run one in the child, and wait for its end."""
    both = [subprocess.Popen([sys.executable, __file__, "--beside", *modules], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, text=True) for _ in range(2)]
    rates = []
    for process in both:
        assert process.stdout is not None
        process.stdout.readline()
    for process in both:
        assert process.stdin is not None
        process.stdin.close()
    for process in both:
        assert process.stdout is not None
        rates.append(float(process.stdout.readline()))
        process.stdout.close()
        process.wait()
    return sum(rates)


def beside(modules: list[str]) -> None:
    """One of the two: says that it is ready, waits to be let go, tells its rate."""
    desk = ready(modules)
    print("ready", flush=True)
    sys.stdin.read()
    begun, count = time.monotonic(), 0
    while time.monotonic() < begun + SECONDS:
        forked(lambda: desk.shell.run("1 + 1;"))
        count += 1
    print(count / (time.monotonic() - begun), flush=True)


def job_process(desk: Any) -> None:
    """A child that becomes a job process, and runs one cell."""
    from tether_lab.runner import child, wire
    from tether_lab.runner.channel import Channel, lift
    from tether_lab.worker.process import Process

    folder, parent, process = tempfile.gettempdir(), os.getpid(), Process(1, warm=False)

    def serve() -> None:
        control, stdout, stderr, stack = process.theirs
        os.close(process.control)
        channel = Channel(lift(control))
        child.serve(channel, child.become_job(stdout, stderr, stack, parent), desk, warm=False)

    process.send(wire.Task(1, "0" * 32, 1, 1, 1, "cell", "cell", "v", "1 + 1;", "{}", "{}", "{}", "{}", folder,
                           {}, folder))
    forked(serve)
    ended = process.read()[-1]
    assert isinstance(ended, wire.Ended), ended
    assert ended.kind == "succeeded", ended
    process.close()


if __name__ == "__main__":
    beside(sys.argv[2:]) if sys.argv[1:2] == ["--beside"] else main(sys.argv[1:])
