"""Holds what happened in a scenario against what was expected: one verdict per line of the file."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vaidol.graph.errors import Place
from vaidol.graph.scenario import Expect, Never, Scenario, Step
from vaidol.graph.scenario_play import Record, Seen
from vaidol.graph.scenario_stage import plain

PROMISES = ("stale sound", "unbalanced edge", "unended turn", "ended session")


@dataclass(frozen=True, slots=True)
class Verdict:
    """One expectation: where it stands, in words, whether it came true, and what happened."""

    place: Place
    what: str
    ok: bool
    found: str


@dataclass(frozen=True, slots=True)
class _Window:
    """The time of one step, ms: what the user does lasts from `begin` to `end`; the next step begins at `until`."""

    begin: float
    end: float
    until: float

    def last(self, limit_ms: float | None, since: str) -> float:
        return self.until if limit_ms is None else (self.begin if since == "begin" else self.end) + limit_ms


def verdicts(scenario: Scenario, record: Record) -> list[Verdict]:
    """What became of every expectation, in the order of the file; then of what the engine promises."""
    found = []
    for index, step in enumerate(scenario.spec.script):
        way = ("script", index)
        if index >= len(record.steps):
            found.append(Verdict(scenario.document.place(way), _deed(step), False, "was never reached"))
            continue
        begin, end = record.steps[index]
        until = record.steps[index + 1][0] if index + 1 < len(record.steps) else math.inf
        found += _of_step(scenario, index, _Window(begin, end, until), record.seen)
    everything = _Window(0.0, 0.0, math.inf)
    for index, never in enumerate(scenario.spec.never):
        place = scenario.document.place(("never", index))
        found.append(_never(never, place, everything, record.seen))
    found += [
        Verdict(Place(scenario.document.file), f"no {name}", name not in record.wrong, record.wrong.get(name, ""))
        for name in PROMISES
    ]
    over = "" if record.over else f"still going on after {scenario.spec.limit_s:g} s"
    found.append(Verdict(scenario.document.place(("limit_s",)), "it comes to an end", record.over, over))
    return found


def _of_step(scenario: Scenario, index: int, window: _Window, seen: Sequence[Seen]) -> Iterator[Verdict]:
    step, at = scenario.spec.script[index], 0
    for number, expect in enumerate(step.expect):
        place = scenario.document.place(("script", index, "expect", number))
        verdict, at = _expect(expect, place, window, seen, at)
        yield verdict
    for number, never in enumerate(step.never):
        yield _never(never, scenario.document.place(("script", index, "never", number)), window, seen)


def _expect(expect: Expect, place: Place, window: _Window, seen: Sequence[Seen], at: int) -> tuple[Verdict, int]:
    """The verdict, and from where on the next expectation of the step is looked for."""
    last = window.last(expect.within_ms, expect.since)
    what = _words(expect.event, expect.text)
    what += f" within {expect.within_ms:g} ms" if expect.within_ms is not None else ""
    zero = window.begin if expect.since == "begin" else window.end
    for number in range(at, len(seen)):
        one = seen[number]
        if one.ms >= window.begin and _is(one, expect.event, expect.text):
            ok = one.ms <= last
            return Verdict(place, what, ok, ("" if ok else "only ") + _when(one.ms - zero)), number + 1
    other = next((s for s in seen if window.begin <= s.ms <= last and s.what == expect.event), None)
    return Verdict(place, what, False, f"was not seen{f'; instead: {other.text!r}' if other else ''}"), at


def _never(never: Never, place: Place, window: _Window, seen: Sequence[Seen]) -> Verdict:
    last = window.last(never.within_ms, never.since)
    what = "no " + _words(never.event, never.text)
    what += f" after {never.after}" * bool(never.after) + f" before {never.before}" * bool(never.before)
    begin = window.begin if never.since == "begin" else window.end
    inside = [s for s in seen if begin <= s.ms <= last]
    if never.after is not None:
        first = next((i for i, s in enumerate(inside) if s.what == never.after), len(inside))
        inside = inside[first + 1 :]
    if never.before is not None:
        inside = inside[: next((i for i, s in enumerate(inside) if s.what == never.before), len(inside))]
    bad = next((s for s in inside if _is(s, never.event, never.text)), None)
    return Verdict(place, what, bad is None, f"but after {bad.ms - begin:.0f} ms: {bad.text!r}" if bad else "")


def _when(ms: float) -> str:
    return f"after {ms:.0f} ms" if ms >= 0 else f"{-ms:.0f} ms before that was over"


def _is(seen: Seen, what: str, text: str) -> bool:
    return seen.what == what and (not text or plain(text) in plain(seen.text))


def _words(event: str, text: str) -> str:
    return f"{event} '{text}'" if text else event


def _deed(step: Step) -> str:
    """What the user does in a step, in a few words."""
    if step.say is not None or step.sound is not None:
        return f"the user says {step.say!r:.40}" if step.say else f"the user plays {step.sound}"
    return f"the user types {step.type!r:.40}" if step.type else "the user stops it" if step.stop else "a wait"
