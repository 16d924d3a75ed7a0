"""What the magics know of the notebook around them, in a real IPython shell without a kernel."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

from tether_lab.cell.notebook import Memory, provenance, shell_state
from tether_lab.cell.submit import transform
from tether_lab.errors import CellError


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    """A shell of its own."""
    InteractiveShell.clear_instance()
    made = InteractiveShell.instance()
    made.history_manager.enabled = False
    yield made
    made.run_line_magic("unload_ext", "tether_lab")
    InteractiveShell.clear_instance()


@pytest.mark.parametrize(("cell", "seeded"), [
    ("import random\nrandom.seed(1)", {"random"}),
    ("np.random.seed(0)", {"numpy.random"}), ("numpy.random.set_state(s)", {"numpy.random"}),
    ("torch.manual_seed(3)", {"torch"}), ("torch.cuda.manual_seed_all(3)", {"torch"}),
    ("pl.seed_everything(42)", {"random", "numpy.random", "torch"}),
    ("seed(1)", {"random", "numpy.random", "torch"}),
    ("x = random.random()", set()), ("rng = np.random.default_rng(42)", set()),
    ("model = Forest(random_state=0)", set()), ("s = random.getstate()", set()),
])
def test_seeded_generators_are_noticed(shell: InteractiveShell, cell: str, seeded: set[str]) -> None:
    """Calls that seed a global generator are seen in executed cells, reading a state is not one."""
    memory = Memory(shell)
    memory.after_cell(type("Result", (), {"info": type("Info", (), {"raw_cell": cell})}))
    assert memory.seeded == seeded


def test_cells_before_the_extension_count(shell: InteractiveShell) -> None:
    """The history is looked through when the extension is loaded."""
    shell.user_ns["In"].append("random.seed(1)")
    assert Memory(shell).seeded == {"random"}


def test_local_modules_are_remembered_as_first_seen(
    shell: InteractiveShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A cell that imports a local module has it noted, once; installed modules are no reason to."""
    noted: list[str] = []
    memory = Memory(shell, lambda: noted.append("looked"))
    noted.clear()
    memory.after_cell()
    assert noted == []
    file = tmp_path / "helpers_of_mine.py"
    file.write_text("x = 1\n")
    module = ModuleType("helpers_of_mine")
    module.__file__ = str(file)
    monkeypatch.setitem(sys.modules, "helpers_of_mine", module)
    memory.after_cell()
    assert noted == ["looked"]
    memory.after_cell()
    assert noted == ["looked"]


def test_the_shells_own_things_travel(shell: InteractiveShell) -> None:
    """Aliases and magics of the user are listed, IPython's own are not."""
    assert shell_state(shell)["aliases"] == {}
    shell.run_line_magic("alias", "greet echo hello")
    shell.run_cell("from IPython.core.magic import register_line_magic\n"
                   "@register_line_magic\ndef mine(line): return line\n")
    state = shell_state(shell)
    assert state["aliases"] == {"greet": "echo hello"}
    assert list(state["magics"]["line"]) == ["mine"]
    assert "tether_lab" not in state["extensions"]


def test_provenance_without_a_front_end(shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is invented; the server's and VS Code's hints are used."""
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    assert provenance(shell) == (None, None)
    shell.user_ns["__vsc_ipynb_file__"] = "/notebooks/a.ipynb"
    assert provenance(shell) == ("/notebooks/a.ipynb", None)
    monkeypatch.setenv("JPY_SESSION_NAME", "b.ipynb")
    assert provenance(shell) == ("b.ipynb", None)


@pytest.mark.parametrize(("cell", "says"), [
    ("x = 1\nfor x in range(3)\n    pass\n",
     "SyntaxError in line 3: expected ':'\n    for x in range(3)\n                     ^"),
    ("\n\nx = (\n", "line 4"), ("  x = 1\n y = 2\n", "IndentationError"), ("# nothing\n", "no code"),
    ("return 1\n", "'return' outside function"), ("x = '\0'\n", "null bytes"),
])
def test_syntax_errors_point_at_the_place(shell: InteractiveShell, cell: str, says: str) -> None:
    """Line as the editor counts it (%%job is line 1), the text of the line, a caret."""
    with pytest.raises(CellError) as raised:
        transform(shell, cell)
    assert says in str(raised.value)


@pytest.mark.parametrize("cell", [
    "await thing()\n", "!ls {x}\n", "%time f()\n", "%%time\nf()\n", "x?\n", "'\\d'\n"])
def test_notebook_syntax_is_fine(shell: InteractiveShell, cell: str) -> None:
    """Magics, shell lines, help and top-level await are what a cell may hold."""
    assert transform(shell, cell)


def test_another_extensions_jobs_is_left_alone(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str],
) -> None:
    """Who owns %jobs keeps it, before and after; %tether jobs works all the same."""
    shell.register_magic_function(lambda line: "theirs", "line", "jobs")
    shell.run_line_magic("load_ext", "tether_lab")
    assert "%tether jobs" in capsys.readouterr().err
    assert shell.run_line_magic("jobs", "") == "theirs"
    shell.run_line_magic("tether", "jobs --help")
    assert "%jobs retry" in capsys.readouterr().out
    shell.run_line_magic("unload_ext", "tether_lab")
    assert shell.run_line_magic("jobs", "") == "theirs"
    assert shell.find_cell_magic("job") is None
    assert shell.find_line_magic("tether") is None


def test_mistakes_are_usage_errors(shell: InteractiveShell) -> None:
    """One line with the remedy, no traceback, whichever magic."""
    shell.run_line_magic("load_ext", "tether_lab")
    for name, line, says in (("jobs", "faild", "did you mean 'failed'"), ("tether", "satus", "'status'"),
                             ("job", "train --prioritee 1", "--priority"), ("jobs", "show", "show which job")):
        with pytest.raises(UsageError) as raised:
            shell.run_line_magic(name, line)
        assert says in str(raised.value)
        assert "\n" not in str(raised.value)


def test_help_is_printed(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    """--help works on every magic, and needs no lab."""
    shell.run_line_magic("load_ext", "tether_lab")
    shell.run_cell_magic("job", "--help", "x")
    assert "--timeout 10m" in capsys.readouterr().out
    for name in ("jobs", "tether", "job"):
        shell.run_line_magic(name, "--help")
        assert capsys.readouterr().out


def test_a_plain_shell_has_no_printers_of_its_own() -> None:
    """What IPython makes anew for each formatter counts as its own; what a user registers does not."""
    from IPython.core.interactiveshell import InteractiveShell

    from tether_lab.cell.shell_settings import printers

    shell = InteractiveShell()
    assert printers(shell) == {}
    shell.display_formatter.formatters["text/plain"].for_type(complex, lambda value, *_: str(value))
    assert list(printers(shell)) == ["text/plain|builtins|complex"]
