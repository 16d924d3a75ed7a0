"""Figures for the page, drawn by a short-lived process: this one never loads pandas or plotly.

What was drawn is kept until something changes in the lab, and a little longer for those who reload; two
pages that ask at once wait for one drawing.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tether_lab.errors import WorkerError

from . import child, wire
from .api import Call
from .contract import Json

if TYPE_CHECKING:
    from .labs import OpenedLab

KEPT, PATIENCE, SOON = 12, 120.0, 10.0
"""Drawings kept; seconds that one may take; seconds before the same is drawn again though the lab changed."""
MODULE = "tether_lab.lab.page_of_figures"


@dataclass(frozen=True, slots=True)
class Drawn:
    """Figures as they were at a cursor."""

    cursor: str
    at: float
    answer: Json


class Drawing:
    """The drawings of this server."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], Drawn] = OrderedDict()
        self._locks: dict[str, asyncio.Lock] = {}

    async def figures(self, opened: OpenedLab, said: Json, *, fresh: bool) -> Json:
        """The figures of a lab for these filters."""
        wanted = json.dumps(said, sort_keys=True)
        key = (opened.lab.uuid, wanted)
        async with self._locks.setdefault(opened.lab.uuid, asyncio.Lock()):
            known, cursor = self._kept.get(key), opened.live.memory.cursor
            soon = known is not None and time.monotonic() - known.at < SOON
            if known is None or (fresh and not soon) or (known.cursor != cursor and not soon):
                known = Drawn(cursor, time.monotonic(), await _draw(opened, wanted, cursor))
                self._kept[key] = known
                self._kept.move_to_end(key)
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
        return {**known.answer, "fresh": known.cursor == opened.live.memory.cursor}


async def _draw(opened: OpenedLab, wanted: str, cursor: str) -> Json:
    from tether_lab.lab import clock

    at, began = clock.now(), time.monotonic()
    try:
        found = json.loads(await child.ask(
            [sys.executable, "-P", "-m", MODULE, str(opened.lab.folder.path), wanted], patience=PATIENCE))
    except TimeoutError:
        raise WorkerError(f"drawing took longer than {PATIENCE:g} s", where="analytics",
                          remedy="Ask for less: since=7d, or one key.") from None
    except subprocess.CalledProcessError as error:
        raise WorkerError(f"the figures could not be drawn: {error.stderr}", where="analytics",
                          remedy="The same in a notebook says more: lab.figures.timeline().") from None
    return {"computed_at": wire.moment(at), "cursor": cursor, "seconds": round(time.monotonic() - began, 3),
            "sections": found["sections"]}


async def analytics(call: Call) -> Json:
    """The figures as plotly JSON."""
    from tether_lab.lab import clock

    said = {name: value for name, value in call.query.items() if name != "fresh"}
    for name in ("since", "until"):
        clock.since(said.get(name), present=clock.now())       # refused here, not in the child
    return await call.desk.drawing.figures(call.lab, said, fresh=call.query["fresh"])
