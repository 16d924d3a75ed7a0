"""A sweep on a Dask cluster, seen from the panel while it runs."""

from __future__ import annotations

import os
from typing import Any

import pytest
from distributed import LocalCluster
from playwright.sync_api import expect
from shown_lab import LONG, Shown

from tether_lab import Lab


@pytest.mark.soak
@pytest.mark.timeout(300)
def test_two_hundred_jobs_on_four_workers_with_a_live_panel(shown: Shown) -> None:
    """LocalCluster(4): four run at once, the panel counts while they do, and each setting is there once."""
    def product(x: int, y: int) -> tuple[int, int]:
        import time

        time.sleep(0.2)
        return x * y, os.getppid()

    with LocalCluster(n_workers=4, threads_per_worker=1, dashboard_address=None) as cluster, \
            Lab("cluster", executor=f"dask={cluster.scheduler_address}", runners=4) as lab:
        lab.register(product, "product")
        shown.open()
        shown.panel.get_by_label("Lab").select_option("cluster")
        batch = lab.sweep("product", x=list(range(20)), y=list(range(10)))
        expect(shown.panel).to_contain_text("Worker ready, 4 at a time", timeout=LONG)
        expect(shown.panel).to_contain_text("waits for a free runner")
        seen: set[str] = set()
        counts = shown.panel.locator(".tl-Chip", has_text="Completed")
        while "200" not in (said := counts.inner_text()):
            seen.add(said)
            shown.page.wait_for_timeout(100)
        assert len(seen) > 3, seen                     # the whole lab is counted every two seconds
        results: list[Any] = [job.result(timeout=60) for job in batch.jobs]
        assert [value for value, _ in results] == [x * y for x in range(20) for y in range(10)]
        assert len({parent for _, parent in results}) == 4
        lab.worker.stop(now=True, timeout=30)
