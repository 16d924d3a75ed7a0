"""The flags of the magics, made from ``job.options``, and the help that is made from them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tether_lab.job import OPTIONS


@dataclass(frozen=True, slots=True)
class Flag:
    """``takes`` is what its value looks like (empty: it takes none); ``optional`` values need ``=``;
    ``many`` may be given again, the names add up."""

    name: str
    takes: str
    help: str
    short: str = ""
    optional: bool = False
    many: bool = False

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")

    @property
    def usage(self) -> str:
        """As in help: ``-n, --register`` or ``--cache[=AGE]``."""
        names = f"{self.short}, {self.flag}" if self.short else self.flag
        if not self.takes:
            return names
        return f"{names}[={self.takes}]" if self.optional else f"{names} {self.takes}"


def _declared() -> tuple[Flag, ...]:
    """One flag an option, and ``--retries`` as people know it."""
    flags = []
    for option in OPTIONS:
        flags.append(Flag(option.name, option.takes, option.help, optional=option.name == "cache",
                          many=option.name in ("keep", "tags")))
        if option.name == "max_attempts":
            flags.append(Flag("retries", "N", "Try again up to N times after a failure."))
    return tuple(flags)


OPTION_FLAGS = _declared()
AFTER = next(flag for flag in OPTION_FLAGS if flag.name == "after")
WATCH_FLAGS = (
    Flag("wait", "", "Stream the outputs into the cell like a plain cell; raise if the job fails.", "-w"),
    Flag("follow", "", "The same, with the job's card above the outputs.", "-f"),
    Flag("help", "", "Show this.", "-h"),
)
SWEEP = Flag("sweep", "", "Every combination of the values that are lists (lr=0.1,0.01), as one batch.")
CELL_FLAGS = (
    Flag("register", "", "Only register the handler; run nothing.", "-n"),
    Flag("with", "NAME,NAME", "Take these variables along although the cell does not name them.", many=True),
    Flag("without", "NAME,NAME", "Leave these out: the cell makes them itself.", many=True),
    Flag("capture", "MODE", "auto: take what the cell uses; none: take nothing."),
    Flag("env", "NAME,NAME", "Take these environment variables along, even if they look secret.", many=True),
    Flag("shell", "", "The cell is a script for the shell (or for what its #! line names)."),
)
OPTION_NAMES = frozenset(flag.name for flag in OPTION_FLAGS)

CELL = (*CELL_FLAGS, SWEEP, *WATCH_FLAGS[:2], *OPTION_FLAGS, WATCH_FLAGS[2])
"""What ``%%job`` takes."""
LINE = (SWEEP, *WATCH_FLAGS[:2], *OPTION_FLAGS, WATCH_FLAGS[2])
"""What ``%job KEY`` takes."""

RULE_FLAGS = (
    Flag("interval", "10m", "Every so long, counted from the first time."),
    Flag("cron", "EXPR", "At these times: minute hour day month weekday (six fields: seconds first)."),
    Flag("tz", "ZONE", "The time zone of --cron (default: this machine's), as in Europe/Madrid."),
    Flag("name", "NAME", "Its name (default: KEY); the same name again changes the schedule."),
    Flag("jitter", "1m", "Spread its jobs over so long after their time."),
    Flag("start", "TIME", "Not before then."), Flag("end", "TIME", "Not from then on."),
    Flag("overlap", "WORD", "While a job of it is unfinished: skip, queue, cancel (the old one) or allow."),
    Flag("misfire", "WORD", "Of times missed without a worker, make up for the latest, all or none."),
    Flag("misfire_grace", "1h", "What is later than that is missed."),
)
SCHEDULE = (*RULE_FLAGS, *OPTION_FLAGS, WATCH_FLAGS[2])
"""What ``%jobs schedule KEY`` takes."""

SCHEDULE_HELP = """\
%jobs schedule KEY [name=value …] --interval 1h | --cron '0 9 * * MON-FRI' [flags]
%jobs schedule show | next | pause | resume | run | remove NAME
%jobs schedules                     all of them

Run a registered handler again and again; no kernel and no Jupyter server need be there."""

SERVICE = (
    Flag("name", "NAME", "Its name (default: KEY); the same name again changes it."),
    Flag("every", "10s", "How often its on_tick is called."),
    Flag("title", "TEXT", "What it is called on its card."), Flag("body", "TEXT", "What its card says."),
    *(flag for flag in OPTION_FLAGS if flag.name in (
        "memory", "max_output", "tags", "description", "meta", "seed")),
    WATCH_FLAGS[2])
"""What ``%jobs service start KEY`` takes."""

SERVICE_HELP = """\
%jobs service start KEY [name=value …] [--name NAME] [--every 10s] [flags]
%jobs service show | stop [--force] | restart | remove NAME
%jobs service send NAME VALUE       a message, evaluated here
%jobs service events NAME [--follow]
%jobs services                      all of them

Run a registered handler for ever: it starts again when it dies, and with the worker."""

TRIGGER = (
    Flag("files", "PATH", "When these change: a folder, a file, or 'inbox/*.csv'."),
    Flag("changes", "WORD,WORD", "Which changes: added, modified, deleted (default: the first two)."),
    Flag("settle", "1s", "How long files must be quiet."), Flag("recursive", "", "Folders in folders, too."),
    replace(AFTER, takes="KEY", help="When a job of this key ends."),
    Flag("on", "STATUS", "How it ends: completed (default), failed, cancelled, ended …"),
    Flag("web", "", "When the Jupyter server is asked to, with the trigger's secret."),
    Flag("name", "NAME", "Its name (default: KEY); the same name again changes it."),
    *(flag for flag in OPTION_FLAGS if flag is not AFTER), WATCH_FLAGS[2])
"""What ``%jobs trigger KEY`` takes."""

TRIGGER_HELP = """\
%jobs trigger KEY [name=value …] --files 'inbox/*.csv' | --after KEY | --web [flags]
%jobs trigger show | pause | resume | fire | remove NAME
%jobs triggers                      all of them

Run a registered handler each time something happens; no kernel need be there."""

CELL_HELP = """\
%%job [KEY] [name=value …] [flags] [# comment]

Make the cell below a job: it runs in a process of its own and outlives this kernel.
KEY names the handler, so that it can be run again (%job KEY); without one the job gets a name of
its own. Values are Python, evaluated here: lr=0.1 xs=[1, 2] n=base*2. They become variables of the
cell, and the defaults of its later jobs."""

LINE_HELP = """\
%job KEY [name=value …] [flags]     run a registered handler again
%job ID                             show a job
%job                                show the newest job"""


def help_text(opening: str, flags: tuple[Flag, ...]) -> str:
    """``opening`` and one line a flag."""
    width = max(len(flag.usage) for flag in flags)
    lines = [f"  {flag.usage.ljust(width)}  {flag.help}" for flag in flags]
    return "\n".join([opening, "", "Flags:", *lines])
