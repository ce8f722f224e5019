"""Change pitch and formants of a voice while it streams, without any weights: pitch-synchronous overlap-add.

Every period of the voice becomes a grain of two periods under a Hann window; grains are set anew at the wanted distance
(pitch) and read faster or slower (formants). Method: Moulines and Charpentier 1990 (TD-PSOLA); periods by the
normalised square difference of McLeod and Wyvill 2005, grain centres by likeness with the period before.
"""

import math
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]

LATENCY_MS = 40  # from a sample going in to it coming out
HOP_MS = 10  # one estimate of the pitch; everything happens in steps of it
LOWEST_HZ, HIGHEST_HZ = 66.0, 600.0
WINDOW_MS = 36  # of sound the pitch is found in: more than two of the longest periods
PITCH_RATE = 12_000  # Hz, about: the pitch is looked for in a thinned copy
VOICED = 0.55  # likeness of two periods from which on sound counts as voiced
FIRST_PEAK = 0.88  # of the best likeness: the shortest lag that reaches it is the period, not a multiple of it
QUIET = 1e-4  # RMS below which nothing is voiced
UNVOICED_S = 0.006  # distance of grains where there is no period
SEARCH = 0.15  # of a period: how far from where it is expected the next grain's centre is looked for
PEAKED = 0.3  # how much a centre at a peak of the sound is preferred
THIN = 0.5  # sum of windows below which the gap between grains is not filled up


@dataclass(frozen=True, slots=True)
class Shift:
    """What to do to a voice. pitch, formant: semitones. monotone: Hz, 0 = keep the melody."""

    pitch: float = 0.0
    formant: float = 0.0
    monotone: float = 0.0

    @property
    def nothing(self) -> bool:
        return self == Shift()


PRESETS: dict[str, Shift] = {
    "none": Shift(),
    "bright": Shift(pitch=3, formant=1.5),
    "child": Shift(pitch=6, formant=3.5),
    "deep": Shift(pitch=-4, formant=-2),
    "giant": Shift(pitch=-7, formant=-4.5),
    "robot": Shift(monotone=110, formant=-0.5),
    "tiny": Shift(pitch=10, formant=6),
}


class VoiceShifter:
    """One stream. What comes out is as long as what went in and lies at the same samples, `LATENCY_MS` later.

    The result does not depend on how the sound is cut into calls. `shift` may change at any time.
    """

    def __init__(self, rate: int, shift: Shift | None = None) -> None:
        if not 8_000 <= rate <= 96_000:
            raise ValueError(f"VoiceShifter works at 8 to 96 kHz, not at {rate} Hz")
        self.rate = rate
        self.shift = shift or Shift()
        self._hop = rate * HOP_MS // 1000
        self._latency = rate * LATENCY_MS // 1000
        self._longest = int(rate / LOWEST_HZ)
        self._past = self._latency + 4 * self._longest  # samples kept before the newest
        self._pitch = PeriodFinder(rate)
        self.reset()

    def reset(self) -> None:
        """Forget the stream: the next sample is the first of another."""
        self._sound: F32 = np.zeros(self._past, np.float32)  # samples `_end` - len ... `_end`
        self._end = 0  # samples taken in hops
        self._rest: F32 = np.zeros(0, np.float32)
        self._given = 0  # samples given out
        self._sum: F32 = np.zeros(self._latency + 4 * self._longest, np.float32)  # grains, from sample `_given` on
        self._weight: F32 = np.zeros_like(self._sum)
        self._marks: deque[tuple[int, float, bool]] = deque(maxlen=256)  # grain centre, its period, voiced
        self._next = 0.0  # where the next grain is set

    def feed(self, samples: F32) -> F32:
        """Take `samples` (n,) float32 in [-1, 1] and give what is ready, any number. What is no number is silence."""
        clean = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0).astype(np.float32, copy=False)
        self._rest = np.concatenate((self._rest, clean))
        ready: list[F32] = []
        while len(self._rest) >= self._hop:
            self._take(self._rest[: self._hop])
            self._rest = self._rest[self._hop :]
            if (count := self._end - self._latency - self._given) > 0:
                ready.append(self._give(count))
        return np.concatenate(ready) if ready else np.zeros(0, np.float32)

    def flush(self) -> F32:
        """The end of the stream: what is still inside. The next `feed` begins another."""
        left = self._end + len(self._rest) - self._given
        tail = self.feed(np.zeros(self._latency + self._hop, np.float32))[:left]
        self.reset()
        return tail

    def _take(self, block: F32) -> None:
        self._sound = np.concatenate((self._sound[len(block) :], block))
        self._end += len(block)
        self._set_marks()
        if not self.shift.nothing:
            self._set_grains()

    def _give(self, count: int) -> F32:
        if self.shift.nothing:
            out = self._between(self._given, self._given + count)
            self._next = max(self._next, float(self._given + count))
        else:
            weight = self._weight[:count]  # where grains lie closer, their power adds up, not their height
            share = np.where(weight > 1.0, np.sqrt(weight), np.maximum(weight, THIN)).astype(np.float32)
            out = self._sum[:count] / share
        for kept in (self._sum, self._weight):
            kept[:-count] = kept[count:]
            kept[-count:] = 0.0
        self._given += count
        return np.clip(out, -1.0, 1.0).astype(np.float32, copy=False)

    def _between(self, begin: int, end: int) -> F32:
        """Copy of the input between two samples, as far as it is kept."""
        start = self._end - len(self._sound)
        return self._sound[max(begin - start, 0) : max(end - start, 0)].copy()

    # grain centres, up to where a period behind them is known

    def _set_marks(self) -> None:
        period = self._pitch.find(self._sound)
        limit = self._end - self._longest
        while True:
            last, before, was_voiced = self._marks[-1] if self._marks else (0, UNVOICED_S * self.rate, False)
            if not period:
                mark, distance = round(last + UNVOICED_S * self.rate), UNVOICED_S * self.rate
            elif was_voiced:
                mark, distance = self._like(last, period), period
            else:
                mark, distance = self._peak(last + round(before / 2), period), period
            if mark > limit:
                return
            self._marks.append((mark, float(distance), bool(period)))

    def _like(self, last: int, period: float) -> int:
        """About a period after `last`, where the sound is most like that around `last`, best at a peak of it."""
        length, reach = round(period), max(1, round(SEARCH * period))
        half = length // 2
        first = last + length - reach
        around = self._between(last - half, last - half + length)
        ahead = self._between(first - half, first - half + length + 2 * reach)
        if len(around) < length or len(ahead) < length + 2 * reach:
            return last + length
        likeness = np.correlate(ahead, around, "valid")
        energy = np.convolve(np.square(ahead), np.ones(length, np.float32), "valid")
        likeness = likeness / np.sqrt(np.maximum(energy * np.dot(around, around), 1e-12))
        heights = np.abs(ahead[half : half + len(likeness)])
        score = likeness + PEAKED * heights / max(float(heights.max()), 1e-9)
        return first + int(np.argmax(score))

    def _peak(self, begin: int, period: float) -> int:
        """The loudest sample of the period that begins at `begin`."""
        ahead = self._between(begin, begin + round(period))
        return begin + int(np.argmax(np.abs(ahead))) if len(ahead) else begin + round(period)

    # grains

    def _set_grains(self) -> None:
        """Set every grain whose source is known."""
        if not self._marks:
            return
        self._next = max(self._next, float(self._given))
        newest = self._marks[-1][0]
        while self._next <= newest:
            mark, period, voiced = self._nearest(self._next)
            self._grain(self._next, mark, period)
            self._next += self._distance(period, voiced)

    def _nearest(self, at: float) -> tuple[int, float, bool]:
        while len(self._marks) > 2 and self._marks[1][0] <= at - self._longest:
            self._marks.popleft()
        return min(self._marks, key=lambda one: abs(one[0] - at))

    def _distance(self, period: float, voiced: bool) -> float:
        """From this grain to the next."""
        if not voiced:
            return period
        if self.shift.monotone:
            return self.rate / (self.shift.monotone * 2 ** (self.shift.pitch / 12))
        return period / 2 ** (self.shift.pitch / 12)

    def _grain(self, at: float, mark: int, half: float) -> None:
        speed = 2 ** (self.shift.formant / 12)
        first = math.ceil(at - half)
        steps = np.arange(first, math.floor(at + half) + 1, dtype=np.float64) - at
        window = (0.5 + 0.5 * np.cos(np.pi * steps / half)).astype(np.float32)
        source = mark + steps * speed - (self._end - len(self._sound))
        grain = _read(self._sound, source) * window
        begin = first - self._given
        skip = max(0, -begin)
        begin, grain, window = begin + skip, grain[skip:], window[skip:]
        room = max(0, len(self._sum) - begin)
        self._sum[begin : begin + len(grain)] += grain[:room]
        self._weight[begin : begin + len(grain)] += window[:room]


class PeriodFinder:
    """Finds the period at the end of a sound, in samples; 0 = unvoiced."""

    def __init__(self, rate: int) -> None:
        self._thin = max(1, round(rate / PITCH_RATE))
        self._rate = rate / self._thin
        self._size = int(self._rate * WINDOW_MS / 1000)
        self._fft = 1 << (2 * self._size - 1).bit_length()
        self._shortest, self._longest = int(self._rate / HIGHEST_HZ), math.ceil(self._rate / LOWEST_HZ) + 1

    def find(self, sound: F32) -> float:
        end = len(sound) // self._thin * self._thin
        piece = sound[end - self._size * self._thin : end] if end >= self._size * self._thin else sound[:0]
        thin = piece.reshape(-1, self._thin).mean(axis=1) if len(piece) else piece
        if len(thin) < self._size or float(np.dot(thin, thin)) < QUIET**2 * self._size:
            return 0.0
        thin = thin - thin.mean()
        spectrum = np.fft.rfft(thin, self._fft)
        products = np.fft.irfft(np.abs(spectrum) ** 2, self._fft)[: self._longest + 1]
        squares = np.concatenate(([0.0], np.cumsum(np.square(thin, dtype=np.float64))))
        lags = np.arange(self._longest + 1)
        energy = squares[self._size - lags] + squares[self._size] - squares[lags]
        likeness = 2 * products / np.maximum(energy, 1e-12)
        return self._choose(likeness) * self._thin

    def _choose(self, likeness: NDArray[np.float64]) -> float:
        inner = likeness[self._shortest : self._longest + 1]
        tops = np.flatnonzero((inner[1:-1] >= inner[:-2]) & (inner[1:-1] > inner[2:])) + 1
        if not len(tops) or (best := float(inner[tops].max())) < VOICED:
            return 0.0
        lag = int(tops[np.argmax(inner[tops] >= FIRST_PEAK * best)]) + self._shortest
        left, top, right = likeness[lag - 1 : lag + 2]
        bend = left - 2 * top + right
        return float(lag + (0.5 * (left - right) / bend if bend else 0.0))


def _read(sound: F32, at: NDArray[np.float64]) -> F32:
    """`sound` between its samples, by cubic Hermite curves; beyond its ends the end itself."""
    at = np.clip(at, 1.0, len(sound) - 3.0)
    whole = at.astype(np.intp)
    part = (at - whole).astype(np.float32)
    before, here, after, beyond = (sound[whole + step] for step in (-1, 0, 1, 2))
    a = 1.5 * (here - after) + 0.5 * (beyond - before)
    b = before - 2.5 * here + 2.0 * after - 0.5 * beyond
    c = 0.5 * (after - before)
    curve: F32 = ((a * part + b) * part + c) * part + here
    return curve
