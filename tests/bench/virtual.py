"""A minute of conversation on virtual time: how long it takes for real, and whether it always goes the same way."""

from __future__ import annotations

import statistics
import time

from vaidol.graph.scenario_check import verdicts
from vaidol.tests.bench._minute import played, prepared, scenario
from vaidol.tests.bench._rounds import cpu_s

ROUNDS = (5, 15)  # quick, long


def main(quick: bool) -> dict[str, float]:
    """Keys: conversation_s (virtual), wall_s and cpu_s (medians of the rounds), distinct_hashes, unexpected."""
    script = scenario()
    plan, kinds = prepared(script)
    record = played(script, plan, kinds)  # warms up
    walls, cpus, digests = [], [], set()
    for _ in range(ROUNDS[not quick]):
        wall, cpu = time.perf_counter(), cpu_s()
        record = played(script, plan, kinds)
        walls.append(time.perf_counter() - wall)
        cpus.append(cpu_s() - cpu)
        digests.add(record.digest)
    return {
        "conversation_s": record.ms / 1000,
        "wall_s": round(statistics.median(walls), 3),
        "cpu_s": round(statistics.median(cpus), 3),
        "distinct_hashes": len(digests),
        "rounds": len(walls),
        "events": len(record.seen),
        "unexpected": sum(not verdict.ok for verdict in verdicts(script, record)),
    }


if __name__ == "__main__":
    print(main(quick=True))
