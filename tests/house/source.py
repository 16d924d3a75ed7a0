"""Our own source, read and parsed once in each process for the tests of the house."""

from __future__ import annotations

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "tether_lab"
ROOMS = ("cell", "capture", "lab", "job_queue", "worker", "runner", "outcome", "vault", "views",
         "analytics", "server", "cli", "job", "settings")


@cache
def parsed(path: Path) -> ast.Module:
    """A file of ours, parsed once for all who ask."""
    return ast.parse(path.read_text())


@cache
def modules() -> dict[Path, ast.Module]:
    """Every module of the package, parsed."""
    return {path: parsed(path) for path in sorted(PACKAGE.rglob("*.py"))}


@cache
def files_of_tests() -> dict[Path, ast.Module]:
    """Every file of tests, parsed."""
    return {path: parsed(path) for path in sorted((ROOT / "tests").rglob("test_*.py"))}


@cache
def functions(tree: ast.AST) -> tuple[ast.FunctionDef | ast.AsyncFunctionDef, ...]:
    return tuple(n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))


@cache
def tracked() -> tuple[Path, ...]:
    """Files of the repository: tracked ones, and new ones that no rule ignores."""
    try:
        listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True,
                                capture_output=True, text=True, timeout=30).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):     # an unpacked sdist
        listed = [str(p.relative_to(ROOT)) for p in ROOT.rglob("*") if ".venv" not in p.parts]
    return tuple(ROOT / name for name in listed if (ROOT / name).is_file())


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def forget() -> None:
    """Let go of all trees."""
    for cached in (parsed, modules, files_of_tests, functions):
        cached.cache_clear()
