"""How logs look: a static message and its fields, one line each, to stderr."""

from __future__ import annotations

import logging

FIELDS = ("session", "node", "turn", "need", "reason")
QUIET = ("aiortc", "aioice", "aiohttp", "asyncio", "libav")  # their warnings are enough


class Lines(logging.Formatter):
    """`12:00:00 info    session begins  session=ab12`."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (the name logging gives it)
        record.levelname = record.levelname.lower()
        fields = " ".join(f"{name}={getattr(record, name)}" for name in FIELDS if hasattr(record, name))
        line = super().formatMessage(record)
        return f"{line}  {fields}" if fields else line


def to_stderr(*, verbose: bool = False) -> None:
    """Log to stderr: what happens to sessions, and warnings of libraries."""
    output = logging.StreamHandler()
    output.setFormatter(Lines())
    logging.basicConfig(level=logging.DEBUG if verbose else logging.INFO, handlers=[output], force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
