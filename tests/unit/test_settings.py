"""Settings and places: who wins, what is refused, what is made."""

from __future__ import annotations

import json
import stat
from dataclasses import fields
from pathlib import Path

import pytest

from tether_lab.settings import (
    LabFolder,
    Settings,
    SettingsError,
    config_folder,
    home as labs_home,
    known_labs,
    make_private,
)


def user_file(text: str) -> None:
    make_private(config_folder())
    (config_folder() / "settings.toml").write_text(text)


def lab_file(folder: LabFolder, text: str) -> None:
    folder.create()
    folder.settings_file.write_text(text)


def test_the_nearest_source_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argument, then environment, then the lab's file, then the user's, then the default."""
    folder = LabFolder.of("one")
    assert Settings.load(folder).claim_batch == 100
    user_file("claim_batch = 1\nlease = 5\n")
    assert Settings.load(folder).claim_batch == 1
    lab_file(folder, "claim_batch = 2\n")
    assert Settings.load(folder).claim_batch == 2
    monkeypatch.setenv("TETHER_LAB_CLAIM_BATCH", "3")
    assert Settings.load(folder).claim_batch == 3
    assert Settings.load(folder, claim_batch=4).claim_batch == 4
    assert Settings.load(folder, claim_batch=None).claim_batch == 3
    assert Settings.load(folder).lease == 5.0


def test_origins_say_where_each_value_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    """People who wonder are told the file or variable."""
    folder = LabFolder.of("one")
    lab_file(folder, "runners = 2\n")
    monkeypatch.setenv("TETHER_LAB_LEASE", "1m")
    found = Settings.origins(folder, enabled=False)
    assert found["runners"] == (2, str(folder.settings_file))
    assert found["lease"] == (60.0, "TETHER_LAB_LEASE")
    assert found["enabled"] == (False, "argument")
    assert found["durability"] == ("power", "default")
    assert set(found) == {f.name for f in fields(Settings)}


@pytest.mark.parametrize(("name", "text", "value"), [
    ("cancel_grace", "10m", 600.0), ("cancel_grace", "0.5", 0.5), ("cancel_grace", "500ms", 0.5),
    ("capture_limit", "2GB", 2_000_000_000), ("capture_limit", "50e6", 50_000_000),
    ("output_tail", "250 kb", 250_000), ("autostart", "off", False), ("autostart", "Yes", True),
    ("preload", "numpy, pandas", ("numpy", "pandas")), ("durability", "process", "process"),
])
def test_texts_are_read_as_people_write_them(
    name: str, text: str, value: object, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Durations, sizes, truths and lists from the environment."""
    monkeypatch.setenv(f"TETHER_LAB_{name.upper()}", text)
    assert getattr(Settings.load(LabFolder.of("one")), name) == value


@pytest.mark.parametrize(("name", "value"), [
    ("runners", 0), ("runners", "many"), ("runners", True), ("runners", 1.5), ("lease", -1),
    ("lease", "soon"), ("lease", float("nan")), ("durability", "maybe"), ("autostart", "perhaps"),
    ("preload", "import os; x"), ("result_limit", "2XB"), ("start_method", "thread"),
])
def test_a_wrong_value_is_refused_with_what_is_accepted(name: str, value: object) -> None:
    """The error names the setting, the value, where it stands and what it takes."""
    with pytest.raises(SettingsError) as caught:
        Settings.load(LabFolder.of("one"), **{name: value})
    assert name in caught.value.message
    assert caught.value.remedy.startswith(f"{name} takes ")
    assert caught.value.where == "argument"


def test_an_unknown_setting_is_refused_with_the_nearest_name() -> None:
    """A typo in a file names the file and the setting that was meant."""
    folder = LabFolder.of("one")
    lab_file(folder, "runers = 2\n")
    with pytest.raises(SettingsError, match="did you mean 'runners'") as caught:
        Settings.load(folder)
    assert caught.value.where == str(folder.settings_file)


def test_a_file_that_is_no_toml_is_refused() -> None:
    """The error names the file and what a line looks like."""
    folder = LabFolder.of("one")
    lab_file(folder, "runners: 2")
    with pytest.raises(SettingsError, match="not valid TOML") as caught:
        Settings.load(folder)
    assert "runners = 2" in caught.value.remedy


def test_environ_gives_another_process_the_same_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """What differs from the default survives the way through the environment."""
    folder = LabFolder.of("one")
    settings = Settings.load(folder, runners=7, preload=["numpy", "pandas"], autostart=False, lease="1m",
                             durability="process", capture_limit="3GB")
    for name, value in settings.environ().items():
        monkeypatch.setenv(name, value)
    assert Settings.load(folder) == settings
    assert set(Settings().environ()) == set()


@pytest.mark.parametrize("name", ["", "a b", "-x", "x" * 65, "ä", "a\0b"])
def test_strange_names_of_labs_are_refused(name: str) -> None:
    """A name is letters, digits and a few signs; anything else is given as a path."""
    if name:
        with pytest.raises(SettingsError, match="not the name of a lab"):
            LabFolder.of(name)
    else:
        with pytest.raises(SettingsError):
            LabFolder.of(name)


def test_labs_are_named_or_lie_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names live below the home, paths where they say; labs elsewhere are remembered."""
    assert LabFolder.of().path == labs_home() / "labs" / "default"
    monkeypatch.setenv("TETHER_LAB_NAME", "thesis")
    named = LabFolder.of()
    assert (named.name, named.path) == ("thesis", labs_home() / "labs" / "thesis")
    elsewhere = LabFolder.of(tmp_path / "here").create()
    LabFolder.of(f"{tmp_path}/here").create()
    assert elsewhere.name == str(tmp_path / "here")
    listed = json.loads((labs_home() / "labs.json").read_text())
    assert listed == {"labs": [str(tmp_path / "here")]}
    assert known_labs() == []
    elsewhere.queue_db.touch()
    named.create().queue_db.touch()
    assert known_labs() == [named, elsewhere]


def test_folders_are_private_from_the_start(tmp_path: Path) -> None:
    """Every folder that is made has mode 0700; one that is there is left alone."""
    (tmp_path / "loose").mkdir(mode=0o755)
    folder = LabFolder.of(tmp_path / "loose" / "a" / "b").create()
    for made in (folder.path, folder.path.parent, folder.blobs, folder.run, folder.log):
        assert stat.S_IMODE(made.stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "loose").stat().st_mode) == 0o755
    assert stat.S_IMODE((labs_home() / "labs.json").stat().st_mode) == 0o600
