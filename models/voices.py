"""The voices a user has added: found in the files and folders people have, kept as safetensors with their index."""

import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vaidol.models.errors import LoadError, ModelError
from vaidol.models.fetch import BLOCK, disk_trouble
from vaidol.models.store import ModelUnknown, Progress, default_root, nearest

WEIGHTS = (".pth", ".safetensors")
TRAINING = re.compile(r"^[GDgd]_[\w-]*\.pth$")  # what training leaves beside the voice
OTHERS = ("hubert", "contentvec", "rmvpe", "fcpe", "f0G", "f0D", "pretrained")  # what lies beside voices and is none
EPOCHS = re.compile(r"(?:_e\d+)?(?:_s\d+)?$")  # anna_e200_s4000.pth is anna
NAME = re.compile(r"[^\w.-]+")
ARCHIVE_MAX = 4 << 30  # bytes, unpacked
MEMBERS_MAX = 2000


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice and, if it has one, the index of its recordings."""

    name: str
    path: Path
    index: Path | None


class Voices:
    """The folder `voices` of the model store: one folder for each voice, with `voice.safetensors` and `voice.index`."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = (root or default_root()).expanduser().absolute() / "voices"

    def names(self) -> list[str]:
        """All that were added, in order."""
        return sorted(path.parent.name for path in self.root.glob("*/voice.safetensors"))

    def get(self, name: str) -> Voice:
        """The voice added as `name`. Raises ModelUnknown with the nearest name."""
        path = self.root / name / "voice.safetensors"
        if not name or Path(name).name != name or not path.is_file():
            known = self.names()
            hint = nearest(name, known) if known else "; none was added yet: `vaidol models add FILE`"
            raise ModelUnknown(f"no voice is called {name!r}{hint}")
        index = path.with_name("voice.index")
        return Voice(name, path, index if index.is_file() else None)

    def add(
        self,
        source: Path,
        *,
        name: str = "",
        index: Path | None = None,
        usual_hz: float = 0.0,
        progress: Progress | None = None,
    ) -> list[Voice]:
        """Take over every voice in `source`: a `.pth` or `.safetensors`, a folder, or a `.zip` with them inside.

        Each is read as data only, checked, and written as safetensors. `name`, `index` and `usual_hz`,
        the pitch it usually has, are for a single voice.
        Raises ModelError: there is no voice in it, it cannot be used, or its name is taken.
        """
        with self._disk(), _unpacked(source.expanduser()) as folder:
            found = find_voices(folder)
            if not found:
                raise ModelError(f"there is no voice in {source}: an RVC voice is a .pth file, often with an .index")
            if (name or index or usual_hz) and len(found) > 1:
                several = ", ".join(path.name for path, _ in found)
                raise ModelError(f"{source} has {len(found)} voices ({several}): add them one by one to name them")
            added = []
            for number, (path, near) in enumerate(found):
                if progress:
                    progress(number, len(found), path.name)
                added.append(self._add(path, index or near, name or voice_name(path), usual_hz))
            return added

    def remove(self, name: str) -> int:
        """Delete a voice; gives the bytes freed. Raises ModelUnknown."""
        folder = self.get(name).path.parent
        with self._disk():
            freed = sum(path.stat().st_size for path in folder.iterdir())
            shutil.rmtree(folder)
        return freed

    def _add(self, path: Path, index: Path | None, name: str, usual_hz: float) -> Voice:
        from vaidol.models.rvc import convert_voice, load_index, voice_about

        name = NAME.sub("-", name).strip(".-")
        if not name:
            raise ModelError(f"{path} needs a name of letters and digits: give one with --name")
        if (self.root / name).exists():
            raise ModelError(f"a voice called {name!r} is there already: choose another --name, or remove it first")
        if index is not None:
            width, wanted = load_index(index).width, voice_about(path)[0].units
            if width != wanted:
                raise LoadError(f"{index} holds vectors of {width} numbers, but the voice {path.name} needs {wanted}")
        self.root.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".add-", dir=self.root))
        try:
            convert_voice(path, scratch / "voice.safetensors", usual_hz)
            if index is not None:
                shutil.copyfile(index, scratch / "voice.index")
            scratch.chmod(0o755)
            scratch.rename(self.root / name)  # whole or not at all
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        return self.get(name)

    @contextmanager
    def _disk(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ModelError(disk_trouble(error, Path(error.filename or self.root))) from error


def find_voices(source: Path) -> list[tuple[Path, Path | None]]:
    """Weights and index of every voice in a file or folder, as WebUI, Applio and downloads lay them out.

    Training checkpoints (G_*.pth), feature networks and empty `trained_*` indexes are passed over in a folder; a file
    that is named is taken whatever it is called.
    """
    if source.is_file():
        return [(source, _index_of(source, [source]))] if source.suffix.lower() in WEIGHTS else []
    weights = [
        path
        for path in sorted(source.rglob("*"))
        if path.suffix.lower() in WEIGHTS
        and path.is_file()
        and not TRAINING.match(path.name)
        and not path.name.startswith((".", *OTHERS))
    ]
    return [(path, _index_of(path, weights, source)) for path in weights]


def voice_name(path: Path) -> str:
    """What a voice is called by its file; `voice.safetensors` and `model.pth` by their folder."""
    stem = EPOCHS.sub("", path.stem)
    return path.parent.name if stem.lower() in ("model", "voice", "weights", "final") else stem


def _index_of(path: Path, weights: list[Path], top: Path | None = None) -> Path | None:
    """The index that belongs to a voice: named after it, else the only one beside a lone voice."""
    stem = voice_name(path).lower()
    named_after = re.compile(rf"(?<![^\W_]){re.escape(stem)}(?![^\W_])")
    places = [path.parent, path.parent.parent.parent / "logs" / voice_name(path)]  # assets/weights/X.pth, logs/X/
    beside = [index for place in places for index in _indexes(place.glob("*.index"))]
    everywhere = _indexes(top.rglob("*.index")) if top else []
    named = [index for index in (*beside, *everywhere) if stem in (index.stem.lower(), index.parent.name.lower())]
    named += [index for index in (*beside, *everywhere) if named_after.search(index.stem.lower())]
    if named:
        return named[0]
    if len(weights) == 1 and (alone := {index.absolute() for index in (*beside, *everywhere)}) and len(alone) == 1:
        return alone.pop()
    return None


def _indexes(found: Iterator[Path]) -> list[Path]:
    return sorted(path for path in found if path.is_file() and not path.name.startswith("trained_"))


@contextmanager
def _unpacked(source: Path) -> Iterator[Path]:
    """`source` itself, or the voices of an archive in a folder that goes away afterwards. Raises ModelError."""
    if not source.exists():
        raise ModelError(f"there is nothing at {source.absolute()}")
    if source.is_dir() or source.suffix.lower() != ".zip":
        if source.is_file() and source.suffix.lower() not in WEIGHTS:
            raise ModelError(f"{source} is no voice: a .pth, a .safetensors, a .zip or a folder with one is needed")
        yield source
        return
    with tempfile.TemporaryDirectory(prefix="vaidol-voice-") as folder:
        _unpack(source, Path(folder) / NAME.sub("-", source.stem))
        yield Path(folder)


def _unpack(archive: Path, folder: Path) -> None:
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [
                member
                for member in opened.infolist()
                if not member.is_dir() and Path(member.filename).suffix.lower() in (*WEIGHTS, ".index")
            ]
            size = sum(member.file_size for member in members)
            if size > ARCHIVE_MAX or len(members) > MEMBERS_MAX:
                raise ModelError(
                    f"{archive} unpacks to {size / 1e9:.0f} GB in {len(members)} files: no voice is so big"
                )
            for member in members:
                parts = [part for part in Path(member.filename).parts if part not in ("/", "..", ".")]
                _copy_member(opened, member, folder.joinpath(*parts))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise ModelError(f"{archive} cannot be unpacked: {error}") from error


def _copy_member(opened: zipfile.ZipFile, member: zipfile.ZipInfo, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    left = member.file_size  # a member that unpacks to more than it claims is cut off, and refused as damaged
    with opened.open(member) as found, to.open("wb") as out:
        while left > 0 and (block := found.read(min(BLOCK, left))):
            out.write(block)
            left -= len(block)
