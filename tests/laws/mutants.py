"""Breaking the queue's SQL on purpose: every clause that guards something, and the law that misses it.

    python -m tests.laws.mutants            all of them, with their killers

A mutant is a copy of ``job_queue/sql`` in which one clause is gone or wrong. A law that still holds over it
proves nothing about that clause; so each mutant names the law that must fail.
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests import queues
from tests.laws.claiming import ClaimLaws
from tests.laws.test_queue_laws import QueueLaws
from tether_lab.job_queue import statements


@dataclass(frozen=True, slots=True)
class Mutant:
    """``old`` in sql/``file``.sql becomes ``new``; ``law`` is a key of LAWS."""

    file: str
    old: str
    new: str
    law: str = "claims"

    @property
    def name(self) -> str:
        return f"{self.file}: {' '.join(self.old.split())} → {' '.join(self.new.split()) or 'nothing'}"


INDEXED = re.compile(r" INDEXED BY \w+")
"""Left out of a broken statement: a law must miss the clause, not SQLite its index."""

MUTANTS = (
    # the claim
    Mutant("claim_ready", "state = 'pending' AND waits_for IS NULL AND queue = ?",
           "state = 'pending' AND waits_for IS NULL AND queue >= ?"),
    Mutant("claim_ready", "ORDER BY priority DESC, run_at, id", "ORDER BY run_at, id"),
    Mutant("claim_ready", "ORDER BY priority DESC, run_at, id", "ORDER BY priority DESC, id"),
    Mutant("claim_ready", "LIMIT ?", "LIMIT min(?, 2)"),      # (too many are no matter: claim.py counts places)
    Mutant("claim", "epoch = epoch + 1", "epoch = epoch", "queue"),
    Mutant("claim", "attempt = attempt + 1", "attempt = attempt", "queue"),
    # queues and weights
    Mutant("claim_queues", "(SELECT min(queue) FROM", "(SELECT max(queue) FROM"),
    # the end of an attempt
    Mutant("finish", "AND epoch = :epoch AND", "AND :epoch > 0 AND", "queue"),
    # (its `worker = :worker` is a second lock: no two claims of a job have one epoch, so no history misses it)
    Mutant("finish", "iif(:yields AND cancel_requested_at IS NOT NULL, 'cancelled', :state)", ":state",
           "queue"),
    Mutant("finish", "attempt - iif(:yields AND cancel_requested_at IS NOT NULL, 0, :given_back)", "attempt",
           "queue"),
    Mutant("finish", "run_at      = coalesce(:run_at, run_at)", "run_at      = run_at"),
    # what becomes due
    Mutant("turn_before", "AND state = 'scheduled' AND run_at <= :now",
           "AND state = 'scheduled' AND run_at < 0"),
    Mutant("turn_before", "AND state = 'retrying' AND run_at <= :now", "AND state = 'retrying' AND run_at < 0"),
    Mutant("turn_before", "AND expires_at <= :now", "AND expires_at < 0"),
    Mutant("turn_before", "gated = 1 AND state IN ('pending', 'blocked')",
           "gated = 1 AND state IN ('blocked')"),
    Mutant("turn_before", "EXISTS (SELECT 1 FROM paused)", "EXISTS (SELECT 1 FROM paused WHERE queue = '')"),
    Mutant("turn_before", "state IN ('running', 'pending', 'blocked')) AS slots",
           "state IN ('running', 'blocked')) AS slots"),
    Mutant("turn_before", "WHERE rate_key IS NOT NULL AND state = 'pending')",
           "WHERE rate_key = '' AND rate_key IS NOT NULL AND state = 'pending')"),
    Mutant("promote_due", "AND run_at <= :now", ""),
    Mutant("promote_due", "AND state IN ('scheduled', 'retrying') AND", "AND state IN ('scheduled') AND"),
    Mutant("promote_due", "state = 'pending', waits_for = NULL", "state = 'pending', waits_for = waits_for"),
    # deadlines
    Mutant("expire", "expires_at <= :now AND", ":now > 0 AND"),
    Mutant("expire", "AND started_at IS NULL\n", "AND (started_at IS NULL OR started_at > 0)\n", "queue"),
    Mutant("expire", "AND state IN ('blocked', 'scheduled', 'pending')", "AND state IN ('pending')"),
    # slots
    Mutant("slot_taken", "AND state = 'running'", "AND state = 'pending'"),
    Mutant("slot_candidates", "ELSE id END, run_at, id", "ELSE -id END, run_at, id"),
    Mutant("slot_candidates", "AND queue NOT IN (SELECT queue FROM paused)", ""),
    Mutant("slot_block", "AND (waits_for IS NULL OR waits_for NOT LIKE 'paused%')", ""),
    Mutant("slot_block", "AND id NOT IN (SELECT value FROM json_each(:ids))", ""),
    Mutant("slot_keys", "(state = 'pending' OR (state = 'blocked' AND waits_for = 'slot:' || slot_key))",
           "state = 'pending'"),
    Mutant("slot_rule", "max(slot_max) AS most", "min(slot_max) AS most"),
    # rates
    Mutant("rate_candidates", "ORDER BY priority DESC, run_at, id", "ORDER BY id"),
    Mutant("rate_candidates", "AND (waits_for IS NULL OR waits_for = 'rate:' || :key)",
           "AND waits_for IS NULL"),
    Mutant("rate_hold", "AND id NOT IN (SELECT value FROM json_each(:ids))", ""),
    Mutant("rate_hold", "AND waits_for IS NULL", ""),
    Mutant("rate_let_go", "AND state = 'pending' AND waits_for = 'rate:' || :key", "AND state = 'running'"),
    Mutant("rate_started", "starts = excluded.starts", "starts = starts"),
    Mutant("rate_rule", "max(rate_max)", "min(rate_max) - 1"),
    # pauses
    Mutant("pause_hold", "AND queue IN (SELECT queue FROM paused)", ""),
    Mutant("pause_hold_all", "waits_for IS NULL AND substr", "waits_for IS NULL AND priority > 0 AND substr"),
    Mutant("pause_hold_rated", "AND queue IN (SELECT queue FROM paused)", ""),
    Mutant("pause_let_go", "(waits_for = 'paused' OR waits_for LIKE 'paused:%')", "waits_for = 'paused'"),
    # windows
    Mutant("gate_list", "gated = 1 AND state IN ('pending', 'blocked')", "gated = 1 AND state IN ('blocked')"),
    Mutant("gate_list", "OR waits_for GLOB 'slot:*'", ""),
    Mutant("gate_list", "OR waits_for GLOB 'rate:*'", ""),
    Mutant("gate_move", "run_at = coalesce(:run_at, run_at)", "run_at = run_at"),
    # dedup
    Mutant("dedup_holder", "AND state NOT IN ('failed', 'cancelled')", ""),
    Mutant("dedup_free", "AND dedup_until <= :now", ""),
    Mutant("dedup_free", "AND dedup_until <= :now", "AND dedup_until < 0"),
    # again, and after a crash
    Mutant("retry", "expires_at = NULL", "expires_at = expires_at"),
    Mutant("retry", "iif(dedup_until <= :now, NULL, dedup_key)", "dedup_key"),
    Mutant("retry", "max(max_attempts, attempt + 1)", "max_attempts", "queue"),
    Mutant("rescue_orphans", "worker <> :worker", "worker <> ''", "queue"),
    Mutant("claim_renew", "AND epoch = :epoch", "AND :epoch > 0", "queue"),
)


def _effort(examples: int) -> settings:
    return settings(max_examples=examples, stateful_step_count=30, deadline=None, database=None,
                    suppress_health_check=list(HealthCheck), phases=[Phase.generate], derandomize=True,
                    print_blob=False, report_multiple_bugs=False)


def _claims(place: Path, examples: int) -> None:
    ClaimLaws.queue = queues.opened(place, "supervisor")
    ClaimLaws.handler = queues.registered(ClaimLaws.queue)
    run_state_machine_as_test(ClaimLaws, settings=_effort(examples))


def _queue(place: Path, examples: int) -> None:
    QueueLaws.queue = queues.opened(place, "supervisor")
    QueueLaws.handler = queues.registered(QueueLaws.queue)
    run_state_machine_as_test(QueueLaws, settings=_effort(examples))


LAWS: dict[str, Callable[[Path, int], None]] = {"claims": _claims, "queue": _queue}


@dataclass(frozen=True)
class _Folder:
    """The folder of our SQL with one file in place of that of its name."""

    ours: Path
    file: Path

    def __truediv__(self, name: str) -> Path:
        return self.file if name == self.file.name else self.ours / name


@contextmanager
def mutated(mutant: Mutant) -> Iterator[None]:
    """While inside, this process reads the SQL with the mutant in place of one file; ours stays as it is."""
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / f"{mutant.file}.sql"
        text = (statements.FOLDER / file.name).read_text()
        assert text.count(mutant.old) >= 1, f"{mutant.name}: there is no such clause any more"
        file.write_text(INDEXED.sub("", text.replace(mutant.old, mutant.new, 1)))
        statements.sql.cache_clear()
        try:
            with mock.patch.object(statements, "FOLDER", _Folder(statements.FOLDER, file)):
                yield
        finally:
            statements.sql.cache_clear()


def killed(mutant: Mutant, examples: int = 500) -> str | None:
    """What the law says of the mutant; None if it lives."""
    with tempfile.TemporaryDirectory() as place, mutated(mutant):
        try:
            LAWS[mutant.law](Path(place), examples)
        except Exception as error:
            return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:80]
    return None


def main() -> int:
    """All mutants, a line each; how many live."""
    alive = 0
    for mutant in MUTANTS:
        begun = time.monotonic()
        said = killed(mutant)
        alive += said is None
        word = "LIVES" if said is None else mutant.law
        print(f"{word:8} {time.monotonic() - begun:6.1f} s  {mutant.name}  {said or ''}", flush=True)
    print(f"{len(MUTANTS) - alive} of {len(MUTANTS)} mutants are killed")
    return alive


if __name__ == "__main__":
    sys.exit(main())
