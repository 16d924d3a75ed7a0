"""Whatever comes in from outside is taken or refused in words: no other error, no silent change."""

from __future__ import annotations

import contextlib
import json
import math
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings, strategies as st

from tether_lab.cell.flags import LINE
from tether_lab.cell.parsing import read_cell_line, read_line, read_words
from tether_lab.cell.tokens import cut
from tether_lab.cli.terminal import printable, safe
from tether_lab.errors import BadRequest, BadSignature, KeyMissing, TetherLabError
from tether_lab.job import OPTIONS, JobOptions, check_key, check_payload
from tether_lab.job.options import read_options
from tether_lab.runner import wire
from tether_lab.vault import Vault
from tether_lab.worker import stacks
from tether_lab.worker.output import collapse

EXAMPLES = settings(max_examples=300, deadline=None)
LONG = settings(max_examples=20_000, deadline=None)

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(max_size=20),
    st.just(date(2026, 1, 1)),
    st.sampled_from(["\ud800", "a\0b", "\u202e", 2**63, -(2**63) - 1, float("nan"), float("inf"),
                     {1, 2}, (1, 2)]))
anything = st.recursive(scalars, lambda inner: st.one_of(
    st.lists(inner, max_size=4),
    st.dictionaries(st.one_of(st.text(max_size=5), st.integers(), st.none()), inner, max_size=4)),
    max_leaves=20)
lines = st.one_of(
    st.text(max_size=80),
    st.lists(st.sampled_from(
        ["train", "lr=0.1", "xs=[1,", "2]", "'", '"', "--timeout", "10m", "--", "-h", "=", "--wait", "#", "\\",
         "(", ")", "{", "}", "--retry=fixed:1s", "\u00a0", "\x00", "lr", "é=1", "--cache", "$(", "`", ";", "12",
         "a=b=c", "lambda:0", "--dedup", "fields=", "\ud800"]), max_size=9).map(" ".join))


def strange(payload: Any) -> None:
    """Taken: JSON that says the same. Refused: a PayloadError with a path."""
    try:
        text = check_payload(payload)
    except BadRequest as error:
        refused = error
    else:
        refused = None
    if refused is not None:
        assert refused.where
        return
    found = json.loads(text)
    assert found == json.loads(json.dumps(payload or {}, allow_nan=False))
    assert "NaN" not in text or "NaN" in repr(payload)


def line(text: str) -> None:
    """Every reader of a magic's line."""
    for read in (cut, read_cell_line, read_line, lambda said: read_words(said, LINE)):
        with contextlib.suppress(TetherLabError):
            read(text)


@EXAMPLES
@given(anything)
@example({"a": [float("nan")]})
@example({"a": {1: 2, "1": 3}})
@example({"\ud800": 1})
def test_any_payload_is_json_or_refused_with_its_path(payload: Any) -> None:
    """NaN, dates, bytes, sets, halves of surrogates, keys that are no text, integers beyond 64 bits."""
    strange(payload)


@pytest.mark.soak
@pytest.mark.timeout(1800)
@LONG
@given(anything)
def test_any_payload_at_length(payload: Any) -> None:
    """The same, twenty thousand times."""
    strange(payload)


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("target", ["payload", "line", "rest", "frames"])
def test_bytes_bent_towards_new_code(target: str, tmp_path: Path) -> None:
    """A hundred thousand inputs of atheris, which watches what each reaches: nothing but refusals in words."""
    pytest.importorskip("atheris", reason="pip install 'tether-lab[fuzz]'")
    done = subprocess.run([sys.executable, str(Path(__file__).parents[1] / "fuzz.py"), target, "-runs=100000",
                           "-max_len=600", f"-artifact_prefix={tmp_path}/"], capture_output=True, text=True,
                          timeout=800, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def test_payloads_without_end_are_refused() -> None:
    """A list that holds itself; a thousand levels."""
    loop: list[Any] = []
    loop.append(loop)
    deep: Any = 1
    for _ in range(1000):
        deep = [deep]
    for value in (loop, deep):
        with pytest.raises(BadRequest, match="deep"):
            check_payload({"a": value})


@EXAMPLES
@given(lines)
def test_any_line_of_a_magic_is_read_or_refused(text: str) -> None:
    """Open quotes and brackets, flags without values, control characters."""
    line(text)


@pytest.mark.soak
@pytest.mark.timeout(1800)
@LONG
@given(lines)
def test_any_line_at_length(text: str) -> None:
    """The same, twenty thousand times."""
    line(text)


@EXAMPLES
@given(st.sampled_from(OPTIONS), st.one_of(anything, st.text(max_size=30).map(lambda t: f"10{t}")))
def test_any_value_of_an_option_is_stored_as_it_is_read_or_refused(option: Any, value: Any) -> None:
    """What is accepted comes back from the database the same."""
    try:
        options = read_options({option.name: value})
    except BadRequest:
        return
    again = JobOptions.from_json(options.to_json())
    for name in JobOptions.__dataclass_fields__:
        before, after = getattr(options, name), getattr(again, name)
        assert before == after or (isinstance(before, float) and math.isclose(before, after)), name


@EXAMPLES
@given(st.one_of(st.text(max_size=210), st.none(), st.integers()))
def test_any_key_is_a_name_or_refused(key: Any) -> None:
    """What is accepted leads out of no folder and breaks no line."""
    with contextlib.suppress(BadRequest):
        name = check_key(key)
        assert not set(name) & set("/\\<>\"'`\n\r\t \0")
        assert not name.startswith((".", "-", "~"))


@EXAMPLES
@given(st.lists(st.binary(max_size=60), max_size=4), st.integers(0, 300))
def test_any_bytes_on_the_wire_are_frames_or_a_value_error(chunks: list[bytes], length: int) -> None:
    """User code can write into the channel: the worker must survive it."""
    for decoder in (wire.FROM_JOB, wire.TO_JOB, wire.FROM_ZYGOTE):
        frames = wire.Frames(decoder)
        with contextlib.suppress(ValueError):
            frames.feed(wire.HEADER.pack(length))
            for chunk in chunks:
                frames.feed(chunk)


@EXAMPLES
@given(st.binary(max_size=100), st.text(max_size=200))
def test_any_datagram_and_any_output_is_harmless(datagram: bytes, text: str) -> None:
    """The worker's socket takes hints from anybody of this user; outputs come from anything."""
    stacks.parse(datagram)
    stacks.parse(b"stack " + datagram)
    assert len(collapse(text)) <= len(text)
    assert "\x1b" not in printable(text)
    safe(text, colours=True)


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Vault:
    folder: Path = tmp_path_factory.mktemp("v")
    folder.chmod(0o700)
    return Vault.open(folder / "keys")


@EXAMPLES
@given(data=st.data())
def test_any_bytes_in_place_of_sealed_ones_are_refused(vault: Vault, data: st.DataObject) -> None:
    """Random texts, and real ones with a piece cut out, doubled or exchanged."""
    real = vault.seal_text("value", "place")
    at, to = sorted(data.draw(st.tuples(st.integers(0, len(real)), st.integers(0, len(real)))))
    spoilt = real[:at] + data.draw(st.text(max_size=8)) + real[to:]
    with contextlib.suppress(BadSignature, KeyMissing):
        assert vault.unseal_text(spoilt, "place") == "value", "base64 has two spellings, never two values"
