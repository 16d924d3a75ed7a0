"""Builds the JupyterLab extension where its sources changed, and links it into the environment.

    python labextension/build.py          the bundle that a wheel carries
    python labextension/build.py --link   and JupyterLab in this environment serves it
    python labextension/build.py --run X Y  scripts of package.json side by side: types, lint, test

`make` calls it, and so does hatch before it packs a wheel or an sdist. Whether the bundle is fresh
is read from a digest of its sources that lies inside it, so an unpacked sdist needs no Node.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
BUNDLE = HERE.parent / "tether_lab" / "labextension"
DIGEST = BUNDLE / "static" / "sources.txt"
SOURCES = ("src", "style", "schema", "package.json", "tsconfig.json", "yarn.lock")
NODE = 20

NEEDED = f"""\
The JupyterLab extension has to be built, and that needs Node.js {NODE} or newer, which was not found.
Install it (nodejs.org, your system's package nodejs, conda install nodejs) and run this again.
Without Node: install Tether Lab from its wheel, which carries the extension already built."""


def digest() -> str:
    """Of every source that the bundle depends on, its tests apart."""
    seen = hashlib.blake2b(digest_size=16)
    for name in SOURCES:
        place = HERE / name
        files = sorted(p for p in place.rglob("*") if p.is_file()) if place.is_dir() else [place]
        for file in files:
            if "__tests__" not in file.parts:
                seen.update(f"{file.relative_to(HERE).as_posix()}\0".encode() + file.read_bytes() + b"\0")
    return seen.hexdigest()


def is_fresh() -> bool:
    """Whether the bundle was built from the sources as they are."""
    return DIGEST.is_file() and DIGEST.read_text().strip() == digest()


def build() -> None:
    """Packages of yarn.lock, type check, bundle. SystemExit with a remedy where that cannot be."""
    if is_fresh():
        return
    packages()
    print("Building the JupyterLab extension …", flush=True)
    made_of = digest()
    shutil.rmtree(BUNDLE, ignore_errors=True)
    run("build:prod")
    DIGEST.write_text(made_of + "\n")


def packages() -> None:
    """What yarn.lock names, in node_modules; nothing to do where it was installed already."""
    done = HERE / "node_modules" / ".installed-lock"
    lock = (HERE / "yarn.lock").read_bytes() + (HERE / "package.json").read_bytes()
    wanted = hashlib.blake2b(lock, digest_size=16).hexdigest()
    if done.is_file() and done.read_text() == wanted:
        return
    if not has_node():
        raise SystemExit(NEEDED)
    print("Installing what the JupyterLab extension is built with (a minute or two) …", flush=True)
    run("install", "--immutable")
    done.write_text(wanted)


def has_node() -> bool:
    """Node of the right age on the PATH."""
    try:
        said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True, timeout=60)
        return int(said.stdout.strip().lstrip("v").partition(".")[0]) >= NODE
    except (OSError, ValueError, subprocess.SubprocessError):
        return False


def run(*words: str) -> None:
    """``jlpm``, quiet unless it fails."""
    ended(started(*words))


def started(*words: str) -> subprocess.Popen[str]:
    """``jlpm``, running. It comes with jupyter-builder, beside this interpreter."""
    beside = [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    environ = {**os.environ, "PATH": os.pathsep.join(beside), "YARN_ENABLE_TELEMETRY": "0"}
    jlpm = shutil.which("jlpm", path=environ["PATH"])
    if jlpm is None:
        raise SystemExit("jlpm was not found: python -m pip install jupyter-builder")
    return subprocess.Popen([jlpm, *words], cwd=HERE, env=environ, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def ended(*running: subprocess.Popen[str]) -> None:
    """Wait for all of them. SystemExit with what those said that failed."""
    said = [(process, process.communicate()[0]) for process in running]
    failed = [f"{text[-6000:]}\njlpm {' '.join(process.args[1:])} failed in {HERE.name}/"
              for process, text in said if process.returncode]
    if failed:
        raise SystemExit("\n".join(failed))


def link() -> None:
    """share/jupyter/labextensions/tether-lab of this environment leads to the bundle."""
    place = Path(sys.prefix) / "share" / "jupyter" / "labextensions" / "tether-lab"
    if place.is_symlink() and place.resolve() == BUNDLE.resolve():
        return
    if place.is_symlink():
        place.unlink()
    shutil.rmtree(place, ignore_errors=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(BUNDLE, target_is_directory=True)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--run", *scripts]:       # types, lint, test: what package.json calls them
            packages()
            ended(*[started(script) for script in scripts])
        case ["--link"]:
            build()
            link()
        case _:
            build()
