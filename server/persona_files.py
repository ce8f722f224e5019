"""The personas that people may choose: those that ship with vaidol, and the files of a folder of the user's."""

from __future__ import annotations

from pathlib import Path

from vaidol.nodes.agent._persona import Persona, load_persona, shipped

NAME_MOST = 80  # characters, as the data channel takes them


class PersonaFiles:
    """By name: `mo` is the one that ships, or `mo.yaml` in the folder, which goes first. Files are read anew each
    time, so that an edit counts for whoever chooses next."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder.expanduser().absolute() if folder is not None else None

    def names(self) -> list[str]:
        return sorted({*shipped(), *self._own()})

    def setting(self, name: str) -> str:
        """What the setting `persona` of a node says for the persona `name`."""
        own = self._own().get(name)
        return str(own) if own is not None else name

    def name(self, setting: str) -> str:
        """The other way round; "" for a persona that is not among these."""
        return next((name for name in self.names() if self.setting(name) == setting), "")

    def load(self, name: str) -> Persona:
        """Raises `ValueError` that says what is wrong with the file."""
        return load_persona(self.setting(name))

    def loaded(self) -> tuple[dict[str, Persona], list[str]]:
        """All of them by name, and what is wrong with the files of others."""
        found, wrong = {}, []
        for name in self.names():
            try:
                found[name] = self.load(name)
            except ValueError as error:
                wrong.append(str(error))
        return found, wrong

    def _own(self) -> dict[str, Path]:
        if self._folder is None:
            return {}
        files = (file for ending in ("*.yaml", "*.yml") for file in self._folder.glob(ending))
        return {file.stem: file for file in sorted(files) if len(file.stem) <= NAME_MOST}
