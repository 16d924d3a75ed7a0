"""The pictures of the notebooks: what the cell tagged ``picture`` shows, as pictures/NAME.png.

    python notebooks/pictures.py [NN …]

Notebooks are committed without outputs; a page that shows them without running them (a code host's, say) has
these instead. Each notebook runs in a kernel of its own, with a home of its own. Needs Chromium, and what
``.[dev]`` installs. A second picture of a notebook: the tag ``picture-2``, and so on.
"""

from __future__ import annotations

import html
import io
import json
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient
from PIL import Image
from playwright.sync_api import Page, sync_playwright
from plotly.offline import get_plotlyjs

FOLDER = Path(__file__).parent
PICTURES = FOLDER / "pictures"
WIDTH = 760
PAGE = """<!doctype html><meta charset="utf-8"><style>
body { margin: 0; background: white; color: #202124; font: 14px system-ui, "DejaVu Sans", sans-serif; }
main { padding: 10px 14px; width: %d px; } pre { font: 12.5px "DejaVu Sans Mono", monospace; margin: 4px 0;
white-space: pre-wrap; } img { max-width: 100%%; }
table.dataframe { border-collapse: collapse; font-size: 13px; }
table.dataframe td, table.dataframe th { padding: 4px 9px; text-align: right; border: 0; }
table.dataframe tbody tr:nth-child(odd) { background: #f5f5f5; }
</style>%s<main>%s</main>"""
_ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def executed(name: str, home: Path) -> Any:
    """The notebook, run from its first cell to its last."""
    book = nbformat.read(FOLDER / name, as_version=4)
    manager = KernelManager(kernel_name="python3")
    manager.kernel_cmd = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                   "TETHER_LAB_HOME": str(home / "labs")}
    work = home / "work"
    work.mkdir()
    client = NotebookClient(book, km=manager, timeout=120, resources={"metadata": {"path": str(work)}})
    client.execute(env=environment, cleanup_kc=True)
    return book


def drawn(output: Any, number: int) -> str:
    """One output as HTML: the richest of what it has."""
    if output.output_type == "stream":
        return f"<pre>{html.escape(_ESCAPE.sub('', output.text))}</pre>"
    if output.output_type == "error":
        return f"<pre>{html.escape(_ESCAPE.sub('', chr(10).join(output.traceback)))}</pre>"
    data = output.data
    if "application/vnd.plotly.v1+json" in data:
        figure = data["application/vnd.plotly.v1+json"]
        text = json.dumps({"data": figure["data"], "layout": figure["layout"]}).replace("</", "<\\/")
        return (f'<div id="f{number}"></div><script>(() => {{ const f = {text}; Plotly.newPlot("f{number}", '
                f'f.data, {{...f.layout, width: {WIDTH}}}, {{displayModeBar: false}}); }})()</script>')
    if "image/png" in data:
        return f'<img src="data:image/png;base64,{data["image/png"]}">'
    if "text/html" in data:
        return str(data["text/html"])
    return f"<pre>{html.escape(str(data.get('text/plain', '')))}</pre>"


def taken(page: Page, outputs: list[Any]) -> bytes:
    """A picture of some outputs, in few colours."""
    body = "\n".join(drawn(output, number) for number, output in enumerate(outputs))
    script = f"<script>{get_plotlyjs()}</script>" if "Plotly.newPlot" in body else ""
    page.set_content(PAGE % (WIDTH, script, body), wait_until="load")
    page.wait_for_timeout(300)
    picture = Image.open(io.BytesIO(page.locator("main").screenshot())).convert("RGB")
    picture = picture.quantize(96, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    into = io.BytesIO()
    picture.save(into, "PNG", optimize=True)
    return into.getvalue()


def make(name: str, page: Page, *, every: Path | None = None) -> list[Path]:
    """The pictures of one notebook; ``every``: of each cell with a rich output, there, to choose from."""
    home = Path(tempfile.mkdtemp(prefix="tether-pictures-"))
    from leftovers import end_processes_of

    try:
        book = executed(name, home)
    finally:
        end_processes_of(home)
        shutil.rmtree(home, ignore_errors=True)
    made = []
    for number, cell in enumerate(book.cells):
        tag = next((tag for tag in cell.metadata.get("tags", ()) if tag.startswith("picture")), "")
        if cell.cell_type != "code" or not cell.outputs or not (tag or every):
            continue
        place = (every / f"{name[:2]}-{number}.png" if every else
                 PICTURES / f"{name.removesuffix('.ipynb')}{tag.removeprefix('picture')}.png")
        place.write_bytes(taken(page, cell.outputs))
        made.append(place)
    return made


def main(wanted: list[str]) -> None:
    """All notebooks, or those whose number is named."""
    sys.path.insert(0, str(FOLDER.parent / "tests"))
    from browsers import FLAGS, chromium

    every = Path(os.environ["EVERY"]) if os.environ.get("EVERY") else None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        page = browser.new_page(viewport={"width": WIDTH + 40, "height": 900}, device_scale_factor=1.25)
        for path in sorted(FOLDER.glob("*.ipynb")):
            if not wanted or path.name[:2] in wanted:
                for place in make(path.name, page, every=every):
                    print(f"{place}: {place.stat().st_size / 1e3:.0f} kB")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
