'''The engine: a pipeline file becomes a plan, a plan becomes the running graph of a session.

In another program, for instance a benchmark that sends frames through N nodes that hand them on:

    import asyncio

    import numpy as np

    from vaidol.graph import embed
    from vaidol.graph.frames import Audio
    from vaidol.graph.node import Node, Settings
    from vaidol.graph.ports import Port

    N = 8

    class Through(Node[Settings]):
        """mine.through: hands audio on."""

        inputs = (Port("audio", Audio),)
        outputs = (Port("audio", Audio, like="audio"),)

        def process(self, port, frame):        # `async def` makes it an asynchronous node
            self.emit("audio", frame)

    names = [f"n{i}" for i in range(N)]
    kinds = embed.registry({"mine.through": Through})
    plan = embed.plan({
        "version": 1,
        "name": "chain",
        "nodes": {
            "source": {"use": "ends.inlet", "with": {"rate": 16_000}},
            **{name: {"use": "mine.through"} for name in names},
            "sink": {"use": "ends.outlet"},
        },
        "edges": [
            f"{a} -> {b}"
            for a, b in zip(["source.out", *(f"{n}.audio" for n in names)], [*(f"{n}.audio" for n in names), "sink.in"])
        ],
    }, kinds)

    async def main():
        async with embed.running(plan, kinds) as graph:
            for i in range(3):
                graph.node("source").push(Audio(samples=np.zeros(320, np.float32), rate=16_000, seq=i))
            print([frame.seq for frame in graph.node("sink").received])
            told = graph.snapshot()            # every meter, as plain data: see vaidol.graph.meters
            print(sum(node["frames"] for node in told["nodes"]), max(edge["high"] for edge in told["edges"]))

    asyncio.run(main())                        # or vaidol.graph.clock.run_virtual(main()), on virtual time

It prints `[0, 1, 2]`, then `27 0`: nine nodes took three frames each, and none of them waited in an edge.

`graph.node("sink").on_frame = call` receives each frame at once instead of keeping it. An inlet gives any frame class
(`with: {frame: Transcript}`). Frames of a reply carry `gen=graph.fence.begin(trace)`; `graph.fence.cut("reason")` ends
it. Many sessions share one `vaidol.graph.engine.Engine(kinds)`, given as `embed.running(…, engine=engine)`.
'''
