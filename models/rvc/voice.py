"""Load a voice from the file its owner has: WebUI's and Applio's `.pth`, or the `.safetensors` made from one."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from vaidol.models.errors import LoadError
from vaidol.models.rvc.config import ConfigError, VoiceConfig, config_list, voice_config
from vaidol.models.rvc.files import TensorFile, open_tensors, shown, tensors_of
from vaidol.models.rvc.pickled import TensorSpec
from vaidol.models.rvc.synthesizer import Synthesizer
from vaidol.models.rvc.weights import fill

NEEDED = "an RVC voice (v1 or v2, HiFi-GAN, the small .pth that is made for inference)"
FORMAT = "rvc"  # what the metadata of a converted voice says of itself
TRAINING = ("optimizer", "iteration", "learning_rate")
HIFIGAN = "HiFi-GAN"
VOCODERS = {"dec.mrfs.": "MRF HiFi-GAN", "dec.mel_conv.": "RefineGAN", "dec.downsample_blocks.": "RefineGAN"}
ABOUT = ("info", "epoch", "step", "model_name", "author", "embedder_model", "creation_date", "model_hash", "usual_hz")


def load_voice(path: Path | str) -> Synthesizer:
    """The voice in `path`, on the CPU in float32, whatever version, rate and width its file says.

    Nothing in the file is run. Raises LoadError, whose one sentence says what the file is and what is needed.
    """
    file = open_tensors(Path(path), NEEDED)
    config, specs = _describe(file)
    with torch.device("meta"):
        network = Synthesizer(config)
    return fill(network, file, specs, NEEDED)


def voice_about(path: Path | str) -> tuple[VoiceConfig, dict[str, str]]:
    """What a voice file says of itself, without loading it: its network, and what its maker wrote (name, author, ...).

    Raises LoadError as `load_voice` does, but for single weights.
    """
    file = open_tensors(Path(path), NEEDED)
    config, _ = _describe(file)
    if file.metadata:
        return config, {key: shown(file.metadata[key]) for key in ABOUT if key in file.metadata}
    return config, {key: shown(file.tree[key]) for key in ABOUT if isinstance(file.tree.get(key), str | int | float)}


def convert_voice(source: Path | str, target: Path | str, usual_hz: float = 0.0) -> None:
    """Write the voice in `source` to `target` as safetensors: folded weights in float16, its description as metadata,
    and the pitch it usually has, if that is known.

    Raises LoadError for the source as `load_voice` does, and for a target that cannot be written.
    """
    voice = load_voice(source)
    config, about = voice_about(source)
    described = {
        "format": FORMAT,
        "config": json.dumps(config_list(config)),
        "version": config.version,
        "f0": str(int(config.pitched)),
    }
    if usual_hz:
        about |= {"usual_hz": f"{usual_hz:g}"}
    weights = {key: tensor.half().contiguous() for key, tensor in voice.state_dict().items()}
    try:
        save_file(weights, str(target), about | described)
    except (OSError, SafetensorError) as error:
        raise LoadError(f"{target} cannot be written: {error}") from error


def _describe(file: TensorFile) -> tuple[VoiceConfig, Mapping[str, TensorSpec]]:
    """The network that the file says it holds, and its tensors by name. Raises LoadError."""
    top = _top_of_safetensors(file) if file.metadata or file.path.suffix == ".safetensors" else file.tree
    specs = _weights_of(file.path, top)
    speakers = specs.get("emb_g.weight")
    if speakers is None or len(speakers.shape) != 2:
        raise LoadError(f"{file.path} has no speakers (emb_g.weight): {NEEDED} is needed")
    values = top.get("config")
    if not isinstance(values, list | tuple):
        raise LoadError(f"{file.path} has weights, but no config that describes them: {NEEDED} is needed")
    try:
        config = voice_config(
            list(values),
            version=str(top.get("version", "v1")),
            pitched=bool(top.get("f0", 1)),
            speakers=speakers.shape[0],
        )
    except ConfigError as error:
        raise LoadError(f"{file.path} cannot be used, {error}: {NEEDED} is needed") from error
    heard = specs.get("enc_p.emb_phone.weight")
    if heard is not None and heard.shape[1:] != (config.units,):
        raise LoadError(
            f"{file.path} says it is {config.version}, but hears {list(heard.shape)[1:]} features, "
            f"not {config.units}: {NEEDED} is needed"
        )
    return config, specs


def _weights_of(path: Path, top: Any) -> Mapping[str, TensorSpec]:
    """The tensors of the voice; refuses what is known to be something else. Raises LoadError."""
    if not isinstance(top, dict):
        raise LoadError(f"{path} holds a {type(top).__name__}, not a voice: {NEEDED} is needed")
    if "model" in top and any(key in top for key in TRAINING):
        raise LoadError(
            f"{path} is a training checkpoint (G_*.pth or D_*.pth); extract the voice from it: {NEEDED} is needed"
        )
    specs = tensors_of(top.get("weight"))
    vocoder = next((name for key, name in VOCODERS.items() if any(key in other for other in specs)), HIFIGAN)
    vocoder = top.get("vocoder", vocoder) if vocoder == HIFIGAN else vocoder
    if vocoder != HIFIGAN:
        raise LoadError(
            f"{path} speaks through the vocoder {shown(vocoder)}, which is another network: {NEEDED} is needed"
        )
    if not specs:
        raise LoadError(f"{path} is no voice, it has {_some(top)}: {NEEDED} is needed")
    return {key: spec for key, spec in specs.items() if not key.startswith("enc_q.")}


def _top_of_safetensors(file: TensorFile) -> dict[str, Any]:
    """A converted voice, brought into the form of a `.pth`. Raises LoadError."""
    said = file.metadata
    if said.get("format") != FORMAT:
        raise LoadError(f"{file.path} is a safetensors file of another kind: {NEEDED} is needed")
    try:
        config = json.loads(said.get("config", "null"))
    except (ValueError, RecursionError):
        config = None
    top = {"weight": file.tree, "config": config, "f0": said.get("f0", "1") == "1"}
    return top | {key: said[key] for key in ("version", "vocoder") if key in said}


def _some(top: dict[Any, Any]) -> str:
    names = [shown(key) for key in list(top)[:3]]
    return ", ".join(names) if names else "nothing"
