"""A studio's own motions: a folder of motion files of any format with a captions.csv in it.

The file has the columns file, caption and, if wanted, tags (the actions, separated by ";") and split (train,
val or test). Without that column, one file in ten is of val and the rest of train, by the hash of what is in
the file: the same file is of the same split on every machine, under every name, whatever is added beside it.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from pathlib import Path

from motionary.captions_csv import NAME, read_captions
from motionary.errors import MotionaryError
from motionary_training.sources.cuts import Cut
from motionary_training.sources.missing import refuse
from motionary_training.sources.sample import SPLITS, mirrored_id
from motionary_training.sources.words import mirrored_words

__all__ = ["studio_cuts"]

VAL_SHARE = 0.1


def studio_cuts(folder: Path, splits: Sequence[str], *, mirrored: bool) -> list[Cut]:
    """Every captioned file of ``splits``; with ``mirrored``, seen in a mirror too where it is of train.

    Raises MotionaryError that names each file of captions.csv that is not there, or the line of a bad split.
    """
    table = folder / NAME
    said = {name: of_file for name, of_file in read_captions(table).items() if of_file.captions}
    files = {name: folder / name for name in said}
    refuse(
        f"{table}: files missing",
        [str(file) for file in files.values() if not file.is_file()],
        "add them, or take their lines out",
    )
    split_of = _told_splits(table) or _split_by_hash(files)
    cuts = []
    for name, of_file in said.items():
        split, clip = split_of[name], f"studio/{name}"
        if split not in splits:
            continue
        tags = frozenset(of_file.tags)
        cuts.append(Cut(clip, clip, clip, files[name], 0, -1, False, split, of_file.captions, tags))
        if mirrored and split == "train":
            other, captions = mirrored_id(clip), tuple(map(mirrored_words, of_file.captions))
            cuts.append(Cut(other, other, clip, files[name], 0, -1, True, split, captions, tags))
    return cuts


def _told_splits(table: Path) -> dict[str, str]:
    """File to split, as the column says; nothing where there is no such column."""
    split_of: dict[str, str] = {}
    with table.open(encoding="utf-8-sig", newline="") as file:  # read_captions has found no fault in it
        rows = csv.DictReader(file)
        if "split" not in (rows.fieldnames or ()):
            return {}
        for row in rows:
            name, split = row["file"].strip().replace("\\", "/"), row["split"].strip()
            if split not in SPLITS:
                raise MotionaryError(f"{table}: line {rows.line_num}: split {split!r} is none of {SPLITS}")
            if split_of.setdefault(name, split) != split:
                raise MotionaryError(
                    f"{table}: line {rows.line_num}: {name} is of {split} here and of {split_of[name]} above"
                )
    return split_of


def _split_by_hash(files: dict[str, Path]) -> dict[str, str]:
    """One file in ten to val, by content; that of the smallest hash always, that of the largest never."""
    hashes = {name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in files.items()}
    limit = f"{int(VAL_SHARE * 16**8):08x}"
    smallest, largest = min(hashes.values(), default=""), max(hashes.values(), default="")
    val = {digest for digest in hashes.values() if digest < limit or digest == smallest} - {largest}
    return {name: "val" if digest in val else "train" for name, digest in hashes.items()}
