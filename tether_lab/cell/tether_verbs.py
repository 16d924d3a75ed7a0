"""The sub-commands of ``%tether``: the worker, the lab, the settings; and ``%jobs`` under this name
where another extension owns that one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tether_lab.errors import OptionError

from .flags import CELL, CELL_HELP, LINE_HELP, Flag, help_text
from .jobs_verbs import JobsVerbs, help_text as jobs_help
from .parsing import Words, nearest, read_words

if TYPE_CHECKING:
    from .current import Current

FLAGS = (
    Flag("now", "", "stop: end running jobs at once; they go back to the queue."),
    Flag("drain", "30s", "stop: let running jobs go on for this long."),
    Flag("executor", "dask=tcp://host:8786", "start: run attempts on the places of a cluster."),
    Flag("runners", "N", "start: jobs that may run at once."),
    Flag("accept", "", "trust: sign all of it with your key."),
    Flag("help", "", "Show this.", "-h"),
)


class TetherVerbs:
    """What ``%tether`` can do for one shell."""

    def __init__(self, current: Current, jobs: JobsVerbs) -> None:
        self._current, self._jobs = current, jobs

    def run(self, line: str) -> object:
        """Do what the line says; what the cell should show."""
        first, _, rest = line.strip().partition(" ")
        if first == "jobs":
            return self._jobs.run(rest)
        words = read_words(line, FLAGS)
        if "help" in words.flags:
            self.help(words)
            return None
        verb = words.words[0].lower() if words.words else "status"
        if verb not in VERBS:
            raise OptionError(f"%tether knows no {verb!r}{nearest(verb, [*VERBS, 'jobs'])}",
                              remedy=f"It takes {', '.join([*VERBS, 'jobs'])}.")
        return VERBS[verb][0](self, Words(words.words[1:], words.pairs, words.flags))

    def start(self, words: Words) -> None:
        lab = self._current.lab
        before = lab.worker.is_running()
        executor, runners = (str(words.flags[name]) if name in words.flags else None
                             for name in ("executor", "runners"))
        if before and (executor or runners):
            raise OptionError(f"the worker of {lab.name} is running already, as it was started",
                              remedy="%tether stop first; what runs goes back to the queue or is waited for.")
        status = lab.worker.start(executor=executor, runners=runners)
        _say(f"The worker of {lab.name} {'is running already' if before else 'started'} (pid {status.pid}).")

    def stop(self, words: Words) -> None:
        from tether_lab.job import State
        from tether_lab.job.duration import seconds

        lab = self._current.lab
        if not lab.worker.is_running():
            _say(f"No worker runs for {lab.name}.")
            return
        drain = words.flags.get("drain")
        running = lab.counts().get(State.RUNNING, 0)
        if running and "now" not in words.flags:
            patience = lab.settings.drain_grace if drain is None else seconds(drain, what="drain")
            _say(f"{running} running: the worker waits up to {patience:g} s for that to finish, then puts it "
                 "back; that burns no attempt. Interrupt and use %tether stop --now to stop at once.")
        lab.worker.stop(drain=None if drain is None else seconds(drain, what="drain"),
                        now="now" in words.flags)
        _say(f"The worker of {lab.name} stopped; what was not finished waits in the queue.")

    def status(self, words: Words) -> object:  # noqa: ARG002 — every verb takes its words
        from tether_lab.lab.places import executor_line
        from tether_lab.views.mime import Shown, table_bundle
        from tether_lab.views.tables import pairs_table, worker_line

        lab = self._current.lab
        status = lab.worker.status()
        said = worker_line(running=status.running, pid=status.pid).text
        jobs = ", ".join(f"{n:,} {state}" for state, n in lab.stats().states.items() if n)
        elsewhere = executor_line(lab)
        return Shown(table_bundle(pairs_table("Lab", [
            ("worker", said), *([("runs on", elsewhere)] if elsewhere else []),
            ("jobs", jobs or "none yet"), ("lab", lab.name),
            ("folder", str(lab.folder.path))], "%tether help lists what the magics take")))

    def use(self, words: Words) -> None:
        if len(words.words) != 1:
            from tether_lab.settings import known_labs

            names = ", ".join(folder.name for folder in known_labs()) or "none yet"
            raise OptionError("use which lab?", remedy=f"%tether use NAME or PATH. Known: {names}.")
        lab = self._current.use(words.words[0])
        _say(f"Magics now speak to the lab {lab.name} ({lab.folder.path}).")

    def config(self, words: Words) -> object:
        """All settings with where they come from, or one of them."""
        from tether_lab.settings import Settings
        from tether_lab.views.mime import Shown, table_bundle
        from tether_lab.views.tables import pairs_table

        folder = self._current.lab.folder
        found = Settings.origins(folder)
        if words.pairs:
            name = next(iter(words.pairs))
            raise OptionError("a setting is changed in a file, so that the worker reads it too",
                              remedy=f"Write {name} = … into {folder.settings_file}, then %tether stop.")
        unknown = [name for name in words.words if name not in found]
        if unknown:
            raise OptionError(f"there is no setting {unknown[0]!r}{nearest(unknown[0], found)}",
                              remedy=f"Settings: {', '.join(found)}.")
        chosen = words.words or tuple(found)
        pairs = [(name, f"{found[name][0]}  ({found[name][1]})") for name in chosen]
        return Shown(table_bundle(pairs_table("Settings", pairs, str(folder.settings_file))))

    def modules(self, words: Words) -> object:  # noqa: ARG002 — every verb takes its words
        from tether_lab.views.mime import Shown, table_bundle
        from tether_lab.views.tables import modules_table

        return Shown(table_bundle(modules_table(
            [(m.name, f"{m.package} {m.version}", m.handlers, m.error) for m in self._current.lab.modules()])))

    def doctor(self, words: Words) -> object:  # noqa: ARG002 — every verb takes its words
        """What may be wrong, and what to do."""
        return self._current.lab.doctor()

    def trust(self, words: Words) -> object:
        """Whose lab it is and what it would run; ``--accept`` makes it one's own."""
        return self._current.lab.trust(accept="accept" in words.flags)

    def keys(self, words: Words) -> object:
        """The keys there are, or one of their verbs."""
        keys = self._current.lab.keys
        match words.words:
            case ():
                return keys
            case ("rotate",):
                _say(f"{keys.rotate(_say, wait='background' not in words.flags)} signs what is new.")
            case ("rekey",):
                _say(f"{keys.rekey(_say):,} handlers and jobs are left under older keys.")
            case ("retire", name):
                keys.retire(name)
            case ("export", path):
                _say(f"{keys.export(path)} has your keys: whoever reads it can sign and read as you.")
            case ("import", path):
                _say(f"New here: {', '.join(keys.import_(path)) or 'none'}.")
            case _:
                raise OptionError(f"%tether keys {' '.join(words.words)}", where="keys",
                                  remedy="%tether keys [rotate | rekey | retire ID | export FILE | import "
                                         "FILE]; passphrases are typed in a terminal: tether-lab keys.")
        return None

    def backup(self, words: Words) -> None:
        """The lab into a new folder."""
        _say(f"{self._current.lab.backup(_one(words, 'FOLDER'))} has the lab as it is now.")

    def export(self, words: Words) -> object:
        """Ended jobs into a file."""
        return self._current.lab.export(_one(words, "FILE"))

    def import_(self, words: Words) -> object:
        """What another lab exported."""
        return self._current.lab.import_(_one(words, "FILE"))

    def help(self, words: Words) -> None:  # noqa: ARG002 — every verb takes its words
        usages = {name: f"%tether {name} {takes}".rstrip() for name, (_, takes, _help) in VERBS.items()}
        width = max(map(len, usages.values()))
        lines = [f"  {usages[name].ljust(width)}  {said}" for name, (_, _takes, said) in VERBS.items()]
        _say("\n".join([help_text(CELL_HELP, CELL), "", LINE_HELP, "", jobs_help(), "",
                        "%tether [sub-command] …", "", *lines,
                        "  %tether jobs …  the same as %jobs …, where another extension owns that name."]))


VERBS: dict[str, tuple[Callable[[TetherVerbs, Words], object], str, str]] = {
    "status": (TetherVerbs.status, "", "The worker, the lab, how many jobs stand where."),
    "start": (TetherVerbs.start, "[--executor dask] [--runners N]",
              "Start the worker (the first job does, too)."),
    "stop": (TetherVerbs.stop, "[--now | --drain 30s]", "Stop it; unfinished jobs wait in the queue."),
    "use": (TetherVerbs.use, "NAME|PATH", "Speak to another lab."),
    "config": (TetherVerbs.config, "[SETTING …]", "Settings and where they come from."),
    "modules": (TetherVerbs.modules, "", "What installed packages contribute, registered with this lab."),
    "doctor": (TetherVerbs.doctor, "", "What may be wrong, in words, and what to do."),
    "trust": (TetherVerbs.trust, "[--accept]", "Whose lab this is, what it would run; make it yours."),
    "keys": (TetherVerbs.keys, "[rotate|rekey|retire ID|export FILE|import FILE]", "Your keys."),
    "backup": (TetherVerbs.backup, "FOLDER", "Copy the lab, while it works."),
    "export": (TetherVerbs.export, "FILE", "Ended jobs and their handlers, for another lab."),
    "import": (TetherVerbs.import_, "FILE", "Take in what another lab exported."),
    "help": (TetherVerbs.help, "", "Everything the magics take."),
}


def _say(text: str) -> None:
    print(text)  # noqa: T201 — the answer of a magic


def _one(words: Words, what: str) -> str:
    if len(words.words) != 1:
        raise OptionError(f"one {what}, please", where="path", remedy=f"%tether backup|export|import {what}")
    return words.words[0]
