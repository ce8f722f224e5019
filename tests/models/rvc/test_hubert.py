"""HuBERT hears what transformers' own hears, whichever of the three layouts its weights come in."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from vaidol.models.errors import LoadError
from vaidol.models.rvc import load_hubert

CONFIG = {
    "hidden_size": 128,
    "num_hidden_layers": 12,
    "num_attention_heads": 2,
    "intermediate_size": 96,
    "conv_dim": [24] * 7,
    "num_conv_pos_embeddings": 32,
    "num_conv_pos_embedding_groups": 4,
    "classifier_proj_size": 20,
}
OLD = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}
FAIRSEQ = OLD | {  # Hugging Face -> fairseq, beginning or middle of a name
    "feature_projection.layer_norm": "layer_norm",
    "feature_projection.projection": "post_extract_proj",
    "encoder.pos_conv_embed.conv": "encoder.pos_conv.0",
    "masked_spec_embed": "mask_emb",
}
LAYER = {
    ".layer_norm.": ".self_attn_layer_norm.",
    ".attention.": ".self_attn.",
    "feed_forward.intermediate_dense": "fc1",
    "feed_forward.output_dense": "fc2",
}


@pytest.fixture(scope="module")
def truth() -> Any:
    """transformers' network with random weights, and the projection that ContentVec adds."""
    from transformers import HubertConfig, HubertModel

    torch.manual_seed(4)
    network = HubertModel(HubertConfig(**CONFIG)).eval()
    network.final_proj = torch.nn.Linear(128, 20)
    for norm in (part for part in network.modules() if isinstance(part, torch.nn.LayerNorm | torch.nn.GroupNorm)):
        torch.nn.init.normal_(norm.weight, 1, 0.2)
        torch.nn.init.normal_(norm.bias, 0, 0.2)
    return network


@pytest.fixture(scope="module")
def sound() -> Tensor:
    return 0.1 * torch.randn(8000, generator=torch.Generator().manual_seed(5))


def renamed(key: str, names: dict[str, str]) -> str:
    for new, old in names.items():
        key = key.replace(new, old)
    return key


def fairseq(key: str) -> str:
    """The name that fairseq has for the tensor."""
    if key.startswith("feature_extractor"):
        parts = key.split(".")
        return ".".join([*parts[:3], {"conv": "0", "layer_norm": "2"}[parts[3]], parts[4]])
    return renamed(key, LAYER if key.startswith("encoder.layers.") else FAIRSEQ)


def write(kind: str, truth: Any, folder: Path) -> Path:
    weights = {key: value.contiguous() for key, value in truth.state_dict().items()}
    (folder / "config.json").write_text(json.dumps(CONFIG | {"architectures": ["HubertModelWithFinalProj"]}))
    if kind == "safetensors":
        save_file(weights, folder / "model.safetensors")
    elif kind == "bin":
        torch.save({renamed(key, OLD): value for key, value in weights.items()}, folder / "pytorch_model.bin")
    else:
        named = {fairseq(key): value for key, value in weights.items()} | {"label_embs_concat": torch.zeros(3, 20)}
        fairseq_file(folder / "hubert_base.pt", named, legacy=kind == "legacy")
        return folder / "hubert_base.pt"
    return folder


def fairseq_file(path: Path, weights: dict[str, Tensor], *, legacy: bool) -> None:
    """As fairseq saves it: beside the weights stand objects of its own classes, which exist only while this runs."""
    modules = {name: ModuleType(name) for name in ("fairseq", "fairseq.data", "fairseq.data.dictionary")}
    dictionary = type("Dictionary", (), {"__module__": "fairseq.data.dictionary"})
    modules["fairseq.data.dictionary"].Dictionary = dictionary  # type: ignore[attr-defined]
    state = {"args": None, "cfg": {"task": {"labels": ["km"]}}, "model": weights}
    state["task_state"] = {"dictionaries": [dictionary()]}
    sys.modules.update(modules)
    try:
        torch.save(state, path, _use_new_zipfile_serialization=not legacy)
    finally:
        for name in modules:
            del sys.modules[name]


@pytest.mark.parametrize("kind", ["safetensors", "bin", "fairseq", "legacy"])
def test_every_layout_hears_as_transformers(kind: str, truth: Any, sound: Tensor, tmp_path: Path) -> None:
    hubert = load_hubert(write(kind, truth, tmp_path))
    with torch.no_grad():
        layers = truth(sound[None], output_hidden_states=True).hidden_states
        projected = truth.final_proj(layers[9])
    assert hubert.units(sound, "v2").shape == (1, 24, 128)
    torch.testing.assert_close(hubert.units(sound.numpy(), "v2"), layers[12], atol=1e-5, rtol=0)
    torch.testing.assert_close(hubert.units(sound, "v1"), projected, atol=1e-5, rtol=0)


def test_any_sound_has_units(truth: Any, tmp_path: Path) -> None:
    hubert = load_hubert(write("bin", truth, tmp_path))
    assert hubert.units(np.zeros(0, np.float32), "v2").shape == (1, 1, 128)
    for sound in (np.zeros(160), np.full(800, np.nan), np.full(800, np.inf), np.ones(16000)):
        assert bool(torch.isfinite(hubert.units(sound.astype(np.float32), "v2")).all())


def test_weights_without_a_projection_are_for_v2(truth: Any, sound: Tensor, tmp_path: Path) -> None:
    weights = {key: value for key, value in truth.state_dict().items() if "final_proj" not in key}
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    torch.save(weights, tmp_path / "pytorch_model.bin")
    hubert = load_hubert(tmp_path)
    assert hubert.units(sound, "v2").shape == (1, 24, 128)
    with pytest.raises(ValueError, match="final_proj"):
        hubert.units(sound, "v1")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"do_stable_layer_norm": True}, "another do_stable_layer_norm"),
        ({"feat_extract_norm": "layer"}, "another feat_extract_norm"),
        ({"num_attention_heads": 3}, "no HuBERT of the base kind"),
        ({"conv_stride": [5, 2]}, "belongs to another network"),
        ({"conv_stride": "five"}, "no HuBERT of the base kind"),
    ],
)
def test_another_hubert_is_refused(change: dict[str, Any], says: str, truth: Any, tmp_path: Path) -> None:
    write("bin", truth, tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(CONFIG | change))
    with pytest.raises(LoadError, match=says):
        load_hubert(tmp_path)


def test_what_is_no_hubert_is_told(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="holds neither"):
        load_hubert(tmp_path)
    torch.save({"some.weight": torch.zeros(3)}, tmp_path / "pytorch_model.bin")
    with pytest.raises(LoadError, match="no HuBERT of the base kind"):
        load_hubert(tmp_path)
    (tmp_path / "config.json").write_text("[")
    with pytest.raises(LoadError, match="cannot be read as JSON"):
        load_hubert(tmp_path)
