"""job.debug() with a person at the other end: the prompt of a notebook, and a real terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest
from kernels import ANSI, Kernel, kernel

from tether_lab import Lab

HALF = "base = 20\ndef half(n):\n    low = n - 21\n    return n / low\n"
CELL = "%%job bad n=base+1 --retries 0\nx = n * 2\nhalf(n) + x"


@pytest.fixture
def started(home: Path) -> Iterator[Kernel]:
    with kernel() as made:
        made.run(HALF)
        made.run(CELL)
        made.run("%jobs wait 1", fails=True)
        yield made
        made.run("%tether stop")


@pytest.mark.parametrize("code", ["j = %job 1\nj.debug()", "%jobs debug 1"])
def test_a_notebook_asks_in_the_frame_that_raised(started: Kernel, code: str) -> None:
    """The traceback is the user's alone; values, the frame above, and out again; the kernel works on, and the
    job stays as it was."""
    said = started.talk(code, ["p ('low', low)", "up", "p ('x, n', x, n)", "q"])
    assert "lab/debugging.py" not in said
    assert "ZeroDivisionError: division by zero" in said
    assert "----> 4     return n / low" in said
    assert "\n('low', 0)\n" in said
    assert said.count("----> 2 half(n) + x") == 2
    assert "\n('x, n', 42, 21)\n" in said
    assert started.run("print(base, 'x' in globals())").text.strip() == "20 False"
    assert "failed" in started.run("%job 1").text


def test_a_notebook_steps_through_a_job_from_its_first_line(started: Kernel) -> None:
    """Of the cell's own lines; into what it calls, on to the error, and into the frame that raised. Leaving in
    the middle is no error."""
    said = started.talk("%jobs debug 1 --start", ["n", "p ('x', x)", "s", "n", "n", "p ('low', low)", "c",
                                                  "p ('again', low)", "q"])
    assert "lab/debugging.py" not in said
    assert said.count("----> 1 x = n * 2") == 1
    assert said.count("--Call--") == 1
    for words in ("('x', 42)", "('low', 0)", "('again', 0)"):
        assert f"\n{words}\n" in said
    assert "Error" not in started.talk("%jobs debug 1 --start", ["n", "q"])
    started.run("class Fine:\n    def execute(self, ctx):\n        y = ctx.payload['n']\n        return y + 1\n"
                "from tether_lab import Lab\nlab = Lab()\nlab.register(Fine, 'fine')\n"
                "lab.enqueue('fine', {'n': 3}).wait(30)")
    said = started.talk("%jobs debug 2 --start", ["n", "p ('y', y)", "c"])
    assert "----> 3         y = ctx.payload['n']" in said
    assert "\n('y', 3)\n" in said


def test_a_terminal_asks_in_the_frame_that_raised(tmp_path: Path) -> None:
    """tether-lab job 1 debug, with keys: the same, and Ctrl D leaves."""
    with Lab(tmp_path / "lab") as lab:
        def half(n: int) -> float:
            low = n - 21
            return n / low

        lab.register(half, "half", retries=0)
        lab.enqueue("half", {"n": 21}).wait(30)
        lab.worker.stop(timeout=10)
    command = [sys.executable, "-m", "tether_lab", "job", "1", "debug", "--lab", str(tmp_path / "lab")]
    child = pexpect.spawn(command[0], command[1:], timeout=30, encoding="utf-8", dimensions=(40, 110))
    child.expect_exact("(Pdb) ")
    shown = ANSI.sub("", child.before)
    assert "lab/debugging.py" not in shown
    assert "ZeroDivisionError: division by zero" in shown
    assert "-> return n / low" in shown
    child.sendline("p low, n")
    child.expect_exact("(0, 21)")
    child.expect_exact("(Pdb) ")
    child.sendline("q")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    child = pexpect.spawn(command[0], [*command[1:], "--start"], timeout=30, encoding="utf-8")
    child.expect_exact("(Pdb) ")
    assert "-> low = n - 21" in ANSI.sub("", child.before)
    child.sendeof()
    child.expect(pexpect.EOF)
    assert "Traceback" not in child.before
    child.close()
    assert child.exitstatus == 0
