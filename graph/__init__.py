"""The engine: a pipeline file becomes a plan, a plan becomes the running graph of a session.

From Python, for instance for a benchmark (`tests/bench/hops.py` is one):

    from vaidol.graph.compiler import compile_plan
    from vaidol.graph.ends import ENDS
    from vaidol.graph.engine import Engine
    from vaidol.graph.frames import Audio
    from vaidol.graph.node import Node, Settings
    from vaidol.graph.ports import Port
    from vaidol.graph.registry import Registry
    from vaidol.graph.scheduler import Graph
    from vaidol.graph.spec import from_dict

    class Louder(Node[Settings]):
        inputs = (Port("audio", Audio),)
        outputs = (Port("audio", Audio, like="audio"),)

        def process(self, port, frame):
            self.emit("audio", frame)

    registry = Registry(extra={**ENDS, "my.louder": Louder})
    plan = compile_plan(from_dict({
        "version": 1,
        "name": "mine",
        "nodes": {"source": {"use": "ends.inlet", "with": {"rate": 16000}},
                  "a": {"use": "my.louder"},
                  "out": {"use": "ends.outlet"}},
        "edges": ["source.out -> a.audio", "a.audio -> out.in"],
    }), registry)

    async def main():
        engine = Engine(registry)                 # one per process: clock, ticker, threads, loaded models
        async with Graph(plan, engine) as graph:  # one per session
            graph.node("source").push(Audio(samples=..., rate=16_000))
            print(graph.node("out").received)
            print(snapshot(graph))                # vaidol.graph.meters: counters of every node and edge
        engine.close()

`Registry("vaidol.nodes", extra=…)` adds the kinds that vaidol ships and those of installed packages (entry-point group
`vaidol.nodes`). `vaidol.graph.clock.run_virtual(main())` runs the same on virtual time.
"""
