"""Each security check, broken once: a test must notice. The list is data; ``kill`` runs one.

``python tests/mutants.py`` runs all of them (some minutes) and prints a table; tests/contract runs a few.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SECURITY, VAULT, SEALING = (f"tests/{name}.py" for name in (
    "contract/test_security", "unit/test_vault", "unit/test_sealing"))
REST, COLUMNS = "tests/integration/test_server_security.py", "tests/contract/test_signed_columns.py"
TRUST, COPIES = "tests/integration/test_trust.py", "tests/integration/test_copies.py"


@dataclass(frozen=True, slots=True)
class Mutant:
    """In ``file``, ``was`` becomes ``now``; ``test`` (a file and words of -k) must fail then."""

    name: str
    file: str
    was: str
    now: str
    test: tuple[str, str]


MUTANTS = (
    Mutant("signatures are not compared", "vault/keys.py", "if not hmac.compare_digest(", "if False and (",
           (VAULT, "nothing_else_does")),
    Mutant("fields run into each other", "vault/keys.py", "return kind + len(body).to_bytes(8, \"big\") + body",
           "return kind + body", (VAULT, "nothing_else_does")),
    Mutant("short texts run into each other", "vault/keys.py", "b\"s\" + length.to_bytes(8, \"big\") for length in",
           "b\"s\" for length in", (VAULT, "nothing_else_does")),
    Mutant("key files may be open to others", "vault/files.py", "if found.st_mode & 0o077:", "if False:",
           (VAULT, "loose")),
    Mutant("keys may be links", "vault/files.py", "if stat.S_ISLNK(found.st_mode):", "if False:", (VAULT, "link")),
    Mutant("the place is not part of what is sealed", "vault/keys.py", "canonical(\"sealed\", place)",
           "canonical(\"sealed\", ())", (SEALING, "every_flipped_bit")),
    Mutant("one key for all purposes", "vault/keys.py", "known = self._others[key_id, purpose] = derive(secret, purpose)",
           "known = self._others[key_id, purpose] = secret", (SEALING, "keys_for_signing")),
    Mutant("jobs are not verified", "worker/dispatch.py", "self._vault.verify(job.mac, job.key_id, signing.JOB, *",
           "str((", (SECURITY, "row_02_one_changed and payload")),
    Mutant("handlers are not verified", "worker/dispatch.py",
           "self._vault.verify(version.mac, version.key_id, signing.HANDLER,\n                               *", "str((",
           (SECURITY, "row_02_one_changed and source")),
    Mutant("memos are not verified", "worker/dispatch.py", "self._vault.verify(memo.mac, memo.key_id, signing.MEMO, *",
           "str((", (SECURITY, "memos_parents")),
    Mutant("parents' results are not verified", "worker/dispatch.py",
           "self._vault.verify(found.mac, found.key_id, signing.RESULT, *", "str((", (SECURITY, "forged_result")),
    Mutant("results are not verified", "lab/results.py",
           "lab.vault.verify(found.mac, found.key_id, signing.RESULT, *", "str((", (SECURITY, "changed_result")),
    Mutant("schedules are not verified", "worker/schedules.py",
           "vault.verify(row.mac, row.key_id, signing.SCHEDULE, *", "str((", (SECURITY, "schedule_made_by_hand")),
    Mutant("services are not verified", "worker/services.py",
           "self._vault.verify(row.mac, row.key_id, signing.SERVICE,\n                               *", "str((",
           (COLUMNS, "believed and service")),
    Mutant("triggers are not verified", "worker/triggers.py",
           "vault.verify(row.mac, row.key_id, signing.TRIGGER, *", "str((", (COLUMNS, "believed and cause")),
    Mutant("a web trigger's secret is not compared", "lab/triggers.py",
           "lab.vault.verify(bytes.fromhex(secret), row.key_id, _domain(), ", "str((",
           ("tests/integration/test_triggers.py", "web_trigger_has_a_secret")),
    Mutant("what cannot be read is a traceback", "job/stored.py", "            except _WRONG as error:",
           "            except ZeroDivisionError as error:", (COLUMNS, "believed and handler_version")),
    Mutant("small blobs are not compared with their names", "capture/blobs.py", "if digest_of(found) != digest:",
           "if False:", (SECURITY, "row_02_blobs")),
    Mutant("large streams are unpickled as they lie there", "capture/blobs.py",
           "if not digest.endswith(SEALED) and digest not in self.small and digest_of(content) != digest:", "if False:",
           (SECURITY, "large_stream")),
    Mutant("large blobs may be anybody's", "capture/blobs.py",
           "if found.st_uid != os.geteuid() or found.st_mode & 0o077 or not stat.S_ISREG(found.st_mode):", "if False:",
           (SECURITY, "row_02_blobs")),
    Mutant("blobs' names may be paths", "capture/blobs.py", "if len(plain) != 40 or not set(plain) <= _DIGITS:",
           "if False:", (SECURITY, "row_10")),
    Mutant("every lab is one's own", "job_queue/owner.py", "        return False\n    key_id, _, mac",
           "        return True\n    key_id, _, mac", (SECURITY, "forged_or_moved")),
    Mutant("an owner's mark is not verified", "job_queue/owner.py",
           "queue.vault.verify(bytes.fromhex(mac), key_id, DOMAIN, queue.uuid)", "pass", (SECURITY, "forged_or_moved")),
    Mutant("a restricted lab is written to", "job_queue/queue.py", "if self.restricted or self.quarantined:",
           "if self.quarantined:", (SECURITY, "another_key_is_read_only")),
    Mutant("a quarantined queue is written to", "job_queue/queue.py", "if self.restricted or self.quarantined:",
           "if self.restricted:", ("tests/unit/test_migration_kills.py", "marked_queue")),
    Mutant("folders may be open to others", "job_queue/permissions.py", "if found.st_mode & 0o077:", "if False:",
           (SECURITY, "row_05_loose")),
    Mutant("others may exchange the folder above", "job_queue/permissions.py", "if found.st_mode & 0o022:", "if False:",
           (SECURITY, "row_05_loose")),
    Mutant("a lab may be a link", "job_queue/permissions.py", "if stat.S_ISLNK(found.st_mode):", "if False:",
           (SECURITY, "row_05_links")),
    Mutant("folders may be somebody else's", "job_queue/permissions.py", "if found.st_uid != os.geteuid():",
           "if False:", (SECURITY, "row_05_links")),
    Mutant("archives are not verified", "lab/sealing.py", "self._vault.verify(mac, key_id, domain, *theirs)", "pass",
           (COPIES, "changed_archive")),
    Mutant("secret fields are shown", "job_queue/sealed.py", "    if SECRET not in payload:\n        return payload\n    try",
           "    if True:\n        return payload\n    try", ("tests/integration/test_encryption.py", "secret_fields")),
    Mutant("secret fields are stored in clear", "job_queue/sealed.py",
           "signed = hide(queue, text, options.secret, uuid) if options.secret else text", "signed = text",
           ("tests/integration/test_encryption.py", "secret_fields")),
    Mutant("secrets are printed", "worker/cover.py", "            text = text.replace(mask, DOTS)", "            pass",
           ("tests/integration/test_encryption.py", "secret_fields")),
    Mutant("outputs stay in clear", "worker/cover.py",
           "return sealed.close(self.queue, text, *place) if self.closes else text\n\n    def _masked", "return text\n\n    def _masked",
           ("tests/integration/test_encryption.py", "is_on_disk_in_clear")),
    Mutant("captures stay in clear", "lab/opened.py", "        if not encrypted:\n            return self.blob_store",
           "        if True:\n            return self.blob_store",
           ("tests/integration/test_encryption.py", "is_on_disk_in_clear")),
    Mutant("dedup keys are plain digests", "worker/new_jobs.py",
           "key = queue.vault.mask(\"dedup\", queue.uuid, key)", "pass",
           ("tests/integration/test_encryption.py", "dedup")),
    Mutant("payloads may name blobs", "worker/payload.py",
           "if name == own or (isinstance(value, Mapping) and own in value):", "if False:",
           (SECURITY, "cannot_name_blobs")),
    Mutant("the worker gets the whole environment", "worker/spawn.py",
           "if name in NAMES or name.startswith(PREFIXES)}", "if name}", (SECURITY, "allow_list")),
    Mutant("captures take secrets along", "capture/environment.py",
           "return bool(_SECRET.search(name) or _URL_WITH_PASSWORD.match(value))", "return False",
           (SECURITY, "leave_secrets")),
    Mutant("terminals are given commands", "cli/terminal.py", "    return _CONTROL.sub(\"\", kept)", "    return text",
           (SECURITY, "terminals")),
    Mutant("a GET asks for no login", "server/api.py", "@web.authenticated\n    @authorized\n    async def get(",
           "async def get(", (REST, "jupyters_defaults")),
    Mutant("a DELETE asks for no login", "server/api.py",
           "@web.authenticated\n    @authorized\n    async def delete(", "async def delete(",
           (REST, "accepts_all")),
    Mutant("acting asks for no right", "server/api.py", "@authorized\n    async def post(", "async def post(",
           (REST, "without_the_right")),
    Mutant("the server shows unsigned results", "server/jobs.py", "verified = not lab.restricted and (",
           "verified = True or (", (REST, "nobody_here_signed")),
    Mutant("HTML is not escaped", "views/markup.py", "escape(clean(child))", "clean(child)", (SECURITY, "row_06")),
    Mutant("jobs do not go first when memory ends", "runner/kinship.py", "oom_score_adj", "oom_score_none",
           (SECURITY, "first_to_go")),
)
QUICK = tuple(mutant for mutant in MUTANTS if mutant.name in (
    "signatures are not compared", "the place is not part of what is sealed", "handlers are not verified",
    "a restricted lab is written to"))


def kill(mutant: Mutant, folder: Path) -> bool:
    """Whether the test notices, run against a copy of the package below ``folder``."""
    source = (ROOT / "tether_lab" / mutant.file).read_text()
    if source.count(mutant.was) < 1:
        raise LookupError(f"{mutant.file} has no {mutant.was!r} any more: mend the mutant {mutant.name!r}")
    shutil.copytree(ROOT / "tether_lab", folder / "tether_lab", ignore=shutil.ignore_patterns("__pycache__"))
    broken = source.replace(mutant.was, _closed(mutant))
    (folder / "tether_lab" / mutant.file).write_text(broken)
    compile(broken, mutant.file, "exec")
    shutil.copytree(ROOT / "tests", folder / "tests", ignore=shutil.ignore_patterns("__pycache__", "corpus"))
    shutil.copy2(ROOT / "pyproject.toml", folder)
    file, words = mutant.test
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", file, "-k", words], cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}, capture_output=True,
        text=True, timeout=300, check=False)
    if ran.returncode not in (0, 1):
        raise RuntimeError(f"{mutant.name}: {ran.stdout[-2000:]}{ran.stderr[-1000:]}")
    return ran.returncode == 1


def _closed(mutant: Mutant) -> str:
    """A call that is taken out keeps its arguments: ``verify(a, *f(b))`` becomes ``str((f(b)))``."""
    return "str(" if mutant.now == "str((" else mutant.now


def main() -> int:
    """All of them; 1 if one survives."""
    survived = []
    for mutant in MUTANTS:
        with tempfile.TemporaryDirectory() as folder:
            dead = kill(mutant, Path(folder))
        print(f"{'killed  ' if dead else 'SURVIVED'}  {mutant.name}", flush=True)
        if not dead:
            survived.append(mutant.name)
    print(f"{len(MUTANTS) - len(survived)} of {len(MUTANTS)} killed")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
