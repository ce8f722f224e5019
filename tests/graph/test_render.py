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
    assert all(f'  n_{name}["{name}<br/>t.' in drawn for name in ("mic", "through", "ear"))
    dotted = render.dot(plan())
    assert dotted.startswith('digraph "say hi" {')
    assert dotted.count(" -> ") == 2


def odd() -> Plan:
    """Nodes named as words of the drawing languages, and a kind with every sign that is special to them."""
    nodes = {"end": {"use": "t.mic"}, "graph": {"use": 'x."a<b>"];|#\\'}, "node": {"use": "t.ear16"}}
    edges = ["end.audio -> graph.audio", "graph.audio -> node.audio"]
    spec = {"version": 1, "name": "odd one", "about": "two\nlines", "nodes": nodes, "edges": edges}
    return compile_plan(from_dict(spec), kinds.registry(**{'"a<b>"];|#\\': kinds.Through}))


def test_words_and_signs_of_the_drawing_languages_are_harmless() -> None:
    drawn, dotted = render.mermaid(odd()), render.dot(odd())
    assert 'n_graph["graph<br/>x.#34;a#60;b#62;#34;#93;#59;#124;#35;#92;"]' in drawn
    assert "\n  end" not in drawn
    assert 'n_graph_to_node_dtype(["graph_to_node_dtype<br/>adapt.dtype"])' in drawn
    assert '"node" [label="node / t.ear16"]' in dotted
    assert '"graph" [label="graph / x.\\"a<b>\\"];|#\\\\"]' in dotted
    assert '"end" -> "graph"' in dotted
    for line in drawn.splitlines()[1:]:
        assert line.count('"') in (0, 2)
    assert render.table(odd()).splitlines()[0] == "odd one: two lines"


def test_a_plan_is_the_same_for_the_same_file_and_another_for_another() -> None:
    one, same, other = plan(), plan(), odd()
    assert one == same
    assert hash(one) == hash(same)
    assert {one: "x"}[same] == "x"
    assert len({one, same, other}) == 2
    assert one.digest() == same.digest() != other.digest()
    assert "mic" in repr(one)
