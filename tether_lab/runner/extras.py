"""What acts beside a job's own code: resources built on first use, what runs first, middleware around it."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tether_lab.errors import BadRequest
from tether_lab.job import Manifest

from . import wire
from .call import HANDLER, Handlers

if TYPE_CHECKING:
    import asyncio

    from .context import Context

Made = tuple[str, Generator[Any, None, None] | None, Any]
"""(name, the generator to be resumed at the end, the resource)."""


class Kept:
    """What a process keeps from job to job: loaded code, resources of scope ``runner``, what ran first."""

    def __init__(self) -> None:
        self.loaded: dict[tuple[str, str], Callable[..., Any]] = {}
        self.resources: dict[tuple[str, str], Made] = {}
        self.started: set[tuple[str, str]] = set()

    def close(self, warn: Callable[[str], None]) -> None:
        """Tear down what lived as long as the process."""
        for made in reversed(list(self.resources.values())):
            _tear_down(made, warn)
        self.resources.clear()


class Extras:
    """Those of one attempt."""

    def __init__(self, task: wire.Task, handlers: Handlers, kept: Kept, context: Context,
                 warn: Callable[[str], None]) -> None:
        self._task, self._handlers, self._kept, self._context, self._warn = task, handlers, kept, context, warn
        self._by_name = {extra.name: extra for extra in task.extras if extra.kind == "resource"}
        self._made: dict[str, Made] = {}
        self._being_made: list[str] = []

    @property
    def resources(self) -> frozenset[str]:
        """Names that functions may ask for."""
        return frozenset(self._by_name)

    def load(self) -> None:
        """Load the code of all of them, before the job's own: what that brings along wins."""
        for extra in self._task.extras:
            self._code(extra)

    def run_first(self) -> None:
        """What has to run before a handler: once a process. Raises StartFailed."""
        for extra in self._task.extras:
            if extra.kind == "start" and (extra.key, extra.version) not in self._kept.started:
                function = self._code(extra)
                try:
                    value = function(**self._arguments(function))
                    if inspect.iscoroutine(value):
                        import asyncio

                        asyncio.run(value)
                except Exception as error:
                    raise StartFailed(extra.name, error) from error
                self._kept.started.add((extra.key, extra.version))

    def around(self, body: Callable[[], Any]) -> Any:
        """``body()`` inside all middleware, the lowest order outermost."""
        layers = [extra for extra in self._task.extras if extra.kind == "middleware"]

        def call(at: int) -> Any:
            if at == len(layers):
                return body()
            return _through(layers[at].name, self._code(layers[at]), self._context, lambda: call(at + 1))
        return call(0)

    def resource(self, name: str) -> Any:
        """The resource of this name, built on first use."""
        extra = self._by_name.get(name)
        if extra is None:
            known = ", ".join(sorted(self._by_name)) or "none"
            raise BadRequest(f"there is no resource {name!r}", where=name, remedy=f"Resources here: {known}.")
        kept = self._kept.resources.get((extra.key, extra.version)) or self._made.get(name)
        if kept is None:
            kept = self._make(extra)
            if extra.scope == "runner":
                self._kept.resources[extra.key, extra.version] = kept
            else:
                self._made[name] = kept
        return kept[2]

    def close(self) -> None:
        """Tear down what was built for this job, the last one first; what fails is a warning."""
        for made in reversed(list(self._made.values())):
            _tear_down(made, self._warn)
        self._made.clear()

    def _make(self, extra: wire.Extra) -> Made:
        if extra.name in self._being_made:
            raise BadRequest(f"resources need each other: {' → '.join([*self._being_made, extra.name])}",
                             where=extra.name, remedy="Let one of them build what it needs itself.")
        self._being_made.append(extra.name)
        try:
            function = self._code(extra)
            made: Any = function(**self._arguments(function))
            is_generator = isinstance(made, Generator)
            return (extra.name, made, next(made)) if is_generator else (extra.name, None, made)
        except Exception as error:
            error.add_note(f"raised by the resource {extra.name!r}")
            raise
        finally:
            self._being_made.pop()

    def _arguments(self, function: Callable[..., Any]) -> dict[str, Any]:
        """By name: ``ctx``, and resources."""
        found: dict[str, Any] = {}
        for name, parameter in inspect.signature(function).parameters.items():
            if name == "ctx":
                found[name] = self._context
            elif name in self._by_name:
                found[name] = self.resource(name)
            elif parameter.default is parameter.empty:
                raise BadRequest(f"{function.__name__} asks for {name!r}, which is no resource", where=name,
                                 remedy=f"It may ask for ctx, {', '.join(sorted(self._by_name))}.")
        return found

    def _code(self, extra: wire.Extra) -> Callable[..., Any]:
        found = self._kept.loaded.get((extra.key, extra.version))
        if found is None:
            found = self._kept.loaded[extra.key, extra.version] = code_of(extra, self._task, self._handlers)
        return found


def code_of(extra: wire.Extra, task: wire.Task, handlers: Handlers) -> Callable[..., Any]:
    """The function of an extra, in a namespace of its own."""
    from tether_lab.capture import Blobs, load_manifest

    before = sys.modules["__main__"]
    namespace = handlers.namespace()
    try:
        load_manifest(Manifest.from_json(extra.manifest), Blobs(Path(task.blob_folder), task.blobs), namespace)
    except Exception as error:
        error.add_note(f"raised by the {extra.kind} {extra.name!r} while it was loaded")
        raise
    finally:
        sys.modules["__main__"] = before
    found: Callable[..., Any] = namespace.pop(HANDLER)
    return found


class StartFailed(Exception):
    """What had to run first raised: the job goes back, unharmed."""

    def __init__(self, name: str, error: BaseException) -> None:
        super().__init__(f"on_worker_start {name!r} raised {type(error).__name__}: {error}")


def _tear_down(made: Made, warn: Callable[[str], None]) -> None:
    name, generator, _ = made
    if generator is None:
        return
    try:
        next(generator)
    except StopIteration:
        return
    except Exception as error:  # noqa: BLE001  user code
        warn(f"the resource {name!r} could not be torn down: {type(error).__name__}: {error}")
        return
    warn(f"the resource {name!r} yields twice")


def _through(name: str, middleware: Callable[..., Any], context: Context, rest: Callable[[], Any]) -> Any:
    """One layer. What it raises of its own carries its name; what comes from within passes as it is."""
    inner: list[BaseException] = []

    def call_next() -> Any:
        try:
            return rest()
        except BaseException as error:
            inner.append(error)
            raise
    try:
        if inspect.iscoroutinefunction(middleware):
            return _drive(middleware, context, call_next)
        return middleware(context, call_next)
    except Exception as error:
        if not any(error is one for one in inner):
            error.add_note(f"raised by the middleware {name!r}")
        raise


def _drive(middleware: Callable[..., Any], context: Context, call_next: Callable[[], Any]) -> Any:
    """An async layer on a loop of its own, which stands still while what is within runs: that may
    have a loop as well, and signals reach it."""
    import asyncio

    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        asked: list[asyncio.Future[Any]] = []
        called = [loop.create_future()]

        def ask() -> asyncio.Future[Any]:
            asked.append(loop.create_future())
            called[0].set_result(None)
            return asked[-1]

        task = loop.create_task(middleware(context, ask))
        while True:
            loop.run_until_complete(asyncio.wait({task, called[0]}, return_when=asyncio.FIRST_COMPLETED))
            if not asked:
                return task.result()
            future, called[0] = asked.pop(), loop.create_future()
            try:
                future.set_result(call_next())
            except BaseException as error:  # noqa: BLE001  handed to the layer, which may catch it
                future.set_exception(error)
