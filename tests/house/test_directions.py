"""A room imports only rooms further down the way of a job."""

from __future__ import annotations

import ast
import subprocess
import sys

from tests.house.source import PACKAGE, ROOMS, ROOT, modules, shown

HEAVY = ("IPython", "ipywidgets", "pandas", "numpy", "plotly", "tornado", "cloudpickle", "msgspec",
         "psutil", "cryptography", "sqlite3", "aiosqlite", "asyncio", "distributed", "matplotlib")


def loaded_by(statement: str) -> set[str]:
    """The top-level modules that a fresh interpreter has after ``statement``."""
    code = f"import sys; before = set(sys.modules); {statement}; print('\\n'.join(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-P", "-c", code], check=True, capture_output=True,
                          text=True, timeout=60, cwd=ROOT)
    return {name.partition(".")[0] for name in done.stdout.split()}


def test_the_contracts_of_pyproject_hold() -> None:
    """import-linter finds no import against the directions, inside functions too."""
    done = subprocess.run([sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()",
                           "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_import_tether_lab_loads_only_the_standard_library() -> None:
    """`import tether_lab` costs a kernel next to nothing."""
    loaded = loaded_by("import tether_lab") - {"tether_lab"}
    assert loaded <= set(sys.stdlib_module_names), loaded - set(sys.stdlib_module_names)
    assert not loaded & {"sqlite3", "asyncio"}


def test_the_words_load_only_the_standard_library() -> None:
    """job, outcome, errors and settings are pure."""
    words = ("job.options", "outcome", "errors", "settings")
    loaded = loaded_by("import " + ", ".join(f"tether_lab.{word}" for word in words))
    assert loaded - {"tether_lab"} <= set(sys.stdlib_module_names)


def test_the_supervisor_loads_nothing_of_the_notebook() -> None:
    """Everything the worker's own process can import leaves IPython, pandas and user code out."""
    names = [".".join(p.relative_to(PACKAGE.parent).with_suffix("").parts)
             for p in modules() if p.parent.name == "worker" and p.stem not in ("__init__", "__main__")]
    loaded = loaded_by("import " + ", ".join(names))
    assert not loaded & {"IPython", "ipykernel", "ipywidgets", "pandas", "numpy", "plotly", "tornado",
                         "cloudpickle", "distributed", "matplotlib"}


def test_the_runner_does_not_load_the_queue() -> None:
    """Where user code runs there is no way to the queue's database."""
    names = [".".join(p.relative_to(PACKAGE.parent).with_suffix("").parts)
             for p in modules()
             if p.parent.name == "runner" and p.stem not in ("__init__", "zygote", "spare")]
    code = "import " + ", ".join(names) + "; import sys; assert 'tether_lab.job_queue' not in sys.modules"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, timeout=60,
                          cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_rooms_take_their_words_from_rooms_not_from_the_front_door() -> None:
    """`from tether_lab import x` inside the package would hide a direction from the contracts."""
    doors = {p.stem for p in PACKAGE.glob("*.py")} | set(ROOMS) | {"testing", "__version__"}
    wrong = []
    for path, tree in modules().items():
        if path.parent == PACKAGE:
            continue
        wrong += [f"{shown(path)}:{node.lineno}: {alias.name}" for node in ast.walk(tree)
                  if isinstance(node, ast.ImportFrom) and node.module == "tether_lab" and not node.level
                  for alias in node.names if alias.name not in doors]
    assert not wrong
