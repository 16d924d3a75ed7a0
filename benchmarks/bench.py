"""`make bench`: the figures that we promise, measured on this machine, with what we promise beside.

    python benchmarks/bench.py [--json FILE] [--only WORD,WORD] [--strict]

Prints a table, writes JSON to demo-output/bench.json (or FILE). Run it with nothing beside: each
figure is a median of repeated rounds, with a real worker and a lab of its own, in real kernels where
kernels matter. ``--strict`` exits 1 if a figure misses its target. A topic is a module beside this one; what
grows is drawn in growth.html, beside the JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import growth
from answering import answering
from clustering import clustering
from draining import draining
from enqueuing import enqueuing
from figure import Figure
from growing import growing
from idling import idling
from loading import loading
from printing import printing
from seeing import seeing
from starting import starting
from submitting import submitting
from together import together

OUTPUT = Path(__file__).resolve().parents[1] / "demo-output" / "bench.json"

PARTS: tuple[Callable[[], Iterator[Figure]], ...] = (
    loading, submitting, starting, answering, printing, enqueuing, draining, clustering, together, growing,
    idling, seeing)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, default=OUTPUT)
    parser.add_argument("--only", default="", help="parts whose names contain one of these words")
    parser.add_argument("--strict", action="store_true", help="exit 1 if a target is missed")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tlb-") as folder:
        os.environ.update(TETHER_LAB_HOME=f"{folder}/home", TETHER_LAB_CONFIG=f"{folder}/config",
                          TETHER_LAB_RUNNERS="2")
        figures = measured([part for part in PARTS if wanted(part.__name__, asked.only)])
    asked.json.parent.mkdir(parents=True, exist_ok=True)
    rows = [asdict(figure) | {"held": figure.held} for figure in figures]
    asked.json.write_text(json.dumps({"machine": machine(), "figures": rows}, indent=1))
    growth.draw(growth.of(figures), asked.json.parent / "growth.html")
    promised = [figure for figure in figures if figure.target is not None]
    missed = [figure.name for figure in promised if not figure.held]
    print(f"\n{len(promised) - len(missed)} of {len(promised)} targets held"
          + (f"; missed: {', '.join(missed)}" if missed else "")
          + f". Load {os.getloadavg()[0]:.1f}. Written to {asked.json}")
    return 1 if missed and asked.strict else 0


def wanted(name: str, words: str) -> bool:
    return any(word in name for word in words.split(","))


def measured(parts: list[Callable[[], Iterator[Figure]]]) -> list[Figure]:
    """All of it, shown as it comes; no worker is left behind."""
    from tether_lab import Lab

    figures: list[Figure] = []
    try:
        for part in parts:
            for figure in part():
                figures.append(figure)
                print(figure, flush=True)
    finally:
        with Lab() as lab:
            lab.worker.stop(now=True)
    return figures


def machine() -> dict[str, object]:
    """What the figures were measured on."""
    return {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.system(),
            "processor": platform.machine(), "sqlite": sqlite3.sqlite_version, "load": os.getloadavg()[0]}


if __name__ == "__main__":
    sys.exit(main())
