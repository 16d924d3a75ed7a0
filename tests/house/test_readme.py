"""What the documents say exists: commands, flags, sub-commands, files, and Python that parses."""

from __future__ import annotations

import ast
import re
import shlex

import pytest

from tests.house.source import ROOT, shown, tracked
from tether_lab.cell.jobs_verbs import VERBS as JOBS
from tether_lab.cell.tether_verbs import VERBS as TETHER
from tether_lab.cli.parsing import parser

DOCUMENTS = [path for path in tracked() if path.suffix == ".md" and path.parent in (ROOT, ROOT / "benchmarks")]
TEXT = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", TEXT, flags=re.MULTILINE | re.DOTALL)
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]+")


def commands() -> list[str]:
    """Every ``tether-lab …`` in code, without comments."""
    inline = re.findall(r"`(tether-lab [^`]+)`", TEXT)
    lines = [line.partition("  #")[0] for _, block in BLOCKS for line in block.splitlines()]
    return [line for line in (*inline, *lines) if line.startswith("tether-lab ")]


@pytest.mark.parametrize("line", commands())
def test_commands_are_accepted(line: str) -> None:
    """Each command of the README has a sub-command that exists, with flags that it takes."""
    words = shlex.split(line.replace("…", "x"))[1:]
    words = [word for word in words if word not in ("|", "&")]
    top = parser()
    choices = [getattr(action, "choices", None) for action in top._actions]
    actions = {name: sub for found in choices if isinstance(found, dict) for name, sub in found.items()}
    if words[0].startswith("-"):
        return
    assert words[0] in actions, words[0]
    text = actions[words[0]].format_help()
    if words[0] != "run":                      # whose words after the program are the program's
        for flag in FLAG.findall(line):
            assert flag in text, f"{flag} in {line!r}"


def test_magics_are_accepted() -> None:
    """Each ``%jobs VERB`` and ``%tether VERB`` of the README is one."""
    for name, verbs in (("jobs", JOBS), ("tether", TETHER)):
        for verb in re.findall(rf"%{name} ([a-z_]+)", TEXT):
            states = ("failed", "running", "waiting", "final")
            assert verb in verbs or (name == "jobs" and verb in states) or verb == "jobs", f"%{name} {verb}"


def test_links_lead_somewhere() -> None:
    """Files that documents link to, show, or name by a path of ours exist."""
    missing = []
    for path in DOCUMENTS:
        text = path.read_text()
        links = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", text)
        named = re.findall(r"`((?:tests|benchmarks|notebooks|binder|tether_lab|labextension)/[\w./-]+)`", text)
        missing += [f"{shown(path)}: {link}" for link in (*links, *named) if "://" not in link
                    and not (ROOT / link.split("::")[0]).exists() and not (path.parent / link).exists()]
    assert not missing


@pytest.mark.parametrize("block", [block for language, block in BLOCKS if language == "python"])
def test_python_blocks_parse(block: str) -> None:
    """The Python of the README is Python; lines and cells of magics apart."""
    if block.lstrip().startswith("%%"):
        block = block.split("\n", 1)[1]
    lines = [line for line in block.splitlines() if not line.lstrip().startswith(("%", "!"))]
    ast.parse("async def shown():\n" + "\n".join(f"    {line}" for line in lines) + "\n    pass")
