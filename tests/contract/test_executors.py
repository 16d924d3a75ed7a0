"""What holds for a job process beside its worker holds on a place of a cluster: the same tests, over the
bridge, with every place taken for another machine's."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterator
from contextlib import chdir, contextmanager, nullcontext

import pytest
from contract import (
    test_runner_cells,
    test_runner_output,
    test_runner_processes,
    test_runner_signals,
)
from small_supervisor import SmallZygote

OTHERS = ("dask", "loky", "processes", "ipyparallel")
LOCAL = {
    "test_functions_and_classes": "asks for ctx.db, which lies with the lab's files",
    "test_nothing_that_a_job_started_outlives_it": "looks for children of the zygote's own process",
}
"""Tests that look at this machine's processes, and why that cannot be asked of another's."""


@pytest.fixture(scope="module", params=[
    "threads", *(pytest.param(name, marks=pytest.mark.soak) for name in OTHERS)])
def zygote(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallZygote]:
    blobs = tmp_path_factory.mktemp("blobs")
    blobs.chmod(0o700)
    with engines(tmp_path_factory) if request.param == "ipyparallel" else nullcontext():
        running = SmallZygote(blobs, executor=request.param)
        yield running
        running.close()


@contextmanager
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """An ipyparallel cluster that runs already, as its executor expects, in a profile of the tests' own."""
    import ipyparallel

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))
        cluster = ipyparallel.Cluster(n=2, cluster_id="", log_level=logging.ERROR)
        with chdir("/"):          # where its engines work, and what they start
            cluster.start_cluster_sync()
        try:
            yield
        finally:
            cluster.stop_cluster_sync()


for _module in (test_runner_cells, test_runner_output, test_runner_processes, test_runner_signals):
    for _name, _test in vars(_module).items():
        if (_name.startswith("test_") and _name not in LOCAL
                and "zygote" in inspect.signature(_test).parameters):
            globals()[_name] = _test
