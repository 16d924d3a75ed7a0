"""The security list (``security_list.py``), a test or more a row. What each keeps out is said in its name;
``mutants.py`` breaks each check once and sees one of these fail."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import rest as web
from labs import working_lab

from tether_lab import BadSignature, KeyMissing, Lab, State
from tether_lab.errors import BadRequest, CaptureUnavailable, LoosePermissions, TetherLabError
from tether_lab.job_queue import claim, outputs, permissions
from tether_lab.job_queue.queue import Queue
from tether_lab.settings import LabFolder, config_folder
from tether_lab.worker.dispatch import Dispatcher, Prepared

EVIL = (
    "<script>window.ran = 1</script>", "<img src=x onerror=ran()>", "<svg onload=ran()>", "javascript:ran()",
    "<form action=//evil.example><input name=x>", "<style>body{display:none}</style>",
    "[a](javascript:ran())", r"\href{javascript:ran()}{x}", "\x1b]0;owned\x07", "\x1b[2J\x1b]52;c;eA==\x07",
    "'; DROP TABLE job; --", "../../etc/passwd", "\u202egpj.exe", "a\x00b", "=cmd|'/c calc'!A1", "\"><b>x",
)
SECRETS = {
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY",
    "GITHUB_TOKEN": "ghp_16C7e42F292c6912E7710c8",
    "DATABASE_URL": "postgres://ada:s3cr3tpassw0rd@db/x", "HF_TOKEN": "hf_abcdefghijklmnopqrstuvwxyz",
    "MY_PASSWORD": "correcthorsebatterystaple", "SESSION_COOKIE": "2|1:0|10:1700000000|8:username",
}


@pytest.fixture
def lab() -> Iterator[Lab]:
    yield from working_lab(runners=1, autostart=False)


class Canary:
    """Its unpickling leaves a file: what must never happen with bytes that nobody verified."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self.path), "w")


def work(n: int) -> int:
    """A handler without captures."""
    return n


def by_hand(lab: Lab, statement: str, *values: Any) -> None:
    """What somebody with a SQLite of his own does."""
    with contextlib.closing(sqlite3.connect(lab.folder.queue_db)) as connection, connection:
        connection.execute(statement, values)


def claimed(lab: Lab, job_id: int) -> tuple[Dispatcher, Callable[[], Prepared]]:
    """The worker's side of a job, without its process: up to the moment at which its task would be sent."""
    queue = Queue.open(lab.folder, role="supervisor", settings=lab.settings)
    dispatcher = Dispatcher(queue, queue.vault)

    def take() -> Prepared:
        turn = claim.turn(queue, worker="w", now=time.time_ns() // 1000, mono=time.monotonic_ns(),
                          lease_ns=10**10, finished=(), limit=10)
        dispatcher.extras = turn.extras
        (job,) = [job for job in turn.claimed if job.claim.job_id == job_id]
        prepared = dispatcher.prepare(job)
        dispatcher.task(prepared)
        queue.close()
        return prepared
    return dispatcher, take


# -- 1 ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[web.Rest]:
    with web.server(tmp_path_factory.mktemp("server")) as found:
        yield found


def test_row_01_no_route_answers_a_stranger(served: web.Rest) -> None:
    """Every route and verb: without a token, with a wrong one, from another origin or host."""
    document = json.loads(Path(web.__file__).parents[1].joinpath("tether_lab/server/openapi.json").read_text())
    strangers: list[dict[str, str]] = [
        {}, {"Authorization": "token wrong"}, {"Authorization": f"token {web.TOKEN}x"},
        {"Cookie": "username-localhost=forged"}]
    tried = 0
    for path, verbs in document["paths"].items():
        for verb in verbs.keys() & {"get", "post", "put", "patch", "delete"}:
            place = re.sub(r"\{\w+\}", "1", path)
            for headers in strangers:
                found = served.send(verb.upper(), place, headers=headers)
                assert found.status in (401, 403), (verb, path, headers, found.status)
                assert b"queue.db" not in found.content
                tried += 1
    assert tried > 100
    for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}):
        found = served.send("POST", "/labs", {"name": "x"}, headers={
            "Content-Type": "application/json", **headers, "Cookie": f"token={web.TOKEN}"})
        assert found.status in (401, 403, 404)


# -- 2 ------------------------------------------------------------------------------------------------

SIGNED = {
    "handler source": "UPDATE handler_version SET source = source || ' '",
    "handler parameters": "UPDATE handler_version SET parameters = replace(parameters, 'true', 'false')",
    "handler manifest": "UPDATE handler_version SET manifest = replace(manifest, '\"cwd\":\"', '\"cwd\":\"/x')",
    "handler interpreter": "UPDATE handler_version SET interpreter = replace(interpreter, 'python', 'Python')",
    "handler kind": "UPDATE handler_version SET kind = 'shell'",
    "handler key": "UPDATE handler_version SET key = 'other'",
    "handler mac": "UPDATE handler_version SET mac = zeroblob(32)",
    "handler key id": "UPDATE handler_version SET key_id = 'k000000000000'",
    "job payload": "UPDATE job SET payload = '{\"n\":2}'",
    "job options": "UPDATE job SET options = '{\"memory\":5}'",
    "job key": "UPDATE job SET key = 'other'",
    "job uuid": "UPDATE job SET uuid = '0' || substr(uuid, 2) || '0'",
    "job mac": "UPDATE job SET mac = zeroblob(32)",
    "job key id": "UPDATE job SET key_id = '../keys'",
}


@pytest.mark.parametrize("what", SIGNED)
def test_row_02_one_changed_signed_column_and_nothing_is_run(lab: Lab, what: str) -> None:
    """Refused before a process is told anything."""
    lab.register(work)
    job = lab.enqueue("work", {"n": 1})
    by_hand(lab, SIGNED[what])
    _, take = claimed(lab, job.id)
    with pytest.raises(BadSignature):
        take()


def test_row_02_the_same_job_untouched_is_run(lab: Lab) -> None:
    """The refusals above are not for another reason."""
    lab.register(work)
    job = lab.enqueue("work", {"n": 1})
    assert claimed(lab, job.id)[1]().version.key == "work"


def test_row_02_another_handlers_version_is_not_slipped_in(lab: Lab) -> None:
    """A job signed for one handler does not run another one's code, signed as that is."""
    lab.register(work)
    lab.register(lambda n: n, "delete_everything")
    job = lab.enqueue("work", {"n": 1})
    by_hand(lab, "UPDATE job SET handler_id = (SELECT max(id) FROM handler_version)")
    with pytest.raises(BadSignature):
        claimed(lab, job.id)[1]()


def test_row_02_memos_parents_and_what_acts_beside_are_verified_too(lab: Lab) -> None:
    """What a next attempt, a child, or every job would unpickle."""
    lab.register(work)
    job = lab.enqueue("work", {"n": 1})
    by_hand(lab, "UPDATE job SET epoch = 3")
    by_hand(lab, "INSERT INTO memo VALUES (?, 'checkpoint', 1, 'pickle', '{}', 2, 0, ?, zeroblob(32))", job.id,
            lab.vault.key_id)
    with pytest.raises(BadSignature):
        claimed(lab, job.id)[1]()
    by_hand(lab, "DELETE FROM memo")

    @lab.middleware
    def around(job: Any, call_next: Any) -> Any:
        return call_next()

    by_hand(lab, "UPDATE handler_version SET manifest = replace(manifest, '\"cwd\":\"', '\"cwd\":\"/x') "
                 "WHERE key LIKE '~%'")
    other = lab.enqueue("work", {"n": 1})
    with pytest.raises(BadSignature):
        claimed(lab, other.id)[1]()


def test_row_02_a_parents_forged_result_is_not_handed_on(lab: Lab) -> None:
    """A chain's step gets what its parent's worker signed, or does not start."""
    lab.register(lambda: 1, "first")
    lab.register(lambda ctx: ctx.inputs["first"], "second")
    chain = lab.chain("c").then("first").then("second").enqueue()
    first, second = sorted(job_id for job_id, _ in chain.members())
    by_hand(lab, "UPDATE job SET state = 'completed', finished_at = 1, attempt = 1 WHERE id = ?", first)
    by_hand(lab, "INSERT INTO result VALUES (?, 1, 'json', '\"forged\"', '', 'str', 8, ?, zeroblob(32))", first,
            lab.vault.key_id)
    by_hand(lab, "UPDATE job SET state = 'pending', waits_for = NULL, deps_left = 0 WHERE id = ?", second)
    with pytest.raises(BadSignature):
        claimed(lab, second)[1]()


@pytest.mark.parametrize("how", ["body", "mac", "epoch", "kind"])
def test_row_02_a_changed_result_is_never_unpickled(lab: Lab, tmp_path: Path, how: str) -> None:
    """The canary in the stream makes no file."""
    import pickle

    lab.register(work)
    job = lab.enqueue("work", {"n": 1})
    canary = tmp_path / "canary"
    content = pickle.dumps(Canary(canary))
    digest = lab.blob_store.put(content)
    body = json.dumps({"stream": digest, "buffers": [], "large": {digest: len(content)},
                       "python": f"3.{sys.version_info[1]}",
                       "variables": [{"name": "", "type": "x", "size": 1, "error": None}]})
    from tether_lab.vault import signing

    good = lab.vault.sign(signing.RESULT, *signing.result_fields(lab.uuid, job.row.uuid, 1, "pickle", body))
    stored = {"body": (body + " ", good, 1, "pickle"), "mac": (body, b"\0" * 32, 1, "pickle"),
              "epoch": (body, good, 2, "pickle"), "kind": (body, good, 1, "json")}[how]
    by_hand(lab, "UPDATE job SET state = 'completed', finished_at = 1")
    by_hand(lab, "INSERT INTO result VALUES (?, ?, ?, ?, '', 'x', 1, ?, ?)", job.id, stored[2], stored[3],
            stored[0], lab.vault.key_id, stored[1])
    with pytest.raises(BadSignature):
        job.result()
    assert not canary.exists()
    by_hand(lab, "UPDATE result SET body = ?, mac = ?, epoch = 1, kind = 'pickle'", body, good)
    with contextlib.suppress(TetherLabError):
        job.result()
    assert canary.exists(), "with the right signature it would have been loaded: the test tests something"


def test_row_02_blobs_are_what_their_names_say(lab: Lab, tmp_path: Path) -> None:
    """A small one changed in the database, a large one by somebody who may write its folder."""
    from tether_lab.capture import Blobs

    store = lab.blob_store
    large = store.put(b"x" * 100_000)
    blobs = Blobs(lab.folder.blobs, {"0" * 40: b"other content"})
    with pytest.raises(BadSignature):
        blobs["0" * 40]
    path = lab.folder.blobs / large[:2] / large
    path.chmod(0o644)
    with pytest.raises(LoosePermissions):
        blobs[large]
    path.chmod(0o600)
    path.write_bytes(b"y" * 100_000)
    with pytest.raises(BadSignature):
        blobs.verify(large)
    assert not path.exists(), "it makes room for a good one"
    assert store.put(b"x" * 100_000) == large
    blobs.verify(large)


@pytest.mark.parametrize("what", ["capture", "result"])
def test_row_02_a_large_stream_exchanged_on_disk_is_never_loaded(lab: Lab, tmp_path: Path, what: str) -> None:
    """A stream of 64 KB and more is a file. Another pickle of the same size in its place: the job fails, the
    result is refused, the canary makes no file; the file is set aside, and running the cell again mends it."""
    words = [f"word {n} {n * n}" for n in range(20_000)]

    def count(ctx: Any) -> Any:
        return {"words": [*words, 1.5 + 2j]} if what == "result" else len(words)

    lab.register(count)
    lab.worker.start()
    job = lab.enqueue("count")
    assert job.result(40)
    path = max((p for p in lab.folder.blobs.rglob("*") if p.is_file()), key=lambda p: p.stat().st_mtime_ns)
    canary = tmp_path / "canary"
    stream = pickle.dumps(Canary(canary))
    path.write_bytes(stream + bytes(path.stat().st_size - len(stream)))
    if what == "result":
        with pytest.raises(BadSignature, match="does not hold what its name says"):
            Lab().get(job.id).result()
    else:
        again = lab.enqueue("count")
        assert again.wait(40).status == "failed"
        assert "does not hold what its name says" in str(again.error)
    assert not canary.exists()
    assert not path.exists()
    assert any(check.name == "files" and check.state == "bad" for check in lab.doctor())
    if what == "capture":
        lab.register(count)
        assert lab.enqueue("count").result(40) == len(words)


def test_row_02_a_schedule_made_by_hand_makes_no_job(lab: Lab) -> None:
    """The worker signs jobs on a schedule's word; so the word is signed."""
    from tether_lab.worker.schedules import job_of

    lab.register(work)
    schedule = lab.schedule("work", {"n": 1}, interval="1h")
    now = time.time_ns() // 1000
    job_of(lab.queue, lab.vault, schedule.row, now, now)
    by_hand(lab, "UPDATE schedule SET payload = '{\"n\":2}'")
    with pytest.raises(BadSignature):
        job_of(lab.queue, lab.vault, schedule.row, now, now)


# -- 3 ------------------------------------------------------------------------------------------------


def test_row_03_ciphertext_moved_to_another_row_does_not_open(lab: Lab) -> None:
    """Payload A in job B: not run; and shown as what it is."""
    lab.register(work)
    first, second = (lab.enqueue("work", {"n": n}, encrypt=True) for n in (1, 2))
    by_hand(lab, "UPDATE job SET payload = (SELECT payload FROM job WHERE id = ?) WHERE id = ?", first.id,
            second.id)
    with pytest.raises(BadSignature, match="moved"):
        claimed(lab, second.id)[1]()
    with pytest.raises(KeyMissing):
        second.payload
    assert "moved" in str(second.row.unreadable)


# -- 4 ------------------------------------------------------------------------------------------------


def test_row_04_a_database_of_another_key_is_read_only(lab: Lab) -> None:
    """See test_trust for all that is refused; here that nothing at all is written."""
    lab.register(work)
    lab.enqueue("work", {"n": 1})
    lab.close()
    (config_folder() / "keys").rename(config_folder() / "theirs")
    foreign = Lab(autostart=False)
    before = foreign.folder.queue_db.read_bytes()
    assert foreign.restricted
    with pytest.raises(TetherLabError, match="another key"):
        foreign.enqueue("work", {"n": 1})
    assert foreign.jobs()[0].payload == {"n": 1}
    foreign.close()
    assert foreign.folder.queue_db.read_bytes() == before


def test_row_04_an_owners_mark_cannot_be_forged_or_moved(lab: Lab) -> None:
    """Another lab's mark, one byte changed, none at all."""
    lab.register(work)
    other = Lab("other", autostart=False)
    marks = []
    for one in (other, lab):
        with closing(sqlite3.connect(one.folder.queue_db)) as connection:
            marks += connection.execute("SELECT value FROM meta WHERE key = 'owner'").fetchone()
    mark, own = marks
    for forged in (mark, own[:-1] + ("0" if own[-1] != "0" else "1"), "", "k:", own.replace("k", "x", 1)):
        by_hand(lab, "UPDATE meta SET value = ? WHERE key = 'owner'", forged)
        assert Lab(autostart=False).restricted, forged
    by_hand(lab, "DELETE FROM meta WHERE key = 'owner'")
    assert Lab(autostart=False).restricted
    by_hand(lab, "INSERT INTO meta VALUES ('owner', ?)", own)
    assert not Lab(autostart=False).restricted


# -- 5 ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("place", "mode", "line"), [
    ("", 0o770, "chmod 700"), ("", 0o755, "chmod 700"), ("queue.db", 0o640, "chmod 600"),
    ("queue.db", 0o602, "chmod 600"), ("..", 0o777, "chmod go-w")])
def test_row_05_loose_folders_and_files_are_refused_with_the_line(
    lab: Lab, place: str, mode: int, line: str,
) -> None:
    """Who else could write here could choose what runs."""
    lab.close()
    target = (lab.folder.path / place).resolve()
    before = target.stat().st_mode & 0o7777
    target.chmod(mode)
    with pytest.raises(LoosePermissions) as raised:
        Lab(autostart=False)
    assert f"{line} {target}" in raised.value.remedy
    target.chmod(before)
    Lab(autostart=False)


def test_row_05_links_and_foreign_owners_are_refused(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A folder that is a link; one that belongs to somebody else."""
    lab.close()
    link = tmp_path / "link"
    link.symlink_to(lab.folder.path)
    with pytest.raises(LoosePermissions, match="symbolic link"):
        Lab(link, autostart=False)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(LoosePermissions, match="belongs to another user"):
        permissions.check(lab.folder.path)


# -- 6 ------------------------------------------------------------------------------------------------


class Elements(HTMLParser):
    """Elements and attributes of a page, as a browser would see them."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_row_06_hostile_names_and_outputs_are_inert_in_html(lab: Lab) -> None:
    """Keys, tags, descriptions, payloads, errors in cards, tables and event lists: text, never markup.
    (The panel's browser test is tests/browser's.)"""
    lab.register(work)
    job = lab.enqueue("work", {"n": 1}, description=" ".join(EVIL).replace("\0", ""), tags=list(EVIL[:6]),
                      meta={"x": EVIL[0]})
    by_hand(lab, "UPDATE job SET error = ?, progress = ?", " ".join(EVIL).replace("\0", ""), json.dumps({
        "fraction": 0.5, "message": EVIL[1], "bars": []}))
    pages = [job._repr_mimebundle_()["text/html"], lab.jobs()._repr_mimebundle_()["text/html"],
             lab.history()._repr_mimebundle_()["text/html"]]
    for page in pages:
        parsed = Elements()
        parsed.feed(page)
        tags = {tag for tag, _ in parsed.found}
        assert not tags & {"script", "img", "svg", "form", "input", "style", "iframe"}
        for _, attributes in parsed.found:
            assert not [name for name in attributes if name.startswith("on")]
            assert "javascript:" not in str(attributes.get("href"))
        assert "\x1b" not in page
        assert "\u202e" not in page


# -- 7 ------------------------------------------------------------------------------------------------


def test_row_07_names_in_stored_errors_are_text(lab: Lab) -> None:
    """Celery's hole: a result that names a class of a module is looked up by nobody."""
    lab.register(work)
    job = lab.enqueue("work", {"n": 1})
    by_hand(lab, "UPDATE job SET state = 'failed', finished_at = 1, epoch = 1, error = ?",
            '{"exc_module": "os", "exc_type": "system", "exc_message": "id"}')
    by_hand(lab, "INSERT INTO attempt VALUES (?, 1, 1, 'w', 0, 1, 'failed', 'os.system', 'touch x', "
                 "'os.system', NULL, NULL, NULL, NULL, NULL)", job.id)
    with pytest.raises(TetherLabError) as raised:
        job.result()
    assert type(raised.value).__name__ == "JobFailed"
    assert raised.value.error_type == "os.system"      # type: ignore[attr-defined]


def test_row_07_names_in_results_are_values(lab: Lab, tmp_path: Path) -> None:
    """The very row of Celery's hole as a result: a dict in the kernel and in the next step; one that nobody
    signed is refused."""
    canary = tmp_path / "canary"
    evil = {"exc_module": "os", "exc_type": "system", "exc_message": [f"touch {canary}"],
            "py/reduce": [{"py/function": "os.system"}, [f"touch {canary}"]], "__reduce__": f"touch {canary}"}
    lab.register(lambda evil: evil, "first", retries=0)
    lab.register(lambda ctx: sorted(ctx.inputs["first"]), "second", retries=0)
    lab.worker.start()
    chain = lab.chain("c").then("first").then("second").enqueue(input={"evil": evil})
    chain.wait(60)
    first, second = (lab.get(job_id) for job_id in sorted(job_id for job_id, _ in chain.members()))
    assert first.result() == evil
    assert second.result() == sorted(evil)
    by_hand(lab, "UPDATE result SET body = ? WHERE job_id = ?", json.dumps(evil), second.id)
    with pytest.raises(BadSignature):
        second.result()
    assert not canary.exists()


# -- 8 ------------------------------------------------------------------------------------------------


def test_row_08_secrets_are_found_nowhere(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Variables that look like secrets, secret fields, encrypted jobs: not in the lab's files, the worker's
    log, an archive, a backup, the doctor's words."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    lab = Lab(runners=1)

    def leak(token: str, word: str) -> int:
        import os
        print(token, word, os.environ.get("GITHUB_TOKEN"), os.environ.get("HF_TOKEN"))
        raise ValueError(f"{token} {word}")

    lab.register(leak, retries=0)
    field = "tok-en-8642013579"
    closed = "clo-sed-1357924680"
    job = lab.enqueue("leak", {"token": field, "word": closed}, secret="token", encrypt=True)
    job.wait(60)
    assert "None None" in job.outputs[0]["text"], "the worker's environment is an allow-list"
    lab.export(tmp_path / "x.zip")
    import zipfile

    zipfile.ZipFile(tmp_path / "x.zip").extractall(tmp_path / "x")
    lab.backup(tmp_path / "backup")
    (tmp_path / "doctor").write_text(repr(lab.doctor()))
    lab.worker.stop(now=True, timeout=10)
    lab.close()
    needles = [value.encode() for value in (*SECRETS.values(), field, closed)]
    places = [path for folder in (home, tmp_path) for path in folder.rglob("*") if path.is_file()]
    found = [f"{path}: {needle!r}" for path in places for needle in needles if needle in path.read_bytes()]
    assert not found


# -- 9 ------------------------------------------------------------------------------------------------


def test_row_09_no_key_leaves_the_worker(lab: Lab, tmp_path: Path) -> None:
    """Key files are 0600; environment, command line and memory of a job hold no key."""
    keys = config_folder() / "keys"
    lab.vault.sign("x")
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in keys.iterdir())
    secret = (keys / lab.vault.key_id).read_bytes()

    def look(path: str) -> list[str]:
        import os
        from pathlib import Path

        needle = Path(path).read_bytes() if path else b""
        Path(path).unlink()
        found = []
        for pid in (os.getpid(), os.getppid()):
            for name in ("environ", "cmdline"):
                content = Path(f"/proc/{pid}/{name}").read_bytes()
                if needle in content or needle.hex().encode() in content or b"token=" in content:
                    found.append(f"{pid} {name}")
        own = bytes(reversed(needle))                # never the needle itself in our own memory
        del needle
        with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
            for line in maps:
                place, rights = line.split()[:2]
                if rights.startswith("rw") and "[heap]" in line:
                    start, end = (int(part, 16) for part in place.split("-"))
                    memory.seek(start)
                    found += ["heap"] if bytes(reversed(own)) in memory.read(end - start).replace(
                        bytes(reversed(own)), b"", 4) else []
        return found

    copy = tmp_path / "copy"
    copy.write_bytes(secret)
    lab.register(look, retries=0)
    lab.worker.start()
    job = lab.enqueue("look", {"path": str(copy)}, encrypt=True)
    assert job.result(60) == []
    pid = lab.worker.status().pid
    for name in ("environ", "cmdline"):
        content = Path(f"/proc/{pid}/{name}").read_bytes()
        assert secret not in content
        assert secret.hex().encode() not in content


def test_row_09_no_token_of_the_server_reaches_worker_or_job(
    home: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A kernel has the server's and the hub's tokens in its environment: the worker that it starts, the zygote
    and the job have none of them, nor any other secret; and no command line names one."""
    tokens = {"JUPYTER_TOKEN": "tok-en-of-server-1", "JUPYTERHUB_API_TOKEN": "tok-en-of-hub-2",
              "JPY_API_TOKEN": "tok-en-of-hub-3", **SECRETS}
    for name, value in tokens.items():
        monkeypatch.setenv(name, value)

    def look() -> list[str]:
        import os
        from pathlib import Path
        pid, seen = os.getpid(), []
        while pid > 1:
            seen += [Path(f"/proc/{pid}/{name}").read_bytes().decode(errors="replace")
                     for name in ("environ", "cmdline")]
            pid = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
            if b"tether_lab.worker" in Path(f"/proc/{pid}/cmdline").read_bytes():
                return [*seen, "worker", *(Path(f"/proc/{pid}/{name}").read_bytes().decode(errors="replace")
                                           for name in ("environ", "cmdline"))]
        return seen

    lab = Lab(runners=1)
    lab.register(look, retries=0)
    said = lab.enqueue("look").result(60)
    lab.worker.stop(now=True, timeout=10)
    lab.close()
    assert "worker" in said
    assert len(said) >= 5
    found = [name for name, value in tokens.items() for text in said if value in text]
    assert not found


# -- 10 -----------------------------------------------------------------------------------------------


def test_row_10_names_lead_nowhere_else(lab: Lab, served: web.Rest, tmp_path: Path) -> None:
    """Blobs, labs, keys and routes: dots, slashes, percents, NULs and absolute names."""
    from tether_lab.capture import Blobs
    from tether_lab.settings import SettingsError

    outside = tmp_path / "outside"
    outside.write_bytes(b"x" * 100)
    ways = ["../outside", "..%2foutside", "%2e%2e/outside", str(outside), "a\0b", "", ".", "~root",
            "..\\outside"]
    for name in ways:
        with pytest.raises((CaptureUnavailable, BadSignature)):
            Blobs(tmp_path / "blobs")[name]
        with pytest.raises(BadRequest):
            lab.register(work, name or "/")
        if "/" not in name and not name.startswith((".", "~")) and name:
            with pytest.raises(SettingsError):
                LabFolder.of(name)
    for name in ("..%2f..%2fetc%2fpasswd", "%252e%252e", "%00", "/etc/passwd"):
        for path in (f"/labs/{name}", f"/labs/{name}/jobs", f"/labs/{name}/jobs/1"):
            found = served.send("GET", path)
            assert found.status in (400, 403, 404), (path, found.status)
            assert b"root:" not in found.content


# -- beside the list ----------------------------------------------------------------------------------


def test_terminals_are_shown_no_commands(lab: Lab) -> None:
    """Titles, clipboards, cursor movements in names and outputs: gone before they reach a terminal."""
    from tether_lab.cli.terminal import printable, safe

    for text in EVIL:
        for shown in (printable(text), safe(text, colours=True), safe(text, colours=False)):
            assert not re.search(r"\x1b(?!\[[0-9;:]*m)", shown)
            assert "\x07" not in shown
            assert "\u202e" not in shown
    assert safe("\x1b[31mred\x1b[0m", colours=True) == "\x1b[31mred\x1b[0m"


def test_the_workers_environment_is_an_allow_list() -> None:
    """What starts a worker hands on what is known to be harmless."""
    from tether_lab.worker.spawn import scrubbed

    kept = scrubbed({"PATH": "/bin", "HOME": "/home/ada", "LC_ALL": "C", "JPY_PARENT_PID": "1", **SECRETS})
    assert set(kept) - {"PYTHONPATH"} == {"PATH", "HOME", "LC_ALL"}


def test_captures_leave_secrets_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """By name or by shape; what is withheld is named, never shown."""
    from tether_lab.capture.environment import changes

    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    taken, withheld = changes(named=SECRETS)
    assert not set(SECRETS) & set(taken)
    assert set(SECRETS) <= set(withheld)


def test_payloads_cannot_name_blobs(lab: Lab) -> None:
    """Only the lab writes ``$blob``: a runner loads what it names. The same for ``$secret``."""
    lab.register(lambda n: n, "any")
    for marked in ("$blob", "$secret"):
        with pytest.raises(BadRequest, match="may not have"):
            lab.enqueue("any", {"n": {marked: "{}"}})


def test_the_worker_says_nothing_of_payloads(home: Path) -> None:
    """Its log has numbers and reasons, also of jobs that it refuses."""
    lab = Lab(runners=1)
    lab.register(work, retries=0)
    word = "word-77553311"
    lab.enqueue_command(["true", word], key="command").wait(60)
    bad = lab.enqueue("work", {"n": 5}, delay="1h", description=word, tags=[word])
    by_hand(lab, "UPDATE job SET payload = ?, run_at = 1 WHERE id = ?", json.dumps({"n": word}), bad.id)
    assert bad.wait(30).status is State.FAILED
    lab.worker.stop(now=True, timeout=10)
    assert word.encode() not in lab.folder.worker_log.read_bytes()
    assert outputs.read(lab.queue, bad.id) == []


def test_job_processes_are_the_first_to_go_when_memory_ends(lab: Lab) -> None:
    """The kernel's OOM killer takes a job before its worker or the notebook."""
    def score() -> int:
        from pathlib import Path
        return int(Path("/proc/self/oom_score_adj").read_text())

    lab.register(score, retries=0)
    lab.worker.start()
    own = int(Path("/proc/self/oom_score_adj").read_text())
    worker = int(Path(f"/proc/{lab.worker.status().pid}/oom_score_adj").read_text())
    assert lab.enqueue("score").result(60) > max(own, worker)


def test_a_key_on_the_command_line_is_refused() -> None:
    """Paths only: arguments stand in everybody's process list."""
    said = subprocess.run([sys.executable, "-m", "tether_lab", "keys", "unlock", "--passphrase=words"],
                          capture_output=True, text=True, timeout=30, check=False)
    assert said.returncode == 2


def test_the_workers_log_masks_what_looks_like_a_secret() -> None:
    """Whatever an error says: addresses with passwords, named values, tokens of known shapes, escapes."""
    from tether_lab.worker.logs import redacted

    for text, shown in (
            ("cannot reach postgres://ada:s3cret@db/x", "cannot reach postgres://•••@db/x"),
            ("GET /x?token=abcdef12345&page=2", "GET /x?token=•••&page=2"),
            ("Authorization: Bearer abc.def.ghi", "Authorization: Bearer •••"),
            ('{"password": "hunter22"}', '{"password": "•••"}'),
            ("key AKIAIOSFODNN7EXAMPLE was refused", "key ••• was refused"),
            ("ghp_16C7e42F292c6912E7710c838347Ae178B4a", "•••"),
            ("plain words: 12 jobs, token bucket, /tmp/x:y", "plain words: 12 jobs, token bucket, /tmp/x:y"),
            ("title \x1b]0;owned\x07", "title ?]0;owned?")):
        assert redacted(text) == shown
