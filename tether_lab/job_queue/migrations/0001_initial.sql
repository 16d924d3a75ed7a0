-- The queue. Times are UTC microseconds, leases nanoseconds of CLOCK_MONOTONIC, ids AUTOINCREMENT.
-- SQLite builds a table for each IN with three words or more, for each row that is written (half of the
-- time of an insert): what decides about most rows stands before it, with OR.
-- JSON is checked by our own layer: with trusted_schema off, SQLite 3.40 refuses json_valid in a CHECK.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Small blobs (< 64 KB) live here; large ones (data IS NULL) in blobs/ab/<digest>.
CREATE TABLE blob (
    digest     TEXT PRIMARY KEY NOT NULL,
    size       INTEGER NOT NULL CHECK (size >= 0),
    data       BLOB,
    touched_at INTEGER NOT NULL
) STRICT;

CREATE TABLE handler_version (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid        TEXT NOT NULL UNIQUE,
    key         TEXT NOT NULL CHECK (length(key) BETWEEN 1 AND 200),
    version     TEXT NOT NULL,
    kind        TEXT NOT NULL CHECK (kind IN ('cell', 'function', 'class', 'shell', 'notebook')),
    source      TEXT NOT NULL,
    parameters  TEXT NOT NULL,
    manifest    TEXT NOT NULL,
    interpreter TEXT NOT NULL,
    provenance  TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    key_id      TEXT NOT NULL,
    mac         BLOB NOT NULL,
    UNIQUE (key, version)
) STRICT;

-- Which blobs a version holds (below: a payload, a result): what nobody holds may be pruned.
CREATE TABLE handler_blob (
    handler_id INTEGER NOT NULL REFERENCES handler_version (id) ON DELETE CASCADE,
    digest     TEXT NOT NULL REFERENCES blob (digest),
    PRIMARY KEY (handler_id, digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE handler (
    key        TEXT PRIMARY KEY NOT NULL,
    head       INTEGER NOT NULL REFERENCES handler_version (id),
    defaults   TEXT NOT NULL,
    options    TEXT NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Jobs with dependencies, and many payloads as one unit. The *_id columns name ordinary jobs that wait
-- (state 'blocked') for the end of the whole; a batch counts its members as they end.
CREATE TABLE chain (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid        TEXT NOT NULL UNIQUE,
    name        TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    finished_at INTEGER,
    complete_id INTEGER
) STRICT;

CREATE TABLE batch (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid        TEXT NOT NULL UNIQUE,
    name        TEXT NOT NULL,
    total       INTEGER NOT NULL CHECK (total >= 0),
    completed   INTEGER NOT NULL DEFAULT 0,
    failed      INTEGER NOT NULL DEFAULT 0,
    cancelled   INTEGER NOT NULL DEFAULT 0,
    expired     INTEGER NOT NULL DEFAULT 0,
    skipped     INTEGER NOT NULL DEFAULT 0,
    created_at  INTEGER NOT NULL,
    finished_at INTEGER,
    then_id     INTEGER,
    catch_id    INTEGER,
    finally_id  INTEGER,
    CHECK (min(completed, failed, cancelled, expired, skipped) >= 0),
    CHECK (completed + failed + cancelled + expired + skipped <= total)
) STRICT;

CREATE TABLE job (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid         TEXT NOT NULL,
    key          TEXT NOT NULL,
    handler_id   INTEGER NOT NULL REFERENCES handler_version (id),
    queue        TEXT NOT NULL,
    payload      TEXT NOT NULL,
    options      TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state = 'pending' OR state = 'running' OR state = 'completed' OR state IN
                     ('blocked', 'scheduled', 'retrying', 'failed', 'cancelled', 'expired', 'skipped')),
    waits_for    TEXT,
    priority     INTEGER NOT NULL,
    run_at       INTEGER NOT NULL,
    expires_at   INTEGER,
    attempt      INTEGER NOT NULL DEFAULT 0 CHECK (attempt >= 0),
    max_attempts INTEGER NOT NULL CHECK (max_attempts >= 1),
    epoch        INTEGER NOT NULL DEFAULT 0,
    crash_count  INTEGER NOT NULL DEFAULT 0,
    gated        INTEGER CHECK (gated = 1),
    slot_key     TEXT,
    slot_max     INTEGER CHECK (slot_max >= 1),
    slot_order   TEXT CHECK (slot_order IS NULL OR slot_order IN ('fifo', 'lifo', 'random', 'by_priority')),
    rate_key     TEXT,
    rate_max     INTEGER CHECK (rate_max >= 1),
    rate_window  INTEGER CHECK (rate_window >= 1),
    worker       TEXT,
    boot_id      TEXT,
    lease_until  INTEGER,
    cancel_requested_at INTEGER,
    cancel_force INTEGER NOT NULL DEFAULT 0 CHECK (cancel_force IN (0, 1)),
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    started_at   INTEGER,
    finished_at  INTEGER,
    progress     TEXT,
    error        TEXT,
    description  TEXT,
    tags         TEXT NOT NULL DEFAULT '[]',
    dedup_key    TEXT,
    dedup_until  INTEGER,
    key_id       TEXT NOT NULL,
    mac          BLOB NOT NULL,
    chain_id     INTEGER REFERENCES chain (id),
    batch_id     INTEGER REFERENCES batch (id),
    step         TEXT,
    deps_left    INTEGER NOT NULL DEFAULT 0 CHECK (deps_left >= 0),
    has_children INTEGER NOT NULL DEFAULT 0 CHECK (has_children IN (0, 1)),
    CHECK ((slot_key IS NULL) = (slot_max IS NULL) AND (slot_key IS NULL) = (slot_order IS NULL)),
    CHECK ((rate_key IS NULL) = (rate_max IS NULL) AND (rate_key IS NULL) = (rate_window IS NULL)),
    CHECK ((state = 'running') = (worker IS NOT NULL)),
    CHECK ((state = 'running') = (lease_until IS NOT NULL)),
    CHECK (iif(state = 'pending' OR state = 'running', finished_at IS NULL, (state = 'completed' OR state IN
              ('failed', 'cancelled', 'expired', 'skipped')) = (finished_at IS NOT NULL)))
) STRICT;

-- The claim reads the first; the second holds what leaves its state by time (due, lease). The third is
-- empty but for jobs with a start deadline, so it costs an ordinary enqueue nothing.
CREATE INDEX job_ready ON job (queue, priority DESC, run_at, id) WHERE state = 'pending' AND waits_for IS NULL;
CREATE INDEX job_timed ON job (state, run_at)
    WHERE (state = 'running' OR state = 'scheduled' OR state = 'retrying');
CREATE INDEX job_expiring ON job (expires_at)
    WHERE expires_at IS NOT NULL AND started_at IS NULL AND state IN ('blocked', 'scheduled', 'pending');
-- One job holds a dedup key; one that failed or was cancelled gives it back.
CREATE UNIQUE INDEX job_dedup ON job (dedup_key)
    WHERE dedup_key IS NOT NULL AND state NOT IN ('failed', 'cancelled');

-- Empty but for jobs with a limit: who holds or wants a slot, who wants to start under a rate, who waits
-- because its queue is paused.
CREATE INDEX job_slot ON job (slot_key, state, waits_for, id)
    WHERE slot_key IS NOT NULL AND state IN ('running', 'pending', 'blocked');
CREATE INDEX job_gated ON job (state, id) WHERE gated = 1 AND state IN ('pending', 'blocked');
CREATE INDEX job_rate ON job (rate_key, waits_for, priority DESC, run_at, id)
    WHERE rate_key IS NOT NULL AND state = 'pending';
CREATE INDEX job_held ON job (waits_for) WHERE waits_for IS NOT NULL AND state = 'pending';

-- Paused queues; the empty name stands for all of them.
CREATE TABLE paused (
    queue TEXT PRIMARY KEY NOT NULL,
    at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The last starts under a rate limit (JSON array of UTC us, oldest first), and when the next may be.
CREATE TABLE rate (
    key     TEXT PRIMARY KEY NOT NULL,
    starts  TEXT NOT NULL,
    window  INTEGER NOT NULL CHECK (window >= 1),
    next_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX rate_next ON rate (next_at) WHERE next_at IS NOT NULL;

-- Empty but for members of chains and batches.
CREATE INDEX job_of_chain ON job (chain_id) WHERE chain_id IS NOT NULL;
CREATE INDEX job_of_batch ON job (batch_id) WHERE batch_id IS NOT NULL;

-- Who waits for whom. 'met': the parent's end lets the child go on; 'broken': it ended the child. verdict: what
-- the edge's condition, if it has one, said about the parent's result; trouble: what it raised.
CREATE TABLE edge (
    parent INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    child  INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    name   TEXT NOT NULL,
    policy TEXT NOT NULL CHECK (policy IN ('fail', 'skip', 'continue')),
    state  TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'met', 'broken')),
    verdict TEXT CHECK (verdict IS NULL OR verdict IN ('yes', 'no', 'failed')),
    trouble TEXT CHECK (trouble IS NULL OR verdict = 'failed'),
    PRIMARY KEY (parent, child),
    UNIQUE (child, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE attempt (
    job_id      INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    epoch       INTEGER NOT NULL,
    attempt     INTEGER NOT NULL,
    worker      TEXT NOT NULL,
    started_at  INTEGER NOT NULL,
    finished_at INTEGER,
    outcome     TEXT,
    error_type  TEXT,
    error       TEXT,
    traceback   TEXT,
    cpu_us      INTEGER,
    peak_bytes  INTEGER,
    exit_code   INTEGER,
    signal      INTEGER,
    pid         INTEGER,
    PRIMARY KEY (job_id, epoch),
    CHECK ((outcome IS NULL) = (finished_at IS NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    epoch  INTEGER NOT NULL,
    kind   TEXT NOT NULL,
    at     INTEGER NOT NULL,
    detail TEXT NOT NULL DEFAULT '{}'
) STRICT;
CREATE INDEX event_of_job ON event (job_id);

-- One row a batch of output. body is JSON; a row may be rewritten (the moving tail).
CREATE TABLE output (
    job_id INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    epoch  INTEGER NOT NULL,
    seq    INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    body   TEXT NOT NULL,
    PRIMARY KEY (job_id, epoch, seq)
) STRICT, WITHOUT ROWID;

-- At most one result a job, ever: the second line of defence behind the fence.
CREATE TABLE result (
    job_id  INTEGER PRIMARY KEY REFERENCES job (id) ON DELETE CASCADE,
    epoch   INTEGER NOT NULL,
    kind    TEXT NOT NULL CHECK (kind = 'json' OR kind IN ('none', 'pickle', 'unavailable')),
    body    TEXT NOT NULL,
    text    TEXT NOT NULL,
    type    TEXT NOT NULL,
    size    INTEGER NOT NULL,
    key_id  TEXT NOT NULL,
    mac     BLOB NOT NULL
) STRICT;

CREATE TABLE result_blob (
    job_id INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    digest TEXT NOT NULL REFERENCES blob (digest),
    PRIMARY KEY (job_id, digest)
) STRICT, WITHOUT ROWID;

-- What a job keeps from attempt to attempt: its checkpoint, the results of its steps. Signed like results.
CREATE TABLE memo (
    job_id  INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    name    TEXT NOT NULL,
    epoch   INTEGER NOT NULL,
    kind    TEXT NOT NULL CHECK (kind IN ('none', 'json', 'pickle')),
    body    TEXT NOT NULL,
    size    INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    key_id  TEXT NOT NULL,
    mac     BLOB NOT NULL,
    PRIMARY KEY (job_id, name)
) STRICT, WITHOUT ROWID;

-- Blobs that a payload (or what a job keeps) refers to.
CREATE TABLE job_blob (
    job_id INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    digest TEXT NOT NULL REFERENCES blob (digest),
    PRIMARY KEY (job_id, digest)
) STRICT, WITHOUT ROWID;

-- A job whose result somebody waits for stays, whoever prunes.
CREATE TRIGGER job_pinned BEFORE DELETE ON job WHEN OLD.has_children AND EXISTS (
    SELECT 1 FROM edge JOIN job child ON child.id = edge.child
     WHERE edge.parent = OLD.id AND child.finished_at IS NULL)
BEGIN SELECT RAISE(IGNORE); END;
CREATE TRIGGER result_pinned BEFORE DELETE ON result WHEN EXISTS (
    SELECT 1 FROM edge JOIN job child ON child.id = edge.child
     WHERE edge.parent = OLD.job_id AND child.finished_at IS NULL)
BEGIN SELECT RAISE(IGNORE); END;

-- Pruning asks who holds a blob.
CREATE INDEX handler_blob_digest ON handler_blob (digest);
CREATE INDEX result_blob_digest ON result_blob (digest);
CREATE INDEX job_blob_digest ON job_blob (digest);

-- Rules that enqueue jobs in time. next_at is the first fire not dealt with, NULL when it is over. The
-- jobs follow the handler's head; the signature covers what decides which jobs will come.
CREATE TABLE schedule (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid       TEXT NOT NULL UNIQUE,
    name       TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 200),
    key        TEXT NOT NULL REFERENCES handler (key),
    rule       TEXT NOT NULL,
    payload    TEXT NOT NULL,
    options    TEXT NOT NULL,
    next_at    INTEGER,
    paused     INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
    trouble    TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    key_id     TEXT NOT NULL,
    mac        BLOB NOT NULL
) STRICT;
CREATE INDEX schedule_next ON schedule (next_at) WHERE next_at IS NOT NULL AND paused = 0;

-- What became of each fire. The key is what makes a fire happen once, however many workers look.
CREATE TABLE fire (
    schedule_id INTEGER NOT NULL REFERENCES schedule (id) ON DELETE CASCADE,
    at          INTEGER NOT NULL,
    seen_at     INTEGER NOT NULL,
    outcome     TEXT NOT NULL CHECK (outcome IN ('enqueued', 'skipped', 'missed', 'asked')),
    job_id      INTEGER REFERENCES job (id) ON DELETE SET NULL,
    CHECK (job_id IS NULL OR outcome IN ('enqueued', 'asked')),
    PRIMARY KEY (schedule_id, at)
) STRICT, WITHOUT ROWID;
CREATE INDEX fire_job ON fire (job_id) WHERE job_id IS NOT NULL;

-- What hooks are to be told: written by whoever changes a job, in the same transaction, and turned into
-- jobs by the worker. Empty where nobody hooks and nobody asked to be notified. job_id is the number of a
-- chain or batch where the kind says so.
CREATE TABLE happening (
    id         INTEGER PRIMARY KEY,
    kind       TEXT NOT NULL CHECK (kind LIKE 'on_%'),
    job_id     INTEGER NOT NULL,
    epoch      INTEGER NOT NULL DEFAULT 0,
    state      TEXT NOT NULL DEFAULT '',
    attempt    INTEGER NOT NULL DEFAULT 0,
    started_at INTEGER,
    error      TEXT,
    at         INTEGER NOT NULL,
    detail     TEXT NOT NULL DEFAULT '{}'
) STRICT;

-- (Changes of jobs are written here by a trigger that is there while somebody hooks: sql/listen_happened.sql.)
CREATE TRIGGER chain_happened AFTER UPDATE OF finished_at ON chain
WHEN NEW.finished_at IS NOT NULL AND OLD.finished_at IS NULL
 AND EXISTS (SELECT 1 FROM handler WHERE key >= '~on_chain_complete:' AND key < '~on_chain_complete;')
BEGIN INSERT INTO happening (kind, job_id, at) VALUES ('on_chain_complete', NEW.id, NEW.finished_at); END;
CREATE TRIGGER batch_happened AFTER UPDATE OF finished_at ON batch
WHEN NEW.finished_at IS NOT NULL AND OLD.finished_at IS NULL
 AND EXISTS (SELECT 1 FROM handler WHERE key >= '~on_batch_complete:' AND key < '~on_batch_complete;')
BEGIN INSERT INTO happening (kind, job_id, at) VALUES ('on_batch_complete', NEW.id, NEW.finished_at); END;
-- Jobs meant to run for ever: each is a row of job in the queue '~services', which has places of its own and
-- is shown apart. What it runs is said here and signed; the job follows at each claim. update_every is µs.
CREATE TABLE service (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid          TEXT NOT NULL UNIQUE,
    name          TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 200),
    key           TEXT NOT NULL REFERENCES handler (key),
    payload       TEXT NOT NULL,
    options       TEXT NOT NULL,
    update_every  INTEGER NOT NULL CHECK (update_every >= 1),
    title         TEXT NOT NULL,
    body          TEXT NOT NULL,
    note          TEXT NOT NULL DEFAULT '',
    note_at       INTEGER NOT NULL DEFAULT 0,
    wanted        INTEGER NOT NULL CHECK (wanted IN (0, 1)),
    job_id        INTEGER REFERENCES job (id) ON DELETE SET NULL,
    started_epoch INTEGER NOT NULL DEFAULT 0,
    changed_at    INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    key_id        TEXT NOT NULL,
    mac           BLOB NOT NULL
) STRICT;
CREATE INDEX service_job ON service (job_id);

-- Messages to services, in order, until they are done with. tries: in how many attempts it was handed over.
CREATE TABLE service_message (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    service_id INTEGER NOT NULL REFERENCES service (id) ON DELETE CASCADE,
    at         INTEGER NOT NULL,
    body       TEXT NOT NULL,
    epoch      INTEGER NOT NULL DEFAULT -1,
    tries      INTEGER NOT NULL DEFAULT 0,
    given_up   INTEGER NOT NULL DEFAULT 0 CHECK (given_up IN (0, 1))
) STRICT;
CREATE INDEX service_message_next ON service_message (service_id, id);

-- What makes jobs beside people and clocks: files that change, another key's job that ends, a web request.
-- about: JSON of what it looks at. seen_at (UTC us): files changed later than that count.
CREATE TABLE cause (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid       TEXT NOT NULL UNIQUE,
    name       TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 200),
    kind       TEXT NOT NULL CHECK (kind IN ('files', 'job', 'web')),
    key        TEXT NOT NULL REFERENCES handler (key),
    about      TEXT NOT NULL,
    payload    TEXT NOT NULL,
    options    TEXT NOT NULL,
    after_key  TEXT,
    paused     INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
    trouble    TEXT,
    fired      INTEGER NOT NULL DEFAULT 0,
    fired_at   INTEGER,
    seen_at    INTEGER NOT NULL,
    job_id     INTEGER REFERENCES job (id) ON DELETE SET NULL,
    created_at INTEGER NOT NULL,
    key_id     TEXT NOT NULL,
    mac        BLOB NOT NULL,
    CHECK ((kind = 'job') = (after_key IS NOT NULL))
) STRICT;
CREATE INDEX cause_after ON cause (after_key) WHERE after_key IS NOT NULL AND paused = 0;
CREATE INDEX cause_job ON cause (job_id) WHERE job_id IS NOT NULL;

-- Ends that triggers wait for, written with the end itself (by sql/listen_caused.sql, which is there while a
-- trigger waits for any); the worker makes jobs of them.
CREATE TABLE caused (
    id       INTEGER PRIMARY KEY,
    cause_id INTEGER NOT NULL REFERENCES cause (id) ON DELETE CASCADE,
    job_id   INTEGER NOT NULL,
    job_uuid TEXT NOT NULL,
    job_key  TEXT NOT NULL,
    state    TEXT NOT NULL
) STRICT;

CREATE TABLE worker (
    id         TEXT PRIMARY KEY NOT NULL,
    pid        INTEGER NOT NULL,
    boot_id    TEXT NOT NULL,
    host       TEXT NOT NULL,
    version    TEXT NOT NULL,
    runners    INTEGER NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('running', 'draining', 'stopped', 'dead')),
    started_at INTEGER NOT NULL,
    beat_at    INTEGER NOT NULL,
    detail     TEXT NOT NULL DEFAULT '{}'
) STRICT, WITHOUT ROWID;
