"""An edge of a chain in words: what it means, what is asked about the result, what that said. Pure."""

from __future__ import annotations

import ast

from tether_lab.job.workflow import Edge

from .phrases import brief

MEANT = {"fail": "waits for", "skip": "skipped if it fails", "continue": "goes on if it fails"}
ASKED = "has a condition"
SIGNS = {"yes": "✔", "no": "»", "failed": "✘"}
"""What a condition said, as a sign; one that was not asked yet has a question mark."""


def sign_of(edge: Edge) -> str:
    """Of the condition of an edge."""
    return SIGNS.get(edge.verdict or "", "?")


def label(edge: Edge) -> str:
    """Its condition in a few words: what a lambda gives, or the name of a function."""
    source = (edge.condition or "").strip()
    try:
        first = ast.parse(source).body[0]
    except (SyntaxError, ValueError, IndexError, RecursionError, MemoryError):
        return brief(source.partition("\n")[0], 60) or "a condition"
    if isinstance(first, ast.FunctionDef):
        return f"{brief(first.name, 50)}()"
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Lambda):
        return brief(" ".join(ast.unparse(first.value.body).split()), 60)
    return brief(source.partition("\n")[0], 60)


def said(edge: Edge) -> str:
    """What its condition said."""
    match edge.verdict:
        case None:
            return "not asked yet"
        case "failed":
            return brief(edge.trouble or "failed", 200)
        case word:
            return f"said {word}"


def edge_words(edge: Edge) -> str:
    """The whole edge, for those who point at it."""
    who = edge.name or f"job {edge.parent}"
    lines = [{"fail": f"waits for {who}", "skip": f"waits for {who}, and is skipped if that fails",
              "continue": f"waits for {who}, and goes on if that fails"}[edge.policy]]
    if edge.condition is not None:
        lines.append(f"if {label(edge)}: {said(edge)}")
    return "; ".join(lines)


def conditions_shown(edges: tuple[Edge, ...]) -> tuple[tuple[str, str], ...]:
    """(name, words) of each condition, for the card of a job."""
    return tuple(("when", f"{label(edge)} ({edge.name}: {said(edge)})") for edge in edges
                 if edge.condition is not None)
