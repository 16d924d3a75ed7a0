"""Capturing: what goes along, what is said about it, what is refused, and what it costs."""

from __future__ import annotations

import dis
import json
import subprocess
import sys
import threading
import time
import tracemalloc
import types
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tether_lab.capture import (
    Blobs,
    BlobStore,
    Captured,
    CaptureRequest,
    capture_cell,
    capture_function,
    load_manifest,
)
from tether_lab.capture.codes import code_names, every_code
from tether_lab.errors import CaptureRefused, CaptureUnavailable, CellError
from tether_lab.job.handler import Manifest


@pytest.fixture
def main() -> dict[str, Any]:
    """A namespace that stands for a notebook's ``__main__``."""
    return types.ModuleType("__main__").__dict__


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    """A blob store of the test."""
    return BlobStore(tmp_path / "blobs")


def load(captured: Captured, store: BlobStore, **options: bool) -> dict[str, Any]:
    """Load a capture into a new namespace, leaving the process alone."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    manifest = Manifest.from_json(captured.manifest.to_json())
    beside = load_manifest(manifest, Blobs(store.folder, captured.small), namespace, process=False, **options)
    return {**namespace, **beside}


def test_only_what_is_needed(main: dict[str, Any], store: BlobStore) -> None:
    """Variables that the cell rebinds first stay here; the rest of the namespace is listed."""
    main.update(df=pd.DataFrame({"a": [1]}), n=3, unused=[1], _private=2, np=np)
    found = capture_cell(CaptureRequest(main, "df = np.zeros(n)"), store).manifest
    assert [v.name for v in found.variables] == ["n"]
    assert found.imports == {"np": "numpy"}
    assert found.others == {"df": "DataFrame", "unused": "list"}
    assert found.packages == ("numpy",)


def test_why_and_type(main: dict[str, Any], store: BlobStore) -> None:
    """Each variable says why it was taken, what it is and how large."""
    main["rate"] = 2
    exec("def cost(n): return n * rate", main)
    variables = {v.name: v for v in capture_cell(CaptureRequest(main, "cost(1)"), store).manifest.variables}
    assert variables["cost"].why == "used by the cell"
    assert variables["rate"].why == "global of cost"
    assert variables["rate"].type == "int"
    assert 0 < variables["rate"].size < 20


def test_large_arrays_are_files(main: dict[str, Any], store: BlobStore) -> None:
    """Buffers of 64 KB and more are files, named with their sizes; the same content is one file."""
    main.update(a=np.arange(20_000.), b=np.arange(20_000.), small=np.arange(3))
    captured = capture_cell(CaptureRequest(main, "a, b, small"), store)
    assert list(captured.large.values()) == [160_000]
    assert captured.manifest.large == captured.large
    assert captured.manifest.size > 320_000 - 160_000
    assert len(captured.manifest.buffers) == 2
    back = load(captured, store)
    back["a"][0] = 7
    assert back["b"][0] == 0


def test_warns_about_size(main: dict[str, Any], store: BlobStore) -> None:
    """Past the threshold the three largest variables are named."""
    main.update(a=np.zeros(30_000), b=np.zeros(20_000), c=1)
    said = capture_cell(CaptureRequest(main, "a, b, c", warn=100_000), store).manifest.warnings
    assert said[0].startswith("captured 400 kB: a 240 kB, b 160 kB")


@pytest.mark.row(24)
def test_limit_before_anything_is_copied(main: dict[str, Any], store: BlobStore) -> None:
    """Refused at once, nothing written, even for strided arrays that pickling would copy."""
    big = np.zeros((20_000, 1000))
    for value in (big, big[:, ::2], pd.DataFrame(big, copy=False)):
        main["big"] = value
        tracemalloc.start()
        with pytest.raises(CaptureRefused, match="big makes the capture larger than 50 MB"):
            capture_cell(CaptureRequest(main, "big", limit=50e6), store)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert most < 20e6, "of 160 MB"
    assert not store.folder.exists()


@pytest.mark.row(24)
def test_all_problems_at_once(main: dict[str, Any], store: BlobStore) -> None:
    """Every bad variable is named with its path and remedy; nothing is written."""
    main.update(a={"k": [threading.Lock()]}, b=(i for i in ()), ok=np.zeros(50_000))
    with pytest.raises(CaptureRefused) as caught:
        capture_cell(CaptureRequest(main, "a, ok, b"), store)
    first, second = caught.value.problems
    assert first == ("a holds a['k'][0], a _thread.lock: lock (used by the cell): locks hold for one "
                     "process only: create it inside the cell")
    assert second.startswith("b is a builtins.generator: generator")
    assert "--without a,b" in caught.value.remedy
    assert not store.folder.exists()


@pytest.mark.row(23)
def test_syntax_errors_are_the_cells(main: dict[str, Any], store: BlobStore) -> None:
    """A cell that is no Python never gets as far as capturing."""
    with pytest.raises(CellError):
        capture_cell(CaptureRequest(main, "x ="), store)


def test_same_content_same_fingerprints(main: dict[str, Any], store: BlobStore) -> None:
    """Two captures of the same things agree, whatever the objects' identities."""
    source = "import enum\nclass E(enum.Enum):\n    A = 1\ndef f(x, y={'a', 'b'}): return E.A, x\n"
    prints = []
    for _ in range(2):
        namespace = types.ModuleType("__main__").__dict__
        exec(source, namespace)
        namespace.update(df=pd.DataFrame({"a": np.arange(9), "s": list("abcabcabc")}), s={"x", "y"},
                         nested=[{"k": (1, 2.5, None)}, np.ones(30_000)])
        found = capture_cell(CaptureRequest(namespace, "f, df, s, nested"), store).manifest
        prints.append({v.name: v.fingerprint for v in found.variables})
    assert prints[0] == prints[1]
    assert None not in prints[0].values()


@pytest.mark.parametrize(("one", "other"), [
    ("x = 1", "x = 1.0"), ("x = 1", "x = True"), ("x = [1]", "x = (1,)"), ("x = {'a': 1}", "x = {'a': 2}"),
    ("x = {1, 2}", "x = {1, 3}"), ("def x(): return 1", "def x(): return 2"),
    ("def x(a=1): return a", "def x(a=2): return a"),
    ("x = (lambda n: lambda: n)(1)", "x = (lambda n: lambda: n)(2)"),
    ("class x: a = 1", "class x: a = 2"),
    ("import numpy as n\nx = n.zeros(3)", "import numpy as n\nx = n.ones(3)"),
    ("import numpy as n\nx = n.zeros((2, 3))", "import numpy as n\nx = n.zeros((3, 2))"),
    ("import numpy as n\nx = n.zeros(2, 'i4')", "import numpy as n\nx = n.zeros(2, 'f4')"),
    ("x = [[1], [1]]", "y = [1]\nx = [y, [2]]"), ("x = 'a'", "x = b'a'"), ("x = -1", "x = 1"),
])
def test_other_content_other_fingerprints(one: str, other: str, store: BlobStore) -> None:
    """What differs is told apart."""
    found = []
    for source in (one, other):
        namespace = types.ModuleType("__main__").__dict__
        exec(source, namespace)
        found.append(capture_cell(CaptureRequest(namespace, "x"), store).manifest.variables[0].fingerprint)
    assert found[0] != found[1]


def test_line_numbers_do_not_count(store: BlobStore) -> None:
    """The same function after a comment, from another cell's file, is the same function."""
    found = []
    for source, file in (("def f(): return 1", "<1>"), ("# more\n\ndef f():\n    return 1", "<2>")):
        namespace = types.ModuleType("__main__").__dict__
        exec(compile(source, file, "exec"), namespace)
        found.append(capture_cell(CaptureRequest(namespace, "f"), store).manifest.variables[0].fingerprint)
    assert found[0] == found[1] is not None


def test_magics_of_the_notebook(main: dict[str, Any], store: BlobStore) -> None:
    """A user-defined magic goes along if the cell uses it; one that cannot is told, not refused."""
    exec("greeting = 'hi '\ndef hello(line): return greeting + line", main)
    lock = threading.Lock()
    request = CaptureRequest(main, "get_ipython().run_line_magic('hello', 'x')", magics={
        "line:hello": main["hello"], "line:unused": len, "cell:hello": len})
    back = load(capture_cell(request, store), store)
    assert back["__magic__:line:hello"]("you") == "hi you"
    assert "__magic__:line:unused" not in back
    bad = CaptureRequest(main, request.source, magics={"line:hello": lambda line: lock})
    assert "left out: line:hello" in capture_cell(bad, store).manifest.warnings[0]


def test_functions_and_classes_as_handlers(main: dict[str, Any], store: BlobStore) -> None:
    """A handler's function comes back as ``__handler__``, with the globals that it reads."""
    exec("rate = 2\ndef cost(n): return n * rate\nclass Job:\n    def execute(self, ctx): return cost(1)", main)
    back = load(capture_function(main["cost"], CaptureRequest(main), store), store)
    assert back["__handler__"](4) == 8
    back = load(capture_function(main["Job"], CaptureRequest(main), store), store)
    assert back["__handler__"]().execute(None) == 2
    by_name = load(capture_function(json.dumps, CaptureRequest(main), store), store)
    assert by_name["__handler__"] is json.dumps


def test_nothing_to_capture(main: dict[str, Any], store: BlobStore) -> None:
    """A cell that needs nothing has no stream."""
    manifest = capture_cell(CaptureRequest(main, "1 + 1"), store).manifest
    assert (manifest.stream, manifest.variables, manifest.size) == (None, (), 0)


def test_an_unrebuildable_exception_is_named(main: dict[str, Any], store: BlobStore) -> None:
    """What pickles but does not unpickle fails with the variable's name."""
    exec("class E(Exception):\n    def __init__(self, a, b): super().__init__('x')\nerr = E(1, 2)", main)
    captured = capture_cell(CaptureRequest(main, "err"), store)
    with pytest.raises(CaptureUnavailable, match=r"could not rebuild err \(E\): TypeError") as caught:
        load(captured, store)
    assert caught.value.where == "err"


@pytest.mark.row(25)
def test_missing_module_is_named(main: dict[str, Any], store: BlobStore) -> None:
    """An import that fails in the job names module and remedy."""
    captured = capture_cell(CaptureRequest(main, "1"), store)
    manifest = Manifest.from_json(captured.manifest.to_json().replace(
        '"imports":{}', '"imports":{"x":"no_such_module"}'))
    with pytest.raises(CaptureUnavailable, match="no_such_module, which cannot be imported") as caught:
        load_manifest(manifest, Blobs(store.folder), {}, process=False)
    assert "Install it" in caught.value.remedy


@pytest.mark.row(25)
def test_another_python(main: dict[str, Any], store: BlobStore) -> None:
    """Captures of another minor version are refused before anything is loaded."""
    manifest = Manifest(python="3.5")
    with pytest.raises(CaptureUnavailable, match=r"Python 3\.5"):
        load_manifest(manifest, Blobs(store.folder), {})


def test_the_namespace_is_only_read(main: dict[str, Any], store: BlobStore) -> None:
    """Capturing changes nothing in the notebook, not even its classes when it is loaded there."""
    exec("class A:\n    n = 1\na = A()", main)
    before = dict(main)
    captured = capture_cell(CaptureRequest(main, "a"), store)
    main["A"].n = 50
    load(captured, store)
    assert main["A"].n == 50
    assert dict(main) == before


def test_code_names_agree_with_dis() -> None:
    """Our reading of bytecode finds what ``dis`` finds, over a lot of real code."""
    import argparse
    import asyncio.events
    import typing

    wanted = {"LOAD_GLOBAL", "LOAD_NAME", "STORE_GLOBAL", "DELETE_GLOBAL", "LOAD_FROM_DICT_OR_GLOBALS"}
    for module in (argparse, asyncio.events, typing):
        code = compile(Path(str(module.__file__)).read_text(), "x", "exec")
        mine, truth = code_names(code), set[str]()
        imports = set[str]()
        for inner in every_code(code):
            for instruction in dis.get_instructions(inner):
                if instruction.opname in wanted:
                    truth.add(instruction.argval)
                elif instruction.opname == "IMPORT_NAME":
                    imports.add(instruction.argval)
        assert set(mine.reads) == truth
        assert set(mine.imports) == imports


def test_views_in_frames_are_no_reason_to_warn(main: dict[str, Any], store: BlobStore) -> None:
    """Frames copy on write, so sharing memory means nothing there."""
    df = pd.DataFrame({"a": np.zeros(50_000), "b": np.zeros(50_000)})
    main.update(df=df, part=df[:100], column=df["a"])
    assert not capture_cell(CaptureRequest(main, "df, part, column"), store).manifest.warnings


def test_import_is_light() -> None:
    """Importing the room loads neither cloudpickle nor numpy; the analysis does not either."""
    code = ("import sys, tether_lab.capture as c; c.analyse, c.BlobStore, c.CaptureRequest; "
            "print([m for m in ('cloudpickle', 'numpy', 'pandas', 'asyncio', 'sqlite3', 'IPython') "
            "if m in sys.modules])")
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"


@pytest.mark.alone
def test_figures(main: dict[str, Any], store: BlobStore) -> None:
    """Small cells take about a millisecond, 100 MB less than a second even on a busy machine."""
    exec("import numpy as np\nbase = 3\ndef cost(n): return n * base", main)
    request = CaptureRequest(main, "x = np.arange(10)\ny = x.sum()\nprint(y * cost(base))")
    capture_cell(request, store)
    times = []
    for _ in range(20):
        start = time.perf_counter()
        captured = capture_cell(request, store)
        times.append(time.perf_counter() - start)
    assert sorted(times)[5] < 0.010
    main["df"] = pd.DataFrame(np.ones((1_250_000, 10)))
    captured = capture_cell(CaptureRequest(main, "df"), store)
    start = time.perf_counter()
    capture_cell(CaptureRequest(main, "df"), store)
    assert time.perf_counter() - start < 1.5
    start = time.perf_counter()
    load(captured, store)
    assert time.perf_counter() - start < 0.1
