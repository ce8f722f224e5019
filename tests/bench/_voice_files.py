"""An RVC voice and a ContentVec of the official sizes with random weights, as the files people have."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

from vaidol.models.rvc.config import VoiceConfig, config_list
from vaidol.models.rvc.hubert import STRIDES, Hubert, HubertShape
from vaidol.models.rvc.synthesizer import Synthesizer

V2_40K = VoiceConfig(
    version="v2", pitched=True, rate=40_000, inter=192, hidden=192, filter=768, heads=2, layers=6, kernel=3,
    resblock_kernels=(3, 7, 11), resblock_dilations=((1, 3, 5),) * 3, upsample_rates=(10, 10, 2, 2),
    upsample_kernels=(16, 16, 4, 4), upsample_channels=512, speakers=109, speaker_width=256,
)  # fmt: skip
BASE = HubertShape(
    convs=tuple(zip((1, *(512,) * 6), (512,) * 7, (10, 3, 3, 3, 3, 2, 2), STRIDES, strict=True)),
    hidden=768, inner=3072, heads=12, layers=12, position=(128, 16), projected=256,
)  # fmt: skip


def write(folder: Path) -> tuple[Path, Path]:
    """`voice.pth` (55 MB, float16) and `contentvec.safetensors` (380 MB)."""
    voice, ears = folder / "voice.pth", folder / "contentvec.safetensors"
    with torch.random.fork_rng():
        torch.manual_seed(7)
        weight = {key: value.half() for key, value in _random(Synthesizer(V2_40K)).items()}
        weight["enc_p.emb_phone.weight"] /= 8  # the features are about 1: the sum stays in float16's range
        torch.save(
            {"weight": weight, "config": config_list(V2_40K), "info": "random", "sr": "40k", "f0": 1, "version": "v2"},
            voice,
        )
        save_file({key: value.contiguous() for key, value in Hubert(BASE).state_dict().items()}, str(ears))
    return voice, ears


def _random(network: nn.Module) -> dict[str, torch.Tensor]:
    """Values with which the layers neither fade nor blow up."""
    made = {}
    for key, old in network.state_dict().items():
        fan = max(1, old.numel() // old.shape[0])
        spread = 1.0 if key.startswith("emb_g") or "gamma" in key else 0.1 if old.ndim == 1 else fan**-0.5
        made[key] = torch.randn(old.shape) * spread + ("gamma" in key)
    return made
