"""`make peers`: the same few questions to us and to our neighbours, alternating, on this machine, in one run.

    python benchmarks/peers.py [--rounds N] [--only WORD,WORD] [--readme]

Each peer runs in an environment of its own, with the settings that suit it best (each side's script says
which, and what it guarantees). Two runners. Prints a table of medians and of ratios to ours, writes
demo-output/peers.json and peers.html; ``--readme`` also puts the table into the README. Redis, where a
peer needs it, is started here and ends here.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench import machine
from environments import NotInstalled, environment, versions

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
OUTPUT = ROOT / "demo-output"
RUNNERS = 2
WHAT = {"enqueue": "in, one a call (/s)", "drain": "out, no-ops (/s)", "p50": "to the first line, p50 (ms)",
        "p99": "p99 (ms)"}
LEAST = 0.001
"""Shares below this are not told: a notebook and a function are no two of a kind."""
MARK = "<!-- peers: made by benchmarks/peers.py -->"


@dataclass(frozen=True)
class Peer:
    """One side: its script, what it needs, how many jobs it is given, what it promises."""

    name: str
    script: str
    packages: tuple[str, ...]
    count: int
    crash: str                      # what becomes of a job whose process or worker is killed
    kept: str                       # what is kept of one that ended
    redis: bool = False
    prefix: str = "run"
    figures: dict[str, list[float]] = field(default_factory=dict, compare=False)


PEERS = (
    Peer("Tether Lab", "ours", (), 10_000, "goes back, fenced", "attempts, output, result"),
    Peer("Tether Lab, power cuts too", "ours", (), 5_000, "goes back, fenced", "attempts, output, result",
         prefix="power"),
    Peer("huey (SQLite, processes)", "huey", ("huey==3.5.4",), 5_000, "lost", "nothing"),
    Peer("FlexiQ (SQLite, prefork)", "flexiq", ("flexiq==2.1.0",), 1_500, "goes back", "job, result"),
    Peer("FlexiQ (SQLite, threads)", "flexiq", ("flexiq==2.1.0",), 3_000, "goes back", "job, result",
         prefix="thread"),
    Peer("DBOS (SQLite, threads)", "dbos", ("dbos==3.4.0",), 300, "goes on at its step", "workflow, result"),
    Peer("RQ (Redis)", "rq", ("rq==3.0.0",), 1_000, "found again in minutes", "result, 500 s", redis=True),
    Peer("Celery (Redis, late ack)", "celery", ("celery[redis]==5.7.0",), 1_500, "goes back in an hour",
         "nothing", redis=True),
    Peer("dramatiq (Redis)", "dramatiq", ("dramatiq[redis]==2.2.1",), 1_500, "goes back in a minute", "nothing",
         redis=True),
    Peer("Dask distributed", "dask", ("distributed==2026.8.0",), 1_500, "goes back; lost with the scheduler",
         "result, in memory"),
    Peer("ipyparallel", "ipyparallel", ("ipyparallel==9.2.0", "ipykernel"), 500, "lost", "result, in memory"),
    Peer("litequeue (no worker)", "litequeue", ("litequeue==0.9",), 5_000, "stays locked", "message"),
    Peer("papermill (a notebook)", "papermill", ("papermill==2.7.0", "ipykernel"), 3, "lost", "the notebook"),
    Peer("Jupyter Scheduler (a notebook)", "scheduler", ("jupyter-scheduler==2.12.1", "ipykernel"), 3, "lost",
         "the notebook"),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="peers whose names contain one of these words")
    parser.add_argument("--readme", action="store_true", help="put the table into the README")
    asked = parser.parse_args()
    peers = [peer for peer in PEERS if any(word.lower() in peer.name.lower() for word in asked.only.split(","))]
    with redis(any(peer.redis for peer in peers)) as url:
        ready = [(peer, python) for peer in peers if (python := installed(peer, url))]
        for number in range(asked.rounds):
            for peer, python in ready:
                for name, value in ran(peer, python, url).items():
                    peer.figures.setdefault(name, []).append(value)
                print(f"round {number + 1}  {peer.name}", flush=True)
    found = {peer: {name: statistics.median(values) for name, values in peer.figures.items()}
             for peer, _ in ready if peer.figures}
    table = markdown(found)
    print("\n" + table)
    OUTPUT.mkdir(exist_ok=True)
    told = [{"name": peer.name, "count": peer.count, "crash": peer.crash, "kept": peer.kept,
             "median": found[peer], "rounds": peer.figures, "versions": versions_of(python)}
            for peer, python in ready if peer in found]
    (OUTPUT / "peers.json").write_text(json.dumps({"machine": machine(), "peers": told}, indent=1))
    page(found, OUTPUT / "peers.html")
    print(f"\nWritten to {OUTPUT / 'peers.json'} and peers.html. Load {os.getloadavg()[0]:.1f}.")
    if asked.readme:
        into_readme(table)
    return 0


def installed(peer: Peer, url: str) -> Path | None:
    """The Python that runs this side; None, said, if it cannot be had."""
    if not peer.packages:
        return Path(sys.executable)
    if peer.redis and not url:
        print(f"left out: {peer.name}: no redis-server (apt-get install redis-server)")
        return None
    try:
        return environment(*peer.packages)
    except NotInstalled as error:
        print(f"left out: {peer.name}: {error}")
        return None


def versions_of(python: Path) -> dict[str, str]:
    """What matters of an environment."""
    return {} if python == Path(sys.executable) else versions(python)


def ran(peer: Peer, python: Path, url: str) -> dict[str, float]:
    """One round of one side, in an empty folder. What failed is said and has no figures."""
    folder = Path(tempfile.mkdtemp(prefix=f"{peer.prefix}-"))
    folder.chmod(0o700)
    environ = os.environ | {f"TETHER_LAB_{name}": str(folder / name) for name in ("HOME", "CONFIG")}
    try:
        done = subprocess.run(
            [str(python), str(HERE / "peers" / f"{peer.script}_side.py"), str(folder), str(peer.count),
             str(RUNNERS), url], capture_output=True, text=True, timeout=400, check=False, env=environ)
        found = [line for line in done.stdout.splitlines() if line.startswith("{")]
        if not found:
            print(f"failed: {peer.name}: {done.stderr.strip().splitlines()[-1:]}")
            return {}
        return {name: float(value) for name, value in json.loads(found[-1]).items()}
    except subprocess.TimeoutExpired:
        print(f"failed: {peer.name}: not done in 400 s")
        return {}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def redis(wanted: bool) -> Iterator[str]:
    """A server of our own, in memory; an empty address if there is none."""
    program = shutil.which("redis-server") if wanted else None
    if program is None:
        yield ""
        return
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen([program, "--port", str(port), "--bind", "127.0.0.1", "--save", "",
                               "--appendonly", "no"], stdout=subprocess.DEVNULL)
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(10)


def markdown(found: dict[Peer, dict[str, float]]) -> str:
    """The table: ours as figures, the others as figures and as shares of ours."""
    ours = next((values for peer, values in found.items() if not peer.packages), {})
    head = ["", *WHAT.values(), "killed while it runs", "kept of it"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for peer, values in found.items():
        cells = [shown(values.get(name), ours.get(name), plain=not peer.packages) for name in WHAT]
        name = f"**{peer.name}**" if not peer.packages else peer.name
        lines.append("| " + " | ".join([name, *cells, peer.crash, peer.kept]) + " |")
    return "\n".join(lines)


def shown(value: float | None, ours: float | None, *, plain: bool) -> str:
    """A figure, and how it stands to ours."""
    if value is None:
        return "–"
    text = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    return text if plain or not ours or value / ours < LEAST else f"{text} ({value / ours:.2g} ×)"


def page(found: dict[Peer, dict[str, float]], path: Path) -> None:
    """The same as bars."""
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    names = ("enqueue", "drain", "p50")
    figure = make_subplots(rows=1, cols=3, subplot_titles=[WHAT[name] for name in names])
    for column, name in enumerate(names, 1):
        rows = sorted(((peer, values[name]) for peer, values in found.items() if name in values),
                      key=lambda row: row[1], reverse=name == "p50")
        figure.add_trace(go.Bar(
            x=[value for _, value in rows], y=[peer.name for peer, _ in rows], orientation="h",
            marker_color=["#0072B2" if not peer.packages else "#999999" for peer, _ in rows],
            showlegend=False), row=1, col=column)
        figure.update_xaxes(type="log", row=1, col=column)
    figure.update_layout(title="Two runners, one machine, one run: medians", height=520, width=1500,
                         template="plotly_white", margin={"l": 200})
    figure.write_html(path, include_plotlyjs=True)


def into_readme(table: str) -> None:
    """Replace what stands between the marks."""
    readme = ROOT / "README.md"
    before, _, rest = readme.read_text().partition(MARK)
    _, _, after = rest.partition(MARK)
    readme.write_text(f"{before}{MARK}\n\n{table}\n\n{MARK}{after}")


if __name__ == "__main__":
    sys.exit(main())
