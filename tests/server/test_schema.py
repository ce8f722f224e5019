"""`vaidol schema` and the copy of it that editors use; `vaidol graph` in its three forms."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

import vaidol.pipelines
from vaidol.graph import schema
from vaidol.graph.registry import Registry
from vaidol.graph.spec import PipelineSpec
from vaidol.nodes import __name__ as shipped
from vaidol.server.cli import main

LIBRARY = Path(vaidol.pipelines.__path__[0])


def test_the_schema_of_the_editors_is_that_of_the_code() -> None:
    written = (LIBRARY / "schema.json").read_text(encoding="utf-8")
    assert written == schema.text(Registry(shipped, outside=False)), "run: vaidol schema > pipelines/schema.json"


def test_the_command_prints_the_schema_with_every_kind(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    told = json.loads(capsys.readouterr().out)
    kinds = told["$defs"]["NodeSpec"]["properties"]["use"]["enum"]
    assert set(kinds) >= {"vad.silero", "webrtc.in", "adapt.resample"}
    assert set(told["properties"]) == {*(f.alias or n for n, f in PipelineSpec.model_fields.items()), "extends"}
    onset = told["$defs"]["vad.silero"]["properties"]["onset_ms"]
    assert onset["description"]
    assert {"type": "string", "pattern": schema.VARIABLE_TEXT} in onset["anyOf"]


@pytest.mark.parametrize("path", sorted(LIBRARY.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_schema_knows_all_that_the_shipped_pipelines_say(path: Path) -> None:
    told, data = json.loads((LIBRARY / "schema.json").read_text(encoding="utf-8")), yaml.safe_load(path.read_text())
    assert set(data) <= set(told["properties"])
    for node in filter(None, data["nodes"].values()):
        assert set(node) <= set(told["$defs"]["NodeSpec"]["properties"])
        if "use" in node:
            assert set(node.get("with") or ()) <= set(told["$defs"][node["use"]]["properties"])


@pytest.mark.parametrize(
    ("form", "begin"), [([], "default: "), (["--mermaid"], "flowchart LR"), (["--dot"], "digraph ")]
)
def test_a_graph_is_shown_in_three_forms(form: list[str], begin: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["graph", "default", *form]) == 0
    told = capsys.readouterr().out
    assert told.startswith(begin)
    for name in yaml.safe_load((LIBRARY / "default.yaml").read_text())["nodes"]:
        assert name in told


def test_a_faulty_file_is_not_drawn_but_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "f.yaml"
    path.write_text("version: 1\nname: f\nnodes: { a: { use: vad.siler0 } }\n")
    assert main(["graph", str(path)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert f"{path}:3:20: node 'a': no kind 'vad.siler0'; did you mean 'vad.silero'?" in told.err
