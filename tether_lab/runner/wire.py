"""What supervisor, zygote and job process say to each other.

A frame is a 4-byte big-endian length and a msgpack tagged struct (``framing``). Everything that changes the
meaning of a frame raises PROTOCOL; the two sides compare it in their first frame and refuse to
guess. File descriptors travel beside ``Fork`` (SCM_RIGHTS), in the order of ``FORK_FDS``.

Short jobs are handed to a warm process ahead: ``Ahead`` tells what they are, and a socket of its own holds a
ticket for each, its id in 8 bytes. Whoever reads a ticket has that job, so what the process has not begun is
taken back by reading its ticket first. The end of a job and the start of the next one travel together.
"""

from __future__ import annotations

from typing import Any

import msgspec

from . import framing

PROTOCOL = 7
HEADER, LONGEST, TICKET = framing.HEADER, framing.LONGEST, framing.TICKET
Frames, frame, tickets, ids_of = framing.Frames, framing.frame, framing.tickets, framing.ids_of
FORK_FDS = ("control", "stdout", "stderr", "stack")
AHEAD_FDS = (*FORK_FDS, "ahead")
CHANNEL_LOST = 74
"""Exit code of a job process that found its control socket closed (by user code, or at the far end)."""


class _Frame(msgspec.Struct, frozen=True, tag=True, array_like=False, omit_defaults=True):
    pass


# -- supervisor → zygote ------------------------------------------------------------------------


class Fork(_Frame, frozen=True):
    """Fork a process for one job (``warm``: for many), which will read Tasks from its control fd.
    ``ahead``: it is given a fifth descriptor, of the socket with jobs ahead."""

    token: int
    warm: bool = False
    ahead: bool = False


class Preload(_Frame, frozen=True):
    """Import these modules before the next fork; library code only, never the user's."""

    modules: tuple[str, ...]


class Retire(_Frame, frozen=True):
    """Fork no more; exit after the last child."""


class Signal(_Frame, frozen=True):
    """To a bridge (see ``executors``): send this signal to a process, or to its whole group."""

    token: int
    number: int
    group: bool = False


# -- zygote → supervisor ------------------------------------------------------------------------


class Hello(_Frame, frozen=True):
    """First frame of a zygote (or spare process)."""

    protocol: int
    pid: int
    python: str
    prefix: str
    version: str = ""
    loaded: tuple[str, ...] = ()


class Forked(_Frame, frozen=True):
    """The process asked for exists."""

    token: int
    pid: int


class Exited(_Frame, frozen=True):
    """A child ended: exit code or signal, CPU seconds, peak resident bytes of it and its children."""

    token: int
    pid: int
    exit_code: int | None
    signal: int | None
    cpu_seconds: float
    peak_bytes: int
    oom_killed: bool = False


class Preloaded(_Frame, frozen=True):
    """What the zygote imported, and what it refused to (it would have started threads)."""

    loaded: tuple[str, ...]
    refused: tuple[str, ...] = ()


class Places(_Frame, frozen=True):
    """Of a bridge: so many attempts may run at once, on Pythons of these versions. ``trouble``: why not
    more, if that is known."""

    count: int
    pythons: tuple[str, ...] = ()
    trouble: str = ""


class Used(_Frame, frozen=True):
    """Of a bridge: the resident bytes of a process and its descendants."""

    token: int
    size: int


class Vanished(_Frame, frozen=True):
    """Of a bridge: the place where this process ran is out of reach; nobody will tell how it ended."""

    token: int
    place: str


# -- supervisor → job process -------------------------------------------------------------------


class Extra(_Frame, frozen=True):
    """Code that acts beside the job's own: as ``job.extras.Extra``, with what its version holds."""

    kind: str
    name: str
    scope: str
    key: str
    version: str
    manifest: str


class Task(_Frame, frozen=True):
    """One attempt. ``manifest`` and ``options`` are JSON as stored; ``blobs`` holds the small ones,
    the large ones are files below ``blob_folder``. ``payload`` already includes the defaults.
    ``folder`` is the lab's: ``data.db`` (ctx.db) and ``jobs/<id>`` (ctx.folder) lie in it.
    ``inputs``: by the names of its parents, kind and body of their results."""

    job_id: int
    uuid: str
    epoch: int
    attempt: int
    max_attempts: int
    key: str
    kind: str
    version: str
    source: str
    parameters: str
    payload: str
    manifest: str
    options: str
    blob_folder: str
    blobs: dict[str, bytes]
    folder: str
    created_at: int = 0
    fresh_seed: bool = False
    extras: tuple[Extra, ...] = ()
    conditions: tuple[Extra, ...] = ()       # asked about its result; ``name``: the uuid of who waits
    memos: dict[str, tuple[str, str]] = {}   # what earlier attempts kept: name to (kind, body)
    inputs: dict[str, tuple[str, str]] = {}
    result_limit: float = 2e9                # bytes above which a result is not stored


class More(_Frame, frozen=True):
    """Another attempt, like the Task of the job ``like``, which this process was told before, but for
    these fields."""

    like: int
    job_id: int
    uuid: str
    epoch: int
    attempt: int
    max_attempts: int
    payload: str
    created_at: int


class Ahead(_Frame, frozen=True):
    """Attempts whose tickets follow. ``fresh``: tickets were taken back since; what was told before, and has
    not been begun, is void."""

    jobs: tuple[More, ...]
    fresh: bool = False


class Emptied(_Frame, frozen=True):
    """The pipes were read after an ending with ``piped``: what comes now is the next job's."""


class Rouse(_Frame, frozen=True):
    """To a warm process that rests: a job may come in a moment, be ready for it."""


class Answer(_Frame, frozen=True):
    """To a Call, by its number: JSON text, or an error (``code`` names its class)."""

    number: int
    value: str | None = None
    error: str | None = None
    code: str = ""
    remedy: str = ""
    where: str = ""


class Mail(_Frame, frozen=True):
    """To a service: there may be a message; it asks for it."""


# -- job process → supervisor -------------------------------------------------------------------


class Started(_Frame, frozen=True):
    """User code is about to run (captures are loaded). Monotonic nanoseconds."""

    job_id: int
    epoch: int
    at: int


class Stream(_Frame, frozen=True):
    """Text that the job wrote; ``name`` is stdout or stderr."""

    name: str
    text: str


class Display(_Frame, frozen=True):
    """``kind``: display_data, execute_result, update_display_data. ``data`` is a MIME bundle, values
    as nbformat stores them; ``display_id`` the id that updates refer to."""

    kind: str
    data: dict[str, Any]
    metadata: dict[str, Any]
    display_id: str | None = None


class ClearOutput(_Frame, frozen=True):
    """As IPython's: at once, or (``wait``) when the next output comes."""

    wait: bool = False


class ErrorOutput(_Frame, frozen=True):
    """A traceback as nbformat has it, with its colours."""

    name: str
    value: str
    traceback: tuple[str, ...]


class ProgressBar(_Frame, frozen=True):
    """As ``job.Bar``. Id -1 is ``ctx.progress``: n of total, its message as description."""

    id: int
    position: int
    description: str
    n: float
    total: float | None
    rate: float | None
    elapsed: float
    unit: str
    postfix: str = ""
    closed: bool = False


class Note(_Frame, frozen=True):
    """An event for the job's history: ``kind`` warning or notified; ``detail`` JSON text."""

    kind: str
    detail: str


class Call(_Frame, frozen=True):
    """A question of user code to the lab (ctx.enqueue …); the job waits for the Answer. ``arguments``
    is a JSON object; ``blobs`` are small buffers that it refers to."""

    number: int
    verb: str
    arguments: str
    blobs: dict[str, bytes] = {}


class Verdict(_Frame, frozen=True):
    """What a condition said about the result: as ``job.workflow.Verdict``."""

    child: str
    word: str
    trouble: str | None = None


class Parting(_Frame, frozen=True):
    """What a process has used that ends with this job, and whose end nobody needs to wait for."""

    pid: int
    cpu_seconds: float
    peak_bytes: int


class Ended(_Frame, frozen=True):
    """How the attempt ended; ``kind`` is one of succeeded, failed, cancelled, snoozed, and
    ``soft_timed_out`` (SoftTimeout was not caught). The other fields as in ``outcome``."""

    job_id: int
    epoch: int
    kind: str
    error_types: tuple[str, ...] = ()
    message: str = ""
    traceback: str = ""
    retry: bool = True
    retry_after: float | None = None
    seconds: float = 0.0
    result_kind: str = "none"
    result_body: str = ""
    result_text: str = ""
    result_type: str = "NoneType"
    result_size: int = 0
    blobs: dict[str, bytes] = {}
    at: int = 0
    traces: tuple[str, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    parting: Parting | None = None
    piped: bool = False     # C code wrote: the process begins nothing before ``Emptied`` or a Task comes


ToZygote = Fork | Preload | Retire | Signal
FromZygote = Hello | Forked | Exited | Preloaded | Places | Used | Vanished
ToJob = Task | Ahead | Answer | Mail | Emptied | Rouse
FromJob = (Started | Stream | Display | ClearOutput | ErrorOutput | ProgressBar | Note | Call | Ended
           | Hello)

TO_ZYGOTE = msgspec.msgpack.Decoder(ToZygote)
FROM_ZYGOTE = msgspec.msgpack.Decoder(FromZygote)
TO_JOB = msgspec.msgpack.Decoder(ToJob)
FROM_JOB = msgspec.msgpack.Decoder(FromJob)
