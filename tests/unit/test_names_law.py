"""The law behind the analysis: a cell given only the names it needs does what it does with all."""

from __future__ import annotations

import ast
import contextlib
import io
import textwrap
from typing import Any

from hypothesis import given, settings, strategies as st

from tether_lab.capture.names import analyse

NAMES = ("a", "b", "c", "d")
name = st.sampled_from(NAMES)
value = st.one_of(
    name, st.integers(0, 3).map(str), st.builds("({} + {})".format, name, name),
    st.builds("(lambda x={}: x + {})()".format, name, name),
    st.builds("sum([{0} for {0} in range({1} % 3)])".format, name, name),
    st.builds("({} if {} % 2 else {})".format, name, name, name),
    st.builds("({} and ({} := {}))".format, name, name, name),
    st.builds("max([({} := x) for x in range({} % 3)], default=0)".format, name, name),
)


def block(body: list[str]) -> str:
    """Indented statements."""
    return textwrap.indent("\n".join(body), "    ")


def function(body: list[str], made_global: str | None, result: str) -> str:
    """A function that is called at once, or kept for later by its name ``f``."""
    head = f"    global {made_global}\n" if made_global else ""
    return f"def f():\n{head}{block(body)}\n    return {result}"


bind = st.builds("{} = {}".format, name, value)
show = st.builds("print('{0}', {0})".format, name)
rarer = st.one_of(
    st.builds("{} += {}".format, name, name), st.builds("print({})".format, value),
    st.builds("del {}".format, name), st.builds("print(f())".format),
    st.builds("if {} % 2: raise ValueError".format, name),
)
simple = st.one_of(bind, bind, show, show, rarer)


def compound(inner: st.SearchStrategy[list[str]]) -> st.SearchStrategy[str]:
    """Statements with statements in them."""
    return st.one_of(
        st.builds(lambda n, x, y: f"if {n} % 2:\n{block(x)}\nelse:\n{block(y)}", name, inner, inner),
        st.builds(lambda n, m, x, y: f"for {n} in range({m} % 3):\n{block(x)}\nelse:\n{block(y)}",
                  name, name, inner, inner),
        st.builds(lambda x, n: f"while True:\n{block(x)}\n    if {n} < 99: break", inner, name),
        st.builds(lambda x, n: f"for _ in range(2):\n{block(x)}\n    if {n} % 2: continue\n    {n} = 1",
                  inner, name),
        st.builds(lambda x, y, z: f"try:\n{block(x)}\nexcept ValueError as d:\n{block(y)}\n"
                  f"finally:\n{block(z)}", inner, inner, inner),
        st.builds(lambda x, y: f"try:\n{block(x)}\nexcept (ValueError, NameError):\n{block(y)}", inner, inner),
        st.builds(lambda n, x, y: f"match {n} % 3:\n    case 0:\n{textwrap.indent(block(x), '    ')}\n"
                  f"    case {n}:\n{textwrap.indent(block(y), '    ')}", name, inner, inner),
        st.builds(lambda x: f"with suppress(ValueError):\n{block(x)}", inner),
        st.builds(lambda x, n: f"class C:\n{block(x)}\n    def m(self): return {n}\nprint(C().m())",
                  inner, name),
        st.builds(function, inner, st.none() | name, name),
    )


statements = st.recursive(st.lists(simple, min_size=1, max_size=2),
                          lambda inner: st.lists(st.one_of(simple, compound(inner)), min_size=1, max_size=3),
                          max_leaves=6).map(lambda body: [*body, *(f"print({n})" for n in NAMES)])


def run(source: str, namespace: dict[str, Any]) -> str:
    """What a cell prints, its error included."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        try:
            exec(compile(source, "<cell>", "exec", dont_inherit=True), namespace)
        except Exception as error:
            print(type(error).__name__)
    return printed.getvalue()


@settings(max_examples=300, deadline=None)
@given(statements)
def test_needed_names_are_enough(cell: list[str]) -> None:
    """Names that the analysis does not ask for make no difference to what the cell prints."""
    source = "\n".join(cell)
    try:
        ast.parse(source)
        compile(source, "<cell>", "exec")
    except SyntaxError:                       # a name that is local and declared global
        return

    def f() -> int:
        return 7

    everything: dict[str, Any] = {"a": 5, "b": 2, "c": 3, "d": 4, "f": f, "suppress": contextlib.suppress}
    names = analyse(source)
    given_names = {n: v for n, v in everything.items() if n in names.needed}
    assert run(source, dict(everything)) == run(source, given_names), source
