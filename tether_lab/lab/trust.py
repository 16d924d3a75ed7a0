"""A lab that somebody else made, or a lost key: look at what it would run, then make it one's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .lab import Lab


@dataclass(frozen=True, slots=True)
class Trust:
    """What trusting a lab means: whose keys signed what, and the code that would run.

    ``signers``: (key id, is it ours, handler versions, jobs). ``sources``: (key, version, source) of each
    handler's newest version. ``signed``: how many rows have this user's signature now (0: none asked for).
    """

    lab: str
    own: bool
    signers: tuple[tuple[str, bool, int, int], ...]
    sources: tuple[tuple[str, str, str], ...]
    signed: int = 0
    left: int = 0
    reason: str = ""

    def __str__(self) -> str:
        lines = [f"{self.lab} is {'yours' if self.own else 'not yours yet'}."]
        lines += [f"  {key}{' (yours)' if ours else ''}: {handlers} handler versions, {jobs} jobs"
                  for key, ours, handlers, jobs in self.signers]
        for key, version, source in self.sources:
            lines += ["", f"{key} {version}", *(f"  | {line}" for line in source.splitlines()[:40])]
            if len(source.splitlines()) > 40:
                lines.append(f"  | … {len(source.splitlines()) - 40} more lines")
        if self.signed:
            lines += ["", f"{self.signed} rows have your signature now."]
        if self.left:
            lines.append(f"{self.left} were left as they are: {self.reason}")
        return "\n".join(lines)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return {"text/plain": str(self)}


def trust(lab: Lab, *, accept: bool) -> Trust:
    """What there is to trust; with ``accept`` it is signed by this user's key, whoever signed it before."""
    from tether_lab.job_queue import owner
    from tether_lab.job_queue.rekey import Rekeying

    found = _look(lab)
    if not accept:
        return found
    lab.queue.restricted = False
    done = Rekeying(lab.queue, verify=False).run()
    lab.begin_trusted(owner.is_own(lab.queue))
    lab.forget_versions()
    after = _look(lab)
    return Trust(after.lab, after.own, after.signers, after.sources, done.rows, done.left, done.reason)


def _look(lab: Lab) -> Trust:
    from tether_lab.job_queue import handlers, owner

    heads = handlers.handlers(lab.queue)
    versions = [handlers.version(lab.queue, head.head) for head in heads]
    versions += [handlers.version(lab.queue, number) for number in handlers.extras(lab.queue)]
    signers = owner.signers(lab.queue)
    return Trust(
        lab.name, not lab.restricted,
        tuple((key, lab.vault.knows(key), versions_, jobs) for key, versions_, jobs in signers),
        tuple((version.key, version.version, version.source) for version in versions))
