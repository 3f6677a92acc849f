"""A bank of sentences in a model's joint space: embedded once, kept in the user's cache.

The sentences are those of the grammar and, after them, whatever the user gives: a text file with a sentence a
line, or a folder of HumanML3D's texts. What is kept is float16, named after the model and the sentences, so
that neither can be taken for another; it may be deleted at any time, and is not needed. The extension's
bundle brings that of the grammar's sentences along.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from motionary.captions.claims import Claims, claims_of
from motionary.captions.grammar import Sentence, known_actions, rarities, sentences
from motionary.errors import MotionaryError
from motionary.nn import unit_rows
from motionary.safetensors import read_safetensors, write_safetensors

__all__ = ["Bank", "cache_folder", "open_bank", "read_bank"]

ENVIRONMENT = "MOTIONARY_CACHE"
"""The environment variable that names the folder to keep banks in."""

LONGEST = 500
"""Letters of a sentence; a longer line is no sentence."""
MOST_BYTES = 64 << 20
BATCH = 256
"""Sentences embedded at a time, between two reports of progress."""


class TextModel(Protocol):
    """What a bank needs of a model bundle."""

    @property
    def id(self) -> str:
        """The sha256 of its config and weights."""

    @property
    def joint_dim(self) -> int:
        """D."""

    @property
    def folder(self) -> Path:
        """Where it is, and with it, perhaps, a bank."""

    def embed_captions(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(N, D) unit rows."""


@dataclass(frozen=True, eq=False)
class Bank:
    """Sentences and their embeddings, (N, D) unit rows of the model whose id is ``model``."""

    sentences: tuple[Sentence, ...]
    vectors: NDArray[np.float32]
    model: str

    @cached_property
    def claims(self) -> tuple[tuple[Claims, ...], NDArray[np.int64]]:
        """The different claims, and which of them each sentence makes (N,): many make the same."""
        found: dict[Claims, int] = {}
        which = [found.setdefault(sentence.claims, len(found)) for sentence in self.sentences]
        return tuple(found), np.array(which, np.int64)

    @cached_property
    def shows(self) -> tuple[tuple[tuple[tuple[str, ...], ...], ...], NDArray[np.int64]]:
        """The different lists of signs, and which of them each sentence must show (N,)."""
        found: dict[tuple[tuple[str, ...], ...], int] = {}
        which = [found.setdefault(sentence.shows, len(found)) for sentence in self.sentences]
        return tuple(found), np.array(which, np.int64)

    @cached_property
    def rarity(self) -> NDArray[np.float32]:
        """How rarely what each sentence's action asks for is met (N,), in nats; 0 where nobody counted."""
        known = rarities()
        return np.array([known.get(sentence.action, 0.0) for sentence in self.sentences], np.float32)

    @cached_property
    def styled(self) -> NDArray[np.bool_]:
        """Which sentences (N,) name a style."""
        return np.array([bool(sentence.style) for sentence in self.sentences])


def open_bank(
    bundle: TextModel,
    extra: Iterable[Path] = (),
    *,
    cache: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Bank:
    """The grammar's sentences and those of ``extra`` (files or folders, see ``read_bank``) in a joint space.

    What lies in the bundle's own folder is taken first. cache: the folder to keep them in else (None: the
    user's own); where it cannot be written they are embedded anew each time, which takes some ten seconds.
    progress: called with how many of how many are embedded.
    MotionaryError for an extra bank that cannot be read, and where the text encoder is missing.
    """
    own = {sentence.text: sentence for sentence in sentences()}
    for path in extra:
        for sentence in read_bank(path):
            own.setdefault(sentence.text, sentence)
    chosen = tuple(own.values())
    digest = hashlib.sha256("\n".join(own).encode()).hexdigest()
    name = f"captions-{bundle.id[:16]}-{digest[:16]}.safetensors"
    kept = (cache or cache_folder()) / name
    vectors = None
    for place in (bundle.folder / name, kept):
        if vectors is None:
            vectors = _kept(place, len(chosen), bundle.joint_dim)
    if vectors is None:
        vectors = _embedded(bundle, list(own), progress)
        with suppress(MotionaryError, OSError):
            kept.parent.mkdir(parents=True, exist_ok=True)
            write_safetensors({"vectors": vectors.astype(np.float16)}, kept)
        # As it will be read again: the same clip gets the same caption today and tomorrow.
        vectors = vectors.astype(np.float16).astype(np.float32)
    return Bank(chosen, unit_rows(vectors), bundle.id)


def _kept(path: Path, count: int, width: int) -> NDArray[np.float32] | None:
    """What an earlier call kept, if it is whole."""
    if not path.is_file():
        return None
    try:
        vectors = read_safetensors(path).get("vectors")
    except MotionaryError:
        return None
    if vectors is None or vectors.shape != (count, width) or not np.isfinite(vectors).all():
        return None
    return vectors.astype(np.float32)


def _embedded(
    bundle: TextModel, texts: list[str], progress: Callable[[int, int], None] | None
) -> NDArray[np.float32]:
    # Sentences of about a length together: less padding.
    order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
    vectors = np.zeros((len(texts), bundle.joint_dim), np.float32)
    for start in range(0, len(order), BATCH):
        some = order[start : start + BATCH]
        vectors[some] = bundle.embed_captions([texts[number] for number in some])
        if progress:
            progress(min(start + BATCH, len(texts)), len(texts))
    return vectors


def cache_folder() -> Path:
    """Where the user's caches are, by the system's own custom, or what MOTIONARY_CACHE names."""
    if named := os.environ.get(ENVIRONMENT):
        return Path(named)
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "motionary"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "motionary"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "motionary"


def read_bank(path: Path) -> list[Sentence]:
    """The sentences of a text file, one a line, or of all .txt files below a folder, in order; each once.

    Empty lines and those that begin with # are passed over; of a line as HumanML3D writes it
    (caption#words#0.0#0.0) the caption counts, and of a folder with a folder ``texts`` that one. What a
    sentence claims is read from its words. MotionaryError, with file and line, for what is not UTF-8 text or
    no sentence.
    """
    path = Path(path)
    if path.is_dir():
        files = sorted((path / "texts" if (path / "texts").is_dir() else path).rglob("*.txt"))
        if not files:
            raise MotionaryError(
                f"{path}: holds no .txt file; give a file with a sentence a line, or a folder of them"
            )
    else:
        files = [path]
    texts = dict.fromkeys(text for file in files for text in _lines(file))
    if not texts:
        raise MotionaryError(f"{path}: has no sentence; write one a line")
    return [_sentence(text) for text in texts]


def _lines(path: Path) -> list[str]:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise MotionaryError(
                f"{path}: is larger than {MOST_BYTES >> 20} MB; a bank has a sentence a line"
            )
        content = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MotionaryError(f"{path}: not UTF-8 text ({error.reason}); save it as UTF-8") from None
    except OSError as error:
        raise MotionaryError(f"{path}: cannot be read: {error.strerror or error}") from None
    found = []
    for number, line in enumerate(content.splitlines(), 1):
        if line.lstrip().startswith("#"):
            continue
        text = " ".join(line.partition("#")[0].split())
        if len(text) > LONGEST or not text.isprintable():
            what = f"has {len(text)} letters" if len(text) > LONGEST else "holds control characters"
            raise MotionaryError(
                f"{path}: line {number}: {what}; a bank has a sentence a line, up to {LONGEST} letters"
            )
        if text:
            found.append(text)
    return found


def _sentence(text: str) -> Sentence:
    """A sentence with what its words claim, and the first action that it names."""
    verbs = known_actions()
    action = next((verbs[word] for word in text.lower().replace(",", " ").split() if word in verbs), "")
    return Sentence(text, claims_of(text), action, tags=(action.replace("_", " "),) if action else ())
