"""The base of every recognizer of a package that is loaded into this process; one copy hears all sessions."""

from __future__ import annotations

from abc import abstractmethod
from functools import partial
from typing import Any, ClassVar, TypeVar

from vaidol.graph.errors import ProviderError
from vaidol.graph.frames import F32, Utterance
from vaidol.graph.node import Need, Progress
from vaidol.nodes._provider import Provider, need_package
from vaidol.nodes.asr._listener import Heard, Listener, ListenerSettings, resampled


class LocalListenerSettings(ListenerSettings):
    """What these recognizers have in common."""

    model: str
    """Path of the model's folder, as it was unpacked."""


M = TypeVar("M", bound=LocalListenerSettings)


class LocalListener(Listener[M]):
    """Subclasses load the model and find words, both on a thread."""

    provider: ClassVar[Provider]
    weights: ClassVar[tuple[str, ...]] = ("model",)  # settings that another copy of the weights would be needed for

    @classmethod
    def needs(cls, settings: M) -> tuple[Need, ...]:
        return (Need(cls._key(settings), "speech recognition", partial(cls._load, settings)),)

    @classmethod
    @abstractmethod
    def load(cls, settings: M, package: Any) -> Any:
        """The model, by the package that was imported. Raises `ProviderError`."""

    @abstractmethod
    def transcribe(self, model: Any, samples: F32) -> Heard:
        """The words in `samples` (n,) float32 in [-1, 1], 16 kHz."""

    async def open(self) -> None:
        await super().open()
        self._model = self.ctx.shared(self._key(self.settings))

    async def hear(self, sound: Utterance, *, last: bool) -> Heard:
        return await self.ctx.call(self._key(self.settings), self._hear, sound)

    def _hear(self, sound: Utterance) -> Heard:
        samples = resampled(sound.samples, sound.rate)
        if not len(samples):
            return Heard("")
        try:
            return self.transcribe(self._model, samples)
        except (RuntimeError, ValueError, KeyError) as error:
            raise ProviderError(f"{self.provider.name} failed: {error}", code="model") from error

    @classmethod
    def _key(cls, settings: M) -> str:
        return " ".join((cls.__name__, *(str(getattr(settings, name)) for name in cls.weights)))

    @classmethod
    def _load(cls, settings: M, progress: Progress) -> Any:
        progress(0.0, settings.model)
        package = need_package(cls.provider)
        try:
            return cls.load(settings, package)
        except (RuntimeError, ValueError, OSError) as error:
            raise ProviderError(
                f"{cls.provider.name} could not load {settings.model}: {error}", code="model"
            ) from error
