"""The animation of the README, from the real thing: a cell becomes a job, its kernel is killed, it goes on.

    python notebooks/animation.py

JupyterLab, a kernel and a worker are started below a temporary folder, Chromium looks at them, and what it saw
becomes pictures/first-job.gif. Needs Chromium, and what ``.[dev]`` installs.
"""

from __future__ import annotations

import io
import os
import signal
import socket
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from shown_lab import Server

FOLDER = Path(__file__).parent
INTO = FOLDER / "pictures" / "first-job.gif"
SIZE = {"width": 1000, "height": 640}
SHOWN = (840, 538)
BAR = 34
CELL = """from pathlib import Path
import time, matplotlib.pyplot as plt
from tqdm.auto import tqdm

found = []
for step in tqdm(range(1, 341), desc="training"):
    found.append(1 / step ** scale + 0.02 * (step % 7 == 0))
    time.sleep(0.05)
plt.figure(figsize=(5, 1.7)); plt.plot(found); plt.title("loss"); plt.show()
found[-1]"""


class Film:
    """Frames with a line of text below."""

    def __init__(self) -> None:
        self.frames: list[Image.Image] = []
        self.lengths: list[int] = []
        self._font = ImageFont.load_default(17)

    def take(self, png: bytes, words: str, milliseconds: int) -> None:
        """One picture of the page, shown for so long."""
        seen = Image.open(io.BytesIO(png)).convert("RGB").resize(SHOWN, Image.Resampling.LANCZOS)
        frame = Image.new("RGB", (SHOWN[0], SHOWN[1] + BAR), "#1f2937")
        frame.paste(seen, (0, 0))
        ImageDraw.Draw(frame).text((14, SHOWN[1] + 7), words, fill="white", font=self._font)
        self.frames.append(frame)
        self.lengths.append(milliseconds)

    def save(self, path: Path) -> None:
        """As a GIF of 64 colours, those of the last frame and the first."""
        both = Image.new("RGB", (SHOWN[0], 2 * (SHOWN[1] + BAR)))
        both.paste(self.frames[len(self.frames) // 2], (0, 0))
        both.paste(self.frames[-1], (0, SHOWN[1] + BAR))
        palette = both.quantize(64, dither=Image.Dither.NONE)
        few = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in self.frames]
        few[0].save(path, save_all=True, append_images=few[1:], duration=self.lengths, loop=0, optimize=True,
                    disposal=1)


def open_lab(home: Path) -> Server:
    """JupyterLab with the notebook of the film, below ``home``."""
    from browsers import LabServer
    from servers import address
    from shown_lab import Server

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    work = home / "work"
    work.mkdir()
    server = Server(home, work, port)
    server.start()
    server.shown = LabServer(address(home / "runtime"), work)
    server.shown.write("training.ipynb", "scale = 0.7", CELL)
    return server


def play(film: Film, home: Path) -> None:
    """What happens, with a picture at each turn."""
    from browsers import FLAGS, chromium, kernels_below
    from playwright.sync_api import expect, sync_playwright
    from shown_lab import LONG, Shown

    from tether_lab import Lab

    server = open_lab(home)
    with sync_playwright() as playwright, Lab() as lab:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        page = browser.new_page(viewport=SIZE)  # type: ignore[arg-type]
        shown = Shown(page, server, lab)

        def take(words: str, milliseconds: int) -> None:
            film.take(page.screenshot(), words, milliseconds)

        def live(words: str, frames: int) -> None:
            for _ in range(frames):
                page.wait_for_timeout(700)
                take(words, 450)

        shown.open("training.ipynb")
        page.add_style_tag(content=".jp-toast, .Toastify { display: none !important; }")
        shown.run(0)
        shown.cell(1).locator(".jp-Cell-inputArea").click()
        take("A cell that takes a while", 1800)
        shown.cell(1).locator("[data-jp-item-name='tether-lab-run']").hover()
        take("One button, or %%job: it becomes a job", 1500)
        shown.cell(1).locator("[data-jp-item-name='tether-lab-run']").click()
        expect(shown.card()).to_contain_text("it/s", timeout=LONG)
        shown.card().scroll_into_view_if_needed()
        live("The kernel is free, the job runs in a process of its own", 4)
        shown.command("docmanager:save")
        [kernel] = kernels_below(home)
        os.kill(kernel, signal.SIGKILL)
        server.end_kernels()
        live("The kernel is killed: the job does not notice", 3)
        page.reload()
        shown.settled("training.ipynb", kernel=False)
        shown.card().scroll_into_view_if_needed()
        live("The page is opened again: card and panel are live, with no kernel at all", 3)
        expect(shown.card()).to_contain_text("completed", timeout=LONG)
        expect(shown.card().locator("img").first).to_be_visible(timeout=LONG)
        shown.card().scroll_into_view_if_needed()
        page.wait_for_timeout(500)
        take("Done: output, figure and result are there, in any kernel, tomorrow too", 4000)
        server.end_kernels()
        browser.close()
    server.end()


def main() -> None:
    """Make it, and say how large it is."""
    sys.path.insert(0, str(FOLDER.parent / "tests"))
    from leftovers import end_processes_of

    film = Film()
    with tempfile.TemporaryDirectory(prefix="tether-film-") as folder:
        home = Path(folder)
        for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "IPYTHONDIR"):
            (home / name.lower()).mkdir(mode=0o700)
            os.environ[name] = str(home / name.lower())
        os.environ["TETHER_LAB_HOME"] = str(home / "labs-home")
        quiet = home / "settings" / "@jupyterlab" / "apputils-extension"
        quiet.mkdir(parents=True)
        (quiet / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
        try:
            play(film, home)
        finally:
            end_processes_of(home)
    film.save(INTO)
    print(f"{INTO}: {len(film.frames)} frames, {INTO.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
