"""The lines of the magics: tokens, values, flags; mistakes are one line that helps."""

from __future__ import annotations

import pytest

from tether_lab.cell.flags import CELL, CELL_HELP, LINE, OPTION_FLAGS, help_text
from tether_lab.cell.parsing import (
    evaluate,
    job_ids,
    read_cell_line,
    read_line,
    read_words,
)
from tether_lab.cell.tokens import cut
from tether_lab.errors import OptionError
from tether_lab.job import OPTIONS, Timeout


@pytest.mark.parametrize(("line", "texts"), [
    ("", []),
    ("  train   lr=0.1 ", ["train", "lr=0.1"]),
    ("a # a comment", ["a"]),
    ("# only", []),
    ("a#b", ["a#b"]),
    ("--description 'two words'", ["--description", "two words"]),
    ('--description "two \\"words\\""', ["--description", 'two "words"']),
    ("--description='two words'", ["--description=two words"]),
    ("xs=[1, 2] d={'a': (1, 2)}", ["xs=[1, 2]", "d={a: (1, 2)}"]),
    ("s='a # b'", ["s=a # b"]),
    ("x=f( ')' )", ["x=f( ) )"]),
    ("ä=1", ["ä=1"]),
])
def test_tokens(line: str, texts: list[str]) -> None:
    """Brackets nest, quotes hold together, # starts a comment only where a word would."""
    assert [token.text for token in cut(line)] == texts


def test_expressions_keep_their_quotes() -> None:
    """A value is Python, so its quotes are Python's; a flag's are a shell's."""
    line = read_cell_line(r"""k s='it\'s' t="a b" --description 'a b'""")
    assert line.expressions == {"s": r"'it\'s'", "t": '"a b"'}
    assert line.options == {"description": "a b"}


@pytest.mark.parametrize(("line", "says"), [
    ("xs=[1, 2", "never closed"), ("s='a", "never closed"), ("--description \"a", "never closed"),
    ("a b", "one key"), ("a lr = 0.1", "lr=value without spaces"), ("lr= 3", "has no value"),
    ("lr=1 lr=2", "given twice"), ("ctx=1", "another name"), ("12", "number of a job"),
    ("--timeot 3", "did you mean --timeout"), ("--max_attempts 3", "did you mean --max-attempts"),
    ("--lr 3", "lr=value"), ("--timeout", "needs a value"), ("--timeout --wait", "needs a value"),
    ("--wait=3", "takes no value"), ("--capture some", "auto or none"),
    ("a --register --wait", "nothing to wait for"), ("--register", "needs a key"),
])
def test_mistakes_of_a_cell_line(line: str, says: str) -> None:
    """Each mistake is an OptionError that says what to write instead."""
    with pytest.raises(OptionError) as raised:
        read_cell_line(line)
    assert says in str(raised.value)


def test_a_whole_line() -> None:
    """Key, values, options and the other flags are told apart."""
    line = read_cell_line("train --retries 3 lr=0.1 --timeout 10m xs=[1, 2] -w --with a,b --with c "
                          "--keep model,hist --cache  # tuned")
    assert line.key == "train"
    assert line.expressions == {"lr": "0.1", "xs": "[1, 2]"}
    assert line.names("with") == ("a", "b", "c")
    assert line.has("wait")
    options = line.job_options()
    assert (options.max_attempts, options.timeout, options.keep, options.cache) == (
        4, Timeout(hard=600.0), ("model", "hist"), True)


def test_cache_takes_an_age_only_with_an_equals_sign() -> None:
    """``--cache train`` is a key, ``--cache=1d`` an age."""
    assert read_cell_line("--cache train").key == "train"
    assert read_cell_line("--cache=1d").job_options().cache == 86400.0


@pytest.mark.parametrize("name", [option.name for option in OPTIONS])
def test_every_option_is_a_flag_with_help(name: str) -> None:
    """Flags are made from the declared options, in both magics, and the help lists each."""
    flag = next(f for f in OPTION_FLAGS if f.name == name)
    assert flag in CELL
    assert flag in LINE
    assert flag.usage in help_text(CELL_HELP, CELL)


def test_cell_flags_are_not_for_lines() -> None:
    """--with belongs to a cell; %job says so."""
    with pytest.raises(OptionError, match="belongs to a cell"):
        read_line("train --with a")
    assert read_line("12").key == "12"


def test_bad_values_of_options_name_the_option() -> None:
    """The option's own words reach the user."""
    with pytest.raises(OptionError, match="timeout"):
        read_cell_line("--timeout soon").job_options()
    with pytest.raises(OptionError, match="priority"):
        read_cell_line("--priority high").job_options()


def test_values_are_evaluated_in_the_notebook() -> None:
    """Expressions see the notebook's variables; texts need quotes."""
    namespace = {"base": 21}
    assert evaluate({"n": "base*2", "xs": "[1, 2]", "s": "'a b'"}, namespace) == {
        "n": 42, "xs": [1, 2], "s": "a b"}


@pytest.mark.parametrize(("expression", "says"), [
    ("fast", "'fast'"), ("1/0", "ZeroDivisionError"), ("0.1.2", "texts are quoted"), ("base", "not defined"),
])
def test_values_that_fail_are_one_line(expression: str, says: str) -> None:
    """What a value raises is quoted, not a traceback."""
    with pytest.raises(OptionError) as raised:
        evaluate({"mode": expression}, {})
    assert says in str(raised.value)
    assert raised.value.where == "mode"


def test_words_of_jobs_are_texts() -> None:
    """Filters are not evaluated."""
    words = read_words("failed key=train since=2h")
    assert (words.words, words.pairs) == (("failed",), {"key": "train", "since": "2h"})


def test_ids() -> None:
    """Single ids, lists and ranges, each once."""
    assert job_ids(("12", "14,15", "20-22", "#12")) == [12, 14, 15, 20, 21, 22]
    for bad in ("x", "1-", "-3", "1-999999", "1.5"):
        with pytest.raises(OptionError):
            job_ids((bad,))


def test_a_flag_may_be_quoted_as_a_whole() -> None:
    """As people do in a terminal; a value that looks like a flag stays a value."""
    parsed = read_line("train '--window=22:00-06:00 Europe/Madrid' --description '--not=this' n=1")
    assert parsed.options == {"window": "22:00-06:00 Europe/Madrid", "description": "--not=this"}
    assert (parsed.key, parsed.expressions) == ("train", {"n": "1"})
