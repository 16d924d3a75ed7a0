"""The worker as a service: the unit's text, what is done with it, and that its command is a worker."""

from __future__ import annotations

import os
import plistlib
import shlex
import signal
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.eventually import eventually
from tether_lab import BadRequest, Lab, WorkerError
from tether_lab.cli.main import main
from tether_lab.worker import install


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with Lab(tmp_path / 'my "lab" 100%', autostart=False) as found:
        yield found
        found.worker.stop(now=True)


def fake(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose systemctl and loginctl write down what they are asked."""
    tools = tmp_path / "tools"
    tools.mkdir()
    fake(tools, "systemctl", f'echo "$@" >> {tools}/asked')
    fake(tools, "loginctl", "echo no")
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tools


def command(text: str) -> tuple[list[str], dict[str, str]]:
    """Words and environment of a unit, as systemd reads them."""
    lines = text.replace("%%", "%").splitlines()
    (start,) = [line.partition("=")[2] for line in lines if line.startswith("ExecStart=")]
    variables = [shlex.split(line.partition("=")[2])[0] for line in lines if line.startswith("Environment=")]
    return shlex.split(start.replace("$$", "$")), dict(pair.split("=", 1) for pair in variables)


def test_install_writes_enables_and_tells_of_linger(
    lab: Lab, machine: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    """The file stands where systemd looks; it is enabled at once; uninstall takes all of it back."""
    assert main(["--lab", str(lab.folder.path), "worker", "install"]) == 0
    unit = install.unit(lab.folder, lab.settings, "systemd")
    assert command(unit.path.read_text())[0] == command(unit.text)[0]
    assert unit.path.parent == Path(os.environ["XDG_CONFIG_HOME"]) / "systemd" / "user"
    assert "Restart=on-failure" in unit.text
    asked = (machine / "asked").read_text()
    assert f"--user enable --now {unit.name}.service" in asked
    assert "enable-linger" in capsys.readouterr().out
    assert main(["--lab", str(lab.folder.path), "worker", "uninstall"]) == 0
    assert not unit.path.exists()
    assert "--user disable --now" in (machine / "asked").read_text()


def test_without_systemd_it_says_what_to_do(lab: Lab, machine: Path) -> None:
    """In a container systemctl does not answer: nothing is written, the remedy is a command."""
    fake(machine, "systemctl", "echo 'Failed to connect to bus' >&2; exit 1")
    unit = install.unit(lab.folder, lab.settings, "systemd")
    with pytest.raises(WorkerError) as refused:
        install.install(unit)
    assert "tether-lab worker run" in refused.value.remedy
    assert "@reboot" in refused.value.remedy
    assert not unit.path.exists()


def test_the_other_systems_are_texts(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    """A property list and a task that parse, with every word of the command."""
    assert main(["--lab", str(lab.folder.path), "worker", "install", "--print", "--system", "launchd"]) == 0
    agent: dict[str, Any] = plistlib.loads(capsys.readouterr().out.encode())
    assert agent["ProgramArguments"][-2] == str(lab.folder.path)
    assert agent["KeepAlive"] == {"SuccessfulExit": False}
    task = ET.fromstring(install.unit(lab.folder, lab.settings, "tasks").text.encode())
    (arguments,) = [found.text or "" for found in task.iter() if found.tag.endswith("Arguments")]
    assert "tether_lab.worker --lab" in arguments
    assert main(["--lab", str(lab.folder.path), "worker", "install", "--system", "tasks"]) == 2


def test_a_path_that_no_unit_can_name_is_refused(tmp_path: Path) -> None:
    """A line feed in a path would be a second line of the unit."""
    with Lab(tmp_path / "a\nb", autostart=False) as lab, pytest.raises(BadRequest):
        install.unit(lab.folder, lab.settings, "systemd")


def test_what_it_starts_makes_up_for_what_was_missed(lab: Lab) -> None:
    """The unit's command is a worker; killed and started again, it makes the latest missed run."""
    @lab.handler("tick")
    def tick(ctx: Any) -> str:
        return str(ctx.scheduled_for)

    words, environ = command(install.unit(lab.folder, lab.settings, "systemd").text)
    schedule = lab.schedule("tick", interval=1, overlap="allow")
    for _ in range(2):
        before = len(schedule.fires())
        with subprocess.Popen(words, env=os.environ | environ, stderr=subprocess.DEVNULL) as worker:
            try:
                assert eventually(lambda before=before: len(schedule.fires()) > before)
            finally:
                os.kill(worker.pid, signal.SIGKILL)
        following = schedule.next_at
        assert following is not None
        assert eventually(lambda at=following: datetime.now(UTC) > at + timedelta(seconds=2))
    frame = lab.frames.schedules()
    assert (frame["name"][0], frame["when"][0], frame["status"][0]) == ("tick", "every second", "active")
    assert frame["last_at"][0].value // 1000 == schedule.fires(1)[0].at
    assert frame["interval"][0].total_seconds() == 1
    fires = sorted(schedule.fires(), key=lambda fire: fire.at)
    outcomes = [fire.outcome for fire in fires]
    assert outcomes[outcomes.index("missed"):].count("enqueued") >= 1
    assert {b.at - a.at for a, b in pairwise(fires)} == {1_000_000}       # none is lost, none is twice
