"""Every option is one thing in four places: keyword, magic flag, command line, README; declared once."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator

import pytest

from tests.house.source import ROOT
from tether_lab import BadRequest, Lab
from tether_lab.cell.flags import CELL, CELL_HELP, help_text
from tether_lab.cli.main import main
from tether_lab.cli.parsing import options as cli_options, parser
from tether_lab.job import OPTIONS, Option

PROMISED = ("priority", "queue", "delay", "at", "expires", "max_attempts", "retry", "timeout", "dedup",
            "concurrency", "rate_limit", "constraints", "window", "encrypt", "tags", "description", "meta",
            "isolation")
"""What the product page promises as options of enqueue."""

BAD = {"after": ["x:perhaps"], "tags": ["x" * 201], "keep": ["x" * 201], "description": [""], "queue": [""]}
"""Values that are wrong where almost any text is right; elsewhere ``\\x00 wrong`` will do."""

each_option = pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)


def work() -> None:
    """A handler to enqueue."""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """With keys of its own: a module's fixture comes before the home of a test."""
    folder = tmp_path_factory.mktemp("parity")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TETHER_LAB_CONFIG", str(folder / "config"))
        lab = Lab(folder / "lab", autostart=False)
        lab.register(work)
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
