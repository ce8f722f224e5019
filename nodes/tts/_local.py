"""The base of every voice that computes here: loaded once per process, its sound made part by part on a thread."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncGenerator, Iterable, Iterator
from functools import partial
from typing import Any, ClassVar, TypeVar

from vaidol.graph.errors import ProviderError
from vaidol.graph.frames import F32, Word
from vaidol.graph.node import Need, Progress
from vaidol.nodes._provider import Provider, need_package
from vaidol.nodes._sound import Resampler
from vaidol.nodes.tts._cache import SpeakerSettings
from vaidol.nodes.tts._speaker import Speaker

V = TypeVar("V", bound=SpeakerSettings)


class LocalSpeaker(Speaker[V]):
    """A voice of a package that is loaded into this process. Subclasses load it and make sound, both on a thread."""

    provider: ClassVar[Provider]
    rate = 24_000
    weights: ClassVar[tuple[str, ...]]  # settings that another copy of the weights would be needed for

    @classmethod
    def needs(cls, settings: V) -> tuple[Need, ...]:
        return (Need(cls._key(settings), "voice", partial(cls._load, settings)), *super().needs(settings))

    @classmethod
    @abstractmethod
    def load(cls, settings: V, package: Any) -> Any:
        """The voice, by the package that was imported. Raises `ProviderError`."""

    @abstractmethod
    def parts(self, voice: Any, text: str) -> Iterable[tuple[F32, int]]:
        """The sound of `text`, (n,) float32 in [-1, 1], with its rate in Hz, as it is made."""

    async def open(self) -> None:
        await super().open()
        self._voice = self.ctx.shared(self._key(self.settings))

    async def speak(self, text: str) -> AsyncGenerator[F32 | Word, None]:
        pool, resampler, heard = self._key(self.settings), None, False
        parts = await self.ctx.call(pool, self._begin, text)
        while (part := await self.ctx.call(pool, self._next, parts)) is not None:
            samples, rate = part
            if not len(samples):
                continue
            heard = True
            if rate != self.rate:
                resampler = resampler or Resampler(rate, self.rate)
                samples = resampler.feed(samples)
            yield samples.clip(-1, 1)
        if resampler is not None:
            yield resampler.feed(None).clip(-1, 1)
        if not heard and any(map(str.isalnum, text)):
            raise ProviderError(f"{self.provider.name} had no sound for a sentence", code="empty")

    @classmethod
    def _key(cls, settings: V) -> str:
        return " ".join((cls.__name__, *(str(getattr(settings, name)) for name in cls.weights)))

    @classmethod
    def _load(cls, settings: V, progress: Progress) -> Any:
        progress(0.0, cls.provider.name)
        package = need_package(cls.provider)
        with _told(cls.provider, "could not load its voice"):
            return cls.load(settings, package)

    def _begin(self, text: str) -> Iterator[tuple[F32, int]]:
        with _told(self.provider, "could not speak a sentence"):
            return iter(self.parts(self._voice, text))

    def _next(self, parts: Iterator[tuple[F32, int]]) -> tuple[F32, int] | None:
        with _told(self.provider, "could not speak a sentence"):
            return next(parts, None)


class _told:  # noqa: N801  # reads as a statement
    """Turns what such packages raise into a `ProviderError`."""

    def __init__(self, provider: Provider, what: str) -> None:
        self._words = f"{provider.name} {what}"

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, RuntimeError | ValueError | KeyError | AssertionError | OSError | ArithmeticError):
            said = " ".join(str(error).split())[:200]
            raise ProviderError(f"{self._words}: {said or type(error).__name__}", code="model") from error
