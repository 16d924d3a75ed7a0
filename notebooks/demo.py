"""`make demo`: the quickstart in a real kernel that is killed half way, taken up by a second one.

What must happen, and is checked: the cell of 01_first_job.ipynb becomes a job; its kernel gets
SIGKILL while the job runs; a second kernel follows the rest of the output live, shows the figure,
and loads the frame. Everything lies in demo-output/, with a lab of its own. Exits 1, and says
what was missing, if anything of that did not happen.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import time
from pathlib import Path

import nbformat
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

HERE = Path(__file__).resolve().parent
OUTPUT = HERE.parent / "demo-output"
NOTEBOOK = HERE / "01_first_job.ipynb"
ANSI = re.compile(r"\x1b\[[0-9;]*m")
missing: list[str] = []


def say(text: str) -> None:
    print(f"[{time.monotonic() - BEGUN:5.1f} s] {text}", flush=True)


def check(held: object, what: str) -> None:
    """Remember what did not happen; the demo goes on, and fails at its end."""
    say(("✓ " if held else "✗ ") + what)
    if not held:
        missing.append(what)


def prepare() -> None:
    """An empty demo-output with a home of its own for the lab, and for the key that signs."""
    shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.mkdir(mode=0o700)
    for name, folder in {"TETHER_LAB_HOME": "home", "TETHER_LAB_CONFIG": "config"}.items():
        os.environ[name] = str(OUTPUT / folder)


class Session:
    """A kernel of its own for some cells of the notebook."""

    def __init__(self, notebook: nbformat.NotebookNode) -> None:
        self.manager = KernelManager(kernel_name="python3")
        self.manager.kernel_cmd = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        self.client = NotebookClient(notebook, km=self.manager, timeout=120)
        self.client.reset_execution_trackers()
        self.manager.start_kernel(cwd=str(OUTPUT), extra_arguments=[])
        self.client.kc = self.manager.client()
        self.client.kc.start_channels()
        self.client.kc.wait_for_ready(timeout=60)
        self.client.kc.allow_stdin = False

    @property
    def pid(self) -> int:
        return int(self.manager.provisioner.pid)

    def run(self, first: int, last: int) -> None:
        """Execute the code cells of the notebook from ``first`` up to ``last``, that one left out."""
        for number in range(first, last):
            cell = self.client.nb.cells[number]
            if cell.cell_type == "code":
                self.client.execute_cell(cell, number)

    def end(self) -> None:
        self.client.kc.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()


def text_of(cell: nbformat.NotebookNode) -> str:
    """All that a person reads below a cell."""
    parts = [o.get("text") or o.get("data", {}).get("text/plain", "") for o in cell.outputs]
    return ANSI.sub("", "\n".join("".join(part) for part in parts))


def has(cell: nbformat.NotebookNode, mime: str) -> bool:
    return any(mime in output.get("data", {}) for output in cell.outputs)


def first_kernel(notebook: nbformat.NotebookNode, second: int) -> int:
    """Everything up to the restart; then SIGKILL while the job runs. The job's id."""
    from tether_lab import Lab

    kernel = Session(notebook)
    say(f"kernel {kernel.pid} runs the first half of {NOTEBOOK.name}")
    kernel.run(0, second)
    with Lab() as lab:
        job = lab.jobs(key="anatomy", limit=1)[0]
        say(f"%%job gave job {job.id}; the kernel stayed free and ran the cells below it")
        deadline = time.monotonic() + 60
        while (job.row.progress is None or len(job.attempts) == 0) and time.monotonic() < deadline:
            time.sleep(0.05)
        running = job.status == "running"
        os.kill(kernel.pid, signal.SIGKILL)
        progress = job.progress or {}
        said = progress.get("message") or f"{100 * (progress.get('fraction') or 0):.0f} %"
        check(running, f"the kernel was killed (SIGKILL) while job {job.id} was running: {said}")
    kernel.end()
    return job.id


def second_kernel(notebook: nbformat.NotebookNode, second: int, job_id: int) -> None:
    """The rest of the notebook in a new kernel, and whether it found everything."""
    from tether_lab import Lab

    with Lab() as lab:
        job = lab.get(job_id)
        kernel = Session(notebook)
        say(f"a second kernel ({kernel.pid}) runs the second half")
        cells = [n for n in range(second, len(notebook.cells)) if notebook.cells[n].cell_type == "code"]
        kernel.run(second, cells[0] + 1)
        live = job.status == "running"
        kernel.run(cells[0] + 1, len(notebook.cells))
        opened, followed, result = (notebook.cells[n] for n in cells[:3])
        check(live, "the job was still running when the second kernel looked at it")
        check("anatomy" in text_of(opened), "the second kernel shows the job's card")
        check("reading" in text_of(followed) and "functions in" in text_of(followed),
              "the output is there, from before and from after the kill")
        check(has(followed, "image/png"), "the figure is there")
        check(has(result, "text/html") and "functions" in text_of(result), "the result is a data frame")
        frame = job.result(timeout=60)
        check(len(frame) > 50 and int(frame["functions"].sum()) > 1000,
              f"it has {len(frame)} packages and {int(frame['functions'].sum()):,} functions")
        check(len(job.attempts) == 1, "one attempt: nothing was lost, nothing ran twice")
        kernel.end()


def report(notebook: nbformat.NotebookNode) -> None:
    """The job table, the executed notebook and an HTML page of it."""
    import subprocess

    from nbconvert import HTMLExporter

    executed, page = OUTPUT / NOTEBOOK.name, OUTPUT / "01_first_job.html"
    nbformat.write(notebook, executed)
    picture = Path("pictures", f"{NOTEBOOK.stem}.png")      # the notebook names it by this path
    (OUTPUT / picture).parent.mkdir()
    shutil.copy(HERE / picture, OUTPUT / picture)
    html, _ = HTMLExporter(embed_images=True).from_notebook_node(
        notebook, resources={"metadata": {"path": str(OUTPUT)}})
    page.write_text(html, encoding="utf-8")
    check('src="pictures/' not in html, "the page holds its pictures")
    table = subprocess.run([sys.executable, "-m", "tether_lab", "jobs"], capture_output=True, text=True,
                           timeout=60, check=False)
    print("\n" + table.stdout + table.stderr)
    check(table.returncode == 0 and "anatomy" in table.stdout, "tether-lab jobs shows the job")
    print(f"\nexecuted notebook: {executed}\nHTML report:       {page}")


def main() -> int:
    from tether_lab import Lab

    prepare()
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    second = next(n for n, cell in enumerate(notebook.cells)
                  if "second-kernel" in cell.metadata.get("tags", ()))
    try:
        second_kernel(notebook, second, first_kernel(notebook, second))
    except CellExecutionError as error:
        check(False, f"a cell failed: {error.ename}: {error.evalue}")
    report(notebook)
    with Lab() as lab:
        lab.worker.stop(now=True)
    print(f"\n{'FAILED: ' + '; '.join(missing) if missing else 'Everything happened.'}"
          f" {time.monotonic() - BEGUN:.0f} s")
    return 1 if missing else 0


if __name__ == "__main__":
    BEGUN = time.monotonic()
    sys.exit(main())
