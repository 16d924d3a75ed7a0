"""Zygotes, spare processes and job processes: how they start, end, and leave nothing behind."""

# ruff: noqa: E501  tables of cells are read across
from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from eventually import eventually
from handlers_in_jobs import captured
from small_supervisor import SmallProcess, SmallZygote

from tether_lab.runner import wire

CRASHES = {
    "os._exit": ("print('last'); import os; os._exit(7)", 7, None, b""),
    "segfault": ("import ctypes; ctypes.string_at(0)", None, 11, b"Segmentation fault"),
    "abort": ("import os; os.abort()", None, 6, b"Aborted"),
    "kill": ("import os; os.kill(os.getpid(), 9)", None, 9, b""),
    "all descriptors closed": ("import os; os.closerange(0, 9999); print('x')", wire.CHANNEL_LOST, None, b""),
    "middle descriptors closed": ("import os; os.closerange(3, 999); print('x')", wire.CHANNEL_LOST, None, b""),
}


@pytest.mark.parametrize("name", CRASHES)
def test_a_crash_is_told_by_the_kernel(zygote: SmallZygote, name: str) -> None:
    """Exit code, signal, and the last words on descriptor 2; there is no ending."""
    source, code, signal, words = CRASHES[name]
    process = zygote.run(source)
    assert process.exited is not None
    assert (process.exited.exit_code, process.exited.signal) == (code, signal)
    assert words in process.pipes["stderr"]
    assert not process.of(wire.Ended)
    assert not process.exited.oom_killed


def test_a_stack_overflow_is_a_failure_or_a_crash(zygote: SmallZygote) -> None:
    """Without a recursion limit Python's stack ends in a segfault, which is told as one."""
    process = zygote.run("import sys; sys.setrecursionlimit(10**9)\n"
                         "class A:\n    def __getattr__(s, n): return getattr(s, n + 'x')\nA().x")
    assert process.exited is not None
    if process.of(wire.Ended):
        assert process.ended.error_types[0] in ("RecursionError", "MemoryError")
    else:
        assert process.exited.signal == 11


@pytest.mark.row(19)
def test_a_lost_channel_shows_at_once(zygote: SmallZygote) -> None:
    """Closing all descriptors ends the control socket, though the job computes on."""
    process = zygote.fork()
    process.task("import os, time; os.closerange(3, 999); time.sleep(60)")
    eventually(lambda: process.read(0.05) and "control" not in process._open.values())
    process.kill()
    assert process.finish().exited.signal == 9  # type: ignore[union-attr]


ORPHANS = {
    "child": "subprocess.Popen(['sleep', '4242'])",
    "own session": "subprocess.Popen(['sleep', '4242'], start_new_session=True)",
    "daemon": "subprocess.run('setsid sh -c \"sleep 4242 & sleep 4242\" &', shell=True); __import__('time').sleep(.1)",
    "forked": "__import__('os').fork() or __import__('time').sleep(4242)",
}


@pytest.mark.parametrize("ending", ["None", "import os; os._exit(0)", "import os; os.kill(os.getpid(), 9)"])
@pytest.mark.parametrize("name", ORPHANS)
def test_nothing_that_a_job_started_outlives_it(zygote: SmallZygote, name: str, ending: str) -> None:
    """Children, children in sessions of their own, daemons: all dead within a second of the end."""
    process = zygote.run(f"import subprocess\n{ORPHANS[name]}\n{ending}")
    assert process.exited is not None

    def gone() -> bool:
        return not psutil.Process(zygote.process.pid).children(recursive=True)

    eventually(gone, within=1.0)


def test_children_wait_ahead_for_their_task(zygote: SmallZygote) -> None:
    """A process forked ahead runs its task when it comes, and ends when the supervisor lets go."""
    waiting, unused = zygote.fork(), zygote.fork()
    assert waiting.pid != unused.pid
    unused.control.shutdown(socket.SHUT_RDWR)
    assert unused.finish().exited.exit_code == 0  # type: ignore[union-attr]
    waiting.task("1")
    assert waiting.finish().ended.kind == "succeeded"


def test_many_forks_at_once_get_their_own_descriptors(zygote: SmallZygote) -> None:
    """Ten forks asked for in a row, each with its sockets and pipes."""
    processes = [zygote.fork() for _ in range(10)]
    for number, process in enumerate(processes):
        process.task(f"print({number}); import os; os.write(2, b'{number}')", job_id=number)
    for number, process in enumerate(processes):
        process.finish()
        assert process.text() == f"{number}\n"
        assert process.pipes["stderr"] == str(number).encode()
        assert process.ended.job_id == number


def test_cpu_and_memory_are_measured(zygote: SmallZygote) -> None:
    """What the kernel counted for the job and the children it waited for."""
    process = zygote.run("x = bytearray(150_000_000)\nimport time\nt = time.process_time()\n"
                         "while time.process_time() < t + .3: pass")
    assert process.exited is not None
    assert process.exited.peak_bytes > 170_000_000
    assert 0.3 < process.exited.cpu_seconds < 3


WOKEN = """import asyncio, socket
ours, theirs = socket.socketpair()
asyncio.get_running_loop().add_reader(ours, lambda: None)
theirs.send(b"x")
await asyncio.sleep(1)"""
THREADS = """import asyncio, time
for _ in range(2000): await asyncio.to_thread(lambda: None)
used = time.process_time()
await asyncio.sleep(1)
time.process_time() - used"""


def test_event_loops_of_jobs_are_their_own(zygote: SmallZygote) -> None:
    """Side by side: what wakes one wakes no other, and no wake-up is taken by another."""
    busy, first, second = zygote.fork(), zygote.fork(), zygote.fork()
    for number, (process, source) in enumerate(((busy, WOKEN), (first, THREADS), (second, THREADS))):
        process.task(source, job_id=number)
    for process in (busy, first, second):
        assert process.finish().ended.kind == "succeeded"
    for process in (first, second):
        assert float(process.ended.result_body) < 0.3


STAYS = {
    "nothing": ("sum(range(3_000_000))", True),
    "a daemon thread": ("import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()", False),
    "a child process": ("import subprocess\nchild = subprocess.Popen(['sleep', '4242'])", False),
    "much memory": ("x = bytearray(560_000_000)", False),
}


@pytest.mark.parametrize("what", STAYS)
def test_only_a_process_of_which_nothing_stays_says_what_it_used(zygote: SmallZygote, what: str) -> None:
    """Its end is not waited for then; the figures are those that the kernel tells a moment later."""
    source, parts = STAYS[what]
    process = zygote.run(source)
    assert process.ended.kind == "succeeded"
    assert process.exited is not None
    said = process.ended.parting
    assert (said is not None) == parts
    if said is not None:
        assert said.pid == process.pid
        assert 0.01 < said.cpu_seconds <= process.exited.cpu_seconds < said.cpu_seconds + 0.2
        assert process.exited.peak_bytes * 0.8 < said.peak_bytes <= process.exited.peak_bytes


def test_jobs_draw_different_numbers(zygote: SmallZygote) -> None:
    """random and numpy differ from job to job; with a seed they are equal in each attempt of a job."""
    source = "import random, numpy\nprint(random.random(), numpy.random.random())"
    texts = {zygote.run(source, job_id=n).text() for n in range(3)}
    assert len(texts) == 3
    seeded = [zygote.run(source, job_id=n, attempt=a, options='{"seed": 5}').text()
              for n, a in ((1, 1), (1, 2), (2, 1))]
    assert seeded[0] == seeded[1] != seeded[2]


def test_preloading(tmp_path: Path) -> None:
    """Harmless modules are there in the next job; what is denied, broken or threaded is refused."""
    (tmp_path / "threaded_module.py").write_text(
        "import threading, time\nthreading.Thread(target=time.sleep, args=(99,), daemon=True).start()\n")
    (tmp_path / "fine_module.py").write_text("x = 1\n")
    (tmp_path / "dying_module.py").write_text("import os; os._exit(0)\n")
    zygote = SmallZygote(tmp_path, PYTHONPATH=os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    wanted = ("numpy", "torch", "no_such_module", "threaded_module", "fine_module", "dying_module", "json")
    zygote.send(wire.Preload(wanted))
    told = zygote.wait(wire.Preloaded)
    assert set(told.loaded) == {"numpy", "fine_module", "json"}
    assert set(told.refused) == {"torch", "no_such_module", "threaded_module", "dying_module"}
    process = zygote.run("import sys, random\nprint('numpy' in sys.modules, 'threaded_module' in sys.modules)\n"
                         "import numpy; print(numpy.random.random())")
    assert process.text().startswith("True False\n")
    assert zygote.run("import numpy; print(numpy.random.random())").text() not in process.text()
    zygote.close()


def test_no_folder_of_the_user_is_imported_from(tmp_path: Path) -> None:
    """A module in the working folder does not shadow the library of a zygote."""
    (tmp_path / "msgspec.py").write_text("raise SystemExit('shadowed')\n")
    ours, theirs = socket.socketpair()
    with ours, theirs:
        process = subprocess.Popen([sys.executable, "-P", "-m", "tether_lab.runner.zygote", "--fd", str(theirs.fileno())],
                                   pass_fds=[theirs.fileno()], cwd=tmp_path)
        theirs.close()
        ours.settimeout(20)
        (hello,) = wire.Frames(wire.FROM_ZYGOTE).feed(ours.recv(65536))
        assert (hello.protocol, hello.pid) == (wire.PROTOCOL, process.pid)
        assert {"tether_lab.capture.loading", "tether_lab.capture.results"} <= set(hello.loaded)
    assert process.wait(5) == 0


def test_a_zygote_retires_after_its_last_child(tmp_path: Path) -> None:
    """Retire: no fork more, the job that runs goes on, then the zygote ends."""
    zygote = SmallZygote(tmp_path)
    process = zygote.fork()
    process.task("import time; print('go'); time.sleep(.5); print('on')")
    process.wait(wire.Stream)
    zygote.send(wire.Retire())
    process.finish()
    assert process.text() == "go\non\n"
    assert zygote.process.wait(5) == 0
    zygote.close()


def test_a_zygote_refuses_another_protocol(tmp_path: Path) -> None:
    """It says which one it speaks, and ends."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        process = subprocess.run([sys.executable, "-P", "-m", "tether_lab.runner.zygote", "--fd", str(theirs.fileno()),
                                  "--protocol", "999"], pass_fds=[theirs.fileno()], check=False, timeout=20)
        assert process.returncode == 3
        (hello,) = wire.Frames(wire.FROM_ZYGOTE).feed(ours.recv(65536))
    assert hello.protocol == wire.PROTOCOL


def test_a_zygote_and_its_jobs_die_with_the_supervisor(tmp_path: Path) -> None:
    """SIGKILL to the supervisor: the kernel kills the zygote, and with it the job, in C code too."""
    script = tmp_path / "supervisor.py"
    script.write_text(f"""
import sys; sys.path.insert(0, {str(Path(__file__).parent.parent)!r})
from small_supervisor import SmallZygote; from pathlib import Path; from tether_lab.runner import wire
zygote = SmallZygote(Path('/')); process = zygote.fork()
process.task("print('in'); sum(range(10**13))"); process.wait(wire.Stream)
print(zygote.process.pid, process.pid, flush=True); process.finish()
""")
    supervisor = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert supervisor.stdout is not None
    pids = [int(word) for word in supervisor.stdout.readline().split()]
    assert len(pids) == 2
    supervisor.kill()
    supervisor.wait(5)
    supervisor.stdout.close()

    def ended(pid: int) -> bool:
        try:
            return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    eventually(lambda: all(ended(pid) for pid in pids), within=2)


NOTEBOOK = """
base = 10
class Double:
    key = "double"
    made = 0
    def __init__(self): type(self).made += 1
    def execute(self, ctx): return [ctx.payload["x"] * 2, self.made]
def factory() -> Double: return Double()
def plain(ctx, lr: float = 0.5, n: int = 1):
    print("lr", lr); ctx.progress(n, 4)
    return {"lr": lr, "n": n, "base": base, "job": ctx.id}
def seeds(service, payload, db):
    db.execute("CREATE TABLE IF NOT EXISTS t (x)"); db.execute("INSERT INTO t VALUES (?)", (payload["x"],)); db.commit()
    db.execute("INSERT INTO t VALUES (99)")
    return [list(r) for r in db.execute("SELECT x FROM t ORDER BY x")]
async def later(x: int):
    import asyncio
    await asyncio.sleep(0.01)
    return x + 1
def fails(): return 1 / 0
def hidden(): return nowhere
def draws():
    import matplotlib.pyplot as plt
    plt.plot([1, 2])
def dirty(what: str):
    import os, threading, time, signal, sys, subprocess
    if what == "cwd": os.chdir("/tmp")
    if what == "environ": os.environ["X"] = "1"
    if what == "threads": threading.Thread(target=time.sleep, args=(99,), daemon=True).start()
    if what == "handlers": signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if what == "path": sys.path.append("/x")
    if what == "children": subprocess.Popen(["sleep", "99"])
    if what == "memory":
        import builtins
        builtins.kept = bytearray(100_000_000)
    if what == "streams": sys.stdout = None
    if what == "umask": os.umask(0)
    if what == "learn":            # as the import of sklearn does
        import types
        os.environ.setdefault("KMP_INIT_AT_FORK", "FALSE")
        sys.modules["large"] = types.ModuleType("large")
        sys.modules["large"].tables = bytearray(100_000_000)
    if what == "unlearn": os.environ["KMP_INIT_AT_FORK"] = "TRUE"
    return what
"""


def test_functions_and_classes(zygote: SmallZygote, tmp_path: Path) -> None:
    """Arguments by name and type, injected ctx, payload and db, async, a fresh object per attempt."""
    def run(name: str, payload: str, kind: str = "function") -> SmallProcess:
        return zygote.run("", kind=kind, payload=payload, folder=str(tmp_path), **captured(NOTEBOOK, name, zygote.blobs))

    process = run("plain", '{"lr": 1, "n": 2}')
    assert process.text() == "lr 1.0\n"
    assert process.ended.result_body == '{"lr":1.0,"n":2,"base":10,"job":1}'
    assert (process.of(wire.ProgressBar)[0].n, process.of(wire.ProgressBar)[0].total) == (2, 4)
    assert run("Double", '{"x": 4}', "class").ended.result_body == "[8,1]"
    assert run("factory", '{"x": 5}', "class").ended.result_body == "[10,1]"
    assert run("later", '{"x": 5}').ended.result_body == "6"
    assert run("seeds", '{"x": 1}').ended.result_body == "[[1],[99]]"
    assert run("seeds", '{"x": 2}').ended.result_body == "[[1],[2],[99]]"      # 99 was rolled back
    assert run("draws", "{}").of(wire.Display)[0].data["image/png"]


def test_functions_that_fail(zygote: SmallZygote) -> None:
    """The traceback begins at the user's function; wrong payloads are not tried again."""
    failed = zygote.run("", kind="function", **captured(NOTEBOOK, "fails", zygote.blobs))
    assert failed.ended.error_types[0] == "ZeroDivisionError"
    assert failed.ended.traceback.count("File ") == 1
    assert failed.of(wire.ErrorOutput)[0].name == "ZeroDivisionError"
    wrong = zygote.run("", kind="function", payload='{"lrr": 1}', **captured(NOTEBOOK, "plain", zygote.blobs))
    assert "did you mean 'lr'" in wrong.ended.message
    assert wrong.ended.retry is False
    assert "tether_lab/runner" not in wrong.ended.traceback


def test_a_warm_process_runs_many_jobs(zygote: SmallZygote) -> None:
    """One process, one handler, many tasks; it ends when the supervisor lets go."""
    fields = captured(NOTEBOOK, "plain", zygote.blobs)
    process = zygote.fork(warm=True)
    for n in range(50):
        process.task("", kind="function", job_id=n, payload=f'{{"n": {n}}}', **fields)
        ended = process.wait(wire.Ended, job_id=n)
        assert (ended.kind, ended.traces) == ("succeeded", ())
        assert f'"n":{n}' in ended.result_body
    process.control.shutdown(socket.SHUT_WR)
    assert process.finish().exited.exit_code == 0  # type: ignore[union-attr]
    assert process.text() == "lr 0.5\n" * 50


def test_a_warm_process_that_is_roused_runs_the_next_job_as_ever(zygote: SmallZygote) -> None:
    """Before its first task, and between two: it says nothing, keeps nothing, and what is large is not read."""
    fields = captured(NOTEBOOK, "plain", zygote.blobs)
    process = zygote.fork(warm=True)
    for n in range(3):
        process.control.sendall(wire.frame(wire.Rouse()) * 2)
        process.task("", kind="function", job_id=n, payload=f'{{"n": {n}}}', **fields)
        ended = process.wait(wire.Ended, job_id=n)
        assert (ended.kind, ended.traces) == ("succeeded", ())
        assert f'"n":{n}' in ended.result_body
    said = [type(message) for message in process.said if not isinstance(message, wire.Stream)]
    assert said == [wire.Started, wire.ProgressBar, wire.Ended] * 3
    process.control.shutdown(socket.SHUT_WR)
    assert process.finish().exited.exit_code == 0  # type: ignore[union-attr]
    assert process.text() == "lr 0.5\n" * 3


def test_a_warm_job_that_failed_hurts_no_other(zygote: SmallZygote) -> None:
    """A failure, then a cancel meant for it that comes late: the next job does not notice."""
    process = zygote.fork(warm=True)
    process.task("", kind="function", job_id=1, **captured(NOTEBOOK, "fails", zygote.blobs))
    assert process.wait(wire.Ended, job_id=1).kind == "failed"
    os.kill(process.pid, 2)
    time.sleep(0.1)
    process.task("", kind="function", job_id=2, key="p", **captured(NOTEBOOK, "plain", zygote.blobs))
    assert process.wait(wire.Ended, job_id=2).kind == "succeeded"
    process.control.shutdown(socket.SHUT_WR)
    process.finish()


@pytest.mark.row(20)
@pytest.mark.parametrize("what", ["cwd", "environ", "threads", "handlers", "path", "children", "memory", "streams", "umask"])
def test_traces_recycle_a_warm_process(zygote: SmallZygote, what: str) -> None:
    """What a job left behind is named in its ending, and the process takes no further task."""
    process = zygote.fork(warm=True)
    fields = captured(NOTEBOOK, "dirty", zygote.blobs)
    for n, leaves in enumerate(("nothing", "nothing", what)):
        process.task("", kind="function", job_id=n, payload=f'{{"what": "{leaves}"}}', **fields)
        ended = process.wait(wire.Ended, job_id=n)
        assert ended.traces == (() if leaves == "nothing" else (what,))
    assert process.finish().exited.exit_code == 0  # type: ignore[union-attr]


@pytest.mark.row(20)
def test_what_an_import_leaves_is_no_trace(zygote: SmallZygote) -> None:
    """A large library that sets variables when it is imported, such as sklearn: its process is kept. Changing
    them afterwards is a trace."""
    process = zygote.fork(warm=True)
    fields = captured(NOTEBOOK, "dirty", zygote.blobs)
    for n, what in enumerate(("nothing", "learn", "nothing", "unlearn")):
        process.task("", kind="function", job_id=n, payload=f'{{"what": "{what}"}}', **fields)
        ended = process.wait(wire.Ended, job_id=n)
        assert ended.traces == (("environ",) if what == "unlearn" else ())
    assert process.finish().exited.exit_code == 0  # type: ignore[union-attr]


COMMANDS = {
    "script": ("echo $lr $TETHER_LAB_JOB_KEY; echo err >&2", '{"lr": 0.5}', "succeeded", b"0.5 k\n", ""),
    "exit code": ("exit 3", "{}", "failed", b"", "exit code 3"),
    "arguments": ('["printf", "%s|", "a b", "$x"]', "{}", "succeeded", b"a b|$x|", ""),
    "not found": ('["no-such-program"]', "{}", "failed", b"", "no-such-program: No such file"),
    "shebang": ("#!/usr/bin/env python3\nimport sys; print(len(sys.argv))", "{}", "succeeded", b"1\n", ""),
    "signal": ("kill -9 $$", "{}", "failed", b"", "SIGKILL"),
    "a test in brackets": ("[ -n x ] && echo yes", "{}", "succeeded", b"yes\n", ""),
    "reads nothing": ("cat", "{}", "succeeded", b"", ""),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_commands(zygote: SmallZygote, name: str) -> None:
    """Scripts and programs: output on the pipes, exit code, payload in the environment."""
    source, payload, kind, text, message = COMMANDS[name]
    process = zygote.run(source, kind="shell", payload=payload)
    assert (process.ended.kind, process.pipes["stdout"]) == (kind, text)
    assert message in process.ended.message


def test_a_cancelled_command_ends(zygote: SmallZygote) -> None:
    """SIGINT to the job ends its command."""
    process = zygote.fork()
    process.task("echo in; sleep 60", kind="shell")
    eventually(lambda: process.read(0.05) and process.pipes["stdout"])
    process.signal(2)
    assert process.finish(10).ended.kind == "cancelled"


@pytest.mark.row(14)
def test_a_memory_limit_has_a_backstop(zygote: SmallZygote) -> None:
    """An allocation far beyond the memory asked for is a MemoryError, not the machine's end."""
    process = zygote.run("x = bytearray(2_000_000_000)", options='{"memory": 200000000}')
    assert process.ended.error_types[0] == "MemoryError"


def test_a_spare_process_runs_one_job(tmp_path: Path) -> None:
    """Without fork: Hello, one cell with output and result, and the end, over the same words."""
    process = SmallProcess(0, None)
    control, stdout, stderr, stack = process.theirs
    spare = subprocess.Popen([sys.executable, "-P", "-m", "tether_lab.runner.spare", "--fd", str(control), "--stack",
                              str(stack), "--preload", "json,nope"], pass_fds=[control, stack], stdin=subprocess.DEVNULL,
                             stdout=stdout, stderr=stderr)
    process.handed_over()
    hello = process.wait(wire.Hello)
    assert (hello.protocol, hello.pid, hello.loaded[-1]) == (wire.PROTOCOL, spare.pid, "json")
    process.task("import subprocess, os\nprint('hi'); subprocess.Popen(['sleep', '4243'])\nos.write(1, b'raw')\n41 + 1")
    process.finish()
    assert spare.wait(5) == 0
    assert process.text() == "hi\n"
    assert process.pipes["stdout"] == b"raw"
    assert process.ended.result_body == "42"
    assert not [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", "4243"]]


def test_a_process_that_waited_is_like_one_that_did_not(zygote: SmallZygote) -> None:
    """What an idle process rehearses says nothing and leaves nothing, and finds its work done: running
    a cell copies fewer pages than in a process whose task lay ready."""
    source = ("import resource, threading; print(sorted(globals()), In, Out, threading.active_count(), "
              "get_ipython().execution_count)\nresource.getrusage(resource.RUSAGE_SELF).ru_minflt")
    at_once, waited = zygote.fork(), zygote.fork()
    at_once.task(source)
    at_once.finish()

    def faults() -> int:
        return int(Path(f"/proc/{waited.pid}/stat").read_text().rpartition(")")[2].split()[7])

    cost = int(at_once.ended.result_body)
    eventually(lambda: faults() > cost * 0.7, within=10, say="a rehearsal")
    seen = [-1]
    eventually(lambda: seen.append(faults()) or seen[-1] == seen[-2], within=10, every=0.2, say="its end")
    assert waited.said == []
    waited.task(source)
    waited.finish()
    assert waited.text() == at_once.text()
    assert int(waited.ended.result_body) - seen[-1] < cost / 2
