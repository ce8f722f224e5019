"""adapt.dtype: float32 and int16, there and back."""

from __future__ import annotations

import numpy as np

from tests.graphs import feed
from vaidol.graph.frames import Audio
from vaidol.nodes.adapt.dtype import ChangeDtype, DtypeSettings


def test_full_scale_stays_full_scale_and_too_loud_is_clipped() -> None:
    samples = np.array([-2, -1, 0, 0.5, 1, 2, np.nan], np.float32)
    (out,) = feed(ChangeDtype, DtypeSettings(dtype="i16"), [Audio(samples=samples, gen=4, final=True)])
    assert out.samples.dtype == np.int16
    assert out.samples.tolist() == [-32768, -32767, 0, 16384, 32767, 32767, 0]
    assert (out.gen, out.final) == (4, True)


def test_int16_becomes_float_between_minus_one_and_one() -> None:
    samples = np.array([-32768, 0, 16384], np.int16)
    (out,) = feed(ChangeDtype, DtypeSettings(dtype="f32"), [Audio(samples=samples)])
    assert out.samples.dtype == np.float32
    assert out.samples.tolist() == [-1.0, 0.0, 0.5]


def test_what_fits_passes_untouched() -> None:
    frame = Audio(samples=np.zeros(3, np.float32))
    assert feed(ChangeDtype, DtypeSettings(dtype="f32"), [frame]) == [frame]
