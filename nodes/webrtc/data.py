"""webrtc.data: the data channel, which moves the avatar, shows the words, and brings typed text."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from vaidol.graph.events import Event
from vaidol.graph.frames import Cue, Frame, Image, Mark, Mouth, Speech, Transcript
from vaidol.graph.generations import TurnCut
from vaidol.graph.node import Context, Node, Settings
from vaidol.graph.ports import Port
from vaidol.nodes.webrtc._call import Call, Message
from vaidol.nodes.webrtc._commands import COMMANDS, mouth_messages, to_cue, to_message

UTTERANCES_KEPT = 8
LINES, LINE = 64, 2000  # that are remembered, and characters of one
TYPED = 1 << 40  # utterance ids of typed text: never equal to those the turn node gives to speech
ROOM = 1 << 44  # of what others have said in a room: above all others


class WebrtcData(Node[Settings]):
    """webrtc.data: commands to the avatar and subtitles out, typed text and the stop button in.

    transcript (Transcript), spoken (Mark), cue (Cue), mouth (Mouth)
    -> text (Transcript, what was typed), image (Image, what is shown), talk (Speech, while a key is held to talk),
    command (Cue, what somebody outside told the avatar to do: for puppets elsewhere)
    Times on the wire (`at`) are samples of the output track, 48 kHz.
    """

    inputs = (
        Port("transcript", Transcript, optional=True, many=True),
        Port("spoken", Mark, optional=True),
        Port("cue", Cue, optional=True, many=True),
        Port("mouth", Mouth, optional=True),
    )
    outputs = (
        Port("text", Transcript, source=True),
        Port("image", Image, source=True),
        Port("talk", Speech, source=True),
        Port("command", Cue, source=True),
    )
    alone = True
    carries = ("_typed", "_state", "_asleep", "_speaks", "_tentative", "_moments")

    def __init__(self, settings: Settings, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self._typed = 0
        self._state = "listening"
        self._asleep = ""  # what wakes the avatar, while it sleeps
        self._speaks = (0, 0)  # generation and utterance of the reply that sounds
        self._tentative = Transcript()  # heard for a reply that is not committed yet
        self._recalled = Event(0, "memory")  # the same of what was remembered
        self._moments: OrderedDict[int, dict[str, int]] = OrderedDict()  # utterance -> moment -> clock ns
        self._registered: list[Callable[[], None]] = []
        self._takes: dict[str, Callable[[Any], None]] = {
            "transcript": self._transcript,
            "spoken": self._spoken,
            "cue": self._cue,
            "mouth": self._mouth,
        }
        self._follows: dict[str, Callable[[Event], None]] = {
            "error": self._error, "tool": self._tool, "memory": self._remembered,
            "turn_begin": self._begun, "turn_commit": self._committed,
            "turn_spoke": lambda _: self._say_state("speaking"), "asleep": self._slept, "awake": self._slept,
            "mark": self._moment, "turn_done": self._ended, "turn_cut": self._ended, "turn_failed": self._ended,
        }  # fmt: skip

    async def open(self) -> None:
        self._call: Call = self.ctx.end("call")
        self._registered += [
            self._call.on_message(self.ctx.guarded(self._message)),
            self.ctx.events.listen(self._event),
            self._call.on_join(self.ctx.guarded(self._join)),
        ]
        for event in self.ctx.events:  # it may have fallen asleep before this node was open
            if event.name in ("asleep", "awake"):
                self._event(event)

    async def close(self) -> None:
        while self._registered:
            self._registered.pop()()

    def process(self, port: str, frame: Frame) -> None:
        self._takes[port](frame)

    def cut(self, cut: TurnCut) -> None:
        if not self.ctx.fence.committed[cut.gen]:  # the client knows nothing of it
            self._moments.pop(cut.trace, None)
            return
        self._call.send({"t": "cut", "at": cut.at, "turn": cut.gen, "heard": cut.heard_text})

    # out

    def _transcript(self, frame: Transcript) -> None:
        """Show what was heard; it is final when its turn is."""
        meant = bool(self.ctx.fence.committed[frame.gen])
        if frame.final and not meant:
            self._tentative = frame
        if frame.who:
            self._call.send({"t": "other", "name": frame.who, "text": frame.text})
        elif frame.text and frame.trace:
            self._subtitle("user", frame.trace, frame.text, final=frame.final and meant)

    def _spoken(self, mark: Mark) -> None:
        if mark.kind == "sentence_start":
            self._speaks = (mark.gen, mark.trace)
        if mark.sentence is not None and mark.sentence.text and mark.kind == "sentence_start":
            self._subtitle("avatar", mark.gen, mark.sentence.text, final=True, at=mark.pts)

    def _subtitle(self, who: str, turn: int, text: str, *, final: bool, at: int | None = None) -> None:
        message = {"t": "subtitle", "who": who, "turn": turn, "text": text, "final": final}
        self._call.send(message if at is None else {**message, "at": at})

    def _cue(self, cue: Cue) -> None:
        self._call.send(to_message(cue))

    def _mouth(self, mouth: Mouth) -> None:
        if any(mouth.open) and self.ctx.fence.turn(self._speaks[0]) is not None:
            self.ctx.mark(self._speaks[1], "mouth_first")
        for message in mouth_messages(mouth):
            self._call.send(message, fast=True)

    def _event(self, event: Event) -> None:
        if (follow := self._follows.get(event.name)) is not None:
            follow(event)

    def _error(self, event: Event) -> None:
        message = {"t": "error", "code": event.code, "message": event.text, "node": event.node, "fatal": False}
        self._call.send(message)

    def _tool(self, event: Event) -> None:
        self._call.send({"t": "tool", "turn": event.gen, "status": event.code, "text": event.text})

    def _begun(self, event: Event) -> None:
        if event.code != "speculative":
            self._say_state("thinking")

    def _committed(self, event: Event) -> None:
        self._say_state("thinking")
        if self._tentative.gen == event.gen:
            self._transcript(self._tentative)
        if self._recalled.gen == event.gen:
            self._remembered(self._recalled)

    def _remembered(self, event: Event) -> None:
        """Show what was recalled for a reply, once it is meant, or what was learned."""
        if not self.ctx.fence.committed[event.gen]:
            self._recalled = event
            return
        lines = [line[:LINE] for line in event.text.split("\n")][:LINES]
        self._call.send({"t": "memory", "turn": event.gen, "status": event.code, "lines": lines})

    def _slept(self, event: Event) -> None:
        self._asleep = event.text if event.name == "asleep" else ""
        if self._state != "speaking":
            self._say_rest()

    def _ended(self, event: Event) -> None:
        committed, turns = self.ctx.fence.committed, self.ctx.fence.turns
        if committed[event.gen]:
            self._call.send({"t": "turn", "turn": event.gen, "status": event.name.removeprefix("turn_")})
        if not any(turn.spoke for turn in turns):  # the one that speaks goes on
            self._say_rest()

    def _moment(self, event: Event) -> None:
        """Collect the moments of an utterance; when its first sound leaves, tell the client what took how long."""
        moments = self._moments.setdefault(event.trace, {})
        moments[event.code] = event.ns
        if len(self._moments) > UTTERANCES_KEPT:
            self._moments.popitem(last=False)
        if event.code in ("first_sound", "client_playout") and "speech_end" in moments:
            began = moments["speech_end"]
            stages = {name: round((ns - began) / 1e6, 1) for name, ns in moments.items()}
            self._call.send({"t": "timing", "turn": self.ctx.fence.newest, "stages": stages})

    def _say_rest(self) -> None:
        """What it does that does not speak."""
        meant = any(self.ctx.fence.committed[turn.gen] for turn in self.ctx.fence.turns)
        self._say_state("thinking" if meant else "listening")

    def _say_state(self, value: str) -> None:
        sleeps = self._asleep and value != "speaking"
        value = "asleep" if sleeps else value
        if value != self._state:
            self._state = value
            self._call.send({"t": "state", "value": value, **({"call": self._asleep} if sleeps else {})})

    def _join(self) -> None:
        self.ctx.events.publish("joined", node=self.ctx.node)

    # in

    def _message(self, message: Message) -> None:
        if message["t"] == "text":
            self._say(str(message["text"]).strip())
        elif message["t"] in ("image", "unshow"):
            self._show(message)
        elif message["t"] == "talk":
            self.emit("talk", Speech(active=bool(message["on"]), born=self.ctx.clock.ns()))
        elif message["t"] == "heard" and message["turn"] == self._speaks[0]:
            self.ctx.mark(self._speaks[1], "client_playout")
        elif message["t"] == "interrupt":
            self.ctx.fence.cut("stopped by the user")
        elif message["t"] == "room":
            self._listen(str(message["text"]), aside=bool(message["aside"]))
        elif message["t"] == "touch":
            self.ctx.events.publish("touch", node=self.ctx.node, text=message["area"])
        elif message["t"] in COMMANDS:
            self._call.send(message)
            self.emit("command", replace(to_cue(message), born=self.ctx.clock.ns()))

    def _show(self, message: Message) -> None:
        born = self.ctx.clock.ns()
        if message["t"] == "unshow":  # said both ways: the empty frame takes the place of a picture that waits
            self.ctx.events.publish("unshown", node=self.ctx.node)
            self.emit("image", Image(born=born))
        else:
            self.emit("image", Image(data=message["data"], mime=message["mime"], shown=message["shown"], born=born))

    def _listen(self, text: str, *, aside: bool) -> None:
        """Others, in a room with several, have said `text`: a whole turn that the person has no part in."""
        self._typed += 1
        trace = ROOM + self._typed
        gen = self.ctx.fence.begin(trace)
        born = self.ctx.clock.ns()
        self.emit("text", Transcript(text=text, aside=aside, final=True, born=born, gen=gen, trace=trace))

    def _say(self, text: str) -> None:
        """Typed text is a whole turn: it interrupts, and is answered like speech."""
        if not text:
            return
        self._typed += 1
        trace = TYPED + self._typed
        self.ctx.fence.cut("typed")
        self.ctx.mark(trace, "speech_end")
        gen = self.ctx.fence.begin(trace)
        self.ctx.events.publish("transcript", node=self.ctx.node, gen=gen, trace=trace, text=text, code="typed")
        frame = Transcript(text=text, typed=True, final=True, gen=gen, trace=trace)
        self._transcript(frame)
        self.emit("text", frame)
