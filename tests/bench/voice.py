"""RVC and the shifter: time per block by precision and block size, first block, borders, loading, sharing.

Processor time of one thread. The voice is random at the official size (v2, 40 kHz, 55 MB): what it costs, not how it
sounds.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vaidol.graph.clock import Clock
from vaidol.graph.node import Need
from vaidol.graph.processes import Process
from vaidol.models.f0 import method
from vaidol.models.rvc import load_hubert, load_voice, precision
from vaidol.models.rvc.stream import AHEAD, FRAME, RATE, Blocks, VoiceStream
from vaidol.models.shift import PRESETS, Shift, VoiceShifter
from vaidol.nodes.voice._rvc_settings import RvcSettings
from vaidol.nodes.voice._rvc_voice import Heard, RvcVoice, load
from vaidol.tests.bench import _voice_files

F32 = NDArray[np.float32]
PRECISIONS = ("fp32", "bf16", "int8")
SIZES = ((160, 500), (160, 320, 500, 1000))  # ms: quick, long
BLOCKS = (3, 5)  # timed per size
FIRST_MS = 320


def main(quick: bool) -> dict[str, Any]:
    """Keys: see the names; rtf by precision and block size; border_click_db: energy of the bends at borders against
    inside, vowel and speech; None: that precision was refused here, `refused` says why.
    """
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        kept = os.environ.get("VAIDOL_MODELS")
        os.environ["VAIDOL_MODELS"] = folder  # int8 is made anew, and not kept
        try:
            found = _rvc(Path(folder), quick)
        finally:
            os.environ.pop("VAIDOL_MODELS") if kept is None else os.environ.__setitem__("VAIDOL_MODELS", kept)
    return found | _shifter(5 if quick else 30)


def _rvc(folder: Path, quick: bool) -> dict[str, Any]:
    files = _voice_files.write(folder)
    sound, vowel = _speech(12), _vowel(4)
    found: dict[str, Any] = {"rtf": {}, "first_block_ms": {}, "load_s": {}, "refused": {}, "border_click_db": {}}
    for name in PRECISIONS:
        began = time.perf_counter()
        chosen = precision.with_precision(load_voice(files[0]), load_hubert(files[1]), name)
        found["load_s"][name] = round(time.perf_counter() - began, 1)
        if chosen.precision != name:
            found["refused"][name] = chosen.said
            found["rtf"][name] = found["first_block_ms"][name] = None
            continue
        found["rtf"][name] = {size: _rtf(chosen, sound, size, BLOCKS[not quick]) for size in SIZES[not quick]}
        found["first_block_ms"][name] = _first(chosen, sound, 1 if quick else 5)
        if name == "int8":
            again = time.perf_counter()
            precision.with_precision(load_voice(files[0]), load_hubert(files[1]), name)
            found["load_s"]["int8 again"] = round(time.perf_counter() - again, 1)
        if name != "bf16":
            seconds = 2 if quick else 8
            found["border_click_db"][name] = {
                "vowel": _borders(chosen, vowel[: seconds * RATE]), "speech": _borders(chosen, sound[: seconds * RATE])
            }  # fmt: skip
    return found | asyncio.run(_shared(files, sound, 2 if quick else 5))


def _stream(chosen: precision.Chosen, blocks: Blocks) -> VoiceStream:
    return VoiceStream(chosen.voice, chosen.hubert, method("swift"), blocks=blocks)


def _rtf(chosen: precision.Chosen, sound: F32, size: int, blocks: int) -> float:
    """Median processor time of a block, by its length."""
    stream = _stream(chosen, Blocks(first=size, block=size))
    at = (size // 10 + AHEAD) * FRAME
    stream.feed(sound[:at])
    taken = []
    for _ in range(blocks):
        part, at = sound[at : at + size * RATE // 1000], at + size * RATE // 1000
        began = time.thread_time()
        made = stream.feed(part)
        taken.append((time.thread_time() - began) * chosen.voice.config.rate / len(made))
    return round(statistics.median(taken), 2)


def _first(chosen: precision.Chosen, sound: F32, rounds: int) -> float:
    """Processor time from the sound of the first block to its voice, ms."""
    taken = []
    for _ in range(rounds):
        stream = _stream(chosen, Blocks(first=FIRST_MS))
        began = time.thread_time()
        made = stream.feed(sound[: (FIRST_MS // 10 + AHEAD) * FRAME])
        taken.append(1e3 * (time.thread_time() - began))
        assert len(made)
    return round(statistics.median(taken))


def _borders(chosen: precision.Chosen, sound: F32) -> float:
    """Energy of the second difference within 0.5 ms of the block borders, against that 50 ms away from them, dB."""
    size, hop = 50, chosen.voice.config.hop
    stream = _stream(chosen, Blocks(first=10 * size, block=10 * size))
    out = np.concatenate((stream.feed(sound), stream.flush()))
    bends = np.square(np.diff(out.astype(np.float64), 2))
    borders = np.arange(size, len(out) // hop - 6, size) * hop
    near = np.mean([bends[border - 20 : border + 20].mean() for border in borders])
    away = np.mean(
        [bends[border + part : border + part + 40].mean() for border in borders for part in (-5 * hop, 5 * hop)]
    )
    return round(float(10 * np.log10(near / away)), 1)


async def _shared(files: tuple[Path, Path], sound: F32, seconds: int) -> dict[str, Any]:
    """A worker process as a server has it: memory with one session and with two."""
    settings = RvcSettings(model=str(files[0]), units=str(files[1]), precision="fp32", device="cpu")
    process = Process(
        Need("voice", "voice", partial(load, settings), host="process"), Clock(asyncio.get_running_loop())
    )
    began = time.perf_counter()
    await process.start(lambda done, step: None)
    found = {"worker_ready_s": round(time.perf_counter() - began, 1), "worker_mb": {"loaded": _mb(process.pid)}}
    for number in ("one session", "two sessions"):
        await process.call(RvcVoice.speak, Heard(number, number, settings, sound[: seconds * RATE]))
        found["worker_mb"][number] = _mb(process.pid)
    process.close()
    return found


def _mb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) // 1024


def _shifter(seconds: int) -> dict[str, Any]:
    sound, rate = np.repeat(_speech(seconds), 3), 48_000
    shifter, step = VoiceShifter(rate, PRESETS["child"]), rate // 50
    began = time.thread_time()
    for at in range(0, len(sound), step):
        shifter.feed(sound[at : at + step])
    taken = time.thread_time() - began
    delays = [_delay_ms(shift, sound[: 3 * rate], rate) for shift in (Shift(), PRESETS["child"], PRESETS["giant"])]
    return {"shift_rtf": round(taken / seconds, 4), "shift_latency_ms": round(max(delays), 1)}


def _delay_ms(shift: Shift, sound: F32, rate: int) -> float:
    """How far what came out lies behind what went in, in frames of 20 ms, at most, ms."""
    shifter, fed, given, worst, step = VoiceShifter(rate, shift), 0, 0, 0, rate // 50
    for at in range(0, len(sound), step):
        fed += step
        given += len(shifter.feed(sound[at : at + step]))
        worst = max(worst, fed - given) if given else worst
    return 1e3 * worst / rate


def _vowel(seconds: int) -> F32:
    at = np.arange(seconds * RATE) / RATE
    return (0.2 * sum(np.sin(2 * np.pi * 140 * n * at) / n for n in range(1, 12))).astype(np.float32)


def _speech(seconds: int) -> F32:
    """`precision.speechlike`, again and again, with a pause between."""
    piece = np.concatenate((precision.speechlike()[0], np.zeros(RATE // 5, np.float32)))
    return np.tile(piece, seconds)[: seconds * RATE]


if __name__ == "__main__":
    print(main(quick=True))
