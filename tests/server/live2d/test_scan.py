"""Finding and describing the user's models: layouts as people have them, broken files, and no way out of the folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.server.live2d_files import expression, write_model
from vaidol.server.live2d import scan as scan_module
from vaidol.server.live2d.scan import scan


def test_a_model_is_found_anywhere_below_and_described(tmp_path: Path) -> None:
    folder = tmp_path / "mia_pro" / "runtime"
    faces = {"smile": expression(ParamMouthForm=1), "怒り": expression(ParamBrowLY=-1), "exp_03": expression(X=1)}
    motions = {"Idle": ["idle_0", "idle_1"], "TapHead": ["nod"], "": ["hello_wave"]}
    write_model(folder, expressions=faces, motions=motions, Physics="p.json", DisplayInfo="mia.cdi3.json")
    (folder / "mia.cdi3.json").write_text(
        json.dumps({"Parameters": [{"Id": "PARAM_ANGLE_X", "Name": "turn"}, {"Id": "Param_MouthForm", "Name": ""}]})
    )
    (folder / "mia.png").write_bytes(b"")
    [model] = scan([tmp_path])
    told = model.told()
    assert (told["id"], told["name"], told["error"]) == ("mia_pro/runtime/mia.model3.json", "mia", "")
    assert told["model_path"] == "/live2d-models/mia_pro/runtime/mia.model3.json"
    assert told["avatar"] == "/live2d-models/mia_pro/runtime/mia.png"
    assert [face["name"] for face in told["expressions"]] == list(faces)
    assert told["expressions"][0]["parameters"] == [{"id": "ParamMouthForm", "value": 1.0, "blend": "Add"}]
    assert told["expressions"][0]["fade_in_ms"] == 500
    assert {group: len(files) for group, files in told["motions"].items()} == {"Idle": 2, "TapHead": 1, "": 1}
    assert (told["idle"], told["touch"]) == ("Idle", {"Head": "TapHead"})
    assert told["motion_names"] == {"nod": {"group": "TapHead", "index": 0}, "wave": {"group": "", "index": 0}}
    assert (told["physics"], told["pose"]) == (True, False)
    assert told["emotions"]["joy"] == "smile"
    assert told["emotions"]["anger"] == "怒り"
    assert "exp_03" not in told["emotions"].values()
    assert told["channels"]["ParamAngleX"] == [["ParamAngleX"], ["PARAM_ANGLE_X"]]
    assert told["channels"]["ParamMouthForm"] == [["ParamMouthForm"], ["Param_MouthForm"]]
    assert told["channels"]["ParamMouthOpenY"] == [["ParamMouthOpenY"]]


@pytest.mark.parametrize(
    ("lips", "wanted"),
    [
        (["ParamA"], [["ParamMouthOpenY"], ["ParamA"]]),
        (["PARAM_MOUTH_OPEN_Y"], [["PARAM_MOUTH_OPEN_Y"], ["ParamMouthOpenY"]]),
        (["Jaw", "Lips"], [["Jaw", "Lips"], ["ParamMouthOpenY"]]),
        ([], [["ParamMouthOpenY"]]),
    ],
)
def test_the_mouth_is_what_the_model_says_it_is(lips: list[str], wanted: list[list[str]], tmp_path: Path) -> None:
    write_model(tmp_path, lips=lips, eyes=["EyeR", "EyeL"])
    [model] = scan([tmp_path])
    told = model.told()["channels"]
    assert told["ParamMouthOpenY"] == wanted
    assert (told["ParamEyeLOpen"][0], told["ParamEyeROpen"][0]) == (["EyeL"], ["EyeR"])


def test_expressions_and_motions_that_nothing_lists_are_found(tmp_path: Path) -> None:
    write_model(tmp_path / "mia")
    for name in ("mia/Expressions/Crying.exp3.json", "mia/other/lee/x.exp3.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(json.dumps(expression(ParamTear=1)))
    (tmp_path / "mia/Expressions/spin.motion3.json").write_text("{}")
    write_model(tmp_path / "mia/other/lee", "lee")
    mia, lee = (model.told() for model in scan([tmp_path]))
    assert ([face["name"] for face in mia["expressions"]], mia["emotions"]["sadness"]) == (["Crying"], "Crying")
    assert (mia["motions"], mia["loose_motions"]) == ({"": ["Expressions/spin.motion3.json"]}, mia["motions"][""])
    assert [face["name"] for face in lee["expressions"]] == ["x"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "line 1: "),
        ("[]", "the file: "),
        ('{"Version": 3}', "FileReferences: Field required"),
        ('{"Version": 2, "FileReferences": {"Moc": "a", "Textures": ["b"]}}', "Version is 2"),
        (
            '{"Version": 3, "FileReferences": {"Moc": "../out.moc3", "Textures": ["0.png"]}}',
            "'../out.moc3' is not there",
        ),
        ('{"Version": 3, "FileReferences": {"Moc": "gone.moc3", "Textures": ["0.png"]}}', "'gone.moc3' is not there"),
        ('{"Version": 3, "FileReferences": {"Moc": "a\\u0000", "Textures": ["0.png"]}}', "is not there"),
        pytest.param("[" * 100_000, "nested too deeply", id="deep"),
    ],
)
def test_a_broken_model_is_listed_with_what_is_wrong(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "out.moc3").write_bytes(b"secret")
    root = tmp_path / "models"
    write_model(root / "good")
    (root / "bad").mkdir()
    (root / "bad" / "bad.model3.json").write_text(text)
    bad, good = (model.told() for model in scan([root]))
    assert bad["error"].startswith("bad.model3.json: ")
    assert said in bad["error"]
    assert "expressions" not in bad
    assert good["error"] == ""


def test_what_is_broken_beside_a_good_model_is_a_warning(tmp_path: Path) -> None:
    write_model(tmp_path, expressions={"sad": expression()}, motions={"Tap": ["t"]})
    (tmp_path / "sad.exp3.json").write_text('{"Parameters": [{"Id": 7}]}')
    (tmp_path / "t.motion3.json").unlink()
    (tmp_path / "mia.vaidol.json").write_text('{"emotion": {}}')
    [model] = scan([tmp_path])
    assert (model.error, len(model.warnings)) == ("", 3)
    assert "sad.exp3.json: Parameters.0.Id" in model.warnings[0]
    assert "mia.vaidol.json: emotion: " in model.warnings[2]


def test_links_are_not_followed_and_depth_and_number_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere, root = tmp_path / "elsewhere", tmp_path / "models"
    write_model(elsewhere)
    root.mkdir()
    (root / "link").symlink_to(elsewhere)
    (root / "loop").symlink_to(root)
    (root / "mia.model3.json").symlink_to(elsewhere / "mia.model3.json")
    write_model(root / "/".join("abcdef"), "deep")
    write_model(root / "/".join("abcdefg"), "too_deep")
    write_model(root / ".hidden")
    assert [model.name for model in scan([root])] == ["deep"]
    write_model(root / "near")
    monkeypatch.setattr(scan_module, "MODELS_MAX", 1)
    assert [model.name for model in scan([root])] == ["mia"]
    monkeypatch.setattr(scan_module, "ENTRIES_MAX", 3)
    assert scan([root]) == []


def test_a_texture_that_leads_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "private.png").write_bytes(b"secret")
    write_model(tmp_path / "models", Textures=["t.png"])
    (tmp_path / "models" / "t.png").symlink_to(tmp_path / "private.png")
    [model] = scan([tmp_path / "models"])
    assert "'t.png' is not there" in model.error


def test_the_first_folder_wins_and_a_missing_one_is_empty(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    write_model(one / "mia", expressions={"smile": expression()})
    write_model(two / "mia")
    write_model(two / "lee", "lee")
    models = scan([tmp_path / "none", one, two])
    assert [(model.id, len(model.expressions)) for model in models] == [
        ("mia/mia.model3.json", 1), ("lee/lee.model3.json", 0)
    ]  # fmt: skip
