"""Ways through directed graphs, beside what the standard library knows of them."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

from hypothesis import given
from hypothesis import strategies as st

from vaidol.graph.ways import behind, circle

NODE = st.integers(0, 7)
EDGES = st.lists(st.tuples(NODE, NODE), max_size=14)


@given(EDGES)
def test_a_circle_is_found_where_there_is_one(edges: list[tuple[int, int]]) -> None:
    sorter: TopologicalSorter[int] = TopologicalSorter()
    for source, target in edges:
        sorter.add(target, source)
    try:
        sorter.prepare()
        round_about = False
    except CycleError:
        round_about = True
    found = circle(edges)
    assert bool(found) == round_about
    assert set(found) <= set(edges)
    assert [target for _, target in found] == [source for source, _ in found[1:] + found[:1]]


@given(EDGES, NODE)
def test_what_lies_behind_a_node_is_closed_and_no_more(edges: list[tuple[int, int]], start: int) -> None:
    found = behind(start, edges)
    assert start not in found
    assert {target for source, target in edges if source in found | {start}} - {start} <= found
    reached = {start}
    for _ in range(8):
        reached |= {target for source, target in edges if source in reached}
    assert found == reached - {start}
