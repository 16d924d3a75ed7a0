"""Which libraries a zygote may import ahead: slow to import, safe to fork, often used.

The zygote itself drops what starts Python threads; what is not in this list is never tried.
"""

from __future__ import annotations

from tether_lab.job import Manifest

ALLOWED = frozenset({
    "numpy", "pandas", "matplotlib", "scipy", "sklearn", "pyarrow", "polars", "seaborn", "plotly",
    "tqdm", "requests", "httpx", "sqlalchemy", "networkx", "sympy", "statsmodels", "PIL", "xarray",
    "altair", "bs4", "lxml", "yaml", "pydantic", "openpyxl",
})
"""Never here, whatever is asked for: tensorflow, jax, grpc, pyspark, ray, torch (threads, devices)."""

MODULES = {"matplotlib": "matplotlib.pyplot", "beautifulsoup4": "bs4", "scikit-learn": "sklearn",
           "pillow": "PIL", "pyyaml": "yaml"}
MOST = 12
OURS = frozenset({"tether_lab.capture.loading", "tether_lab.capture.results", "tether_lab.capture.writing"})
"""What every job process needs to load its captures and store its result."""


def wanted(manifest: Manifest) -> frozenset[str]:
    """The modules worth importing ahead for jobs of this manifest."""
    names = {*manifest.packages, *manifest.imports.values(), *manifest.submodules}
    roots = {name.lower() if name.lower() in MODULES else name for name in (n.partition(".")[0] for n in names)}
    found = {MODULES.get(root, root) for root in roots}
    return frozenset(sorted(name for name in found if name.partition(".")[0] in ALLOWED)[:MOST])
