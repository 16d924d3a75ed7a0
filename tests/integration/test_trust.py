"""A lab that travelled, a key that was lost, a key that is changed: shown always, run only when trusted."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from eventually import eventually
from labs import working_lab

from tether_lab import BadRequest, BadSignature, KeyMissing, Lab
from tether_lab.errors import LoosePermissions, RestrictedLab
from tether_lab.job_queue import owner
from tether_lab.settings import config_folder


@pytest.fixture
def lab() -> Iterator[Lab]:
    yield from working_lab(runners=1)


def keys() -> Path:
    return config_folder() / "keys"


def other_user(aside: str = "theirs") -> None:
    """From here on the keys are another person's."""
    keys().rename(keys().with_name(aside))


def say(word: str) -> str:
    """A handler."""
    return f"said {word}"


def tether_lab(*words: str, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "tether_lab", *words], input=given, capture_output=True,
                          text=True, timeout=60, check=False)


def test_a_foreign_lab_is_shown_and_nothing_of_it_runs(lab: Lab, tmp_path: Path) -> None:
    """Jobs, sources and outputs can be read; results are not loaded, nothing is written, no worker starts.
    Once its code was looked at and accepted, all of it works."""
    lab.register(say)
    done = lab.enqueue("say", {"word": "it"})
    assert done.result(30) == "said it"
    waiting = lab.enqueue("say", {"word": "more"}, delay="1h")
    lab.worker.stop(now=True, timeout=10)
    lab.close()
    other_user()
    theirs = Lab()
    assert theirs.restricted
    assert theirs.get(done.id).status == "completed"
    assert [job.id for job in theirs.jobs()] == [waiting.id, done.id]
    for ask in (lambda: theirs.enqueue("say", {"word": "x"}), lambda: theirs.register(say),
                lambda: theirs.cancel(waiting.id), lambda: theirs.retry(done.id),
                lambda: theirs.schedule("say", {"word": "x"}, interval="1h")):
        with pytest.raises(RestrictedLab, match="tether-lab trust"):
            ask()
    with pytest.raises(BadSignature, match="not in"):
        theirs.get(done.id).result()
    with pytest.raises(RestrictedLab):
        theirs.worker.start()
    ran = subprocess.run([sys.executable, "-m", "tether_lab.worker", "--lab", str(theirs.folder.path)],
                         capture_output=True, text=True, timeout=30, check=False)
    assert ran.returncode != 0
    assert "made with another key" in ran.stderr
    shown = str(theirs.trust())
    assert "not yours yet" in shown
    assert 'return f"said {word}"' in shown
    assert theirs.restricted, "looking trusts nothing"
    assert tether_lab("trust").returncode == 2, "nobody there to say yes"
    accepted = theirs.trust(accept=True)
    assert accepted.own
    assert accepted.signed >= 4
    assert theirs.get(done.id).result() == "said it"
    assert theirs.enqueue("say", {"word": "us"}).result(30) == "said us"
    theirs.worker.stop(now=True, timeout=10)


def test_bringing_the_key_makes_a_lab_ones_own_again(lab: Lab, tmp_path: Path) -> None:
    """Export on one machine, import on the other; also behind a passphrase."""
    lab.register(say)
    done = lab.enqueue("say", {"word": "it"})
    done.result(30)
    lab.worker.stop(now=True, timeout=10)
    file = lab.keys.export(tmp_path / "keys.json", "correct horse battery")
    assert file.stat().st_mode & 0o777 == 0o600
    lab.close()
    other_user()
    theirs = Lab()
    with pytest.raises(BadRequest, match="passphrase"):
        theirs.keys.import_(file)
    with pytest.raises(BadRequest, match="does not open"):
        theirs.keys.import_(file, "wrong horse battery")
    file.chmod(0o644)
    with pytest.raises(LoosePermissions, match="chmod 600"):
        theirs.keys.import_(file, "correct horse battery")
    file.chmod(0o600)
    assert len(theirs.keys.import_(file, "correct horse battery")) == 1
    assert not theirs.restricted
    assert theirs.get(done.id).result() == "said it"
    (tmp_path / "no").write_text("[]")
    (tmp_path / "no").chmod(0o600)
    with pytest.raises(BadRequest, match="no export"):
        theirs.keys.import_(tmp_path / "no")


def test_rotation_puts_everything_under_the_new_key(lab: Lab) -> None:
    """Signed and encrypted rows, blobs too; then nothing needs the old key and it may go."""
    big = bytes(100_000)

    def work(ctx: Any, word: str) -> dict[str, Any]:
        print(word)
        ctx.checkpoint({"word": word})
        return {"word": word, "big": big}

    lab.register(work, "open")
    lab.register(work, "closed", encrypt=True)
    jobs = [lab.enqueue("open", {"word": "one"}), lab.enqueue("closed", {"word": "two"}),
            lab.enqueue("open", {"word": "three"}, secret="word")]
    for job in jobs:
        job.wait(60)
    lab.schedule("closed", {"word": "four"}, interval="1d")
    old = lab.vault.key_id
    with pytest.raises(BadRequest, match="signs what is new"):
        lab.keys.retire(old)
    said: list[str] = []
    new = lab.keys.rotate(said.append)
    assert new != old
    assert "rows have the new key" in said[0]
    assert "left" not in said[0]
    assert [key.id for key in lab.keys.list() if key.current] == [new]
    lab.keys.retire(old)
    assert not (keys() / old).exists()
    fresh = Lab()
    assert not fresh.restricted
    for job, word in zip(jobs, ("one", "two", "three"), strict=True):
        found = fresh.get(job.id)
        assert found.result()["word"] == word
        assert found.result()["big"] == big
    assert fresh.get(jobs[1].id).outputs[0]["text"] == "two\n"
    assert fresh.get(jobs[1].id).retry().result(60)["word"] == "two"
    assert fresh.get(jobs[2].id).retry().result(60)["word"] == "three"
    assert lab.schedule("closed", {"word": "five"}, interval="2d").run_now().result(60)["word"] == "five"


ROTATE = """
import os, signal, sys
from tether_lab import Lab
from tether_lab.job_queue.rekey import Rekeying
left, each = int(sys.argv[1]), Rekeying._each
def counted(self, connection, do, *given):
    global left
    left -= 1
    each(self, connection, do, *given)
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)         # in the middle of a transaction
Rekeying._each = counted
lab = Lab(autostart=False)
lab.keys.rekey() if len(lab.keys.list()) > 1 else lab.keys.rotate()
"""


@pytest.mark.timeout(180)
def test_a_rotation_that_is_killed_goes_on_where_it_was(lab: Lab) -> None:
    """SIGKILL inside its transactions, again and again: every row is under one key or the other, all of it is
    read and run; the next goes on with the same new key, and in the end nothing needs the old one."""
    lab.register(say)
    lab.register(say, "closed", encrypt=True)
    lab.pause("aside")
    jobs = [lab.enqueue(key, {"word": f"{key}{n}"}) for n in range(4) for key in ("say", "closed")]
    waiting = lab.enqueue_many("closed", [{"word": f"later{n}"} for n in range(30)], queue="aside")
    for job in jobs:
        job.wait(60)
    lab.worker.stop(now=True, timeout=10)
    old, kills = lab.vault.key_id, 0
    for after in (3, 6, 9, 12):
        done = subprocess.run([sys.executable, "-c", ROTATE, str(after)], capture_output=True, text=True,
                              timeout=60, check=False)
        kills += done.returncode == -signal.SIGKILL
        fresh = Lab(autostart=False)
        assert not fresh.restricted
        assert [fresh.get(job.id).result() for job in jobs] == [f"said {job.payload['word']}" for job in jobs]
        assert fresh.get(waiting[7].id).payload == {"word": "later7"}
        fresh.close()
    assert kills == 4, done.stderr
    assert len(lab.keys.list()) == 2, "one new key, whoever was killed"
    said: list[str] = []
    assert lab.keys.rekey(said.append) == 0
    assert "left" not in said[-1]
    lab.keys.retire(old)
    lab.resume("aside")
    assert waiting[0].result(60) == "said later0"
    lab.pause("aside")


@pytest.mark.timeout(180)
def test_a_worker_rotates_while_it_works(lab: Lab) -> None:
    """``wait=False``: jobs begin and end all the while, each once; in the end nothing needs the old key."""
    lab.register(say)
    lab.pause("aside")
    ended = lab.enqueue_many("say", [{"word": f"{n}"} for n in range(8)])
    for job in ended:
        job.wait(60)
    waiting = lab.enqueue_many("say", [{"word": f"later{n}"} for n in range(200)], queue="aside")
    old = lab.vault.key_id
    new = lab.keys.rotate(wait=False)
    meanwhile = [lab.enqueue("say", {"word": f"now{n}"}) for n in range(6)]
    assert [job.result(60) for job in meanwhile] == [f"said now{n}" for n in range(6)]
    with closing(sqlite3.connect(lab.folder.queue_db)) as connection:
        assert connection.execute("SELECT DISTINCT key_id FROM result WHERE job_id >= ?",
                                  (meanwhile[0].id,)).fetchall() == [(new,)]
    eventually(lambda: f"are under the key {new} now" in lab.worker.log(lines=200), within=60, say="a word")
    assert {key for key, *_ in owner.signers(lab.queue)} == {new}
    lab.keys.retire(old)
    lab.resume("aside")
    assert waiting[0].result(60) == "said later0"
    lab.pause("aside")
    assert [job.result() for job in ended] == [f"said {n}" for n in range(8)]


def test_a_key_is_not_removed_while_something_needs_it(lab: Lab) -> None:
    """What cannot be put under the new one (here: a signature that does not fit) keeps the old one."""
    lab.register(say)
    lab.enqueue("say", {"word": "x"}, delay="1h")
    old = lab.vault.key_id
    from tether_lab.vault import keys as vault_keys

    vault_keys.use(keys(), vault_keys.create(keys()))
    lab.vault.refresh()
    with closing(sqlite3.connect(lab.folder.queue_db)) as connection, connection:
        connection.execute("UPDATE job SET mac = zeroblob(32)")
    with pytest.raises(BadRequest, match=f"rows of {lab.name} still need {old}"):
        lab.keys.retire(old)
    with pytest.raises(BadRequest, match="there is no key"):
        lab.keys.retire("k000000000000")


def test_keys_in_a_terminal(lab: Lab, tmp_path: Path) -> None:
    """list, export, import, rotate, move behind a passphrase, unlock, lock."""
    lab.register(say)
    old = lab.vault.key_id
    assert old in tether_lab("keys").stdout
    assert tether_lab("keys", "export", str(tmp_path / "k")).returncode == 0
    assert tether_lab("keys", "export", str(tmp_path / "k")).returncode == 2, "it writes over nothing"
    assert tether_lab("keys", "import", str(tmp_path / "k")).stdout == "New here: none.\n"
    assert "signs what is new" in tether_lab("keys", "rotate").stdout
    moved = tether_lab("keys", "move", "passphrase", given="four plain words\n")
    assert moved.returncode == 0, moved.stderr
    found = json.loads(tether_lab("keys", "--json").stdout)
    assert {key["store"] for key in found} == {"passphrase"}
    refused = tether_lab("enqueue", "say", "word=x")
    assert refused.returncode == 1
    assert "keys unlock" in refused.stderr
    assert tether_lab("jobs").returncode == 0, "reading goes on"
    assert tether_lab("keys", "unlock", given="four plain words\n").returncode == 0
    assert tether_lab("enqueue", "say", "word=x").returncode == 0
    assert tether_lab("keys", "lock").returncode == 0
    assert all(key["locked"] for key in json.loads(tether_lab("keys", "--json").stdout))


def test_every_changed_signed_column_stops_the_job(lab: Lab, tmp_path: Path) -> None:
    """See test_security for the whole table; here: a payload changed by hand fails the job, unrun."""
    lab.register(say)
    job = lab.enqueue("say", {"word": "x"}, delay="1h")
    with closing(sqlite3.connect(lab.folder.queue_db)) as connection, connection:
        connection.execute("UPDATE job SET payload = ?, run_at = 1", ('{"word":"y"}',))
    lab.worker.start()
    assert job.wait(30).status == "failed"
    assert "were changed since" in str(job.error)


def test_a_copy_of_a_lab_keeps_its_owner(lab: Lab, tmp_path: Path) -> None:
    """For the same user a copied folder is his; the uuid travels with it."""
    lab.register(say)
    lab.close()
    shutil.copytree(lab.folder.path, tmp_path / "copy", ignore=shutil.ignore_patterns("run"))
    (tmp_path / "copy").chmod(0o700)
    tmp_path.chmod(0o700)
    assert not Lab(tmp_path / "copy").restricted


def test_a_lost_key_reads_as_missing(lab: Lab) -> None:
    """The vault says which key, and where it was looked for."""
    lab.register(say)
    other_user()
    with pytest.raises(KeyMissing, match=r"k[0-9a-f]{12}"):
        Lab().vault.unseal(lab.vault.seal(b"x"))


def test_a_rotation_forgets_no_table(lab: Lab) -> None:
    """Whatever has a signature is counted before a key may go, and has a statement that signs it anew."""
    from tether_lab.job_queue.statements import FOLDER, sql

    with closing(sqlite3.connect(lab.folder.queue_db)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
                  if any(row[1] == "mac" for row in connection.execute(f"PRAGMA table_info({name})"))]
    assert len(tables) >= 7
    written = "\n".join(path.read_text() for path in FOLDER.glob("rekey_*.sql"))
    for name in tables:
        assert f"FROM {name} WHERE key_id" in sql("rekey_left"), name
        assert f"UPDATE {name} SET" in written, name
