"""What stands between a fork and a cell's first line: counted, not timed."""

from __future__ import annotations

import json
import subprocess
import sys

from small_supervisor import SmallZygote

EVERY_KERNEL = json.dumps({"shell": {"extensions": ["IPython.extensions.storemagic"]}})
"""What the cells of a notebook ask for whose user changed nothing."""
BEFORE = ("import json, sys\nfrom tether_lab.runner import zygote\n"
          "zygote.make_shell(), zygote.rehearse_captures()\nprint(json.dumps(list(sys.modules)))")


def test_nothing_is_imported_between_the_fork_and_a_cells_first_line(zygote: SmallZygote) -> None:
    """All of it was there before the fork; one import costs as much as the rest of the way."""
    known = json.loads(subprocess.run([sys.executable, "-P", "-c", BEFORE], capture_output=True, check=True,
                                      timeout=60, cwd="/").stdout)
    process = zygote.run("import sys; list(sys.modules)", manifest=EVERY_KERNEL)
    assert set(json.loads(process.ended.result_body)) - {"runpy"} <= set(known)    # of python -m


def test_few_pages_are_copied_between_the_fork_and_a_cells_first_line(zygote: SmallZygote) -> None:
    """The kernel copies a page at the first write to it, and counting a reference is one. Hundreds cannot be
    avoided; with the process laid out before the fork, and the way of a cell rehearsed there, no more."""
    cell = "import resource\nresource.getrusage(resource.RUSAGE_SELF).ru_minflt"
    found = [int(zygote.run(cell, manifest=EVERY_KERNEL).ended.result_body) for _ in range(3)]
    assert min(found) < 1270, found          # 1150 with CPython 3.11; 1400 if nothing is rehearsed
