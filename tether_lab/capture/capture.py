"""Capture: a source and a namespace in, a manifest and blobs out.

The order matters. Everything is pickled in memory first (buffers are not copied), all problems are
found, and only a capture without problems is hashed and written.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tether_lab.errors import CaptureRefused
from tether_lab.job.handler import Manifest, Variable

from .ambient import read_ambient
from .assignments import assigned
from .blobs import BlobStore, SealedStore
from .environment import changes, settings_of
from .modules import Snapshot, local_modules, top
from .names import Names, analyse
from .patches import changed, shown_alive
from .texts import KERNELS_OWN
from .writing import Writer

if TYPE_CHECKING:
    from .gathering import Gathered, Gathering

_HIDDEN = frozenset({"In", "Out", "exit", "quit", "get_ipython", "display", "open"})
_SHOWN_OTHERS = 2000


@dataclass(frozen=True, slots=True)
class CaptureRequest:
    """What is to be captured.

    ``namespace``     the notebook's, as it is now; only read
    ``source``        Python, as IPython transformed it; "" for functions
    ``parameters``    names that the job is given: never captured
    ``with_names``    names to take although the source does not name them
    ``without``       names to leave out although it does; the cell must create them
    ``mode``          "auto", or "none": only what ``with_names`` says
    ``environ_names`` environment variables to take even if they look like secrets
    ``warn, limit``   bytes; past ``limit`` the capture is refused before anything is copied
    ``local_roots``   folders of the notebook's own modules; () = the working folder
    ``seeded``        generators that the notebook seeded: "random", "numpy.random", "torch"
    ``assigned``      dotted names that its cells set: "math.tau", "pd.DataFrame.head"
    ``repeated``      the handler is expected to run more than once
    ``magics``        the kernel's user-defined magics, as {"line:name": function}
    ``printers``      functions that show values of a type, as {"MIME type|module|name": function}
    ``shell``         what the runner's shell has to set up; goes into the manifest as it is
    """

    namespace: dict[str, Any]
    source: str = ""
    parameters: frozenset[str] = frozenset()
    with_names: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    mode: str = "auto"
    environ_names: tuple[str, ...] = ()
    warn: float = 50e6
    limit: float = 2e9
    local_roots: tuple[Path, ...] = ()
    seeded: frozenset[str] = frozenset()
    assigned: frozenset[str] = frozenset()
    repeated: bool = False
    magics: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    printers: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    shell: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Captured:
    """A capture. ``small`` blobs are still to be written to the database; ``large`` ones are files
    by now, with their sizes. ``names`` is the analysis of the source."""

    manifest: Manifest
    small: dict[str, bytes]
    large: dict[str, int]
    names: Names


def capture_cell(request: CaptureRequest, store: BlobStore) -> Captured:
    """Capture what a cell needs.

    Raises CellError if the source is no Python, CaptureRefused listing every variable that cannot
    travel, each by the path to the part that cannot. Nothing is written then.
    """
    names = analyse(request.source)

    def fill(gathering: Gathering) -> None:
        from .gathering import MAGIC, PRINTER

        if request.mode != "none":
            gathering.want_all(names)
        for magic in sorted(names.magics):
            if magic in request.magics:
                gathering.add(MAGIC + magic, request.magics[magic], "a magic of the notebook",
                              soft=True)
        for shown, printer in sorted(request.printers.items()):
            gathering.add(PRINTER + shown, printer, "how the notebook shows values", soft=True)

    return _capture(request, store, names, fill)


def capture_function(function: Any, request: CaptureRequest, store: BlobStore) -> Captured:
    """Capture a function or class as a handler: the stream holds it as ``__handler__``."""
    from .gathering import HANDLER

    shown = getattr(function, "__qualname__", type(function).__qualname__)
    return _capture(request, store, Names(),
                    lambda gathering: gathering.add(HANDLER, function, f"the handler {shown}"))


def _capture(request: CaptureRequest, store: BlobStore, names: Names,
             fill: Callable[[Gathering], None]) -> Captured:
    from .gathering import Gathering

    dropped: dict[str, str] = {}
    while True:
        gathering = Gathering(request.namespace, limit=request.limit, repeated=request.repeated,
                              excluded={*request.parameters, *request.without}, dropped=dropped)
        for name in request.with_names:
            if name in request.namespace:
                gathering.want(name, "asked for by --with")
            else:
                gathering.found.problems.append(
                    f"{name} does not exist here (asked for by --with): define it first")
        fill(gathering)
        found = gathering.run()
        if found.problems or not gathering.failed_softly:
            break
        dropped |= gathering.failed_softly
    if found.problems:
        _refuse(found)
    found.warnings += [f"left out: {text}" for text in dropped.values()]
    return _write(request, store, names, found)


def _refuse(found: Gathered) -> None:
    count = len(found.problems)
    first = "this cannot run as a job" + (f", for {count} reasons" if count > 1 else "")
    names = " ".join(dict.fromkeys(problem.split(" ", 1)[0] for problem in found.problems))
    raise CaptureRefused(
        first + ":\n" + "\n".join(f"  {problem}" for problem in found.problems),
        problems=tuple(found.problems),
        remedy=f"Or leave out what the job does not need: --without {names.replace(' ', ',')}")


# -- writing ---------------------------------------------------------------------------------------


def _write(request: CaptureRequest, store: BlobStore, names: Names, found: Gathered) -> Captured:
    writer = Writer(store)
    stream = found.stream.file.getbuffer() if found.parts else memoryview(b"")
    variables, buffers = _variables(found, stream, writer)
    figures = any(top(module) == "matplotlib" for module in found.referred)
    state = read_ambient(request.seeded, figures=figures)
    if request.seeded & state.keys():
        found.notes.append("%%job goes on from the notebook's random state, %job draws anew: "
                           + ", ".join(sorted(request.seeded & state.keys())))
    seeds = _seeds(names, found)
    local = local_modules(seeds, request.local_roots)
    packages = _packages(names, found, set(local.modules))
    environ, withheld = changes(found.environ | settings_of(packages), request.environ_names)
    size = len(stream) + sum(writer.large.values())
    manifest = Manifest(
        variables=tuple(variables), stream=writer.put(stream) if stream else None,
        buffers=tuple(buffers), imports=dict(sorted(found.imports.items())),
        submodules=tuple(found.submodules), sources=found.sources, modules=local.modules,
        cwd=str(Path.cwd()), path=tuple(sys.path), environ=environ, withheld=tuple(withheld),
        ambient=writer.put(pickle.dumps(state, protocol=5)) if state else None,
        shell=dict(request.shell), missing=found.missing, others=_others(request.namespace, found),
        packages=packages,
        warnings=(*found.warnings, *local.warnings, *_left_behind(request, seeds, local),
                  *_about(request, names, found, withheld, size)),
        notes=tuple(found.notes), size=size, large=writer.large,
        python=f"{sys.version_info[0]}.{sys.version_info[1]}", cloudpickle=_cloudpickle(stream),
        encrypted=isinstance(store, SealedStore),
    )
    return Captured(manifest, writer.small, writer.large, names)


def _cloudpickle(stream: memoryview) -> str:
    if not stream:
        return ""
    from .pickling import CLOUDPICKLE

    return CLOUDPICKLE


def _variables(found: Gathered, stream: memoryview, writer: Writer) -> tuple[list[Variable], list[str]]:
    from .fingerprints import fingerprint

    variables: list[Variable] = []
    every: list[str] = []
    for part in found.parts:
        digests = writer.buffers(part.buffers)
        every += digests
        variables.append(Variable(
            part.name, _type_name(part.value), part.size, part.why,
            fingerprint(part.value, stream[part.segment], digests, writer.known)))
    return variables, every


def _type_name(value: Any) -> str:
    kind = type(value)
    return kind.__qualname__ if kind.__module__ in {"builtins", "__main__"} else (
        f"{top(kind.__module__)}.{kind.__qualname__}")


def _others(namespace: dict[str, Any], found: Gathered) -> dict[str, str]:
    """The rest of the namespace, so that a NameError in the job can say what was left behind."""
    rest = {name: type(value).__qualname__ for name, value in list(namespace.items())
            if isinstance(name, str) and not name.startswith("_") and name not in found.why
            and name not in _HIDDEN}
    return dict(list(rest.items())[:_SHOWN_OTHERS])


def _seeds(names: Names, found: Gathered) -> list[str]:
    """Names of modules from which local ones are looked for."""
    seeds = [*found.imports.values(), *sorted(found.referred)]
    for imported in names.imports:
        if not imported.level:
            seeds += [imported.module, *(f"{imported.module}.{part}" for part in imported.names)]
    return [*seeds, *found.submodules]


def _packages(names: Names, found: Gathered, local: set[str]) -> tuple[str, ...]:
    """Third-party top-level modules that the job will import."""
    own = {top(name) for name in local} | {"__main__", "cloudpickle", top(__name__), ""}
    wanted = {top(name) for name in _seeds(names, found)} - own - sys.stdlib_module_names
    return tuple(sorted(wanted - set(sys.builtin_module_names)))


def _left_behind(request: CaptureRequest, seeds: list[str], local: Snapshot) -> list[str]:
    """What the notebook did to libraries, and what it shows alive."""
    sources = [str(module["source"]) for module in local.modules.values()]
    return [*changed(request.assigned - assigned(request.source), request.namespace, seeds),
            *shown_alive(seeds, sources)]


def _about(request: CaptureRequest, names: Names, found: Gathered, withheld: list[str],
           size: int) -> list[str]:
    """Sentences for the card about the capture as a whole."""
    from .gathering import megabytes

    said = []
    if size > request.warn:
        largest = sorted(found.parts, key=lambda part: -part.size)[:3]
        named = ", ".join(f"{part.name} {megabytes(part.size)}" for part in largest)
        said.append(f"captured {megabytes(size)}: {named}")
    if withheld:
        said.append("not sent, as they look like secrets: " + ", ".join(withheld)
                    + " (--env NAME sends one)")
    if found.missing:
        said.append("not defined here: " + ", ".join(found.missing))
    listings = {call for call, _ in names.dynamic} & {"globals()", "locals()", "vars()", "dir()"}
    said += [f"{call} sees the names that the cell uses, not all of the notebook" for call in sorted(listings)]
    magics = {name.partition(":")[2] for name in names.magics}
    return [*said, *(f"%{magic} {KERNELS_OWN[magic]}" for magic in sorted(magics & KERNELS_OWN.keys()))]
