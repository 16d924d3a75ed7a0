"""``tether-lab keys``: list, rotate, rekey, retire, export, import, move, unlock, lock."""

from __future__ import annotations

import getpass
import sys
from dataclasses import asdict

from tether_lab.errors import BadRequest

from .labs import open_lab
from .parsing import Arguments
from .terminal import say, show_json


def run(given: Arguments) -> int:
    """Do what the verb says."""
    keys = open_lab(given).keys
    match given.verb:
        case "list" if given.json:
            show_json([asdict(key) for key in keys.list()])
        case "list":
            say(repr(keys))
        case "rotate":
            said = keys.rotate(say, wait=not given.background)
            say(f"{said} signs what is new. The old keys stay until tether-lab keys retire ID.")
        case "rekey":
            left = keys.rekey(say)
            say(f"{left:,} handlers and jobs are left: they follow once they have ended." if left else
                "Nothing needs an older key any more.")
        case "retire":
            keys.retire(_needed(given, "ID"))
            say(f"{given.what} is gone.")
        case "export":
            words = _passphrase(new=True) if given.passphrase else None
            path = keys.export(_needed(given, "FILE"), words)
            say(f"{path} has your keys: whoever reads it can sign and read as you. Keep it in a safe place.")
        case "import":
            wrapped = given.passphrase
            added = keys.import_(_needed(given, "FILE"), _passphrase() if wrapped else None)
            say(f"New here: {', '.join(added) or 'none'}.")
        case "move":
            store = _needed(given, "file, keyring or passphrase")
            keys.move(store, _passphrase(new=True) if store == "passphrase" else None)
            say(f"Your keys are now kept in: {store}.")
        case "unlock":
            keys.unlock(_passphrase())
            say("Open until the end of this session, or tether-lab keys lock.")
        case _:
            keys.lock()
            say("Locked. A worker that runs has its keys until it stops.")
    return 0


def _needed(given: Arguments, what: str) -> str:
    if not given.what:
        raise BadRequest(f"keys {given.verb} needs {what}", where="keys",
                         remedy=f"tether-lab keys {given.verb} {what}")
    return str(given.what)


def _passphrase(*, new: bool = False) -> str:
    """Asked for without an echo; from a pipe, its first line."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    said = getpass.getpass("Passphrase: ")
    if new and getpass.getpass("Once more: ") != said:
        raise BadRequest("the two passphrases differ", where="passphrase")
    return said
