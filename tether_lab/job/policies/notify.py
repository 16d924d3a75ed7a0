"""Whom a job tells that it has ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from tether_lab.errors import OptionError

WHEN = ("always", "failure", "success")
ACCEPTED = "toast, desktop, an https:// address, command:./script; before it failure, or success, if wanted"


@dataclass(frozen=True, slots=True)
class Notify:
    """``targets``: ``toast`` (the event that JupyterLab shows), ``desktop``, a webhook's address, or
    ``command:`` and a command line. ``when``: always, failure, success; a cancelled job that somebody
    cancelled tells nobody. Each target gets the toast, too."""

    targets: tuple[str, ...] = ("toast",)
    when: str = "always"

    def __post_init__(self) -> None:
        if self.when not in WHEN:
            raise OptionError(f"notify: {self.when!r:.60} is no occasion", remedy=f"One of {', '.join(WHEN)}.",
                              where="notify")
        if not self.targets:
            raise OptionError("notify: nobody is named", remedy=f"Accepted: {ACCEPTED}.", where="notify")
        for target in self.targets:
            _check(target)

    @classmethod
    def parse(cls, value: object) -> Notify:
        """``"desktop"``, ``"failure,https://example.org/hook"``, ``"command:./tell.sh"`` (the rest of the
        text is the command), True, a list of targets, a Notify."""
        if isinstance(value, Notify):
            return value
        if value is True:
            return cls()
        if isinstance(value, Mapping):
            return cls(tuple(value["targets"]), str(value["when"]))
        words = [str(word) for word in value] if isinstance(value, list | tuple) else _words(str(value))
        when = [word for word in words if word in WHEN]
        targets = tuple(word for word in words if word not in WHEN)
        if len(when) > 1:
            raise OptionError(f"notify: both {' and '.join(when)}", where="notify", remedy="Name one.")
        return cls(targets or (("toast",) if when else ()), when[0] if when else "always")

    def wants(self, event: str) -> bool:
        """Whether this end (the name of its hook) is told."""
        told = {"always": ("on_success", "on_failure"), "failure": ("on_failure",), "success": ("on_success",)}
        return event in told[self.when]


def _words(text: str) -> list[str]:
    """Comma-separated; a command takes the rest, commas and all."""
    head, mark, command = text.partition("command:")
    words = [word.strip() for word in head.split(",") if word.strip()]
    return [*words, mark + command] if mark else words


def _check(target: str) -> None:
    if target in ("toast", "desktop") or (target.startswith("command:") and target[8:].strip()):
        return
    if target.startswith(("http://", "https://")):
        try:
            if urlsplit(target).hostname and len(target) < 2000 and target.isprintable():
                return
        except ValueError:
            pass
    raise OptionError(f"notify: {target!r:.80} is nobody that can be told", remedy=f"Accepted: {ACCEPTED}.",
                      where="notify")
