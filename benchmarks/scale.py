"""`python benchmarks/scale.py [--write]`: what one lab's file carries, and what many labs on one machine
cost.

Prints the tables of scale.md; ``--write`` puts them there. Each figure is measured with real workers in
labs of their own, durability "process" and "power". Run it with nothing beside; takes about two minutes.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import psutil

HERE = Path(__file__).resolve().parent
MARK = "<!-- figures: made by benchmarks/scale.py -->"
COUNT, MANY = 20_000, 5_000
LABS = (1, 10, 20)
WATCHED = 10.0


def noop(i: int = 0) -> None:
    pass


def enqueue(folder: str, durability: str) -> float:
    """One client's rate, one call a job, in a process of its own."""
    from tether_lab import Lab

    with Lab(folder, autostart=False, durability=durability) as lab:
        begun = time.perf_counter()
        for n in range(MANY):
            lab.enqueue("noop", {"i": n})
        return MANY / (time.perf_counter() - begun)


def rates(home: Path) -> list[str]:
    """Jobs a second through one file."""
    from draining import drained

    from tether_lab import Lab

    rows = ["| durability | enqueued, 1 client | 2 clients | 4 clients | enqueue_many | claimed, run, ended |",
            "|---|---|---|---|---|---|"]
    for durability in ("process", "power"):
        folder = home / f"rates-{durability}"
        with Lab(folder, durability=durability, runners=2, autostart=False) as lab:
            lab.register(noop, "noop", isolation="warm")
            alone = []
            for clients in (1, 2, 4):
                with ProcessPoolExecutor(clients, mp_context=get_context("spawn")) as pool:
                    alone.append(sum(pool.map(enqueue, [str(folder)] * clients, [durability] * clients)))
            lab.cancel(all=True)
            begun = time.perf_counter()
            lab.enqueue_many("noop", [{}] * COUNT)
            many = COUNT / (time.perf_counter() - begun)
            lab.cancel(all=True)
            ended = statistics.median(drained(lab, "noop", COUNT) for _ in range(3))
            lab.worker.stop(now=True)
        cells = [*(f"{rate:,.0f}/s" for rate in alone), f"{many:,.0f}/s", f"{ended:,.0f}/s"]
        rows.append(f"| {durability} | " + " | ".join(cells) + " |")
    return rows


def at_rest(home: Path) -> list[str]:
    """Memory and processor time of so many workers that wait, each having run a job."""
    from tether_lab import Lab

    rows = ["| labs with a worker at rest | memory of all (PSS) | a lab | processor, all | files a lab |",
            "|---|---|---|---|---|"]
    labs: list[Lab] = []
    try:
        for count in LABS:
            while len(labs) < count:
                lab = Lab(home / f"rest-{len(labs)}", runners=2)
                labs.append(lab)
                lab.submit(os.getpid).result(timeout=60)
            time.sleep(3)
            workers = [psutil.Process(lab.worker.status().pid) for lab in labs]
            family = [p for w in workers for p in (w, *w.children(recursive=True))]
            memory = sum(p.memory_full_info().pss for p in family)
            before = sum(sum(p.cpu_times()[:2]) for p in family)
            time.sleep(WATCHED)
            spent = sum(sum(p.cpu_times()[:2]) for p in family) - before
            size = sum(f.stat().st_size for f in labs[0].folder.path.rglob("*") if f.is_file())
            rows.append(f"| {count} | {memory / 1e6:,.0f} MB | {memory / count / 1e6:,.0f} MB | "
                        f"{spent / WATCHED * 100:.2f} % of a core | {size / 1e3:,.0f} KB |")
    finally:
        for lab in labs:
            lab.worker.stop(now=True)
            lab.close()
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="put the tables into scale.md")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tls-") as folder:
        home = Path(folder)
        os.environ.update(TETHER_LAB_HOME=str(home / "home"), TETHER_LAB_CONFIG=str(home / "config"))
        text = "\n".join([*rates(home), "", *at_rest(home)])
    print(text)
    if asked.write:
        page = HERE / "scale.md"
        before, _, rest = page.read_text().partition(MARK)
        page.write_text(f"{before}{MARK}\n\n{text}\n\n{MARK}{rest.partition(MARK)[2]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
