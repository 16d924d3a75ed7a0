"""What an executor is, and how one is found by its name."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Protocol, runtime_checkable

GROUP = "tether_lab.executors"


class ExecutorError(Exception):
    """An executor that is unknown, not installed, or out of reach; the text says what to do."""


class Flight(Protocol):
    """One function that runs somewhere: what ``concurrent.futures.Future`` has, and Dask's too."""

    def done(self) -> bool: ...
    def cancel(self) -> Any: ...
    def exception(self) -> BaseException | None: ...


@runtime_checkable
class Executor(Protocol):
    """Something that can run a function elsewhere, for as long as it takes."""

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Flight:
        """Run it, in time. It needs one place of the cluster for as long as it runs."""
        ...

    def callback(self) -> str:
        """The address of this machine under which those places reach it."""
        ...

    def alive(self) -> bool:
        """Whether functions can be submitted; False: open a new executor."""
        ...

    def close(self) -> None:
        """Let go; what was started for this executor alone is ended."""
        ...


def _found() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def names() -> list[str]:
    """The names that ``open_executor`` knows."""
    return sorted(_found())


def open_executor(spec: str, places: int) -> Executor:
    """The executor of ``name`` or ``name=address``, for so many places. Raises ExecutorError."""
    name, _, address = spec.partition("=")
    entry = _found().get(name)
    if entry is None:
        raise ExecutorError(f"there is no executor {name!r}; there are: local, {', '.join(names())}")
    try:
        made = entry.load()(address or None, places)
    except ImportError as error:
        raise ExecutorError(f"the executor {name!r} needs {error.name or error}: "
                            f"pip install 'tether-lab[{name}]' or that package") from error
    if not isinstance(made, Executor):
        raise ExecutorError(f"the entry point {entry.value} gave no executor but {type(made).__name__}")
    return made
