"""What lives in worker processes in tests: importable by name, as everything must be that goes there."""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np

from vaidol.graph.frames import Audio
from vaidol.graph.node import Need, Node, Progress, Settings
from vaidol.graph.ports import Port


class Thing:
    """A loaded thing that says where it lives."""

    def __init__(self) -> None:
        self.calls = 0

    def double(self, value: Any) -> Any:
        self.calls += 1
        return value * 2

    def pid(self) -> int:
        return os.getpid()

    def wait(self, seconds: float) -> int:
        time.sleep(seconds)
        return self.calls

    def divide(self) -> float:
        return 1 / 0

    def strange(self) -> Any:
        return lambda: None  # cannot be pickled

    def unknown(self) -> Any:
        return Unreadable()

    def threads(self) -> str:
        return os.environ["OMP_NUM_THREADS"]

    def shout(self) -> None:
        print("this must not get into what the parent prints")  # noqa: T201


class Unreadable:
    """Can be written, and read again by nobody."""

    def __reduce__(self) -> Any:
        return int, ("no number",)


def thing(progress: Progress) -> Thing:
    progress(0.5, "half")
    return Thing()


def broken(progress: Progress) -> Thing:
    raise ValueError("the file is empty")


class Half(Node[Settings]):
    """test.half: half as loud; counts; dies when it hears 1.0."""

    inputs = (Port("audio", Audio),)
    outputs = (Port("audio", Audio, like="audio"),)

    @classmethod
    def needs(cls, settings: Settings) -> tuple[Need, ...]:
        return (Need("half", "a number", number),)

    def process(self, port: str, frame: Audio) -> None:
        if len(frame.samples) and frame.samples[0] == 1.0:
            os.kill(os.getpid(), 9)
        if len(frame.samples) and frame.samples[0] == -1.0:
            raise ValueError("minus one")
        self.ctx.count("halved")
        samples = (frame.samples * self.ctx.shared("half")).astype(np.float32)
        self.emit("audio", Audio(samples=samples, rate=frame.rate, pts=os.getpid(), seq=frame.seq, of=frame.of))


def number(progress: Progress) -> float:
    return 0.5
