"""The parser: one table of commands, option flags from ``job.options``."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable
from typing import Any, NoReturn

from tether_lab.job import OPTIONS
from tether_lab.settings import version

Arguments = argparse.Namespace
Add = Callable[[argparse.ArgumentParser], None]

JOB_VERBS = ("show", "output", "follow", "wait", "cancel", "retry", "result", "debug", "stack", "events")
WORKER_VERBS = ("status", "start", "stop", "run", "install", "uninstall")
KEYS_VERBS = ("list", "rotate", "rekey", "retire", "export", "import", "move", "unlock", "lock")
SERVICES = ("systemd", "launchd", "tasks")


class Parser(argparse.ArgumentParser):
    """Mistakes are one line and exit code 2."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def parser() -> Parser:
    """The whole command line."""
    top = Parser(
        prog="tether-lab", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Durable jobs for notebooks: ask, act and run from a terminal.",
        epilog="""examples:
  tether-lab run python train.py --epochs 3   run a program as a job, watch it, pass its exit code on
  tether-lab jobs running                     what runs now
  tether-lab job 12 follow                    watch the output of job 12
  tether-lab enqueue train lr=0.1 --retries 3 one job of the registered handler "train"
  tether-lab doctor                           what may be wrong here""")
    top.add_argument("--version", action="version", version=f"tether-lab {version()}")
    _lab_flag(top, default=None)
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (add, help_text, examples) in COMMANDS.items():
        sub = commands.add_parser(
            name, help=help_text, description=help_text, formatter_class=argparse.RawDescriptionHelpFormatter,
            epilog="examples:\n" + "\n".join(f"  tether-lab {line}" for line in examples))
        _lab_flag(sub, default=argparse.SUPPRESS)
        add(sub)
        sub.set_defaults(run=_command(name))
    return top


def _command(name: str) -> Callable[[Arguments], int]:
    """The module of a command, loaded when it runs."""

    def run(given: Arguments) -> int:
        module = importlib.import_module(f"tether_lab.cli.{MODULES.get(name, name)}")
        return int(module.run(given))

    return run


def _lab_flag(to: argparse.ArgumentParser, *, default: Any) -> None:
    to.add_argument("--lab", metavar="NAME", default=default,
                    help="the lab, by name or path (default: TETHER_LAB_NAME, else 'default')")


def _json_flag(to: argparse.ArgumentParser) -> None:
    to.add_argument("--json", action="store_true", help="print JSON for programs")


def _option_flags(to: argparse.ArgumentParser, *, without: str = "") -> None:
    group = to.add_argument_group("options of the job")
    for option in OPTIONS:
        if option.name == without:
            continue
        help_text = option.help.replace("%", "%%")
        if option.name == "cache":
            group.add_argument(option.flag, nargs="?", const=True, metavar=option.takes, help=help_text)
        else:
            group.add_argument(option.flag, metavar=option.takes, help=help_text)
        if option.name == "max_attempts":
            group.add_argument("--retries", metavar="N", help="Try again up to N times after a failure.")


def options(given: Arguments) -> dict[str, Any]:
    """The options of the job that were given, as ``lab.enqueue`` takes them."""
    names = [*(option.name for option in OPTIONS), "retries"]
    return {name: value for name in names if (value := getattr(given, name, None)) is not None}


def _worker(to: argparse.ArgumentParser) -> None:
    to.add_argument("verb", nargs="?", choices=WORKER_VERBS,
                    help="status (default; with --executor: run); run: stay in the foreground until told to "
                         "stop (for containers); install: let the "
                         "system start it, after a reboot or a crash too; uninstall")
    to.add_argument("--print", action="store_true", help="install: show the service's file, write nothing")
    to.add_argument("--system", choices=SERVICES, help="install: for this kind of system (default: this one's)")
    to.add_argument("--executor", metavar="dask=tcp://HOST:8786",
                    help="start, run: where attempts run: dask (a cluster of this machine), dask=ADDRESS, "
                         "ipyparallel, loky, processes, threads, or one that a package brings")
    to.add_argument("--runners", metavar="N", help="start, run: jobs that may run at once")
    to.add_argument("--drain", metavar="30s", help="stop: how long running jobs may go on")
    to.add_argument("--now", action="store_true", help="stop: give running jobs no time; they wait again")
    _json_flag(to)


def _jobs(to: argparse.ArgumentParser) -> None:
    to.add_argument("status", nargs="*", help="running, failed, waiting, final … (default: all)")
    to.add_argument("--key", metavar="KEY", help="of this handler")
    to.add_argument("--tag", metavar="TAG", help="with this tag")
    to.add_argument("--queue", metavar="QUEUE", help="of this queue")
    to.add_argument("--chain", metavar="N", type=int, help="steps of this chain")
    to.add_argument("--batch", metavar="N", type=int, help="of this batch")
    to.add_argument("--search", metavar="TEXT",
                    help="with this text in the key, a tag, the description, the error or the payload")
    to.add_argument("--since", metavar="2h", help="enqueued since then: a moment, or a span back")
    to.add_argument("--limit", metavar="N", type=int, default=20, help="at most so many (20)")
    to.add_argument("--offset", metavar="N", type=int, default=0, help="leave out the first ones")
    to.add_argument("--order", choices=("newest", "oldest"), default="newest")
    _json_flag(to)


def _job(to: argparse.ArgumentParser) -> None:
    to.add_argument("id", type=int, metavar="ID", help="the number of the job")
    to.add_argument("verb", nargs="?", choices=JOB_VERBS, default="show")
    to.add_argument("--force", action="store_true", help="cancel: end its process at once")
    to.add_argument("--with-code", action="store_true", help="retry: with the newest code of its handler")
    to.add_argument("--fresh-seed", action="store_true", help="retry: with other random numbers than before")
    to.add_argument("--timeout", metavar="10m", help="wait, result: give up waiting after this long")
    to.add_argument("--start", action="store_true", help="debug: step through it from its first line")
    _json_flag(to)


def _cancel(to: argparse.ArgumentParser) -> None:
    to.add_argument("ids", nargs="*", type=int, metavar="ID")
    to.add_argument("--key", metavar="KEY", help="every unfinished job of this handler")
    to.add_argument("--tag", metavar="TAG", help="every unfinished job with this tag")
    to.add_argument("--all", action="store_true", help="every unfinished job of the lab")
    to.add_argument("--force", action="store_true", help="end running processes at once")


def _backup(to: argparse.ArgumentParser) -> None:
    to.add_argument("path", metavar="FOLDER", help="a folder that does not exist yet")
    _json_flag(to)


def _restore(to: argparse.ArgumentParser) -> None:
    to.add_argument("path", nargs="?", metavar="BACKUP", help="a folder that backup made, or a file of "
                    "the lab's backups/ (default: the newest good one there)")
    to.add_argument("--data", action="store_true", help="of ctx.db, the jobs' own database, not of the queue")
    to.add_argument("--list", action="store_true", help="the copies that the lab has made itself")
    _json_flag(to)


def _export(to: argparse.ArgumentParser) -> None:
    to.add_argument("path", metavar="FILE", help="a file that does not exist yet")
    to.add_argument("--key", metavar="KEY", help="of this handler")
    to.add_argument("--since", metavar="2h", help="enqueued since then: a moment, or a span back")
    _json_flag(to)


def _import(to: argparse.ArgumentParser) -> None:
    to.add_argument("path", metavar="FILE", help="what tether-lab export wrote")
    _json_flag(to)


def _trust(to: argparse.ArgumentParser) -> None:
    to.add_argument("--yes", action="store_true", help="sign it without asking: you know what is in it")
    _json_flag(to)


def _keys(to: argparse.ArgumentParser) -> None:
    to.add_argument("verb", nargs="?", choices=KEYS_VERBS, default="list")
    to.add_argument("what", nargs="?", metavar="FILE|ID|STORE",
                    help="export, import: a file; retire: a key; move: file, keyring or passphrase")
    to.add_argument("--passphrase", action="store_true",
                    help="export, import: with a passphrase, which is asked for (or read from a pipe)")
    to.add_argument("--background", action="store_true", help="rotate: the labs' workers do it, in their time")
    _json_flag(to)


def _queue(to: argparse.ArgumentParser) -> None:
    to.add_argument("queue", nargs="?", metavar="QUEUE", help="this queue (default: everything)")


def _enqueue(to: argparse.ArgumentParser) -> None:
    to.add_argument("key", metavar="KEY", help="a registered handler")
    to.add_argument("values", nargs="*", metavar="NAME=VALUE", help="JSON, or else a text: lr=0.1 name=ada")
    to.add_argument("--payload", metavar="JSON", help="the whole payload as a JSON object; - reads it")
    to.add_argument("--wait", action="store_true", help="show its output and wait; 1 if it fails")
    _json_flag(to)
    _option_flags(to)


def _run(to: argparse.ArgumentParser) -> None:
    to.add_argument("--detach", "-d", action="store_true", help="print the job's number and return")
    to.add_argument("--shell", action="store_true", help="COMMAND is one text for the shell")
    to.add_argument("--key", metavar="KEY", help="the key to list it under (default: made of its name)")
    _option_flags(to)
    to.add_argument("arguments", nargs=argparse.REMAINDER, metavar="COMMAND …",
                    help="a program and its arguments, a .py or .sh script, or a notebook (-p NAME=VALUE: a "
                         "parameter of it)")


def notebook_parser() -> Parser:
    """What may stand behind the name of a notebook."""
    found = Parser(prog="tether-lab run NOTEBOOK.ipynb")
    found.add_argument("-p", "--parameters", action="append", default=[], metavar="NAME=VALUE",
                       help="a value for the cell tagged parameters: JSON, or else a text; may be repeated")
    found.add_argument("--detach", "-d", action="store_true", help="print the job's number and return")
    found.add_argument("--key", metavar="KEY", help="the key to list it under (default: its file name)")
    _option_flags(found)
    return found


SCHEDULE_VERBS = ("list", "add", "show", "next", "pause", "resume", "run", "remove")
RULE = ("interval", "cron", "tz", "jitter", "start", "end", "overlap", "misfire", "misfire_grace")


def _schedule(to: argparse.ArgumentParser) -> None:
    to.add_argument("verb", nargs="?", choices=SCHEDULE_VERBS, default="list")
    to.add_argument("name_or_key", nargs="?", metavar="KEY|NAME", help="add: a handler; else a schedule's name")
    to.add_argument("values", nargs="*", metavar="NAME=VALUE", help="add: its jobs' payload")
    to.add_argument("--payload", metavar="JSON", help="the whole payload as a JSON object; - reads it")
    to.add_argument("--name", metavar="NAME", help="its name (default: the key); the same again changes it")
    to.add_argument("--interval", metavar="10m", help="every so long, counted from the first time")
    to.add_argument("--cron", metavar="EXPR", help="at these times: '0 9 * * MON-FRI'; six fields with seconds")
    to.add_argument("--tz", metavar="ZONE", help="the time zone of --cron (default: this machine's)")
    to.add_argument("--jitter", metavar="1m", help="spread its jobs over so long after their time")
    to.add_argument("--start", metavar="TIME", help="not before then")
    to.add_argument("--end", metavar="TIME", help="not from then on")
    to.add_argument("--overlap", metavar="WORD", help="a job of it is unfinished: skip, queue, cancel, allow")
    to.add_argument("--misfire", metavar="WORD", help="of missed times make up for the latest, all or none")
    to.add_argument("--misfire-grace", metavar="1h", help="what is later than that is missed")
    _json_flag(to)
    _option_flags(to)


SERVICE_VERBS = ("list", "start", "show", "stop", "restart", "send", "events", "remove")


def _service(to: argparse.ArgumentParser) -> None:
    to.add_argument("verb", nargs="?", choices=SERVICE_VERBS, default="list")
    to.add_argument("name", nargs="?", metavar="NAME", help="of the service")
    to.add_argument("values", nargs="*", metavar="NAME=VALUE", help="start: its payload; send: JSON")
    to.add_argument("--payload", metavar="JSON", help="the payload or message as a JSON object; - reads it")
    to.add_argument("--handler", metavar="KEY", help="start: the registered handler (default: NAME)")
    to.add_argument("--every", metavar="10s", default="10s", help="start: how often its on_tick is called")
    to.add_argument("--title", metavar="TEXT", help="start: what it is called on its card")
    to.add_argument("--body", metavar="TEXT", default="", help="start: what its card says")
    to.add_argument("--memory", metavar="2GB", help="start: end an attempt that uses more")
    to.add_argument("--max-output", metavar="1MB", help="start: text kept from the start of its output")
    to.add_argument("--tags", metavar="TAG,TAG", help="start: words to find it by")
    to.add_argument("--seed", metavar="N", help="start: seed its random generators")
    to.add_argument("--force", action="store_true", help="stop: end its process at once")
    to.add_argument("--follow", "-f", action="store_true", help="events: go on with those that come")
    _json_flag(to)


TRIGGER_VERBS = ("list", "add", "show", "pause", "resume", "fire", "secret", "remove")


def _trigger(to: argparse.ArgumentParser) -> None:
    to.add_argument("verb", nargs="?", choices=TRIGGER_VERBS, default="list")
    to.add_argument("name_or_key", nargs="?", metavar="KEY|NAME", help="add: a handler; else a trigger's name")
    to.add_argument("values", nargs="*", metavar="NAME=VALUE", help="add, fire: the payload")
    to.add_argument("--payload", metavar="JSON", help="the whole payload as a JSON object; - reads it")
    to.add_argument("--name", metavar="NAME", help="its name (default: the key); the same again changes it")
    to.add_argument("--files", metavar="PATH", help="add: when these change: a folder, a file, 'inbox/*.csv'")
    to.add_argument("--changes", metavar="WORD,WORD", help="add: added, modified (default: these), deleted")
    to.add_argument("--settle", metavar="1s", help="add: how long files must be quiet")
    to.add_argument("--recursive", action="store_true", help="add: folders in folders, too")
    to.add_argument("--after", metavar="KEY", help="add: when a job of this key ends")
    to.add_argument("--on", metavar="STATUS", help="add: how it ends: completed (default), failed, ended")
    to.add_argument("--web", action="store_true", help="add: when the Jupyter server is asked to")
    _json_flag(to)
    _option_flags(to, without="after")


def _handlers(to: argparse.ArgumentParser) -> None:
    _json_flag(to)


def _history(to: argparse.ArgumentParser) -> None:
    to.add_argument("key", nargs="?", metavar="KEY", help="of this handler")
    to.add_argument("--status", metavar="WORD", help="of jobs in this status: failed, completed, final …")
    to.add_argument("--since", metavar="2h", help="begun since then: a moment, or a span back")
    to.add_argument("--limit", metavar="N", type=int, default=20, help="at most so many (20)")
    _json_flag(to)


def _stats(to: argparse.ArgumentParser) -> None:
    _json_flag(to)


def _report(to: argparse.ArgumentParser) -> None:
    to.add_argument("path", metavar="FILE.html", help="written anew if it exists")
    to.add_argument("--since", metavar="7d", help="enqueued since then: a moment, or a span back (all)")
    to.add_argument("--until", metavar="TIME", help="enqueued before then")
    to.add_argument("--key", metavar="KEY", help="of this handler")
    to.add_argument("--tag", metavar="TAG", help="with this tag")
    to.add_argument("--theme", metavar="WORD", default="auto",
                    help="light, dark, or as the browser is set (default: auto)")
    _json_flag(to)


def _rates(to: argparse.ArgumentParser) -> None:
    to.add_argument("--since", metavar="1d", default="1d", help="rates and times since then (1d)")
    _json_flag(to)


def _prune(to: argparse.ArgumentParser) -> None:
    to.add_argument("--older-than", metavar="30d", help="what ended longer ago (default: as the settings say)")
    to.add_argument("--dry-run", action="store_true", help="only count")
    _json_flag(to)


def _labs(to: argparse.ArgumentParser) -> None:
    _json_flag(to)


def _group(to: argparse.ArgumentParser) -> None:
    to.add_argument("id", nargs="?", type=int, metavar="ID", help="its number; without one all are listed")
    to.add_argument("verb", nargs="?", choices=("show", "wait", "cancel", "retry"), default="show")
    to.add_argument("--timeout", metavar="10s", help="wait: at most so long")
    to.add_argument("--force", action="store_true", help="cancel: kill at once what runs")
    _json_flag(to)


def _doctor(to: argparse.ArgumentParser) -> None:
    _json_flag(to)


def _demo(to: argparse.ArgumentParser) -> None:
    to.add_argument("--keep", action="store_true", help="leave the demo's lab where it is")


MODULES = {"import": "import_", "chain": "group", "batch": "group"}
COMMANDS: dict[str, tuple[Add, str, tuple[str, ...]]] = {
    "worker": (_worker, "Start, stop and ask the worker.",
               ("worker", "worker start", "worker --executor dask=tcp://10.0.0.5:8786 --runners 64",
                "worker stop --drain 5m", "worker run --lab thesis", "worker install",
                "worker install --print --system launchd")),
    "jobs": (_jobs, "List jobs, newest first.",
             ("jobs", "jobs failed --since 1d", "jobs waiting running --key train --json",
              "jobs --search 'no such file'", "jobs failed --batch 4")),
    "job": (_job, "Show one job, or do something with it.",
            ("job 12", "job 12 follow", "job 12 retry --with-code", "job 12 result --json")),
    "cancel": (_cancel, "Cancel jobs, whatever their status.",
               ("cancel 12 13", "cancel --tag nightly", "cancel --all --force")),
    "pause": (_queue, "Start nothing more of a queue, or of any; what runs goes on.", ("pause", "pause low")),
    "resume": (_queue, "End a pause.", ("resume", "resume low")),
    "queues": (_stats, "Queues with their weight, and how many jobs wait.", ("queues", "queues --json")),
    "modules": (_labs, "What installed packages contribute, registered with this lab.", ("modules",)),
    "enqueue": (_enqueue, "Enqueue one job of a registered handler.",
                ("enqueue train lr=0.1 epochs=3", "enqueue report --delay 10m --retries 2 --wait",
                 "enqueue train --payload '{\"lr\": 0.1}'")),
    "run": (_run, "Run a program, script or notebook as a job; its exit code is passed on.",
            ("run python train.py --epochs 3", "run report.ipynb -p region=north --output north.ipynb",
             "run --retries 2 --timeout 1h ./nightly.sh",
             "run -d --shell 'make data && make report'")),
    "handlers": (_handlers, "List the registered handlers.", ("handlers",)),
    "history": (_history, "What ran, a line an attempt.", ("history", "history train --since 1d --json")),
    "schedule": (_schedule, "Run a handler again and again, with nobody there.",
                 ("schedule", "schedule add report --cron '0 9 * * MON-FRI' --tz Europe/Madrid",
                  "schedule add sync limit=100 --interval 10m", "schedule pause report")),
    "service": (_service, "Run a handler for ever, and speak with it.",
                ("service", "service start sensor --every 5s port=7000",
                 "service send sensor '{\"pause\": true}'",
                 "service events sensor --follow", "service stop sensor")),
    "trigger": (_trigger, "Run a handler when files change, when a job ends, or when asked over the web.",
                ("trigger", "trigger add load --files 'inbox/*.csv'", "trigger add report --after load",
                 "trigger add refresh --web", "trigger pause load")),
    "chain": (_group, "Chains: how far they are; cancel one, or go on from what failed.",
              ("chain", "chain 3", "chain 3 wait --timeout 1h", "chain 3 retry")),
    "batch": (_group, "Batches: how far they are; cancel one, or run again what failed.",
              ("batch", "batch 4 --json", "batch 4 retry")),
    "stats": (_rates, "How many jobs stand where, rates, waits, times by key.",
              ("stats", "stats --since 2h --json")),
    "report": (_report, "Write all figures of a time as one HTML page that needs nothing else.",
               ("report week.html --since 7d", "report train.html --key train --theme dark")),
    "prune": (_prune, "Remove ended jobs whose time is over.", ("prune --dry-run", "prune --older-than 7d")),
    "backup": (_backup, "Copy a lab into a new folder, while it works.", ("backup ~/backups/monday",)),
    "restore": (_restore, "Put a copy in the place of a damaged queue, or of a damaged ctx.db.",
                ("restore --list", "restore", "restore --data", "restore ~/backups/monday")),
    "export": (_export, "Write ended jobs and their handlers into one file, for another lab.",
               ("export jobs.zip", "export train.zip --key train --since 7d")),
    "import": (_import, "Take in what another lab exported.", ("import jobs.zip --lab thesis",)),
    "trust": (_trust, "Show what somebody else's lab would run, and make it yours.",
              ("trust --lab ./from-ada", "trust --yes")),
    "keys": (_keys, "Your keys: where they are, new ones, to and from other machines.",
             ("keys", "keys export keys.json --passphrase", "keys import keys.json --passphrase", "keys rotate",
              "keys move keyring")),
    "labs": (_labs, "List your labs.", ("labs",)),
    "doctor": (_doctor, "Look for what may be wrong here, and say what to do.",
               ("doctor", "doctor --lab thesis --json")),
    "demo": (_demo, "A small show: a job survives the death of its worker.", ("demo",)),
}
