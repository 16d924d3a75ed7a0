"""``tether-lab run COMMAND …``: a program or notebook as a job, watched, its exit code passed on."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from tether_lab.errors import BadRequest, PayloadError

from .job import parse_value, watch
from .labs import open_lab
from .parsing import Arguments, notebook_parser, options
from .terminal import say


def run(given: Arguments) -> int:
    """Enqueue the command; watch it to its end unless it is detached."""
    words: list[str] = given.arguments[1:] if given.arguments[:1] == ["--"] else given.arguments
    if not words:
        raise BadRequest("run what?", remedy="tether-lab run python train.py --epochs 3", where="command")
    if words[0].endswith(".ipynb") and not given.shell:
        return _notebook(given, words)
    command = " ".join(words) if given.shell else _command(words)
    lab = open_lab(given, create=True)
    job = lab.enqueue_command(command, key=given.key, **options(given))
    if given.detach:
        say(f"Job {job.id} ({job.key}) is {job.status}: tether-lab job {job.id} follow")
        lab.close()
        return 0
    return watch(job)


def _notebook(given: Arguments, words: list[str]) -> int:
    """``report.ipynb -p lr=0.1``: flags may stand before the file and behind it."""
    said = notebook_parser().parse_args(words[1:])
    values = {}
    for pair in said.parameters:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise PayloadError(f"{pair!r:.60} is no value", where="-p", remedy="As in -p lr=0.1.")
        values[name] = parse_value(value)
    lab = open_lab(given, create=True)
    job = lab.enqueue_notebook(words[0], values, key=said.key or given.key,
                               **{**options(given), **options(said)})
    if given.detach or said.detach:
        say(f"Job {job.id} ({job.key}) is {job.status}: tether-lab job {job.id} follow")
        lab.close()
        return 0
    code = watch(job)
    if code == 0:
        say(f"The executed copy is {job.result()['notebook']}")
    return code


def _command(words: list[str]) -> list[str]:
    """Scripts get their interpreter; a program must exist now, not only when the job starts."""
    first, *rest = words
    suffix = Path(first).suffix
    if suffix in (".py", ".sh"):
        if not Path(first).is_file():
            raise BadRequest(f"there is no file {first}", remedy="Check the path.", where=first)
        return [sys.executable if suffix == ".py" else "sh", str(Path(first)), *rest]
    if shutil.which(first) is None:
        raise BadRequest(f"there is no program {first!r}", where=first,
                         remedy="Give its full path, or use --shell for a line of shell.")
    return words
