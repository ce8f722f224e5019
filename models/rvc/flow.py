"""The normalising flow of an RVC voice, run backwards: it gives the latent of the encoder the speaker's colour.

Four coupling layers with a WaveNet each. Module names are those of the official checkpoints, where every second
entry of `flows` is a flip without weights. Source: VITS (Kim et al. 2021), mean-only couplings.
"""

import torch
from torch import Tensor, nn

from vaidol.models.rvc.config import VoiceConfig

COUPLINGS, LAYERS, KERNEL = 4, 3, 5  # not in the config of a voice
REACH = COUPLINGS * LAYERS * (KERNEL // 2)  # 24 frames: what a frame of the result depends on, to either side


class WaveNet(nn.Module):
    """Gated convolutions over (1, hidden, T), told by (1, speaker_width, 1) who speaks."""

    def __init__(self, hidden: int, speaker_width: int) -> None:
        super().__init__()
        self.hidden = hidden
        self.cond_layer = nn.Conv1d(speaker_width, 2 * hidden * LAYERS, 1)
        self.in_layers = nn.ModuleList(
            nn.Conv1d(hidden, 2 * hidden, KERNEL, padding=KERNEL // 2) for _ in range(LAYERS)
        )
        outs = [2 * hidden] * (LAYERS - 1) + [hidden]
        self.res_skip_layers = nn.ModuleList(nn.Conv1d(hidden, out, 1) for out in outs)

    def forward(self, x: Tensor, speaker: Tensor) -> Tensor:
        told = self.cond_layer(speaker).chunk(LAYERS, 1)
        out = torch.zeros_like(x)
        for layer, mix, bias in zip(self.in_layers, self.res_skip_layers, told, strict=True):
            value, gate = (layer(x) + bias).chunk(2, 1)
            mixed = mix(torch.tanh(value) * torch.sigmoid(gate))
            if mixed.shape[1] > self.hidden:
                x = x + mixed[:, : self.hidden]
                mixed = mixed[:, self.hidden :]
            out = out + mixed
        return out


class Coupling(nn.Module):
    """Half of the channels stays and says by how much the other half is shifted."""

    def __init__(self, config: VoiceConfig) -> None:
        super().__init__()
        self.pre = nn.Conv1d(config.inter // 2, config.hidden, 1)
        self.enc = WaveNet(config.hidden, config.speaker_width)
        self.post = nn.Conv1d(config.hidden, config.inter // 2, 1)

    def forward(self, z: Tensor, speaker: Tensor) -> Tensor:
        kept, shifted = z.chunk(2, 1)
        shifted = shifted - self.post(self.enc(self.pre(kept), speaker))
        return torch.cat((kept, shifted), 1)


class Flow(nn.Module):
    """z (1, inter, T), speaker (1, speaker_width, 1) -> (1, inter, T)."""

    def __init__(self, config: VoiceConfig) -> None:
        super().__init__()
        steps = [step for _ in range(COUPLINGS) for step in (Coupling(config), nn.Identity())]
        self.flows = nn.ModuleList(steps)

    def forward(self, z: Tensor, speaker: Tensor) -> Tensor:
        for coupling in reversed(self.flows[::2]):
            z = coupling(z.flip(1), speaker)
        return z
