"""Tools a language model may call: Python functions of the user, and those of MCP servers; nothing they do ends a call.

A tool that raises, hangs or returns a megabyte gives the model a short sentence about it.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from vaidol.graph.errors import ProviderError
from vaidol.graph.node import Context, Settings

RESULT = 4000  # characters of a result that the model is told
SHOWN = 160  # characters of a call or a result that people are shown
NAME = r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$"


class McpSettings(Settings):
    """One MCP server: `command` starts it here, `url` is one that runs already (streamable HTTP)."""

    command: str = ""
    """Program to start; it speaks over its standard input and output."""
    args: tuple[str, ...] = ()
    """Its arguments."""
    env: dict[str, str] = Field(default_factory=dict)
    """Environment variables it gets besides PATH, HOME and the like."""
    url: str = Field("", pattern=r"^(https?://\S+)?$")
    """Address of a server that runs already."""
    only: tuple[str, ...] = ()
    """Names of the tools that may be used; none = all."""


class Call(NamedTuple):
    """The model wants a tool called; `arguments` is the JSON it wrote."""

    id: str
    name: str
    arguments: str


@dataclass(slots=True)
class Round:
    """What the model said, the tools it called, and what they answered."""

    text: str = ""
    calls: list[Call] = field(default_factory=list)
    results: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Tool:
    """Something the model may call. `schema`: JSON schema of the arguments; `run` gives text, or raises anything."""

    name: str
    about: str
    schema: dict[str, Any]
    run: Callable[[dict[str, Any]], Awaitable[str]]


class Toolbox:
    """The tools of one agent; one bad call is a sentence to the model, never an error of the turn."""

    def __init__(self, ctx: Context, limit_s: float) -> None:
        self.tools: dict[str, Tool] = {}
        self._ctx = ctx
        self._limit_s = limit_s
        self._hung: dict[str, int] = {}  # by function: how many of its calls never came back

    def add(self, tool: Tool) -> None:
        self.tools[tool.name] = tool

    def add_function(self, path: str) -> None:
        """The function at "package.module:name". Raises `ProviderError`."""
        function = _function(path)
        model = _arguments(function, path)
        schema = {k: v for k, v in model.model_json_schema().items() if k != "title"}
        about = inspect.getdoc(function) or function.__name__
        self.add(Tool(function.__name__, about, schema, partial(self._call, function, model)))

    async def run(self, call: Call, gen: int, trace: int) -> str:
        """The result of one call as text for the model."""
        shown = f"{call.name}({_shown(call.arguments.strip('{}'))})"
        self._tell(shown, "called", gen, trace)
        work = asyncio.ensure_future(self._result(call))
        try:
            await asyncio.wait({work}, timeout=self._limit_s)
            if not work.done():
                self._hung[call.name] = self._hung.get(call.name, 0) + 1
                ok, text = False, f"{call.name} did not come back within {self._limit_s:g} s"
            elif (error := work.exception()) is not None:
                ok, text = False, f"{call.name} failed: {' '.join(str(error).split()) or type(error).__name__}"
            else:
                ok, text = True, work.result()
        finally:
            work.cancel()
        if len(text) > RESULT:
            text = f"{text[:RESULT]} ... (cut off: it had {len(text)} characters)"
        self._tell(f"{shown}: {_shown(text)}", "done" if ok else "failed", gen, trace)
        self._ctx.count("tool_calls")
        return text

    async def _result(self, call: Call) -> str:
        tool = self.tools.get(call.name)
        if tool is None:
            raise ValueError(f"there is no such tool; there are: {', '.join(self.tools)}")
        arguments = json.loads(call.arguments or "{}")
        if not isinstance(arguments, dict):
            raise TypeError("the arguments are no JSON object")
        return await tool.run(arguments)

    async def _call(self, function: Callable[..., Any], model: type[BaseModel], given: dict[str, Any]) -> str:
        try:
            checked = model.model_validate(given)
        except ValidationError as error:
            first = error.errors()[0]
            raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
        arguments = {name: getattr(checked, name) for name in type(checked).model_fields}
        if inspect.iscoroutinefunction(function):
            result = await function(**arguments)
        else:  # on a thread of its own, so that one that hangs holds up nobody else
            pool = f"tool {function.__name__} {self._hung.get(function.__name__, 0)}"
            result = await self._ctx.call(pool, partial(function, **arguments))
        return result if isinstance(result, str) else json.dumps(result, ensure_ascii=False, default=str)

    def _tell(self, text: str, code: str, gen: int, trace: int) -> None:
        self._ctx.events.publish("tool", node=self._ctx.node, gen=gen, trace=trace, text=text, code=code)


def _function(path: str) -> Callable[..., Any]:
    module, _, name = path.partition(":")
    try:
        found = importlib.import_module(module)
    except ImportError as error:
        raise ProviderError(f"the tool {path} cannot be imported: {error}", code="tool") from error
    function = getattr(found, name, None)
    if not inspect.isroutine(function):
        raise ProviderError(f"the tool {path} is no function", code="tool")
    return function


def _arguments(function: Callable[..., Any], path: str) -> type[BaseModel]:
    """The arguments of `function` as a model, by its annotations."""
    fields: dict[str, Any] = {}
    try:
        for name, parameter in inspect.signature(function, eval_str=True).parameters.items():
            kind = str if parameter.annotation is parameter.empty else parameter.annotation
            fields[name] = (kind, ... if parameter.default is parameter.empty else parameter.default)
        return create_model(function.__name__, __config__=ConfigDict(extra="forbid"), **fields)
    except (NameError, TypeError, ValueError, RuntimeError) as error:
        raise ProviderError(f"the tool {path} has arguments that are not understood: {error}", code="tool") from error


def _shown(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= SHOWN else f"{text[:SHOWN]} ..."
