"""Verbs of chains, batches and sweeps."""

from __future__ import annotations

from . import wire_together as wire
from .api import Call
from .contract import Json
from .wire import moment


def _present() -> int:
    from tether_lab.lab import clock

    return clock.now()


async def chains(call: Call) -> Json:
    """The newest."""
    lab = call.lab.lab
    found = await call.hop(lambda: [wire.chain(one.row) for one in lab.chains(call.query["limit"])])
    return {"at": moment(_present()), "chains": found}


async def chain(call: Call) -> Json:
    """Put one in."""
    said, lab = call.body, call.lab.lab

    def verb() -> Json:
        builder = lab.chain(said["name"]).with_options(**said.get("options", {}))
        for step in said["steps"]:
            builder.then(step["key"], name=step.get("name"), after=step.get("after"),
                         on_failure=step.get("on_failure", "fail"), **step.get("options", {}))
        if said.get("on_complete"):
            builder.on_complete(said["on_complete"])
        return wire.chain(builder.enqueue(input=said.get("input")).row)
    found: Json = await call.hop(verb)
    return found


async def get_chain(call: Call) -> Json:
    """One as a graph."""
    from tether_lab.job_queue import groups

    lab, number = call.lab.lab, call.path["id"]

    def verb() -> Json:
        found = lab.get_chain(number)
        return wire.graph(found.row, found.rows(), groups.edges(lab.queue, number), at=_present(),
                          worker_alive=call.lab.worker_alive())
    found: Json = await call.hop(verb)
    return found


async def cancel_chain(call: Call) -> Json:
    """End all of it."""
    found = await call.hop(lambda: call.lab.lab.get_chain(call.path["id"]).cancel(force=_force(call)).row)
    return wire.chain(found)


async def retry_chain(call: Call) -> Json:
    """Again from what did not complete."""
    return wire.chain(await call.hop(lambda: call.lab.lab.get_chain(call.path["id"]).retry().row))


async def batches(call: Call) -> Json:
    """The newest."""
    lab = call.lab.lab
    found = await call.hop(lambda: [wire.batch(one.row) for one in lab.batches(call.query["limit"])])
    return {"at": moment(_present()), "batches": found}


async def batch(call: Call) -> Json:
    """One job an item."""
    said, lab = call.body, call.lab.lab
    made = await call.hop(lambda: lab.batch(
        said["name"], said["items"], said.get("key"), then=said.get("then"), catch=said.get("catch"),
        finally_=said.get("finally"), **said.get("options", {})))
    return wire.batch(await call.hop(lambda: made.row))


async def sweep(call: Call) -> Json:
    """Every combination of values."""
    said, lab = call.body, call.lab.lab
    return wire.batch(await call.hop(lambda: lab.sweep(said["key"], **said["values"]).row))


async def get_batch(call: Call) -> Json:
    """One, with how each of its jobs stands."""
    def verb() -> Json:
        found = call.lab.lab.get_batch(call.path["id"])
        return wire.members(found.row, found.members(), at=_present())
    found: Json = await call.hop(verb)
    return found


async def cancel_batch(call: Call) -> Json:
    """End all of it."""
    found = await call.hop(lambda: call.lab.lab.get_batch(call.path["id"]).cancel(force=_force(call)).row)
    return wire.batch(found)


async def retry_batch(call: Call) -> Json:
    """The items that did not complete."""
    return wire.batch(await call.hop(lambda: call.lab.lab.get_batch(call.path["id"]).retry_failed().row))


def _force(call: Call) -> bool:
    return bool(call.body.get("force", False))
