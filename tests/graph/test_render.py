"""A plan drawn as table, Mermaid and DOT names every node and edge."""

from __future__ import annotations

from vaidol.graph import render
from vaidol.graph.compiler import compile_plan
from vaidol.graph.plan import Plan
from vaidol.graph.spec import from_dict
from vaidol.tests.graph import kinds


def plan() -> Plan:
    return compile_plan(
        from_dict(
            {
                "version": 1,
                "name": "say hi",
                "about": "a test",
                "nodes": {"mic": {"use": "t.mic"}, "through": {"use": "t.through"}, "ear": {"use": "t.ear"}},
                "edges": ["mic.audio -> through.audio", "through.audio -> ear.audio"],
            }
        ),
        kinds.registry(),
    )


def test_the_table_lines_up_and_says_what_a_full_edge_does() -> None:
    lines = render.table(plan()).splitlines()
    assert lines[0] == "say hi: a test"
    assert any("mic.audio -> through.audio" in line and "drop_oldest" in line and "400 ms" in line for line in lines)


def test_drawings_name_every_node_and_edge() -> None:
    drawn = render.mermaid(plan())
    assert drawn.startswith("flowchart LR\n")
    assert drawn.count("-->") == 2
    assert all(f"  {name}[" in drawn for name in ("mic", "through", "ear"))
    dotted = render.dot(plan())
    assert dotted.startswith('digraph "say hi" {')
    assert dotted.count(" -> ") == 2
