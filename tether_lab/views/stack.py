"""Where a running job is: a dump of faulthandler as people read tracebacks. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

_THREAD = re.compile(r"(?:(Current) t|T)hread 0x[0-9a-f]+[^\n]*:")
_FRAME = re.compile(r'  File "(.*)", line (\d+) in (.*)')
_CELL = re.compile(r".*/ipykernel_\d+/\d+\.py|<ipython-input-.*>")
_OURS = ("/tether_lab/runner/", "/IPython/core/", "<frozen runpy>")


@dataclass(frozen=True, slots=True)
class Frame:
    """One call. ``file`` is as Python names it, ``line`` counts from 1."""

    file: str
    line: int
    function: str


def threads(dump: str) -> list[tuple[bool, list[Frame]]]:
    """Each thread of a dump with user code in it: whether it is the main one, its frames, outermost
    first. What Tether Lab and IPython put around the cell is left out, and so are their own threads."""
    found: list[tuple[bool, list[Frame]]] = []
    for line in dump.splitlines():
        if _THREAD.match(line):
            found.append((line.startswith("Current"), []))
        elif (match := _FRAME.match(line)) and found:
            found[-1][1].append(Frame(match[1], int(match[2]), match[3]))
    shown = []
    for main, frames in found:
        kept: list[Frame] = []
        for frame in frames:                        # faulthandler: the newest call first
            if any(part in frame.file for part in _OURS):
                break
            kept.append(frame)
        else:
            kept = _without_bootstrap(kept)
        if kept:
            shown.append((main, kept[::-1]))
    return sorted(shown, key=lambda thread: not thread[0])


def _without_bootstrap(frames: list[Frame]) -> list[Frame]:
    while frames and frames[-1].file.endswith("/threading.py"):
        frames = frames[:-1]
    return frames


def readable(dump: str, sources: Callable[[str], str | None]) -> str:
    """The stack in words, the newest call last. ``sources`` gives the text of a file, None if unknown;
    a cell of the notebook is asked for by its name and shown as ``Cell``."""
    parts = []
    for number, (main, frames) in enumerate(threads(dump)):
        who = "Now" if main else f"Thread {number}"
        parts.append(f"{who}, the newest call last:\n" + "\n".join(_lines(frames, sources)))
    return "\n\n".join(parts) or "The job runs no Python code of yours at this moment."


def _lines(frames: Iterable[Frame], sources: Callable[[str], str | None]) -> Iterable[str]:
    for frame in frames:
        place = "Cell" if _CELL.fullmatch(frame.file) else f'File "{frame.file}"'
        yield f"  {place}, line {frame.line}, in {frame.function}"
        text = (sources(frame.file) or "").splitlines()
        if 0 < frame.line <= len(text) and text[frame.line - 1].strip():
            yield f"    {text[frame.line - 1].strip()}"
