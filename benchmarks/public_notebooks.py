"""Any notebook, cell by cell: as a job and in the kernel, and what differs between the two.

    python benchmarks/public_notebooks.py NOTEBOOK.ipynb … [--show] [--json FILE] [--seconds 30]

For each notebook a kernel is started in a copy of its folder. Each code cell first runs as
``%%job --wait`` from the kernel's present state, then as it is, which advances that state; files that
the job wrote are put back before. Outputs are compared after everything that differs between any two
runs (addresses, times, temporary names, numbers of cells) was made equal. Each cell ends as one of

    same        equal outputs
    warned      different, and the card said so when the cell was submitted
    refused     `%%job` did not accept the cell, and says why
    varies      different, but two jobs of the cell differ from each other as well (random, time)
    slow        did not end within the time that a cell has
    DIFFERENT   what a user would be surprised by: shown with a diff

Nothing is downloaded: the notebooks are the reader's own. They are run without further questions, so
give it only what you would run yourself. Exits 1 if a cell is DIFFERENT.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import resource
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from corpus.normal import normal, text
from corpus.truth import Kernel

MEMORY = 8 * 10**9              # bytes of address space for each process
LARGEST_FOLDER = 200 * 10**6
ENDS = ("same", "warned", "refused", "varies", "slow", "DIFFERENT")
HOMES = ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "IPYTHONDIR", "MPLCONFIGDIR")


@dataclass(slots=True)
class Cell:
    """What became of one cell."""

    notebook: str
    number: int
    source: str
    end: str
    said: str = ""
    diff: list[str] = field(default_factory=list)
    fails: bool = False


class PlainKernel(Kernel):
    """The corpus's kernel, without the libraries that the corpus loads beforehand."""

    def __init__(self, env: dict[str, str], cwd: Path) -> None:
        self._is_ready = False
        super().__init__(env, cwd)
        self._is_ready = True

    def quiet(self, code: str) -> None:
        if not self._is_ready:
            code = code.replace("_m.remember()", "None")
        super().quiet(code)


class Folder:
    """The notebook's working folder, and a copy of it to put back what a job changed."""

    def __init__(self, source: Path, place: Path) -> None:
        self.now, self._before = place / "now", place / "before"
        size = sum(f.stat().st_size for f in source.rglob("*") if f.is_file())
        if size > LARGEST_FOLDER:
            raise SystemExit(f"{source} holds {size / 1e6:.0f} MB: too much to copy for each notebook")
        shutil.copytree(source, self.now, ignore=shutil.ignore_patterns(".*", "*.ipynb"))
        shutil.copytree(self.now, self._before)
        self._seen = self._state()

    def _state(self) -> dict[str, tuple[int, int]]:
        files = (f for f in self.now.rglob("*") if "__pycache__" not in f.parts)
        return {str(f): (f.lstat().st_mtime_ns * f.is_file(), f.lstat().st_size) for f in files}

    def put_back(self) -> None:
        """As it was before the job. The folder itself stays: the kernel lives in it."""
        if self._state() != self._seen:
            _empty(self.now)
            shutil.copytree(self._before, self.now, dirs_exist_ok=True)
            self._seen = self._state()

    def keep(self) -> None:
        """What the plain cell changed belongs to the notebook from now on."""
        state = self._state()
        if state != self._seen:
            _empty(self._before)
            shutil.copytree(self.now, self._before, dirs_exist_ok=True)
            self._seen = state


def _empty(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


class Bench:
    """One lab with its worker, for all notebooks of a run."""

    def __init__(self, place: Path, seconds: float) -> None:
        from tether_lab import Lab

        self.place, self.seconds = place, seconds
        self.lab = Lab()
        self.last = 0

    def notebook(self, path: Path) -> Iterator[Cell]:
        """Run a notebook's cells; one Cell for each that has code."""
        place = Path(tempfile.mkdtemp(dir=self.place, prefix="nb-"))
        folder = Folder(path.parent, place)
        kernel = PlainKernel(dict(os.environ), folder.now)
        try:
            kernel.quiet("%load_ext tether_lab")
            for number, source in enumerate(_cells(path)):
                if source.strip():
                    found = Cell(path.stem, number, source, "")
                    try:
                        self._cell(kernel, folder, found)
                    except TimeoutError:
                        found.end = "slow"
                        kernel.manager.interrupt_kernel()
                        _drain(kernel)
                    yield found
        finally:
            kernel.kill()
            shutil.rmtree(place, ignore_errors=True)

    def _cell(self, kernel: Kernel, folder: Folder, cell: Cell) -> None:
        kernel.helper("keep")
        line = f"%%job --wait --timeout {self.seconds:.0f}s"
        shown = normal(kernel.run(f"{line}\n{cell.source}", store=False, within=self.seconds * 2))
        kernel.helper("put_back")
        folder.put_back()
        job = self._newest()
        truth_raw = kernel.run(cell.source, within=self.seconds)
        folder.keep()
        truth = normal(truth_raw)
        cell.fails = any(o["output_type"] == "error" for o in truth_raw)
        if job is None:
            cell.end, cell.said = "refused", str(shown)
            return
        manifest = job.version.manifest
        cell.said = "; ".join((*manifest.warnings, *manifest.notes))
        outputs = normal(job.outputs)
        if (job.error or "").startswith("timed out"):
            cell.end = "slow"
        elif outputs == truth:
            cell.end = "same"
            self._replayed(cell, job, outputs, shown)
        else:
            cell.diff = diff(truth, outputs)
            cell.end = "DIFFERENT"
            if self._varies(job, outputs):
                cell.end = "varies"
            elif manifest.warnings:
                cell.end = "warned"

    def _newest(self) -> Any:
        job = next(iter(self.lab.jobs(limit=1)), None)
        if job is None or int(job) == self.last:
            return None
        self.last = int(job)
        return job

    def _varies(self, job: Any, outputs: list[tuple[Any, ...]]) -> bool:
        again = self.lab.enqueue(job.key)
        self.last = int(again)
        with suppress(Exception):            # failed, cancelled, too slow: its outputs tell
            again.wait(self.seconds)
        return normal(again.outputs) != outputs

    def _replayed(self, cell: Cell, job: Any, outputs: list[tuple[Any, ...]],
                  shown: list[tuple[Any, ...]]) -> None:
        """What ``--wait`` showed is what the job shows (but for what it says itself)."""
        if str(job.status) != "completed":
            return
        said = [o for o in shown if o[0] != "stderr"]
        wanted = [o for o in outputs if o[0] != "stderr"]
        if said != wanted:
            cell.end, cell.diff = "DIFFERENT", ["--wait shows something else:", *diff(wanted, said)]


def _cells(path: Path) -> list[str]:
    notebook = json.loads(path.read_text())
    cells = notebook["cells"] if "cells" in notebook else [
        cell for sheet in notebook["worksheets"] for cell in sheet["cells"]]
    return ["".join(cell.get("source", cell.get("input", ""))) for cell in cells
            if cell["cell_type"] == "code"]


def _drain(kernel: Kernel) -> None:
    """Until the interrupted kernel answers again."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            kernel.run("pass", silent=True, within=5)
            return
        except TimeoutError:
            kernel.manager.interrupt_kernel()


def diff(truth: list[tuple[Any, ...]], outputs: list[tuple[Any, ...]]) -> list[str]:
    """Lines: ``-`` only in the kernel, ``+`` only in the job."""
    left, right = ([line for output in side for line in _lines(output)] for side in (truth, outputs))
    return [line for line in difflib.unified_diff(left, right, n=1, lineterm="")
            if not line.startswith(("---", "+++", "@@"))]


def _lines(output: tuple[Any, ...]) -> Iterator[str]:
    kind, *rest = output
    yield f"[{kind}]"
    for part in rest:
        if isinstance(part, dict):
            for name, value in part.items():
                yield f"{name}:"
                yield from str(value).splitlines()
        else:
            yield from str(part).splitlines()


@contextmanager
def home() -> Iterator[Path]:
    """A place for the lab, the keys and all temporary files; its worker ends with it."""
    place = Path(tempfile.mkdtemp(prefix="tether-public-")).resolve()
    for name in HOMES:
        (place / name.lower()).mkdir(mode=0o700)
        os.environ[name] = str(place / name.lower())
    (place / "tmp").mkdir()
    # One order of sets of texts for all processes: a kernel that is restarted has another one, too.
    os.environ.update(TETHER_LAB_HOME=str(place / "home"), TETHER_LAB_RUNNERS="1",
                      TMPDIR=str(place / "tmp"), PYTHONHASHSEED="0")
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def report(cell: Cell, *, show: bool) -> None:
    """The part of a cell's story that needs to be seen."""
    if cell.end == "same" or not (show or cell.end in ("DIFFERENT", "refused")):
        return
    print(f"\n## {cell.notebook} [{cell.number}] {cell.end}{': ' + text(cell.said) if cell.said else ''}")
    print("\n".join(f"    | {line}" for line in cell.source.splitlines()[:12]))
    print("\n".join(f"    {line[:300]}" for line in cell.diff[:30]), flush=True)


def table(cells: Sequence[Cell]) -> str:
    """A line for each notebook, and one for all."""
    rows = [f"{'notebook':45} {'cells':>6} " + " ".join(f"{end:>9}" for end in ENDS)]
    for name in [*dict.fromkeys(cell.notebook for cell in cells), ""]:
        mine = [cell for cell in cells if not name or cell.notebook == name]
        ends = Counter(cell.end for cell in mine)
        rows.append(f"{name or 'all':45} {len(mine):6} " + " ".join(f"{ends[end] or '':>9}" for end in ENDS))
    return "\n".join(rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("notebooks", nargs="+", type=Path)
    parser.add_argument("--show", action="store_true", help="show cells that vary or were warned about")
    parser.add_argument("--json", type=Path, help="write each cell's story to this file")
    parser.add_argument("--seconds", type=float, default=30.0, help="that a cell has")
    asked = parser.parse_args(arguments)
    cells: list[Cell] = []
    with home() as place:
        bench = Bench(place, asked.seconds)
        try:
            for path in asked.notebooks:
                for cell in bench.notebook(path.resolve()):
                    cells.append(cell)
                    report(cell, show=asked.show)
        finally:
            bench.lab.worker.stop(now=True)
            bench.lab.close()
    print("\n" + table(cells))
    if asked.json:
        asked.json.write_text(json.dumps([asdict(cell) for cell in cells], indent=1))
    return int(any(cell.end == "DIFFERENT" for cell in cells))


if __name__ == "__main__":
    sys.exit(main())
