"""The commands, as a user types them: what they print and how they end; a server is a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.server.command import vaidol
from vaidol.tests.e2e.serving import free_port

ECHO = """\
version: 1
name: mine
nodes:
  mic: { use: webrtc.in }
  out: { use: webrtc.out }
edges:
  - mic.audio -> out.audio
"""


def process(*arguments: str, cwd: Path | str = "/", **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "vaidol.server.cli", *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=cwd, env={**os.environ, **environment}, timeout=60, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def test_version_and_help() -> None:
    assert process("--version").stdout.startswith("vaidol 0.")
    assert "serve" in vaidol("--help").stdout
    assert vaidol().returncode == 2
    assert vaidol("fly").returncode == 2


def test_check_names_every_mistake_with_its_place(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(ECHO)
    bad.write_text(ECHO.replace("webrtc.out", "webrtc.aut").replace("mic: {", "mic: { whith: {},"))
    done = vaidol("check", str(good), str(bad))
    assert done.returncode == 2
    assert done.stdout == f"{good}: ok, 2 nodes, 1 edges\n"
    assert f"{bad}:4:" in done.stderr
    bad.write_text(ECHO.replace("webrtc.out", "webrtc.aut"))
    done = vaidol("check", "bad.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("bad.yaml:5:15: ")
    assert "webrtc.out" in done.stderr


@pytest.mark.parametrize("text", ["", "\t{", "a: [", "\0", "7", "nodes: &a [*a]", "version: 1\nname: x\nnodes: {}"])
def test_check_survives_any_file(text: str, tmp_path: Path) -> None:
    path = tmp_path / "odd.yaml"
    path.write_text(text)
    done = vaidol("check", str(path))
    assert done.returncode == 2
    assert str(path) in done.stderr


def test_packaged_pipelines_are_known_by_name(tmp_path: Path) -> None:
    assert vaidol("check", "echo").returncode == 0
    done = process("serve", "ecco")
    assert done.returncode == 2
    assert "echo" in done.stderr
    assert vaidol("check", str(tmp_path / "none.yaml")).returncode == 2


def test_check_loads_no_model() -> None:
    code = "import sys; from vaidol.server.cli import main; main(['check', 'echo']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    heavy = {"onnxruntime", "faster_whisper", "ctranslate2", "xllamacpp", "hibari", "av", "soxr", "aiortc", "openai"}
    assert heavy & set(done.stdout.split()) == set()


def test_graph_draws() -> None:
    assert "mic.audio -> out.audio" in vaidol("graph", "echo").stdout
    assert vaidol("graph", "echo", "--mermaid").stdout.startswith("flowchart")
    assert vaidol("graph", "echo", "--dot").stdout.startswith("digraph")


def test_nodes_are_described_from_the_code() -> None:
    listed = json.loads(vaidol("nodes", "--json").stdout)
    kinds = {one["kind"]: one for one in listed}
    assert all(one["about"] and "error" not in one for one in listed), [k["kind"] for k in listed if "error" in k]
    rate = next(s for s in kinds["adapt.resample"]["settings"] if s["name"] == "rate")
    assert rate["required"]
    assert "Hz" in rate["about"]
    settings = [setting for one in listed for setting in one["settings"]]
    assert all(setting["about"] for setting in settings), [s["name"] for s in settings if not s["about"]]
    text = vaidol("nodes", "webrtc").stdout
    assert "webrtc.in" in text
    assert "adapt" not in text
    done = vaidol("nodes", "webrtc.inn")
    assert done.returncode == 2
    assert "webrtc.in" in done.stderr


def test_models_are_listed_and_mistakes_named(tmp_path: Path) -> None:
    done = vaidol("models", VAIDOL_MODELS=str(tmp_path))
    assert done.returncode == 0
    assert "silero" in done.stdout
    assert str(tmp_path) in done.stdout
    for deed in ("pull", "remove", "verify"):
        done = vaidol("models", deed, "silero-wad", VAIDOL_MODELS=str(tmp_path))
        assert done.returncode in (1, 2)
        assert "silero-wad" in done.stderr


def test_bench_knows_its_names() -> None:
    done = vaidol("bench", "tork")
    assert done.returncode == 2
    assert "talk" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--host", "0.0.0.0"), "--token"),
        (("--max-sessions", "0"), "--max-sessions"),
        (("--drain-s", "-1"), "--drain-s"),
        (("--stun", "http://x"), "stun:HOST:PORT"),
        (("--port", "99999"), "99999"),
        (("--trust-proxy", "proxy.example"), "'proxy.example'"),
        (("--key", "key.pem"), "--cert"),
        (("--cert", "/nowhere.pem"), "/nowhere.pem"),
        (("--host", "192.0.2.1", "--token", "t"), "192.0.2.1"),
    ],
)
def test_serve_refuses_what_cannot_be(arguments: tuple[str, ...], said: str) -> None:
    done = process("serve", "echo", *arguments, VAIDOL_TOKEN="")
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_port_in_use_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = process("serve", "echo", "--port", str(port))
    assert done.returncode == 2
    assert done.stderr.startswith(f"vaidol: port {port} is in use")


@pytest.mark.parametrize(
    ("how", "early", "options"),
    [(signal.SIGINT, False, ()), (signal.SIGTERM, False, ("--drain-s", "60")), (signal.SIGTERM, True, ())],
)
def test_serve_answers_soon_and_ends_soon(how: signal.Signals, early: bool, options: tuple[str, ...]) -> None:
    port = free_port()
    command = [sys.executable, "-m", "vaidol.server.cli", "serve", "echo", "--port", str(port), "--log-format", "json"]
    command += options
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd="/") as process:
        told = None
        until = time.monotonic() + 30
        while told is None and time.monotonic() < until:
            time.sleep(0.02)  # a real process over a real socket: there is nothing else to wait on
            with (
                contextlib.suppress(OSError),
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as said,
            ):
                status = json.load(said)
                told = status if early or status["status"] == "ok" else None
        assert told is not None
        assert early or told["pipeline"] == "echo"
        if not early:
            with socket.create_connection(("127.0.0.1", port)) as stranger:
                stranger.sendall(b"GET / HTTP/1.1\r\nAuthorization: Bearer hunter2\0\r\n\r\n")
                assert b" 400 " in stranger.recv(1000)
        began = time.monotonic()
        process.send_signal(how)
        out, err = process.communicate(timeout=20)
        assert time.monotonic() - began < 5  # 2 s on an idle machine; this one is shared
    assert process.returncode == 0
    assert early or f"http://127.0.0.1:{port}/" in out
    assert "Traceback" not in err
    assert "hunter2" not in out + err
    logged = [json.loads(line) for line in err.splitlines() if line.startswith("{")]
    reasons = [one["reason"] for one in logged if one["message"] == "a request could not be read"]
    assert reasons == ([] if early else ["BadHttpMessage"])


def test_run_plays_a_file_to_a_pipeline(tmp_path: Path) -> None:
    import wave

    question, answer = tmp_path / "question.wav", tmp_path / "answer.wav"
    with wave.open(str(question), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(b"\0\x20" * 4000)
    done = process("run", "echo", "--in", str(question), "--out", str(answer), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"out": str(answer), "turns": [], "errors": []}
    with wave.open(str(answer)) as file:
        assert file.getframerate() == 48_000
        assert file.getnframes() > 48_000 / 4
    runs = [process("run", "echo", "--in", question, "--out", answer, "--json", "--virtual") for _ in range(2)]
    assert json.loads(runs[0].stdout)["log"] == json.loads(runs[1].stdout)["log"]
    assert process("run", "echo", "--in", question, "--out", answer).stdout == "nothing was said\n"
    for arguments, said in (
        (("echo", "--in", str(tmp_path / "none.wav"), "--out", str(answer)), "none.wav"),
        (("echo", "--in", __file__, "--out", str(answer)), "not a sound file"),
        (("echo", "--in", str(question), "--out", str(tmp_path / "none" / "a.wav")), "no folder"),
    ):
        done = process("run", *arguments)
        assert done.returncode == 2
        assert said in done.stderr


def test_a_pet_needs_a_page_and_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "http:// or https://" in vaidol("pet", "localhost").stderr
    assert "--size" in vaidol("pet", "--size", "7").stderr
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    done = vaidol("pet")
    assert done.returncode == 2
    assert "vaidol[desktop]" in done.stderr
