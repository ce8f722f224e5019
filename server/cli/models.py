"""`vaidol models`: list, fetch, verify and remove model files."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from vaidol.models.catalogue import Model
from vaidol.models.errors import ModelError
from vaidol.models.store import Store
from vaidol.server.cli.progress import Bars
from vaidol.server.cli.wrong import Wrong


def add(commands: Any) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        "models", help="list, pull, verify, remove models", description="The model files vaidol knows and has."
    )
    command.set_defaults(deed="list", names=[])
    deeds = command.add_subparsers(dest="deed", metavar="DEED", required=False)
    deeds.add_parser("list", help="what there is, and what is ready (default)")
    for name, about in (
        ("pull", "fetch models; without a name: those of the default pipeline"),
        ("verify", "read every byte again; without a name: all that are here"),
        ("remove", "delete models from the store"),
    ):
        deed = deeds.add_parser(name, help=about, description=about.capitalize() + ".")
        deed.add_argument("names", nargs="+" if name == "remove" else "*", metavar="NAME")
    return command


def run(arguments: argparse.Namespace) -> int:
    deeds = {"list": _list, "pull": _pull, "verify": _verify, "remove": _remove}
    return deeds[arguments.deed or "list"](Store(), list(arguments.names))


def _list(store: Store, _: list[str]) -> int:
    rows = [("model", "role", "size", "state", "about")]
    for status in store.status():
        model = status.model
        star = " *" if model.default else ""
        rows.append((f"{model.name}{star}", model.role, _size(model), status.state, f"{model.about} {model.licence}"))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4], sep="  ")
    print(f"\n* fetched by `vaidol models pull`.  Store: {store.root}")
    return 0


def _pull(store: Store, names: list[str]) -> int:
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


def _verify(store: Store, names: list[str]) -> int:
    wanted = names or [status.model.name for status in store.status() if status.state != "missing"]
    bad = 0
    for name in wanted:
        try:
            print(f"{name}: ok, {store.verify(name)}")
        except ModelError as error:
            bad += 1
            print(f"{name}: {error}", file=sys.stderr)
    return 1 if bad else 0


def _remove(store: Store, names: list[str]) -> int:
    unknown = [name for name in names if name not in store.models]
    if unknown:
        raise Wrong(f"no model is called {unknown[0]!r}; see `vaidol models list`")
    for name in names:
        print(f"{name}: {store.remove(name) / 1e6:.1f} MB freed")
    return 0


def _size(model: Model) -> str:
    return f"{model.size / 1e6:.0f} MB"
