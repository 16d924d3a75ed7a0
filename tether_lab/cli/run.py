"""``tether-lab run COMMAND …``: a program as a job, watched, its exit code passed on."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from tether_lab.errors import BadRequest

from .job import watch
from .labs import open_lab
from .parsing import Arguments, options
from .terminal import say


def run(given: Arguments) -> int:
    """Enqueue the command; watch it to its end unless it is detached."""
    words: list[str] = given.arguments[1:] if given.arguments[:1] == ["--"] else given.arguments
    if not words:
        raise BadRequest("run what?", remedy="tether-lab run python train.py --epochs 3", where="command")
    command = " ".join(words) if given.shell else _command(words)
    lab = open_lab(given, create=True)
    job = lab.enqueue_command(command, key=given.key, **options(given))
    if given.detach:
        say(f"Job {job.id} ({job.key}) is {job.status}: tether-lab job {job.id} follow")
        lab.close()
        return 0
    return watch(job)


def _command(words: list[str]) -> list[str]:
    """Scripts get their interpreter; a program must exist now, not only when the job starts."""
    first, *rest = words
    suffix = Path(first).suffix
    if suffix == ".ipynb":
        raise BadRequest(f"{first} is a notebook, not a program", where=first,
                         remedy="Export it (jupyter nbconvert --to script), or put %%job on top of its cells.")
    if suffix in (".py", ".sh"):
        if not Path(first).is_file():
            raise BadRequest(f"there is no file {first}", remedy="Check the path.", where=first)
        return [sys.executable if suffix == ".py" else "sh", str(Path(first)), *rest]
    if shutil.which(first) is None:
        raise BadRequest(f"there is no program {first!r}", where=first,
                         remedy="Give its full path, or use --shell for a line of shell.")
    return words
