"""What an analysis has found, and the clues that single expressions give.

Attribute chains, calls and strings are looked at wherever they stand, at top level and inside
functions alike; which *names* are read is the business of ``flow`` and ``scopes``.
"""

from __future__ import annotations

import ast
import builtins
from dataclasses import dataclass, field
from itertools import pairwise

from . import texts

BUILTINS = frozenset(dir(builtins)) | {"__name__", "__file__", "__doc__", "__builtins__"}
INTERACTIVE = frozenset({"get_ipython", "display", "exit", "quit", "open"})

_LONGEST_CODE = 500
_NAMESPACES = frozenset({"globals", "locals", "vars"})
_LISTINGS = _NAMESPACES | {"dir"}
_EVALUATORS = frozenset({"eval", "exec"})
_TIMED = frozenset({"timeit", "repeat", "Timer", "run", "runctx"})
_SHELL_CALLS = frozenset({"run_line_magic", "run_cell_magic", "system", "getoutput", "ev", "ex",
                          "run_cell", "run_cell_async"})


@dataclass(frozen=True, slots=True)
class Import:
    """One import statement: ``names`` of a ``from`` import, () for a plain one."""

    module: str
    names: tuple[str, ...] = ()
    level: int = 0


@dataclass(slots=True)
class Names:
    """What a piece of source needs and leaves behind.

    ``needed``    names that some path reads before the source binds them, with their line
    ``unsure``    those of them that the source may have bound itself (in a branch, a loop)
    ``builtins``  the same for names that Python has anyway (``list``), where a notebook may differ
    ``stores``    names that it binds or rebinds in the namespace
    ``maybe``     names seen only inside strings: ``{x}``, ``$x``, ``@x``, ``eval("x")``
    ``tables``    words of SQL texts, which some engines look up among the frames of the namespace
    ``dotted``    attribute chains, as in ``xml.dom.minidom.Node``
    ``dynamic``   calls that can read anything, with their line
    ``magics``    ``line:time``, ``cell:capture``
    ``environ``   environment variables read by name
    ``strings``   short strings, with their line: what ``eval`` somewhere may be given
    ``star``      there is a ``from … import *``: which names it binds is unknown here
    """

    needed: dict[str, int] = field(default_factory=dict)
    unsure: set[str] = field(default_factory=set)
    builtins: dict[str, int] = field(default_factory=dict)
    stores: set[str] = field(default_factory=set)
    maybe: dict[str, int] = field(default_factory=dict)
    tables: dict[str, int] = field(default_factory=dict)
    dotted: set[str] = field(default_factory=set)
    dynamic: list[tuple[str, int]] = field(default_factory=list)
    magics: set[str] = field(default_factory=set)
    environ: dict[str, int] = field(default_factory=dict)
    imports: list[Import] = field(default_factory=list)
    star: bool = False
    strings: list[tuple[str, int]] = field(default_factory=list)

    def mention(self, names: list[str], line: int) -> None:
        """Names that stand in a string: wanted if they exist."""
        for name in names:
            self.maybe.setdefault(name, line)


class Evidence:
    """Looks at single expressions; ``names`` collects."""

    def __init__(self, names: Names) -> None:
        self.names = names

    def attribute(self, node: ast.Attribute) -> None:
        """Note a chain that hangs on a plain name."""
        parts, inner = [node.attr], node.value
        while isinstance(inner, ast.Attribute):
            parts.append(inner.attr)
            inner = inner.value
        if isinstance(inner, ast.Name):
            self.names.dotted.add(".".join([inner.id, *reversed(parts)]))

    def string(self, node: ast.Constant) -> None:
        """Note ``@name`` and the functions of formulas."""
        text = node.value
        if not isinstance(text, str):
            return
        if 0 < len(text) <= _LONGEST_CODE:
            self.names.strings.append((text, node.lineno))
        if "@" in text:
            self.names.mention(texts.at_names(text), node.lineno)
        if "~" in text:
            self.names.mention(texts.formula_names(text), node.lineno)

    def subscript(self, node: ast.Subscript) -> None:
        """``os.environ["HOME"]``, ``globals()["x"]``, ``ip.user_ns["x"]``."""
        key = node.slice
        if not (isinstance(key, ast.Constant) and isinstance(key.value, str)):
            return
        owner = node.value
        if _last(owner) == "environ":
            self.names.environ.setdefault(key.value, node.lineno)
        elif _last(owner) in {"user_ns", "user_global_ns"} or (
                isinstance(owner, ast.Call) and _last(owner.func) in _NAMESPACES):
            self.names.mention([key.value], node.lineno)

    def imported(self, node: ast.Import | ast.ImportFrom) -> list[str]:
        """Note the import; the names that it binds."""
        if isinstance(node, ast.Import):
            self.names.imports += [Import(alias.name) for alias in node.names]
            return [alias.asname or alias.name.split(".")[0] for alias in node.names]
        taken = tuple(alias.name for alias in node.names)
        self.names.imports.append(Import(node.module or "", taken, node.level))
        self.names.star |= "*" in taken
        return [alias.asname or alias.name for alias in node.names if alias.name != "*"]

    def call(self, node: ast.Call) -> list[str]:
        """Note what a call reads beside its arguments; sources that it runs in the namespace."""
        function, line = node.func, node.lineno
        name = _last(function)
        first = _text(node.args[0]) if node.args else None
        if isinstance(function, ast.Name):
            if name in _EVALUATORS:
                return self._evaluated(name, first, line)
            if name in _LISTINGS and not node.args:
                self.names.dynamic.append((f"{name}()", line))
            if name == "getenv" and first is not None:
                self.names.environ.setdefault(first, line)
            return []
        if not isinstance(function, ast.Attribute):
            return []
        if name in _SHELL_CALLS and _is_shell(function.value):
            return self._shell(name, [_text(a) or "" for a in node.args], line)
        if first is not None:
            self._method(name, function, first, line)
        return []

    def _evaluated(self, name: str, first: str | None, line: int) -> list[str]:
        if first is None:
            self.names.dynamic.append((f"{name}()", line))
            return []
        return [first]

    def _method(self, name: str, function: ast.Attribute, first: str, line: int) -> None:
        """Methods that are handed source, SQL or a variable's name as text."""
        if name == "getenv" or (name in {"get", "setdefault", "pop"}
                                and _last(function.value) == "environ"):
            self.names.environ.setdefault(first, line)
        elif name in {"sql", "execute", "sqldf", "read_sql", "read_sql_query"}:
            for word in texts.words(first):
                self.names.tables.setdefault(word, line)
        elif name in {"evaluate", "re_evaluate"} or (
                name == "eval" and _last(function.value) in {"pd", "pandas"}):
            self.names.mention(texts.expression_names(first), line)
        elif name in _TIMED:
            self.names.mention(_names_of(first), line)

    def _shell(self, verb: str, arguments: list[str], line: int) -> list[str]:
        """Calls on ``get_ipython()``: what IPython makes of ``%``, ``%%`` and ``!`` lines."""
        first, rest = (arguments[0] if arguments else ""), arguments[1:]
        if verb in {"ev", "ex", "run_cell", "run_cell_async"}:
            return [first]
        if verb in {"system", "getoutput"}:
            self.names.mention(texts.expanded(first), line)
            return []
        kind = "line" if verb == "run_line_magic" else "cell"
        self.names.magics.add(f"{kind}:{first}")
        argument = rest[0] if rest else ""
        self.names.mention(texts.expanded(argument), line)
        if kind == "line":
            return self._line_magic(first, argument, line)
        return self._cell_magic(first, argument, rest[1] if len(rest) > 1 else "", line)

    def _line_magic(self, magic: str, argument: str, line: int) -> list[str]:
        if magic in texts.CODE_MAGICS:
            code = texts.without_options(argument)
            if texts.parse(code) is not None:
                return [texts.as_function(code) if magic == "timeit" else code]
            self.names.mention(texts.words(argument), line)
        elif magic in texts.NAMING_MAGICS:
            self.names.mention(texts.words(argument), line)
        elif magic == "matplotlib":
            self.names.magics.add(f"line:matplotlib {argument.strip()}")
        elif magic == "env":
            self.names.environ.setdefault(argument.partition("=")[0].strip(), line)
        elif magic == "run" and "-i" in argument.split():
            self.names.dynamic.append(("%run -i", line))
        return []

    def _cell_magic(self, magic: str, argument: str, body: str, line: int) -> list[str]:
        if magic == "capture":
            kept = [word for word in argument.split() if not word.startswith("-")]
            return [body, *(f"{word} = None" for word in kept[:1] if word.isidentifier())]
        if magic in texts.CODE_MAGICS:
            setup = texts.without_options(argument)
            return [texts.as_function(f"{setup}\n{body}") if magic == "timeit" else body]
        if magic in texts.SCRIPT_MAGICS:
            options = argument.split()
            return [f"{word} = None" for flag, word in pairwise(options)
                    if flag in {"--out", "--err", "--proc"} and word.isidentifier()]
        # Magics of others: their body may be code, or SQL with :parameters. Wanted if it exists.
        self.names.mention([*_names_of(body), *texts.expanded(body),
                            *texts.bound_parameters(body)], line)
        return []


def _last(node: ast.AST) -> str:
    """``environ`` of ``os.environ``, ``f`` of ``f``, "" of anything else."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _is_shell(node: ast.expr) -> bool:
    if isinstance(node, ast.Call):
        return _last(node.func) == "get_ipython"
    return _last(node) in {"ip", "ipython", "shell"}


def _names_of(source: str) -> list[str]:
    body = texts.parse(source)
    if body is None:
        return []
    return [node.id for statement in body for node in ast.walk(statement)
            if isinstance(node, ast.Name)]
