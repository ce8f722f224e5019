"""expression.vtube_studio: move the model that is open in VTube Studio, by its plug-in API."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from vaidol.graph.node import Context
from vaidol.nodes.expression._holds import GAZE_X, GAZE_Y
from vaidol.nodes.expression._puppeteer import Puppeteer, PuppeteerSettings
from vaidol.nodes.expression._stage import Look
from vaidol.nodes.expression._vts import Refused, VtsConnection, read_token, write_token

REPEAT_S = 0.5  # VTube Studio forgets a parameter after a second without it
# input parameter -> parameters of vaidol's that move it, with the factor between them
HEAD: dict[str, dict[str, float]] = {
    "FaceAngleX": {"ParamAngleX": 1.0, GAZE_X: 20.0},
    "FaceAngleY": {"ParamAngleY": 1.0, GAZE_Y: 14.0},
    "FaceAngleZ": {"ParamAngleZ": 1.0},
}
SHOWN = 0.5  # an expression in VTube Studio is on or off: on from this weight
POOL = "vtube studio"


class VtubeStudioSettings(PuppeteerSettings):
    url: str = Field("ws://127.0.0.1:8001", pattern="^wss?://")
    """Where its plug-in API listens."""
    token_file: Path = Path("~/.config/vaidol/vtube_studio.token")
    """Where the token is kept that the user grants once."""
    expressions: dict[str, str] = Field(default_factory=dict)
    """Expression file of the model for each of vaidol's expressions, such as joy: happy.exp3.json."""
    motions: dict[str, str] = Field(default_factory=dict)
    """Hotkey (name or id) for each of vaidol's motions, and for expressions that have a hotkey only."""
    mouth_open: str = "MouthOpen"
    """Input parameter that the opening of the mouth goes to, 0..1."""
    mouth_form: str = "MouthSmile"
    """Input parameter that the form of the mouth goes to, 0..1 with 0.5 as neutral; empty: none."""
    vowels: tuple[str, ...] = ()
    """Input parameters that the vowels A I U E O go to, 0..1, such as VoiceA, VoiceI, VoiceU, VoiceE, VoiceO."""
    head: bool = True
    """Gestures and looks turn the head, as long as they last; off: the head is left to the tracking."""


class VtubeStudio(Puppeteer[VtubeStudioSettings]):
    """expression.vtube_studio: mouth as parameters, expressions as expression files, motions as hotkeys.

    mouth (Mouth), cue (Cue) -> nothing

    The first time, VTube Studio asks its user whether vaidol may; the token is kept. What the model does not have is
    told once, and left out from then on.
    """

    def __init__(self, settings: VtubeStudioSettings, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self._vts: VtsConnection | None = None
        self._sent: dict[str, float] = {}
        self._sent_s = 0.0
        self._active: set[str] = set()
        self._missing: set[str] = set()

    async def connect(self) -> None:
        file = self.settings.token_file.expanduser()
        self._vts = await VtsConnection.open(self.settings.url)
        old = await self.ctx.call(POOL, read_token, file)
        token = await self._vts.authenticate(old)
        if token != old:
            try:
                await self.ctx.call(POOL, write_token, file, token)
            except OSError as error:
                self.ctx.trouble(f"VTube Studio's token cannot be kept in {file}: {error.strerror}", code="file")
        self._sent, self._active = {}, set()

    async def disconnect(self) -> None:
        if self._vts is not None:
            await self._vts.close()
            self._vts = None

    async def show(self, look: Look) -> None:
        await self._mouth(look)
        wanted = {name for name, weight in look.faces.items() if weight >= SHOWN}
        for name in self._active - wanted:
            await self._expression(name, on=False)
        for name in wanted - self._active:
            await self._expression(name, on=True)
        self._active = wanted
        for name in look.motions:
            await self._hotkey(name)

    async def _mouth(self, look: Look) -> None:
        values = {self.settings.mouth_open: round(look.open, 3)}
        if self.settings.mouth_form:
            values[self.settings.mouth_form] = round(0.5 + 0.5 * look.form, 3)
        values |= {
            name: round(value, 3) for name, value in zip(self.settings.vowels, look.vowels().values(), strict=False)
        }
        if self.settings.head:
            values |= _head(look)
        now_s = self.ctx.clock.s()
        if values == self._sent and now_s - self._sent_s < REPEAT_S:
            return
        self._sent, self._sent_s = values, now_s
        parameters = [{"id": name, "value": value} for name, value in values.items()]
        data = {"faceFound": False, "mode": "set", "parameterValues": parameters}
        await self._try("InjectParameterDataRequest", data, "the mouth's parameters")

    async def _expression(self, name: str, *, on: bool) -> None:
        if file := self.settings.expressions.get(name):
            await self._try("ExpressionActivationRequest", {"expressionFile": file, "active": on}, f"expression {file}")
        elif on:
            await self._hotkey(name)

    async def _hotkey(self, name: str) -> None:
        if hotkey := self.settings.motions.get(name):
            await self._try("HotkeyTriggerRequest", {"hotkeyID": hotkey}, f"hotkey {hotkey}")

    async def _try(self, kind: str, data: dict[str, object], what: str) -> None:
        if self._vts is None or what in self._missing:
            return
        try:
            await self._vts.ask(kind, data)
        except Refused as error:
            self._missing.add(what)
            self.ctx.trouble(f"VTube Studio has no use for {what}: {error}", code="refused")


def _head(look: Look) -> dict[str, float]:
    """Angles that something moves now, degrees."""
    angles = {
        name: sum(factor * look.held.get(source, 0.0) for source, factor in sources.items())
        for name, sources in HEAD.items()
    }
    return {name: round(angle, 2) for name, angle in angles.items() if angle}
