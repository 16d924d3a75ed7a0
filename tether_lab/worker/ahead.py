"""Short jobs are claimed before a place is free: handed to warm processes several at a time (how many, to
which, and back again); one with a process of its own stands by for the next place (``standby``).

A job is short as long as all jobs of its code and options have been, lately. A process that was told one
of them is given others like it ahead, by a socket of their own; what it has not begun is taken back when
the one before takes long, is to be ended, or crashes, and burns nothing. So behind a long job nothing
waits that another process could take.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field

from tether_lab.job import Claim
from tether_lab.job.hooks import is_internal
from tether_lab.job_queue.claim import Candidate
from tether_lab.runner import wire

from .attempts import Attempt
from .dispatch import Prepared
from .pool import WARM_JOBS
from .process import Process
from .standby import MOST, Standby

DEEPEST = 64
"""Jobs that one process has at most, the running one included."""
SHORT = 0.005
"""Seconds that a short job takes at most."""
WORTH = 0.01
"""Seconds of work that are handed over at once."""
PATIENCE = 0.01
"""Seconds after which what waits behind a job is taken back: long for a short one, and no loss else."""
START_PATIENCE = 0.25
"""The same, of a process that is only just loading the code."""
SILENCE = 20.0
"""Seconds after which a process is killed that has taken a job and does not say that it begins: that takes
microseconds, unless something that acts beside jobs is built first."""
REMEMBERED = 256
DOUBTED = 7
"""So many short ones count at most, when a long one comes: depth falls to a quarter of what they stand for."""
MOST_SPARED = 4096
LARGEST = 16_000
"""Characters of a payload that is handed ahead."""

PLENTY = 16
"""Jobs ahead with which a process is busy for a while."""

Kind = tuple[int, str]
"""What makes jobs alike: version id, options as stored."""


def kind_of(one: Prepared | Attempt) -> Kind:
    return one.version.id, one.job.options


def is_warm(prepared: Prepared) -> bool:
    """Whether it runs in a process that others have used, and will."""
    return prepared.options.isolation == "warm" and prepared.version.kind in ("function", "class")


def is_independent(one: Prepared | Attempt) -> bool:
    """Whether it may begin whenever others end: none is counted with it, waited for, or told of its start."""
    options, job = one.options, one.job
    return not (options.parents or options.concurrency or options.rate_limit or options.notify
                or job.service or is_internal(job.key))


def is_plain(prepared: Prepared) -> bool:
    """Whether a job may be handed ahead, as far as it is like others: nothing of it depends on another one."""
    job = prepared.job
    return (is_warm(prepared) and is_independent(prepared) and not prepared.options.memory
            and prepared.cover is None and len(job.payload) < LARGEST and '"$blob"' not in job.payload)


def is_brief(prepared: Prepared, ended: wire.Ended) -> bool:
    """Whether this end of a job ahead says no more than that it succeeded, and what JSON it returned."""
    job = prepared.job
    return (ended.kind == "succeeded" and ended.epoch == job.claim.epoch and job.ahead and not job.chained
            and ended.result_kind in ("none", "json") and not prepared.options.judges
            and not (ended.traces or ended.piped or ended.blobs))


class Pace:
    """How long jobs of each kind take here, as far as it decides how many are handed over at once."""

    def __init__(self) -> None:
        self._known: OrderedDict[Kind, tuple[int, float, int]] = OrderedDict()
        """Short in a row, mean seconds, how many a process may have at most."""

    def learn(self, kind: Kind, seconds: float, most: int = DEEPEST) -> None:
        """One of this kind took so long, from its first to its last line."""
        counted = min(seconds, SHORT)
        row, mean, _ = self._known.get(kind, (0, counted, most))
        self._known[kind] = row + (seconds <= SHORT), mean + (counted - mean) / 8, most
        self._known.move_to_end(kind)
        if seconds > SHORT:
            self.doubt(kind)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def doubt(self, kind: Kind) -> None:
        """One of this kind is taking long: with a second one soon after, they are long. On a busy machine a
        short one takes long now and then, and by itself that says little."""
        row, mean, most = self._known.get(kind, (0, SHORT, DEEPEST))
        self._known[kind] = min(row, DOUBTED) // 2, mean, most

    def depth(self, kind: Kind) -> int:
        """How many jobs a process may have: 1, twice as many after each short one, for WORTH seconds."""
        row, mean, most = self._known.get(kind, (0, SHORT, 1))
        if row < 2:
            return 1
        return max(1, min(most, 1 << min(row - 1, 6), round(WORTH / max(mean, 1e-6))))


@dataclass(slots=True)
class Line:
    """What a process was told last, and the jobs that it was given ahead, oldest first, by id."""

    process: Process
    like: Prepared
    beside: tuple[int, ...]                # version ids of what acted beside jobs then
    ahead: dict[int, Prepared] = field(default_factory=dict)
    kind: Kind = field(init=False)

    def __post_init__(self) -> None:
        self.kind = kind_of(self.like)

    @property
    def takes_more(self) -> bool:
        process = self.process
        return not process.spoiled and process.exited is None and process.jobs + len(self.ahead) < WARM_JOBS


class Spared:
    """Jobs that were taken back before any process had them, and given back: they have done nothing yet, and
    may go ahead again. Every other job that was claimed before (rescued, tried before, lost with its process)
    goes alone, so that a crash is surely its own."""

    def __init__(self) -> None:
        self._epochs: dict[int, int] = {}      # by job id: the epoch of the claim that was taken back

    def add(self, claim: Claim) -> None:
        self._epochs[claim.job_id] = claim.epoch
        while len(self._epochs) > MOST_SPARED:
            self._epochs.pop(next(iter(self._epochs)))

    def waits(self, job_id: int, epoch: int) -> bool:
        """Whether a job that waits with this epoch has never been in a process: to give it back was the last
        thing that happened to it, and spent one."""
        return epoch == 0 or self._epochs.get(job_id) == epoch - 1

    def holds(self, claim: Claim) -> bool:
        """The same of one that is claimed: again, or still, since it was taken back."""
        return self.waits(claim.job_id, claim.epoch - 1) or self._epochs.get(claim.job_id) == claim.epoch

    def forget(self, claim: Claim) -> None:
        """A process has it now."""
        self._epochs.pop(claim.job_id, None)


class Ahead:
    """The lines of all processes, by token. ``returned``: jobs that were taken back, still claimed."""

    def __init__(self) -> None:
        self.pace = Pace()
        self.lines: dict[int, Line] = {}
        self.spared = Spared()
        self.standby = Standby()
        self.returned: list[Prepared] = []
        self.handed: dict[int, Process] = {}   # who has more than it was told, by token
        self.graces: dict[int, float] = {}     # by job id: to be cancelled as soon as it begins

    def __iter__(self) -> Iterator[Prepared]:
        """All jobs that were claimed ahead and have not begun."""
        yield from self.standby
        for line in self.lines.values():
            yield from line.ahead.values()

    def told(self, process: Process, prepared: Prepared, beside: tuple[int, ...]) -> None:
        """A process was sent the task of this job."""
        if process.takes_ahead and self.may_lead(prepared):
            self.lines[process.token] = Line(process, prepared, beside)
        else:
            self.lines.pop(process.token, None)
        self.spared.forget(prepared.job.claim)

    def may_lead(self, prepared: Prepared) -> bool:
        """Whether it may be handed ahead, or others behind it."""
        return self.spared.holds(prepared.job.claim) and is_plain(prepared)

    def _with_room(self, kind: Kind, beside: tuple[int, ...], busy: Container[int]) -> Line | None:
        """Of the processes that run jobs of a kind, and may have one more, the one with the fewest."""
        found, room = None, self.pace.depth(kind) - 1
        for token, line in self.lines.items():
            waiting = len(line.ahead)
            if (waiting < room and line.kind == kind and (waiting or token in busy) and line.beside == beside
                    and line.takes_more):
                found, room = line, waiting
        return found

    def hand(self, prepared: Prepared, beside: tuple[int, ...], busy: Container[int]) -> bool:
        """Give it to the process with the fewest of its kind; False if it fits nowhere. ``busy``: the tokens
        of those that run something. One that was claimed for a place has its attempt on record already, and
        could not be given back as if nobody had claimed it: it waits for a place."""
        kind, job = kind_of(prepared), prepared.job
        line = self._with_room(kind, beside, busy) if job.ahead else None
        if line is None or not self.may_lead(prepared):
            return False
        more = wire.More(line.like.job.claim.job_id, job.claim.job_id, job.uuid, job.claim.epoch, job.attempt,
                         job.max_attempts, job.payload, job.created_at)
        if not line.process.hand(more):
            return False
        self.handed[line.process.token] = line.process
        line.ahead[job.claim.job_id] = prepared
        self.spared.forget(job.claim)
        return True

    def begun(self, process: Process, started: wire.Started) -> Prepared | None:
        """The job ahead that a process says it has begun."""
        line = self.lines.get(process.token)
        return line.ahead.pop(started.job_id, None) if line is not None else None

    def brief(self, process: Process, started: wire.Started, ended: wire.Ended) -> Prepared | None:
        """The job ahead that has begun and ended, and said nothing; it is the process's no more. None, and it
        still is, if there is more to say or to do about it."""
        line, job_id = self.lines.get(process.token), started.job_id
        prepared = line.ahead.get(job_id) if line is not None else None
        if (line is None or prepared is None or ended.job_id != job_id or process.spoiled
                or job_id in self.graces or not is_brief(prepared, ended)):
            return None
        del line.ahead[job_id]
        self.pace.learn(kind_of(prepared), (ended.at - started.at) / 1e9)
        return prepared

    def has_more(self, process: Process) -> bool:
        """Whether a process may begin another job by itself."""
        line = self.lines.get(process.token)
        return line is not None and bool(line.ahead)

    def take_back(self, process: Process) -> None:
        """What it has not taken yet goes to others; what it has taken, it begins in a moment."""
        line = self.lines.get(process.token)
        if line is not None and line.ahead:
            recalled, process.recalled = process.recalled, []
            for job_id in recalled + process.take_back():
                prepared = line.ahead.pop(job_id)
                self.spared.add(prepared.job.claim)
                self.returned.append(prepared)

    def learn(self, attempt: Attempt, seconds: float) -> None:
        """So long it took, from its first to its last line; what cannot have others ahead teaches nothing."""
        if attempt.process.token in self.lines:
            self.pace.learn(kind_of(attempt), seconds)
        elif attempt.is_parting and is_independent(attempt):
            self.pace.learn(kind_of(attempt), seconds, MOST)

    def stand_by(self, prepared: Prepared, now: float) -> bool:
        """Let a job wait for the next place, if it was claimed ahead and needs a process of its own."""
        if not prepared.job.ahead or is_warm(prepared):
            return False
        self.standby.add(prepared, now)
        return True

    def dismiss(self, now: float = float("inf")) -> None:
        """What stands by for too long waits in the queue again."""
        for prepared in self.standby.overdue(now):
            self.pace.doubt(kind_of(prepared))
            self.spared.add(prepared.job.claim)
            self.returned.append(prepared)

    def lose(self, claim: Claim) -> None:
        """It is somebody else's now."""
        for line in self.lines.values():
            if claim.job_id in line.ahead:
                self.take_back(line.process)
        self.standby.pop(claim.job_id)
        self.returned = [one for one in self.returned if one.job.claim != claim]

    def cancel(self, job_id: int, grace: float) -> None:
        """Take it back; if its process has taken it already, it is cancelled when it begins."""
        standing = self.standby.pop(job_id)
        if standing is not None:
            self.returned.append(standing)
        for line in self.lines.values():
            if job_id in line.ahead:
                self.take_back(line.process)
                if job_id in line.ahead:
                    self.graces[job_id] = grace

    def end_silent(self, before: float, running: Container[int]) -> None:
        """Kill processes between two jobs that have said nothing since then (monotonic s). ``running``: the
        tokens of those that run something."""
        for token, line in self.lines.items():
            if line.ahead and token not in running and line.process.heard_at < before:
                line.process.kill()

    def lost(self, process: Process) -> None:
        """A process is gone, and all that it said was heard: the jobs ahead that it had not begun go back."""
        line = self.lines.pop(process.token, None)
        if line is not None:
            self.returned += line.ahead.values()

    def room(self, busy: Iterable[int], alone: Iterable[Kind]) -> dict[Kind, int]:
        """How many more of each kind busy processes may have; ``alone``: what those run that run one job."""
        found: dict[Kind, int] = {}
        for kind in alone:
            found[kind] = found.get(kind, 0) + self.pace.depth(kind) - 1
        for prepared in self.standby:
            kind = kind_of(prepared)
            found[kind] = found.get(kind, 0) - 1
        for token in busy:
            line = self.lines.get(token)
            if line is not None and line.takes_more:
                kind = line.kind
                found[kind] = found.get(kind, 0) + self.pace.depth(kind) - 1 - len(line.ahead)
        return {kind: count for kind, count in found.items() if count > 0}

    @property
    def all_have_plenty(self) -> bool:
        """Whether somebody works, and nobody will be idle soon."""
        waiting = [len(line.ahead) for line in self.lines.values() if line.ahead]
        return bool(waiting) and min(waiting) >= PLENTY

    def offer(self, busy: Iterable[int], alone: Iterable[Kind] = ()) -> Offer:
        """What the next claim may take beyond free places."""
        return Offer(self.pace, self.spared, self.room(busy, alone))


class Offer:
    """How many of each kind may be claimed ahead in one turn (``job_queue.claim.Room``)."""

    def __init__(self, pace: Pace, spared: Spared, room: dict[Kind, int]) -> None:
        self._pace, self._spared, self._room = pace, spared, room

    def placed(self, job: Candidate) -> None:
        if self._spared.waits(job.id, job.epoch):
            self._room[job.kind] = self._room.get(job.kind, 0) + self._pace.depth(job.kind) - 1

    def take(self, job: Candidate) -> bool:
        if not self._spared.waits(job.id, job.epoch):
            return False
        self._room[job.kind] = left = self._room.get(job.kind, 0) - 1
        return left >= 0
