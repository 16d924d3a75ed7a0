"""Which verb answers which path: the table beside ``openapi.json``. A test holds the two together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jupyter_server.utils import url_path_join

from . import about, acting, cells, downloads, drawing, jobs, lasting, notebooks, times, together
from .api import Route, Verb

if TYPE_CHECKING:
    from .desk import Desk

PLACE = "tether-lab/api/v1"

_JOB, _SCHEDULE = "/labs/{lab}/jobs/{id}", "/labs/{lab}/schedules/{id}"
_SERVICE, _TRIGGER = "/labs/{lab}/services/{id}", "/labs/{lab}/triggers/{name}"
_CHAIN, _BATCH = "/labs/{lab}/chains/{id}", "/labs/{lab}/batches/{id}"

ROUTES: dict[str, dict[str, Verb]] = {
    "/openapi.json": {"get": about.openapi},
    "/labs": {"get": about.labs, "post": about.open_lab},
    "/labs/{lab}": {"get": about.lab},
    "/labs/{lab}/changes": {"get": about.changes},
    "/labs/{lab}/stats": {"get": about.stats},
    "/labs/{lab}/settings": {"get": about.settings},
    "/labs/{lab}/doctor": {"get": about.doctor},
    "/labs/{lab}/prune": {"post": about.prune},
    "/labs/{lab}/analytics": {"get": drawing.analytics},
    "/labs/{lab}/jobs": {"get": jobs.page, "post": acting.enqueue},
    "/labs/{lab}/cells": {"post": cells.submit_cell},
    "/labs/{lab}/cancel": {"post": acting.cancel},
    "/labs/{lab}/retry": {"post": acting.retry},
    "/labs/{lab}/prioritise": {"post": acting.prioritise},
    _JOB: {"get": jobs.detail},
    f"{_JOB}/cancel": {"post": acting.cancel_one},
    f"{_JOB}/retry": {"post": acting.retry_one},
    f"{_JOB}/prioritise": {"post": acting.prioritise_one},
    f"{_JOB}/attempts": {"get": jobs.attempts},
    f"{_JOB}/events": {"get": jobs.events},
    f"{_JOB}/payload": {"get": jobs.payload},
    f"{_JOB}/captures": {"get": jobs.captures},
    f"{_JOB}/source": {"get": jobs.source},
    f"{_JOB}/stack": {"get": jobs.stack},
    f"{_JOB}/outputs": {"get": jobs.outputs},
    f"{_JOB}/outputs/download": {"get": downloads.outputs},
    f"{_JOB}/result": {"get": jobs.result},
    f"{_JOB}/result/download": {"get": downloads.result},
    "/labs/{lab}/history": {"get": jobs.history},
    "/labs/{lab}/queues": {"get": about.queues},
    "/labs/{lab}/pause": {"post": about.pause},
    "/labs/{lab}/resume": {"post": about.resume},
    "/labs/{lab}/handlers": {"get": about.handlers},
    "/labs/{lab}/handlers/{key}": {"get": about.handler},
    "/labs/{lab}/extras": {"get": about.extras},
    "/labs/{lab}/extras/{kind}/{name}": {"delete": about.remove_extra},
    "/labs/{lab}/schedules": {"get": times.schedules, "post": times.schedule},
    "/labs/{lab}/schedules/preview": {"post": times.preview},
    _SCHEDULE: {"get": times.get_schedule, "patch": times.reschedule, "delete": times.unschedule},
    f"{_SCHEDULE}/pause": {"post": times.pause},
    f"{_SCHEDULE}/resume": {"post": times.resume},
    f"{_SCHEDULE}/run": {"post": times.run},
    "/labs/{lab}/chains": {"get": together.chains, "post": together.chain},
    _CHAIN: {"get": together.get_chain},
    f"{_CHAIN}/cancel": {"post": together.cancel_chain},
    f"{_CHAIN}/retry": {"post": together.retry_chain},
    "/labs/{lab}/batches": {"get": together.batches, "post": together.batch},
    "/labs/{lab}/sweeps": {"post": together.sweep},
    _BATCH: {"get": together.get_batch},
    f"{_BATCH}/cancel": {"post": together.cancel_batch},
    f"{_BATCH}/retry": {"post": together.retry_batch},
    "/labs/{lab}/services": {"get": lasting.services, "post": lasting.start_service},
    _SERVICE: {"get": lasting.get_service, "delete": lasting.remove_service},
    f"{_SERVICE}/start": {"post": lasting.start_again},
    f"{_SERVICE}/restart": {"post": lasting.restart},
    f"{_SERVICE}/stop": {"post": lasting.stop},
    f"{_SERVICE}/send": {"post": lasting.send},
    "/labs/{lab}/triggers": {"get": lasting.triggers},
    _TRIGGER: {"post": lasting.fire_web, "delete": lasting.remove_trigger},
    f"{_TRIGGER}/pause": {"post": lasting.pause},
    f"{_TRIGGER}/resume": {"post": lasting.resume},
    f"{_TRIGGER}/fire": {"post": lasting.fire},
    "/labs/{lab}/notebooks": {"post": notebooks.enqueue},
    "/notebooks/parameters": {"get": notebooks.parameters},
    "/labs/{lab}/worker": {"get": about.worker},
    "/labs/{lab}/worker/start": {"post": about.start_worker},
    "/labs/{lab}/worker/stop": {"post": about.stop_worker},
    "/labs/{lab}/worker/log": {"get": about.worker_log},
}


def tornado_routes(base_url: str, desk: Desk) -> list[tuple[str, type[Route], dict[str, Any]]]:
    """For the Jupyter server: what stands in no path of the table is a 404 that asks for a token first."""
    found = [(_pattern(base_url, path), Route, _handed(path, verbs, desk)) for path, verbs in ROUTES.items()]
    return [*found, (f"{re.escape(url_path_join(base_url, PLACE))}(?:/.*)?", Route, _handed("", {}, desk))]


def _pattern(base_url: str, path: str) -> str:
    parts = (re.fullmatch(r"{(\w+)}", part) for part in path.strip("/").split("/"))
    written = [f"(?P<{found[1]}>[^/]+)" if found else re.escape(part)
               for found, part in zip(parts, path.strip("/").split("/"), strict=True)]
    return f"{re.escape(url_path_join(base_url, PLACE))}/{'/'.join(written)}"


def _handed(path: str, verbs: Mapping[str, Verb], desk: Desk) -> dict[str, Any]:
    return {"path": path, "verbs": verbs, "desk": desk}
