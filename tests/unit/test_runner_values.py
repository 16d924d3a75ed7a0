"""The runner's pure parts: binding, overwritten text, failures, contexts, import hooks."""

# ruff: noqa: E501  tables of cells are read across
from __future__ import annotations

import datetime as dt
import enum
import importlib
import json
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest

from tether_lab.errors import BadRequest, JobCancelled, NoRetry, PayloadError, SoftTimeout
from tether_lab.runner import failures, on_import
from tether_lab.runner.binding import check_declared, coerce, signature
from tether_lab.runner.call import job_class
from tether_lab.runner.context import Context, KernelReporter, current
from tether_lab.runner.endings import Cancel, Fail, RetryAfter, Snooze
from tether_lab.runner.output import overwritten
from tether_lab.runner.signals import Shield


class Mode(enum.Enum):
    FAST = 1
    SLOW = "slow"


def train(ctx, lr: float = 0.1, epochs: int = 3, mode: Mode = Mode.FAST, tags: list[str] | None = None): ...
def seed(service, payload, db): ...
def rest(ctx, a: int, **more): ...
def only_ctx(ctx): ...
def needs(a, b=1): ...


GIVE: dict[str, Callable[[], Any]] = {"ctx": lambda: "CTX", "payload": lambda: {"p": 1}, "db": lambda: "DB"}


def test_arguments_come_by_name() -> None:
    """ctx, payload and db are given; the rest is filled from the payload, with its types."""
    assert signature(train).arguments("t", {"lr": 1, "mode": "SLOW", "tags": ["a"]}, GIVE) == {
        "ctx": "CTX", "lr": 1.0, "mode": Mode.SLOW, "tags": ["a"]}
    assert signature(seed).arguments("s", {"any": 1}, GIVE) == {"service": "CTX", "payload": {"p": 1}, "db": "DB"}
    assert signature(rest).arguments("r", {"a": 1, "z": 2}, GIVE) == {"ctx": "CTX", "a": 1, "z": 2}
    assert signature(only_ctx).arguments("o", {"any": 1}, GIVE) == {"ctx": "CTX"}
    assert signature(rest).arguments("r", {"a": 1, "ctx": 5}, GIVE)["ctx"] == "CTX"


def test_declared_parameters_are_what_a_version_stores() -> None:
    """Name, whether required, JSON type or None."""
    assert signature(train).declared() == {
        "lr": {"required": False, "type": "number"}, "epochs": {"required": False, "type": "integer"},
        "mode": {"required": False, "type": None}, "tags": {"required": False, "type": None}}
    assert signature(needs).declared()["a"] == {"required": True, "type": None}


@pytest.mark.parametrize(("function", "payload", "says"), [
    (train, {"lrr": 1}, "no parameter 'lrr' (did you mean 'lr'?)"),
    (train, {"epochs": "3"}, "epochs is '3'; it takes a whole number"),
    (train, {"epochs": True}, "epochs is True; it takes a whole number"),
    (train, {"mode": "X"}, "it takes one of FAST, SLOW"),
    (needs, {}, "needs a"),
])
def test_payloads_that_do_not_fit_are_refused(function: Any, payload: dict[str, Any], says: str) -> None:
    """PayloadError names the parameter, the value and what it takes."""
    with pytest.raises(PayloadError) as caught:
        signature(function).values("job", payload)
    assert says in caught.value.message
    assert caught.value.where.startswith("$.")


@pytest.mark.parametrize("function", [lambda *args: 0, eval("lambda a, /: 0")])
def test_functions_that_a_payload_cannot_fill_are_refused(function: Any) -> None:
    """Parameters without a name of their own."""
    with pytest.raises(BadRequest):
        signature(function)


def test_names_alone_can_be_checked() -> None:
    """What the kernel does at enqueue when it has the declaration only."""
    declared = json.loads(json.dumps(signature(needs).declared()))
    check_declared("k", declared, {"a": 1})
    check_declared("k", declared, {"a": 1, "zz": 1}, open=True)
    with pytest.raises(PayloadError, match="It takes a, b"):
        check_declared("k", declared, {"a": 1, "c": 1})


@pytest.mark.parametrize(("value", "wanted", "found"), [
    (1, float, 1.0), (2.0, int, 2), ("2024-01-02", dt.date, dt.date(2024, 1, 2)), ("/x", Path, Path("/x")),
    ([1, 2], tuple[int, ...], (1, 2)), ([1, "a"], tuple[int, str], (1, "a")), ([1, 1], set[int], {1}),
    ({"a": 1}, dict[str, float], {"a": 1.0}), (None, int | None, None), (3, int | str, 3), ("3", int | str, "3"),
    (2, float | int, 2), ("b", Literal["a", "b"], "b"), ("slow", Mode, Mode.SLOW), (5, Any, 5), ("x", "forward", "x"),
    ([1], list, [1]), (b"raw", bytes, b"raw"), ({"a": 1}, types.SimpleNamespace, {"a": 1}),
])
def test_values_are_read_as_the_annotation_says(value: Any, wanted: Any, found: Any) -> None:
    """Where nothing is lost."""
    got = coerce(value, wanted, "p")
    assert (got, type(got)) == (found, type(found))


@pytest.mark.parametrize(("value", "wanted"), [
    ("1", int), (1, str), (1, bool), (2.5, int), (float("inf"), int), ("x", dt.date), ([1], tuple[int, int]), ("a", Literal["b"]),
    (1, None), ("ab", list[str]), ([1], dict[str, int]), (True, float), (1, Literal[True]), ("x", int | float),
])
def test_values_that_would_lose_something_are_refused(value: Any, wanted: Any) -> None:
    """No text becomes a number, no number a truth."""
    with pytest.raises(PayloadError):
        coerce(value, wanted, "p")


class Job:
    key = "j"

    def execute(self, ctx: Any) -> None: ...


def factory() -> Job:
    return Job()


class Cursor:
    def execute(self, sql: str) -> None: ...


def opens() -> Cursor:
    return Cursor()


def test_classes_and_factories_are_told_from_functions() -> None:
    """A class with execute; a factory that says what it makes; nothing else."""
    assert job_class(Job) is job_class(factory) is Job
    assert job_class(opens) is job_class(train) is job_class(len) is job_class(Mode) is None


@pytest.mark.parametrize(("text", "shown"), [
    ("a\r\nb\r\n", "a\r\nb\r\n"), ("\r1\r2\r3", "\r3"), ("abc\rd\n", "abc\rd\n"), ("ab\rcd\n", "\rcd\n"),
    ("\r10%\r20%\n\rx\ry\n", "\r20%\n\ry\n"), ("\rlong\rab", "\rabng"), ("\r1\r2\r", "\r2\r"),
    ("\r\x1b[31m1\r2", "\r\x1b[31m1\r2"), ("plain", "plain"), ("\r", "\r"),
])
def test_overwritten_lines(text: str, shown: str) -> None:
    """What a terminal shows of them, and nothing more is dropped."""
    assert overwritten(text) == shown


class Awful(Exception):
    def __str__(self) -> str:
        raise ValueError

    def __repr__(self) -> str:
        raise ValueError


@pytest.mark.parametrize(("error", "kind", "message", "retry"), [
    (ValueError("x"), "failed", "x", True), (Awful(), "failed", "<the text of this Awful is not available: ValueError>", True),
    (NoRetry("n", remedy="r"), "failed", "n", False), (PayloadError("p"), "failed", "p", False),
    (JobCancelled("c"), "cancelled", "", True), (SoftTimeout("s"), "soft_timed_out", "s", True),
    (KeyboardInterrupt(), "failed", "", True), (ValueError("\ud800"), "failed", "\\ud800", True),
])
def test_exceptions_become_endings(error: BaseException, kind: str, message: str, retry: bool) -> None:
    """Each kind, its text, whether it is tried again; the traceback can always be sent."""
    ended = failures.ended(1, 2, error)
    assert (ended.kind, ended.message, ended.retry) == (kind, message, retry)
    assert ended.error_types[0] == type(error).__name__
    ended.traceback.encode()


def test_long_tracebacks_are_cut_in_the_middle() -> None:
    """A message of megabytes leaves its beginning and its end."""
    text = failures.clipped("a" + "x" * 3_000_000 + "z")
    assert len(text) < 1_100_000
    assert text[0] == "a"
    assert text[-1] == "z"


def test_endings_check_what_they_are_given() -> None:
    """Durations as everywhere; refused where they are written."""
    assert Snooze("10m").seconds == 600
    assert RetryAfter(dt.timedelta(seconds=3)).seconds == 3
    assert Cancel().reason == ""
    assert Fail("x").retry
    with pytest.raises(BadRequest):
        Snooze("soon")


class Recorder:
    def __init__(self) -> None:
        self.said: list[Any] = []

    def progress(self, n: float, total: float | None, message: str) -> None:
        self.said.append((n, total, message))

    def note(self, kind: str, detail: str) -> None:
        self.said.append((kind, json.loads(detail)))


def test_progress_can_be_said_in_four_ways(tmp_path: Path) -> None:
    """A fraction or so many of so many, each with a message or without."""
    recorder = Recorder()
    ctx = Context(id=1, key="k", payload={}, attempt=1, max_attempts=2, epoch=1, uuid="u", lab_folder=tmp_path, reporter=recorder)
    ctx.progress(0.4)
    ctx.progress(0.4, "loading")
    ctx.progress(4, 10)
    ctx.progress(4, 10, "loading")
    ctx.progress(7)
    ctx.notify("hello", title="t")
    assert recorder.said == [(0.4, 1.0, ""), (0.4, 1.0, "loading"), (4, 10, ""), (4, 10, "loading"), (7, None, ""),
                             ("notified", {"text": "hello", "title": "t"})]


def test_a_context_has_folders_and_a_database(tmp_path: Path) -> None:
    """tmp goes with the attempt, folder stays, what was not committed is rolled back."""
    ctx = Context(id=3, key="k", payload={}, attempt=1, max_attempts=2, epoch=1, uuid="u", lab_folder=tmp_path, reporter=Recorder())
    (ctx.tmp / "a").touch()
    (ctx.folder / "b").touch()
    ctx.db.execute("CREATE TABLE t (x)")
    ctx.db.commit()
    ctx.db.execute("INSERT INTO t VALUES (1)")
    tmp, folder = ctx.tmp, ctx.folder
    ctx.close()
    assert not tmp.exists()
    assert (folder / "b").exists()
    assert (tmp_path / "data.db").stat().st_mode & 0o777 == 0o600
    assert ctx.db.execute("SELECT count(*) FROM t").fetchone() == (0,)
    ctx.close()


def test_a_kernel_has_a_stand_in(capsys: pytest.CaptureFixture[str]) -> None:
    """The same words, harmless: progress draws a bar, nothing is cancelled."""
    ctx = current()
    ctx.progress(1, 2, "half")
    ctx.progress(2, 2, "done")
    ctx.notify("hello")
    ctx.log("text %s", 1)
    ctx.raise_if_cancelled()
    said = capsys.readouterr().err
    assert "50% half" in said
    assert "100% done\n" in said
    assert "hello" in said
    assert "INFO text 1" in said
    assert (ctx.cancelled, ctx.id, ctx.payload, ctx.attempt) == (False, 0, {}, 1)
    KernelReporter().progress(3, None, "")
    with pytest.raises(RuntimeError, match="in jobs only"):
        _ = ctx.db


def test_a_ctx_that_travels_is_the_one_of_where_it_arrives() -> None:
    """Pickled with a notebook's variables, it is looked up again."""
    import pickle

    assert pickle.loads(pickle.dumps(current())) is current()


def test_a_shield_holds_exceptions_back() -> None:
    """What comes inside is raised at the outermost end, unless something else is on its way."""
    shield = Shield()
    shield.__enter__()
    shield.__enter__()
    shield.pending.append(KeyboardInterrupt())
    shield.__exit__(None, None, None)
    with pytest.raises(KeyboardInterrupt):
        shield.__exit__(None, None, None)
    shield.__enter__()
    shield.pending.append(KeyboardInterrupt())
    shield.__exit__(ValueError, ValueError(), None)
    assert not shield.up
    assert not shield.pending


def test_import_hooks_fire_once_after_the_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Now, if the module is there; else right after it was executed; its spec is as without a hook."""
    (tmp_path / "hooked_module.py").write_text("value = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    seen: list[int] = []
    on_import.when_imported("hooked_module", lambda m: seen.append(m.value))
    on_import.when_imported("hooked_module", lambda m: setattr(m, "value", 2))
    on_import.when_imported("json", lambda _: seen.append(0))
    import hooked_module

    assert (seen, hooked_module.value) == ([0, 1], 2)
    assert type(hooked_module.__loader__).__name__ == "SourceFileLoader"
    assert hooked_module.__spec__.loader is hooked_module.__loader__
    on_import.when_imported("no_such_module_at_all", print)
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("no_such_module_at_all")


@pytest.mark.parametrize(("module", "without"), [
    ("tether_lab.runner.context", "msgspec IPython sqlite3 asyncio"),
    ("tether_lab.runner.endings", "msgspec IPython"), ("tether_lab.runner.binding", "msgspec IPython"),
    ("tether_lab.runner.wire", "IPython capture"), ("tether_lab.runner.zygote", "ipykernel pandas numpy tether_lab.job_queue"),
    ("tether_lab.runner.child", "IPython"),
])
def test_modules_stay_light(module: str, without: str) -> None:
    """What kernels and the supervisor import of the runner loads nothing heavy."""
    code = f"import sys, {module}; print(*[w for w in {without.split()!r} if w in sys.modules])"
    found = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []
