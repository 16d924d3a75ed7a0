"""The dashboard as a widget: hands values to ``dashboard.js``, takes questions, feeds itself from a pump.

Beside it stands an ``Output`` widget, in which the notebook itself draws what a job has shown, and figures.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets
import traitlets

from tether_lab.errors import TetherLabError
from tether_lab.views.fold import Output

from . import board, tabs, twin
from .detail import detail
from .found import Found
from .pump import Blocked, Pump
from .question import Question, asked
from .source import Source

HERE = Path(__file__).parent
PLOTLY = "application/vnd.plotly.v1+json"
MOST_OUTPUTS = 200
OUTPUTS_EVERY = 1.0
"""Seconds between two drawings of what a running job shows."""


class View(anywidget.AnyWidget):
    """What ``dashboard.js`` draws. The pump's thread writes its traits, messages come back."""

    _esm = HERE / "dashboard.js"
    _css = HERE / "dashboard.css"
    tabs: Any = traitlets.List().tag(sync=True)
    figures: Any = traitlets.List().tag(sync=True)
    only = traitlets.Unicode("").tag(sync=True)
    twin = traitlets.Unicode("").tag(sync=True)
    question = traitlets.Dict().tag(sync=True)
    head = traitlets.Dict().tag(sync=True)
    page = traitlets.Dict().tag(sync=True)
    detail = traitlets.Dict().tag(sync=True)
    said = traitlets.Dict().tag(sync=True)
    at = traitlets.Float(0.0).tag(sync=True)
    blocked = traitlets.Bool(False).tag(sync=True)
    closed = traitlets.Bool(False).tag(sync=True)


class Dashboard(ipywidgets.VBox):  # type: ignore[misc]  # it has no types of its own
    """A live view of a lab. ``close()`` ends it; so does taking it off the page."""

    def __init__(self, source: Source, question: Question, *, rate: float, only: str = "") -> None:
        self._source, self._question = source, question
        self._found: Found | None = None
        self._views: set[str] = set()
        self._shown: tuple[object, ...] = ()
        self._shown_at = 0.0
        self._drawn: tuple[object, ...] = ()
        self._drawing: asyncio.Task[None] | None = None
        self._stack = ""
        self._blocked = Blocked()
        self._twin = twin.Twin(uuid.uuid4().hex[:12])
        self.view = View(tabs=[[word, title] for word, (title, _) in tabs.TABS.items()],
                         figures=[list(each) for each in source.figures()], only=only,
                         twin=self._twin.name, question=asdict(question))
        self.stage = ipywidgets.Output(layout={"display": "none", "margin": "4px 0"})
        self.view.on_msg(self._heard)
        self.pump = Pump(self._look, source.changes, rate=rate, ended=source.at_rest)
        super().__init__([self.view, self.stage])

    # -- showing it ----------------------------------------------------------------------------

    def _ipython_display_(self) -> None:
        self.pump.start()
        self.pump.looked.wait(3.0)
        self._twin.show(super()._repr_mimebundle_(), self._found, self._question)

    def __repr__(self) -> str:
        return twin.text(self._found, self._question)

    def close(self) -> None:
        """Stop looking and end the view; what it showed last stays in the notebook."""
        self.pump.stop(wait=1.0)
        if not self.view.closed and self.view.comm is not None:
            self.view.closed = True
        self._twin.update(self._found, self._question)
        for widget in (self.view, self.stage):
            widget.close()
        super().close()

    def ask(self, **changes: Any) -> None:
        """What a click would ask: ``dashboard.ask(status="failed")``. Raises BadRequest."""
        self._question = asked(self._question, changes, tabs=tuple(tabs.TABS),
                               figures=tuple(word for word, _ in self._source.figures()))
        if "job" in changes or "detail" in changes:
            self._stack = ""
        self.pump.poke()

    # -- what the view says (in the kernel's main thread, between cells) --------------------------

    def _heard(self, _: object, content: Mapping[str, Any], __: object) -> None:
        if "view" in content:
            self._seen(str(content["view"]), there=bool(content.get("there")))
        elif "ask" in content:
            try:
                self.ask(**dict(content["ask"]))
            except (TetherLabError, TypeError, ValueError) as error:
                self._say(0, str(error), "bad")
        elif "do" in content:
            what = dict(content["do"])
            self.pump.do(lambda: self._do(int(content.get("n") or 0), str(what.pop("verb", "")), what))

    def _seen(self, view: str, *, there: bool) -> None:
        """Nobody looks: no thread. Somebody looks again: go on."""
        (self._views.add if there else self._views.discard)(view)
        if self._views and not self.view.closed:
            self.pump.start()
        elif not self._views:
            self.pump.stop(wait=0)

    async def _do(self, number: int, verb: str, what: Mapping[str, Any]) -> None:
        if verb == "draw":
            self._drawn = ()
            self._say(number, "", "ended")
            return
        try:
            self._say(number, await asyncio.to_thread(self._source.act, verb, what), "good")
        except Exception as error:  # noqa: BLE001  a button: what went wrong is said, the view goes on
            self._say(number, str(error), "bad")

    def _say(self, number: int, text: str, colour: str) -> None:
        self.view.said = {"n": number, "text": text, "role": colour}

    # -- looking (in the pump's thread) ----------------------------------------------------------

    async def _look(self, fresh: bool) -> None:
        question = self._question
        self._blocked()
        try:
            if fresh or self._found is None:
                self._found = await self._source.look(question)
            else:
                self._found = await self._source.beat(self._found)
        except Exception as error:  # noqa: BLE001  a look that fails is said in the view, and tried again
            page = self.view.page or asdict(board.Page((), ()))
            self.view.set_trait("page", {**page, "error": f"The lab cannot be read: {error}"})
            self.view.at = time.time()
            return
        found = replace(self._found, at=time.time_ns() // 1000)
        opened = await self._opened(question) if fresh or self._is_running() else self.view.detail
        with self.view.hold_sync():
            self.view.question = asdict(question)
            self.view.head = _plain(asdict(board.head(found)))
            self.view.page = _plain(asdict(tabs.page(found, question)))
            self.view.detail = opened
            self.view.blocked = self._blocked()
            self.view.at = time.time()
        await self._stage(question, opened)
        self._twin.keep_true(found, question)

    def _is_running(self) -> bool:
        return self.view.detail.get("status") == "running"

    async def _opened(self, question: Question) -> dict[str, Any]:
        if question.job is None:
            return {}
        try:
            found = await self._source.open(question.job, stack=question.detail == "stack" and not self._stack)
        except TetherLabError as error:                      # it was removed, or never was
            self._say(0, str(error), "bad")
            self._question = replace(self._question, job=None)
            return {}
        self._stack = found.stack or self._stack
        drawn: dict[str, Any] = _plain(asdict(detail(replace(found, stack=self._stack), question.detail)))
        return drawn

    async def _stage(self, question: Question, opened: Mapping[str, Any]) -> None:
        """What the notebook itself draws: the outputs of the open job, or a figure."""
        if question.tab == "analytics" and question.job is None:
            self._figure(question)
        elif opened.get("stage"):
            row = (opened["job"], opened["status"], tuple(map(tuple, opened["tabs"])), opened["headline"])
            now = time.monotonic()
            if row != self._shown and (row[:2] != self._shown[:2] or now - self._shown_at >= OUTPUTS_EVERY):
                outputs = await self._source.outputs(opened["job"])
                self._put(_limited(outputs))
                self._shown, self._shown_at, self._drawn = row, now, ()
        elif self._shown or self._drawn:
            self._put(())
            self._shown = self._drawn = ()

    def _figure(self, question: Question) -> None:
        """Draw it beside the looks, which go on."""
        wanted = (question.figure, question.since, question.theme)
        if wanted != self._drawn:
            self._drawn, self._shown = wanted, ()
            self._say(0, "Drawing …", "ended")
            self._drawing = asyncio.ensure_future(self._draw(*wanted))

    async def _draw(self, *wanted: str) -> None:
        try:
            drawn = await asyncio.to_thread(self._source.figure, *wanted)
        except asyncio.CancelledError:                       # nobody looks any more
            self._drawn = ()
            raise
        except Exception as error:  # noqa: BLE001  a figure that fails is said in the view
            self._say(0, f"It cannot be drawn: {error}", "bad")
            return
        if wanted == self._drawn:                            # else something else was asked meanwhile
            self._put(({"output_type": "display_data", "metadata": {}, "data": {PLOTLY: drawn}},))
            self._say(0, board.as_of(time.time_ns() // 1000), "ended")

    def _put(self, outputs: tuple[Output, ...]) -> None:
        if outputs != self.stage.outputs:
            self.stage.outputs = outputs
        self.stage.layout.display = None if outputs else "none"


def _plain(value: Any) -> Any:
    """As JSON gives it back: lists, so that equal values are equal and nothing is sent twice."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


def _limited(outputs: list[Output]) -> tuple[Output, ...]:
    """The last outputs, and how many were before them."""
    cut = len(outputs) - MOST_OUTPUTS
    if cut <= 0:
        return tuple(outputs)
    said: Output = {"output_type": "stream", "name": "stderr", "text": f"… {cut:,} outputs before these …\n"}
    return (said, *outputs[cut:])


