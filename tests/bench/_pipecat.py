"""Pipecat as shipped, as a baseline: the same pass-through chain on its own processors, worker and runner."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np

SOUND = np.zeros(320, np.int16).tobytes()  # 20 ms at 16 kHz


@asynccontextmanager
async def chain(nodes: int, on_frame: Callable[[], None], *, lean: bool = False) -> AsyncIterator[Callable[[], Any]]:
    """A running pipeline of `nodes` pass-through processors; yields the coroutine function that sends one frame.

    `on_frame` runs when an audio frame reaches the end. Everything is at its default, but for the idle watch; `lean`
    turns metrics, turn tracking and RTVI off.
    """
    from loguru import logger

    logger.remove()
    logger.add(sys.stderr, level="ERROR")
    from pipecat.frames.frames import Frame, OutputAudioRawFrame
    from pipecat.pipeline.pipeline import Pipeline
    from pipecat.pipeline.worker import PipelineParams, PipelineWorker
    from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
    from pipecat.workers.runner import WorkerRunner

    class Through(FrameProcessor):  # type: ignore[misc]
        async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
            await super().process_frame(frame, direction)
            await self.push_frame(frame, direction)

    class Last(FrameProcessor):  # type: ignore[misc]
        async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
            await super().process_frame(frame, direction)
            if isinstance(frame, Audio):
                on_frame()
            await self.push_frame(frame, direction)

    class Audio(OutputAudioRawFrame):  # type: ignore[misc]
        """What a voice makes: a data frame, as most are."""

    first = Through()
    pipeline = Pipeline([first, *[Through() for _ in range(nodes - 1)], Last()])
    off: dict[str, Any] = {"enable_rtvi": False, "enable_turn_tracking": False, "check_dangling_tasks": False}
    worker = PipelineWorker(
        pipeline, params=PipelineParams(), cancel_on_idle_timeout=False, idle_timeout_secs=None, **(off if lean else {})
    )
    started = asyncio.Event()

    @worker.event_handler("on_pipeline_started")  # type: ignore[untyped-decorator]
    async def _started(worker: Any, frame: Any) -> None:
        started.set()

    async def send() -> None:
        await first.queue_frame(Audio(audio=SOUND, sample_rate=16_000, num_channels=1))

    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    running = asyncio.create_task(runner.run())
    async with asyncio.timeout(20):
        await started.wait()
    try:
        yield send
    finally:
        await worker.cancel()
        await asyncio.wait([running], timeout=5)
