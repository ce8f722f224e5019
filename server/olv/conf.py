"""A configuration of Open-LLM-VTuber 1.2 (`conf.yaml`) as a pipeline and a persona of vaidol.

What has no counterpart is listed, never dropped in silence; keys are not copied, but asked for from the environment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

Value = Any  # of a YAML file: a boundary without types
Take = str | tuple[str, Callable[[Value], Value]]  # our setting, and how theirs becomes ours


@dataclass(frozen=True, slots=True)
class Engine:
    """One of theirs as a kind of ours. takes: their key -> our setting. gives: settings in any case.

    key: the environment variable for their `api_key` or `llm_api_key`. but: what is different, for the report.
    implied: keys of theirs that ours finds out by itself.
    """

    kind: str
    takes: Mapping[str, Take] = field(default_factory=dict)
    gives: Mapping[str, Value] = field(default_factory=dict)
    key: str = ""
    but: str = ""
    implied: tuple[str, ...] = ()


@dataclass
class Made:
    """The result. `pipeline` and `persona`: what their YAML files hold; `left`: what could not be carried over."""

    pipeline: dict[str, Value]
    persona: dict[str, Value]
    keys: list[str] = field(default_factory=list)  # environment variables to set
    left: list[str] = field(default_factory=list)


def _percent(value: Value) -> int:
    """ "+10%", "0.9" or a number as per cent above the usual."""
    text = str(value).strip()
    if text.endswith("%"):
        return round(float(text[:-1]))
    return round((float(text) - 1) * 100)


def _first(value: Value) -> Value:
    return value[0] if isinstance(value, list) and value else value


def _size(value: Value) -> str:
    """A whisper model by its size or path."""
    name = str(value)
    return name if "/" in name or name.startswith("whisper-") else f"whisper-{name}"


def _language(value: Value) -> str:
    return "" if value == "auto" else str(value)


def _folder(value: Value) -> str:
    """Where a file of a model lies."""
    text = str(value)
    return text.rpartition("/")[0] or "./"


def _no_v1(value: Value) -> str:
    """The host of an address whose path our node adds."""
    scheme, _, rest = str(value).partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"


CHAT: dict[str, Take] = {"base_url": "base_url", "model": "model", "temperature": "temperature"}
AGENTS = {
    "openai_compatible_llm": Engine("agent.openai", CHAT, key="LLM_KEY"),
    "openai_llm": Engine("agent.openai", CHAT, {"preset": "openai"}, "OPENAI_API_KEY"),
    "gemini_llm": Engine("agent.openai", CHAT, {"preset": "gemini"}, "GEMINI_API_KEY"),
    "zhipu_llm": Engine("agent.openai", CHAT, key="ZHIPU_API_KEY"),
    "deepseek_llm": Engine("agent.openai", CHAT, {"preset": "deepseek"}, "DEEPSEEK_API_KEY"),
    "groq_llm": Engine("agent.openai", CHAT, {"preset": "groq"}, "GROQ_API_KEY"),
    "mistral_llm": Engine("agent.openai", CHAT, {"preset": "mistral"}, "MISTRAL_API_KEY"),
    "lmstudio_llm": Engine("agent.openai", CHAT, {"preset": "lm_studio"}),
    "ollama_llm": Engine("agent.openai", CHAT, {"preset": "ollama"}),
    "llama_cpp_llm": Engine("agent.llama", {"model_path": "model"}),
    "claude_llm": Engine(
        "agent.anthropic", {"base_url": ("base_url", _no_v1), "model": "model"}, key="ANTHROPIC_API_KEY"
    ),
}
ASRS = {
    "faster_whisper": Engine(
        "asr.faster_whisper",
        {
            "model_path": ("model", _size), "language": ("language", _language), "device": "device",
            "compute_type": "compute_type", "prompt": "prompt",
        },
    ),
    "whisper": Engine("asr.faster_whisper", {"name": ("model", _size), "device": "device"}, but="runs faster-whisper"),
    "whisper_cpp": Engine(
        "asr.whisper_cpp", {"language": ("language", _language)},
        but="wants whisper.cpp's server on port 8080, with your model",
    ),
    "groq_whisper_asr": Engine(
        "asr.openai", {"model": "model", "lang": "language"}, {"preset": "groq"}, "GROQ_API_KEY"
    ),
    "azure_asr": Engine(
        "asr.azure", {"region": "region", "languages": ("language", _first)}, key="AZURE_SPEECH_KEY"
    ),
    "sherpa_onnx_asr": Engine(
        "asr.sherpa_onnx",
        {
            "tokens": ("model", _folder), "num_threads": "threads", "whisper_language": "language",
        },
        implied=(
            "model_type", "encoder", "decoder", "joiner", "paraformer", "nemo_ctc", "wenet_ctc", "tdnn_model",
            "whisper_encoder", "whisper_decoder", "sense_voice",
        ),
    ),
}  # fmt: skip
VOICES = {
    "edge_tts": Engine("tts.edge", {"voice": "voice"}),
    "azure_tts": Engine(
        "tts.azure", {"region": "region", "voice": "voice", "rate": ("rate", _percent)}, key="AZURE_SPEECH_KEY"
    ),
    "pyttsx3_tts": Engine("tts.espeak", but="speaks with espeak-ng, not with the system's voice"),
    "piper_tts": Engine(
        "tts.piper",
        {
            "model_path": "voice", "speaker_id": ("speaker", str), "noise_scale": "noise",
            "length_scale": ("speed", lambda one: round(1 / one, 3)),
        },
    ),
    "cosyvoice_tts": Engine("tts.cosyvoice", {"client_url": ("base_url", _no_v1), "sft_dropdown": "voice"}),
    "cosyvoice2_tts": Engine("tts.cosyvoice", {"client_url": ("base_url", _no_v1), "sft_dropdown": "voice"}),
    "x_tts": Engine("tts.xtts", {"api_url": ("base_url", _no_v1), "speaker_wav": "voice", "language": "language"}),
    "gpt_sovits_tts": Engine(
        "tts.gpt_sovits",
        {
            "api_url": ("base_url", _no_v1), "text_lang": "language", "ref_audio_path": "voice",
            "prompt_lang": "voice_language", "prompt_text": "voice_text",
        },
    ),
    "fish_api_tts": Engine(
        "tts.fish_audio", {"reference_id": "voice", "latency": "latency", "base_url": "base_url"}, key="FISH_API_KEY"
    ),
    "coqui_tts": Engine(
        "tts.coqui", {"language": "language"}, but="wants Coqui's server (tts-server) on port 5002, with your model"
    ),
    "sherpa_onnx_tts": Engine(
        "tts.sherpa_onnx",
        {"vits_model": ("model", _folder), "sid": "speaker", "speed": "speed", "num_threads": "threads"},
        implied=("vits_lexicon", "vits_tokens", "vits_data_dir", "vits_dict_dir"),
    ),
    "siliconflow_tts": Engine(
        "tts.siliconflow",
        {"api_url": ("base_url", _no_v1), "default_model": "model", "default_voice": "voice"},
        key="SILICONFLOW_API_KEY",
    ),
    "openai_tts": Engine(
        "tts.openai", {"model": "model", "voice": "voice", "base_url": "base_url"}, {"preset": "openai"},
        "OPENAI_API_KEY",
    ),
    "minimax_tts": Engine(
        "tts.minimax", {"group_id": ("group", str), "model": "model", "voice_id": "voice"}, key="MINIMAX_API_KEY"
    ),
    "elevenlabs_tts": Engine(
        "tts.elevenlabs", {"voice_id": "voice", "model_id": "model", "stability": "stability"},
        key="ELEVENLABS_API_KEY",
    ),
    "cartesia_tts": Engine(
        "tts.cartesia", {"voice_id": "voice", "model_id": "model", "language": "language"}, key="CARTESIA_API_KEY"
    ),
}  # fmt: skip
USUAL = (  # what the ancestor's own template says, and changes nothing
    ("provider", "cpu"), ("debug", False), ("interrupt_method", "user"), ("use_itn", True), ("keep_alive", -1),
    ("unload_at_exit", True), ("output_format", "wav"), ("file_extension", "mp3"), ("max_num_sentences", 2),
)  # fmt: skip
PROMPTS = (  # of its prompts, those that vaidol has its own for
    "live2d_expression_prompt", "group_conversation_prompt", "mcp_prompt", "proactive_speak_prompt", "speakable_prompt",
)  # fmt: skip
FEELINGS = ("joy", "sadness", "surprise", "anger", "fear", "disgust", "smirk")  # the keys of its models
SILENT_KEYS = ("api_key", "llm_api_key")  # asked for from the environment
EMPTY: tuple[Value, ...] = ("", None, [], {})


def convert(conf: Mapping[str, Value]) -> Made:
    """`conf`: what conf.yaml holds. Raises `ValueError` when it is none."""
    who = conf.get("character_config")
    if not isinstance(who, Mapping):
        raise ValueError("it has no character_config: is it a conf.yaml of Open-LLM-VTuber 1.2?")
    name = str(who.get("character_name") or who.get("conf_name") or "Vai")
    made = Made({"version": 1, "name": "imported", "extends": "default.yaml", "nodes": {}}, {"name": name})
    made.persona["prompt"] = str(who.get("persona_prompt") or "").strip() or f"You are {name}."
    _agent(_map(who, "agent_config"), made)
    _engine("asr", _map(who, "asr_config"), ASRS, made)
    _engine("tts", _map(who, "tts_config"), VOICES, made)
    _looks(conf, who, made)
    _rest(conf, who, made)
    return made


def _agent(config: Mapping[str, Value], made: Made) -> None:
    choice = str(config.get("conversation_agent_choice") or "basic_memory_agent")
    if choice != "basic_memory_agent":
        made.left.append(f"the agent {choice}: vaidol has none like it; the embedded model answers")
        return
    basic = _map(_map(config, "agent_settings"), choice)
    provider = str(basic.get("llm_provider") or "")
    _node("agent", provider, _map(_map(config, "llm_configs"), provider), AGENTS, made)
    if (servers := basic.get("mcp_enabled_servers")) and basic.get("use_mcpp", True):
        made.left.append(f"MCP servers {servers}: write them under `mcp:` of the agent")


def _engine(node: str, config: Mapping[str, Value], engines: Mapping[str, Engine], made: Made) -> None:
    name = str(config.get(f"{node}_model") or "")
    _node(node, name, _map(config, name), engines, made)


def _node(node: str, name: str, config: Mapping[str, Value], engines: Mapping[str, Engine], made: Made) -> None:
    """The node that does what the engine `name` did."""
    engine = engines.get(name)
    if engine is None:
        if name:
            made.left.append(f"{node}: vaidol has no counterpart of '{name}'; the default pipeline's {node} stays")
        return
    settings: dict[str, Value] = dict(engine.gives)
    for theirs, value in config.items():
        take = engine.takes.get(theirs)
        if value in EMPTY or theirs in (*SILENT_KEYS, *engine.implied) or (theirs, value) in USUAL:
            continue
        if take is None:
            made.left.append(f"{node}: {name}.{theirs} has no counterpart in {engine.kind}")
            continue
        ours, become = take if isinstance(take, tuple) else (take, lambda one: one)
        try:
            settings[ours] = become(value)
        except (ValueError, TypeError, ArithmeticError):
            made.left.append(f"{node}: {name}.{theirs} is not understood")
    here = urlsplit(str(config.get("base_url") or "")).hostname in ("localhost", "127.0.0.1")  # it asks for no key
    if engine.key and not here and any(config.get(one) not in EMPTY for one in SILENT_KEYS):
        settings["api_key"] = f"${{{engine.key}}}"
        made.keys.append(engine.key)
    if engine.but:
        made.left.append(f"{node}: {name} became {engine.kind}, which {engine.but}")
    made.pipeline["nodes"][node] = {"use": engine.kind, "with": settings}


def _looks(conf: Mapping[str, Value], who: Mapping[str, Value], made: Made) -> None:
    """How the character looks, and what shows in its face."""
    prompts = _map(conf, "system_config").get("tool_prompts")
    if prompts is None or "live2d_expression_prompt" in prompts:
        made.persona["emotions"] = list(FEELINGS)
    for prompt in prompts or ():
        if prompt not in PROMPTS:
            made.left.append(f"tool_prompts.{prompt}: write what it asks for into the persona's prompt")
    if model := who.get("live2d_model_name"):
        made.persona["avatar"] = str(model)
        made.left.append(
            f"live2d_model_name: put the folder of {model} into live2d-models, or start with --live2d-models FOLDER;"
            " its emotionMap is guessed anew, and can be changed on the page"
        )
    if who.get("avatar") not in EMPTY:
        made.left.append("avatar: characters have no picture beside what they say")


def _rest(conf: Mapping[str, Value], who: Mapping[str, Value], made: Made) -> None:
    """What is set elsewhere in vaidol, as far as it is not as it came."""
    system = _map(conf, "system_config")
    notes = {
        "host": ("localhost", "127.0.0.1"), "port": (12393,), "enable_proxy": (False,),
    }  # fmt: skip
    for key, usual in notes.items():
        if system.get(key) not in (*EMPTY, *usual):
            made.left.append(f"system_config.{key}: say it to `vaidol serve`, where there is an option for it")
    if _map(who, "vad_config").get("vad_model") not in EMPTY:
        made.left.append("vad_config: the default pipeline's vad.silero listens; its settings are of another kind")
    if off := [key for key, on in _map(who, "tts_preprocessor_config").items() if on is False]:
        made.left.append(f"tts_preprocessor_config: {', '.join(off)}: text.sentences always does that")
    translator = _map(_map(who, "tts_preprocessor_config"), "translator_config")
    if translator.get("translate_audio"):
        made.left.append("translate_audio: put a text.translate node between sentences and tts")
    if _map(_map(conf, "live_config"), "bilibili_live").get("room_ids"):
        made.left.append("live_config.bilibili_live: add a chat.bilibili node, as in pipelines/twitch.yaml")


def _map(config: Mapping[str, Value], key: str) -> Mapping[str, Value]:
    found = config.get(key)
    return found if isinstance(found, Mapping) else {}
