"""Groups as clients of `/client-ws` know them: made by inviting, led by their owner, gone with the last but one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from vaidol.server.groups.api import PERSON
from vaidol.server.groups.groups import Groups
from vaidol.server.groups.members import RoomError
from vaidol.server.olv import messages

if TYPE_CHECKING:
    from vaidol.server.olv.client import Client


class ClientGroups:
    """Between the clients there are and the server's groups; who is in a call is named by its session."""

    def __init__(self, groups: Groups, clients: Iterable[Client]) -> None:
        self._groups = groups
        self._clients = clients
        groups.moved.add(self._changed)

    def take(self, client: Client, message: messages.Group) -> None:
        """Do what a client asks for, and tell it how that went."""
        try:
            if message.type == "add-client-to-group":
                said = self._add(client, message.invitee_uid)
            else:
                said = self._remove(client, message.target_uid)
            client.link.tell(messages.group_result(said, success=True))
        except RoomError as error:
            client.link.tell(messages.group_result(str(error), success=False))

    def info(self, client: Client) -> dict[str, Any]:
        """The group of a client, as it is told."""
        if not (id := self._groups.of(client.id)):
            return messages.group([], owner=False)
        room = self._groups.rooms[id]
        uids = {one.id: one.uid for one in self._clients}
        return messages.group([uids.get(one, one) for one in room.members], owner=room.owner == client.id)

    def _add(self, client: Client, uid: str) -> str:
        invited = self._find(uid)
        if invited is client:
            raise RoomError("member", "nobody can invite themselves")
        if self._groups.of(invited.id):
            raise RoomError("member", "this client is in a group already")
        id = self._groups.of(client.id) or self._groups.create(client, PERSON, client.link.character.name)
        self._groups.invite(id, invited, PERSON, invited.link.character.name)
        invited.link.tell(messages.group_result(f"you were invited into the group of {client.uid}", success=True))
        return "the client is in your group now"

    def _remove(self, client: Client, uid: str) -> str:
        id = self._groups.of(client.id)
        if not id:
            raise RoomError("no_member", "you are in no group")
        gone = self._find(uid)
        if self._groups.of(gone.id) != id:
            raise RoomError("no_member", "this client is not in your group")
        if gone is not client and self._groups.rooms[id].owner != client.id:
            raise RoomError("owner", "only the owner of a group sends others away")
        self._groups.leave(gone.id)
        if gone is not client:
            gone.link.tell(messages.group_result("you are in the group no longer", success=True))
        return "you have left the group" if gone is client else "the client is in your group no longer"

    def _find(self, uid: str) -> Client:
        found = next((one for one in self._clients if uid == one.uid and one.graph is not None), None)
        if found is None:
            raise RoomError("no_client", "there is no such client")
        return found

    def _changed(self, sessions: list[str]) -> None:
        for client in self._clients:
            if client.id in sessions:
                client.link.tell(self.info(client))
