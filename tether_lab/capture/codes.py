"""Which global names, modules and strings the compiled code of a function refers to."""

from __future__ import annotations

import dis
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType

from . import texts

# Opcodes whose argument is an index of co_names; LOAD_GLOBAL keeps a flag in its lowest bit.
_SHIFTED = {dis.opmap["LOAD_GLOBAL"]: 1}
_PLAIN = {dis.opmap[name]: 0 for name in ("LOAD_NAME", "STORE_GLOBAL", "DELETE_GLOBAL",
                                          "LOAD_FROM_DICT_OR_GLOBALS") if name in dis.opmap}
_NAMED = {**_PLAIN, **_SHIFTED}
_IMPORT = dis.opmap["IMPORT_NAME"]
_EXTENDED = dis.EXTENDED_ARG
_QUERIES = frozenset({"query", "eval"})
_ENVIRONMENT = frozenset({"environ", "getenv"})


@dataclass(frozen=True, slots=True)
class CodeNames:
    """Names that a function and the functions in it read of the namespace; modules that they
    import; attribute names; names that stand in its strings; environment variables."""

    reads: tuple[str, ...]
    imports: tuple[str, ...]
    attributes: frozenset[str]
    strings: tuple[str, ...]
    environ: tuple[str, ...]


def every_code(code: CodeType) -> Iterator[CodeType]:
    """The code and all code in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from every_code(constant)


@lru_cache(maxsize=4096)
def code_names(code: CodeType) -> CodeNames:
    """Analyse compiled code, in the order of its instructions."""
    reads: dict[str, None] = {}
    imports: dict[str, None] = {}
    attributes: set[str] = set()
    strings: list[str] = []
    for inner in every_code(code):
        attributes.update(inner.co_names)
        if inner.co_names:
            _instructions(inner, reads, imports)
        strings += [c for c in inner.co_consts if isinstance(c, str)]
        strings += [s for c in inner.co_consts if isinstance(c, tuple) for s in c if isinstance(s, str)]
    mentioned: list[str] = []
    if attributes & _QUERIES:
        mentioned = [name for text in strings for name in texts.at_names(text)]
    environ = tuple(dict.fromkeys(strings)) if attributes & _ENVIRONMENT else ()
    return CodeNames(tuple(reads), tuple(imports), frozenset(attributes), tuple(mentioned), environ)


def _instructions(code: CodeType, reads: dict[str, None], imports: dict[str, None]) -> None:
    # dis.get_instructions says the same and takes ten times as long.
    raw, names, extended = code.co_code, code.co_names, 0
    for at in range(0, len(raw), 2):
        opcode, argument = raw[at], raw[at + 1] | extended
        extended = argument << 8 if opcode == _EXTENDED else 0
        shift = _NAMED.get(opcode)
        if shift is not None:
            reads[names[argument >> shift]] = None
        elif opcode == _IMPORT:
            imports[names[argument]] = None
