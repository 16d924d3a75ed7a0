"""``tether-lab demo``: real work on real files, whose worker is killed half-way."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from .parsing import Arguments
from .terminal import say, show_body

if TYPE_CHECKING:
    from tether_lab.lab import Job, Lab

CELL = '''\
import ast, sysconfig, time
from pathlib import Path

files = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))[:modules]
longest, functions = ("", 0), 0
for number, file in enumerate(files, 1):
    tree = ast.parse(file.read_bytes())
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            functions += 1
            lines = node.end_lineno - node.lineno + 1
            if lines > longest[1]:
                longest = (f"{file.stem}.{node.name}", lines)
    ctx.progress(number, len(files), file.name)
    if number % 20 == 0:
        print(f"{number:4} modules, {functions:5} functions so far", flush=True)
    time.sleep(pause)
{"modules": len(files), "functions": functions, "longest": longest[0], "lines": longest[1]}
'''


def run(given: Arguments) -> int:
    """Show it in a lab of its own. 0 if everything happened that should."""
    from tether_lab.lab import Lab

    folder = Path(tempfile.mkdtemp(prefix="tether-lab-demo-")) / "lab"
    lab = Lab(folder)
    try:
        return _show(lab)
    finally:
        lab.worker.stop(now=True, timeout=10)
        lab.close()
        if given.keep:
            say(f"The lab of the demo: tether-lab --lab {folder} jobs")
        else:
            shutil.rmtree(folder.parent, ignore_errors=True)


def _show(lab: Lab) -> int:
    from tether_lab.lab import CellRequest
    from tether_lab.worker import spawn

    say("1. A cell becomes a job: it reads the source of Python's own standard library.")
    job, _, _ = lab.submit_cell(CellRequest(
        source=CELL, transformed=CELL, namespace={}, key="stdlib",
        parameters={"modules": 120, "pause": 0.02}))
    assert job is not None, "only register_only gives none"
    say(f"   Job {job.id} is {job.status}. Its output, live:\n")
    first = lab.worker.start().pid
    _until_half(job)
    spawn.kill(lab.folder)
    say(f"\n2. Its worker (pid {first}) was just killed with SIGKILL. Who waits for the job starts another:\n")
    job.wait(60)
    for output in job.outputs:
        show_body({**output, "k": output["output_type"]})
    told = [attempt.outcome for attempt in job.attempts]
    say(f"\n3. Job {job.id} is {job.status}; its attempts: {', '.join(map(str, told))}.")
    found = job.result()
    say(f"   Its result, loaded here: {found}")
    went_well = told == ["lost", "succeeded"] and found["modules"] == 120
    say("\nIn a notebook: %load_ext tether_lab, then %%job on top of a cell." if went_well
        else "\nThat is not how it should have gone: tether-lab doctor may know why.")
    return 0 if went_well else 1


def _until_half(job: Job, *, within: float = 30.0) -> None:
    """Show what the job prints until a good part of it is done."""
    from tether_lab.lab.follow import news

    deadline = time.monotonic() + within
    for body in news(job.lab, job.id):
        show_body(body)
        if "40 modules" in str(body.get("text", "")) or time.monotonic() > deadline:
            return
