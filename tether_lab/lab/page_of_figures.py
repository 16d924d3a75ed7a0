"""The figures of a report as JSON on standard output: a short-lived process for whoever has no plotly.

    python -m tether_lab.lab.page_of_figures FOLDER '{"since": "7d", "theme": "dark"}'

Called by the server, which draws nothing itself.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from tether_lab.errors import TetherLabError

from . import clock
from .figures import ATTEMPTS, JOBS
from .lab import Lab


def text(folder: str, said: dict[str, str]) -> str:
    """``{"sections": [{"title", "text", "figures": [{"title", "figure"}]}]}``."""
    from tether_lab.views.figures.report import sections

    theme = said.pop("theme", "light")
    with Lab(Path(folder)) as lab:
        jobs = lab.frames.jobs(columns=JOBS, **said)  # type: ignore[arg-type]
        attempts = lab.frames.attempts(columns=ATTEMPTS, **said)  # type: ignore[arg-type]
    now = datetime.fromtimestamp(clock.now() / 1e6, UTC)
    return json.dumps({"sections": [
        {"title": section.heading, "text": section.text, "figures": [
            {"title": figure.layout.title.text or "", "figure": json.loads(figure.to_json())}
            for figure in section.figures]}
        for section in sections(jobs, attempts, now, theme)]})


def main() -> int:
    """0, or 1 with the reason on standard error."""
    try:
        sys.stdout.write(text(sys.argv[1], json.loads(sys.argv[2])))
    except TetherLabError as error:
        sys.stderr.write(f"{error.message}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
