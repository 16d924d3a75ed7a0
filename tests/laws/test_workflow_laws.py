"""Any graph of jobs, any endings, cancels, retries: every job ends once, as a model of a few lines says."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st

from tests.queues import NOW, ending, new_job, opened, registered, turn
from tether_lab.job import FINAL, State
from tether_lab.job.workflow import POLICIES, VERDICTS, Parent, Verdict, after_end
from tether_lab.job_queue import cancel, groups, read, rescue, retry
from tether_lab.job_queue.queue import Queue
from tether_lab.outcome import Finish

BAD = (State.FAILED, State.CANCELLED, State.SKIPPED)


@st.composite
def graphs(draw: st.DrawFn) -> list[dict[int, str]]:
    """Each job's parents (earlier ones) with their policies."""
    count = draw(st.integers(1, 7))
    return [draw(st.dictionaries(st.integers(0, number - 1), st.sampled_from(POLICIES), max_size=3))
            if number else {} for number in range(count)]


def put_chain(queue: Queue, graph: list[dict[int, str]]) -> list[int]:
    """The graph as a chain; the ids of its jobs."""
    cancel.cancel(queue, everything=True, now=NOW)       # what an example that failed has left
    rescue.rescue(queue, worker="w2", boot_id=queue.boot_id, mono=0, now=NOW, dead=["w1"], crash_budget=99)
    handler = registered(queue)
    names = [str(uuid.uuid4()) for _ in graph]
    jobs = [replace(new_job(handler), uuid=name, step=f"s{number}", parents=tuple(
        Parent(names[parent], f"s{parent}", policy) for parent, policy in graph[number].items()))
        for number, name in enumerate(names)]
    chain = groups.add_chain(queue, str(uuid.uuid4()), "c", jobs, lambda _: {}, now=NOW)
    return [job_id for job_id, _ in groups.members(queue, chain=chain)]


Said = dict[tuple[int, int], str]
"""What the conditions of edges (parent, child) say, whenever they are asked."""


def model(graph: list[dict[int, str]], wanted: list[State], said: Said | None = None) -> list[State]:
    """How each job must end if job i, were it to run, would end as ``wanted[i]``."""
    said = said or {}
    found: list[State] = []
    for number, parents in enumerate(graph):
        ends = {after_end(policy, found[parent], said.get((parent, number)))
                for parent, policy in parents.items()} - {None}
        # Which of two bad parents comes first decides between the two words.
        found.append(wanted[number] if not ends else
                     next(iter(ends)) if len(ends) == 1 else State.BLOCKED)  # type: ignore[arg-type]
    return found


def run_out(queue: Queue, ids: list[int], wanted: list[State],
            killed: st.DataObject | None = None, said: Said | None = None) -> dict[int, int]:
    """Let a worker work until nothing can start; how often each job started."""
    started: dict[int, int] = {}
    names = [read.get(queue, job_id).uuid for job_id in ids] if said else []
    for _ in range(200):
        found = turn(queue, "w1", limit=2)
        if not found.claimed:
            return started
        for job in found.claimed:
            started[job.claim.job_id] = started.get(job.claim.job_id, 0) + 1
        if killed is not None and killed.draw(st.booleans()):
            rescue.rescue(queue, worker="w2", boot_id=queue.boot_id, mono=0, now=NOW, dead=["w1"],
                          crash_budget=1000)          # more than there are turns
            continue
        turn(queue, "w1", limit=0, finished=[
            ending(job, Finish(wanted[ids.index(job.claim.job_id)]),
                   verdicts=verdicts(names, ids.index(job.claim.job_id), said or {}))
            for job in found.claimed])
    raise AssertionError("it does not come to an end")


def verdicts(names: Sequence[str], number: int, said: Said) -> list[Verdict]:
    """What the process of job ``number`` tells of the conditions about its result."""
    return [Verdict(names[child], word, "raised ValueError: no" if word == "failed" else None)
            for (parent, child), word in said.items() if parent == number]


def conditions(data: st.DataObject, graph: list[dict[int, str]]) -> Said:
    """Conditions on some of the edges."""
    edges = [(parent, child) for child, parents in enumerate(graph) for parent in parents]
    return {edge: word for edge in edges
            if (word := data.draw(st.sampled_from((None, "yes", *VERDICTS)), f"condition of {edge}"))}


def states_of(queue: Queue, ids: list[int]) -> list[State]:
    return [read.get(queue, job_id).state for job_id in ids]


@pytest.fixture(scope="module")
def queue() -> Iterator[Queue]:
    with TemporaryDirectory() as place:
        found = opened(Path(place), "supervisor")
        yield found
        found.close()


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(graph=graphs(), data=st.data())
def test_every_job_of_a_graph_ends_as_the_model_says(
    queue: Queue, graph: list[dict[int, str]], data: st.DataObject,
) -> None:
    """Whatever ends how, and whichever workers die on the way: the states are the model's."""
    wanted = [data.draw(st.sampled_from((State.COMPLETED, State.COMPLETED, *BAD))) for _ in graph]
    ids = put_chain(queue, graph)
    run_out(queue, ids, wanted, data)
    expected = model(graph, wanted)
    for became, must in zip(states_of(queue, ids), expected, strict=True):
        assert became in FINAL
        if State.BLOCKED not in expected:
            assert became is must


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(graph=graphs(), data=st.data())
def test_a_retry_of_what_failed_opens_what_it_had_ended(
    queue: Queue, graph: list[dict[int, str]], data: st.DataObject,
) -> None:
    """After a retry in which all goes well nothing is left that a failure had ended."""
    wanted = [data.draw(st.sampled_from((State.COMPLETED, State.FAILED))) for _ in graph]
    ids = put_chain(queue, graph)
    run_out(queue, ids, wanted)
    failed = [job_id for job_id, state in zip(ids, states_of(queue, ids), strict=True) if state is State.FAILED]
    retry.retry_many(queue, failed, NOW)
    run_out(queue, ids, [State.COMPLETED] * len(ids), data)
    assert set(states_of(queue, ids)) == {State.COMPLETED}


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(graph=graphs(), data=st.data())
def test_a_cancel_in_between_leaves_nobody_waiting(
    queue: Queue, graph: list[dict[int, str]], data: st.DataObject,
) -> None:
    """Cancelled jobs end at once or when their worker says so, and nobody waits for them for ever."""
    ids = put_chain(queue, graph)
    cancel.cancel(queue, [data.draw(st.sampled_from(ids))], now=NOW)
    started = run_out(queue, ids, [State.COMPLETED] * len(ids))
    assert set(states_of(queue, ids)) <= FINAL
    assert all(count == 1 for count in started.values())


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(graph=graphs(), data=st.data())
def test_conditions_decide_about_what_follows_a_job_that_completed(
    queue: Queue, graph: list[dict[int, str]], data: st.DataObject,
) -> None:
    """Yes, no, raised, on any edges, whoever dies on the way; of a parent that did not complete the policy
    decides alone. The outcome of the parent is what it was."""
    wanted = [data.draw(st.sampled_from((State.COMPLETED, State.COMPLETED, *BAD))) for _ in graph]
    said = conditions(data, graph)
    ids = put_chain(queue, graph)
    started = run_out(queue, ids, wanted, data, said)
    expected = model(graph, wanted, said)
    for number, (became, must) in enumerate(zip(states_of(queue, ids), expected, strict=True)):
        assert became in FINAL
        if ids[number] in started:
            assert became is wanted[number]
        if State.BLOCKED not in expected:
            assert became is must


TWO_REFUSALS = [{}, {}, {}, {2: "fail", 0: "fail"}, {0: "fail", 3: "fail", 1: "fail"}]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(graph=graphs(), data=st.data(), together=st.booleans())
@example(graph=TWO_REFUSALS, data=None, together=True)
@example(graph=TWO_REFUSALS, data=None, together=False)
def test_a_parent_that_runs_again_is_asked_again(
    queue: Queue, graph: list[dict[int, str]], data: st.DataObject | None, together: bool,
) -> None:
    """Run again from its first jobs, at once or one after the other in any order, with conditions that say yes
    by now, a graph completes as a whole. (The examples: a step behind two refusals once stood for ever.)"""
    fine = [State.COMPLETED] * len(graph)
    said = {(2, 3): "no", (1, 4): "failed"} if data is None else conditions(data, graph)
    ids = put_chain(queue, graph)
    run_out(queue, ids, fine, said=said)
    yes = {(parent, child): "yes" for child, parents in enumerate(graph) for parent in parents}
    completed = [job_id for job_id, state in zip(ids, states_of(queue, ids), strict=True)
                 if state is State.COMPLETED]
    order = completed if data is None else list(data.draw(st.permutations(completed), "order"))
    for some in [order] if together else [[one] for one in order]:
        retry.retry_many(queue, some, NOW)
        run_out(queue, ids, fine, data, yes)
    assert set(states_of(queue, ids)) == {State.COMPLETED}
