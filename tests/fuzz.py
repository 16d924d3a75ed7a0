"""Coverage-guided fuzzing of what comes in from outside: payloads, lines of magics, bodies and queries over
HTTP, frames of the wire. Hypothesis draws values of a shape (tests/laws/test_strange_input.py); this bends
bytes towards code that no input has reached yet.

    pip install 'tether-lab[fuzz]'
    python tests/fuzz.py payload -runs=100000        # or line, rest, frames; libFuzzer's own flags follow
"""

from __future__ import annotations

import contextlib
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

with atheris.instrument_imports(include=["tether_lab"]):
    from tether_lab.cell.flags import LINE
    from tether_lab.cell.parsing import read_cell_line, read_line, read_words
    from tether_lab.cell.tokens import cut
    from tether_lab.errors import BadRequest, TetherLabError
    from tether_lab.job import check_payload
    from tether_lab.job.options import read_options
    from tether_lab.runner import wire
    from tether_lab.server import contract


OPERATIONS = [operation for verbs in contract.operations().values() for operation in verbs.values()]
WORDS = sorted(set(re.findall(r'"([a-z_]{2,20})":', contract.DOCUMENT.read_text())))
"""Names that the interface knows, for keys that lead somewhere."""


def value_of(given: atheris.FuzzedDataProvider, depth: int = 0) -> Any:
    """A value as JSON, or nearly, has it."""
    match given.ConsumeIntInRange(0, 9 if depth < 6 else 6):
        case 0:
            return None
        case 1:
            return given.ConsumeBool()
        case 2:
            return given.ConsumeInt(9)
        case 3:
            return given.ConsumeFloat()
        case 4:
            return given.ConsumeUnicode(12)
        case 5:
            return given.PickValueInList(["10m", "fixed:1s", "2026-03-01T09:30", "a\0", "\ud800", 2**63])
        case 6:
            return given.PickValueInList(WORDS)
        case 7:
            return [value_of(given, depth + 1) for _ in range(given.ConsumeIntInRange(0, 4))]
        case _:
            return {given.PickValueInList(WORDS) if given.ConsumeBool() else given.ConsumeUnicode(6):
                    value_of(given, depth + 1) for _ in range(given.ConsumeIntInRange(0, 5))}


def payload(data: bytes) -> None:
    """Values of any kind, as a payload and as options: text that says the same, or refused with its place."""
    value = value_of(atheris.FuzzedDataProvider(data))
    with contextlib.suppress(BadRequest):
        text = check_payload(value)
        assert json.loads(text) == json.loads(json.dumps(value or {}))
    if isinstance(value, dict):
        with contextlib.suppress(BadRequest):
            read_options(value)


def line(data: bytes) -> None:
    """The line of a magic, by each of its readers."""
    text = data.decode("utf-8", "surrogateescape")
    for read in (cut, read_cell_line, read_line, lambda said: read_words(said, LINE)):
        with contextlib.suppress(TetherLabError):
            read(text)


def rest(data: bytes) -> None:
    """A body and a query for an operation of the REST interface: values that fit openapi.json, or 400."""
    given = atheris.FuzzedDataProvider(data)
    operation = given.PickValueInList(OPERATIONS)
    raw = given.ConsumeBytes(40) if given.ConsumeIntInRange(0, 3) == 0 else json.dumps(value_of(given)).encode()
    with contextlib.suppress(BadRequest):
        operation.body(raw)
    names = [*operation._query, *WORDS[:5]]
    query = {given.PickValueInList(names): [given.ConsumeBytes(12)]
             for _ in range(given.ConsumeIntInRange(0, 4))}
    with contextlib.suppress(BadRequest):
        operation.query_values(query)
    operation.path_values({name: given.ConsumeUnicode(20) for name in operation._path})


def frames(data: bytes) -> None:
    """What user code may write into its channel: messages, or a ValueError."""
    for decoder in (wire.FROM_JOB, wire.TO_JOB, wire.FROM_ZYGOTE):
        with contextlib.suppress(ValueError):
            wire.Frames(decoder).feed(data)


TARGETS: dict[str, Callable[[bytes], None]] = {"payload": payload, "line": line, "rest": rest, "frames": frames}


def main() -> None:
    """Fuzz one of them; the process ends with 77 and the input where one breaks its promise."""
    name = sys.argv.pop(1) if len(sys.argv) > 1 else ""
    if name not in TARGETS:
        sys.exit(f"which of {', '.join(TARGETS)}?")
    atheris.Setup(sys.argv, TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
