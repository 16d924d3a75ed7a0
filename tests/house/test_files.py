"""What the repository's files may not carry, and which of them must be run."""

from __future__ import annotations

import ast
import json
import re

from tests.house.source import ROOT, shown, tracked

TEXT = {".py", ".md", ".toml", ".txt", ".sql", ".ipynb", ".yml", ".yaml", ".cfg", ".json", ".ts", ".tsx",
        ".mts", ".mjs", ".css", ".lock", ""}
MACHINE = re.compile(r"(?<![\w/.~-])/(?:work|root|farm|opt/pypi|home/[a-z]+|Users/\w+|tmp/(?:bash_jobs|tl))/")
REGISTRY = re.compile(r"https?://(?:registry|files|pypi|deb)\.[a-z.]+/|file:///")
LEFT_OVER = re.compile(r"#\s*(?:TODO|FIXME|XXX|HACK)\b")


def test_no_file_carries_a_path_of_a_machine_or_the_address_of_a_registry() -> None:
    """What is committed works anywhere."""
    found = []
    for path in tracked():
        if path.suffix in TEXT and path.parts[-2:] != ("house", "test_files.py"):
            text = path.read_text(errors="replace")
            found += [f"{shown(path)}: {m.group()}" for rule in (MACHINE, REGISTRY)
                      for m in rule.finditer(text)]
    assert not found


def test_nothing_is_left_for_later() -> None:
    """No TODO, no stub that raises NotImplementedError."""
    found = [f"{shown(p)}: {m.group()}" for p in tracked() if p.suffix == ".py" and p.name != "test_files.py"
             for m in LEFT_OVER.finditer(p.read_text())]
    found += [shown(p) for p in tracked() if p.suffix == ".py" and "tether_lab" in p.parts
              and re.search(r"raise NotImplementedError", p.read_text())]
    assert not found


def test_every_notebook_is_executed_by_the_tests() -> None:
    """notebooks/*.ipynb are those listed in tests/journeys/test_notebooks.py."""
    tree = ast.parse((ROOT / "tests/journeys/test_notebooks.py").read_text())
    listed = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)
              and isinstance(node.value, str) and re.fullmatch(r"\w+\.ipynb", node.value)}
    assert {p.name for p in (ROOT / "notebooks").glob("*.ipynb")} == listed


def test_every_tagged_cell_has_its_picture_and_every_picture_is_shown() -> None:
    """A notebook's text shows what its cells tagged ``picture`` draw; notebooks/pictures.py makes the files."""
    pictures = ROOT / "notebooks" / "pictures"
    named = set(re.findall(r"notebooks/pictures/([\w-]+\.(?:png|gif))", (ROOT / "README.md").read_text()))
    tagged: set[str] = set()
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        for cell in json.loads(path.read_text())["cells"]:
            tags = [tag for tag in cell["metadata"].get("tags", ()) if tag.startswith("picture")]
            tagged |= {f"{path.stem}{tag.removeprefix('picture')}.png" for tag in tags}
            if cell["cell_type"] == "markdown":
                named |= set(re.findall(r"!\[[^\]]+\]\(pictures/([\w-]+\.png)\)", "".join(cell["source"])))
    assert tagged <= named, "pictures that no text shows"
    assert named == {path.name for path in pictures.iterdir()}
