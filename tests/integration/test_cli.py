"""The command line as a process: what it prints, where, and its exit code."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from eventually import eventually
from labs import working_lab

from tether_lab import Lab
from tether_lab.cli.main import main
from tether_lab.cli.parsing import COMMANDS, parser
from tether_lab.cli.terminal import printable, safe
from tether_lab.job import OPTIONS

COMMAND = [sys.executable, "-P", "-m", "tether_lab"]


def run(*arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=60,
                          check=False, **more)


def here(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The same in this process: for what does not depend on being one."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(arguments)
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


@pytest.fixture
def lab() -> Iterator[Lab]:
    yield from working_lab()


def test_run_passes_output_and_exit_code_on(lab: Lab, tmp_path: Path) -> None:
    """Both streams as they are, exit codes and signals as a shell has them."""
    script = tmp_path / "both.py"
    script.write_text("import sys\nprint('out', *sys.argv[1:])\nprint('err', file=sys.stderr)\nsys.exit(3)\n")
    done = run("run", "--tags", "a", str(script), "--epochs", "2")
    assert (done.returncode, done.stdout) == (3, "out --epochs 2\n")
    assert "err\n" in done.stderr
    assert "exit code 3" in done.stderr
    assert run("run", "--shell", "kill -TERM $$").returncode == 128 + signal.SIGTERM
    done = run("run", "echo", "well")
    assert (done.returncode, done.stdout, done.stderr) == (0, "well\n", "")
    assert lab.jobs(tag="a")[0].row.options.to_json() == "{}"


def test_a_detached_job_is_asked_about_later(lab: Lab) -> None:
    """Its number, then jobs, show, events, cancel, wait, retry: each says what a person needs."""
    assert "Job 1 (sleep-" in here("run", "-d", "sleep", "60").stdout
    job = lab.get(1)
    eventually(lambda: job.status == "running")
    assert "running" in here("jobs", "running").stdout
    (listed,) = json.loads(here("jobs", "--json").stdout)
    assert (listed["id"], listed["status"], listed["kind"]) == (1, "running", "shell")
    assert listed["created_at"].endswith("Z")
    assert "running for" in here("job", "1").stdout.replace(",", "")
    eventually(lambda: "subprocess" in here("job", "1", "stack").stdout)
    done = here("job", "1", "wait", "--timeout", "100ms")
    assert done.returncode == 124
    assert "still running" in done.stderr
    assert "asked to stop" in here("job", "1", "cancel").stdout
    assert here("job", "1", "wait").returncode == 130
    assert "cancel requested" in here("job", "1", "events").stdout
    retried = here("job", "1", "retry").stdout
    assert "pending" in retried or "running" in retried        # the worker may be that quick
    assert "asked to stop" in here("cancel", "--all", "--force").stdout or job.status == "cancelled"
    assert json.loads(here("job", "1", "show", "--json").stdout)["attempt_history"]


def test_enqueue_reads_values_and_waits(lab: Lab) -> None:
    """JSON values or texts, a payload from standard input, options as flags, the result as JSON."""

    @lab.handler
    def show(x: float, name: str = "nobody") -> dict[str, object]:
        print("hello", name)
        return {"x": x, "name": name}

    done = here("enqueue", "show", "x=2.5", "name=ada", "--priority", "3", "--wait")
    assert (done.returncode, done.stdout) == (0, "hello ada\n")
    assert lab.get(1).row.priority == 3
    assert json.loads(here("job", "1", "result", "--json").stdout) == {"x": 2.5, "name": "ada"}
    assert run("enqueue", "show", "--payload", "-", "--json", input='{"x": 1}').returncode == 0
    assert lab.get(2).payload == {"x": 1}
    assert "show" in here("handlers").stdout
    assert "hello ada" in here("job", "1", "output").stdout
    assert "completed" in here("stats").stdout


def test_jobs_are_filtered_and_a_report_is_written(tmp_path: Path) -> None:
    """--queue, --batch, --search as in Python; the report is the file that lab.report writes."""
    with Lab(autostart=False) as lab:
        lab.register(lambda name="x": name, "show")
        lab.batch("names", [{"name": "ada"}, {"name": "bob"}], "show", queue="low")
        lab.enqueue("show", {"name": "eve"})

    def ids(*filters: str) -> list[int]:
        return [job["id"] for job in json.loads(here("jobs", *filters, "--json").stdout)]

    assert ids("--batch", "1") == ids("--queue", "low") == [2, 1]
    assert ids("--search", "EVE") == [3]
    assert "search=zoe" in here("jobs", "--search", "zoe").stdout
    page = tmp_path / "week.html"
    said = here("report", str(page), "--since", "7d", "--key", "show")
    assert (said.returncode, said.stdout) == (0, f"The report is in {page}.\n")
    assert "3 jobs" in page.read_text()
    assert json.loads(here("report", str(page), "--json").stdout) == {
        "path": str(page), "size": page.stat().st_size}


@pytest.mark.parametrize(("arguments", "code", "says"), [
    (("enqueue", "nobody"), 2, "no handler is registered under 'nobody'"),
    (("job", "99"), 1, "there is no job 99"),
    (("jobs", "sleeping"), 2, "no status 'sleeping'"),
    (("jobs", "--lab", "nowhere"), 2, "there is no lab 'nowhere'"),
    (("--lab", "a b", "jobs"), 2, "not the name of a lab"),
    (("run", "no-such-program"), 2, "there is no program"),
    (("run", "no-such.py"), 2, "there is no file"),
    (("run", "report.ipynb"), 2, "there is no notebook"),
    (("run",), 2, "run what?"),
    (("run", "--timeout", "soon", "true"), 2, "timeout"),
    (("enqueue", "x", "novalue"), 2, "no value"),
    (("enqueue", "x", "--payload", "[1]"), 2, "no JSON object"),
    (("jobs", "--chain", "9"), 1, "chain 9"),
    (("report", "week.pdf"), 2, "a report is an HTML page"),
    (("report", "week.html", "--theme", "sepia"), 2, "no theme 'sepia'"),
    (("report", "week.html", "--since", "yesterday"), 2, "yesterday"),
    (("cancel",), 2, "cancel wants one of"),
    (("job", "1", "dance"), 2, "invalid choice"),
    (("worker", "status"), 1, ""),
])
def test_mistakes_are_one_line_and_an_exit_code(
    arguments: tuple[str, ...], code: int, says: str, capsys: pytest.CaptureFixture[str],
) -> None:
    """Nothing on standard output, no traceback, a remedy where there is one; no lab is left behind."""
    try:
        got = main(arguments)
    except SystemExit as end:
        got = int(end.code or 0)
    told = capsys.readouterr()
    assert got == code
    assert says in told.err
    assert "Traceback" not in told.err
    if says:
        assert told.out == ""
        assert len(told.err.splitlines()) <= 2


def test_a_wrong_setting_is_told_by_its_variable(monkeypatch: pytest.MonkeyPatch,
                                                 capsys: pytest.CaptureFixture[str]) -> None:
    """What, where, and what is accepted."""
    monkeypatch.setenv("TETHER_LAB_RUNNERS", "many")
    assert main(["jobs"]) == 2
    assert "TETHER_LAB_RUNNERS: runners = 'many'" in capsys.readouterr().err


def test_the_worker_is_started_and_stopped(lab: Lab) -> None:
    """start is idempotent, status tells by its exit code, stop drains."""
    assert here("worker", "status").returncode == 1
    assert "started" in here("worker", "start").stdout
    assert "runs already" in here("worker", "start").stdout
    assert json.loads(here("worker", "--json").stdout)["pid"] == lab.worker.status().pid
    assert "stopped" in here("worker", "stop", "--drain", "1s").stdout
    assert not lab.worker.is_running()
    assert "No worker" in here("worker", "stop").stdout


def test_the_worker_in_the_foreground_ends_by_signal(lab: Lab) -> None:
    """``worker run`` is the worker: SIGTERM drains it and it exits with 0."""
    process = subprocess.Popen([*COMMAND, "worker", "run"], stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: lab.worker.status().state == "running")
        assert lab.worker.status().pid == process.pid
        process.terminate()
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()


def test_the_doctor_looks_at_everything(lab: Lab) -> None:
    """All is well in a fresh lab; loose permissions are found, named, and given a remedy."""
    found = json.loads(here("doctor", "--json").stdout)
    assert found["ok"]
    names = {check["name"] for check in found["checks"]}
    assert names >= {"SQLite", "file system", "disk", "permissions", "keys", "queue", "log", "worker", "clock"}
    lab.close()
    lab.folder.path.chmod(0o755)
    done = here("doctor")
    assert done.returncode == 1
    assert "chmod 700" in done.stdout


def test_the_demo_goes_well() -> None:
    """A job survives the death of its worker, before the eyes of whoever runs the demo."""
    done = here("demo")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "its attempts: lost, succeeded" in done.stdout


def test_a_terminal_gets_colours_and_no_control_codes(lab: Lab) -> None:
    """Somebody's output cannot set titles or move the cursor; tables are coloured, pipes are not."""
    noisy = r"printf '\033]0;owned\007\033[31mred\033[0m\033[2J\n'"
    raw = run("run", "--shell", noisy).stdout
    assert "\x1b]0;owned" in raw
    shown = in_terminal("job", "1", "output")
    assert "\x1b[31mred" in shown
    assert "owned" not in shown
    assert "\x1b[2J" not in shown
    assert "\x1b[32m✔ completed" in in_terminal("jobs")
    assert "\x1b" not in run("jobs").stdout
    assert "\x1b" not in in_terminal("jobs", NO_COLOR="1")


def in_terminal(*arguments: str, **environ: str) -> str:
    """What a terminal gets to see."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([*COMMAND, *arguments], stdout=theirs, stderr=theirs, stdin=theirs,
                               env={**os.environ, "TERM": "xterm", **environ})
    os.close(theirs)
    seen = b""
    try:
        while chunk := os.read(ours, 65536):
            seen += chunk
    except OSError:             # the other end is closed
        pass
    finally:
        os.close(ours)
        process.wait(30)
    return seen.decode()


@pytest.mark.row(29)
@pytest.mark.parametrize(("text", "plain"), [
    ("a\x1b[31mb\x1b[0m", "ab"), ("a\x1b]0;t\x07b", "ab"), ("a\x1b]0;t\x1b\\b", "ab"), ("\x1bPq\x1b\\x", "x"),
    ("a\x00\x07\x08b", "ab"), ("\u202ea", "a"), ("\x9b31mx", "31mx"), ("tab\tnl\n", "tab\tnl\n"),
])
def test_quoted_texts_lose_their_codes(text: str, plain: str) -> None:
    """A line of ours never carries what it quotes further than its letters."""
    assert printable(text) == plain
    assert safe(text, colours=False).replace("\x08", "") == plain


def test_every_option_is_a_flag_and_every_command_has_examples() -> None:
    """The table of options is the only place where one is declared; help shows examples that parse."""
    for option in OPTIONS:
        value = [] if option.name == "cache" else ["1"]
        assert getattr(parser().parse_args(["enqueue", "k", option.flag, *value]), option.name)
    for name, (_, says, examples) in COMMANDS.items():
        assert says.endswith(".")
        assert examples, name
    with pytest.raises(SystemExit) as end:
        main(["run", "--help"])
    assert end.value.code == 0


def test_output_into_a_closed_pipe_is_no_error(lab: Lab) -> None:
    """``tether-lab jobs | head -1`` ends quietly."""
    lab.register(lambda: 1, "k")
    lab.enqueue_many("k", [{}] * 300, delay="1h")
    done = subprocess.run(f"{sys.executable} -P -m tether_lab jobs --limit 300 --json | head -c 10", shell=True,
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
