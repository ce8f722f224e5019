"""Pipelines for clients of `/client-ws`, who are given whole sentences to play."""

from __future__ import annotations

from dataclasses import replace

from vaidol.graph.node import Settings
from vaidol.graph.plan import Plan

CALL, CLIENT = "webrtc.out", "olv.out"


def for_client(plan: Plan) -> Plan:
    """`plan` with an end that gives whole sentences in the place of the one that plays them into a call."""
    nodes = [replace(node, kind=CLIENT, settings=Settings()) if node.kind == CALL else node for node in plan.nodes]
    return replace(plan, nodes=tuple(nodes))


def as_played(plan: Plan, running: Plan) -> Plan:
    """`plan` for the session that runs `running`: with the same kind of end."""
    return for_client(plan) if any(node.kind == CLIENT for node in running.nodes) else plan
