"""Makes the outputs of a kernel and of a job comparable: what may differ between any two runs of the
same cell (addresses, process ids, times, numbers of cells) becomes the same text."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from typing import Any

RULES = (
    (r"\x1b\[[0-9;]*[A-Za-z]", ""),                                     # colours
    (r"0x[0-9a-f]{6,}", "0xADDRESS"),
    (r"(?:/\S*)?/ipykernel_\d+/\d+\.py|<ipython-input-[^>]+>|<tether[^>]*>", "<cell>"),
    (r"Cell In\s?\[\d*\],? line|Cell of the notebook, line|File <cell>:|Cell line", "Cell line "),
    (r"<cell>:\d+: ", "<cell>: "),                                      # warnings carry a line
    (r"/[\w/.-]*corpus-\w+", "/folder"),
    (r"/tmp/tmp\w+", "/tmp/tmpNAME"),
    (r"\bpid[= ]\d+", "pid N"),
    # A kernel has threads of its own, of which Python 3.12 warns at a fork; a job that writes nothing has none.
    (r"<cell>: DeprecationWarning: This process \(pid N\) is multi-threaded, [^\n]*\n(?:  [^\n]*\n?)?", ""),
    (r"(CPU times|Wall time):[^\n]*", r"\1: TIME"),
    (r"\d+(?:\.\d+)? (?:ns|μs|µs|us|ms|s) ± [^\n]*", "TIMEIT"),
    (r"[|▏▎▍▌▋▊▉█#0-9 ]*\| *(\d+/\d+) \[[^\]\n]*?(, loss=[^\]]*)?\]", r"| \1\2"),   # bars: their counts stay
    (r"(\d+)it \[[^\]\n]*\]", r"\1it"),
    (r"\n[^\n]* was not defined in the notebook either when the cell was submitted", ""),   # a hint is welcome
    (r"(?m)^-{60,}$", "-----"),
    (r"[ \t]+(?=\n)", ""),
)
COMPILED = tuple((re.compile(pattern), to) for pattern, to in RULES)


def text(value: str) -> str:
    """One text, with everything that may differ between two runs replaced."""
    value = _carriage_returns(value)
    for rule, to in COMPILED:
        value = rule.sub(to, value)
    return value


def _carriage_returns(value: str) -> str:
    """As a terminal shows them: what follows a return overwrites the line."""
    if "\r" not in value:
        return value
    return "\n".join(_overlaid(line) for line in value.replace("\r\n", "\n").split("\n"))


def _overlaid(line: str) -> str:
    """A shorter text leaves the end of a longer one; of coloured ones, of unknown width, the last counts."""
    shown = ""
    for piece in line.rstrip("\r").split("\r"):
        shown = piece if "\x1b" in line else piece + shown[len(piece):]
    return shown


def normal(outputs: Sequence[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Outputs as comparable tuples. Between two rich outputs stdout and stderr are one text each: in
    the kernel their interleaving depends on when it happens to flush."""
    result: list[tuple[Any, ...]] = []
    streams: dict[str, str] = {}
    for output in outputs:
        kind = output["output_type"]
        if kind == "stream":
            streams[output["name"]] = streams.get(output["name"], "") + "".join(output["text"])
            continue
        result += _streams(streams)
        result.append(_error(output) if kind == "error" else (kind, *_bundle(output)))
    return result + _streams(streams)


def _streams(streams: dict[str, str]) -> list[tuple[Any, ...]]:
    """The texts so far, and forget them."""
    found = [(name, text(streams[name])) for name in ("stdout", "stderr") if text(streams.get(name, ""))]
    streams.clear()
    return found


def _bundle(output: dict[str, Any]) -> tuple[Any, ...]:
    data = {mime: _value(mime, value) for mime, value in sorted(output["data"].items())}
    return data, {k: v for k, v in output.get("metadata", {}).items() if v}


def _value(mime: str, value: Any) -> Any:
    if mime in ("image/png", "image/jpeg", "application/pdf"):
        raw = base64.b64decode("".join(value))
        return hashlib.blake2b(raw, digest_size=8).hexdigest(), len(raw)
    if isinstance(value, list) and all(isinstance(v, str) for v in value):
        value = "".join(value)
    if isinstance(value, str):
        ids = r"\bid=\"[\w-]+\"|#T_\w+|T_[0-9a-f]{5}\w*|sk-(?:container|estimator)-id-\d+"
        return re.sub(ids, "ID", text(value))
    return value


def _error(output: dict[str, Any]) -> tuple[Any, ...]:
    trace = [line.rstrip() for line in text("\n".join(output["traceback"])).splitlines()]
    return "error", output["ename"], text(output["evalue"]), "\n".join(line for line in trace if line)
