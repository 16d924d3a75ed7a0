"""Which global names the body of a function reads, whenever it is called.

Python's scoping rules on the syntax tree: parameters and assigned names are local, class bodies
are invisible to the functions in them, comprehensions have a scope of their own, ``:=`` binds
outside of them, ``global`` and ``nonlocal`` do what they say.
"""

# ruff: noqa: N815 - the names are those of ast.NodeVisitor
from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field

from .evidence import Evidence
from .texts import parse

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


@dataclass(slots=True)
class Outside:
    """What a function reads of the namespace around it (name → line), and what it binds there."""

    reads: dict[str, int] = field(default_factory=dict)
    stores: set[str] = field(default_factory=set)


def outside(node: FunctionNode, evidence: Evidence) -> Outside:
    """Analyse one function whose defaults and decorators the caller has looked at."""
    scope = _Scope("function", evidence)
    scope.enter_function(node)
    return Outside({**scope.free(), **scope.outright}, scope.stored)


def evaluated_at_definition(node: FunctionNode) -> list[ast.expr]:
    """Decorators, defaults and annotations: what the ``def`` statement itself reads."""
    found: list[ast.expr] = []
    arguments = node.args
    if not isinstance(node, ast.Lambda):
        found += node.decorator_list
    found += [*arguments.defaults, *(d for d in arguments.kw_defaults if d is not None)]
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    every += [a for a in (arguments.vararg, arguments.kwarg) if a is not None]
    found += [a.annotation for a in every if a.annotation is not None]
    if not isinstance(node, ast.Lambda) and node.returns is not None:
        found.append(node.returns)
    return found


def type_parameters(node: ast.AST) -> set[str]:
    """``T`` of ``def f[T](x: T)`` (Python 3.12)."""
    return {parameter.name for parameter in getattr(node, "type_params", ())}


class _Scope(ast.NodeVisitor):
    """One scope. ``reads`` are filtered by what is bound here when the scope is left; a class
    body, which runs top to bottom, falls back to the global for what it reads before binding."""

    def __init__(self, kind: str, evidence: Evidence, binder: _Scope | None = None) -> None:
        self.kind, self.evidence = kind, evidence
        self.binder = binder or self          # the scope that := binds in
        self.bound: set[str] = set()
        self.reads: dict[str, int] = {}
        self.through: dict[str, int] = {}     # reads from inside a class body, past its names
        self.outright: dict[str, int] = {}    # reads of names declared global
        self.declared: set[str] = set()
        self.nonlocals: set[str] = set()
        self.stored: set[str] = set()

    def free(self) -> dict[str, int]:
        """Reads that a scope around this one has to satisfy."""
        if self.kind == "class":
            return {**self.through, **self.reads}
        own = self.bound - self.nonlocals
        return {name: line for name, line in self.reads.items() if name not in own}

    # -- entering ------------------------------------------------------------------------------

    def enter_function(self, node: FunctionNode) -> None:
        arguments = node.args
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        every += [a for a in (arguments.vararg, arguments.kwarg) if a is not None]
        self.bound |= {argument.arg for argument in every} | type_parameters(node)
        self.each(node.body if isinstance(node.body, list) else [node.body])

    def _inner(self, kind: str) -> _Scope:
        return _Scope(kind, self.evidence, self.binder if kind == "comprehension" else None)

    def _leave(self, inner: _Scope) -> None:
        """Take over what an inner scope could not satisfy; a class body satisfies no function."""
        self.outright.update(inner.outright)
        self.stored |= inner.stored
        target = self.through if self.kind == "class" else self.reads
        for name, line in inner.free().items():
            (self.outright if name in self.declared else target).setdefault(name, line)

    def each(self, nodes: Iterable[ast.AST]) -> None:
        for node in nodes:
            self.visit(node)

    # -- names ---------------------------------------------------------------------------------

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self._read(node.id, node.lineno)
        else:
            self.bind(node.id)

    def _read(self, name: str, line: int) -> None:
        if name in self.declared:
            self.outright.setdefault(name, line)
        elif self.kind != "class" or name not in self.bound:
            self.reads.setdefault(name, line)

    def bind(self, name: str) -> None:
        if name not in self.declared:
            self.bound.add(name)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        self.binder.bind(node.target.id)
        if self.binder is not self:
            self.bound.add(node.target.id)

    def visit_Global(self, node: ast.Global) -> None:
        self.declared.update(node.names)
        self.stored.update(node.names)

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        self.nonlocals.update(node.names)

    # -- statements that bind in their own way ---------------------------------------------------

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        self.each(node.targets)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self._read(node.target.id, node.lineno)
        self.each((node.value, node.target))

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.visit(node.annotation)
        if node.value is not None:
            self.visit(node.value)
        self.visit(node.target)

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self.each((node.iter, node.target, *node.body, *node.orelse))

    visit_AsyncFor = visit_For

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self.bind(node.name)
        self.generic_visit(node)

    def visit_MatchAs(self, node: ast.MatchAs | ast.MatchStar) -> None:
        if node.name:
            self.bind(node.name)
        self.generic_visit(node)

    visit_MatchStar = visit_MatchAs

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        if node.rest:
            self.bind(node.rest)
        self.generic_visit(node)

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        for name in self.evidence.imported(node):
            self.bind(name)

    visit_ImportFrom = visit_Import

    # -- scopes inside ---------------------------------------------------------------------------

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> None:
        self.each(evaluated_at_definition(node))
        if not isinstance(node, ast.Lambda):
            self.bind(node.name)
        inner = self._inner("function")
        inner.enter_function(node)
        self._leave(inner)

    visit_AsyncFunctionDef = visit_FunctionDef
    visit_Lambda = visit_FunctionDef

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.each((*node.decorator_list, *node.bases, *node.keywords))
        inner = self._inner("class")
        inner.bound |= type_parameters(node) | {"__qualname__", "__module__"}
        inner.each(node.body)
        self._leave(inner)
        self.bind(node.name)

    def _comprehension(self, node: Comprehension) -> None:
        first = node.generators[0]
        self.visit(first.iter)
        inner = self._inner("comprehension")
        for generator in node.generators:
            if generator is not first:
                inner.visit(generator.iter)
            inner.visit(generator.target)
            inner.each(generator.ifs)
        if isinstance(node, ast.DictComp):
            inner.each((node.key, node.value))
        else:
            inner.visit(node.elt)
        self._leave(inner)

    visit_ListComp = _comprehension
    visit_SetComp = _comprehension
    visit_DictComp = _comprehension
    visit_GeneratorExp = _comprehension

    # -- clues -----------------------------------------------------------------------------------

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.evidence.attribute(node)
        self.visit(node.value)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        self.evidence.subscript(node)
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        self.evidence.string(node)

    def visit_Call(self, node: ast.Call) -> None:
        for source in self.evidence.call(node):
            for statement in parse(source) or ():
                names = [n.id for n in ast.walk(statement) if isinstance(n, ast.Name)]
                self.evidence.names.mention(names, node.lineno)
        self.generic_visit(node)
