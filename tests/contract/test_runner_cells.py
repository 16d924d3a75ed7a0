"""Cells in a forked job mean what they mean in a notebook."""

# ruff: noqa: E501  tables of cells are read across
from __future__ import annotations

import base64
import json

import pytest
from handlers_in_jobs import captured_cell
from small_supervisor import SmallZygote

from tether_lab.runner import wire


def test_a_print_and_a_last_expression(zygote: SmallZygote) -> None:
    """Text, then the value shown, then the ending with the value stored; nothing on the pipes."""
    process = zygote.run("print('hi')\n1 + 1")
    kinds = [type(m) for m in process.said]
    assert kinds == [wire.Started, wire.Stream, wire.Display, wire.Ended]
    assert process.of(wire.Display)[0].data == {"text/plain": "2"}
    assert (process.ended.kind, process.ended.result_kind, process.ended.result_body) == ("succeeded", "json", "2")
    assert process.pipes == {"stdout": b"", "stderr": b"", "stack": b""}
    assert process.exited is not None
    assert process.exited.exit_code == 0
    assert process.exited.peak_bytes > 10_000_000


@pytest.mark.row(20)
def test_jobs_share_nothing(zygote: SmallZygote) -> None:
    """What one job does to its process, the next one does not see."""
    zygote.run("import os, sys, builtins, json, signal, time, random, threading\nos.chdir('/tmp'); os.environ['X'] = '1'\n"
               "sys.path.append('/nowhere'); builtins.leak = 1; json.dumps = None; sys.setrecursionlimit(77)\n"
               "signal.signal(signal.SIGTERM, signal.SIG_IGN); os.umask(0)\n"
               "threading.Thread(target=time.sleep, args=(60,), daemon=True).start(); x = 5")
    process = zygote.run("import os, sys, builtins, json\nprint(os.getcwd(), 'X' in os.environ, '/nowhere' in sys.path,"
                         " hasattr(builtins, 'leak'), bool(json.dumps), sys.getrecursionlimit(), 'x' in globals())")
    assert process.text() == "/ False False False True 1000 False\n" or "3000 False" in process.text()


SAME = {
    "name is main": ("__name__", "'__main__'"),
    "main is the namespace": ("x = 4\nimport __main__\n__main__.x", "4"),
    "shell": ("type(get_ipython()).__name__", "'ZMQInteractiveShell'"),
    "parameters": ("lr + payload['lr']", "0.2"),
    "await": ("import asyncio\nawait asyncio.sleep(0)\n3", "3"),
    "asyncio.run": ("import asyncio\nasync def f(): return 4\nasyncio.run(f())", "4"),
    "line magic": ("%env TETHER=yes\nimport os\nos.environ['TETHER']", "'yes'"),
    "cell magic": ("%%capture out\nprint('x')", None),
    "getoutput": ("x = !echo a; echo b\nlist(x)", "['a', 'b']"),
    "exit code": ("!exit 3\n_exit_code", "3"),
    "pickling a class of the cell": ("import pickle\nclass A: pass\ntype(pickle.loads(pickle.dumps(A()))) is A", "True"),
    "semicolon": ("7;", None),
    "semicolon in a comment": ("7 # ;", "7"),
    "empty": ("", None),
    "nothing but comments": ("# nothing", None),
    "source of a function": ("import inspect\ndef f(): return 1\ninspect.getsource(f)", repr("def f(): return 1\n")),
    "stdin is empty": ("import sys\nsys.stdin.read()", "''"),
    "tty": ("import sys\nsys.stdout.isatty(), sys.stdout.fileno(), sys.stdout.encoding", "(False, 1, 'utf-8')"),
    "argv": ("import sys\nsys.argv", "['']"),
    "ctx": ("(ctx.id, ctx.key, ctx.attempt, ctx.max_attempts, ctx.cancelled)", "(1, 'k', 1, 3, False)"),
    "ctx from the package": ("from tether_lab.runner.context import current\ncurrent() is ctx", "True"),
}


@pytest.mark.parametrize("name", SAME)
def test_a_cell_has_the_value_it_has_in_a_notebook(zygote: SmallZygote, name: str) -> None:
    """The last expression of small cells."""
    source, expected = SAME[name]
    process = zygote.run(source, payload='{"lr": 0.1}')
    assert process.ended.kind == "succeeded", process.ended
    shown = [d.data["text/plain"] for d in process.of(wire.Display) if d.kind == "execute_result"]
    assert shown == ([] if expected is None else [expected])


def test_displays_keep_their_ids(zygote: SmallZygote) -> None:
    """display, update and clear_output travel in order, with their ids."""
    process = zygote.run("from IPython.display import HTML, clear_output\nh = display(HTML('<b>1</b>'), display_id='a')\n"
                         "print('between')\nh.update(HTML('<b>2</b>'))\nclear_output(wait=True)\nprint('end')")
    first, text, second, clear, end = process.said[1:-1]
    assert (first.kind, first.display_id, first.data["text/html"]) == ("display_data", "a", "<b>1</b>")
    assert (second.kind, second.display_id, second.data["text/html"]) == ("update_display_data", "a", "<b>2</b>")
    assert (text.text, clear, end.text) == ("between\n", wire.ClearOutput(wait=True), "end\n")


@pytest.mark.parametrize("first", ["", "%matplotlib inline\n"])
def test_figures_come_inline(zygote: SmallZygote, first: str) -> None:
    """A figure left open at the end is shown as PNG, with and without the magic."""
    process = zygote.run(f"{first}import matplotlib.pyplot as plt\nplt.plot([1, 2]);")
    (figure,) = process.of(wire.Display)
    assert base64.b64decode(figure.data["image/png"]).startswith(b"\x89PNG")


def test_strange_display_values_travel_as_json(zygote: SmallZygote) -> None:
    """Bundles with bytes, tuples, numpy numbers and lone surrogates become what nbformat stores."""
    process = zygote.run("import numpy\ndisplay({'text/plain': 'x\\ud800', 'application/json': {'a': (1, numpy.float64(2)),"
                         " 'n': None}, 'image/png': b'\\x89PNG'}, raw=True, metadata={'m': {1: 2}})")
    (shown,) = process.of(wire.Display)
    assert json.loads(json.dumps(shown.data)) == {
        "text/plain": "x\\ud800", "application/json": {"a": [1, 2.0], "n": None}, "image/png": "iVBORw=="}
    assert shown.metadata == {"m": {"1": 2}}


def test_captured_variables_are_there(zygote: SmallZygote) -> None:
    """A cell sees what its notebook had, shared objects stay shared."""
    row = [1, 2]
    fields = captured_cell("rows[0].append(3)\nrow", {"row": row, "rows": [row]}, zygote.blobs)
    process = zygote.run("rows[0].append(3)\nrow", **fields)
    assert process.ended.result_body == "[1,2,3]"


def test_a_name_error_says_what_the_notebook_has(zygote: SmallZygote) -> None:
    """A name that the cell reaches by other ways is hinted at, in output and message."""
    fields = captured_cell("eval('hid' + 'den')", {"hidden": 5}, zygote.blobs)
    process = zygote.run("eval('hid' + 'den')", **fields)
    assert "--with hidden" in process.ended.message
    assert "--with hidden" in process.of(wire.ErrorOutput)[0].traceback[-1]


def test_tracebacks_show_the_cell_and_not_us(zygote: SmallZygote) -> None:
    """The cell's lines with numbers; no frame of IPython or of this package."""
    process = zygote.run("def f(x):\n    return 1 / x\n\nf(0)")
    (error,) = process.of(wire.ErrorOutput)
    text = "\n".join(error.traceback)
    assert (error.name, error.value) == ("ZeroDivisionError", "division by zero")
    assert "return" in text
    assert "Cell" in text
    assert "In[1]" in text
    assert "tether_lab" not in text
    assert "site-packages" not in text
    assert process.ended.traceback == text
    assert process.ended.error_types[:2] == ("ZeroDivisionError", "ArithmeticError")


RAISING = {
    "SystemExit": ("import sys; sys.exit(0)", "SystemExit", "a job ends by returning"),
    "SystemExit text": ("raise SystemExit('x')", "SystemExit", "x (a job"),
    "exit()": ("exit()", "SystemExit", ""),
    "KeyboardInterrupt": ("raise KeyboardInterrupt", "KeyboardInterrupt", ""),
    "GeneratorExit": ("raise GeneratorExit('g')", "GeneratorExit", "g"),
    "__str__ raises": ("class E(Exception):\n    def __str__(self): raise ValueError\nraise E", "E", "not available"),
    "__repr__ raises": ("class E(Exception):\n    def __repr__(self): raise ValueError\nraise E('t')", "E", "t"),
    "not picklable": ("import threading\nclass E(Exception): pass\ne = E('p'); e.lock = threading.Lock()\nraise e", "E", "p"),
    "recursion": ("def f(): f()\nf()", "RecursionError", "maximum recursion depth"),
    "group": ("raise ExceptionGroup('g', [ValueError(1), OSError(2)])", "ExceptionGroup", "g (2 sub"),
    "syntax": ("x = = 1", "SyntaxError", "invalid syntax (cell, line 1)"),
    "indentation": ("if 1:\nx", "IndentationError", "line 2"),
    "memory": ("x = bytearray(10**13)", "MemoryError", ""),
    "input": ("input('name?')", "NobodyThere", "input('name?')"),
    "getpass": ("import getpass; getpass.getpass('pw')", "NobodyThere", "pw"),
    "breakpoint": ("breakpoint()", "NobodyThere", "breakpoint"),
    "unknown magic": ("%nosuch", "UsageError", "nosuch"),
    "lone surrogate": ("raise ValueError('\\ud800')", "ValueError", "\\ud800"),
    "in a task": ("import asyncio\nasync def f(): 1 / 0\nt = asyncio.ensure_future(f())\nawait asyncio.sleep(0)\nawait t",
                  "ZeroDivisionError", ""),
    "chained": ("try: 1 / 0\nexcept Exception as e: raise KeyError('k') from e", "KeyError", "'k'"),
    "bash": ("%%bash\nexit 3", "CalledProcessError", "exit status 3"),
}


@pytest.mark.row(21)
@pytest.mark.parametrize("name", RAISING)
def test_an_exception_is_told_whatever_it_is(zygote: SmallZygote, name: str) -> None:
    """The ending has type and text of it; the process ends normally."""
    source, kind, text = RAISING[name]
    process = zygote.run(source)
    assert process.ended.kind == "failed"
    assert process.ended.error_types[0] == kind
    assert text in process.ended.message
    assert process.ended.retry is True
    assert process.exited is not None
    assert process.exited.exit_code == 0


def test_low_recursion_limit_does_not_keep_the_job_from_ending(zygote: SmallZygote) -> None:
    """A limit left near zero hurts the cell's code only."""
    process = zygote.run("import sys\nsys.setrecursionlimit(60)\n5")
    assert process.of(wire.Ended)


ENDINGS = {
    "snooze": ("from tether_lab.runner.endings import Snooze\nSnooze('10m')", {"kind": "snoozed", "seconds": 600.0}),
    "cancel": ("from tether_lab.runner.endings import Cancel\nCancel('no data')", {"kind": "cancelled", "message": "no data"}),
    "fail": ("from tether_lab.runner.endings import Fail\nFail('bad', retry=False)",
             {"kind": "failed", "message": "bad", "retry": False, "error_types": ("Fail",)}),
    "fail with an error": ("from tether_lab.runner.endings import Fail\nFail(KeyError('k'))",
                           {"kind": "failed", "message": "'k'", "retry": True}),
    "no retry": ("from tether_lab.errors import NoRetry\nraise NoRetry('never')",
                 {"kind": "failed", "message": "never", "retry": False}),
    "retry after": ("from tether_lab.runner.endings import RetryAfter\nraise RetryAfter('2m', 'later')",
                    {"kind": "failed", "message": "later", "retry_after": 120.0, "retry": True}),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_endings_are_values(zygote: SmallZygote, name: str) -> None:
    """What a job returns or raises to end in its own way."""
    source, wanted = ENDINGS[name]
    ended = zygote.run(source).ended
    assert {field: getattr(ended, field) for field in wanted} == wanted


def test_what_is_kept_comes_beside_the_result(zygote: SmallZygote) -> None:
    """--keep stores named variables; a missing one is a warning, no failure."""
    process = zygote.run("a = 1; b = 2\nNone", options='{"keep": ["a", "nope"]}')
    assert process.ended.kind == "succeeded"
    assert process.ended.result_kind == "pickle"
    assert "nope" in process.of(wire.Note)[0].detail


@pytest.mark.row(28)
def test_a_result_that_cannot_be_stored_fails_nothing(zygote: SmallZygote) -> None:
    """An open file as last value: complete, its result unavailable, its text shown."""
    process = zygote.run("open('/dev/null')")
    assert (process.ended.kind, process.ended.result_kind) == ("succeeded", "unavailable")


def test_work_in_the_background_is_waited_for(zygote: SmallZygote) -> None:
    """Threads, executors, tasks and processes that the cell did not join finish before the job ends."""
    process = zygote.run(
        "import threading, time, multiprocessing, asyncio\nfrom concurrent.futures import ThreadPoolExecutor\n"
        "def late(n): time.sleep(.1); print(n)\n"
        "threading.Thread(target=late, args=('thread',)).start()\n"
        "pool = ThreadPoolExecutor(1); pool.submit(late, 'executor')\n"
        "multiprocessing.get_context('fork').Process(target=late, args=('process',)).start()\n"
        "async def soon(): await asyncio.sleep(.05); print('task')\nt = asyncio.create_task(soon())")
    assert set(process.text().split()) == {"thread", "executor", "task"}
    assert process.pipes["stdout"] == b"process\n"
    assert process.ended.kind == "succeeded"


@pytest.mark.parametrize("source", [
    "from joblib import Parallel, delayed\nprint(Parallel(n_jobs=2)(delayed(abs)(i) for i in (1, -2)))",
    "from concurrent.futures import ProcessPoolExecutor\npool = ProcessPoolExecutor(2)\nprint(list(pool.map(abs, (1, -2))))",
    "import multiprocessing\npool = multiprocessing.Pool(2); print(pool.map(abs, (1, -2)))",
    "import multiprocessing\nm = multiprocessing.Manager(); d = m.list([1, 2]); print(d)",
    "import multiprocessing, math\nwith multiprocessing.get_context('spawn').Pool(1) as p: print(p.map(abs, (1, -2)))",
])
def test_pools_that_stay_open_do_not_hold_a_job(zygote: SmallZygote, source: str) -> None:
    """Idle workers of joblib, executors, pools and managers are ended, not waited for."""
    process = zygote.fork()
    process.task(source)
    process.finish(within=15)
    assert process.text() == "[1, 2]\n"
    assert process.ended.kind == "succeeded"


def test_extensions_aliases_and_magics_of_the_notebook_work(zygote: SmallZygote) -> None:
    """The shell is set up as the kernel's was; an extension that is gone is a warning."""
    shell = {"extensions": ["no_such_extension", "storemagic"], "aliases": {"say": "echo said"}}
    process = zygote.run("%say hello\n%store", manifest=json.dumps({"shell": shell}))
    assert "said hello" in process.text()
    assert "no_such_extension" in process.of(wire.Note)[0].detail
