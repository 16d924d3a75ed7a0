"""The executors that come with Tether Lab: Dask, and whatever looks like ``concurrent.futures``."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from .executor import ExecutorError, Flight

CONNECT_WITHIN = float(os.environ.get("TETHER_LAB_CONNECT_WITHIN", "10")) if (
    os.environ.get("TETHER_LAB_TEST") == "1") else 10.0


def callback_to(host: str) -> str:
    """The address of this machine that ``host`` sees: the one that a packet to it would leave from."""
    if host in ("", "localhost", "127.0.0.1", "::1"):
        return "127.0.0.1"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((host, 9))
        except OSError as error:
            raise ExecutorError(f"no way to {host}: {error.strerror}") from error
        return str(probe.getsockname()[0])


class Dask:
    """A Dask cluster by its scheduler's address; without one, a LocalCluster that ends with us."""

    def __init__(self, address: str | None, places: int) -> None:
        import distributed

        dask: Any = distributed                # its types are half there
        self._cluster: Any = None
        if address is None:
            self._cluster = dask.LocalCluster(n_workers=places, threads_per_worker=1, dashboard_address=None)
            address = str(self._cluster.scheduler_address)
        try:
            self._client: Any = dask.Client(address, timeout=CONNECT_WITHIN, set_as_default=False,
                                            name="tether-lab bridge")
        except (OSError, TimeoutError) as error:
            raise ExecutorError(f"the Dask scheduler at {address} does not answer: {error}") from error
        self._host = urlsplit(address).hostname or ""

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Flight:
        """As a task of its own, never equal to another; Dask runs it elsewhere when its worker dies."""
        flight: Flight = self._client.submit(function, *arguments, pure=False)
        return flight

    def callback(self) -> str:
        return callback_to(self._host)

    def alive(self) -> bool:
        return bool(self._client.status == "running")

    def close(self) -> None:
        self._client.close(timeout=2)
        if self._cluster is not None:
            self._cluster.close(timeout=5)


class Futures:
    """An executor of the ``concurrent.futures`` kind. ``host``: where it runs things."""

    def __init__(self, pool: Any, host: str = "") -> None:
        self._pool, self._host = pool, host
        self._broken = False

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Flight:
        try:
            flight: Flight = self._pool.submit(function, *arguments)
        except RuntimeError:                   # BrokenExecutor: a process of it died
            self._broken = True
            raise
        return flight

    def callback(self) -> str:
        return callback_to(self._host)

    def alive(self) -> bool:
        return not self._broken

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


def threads(address: str | None, places: int) -> Futures:
    """Threads of the bridge itself: each holds a zygote. For trying things."""
    del address
    from concurrent.futures import ThreadPoolExecutor

    return Futures(ThreadPoolExecutor(places))


def processes(address: str | None, places: int) -> Futures:
    """Processes of this machine, of the standard library."""
    del address
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    return Futures(ProcessPoolExecutor(places, mp_context=get_context("spawn")))


class Loky(Futures):
    """loky's processes; ``shutdown`` takes other words there."""

    def close(self) -> None:
        self._pool.shutdown(wait=False, kill_workers=True)


def loky(address: str | None, places: int) -> Futures:
    """Processes of this machine, of loky (or of joblib's copy of it)."""
    del address
    try:
        from loky import ProcessPoolExecutor
    except ImportError:
        from joblib.externals.loky import ProcessPoolExecutor
    return Loky(ProcessPoolExecutor(places, timeout=None))


class Engines:
    """The engines of an ipyparallel cluster that runs already (by profile, or the default one)."""

    def __init__(self, profile: str | None, places: int) -> None:
        del places
        import ipyparallel

        try:
            self._client = ipyparallel.Client(profile=profile, timeout=CONNECT_WITHIN)
        except (OSError, TimeoutError, ipyparallel.error.TimeoutError) as error:
            raise ExecutorError(
                f"no ipyparallel cluster of profile {profile or 'default'!r} answers: {error}") from error
        self._view = self._client.load_balanced_view()
        self._host = str(getattr(self._client, "_connection_info", {}).get("location") or "")

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Flight:
        return _Result(self._view.apply_async(function, *arguments))

    def callback(self) -> str:
        return callback_to(self._host)

    def alive(self) -> bool:
        return bool(self._client.ids)

    def close(self) -> None:
        self._client.close(linger=0)


class _Result:
    """ipyparallel's result, in the words of a future."""

    def __init__(self, result: Any) -> None:
        self._result = result

    def done(self) -> bool:
        return bool(self._result.ready())

    def cancel(self) -> None:
        self._result.abort()

    def exception(self) -> BaseException | None:
        found: BaseException | None = self._result.exception(timeout=0)
        return found
