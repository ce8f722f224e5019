"""What all wishes by REST share: the sessions they are for."""

from __future__ import annotations

from vaidol.server.bodies import unknown
from vaidol.server.running import Running
from vaidol.server.sessions import Sessions


def meant(sessions: Sessions, name: str) -> list[Running]:
    """The session `name`; "": all that have not ended. Raises 404 where there is none."""
    found = sessions.named(name) if name else None
    those = [found] if found is not None else [] if name else [one for one in sessions if one.state != "ended"]
    if not those:
        said = f"there is no session '{name}'" if name else "nobody is in a call"
        raise unknown("no_session", said, [session.id for session in sessions])
    return those
