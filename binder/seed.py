"""A month of made-up history for a new lab on Binder, so that panel, dashboard and figures have something to
show. A lab that has jobs is left as it is."""

from __future__ import annotations

from tether_lab import Lab
from tether_lab.testing import seed_history

with Lab(autostart=False) as lab:
    if not lab.jobs(limit=1):
        seed_history(lab, months=1, jobs=3000)
