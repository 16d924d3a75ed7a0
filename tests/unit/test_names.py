"""Which names a cell needs before it runs: every kind of statement, scope and hiding place."""

from __future__ import annotations

import textwrap

import pytest

from tether_lab.capture.names import analyse
from tether_lab.errors import CellError

# (what it is about, the transformed cell, names that must exist)
NEEDED = [
    ("a plain read", "print(x)", "x"),
    ("written before read", "df = load()\ndf.head()", "load"),
    ("read before written", "n = n + 1", "n"),
    ("augmented assignment reads", "total += 1", "total"),
    ("several targets", "a = b = c\n(d, [e, *f]) = g\na, b, d, e, f", "c g"),
    ("attribute and item targets read", "o.x = 1\np[k] = 2", "o p k"),
    ("annotated assignment", "x: T = y\nx", "T y"),
    ("annotation alone binds nothing", "x: int\nx", "x"),
    ("bound in one branch", "if flag:\n    z = 1\nprint(z)", "flag z"),
    ("bound in both branches", "if flag:\n    z = 1\nelse:\n    z = 2\nprint(z)", "flag"),
    ("a branch that raises", "if bad:\n    raise E\nelse:\n    z = 2\nprint(z)", "bad E"),
    ("after raise nothing is read", "raise E\nprint(x)", "E"),
    ("a loop may run no time", "for i in xs:\n    q = i\nprint(q, i)", "xs q i"),
    ("the loop variable inside", "for i in xs:\n    print(i)", "xs"),
    ("for with else and break", "for i in xs:\n    r = i\n    break\nelse:\n    r = 0\nr", "xs"),
    ("while true leaves by break", "while True:\n    r = f()\n    if r:\n        break\nprint(r)", "f"),
    ("while with a condition", "while go():\n    r = 1\nprint(r)", "go r"),
    ("continue skips a binding", "for i in xs:\n    if i:\n        continue\n    v = 1\nv", "xs v"),
    ("deleted in a loop", "v = 1\nfor i in xs:\n    print(v)\n    del v", "xs v"),
    ("with binds", "with open(p) as f:\n    t = f.read()\nprint(t, f)", "p"),
    ("suppress may skip", "with suppress(E):\n    t = g()\nprint(t)", "suppress E g t"),
    ("try may fail", "try:\n    a = f()\nexcept E as e:\n    print(e)\nprint(a, e)", "f E a e"),
    ("try binds everywhere", "try:\n    a = f()\nexcept E:\n    a = None\nprint(a)", "f E"),
    ("try with else", "try:\n    f()\nexcept E:\n    raise\nelse:\n    b = 1\nprint(b)", "f E"),
    ("finally sees both ways", "try:\n    c = f()\nfinally:\n    print(c)\nc", "f c"),
    ("finally binds", "try:\n    f()\nfinally:\n    c = 1\nprint(c)", "f"),
    ("except star", "try:\n    f()\nexcept* E as g:\n    print(g)", "f E"),
    ("del makes it needed again", "k = 1\ndel k\nk", "k"),
    ("del reads", "del k", "k"),
    ("import binds", "import numpy as np, os.path\nnp.sum(os.path.join(p))", "p"),
    ("from import binds", "from a.b import c as d\nd(e)", "e"),
    ("match captures", "match v:\n    case {'a': a, **rest}: print(a, rest)\n    case P(x=b): b", "v P"),
    ("match with a wildcard", "match v:\n    case 1: r = 1\n    case _: r = 2\nprint(r)", "v"),
    ("match without", "match v:\n    case 1: r = 1\nprint(r)", "v r"),
    ("match values and guards", "match v:\n    case K.a if g(v): 1", "v K g"),
    ("match star", "match v:\n    case [a, *b]: print(a, b)", "v"),
    ("walrus binds", "if (m := f(x)):\n    print(m)\nprint(m)", "f x"),
    ("walrus behind and", "a and (m := 1)\nprint(m)", "a m"),
    ("walrus in a comprehension leaks", "[y := f(x) for x in xs]\nprint(y)", "f xs y"),
    ("conditional expression", "v = (w := 1) if t else (w := 2)\nw", "t"),
    ("comprehension variables are its own", "[i * k for i in xs if i > lo]\ni", "k xs lo i"),
    ("nested comprehension", "[j for i in xs for j in i]", "xs"),
    ("comprehension reads its own outer name", "x = 1\n[x for x in x]", ""),
    ("generator expression", "sum(i * w for i in xs)", "w xs"),
    ("dict and set comprehensions", "{a: b for a, b in ps}\n{c for c in qs}", "ps qs"),
    ("lambda", "g = lambda a, b=d: a + b + c\ng(1)", "d c"),
    ("function body", "def f(a, *b, **k):\n    c = a\n    return c + rate\nf(1)", "rate"),
    ("defaults and annotations", "def f(a: T = d, *, k=e) -> R:\n    pass", "T d e R"),
    ("decorator", "@deco(x)\ndef f(): return y\n", "deco x y"),
    ("a name bound before the call", "def f(): return late\nlate = 1\nf()", ""),
    ("a name bound after the call", "def f(): return late\nf()\nlate = 1", "late"),
    ("functions calling functions", "def f(): return g()\ndef g(): return base\nf()", "base"),
    ("never called here", "def f(): return later\nlater = 2", ""),
    ("mutual recursion", "def a(n): return n and b(n - 1)\ndef b(n): return n and a(n - 1)\na(3)", ""),
    ("nonlocal", "def o():\n    n = 1\n    def i():\n        nonlocal n\n        n += m\n    i()\no()", "m"),
    ("global in a function", "def f():\n    global c\n    c += 1\nf()", "c"),
    ("global that only stores", "def f():\n    global c\n    c = 1\nf()", ""),
    ("global two levels down",
     "def f():\n    c = 0\n    def g():\n        global c\n        return c\n    return g\nf()", "c"),
    ("class body reads", "class A(Base, metaclass=M):\n    x = y\n    z = x", "Base M y"),
    ("class body x = x", "class A:\n    x = x\n", "x"),
    ("methods do not see class names", "class A:\n    K = 1\n    def m(self): return K\nA().m()", "K"),
    ("comprehension in a class body", "class A:\n    n = 2\n    xs = [n for _ in range(2)]\n", "n"),
    ("first iterable of it sees the class", "class A:\n    ns = [1]\n    xs = [n for n in ns]\n", ""),
    ("class in a function", "def f():\n    class A:\n        v = rate\n    return A\nf()", "rate"),
    ("method inside function's class",
     "def f():\n    k = 1\n    class A:\n        def m(self): return k + u\n    return A\nf()", "u"),
    ("async function and top-level await",
     "async def f():\n    async with s as t:\n        return t\nawait f()\nr = await g()", "s g"),
    ("async for", "async for i in xs:\n    print(i)", "xs"),
    ("f-string", "print(f'{a!r:>{width}} {b.c[d]}')", "a width b d"),
    ("starred call and slices", "f(*a, **b)\nc[d:e:f]", "f a b c d e"),
    ("assert and raise from", "assert a, b\nraise C from d", "a b C d"),
    ("chained comparison", "a < b < c", "a b c"),
    ("shell assignment", "files = get_ipython().getoutput('ls')\nprint(files)", ""),
    ("%time runs its code", "get_ipython().run_line_magic('time', 'r = f(a)')\nprint(r)", "f a"),
    ("%timeit with options", "get_ipython().run_line_magic('timeit', '-n 10 -r3 f(a)')", "f a"),
    ("%%time body", "get_ipython().run_cell_magic('time', '', 'b = g(a)\\n')\nb", "g a"),
    ("%%time body with shell lines",
     "get_ipython().run_cell_magic('time', '', '!ls {d}\\n%cd x\\nfs = !ls\\nprint(fs, a)')", "a"),
    ("%%capture names its output",
     "get_ipython().run_cell_magic('capture', 'out', 'print(a)')\nout.show()", "a"),
    ("%%timeit setup", "get_ipython().run_cell_magic('timeit', 's = a', 'f(s)')", "a f"),
    ("%timeit binds nothing",
     "get_ipython().run_line_magic('timeit', 'c = f(a)')\nget_ipython().run_line_magic('timeit', 'c.g()')",
     "a c f"),
    ("%%timeit body of several lines",
     "get_ipython().run_cell_magic('timeit', 's = a', 'for i in s:\\n    !ls\\n')", "a"),
    ("%%bash --out", "get_ipython().run_cell_magic('bash', '--out t', 'ls')\nprint(t)", ""),
    ("eval of a literal", "eval('hidden + 1')", "hidden"),
    ("exec of a literal binds", "exec('made = source')\nmade", "source"),
    ("top-level global statement", "global g\ng = 1\ng", ""),
]


@pytest.mark.parametrize(("cell", "names"), [case[1:] for case in NEEDED],
                         ids=[case[0] for case in NEEDED])
def test_needed(cell: str, names: str) -> None:
    """A name is needed if some path reads it before the cell binds it."""
    assert set(analyse(cell).needed) == set(names.split())


# (what it is about, the cell, names seen in strings)
MAYBE = [
    ("query with @", "df.query('a > @thr')", "thr"),
    ("query text in a variable", "q = 'b == @lim'\ndf.query(q)", "lim"),
    ("shell braces and dollars", "get_ipython().system('echo {path} $name $$no {{no}} {a + b}')",
     "path name a b"),
    ("awk is no Python", "get_ipython().system(\"awk '{print $1}' f\")", ""),
    ("magic arguments", "get_ipython().run_line_magic('cd', '{folder}')", "folder"),
    ("%%sql parameters", "get_ipython().run_cell_magic('sql', '', 'select * from t where x = :lim')", "lim"),
    ("unknown cell magic with code", "get_ipython().run_cell_magic('mine', '', 'f(a)')", "f a"),
    ("pandas.eval", "pd.eval('df1 + df2')", "df1 df2"),
    ("numexpr", "ne.evaluate('2*a + b')", "a b"),
    ("formula", "smf.ols('y ~ np.log(x) + scale(z)', df)", "np scale"),
    ("globals() item", "globals()['secret_name']", "secret_name"),
    ("user_ns item", "get_ipython().user_ns['hidden']", "hidden"),
    ("format with globals", "'{a} {b.c}'.format(**globals())", "a b"),
    ("timeit module", "timeit.timeit('f(x)', globals=globals())", "f x"),
    ("help", "get_ipython().run_line_magic('pinfo', 'thing')", "thing"),
    ("an address is mentioned, if there is such a name", "'me@example.org'", "example"),
]


@pytest.mark.parametrize(("cell", "names"), [case[1:] for case in MAYBE],
                         ids=[case[0] for case in MAYBE])
def test_maybe(cell: str, names: str) -> None:
    """Names that stand inside strings are taken along if they exist."""
    assert set(analyse(cell).maybe) == set(names.split())


@pytest.mark.parametrize(("cell", "unsure"), [
    ("if f:\n    z = 1\nprint(z)", {"z"}),
    ("print(z)\nz = 1", set()),
    ("try:\n    c = f()\nfinally:\n    c.close()", {"c"}),
    ("for i in xs:\n    q = i\nq\n", {"q"}),
])
def test_unsure(cell: str, unsure: set[str]) -> None:
    """What the cell may have bound itself is told apart: it is no reason to refuse."""
    assert analyse(cell).unsure == unsure


def test_stores() -> None:
    """What a cell leaves behind: assignments, imports, definitions, globals of functions."""
    names = analyse(textwrap.dedent("""
        import os.path
        a, *b = 1, 2
        def f():
            global c
            local = 1
        class D: inner = 1
        for i in (): pass
        with x as w: pass
        [leak := 1 for hidden in ()]
    """))
    assert names.stores == {"os", "a", "b", "f", "c", "D", "i", "w", "leak"}


def test_dotted_chains() -> None:
    """Chains say which submodules a cell goes through, inside functions too."""
    names = analyse("xml.dom.minidom.Node\ndef f(): return concurrent.futures.wait")
    assert {"xml.dom.minidom.Node", "concurrent.futures.wait"} <= names.dotted


def test_environment_variables() -> None:
    """Variables read by name are known, however they are read."""
    names = analyse("os.environ['A']\nos.getenv('B')\nenviron.get('C', 1)\ngetenv('D')\n"
                    "def f(): return os.environ['E']")
    assert set(names.environ) == set("ABCDE")


def test_imports_and_star() -> None:
    """Imports are recorded wherever they stand; a star import binds nobody knows what."""
    names = analyse("import a.b\nfrom .c import d\ndef f():\n    import e\nfrom g import *")
    assert {(i.module, i.names, i.level) for i in names.imports} == {
        ("a.b", (), 0), ("c", ("d",), 1), ("e", (), 0), ("g", ("*",), 0)}
    assert names.star


def test_builtins_are_apart() -> None:
    """A builtin is no missing name, but a notebook may have another thing of that name."""
    names = analyse("print(list(display(x)))")
    assert set(names.needed) == {"x"}
    assert {"print", "list", "display"} <= set(names.builtins)


def test_sql_words() -> None:
    """Words of SQL texts are candidates for frames."""
    assert "orders" in analyse("duckdb.sql('select * from orders').df()").tables


def test_dynamic() -> None:
    """What cannot be seen is at least known."""
    assert [call for call, _ in analyse("eval(text)\nglobals()").dynamic] == ["eval()", "globals()"]


def test_magics() -> None:
    """The magics that a cell uses, of either kind."""
    names = analyse("get_ipython().run_line_magic('a', '')\nget_ipython().run_cell_magic('b', '', 'x')")
    assert names.magics == {"line:a", "cell:b"}


def test_syntax_error() -> None:
    """A cell that is no Python is refused with Python's reason."""
    with pytest.raises(CellError, match="not valid Python") as caught:
        analyse("x = = 1")
    assert "SyntaxError" in caught.value.remedy


def test_deep_nesting_ends() -> None:
    """Pathological nesting is an error of the cell, not a crash."""
    source = "x = " + "-" * 300_000 + "1"
    with pytest.raises(CellError):
        analyse(source)
    assert "y" in analyse("z = " + " + ".join(["y"] * 900)).needed
