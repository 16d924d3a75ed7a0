"""What a job keeps from attempt to attempt: its checkpoint, and the results of its steps.

A value is stored like a result, signed by the worker, in one transaction: when ``checkpoint`` or
``step`` returns, it survives the death of every process. Loaded by kernels too, for the stand-in.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from tether_lab.errors import BadRequest

if TYPE_CHECKING:
    from . import wire
    from .calls import Calls

CHECKPOINT = "checkpoint"
LONGEST_NAME = 200


class Memos(Protocol):
    """Where values are kept by name."""

    def has(self, name: str) -> bool: ...
    def get(self, name: str) -> Any: ...
    def put(self, name: str, value: object) -> None: ...


class InMemory:
    """The stand-in's: as long as the kernel lives, for one run after the other."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}

    def has(self, name: str) -> bool:  # noqa: ARG002  a kernel runs everything anew
        return False

    def get(self, name: str) -> Any:
        return self._values.get(name)

    def put(self, name: str, value: object) -> None:
        self._values[name] = value


class Kept:
    """A job's: what its earlier attempts kept came with its task, what it keeps now goes to the worker."""

    def __init__(self, task: wire.Task, calls: Calls) -> None:
        self._task, self._calls = task, calls
        self._loaded: dict[str, Any] = {}

    def has(self, name: str) -> bool:
        return name in self._task.memos

    def get(self, name: str) -> Any:
        """A value of an earlier attempt, loaded when first asked for; None if there is none."""
        if name not in self._task.memos:
            return None
        if name not in self._loaded:
            kind, body = self._task.memos[name]
            if kind == "none":
                self._loaded[name] = None
            else:
                from tether_lab.capture import Blobs, load_result

                blobs = Blobs(Path(self._task.blob_folder), self._task.blobs)
                self._loaded[name] = load_result(body, blobs, vars(sys.modules["__main__"]))
        return self._loaded[name]

    def put(self, name: str, value: object) -> None:
        """Keep it. Raises BadRequest for a value that cannot be stored."""
        from tether_lab.capture import dump_result
        from tether_lab.outcome import Stored

        from .result import store_of

        store, limit = store_of(self._task)
        stored = Stored() if value is None else dump_result(
            value, {}, store, namespace=vars(sys.modules["__main__"]), limit=limit)
        if stored.kind == "unavailable":
            raise BadRequest(f"the value of {name} cannot be stored: {stored.text}", where=name,
                             remedy="Keep what it can be made from again: a path, numbers, a state_dict.")
        self._calls.ask("keep", {"name": name, "kind": stored.kind, "body": stored.body, "size": stored.size},
                        stored.blobs)


class Steps:
    """``ctx.step``: each name once an attempt, and once in the life of the job."""

    def __init__(self, memos: Memos) -> None:
        self._memos, self._seen = memos, set[str]()

    def run(self, name: str, function: Callable[..., Any], args: tuple[Any, ...],
            kwargs: dict[str, Any]) -> Any:
        """The result, stored by an earlier attempt or computed and stored now; for ``async def`` awaitable."""
        if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME:
            raise BadRequest(f"ctx.step: {name!r:.60} is no name", where="name",
                             remedy="Give a text of 1 to 200 characters first.")
        if not callable(function):
            raise BadRequest(f"ctx.step({name!r}): {function!r:.60} cannot be called", where=name,
                             remedy="Give the function, then its arguments: ctx.step('load', load, path).")
        if name in self._seen:
            raise BadRequest(f"ctx.step({name!r}) ran already in this attempt", where=name,
                             remedy="Each step has a name of its own, such as f'page {n}'.")
        self._seen.add(name)
        memo = f"step:{name}"
        if inspect.iscoroutinefunction(function):
            return self._later(memo, function, args, kwargs)
        if self._memos.has(memo):
            return self._memos.get(memo)
        value = function(*args, **kwargs)
        self._memos.put(memo, value)
        return value

    async def _later(self, memo: str, function: Callable[..., Any], args: tuple[Any, ...],
                     kwargs: dict[str, Any]) -> Any:
        if self._memos.has(memo):
            return self._memos.get(memo)
        import asyncio

        value = await function(*args, **kwargs)
        await asyncio.to_thread(self._memos.put, memo, value)
        return value
