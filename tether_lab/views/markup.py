"""HTML that escapes by itself: a text is escaped, only ``Markup`` made by ``tag`` is not."""

from __future__ import annotations

from html import escape

_VOID = frozenset({"br", "hr"})


class Markup(str):
    """HTML made by ``tag``; any other text is escaped where it enters."""

    __slots__ = ()


def tag(name: str, *children: str, style: str = "", **attributes: str | None) -> Markup:
    """``<name style=… attribute=…>children</name>``. ``aria_label`` becomes ``aria-label``; an
    attribute that is None is left out; empty children are skipped."""
    written = "".join(f' {key.rstrip("_").replace("_", "-")}="{escape(clean(value))}"'
                      for key, value in {"style": style or None, **attributes}.items()
                      if value is not None)
    if name in _VOID:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{join(*children)}</{name}>")


def join(*children: str) -> Markup:
    """Children one after the other, texts escaped."""
    return Markup("".join(child if isinstance(child, Markup) else escape(clean(child))
                          for child in children if child))


def clean(text: str) -> str:
    """``text`` without what HTML cannot hold (control characters, half surrogates) and without the
    marks that turn the direction of what follows."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c for c in text
                   if not (c < " " and c not in "\n\t") and not "\x7f" <= c <= "\x9f"
                   and not "\ud800" <= c <= "\udfff"
                   and c not in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
