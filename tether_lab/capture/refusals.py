"""Things that must never travel, with the words and the remedy that the user sees.

Types are named, not imported: if a library is not loaded there is no object of its types.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an object of a type cannot travel, and what to do instead."""

    what: str
    remedy: str


class Refused(Exception):
    """Raised inside a pickler at an object that must not travel."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.what)
        self.reason = reason


class TooLarge(Exception):
    """The capture grew past its limit; nothing was written."""


_OPEN_IT = "open it inside the cell"
_CREATE_IT = "create it inside the cell"
_FILE = Reason("open file handle", "pass its path and open it inside the cell")
_LOCK = Reason("lock", "locks hold for one process only: create it inside the cell")
_THREAD = Reason("thread", "start it inside the cell")
_SOCKET = Reason("network socket", "connect inside the cell")
_DATABASE = Reason("database connection", "connect inside the cell")
_POOL = Reason("thread or process pool", "create the pool inside the cell")
_CHILD = Reason("child process", "start it inside the cell")
_GENERATOR = Reason("generator (its position cannot be saved)",
                    "make it a list, or call the generator function inside the cell")
_COROUTINE = Reason("coroutine", "await it first, or call the async function inside the cell")
_FUTURE = Reason("future or task", "take its result first")
_FRAME = Reason("stack frame", "keep text (traceback.format_exc()) instead")
_TEMPORARY = Reason("temporary file or folder (either process would delete it)",
                    "create it inside the cell, or use ctx.tmp")
_LOOP = Reason("event loop", "jobs have a loop of their own")
_CONTEXT = Reason("context variable", "set it inside the cell")
_BAR = Reason("progress bar", "create it inside the cell; its progress is reported automatically")
_WIDGET = Reason("notebook widget (a job has no front end)", "pass its .value")
_BROWSER = Reason("browser session", _OPEN_IT)
_WEAK = Reason("weak reference", "keep the object itself")

_TABLE: dict[tuple[str, str], Reason] = {
    ("_io", "TextIOWrapper"): _FILE, ("_io", "FileIO"): _FILE, ("_io", "BufferedReader"): _FILE,
    ("_io", "BufferedWriter"): _FILE, ("_io", "BufferedRandom"): _FILE,
    ("gzip", "GzipFile"): _FILE, ("bz2", "BZ2File"): _FILE, ("lzma", "LZMAFile"): _FILE,
    ("zipfile", "ZipFile"): _FILE, ("tarfile", "TarFile"): _FILE, ("h5py._hl.files", "File"): _FILE,
    ("codecs", "StreamReaderWriter"): _FILE, ("mmap", "mmap"): Reason("memory map", _OPEN_IT),
    ("_thread", "lock"): _LOCK, ("_thread", "RLock"): _LOCK, ("threading", "_RLock"): _LOCK,
    ("threading", "Condition"): _LOCK, ("threading", "Semaphore"): _LOCK,
    ("threading", "Event"): _LOCK, ("threading", "Barrier"): _LOCK,
    ("multiprocessing.synchronize", "SemLock"): _LOCK,
    ("asyncio.mixins", "_LoopBoundMixin"): Reason("asyncio primitive", _CREATE_IT),
    ("_thread", "_local"): Reason("thread-local storage", _CREATE_IT),
    ("threading", "Thread"): _THREAD, ("_queue", "SimpleQueue"): Reason("queue", _CREATE_IT),
    ("queue", "Queue"): Reason("queue", "take the items out into a list"),
    ("multiprocessing.queues", "Queue"): Reason("queue between processes", _CREATE_IT),
    ("multiprocessing.connection", "_ConnectionBase"): _SOCKET,
    ("_socket", "socket"): _SOCKET, ("ssl", "SSLSocket"): _SOCKET, ("zmq.sugar.socket", "Socket"): _SOCKET,
    ("ssl", "SSLContext"): Reason("TLS context", _CREATE_IT),
    ("select", "epoll"): _SOCKET, ("selectors", "BaseSelector"): _SOCKET,
    ("http.client", "HTTPConnection"): _SOCKET,
    ("sqlite3", "Connection"): _DATABASE, ("sqlite3", "Cursor"): _DATABASE,
    ("_duckdb", "DuckDBPyConnection"): _DATABASE, ("duckdb", "DuckDBPyConnection"): _DATABASE,
    ("psycopg2.extensions", "connection"): _DATABASE, ("psycopg", "Connection"): _DATABASE,
    ("sqlalchemy.engine.base", "Engine"): _DATABASE,
    ("sqlalchemy.engine.base", "Connection"): _DATABASE,
    ("sqlalchemy.orm.session", "Session"): _DATABASE,
    ("aiosqlite.core", "Connection"): _DATABASE,
    ("pymongo.synchronous.mongo_client", "MongoClient"): _DATABASE, ("redis.client", "Redis"): _DATABASE,
    ("concurrent.futures._base", "Executor"): _POOL, ("multiprocessing.pool", "Pool"): _POOL,
    ("distributed.client", "Client"): Reason("Dask client", "connect inside the cell"),
    ("subprocess", "Popen"): _CHILD, ("multiprocessing.process", "BaseProcess"): _CHILD,
    ("multiprocessing.managers", "BaseManager"): _CHILD,
    ("builtins", "generator"): _GENERATOR, ("builtins", "async_generator"): _GENERATOR,
    ("builtins", "coroutine"): _COROUTINE,
    ("_asyncio", "Future"): _FUTURE, ("_asyncio", "Task"): _FUTURE,
    ("concurrent.futures._base", "Future"): _FUTURE,
    ("builtins", "frame"): _FRAME, ("builtins", "traceback"): _FRAME,
    ("tempfile", "TemporaryDirectory"): _TEMPORARY,
    ("tempfile", "_TemporaryFileWrapper"): _TEMPORARY,
    ("tempfile", "SpooledTemporaryFile"): _TEMPORARY,
    ("asyncio.events", "AbstractEventLoop"): _LOOP,
    ("_contextvars", "ContextVar"): _CONTEXT, ("_contextvars", "Token"): _CONTEXT,
    ("_contextvars", "Context"): _CONTEXT,
    ("builtins", "ContextVar"): _CONTEXT, ("builtins", "Token"): _CONTEXT,
    ("tqdm.std", "tqdm"): _BAR, ("ipywidgets.widgets.widget", "Widget"): _WIDGET,
    ("IPython.core.display_functions", "DisplayHandle"): Reason(
        "display handle (a job's outputs are its own)", "call display() inside the cell"),
    ("selenium.webdriver.remote.webdriver", "WebDriver"): _BROWSER,
    ("playwright.sync_api._generated", "Page"): _BROWSER,
    ("weakref", "ReferenceType"): _WEAK, ("builtins", "weakref"): _WEAK,
    ("weakref", "WeakValueDictionary"): _WEAK, ("weakref", "WeakKeyDictionary"): _WEAK,
}

_KNOWN: dict[type, Reason | None] = {}


def why_not(kind: type) -> Reason | None:
    """The reason why objects of this type (or of a base of it) must not travel, or None."""
    try:
        return _KNOWN[kind]
    except KeyError:
        pass
    found = next((reason for base in kind.__mro__
                  if (reason := _TABLE.get((base.__module__, base.__qualname__)))), None)
    if len(_KNOWN) > 5000:                            # classes that cells define again and again
        _KNOWN.clear()
    _KNOWN[kind] = found
    return found


def refuse(reason: Reason) -> NoReturn:
    """Leave the pickler at an object that must not travel."""
    raise Refused(reason)
