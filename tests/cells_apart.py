"""Two processes that never share memory: a kernel that captures cells, a runner that runs them.

Each is a server that forks once per request, so that a hundred cases cost no hundred imports and
still each runs in a process of its own. Run as ``python cells_apart.py``; it reads requests as JSON
lines and answers with JSON lines. Used by tests/contract/test_capture_roundtrip.py.
"""

from __future__ import annotations

import importlib
import io
import json
import linecache
import os
import pickle
import subprocess
import sys
import traceback
import types
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any


class Server:
    """The tests' end: one server process, asked with dicts."""

    def __init__(self) -> None:
        self._process = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, text=True)

    def ask(self, **request: Any) -> dict[str, Any]:
        """Do one request in a forked process; its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return dict(json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        """End the server by closing its input."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        assert self._process.wait(10) == 0


def fresh_main() -> dict[str, Any]:
    """A new ``__main__``, as notebooks and jobs have one."""
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    return module.__dict__


def run_cell(source: str, name: str, namespace: dict[str, Any]) -> str:
    """Execute a cell as a notebook would; what it printed, or its error as one line."""
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    printed = io.StringIO()
    with redirect_stdout(printed):
        try:
            exec(compile(source, name, "exec", dont_inherit=True), namespace)
        except Exception as error:
            print(f"{type(error).__name__}: {error}")
    return printed.getvalue()


def kernel(folder: str, setup: list[str], cell: str, request: dict[str, Any], run: bool) -> dict[str, Any]:
    """Run the setup, capture the cell, then run it here: what it prints is the truth."""
    from tether_lab.capture import BlobStore, CaptureRequest, capture_cell
    from tether_lab.capture.provenance import interpreter
    from tether_lab.capture.versions import version_hash
    from tether_lab.errors import BadRequest

    namespace, place = fresh_main(), Path(folder)
    os.chdir(folder)
    for number, source in enumerate(setup):
        said = run_cell(source, f"<setup-{number}>", namespace)
        if "Error" in said:
            return {"broken": said}
    given = {**request, "seeded": frozenset(request.get("seeded", ()))}
    try:
        captured = capture_cell(CaptureRequest(namespace, cell, **given), BlobStore(place / "blobs"))
    except BadRequest as error:
        return {"refused": str(error), "problems": list(getattr(error, "problems", ()))}
    manifest = captured.manifest
    (place / "manifest.json").write_text(manifest.to_json())
    (place / "small").write_bytes(pickle.dumps(captured.small))
    answer: dict[str, Any] = {
        "warnings": list(manifest.warnings), "notes": list(manifest.notes),
        "variables": {v.name: v.fingerprint for v in manifest.variables},
        "types": {v.name: v.type for v in manifest.variables}, "missing": manifest.missing,
        "imports": manifest.imports, "withheld": manifest.withheld, "packages": manifest.packages,
        "modules": list(manifest.modules), "environ": manifest.environ,
        "version": version_hash("cell", cell, (), manifest, interpreter()),
    }
    if run:
        answer["truth"] = run_cell(cell, "<cell>", namespace)
    return answer


def runner(folder: str, cell: str, result: str) -> dict[str, Any]:
    """Load what the kernel captured, run the cell, store a variable as the result."""
    from tether_lab.capture import Blobs, BlobStore, dump_result, hint, load_manifest
    from tether_lab.errors import TetherLabError
    from tether_lab.job.handler import Manifest

    namespace, place = fresh_main(), Path(folder)
    os.chdir("/")
    manifest = Manifest.from_json((place / "manifest.json").read_text())
    blobs = Blobs(place / "blobs", pickle.loads((place / "small").read_bytes()))
    try:
        load_manifest(manifest, blobs, namespace)
    except TetherLabError as error:
        return {"unloadable": str(error)}
    answer: dict[str, Any] = {"printed": run_cell(cell, "<cell>", namespace)}
    for line in answer["printed"].splitlines():
        if line.startswith("NameError: name '"):
            answer["hint"] = hint(manifest, NameError(line, name=line.split("'")[1]))
    if result:
        stored = dump_result(namespace.get(result), {}, BlobStore(place / "blobs"),
                             namespace=namespace)
        (place / "result").write_bytes(pickle.dumps(stored))
        answer["kind"], answer["text"] = stored.kind, stored.text
    return answer


def load_back(folder: str, setup: list[str], check: str) -> dict[str, Any]:
    """In a notebook with ``setup``: load the stored result as ``got`` and run ``check``."""
    from tether_lab.capture import Blobs, load_result

    namespace, place = fresh_main(), Path(folder)
    for number, source in enumerate(setup):
        run_cell(source, f"<setup-{number}>", namespace)
    stored = pickle.loads((place / "result").read_bytes())
    namespace["got"] = load_result(stored.body, Blobs(place / "blobs", stored.blobs), namespace,
                                   kind=stored.kind, text=stored.text)
    return {"printed": run_cell(check, "<check>", namespace)}


ROLES = {"kernel": kernel, "runner": runner, "load_back": load_back}


def serve() -> None:
    """Answer each request from a forked child."""
    for line in sys.stdin:
        request = json.loads(line)
        role = ROLES[request.pop("role")]
        read_end, write_end = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(read_end)
            try:
                answer = role(**request)
            except BaseException:
                answer = {"crashed": traceback.format_exc()}
            with os.fdopen(write_end, "w") as out:
                out.write(json.dumps(answer, default=list))
            os._exit(0)
        os.close(write_end)
        with os.fdopen(read_end) as source:
            text = source.read()
        os.waitpid(child, 0)
        print(text or "{}", flush=True)


if __name__ == "__main__":
    # Libraries are loaded once, before the forks; nothing of a case is.
    for library in ("concurrent.futures", "sqlite3", "numpy", "pandas", "tether_lab.capture.capture",
                    "tether_lab.capture.gathering", "tether_lab.capture.fingerprints",
                    "tether_lab.capture.loading", "tether_lab.capture.results", "tqdm"):
        importlib.import_module(library)
    serve()
