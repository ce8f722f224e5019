"""Calls over real WebRTC: what a session costs and delays against stock aiortc, how many fit, and what faults leave."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

SESSIONS = 8  # in the comparison
STEPS = (8, 16, 24, 32, 40, 48, 56, 64)
RATE = 48.5  # packets per second that the worst caller must get, of 50
JOIN_S = 0.08  # from one call to the next
LATE_MS = 100.0  # delay (95 %) from which on a step counts as overloaded
FAULTS: dict[str, dict[str, Any]] = {
    "loss1": {"loss": 0.01},
    "loss5": {"loss": 0.05},
    "loss10": {"loss": 0.10},
    "jitter50": {"jitter_s": 0.05},
    "stall300": {"hold": True},
}
WARM_S = 2.0  # before a fault, to know the usual delay
TICKS = os.sysconf("SC_CLK_TCK")


class Child:
    """A process of this measurement, on cores of its own."""

    def __init__(self, module: str, *arguments: str, core: int | None = None) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"vaidol.tests.bench.{module}", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        if core is not None:
            os.sched_setaffinity(self.process.pid, {core})

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def ask(self, **command: Any) -> Any:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        answer = self.line()
        if not answer:
            raise RuntimeError(f"the callers ended at {command}")
        return json.loads(answer)

    def cpu_s(self) -> float:
        """Processor time of the process, user and system."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


@contextlib.contextmanager
def running(*kinds: str) -> Iterator[tuple[dict[str, tuple[Child, str]], Child]]:
    """Servers, each with its address, on one core; callers on the others."""
    cores = sorted(os.sched_getaffinity(0))
    servers = {kind: Child("_rtc_server", kind, core=cores[0]) for kind in kinds}
    load = Child("_rtc_load", core=cores[-1])
    try:
        yield {name: (child, f"http://127.0.0.1:{int(child.line())}/whip") for name, child in servers.items()}, load
    finally:
        for child in (*servers.values(), load):
            child.end()


def compare(rounds: int, seconds: float) -> dict[str, Any]:
    """Both servers hold their sessions all the time; windows of talk alternate between them."""
    cpu: dict[str, list[float]] = {"vaidol": [], "aiortc": []}
    delays: dict[str, list[float]] = {"vaidol": [], "aiortc": []}
    with running(*cpu) as (servers, load):
        for name, (_, url) in servers.items():
            load.ask(do="join", url=url, group=name, count=SESSIONS)
            load.ask(do="speak", group=name, on=False)
        for number in range(rounds + 1):
            for name, (server, _) in servers.items():
                load.ask(do="speak", group=name, on=True)
                time.sleep(0.5)
                before = server.cpu_s()
                told = load.ask(do="measure", group=name, seconds=seconds if number else 1.0)
                if number:
                    cpu[name].append((server.cpu_s() - before) * 1000 / told["seconds"] / SESSIONS)
                    delays[name] += told["delays"]
                load.ask(do="speak", group=name, on=False)
    cost = {name: statistics.median(figures) for name, figures in cpu.items()}
    delay = {name: statistics.median(figures) for name, figures in delays.items()}
    return {
        "cpu_ratio_aiortc": round(cost["vaidol"] / cost["aiortc"], 3),
        "delay_ratio_aiortc": round(delay["vaidol"] / delay["aiortc"], 3),
        "cpu_ms_per_session_s": {name: round(figure, 1) for name, figure in cost.items()},
        "delay_ms_p50": delay,
    }


def crowd(steps: tuple[int, ...], seconds: float) -> dict[str, Any]:
    """Let callers come until the server refuses or gets late; then as many again, who must be refused politely."""
    figures: dict[str, Any] = {}
    best, usual = 0, 0.0
    with running("vaidol") as (servers, load):
        server, url = servers["vaidol"]
        refused: list[dict[str, Any]] = []
        joined = 0
        for step in steps:
            told = load.ask(do="join", url=url, group="all", count=step - joined, gap_s=JOIN_S)
            refused = [one for one in told if one["status"] != 201]
            joined += sum(one["status"] == 201 for one in told)
            time.sleep(0.5)
            before = server.cpu_s()
            told = load.ask(do="measure", group="all", seconds=seconds)
            cpu = (server.cpu_s() - before) / told["seconds"]
            late = _p95(told["delays"])
            figures[str(joined)] = {
                "core_share": round(cpu, 2), "rate": round(told["rate"], 1),
                "delay_ms_p50": statistics.median(told["delays"] or [0.0]), "delay_ms_p95": late,
            }  # fmt: skip
            fine = told["rate"] >= RATE and late <= LATE_MS
            if fine:
                best, usual = joined, late
            if refused or not fine:
                break
        more = load.ask(do="join", url=url, group="more", count=max(4, best), gap_s=0.0)
        before, callers = server.cpu_s(), load.cpu_s()
        told = load.ask(do="measure", group="all", seconds=seconds)
        shares = [(now - then) / told["seconds"] for now, then in ((server.cpu_s(), before), (load.cpu_s(), callers))]
        polite = all(one["status"] == 201 or (one["status"] == 503 and one["retry"]) for one in more + refused)
        turned_away = sum(one["status"] == 503 for one in more)
        unharmed = told["rate"] >= RATE and _p95(told["delays"]) <= usual + LATE_MS / 2
    return {
        "sessions_per_core": best,
        "refused_cleanly": bool(polite and turned_away and unharmed),
        "asked_beyond": len(more),
        "refused_beyond": turned_away,
        "core_share_then": {"server": round(shares[0], 2), "callers": round(shares[1], 2)},
        "others_delay_ms_p95": _p95(told["delays"]),
        "others_rate": round(told["rate"], 1),
        "steps": figures,
    }


def faults(kind: str, fault_s: float, freeze_s: float) -> dict[str, Any]:
    """Each network fault to one caller of five; then a server with one caller stands still for a while."""
    network = FAULTS
    seconds = dict.fromkeys(network, fault_s) | {"stall300": 0.3}
    with running(kind) as (servers, load):
        load.ask(do="join", url=servers[kind][1], group="all", count=len(network))
        told: dict[str, Any] = load.ask(do="faults", group="all", each=network, seconds=seconds)
    with running(kind) as (servers, load):
        server, url = servers[kind]
        load.ask(do="join", url=url, group="frozen")
        for at, signal_ in ((WARM_S, signal.SIGSTOP), (WARM_S + freeze_s, signal.SIGCONT)):
            threading.Timer(at, server.process.send_signal, (signal_,)).start()
        name = f"freeze{freeze_s:g}s"
        told |= load.ask(do="faults", group="frozen", each={name: {}}, seconds={name: freeze_s})
    return told


def _p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)] if values else 1e9


def main(quick: bool) -> dict[str, Any]:
    """Keys: cpu_ratio_aiortc, delay_ratio_aiortc, sessions_per_core, refused_cleanly, recover_ms (fault -> ms)."""
    found = compare(2 if quick else 5, 1.5 if quick else 4.0)
    found |= crowd((24, 40, 64) if quick else STEPS, 1.0 if quick else 4.0)
    spoilt = faults("vaidol", 1.5 if quick else 3.0, 2.0 if quick else 10.0)
    found["recover_ms"] = {name: told["recover_ms"] for name, told in spoilt.items()}
    found["faults"] = spoilt
    if not quick:
        found["faults_aiortc"] = faults("aiortc", 3.0, 10.0)
    return found


if __name__ == "__main__":
    print(json.dumps(main(quick=True), indent=1))
