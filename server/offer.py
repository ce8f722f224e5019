"""What a client offers: session descriptions (SDP), checked before any connection is built from them."""

from __future__ import annotations

from dataclasses import dataclass

MAX_BYTES = 65_536
MAX_MEDIA = 8  # m-lines
MAX_CANDIDATES = 64
# what aiortc's parser, which trusts its input, raises for SDP that makes no sense
MALFORMED = (ValueError, AssertionError, LookupError, AttributeError, TypeError, OverflowError)


class BadOffer(ValueError):
    """The offer cannot be answered. `status` is the HTTP status that says so, `code` a short stable word."""

    def __init__(self, message: str, *, status: int = 400, code: str = "bad_offer") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclass(frozen=True, slots=True)
class Offer:
    """A usable offer: `sdp` without the candidates that only the client's own network could resolve."""

    sdp: str
    audio: bool
    data: bool


def read_offer(text: str) -> Offer:
    """Check the SDP in `text`. Raises `BadOffer`."""
    from aiortc.sdp import SessionDescription

    if not text.startswith("v=0"):
        raise BadOffer("the body is not a session description (SDP)")
    sdp = _without_hidden(text)
    try:
        media = SessionDescription.parse(sdp).media
    except MALFORMED:
        raise BadOffer("the session description (SDP) is malformed") from None
    if len(media) > MAX_MEDIA:
        raise BadOffer(f"the offer holds {len(media)} media, {MAX_MEDIA} are allowed", status=422)
    audio = [one for one in media if one.kind == "audio"]
    data = any(one.kind == "application" for one in media)
    if not audio and not data:
        raise BadOffer("the offer holds neither audio nor a data channel", status=422, code="nothing_offered")
    if audio and not any(codec.name.lower() == "opus" for codec in audio[0].rtp.codecs):
        raise BadOffer("the offer's audio has no Opus, and vaidol speaks nothing else", status=422, code="no_opus")
    return Offer(sdp, bool(audio), data)


def _without_hidden(sdp: str) -> str:
    """Drop mDNS candidates: resolving them takes seconds and the client's checks reveal the address anyway."""
    kept, candidates = [], 0
    for line in sdp.splitlines():
        if line.startswith("a=candidate:"):
            fields = line.split()
            candidates += 1
            if candidates > MAX_CANDIDATES or (len(fields) > 4 and fields[4].endswith(".local")):
                continue
        kept.append(line)
    return "\r\n".join(kept) + "\r\n"
