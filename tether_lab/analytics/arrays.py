"""Batches of rows become arrays: one growing column each, integers straight into numpy."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from tether_lab.job_queue.frame_columns import Column
from tether_lab.job_queue.frames import NOTHING
from tether_lab.vault.sealing import is_sealed

ENCRYPTED = "[encrypted]"
Numbers = np.ndarray[Any, Any]


class Codes(dict[Any, int]):
    """Values to small numbers, given in the order in which the values come; missing ones are -1."""

    def __init__(self) -> None:
        super().__init__({None: -1})

    def __missing__(self, value: Any) -> int:
        self[value] = code = len(self) - 1
        return code

    @property
    def values_in_order(self) -> list[Any]:
        """What the codes stand for."""
        return [value for value in self if value is not None]


class Texts(dict[Any, Any]):
    """Equal texts as one object: errors repeat. What is still encrypted (the key is not here) is
    shown as that."""

    def __init__(self) -> None:
        super().__init__({None: np.nan})

    def __missing__(self, value: str) -> str:
        self[value] = shown = ENCRYPTED if is_sealed(value) else value
        return shown


class Growing:
    """One column while its rows come in, newest first. ``finished`` turns it round."""

    def __init__(self, column: Column) -> None:
        self.type = column.type
        self._parts: list[Any] = []
        self._codes = Codes()
        self._texts = Texts()

    def add(self, values: Sequence[Any]) -> None:
        """A batch of values as SQLite gave them."""
        match self.type:
            case "category":
                self._parts.append(np.fromiter(map(self._codes.__getitem__, values), np.int32, len(values)))
            case "text":
                if len(self._texts) > 100_000:
                    self._texts = Texts()
                self._parts.append([self._texts[value] for value in values])
            case "words":
                self._parts.append([() if value == "[]" else tuple(json.loads(value)) for value in values])
            case _:
                self._parts.append(np.fromiter(values, np.int64, len(values)))

    def finished(self) -> Any:
        """The whole column, oldest first; a version column is still the ids of versions."""
        match self.type:
            case "text" | "words":
                flat = [value for part in self._parts for value in part]
                flat.reverse()
                return pd.array(flat, dtype="str") if self.type == "text" else _objects(flat)
            case _:
                whole = self._whole()
        match self.type:
            case "category":
                return _categorical(whole, self._codes)
            case "time":
                return whole.view("M8[us]")
            case "span":
                return whole.view("m8[us]")
            case "int?":
                return pd.arrays.IntegerArray(whole, whole == NOTHING)
            case _:
                return whole

    def _whole(self) -> Numbers:
        kind = np.int32 if self.type == "category" else np.int64
        whole = np.concatenate(self._parts) if self._parts else np.empty(0, kind)
        self._parts.clear()
        return np.ascontiguousarray(whole[::-1])


def grow(columns: Sequence[Column], key: Callable[[Column], str],
         batches: Iterable[Sequence[tuple[Any, ...]]]) -> dict[str, Growing]:
    """The columns by ``key``, filled from batches of rows in their order."""
    found = {key(column): Growing(column) for column in columns}
    growing = list(found.values())
    for rows in batches:
        for column, values in zip(growing, zip(*rows, strict=True), strict=True):
            column.add(values)
    return found


def of_versions(ids: Numbers, versions: Mapping[int, Mapping[str, Any]], field: str) -> Any:
    """The category of a field, from ids of versions: a look-up in an array, no text is touched."""
    codes = Codes()
    table = np.full(max(versions, default=0) + 1, -1, np.int32)
    for number, version in versions.items():
        table[number] = codes[version[field]]
    used = table[ids] if len(ids) else np.empty(0, np.int32)
    return _categorical(used, codes)


def _categorical(codes: Numbers, meant: Codes) -> Any:
    words: Any = pd.Index(meant.values_in_order, dtype="str")
    return pd.Categorical.from_codes(codes, categories=words)


def _objects(values: list[Any]) -> Numbers:
    found = np.empty(len(values), object)
    found[:] = values
    return found
