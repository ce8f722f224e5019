"""How logs look: a static message and its fields, one line each, to stderr; as text, or as JSON for machines."""

from __future__ import annotations

import json
import logging

FIELDS = ("session", "node", "turn", "need", "protocol", "reason")
QUIET = ("aiortc", "aioice", "aiohttp", "asyncio", "libav")  # their warnings are enough
FORMATS = ("text", "json")


class Lines(logging.Formatter):
    """`12:00:00 info    session begins  session=ab12`."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (the name logging gives it)
        record.levelname = record.levelname.lower()
        fields = " ".join(f"{name}={value}" for name, value in _fields(record).items())
        line = super().formatMessage(record)
        return f"{line}  {fields}" if fields else line


class Objects(logging.Formatter):
    """`{"time": "2026-11-25T12:00:00+0000", "level": "info", "message": "session begins", "session": "ab12"}`."""

    def __init__(self) -> None:
        super().__init__(datefmt="%Y-%m-%dT%H:%M:%S%z")

    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, object] = {"time": self.formatTime(record, self.datefmt), "level": record.levelname.lower()}
        told |= {"logger": record.name, "message": record.getMessage(), **_fields(record)}
        if record.exc_info:
            told["error"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=False, default=str)


def to_stderr(*, verbose: bool = False, format: str = "text") -> None:
    """Log to stderr: what happens to sessions, and warnings of libraries. format: one of `FORMATS`."""
    output = logging.StreamHandler()
    output.setFormatter(Objects() if format == "json" else Lines())
    output.addFilter(_without_quotes)
    logging.basicConfig(level=logging.DEBUG if verbose else logging.INFO, handlers=[output], force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _fields(record: logging.LogRecord) -> dict[str, object]:
    return {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}


def _without_quotes(record: logging.LogRecord) -> bool:
    """What aiohttp says of a request that is no HTTP quotes it, whatever secret is in there: a short line instead."""
    kind = type(record.exc_info[1]) if record.exc_info else None
    if kind is not None and kind.__module__ == "aiohttp.http_exceptions":
        record.msg, record.args, record.exc_info, record.exc_text = "a request could not be read", (), None, None
        record.levelno, record.levelname, record.reason = logging.INFO, "INFO", kind.__name__
    return True
