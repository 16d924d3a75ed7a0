"""papermill's API: a notebook of one cell, again and again in this process. A kernel each."""

from __future__ import annotations

import json
import time

import nbformat
import papermill
from measure import arguments

folder, count, _, _ = arguments()
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 1")])
notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
nbformat.write(notebook, folder / "one.ipynb")
begun = time.perf_counter()
for n in range(count):
    papermill.execute_notebook(str(folder / "one.ipynb"), str(folder / f"{n}.ipynb"), progress_bar=False)
print(json.dumps({"drain": count / (time.perf_counter() - begun)}))
