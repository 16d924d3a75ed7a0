"""Encrypted jobs: nothing of them in clear on disk, everything of them in the hands of the key's owner."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from labs import working_lab

from tether_lab import Dedup, KeyMissing, Lab
from tether_lab.lab.schedules import Schedule
from tether_lab.lab.triggers import TriggerHandle, fire_web
from tether_lab.server import acting
from tether_lab.settings import config_folder

CANARY = b"canary-"
BIG = np.arange(50_000.0) + 987654321.0          # 400 KB: a file, if it were not encrypted a readable one


@pytest.fixture
def lab() -> Iterator[Lab]:
    yield from working_lab(runners=2)


def word(name: str) -> str:
    """A text that is spelled nowhere in a source, so that finding it on disk means a leak."""
    return f"canary-{name}-97531"


def leaks(lab: Lab, *needles: bytes) -> list[str]:
    """The files of the lab in which one of these bytes stands."""
    lab.worker.stop(now=True, timeout=10)
    lab.close()
    return [f"{path.name}: {needle!r}" for path in lab.folder.path.rglob("*") if path.is_file()
            for needle in needles if needle in path.read_bytes()]


def hide(lab: Lab) -> Path:
    """Take the keys away, as a lost disk does; where they are now."""
    keys = config_folder() / "keys"
    aside = keys.with_name("lost")
    keys.rename(aside)
    lab.worker.stop(now=True, timeout=10)
    lab.close()
    return aside


def work(ctx: Any, word: str, n: int, broken: bool = False, big: Any = None) -> dict[str, Any]:
    """Says its word in every way that a job has."""
    print(f"{word}-output")
    ctx.progress(1, 2, f"{word}-progress")
    ctx.step("one", lambda: f"{word}-memo")
    ctx.checkpoint({"big": BIG, "said": f"{word}-checkpoint"})
    ctx.send_event({"said": f"{word}-event"})
    ctx.notify(f"{word}-notified")
    if broken:
        raise ValueError(f"{word}-error")
    return {"said": f"{word}-result", "big": BIG * n, "given": big}


def test_nothing_of_an_encrypted_job_is_on_disk_in_clear(lab: Lab) -> None:
    """Payload, output, progress, memos, events, errors, tracebacks, results, captures, small and large;
    and its owner reads all of it."""
    captured = word("capture")

    @lab.handler("closed", encrypt=True, retries=1, retry="fixed:10ms")
    def closed(ctx: Any, **payload: Any) -> dict[str, Any]:
        assert captured
        return work(ctx, **payload)

    job = closed.enqueue(word=word("payload"), n=1, big=BIG[:20_000])
    bad = closed.enqueue(word=word("bad"), n=1, broken=True)
    value = job.result(60)
    assert value["said"] == word("payload") + "-result"
    assert np.array_equal(value["big"], BIG)
    assert np.array_equal(value["given"], BIG[:20_000])
    assert bad.wait(60).error == f"ValueError: {word('bad')}-error"
    assert word("bad") in str(bad.attempts[0].traceback)
    assert job.payload["word"] == word("payload")
    assert job.progress is not None
    assert job.progress["message"] == word("payload") + "-progress"
    assert word("payload") + "-output" in job.outputs[0]["text"]
    assert any(word("payload") + "-event" in str(event.detail) for event in job.events)
    assert word("bad") in str(lab.history("closed")[0].error)
    _in_frames(lab)
    assert not leaks(lab, CANARY, BIG[:64].tobytes(), (BIG * 1)[100:164].tobytes())


def _in_frames(lab: Lab) -> None:
    """The owner's frames show what they show of any other job; nobody's, without the key, do."""
    jobs, outputs = lab.frames.jobs(columns="all"), lab.frames.outputs(columns="all")
    assert [json.loads(text)["word"] for text in jobs.payload] == [word("payload"), word("bad")]
    assert jobs.error.dropna().tolist() == [f"ValueError: {word('bad')}-error"]
    attempts = lab.frames.attempts(columns="all")
    assert word("bad") in attempts.error.dropna().iloc[0]
    assert word("bad") in attempts.traceback.dropna().iloc[0]
    assert "stream" in set(outputs.output)
    assert f"{word('payload')}-output\n" in set(outputs.text)
    assert len(lab.frames.outputs(output="stream")) == (outputs.output == "stream").sum() > 0
    assert any(f"{word('payload')}-event" in text for text in lab.frames.events().detail.dropna())
    assert "encrypted" not in str((jobs, attempts, outputs, lab.frames.events()))


def test_frames_without_the_key_say_encrypted(lab: Lab) -> None:
    """Of values that are closed; the rest of the rows is there. With the key back they are open again."""
    lab.register(work, "closed", encrypt=True)
    lab.enqueue("closed", {"word": word("x"), "n": 1}).wait(60)
    aside = hide(lab)
    other = Lab()
    jobs = other.frames.jobs(columns="all")
    assert jobs.payload.tolist() == ["[encrypted]"]
    assert jobs.status.tolist() == ["completed"]
    assert set(other.frames.outputs(columns="all").output) == {"encrypted"}
    assert "[encrypted]" in other.frames.events().detail.tolist()
    other.close()
    for key in aside.iterdir():
        key.rename(config_folder() / "keys" / key.name)
    assert word("x") in Lab().frames.jobs(columns=["payload"]).payload[0]


def test_the_same_job_in_clear_would_be_found(lab: Lab) -> None:
    """The search finds what there is to find."""
    lab.register(work, "open")
    lab.enqueue("open", {"word": word("payload"), "n": 2}).result(60)
    found = leaks(lab, CANARY, (BIG * 2)[:64].tobytes())
    assert any(line.startswith("queue.db") for line in found)
    assert any(not line.startswith("queue.db") for line in found)


def test_the_whole_lab_can_be_encrypted(home: Path) -> None:
    """A setting; cells' defaults, one-off calls, schedules and what jobs enqueue are closed as well."""
    lab = Lab(encrypt=True, runners=1)
    said = word("everything")

    def child(text: str) -> str:
        return text

    def parent(ctx: Any, text: str) -> str:
        ctx.enqueue("child", {"text": text})
        return text

    lab.register(child)
    lab.register(parent)
    assert lab.enqueue("parent", {"text": said}).result(60) == said
    assert lab.status("child").result(60) == said             # type: ignore[union-attr]
    assert lab.submit(child, said).result(60) == said
    fired = lab.schedule("child", {"text": said}, interval="1h").run_now()
    assert fired.result(60) == said
    chain = lab.chain("two").then("child").then("parent").enqueue(input={"text": said})
    chain.wait(60)
    assert lab.status("parent").result() == said              # type: ignore[union-attr]
    assert not leaks(lab, CANARY)


def lasting(lab: Lab, said: str, **options: Any) -> tuple[Schedule, TriggerHandle]:
    """A schedule and a trigger for the web, each with the text in its payload."""
    def told(ctx: Any, text: str, more: str = "") -> list[Any]:    # `secret` closes no result
        return [text[::-1], more[::-1], ctx.trigger.get("body", {}).get("more", "")[::-1]]

    lab.register(told)
    return (lab.schedule("told", {"text": said}, interval="1h", **options),
            lab.trigger("asked", "told", web=True, payload={"text": said}, **options))


@pytest.mark.parametrize("options", [{"encrypt": True}, {}, {"encrypt": False, "secret": ("text", "more")}])
def test_what_schedules_and_triggers_give_their_jobs_is_closed(home: Path, options: dict[str, Any]) -> None:
    """By the option, by the lab's setting, and of secret fields; so is what a request brings. Its owner sees
    all but what is secret, and his jobs get it."""
    lab = Lab(encrypt=not options, runners=1)
    said, brought = word("lasting"), word("brought")
    schedule, trigger = lasting(lab, said, **options)
    assert schedule.run_now().result(60) == [said[::-1], "", ""]
    assert trigger.fire({"more": brought}).result(60) == [said[::-1], brought[::-1], ""]
    asked = fire_web(lab, "asked", trigger.secret, {"more": brought})
    assert asked.result(60) == [said[::-1], brought[::-1], brought[::-1]]
    seen = "••• (20 chars)" if "secret" in options else said
    assert schedule.payload == trigger.payload == {"text": seen}
    assert json.loads(lab.frames.schedules().payload[0]) == {"text": seen}
    assert acting.payload_of(schedule) == {"payload": {"text": seen}, "unreadable": None}
    assert not leaks(lab, CANARY)


def test_a_new_key_closes_what_schedules_and_triggers_give(lab: Lab) -> None:
    """Nothing needs the old key then."""
    said = word("rotated")
    schedule, trigger = lasting(lab, said, encrypt=True)
    old = lab.vault.key_id
    lab.keys.rotate()
    lab.keys.retire(old)
    assert schedule.payload == trigger.payload == {"text": said}
    assert trigger.fire().result(60)[0] == schedule.run_now().result(60)[0] == said[::-1]
    assert not leaks(lab, CANARY)


def test_schedules_and_triggers_without_the_key_are_still_listed(lab: Lab) -> None:
    """What is closed of them is left out, with the reason."""
    lasting(lab, word("lost"), encrypt=True)
    hide(lab)
    other = Lab()
    (schedule,), (trigger,) = other.schedules(), other.triggers()
    for one in (schedule, trigger):
        with pytest.raises(KeyMissing, match="keys import"):
            one.payload
        found = acting.payload_of(one)
        assert found["payload"] == {}
        assert "which is not in" in found["unreadable"]
    assert other.frames.schedules().payload.tolist() == ["[encrypted]"]
    other.close()


def test_a_lost_key_is_a_clear_error_and_reading_goes_on(lab: Lab) -> None:
    """What waits fails with the reason, unrun; what ended keeps its status and times; the key back, all
    is readable again."""
    lab.register(work, "closed", encrypt=True)
    done = lab.enqueue("closed", {"word": word("x"), "n": 1})
    done.wait(60)
    waiting = lab.enqueue("closed", {"word": word("y"), "n": 1}, delay="1h")
    aside = hide(lab)
    other = Lab(runners=1)
    assert other.restricted
    assert other.trust(accept=True).left >= 3, "what the lost key closed stays closed"
    other.worker.start()
    again = other.get(waiting.id)
    connection = sqlite3.connect(other.folder.queue_db)
    with connection:
        connection.execute("UPDATE job SET run_at = 1 WHERE id = ?", (waiting.id,))
    connection.close()
    assert again.wait(30).status == "failed"
    assert "which is not in" in str(again.error)
    assert again.row.attempt == 1
    assert not again.outputs
    seen = other.get(done.id)
    assert seen.status == "completed"
    assert seen.row.finished_at
    assert "encrypted" in str(seen.row.unreadable)
    assert "[encrypted: " in seen.outputs[0]["text"]
    assert any("unreadable" in event.detail for event in seen.events)
    for ask in (lambda: seen.payload, seen.result):
        with pytest.raises(KeyMissing, match="keys import"):
            ask()
    assert "encrypted" in str(seen._repr_mimebundle_()["text/plain"])
    other.worker.stop(now=True, timeout=10)
    other.close()
    for key in aside.iterdir():
        key.rename(config_folder() / "keys" / key.name)
    assert Lab().get(done.id).result()["said"] == word("x") + "-result"


def test_secret_fields_are_handed_over_and_never_shown(lab: Lab) -> None:
    """Dots in payloads, outputs, errors and files; the job has the value."""
    secret = word("token")

    @lab.handler("fetch", secret="token", retries=0)
    def fetch(ctx: Any, token: str, page: int) -> int:
        print(f"with {token} to page {page}")
        if page == 2:
            raise ValueError(f"refused: {token}")
        return len(token)

    good, bad = fetch.enqueue(token=secret, page=1), fetch.enqueue(token=secret, page=2)
    assert good.result(60) == len(secret)
    bad.wait(60)
    assert good.payload == {"token": f"••• ({len(secret)} chars)", "page": 1}
    assert good.outputs[0]["text"] == "with ••• to page 1\n"
    assert bad.error == "ValueError: refused: •••"
    assert bad.retry().wait(60).error == "ValueError: refused: •••", "the value is still there for the job"
    assert not leaks(lab, secret.encode())


def test_dedup_and_cache_compare_what_nobody_else_can(lab: Lab) -> None:
    """Equal encrypted jobs are found; the key in the database is no digest of the payload."""
    def same(n: int) -> int:
        return n

    lab.register(same)
    options = {"encrypt": True, "dedup": Dedup.by_input()}
    first = lab.enqueue("same", {"n": 7}, **options)
    assert lab.enqueue("same", {"n": 7}, **options).id == first.id
    assert lab.enqueue("same", {"n": 8}, **options).id != first.id
    lab.enqueue("same", {"n": 7}, dedup=Dedup.by_input(), delay="1h")
    with closing(sqlite3.connect(lab.folder.queue_db)) as connection, connection:
        keys = [row[0] for row in connection.execute("SELECT dedup_key FROM job")]
    assert len(set(keys)) == 3, "the digest in clear is another one"
    first.result(60)
    assert lab.enqueue("same", {"n": 7}, encrypt=True, cache=True).id == first.id
