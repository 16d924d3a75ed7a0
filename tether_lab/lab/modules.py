"""What installed packages contribute: entry points of the group ``tether_lab.modules``, each ``register(lab)``.

They are called once a process and lab, all of them, before anything is refused for not being there: when a
key is unknown, when handlers are listed, when somebody asks for the modules; and by the worker, in a process
of its own, when they are others than before (see ``worker.modules``). What they register is stored, so that it
acts from then on, in jobs too. Finding them costs 0.1 s, which opening a lab must not.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tether_lab.job_queue.contributed import Module

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from .lab import Lab

GROUP = "tether_lab.modules"

_loaded: dict[str, list[Module]] = {}
_loading: set[str] = set()


def modules(lab: Lab) -> list[Module]:
    """The modules, loaded into this lab if they were not in this process. One that raises is told of and
    stands in nobody's way."""
    if lab.uuid in _loading:
        return []                            # a module asks for the modules
    if lab.uuid not in _loaded:
        from importlib.metadata import entry_points

        _loading.add(lab.uuid)
        try:
            points = sorted(entry_points(group=GROUP), key=lambda point: point.name)
            _loaded[lab.uuid] = [_load(lab, point) for point in points]
        finally:
            _loading.discard(lab.uuid)
    return list(_loaded[lab.uuid])


def forget(lab: Lab) -> None:
    """Load them again when somebody asks next."""
    _loaded.pop(lab.uuid, None)


def _load(lab: Lab, point: EntryPoint) -> Module:
    from tether_lab.job_queue import handlers

    package = point.dist.name if point.dist else "?"
    version = point.dist.version if point.dist else "?"
    before = {handler.key: handler.updated_at for handler in handlers.handlers(lab.queue)}
    try:
        point.load()(lab)
    except Exception as error:  # noqa: BLE001  code of others
        said = f"{type(error).__name__}: {error}"
        sys.stderr.write(f"tether_lab: the module {point.name} of {package} could not be registered: {said}\n")
        return Module(point.name, package, version, error=said)
    found = [handler.key for handler in handlers.handlers(lab.queue)
             if before.get(handler.key) != handler.updated_at]
    return Module(point.name, package, version, tuple(found))
