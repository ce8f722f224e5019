"""`vaidol import-olv`: what an old configuration becomes, and what is said about the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from vaidol.graph.compiler import compile_plan
from vaidol.graph.spec import load
from vaidol.nodes import registry
from vaidol.nodes.agent._persona import load_persona
from vaidol.pipelines import LIBRARY
from vaidol.server.cli import main
from vaidol.server.olv.conf import AGENTS, ASRS, VOICES, convert

CONF: dict[str, Any] = {
    "system_config": {"conf_version": "v1.2.1", "host": "0.0.0.0", "port": 12393},
    "character_config": {
        "conf_name": "mao_pro", "character_name": "Mao", "persona_prompt": "You are Mao.\nYou are\nkind.",
        "live2d_model_name": "mao_pro",
        "agent_config": {
            "conversation_agent_choice": "basic_memory_agent",
            "agent_settings": {"basic_memory_agent": {"llm_provider": "ollama_llm"}},
            "llm_configs": {
                "ollama_llm": {"base_url": "http://127.0.0.1:11434/v1", "model": "qwen", "keep_alive": 300,
                               "llm_api_key": "somethingelse", "interrupt_method": "user"}
            },
        },
        "asr_config": {"asr_model": "azure_asr", "azure_asr": {"api_key": "s3cret", "region": "eastus",
                                                              "languages": ["de-DE", "en-US"]}},
        "tts_config": {"tts_model": "edge_tts", "edge_tts": {"voice": "de-DE-KatjaNeural"}},
        "tts_preprocessor_config": {"translator_config": {"translate_audio": True}},
    },
    "live_config": {"bilibili_live": {"room_ids": [5]}},
}  # fmt: skip


def test_a_configuration_becomes_a_pipeline_that_checks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_SPEECH_KEY", "k")
    conf = tmp_path / "conf.yaml"
    conf.write_text(yaml.safe_dump(CONF))
    assert main(["import-olv", str(conf), "--out", str(tmp_path / "mao")]) == 0
    said = capsys.readouterr().out
    for word in ("AZURE_SPEECH_KEY", "keep_alive", "live2d", "text.translate", "chat.bilibili", "host"):
        assert word in said
    written = (tmp_path / "mao.yaml").read_text()
    assert "s3cret" not in written + said
    plan = compile_plan(load(tmp_path / "mao.yaml", library=LIBRARY), registry())
    kinds = {node.name: node.kind for node in plan.nodes}
    assert (kinds["agent"], kinds["asr"], kinds["tts"]) == ("agent.openai", "asr.azure", "tts.edge")
    assert plan.node("asr").settings.model_dump()["language"] == "de-DE"
    assert main(["import-olv", str(conf), "--out", str(tmp_path / "mao")]) == 2
    assert "--force" in capsys.readouterr().err


def test_what_the_ancestor_ships_checks_and_keeps_its_persona(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    conf: dict[str, Any] = yaml.safe_load(yaml.safe_dump(CONF))
    who = conf["character_config"]
    folder = "./models/sherpa-onnx-sense-voice"
    who["asr_config"] = {
        "asr_model": "sherpa_onnx_asr",
        "sherpa_onnx_asr": {
            "model_type": "sense_voice", "sense_voice": f"{folder}/model.int8.onnx", "tokens": f"{folder}/tokens.txt",
            "num_threads": 4, "use_itn": True, "provider": "cpu",
        },
    }  # fmt: skip
    conf["system_config"]["tool_prompts"] = {"live2d_expression_prompt": "x", "think_tag_prompt": "x"}
    (tmp_path / "conf.yaml").write_text(yaml.safe_dump(conf))
    assert main(["import-olv", str(tmp_path / "conf.yaml"), "--out", str(tmp_path / "mao")]) == 0
    said = capsys.readouterr().out
    assert "think_tag_prompt" in said
    for usual in ("provider", "use_itn", "interrupt_method", "LLM_KEY"):  # changes nothing, or none is asked for here
        assert usual not in said
    plan = compile_plan(load(tmp_path / "mao.yaml", library=LIBRARY), registry())
    assert plan.node("asr").settings.model_dump()["model"] == str(tmp_path / folder)
    persona = load_persona(str(tmp_path / "mao.persona.yaml"))
    assert persona.prompt == "You are Mao.\nYou are\nkind."
    assert "joy" in persona.emotions
    assert persona.avatar == "mao_pro"


def test_a_character_beside_the_configuration_becomes_a_persona(tmp_path: Path) -> None:
    (tmp_path / "mili.yaml").write_text("character_config: {conf_name: Mili, persona_prompt: 'You are Mili.'}")
    assert main(["import-olv", str(tmp_path / "mili.yaml"), "--out", str(tmp_path / "out")]) == 0
    assert load_persona(str(tmp_path / "out.persona.yaml")).name == "Mili"
    compile_plan(load(tmp_path / "out.yaml", library=LIBRARY), registry())


@pytest.mark.parametrize(
    ("room", "name"), [(r, n) for r, known in (("agent", AGENTS), ("asr", ASRS), ("tts", VOICES)) for n in known]
)
def test_every_engine_becomes_a_kind_that_there_is_with_settings_it_takes(room: str, name: str) -> None:
    engine = {"agent": AGENTS, "asr": ASRS, "tts": VOICES}[room][name]
    fields = registry().find(engine.kind).settings_class().model_fields
    ours = {take if isinstance(take, str) else take[0] for take in engine.takes.values()} | set(engine.gives)
    assert ours <= set(fields)
    assert not engine.key or "api_key" in fields


@pytest.mark.parametrize(
    ("where", "name"), [("tts", "bark_tts"), ("tts", "spark_tts"), ("asr", "fun_asr"), ("agent", "hume_ai_agent")]
)
def test_what_has_no_counterpart_is_said(where: str, name: str) -> None:
    who: dict[str, Any] = {
        "tts": {"tts_config": {"tts_model": name, name: {}}},
        "asr": {"asr_config": {"asr_model": name}},
        "agent": {"agent_config": {"conversation_agent_choice": name}},
    }[where]
    made = convert({"character_config": who})
    assert name in " ".join(made.left)
    assert where not in made.pipeline["nodes"]


@pytest.mark.parametrize(
    "text", ["", "7", "a: [", "a: 1", "character_config: 3", "\x00", "character_config: {tts_config: 3}"]
)
def test_any_file_is_met_with_a_sentence(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    conf = tmp_path / "conf.yaml"
    conf.write_text(text)
    code = main(["import-olv", str(conf), "--out", str(tmp_path / "out")])
    assert code == (0 if "tts_config" in text else 2)
    assert code == 0 or "conf.yaml" in capsys.readouterr().err
