"""Which names a cell reads before it binds them, by walking it as it would run.

The walk carries the set of names that are bound *for certain*. Branches are walked apart and meet
in what both bind; loops may run no time; a branch that raises, returns or breaks does not meet at
all. So ``df = load(); df.head()`` does not need last run's 100 MB ``df``, and ``if flag: z = 1``
followed by ``print(z)`` needs ``z``.

The body of a function is no part of the walk: what it reads must exist when its name is next
used, or at the end of the cell if it never is.
"""

# ruff: noqa: N815 - the names are those of ast.NodeVisitor
from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any

from .bound import Loop, Unreachable, meet
from .evidence import BUILTINS, INTERACTIVE, Evidence, Names
from .scopes import (
    Comprehension,
    FunctionNode,
    Outside,
    evaluated_at_definition,
    outside,
    type_parameters,
)
from .texts import parse

# Decorators that keep the function for later; any other may call it at once.
_QUIET_DECORATORS = frozenset({
    "property", "staticmethod", "classmethod", "abstractmethod", "cached_property", "lru_cache",
    "cache", "wraps", "dataclass", "setter", "getter", "deleter", "contextmanager", "njit", "jit",
    "asynccontextmanager", "overload", "override", "total_ordering", "singledispatch", "register",
})
_SWALLOWS = frozenset({"suppress", "raises", "assertRaises"})


class Flow(ast.NodeVisitor):
    """Walks the statements of a cell in order; what it finds goes to ``names``."""

    def __init__(self, names: Names) -> None:
        self.names, self.evidence = names, Evidence(names)
        self.bound: set[str] = set()
        self._inner: list[tuple[str, set[str]]] = []     # class bodies and comprehensions
        self._certain: set[str] = set()
        self._deferred: dict[str, Outside] = {}
        self._resolving: set[str] = set()
        self._loops: list[Loop] = []
        self._class: list[str] = []

    def run(self, body: Iterable[ast.stmt]) -> None:
        """Walk a whole cell."""
        self._block(body)
        if isinstance(self.bound, Unreachable):
            self.bound = set(self.names.stores)
        for name in list(self._deferred):
            self._called(name)
        self.names.unsure = set(self.names.needed) - self._certain

    # -- names -----------------------------------------------------------------------------------

    def _visible(self, name: str, *, from_function: bool) -> bool:
        if name in self.bound:
            return True
        inside = from_function
        for kind, bound in reversed(self._inner):
            if name in bound and not (kind == "class" and inside):
                return True
            inside = inside or kind == "comprehension"
        return False

    def _use(self, name: str, line: int, *, from_function: bool = False) -> None:
        if isinstance(self.bound, Unreachable):
            return
        if name in self._deferred:
            self._called(name)
        if self._visible(name, from_function=from_function):
            return
        if name in INTERACTIVE or name in BUILTINS:
            self.names.builtins.setdefault(name, line)
            return
        self.names.needed.setdefault(name, line)
        if name not in self.names.stores:
            self._certain.add(name)

    def _called(self, name: str) -> None:
        """A function of this cell may run now: what it reads must exist now."""
        if name in self._resolving:
            return
        self._resolving.add(name)
        for read, line in self._deferred[name].reads.items():
            self._use(read, line, from_function=True)
        self._resolving.discard(name)

    def _bind(self, name: str) -> None:
        if self._inner:
            self._inner[-1][1].add(name)
        else:
            self.bound.add(name)
            self.names.stores.add(name)

    def _unbind(self, name: str) -> None:
        (self._inner[-1][1] if self._inner else self.bound).discard(name)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self._use(node.id, node.lineno)
        elif isinstance(node.ctx, ast.Store):
            self._bind(node.id)
        else:
            self._use(node.id, node.lineno)
            self._unbind(node.id)

    # -- blocks ----------------------------------------------------------------------------------

    def _block(self, body: Iterable[ast.AST]) -> None:
        for statement in body:
            self.visit(statement)

    def _branch(self, body: Iterable[ast.AST], start: set[str]) -> set[str]:
        """Walk ``body`` apart; the names bound at its end. Leaves ``self.bound`` alone."""
        before, self.bound = self.bound, start.copy()
        self._block(body)
        end, self.bound = self.bound, before
        return end

    # -- definitions -----------------------------------------------------------------------------

    def _function(self, node: FunctionNode) -> Outside:
        for expression in evaluated_at_definition(node):
            self.visit(expression)
        found = outside(node, self.evidence)
        self.names.stores |= found.stores
        return found

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        found = self._function(node)
        owner = self._class[0] if self._class else node.name
        if all(_decorator(d) in _QUIET_DECORATORS for d in node.decorator_list):
            self._defer(owner, found)
            self._bind(node.name)
            return
        self._bind(node.name)
        for name, line in found.reads.items():
            self._use(name, line, from_function=True)

    visit_AsyncFunctionDef = visit_FunctionDef

    def _defer(self, owner: str, found: Outside) -> None:
        earlier = self._deferred.get(owner)
        if earlier is not None:
            found = Outside({**earlier.reads, **found.reads}, found.stores)
        self._deferred[owner] = found

    def visit_Lambda(self, node: ast.Lambda) -> None:
        for name, line in self._function(node).reads.items():
            self._use(name, line, from_function=True)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._block([*node.decorator_list, *node.bases, *node.keywords])
        body = type_parameters(node) | {"__qualname__", "__module__", "__name__"}
        self._inner.append(("class", body))
        self._class.append(node.name)
        self._block(node.body)
        self._class.pop()
        self._inner.pop()
        self._bind(node.name)
        quiet = all(_decorator(d) in _QUIET_DECORATORS for d in node.decorator_list)
        if node.name in self._deferred and not (quiet and not node.keywords):
            self._called(node.name)

    def visit_TypeAlias(self, node: Any) -> None:
        """``type Row = dict[str, X]`` (Python 3.12): evaluated when asked for."""
        parameters = type_parameters(node)
        reads = {n.id: n.lineno for n in ast.walk(node.value)
                 if isinstance(n, ast.Name) and n.id not in parameters}
        self._defer(node.name.id, Outside(reads))
        self._bind(node.name.id)

    def _comprehension(self, node: Comprehension) -> None:
        first = node.generators[0]
        self.visit(first.iter)
        before = self.bound
        self.bound = before.copy()                     # it may iterate no time
        self._inner.append(("comprehension", set()))
        for generator in node.generators:
            if generator is not first:
                self.visit(generator.iter)
            self.visit(generator.target)
            self._block(generator.ifs)
        self._block([node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt])
        self._inner.pop()
        self.bound = before

    visit_ListComp = _comprehension
    visit_SetComp = _comprehension
    visit_DictComp = _comprehension
    visit_GeneratorExp = _comprehension

    # -- expressions -----------------------------------------------------------------------------

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        name = node.target.id
        self.bound.add(name)                           # past any comprehension
        self.names.stores.add(name)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        self.visit(node.values[0])
        rest = self.bound
        for value in node.values[1:]:
            rest = self._branch([value], rest)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self.visit(node.test)
        self.bound = meet(self._branch([node.body], self.bound),
                           self._branch([node.orelse], self.bound))

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.evidence.attribute(node)
        self.visit(node.value)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        self.evidence.subscript(node)
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        self.evidence.string(node)

    def visit_Call(self, node: ast.Call) -> None:
        sources = self.evidence.call(node)
        self.generic_visit(node)
        for source in sources:
            self._block(parse(source) or ())

    # -- simple statements -------------------------------------------------------------------------

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        self._block(node.targets)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self._use(node.target.id, node.lineno)
        self._block([node.value, node.target])

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.visit(node.annotation)
        if node.value is not None:
            self._block([node.value, node.target])
        elif not isinstance(node.target, ast.Name):
            self.visit(node.target)

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        for name in self.evidence.imported(node):
            self._bind(name)

    visit_ImportFrom = visit_Import

    def visit_Return(self, node: ast.Return | ast.Raise) -> None:
        self.generic_visit(node)
        self.bound = Unreachable()

    visit_Raise = visit_Return

    def visit_Break(self, _: ast.Break) -> None:
        if self._loops:
            self._loops[-1].breaks.append(self.bound)
        self.bound = Unreachable()

    def visit_Continue(self, _: ast.Continue) -> None:
        if self._loops:
            self._loops[-1].continues.append(self.bound)
        self.bound = Unreachable()

    # -- compound statements -----------------------------------------------------------------------

    def visit_If(self, node: ast.If) -> None:
        self.visit(node.test)
        self.bound = meet(self._branch(node.body, self.bound),
                           self._branch(node.orelse, self.bound))

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self.visit(node.iter)
        self._loop([node.target, *node.body], node.orelse, endless=False)

    visit_AsyncFor = visit_For

    def visit_While(self, node: ast.While) -> None:
        self.visit(node.test)
        endless = isinstance(node.test, ast.Constant) and bool(node.test.value)
        self._loop([*node.body, node.test], node.orelse, endless=endless)

    def _loop(self, body: list[Any], orelse: list[ast.stmt], *, endless: bool) -> None:
        loop, before = Loop(), self.bound
        self._loops.append(loop)
        end = meet(self._branch(body, before), *loop.continues)
        if not before <= end and not isinstance(end, Unreachable):
            # The body deletes names: a second round starts without them.
            end = meet(end, self._branch(body, before & end))
        self._loops.pop()
        through = Unreachable() if endless else meet(before, end)
        self.bound = meet(self._branch(orelse, through), *loop.breaks)

    def visit_With(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            self.visit(item.context_expr)
            if item.optional_vars is not None:
                self.visit(item.optional_vars)
        before = self.bound.copy()
        self._block(node.body)
        if any(_decorator(item.context_expr) in _SWALLOWS for item in node.items):
            self.bound = meet(before, self.bound) if not isinstance(
                self.bound, Unreachable) else before

    visit_AsyncWith = visit_With

    def visit_Try(self, node: Any) -> None:
        before = self.bound
        body = self._branch(node.body, before)
        at_error = meet(before, body) if not isinstance(body, Unreachable) else before
        ends = [self._branch(node.orelse, body)]
        ends += [self._handler(handler, at_error) for handler in node.handlers]
        after = meet(*ends)
        if node.finalbody:
            start = meet(at_error, after)
            final = self._branch(node.finalbody, start)
            if isinstance(final, Unreachable) or isinstance(after, Unreachable):
                after = Unreachable()
            else:
                after = (after | (final - start)) - (start - final)
        self.bound = after

    visit_TryStar = visit_Try

    def _handler(self, handler: ast.ExceptHandler, start: set[str]) -> set[str]:
        start = start.copy()
        if handler.name and not self._inner:
            start.add(handler.name)
            self.names.stores.add(handler.name)
        elif handler.name:
            self._inner[-1][1].add(handler.name)
        body: list[ast.AST] = [handler.type] if handler.type is not None else []
        end = self._branch([*body, *handler.body], start)
        if handler.name:
            end.discard(handler.name)                  # Python deletes it at the end of the handler
        return end

    def visit_Match(self, node: ast.Match) -> None:
        self.visit(node.subject)
        before, ends, exhaustive = self.bound, [], False
        for case in node.cases:
            guard = [case.guard] if case.guard is not None else []
            ends.append(self._branch([case.pattern, *guard, *case.body], before))
            exhaustive |= (isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None
                           and case.guard is None)
        self.bound = meet(*ends) if exhaustive else meet(before, *ends)

    def visit_MatchAs(self, node: ast.MatchAs | ast.MatchStar) -> None:
        if node.name:
            self._bind(node.name)
        self.generic_visit(node)

    visit_MatchStar = visit_MatchAs

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        if node.rest:
            self._bind(node.rest)
        self.generic_visit(node)


def _decorator(node: ast.expr) -> str:
    """``setter`` of ``@area.setter``, ``lru_cache`` of ``@functools.lru_cache(maxsize=None)``."""
    if isinstance(node, ast.Call):
        node = node.func
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
