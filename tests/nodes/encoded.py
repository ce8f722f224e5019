"""Sound as services send it: Ogg Opus, made by libavcodec in a container of its own."""

from __future__ import annotations

import io

import av
import numpy as np

from vaidol.graph.frames import F32


def ogg_opus(samples: F32, rate: int) -> bytes:
    """`samples` (n,) at `rate` Hz, in Ogg pages."""
    file = io.BytesIO()
    with av.open(file, "w", format="ogg", options={"page_duration": "100000"}) as container:
        stream = container.add_stream("libopus", rate=rate, layout="mono")
        for at in range(0, len(samples), rate // 50):
            piece = np.ascontiguousarray((samples[None, at : at + rate // 50] * 32767).astype(np.int16))
            frame = av.AudioFrame.from_ndarray(piece, format="s16", layout="mono")
            frame.sample_rate, frame.pts = rate, at
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()
