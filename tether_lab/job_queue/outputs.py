"""What attempts print and show, row by row, as it comes."""

from __future__ import annotations

from collections.abc import Sequence

from tether_lab.job import Claim

from . import happenings, sealed
from .claim import lost_claim
from .clock import utc
from .finish import begin
from .queue import Queue
from .read import uuid_of
from .rows import plain
from .statements import sql


def append(
    queue: Queue, claim: Claim, rows: Sequence[tuple[int, str]], progress: str | None = None,
    events: Sequence[tuple[str, str]] = (), *, replace: bool = False,
    started: tuple[int | None, int] | None = None, now: int | None = None, tell: str | None = None,
    begins: int = 0,
) -> bool:
    """Add rows (seq, JSON body; a known seq is rewritten), the progress (JSON) and events (kind, JSON
    detail) of a running attempt. ``replace``: the rows stand instead of all that it has so far.
    ``started``: its process and when (UTC µs) user code began there. ``tell``:
    the progress that hooks are told of (JSON). ``begins``: it was claimed ahead and nothing of it is written
    yet: the attempt's number. Whether anybody hooks what this says. Raises ClaimLost,
    and then nothing was written."""
    now = now or utc()
    with queue.write(power=False) as connection:
        changed = connection.execute(sql("output_fence"), {
            "id": claim.job_id, "epoch": claim.epoch, "worker": claim.worker, "progress": plain(progress),
            "started_at": None if started is None else started[1], "now": now})
        if not changed.rowcount:
            raise lost_claim(claim)
        if begins:
            begin(connection, claim, begins, now if started is None else started[1])
        if started is not None:
            connection.execute(sql("attempt_start"), {
                "id": claim.job_id, "epoch": claim.epoch, "pid": started[0], "at": started[1]})
        if replace:
            connection.execute(sql("output_clear"), {"id": claim.job_id, "epoch": claim.epoch})
        if rows:
            connection.executemany(sql("output_put"), [
                (claim.job_id, claim.epoch, seq, now, plain(body)) for seq, body in rows])
        if events:
            connection.executemany(sql("event_add"), [
                (claim.epoch, kind, now, plain(detail), claim.job_id) for kind, detail in events])
        hooked = happenings.tell_said(connection, claim.job_id, now, events)
        if tell is not None:
            hooked |= happenings.tell(connection, "on_progress", claim.job_id, now, tell)
        return hooked


def read(queue: Queue, job_id: int, epoch: int | None = None, after: int = -1) -> list[tuple[int, int, str]]:
    """Rows (seq, epoch, JSON body) of one attempt (default: the latest) with a seq above ``after``."""
    with queue.read() as connection:
        found = connection.execute(sql("output_read"), {
            "job_id": job_id, "epoch": epoch, "after": after}).fetchall()
    uuid = uuid_of(queue, job_id, (row[2] for row in found))
    if not uuid:
        return found
    return [(*row[:2], sealed.output(queue, row[2], "output", uuid, row[1], row[0])) for row in found]
