"""What a voice file says of its network: rates, widths, version; checked before anything is built."""

from dataclasses import dataclass
from math import prod
from typing import Any

UNITS = {"v1": 256, "v2": 768}  # width of the features that each version hears
FRAMES = 100  # frames per second of every RVC network
RATES = {"32k": 32_000, "40k": 40_000, "48k": 48_000}
NAMES = (
    *("spectrum channels", "segment size", "inter channels", "hidden channels", "filter channels", "heads", "layers"),
    *("kernel size", "dropout", "residual block", "residual kernels", "residual dilations", "upsample rates"),
    *("upsample channels", "upsample kernels", "speakers", "speaker width", "rate"),
)


class ConfigError(ValueError):
    """The description of the network is impossible; the message says what it has and what is needed."""


@dataclass(frozen=True, slots=True)
class VoiceConfig:
    """The network of one voice. `rate` in Hz; one frame is 10 ms and `hop` samples at `rate`."""

    version: str  # v1 or v2
    pitched: bool  # whether it takes f0
    rate: int
    inter: int
    hidden: int
    filter: int
    heads: int
    layers: int
    kernel: int
    resblock_kernels: tuple[int, ...]
    resblock_dilations: tuple[tuple[int, ...], ...]
    upsample_rates: tuple[int, ...]
    upsample_kernels: tuple[int, ...]
    upsample_channels: int
    speakers: int
    speaker_width: int

    @property
    def units(self) -> int:
        """Width of the features: 256 or 768."""
        return UNITS[self.version]

    @property
    def hop(self) -> int:
        """Samples of one frame of 10 ms."""
        return self.rate // FRAMES


def voice_config(values: list[Any], *, version: str, pitched: bool, speakers: int) -> VoiceConfig:
    """The config list of an official file, 18 entries, as a VoiceConfig. Raises ConfigError.

    `speakers` are the rows of `emb_g.weight`: entry 15 of the list is often wrong.
    """
    if len(values) != len(NAMES):
        raise ConfigError(f"its config has {len(values)} entries, not {len(NAMES)}")
    if version not in UNITS:
        raise ConfigError(f"its version is {version!r:.40}, not v1 or v2")
    if str(values[9]) != "1":
        raise ConfigError(f"its residual block is {values[9]!r:.40}, not '1'")
    config = VoiceConfig(
        version=version,
        pitched=pitched,
        rate=_rate(values[17]),
        inter=_number(values, 2, 4096),
        hidden=_number(values, 3, 4096),
        filter=_number(values, 4, 16_384),
        heads=_number(values, 5, 64),
        layers=_number(values, 6, 64),
        kernel=_number(values, 7, 63),
        resblock_kernels=_numbers(values, 10, 63),
        resblock_dilations=_dilations(values[11]),
        upsample_rates=_numbers(values, 12, 64),
        upsample_kernels=_numbers(values, 14, 256),
        upsample_channels=_number(values, 13, 8192),
        speakers=speakers,
        speaker_width=_number(values, 16, 4096),
    )
    _agree(config)
    return config


def config_list(config: VoiceConfig) -> list[Any]:
    """The 18 entries as an official file has them, for `voice_config` to read again."""
    spectrum = 1025 if config.rate >= 40_000 else 513
    return [
        *(spectrum, 32, config.inter, config.hidden, config.filter, config.heads, config.layers, config.kernel, 0, "1"),
        *(list(config.resblock_kernels), [list(row) for row in config.resblock_dilations]),
        *(list(config.upsample_rates), config.upsample_channels, list(config.upsample_kernels)),
        *(config.speakers, config.speaker_width, config.rate),
    ]


def _agree(config: VoiceConfig) -> None:
    """The numbers fit together. Raises ConfigError."""
    hop = prod(config.upsample_rates)
    if hop * FRAMES != config.rate:
        raise ConfigError(
            f"its upsample rates {list(config.upsample_rates)} multiply to {hop}, "
            f"but {config.rate} Hz needs {config.rate / FRAMES:g}"
        )
    pairs = list(zip(config.upsample_rates, config.upsample_kernels, strict=False))
    if len(config.upsample_rates) != len(config.upsample_kernels) or any((k - u) % 2 or k < u for u, k in pairs):
        raise ConfigError(f"its upsample kernels {list(config.upsample_kernels)} do not fit its upsample rates")
    if config.upsample_channels % 2 ** len(pairs):
        raise ConfigError(f"its {config.upsample_channels} upsample channels cannot be halved {len(pairs)} times")
    if len(config.resblock_kernels) != len(config.resblock_dilations) or any(
        k % 2 == 0 for k in config.resblock_kernels
    ):
        raise ConfigError("its residual kernels are even or do not fit its dilations")
    if config.hidden % config.heads or config.inter % 2:
        raise ConfigError(f"its {config.hidden} hidden channels cannot be shared by {config.heads} heads")


def _rate(value: Any) -> int:
    rate = RATES.get(value, 0) if isinstance(value, str) else value
    if type(rate) is not int or not 8_000 <= rate <= 96_000:
        raise ConfigError(f"its rate is {value!r:.40}, not 32k, 40k, 48k or a number of Hz")
    return rate


def _number(values: list[Any], at: int, most: int) -> int:
    value = values[at]
    if type(value) is not int or not 1 <= value <= most:
        raise ConfigError(f"its number of {NAMES[at]} is {value!r:.40}, not 1..{most}")
    return value


def _numbers(values: list[Any], at: int, most: int) -> tuple[int, ...]:
    row = values[at]
    if not isinstance(row, list | tuple) or not 1 <= len(row) <= 8:
        raise ConfigError(f"its {NAMES[at]} are no list of 1 to 8 numbers")
    return tuple(_number([value] * len(NAMES), at, most) for value in row)


def _dilations(rows: Any) -> tuple[tuple[int, ...], ...]:
    if not isinstance(rows, list | tuple) or not 1 <= len(rows) <= 8:
        raise ConfigError("its residual dilations are no list of lists")
    return tuple(_numbers([row] * len(NAMES), 11, 64) for row in rows)
