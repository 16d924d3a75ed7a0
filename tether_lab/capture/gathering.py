"""From names to bytes: the variables, modules and imports that a piece of source takes along.

A work list starts with the names that the analysis found; pickling a function or a class of the
notebook adds the globals that its code reads, until nothing is missing. Every variable that cannot
travel is found before anything is refused.
"""

from __future__ import annotations

import linecache
import pickle
import sys
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from .arrays import Arrays
from .codes import CodeNames
from .culprits import explain
from .modules import top
from .names import BUILTINS, INTERACTIVE, Names
from .patches import patched
from .pickling import CellPickler, Silent, Stream
from .refusals import TooLarge
from .texts import expression_names

_HISTORY = frozenset({"In", "Out", "_ih", "_oh", "_dh"})
_GIVEN = {
    "ctx": "ctx is the notebook's own variable; the job's is tether_lab.ctx",
    "payload": "payload is the notebook's own variable; the job's is tether_lab.ctx.payload",
}
"""What every job has, and what is said where a notebook uses the name for something of its own."""
# Libraries whose objects show themselves only once another of their modules is loaded.
_SHOWN_BY = {"matplotlib": "matplotlib.pyplot"}
# Words of a Captured.variables key that is no variable: a handler's function, a magic, a printer.
HANDLER = "__handler__"
MAGIC = "__magic__:"
PRINTER = "__printer__:"


@dataclass(slots=True)
class Part:
    """One variable in the stream."""

    name: str
    value: Any
    segment: slice
    buffers: list[pickle.PickleBuffer]
    size: int
    why: str


@dataclass(slots=True)
class Gathered:
    """What was gathered, still in memory."""

    stream: Stream
    parts: list[Part] = field(default_factory=list)
    imports: dict[str, str] = field(default_factory=dict)
    submodules: list[str] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    referred: set[str] = field(default_factory=set)
    environ: set[str] = field(default_factory=set)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    why: dict[str, str] = field(default_factory=dict)
    too_large: bool = False


def _given(namespace: dict[str, Any]) -> set[str]:
    """The names that the job gives a meaning to: not those of which the notebook has its own."""
    return {name for name in _GIVEN if name not in namespace
            or type(namespace[name]).__module__.startswith("tether_lab.")}


class Gathering:
    """One attempt to gather. Names in ``dropped`` could not travel and were not needed for
    certain; they were left out of the next attempt."""

    def __init__(self, namespace: dict[str, Any], *, limit: float, excluded: Iterable[str] = (),
                 repeated: bool = False, dropped: Iterable[str] = ()) -> None:
        self.namespace, self.repeated = namespace, repeated
        self.excluded = _given(namespace) | set(excluded) | set(dropped)
        self._stream = Stream(self._pickler, limit)
        self.found = Gathered(self._stream)
        self.soft: set[str] = set()                   # may be left out if they cannot travel
        self.failed_softly: dict[str, str] = {}
        self._waiting: deque[tuple[str, Any]] = deque()
        self._arrays = Arrays()
        self._root = ""
        self._strings: list[str] = []                 # of the cell, until something evaluates text
        self._limit = limit

    def _pickler(self, file: Any, buffer: Callable[[Any], bool]) -> CellPickler:
        return CellPickler(file, self, self.namespace, buffer)

    # -- what is wanted --------------------------------------------------------------------------

    def want_all(self, names: Names) -> None:
        """Everything that the analysis of a source asks for."""
        for name in names.needed:
            self.want(name, "used by the cell", soft=name in names.unsure,
                      quiet=names.star or name in names.unsure)
        self._strings = [text for text, _ in names.strings]
        if names.dynamic:
            self._want_strings()
        for name in names.builtins:
            self.want(name, "used by the cell", quiet=True)
        for name in names.maybe:
            self.want(name, "named in a string", soft=True, quiet=True)
        for name in names.tables:
            if _is_table(self.namespace.get(name)):
                self.want(name, "named in SQL", soft=True, quiet=True)
        for chain in sorted(names.dotted):
            self._chain(chain)
        self.found.environ |= set(names.environ)

    def _want_strings(self) -> None:
        """Something evaluates text that it is given: perhaps strings of the cell."""
        strings, self._strings = self._strings, []
        for text in strings:
            for name in expression_names(text):
                self.want(name, "named in a string", soft=True)

    def want(self, name: str, why: str, *, soft: bool = False, quiet: bool = True) -> None:
        """Put a name on the list, once. ``quiet``: say nothing if there is none of it."""
        if name in self.excluded:
            return
        if name in self.found.why:
            if not soft:
                self.soft.discard(name)
            return
        if name in _HISTORY and name in self.namespace:
            self.found.why[name] = why
            self.found.problems.append(
                f"{name} is the notebook's history ({why}): assign the value to a variable first")
        elif name in self.namespace and not self._is_the_shells(name):
            self.found.why[name] = why
            if soft:
                self.soft.add(name)
            if name in _GIVEN:
                self.found.notes.append(_GIVEN[name])
            self._waiting.append((name, self.namespace[name]))
        elif not quiet and name not in BUILTINS and name not in INTERACTIVE:
            self.found.missing[name] = why

    def add(self, key: str, value: Any, why: str, *, soft: bool = False) -> None:
        """Something beside the namespace: the handler's function, a magic."""
        if key not in self.excluded and key not in self.found.why:
            self.found.why[key] = why
            if soft:
                self.soft.add(key)
            self._waiting.append((key, value))

    def _is_the_shells(self, name: str) -> bool:
        """``display``, ``get_ipython`` … as IPython put them there; a job has its own."""
        if name.startswith("__") and name in BUILTINS:
            return True
        if name not in INTERACTIVE:
            return False
        value = self.namespace[name]
        module = getattr(value, "__module__", None) or type(value).__module__
        return top(module) in {"IPython", "ipykernel"} or value is BUILTIN_VALUES.get(name)

    def _chain(self, chain: str) -> None:
        """Submodules that an attribute chain goes through: ``xml.dom.minidom.Node``."""
        root, *rest = chain.split(".")
        module = self.namespace.get(root)
        if not isinstance(module, ModuleType):
            return
        if module.__name__ == "__main__" and rest:
            self.want(rest[0], "used by the cell", soft=True)
        path = module.__name__
        for part in rest:
            path += "." + part
            if path not in sys.modules:
                break
            self.found.submodules.append(path)

    # -- taking it -------------------------------------------------------------------------------

    def run(self) -> Gathered:
        """Pickle what is on the list and what that leads to."""
        while self._waiting and not self.found.too_large:
            name, value = self._waiting.popleft()
            if isinstance(value, ModuleType) and (value.__name__ == "__main__" or getattr(
                    value, "__spec__", None) is not None):
                self.found.imports[name] = value.__name__
            else:
                self._take(name, value)
        tops = {top(module) for module in self.found.referred}
        self.found.submodules = sorted({*self.found.submodules, *(
            shows for library, shows in _SHOWN_BY.items() if library in tops and shows in sys.modules)})
        self.found.warnings += self._arrays.warnings(self.namespace)
        self.found.warnings += patched({*self.found.imports.values(), *self.found.referred})
        return self.found

    def _take(self, name: str, value: Any) -> None:
        self._root = name
        broken = bool(self.found.problems or self.failed_softly)
        # A failure leaves the memo with objects that the stream lacks: go on beside it.
        stream = Stream(self._pickler, self._limit) if broken else self._stream
        try:
            segment, buffers, size = stream.dump(value)
        except TooLarge:
            self.found.too_large = True
            self._too_large(name)
        except Exception as error:  # noqa: BLE001 - whatever a user's __reduce__ raises
            self._cannot(name, value, error)
        else:
            if not broken:
                self.found.parts.append(
                    Part(name, value, segment, buffers, size, self.found.why[name]))

    def _cannot(self, name: str, value: Any, error: BaseException) -> None:
        import io

        silent = CellPickler(io.BytesIO(), Silent(), self.namespace, lambda _: False)
        shown = _shown(name)
        sentence, remedy = explain(shown, value, error, silent)
        text = f"{shown} {sentence} ({self.found.why[name]}): {remedy}"
        if name in self.soft:
            self.failed_softly[name] = text
        else:
            self.found.problems.append(text)

    def _too_large(self, name: str) -> None:
        sizes = sorted(((part.size, part.name) for part in self.found.parts), reverse=True)[:2]
        others = "".join(f", {other} {megabytes(size)}" for size, other in sizes)
        self.found.problems.append(
            f"{name} makes the capture larger than {megabytes(self._limit)} "
            f"({self.found.why[name]}{others}): load it inside the cell, leave it out with "
            f"--without {name}, or raise the limit with --limit")

    # -- what the pickler meets (pickling.Owner) ---------------------------------------------------

    def code(self, found: CodeNames) -> None:
        """Globals, imports and environment of a function that travels."""
        why = f"global of {_shown(self._root)}"
        for name in found.reads:
            self.want(name, why, soft=self._root in self.soft)
        if "eval" in found.reads or "exec" in found.reads:
            self._want_strings()
        for name in found.strings:
            self.want(name, f"named in a string of {self._root}", soft=True)
        self.found.referred.update(found.imports)
        self.found.environ.update(found.environ)

    def defined(self, thing: Any) -> None:
        """Keep the sources of a function or class; say if its class has been defined anew."""
        functions = [thing] if isinstance(thing, FunctionType) else [
            f for f in vars(thing).values() if isinstance(f, FunctionType)]
        for function in functions:
            self._keep_source(function.__code__.co_filename)
        if thing.__module__ == "__main__":
            self._by_its_name(thing)
        if isinstance(thing, type) and thing.__module__ == "__main__":
            self._older(thing)

    def _by_its_name(self, thing: Any) -> None:
        """Plain pickle, multiprocessing and joblib look things of ``__main__`` up by name."""
        found: Any = self.namespace.get(name := thing.__qualname__.partition(".")[0])
        for part in thing.__qualname__.split(".")[1:]:
            found = getattr(found, part, None)
        if found is thing:
            kind = "class" if isinstance(thing, type) else "function"
            self.want(name, f"{kind} of {self._root}", soft=True)

    def _keep_source(self, file: str) -> None:
        if file in self.found.sources or file not in linecache.cache:
            return
        entry = linecache.cache[file]
        if len(entry) == 4 and not Path(file).exists():
            self.found.sources[file] = "".join(entry[2])

    def _older(self, cls: type) -> None:
        current = self.namespace.get(cls.__qualname__)
        if (isinstance(current, type) and current is not cls and current.__module__ == "__main__"
                and "__slots__" not in vars(cls)):
            self._warn(f"{self._root} is of an older definition of class {cls.__qualname__}; the job "
                       "gets that one with it")

    def refers(self, module: str) -> None:
        """Something travels by the name of its module."""
        self.found.referred.add(module)

    def array(self, array: Any) -> None:
        """Arrays are compared for shared memory at the end."""
        if type(array).__name__ == "memmap":
            self._note(f"{self._root} is a memory-mapped file: the job has its content as it is now")
        nbytes = int(array.nbytes)
        if self._stream.total + nbytes > self._limit:
            raise TooLarge                            # before a strided array is copied
        self._arrays.add(array, self._root)

    def random(self, generator: Any) -> None:
        """A generator that several jobs would load draws the same numbers in each."""
        if self.repeated:
            self._warn(f"{self._root} is a random generator ({type(generator).__name__}) captured as "
                       "it is now: every job of this handler draws the same numbers from it; create "
                       "it inside the cell")

    def _warn(self, text: str) -> None:
        if text not in self.found.warnings:
            self.found.warnings.append(text)

    def _note(self, text: str) -> None:
        if text not in self.found.notes:
            self.found.notes.append(text)


def _shown(name: str) -> str:
    return name.removeprefix(MAGIC).removeprefix(PRINTER)


def _is_table(value: Any) -> bool:
    kind = type(value)
    return top(kind.__module__) in {"pandas", "polars", "pyarrow", "duckdb", "_duckdb", "ibis", "dask",
                                    "geopandas", "modin"}


def megabytes(size: float) -> str:
    """``1.2 kB``, ``100 MB``, ``2 GB``: two digits that matter."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{size:.3g} {unit}" if size < 100 else f"{size:.0f} {unit}"
        size /= 1000
    return ""


BUILTIN_VALUES: dict[str, Any] = {"open": open, "exit": None, "quit": None}
