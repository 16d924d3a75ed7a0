"""The magics in a real kernel, spoken to as a front end does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from eventually import eventually
from kernels import Kernel, Ran, kernel

from tether_lab import Lab

JOB = "application/vnd.tether-lab.job+json"


@pytest.fixture
def started(home: Path) -> Iterator[Kernel]:
    """A kernel with the extension loaded, in a lab of its own."""
    with kernel() as made:
        yield made


def job_id(ran: Ran) -> int:
    """The id on the card that a cell showed."""
    return int(ran.bundle(JOB)["job"]["id"])


def cards(ran: Ran) -> list[dict[str, Any]]:
    """Every output with a card."""
    return [o for o in ran.outputs if JOB in o.get("data", {})]


def finished(number: int) -> None:
    """Wait for a job from here."""
    with Lab() as lab:
        lab.get(number).wait(30)


def test_a_cell_becomes_a_job_with_one_card(started: Kernel) -> None:
    """%%job shows one output, gives the Job to the next cell, and the values reach the job."""
    started.run("base = 20")
    ran = started.run("%%job add n=base+1  # a comment\nprint('n is', n)\nn * 2")
    assert len(cards(ran)) == 1
    assert len(ran.outputs) == 1
    assert "add" in ran.text
    assert "n=21" in ran.text
    assert started.run("j = _; print(type(j).__name__, j.result())").text.strip() == "Job 42"
    assert started.run("%jobs output 1").text.split("\n")[:2] == ["n is 21", ""]
    again = started.run("k = %job add n=5")
    assert len(cards(again)) == 1
    assert started.run("print(k.result())").text.strip() == "10"
    assert len(cards(started.run("k"))) == 1
    assert len(cards(started.run("display(k)\nk"))) == 2
    assert "n=21" in started.run("%job 1").text
    assert "add" in started.run("%jobs").text
    assert "add" in started.run("%jobs completed key=add").text
    assert "No job matches failed" in started.run("%jobs failed").text


def test_the_card_keeps_up_while_another_cell_runs(started: Kernel, tmp_path: Path) -> None:
    """The displayed card is updated by its display id, from pending to completed, without a cell
    asking; nothing is printed into other cells; the thread ends with the last card."""
    gate = tmp_path / "gate"
    request = started.client.execute(
        f"%%job slow\nimport os, time\nwhile not os.path.exists({str(gate)!r}):\n    time.sleep(0.02)\n")
    shown = started.collect(request)
    finish = started.client.execute(
        f"open({str(gate)!r}, 'w').close()\nimport time, threading\n"
        "for _ in range(400):\n"
        "    if not any(t.name == 'tether-lab cards' for t in threading.enumerate()): break\n"
        "    time.sleep(0.05)\n"
        "print('ended', not any(t.name == 'tether-lab cards' for t in threading.enumerate()))")
    updates: list[dict[str, Any]] = []
    text = ""
    while True:
        message = started.client.get_iopub_msg(timeout=40)
        kind, content = message["msg_type"], message["content"]
        if kind == "update_display_data":
            updates.append(content)
        elif kind == "stream":
            text += content["text"]
        elif kind == "status" and content["execution_state"] == "idle" and \
                message["parent_header"].get("msg_id") == finish:
            break
    assert text.strip() == "ended True"
    assert updates, "the card was never updated"
    assert updates[-1]["data"][JOB]["snapshot"]["status"] == "completed"
    assert len({u["transient"]["display_id"] for u in updates}) == 1
    assert job_id(shown) == updates[-1]["data"][JOB]["job"]["id"]


def test_wait_streams_like_a_plain_cell(started: Kernel) -> None:
    """Streams, rich outputs, updates and the last value, in order, as the cell's own."""
    body = ("import sys\nfrom IPython.display import display, HTML\n"
            "print('one')\nh = display(HTML('<b>two</b>'), display_id=True)\n"
            "print('three', file=sys.stderr)\nh.update(HTML('<b>2</b>'))\n7 * 6")
    plain = started.run(body)
    ran = started.run("%%job --wait\n" + body)
    assert [_essence(o) for o in ran.outputs] == [_essence(o) for o in plain.outputs]
    assert ran.outputs[-1]["data"]["text/plain"] == "42"
    assert started.run("print(_.status)").text.strip() == "completed"


def _essence(output: dict[str, Any]) -> tuple[Any, ...]:
    data = output.get("data", {})
    return output["type"], output.get("name"), output.get("text"), data.get("text/html"), data.get("text/plain")


def test_wait_raises_with_the_jobs_traceback(started: Kernel) -> None:
    """A failed job fails the cell that waits for it, with the lines of the job's own code."""
    ran = started.run("%%job bad --wait --retries 1 --retry fixed:0.1\nprint('before')\ndef f():\n"
                      "    raise KeyError('lost')\nf()", fails=True)
    assert ran.status == "error"
    assert ran.text.splitlines().count("before") == 2
    assert "attempt 2 of 2" in ran.text
    (error,) = [o for o in ran.outputs if o["type"] == "error"]
    assert error["ename"] == "JobFailed"
    assert "raise KeyError('lost')" in ran.text
    assert "follow.py" not in ran.text


def test_wait_shows_errors_that_end_nothing(started: Kernel) -> None:
    """A cell goes on after an error of a cell in it; both are shown, in order, as in the kernel."""
    ran = started.run("%%job inner --wait\nprint('before')\ndone = get_ipython().run_cell('1/0')\n"
                      "print('after')")
    assert [o["type"] for o in ran.outputs if o.get("text") != ""] == ["stream", "error", "stream"]
    last = started.run("%%job last --wait\ndone = get_ipython().run_cell('1/0')\n")
    assert [o["ename"] for o in last.outputs if o["type"] == "error"] == ["ZeroDivisionError"]


def test_an_interrupt_stops_the_watching_only(started: Kernel, tmp_path: Path) -> None:
    """The cell ends and says what goes on; the job completes; no stack of ours is shown."""
    gate = tmp_path / "gate"
    request = started.client.execute(
        f"%%job long --follow\nimport os, time\nprint('begun', flush=True)\n"
        f"while not os.path.exists({str(gate)!r}):\n    time.sleep(0.02)\nprint('done')")
    with Lab() as lab:
        eventually(lambda: any("begun" in str(o) for j in lab.jobs(limit=1) for o in j.outputs), within=30)
        time.sleep(0.5)                       # the kernel is in its wait now
        started.manager.interrupt_kernel()
        ran = started.collect(request)
        assert ran.status == "error"
        assert "goes on" in ran.text
        assert "%jobs follow 1" in ran.text
        assert "Traceback" not in ran.text
        assert len(cards(ran)) == 1
        assert lab.get(1).status == "running"
        gate.touch()
        lab.get(1).wait(30)
    assert "done" in started.run("%jobs follow 1").text


def test_a_second_interrupt_offers_to_cancel(started: Kernel) -> None:
    """Two interrupts in a row ask whether the job should end; yes ends it."""
    request = started.client.execute(
        "%%job endless --wait\nimport time\nprint('begun', flush=True)\nwhile True:\n    time.sleep(0.05)")
    with Lab() as lab:
        eventually(lambda: any("begun" in str(o) for j in lab.jobs(limit=1) for o in j.outputs), within=30)
        time.sleep(0.5)                       # the kernel is in its wait now
        started.manager.interrupt_kernel()
        time.sleep(0.7)                       # within the two seconds in which a second one counts
        started.manager.interrupt_kernel()
        asked = started.client.get_stdin_msg(timeout=10)
        assert "Cancel job 1?" in asked["content"]["prompt"]
        started.client.input("y")
        assert "is being cancelled" in started.collect(request).text
        assert lab.get(1).wait(30).status == "cancelled"


def test_mistakes_are_one_line(started: Kernel) -> None:
    """No traceback, no card, nothing written, whatever is typed wrong."""
    for cell, says in (
        ("%%job --tmeout 3\nx = 1", "did you mean --timeout?"),
        ("%%job t lr=fast\nx = 1", "lr='fast'"),
        ("%%job t\nfor x in range(3)\n    pass", "line 2: expected ':'"),
        ("%%job t\n# nothing", "no code"),
        ("%%job t --timeout soon\nx = 1", "timeout"),
        ("%job nope", "no handler is registered under 'nope'"),
        ("%job 99", "99"),
        ("%jobs faild", "did you mean 'failed'"),
        ("%%job t\nprint(handle)", "handle"),
    ):
        started.run("handle = open('/dev/null')")
        ran = started.run(cell, fails=True)
        assert ran.status == "error", cell
        assert says in ran.text, (cell, ran.text)
        assert "Traceback" not in ran.text
        assert not cards(ran)
    with Lab() as lab:
        assert lab.jobs() == []


def test_kept_variables_come_back(started: Kernel) -> None:
    """--keep, then %jobs load brings them into the namespace, renamed on request."""
    ran = started.run("%%job --keep model,hist\nmodel = {'w': 3}\nhist = [1, 2]\n'done'")
    number = job_id(ran)
    finished(number)
    assert "model, hist" in started.run(f"%jobs load {number}").text
    assert started.run("print(model['w'], hist)").text.strip() == "3 [1, 2]"
    started.run(f"%jobs load {number} hist=old")
    assert started.run("print(old)").text.strip() == "[1, 2]"
    ran = started.run(f"%jobs load {number} modle", fails=True)
    assert "did you mean 'model'?" in ran.text


def test_register_then_run_and_edit(started: Kernel) -> None:
    """--register runs nothing; %job KEY runs it with other values; %jobs edit gives the code back."""
    ran = started.run("%%job twice n=2 --register\nn * 2")
    assert not cards(ran)
    assert "%job twice" in ran.text
    number = job_id(started.run("%job twice n=21"))
    finished(number)
    assert "42" in started.run(f"%job {number}").text
    ran = started.run("%job twice m=1", fails=True)
    assert "m" in ran.text
    request = started.client.execute(f"%jobs edit {number}")
    started.collect(request)
    assert "twice" in started.run("%jobs handlers").text


def test_cancel_and_retry(started: Kernel, tmp_path: Path) -> None:
    """%jobs cancel ends a waiting job, %jobs retry runs it after all; events tell."""
    number = job_id(started.run("%%job --delay 1h\n'ran'"))
    assert "1 cancelled before it started" in started.run(f"%jobs cancel {number}").text
    assert "cancelled" in started.run(f"%job {number}").text
    started.run(f"%jobs retry {number}")
    finished(number)
    assert "completed" in started.run(f"%job {number}").text
    assert "retried" in started.run(f"%jobs events {number}").text
    assert "completed" in started.run("%jobs stats").text
    assert f" {number} " in started.run(f"%jobs search={number} queue=default").text
    assert "no chain 99" in started.run("%jobs chain=99", fails=True).text
    page = tmp_path / "week.html"
    assert f"is in {page}" in started.run(f"%jobs report {page} since=7d").text
    assert "into which file" in started.run("%jobs report", fails=True).text
    assert "did you mean 'since'" in started.run("%jobs report week.html sinse=7d", fails=True).text


def test_a_shell_script_as_a_job(started: Kernel) -> None:
    """--shell runs the cell with the shell; its output and exit code count."""
    ran = started.run("%%job --shell --wait\necho hello from $0\necho oops >&2")
    assert "hello from" in ran.text
    assert "oops" in ran.text
    assert started.run("%%job --shell --wait\nexit 3", fails=True).status == "error"


def test_the_worker_by_magic(started: Kernel) -> None:
    """%tether start, status, stop, config and use do what they say."""
    assert "started" in started.run("%tether start").text
    assert "running, pid" in started.run("%tether status").text
    assert "is running already" in started.run("%tether start").text
    assert "stopped" in started.run("%tether stop").text
    assert "%tether start starts one" in started.run("%tether").text
    assert "runners" in started.run("%tether config runners").text
    assert "did you mean 'runners'" in started.run("%tether config runers", fails=True).text
    assert "other" in started.run("%tether use other").text
    assert "other" in started.run("%tether doctor").text


def test_completion(started: Kernel) -> None:
    """Tab offers sub-commands, flags, values, keys and their parameters, on % and %% lines."""
    started.run("%%job training lr=0.1 --register\nlr")

    def offers(code: str) -> set[str]:
        reply = started.client.complete(code, len(code), reply=True, timeout=20)["content"]
        return set(reply["matches"])

    assert "retry" in offers("%jobs re")
    assert {"--timeout", "--tags"} <= offers("%%job train --t")
    assert "--retries" in offers("%job train --re")
    assert "training" in offers("%job tr")
    assert "training" in offers("%%job tr")
    assert "lr=" in offers("%job training l")
    assert "moderate" in offers("%%job x --timeout mo")
    assert "start" in offers("%tether st")
    assert "cancel" in offers("%tether jobs ca")


def test_a_seeded_notebook_draws_in_jobs_as_in_cells(started: Kernel) -> None:
    """A %%job draws what the cell would have drawn, each time it is run and also after the same seed
    was set again; %job of the same handler draws anew."""
    started.run("import random; random.seed(1)")
    draw = "print(random.random())"
    seen = []
    for before in ("", "", "random.seed(1)"):
        if before:
            started.run(before)
        job = started.run(f"%%job --wait drawn\n{draw}").text
        assert job == started.run(draw).text
        seen.append(job)
    assert seen[0] == seen[2] != seen[1]
    assert started.run("%job --wait drawn").text not in seen


def test_it_unloads(started: Kernel) -> None:
    """%unload_ext takes the magics away; a reload brings them back; jobs stay."""
    number = job_id(started.run("%%job keepme\n1"))
    started.run("%unload_ext tether_lab")
    assert "not found" in started.run("%jobs", fails=True).text
    started.run("%load_ext tether_lab")
    assert "keepme" in started.run(f"%job {number}").text


@pytest.mark.alone
def test_loading_is_quick(home: Path) -> None:
    """%load_ext adds at most 150 ms to a bare kernel (generous here; `make bench` has the figure)."""
    with kernel(load=False) as bare:
        said = bare.run("import time; t = time.perf_counter()\n%load_ext tether_lab\n"
                        "print((time.perf_counter() - t) * 1000)").text
        assert float(said) < 300
        loaded = bare.run("import sys; print([m for m in ('msgspec', 'cloudpickle', 'aiosqlite', 'pandas',"
                          " 'cryptography', 'tether_lab.lab') if m in sys.modules])").text
        assert loaded.strip() == "[]"
