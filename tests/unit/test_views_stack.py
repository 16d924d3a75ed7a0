"""Stacks of running jobs, from faulthandler's dump to what a person reads."""

from __future__ import annotations

from tether_lab.views.stack import readable, threads

DUMP = """\
Thread 0x00007fea24c346c0 (most recent call first):
  File "/x/tether_lab/runner/output.py", line 191 in _look
  File "/usr/lib/python3.11/threading.py", line 982 in run

Thread 0x00007fea24c346c1 (most recent call first):
  File "/tmp/ipykernel_10907/99.py", line 1 in spin
  File "/usr/lib/python3.11/threading.py", line 982 in run

Current thread 0x00007fea26e10b80 (most recent call first):
  File "/data/helper.py", line 2 in inner
  File "/tmp/ipykernel_10907/1736453557.py", line 2 in <module>
  File "/x/IPython/core/interactiveshell.py", line 3823 in run_code
  File "/x/tether_lab/runner/shell.py", line 220 in run
  File "<frozen runpy>", line 88 in _run_code
"""

SOURCES = {"/data/helper.py": "def inner():\n    wait()\n",
           "/tmp/ipykernel_10907/1736453557.py": "import x\ninner()"}


def test_a_dump_is_told_as_python_tells_a_traceback() -> None:
    """The main thread first, the newest call last, the cell by its line, nothing of ours."""
    said = readable(DUMP, SOURCES.get)
    assert said == (
        "Now, the newest call last:\n"
        "  Cell, line 2, in <module>\n"
        "    inner()\n"
        '  File "/data/helper.py", line 2, in inner\n'
        "    wait()\n\n"
        "Thread 1, the newest call last:\n"
        "  Cell, line 1, in spin")


def test_our_own_threads_are_no_threads_of_the_job() -> None:
    """A dump of nothing but Tether Lab says that no code of the job runs."""
    ours = DUMP.split("\n\n", maxsplit=1)[0]
    assert threads(ours) == []
    assert "no Python code" in readable(ours, SOURCES.get)
