"""A job once more, here: its code, captures and payload in this process, with a debugger at the error.

Nothing of it reaches the queue: the job stays as it is. Signatures are checked as the worker checks them.
The process of the failed attempt is gone, so its frames are made again by running it; steps that it kept are
not run again.
"""

from __future__ import annotations

import ast
import inspect
import linecache
import sys
from bdb import BdbQuit
from collections.abc import Callable, Mapping
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import TYPE_CHECKING, Any

from tether_lab.errors import BadRequest
from tether_lab.job import Claim, ClaimedJob, Manifest

if TYPE_CHECKING:
    from tether_lab.runner.context import Context
    from tether_lab.runner.wire import Task

    from .lab import Lab

Debugger = Callable[[TracebackType], object]
VALUE = "~value"
"""The last expression's value, under a name that no code can have."""
OURS = str(Path(__file__).parents[1])


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
    run, first = _cell(task, namespace, about) if task.kind == "cell" else _function(task, namespace, about)
    context.enter(about)
    try:
        return _stepped(run, first) if start else run()
    except BdbQuit:
        return None
    except Exception as error:  # noqa: BLE001  user code: this is what we are here for
        trace = _users(error.__traceback__, first)
        assert trace is not None
        sys.excepthook(type(error), error.with_traceback(trace), trace)
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

    asking: Any = _Asking()
    about = context.Context(
        id=task.job_id, key=task.key, payload=payload, attempt=task.attempt, max_attempts=task.max_attempts,
        epoch=task.epoch, uuid=task.uuid, lab_folder=lab.folder.path, reporter=context.KernelReporter(),
        memos=Kept(task, asking))
    about.connect(asking, None)
    return about


class _Asking:
    """What a debugged job asks of its lab is told, and not done."""

    def ask(self, verb: str, arguments: Mapping[str, Any], blobs: object = None) -> Any:  # noqa: ARG002 — as Calls
        what = arguments.get("name") or arguments.get("key") or ""
        sys.stderr.write(f"ctx.{verb} {what}: not done while debugging\n")
        return 0


Run = tuple[Callable[[], Any], CodeType | None]
"""What runs the job, and the code of the user that begins it."""


def _function(task: Task, namespace: dict[str, Any], about: Context) -> Run:
    from tether_lab.runner import binding
    from tether_lab.runner.call import HANDLER, Handler, needs_instance

    target = namespace.pop(HANDLER)
    plain = needs_instance(target)
    handler = Handler(target, sys.modules["__main__"], None if plain else binding.signature(target))
    begin = inspect.unwrap(getattr(target, "execute", target))
    return lambda: handler.run(task.key, about), getattr(begin, "__code__", None)


def _cell(task: Task, namespace: dict[str, Any], about: Context) -> Run:
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
    if tree.body and isinstance(last := tree.body[-1], ast.Expr):
        kept = ast.copy_location(ast.Name(VALUE, ast.Store()), last)
        tree.body[-1] = ast.copy_location(ast.Assign([kept], last.value), last)
    code: CodeType = compile(tree, name, "exec")

    def run() -> Any:
        exec(code, namespace)  # noqa: S102 — signed code, run on request
        return namespace.pop(VALUE, None)
    return run, code


def _shell() -> Any:
    """IPython's, if this is one."""
    module = sys.modules.get("IPython")
    return module.get_ipython() if module is not None else None


def _is_ours(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(OURS)


def _users(trace: TracebackType | None, first: CodeType | None) -> TracebackType | None:
    """From the frame of ``first`` on, or from the first one that is not ours."""
    frames = []
    while trace is not None:
        frames.append(trace)
        trace = trace.tb_next
    return next((one for one in frames if one.tb_frame.f_code is first),
                next((one for one in frames if not _is_ours(one.tb_frame)), frames[0] if frames else None))


def _debugger() -> Any:
    """The class: IPython's, if this is one."""
    from pdb import Pdb

    return getattr(_shell(), "debugger_cls", Pdb)


def _pdb(trace: TracebackType) -> None:
    debugger = _debugger()()
    debugger.reset()
    debugger.interaction(None, trace)


def _stepped(run: Callable[[], Any], first: CodeType | None) -> Any:
    """Step through it from the ``first`` line of the user's: what calls that is nobody's business."""
    class Stepping(_debugger()):  # type: ignore[misc]
        begun = first is None

        def user_call(self, frame: FrameType, arguments: None) -> None:
            if frame.f_code is not first:          # it begins at its first line, not before it
                super().user_call(frame, arguments)

        def stop_here(self, frame: FrameType) -> bool:
            self.begun = self.begun or frame.f_code is first
            return self.begun and not _is_ours(frame) and bool(super().stop_here(frame))

    return Stepping().runcall(run)
