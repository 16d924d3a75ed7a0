"""The sub-commands of ``%jobs``: each reads its words, calls one verb of the lab, shows the answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tether_lab.errors import OptionError
from tether_lab.job import State, states
from tether_lab.job.duration import seconds
from tether_lab.job.state import ALIASES, GROUPS

from .flags import Flag
from .parsing import Words, job_ids, nearest, read_words

if TYPE_CHECKING:
    from tether_lab.lab import Job, Lab

    from .cards import Cards

FLAGS = (
    Flag("with_code", "", "retry: with the newest code of the handler."),
    Flag("fresh_seed", "", "retry: with other random numbers than before."),
    Flag("force", "", "cancel: end the process at once."),
    Flag("timeout", "10s", "wait: give up waiting after this long."),
    Flag("all", "", "cancel: everything that is not final; list: no limit."),
    Flag("dry_run", "", "prune: only count."),
    Flag("start", "", "debug: step through it from its first line."),
    Flag("help", "", "Show this.", "-h"),
)
STATUSES = (*(state.value for state in State), *GROUPS, *ALIASES)
DASHBOARD = ("status", "key", "queue", "tag", "tab", "rows")
REPORT = ("since", "until", "key", "tag", "theme")
FILTERS = ("status", "key", "tag", "queue", "chain", "batch", "search", "since", "limit", "offset")


def _reads_its_line(word: str) -> Callable[[Lab, str, dict[str, Any]], object] | None:
    """Who reads the rest of the line as that of a job, or of a group."""
    match word:
        case "schedule" | "schedules":
            from .schedule_verbs import schedule

            return schedule
        case "service" | "services":
            from .service_verbs import service

            return service
        case "trigger" | "triggers":
            from .trigger_verbs import trigger

            return trigger
        case "chain" | "chains":
            from .group_verbs import chain

            return chain
        case "batch" | "batches":
            from .group_verbs import batch

            return batch
    return None


class JobsVerbs:
    """What ``%jobs`` can do for one shell."""

    def __init__(self, shell: Any, cards: Cards, lab: Callable[[], Lab]) -> None:
        self._shell, self._cards, self._open = shell, cards, lab

    def run(self, line: str) -> object:
        """Do what the line says; what the cell should show."""
        word, its_line = (*line.split(None, 1), "", "")[:2]
        if (verb := _reads_its_line(word)) is not None:
            return verb(self._open(), its_line.strip(), self._shell.user_ns)
        words = read_words(line, FLAGS)
        if "help" in words.flags:
            _say(help_text())
            return None
        first = words.words[0].lower() if words.words else "list"
        rest = Words(words.words[1:], words.pairs, words.flags)
        if first in VERBS:
            return VERBS[first].run(self, rest)
        if first.isdecimal():
            self.show(words)
            return None
        if first in STATUSES or any(part in STATUSES for part in first.split(",")):
            return self.table(words)
        known = [*VERBS, *STATUSES]
        raise OptionError(f"%jobs knows no {first!r}{nearest(first, known)}",
                          remedy=f"It takes {', '.join(VERBS)}, a status, or the number of a job.")

    def table(self, words: Words) -> object:
        from tether_lab.views.mime import Shown, table_bundle
        from tether_lab.views.tables import jobs_table

        unknown = [name for name in words.pairs if name not in FILTERS]
        if unknown:
            raise OptionError(f"there is no filter {unknown[0]!r}{nearest(unknown[0], FILTERS)}",
                              remedy=f"Filters: {', '.join(f'{name}=…' for name in FILTERS)}.")
        status = words.pairs.get("status") or ",".join(words.words)
        chosen = _states(status) if status else None
        limit = None if "all" in words.flags else _number(words.pairs, "limit", 20)
        rows = self._open().rows(
            status=chosen, key=words.pairs.get("key"), tag=words.pairs.get("tag"),
            queue=words.pairs.get("queue"), chain=_maybe(words.pairs, "chain"),
            batch=_maybe(words.pairs, "batch"), search=words.pairs.get("search"),
            since=words.pairs.get("since"), limit=limit, offset=_number(words.pairs, "offset", 0))
        said = " ".join([status, *(f"{n}={v}" for n, v in words.pairs.items() if n not in ("status", "limit"))])
        total = None if said.strip() else self._open().stats().total
        return Shown(table_bundle(jobs_table(rows, _now(), total=total, filtered=said.strip())))

    def show(self, words: Words) -> None:
        for job in self._jobs(words.words, "show"):
            self._cards.show(job, full=True)

    def output(self, words: Words) -> None:
        from tether_lab.views.replay import republish

        for job in self._jobs(words.words, "output"):
            if not republish(job.outputs):
                _say(f"Job {job.id} ({job.status}) has shown nothing"
                     f"{'' if job.row.is_final else ' yet'}.")

    def follow(self, words: Words) -> object:
        from .follow import follow

        (job,) = self._jobs(words.words, "follow", most=1)
        return follow(job, self._cards, with_card=True)

    def wait(self, words: Words) -> object:
        limit = words.flags.get("timeout", words.pairs.get("timeout"))
        patience = None if limit is None else seconds(limit, what="timeout")
        begun, jobs = time.monotonic(), self._jobs(words.words, "wait")
        for job in jobs:
            left = None if patience is None else max(0.0, patience - (time.monotonic() - begun))
            job.wait(left)
        return jobs[0] if len(jobs) == 1 else self._table(jobs)

    def cancel(self, words: Words) -> None:
        lab, force = self._open(), "force" in words.flags
        everything = "all" in words.flags or words.words == ("all",)
        if everything or words.pairs:
            unknown = [name for name in words.pairs if name not in ("key", "tag")]
            if unknown or len(words.pairs) + everything != 1:
                raise OptionError("cancel what?", remedy="%jobs cancel 12, key=…, tag=… or all.")
            counts = lab.cancel(key=words.pairs.get("key"), tag=words.pairs.get("tag"), all=everything,
                                force=force)
        else:
            counts = lab.cancel([job.id for job in self._jobs(words.words, "cancel")], force=force)
        _say(_cancelled(counts))

    def retry(self, words: Words) -> object:
        jobs = [job.retry(with_code="with_code" in words.flags, fresh_seed="fresh_seed" in words.flags)
                for job in self._jobs(words.words, "retry")]
        return jobs[0] if len(jobs) == 1 else self._table(jobs)

    def load(self, words: Words) -> None:
        """``%jobs load 12 [name …]``: kept variables (``name=new`` renames) into the namespace."""
        if not words.words or not words.words[0].isdecimal():
            raise OptionError("load which job?", remedy="%jobs load 12, or %jobs load 12 model hist.")
        (job,) = self._jobs(words.words[:1], "load")
        found = dict(job.vars)
        wanted = {name: name for name in words.words[1:]} | words.pairs
        missing = [name for name in wanted if name not in found]
        if missing:
            raise OptionError(f"job {job.id} kept no {missing[0]!r}{nearest(missing[0], found)}",
                              remedy=f"It kept {', '.join(found) or 'none'}; --keep NAME,NAME keeps some.")
        if not found:
            raise OptionError(f"job {job.id} kept no variables", remedy="Keep some with --keep NAME,NAME.")
        loaded = {wanted[name]: found[name] for name in wanted} if wanted else found
        bad = [name for name in loaded if not name.isidentifier()]
        if bad:
            raise OptionError(f"{bad[0]!r} cannot be the name of a variable")
        self._shell.push(loaded)
        _say(f"Loaded {', '.join(loaded)} from job {job.id}.")

    def handlers(self, words: Words) -> object:  # noqa: ARG002 — every verb takes its words
        from tether_lab.views.mime import Shown, table_bundle
        from tether_lab.views.tables import handler_table

        return Shown(table_bundle(handler_table(self._open().handlers(), _now())))

    def pause(self, words: Words) -> None:
        for name in words.words or (None,):
            self._open().pause(name)
        _say(f"{', '.join(words.words) or 'Everything'}: paused; what runs goes on.")

    def resume(self, words: Words) -> None:
        for name in words.words or (None,):
            self._open().resume(name)
        _say(f"{', '.join(words.words) or 'Everything'}: resumed.")

    def prune(self, words: Words) -> None:
        found = self._open().prune(words.pairs.get("older_than"), dry_run="dry_run" in words.flags)
        would = "would be removed" if "dry_run" in words.flags else "were removed"
        _say(f"{found.jobs:,} jobs {would}.")

    def queues(self, words: Words) -> object:  # noqa: ARG002 — every verb takes its words
        from tether_lab.views.mime import Shown, table_bundle
        from tether_lab.views.tables import queues_table

        return Shown(table_bundle(queues_table(
            [(q.name, q.weight, q.paused, q.depth) for q in self._open().queues()])))

    def dashboard(self, words: Words) -> object:
        unknown = [name for name in words.pairs if name not in DASHBOARD]
        if unknown or len(words.words) > 1:
            raise OptionError("a dashboard of what?", remedy=VERBS["dashboard"].usage("dashboard"))
        status = words.words[0] if words.words else words.pairs.get("status")
        return self._open().dashboard(
            status, key=words.pairs.get("key"), queue=words.pairs.get("queue"), tag=words.pairs.get("tag"),
            tab=words.pairs.get("tab"), rows=_number(words.pairs, "rows", 25))

    def report(self, words: Words) -> None:
        unknown = [name for name in words.pairs if name not in REPORT]
        if unknown or len(words.words) != 1:
            what = f"a report takes no {unknown[0]!r}{nearest(unknown[0], REPORT)}" if unknown else (
                "a report into which file?")
            raise OptionError(what, remedy=VERBS["report"].usage("report"))
        _say(f"The report is in {self._open().report(words.words[0], **words.pairs)}.")

    def beside(self, words: Words) -> object:  # noqa: ARG002 — every verb takes its words
        raise AssertionError("``run`` hands its line to those who read it themselves")

    def stats(self, words: Words) -> object:
        return self._open().stats(words.pairs.get("since", "1d"))

    def history(self, words: Words) -> object:
        known = ("status", "since", "limit")
        unknown = [name for name in words.pairs if name not in known]
        if unknown or len(words.words) > 1:
            raise OptionError("history of what?", remedy="%jobs history [KEY] [status=… since=2h limit=20]")
        return self._open().history(
            words.words[0] if words.words else None, status=words.pairs.get("status"),
            since=words.pairs.get("since"), limit=_number(words.pairs, "limit", 20))

    def edit(self, words: Words) -> None:
        (job,) = self._jobs(words.words, "edit", most=1)
        self._shell.set_next_input(cell_text(job))
        _say(f"The code of job {job.id} is in the next cell.")

    def debug(self, words: Words) -> object:
        (job,) = self._jobs(words.words, "debug", most=1)
        return job.debug(start="start" in words.flags)

    def stack(self, words: Words) -> None:
        for job in self._jobs(words.words, "stack"):
            _say(job.stack())

    def events(self, words: Words) -> object:
        from tether_lab.views.mime import Shown, table_bundle
        from tether_lab.views.tables import events_table

        (job,) = self._jobs(words.words, "events", most=1)
        return Shown(table_bundle(events_table(job.id, job.events, _now())))

    def _jobs(self, words: tuple[str, ...], verb: str, *, most: int = 10_000) -> list[Job]:
        ids = job_ids(words)
        if not ids or len(ids) > most:
            raise OptionError(f"{verb} {'which job' if not ids else 'takes one job'}?",
                              remedy=f"Write %jobs {verb} 12; %jobs lists them.")
        return [self._open().get(number) for number in ids]

    def _table(self, jobs: list[Job]) -> object:
        from tether_lab.views.mime import Shown, table_bundle
        from tether_lab.views.tables import jobs_table

        return Shown(table_bundle(jobs_table([job.row for job in jobs], _now())))


class Verb:
    """A sub-command: what runs it, and its line in the help."""

    def __init__(self, run: Callable[[JobsVerbs, Words], object], takes: str, help_: str) -> None:
        self.run, self.takes, self.help = run, takes, help_

    def usage(self, name: str) -> str:
        """How it is typed."""
        return f"%jobs {name} {self.takes}".rstrip()


VERBS = {
    "list": Verb(JobsVerbs.table, "[STATUS] [key=… tag=… queue=… chain=3 batch=4 search=… since=2h limit=20]",
                 "List jobs, newest first."),
    "show": Verb(JobsVerbs.show, "ID …", "A job's card with everything in it."),
    "output": Verb(JobsVerbs.output, "ID", "Put its outputs into this cell."),
    "follow": Verb(JobsVerbs.follow, "ID", "Watch its outputs until it ends."),
    "wait": Verb(JobsVerbs.wait, "ID … [--timeout 10s]", "Wait until they end."),
    "cancel": Verb(JobsVerbs.cancel, "ID … | key=… | tag=… | all [--force]", "Cancel, whatever the status."),
    "retry": Verb(JobsVerbs.retry, "ID … [--with-code] [--fresh-seed]", "Run again, with the same payload."),
    "load": Verb(JobsVerbs.load, "ID [NAME …]", "Bring kept variables into the notebook."),
    "edit": Verb(JobsVerbs.edit, "ID", "Put its code into a new cell."),
    "debug": Verb(JobsVerbs.debug, "ID [--start]", "Run it here, with the debugger where it raises."),
    "stack": Verb(JobsVerbs.stack, "ID", "Where a running job is now."),
    "events": Verb(JobsVerbs.events, "ID", "What happened to it."),
    "dashboard": Verb(JobsVerbs.dashboard, "[STATUS] [key=… queue=… tag=… tab=analytics rows=50]",
                      "A live view of the lab, with buttons."),
    "report": Verb(JobsVerbs.report, "week.html [since=7d until=… key=… tag=… theme=dark]",
                   "All figures of a time as one page, a file that needs nothing else."),
    "handlers": Verb(JobsVerbs.handlers, "", "The registered handlers."),
    "history": Verb(JobsVerbs.history, "[KEY] [status=… since=2h limit=20]", "What ran, a line an attempt."),
    "pause": Verb(JobsVerbs.pause, "[QUEUE …]", "Start nothing more of these queues, or of any."),
    "resume": Verb(JobsVerbs.resume, "[QUEUE …]", "End a pause."),
    "queues": Verb(JobsVerbs.queues, "", "Queues: weight, paused or not, how many wait."),
    "prune": Verb(JobsVerbs.prune, "[older_than=30d] [--dry-run]", "Remove ended jobs whose time is over."),
    "chain": Verb(JobsVerbs.beside, "ID [cancel | retry]", "A chain; cancel it, or go on from what failed."),
    "chains": Verb(JobsVerbs.beside, "", "The newest chains."),
    "batch": Verb(JobsVerbs.beside, "ID [cancel | retry]", "A batch; cancel it, or run again what failed."),
    "batches": Verb(JobsVerbs.beside, "", "The newest batches."),
    "schedule": Verb(JobsVerbs.beside, "KEY [name=value …] --interval 1h | --cron … | --help",
                     "Run a handler again and again; show, pause, resume, run, remove NAME."),
    "schedules": Verb(JobsVerbs.beside, "", "All schedules, the next to fire first."),
    "trigger": Verb(JobsVerbs.beside, "KEY [name=value …] --files … | --after KEY | --web | --help",
                    "Run a handler when something happens; show, pause, resume, fire, remove NAME."),
    "triggers": Verb(JobsVerbs.beside, "", "All triggers: what they wait for, what came of it."),
    "service": Verb(JobsVerbs.beside, "start KEY [name=value …] [--every 10s] | stop | send NAME … | --help",
                    "Run a handler for ever; show, stop, restart, send, events, remove NAME."),
    "services": Verb(JobsVerbs.beside, "", "All services: how they are, what they say."),
    "stats": Verb(JobsVerbs.stats, "[since=1d]", "How many jobs stand where, rates, waits, times by key."),
}


def help_text() -> str:
    """The help of ``%jobs``, one line a sub-command."""
    usages = {name: verb.usage(name) for name, verb in VERBS.items()}
    width = max(map(len, usages.values()))
    lines = [f"  {usages[name].ljust(width)}  {verb.help}" for name, verb in VERBS.items()]
    return "\n".join(["%jobs [sub-command] …", "", *lines, "",
                      f"Status: {', '.join(STATUSES)}.", "ID: 12, 12,15 or 12-15."])


def cell_text(job: Job) -> str:
    """A cell that would enqueue this job again: its line and its source."""
    version = job.version
    if version.kind == "notebook":
        return f"%job {version.manifest.shell['notebook']} " + " ".join(
            f"{name}={value!r}" for name, value in job.payload.items())
    if version.kind not in ("cell", "shell"):
        return str(version.source)
    line = ["%%job", version.key]
    payload = job.payload
    line += [f"{name}={value!r}" for name, value in payload.items()
             if name.isidentifier() and not (isinstance(value, dict) and "$blob" in value)]
    if version.kind == "shell":
        line.append("--shell")
    return f"{' '.join(line)}\n{version.source}"


def _states(text: str) -> frozenset[State]:
    try:
        return states(text)
    except ValueError as error:
        raise OptionError(str(error), where="status") from None


def _maybe(pairs: dict[str, str], name: str) -> int | None:
    return _number(pairs, name, 0) if name in pairs else None


def _number(pairs: dict[str, str], name: str, default: int) -> int:
    text = pairs.get(name)
    if text is None:
        return default
    if not text.isdecimal():
        raise OptionError(f"{name} is a whole number; got {text!r}", where=name)
    return int(text)


def _cancelled(counts: dict[State, int]) -> str:
    ended = {state: n for state, n in counts.items() if n}
    running = ended.pop(State.RUNNING, 0)
    finished = sum(ended.pop(state) for state in list(ended) if state in GROUPS["final"])
    waiting = sum(ended.values())
    said = []
    if waiting:
        said.append(f"{waiting} cancelled before {'it' if waiting == 1 else 'they'} started")
    if running:
        said.append(f"{running} running, asked to stop")
    if finished:
        said.append(f"{finished} had ended already")
    return (", ".join(said) or "Nothing to cancel") + "."


def _say(text: str) -> None:
    print(text)  # noqa: T201 — the answer of a magic


def _now() -> int:
    return time.time_ns() // 1000
