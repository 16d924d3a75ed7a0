"""Every error Tether Lab raises on purpose, drawn as a tree.

TetherLabError                    .code .message .remedy .where
├── BadRequest (ValueError)       refused at the door; nothing was written
│   ├── PayloadError              a payload that is not plain, bounded JSON
│   ├── OptionError               an option that does not exist or has a wrong value
│   ├── CellError                 a cell that cannot be a job (syntax, empty)
│   ├── CaptureRefused            variables that cannot travel, each by its path
│   ├── DuplicateJob              another job counts as the same (dedup)
│   ├── UnknownHandler            no handler is registered under this key
│   ├── WrongState                fine in itself, but not for something that stands as this does
│   └── MalformedRequest          over HTTP: what openapi.json does not allow
├── JobNotFound (LookupError)
├── ScheduleNotFound (LookupError)
├── NothingThere (LookupError)     nothing of this name, where a request asked for it
│   ├── LabNotFound               no lab with this uuid among this user's
│   ├── ServiceNotFound           no service of this name in this lab
│   └── TriggerNotFound           no trigger of this name (or secret) in this lab
├── JobFailed                     result(): the job ended without one
│   ├── JobWasCancelled
│   └── JobExpired
├── ResultUnavailable             the job is complete, its result cannot be loaded here
├── CaptureUnavailable            what a handler took along cannot be loaded here
├── WaitTimeout (TimeoutError)
├── QueueError                    the database or its folder
│   ├── QueueBusy                 somebody holds the write lock
│   ├── StorageFull
│   ├── QueueReadOnly
│   ├── QueueCorrupt
│   ├── NetworkFileSystem
│   ├── LoosePermissions
│   ├── ForeignDatabase
│   ├── RestrictedLab             another user's lab: shown, never run, until it is trusted
│   └── SchemaMismatch
├── BadSignature                  bytes that this user's key did not sign
├── KeyMissing                    bytes that only a key opens which is not here, or locked
├── ClaimLost                     an attempt that is no longer ours to end
├── WorkerError
│   ├── WorkerDisabled
│   ├── WorkerDidNotStart
│   ├── InterpreterMissing
│   └── ProtocolMismatch
├── NoRetry                       raised by user code: fail now, do not try again
└── NobodyThere (EOFError)        a job asked for keyboard input

Raised inside a job, and meant to be caught there to save work:

KeyboardInterrupt
├── JobCancelled                  somebody asked for the end of this job
└── SoftTimeout                   the soft timeout passed
"""

from __future__ import annotations

import re


class TetherLabError(Exception):
    """Base class: catch this to catch everything Tether Lab raises.

    ``message`` says what happened and where, ``remedy`` what to do next, ``where`` the place
    (a path, a variable, ``$.a[3]``); ``code`` is the class name in snake case, as REST uses it.
    """

    def __init__(self, message: str, *, remedy: str = "", where: str = "") -> None:
        self.message, self.remedy, self.where = message, remedy, where
        super().__init__(message if not remedy else f"{message}\n{remedy}")

    @property
    def code(self) -> str:
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(self).__name__).lower()

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.message, self.__dict__.copy())


def _rebuild(cls: type[TetherLabError], message: str, state: dict[str, object]) -> TetherLabError:
    error = cls.__new__(cls)
    Exception.__init__(error, message)
    error.__dict__.update(state)
    return error


class BadRequest(TetherLabError, ValueError):
    """What was asked for cannot be done as asked. Nothing was written."""


class PayloadError(BadRequest):
    """A payload that is not plain, bounded JSON; ``where`` is the path, as in ``$.a[3]``."""


class OptionError(BadRequest):
    """An option that does not exist, or a value that it does not take."""


class CellError(BadRequest):
    """A cell that cannot become a job."""


class CaptureRefused(BadRequest):
    """Variables that the cell needs and that cannot travel; ``problems`` names each by path."""

    def __init__(self, message: str, *, problems: tuple[str, ...] = (), remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.problems = problems


class DuplicateJob(BadRequest):
    """Another job counts as the same; the message names it."""


class UnknownHandler(BadRequest):
    """No handler is registered under this key."""


class WrongState(BadRequest):
    """Fine in itself, but not for something that stands as this does."""


class MalformedRequest(BadRequest):
    """A request over HTTP that ``openapi.json`` does not allow."""


class JobNotFound(TetherLabError, LookupError):
    """There is no job with this id in this lab."""


class ScheduleNotFound(TetherLabError, LookupError):
    """There is no schedule of this name in this lab."""


class NothingThere(TetherLabError, LookupError):
    """There is nothing of the name that was asked for."""


class LabNotFound(NothingThere):
    """There is no lab with this uuid among those of this user."""


class ServiceNotFound(NothingThere):
    """There is no service of this name in this lab."""


class TriggerNotFound(NothingThere):
    """There is no trigger of this name in this lab, or its secret is another one."""


class JobFailed(TetherLabError):
    """The job ended without a result; ``job_id``, ``error_type`` and ``traceback`` say how."""

    def __init__(
        self, message: str, *, job_id: int = 0, error_type: str = "", traceback: str = "",
        remedy: str = "",
    ) -> None:
        super().__init__(message, remedy=remedy, where=f"job {job_id}")
        self.job_id, self.error_type, self.traceback = job_id, error_type, traceback


class JobWasCancelled(JobFailed):
    """The job was cancelled, so it has no result."""


class JobExpired(JobFailed):
    """The job's start deadline passed before a runner was free."""


class ResultUnavailable(TetherLabError):
    """The job is complete, but its result cannot be loaded here; its text form still shows."""


class CaptureUnavailable(TetherLabError):
    """What a handler took along cannot be loaded here: a blob is missing or damaged, a module is
    not installed, the Python is another one. ``where`` names the variable, module or blob."""


class WaitTimeout(TetherLabError, TimeoutError):
    """The job had not ended when the time given to ``wait`` was over. It goes on."""


class QueueError(TetherLabError):
    """The queue's database, or the folder it lives in."""


class QueueBusy(QueueError):
    """Another process held the write lock until the deadline."""


class StorageFull(QueueError):
    """The disk (or the quota) is full; what was asked for was not written."""


class QueueReadOnly(QueueError):
    """The database or its folder cannot be written by this user."""


class QueueCorrupt(QueueError):
    """SQLite found the database damaged. The files were left untouched."""


class NetworkFileSystem(QueueError):
    """The lab lies on a file system where SQLite's write-ahead log is not safe."""


class LoosePermissions(QueueError):
    """Somebody else could write the lab's files, so nothing in them may be trusted."""


class ForeignDatabase(QueueError):
    """A database that is no Tether Lab queue, or another lab's."""


class RestrictedLab(QueueError):
    """A lab that none of this user's keys made. It can be looked at; nothing of it is loaded or run."""


class SchemaMismatch(QueueError):
    """The database was written by a newer Tether Lab."""


class BadSignature(TetherLabError):
    """Bytes that this user's key did not sign. They were not loaded."""


class KeyMissing(TetherLabError):
    """A key that is lost, elsewhere, or locked by a passphrase; ``where`` is its id. What it encrypted
    cannot be shown or run; everything in clear still can."""


class ClaimLost(TetherLabError):
    """An attempt that is no longer ours to end. What it produced was dropped."""


class WorkerError(TetherLabError):
    """The worker or one of its runners."""


class WorkerDisabled(WorkerError):
    """The settings say that no worker may start here."""


class WorkerDidNotStart(WorkerError):
    """The worker process ended before it was ready; the message has the end of its log."""


class InterpreterMissing(WorkerError):
    """The Python that a handler was registered with is gone."""


class ProtocolMismatch(WorkerError):
    """Worker and runner come from Tether Labs that do not understand each other."""


class NoRetry(TetherLabError):
    """Raise it in a job to fail now, whatever attempts are left."""


class NobodyThere(TetherLabError, EOFError):
    """A job asked for keyboard input. Nobody sits in front of it."""


class JobCancelled(KeyboardInterrupt):
    """Raised inside a job when somebody cancelled it. Catch it to clean up, then let it go on."""


class SoftTimeout(KeyboardInterrupt):
    """Raised inside a job when its soft timeout passed. Catch it to save what is there."""
