"""expression.vtube_studio against a server that speaks VTube Studio's protocol, denies, goes away or talks nonsense."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.graphs import running, source
from tests.nodes.agent.talk import until
from tests.nodes.expression.vts_server import TOKEN, VtsServer
from vaidol.graph.frames import Cue, Mouth
from vaidol.graph.scheduler import Graph
from vaidol.nodes.expression import _vts

MOUTH = [(0.02 * n, Mouth(pts=960 * n, open=(0.8,), form=(1.0,), gen=1)) for n in range(15)]


def errors(graph: Graph) -> list[str]:
    return [event.text for event in graph.events if event.name == "error"]


def talk(
    server: VtsServer, folder: Path, true: Callable[[Graph], object], cues: Any = (), **settings: Any
) -> list[str]:
    """A call of which the puppet shows something; returns what was told when `true` was."""

    async def main() -> list[str]:
        async with server:
            nodes = {
                "mouth": source(Mouth, MOUTH),
                "cues": source(Cue, list(cues)),
                "vts": (
                    "expression.vtube_studio",
                    {"url": server.url, "token_file": str(folder / "t"), "delay_ms": 0, "retry_s": 0.05, **settings},
                ),
            }
            async with running(nodes, ["mouth.out -> vts.mouth", "cues.out -> vts.cue"]) as graph:
                graph.fence.begin(1)
                await until(lambda: true(graph))
                await asyncio.sleep(0.1)
                assert not graph.cells["vts"].failed
                return errors(graph)

    return asyncio.run(main())


def opened(server: VtsServer) -> list[float]:
    sent = server.of("InjectParameterDataRequest")
    return [value["value"] for data in sent for value in data["parameterValues"] if value["id"] == "MouthOpen"]


def test_mouth_expression_and_motion_reach_the_model_and_the_token_is_kept(tmp_path: Path) -> None:
    server = VtsServer()
    cues = [(0.0, Cue(name="joy", gen=1)), (0.0, Cue(kind="motion", name="wave", gen=1))]
    told = talk(
        server,
        tmp_path,
        lambda _: (
            0.8 in opened(server) and server.of("HotkeyTriggerRequest") and server.of("ExpressionActivationRequest")
        ),
        cues,
        expressions={"joy": "happy.exp3.json"},
        motions={"wave": "Wave"},
    )
    assert told == []
    assert {"expressionFile": "happy.exp3.json", "active": True} in server.of("ExpressionActivationRequest")
    assert server.of("HotkeyTriggerRequest") == [{"hotkeyID": "Wave"}]
    assert (tmp_path / "t").read_text() == TOKEN
    assert stat.S_IMODE((tmp_path / "t").stat().st_mode) == 0o600

    again = VtsServer()
    assert talk(again, tmp_path, lambda _: opened(again)) == []
    assert again.of("AuthenticationTokenRequest") == []  # the user is not asked twice


def test_gestures_turn_the_head_and_vowels_have_their_parameters(tmp_path: Path) -> None:
    def sent(name: str) -> list[float]:
        told = server.of("InjectParameterDataRequest")
        return [value["value"] for data in told for value in data["parameterValues"] if value["id"] == name]

    server = VtsServer()
    tilt = Cue(kind="param", name="ParamAngleZ", value=8.0, fade_ms=50, hold_ms=150, gen=1)
    look = Cue(kind="gaze", x=0.5, y=0.0, fade_ms=50, gen=1)
    voices = ["VoiceA", "VoiceI", "VoiceU", "VoiceE", "VoiceO"]
    cues = [(0.05, tilt), (0.05, look)]
    assert talk(server, tmp_path, lambda _: sent("FaceAngleX")[-1:] == [10.0], cues, vowels=voices) == []
    assert max(sent("FaceAngleZ")) == pytest.approx(8.0, abs=1)
    assert max(sent("VoiceI")) > 0.3  # the form is spread
    assert "FaceAngleY" not in {v["id"] for d in server.of("InjectParameterDataRequest") for v in d["parameterValues"]}


def test_parameters_are_repeated_before_the_model_forgets_them(tmp_path: Path) -> None:
    server = VtsServer()
    talk(server, tmp_path, lambda _: len(opened(server)) > 3 and opened(server)[-2:] == [0.8, 0.8])


def test_a_user_who_denies_is_told_once_and_not_asked_again(tmp_path: Path) -> None:
    server = VtsServer(grants=False)
    (told,) = talk(server, tmp_path, errors)
    assert "did not allow vaidol" in told
    assert len(server.of("AuthenticationTokenRequest")) == 1


def test_an_old_token_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "t").write_text("of another time")
    server = VtsServer()
    assert talk(server, tmp_path, lambda _: opened(server)) == []
    assert (tmp_path / "t").read_text() == TOKEN


def test_a_peer_that_goes_away_is_told_once_and_found_again(tmp_path: Path) -> None:
    server = VtsServer(mode="goes away")
    (told,) = {*talk(server, tmp_path, lambda _: server.logins >= 3)}
    assert "was lost" in told


@pytest.mark.parametrize(
    ("mode", "words"), [("garbage", "does not speak VTube Studio's protocol"), ("silent", "did not answer")]
)
def test_what_is_not_vtube_studio_is_told(
    tmp_path: Path, mode: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_vts, "ANSWER_S", 0.2)
    monkeypatch.setattr(_vts, "GRANT_S", 0.2)
    monkeypatch.setattr(_vts.VtsConnection.ask, "__kwdefaults__", {"wait_s": 0.2})
    server = VtsServer(mode=mode)
    (told,) = talk(server, tmp_path, errors)
    assert words in told


def test_nobody_there_is_told_with_the_way_out(tmp_path: Path) -> None:
    (told,) = talk(VtsServer(), tmp_path, errors, url="ws://127.0.0.1:9")
    assert "switch its plug-in API on" in told


def test_what_the_model_does_not_have_is_told_once(tmp_path: Path) -> None:
    server = VtsServer()
    cues = [(0.0, Cue(name="joy", gen=1)), (0.1, Cue(gen=1)), (0.2, Cue(name="joy", gen=1))]
    (told,) = talk(server, tmp_path, errors, cues, expressions={"joy": "sad.exp3.json"})
    assert "expression sad.exp3.json" in told
