"""A small HuBERT with random weights as a file, wide enough for v2 voices."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

CONFIG = {
    "hidden_size": 768,
    "num_hidden_layers": 1,
    "num_attention_heads": 12,
    "intermediate_size": 64,
    "conv_dim": [16] * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 16,
    "classifier_proj_size": 256,
}


def write_ears(folder: Path) -> Path:
    """A folder in the layout of Hugging Face."""
    from transformers import HubertConfig, HubertModel

    torch.manual_seed(7)
    folder.mkdir(parents=True, exist_ok=True)
    network = HubertModel(HubertConfig(**CONFIG))
    save_file(
        {key: value.contiguous() for key, value in network.state_dict().items()}, str(folder / "model.safetensors")
    )
    (folder / "config.json").write_text(json.dumps(CONFIG | {"architectures": ["HubertModel"]}))
    return folder
