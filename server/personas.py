"""Personas in a running call: which there are, who speaks, and letting another one go on.

GET  /api/personas                             {personas: [{name, title, about, greeting, language, avatar}], wrong}
GET  /api/sessions/{session}/persona           {persona: name or ""}
POST /api/sessions/{session}/persona           {"persona": "mo"}: a change, as PUT .../pipeline, and {persona, avatar};
                                               "": the pipeline's own again

`wrong` says which files in the folder of `vaidol serve --personas` cannot be used, and why.

A persona is a change of the pipeline: the settings it names are laid over those the call had before any persona was
chosen, so that A, then B, then A is A again; and the agent keeps what was said to each.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from aiohttp import web

from vaidol.graph.errors import PipelineError
from vaidol.graph.incoming import SwapFailed
from vaidol.graph.plan import Plan, PlanNode
from vaidol.graph.scheduler import Graph
from vaidol.graph.swap import Busy, Change
from vaidol.nodes.agent._persona import Persona, load_persona
from vaidol.nodes.webrtc._call import Message
from vaidol.server import protocol
from vaidol.server.access import refusal
from vaidol.server.bodies import parsed, refused
from vaidol.server.persona_files import PersonaFiles
from vaidol.server.pipelines_api import graph_of, refuse_strangers
from vaidol.server.running import Running, with_each_plan

if TYPE_CHECKING:
    from vaidol.server.app import Server


class Personas:
    """The routes above, and the same over the data channel."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.files = PersonaFiles(server.options.personas)
        self._before: WeakKeyDictionary[Graph, tuple[Plan, Plan]] = WeakKeyDictionary()  # without a persona; with it

    def routes(self, router: web.UrlDispatcher) -> None:
        router.add_get("/api/personas", self.all)
        router.add_get("/api/sessions/{session}/persona", self.read)
        router.add_post("/api/sessions/{session}/persona", self.choose)

    def attend(self, session: Running, graph: Graph) -> Callable[[], None]:
        """Let the person in the call choose; returns what ends it."""
        stack = ExitStack()

        def take(message: Message) -> None:
            if message["t"] == "persona":
                graph.own(self._chosen(session, graph, str(message["name"])))

        told: str | None = None

        def tell() -> None:
            nonlocal told
            if (name := self._current(graph.plan)) != told:
                told = name
                session.send(self._told(name))

        stack.callback(session.on_message(take))
        stack.callback(with_each_plan(graph, tell))
        return stack.close

    async def all(self, _: web.Request) -> web.Response:
        """The personas there are."""
        found, wrong = self.files.loaded()
        rows = [
            {
                "name": name, "title": one.name, "about": one.about, "greeting": one.hello(),
                "language": one.language, "avatar": one.avatar,
            }
            for name, one in found.items()
        ]  # fmt: skip
        return web.json_response({"personas": rows, "wrong": wrong})

    async def read(self, request: web.Request) -> web.Response:
        """The persona of a session."""
        return web.json_response({"persona": self._current(graph_of(self._server, request).plan)})

    async def choose(self, request: web.Request) -> web.Response:
        """Let another persona go on in a session."""
        refuse_strangers(self._server, request)
        graph = graph_of(self._server, request)
        try:
            wanted = parsed(await request.read())["persona"]
            change = await self.switch(graph, str(wanted))
        except (ValueError, KeyError, TypeError) as error:
            if isinstance(error, UnknownPersona):
                return refusal(404, "no_persona", str(error))
            if isinstance(error, WrongPersona):
                return refusal(422, "failed", str(error))
            raise refused(400, "body", 'the body is JSON: {"persona": NAME}') from None
        except Busy as error:
            return refusal(409, "busy", str(error), 1)
        except (SwapFailed, PipelineError) as error:
            return refusal(422, "failed", str(error))
        avatar = self._told(str(wanted))["avatar"]
        return web.json_response({**change.told(), "persona": wanted, "avatar": avatar})

    async def switch(self, graph: Graph, name: str) -> Change:
        """Let `name` go on in this call; "": the pipeline's own persona. Raises `UnknownPersona`, `WrongPersona`,
        `Busy`, `SwapFailed`, `PipelineError`."""
        base, ours = self._before.get(graph, (graph.plan, graph.plan))
        if graph.plan is not ours:  # somebody has changed the pipeline since
            base = graph.plan
        change = await graph.swaps.apply(self._with(base, name) if name else base)
        self._before[graph] = (base, graph.plan)
        return change

    def _with(self, base: Plan, name: str) -> Plan:
        """`base` with another persona. Raises as `switch` does."""
        known = self.files.names()
        if name not in known:  # a path belongs into the pipeline, not on the wire
            raise UnknownPersona(f"there is no persona '{name}'; there are: {', '.join(known)}")
        try:
            persona = self.files.load(name)
        except ValueError as error:
            raise WrongPersona(str(error)) from None
        return self._server.pipelines.compiled(patch(base, self.files.setting(name), persona), base)

    async def _chosen(self, session: Running, graph: Graph, name: str) -> None:
        try:
            await self.switch(graph, name)
        except (UnknownPersona, WrongPersona, Busy, SwapFailed, PipelineError) as error:
            session.send(protocol.error("persona", str(error)))
        session.send(self._told(self._current(graph.plan)))  # the answer, whatever has changed

    def _current(self, plan: Plan) -> str:
        """The persona that speaks, "" if it is none of those that can be chosen."""
        return self.files.name(current(plan))

    def _told(self, name: str) -> Message:
        """The message that says who speaks."""
        title = avatar = ""
        with suppress(ValueError):  # its file is gone, or broken since: the call goes on
            persona = self.files.load(name) if name else None
            title, avatar = (persona.name, persona.avatar) if persona else ("", "")
        return {"t": "persona", "name": name, "title": title, "avatar": avatar}


class UnknownPersona(ValueError):
    """No such persona; the message lists those there are."""


class WrongPersona(ValueError):
    """Its file cannot be used; the message says why."""


def current(plan: Plan) -> str:
    """The setting `persona` of the agent: the name of one that ships, or the path of a file; "" without an agent."""
    agents = sorted(plan.nodes, key=lambda node: not node.kind.startswith("agent."))  # before others that know its name
    return next((name for node in agents if (name := str(getattr(node.settings, "persona", "")))), "")


def patch(plan: Plan, name: str, persona: Persona) -> dict[str, Any]:
    """What of `plan` is another with this persona, which nodes know by `name`."""
    old = ""
    with suppress(ValueError):  # its file is gone, or broken since
        old = load_persona(before).name if (before := current(plan)) else ""
    nodes = {node.name: {"with": wanted} for node in plan.nodes if (wanted := _settings(node, name, persona, old))}
    return {"nodes": nodes}


def _settings(node: PlanNode, name: str, persona: Persona, old: str) -> dict[str, Any]:
    kind, has = node.kind, type(node.settings).model_fields
    given: dict[tuple[str, str], Any] = {  # by kind and setting
        (kind, "persona"): name, (kind, "voice"): persona.voice.get(kind), ("voice.rvc", "model"): persona.rvc,
        ("expression.emotion", "map"): persona.map, ("text.sentences", "fillers"): list(persona.fillers),
    }  # fmt: skip
    if kind.partition(".")[0] in ("text", "asr"):
        given[kind, "language"] = persona.language
    if old and old in " ".join(calls := getattr(node.settings, "hot_words", ())):  # its name is listened for
        given[kind, "hot_words"] = [call.replace(old, persona.name) for call in calls]
    for field, more in (("block", persona.block), ("patterns", persona.patterns)):
        if more and field in has:  # besides those of the pipeline
            given[kind, field] = list(dict.fromkeys([*getattr(node.settings, field), *more]))
    return {field: value for (of, field), value in given.items() if of == kind and field in has and value}
