"""Scenario files: their mistakes, their verdicts, and that a conversation always goes the same way."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from vaidol.graph.clock import run_virtual
from vaidol.graph.errors import PipelineError
from vaidol.graph.registry import Registry
from vaidol.graph.scenario import Scenario, check, load, simulated
from vaidol.graph.scenario_check import Verdict, verdicts
from vaidol.graph.scenario_play import Record
from vaidol.graph.scenario_stage import voice
from vaidol.graph.yamlfile import Document, parse
from vaidol.nodes.sim.asr import SimAsr
from vaidol.pipelines import LIBRARY
from vaidol.server.cli import main
from vaidol.server.cli.scenario import run_scenario
from vaidol.tests.bench import _minute as minute
from vaidol.tests.bench._speech import write

HEAD = "version: 1\nname: test\npipeline: default\n"
HELLO = {"at": 0.2, "say": "Hello there"}


def scenario(*script: dict[str, Any], **more: Any) -> Scenario:
    data = {"version": 1, "name": "test", "pipeline": "default", "script": list(script), **more}
    return check(Document(data, "test.yaml"))


def play(*script: dict[str, Any], **more: Any) -> tuple[Record, list[Verdict]]:
    given = scenario(*script, **more)
    record = run_scenario(given)
    return record, verdicts(given, record)


def wrong(found: list[Verdict]) -> list[tuple[str, str]]:
    return [(verdict.what, verdict.found) for verdict in found if not verdict.ok]


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("script: [{ sya: hi }]", "4:12", "no setting 'sya' here; did you mean 'say'?"),
        ("script:\n  - { say: hi, type: ho }", "5:5", "a step does one thing"),
        ("script:\n  - say: hi\n    at: 1\n    after: sound", "5:5", "not both"),
        ("script:\n  - { stop: true, ms: 3 }", "5:5", "'ms' is for 'say'"),
        ("script:\n  - { say: '  ' }", "5:5", "'say' has no words"),
        ("script:\n  - say: hi\n    expect: [{ event: sounds }]", "6:23", "input should be 'transcript'"),
        ("script: [{ say: hi, at: soon }]", "4:25", "should be a valid number"),
        ("script: []", "4:9", "script"),
        ("names: 3\nscript: [{ say: hi }]", "4:1", "did you mean 'name'?"),
        ("script: [{ say: '${SURELY_NOT_SET}' }]", "4:17", "the environment has no SURELY_NOT_SET"),
    ],
)
def test_a_mistake_is_told_with_its_line(text: str, place: str, message: str) -> None:
    with pytest.raises(PipelineError) as caught:
        check(parse(HEAD + text, "talk.yaml"))
    assert any(str(p).startswith(f"talk.yaml:{place}: ") and message in str(p) for p in caught.value.problems), caught


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("real: [asr, vadd]", "4:13", "the pipeline has no node 'vadd'; did you mean 'vad'?"),
        ("simulate: { out: { with: { a: 1 } } }", "4:18", "'webrtc.out' is not simulated by itself"),
        ("simulate: { asr: { with: { mss: 1 } } }", "4:28", "no setting 'mss' here; did you mean 'ms'?"),
        ("simulate: { asr: { use: sim.ars } }", "4:25", "did you mean 'sim.asr'?"),
        ("replies: [{ by: agnet, text: a }]", "4:17", "did you mean 'agent'?"),
        ("costs_ms: { tts: 3, ttts: 4 }", "4:27", "did you mean 'tts'?"),
    ],
)
def test_a_mistake_about_the_pipeline_is_told_with_its_line(text: str, place: str, message: str) -> None:
    given = check(parse(f"{HEAD}{text}\nscript: [{{ say: hi }}]", "talk.yaml"))
    with pytest.raises(PipelineError) as caught:
        run_scenario(given)
    assert [str(p) for p in caught.value.problems if message in str(p) and f"talk.yaml:{place}: " in str(p)], caught


def test_a_scenario_needs_a_pipeline() -> None:
    with pytest.raises(PipelineError, match="which pipeline"):
        run_scenario(scenario(HELLO, pipeline=""))


def test_nodes_named_real_stay_what_they_are() -> None:
    given = scenario(HELLO, real=["vad", "mic"], simulate={"asr": {"with": {"ms": 5}}})
    nodes = simulated(minute.load(LIBRARY / "default.yaml"), given).spec.nodes
    uses = {name: node.use for name, node in nodes.items()}
    assert (uses["vad"], uses["mic"], uses["turn"]) == ("vad.silero", "webrtc.in", "sim.turn")
    assert [uses[name] for name in ("asr", "agent", "tts")] == ["sim.asr", "sim.agent", "sim.tts"]
    assert nodes["asr"].settings == {"ms": 5}


def test_what_came_true_and_what_did_not() -> None:
    expect = [
        {"event": "transcript", "text": "hello there", "within_ms": 1000},
        {"event": "transcript", "text": "good night"},
        {"event": "sound", "within_ms": 10},
        {"event": "done"},
        {"event": "sound"},  # there was one, but before it was done
    ]
    never = [
        {"event": "cut"},
        {"event": "sound", "before": "begin"},
        {"event": "sound", "before": "done"},
        {"event": "reply", "text": "you said", "after": "sound"},
        {"event": "silent", "within_ms": 500},
    ]
    _, found = play({**HELLO, "expect": expect, "never": never}, never=[{"event": "error"}, {"event": "done"}])
    assert [what for what, _ in wrong(found)] == [
        "transcript 'good night'",
        "sound within 10 ms",
        "sound",
        "no sound before done",
        "no reply 'you said' after sound",
        "no done",
    ]
    assert "instead: 'Hello there'" in wrong(found)[0][1]
    assert "only after" in wrong(found)[1][1]


def test_a_step_that_is_never_reached_and_a_talk_that_never_ends() -> None:
    _, found = play(HELLO, {"after": "fallback", "say": "Again"}, limit_s=20)
    assert wrong(found) == [
        ("the user says 'Again'", "was never reached"),
        ("it comes to an end", "still going on after 20 s"),
    ]


def test_words_spoken_over_a_pause_are_one_turn() -> None:
    _, found = play(
        {**HELLO, "expect": []},
        {"wait_ms": 100, "say": "my friend", "expect": [{"event": "transcript", "text": "hello there my friend"}]},
    )
    assert wrong(found) == []


def test_a_failed_reply_and_a_voice_that_fails() -> None:
    failed = {"event": "failed", "text": "gone", "within_ms": 5000}
    reply = {"text": "Well, one two three four.", "fail_after": 2, "error": "gone"}
    _, found = play({**HELLO, "expect": [{"event": "error", "text": "gone"}, failed]}, replies=[reply])
    assert wrong(found) == []
    _, found = play(
        {**HELLO, "expect": [{"event": "error", "text": "voice failed"}, {"event": "reply", "text": "two"}]},
        replies=[{"text": "This is one sentence. This is sentence two."}],
        simulate={"tts": {"with": {"fails_on": "one"}}},
    )
    assert wrong(found) == []


def test_a_sound_file_is_what_the_user_says(tmp_path: Path) -> None:
    write(tmp_path / "q.wav", voice(900), 16_000)
    file = tmp_path / "talk.yaml"
    file.write_text(
        f"{HEAD}simulate: {{ vad: {{ use: sim.vad }} }}\nscript:\n"
        "  - { say: Good morning, sound: q.wav, expect: [{ event: transcript, text: good morning }] }\n"
        "  - { sound: none.wav }\n"
    )
    with pytest.raises(PipelineError, match=r"talk.yaml:7:14: there is no file .*none.wav"):
        run_scenario(load(file))
    file.write_text(file.read_text().replace("  - { sound: none.wav }\n", ""))
    assert wrong(verdicts(load(file), run_scenario(load(file)))) == []


def test_a_minute_of_conversation_goes_the_same_way_five_times() -> None:
    script = minute.scenario()
    plan, kinds = minute.prepared(script)
    records = [minute.played(script, plan, kinds) for _ in range(5)]
    assert wrong(verdicts(script, records[0])) == []
    assert records[0].ms > 55_000
    assert len({record.digest for record in records}) == 1
    other = minute.scenario(simulate={"asr": {"with": {"ms": 201}}})
    assert minute.played(other, *minute.prepared(other)).digest != records[0].digest


@pytest.mark.parametrize("file", sorted((LIBRARY / "scenarios").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_examples_come_true(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scenario", file.stem]) == 0
    assert "as expected" in capsys.readouterr().out


def test_the_command_says_what_failed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "talk.yaml"
    file.write_text(f"{HEAD}script: [{{ type: hi, expect: [{{ event: cut }}] }}]\n")
    assert main(["scenario", str(file), "--log"]) == 1
    assert "FAIL  4  cut" in capsys.readouterr().out
    assert main(["scenario", str(file), "--json"]) == 1
    assert '"what": "cut"' in capsys.readouterr().out
    assert main(["scenario", str(tmp_path / "none.yaml")]) == 2
    assert main(["scenario", str(file), "--pipeline", "nonesuch"]) == 2


def test_virtual_time_has_no_network_and_waits_for_threads() -> None:
    async def main() -> str:
        loop = asyncio.get_running_loop()
        with pytest.raises(OSError, match="no network on virtual time"):
            await loop.create_connection(asyncio.Protocol, "127.0.0.1", 9)
        future: asyncio.Future[str] = loop.create_future()
        thread = threading.Thread(target=lambda: loop.call_soon_threadsafe(future.set_result, "done"))
        thread.start()
        found = await future
        thread.join()
        return found

    assert run_virtual(main()) == "done"


def test_a_call_to_a_model_takes_what_the_scenario_says() -> None:
    script = [{**HELLO, "expect": [{"event": "sound"}]}]
    first = play(*script)[0]
    later = play(*script, costs_ms={"tts": 500})[0]
    assert later.digest == first.digest  # a simulated voice calls no model

    class Calls(SimAsr):
        async def process(self, port: str, frame: Any) -> None:
            if port == "audio":
                await self.ctx.call("model", int)
            await super().process(port, frame)

    def heard(cost_ms: float) -> float:
        given = scenario(HELLO, simulate={"asr": {"use": "x.calls"}}, costs_ms={"asr": cost_ms})
        record = run_scenario(given, kinds=Registry("vaidol.nodes", extra={"x.calls": Calls}))
        return next(seen.ms for seen in record.seen if seen.what == "transcript")

    assert heard(350) - heard(0) == pytest.approx(350)
