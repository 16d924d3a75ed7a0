"""The queue among processes: fair waiting, rest, forks, stray closes, death at any moment."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import queues
from eventually import eventually
from queues import NOW

from tether_lab.errors import QueueBusy, QueueError
from tether_lab.job import State
from tether_lab.job_queue import checkpoint, holders, outputs, read, retry
from tether_lab.job_queue.queue import Queue
from tether_lab.job_queue.reader import Reader
from tether_lab.job_queue.watch import Changes
from tether_lab.settings import LabFolder

TESTS = Path(__file__).parents[1]

Script = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def lab(tmp_path: Path) -> LabFolder:
    queue = queues.opened(tmp_path)
    queues.registered(queue)
    queue.close()
    return queues.folder(tmp_path)


@pytest.fixture
def script(lab: LabFolder) -> Iterator[Script]:
    """Run Python with an open queue ``q`` of the lab and its handler ``h`` in another process."""
    started: list[subprocess.Popen[str]] = []

    def run(code: str, *, role: str = "client", durability: str = "process") -> subprocess.Popen[str]:
        head = (f"import os, sys, time, signal; sys.path.insert(0, {str(TESTS)!r})\n"
                "import queues\nfrom pathlib import Path\n"
                f"q = queues.opened(Path({str(lab.path.parent)!r}), {role!r}, durability={durability!r})\n"
                "h = queues.registered(q)\n")
        process = subprocess.Popen([sys.executable, "-c", head + code], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
        process.communicate(timeout=10)


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def tell(process: subprocess.Popen[str], word: str = "go") -> None:
    assert process.stdin is not None
    process.stdin.write(word + "\n")
    process.stdin.flush()


def open_files(lab: LabFolder) -> list[str]:
    found = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            target = str(descriptor.readlink())
            if target.startswith(str(lab.queue_db)):
                found.append(target)
    return found


# -- waiting for the lock ---------------------------------------------------------------------------


@pytest.mark.row(38)
def test_a_writer_is_not_starved_by_others(lab: LabFolder, script: Script) -> None:
    """Three processes write back to back; a fourth one's enqueues stay far below its deadline."""
    writers = [script("print('ready', flush=True)\nwhile True: queues.put(q, h)", durability="power")
               for _ in range(3)]
    for writer in writers:
        assert said(writer) == "ready"
    queue = Queue.open(lab)
    handler = queues.registered(queue)
    waits = []
    for _ in range(40):
        before = time.monotonic()
        queues.put(queue, handler)
        waits.append(time.monotonic() - before)
        time.sleep(0.01)
    assert all(writer.poll() is None for writer in writers)
    assert sorted(waits)[len(waits) // 2] < 1.0, sorted(waits)
    assert max(waits) < queue.deadline
    queue.close()


@pytest.mark.row(7)
def test_a_stopped_writer_blocks_writing_not_reading_and_is_named(lab: LabFolder, script: Script) -> None:
    """QueueBusy at the deadline with the pid; killing the culprit frees the lock, nothing is half there."""
    stopped = script("with q.write() as c:\n"
                     "    c.execute('DELETE FROM handler')\n"
                     "    print(os.getpid(), flush=True)\n"
                     "    os.kill(os.getpid(), signal.SIGSTOP)")
    pid = said(stopped)
    queue = Queue.open(lab)
    queue.deadline = 0.3
    before = time.monotonic()
    with pytest.raises(QueueBusy, match=pid if holders.holder(lab.queue_db) else "process") as raised:
        queues.registered(queue)
    assert 0.25 < time.monotonic() - before < 3
    assert "Reading goes on" in raised.value.remedy
    assert read.counts(queue) == {}
    os.kill(int(pid), signal.SIGKILL)
    queue.deadline = 10
    assert queues.put(queue, queues.registered(queue))
    queue.close()


def test_many_processes_make_one_lab(tmp_path: Path) -> None:
    """Ten openers of a lab that is not there yet agree on one database."""
    code = (f"import sys; sys.path.insert(0, {str(TESTS)!r})\nimport queues\nfrom pathlib import Path\n"
            f"q = queues.opened(Path({str(tmp_path)!r}))\nprint(q.uuid)")
    tmp_path.chmod(0o700)
    openers = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
               for _ in range(10)]
    found = {opener.communicate(timeout=50)[0].strip() for opener in openers}
    assert len(found) == 1
    assert "" not in found


def test_two_workers_never_get_the_same_job(lab: LabFolder, script: Script) -> None:
    """Two processes claim and finish as fast as they can: each job runs once, all complete."""
    queue = Queue.open(lab)
    ids = queues.put(queue, queues.registered(queue), 600)
    code = ("done = []\n"
            "print('ready', flush=True); sys.stdin.readline()\n"
            "while True:\n"
            "    t = queues.turn(q, f'w{os.getpid()}', limit=7, finished=[queues.ending(j) for j in done])\n"
            "    assert not t.lost\n"
            "    done = t.claimed\n"
            "    if not done: break\n"
            "    print(*[j.claim.job_id for j in done], flush=True)\n")
    both = [script(code, role="supervisor") for _ in range(2)]
    for worker in both:
        assert said(worker) == "ready"
    for worker in both:
        tell(worker)
    claimed = [int(number) for worker in both for number in worker.communicate(timeout=50)[0].split()]
    assert sorted(claimed) == ids
    assert read.counts(queue) == {State.COMPLETED: 600}
    queue.close()


# -- rest ---------------------------------------------------------------------------------------------


def test_a_kernels_connection_is_closed_after_a_rest(lab: LabFolder) -> None:
    """No descriptor of the database is left after about a second; the next use opens another one."""
    queue = Queue.open(lab)
    queues.put(queue, queues.registered(queue))
    assert open_files(lab)
    began = time.monotonic()
    eventually(lambda: not open_files(lab), within=8)
    assert time.monotonic() - began > 0.5
    assert not Path(f"{lab.queue_db}-wal").exists(), "the last connection to close ends the log"
    assert read.counts(queue) == {State.PENDING: 1}
    queue.close()
    assert not open_files(lab)


def test_a_supervisors_connection_stays(lab: LabFolder) -> None:
    """Its data_version counts other writers, which one connection alone can tell."""
    supervisor, client = Queue.open(lab, role="supervisor"), Queue.open(lab)
    before = supervisor.data_version()
    queues.put(client, queues.registered(client))
    assert supervisor.data_version() != before
    client.close()
    time.sleep(1.6)
    assert open_files(lab)
    supervisor.close()


@pytest.mark.row(34)
def test_a_missing_index_is_not_taken_for_a_missing_database(lab: LabFolder) -> None:
    """The worker looks before anything is written: what is missing then is mended, not told as the end."""
    supervisor = Queue.open(lab, role="supervisor")
    handler = queues.registered(supervisor)
    queues.put(supervisor, handler)
    lab.queue_db.with_name("queue.db-shm").unlink()
    supervisor.look()
    queues.put(supervisor, handler)
    supervisor.look()
    assert read.counts(supervisor) == {State.PENDING: 2}
    supervisor.close()


def test_threads_share_a_queue(lab: LabFolder) -> None:
    """One at a time, none loses a job, whatever is closed in between."""
    queue = Queue.open(lab)
    handler = queues.registered(queue)
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(20):
                queues.put(queue, handler)
                read.counts(queue)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        queue.close_if_idle_since(float("inf"))
        time.sleep(0.001)
    assert not failures
    assert read.counts(queue) == {State.PENDING: 80}
    queue.close()


# -- what user code may do to a kernel's connection ----------------------------------------------------


@pytest.mark.row(36)
def test_a_stray_open_and_close_loses_nothing(lab: LabFolder, script: Script) -> None:
    """User code reads the file while our connection rests: its close drops our locks, another process
    ends the log under us; what is enqueued next is there for everybody."""
    queue = Queue.open(lab)
    handler = queues.registered(queue)
    for _ in range(5):
        queues.put(queue, handler)
        with lab.queue_db.open("rb") as stray:
            stray.read()
        other = script("queues.put(q, h); q.close(); print('closed', flush=True)")
        assert said(other) == "closed"
        queues.put(queue, handler)
    queue.close()
    check = script("from tether_lab.job_queue import read\nprint(sum(read.counts(q).values()), flush=True)")
    assert said(check) == "15"
    plain = sqlite3.connect(lab.queue_db)
    assert plain.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    plain.close()


@pytest.mark.row(40)
def test_a_child_of_fork_opens_its_own_connection(lab: LabFolder, script: Script) -> None:
    """Fork right after an enqueue, as multiprocessing does: parent and child both enqueue, no job is lost."""
    process = script(
        "queues.put(q, h)\n"
        "import tether_lab.job_queue.rest as rest\n"
        "pid = os.fork()\n"
        "mine = [queues.put(q, h)[0] for _ in range(20)]\n"
        "if pid == 0:\n"
        "    time.sleep(1.6)\n"
        "    left = [os.path.realpath(f'/proc/self/fd/{x}') for x in os.listdir('/proc/self/fd')]\n"
        "    print('left', sum('queue.db' in path for path in left), flush=True)\n"
        "    os._exit(0)\n"
        "print('child', os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)\n")
    assert said(process) == "left 0"
    assert said(process) == "child 0"
    queue = Queue.open(lab)
    assert read.counts(queue) == {State.PENDING: 41}
    queue.close()


@pytest.mark.row(40)
def test_a_child_forked_inside_a_transaction_may_not_touch_it(lab: LabFolder, script: Script) -> None:
    """It says so; the parent commits as if nothing had happened."""
    process = script(
        "from tether_lab.errors import QueueError\n"
        "with q.write() as c:\n"
        "    queues.enqueue.insert(c, [queues.new_job(h)], queues.NOW)\n"
        "    pid = os.fork()\n"
        "    if pid == 0:\n"
        "        try: queues.put(q, h)\n"
        "        except QueueError as error: print('refused', 'forked' in error.message, flush=True)\n"
        "        os._exit(0)\n"
        "    os.waitpid(pid, 0)\n"
        "print('done', flush=True)\n")
    assert said(process) == "refused True"
    assert said(process) == "done"
    queue = Queue.open(lab)
    assert read.counts(queue) == {State.PENDING: 1}
    queue.close()


# -- death ----------------------------------------------------------------------------------------------


def test_what_was_acknowledged_survives_sigkill(lab: LabFolder, script: Script) -> None:
    """Kill an enqueuer at random moments: every id it printed is there, the database is whole."""
    printed: set[int] = set()
    for round_ in range(6):
        process = script("while True: print(queues.put(q, h)[0], flush=True)")
        said(process)
        time.sleep(0.03 * round_)
        process.kill()
        printed |= {int(line) for line in process.communicate(timeout=10)[0].split("\n")[:-1] if line}
    queue = Queue.open(lab)
    with queue.read() as connection:
        found = {row[0] for row in connection.execute("SELECT id FROM job").fetchall()}
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert printed <= found
    assert len(printed) > 6
    queue.close()


# -- checkpoints -----------------------------------------------------------------------------------------


def test_a_guarded_checkpoint_moves_the_log_while_others_write(lab: LabFolder, script: Script) -> None:
    """It holds the write lock, so no commit can reset the log meanwhile; nothing is lost."""
    queue = Queue.open(lab, role="supervisor")
    handler = queues.registered(queue)
    writer = script("print('ready', flush=True)\n"
                    "for _ in range(300): queues.put(q, h, 3)\n"
                    "print('done', flush=True)")
    assert said(writer) == "ready"
    moved = 0
    while writer.poll() is None:
        found = checkpoint.checkpoint(queue, worthwhile=0, exposed=True)
        moved += found.moved if found else 0
        time.sleep(0.005)
    queues.put(queue, handler, 200)
    assert checkpoint.checkpoint(queue) is None, "a small log is not worth it"
    found = checkpoint.checkpoint(queue, worthwhile=0, exposed=True)
    assert found is not None
    assert not found.busy
    assert found.moved == found.frames
    assert checkpoint.checkpoint(queue, worthwhile=0, exposed=False) is not None
    assert checkpoint.log_size(queue) == 0
    assert read.counts(queue) == {State.PENDING: 1100}
    queue.close()


@pytest.mark.parametrize("exposed", [True, False])
def test_a_log_that_was_moved_is_small_at_once(lab: LabFolder, exposed: bool) -> None:
    """Not only after somebody's next commit: a lab at rest does not keep the largest log it ever had. What a
    reader still needs stays until it has gone; nothing is changed by it."""
    queue, reader = Queue.open(lab, role="supervisor"), Queue.open(lab, role="reader")
    handler = queues.registered(queue)

    def grow() -> None:
        with queue.write(power=False) as connection:
            connection.execute("INSERT INTO blob VALUES (hex(randomblob(20)), 1, zeroblob(12000000), 0)")

    grow()
    assert checkpoint.log_size(queue) > 10_000_000
    done = checkpoint.checkpoint(queue, exposed=exposed)
    assert done is not None
    assert not done.busy
    assert checkpoint.log_size(queue) <= 3_000_000
    with reader.read() as connection:
        before = connection.execute("SELECT count(*) FROM blob").fetchone()
        grow()
        checkpoint.checkpoint(queue, exposed=exposed)
        assert checkpoint.log_size(queue) > 10_000_000
        assert connection.execute("SELECT count(*) FROM blob").fetchone() == before
    checkpoint.checkpoint(queue, exposed=exposed)
    assert checkpoint.log_size(queue) <= 3_000_000
    queues.put(queue, handler)
    assert read.counts(queue) == {State.PENDING: 1}
    for one in (reader, queue):
        one.close()


def test_a_kernel_that_enqueues_a_lot_keeps_the_log_bounded(
    lab: LabFolder, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without a worker, the enqueuer itself moves the log into the database, at most once a second."""
    monkeypatch.setattr("tether_lab.job_queue.queue.LARGE_LOG", 200_000)
    queue = Queue.open(lab)
    handler = queues.registered(queue)
    sizes = []
    for _ in range(6):
        queues.put(queue, handler, 1000)
        sizes.append(checkpoint.log_size(queue))
        queue._checkpointed_at = 0.0
    assert max(sizes) < 3_000_000
    assert lab.queue_db.stat().st_size > 500_000
    queue.close()


# -- watching ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("polled", [False, True])
def test_changes_are_told_and_silence_is_not(
    lab: LabFolder, monkeypatch: pytest.MonkeyPatch, polled: bool,
) -> None:
    """By inotify, or by the times of the files where there is none; reading is no change."""
    if polled:
        monkeypatch.setattr("tether_lab.job_queue.watch._inotify", lambda _: -1)
    queue = Queue.open(lab, role="supervisor")
    handler = queues.registered(queue)
    with Changes(lab) as changes:
        assert not changes.wait(0.15)
        read.counts(queue)
        assert not changes.wait(0.15)
        queues.put(queue, handler)
        assert changes.wait(5)
        timer = threading.Timer(0.1, lambda: queues.put(queue, handler))
        timer.start()
        assert changes.wait(5)
        timer.join()
    queue.close()


@pytest.mark.parametrize("polled", [False, True])
async def test_changes_are_told_on_an_event_loop(
    lab: LabFolder, monkeypatch: pytest.MonkeyPatch, polled: bool,
) -> None:
    """The same, without blocking the loop."""
    if polled:
        monkeypatch.setattr("tether_lab.job_queue.watch._inotify", lambda _: -1)
    queue = Queue.open(lab, role="supervisor")
    handler = queues.registered(queue)
    with Changes(lab) as changes:
        assert not await changes.wait_async(0.15)
        writing = asyncio.get_running_loop().run_in_executor(None, lambda: queues.put(queue, handler))
        assert await changes.wait_async(5)
        await writing
    queue.close()


async def test_a_reader_on_an_event_loop_sees_what_the_verbs_wrote(lab: LabFolder) -> None:
    """Rows, pages, attempts, events, outputs, counts; many reads at once; closed after a rest."""
    queue = Queue.open(lab)
    (job_id,) = queues.put(queue, queues.registered(queue))
    (job,) = queues.turn(queue).claimed
    outputs.append(queue, job.claim, [(0, "a")])
    reader = Reader(queue)
    rows = await asyncio.gather(*[reader.get(job_id) for _ in range(10)])
    assert rows == [read.get(queue, job_id)] * 10
    assert await reader.jobs(states={State.RUNNING}) == read.jobs(queue)
    assert await reader.attempts(job_id) == read.attempts(queue, job_id)
    assert await reader.events(job_id) == read.events(queue, job_id)
    assert await reader.outputs(job_id) == [(0, 1, "a")]
    queues.turn(queue, finished=[queues.ending(job)])
    assert await reader.counts() == {State.COMPLETED: 1}
    with pytest.raises(LookupError):
        await reader.get(999)
    await asyncio.to_thread(lambda: eventually(lambda: not open_files(lab), within=8))
    assert (await reader.get(job_id)).state is State.COMPLETED
    await reader.close()
    queue.close()


@pytest.mark.row(39)
async def test_a_cancelled_read_leaves_nothing_locked(lab: LabFolder) -> None:
    """Whatever await it is cancelled at, writers go on and so does the reader."""
    queue = Queue.open(lab)
    handler = queues.registered(queue)
    queue.deadline = 2.0
    reader = Reader(queue)
    for number in range(30):
        task = asyncio.create_task(reader.jobs())
        for _ in range(number % 6):
            await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        queues.put(queue, handler)
    assert len(await reader.jobs(limit=100)) == 30
    await reader.close()
    queue.close()


def test_a_loop_that_ends_early_does_not_keep_the_interpreter(lab: LabFolder, script: Script) -> None:
    """asyncio.run around one read: the process ends at once, without a word on stderr."""
    process = script("import asyncio\nfrom tether_lab.job_queue.reader import Reader\n"
                     "r = Reader(q)\nprint(asyncio.run(r.counts()))\nprint(asyncio.run(r.counts()))")
    out, err = process.communicate(timeout=20)
    assert out.splitlines() == ["{}", "{}"]
    assert err == ""
    assert process.returncode == 0


@pytest.mark.parametrize("stage", ["opening", "reading"])
def test_a_loop_that_ends_under_a_read_hears_nothing(lab: LabFolder, script: Script, stage: str) -> None:
    """The loop is closed while SQLite still reads for it: no word on stderr, and the next loop reads on."""
    slow = ("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000000) "
            "SELECT count(*) FROM n")
    process = script(f"""
import asyncio, time
from tether_lab.job_queue import connection as connecting
from tether_lab.job_queue.reader import Reader
connect = connecting.connect
def slowly(*args, **more):
    time.sleep(0.3)
    return connect(*args, **more)
if {stage!r} == "opening":
    connecting.connect = slowly
r = Reader(q)
async def begin():
    if {stage!r} == "reading":
        await r.counts()
    task = asyncio.create_task(r.fetch({slow!r}, {{}}))
    await asyncio.sleep(0.05)
asyncio.run(begin())
print(asyncio.run(r.counts()))
""")
    out, err = process.communicate(timeout=30)
    assert out.splitlines() == ["{}"]
    assert err == ""


@pytest.mark.row(34)
def test_a_replaced_database_is_never_written_to_in_silence(lab: LabFolder, tmp_path: Path) -> None:
    """The file goes away between two enqueues: the second one fails, the first one is in the old file."""
    queue = Queue.open(lab)
    handler = queues.registered(queue)
    queues.put(queue, handler)
    os.rename(lab.queue_db, tmp_path / "moved.db")
    with pytest.raises(QueueError):
        queues.put(queue, handler)
    with pytest.raises(QueueError):
        retry.retry(queue, 1, NOW)
    queue.close()
