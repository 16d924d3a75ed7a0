"""The fault matrix: what is done to a lab, and what must come of it. Tests name the rows that they
show (``@pytest.mark.row(6)``); a row without a test fails tests/house.

``inv`` stands for what must hold whatever happens: nothing acknowledged is lost, at most one result is
accepted, epochs only grow, the database is whole.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One fault. ``injected``: how it is brought about, on a real lab with real processes."""

    fault: str
    injected: str
    expected: str


ROWS: dict[int, Row] = {
    1: Row("worker killed right after a claim", "SIGKILL at the named points before the result",
           "rescued within a second of the next start, run again; inv"),
    2: Row("worker killed inside the result's transaction", "SIGKILL between INSERT and COMMIT",
           "no partial result, run again; inv"),
    3: Row("worker killed after the result was committed", "SIGKILL before anybody was told",
           "the result is there once, not run again"),
    4: Row("everything killed at random", "the kill loop", "0 lost, 0 duplicated, 0 unexpected"),
    5: Row("worker killed while a job spins in C", "SIGKILL during sum(range(10**13))",
           "zygote and job die with it"),
    6: Row("zombie: stopped, rescued, run by another, continued", "SIGSTOP, rescue, SIGCONT",
           "its late ending is refused and told as fenced"),
    7: Row("a process stopped inside a write transaction", "BEGIN IMMEDIATE, SIGSTOP",
           "reads go on, writers name it at their deadline, all goes on after its death"),
    8: Row("two workers at once", "ten started in parallel", "one holds the lock, nine say so and exit 0"),
    9: Row("kernel interrupted, restarted, shut down, killed", "jupyter_client, SIGKILL",
           "worker and job do not notice"),
    10: Row("worker told to end while jobs run", "SIGTERM once, twice",
            "drains; the rest goes back without burning an attempt"),
    11: Row("os._exit in a job", "os._exit(7)", "crashed with its exit code, last output kept"),
    12: Row("segfault, abort", "string_at(0), os.abort()", "the signal's name, the dump; others go on"),
    13: Row("a job that crashes each time", "segfault always", "buried after 3; the queue moves on"),
    14: Row("memory runs out", "RLIMIT_AS, a limit on memory, the kernel's OOM killer",
            "MemoryError fails, a limit or the OOM killer is named"),
    15: Row("deaf to signals, or in C, past the timeout", "SIG_IGN, a regex bomb", "killed at the deadline"),
    16: Row("children, also in sessions of their own", "Popen sleep, start_new_session",
            "all dead a second after the job"),
    17: Row("a light fork bomb", "fifty children that fork", "all dead with the job; the worker answers"),
    18: Row("floods of output", "1 GB with and without lines, bytes, bars",
            "head and tail kept, the rest counted, worker small"),
    19: Row("streams closed or replaced", "os.close(1), os.closerange", "finishes or control channel lost"),
    20: Row("a job changes its process", "cwd, env, umask, signals, threads …", "the next job sees none of it"),
    21: Row("strange exceptions", "SystemExit, KeyboardInterrupt, __str__ that raises …",
            "failed with type and safe text"),
    22: Row("bottomless recursion", "setrecursionlimit(10**9) under RLIMIT_AS", "attributed; the worker lives"),
    23: Row("cells that cannot run", "syntax error, input(), empty cell", "refused or told, nothing hangs"),
    24: Row("captures that cannot travel", "locks, generators, files, 2 GB, slow __reduce__",
            "refused by name with the way out, nothing half written"),
    25: Row("captures that cannot be loaded", "module gone, other Python, blob gone",
            "failed by the variable's name, not tried again"),
    26: Row("payloads that are no JSON", "NaN, recursion, depth, surrogates, bytes …",
            "PayloadError with a path, at enqueue"),
    27: Row("huge payloads", "beyond the limit", "refused with size and advice"),
    28: Row("results that cannot be stored", "unpicklable, NaN, huge, generator",
            "the job is done; what stands in for the result says so"),
    29: Row("hostile names", "emoji, RTL, paths, markup, escapes, quotes", "inert wherever they are shown"),
    30: Row("a million pending jobs", "bulk enqueue", "claim p99 < 5 ms, a page < 200 ms"),
    31: Row("disk full at enqueue and at the end of a job", "RLIMIT_FSIZE, a small file system",
            "StorageFull; endings wait in memory; resumes; inv"),
    32: Row("read-only folder or file", "chmod 0500, 0400 as an ordinary user", "a clear error; reads go on"),
    33: Row("loose permissions, foreign owner, symbolic link", "chmod 0770, chown, ln -s",
            "refused with the command that mends it"),
    34: Row("damaged, emptied, removed database", "bytes overwritten, truncated, unlinked",
            "told, untouched, never an empty queue in silence; a removed log is put back by the worker"),
    35: Row("the log's end lost or garbled (power cut)", "the log cut and scrambled at every frame",
            "a prefix of the commits; what was acknowledged is there; jobs go on"),
    36: Row("a stray open() of the database in a kernel", "open, read, close", "nothing is lost"),
    37: Row("a long reader pins the log", "a read transaction left open", "the log stays bounded, or is told"),
    38: Row("writers saturate the lock", "three loops", "an enqueue waits a moment, not seconds"),
    39: Row("a task cancelled at any await", "asyncio cancel, at each await in turn",
            "no transaction is left open"),
    40: Row("fork() in a kernel after enqueue", "os.fork, enqueue in the child", "both go on, no job lost"),
    41: Row("the wall clock jumps, clocks change", "injected clock, gap and fold",
            "leases do not notice; delayed jobs run once"),
    42: Row("moments that cannot be", "year 9999, 1e18, NaN, naive, negative", "refused by name, or defined"),
    43: Row("suspend and resume", "SIGSTOP of the whole tree, a clock that moved on",
            "no mass rescue; what is overdue runs once"),
    44: Row("reboot", "another boot id", "all that ran is rescued at once"),
    45: Row("another schema: newer, older, foreign", "user_version, application_id",
            "refused; or backed up and migrated, killable at any statement"),
    46: Row("network file systems", "another mount table", "refused with the variable to set"),
    47: Row("wake-ups lost", "socket missing, stale, full, path too long",
            "the job starts within the fallback's second"),
    48: Row("a runner cannot start", "interpreter gone, its start fails", "failed with its words"),
    49: Row("a job holds the interpreter beyond the lease", "C code, a short lease", "no false rescue"),
    50: Row("cancel in every phase", "pending, starting, running, done", "one final state, one epoch on"),
    51: Row("tampered rows", "UPDATE by SQL, a wrong key", "refused, nothing unpickled"),
    52: Row("the server goes while somebody watches", "the server killed", "jobs go on; watchers come back"),
}
