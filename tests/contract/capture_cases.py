"""Tricky cells: in a process that loads a capture they print what they print in the notebook, or
they are refused or warned about when they are submitted. Grown with every surprise."""

# ruff: noqa: E501 - a table is read across
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Case:
    """``setup`` cells ran in the notebook; ``cell`` becomes the job. ``expect``: same (output),
    refused, warned (at submit), fails (loudly, at run time); ``text`` must be said."""

    about: str
    setup: str
    cell: str
    expect: str = "same"
    text: str = ""
    request: dict[str, Any] = field(default_factory=dict)


def _case(about: str, setup: str, cell: str, expect: str = "same", text: str = "",
          **request: Any) -> Case:
    return Case(about, setup, cell, expect, text, request)


VALUES = [
    _case("plain values", "a, b, c = 1, 'x', [1.5, None]", "print(a, b, c)"),
    _case("alias of a list", "a = [1]\nb = a", "b.append(2)\nprint(a, a is b)"),
    _case("row inside a table", "row = {'n': 1}\ntable = [row, row]", "row['n'] = 5\nprint(table)"),
    _case("self-reference", "d = {}\nd['me'] = d", "print(d['me'] is d)"),
    _case("sets and frozensets", "s = {3, 1}\nf = frozenset('ab')", "print(sorted(s), sorted(f))"),
    _case("bytes and bytearray", "b = b'a'\nm = bytearray(b'xy')", "m[0] = 65\nprint(b, m)"),
    _case("range, slice, complex", "r = range(3)\ns = slice(1, 2)\nz = 1j", "print(r, s, z)"),
    _case("huge integer", "n = 10**300", "print(n % 7)"),
    _case("datetime and decimal", "import datetime as dt, decimal\nd = dt.datetime(2024, 1, 2, "
          "tzinfo=dt.timezone.utc)\nx = decimal.Decimal('1.10')", "print(d, x, dt.timedelta(1) + d)"),
    _case("path and uuid", "import pathlib, uuid\np = pathlib.Path('a') / 'b'\nu = uuid.UUID(int=3)",
          "print(p, u)"),
    _case("regular expression", "import re\nr = re.compile('a+')", "print(r.findall('aab'))"),
    _case("counter, deque, defaultdict", "import collections as c\nn = c.Counter('aab')\nq = c.deque([1], 3)\n"
          "d = c.defaultdict(list, x=[1])", "d['y'].append(2)\nprint(n, q, dict(d))"),
    _case("half-used iterator", "it = iter([1, 2, 3])\nnext(it)", "print(list(it))"),
    _case("exception value", "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    err = e.with_traceback(None)",
          "print(repr(err))"),
    _case("logger", "import logging\nlog = logging.getLogger('mine')", "print(log.name)"),
    _case("logging was configured", "import logging, sys\nlogging.basicConfig(level='INFO', stream=sys.stdout, "
          "format='%(levelname)s %(message)s', force=True)", "print(logging.getLogger().level, "
          "len(logging.getLogger().handlers))"),
    _case("stdout by reference", "import sys\nout = sys.__stdout__", "import sys\nprint(out is sys.__stdout__)"),
    _case("views of a dict", "d = {'a': 1}\nkeys, items = d.keys(), d.items()", "d['b'] = 2\nprint(list(keys), list(items))"),
    _case("NewType and TypedDict", "from typing import NewType, TypedDict, ParamSpec\nU = NewType('U', int)\nP = ParamSpec('P')\n"
          "class M(TypedDict):\n    a: int", "print(U(3), U.__name__, P.__name__, M(a=1), M.__annotations__.keys())"),
    _case("a logger with handlers", "import logging, sys\nlog = logging.getLogger('tl.mine')\nlog.setLevel('INFO')\n"
          "log.addHandler(logging.FileHandler('out.log'))", "print(log.level, [type(h).__name__ for h in log.handlers])"),
    _case("time zone", "import os, time\nos.environ['TZ'] = 'Asia/Tokyo'\ntime.tzset()", "print(time.strftime('%H', time.localtime(0)))"),
    _case("a name inside a class", "class A:\n    class B: pass", "print(A.B.__qualname__, A.__qualname__)"),
    _case("memoryview", "m = memoryview(b'abc')", "print(bytes(m))"),
    _case("builtin was renamed", "list_ = list\nlist = tuple", "print(list('ab'))"),
    _case("open was replaced", "def open(p): return 'mine ' + p", "print(open('x'))"),
    _case("underscore value", "_ = 41", "print(_ + 1)"),
    _case("mutable default", "def f(x, seen=[]):\n    seen.append(x)\n    return seen\nf(1)", "print(f(2))"),
    _case("module alias", "import os.path as p\nimport json", "print(p.basename('a/b'), json.dumps([1]))"),
    _case("submodule by chain", "import xml.dom.minidom", "print(xml.dom.minidom.Node.TEXT_NODE)"),
    _case("name from a module", "from math import sqrt as root, pi", "print(root(4), pi)"),
    _case("star import", "from math import *", "print(floor(e))"),
    _case("main as a module", "import __main__ as me\nx = 3", "print(me.x)"),
    _case("a generated module", "import types\nm = types.ModuleType('m')\nexec('v = 1\\ndef f(): return v', "
          "m.__dict__)", "print(m.v, m.f())"),
]

FUNCTIONS = [
    _case("helper sees what the cell rebinds", "rate = 2\ndef cost(n): return n * rate",
          "rate = 10\nprint(cost(3))"),
    _case("global counter", "n = 0\ndef hit():\n    global n\n    n += 1", "hit()\nhit()\nprint(n)"),
    _case("two helpers share a config", "cfg = {'a': 1}\ndef put(v):\n    global cfg\n    cfg = {'a': v}\n"
          "def get(): return cfg['a']", "put(7)\nprint(get(), cfg)"),
    _case("closure", "def adder(n):\n    return lambda x: x + n\nadd3 = adder(3)", "print(add3(4))"),
    _case("shared closure", "def pair():\n    n = 0\n    def inc():\n        nonlocal n\n        n += 1\n"
          "    def get(): return n\n    return inc, get\ninc, get = pair()", "inc()\nprint(get())"),
    _case("recursion", "def fact(n): return 1 if n < 2 else n * fact(n - 1)", "print(fact(5))"),
    _case("mutual recursion", "def ev(n): return n == 0 or od(n - 1)\ndef od(n): return n != 0 and ev(n - 1)",
          "print(ev(10))"),
    _case("lru_cache", "import functools\n@functools.lru_cache\ndef fib(n): return n if n < 2 else "
          "fib(n - 1) + fib(n - 2)\nfib(5)", "print(fib(30), fib.cache_parameters())"),
    _case("cache on a method", "import functools\nclass A:\n    @functools.lru_cache(maxsize=3)\n"
          "    def f(self): return 5\na = A()", "print(a.f())"),
    _case("partial", "import functools\ndef f(a, b): return a - b\ng = functools.partial(f, b=1)", "print(g(5))"),
    _case("decorator with state", "calls = []\ndef count(f):\n    def w(*a):\n        calls.append(a)\n"
          "        return f(*a)\n    return w\n@count\ndef f(x): return x", "f(1)\nprint(calls)"),
    _case("singledispatch", "import functools\n@functools.singledispatch\ndef show(x): return 'any'\n"
          "@show.register\ndef _(x: int): return 'int'", "print(show(1), show('a'))"),
    _case("contextmanager", "from contextlib import contextmanager\n@contextmanager\ndef cm():\n    print('in')\n"
          "    yield 1\n    print('out')", "with cm() as v: print(v)"),
    _case("generator function", "def gen(n):\n    for i in range(n): yield i", "print(list(gen(3)))"),
    _case("async function", "import asyncio\nasync def f(x): return x + 1",
          "print(asyncio.run(f(1)))"),
    _case("default reads a global", "base = 5\ndef f(x=base): return x", "print(f())"),
    _case("import inside a helper", "def f():\n    import json\n    return json.dumps({})", "print(f())"),
    _case("helper with @name in a query", "import pandas as pd\nthr = 1\ndef pick(d): return d.query('a > @thr')\n"
          "df = pd.DataFrame({'a': [1, 2]})", "print(len(pick(df)))"),
    _case("helper's class body reads a global", "rate = 4\ndef make():\n    class A:\n        v = rate\n    return A",
          "print(make().v)"),
    _case("function attributes", "def f(): return f.calls\nf.calls = 3", "print(f())"),
    _case("keyword-only and positional-only", "def f(a, /, *, b=2): return a + b", "print(f(1))"),
    _case("source of a helper", "import inspect\ndef f():\n    return 1  # comment", "print(inspect.getsource(f))"),
    _case("bound method and its object", "class A:\n    n = 0\n    def inc(self): self.n += 1\na = A()\ninc = a.inc",
          "inc()\nprint(a.n)"),
    _case("lambda table", "k = 3\nops = {'x': lambda v: v * k}", "k = 4\nprint(ops['x'](2))"),
    _case("wraps", "import functools\ndef deco(f):\n    @functools.wraps(f)\n    def w(): return f() + 1\n"
          "    return w\n@deco\ndef one(): return 1", "print(one(), one.__name__)"),
    _case("operator and builtins", "import operator\nget = operator.itemgetter(1)\nm = max", "print(get([1, 2]), m(3, 4))"),
]

CLASSES = [
    _case("dataclass", "from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int\n    y: int = 2\np = P(1)",
          "print(p, P(3) == P(3))"),
    _case("frozen slots dataclass", "from dataclasses import dataclass\n@dataclass(frozen=True, slots=True)\n"
          "class P:\n    x: int\np = P(1)", "print(p, hash(p) == hash(P(1)))"),
    _case("isinstance holds", "class A: pass\na = A()", "print(isinstance(a, A), type(a) is A)"),
    _case("super and inheritance", "class A:\n    def f(self): return 1\nclass B(A):\n    def f(self): "
          "return super().f() + 1\nb = B()", "print(b.f(), isinstance(b, A))"),
    _case("class variable", "class A:\n    n = 1\nA.n = 5\na = A()", "print(A.n, a.n)"),
    _case("static, class and property", "class A:\n    k = 2\n    @staticmethod\n    def s(): return 1\n"
          "    @classmethod\n    def c(cls): return cls.k\n    @property\n    def p(self): return 3",
          "print(A.s(), A.c(), A().p)"),
    _case("enum", "import enum\nclass C(enum.Enum):\n    RED = 1\n    BLUE = 2\nc = C.RED",
          "print(c, c is C.RED, list(C))"),
    _case("flag", "import enum\nclass F(enum.Flag):\n    A = 1\n    B = 2\nf = F.A | F.B", "print(f == F.A | F.B)"),
    _case("namedtuple", "from collections import namedtuple\nP = namedtuple('P', 'a b')\np = P(1, 2)", "print(p, p.a)"),
    _case("NamedTuple", "from typing import NamedTuple\nclass P(NamedTuple):\n    a: int\n    b: int = 2\np = P(1)",
          "print(p, P(3))"),
    _case("abstract class", "import abc\nclass A(abc.ABC):\n    @abc.abstractmethod\n    def f(self): ...\n"
          "class B(A):\n    def f(self): return 1", "print(B().f(), issubclass(B, A))"),
    _case("generic and protocol", "from typing import Generic, TypeVar, Protocol\nT = TypeVar('T')\n"
          "class Box(Generic[T]):\n    def __init__(self, v): self.v = v\nclass Sized(Protocol):\n"
          "    def size(self) -> int: ...\nb = Box(1)", "print(b.v, Box[int](2).v)"),
    _case("cached_property", "import functools\nclass A:\n    @functools.cached_property\n    def v(self): return 7\n"
          "a = A()", "print(a.v)"),
    _case("slots", "class A:\n    __slots__ = ('x',)\na = A()\na.x = 3", "print(a.x)"),
    _case("metaclass runs again", "seen = []\nclass M(type):\n    def __new__(m, n, b, d):\n        seen.append(n)\n"
          "        return super().__new__(m, n, b, d)\nclass A(metaclass=M): pass", "print(A.__name__, len(seen), type(A) is M)\nclass B(A): pass\nprint(seen)"),
    _case("init_subclass registry", "reg = {}\nclass Base:\n    def __init_subclass__(cls): reg[cls.__name__] = cls\n"
          "class A(Base): pass", "print(list(reg), reg['A'] is A)\nclass B(A): pass\nprint(sorted(reg))"),
    _case("init_subclass appends", "reg = []\nclass Base:\n    def __init_subclass__(cls, **k): reg.append(cls.__name__)\n"
          "class A(Base): pass\nclass L(Base, list): pass\nl = L([1])", "print(reg, A.__mro__[1] is Base, l)"),
    _case("abstract metaclass of one's own", "import abc\nmade = []\nclass M(abc.ABCMeta):\n    def __init__(c, *a):\n"
          "        made.append(c.__name__)\n        super().__init__(*a)\nclass A(metaclass=M):\n    @abc.abstractmethod\n"
          "    def f(s): ...\nclass B(A):\n    def f(s): return 1", "print(made, B().f())\ntry:\n    A()\nexcept TypeError:\n    print('abstract')"),
    _case("slots are kept", "class A:\n    __slots__ = ('x', '__p')\n    def set(s): s.__p = 2\n    def get(s): return s.__p\na = A()\na.set()",
          "print(a.get())\ntry:\n    a.other = 1\nexcept AttributeError:\n    print('no')"),
    _case("order of a class", "class A:\n    z = 1\n    a = 2\n    m = 3", "print([k for k in vars(A) if k[0] != '_'])"),
    _case("plain pickle of an instance", "class Saved:\n    def __init__(s, v): s.v = v\ns = Saved(8)",
          "import pickle\nprint(pickle.loads(pickle.dumps(s)).v)"),
    _case("older definition", "class A:\n    v = 1\nold = A()\nclass A:\n    v = 2", "print(old.v, A.v)", "same"),
    _case("older definition is said", "class A:\n    v = 1\nold = A()\nclass A:\n    v = 2", "print(old.v)", "warned",
          "older definition of class A"),
    _case("nested class", "class A:\n    class B:\n        v = 1\nb = A.B()", "print(b.v, type(b) is A.B)"),
    _case("instances in an object graph", "class N:\n    def __init__(self, p=None): self.p = p\nroot = N()\nkid = N(root)",
          "kid.p.tag = 1\nprint(root.tag)"),
    _case("operators and iteration", "class V:\n    def __init__(s, x): s.x = x\n    def __add__(s, o): return V(s.x + o.x)\n"
          "    def __iter__(s): return iter([s.x])\n    def __repr__(s): return f'V{s.x}'\nv = V(1)",
          "print(v + v, list(v))"),
    _case("own exception", "class Oops(Exception):\n    def __init__(self, a, b): super().__init__(a); self.b = b\n",
          "try:\n    raise Oops(1, 2)\nexcept Oops as e:\n    print(e, e.b)"),
    _case("custom reduce", "class A:\n    def __init__(self, n): self.n = n\n    def __reduce__(self): return A, (self.n + 1,)\n"
          "a = A(1)", "print(a.n > 0)"),
    _case("subclass of a builtin", "class D(dict):\n    def up(self): return len(self)\nd = D(a=1)", "print(d.up(), d)"),
    _case("descriptor", "class U:\n    def __set_name__(s, o, n): s.n = '_' + n\n    def __get__(s, i, o=None): "
          "return getattr(i, s.n, 0) * 2\n    def __set__(s, i, v): setattr(i, s.n, v)\nclass A:\n    x = U()\na = A()\na.x = 4",
          "print(a.x)"),
]

ARRAYS = [
    _case("array", "import numpy as np\na = np.arange(6).reshape(2, 3)", "a[0, 0] = 9\nprint(a)"),
    _case("large array is writable", "import numpy as np\na = np.arange(100_000.)", "a[0] = 5\nprint(a.sum())"),
    _case("Fortran order, strides", "import numpy as np\nf = np.asfortranarray(np.ones((300, 300)))\ns = np.arange(20)[::2]",
          "print(f.flags.f_contiguous, s.sum())"),
    _case("read-only array", "import numpy as np\na = np.arange(3)\na.flags.writeable = False",
          "try:\n    a[0] = 1\nexcept ValueError as e:\n    print('refused')"),
    _case("read-only large array", "import numpy as np\na = np.zeros(50_000)\na.flags.writeable = False",
          "print(a.flags.writeable)"),
    _case("structured and object arrays", "import numpy as np\nr = np.array([(1, 2.)], dtype=[('a', int), ('b', float)])\n"
          "o = np.array([{}, 'x'], dtype=object)", "print(r['b'], o[1])"),
    _case("shared object in an object array", "import numpy as np\nd = {}\no = np.array([d, 1], dtype=object)",
          "d['k'] = 1\nprint(o[0])"),
    _case("view of the same memory", "import numpy as np\na = np.zeros(10)\nb = a[:5]", "b[0] = 1\nprint(a[0])",
          "warned", "a and b are views of the same memory"),
    _case("reshaped view", "import numpy as np\na = np.zeros(100_000)\nb = a.reshape(10, -1)", "b[0, 0] = 1\nprint(a[0])",
          "warned", "views of the same memory"),
    _case("datetime64 and strings", "import numpy as np\nt = np.array(['2024-01-01'], 'M8[D]')\ns = np.array(['ab'])",
          "print(t, s)"),
    _case("masked array", "import numpy as np\nm = np.ma.array([1, 2], mask=[0, 1])", "print(m.sum())"),
    _case("numpy scalar", "import numpy as np\nx = np.float32(1.5)", "print(x, type(x).__name__)"),
    _case("memory-mapped file", "import numpy as np\nnp.arange(5).tofile('x.bin')\nm = np.memmap('x.bin', int, 'r')",
          "print(int(m.sum()))"),
    _case("frame", "import pandas as pd\ndf = pd.DataFrame({'a': [1, 2], 'b': ['x', None]})", "print(df, df.dtypes)"),
    _case("frame alias", "import pandas as pd\ndf = pd.DataFrame({'a': [1, 2]})\nd2 = df", "d2['b'] = 1\nprint(list(df))"),
    _case("categorical, zone, multi-index", "import pandas as pd\ndf = pd.DataFrame({'c': pd.Categorical(['a', 'b']), "
          "'t': pd.date_range('2024', periods=2, tz='Europe/Berlin')}, index=pd.MultiIndex.from_tuples([(1, 'x'), (2, 'y')]))",
          "print(df, df.c.dtype, df.t.dt.tz)"),
    _case("query with @", "import pandas as pd\ndf = pd.DataFrame({'a': [1, 2]})\nthr = 1", "print(len(df.query('a > @thr')))"),
    _case("groupby", "import pandas as pd\ng = pd.DataFrame({'a': [1, 1], 'b': [2, 3]}).groupby('a')", "print(g.b.sum())"),
    _case("pandas options", "import pandas as pd\npd.set_option('display.precision', 2)\ndf = pd.DataFrame({'a': [1.23456]})",
          "print(df, pd.get_option('display.precision'))"),
    _case("numpy print options", "import numpy as np\nnp.set_printoptions(precision=2)", "print(np.array([1.23456]))"),
    _case("numpy errors", "import numpy as np\nnp.seterr(divide='ignore')", "print(np.geterr()['divide'])"),
    _case("decimal context", "import decimal\ndecimal.getcontext().prec = 5", "print(decimal.Decimal(1) / 3)"),
    _case("warning filters", "import warnings\nwarnings.simplefilter('error', UserWarning)",
          "try:\n    warnings.warn('x')\nexcept UserWarning:\n    print('raised')"),
    _case("frame looked up by SQL text", "import pandas as pd\nclass E:\n    def sql(self, q): return "
          "len(globals()[q.split()[-1]])\ne = E()\norders = pd.DataFrame({'a': [1]})", "print(e.sql('select from orders'))"),
]

SURROUNDINGS = [
    _case("working folder", "import os\nos.makedirs('sub')\nos.chdir('sub')", "print(os.path.basename(os.getcwd()))"),
    _case("environment that was set", "import os\nos.environ['MY_MODE'] = 'fast'", "print(os.environ['MY_MODE'])"),
    _case("secret is withheld", "import os\nos.environ['MY_API_KEY'] = 'abc'", "print(os.environ['MY_API_KEY'])",
          "warned", "MY_API_KEY"),
    _case("secret that is asked for", "import os\nos.environ['MY_API_KEY'] = 'abc'", "print(os.environ['MY_API_KEY'])",
          environ_names=["MY_API_KEY"]),
    _case("sys.path", "import sys\nsys.path.insert(0, '/nowhere/x')", "print('/nowhere/x' in sys.path)"),
    _case("seeded random", "import random\nrandom.seed(1)\nrandom.random()", "print(random.random())", seeded=["random"]),
    _case("seeded numpy", "import numpy as np\nnp.random.seed(1)", "print(np.random.rand())", seeded=["numpy.random"]),
    _case("a generator's state", "import numpy as np\nrng = np.random.default_rng(3)\nrng.random()", "print(rng.random())"),
    _case("a generator in a repeated handler", "import random\nr = random.Random(1)", "print(r.random())", "warned",
          "draws the same numbers", repeated=True),
    _case("eval of hidden names", "hidden = 3\ntext = 'hid' + 'den'", "print(eval(text))", "fails", "add --with hidden"),
    _case("eval of a literal", "hidden = 3", "print(eval('hidden'))"),
    _case("globals()", "hidden = 3", "print(globals()['hidden'])"),
    _case("format(**globals())", "hidden = 3", "print('{hidden}'.format(**globals()))"),
    _case("--with", "hidden = 3\ntext = 'hid' + 'den'", "print(eval(text))", with_names=["hidden"]),
    _case("--with of nothing", "", "print(1)", "refused", "nothing_here does not exist", with_names=["nothing_here"]),
    _case("--without", "x = 3", "print(x)", "fails", "name 'x' is not defined", without=["x"]),
    _case("a parameter is not captured", "lr = 1", "print(lr)", "fails", "name 'lr'", parameters=["lr"]),
    _case("a name nobody has", "", "print(nobody)", "fails", "was not defined in the notebook either"),
    _case("capture nothing", "x = 3", "print(x)", "fails", "name 'x'", mode="none"),
]

REFUSED = [
    _case("open file", "f = open('x.txt', 'w')", "f.write('a')", "refused", "f is a _io.TextIOWrapper: open file handle"),
    _case("file inside", "pool = {'x': [open('y.txt', 'w')]}", "pool", "refused", "pool['x'][0]"),
    _case("lock", "import threading\nl = threading.Lock()", "l.acquire()", "refused", "lock"),
    _case("lock in an attribute", "import threading\nclass M:\n    def __init__(s): s.cache = {'k': threading.RLock()}\nm = M()",
          "m", "refused", "m.cache['k']"),
    _case("lock in a closure", "import threading\ndef make():\n    l = threading.Lock()\n    def f():\n        with l: return 1\n"
          "    return f\nf = make()", "f()", "refused", "f→l"),
    _case("lock in a class variable", "import threading\nclass M:\n    lock = threading.Lock()\nm = M()", "M, m", "refused", ".lock"),
    _case("event", "import threading\ne = threading.Event()", "e.set()", "refused", "e "),
    _case("thread", "import threading\nt = threading.Thread()", "t", "refused", "thread"),
    _case("socket", "import socket\ns = socket.socket()\ns.close()", "s", "refused", "network socket"),
    _case("database connection", "import sqlite3\nc = sqlite3.connect(':memory:')", "c.execute('select 1')", "refused",
          "database connection"),
    _case("generator", "g = (i for i in range(3))", "next(g)", "refused", "generator"),
    _case("coroutine", "async def f(): pass\nco = f()", "co.close()", "refused", "coroutine"),
    _case("pool", "from concurrent.futures import ThreadPoolExecutor\np = ThreadPoolExecutor(1)", "p", "refused", "pool"),
    _case("temporary folder", "import tempfile\nt = tempfile.TemporaryDirectory(dir='.')", "t.name", "refused", "temporary"),
    _case("context variable", "import contextvars\nv = contextvars.ContextVar('v')", "v.get(1)", "refused", "context variable"),
    _case("weak reference", "import weakref\nclass A: pass\na = A()\nw = weakref.ref(a)", "w()", "refused", "weak reference"),
    _case("history", "Out = {1: 2}", "print(Out[1])", "refused", "assign the value to a variable"),
    _case("deep nesting", "d = []\nfor _ in range(100_000): d = [d]", "d", "refused", "nested too deeply"),
    _case("a reduce that raises", "class R:\n    def __reduce__(self): raise ValueError('mine')\nr = {'a': R()}", "r", "refused",
          "r['a'], a __main__.R: ValueError: mine"),
    _case("popen", "import subprocess, sys\np = subprocess.Popen([sys.executable, '-c', ''])\np.wait()", "p", "refused", "child process"),
    _case("progress bar", "from tqdm import tqdm\nbar = tqdm(total=1, file=open('/dev/null', 'w'))", "bar.update()", "refused",
          "progress bar"),
    _case("all of them at once", "import threading\na = threading.Lock()\nb = open('/dev/null')\nok = 1", "a, b, ok", "refused",
          "for 2 reasons"),
    _case("helper's global", "import threading\nl = threading.Lock()\ndef f():\n    with l: return 1", "f()", "refused",
          "l is a _thread.lock: lock (global of f)"),
    _case("too large", "import numpy as np\nx = np.zeros(100_000)", "x", "refused", "x makes the capture larger", limit=1000),
    _case("a key of a dict", "class K:\n    def __reduce__(self): raise TypeError('no')\nd = {K(): 1}", "d", "refused", "K"),
    _case("dynamic view", "d = {'a': 1}\nk = iter(map(open, []))", "list(k)", "same"),
    _case("maybe unpicklable: left out", "c = open('/dev/null')", "for i in [1]:\n    c = i\nprint(c)", "warned", "left out"),
]

CASES = [*VALUES, *FUNCTIONS, *CLASSES, *ARRAYS, *SURROUNDINGS, *REFUSED]
