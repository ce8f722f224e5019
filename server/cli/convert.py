"""`vaidol convert`: sound files in another voice, an RVC voice or a shifted one."""

from __future__ import annotations

import argparse
import wave
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaidol.graph.errors import ProviderError
from vaidol.models.errors import ModelError
from vaidol.models.f0 import METHODS
from vaidol.models.shift import PRESETS, Shift, VoiceShifter
from vaidol.nodes.file._reader import RATE, Reader
from vaidol.server.cli.progress import Bars
from vaidol.server.cli.wrong import Wrong

F32 = NDArray[np.float32]
Progress = Callable[[float], None]
Work = Callable[[F32, Progress], tuple[F32, int]]  # (n,) at RATE -> (m,) at the rate beside it
SOUNDS = {".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".aac", ".webm", ".mp4", ".aiff", ".aif"}
LONGEST_S = 3600.0  # of one file: all of it is in memory
HEARD = 16_000  # Hz, what RVC's networks hear


def add(commands: Any) -> argparse.ArgumentParser:
    about = "convert sound files to another voice"
    command: argparse.ArgumentParser = commands.add_parser(
        "convert", help=about, description=about.capitalize() + ": one file, or every file of a folder."
    )
    command.add_argument("source", type=Path, help="a sound file, or a folder with some")
    command.add_argument("target", type=Path, help="the WAV file to write, or a folder for them")
    voice = command.add_mutually_exclusive_group(required=True)
    voice.add_argument("--model", metavar="VOICE", help="an RVC voice: a name from `vaidol models add`, or its file")
    voice.add_argument("--shift", choices=tuple(PRESETS), help="no model: only another pitch and size")
    command.add_argument("--pitch", type=float, metavar="SEMITONES", help="melody up or down")
    command.add_argument("--formant", type=float, metavar="SEMITONES", help="with --shift: size, up is smaller")
    command.add_argument("--index", default="", metavar="FILE", help="its .index (default: the one added with it)")
    command.add_argument("--retrieval", type=float, default=0.0, metavar="0..1", help="how much of the index")
    command.add_argument("--f0", choices=METHODS, default="swift", help="where the pitch is from")
    command.add_argument("--protect", type=float, default=0.5, metavar="0..0.5", help="keep breath and consonants")
    command.add_argument("--loudness", type=float, default=1.0, metavar="0..1", help="0: the source's, 1: its own")
    command.add_argument("--speaker", type=int, default=0, metavar="N", help="of a voice of several")
    command.add_argument("--target-hz", type=float, metavar="HZ", help="instead of --pitch: bring its median there")
    command.add_argument(
        "--precision", choices=("auto", "fp32", "bf16", "fp16", "int8"), default="fp32", help="of --model"
    )
    command.add_argument("--units", default="contentvec", metavar="MODEL", help="ContentVec: a model or its file")
    return command


def run(arguments: argparse.Namespace) -> int:
    jobs = _jobs(arguments.source, arguments.target)
    work = _rvc(arguments) if arguments.model else _shift(arguments)
    failed = 0
    for source, target in jobs:
        with Bars() as bars:

            def show(share: float, bars: Bars = bars, name: str = source.name) -> None:
                bars.show(name, share, "converting")

            try:
                _convert(source, target, work, show)
            except (ProviderError, ModelError, Wrong) as error:
                if len(jobs) == 1:
                    raise Wrong(str(error)) from None
                failed += 1
                bars.end(source.name, str(error))
                continue
        print(target)
    if failed:
        print(f"{failed} of {len(jobs)} files could not be converted")
    return 1 if failed else 0


def _jobs(source: Path, target: Path) -> list[tuple[Path, Path]]:
    """What is converted to what. Raises Wrong."""
    if not source.exists():
        raise Wrong(f"there is nothing at {source}")
    if source.is_file():
        to = target / f"{source.stem}.wav" if target.is_dir() else target
        if to.exists() and to.samefile(source):
            raise Wrong(f"{source} would be written over: give another target")
        if not to.parent.is_dir():
            raise Wrong(f"there is no folder {to.parent} for {to.name}")
        return [(source, to)]
    if target.exists() and not target.is_dir():
        raise Wrong(f"{source} is a folder: {target} must be one too")
    found = sorted(path for path in source.rglob("*") if path.suffix.lower() in SOUNDS and path.is_file())
    if not found:
        raise Wrong(f"there is no sound file in {source}")
    if target.resolve() == source.resolve():
        raise Wrong(f"the files of {source} would be written over: give another target")
    return [(path, target / path.relative_to(source).with_suffix(".wav")) for path in found]


def _convert(source: Path, target: Path, work: Work, show: Progress) -> None:
    show(0.0)
    reader = Reader(source)
    try:
        sound = reader.read(int(LONGEST_S * RATE))
        if len(reader.read(1)):
            raise Wrong(f"{source} is longer than {LONGEST_S / 60:.0f} minutes: cut it first")
    finally:
        reader.close()
    made, rate = work(sound, show)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with wave.open(str(target), "wb") as out:
            out.setparams((1, 2, rate, 0, "NONE", ""))
            out.writeframes((np.clip(made, -1, 1) * 32767).astype("<i2").tobytes())
    except OSError as error:
        raise Wrong(f"{target} cannot be written: {error.strerror}") from None


def _shift(arguments: argparse.Namespace) -> Work:
    preset = PRESETS[arguments.shift]
    pitch = preset.pitch if arguments.pitch is None else arguments.pitch
    formant = preset.formant if arguments.formant is None else arguments.formant
    shift = Shift(pitch, formant, preset.monotone)

    def work(sound: F32, show: Progress) -> tuple[F32, int]:
        shifter, out = VoiceShifter(RATE, shift), []
        for at in range(0, len(sound), RATE):
            out.append(shifter.feed(sound[at : at + RATE]))
            show(at / len(sound))
        return np.concatenate([*out, shifter.flush()]), RATE

    return work


def _rvc(arguments: argparse.Namespace) -> Work:
    from pydantic import ValidationError

    from vaidol.models.rvc import Conversion, convert, key_to
    from vaidol.nodes.voice._rvc_settings import RvcSettings
    from vaidol.nodes.voice._rvc_voice import load_parts

    asked = {name: getattr(arguments, name) for name in ("model", "index", "retrieval", "f0", "protect", "loudness")}
    asked |= {"units": arguments.units, "speaker": arguments.speaker, "precision": arguments.precision}
    try:
        settings = RvcSettings(**asked, pitch=arguments.pitch or 0.0)
    except ValidationError as error:
        first = error.errors()[0]
        raise Wrong(f"--{first['loc'][0]}: {first['msg'].removeprefix('Value error, ')}") from None
    try:
        with Bars() as bars:
            parts = load_parts(settings, lambda share, step: bars.show("loading the voice", share, step))
    except ProviderError as error:
        raise Wrong(str(error)) from None
    how = Conversion(
        speaker=settings.speaker, semitones=arguments.pitch or 0.0, retrieval=settings.retrieval,
        protect=settings.protect, loudness=settings.loudness,
    )  # fmt: skip

    def work(sound: F32, show: Progress) -> tuple[F32, int]:
        import soxr

        heard = np.asarray(soxr.resample(sound, RATE, HEARD), np.float32)
        moved = how
        if arguments.target_hz and parts.f0 is not None:
            moved = replace(how, semitones=float(key_to(parts.f0(heard), arguments.target_hz)))
        made = convert(heard, parts.network, parts.hubert, parts.f0, moved, index=parts.index, progress=show)
        return made, parts.network.config.rate

    return work
