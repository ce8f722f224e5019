"""Every mistake of a pipeline file is named in one run: where it is, what it is about, and the way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from vaidol.graph.compiler import compile_plan
from vaidol.graph.errors import PipelineError
from vaidol.graph.spec import load
from vaidol.tests.graph import kinds

MANY = """\
version: 2
name: many
colour: red
nodes:
  mic: { use: t.mikrofon }
  vad: { use: t.through, with: { gain: loud, gian: 3 } }
  turn: { use: t.through, place: threads }
  asr: { use: t.asr }
  agent: { use: t.agent, on_error: { policy: fallback } }
  Voice: { use: t.voice, fallback: nobody }
  out: { use: t.speaker, use: t.ear }
edges:
  - mic.audio -> vad.audio
  - vad.sound -> asr.audio
  - vad.audio -> asr.speech
  - asr.text => agent.user
  - { from: agent.text, to: agent.user, policy: block, feedback: true }
  - { from: agent.text, to: voice.text, bound_ms: 30 }
"""
WRONG = [
    (1, "version: input should be 1, not 2"),
    (3, "no setting 'colour' here; there are: about, edges"),
    (5, "node 'mic': no kind 't.mikrofon'"),
    (6, "node 'vad': gain: input should be a valid number"),
    (6, "node 'vad': no setting 'gian' here; did you mean 'gain'?"),
    (
        7,
        "node 'turn': place: input should be 'inline', 'thread', 'process' or remote(HOST:PORT), not 'threads'; "
        "did you mean 'thread'?",
    ),
    (9, "node 'agent': policy fallback needs 'fallback: NODE'"),
    (10, "node name 'Voice' must be small letters"),
    (10, "node 'Voice': no node 'nobody' to fall back to"),
    (11, "'use' is given twice"),
    (14, "node 'vad' (t.through) has no output 'sound'; there are: audio"),
    (15, "vad.audio gives Audio, but asr.speech takes Speech"),
    (16, "an edge is written 'node.port -> node.port'"),
    (17, "agent.text gives TextDelta, but agent.user takes Transcript"),
    (18, "no node 'voice'"),
]


def mistakes(path: Path) -> list[str]:
    """What is wrong with the file at `path`, as `vaidol check` prints it."""
    registry = kinds.registry()
    with pytest.raises(PipelineError) as caught:
        compile_plan(load(path, environment={}, partial=True), registry)
    return str(caught.value).replace(f"{path.parent}/", "").splitlines()


def check(tmp_path: Path, text: str | bytes) -> list[str]:
    path = tmp_path / "f.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return mistakes(path)


def test_fifteen_mistakes_are_named_in_one_run(tmp_path: Path) -> None:
    told = check(tmp_path, MANY)
    for line, message in WRONG:
        assert any(one.startswith(f"f.yaml:{line}:") and message in one for one in told), (line, message, told)


def test_mistakes_of_a_variant_and_of_its_base_come_together_each_in_its_file(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(MANY)
    top = tmp_path / "top.yaml"
    top.write_text(
        "extends: base.yaml\n"
        "name: ''\n"
        "nodes:\n"
        "  Voice: null\n"
        "  vad: { with: { gian: null, rate: 3 } }\n"
        "  asr: { use: t.assr }\n"
        "edges:\n"
        "  - asr.text agent.user\n"
        "  - { from: vad.audio, to: asr.spech, drop: true }\n"
    )
    told = mistakes(top)
    for expected in [
        "top.yaml:2:7: name: string should match",
        "top.yaml:5:30: node 'vad': no setting 'rate' here; there are: gain",
        "top.yaml:6:15: node 'asr': no kind 't.assr'; did you mean 't.asr'?",
        "top.yaml:8:5: an edge is written 'node.port -> node.port', not 'asr.text agent.user'",
        "top.yaml:9:5: drop: the extended file has no such edge; did you mean 'vad.audio -> asr.speech'?",
        "base.yaml:1:10: version: input should be 1, not 2",
        "base.yaml:5:15: node 'mic': no kind 't.mikrofon'",
        "base.yaml:6:40: node 'vad': gain: input should be a valid number",
    ]:
        assert any(one.startswith(expected) for one in told), (expected, told)
    assert not any("Voice" in one for one in told), "it was removed"


@pytest.mark.parametrize(
    ("nodes", "edges", "line", "message"),
    [
        ("a: { use: t.asr }", "", 4, "node 'a': nothing feeds its input audio (Audio, any rate)"),
        ("a: {use: t.through}, b: {use: t.through}", "a.audio -> b.audio, b.audio -> a.audio", 7, "a circle: a ->"),
        ("m: {use: t.mic}, b: {use: t.through}, n: {use: t.mic}", "m.audio -> b.audio, n.audio -> b.audio", 7,
         "b.audio takes one edge and has it from m.audio"),
        ("m: {use: t.mic}, e: {use: t.ear}", "m.audio -> e.audio, m.audio -> e.audio", 7, "is given twice"),
        ("m: {use: t.mic}, a: {use: t.speaker}, b: {use: t.speaker}", "m.audio -> a.audio, m.audio -> b.audio", 4,
         "'b' paces audio as 'a' does already"),
        ("m: {use: t.mic}, e: {use: t.athrough, place: thread}", "m.audio -> e.audio", 4,
         "place thread is for synchronous nodes"),
        ("m: {use: t.mic}, s: {use: t.speaker, place: thread}", "m.audio -> s.audio", 4, "a pacer runs on the loop"),
        ("m: {use: t.mic}, e: {use: t.ear}", "{from: m.audio; to: e.audio; bound: 3; bound_ms: 9}", 6,
         "bound_ms and bound are two ways to say the same: give one of them"),
        ("m: {use: t.mic}, e: {use: t.ear}", "{from: m.audio; to: e.audio; bound: 3; policy: latest}", 6,
         "policy latest keeps the newest frame only, whatever bound says; give it policy drop_oldest or block"),
        ("m: {use: t.mic}, e: {use: t.ear}", "{from: m.audio; to: e.audio; bound_ms: 3; policy: never_drop}", 6,
         "policy never_drop loses nothing up to 4096 frames, whatever bound_ms says"),
        ("m: {use: t.mic}, a: {use: t.asr}, b: {use: t.agent}",
         "m.audio -> a.audio, {from: a.text; to: b.user; bound: 3}", 7,
         "policy never_drop loses nothing up to 4096 frames, whatever bound says"),
        ("m: {use: t.mic}, e: {use: t.ear}", "{from: m.audio; to: e.audio; bound: 5000}", 6,
         "bound: input should be less than or equal to 4096, not 5000"),
        ("m: {use: t.mic, fallback: m}", "", 4, "no node 'm' to fall back to"),
        ("m: {use: t.mic, fallback: n}, n: {use: t.mic, fallback: m}", "", 4, "the fallbacks go in a circle"),
        ("m: {use: t.mic, fallback: n}, n: {use: t.asr}, e: {use: t.ear}", "m.audio -> e.audio", 4,
         "'n' cannot stand in for 'm': it has no port audio"),
    ],
)  # fmt: skip
def test_what_a_whole_graph_may_not_be(tmp_path: Path, nodes: str, edges: str, line: int, message: str) -> None:
    lines = "".join(f"  - {edge}\n" for edge in edges.replace("; ", ",,").split(", ") if edge).replace(",,", ", ")
    told = check(tmp_path, f"version: 1\nname: x\nnodes:\n  {{{nodes}}}\nedges:\n{lines or '  []'}")
    assert any(one.startswith(f"f.yaml:{line}:") and message in one for one in told), told


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "f.yaml:1:1: is empty"),
        ("# nothing\n", "f.yaml:1:1: is empty"),
        (b"a: \xff\xfe", "f.yaml:1:4: is not UTF-8 text: byte 0xff"),
        ("a: b\n\0", "f.yaml:2:1: is not YAML: the character '\\x00' may not stand here"),
        ("a:\n\tb: c\n", "f.yaml:2:1: is not YAML"),
        ("a: [1,\n", "f.yaml:2:1: is not YAML"),
        ("a: 1\n---\nb: 2\n", "f.yaml:2:1: is not YAML: expected a single document"),
        ("- a\n", "f.yaml:1:1: a pipeline is a map"),
        ("hello", "f.yaml:1:1: a pipeline is a map"),
        ("a: " + "[" * 5000, "f.yaml:1:1: is nested too deeply"),
        ("a: &a\n  b: *a\n", "f.yaml:1:1: is nested too deeply, or refers to itself"),
        ("1: x\n", "f.yaml:1:1: a key must be text, not 1; put it in quotes"),
        ("? [a]\n: x\n", "f.yaml:1:3: a key must be text, not a list"),
        ("true: x\n", "f.yaml:1:1: a key must be text, not true"),
        ("<<: {a: 1}\n", "f.yaml:1:1: merge keys are not read here; write the keys out, or use extends"),
        ("name: a\nname: b\n", "f.yaml:2:1: 'name' is given twice"),
        ("version: " + "9" * 5000, "f.yaml:1:10: is not a value known here: Exceeds the limit"),
        ("version: !!python/object:os.system x", "f.yaml:1:10: is not a value known here"),
        ("name: 2020-99-99", "f.yaml:1:7: is not a value known here: month must be in 1..12"),
        ("turn: { first_audio_ms: .nan }", "f.yaml:1:25: turn.first_audio_ms: input should be a finite number"),
        ("name: '${NOWHERE}'", "f.yaml:1:7: the environment has no NOWHERE; set it, or write ${NOWHERE:-a default}"),
        ("extends: f.yaml", "f.yaml:1:10: extends: 'f.yaml' extends itself in a circle"),
        ("extends: g.yaml", "f.yaml:1:10: extends: there is no file 'g.yaml'"),
        ("extends: [f.yaml]", "f.yaml:1:10: extends names one YAML file"),
    ],
)
def test_any_file_gets_a_line_and_a_reason(tmp_path: Path, text: str | bytes, message: str) -> None:
    told = check(tmp_path, text)
    assert any(one.startswith(message) for one in told), told
    assert not any("'version' is missing" in one for one in told if text != "" and "version" in str(text)), told


def test_a_small_file_that_stands_for_millions_of_values_is_refused(tmp_path: Path) -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{after}: &{after} [{','.join([f'*{before}'] * 10)}]\n"
        for before, after in zip("abcdef", "bcdefg", strict=True)
    )
    assert "stands for more than 20000 values" in check(tmp_path, bomb)[0]


def test_what_is_no_file_gets_a_reason_too(tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "endless.yaml").symlink_to("/dev/zero")
    (tmp_path / "big.yaml").write_bytes(b"#" * 1_000_001)
    assert mistakes(tmp_path / "folder.yaml") == ["folder.yaml: is a folder; name a YAML file in it"]
    assert mistakes(tmp_path / "endless.yaml") == ["endless.yaml: is no regular file"]
    assert mistakes(tmp_path / "big.yaml") == ["big.yaml: is larger than 1000 kB, so it is no pipeline file"]
    assert mistakes(tmp_path / "bigg.yaml")[0].startswith("bigg.yaml: there is no such file; did you mean 'big.yaml'?")
    assert mistakes(tmp_path / ("x" * 300)) == [f"{'x' * 300}: cannot be read: File name too long"]


def test_a_secret_is_never_shown(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text("version: 1\nname: x\nnodes:\n  a: { use: t.through, with: { gain: '${KEY}' }, place: '${KEY}' }\n")
    with pytest.raises(PipelineError) as caught:
        compile_plan(load(path, environment={"KEY": "hunter2"}, partial=True), kinds.registry())
    assert "gain" in str(caught.value)
    assert "hunter2" not in str(caught.value)
