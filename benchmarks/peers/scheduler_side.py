"""Jupyter Scheduler's own back end, as its server extension drives it: notebooks of one cell, all at once."""

from __future__ import annotations

import json
import time

import nbformat
from measure import WITHIN, arguments


def main() -> None:
    from jupyter_scheduler.environments import StaticEnvironmentManager
    from jupyter_scheduler.models import CreateJob
    from jupyter_scheduler.orm import create_tables
    from jupyter_scheduler.scheduler import Scheduler
    from traitlets.config import Config

    folder, count, _, _ = arguments()
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 1")])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, folder / "one.ipynb")
    url = f"sqlite:///{folder / 'jobs.db'}"
    create_tables(url)
    config = Config()
    config.Scheduler.staging_path = str(folder / "staging")
    scheduler = Scheduler(root_dir=str(folder), environments_manager=StaticEnvironmentManager(), db_url=url,
                          config=config)
    begun = time.perf_counter()
    jobs = [scheduler.create_job(CreateJob(
        input_uri="one.ipynb", name=f"job {n}", runtime_environment_name="python3", output_formats=["ipynb"]))
        for n in range(count)]
    while not all(scheduler.get_job(job).status in ("COMPLETED", "FAILED") for job in jobs):
        if time.perf_counter() - begun > WITHIN:
            raise TimeoutError
        time.sleep(0.05)
    took = time.perf_counter() - begun
    assert all(scheduler.get_job(job).status == "COMPLETED" for job in jobs)
    print(json.dumps({"drain": count / took}))


if __name__ == "__main__":
    main()
