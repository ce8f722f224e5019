"""Recordings as MCAP files (https://mcap.dev): one channel for each port, events, marks, and the pipeline.

Sound is in `foxglove.RawAudio` messages with our stamps beside, so that viewers of such files play it.
"""

from __future__ import annotations

import binascii
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from vaidol.graph.clock import NS
from vaidol.graph.events import Event
from vaidol.graph.framejson import BadFrame, from_json, to_json
from vaidol.graph.frames import Audio, Frame
from vaidol.graph.recorder import Dump, Recorded, hidden
from vaidol.graph.written import MASK

FORMAT = "1"
SCHEMAS = "vaidol."
EVENTS, MARKS, PLAN = "events", "marks", "pipeline.yaml"
RAW_AUDIO = {
    "title": "foxglove.RawAudio",
    "type": "object",
    "properties": {
        "timestamp": {
            "type": "object",
            "title": "time",
            "properties": {"sec": {"type": "integer"}, "nsec": {"type": "integer"}},
        },
        "data": {"type": "string", "contentEncoding": "base64"},
        "format": {"type": "string"},
        "sample_rate": {"type": "integer"},
        "number_of_channels": {"type": "integer"},
    },
}


class BadRecording(ValueError):
    """A file that is no recording of vaidol, or is damaged; the message says which, for people."""


@dataclass
class Recording:
    """What a file holds. Times in ns on the clock of the session it comes from."""

    session: str
    pipeline: str
    written: str
    reason: str
    frames: list[Recorded] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    marks: list[tuple[int, str, int]] = field(default_factory=list)

    @property
    def ports(self) -> list[str]:
        """The ports of which there is something."""
        return sorted({one.port for one in self.frames})


def write(dump: Dump, path: Path) -> int:
    """Write `dump` to `path`; returns the size in bytes. Blocks. Raises `OSError`."""
    scratch = path.with_suffix(".part")
    with scratch.open("wb") as stream:
        _write(dump, stream)
        size = stream.tell()
    scratch.rename(path)
    return size


def _write(dump: Dump, stream: IO[bytes]) -> None:
    from mcap.writer import Writer

    writer = Writer(stream)
    writer.start(profile="", library="vaidol")
    try:
        wall = int(dump.wall_s * NS) - dump.ns  # from the session's clock to the time of day
        channels = _Channels(writer)
        told: list[tuple[int, str, str, Any]] = [(r.ns, r.port, type(r.frame).__name__, r.frame) for r in dump.frames]
        told += [(e.ns, EVENTS, "Event", asdict(e)) for e in dump.events]
        told += [(ns, MARKS, "Moment", {"trace": trace, "name": name}) for trace, name, ns in dump.marks]
        for ns, topic, kind, content in sorted(told, key=lambda one: one[0]):
            data = hidden(_message(content, ns + wall), dump.secrets, MASK)
            writer.add_message(
                channels.of(topic, kind), log_time=ns, data=json.dumps(data).encode(), publish_time=ns + wall
            )
        writer.add_attachment(dump.ns, dump.ns, PLAN, "application/yaml", dump.written.encode())
        facts = {"version": FORMAT, "session": dump.session, "pipeline": dump.pipeline, "reason": dump.reason}
        writer.add_metadata("vaidol", facts)
    finally:
        writer.finish()


def read(path: Path) -> Recording:
    """The recording in `path`. Blocks. Raises `BadRecording`."""
    from mcap.exceptions import McapError
    from mcap.reader import make_reader

    try:
        with path.open("rb") as stream:
            reader = make_reader(stream)
            facts = next((m.metadata for m in reader.iter_metadata() if m.name == "vaidol"), None)
            if facts is None:
                raise BadRecording(f"{path} is an MCAP file, but no recording of vaidol")
            plan = next((a.data.decode() for a in reader.iter_attachments() if a.name == PLAN), "")
            found = Recording(facts.get("session", ""), facts.get("pipeline", ""), plan, facts.get("reason", ""))
            for schema, channel, message in reader.iter_messages():
                kind = channel.metadata.get("frame") or (schema.name.removeprefix(SCHEMAS) if schema else "")
                _take(found, channel.topic, kind, message.log_time, json.loads(message.data))
    except FileNotFoundError:
        raise BadRecording(f"there is no file {path}") from None
    except OSError as error:
        raise BadRecording(f"{path} cannot be read: {error.strerror or error}") from error
    except BadRecording:
        raise
    except (McapError, ValueError, KeyError, TypeError, AssertionError, IndexError, OverflowError) as error:
        raise BadRecording(f"{path} is no MCAP file, or was cut off: record it again") from error
    return found


class _Channels:
    """Registers each channel and schema once."""

    def __init__(self, writer: Any) -> None:
        self._writer = writer
        self._known: dict[tuple[str, str], int] = {}

    def of(self, topic: str, kind: str) -> int:
        """The channel of `topic` for frames of class `kind`."""
        if (topic, kind) not in self._known:
            sound = kind == "Audio"
            schema = RAW_AUDIO if sound else {"title": SCHEMAS + kind, "type": "object"}
            number = self._writer.register_schema(schema["title"], "jsonschema", json.dumps(schema).encode())
            self._known[topic, kind] = self._writer.register_channel(topic, "json", number, {"frame": kind})
        return self._known[topic, kind]


def _message(content: Any, wall: int) -> Any:
    if not isinstance(content, Frame):
        return content
    told = to_json(content)
    if isinstance(content, Audio):
        told |= {
            "timestamp": {"sec": wall // NS, "nsec": wall % NS},
            "data": told.pop("samples")["pcm"],
            "format": "pcm-s16",
            "sample_rate": content.rate,
            "number_of_channels": 1,
        }
    return told


def _take(found: Recording, topic: str, kind: str, ns: int, data: dict[str, Any]) -> None:
    if topic == EVENTS:
        found.events.append(Event(**data))
    elif topic == MARKS:
        found.marks.append((int(data["trace"]), str(data["name"]), ns))
    else:
        if kind == Audio.__name__:
            data["samples"] = {"pcm": data.pop("data")}
        try:
            found.frames.append(Recorded(ns, topic, from_json(kind, data)))
        except (BadFrame, binascii.Error) as error:
            raise BadRecording(f"{topic} holds {error}") from error
