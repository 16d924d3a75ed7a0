"""A worker that the system starts: after a login or a boot, and again after a crash.

A systemd user unit on Linux; a launchd agent for macOS and a task for Windows' Task Scheduler as texts.
Stopping it drains: jobs have ``drain_grace`` to end, then go back to the queue.
"""

from __future__ import annotations

import getpass
import hashlib
import os
import plistlib
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from tether_lab.errors import BadRequest, WorkerError
from tether_lab.settings import LabFolder, Settings

SYSTEMS = {"systemd": "linux", "launchd": "darwin", "tasks": "win32"}
PASSED_ON = ("PATH", "TETHER_LAB_HOME", "TETHER_LAB_CONFIG", "LANG", "TZ")
PATIENCE = 30.0
"""Seconds for a command of the system."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What the system is told: a file, its text, and the commands that make it count and forget it."""

    name: str
    path: Path
    text: str
    enable: tuple[tuple[str, ...], ...]
    disable: tuple[tuple[str, ...], ...]


def system_here() -> str:
    """Which of SYSTEMS is this machine's. Raises BadRequest where there is none of them."""
    for system, platform in SYSTEMS.items():
        if sys.platform == platform:
            return system
    raise BadRequest(f"no service of {sys.platform} is known here",
                     remedy="Let what starts your services run: tether-lab worker run.")


def unit(folder: LabFolder, settings: Settings, system: str, environ: Mapping[str, str] | None = None) -> Unit:
    """The unit of this lab's worker. Raises BadRequest for places that such a file cannot name."""
    environ = os.environ if environ is None else environ
    passed = {name: environ[name] for name in PASSED_ON if environ.get(name)} | settings.environ()
    command = [sys.executable, "-P", "-m", "tether_lab.worker", "--lab", str(folder.path.absolute())]
    for value in (*command, *passed.values()):
        if not value.isprintable():
            raise BadRequest(f"{value!r:.80} cannot stand in a service's file", remedy="Use plain paths.")
    digest = hashlib.blake2b(str(folder.path.absolute()).encode(), digest_size=4).hexdigest()
    name = f"tether-lab-{re.sub(r'[^A-Za-z0-9_-]+', '-', folder.path.name)[:40]}-{digest}"
    stop = round(settings.drain_grace + settings.cancel_grace + 20)
    log = str(folder.worker_log.absolute())
    return {"systemd": _systemd, "launchd": _launchd, "tasks": _tasks}[system](
        name, folder.name, command, passed, stop, log)


def install(found: Unit) -> list[str]:
    """Write and enable a systemd unit; sentences about what was done and what is left to do.

    Raises WorkerError where systemd does not serve this user; then nothing was written.
    """
    command = "@reboot " + _command_line(found)
    if shutil.which("systemctl") is None or _run(("systemctl", "--user", "show-environment")).returncode:
        raise WorkerError(
            "systemd does not serve this user here (systemctl --user does not answer)",
            remedy="In a container let its start command run: tether-lab worker run. Elsewhere a line of "
                   f"crontab -e starts it at boot:\n  {command}", where=found.name)
    found.path.parent.mkdir(parents=True, exist_ok=True)
    found.path.write_text(found.text, "utf-8")
    for words in found.enable:
        _must(words)
    said = [f"{found.path} is written and enabled:",
            "the worker starts with your session, and again after a crash."]
    linger = _run(("loginctl", "show-user", getpass.getuser(), "--property=Linger", "--value"))
    if linger.stdout.strip() != "yes":
        said.append("To start it at boot, before you log in: loginctl enable-linger")
    return said


def uninstall(found: Unit) -> list[str]:
    """Undo ``install``; what runs is drained."""
    if not found.path.exists():
        return [f"Nothing is installed for this lab ({found.path} does not exist)."]
    for words in found.disable:
        _run(words)
    found.path.unlink()
    if shutil.which("systemctl") is not None:
        _run(("systemctl", "--user", "daemon-reload"))
    return [f"{found.path} is removed; the worker starts with the next job again, as before."]


def _run(words: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(words, 1, "", str(error))


def _must(words: tuple[str, ...]) -> None:
    done = _run(words)
    if done.returncode:
        raise WorkerError(f"{' '.join(words)} failed: {done.stderr.strip()[-500:]}",
                          remedy="tether-lab worker uninstall undoes what was written.", where=words[0])


def _command_line(found: Unit) -> str:
    line = next((line for line in found.text.splitlines() if line.startswith("ExecStart=")), "")
    return line.removeprefix("ExecStart=").replace("%%", "%").replace("$$", "$")


# -- the texts -----------------------------------------------------------------------------------------


def _systemd(name: str, lab: str, command: list[str], environ: Mapping[str, str], stop: int, log: str) -> Unit:
    """KillMode=mixed: only the worker is told to stop, and it drains; what is left after that is killed."""
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    variables = "".join(f"Environment={_quoted(f'{key}={value}')}\n" for key, value in environ.items())
    words = " ".join(_quoted(word).replace("$", "$$") for word in [*command, "--log"])
    text = f"""\
[Unit]
Description=Tether Lab: the worker of {lab.replace('%', '%%')}
StartLimitIntervalSec=300
StartLimitBurst=10

[Service]
Type=exec
ExecStart={words}
{variables}StandardError=append:{log.replace('%', '%%')}
Restart=on-failure
RestartSec=2
KillMode=mixed
TimeoutStopSec={stop}

[Install]
WantedBy=default.target
"""
    control, service = ("systemctl", "--user"), f"{name}.service"
    return Unit(name, config / "systemd" / "user" / service, text,
                ((*control, "daemon-reload"), (*control, "enable", "--now", service)),
                ((*control, "disable", "--now", service),))


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


def _launchd(name: str, lab: str, command: list[str], environ: Mapping[str, str], stop: int, log: str) -> Unit:  # noqa: ARG001 — as its siblings
    label = f"org.{name}"
    path = Path.home() / "Library" / "LaunchAgents" / f"{label}.plist"
    text = plistlib.dumps({
        "Label": label, "ProgramArguments": [*command, "--log"], "EnvironmentVariables": dict(environ),
        "RunAtLoad": True, "KeepAlive": {"SuccessfulExit": False}, "ExitTimeOut": stop,
        "StandardErrorPath": log, "ProcessType": "Background"}).decode()
    return Unit(name, path, text, (("launchctl", "load", "-w", str(path)),),
                (("launchctl", "unload", "-w", str(path)),))


def _tasks(name: str, lab: str, command: list[str], environ: Mapping[str, str], stop: int, log: str) -> Unit:  # noqa: ARG001 — as its siblings
    """A task has no environment of its own: the settings stand in the lab's file there."""
    arguments = subprocess.list2cmdline(command[1:])
    text = f"""\
<?xml version="1.0" encoding="UTF-8"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo><Description>Tether Lab: the worker of {escape(lab)}</Description></RegistrationInfo>
  <Triggers><LogonTrigger><Enabled>true</Enabled></LogonTrigger></Triggers>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <RestartOnFailure><Interval>PT1M</Interval><Count>999</Count></RestartOnFailure>
  </Settings>
  <Actions><Exec>
    <Command>{escape(command[0])}</Command>
    <Arguments>{escape(arguments)}</Arguments>
  </Exec></Actions>
</Task>
"""
    path = Path.home() / f"{name}.xml"
    return Unit(name, path, text, (("schtasks", "/Create", "/TN", name, "/XML", str(path)),),
                (("schtasks", "/Delete", "/TN", name, "/F"),))
