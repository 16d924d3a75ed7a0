"""A job once more, here: its code, captures and payload in this process, with a debugger at the error.

Nothing of it reaches the queue: the job stays as it is. Signatures are checked as the worker checks them.
The process of the failed attempt is gone, so its frames are made again by running it; steps that it kept are
not run again.
"""

from __future__ import annotations

import ast
import linecache
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from tether_lab.errors import BadRequest
from tether_lab.job import Claim, ClaimedJob, Manifest

if TYPE_CHECKING:
    from tether_lab.runner.context import Context
    from tether_lab.runner.wire import Task

    from .lab import Lab

Debugger = Callable[[TracebackType], object]


def debug(lab: Lab, job_id: int, *, start: bool = False, debugger: Debugger | None = None) -> Any:
    """Run the job here; at an error, open the debugger in its frame. Its value if it goes well. ``start``:
    step through it from its first line. ``debugger``: called with the traceback instead of pdb.

    Raises BadSignature for a job that may not run, BadRequest for a command.
    """
    from tether_lab.capture import Blobs, load_manifest, load_result
    from tether_lab.runner import context
    from tether_lab.runner.inputs import Inputs
    from tether_lab.worker.dispatch import Dispatcher

    prepared = (dispatcher := Dispatcher(lab.queue, lab.vault)).prepare(_claimed(lab, job_id))
    task = dispatcher.task(prepared)
    if task.kind not in ("cell", "function", "class"):
        raise BadRequest(f"job {job_id} is a {task.kind}, which Python cannot debug", where=f"job {job_id}",
                         remedy=f"%jobs output {job_id} has what it said.")
    namespace: dict[str, Any] = {"__name__": "__main__"}
    blobs = Blobs(Path(task.blob_folder), task.blobs)
    load_manifest(Manifest.from_json(task.manifest), blobs, namespace, process=False)
    about = _context(lab, task, {
        name: load_result(value["$blob"], blobs, namespace) if isinstance(value, dict) and "$blob" in value
        else value for name, value in _payload(task).items()})
    about.inputs = Inputs(task)
    run = _cell(task, namespace, about) if task.kind == "cell" else _function(task, namespace, about)
    context.enter(about)
    try:
        return _stepped(run) if start else run()
    except Exception:  # noqa: BLE001  user code: this is what we are here for
        trace = _users(sys.exc_info()[2])
        sys.excepthook(*sys.exc_info())
        assert trace is not None
        (debugger or _pdb)(trace)
        return None
    finally:
        context.enter(None)
        about.close()


def _claimed(lab: Lab, job_id: int) -> ClaimedJob:
    from tether_lab.job_queue import read

    row = read.as_claimed(lab.queue, job_id)
    return ClaimedJob(Claim(row[0], row[1], "debug"), *row[2:])


def _payload(task: Task) -> dict[str, Any]:
    import json

    return dict(json.loads(task.payload))


def _context(lab: Lab, task: Task, payload: dict[str, Any]) -> Context:
    from tether_lab.runner import context
    from tether_lab.runner.memos import Kept

    about = context.Context(
        id=task.job_id, key=task.key, payload=payload, attempt=task.attempt, max_attempts=task.max_attempts,
        epoch=task.epoch, uuid=task.uuid, lab_folder=lab.folder.path, reporter=context.KernelReporter())
    asking: Any = _Asking()
    about.connect(Kept(task, asking), asking, None)
    return about


class _Asking:
    """What a debugged job asks of its lab is told, and not done."""

    def ask(self, verb: str, arguments: Mapping[str, Any], blobs: object = None) -> Any:  # noqa: ARG002 — as Calls
        what = arguments.get("name") or arguments.get("key") or ""
        sys.stderr.write(f"ctx.{verb} {what}: not done while debugging\n")
        return 0


def _function(task: Task, namespace: dict[str, Any], about: Context) -> Callable[[], Any]:
    from tether_lab.runner import binding
    from tether_lab.runner.call import HANDLER, Handler, needs_instance

    target = namespace.pop(HANDLER)
    plain = needs_instance(target)
    handler = Handler(target, sys.modules["__main__"], None if plain else binding.signature(target))
    return lambda: handler.run(task.key, about)


def _cell(task: Task, namespace: dict[str, Any], about: Context) -> Callable[[], Any]:
    """The cell's statements in a namespace of their own; the value of its last expression."""
    source = task.source
    shell = _shell()
    if shell is not None:
        source = shell.transform_cell(source)
        namespace.setdefault("get_ipython", lambda: shell)
    name = f"<job {task.job_id}: {task.key}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    try:
        tree = ast.parse(source, name)
    except SyntaxError as error:
        raise BadRequest(f"job {task.job_id} has lines that are IPython's, not Python's ({error.msg})",
                         remedy="Debug it in a notebook: %jobs debug.", where=f"job {task.job_id}") from None
    namespace.update(about.payload)
    for given, value in (("payload", about.payload), ("ctx", about)):
        namespace.setdefault(given, value)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None

    def run() -> Any:
        exec(compile(tree, name, "exec"), namespace)  # noqa: S102 — signed code, run on request
        if isinstance(last, ast.Expr):
            return eval(compile(ast.Expression(last.value), name, "eval"), namespace)  # noqa: S307 — the same
        return None
    return run


def _shell() -> Any:
    """IPython's, if this is one."""
    module = sys.modules.get("IPython")
    return module.get_ipython() if module is not None else None


def _users(trace: TracebackType | None) -> TracebackType | None:
    """From the first frame that is not ours."""
    ours = str(Path(__file__).parents[1])
    found = trace
    while found is not None and found.tb_frame.f_code.co_filename.startswith(ours):
        found = found.tb_next
    return found or trace


def _pdb(trace: TracebackType) -> None:
    from pdb import Pdb

    debugger: Any = getattr(_shell(), "debugger_cls", Pdb)()
    debugger.reset()
    debugger.interaction(None, trace)


def _stepped(run: Callable[[], Any]) -> Any:
    from pdb import Pdb

    return Pdb().runcall(run)
