"""Every option is one thing in four places: keyword, magic flag, command line, README; declared once."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import nbformat
import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

from tests.house.source import ROOT
from tether_lab import BadRequest, Lab
from tether_lab.cell.flags import CELL, CELL_HELP, help_text
from tether_lab.cli.main import main
from tether_lab.cli.parsing import options as cli_options, parser
from tether_lab.job import (
    OPTIONS,
    Concurrency,
    Constraints,
    Dedup,
    JobRow,
    Notify,
    Option,
    RateLimit,
    RetryPolicy,
    Timeout,
    TimeWindow,
)
from tether_lab.views.board import card

PROMISED = ("priority", "queue", "delay", "at", "expires", "max_attempts", "retry", "timeout", "dedup",
            "concurrency", "rate_limit", "constraints", "window", "encrypt", "tags", "description", "meta",
            "isolation")
"""What the product page promises as options of enqueue."""

BAD = {"after": ["x:perhaps"], "tags": ["x" * 201], "keep": ["x" * 201], "description": [""], "queue": [""]}
"""Values that are wrong where almost any text is right; elsewhere ``\\x00 wrong`` will do."""

GOOD: dict[str, tuple[object, str]] = {
    "priority": (5, "5"), "queue": ("low", "low"), "delay": (600, "10m"),
    "at": (datetime(2040, 3, 1, 9, 30, tzinfo=UTC), "2040-03-01T09:30Z"), "expires": (timedelta(hours=1), "1h"),
    "max_attempts": (4, "4"), "retry": (RetryPolicy.fixed("30s"), "fixed:30s"),
    "timeout": (Timeout(5, 10), "5s/10s"),
    "dedup": (Dedup("input", ttl=3600), "input:1h"), "on_conflict": ("replace", "replace"),
    "concurrency": (Concurrency("gpu", 3), "gpu:3"), "rate_limit": (RateLimit(10, 60), "10/min"),
    "window": (TimeWindow(22, 6, tz="Europe/Madrid"), "22:00-06:00 Europe/Madrid"),
    "constraints": (Constraints(network="connected", max_load=0.8), "network,load<0.8"),
    "expedite": (True, "yes"), "encrypt": (True, "yes"), "secret": (["x"], "x"),
    "notify": (Notify(("desktop",), "failure"), "failure,desktop"), "isolation": ("warm", "warm"),
    "memory": (2 * 10**9, "2GB"), "max_output": (10**6, "1MB"), "keep": (["a", "b"], "a,b"),
    "tags": (("red", "green"), "red,green"), "description": ("a sentence", "a sentence"),
    "meta": ({"a": [1, "b"]}, '{"a":[1,"b"]}'), "cache": (60, "1m"), "seed": (7, "7"),
    "after": (["first:skip"], "first:skip"), "output": (Path("/tmp/x.ipynb"), "/tmp/x.ipynb"),
    "kernel": ("python3", "python3")}
"""A good value of each option: as an object, and as a person types it."""

each_option = pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)


def work(x: int = 1) -> int:
    """A handler to enqueue."""
    return x


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """With keys of its own: a module's fixture comes before the home of a test."""
    folder = tmp_path_factory.mktemp("parity")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TETHER_LAB_CONFIG", str(folder / "config"))
        lab = Lab(folder / "lab", autostart=False)
        lab.register(work)
        patch.setenv("TETHER_LAB_AUTOSTART", "false")
        yield lab
    lab.close()


@pytest.mark.parametrize("name", PROMISED)
def test_what_the_product_promises_is_an_option(name: str) -> None:
    """No row of the product page is without its option."""
    assert name in {option.name for option in OPTIONS}


@each_option
def test_flags_and_help_come_from_the_declaration(option: Option) -> None:
    """The magic's help, both commands' help and the README say the same sentence."""
    magic = help_text(CELL_HELP, CELL)
    assert option.flag in magic
    assert option.help in magic
    for command in ("enqueue", "run"):
        said = io.StringIO()
        with contextlib.redirect_stdout(said), pytest.raises(SystemExit):
            main([command, "--help"])
        text = re.sub(r"\s+", "", said.getvalue())
        assert option.flag in said.getvalue()
        assert re.sub(r"\s+", "", option.help) in text
    rows = [row for row in (ROOT / "README.md").read_text().splitlines()
            if row.startswith(f"| `{option.name}` |")]
    assert any(f"`{option.flag}`" in row for row in rows), f"the README has no row for {option.name}"


@each_option
def test_the_command_line_hands_the_flag_to_enqueue(option: Option) -> None:
    """What follows the flag arrives under the keyword, unread."""
    for command in (["enqueue", "work"], ["run"]):
        tail = [] if command == ["enqueue", "work"] else ["true"]
        given = parser().parse_args([*command, f"{option.flag}=text", *tail])
        assert cli_options(given) == {option.name: "text"}


@each_option
def test_a_wrong_value_is_refused_alike_everywhere(option: Option, lab: Lab) -> None:
    """Enqueue, the decorator and the command line name the option and say what is accepted."""
    for wrong in BAD.get(option.name, ["\0 wrong"]):
        with pytest.raises(BadRequest) as at_enqueue:
            lab.enqueue("work", **{option.name: wrong})
        with pytest.raises(BadRequest) as at_handler:
            lab.handler("other", **{option.name: wrong})
        assert at_enqueue.value.message == at_handler.value.message
        said = str(at_enqueue.value)
        words = {option.name, *option.name.split("_")}
        assert any(word in said for word in words), said
        assert len(said) > len(option.name) + 15, "it does not say what is accepted"
    assert lab.counts() == {}
    assert not lab.is_registered("other")


@pytest.fixture(scope="module")
def shell(lab: Lab) -> Iterator[InteractiveShell]:
    """IPython with the magics, in the lab."""
    InteractiveShell.clear_instance()
    made = InteractiveShell.instance()
    made.history_manager.enabled = False
    made.run_line_magic("load_ext", "tether_lab")
    made.run_line_magic("tether", f"use {lab.folder.path}")
    yield made
    made.run_line_magic("unload_ext", "tether_lab")
    InteractiveShell.clear_instance()


def newest(lab: Lab) -> JobRow:
    return lab.rows(limit=1)[0]


def told(row: JobRow) -> dict[str, Any]:
    """All that an option can have set."""
    return {"options": row.options, "priority": row.priority, "queue": row.queue, "tags": row.tags,
            "description": row.description, "attempts": row.max_attempts, "payload": row.payload}


def typed(flag: str) -> str:
    """As people quote: ``--meta='{"a": 1}'``."""
    name, _, value = flag.partition("=")
    return f"{name}={shlex.quote(value)}"


NOTEBOOKS = ("output", "kernel")
"""Options that only whole notebooks have."""


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_good_value_does_the_same_to_a_notebook(
    name: str, lab: Lab, shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:
    """enqueue_notebook, %job and tether-lab run."""
    monkeypatch.setenv("TETHER_LAB_CONFIG", str(lab.folder.path.parent / "config"))
    monkeypatch.setenv("TETHER_LAB_AUTOSTART", "false")
    monkeypatch.chdir(tmp_path)
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")],
                                            metadata={"kernelspec": kernel}), "nb.ipynb")
    value, text = GOOD[name]
    lab.enqueue_notebook("nb.ipynb", **{name: value})
    made = [told(newest(lab))]
    shell.run_line_magic("job", f"nb.ipynb --{name}={text}")
    made.append(told(newest(lab)))
    with contextlib.redirect_stdout(io.StringIO()):
        assert main(["run", "--lab", str(lab.folder.path), "nb.ipynb", "--detach", f"--{name}={text}"]) == 0
    made.append(told(newest(lab)))
    assert made[0] == made[1] == made[2]
    assert getattr(newest(lab).options, name) == str(value)


@pytest.mark.parametrize("option", [one for one in OPTIONS if one.name not in NOTEBOOKS],
                         ids=lambda option: option.name)
def test_a_good_value_does_the_same_from_everywhere(
    option: Option, lab: Lab, shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Keyword, text, decorator, magic line and command line make jobs of the same options; the card says it."""
    value, text = GOOD[option.name]
    if option.name == "after":
        lab.register(work, "first")
        lab.enqueue("first")
    more = {"dedup": "input"} if option.name == "on_conflict" else {}
    flags = [f"--on-conflict={text}", "--dedup=input"] if more else [f"{option.flag}={text}"]
    monkeypatch.setenv("TETHER_LAB_CONFIG", str(lab.folder.path.parent / "config"))
    monkeypatch.setenv("TETHER_LAB_AUTOSTART", "false")
    made = []
    for given in (value, text):
        lab.enqueue("work", {"x": 2}, **{option.name: given}, **more)
        made.append(told(newest(lab)))
    shell.run_line_magic("job", " ".join(["work", *(typed(flag) for flag in flags), "x=2"]))
    made.append(told(newest(lab)))
    with contextlib.redirect_stdout(io.StringIO()):
        assert main(["enqueue", "work", "x=2", *flags, "--lab", str(lab.folder.path)]) == 0
    made.append(told(newest(lab)))
    if option.name in ("after", "at"):
        with pytest.raises(BadRequest, match=f"{option.name} is about one job"):
            lab.register(work, "with_it", **{option.name: value})
    else:
        lab.register(work, "with_it", **{option.name: value}, **more)
        lab.enqueue("with_it", {"x": 2})
        made.append(told(newest(lab)))
    for way, other in zip(("text", "magic", "command line", "handler"), made[1:], strict=False):
        assert (way, other) == (way, made[0])
    row = newest(lab)
    shown = lab.get(row.id).snapshot()
    said = card(shown)
    assert option.name.replace("_", " ") in dict(said.options) or said.tags or said.description, said.options


@each_option
def test_a_wrong_value_is_refused_by_magics_and_commands_as_well(
    option: Option, lab: Lab, shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One line that names the option and what it accepts, the same for both; no job comes of it."""
    monkeypatch.setenv("TETHER_LAB_CONFIG", str(lab.folder.path.parent / "config"))
    before = sum(lab.counts().values())
    (wrong,) = BAD.get(option.name, ["\0 wrong"])
    flag = f"{option.flag}={wrong}"
    with pytest.raises(UsageError) as refused:
        shell.run_line_magic("job", f"work {typed(flag)} x=1")
    capsys.readouterr()
    assert main(["enqueue", "work", "x=1", flag, "--lab", str(lab.folder.path)]) == 2
    said = capsys.readouterr().err
    words = {option.name, *option.name.split("_")}
    for text in (str(refused.value), said):
        assert any(word in text for word in words), text
        assert "Traceback" not in text
        assert len(text) > len(option.name) + 15, "it does not say what is accepted"
    assert str(refused.value).split(". ")[0].strip(".") in said
    assert sum(lab.counts().values()) == before
