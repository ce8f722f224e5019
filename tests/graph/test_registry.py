"""The folder is the registry: one file, one kind; nothing is imported before it is asked for."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from vaidol.graph.node import Node, Settings
from vaidol.graph.registry import Registry, UnknownKind

FILES = {
    "vad/good.py": "from vaidol.graph.node import Node, Settings\nclass Good(Node[Settings]):\n    '''vad.good: x'''\n",
    "vad/in_.py": "from vaidol.graph.node import Node, Settings\nclass In(Node[Settings]):\n    pass\n",
    "vad/_helper.py": "1 / 0\n",
    "vad/empty.py": "from vaidol.graph.node import Node\n",
    "vad/missing.py": "import no_such_package_at_all\n",
    "_hidden/a.py": "1 / 0\n",
}


@pytest.fixture
def kinds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    for name, text in FILES.items():
        path = tmp_path / "my_kinds" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for folder in ("", "vad"):
        (tmp_path / "my_kinds" / folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.startswith("my_kinds")]:
        monkeypatch.delitem(sys.modules, name)
    return Registry("my_kinds", outside=False)


def test_files_are_kinds_and_helpers_are_not(kinds: Registry) -> None:
    assert kinds.kinds() == ["vad.empty", "vad.good", "vad.in", "vad.missing"]
    assert "my_kinds.vad.good" not in sys.modules
    good = kinds.find("vad.good")
    assert good.__name__ == "Good"
    assert kinds.find("vad.good") is good
    assert kinds.kind_of(good) == "vad.good"
    assert kinds.find("vad.in").__name__ == "In"
    assert "my_kinds.vad.missing" not in sys.modules


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("vad.nothing", "no kind 'vad.nothing'"),
        ("vad.empty", "kind 'vad.empty' cannot be loaded: its module holds no node class"),
        ("vad.missing", "kind 'vad.missing' cannot be loaded: No module named 'no_such_package_at_all'"),
    ],
)
def test_what_cannot_be_used_says_why(kinds: Registry, kind: str, message: str) -> None:
    with pytest.raises(UnknownKind) as caught:
        kinds.find(kind)
    assert str(caught.value) == message


def test_classes_may_be_given_by_hand() -> None:
    class Mine(Node[Settings]):
        pass

    kinds = Registry(extra={"my.own": Mine}, outside=False)
    assert kinds.kinds() == ["my.own"]
    assert kinds.find("my.own") is Mine
