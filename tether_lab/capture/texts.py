"""Names and code that stand inside strings: queries, shell lines, arguments of magics, formulas."""

from __future__ import annotations

import ast
import re
import textwrap

NAME = r"[A-Za-z_]\w*"
_AT = re.compile(rf"@({NAME})")
_BRACES = re.compile(r"(?<!\{)\{([^{}]+)\}(?!\})")
_DOLLAR = re.compile(rf"(?<!\$)\$({NAME})")
_COLON = re.compile(rf"(?<![:\w]):({NAME})")
_CALLED = re.compile(rf"(?<![\w.])({NAME})\s*[.(]")
_OPTIONS = re.compile(r"^(?:\s*--?[A-Za-z][\w-]*(?:=\S+)?(?:\s*\d+(?=\s))?)+(?:\s+|$)")
_WORD = re.compile(NAME)

CODE_MAGICS = frozenset({"time", "timeit", "prun", "memit", "mprun", "lprun", "capture"})
NAMING_MAGICS = frozenset({"pinfo", "pinfo2", "psource", "pdoc", "pdef", "pfile", "store", "xdel"})
SCRIPT_MAGICS = frozenset({"bash", "sh", "script", "perl", "ruby", "python", "python3", "system", "sx"})

INTERACTIVE_BACKENDS = ("auto", "gtk", "gtk3", "gtk4", "ipympl", "macosx", "nbagg", "notebook", "osx", "qt",
                        "qt5", "qt6", "tk", "webagg", "widget", "wx")

KERNELS_OWN = {
    **dict.fromkeys(("debug", "pdb"), "asks somebody, and nobody is there to answer a job"),
    **dict.fromkeys(("history", "hist", "recall", "rep", "rerun", "macro", "save", "notebook", "pastebin"),
                    "reads the notebook's history, which a job does not have"),
    **dict.fromkeys(("who", "who_ls", "whos", "psearch", "reset", "reset_selective"),
                    "sees the job's variables: those that the cell names, not all of the notebook"),
    "lsmagic": "lists the magics of the job; some of the notebook's are for kernels only",
    "tb": "shows the last error of the job, not of the notebook",
    **dict.fromkeys(("connect_info", "qtconsole"), "is about a kernel, and a job has none"),
    **dict.fromkeys((f"matplotlib {shown}".strip() for shown in INTERACTIVE_BACKENDS),
                    "needs a window or a live widget: a job shows its figures as pictures"),
}
"""Magics whose answer in a job is another than in the notebook, and why."""


def at_names(text: str) -> list[str]:
    """``thr`` in ``"a > @thr"``, as ``DataFrame.query`` reads it."""
    return _AT.findall(text) if "@" in text else []


def formula_names(text: str) -> list[str]:
    """``np`` in ``"y ~ np.log(x)"``: formulas call what the caller can see."""
    return _CALLED.findall(text) if "~" in text else []


def words(text: str) -> list[str]:
    """Every identifier of a text."""
    return _WORD.findall(text)


def braced(text: str) -> list[str]:
    """Names read by ``{expression}`` parts."""
    found: list[str] = []
    for part in _BRACES.findall(text):
        found += expression_names(part)
    return found


def expanded(text: str) -> list[str]:
    """Names that IPython expands in shell lines and magics: ``$x`` and ``{x + 1}``."""
    return [*(braced(text) if "{" in text else ()), *(_DOLLAR.findall(text) if "$" in text else ())]


def bound_parameters(text: str) -> list[str]:
    """``:name`` parameters, as SQL magics take them from the namespace."""
    return _COLON.findall(text)


def expression_names(text: str) -> list[str]:
    """Names read by a Python expression; nothing if it is none (``{print $1}`` of awk)."""
    try:
        tree = ast.parse(text.strip().split("!", maxsplit=1)[0], mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    return [node.id for node in ast.walk(tree) if isinstance(node, ast.Name)]


def without_options(line: str) -> str:
    """The code of ``-n 10 -r3 f(x)``."""
    return _OPTIONS.sub("", line, count=1)


def as_function(code: str) -> str:
    """What ``%timeit`` makes of its code: a function that is called, so that what the code binds is gone
    afterwards and what it reads is the notebook's."""
    return f"def _timed_():\n{textwrap.indent(code, '    ')}\n    pass\n_timed_()"


def parse(source: str) -> list[ast.stmt] | None:
    """Statements of a piece of cell, which may still hold ``!shell`` and ``%magic`` lines."""
    for text in (source, plain(source)):
        try:
            tree = compile(text, "<cell>", "exec",
                           ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        return list(tree.body) if isinstance(tree, ast.Module) else []
    return None


_ESCAPED = re.compile(rf"^(\s*)((?:{NAME}(?:\s*,\s*{NAME})*)\s*=\s*)?([!%]{{1,2}})\s*(.*)$")
_HELP = re.compile(rf"^\s*\??\??\s*(%{{0,2}}{NAME}(?:\.{NAME})*)\s*\?\??\s*$")


def plain(source: str) -> str:
    """Cell source as Python, for the inner cells of ``%%time`` and ``%%capture`` that IPython has
    not transformed yet: ``!ls`` and ``x = %magic`` become the calls that IPython makes of them."""
    lines: list[str] = []
    source = re.sub(r"^(\s*[!%].*)\\\n\s*", r"\1 ", source, flags=re.MULTILINE)
    for line in source.split("\n"):
        if asked := _HELP.match(line):
            lines.append(f"get_ipython().run_line_magic('pinfo', {asked[1]!r})")
            continue
        if (escaped := _ESCAPED.match(line)) is None:
            lines.append(line)
            continue
        indent, target, sign, rest = escaped[1], escaped[2] or "", escaped[3], escaped[4]
        if sign.startswith("!"):
            verb = "getoutput" if target or sign == "!!" else "system"
            call = f"get_ipython().{verb}({rest!r})"
        else:
            name, _, arguments = rest.partition(" ")
            call = f"get_ipython().run_line_magic({name!r}, {arguments!r})"
        lines.append(f"{indent}{target}{call}")
    return "\n".join(lines)
