"""Every notebook of notebooks/ runs from its first cell to its last in a real kernel."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[2] / "notebooks"
# What each must show, in the outputs of its cells.
NOTEBOOKS = {
    "01_first_job.ipynb": ("functions in", "image/png", "packages", "completed"),
    "02_functions_and_handlers.ipynb": ("'greeted': 'Ada'", "PayloadError", "UnknownHandler", "42"),
    "03_retries_and_failures.ipynb": ("answered at attempt 3", "NoRetry", "IndexError", "SIGSEGV", "timeout"),
    "04_results_keep_cache.ipynb": ("(1500, 1500)", "(True, 144)", "(True, [1, 2, 3])", "ResultUnavailable"),
    "05_output_and_progress.ipynb": ("from a child process", "updated later", "image/png", "the end"),
    "06_commands.ipynb": ("a script of the shell", "42", "2 attempts"),
    "07_watching.ipynb": ("'completed'", "cancelled", "True"),
    "08_limits.ipynb": ("at once", "starts in each window of a second: 5", "paused:low", "/99"),
    "09_dedup_and_history.ipynb": ("the same job: True", "1 job for five requests", "DuplicateJob", "summary"),
    "10_timeouts_retries_windows.ipynb": ("42 at attempt 3", "timed out after", "expired", "memory"),
    "11_inside_a_job.ipynb": ("2 packages are counted already", "crashed", "most lines:", "42"),
    "12_middleware_and_resources.ipynb": ("Dear Ada", "the token was refreshed", "raised by the middleware"),
    "13_chain_etl.ipynb": ("no folder for", "'rows': 3", "completed"),
    "14_sweep.ipynb": ("6 completed", "Accuracy by depth", "trees"),
    "15_nightly_report.ipynb": ("every day at 03:00 Europe/Madrid", "| package | size |", "missed", "paused"),
    "21_long_transfer.ipynb": ("the same bytes: True", "1.5 MB", "attempts: 4"),
    "22_sensor_service.ipynb": ("it says", "in another unit", "restarting", "back after", "stopped"),
    "23_triggers.ipynb": ("when *.csv in", "'Bonn': 8", "monday.csv", "refreshed north", "go round for ever"),
    "24_notebook_as_job.ipynb": (
        "168 primes below 1000", "has no parameter 'limt'", "too far", "06:30 Europe/Madrid"),
    "25_encryption_and_trust.ipynb": (
        "files that hold the name: []", "queue.db", "•••", "rows have the new key", "RestrictedLab",
        "KeyMissing",
        "restricted: False", "another lab took", "quick check"),
    "19_dashboard.ipynb": ("The live dashboard", "completed", "ValueError", "The chain nightly", "6 jobs",
                           "dashboards still at work: 0"),
    "16_hooks_and_notifications.ipynb": ("on_failure", "unlucky failed", "the first half is there",
                                        "completed |"),
    "17_testing_jobs.ipynb": ("'succeeded': 4, 'failed': 1", "sent [2, 3, 4]", "none fit", "[0, 1, 4, 9]"),
    "18_debugging.ipynb": ("in how_many line 3", "'price': 0.0", "['failed', 'succeeded']", "1 completed"),
    "20_analytics.ipynb": ("send-report", "What fails most", "1 attempt at most", "month.html", "usual"),
    "30_beyond_one_machine.ipynb": ("exponent 0.5, seed 0", "exact", "cancelled", "done"),
}
REDUCED = {"01_first_job.ipynb": ("%%job anatomy every=1", "%%job anatomy every=25")}   # CI size


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs_and_shows_what_it_says(name: str, home: Path) -> None:
    """No cell fails, and what the text promises is in the outputs."""
    notebook = nbformat.read(FOLDER / name, as_version=4)
    if name in REDUCED:
        for cell in notebook.cells:
            cell.source = cell.source.replace(*REDUCED[name])
    manager = KernelManager(kernel_name="python3")
    manager.kernel_cmd = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    environment: dict[str, Any] = kept | {"PATH": f"{Path(sys.executable).parent}:{kept['PATH']}"}
    place = {"metadata": {"path": str(home)}}
    client = NotebookClient(notebook, km=manager, timeout=100, resources=place, coalesce_streams=True)
    client.execute(env=environment, cleanup_kc=True)
    shown = json.dumps([cell.get("outputs") for cell in notebook.cells], ensure_ascii=False)
    for text in NOTEBOOKS[name]:
        assert text in shown, f"{name} does not show {text!r}"


def test_committed_notebooks_carry_no_output() -> None:
    """What a reader sees was made by the reader's own run; diffs stay readable."""
    for path in FOLDER.glob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        assert not [cell for cell in notebook.cells if cell.get("outputs")], path.name
