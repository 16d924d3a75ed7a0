"""The door between a person's code and ours: errors on purpose show their code, not ours."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from tether_lab.errors import TetherLabError

C = TypeVar("C", bound=type)


def door(cls: C) -> C:
    """Class decorator: what its public methods raise on purpose comes without the frames below them.

    A refused payload is explained by its message and by the caller's line; ten frames of Tether Lab
    between the two hide both. Bugs keep their whole traceback.
    """
    for name, member in list(vars(cls).items()):
        if name.startswith("_") or inspect.iscoroutinefunction(member):
            continue
        if inspect.isfunction(member):
            setattr(cls, name, _trimmed(member))
        elif isinstance(member, property) and member.fget is not None:
            setattr(cls, name, property(_trimmed(member.fget), member.fset, member.fdel, member.__doc__))
    return cls


def _trimmed(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True           # IPython and pytest leave this frame out
        try:
            return method(*args, **kwargs)
        except TetherLabError as error:
            raise error.with_traceback(None)  # noqa: B904  the same error, from here on
    return call
