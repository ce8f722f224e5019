"""Whisper by faster-whisper, with the encoder trimmed to the length of the sound: samples in, text out.

Whisper is trained on 30 s and padded to it; a question of 3 s is heard five times sooner when it is padded to 8 s only.
The price is a text that now and then starts over; such a text, and one that Whisper itself finds unlikely, is heard
again with all 30 s (`Transcription.padded`).
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaidol.models.errors import LoadError
from vaidol.models.pieces import pieces

F32 = NDArray[np.float32]

RATE = 16_000  # Hz
FULL_S, LEAST_S, AFTER_S = 30.0, 8.0, 1.0  # what Whisper was trained on; the least it is given; silence after the sound
PIECE_S = (15.0, 28.0)  # longer sound is cut at its quietest place between these
HUSH = 0.0015  # -56 dBFS: sound whose loudest 30 ms stay below this RMS is not heard at all
SHORTEST_S = 0.1  # shorter than any word
LIKELY = -0.8  # mean log-probability below which the trimmed hearing is not trusted
BELIEVED = -1.0  # and below which, when no speech is likely either, it is taken for a phantom
NO_SPEECH = 0.6
TOKENS_PER_S = 12  # nobody speaks faster: more is a loop
BEAM = 5  # 57 ms against 51 ms greedily, a fifth fewer wrong words in noise, and no loop in 150 utterances against 2
# What Whisper, raised on subtitles, hears in a hum or a breath.
PHANTOMS = {"you", "thank you", "thanks", "bye", "thanks for watching", "thank you for watching", "please subscribe"}


@dataclass(frozen=True, slots=True)
class Transcription:
    """What was heard. `text` is "" when nothing was said; `mean_logprob` per token (0 is certain, below -1 is a guess);
    `no_speech` is Whisper's probability, 0..1, that nobody spoke; `padded` tells that all 30 s had to be used."""

    text: str
    language: str
    mean_logprob: float
    no_speech: float
    padded: bool


class Whisper:
    """The weights, shared by all sessions; nothing is remembered between two calls.

    Thread-safe: CTranslate2 queues calls and computes them one after the other, without holding the GIL.
    """

    def __init__(self, directory: Path, *, threads: int = 1, device: str = "cpu", compute_type: str = "int8") -> None:
        """Load a CTranslate2 Whisper (model.bin, config.json, tokenizer.json, vocabulary) and run it once.

        Never asks a hub. `device` is cpu, cuda or auto. Raises LoadError.
        """
        import ctranslate2
        from faster_whisper import WhisperModel

        words = directory / "tokenizer.json"
        if (directory / "model.bin").is_file() and not words.is_file():  # faster-whisper would ask a hub for it
            raise LoadError(f"{words} is missing: a CTranslate2 Whisper model needs it")
        try:
            loaded: Any = WhisperModel(
                str(directory), device=device, compute_type=compute_type, cpu_threads=threads, local_files_only=True
            )
        except (RuntimeError, ValueError) as error:
            raise LoadError(f"{directory} could not be loaded as a CTranslate2 Whisper model: {error}") from error
        self._model: Any = loaded.model
        self._tokens: Any = loaded.hf_tokenizer
        self._mel: Any = loaded.feature_extractor
        self._view: Any = ctranslate2.StorageView
        self.multilingual: bool = self._model.is_multilingual
        self._hear(np.zeros(RATE, np.float32), [], None, LEAST_S)

    def transcribe(
        self, samples: F32, *, language: str | None = None, prompt: str | None = None, again: bool = True
    ) -> Transcription:
        """The words in `samples` (n,) float32, [-1, 1], 16 kHz, of any length.

        `language` like "en" or "de-AT" is detected when not given; `prompt` is text said before (names, spelling).
        `again=False` never hears twice: a text that starts over is cut there instead (for partial results).
        Samples that are not finite count as silence. Raises ValueError for a language that the model does not know.
        """
        if samples.ndim != 1:
            raise ValueError(f"samples have the shape {samples.shape}, expected (n,)")
        code = self._language(language)
        before = self._encode(prompt)[-200:] if prompt else []
        clean = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0).astype(np.float32, copy=False)
        heard: list[_Heard] = []
        for _, piece in pieces(clean, RATE, PIECE_S):
            if len(piece) >= SHORTEST_S * RATE and _loudest(piece) >= HUSH:
                heard.append(self._piece(piece, before, code, again))
                code = code or heard[-1].language  # the rest is in the language of the beginning
        return _joined(heard, code or "en")

    def _piece(self, samples: F32, before: list[int], language: str | None, again: bool) -> "_Heard":
        seconds = min(FULL_S, max(LEAST_S, len(samples) / RATE + AFTER_S))
        heard = self._hear(samples, before, language, seconds)
        doubtful = heard.loops or (heard.mean_logprob < LIKELY and not heard.phantom)
        if not (again and doubtful and seconds < FULL_S):
            return heard
        full = self._hear(samples, before, language, FULL_S)
        better = full.mean_logprob > heard.mean_logprob or heard.loops
        return full if better else replace(heard, padded=True)

    def _hear(self, samples: F32, before: list[int], language: str | None, seconds: float) -> "_Heard":
        """Hear `samples` padded with silence to `seconds` (a multiple of 20 ms)."""
        length = int(seconds * 50) * RATE // 50
        sound = np.zeros(length, np.float32)
        sound[: len(samples)] = samples[:length]
        features = np.ascontiguousarray(self._mel(sound, padding=0)[np.newaxis])
        encoded = self._model.encode(self._view.from_array(features))
        if not self.multilingual:
            language, head = "en", ["<|startoftranscript|>"]
        else:
            language = language or self._model.detect_language(encoded)[0][0][0].strip("<|>")
            head = ["<|startoftranscript|>", f"<|{language}|>", "<|transcribe|>"]
        prompt = [self._tokens.token_to_id(token) for token in (*head, "<|notimestamps|>")]
        if before:
            prompt = [self._tokens.token_to_id("<|startofprev|>"), *before, *prompt]
        room = 16 + int(TOKENS_PER_S * len(samples) / RATE)
        result = self._model.generate(
            encoded,
            [prompt],
            beam_size=BEAM,
            max_length=min(448, len(prompt) + room),
            return_scores=True,
            return_no_speech_prob=True,
            suppress_blank=True,
        )[0]
        tokens = result.sequences_ids[0]
        text = self._tokens.decode(tokens)
        endless = len(tokens) >= room
        cut = restart(text) if endless or seconds < FULL_S else None  # heard in full, it was said twice
        return _Heard(
            text=text if cut is None else text[:cut],
            language=language,
            tokens=len(tokens),
            mean_logprob=float(result.scores[0]) * len(tokens) / (len(tokens) + 1),
            no_speech=float(result.no_speech_prob),
            loops=endless or cut is not None,
            padded=seconds >= FULL_S,
        )

    def _language(self, language: str | None) -> str | None:
        if language is None:
            return None
        code = language.split("-")[0].lower()
        if not self.multilingual and code != "en":
            raise ValueError(f"this Whisper model hears English only, not {language!r}")
        if self.multilingual and self._tokens.token_to_id(f"<|{code}|>") is None:
            raise ValueError(f"Whisper knows no language {language!r}; expected a code like 'en' or 'de'")
        return code

    def _encode(self, prompt: str) -> list[int]:
        ids: list[int] = self._tokens.encode(" " + prompt.strip(), add_special_tokens=False).ids
        return ids


@dataclass(frozen=True, slots=True)
class _Heard:
    text: str
    language: str
    tokens: int
    mean_logprob: float
    no_speech: float
    loops: bool
    padded: bool

    @property
    def phantom(self) -> bool:
        quiet, unsure = self.no_speech > NO_SPEECH, self.mean_logprob < BELIEVED
        known = re.sub(r"[^\w ]", "", self.text).strip().lower() in PHANTOMS
        return (quiet and unsure) or (known and (quiet or unsure))


def restart(text: str) -> int | None:
    """Where `text` begins to say the same again, as an index; None when it does not.

    Found are three words and more that return at the end, and shorter ones that come three times in a row.
    """
    words = [(match.group().lower(), match.start()) for match in re.finditer(r"[^\W_]+(?:['’][^\W_]+)*", text)]
    said = [word for word, _ in words]
    for start in range(1, len(said)):
        length = len(said) - start
        if length >= 3 and start >= 3 and said[start:] == said[:length]:
            return words[start][1]
    for size in range(1, len(said) // 3 + 1):
        for start in range(len(said) - 3 * size + 1):
            first = said[start : start + size]
            if said[start : start + 3 * size] == first * 3:
                return words[start + size][1]
    return None


def _joined(heard: list[_Heard], language: str) -> Transcription:
    said = [part for part in heard if not part.phantom and re.search(r"\w", part.text)]
    if not said:
        silence = min((part.no_speech for part in heard), default=1.0)
        mean = min((part.mean_logprob for part in heard), default=0.0)
        return Transcription("", language, mean, silence, any(part.padded for part in heard))
    tokens = sum(part.tokens for part in said)
    return Transcription(
        text="".join(part.text for part in said).strip(),
        language=said[0].language,
        mean_logprob=sum(part.mean_logprob * part.tokens for part in said) / max(tokens, 1),
        no_speech=min(part.no_speech for part in said),
        padded=any(part.padded for part in heard),
    )


def _loudest(samples: F32) -> float:
    """RMS of the loudest 30 ms."""
    hop = RATE * 30 // 1000
    whole = samples[: len(samples) // hop * hop].reshape(-1, hop)
    return float(np.sqrt(np.max(np.mean(np.square(whole), axis=1)))) if len(whole) else 0.0
