"""What a job shows arrives whole, in order and in time, and costs the job little."""

# ruff: noqa: E501  tables of cells are read across
from __future__ import annotations

import json
import time

import pytest
from small_supervisor import SmallZygote

from tether_lab.runner import wire


def noted(process: object) -> float:
    return float(json.loads(process.of(wire.Note)[-1].detail)["text"])  # type: ignore[attr-defined]


def test_stdout_and_stderr_keep_their_order(zygote: SmallZygote) -> None:
    """Writes to both come in the order of the writes, also without line ends."""
    process = zygote.run("import sys\nfor i in range(3): print(i, end=' '); print('e', i, file=sys.stderr)")
    assert [(s.name, s.text) for s in process.of(wire.Stream)] == [
        ("stdout", "0 "), ("stderr", "e 0\n"), ("stdout", "1 "), ("stderr", "e 1\n"),
        ("stdout", "2 "), ("stderr", "e 2\n")]


def test_a_line_after_silence_comes_at_once(zygote: SmallZygote) -> None:
    """Less than 60 ms from the print to the supervisor, though the job computes on."""
    process = zygote.fork()
    process.task("import time\ntime.sleep(.3); t = time.monotonic(); print(t)\nwhile time.monotonic() < t + 1: pass")
    process.wait(wire.Stream)
    assert time.monotonic() - float(process.text()) < 0.06
    process.finish()


def test_the_last_progress_is_seen_while_the_job_computes_on(zygote: SmallZygote) -> None:
    """Thirty steps in no time, then one that takes long: the bar stands at the thirtieth within half a second; no
    older state comes after it."""
    process = zygote.fork()
    process.task("import time\nfor n in range(30): ctx.progress(n + 1, 50, f'step {n}')\n"
                 "t = time.monotonic()\nprint(t)\nwhile time.monotonic() < t + 2: pass")
    process.wait(wire.ProgressBar, n=30.0)
    assert time.monotonic() - float(process.text()) < 0.5
    process.finish()
    steps = [bar.n for bar in process.of(wire.ProgressBar)]
    assert steps == sorted(steps)
    assert len(steps) <= 3


def test_text_without_a_line_end_comes_soon(zygote: SmallZygote) -> None:
    """A dot is seen within a quarter of a second, while the job goes on."""
    process = zygote.fork()
    process.task("import time\nctx.notify('x'); t = time.monotonic(); print(t, end=' ')\ntime.sleep(1)")
    process.wait(wire.Stream)
    assert time.monotonic() - float(process.text()) < 0.25
    process.finish()


def test_only_who_writes_is_looked_after(zygote: SmallZygote) -> None:
    """The thread that sends what was held back begins with the first write; a silent job has none."""
    count = "import os\nlen(os.listdir('/proc/self/task'))"
    assert zygote.run(count).ended.result_body == "1"
    assert zygote.run("print('said')\n" + count).ended.result_body == "2"
    assert zygote.run("ctx.progress(1, 9); ctx.progress(2, 9)\n" + count).ended.result_body == "2"
    gone = "import time\nwhile len(os.listdir('/proc/self/task')) > 2: time.sleep(0.01)\n"   # joined, not yet gone
    together = ("import threading\nstart = threading.Barrier(8)\ndef say():\n    start.wait(); print('said')\n"
                "those = [threading.Thread(target=say) for _ in range(8)]\n"
                "for one in those: one.start()\nfor one in those: one.join()\n")
    assert zygote.run(together + "import os\n" + gone + count).ended.result_body == "2"


def test_many_lines_are_cheap(zygote: SmallZygote) -> None:
    """1e5 printed lines: a handful of frames, and a moment of the job's time."""
    process = zygote.run("import time\nt = time.process_time()\nfor i in range(100_000): print('line', i)\n"
                         "ctx.notify(str(time.process_time() - t))")
    assert process.text() == "".join(f"line {i}\n" for i in range(100_000))
    assert len(process.of(wire.Stream)) < 100
    assert noted(process) < 1.0


@pytest.mark.parametrize("source", ["for _ in range(300): print('x' * 1_000_000)", "print('é' * 150_000_000)"])
def test_a_flood_does_not_fill_memory(zygote: SmallZygote, source: str) -> None:
    """300 MB of text, in lines or without, leave as they are read; characters stay whole."""
    process = zygote.fork()
    process.task(f"{source}\nimport resource\nctx.notify(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))")
    size = broken = 0
    while process.read(5):
        for message in process.of(wire.Stream):
            size += len(message.text.encode())
            broken += "\ufffd" in message.text
        process.said[:] = [m for m in process.said if not isinstance(m, wire.Stream)]
    assert size >= 300_000_000
    assert broken == 0
    assert noted(process) < (120_000 if "range" in source else 1_000_000)      # KB: the text itself is 300 MB


@pytest.mark.row(18)
def test_bytes_and_broken_text_are_shown(zygote: SmallZygote) -> None:
    """Bytes on sys.stdout.buffer, surrogates and NULs never break a frame."""
    process = zygote.run("import sys\nsys.stdout.buffer.write(b'a\\xff\\n'); print('b\\ud800', chr(0)); sys.stdout.writelines(['c\\n'])")
    assert process.text() == "a\ufffd\nb\\ud800 \0\nc\n"


@pytest.mark.row(18)
def test_overwritten_lines_are_reduced(zygote: SmallZygote) -> None:
    """A bar drawn with carriage returns is stored as what a terminal shows of it."""
    process = zygote.run("for i in range(10_000): print(f'\\r{i}', end='')\nprint()")
    assert len(process.text()) < 1000
    assert process.text().endswith("\r9999\n")


def test_children_and_c_code_are_heard_on_the_pipes(zygote: SmallZygote) -> None:
    """Descriptor 1 belongs to whoever has it: subprocesses, os.write, printf of C."""
    process = zygote.run("import os, subprocess, ctypes\nsubprocess.run(['echo', 'sub']); os.write(1, b'raw\\n')\n"
                         "ctypes.CDLL(None).printf(b'from c\\n'); os.system('echo sys >&2')")
    assert sorted(process.pipes["stdout"].split(b"\n")) == [b"", b"from c", b"raw", b"sub"]
    assert process.pipes["stderr"] == b"sys\n"


def test_text_before_a_process_is_sent_before_it_starts(zygote: SmallZygote) -> None:
    """A print that precedes a subprocess is on its way when the subprocess writes."""
    process = zygote.fork()
    process.task("import subprocess\nprint('one'); print('before', end='')\nsubprocess.run('sleep .3; echo sub', shell=True)")
    while b"sub" not in process.pipes["stdout"]:
        assert process.read(1)
    assert process.text() == "one\nbefore"
    process.finish()


def test_forked_children_of_user_code_use_the_pipes(zygote: SmallZygote) -> None:
    """multiprocessing children print to descriptor 1 and leave the socket alone."""
    process = zygote.run("import multiprocessing as m, sys\nfrom tqdm import tqdm\n"
                         "def f(i): print('child', i); display(i); list(tqdm([1])); return i\nprint('parent')\n"
                         "with m.get_context('fork').Pool(2) as p: print(p.map(f, range(4)))\nprint('after')")
    assert process.text() == "parent\n[0, 1, 2, 3]\nafter\n"
    assert sorted(set(process.pipes["stdout"].split(b"\n"))) == [b""] + [b"%d" % i for i in range(4)] + [b"child %d" % i for i in range(4)]
    assert b"100%" in process.pipes["stderr"]


@pytest.mark.parametrize("before", ["", "print('before')\n"], ids=["first", "later"])
def test_a_line_of_a_forked_child_comes_in_one_piece(zygote: SmallZygote, before: str) -> None:
    """Whether or not its parent had written: lines of many children do not mix."""
    process = zygote.run(f"{before}import os\npieces, real = [], os.write\nchild = os.fork()\nif child == 0:\n"
                         "    os.write = lambda to, data: pieces.append(bytes(data)) or real(to, data)\n"
                         "    print('child', 1, end=' '); print('and', 2)\n"
                         "    print('shown', end=''); display(3)\n"
                         "    os.write = real\n    os.write(2, repr(pieces).encode())\n    os._exit(0)\n"
                         "os.waitpid(child, 0)")
    assert process.pipes["stdout"] == b"child 1 and 2\nshown3\n"
    assert process.pipes["stderr"] == repr([b"child 1 and 2\n", b"shown", b"3\n"]).encode()


def test_a_command_line_is_in_order_with_prints(zygote: SmallZygote) -> None:
    """!command writes where print writes, on a terminal 80 columns wide."""
    process = zygote.run("print('a')\n!echo b; echo c >&2; test -t 1 && echo tty; stty size < /dev/stdout\nprint('d')")
    assert process.text().replace("\r\n", "\n") == "a\nb\nc\ntty\n24 80\nd\n"


@pytest.mark.row(19)
def test_user_code_may_replace_or_close_its_streams(zygote: SmallZygote) -> None:
    """The job ends as it should: closed descriptors, closed and replaced streams."""
    for source in ("import os; os.close(1); os.close(2)", "import sys; sys.stdout.close(); sys.stderr.close()",
                   "import sys, io; sys.stdout = io.StringIO(); print('x')", "import sys; sys.stdout = None",
                   "import sys; sys.stdout.detach()"):
        process = zygote.run(source)
        assert process.ended.kind == "succeeded", (source, process.ended)


def test_bars_become_values(zygote: SmallZygote) -> None:
    """All flavours of tqdm report; the last state always comes, and one line of each bar that stays."""
    process = zygote.run(
        "import time\nfrom tqdm import tqdm, trange\nfrom tqdm.auto import tqdm as auto\nfrom tqdm.notebook import tqdm as note\n"
        "import tqdm.contrib.concurrent as c\n"
        "for i in trange(20, desc='outer'):\n    for j in tqdm(range(3), desc='inner', leave=False): pass\n    time.sleep(.02)\n"
        "for _ in auto(range(5), desc='auto'): pass\nfor _ in note(range(6), desc='note'): pass\n"
        "c.thread_map(str, range(7), desc='map')\n"
        "b = tqdm(total=None, desc='manual', unit='B'); b.update(3); b.set_postfix(loss=1); b.close()\n"
        "import pandas as pd; tqdm.pandas(desc='pandas'); pd.Series(range(8)).progress_apply(str)\nNone")
    last = {bar.description: bar for bar in process.of(wire.ProgressBar)}
    assert {d: (b.n, b.total, b.closed) for d, b in last.items()} == {
        "outer": (20, 20, True), "inner": (3, 3, True), "auto": (5, 5, True), "note": (6, 6, True),
        "map": (7, 7, True), "manual": (3, None, True), "pandas": (8, 8, True)}
    assert last["inner"].position == 1
    assert last["manual"].postfix == "loss=1"
    assert process.text() == ""
    lines = process.text("stderr").splitlines()
    assert [line.partition(":")[0] for line in lines] == ["outer", "auto", "note", "map", "manual", "pandas"]
    assert "100%" in lines[0]
    assert "20/20" in lines[0]
    outer = [b for b in process.of(wire.ProgressBar) if b.description == "outer"]
    assert len({b.id for b in outer}) == 1
    assert len(outer) < 8


def test_bars_in_a_file_of_the_users_own_are_text(zygote: SmallZygote) -> None:
    """What tqdm is told to write elsewhere stands there, and is no progress of the job."""
    process = zygote.run("import io\nfrom tqdm import tqdm\nkept = io.StringIO()\n"
                         "for _ in tqdm(range(3), file=kept): pass\nprint('3/3' in kept.getvalue())")
    assert process.text() == "True\n"
    assert not process.of(wire.ProgressBar)


def test_own_progress_is_limited_and_complete(zygote: SmallZygote) -> None:
    """ctx.progress may be called a thousand times; few are sent, the last one is."""
    process = zygote.run("for i in range(1000): ctx.progress(i, 2000, f'step {i}')")
    bars = process.of(wire.ProgressBar)
    assert len(bars) < 20
    assert (bars[-1].id, bars[-1].n, bars[-1].total, bars[-1].description) == (-1, 999, 2000, "step 999")


def test_a_widget_is_told_of_once(zygote: SmallZygote) -> None:
    """Widgets show their text; the job says why, once, in its history."""
    bundle = "{'application/vnd.jupyter.widget-view+json': {'model_id': '1'}, 'text/plain': 'Slider'}"
    process = zygote.run("from IPython.display import display\n"
                         f"for _ in range(2): display({bundle}, raw=True)")
    notes = [note for note in process.of(wire.Note) if "widget" in note.detail]
    assert len(notes) == 1
