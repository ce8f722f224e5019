"""`vaidol models`: list, fetch, verify and remove model files; add and describe the user's own voices."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from vaidol.models.catalogue import Model
from vaidol.models.errors import ModelError
from vaidol.models.store import ModelUnknown, Store
from vaidol.models.voices import Voices
from vaidol.server.cli.progress import Bars
from vaidol.server.cli.wrong import Wrong


def add(commands: Any) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        "models", help="list, pull, add, verify, remove models", description="The model files vaidol knows and has."
    )
    command.set_defaults(deed="list", names=[])
    deeds = command.add_subparsers(dest="deed", metavar="DEED", required=False)
    deeds.add_parser("list", help="what there is, and what is ready (default)")
    for name, about in (
        ("pull", "fetch models; without a name: those of the default pipeline"),
        ("verify", "read every byte again; without a name: all that are here"),
        ("remove", "delete models or voices from the store"),
    ):
        deed = deeds.add_parser(name, help=about, description=about.capitalize() + ".")
        deed.add_argument("names", nargs="+" if name == "remove" else "*", metavar="NAME")
    about = "add RVC voices: a .pth or .safetensors, a folder, or a .zip with them"
    deed = deeds.add_parser("add", help=about, description=about.capitalize() + ". Nothing in them is run.")
    deed.add_argument("file", type=Path)
    deed.add_argument("--name", default="", help="what to call it (default: by its file)")
    deed.add_argument("--index", type=Path, metavar="FILE", help="its .index (default: the one that lies with it)")
    deed.add_argument("--hz", type=float, default=0.0, help="the pitch it usually has, for voice.rvc's pitch: auto")
    about = "write an RVC voice as safetensors, which can hold no code"
    deed = deeds.add_parser("convert", help=about, description=about.capitalize() + ".")
    deed.add_argument("file", type=Path)
    deed.add_argument("target", type=Path, help="the .safetensors file to write")
    about = "tell what a model, a voice or a voice's file is"
    deed = deeds.add_parser("info", help=about, description=about.capitalize() + ".")
    deed.add_argument("names", nargs="+", metavar="NAME_OR_FILE")
    return command


def run(arguments: argparse.Namespace) -> int:
    store, voices = Store(), Voices()
    if arguments.deed in ("add", "convert"):
        return (_add if arguments.deed == "add" else _convert)(voices, arguments)
    deeds = {"list": _list, "pull": _pull, "verify": _verify, "remove": _remove, "info": _info}
    return deeds[arguments.deed or "list"](store, voices, list(arguments.names))


def _list(store: Store, voices: Voices, _: list[str]) -> int:
    rows = [("model", "role", "size", "state", "about")]
    for status in store.status():
        model = status.model
        star = " *" if model.default else ""
        rows.append((f"{model.name}{star}", model.role, _size(model), status.state, f"{model.about} {model.licence}"))
    for name in voices.names():
        voice = voices.get(name)
        size = f"{voice.path.stat().st_size / 1e6:.0f} MB"
        rows.append((name, "voice", size, "ready", "Yours, with an index." if voice.index else "Yours."))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4], sep="  ")
    print(f"\n* fetched by `vaidol models pull`.  Store: {store.root}")
    return 0


def _pull(store: Store, _: Voices, names: list[str]) -> int:
    wanted = names or [model.name for model in store.models.values() if model.default]
    ready = {status.model.name for status in store.status() if status.state == "ready"}
    for name in wanted:
        if name in ready:
            continue
        with Bars() as bars:

            def show(done: int, total: int, what: str, bars: Bars = bars) -> None:
                bars.show(what, done / total if total else 0.0, f"{done / 1e6:.0f} of {total / 1e6:.0f} MB")

            store.pull(name, show)
        print(f"{name}: ready")
    if all(name in ready for name in wanted):
        print(f"{len(wanted)} models are ready")
    return 0


def _add(voices: Voices, arguments: argparse.Namespace) -> int:
    _needs_torch()
    if arguments.hz and not 50 <= arguments.hz <= 1100:
        raise Wrong(f"--hz: a voice speaks at 50 to 1100 Hz, not at {arguments.hz:g}")
    with Bars() as bars:

        def show(done: int, total: int, what: str) -> None:
            bars.show(what, done / total, "reading")

        given = {"name": arguments.name, "index": arguments.index, "usual_hz": arguments.hz}
        added = voices.add(arguments.file, **given, progress=show)
    for voice in added:
        print(f"{voice.name}: ready{', with an index' if voice.index else ''}")
    return 0


def _convert(_: Voices, arguments: argparse.Namespace) -> int:
    _needs_torch()
    from vaidol.models.rvc import convert_voice

    if arguments.target.exists() or arguments.target.suffix != ".safetensors":
        raise Wrong(f"{arguments.target} must be a .safetensors file that is not there yet")
    convert_voice(arguments.file, arguments.target)
    print(f"{arguments.target}: ready")
    return 0


def _info(store: Store, voices: Voices, names: list[str]) -> int:
    for name in names:
        if name in store.models:
            status = next(one for one in store.status() if one.model.name == name)
            model = status.model
            print(f"{name}: {model.about}\n  role {model.role}, {_size(model)}, licence {model.licence}")
            print(f"  {status.path or status.reason}")
            for file in model.files:
                print(f"  {file.name}  {file.size} bytes  SHA-256 {file.sha256}")
        else:
            _describe(voices, name)
    return 0


def _describe(voices: Voices, name: str) -> None:
    path = voices.get(name).path if name in voices.names() else Path(name).expanduser()
    if not path.exists():
        raise ModelUnknown(f"there is neither a model, a voice nor a file called {name!r}; see `vaidol models list`")
    _needs_torch()
    from vaidol.models.rvc import voice_about

    config, told = voice_about(path)
    pitched = "follows pitch (f0)" if config.pitched else "does not follow pitch"
    print(f"{name}: an RVC voice, {config.version}, {config.rate / 1000:g} kHz, {pitched}, {config.speakers} speakers")
    for key, value in told.items():
        print(f"  {key}: {value}")
    index = path.with_name("voice.index")
    print(f"  {path}" + (f"\n  {index}" if path.name == "voice.safetensors" and index.is_file() else ""))


def _verify(store: Store, voices: Voices, names: list[str]) -> int:
    wanted = names or [status.model.name for status in store.status() if status.state != "missing"] + voices.names()
    bad = 0
    for name in wanted:
        try:
            print(f"{name}: ok, {_read_voice(voices, name) if name in voices.names() else store.verify(name)}")
        except ModelError as error:
            bad += 1
            print(f"{name}: {error}", file=sys.stderr)
    return 1 if bad else 0


def _read_voice(voices: Voices, name: str) -> Path:
    """Load a voice and its index whole."""
    _needs_torch()
    from vaidol.models.rvc import load_index, load_voice

    voice = voices.get(name)
    load_voice(voice.path)
    if voice.index is not None:
        load_index(voice.index)
    return voice.path


def _remove(store: Store, voices: Voices, names: list[str]) -> int:
    own = voices.names()
    unknown = [name for name in names if name not in store.models and name not in own]
    if unknown:
        raise Wrong(f"no model is called {unknown[0]!r}; see `vaidol models list`")
    for name in names:
        freed = voices.remove(name) if name in own else store.remove(name)
        print(f"{name}: {freed / 1e6:.1f} MB freed")
    return 0


def _needs_torch() -> None:
    try:
        import torch  # noqa: F401
    except ImportError:
        raise Wrong("RVC voices need more packages: pip install 'vaidol[ml]'") from None


def _size(model: Model) -> str:
    return f"{model.size / 1e6:.0f} MB"
