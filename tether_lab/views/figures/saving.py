"""Figures as files: self-contained HTML pages, and still pictures where kaleido is installed."""

from __future__ import annotations

import html
import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import plotly.graph_objects as go

from tether_lab.errors import BadRequest, TetherLabError

from . import style

PICTURES = (".png", ".svg", ".pdf", ".webp", ".jpg", ".jpeg")


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, a sentence under it, and figures."""

    heading: str
    text: str
    figures: Sequence[go.Figure]


def save(figure: go.Figure, path: str | os.PathLike[str], *, theme: str | None = None,
         scale: float = 2) -> Path:
    """Write one figure: ``.html`` (one file that needs nothing else) or, with kaleido, ``.png``, ``.svg``,
    ``.pdf`` …; ``scale`` is pixels of a picture for each of the screen's. Raises BadRequest."""
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix in (".html", ".htm"):
        title = html.unescape((figure.layout.title.text or "Tether Lab").replace("<b>", "").replace("</b>", ""))
        return write_page(target, page(title, "", [Section("", "", [figure])], theme or "auto"))
    if suffix not in PICTURES:
        raise BadRequest(f"{target.name} is neither a page nor a picture", where="path",
                         remedy=f"Let it end in .html, {', '.join(PICTURES)}.")
    try:
        figure.write_image(target, scale=scale, width=figure.layout.width or 1000)
    except (ImportError, ValueError, RuntimeError) as error:
        raise still_pictures(target, error) from error
    return target


def as_mime(figure: go.Figure) -> dict[str, Any]:
    """A figure as the notebook's own drawing of plotly takes it, filling the width there is."""
    found: dict[str, Any] = json.loads(str(figure.to_json()))
    found["config"] = style.CONFIG
    return found


def still_pictures(target: Path, error: Exception) -> TetherLabError:
    """Why there is no picture, and what to install."""
    why = " ".join(str(error).split())[:200]
    return BadRequest(f"{target.name} needs kaleido and a Chrome or Chromium to draw it: {why}", where="path",
                      remedy='pip install "tether-lab[image]", and plotly_get_chrome if there is no Chrome; '
                             "or save it as .html, which needs neither.")


def page(title: str, note: str, sections: Sequence[Section], theme: str = "auto") -> str:
    """An HTML page with all the figures, plotly itself and nothing to fetch. ``theme``: light, dark, or auto,
    which follows the reader's system and has a button."""
    from plotly.offline import get_plotlyjs

    if theme != "auto":
        style.paper(theme)                   # raises for an unknown one
    parts: list[str] = []
    figures: list[go.Figure] = []
    for section in sections:
        parts.append((f"<h2>{html.escape(section.heading)}</h2>" if section.heading else "")
                     + (f"<p>{html.escape(section.text)}</p>" if section.text else ""))
        for figure in section.figures:
            parts.append(f'<div class="figure" id="figure-{len(figures)}" role="img" '
                         f'aria-label="{html.escape(_said(figure), quote=True)}"></div>')
            figures.append(figure)
    drawn = ",".join(_json(figure) for figure in figures)
    templates = ",".join(f"{name}:{_script(style.template(name).to_plotly_json())}" for name in style.THEMES)
    colours = ";".join(f"--{name}-{part}:{value}" for name in style.THEMES for part, value in zip(
        ("paper", "text", "line", "quiet"), style.paper(name), strict=True))
    heading = f"<header><h1>{html.escape(title)}</h1><p>{html.escape(note)}</p></header>" if note else ""
    return _PAGE.format(title=html.escape(title), colours=colours, heading=heading, body="\n".join(parts),
                        plotly=get_plotlyjs(), figures=drawn, templates=templates, font=style.FONT,
                        theme=json.dumps(theme), config=json.dumps(style.CONFIG))


def write_page(target: Path, text: str) -> Path:
    """Whole or not at all: written aside, then renamed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, aside = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(aside).chmod(0o600)
        Path(aside).replace(target)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise
    return target


def _said(figure: go.Figure) -> str:
    """What a screen reader reads: the title and what stands below it."""
    title = figure.layout.title
    text = f"{title.text or ''}. {title.subtitle.text or ''}".replace("<br>", " ")
    return html.unescape(text.replace("<b>", "").replace("</b>", ""))


def _json(figure: go.Figure) -> str:
    """A figure for a script: without its template, which the page has once; no text can end the script."""
    bare = go.Figure(figure)
    bare.layout.template = None
    return str(bare.to_json()).replace("<", "\\u003c")


def _script(value: object) -> str:
    from plotly.utils import PlotlyJSONEncoder

    return json.dumps(value, cls=PlotlyJSONEncoder).replace("<", "\\u003c")


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ {colours}; --paper: var(--light-paper); --text: var(--light-text); --line: var(--light-line);
  --quiet: var(--light-quiet); }}
:root[data-theme=dark] {{ --paper: var(--dark-paper); --text: var(--dark-text); --line: var(--dark-line);
  --quiet: var(--dark-quiet); }}
body {{ margin: 0 auto; padding: 12px 16px 32px; max-width: 1280px; background: var(--paper);
  color: var(--text); font: 15px/1.5 {font}; }}
h1 {{ font-size: 24px; margin: 12px 0 0; }} h2 {{ font-size: 19px; margin: 36px 0 0; }}
p {{ margin: 4px 0 12px; color: var(--quiet); max-width: 70ch; }}
.figure {{ border-top: 1px solid var(--line); padding-top: 4px; margin-bottom: 20px; min-height: 200px; }}
#theme {{ float: right; font: inherit; font-size: 13px; color: var(--text); background: none; cursor: pointer;
  border: 1px solid var(--quiet); border-radius: 6px; padding: 4px 10px; margin-top: 12px; }}
@media print {{ #theme {{ display: none; }} .figure {{ break-inside: avoid; }} }}
</style>
<script>{plotly}</script></head><body>
<button id="theme" type="button" hidden></button>
{heading}
<main>
{body}
</main>
<noscript><p>The figures of this page are drawn by a script, which your browser does not run.</p></noscript>
<script>
const figures = [{figures}], templates = {{{templates}}}, config = {config}, wanted = {theme};
const dark = matchMedia("(prefers-color-scheme: dark)"), button = document.getElementById("theme");
let chosen = wanted === "auto" ? (dark.matches ? "dark" : "light") : wanted;
function show(first) {{
  document.documentElement.dataset.theme = chosen;
  button.textContent = chosen === "dark" ? "Light" : "Dark";
  figures.forEach((figure, number) => {{
    const place = document.getElementById("figure-" + number);
    if (first) Plotly.newPlot(place, figure.data, {{...figure.layout, template: templates[chosen]}}, config);
    else Plotly.relayout(place, {{template: templates[chosen]}});
  }});
}}
show(true);
if (wanted === "auto") {{
  button.hidden = false;
  button.onclick = () => {{ chosen = chosen === "dark" ? "light" : "dark"; show(false); }};
  dark.addEventListener("change", event => {{ chosen = event.matches ? "dark" : "light"; show(false); }});
}}
</script></body></html>
"""
