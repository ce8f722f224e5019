"""A word to fill the silence when an answer takes long: "Hmm." """

from __future__ import annotations

from collections.abc import Callable, Sequence

from vaidol.graph.events import Event
from vaidol.graph.node import Context

FILLERS = {
    "en": ("Hmm.", "Let me think.", "One moment."),
    "de": ("Hm.", "Moment.", "Lass mich überlegen."),
    "fr": ("Hmm.", "Voyons.", "Un instant."),
    "es": ("Mmm.", "A ver.", "Un momento."),
    "zh": ("嗯。", "让我想想。"),
    "ja": ("えーと。", "そうですね。"),
    "ko": ("음.", "잠시만요."),
}
TYPED = 1 << 40  # utterance ids from here on are of typed text, which needs no recognizer
LOOK_S = 0.05


class Filler:
    """Watches the replies of one session; `say(gen, trace, text)` is called at most once for each.

    Nothing is said before the reply is committed and the user's words are known (a cough gets no "Hmm."), nor once its
    text has begun to come, nor while the user speaks.
    """

    def __init__(self, ctx: Context, after_ms: int, texts: Sequence[str], say: Callable[[int, int, str], None]) -> None:
        self._ctx, self._after_s, self._texts, self._say = ctx, after_ms / 1000, texts, say
        self._understood = 0  # newest generation whose words are known
        self._begun = 0  # newest generation whose text has begun to come
        self._count = 0

    def listen(self) -> Callable[[], None]:
        """Begin to watch; returns what ends it."""
        return self._ctx.events.listen(self._event)

    def begun(self, gen: int) -> None:
        """The text of reply `gen` has begun to come."""
        self._begun = max(self._begun, gen)

    def _event(self, event: Event) -> None:
        if event.name == "transcript" and event.text:
            self._understood = max(self._understood, event.gen)
        elif event.name == "turn_commit" or (event.name == "turn_begin" and event.code != "speculative"):
            if event.trace >= TYPED:
                self._understood = event.gen
            self._ctx.spawn(self._wait(event.gen, event.trace), gen=event.gen)

    async def _wait(self, gen: int, trace: int) -> None:
        await self._ctx.clock.sleep(self._after_s)
        fence = self._ctx.fence
        while fence.alive(gen) and self._begun < gen:
            if self._understood >= gen and not fence.held:
                self._ctx.mark(trace, "filler")
                self._say(gen, trace, self._texts[self._count % len(self._texts)])
                self._count += 1
                return
            await self._ctx.clock.sleep(LOOK_S)
