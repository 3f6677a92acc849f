"""The captioned CMU clips of HumanML3D: which stretch of which trial carries which captions, in which split.

Wants three things in one folder, each as NAME.zip or unpacked as NAME/: ``cmu_mocap`` (cmu/bvh, cmu/amc,
cmu/provenance.csv), ``cmu_mocap_extra`` (cmu_extra/bvh, cmu_extra/mapping.csv) and ``humanml3d_texts``
(humanml3d/index.csv, texts/, train.txt, val.txt, test.txt).
"""

from __future__ import annotations

import csv
import math
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from motionary.errors import MotionaryError
from motionary.files import building_folder

__all__ = ["SPLITS", "Caption", "Cut", "cmu_cuts", "described_cuts", "read_captions", "unpacked"]

SPLITS = ("train", "val", "test")
WINDOW, STEP = 120, 80
"""Frames at 20 fps of the windows that trials without captions are cut into, and from one to the next."""

_VAGUE = (
    "be do have seem appear take start begin move make go get use continue try come look stop put keep "
    "perform proceed repeat return place hold bring remain then face"
)
VAGUE_VERBS = frozenset(_VAGUE.split())
"""Verbs that name no action of their own, so sharing one makes no two clips alike."""


@dataclass(frozen=True)
class Caption:
    """One line of a text file. start, end: seconds into the clip; both 0 for the whole clip."""

    text: str
    verbs: frozenset[str]
    start: float = 0.0
    end: float = 0.0


@dataclass(frozen=True)
class Cut:
    """A stretch of a trial's file with its captions.

    id: "000021", "M000021" when mirrored, "000021@0-5" for a timed part. group: the clip that it shows,
    "000021" or "M000021": its parts share it. start, end: frames at 20 fps; end is -1 for the last.
    actions: verbs of any caption. labels: short captions of the verbs that two people used.
    """

    id: str
    group: str
    trial: str
    file: Path
    start: int
    end: int
    mirrored: bool
    split: str
    captions: tuple[str, ...]
    actions: frozenset[str] = frozenset()
    labels: tuple[str, ...] = ()


def cmu_cuts(folder: Path, cache: Path, splits: Sequence[str], *, mirrored: bool) -> list[Cut]:
    """Every captioned clip of ``splits`` whose trial is at hand, in the order of its id.

    Mirrored clips are added to the train split only. Raises MotionaryError naming each missing file.
    """
    files, texts = _trial_files(folder, cache), unpacked(folder, "humanml3d_texts", cache) / "humanml3d"
    split_of = {name: split for split in splits for name in (texts / f"{split}.txt").read_text().split()}
    cuts: list[Cut] = []
    missing: list[str] = []
    for row in _rows(texts / "index.csv"):
        name, trial = row["new_name"].removesuffix(".npy"), _trial(row["source_path"])
        if trial not in files or name not in split_of:
            continue
        for clip in (name, "M" + name) if mirrored and split_of[name] == "train" else (name,):
            text = texts / "texts" / f"{clip}.txt"
            if not text.is_file():
                missing.append(str(text))
                continue
            start, end = int(row["start_frame"]), int(row["end_frame"])
            cuts += _clip_cuts(clip, trial, files[trial], start, end, split_of[name], read_captions(text))
    _refuse_missing(missing)
    return sorted(cuts, key=lambda cut: cut.id)


def described_cuts(folder: Path, cache: Path) -> list[Cut]:
    """Windows of the trials that no HumanML3D clip was cut from, with CMU's description of the trial.

    Trials of the val and test splits are never among them.
    """
    files, texts = _trial_files(folder, cache), unpacked(folder, "humanml3d_texts", cache) / "humanml3d"
    captioned = {_trial(row["source_path"]) for row in _rows(texts / "index.csv")}
    rows = _rows(unpacked(folder, "cmu_mocap", cache) / "cmu" / "trials.csv")
    told = {row["trial"]: row["motion_description"].strip() for row in rows}
    # The end of a trial is known only once it is read: windows past it are dropped there.
    return [
        Cut(
            f"{trial}@{start}",
            trial,
            trial,
            file,
            start,
            start + WINDOW,
            False,
            "train",
            (told[trial],),
        )
        for trial, file in sorted(files.items())
        if trial not in captioned and told.get(trial)
        for start in range(0, 15 * STEP, STEP)
    ]


def read_captions(path: Path) -> list[Caption]:
    """The lines ``caption#word/POS word/POS...#start#end`` of a HumanML3D text file; nan times mean 0."""
    captions = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            text, tokens, start, end = line.split("#")
            times = [0.0 if math.isnan(float(value)) else float(value) for value in (start, end)]
        except ValueError:
            raise MotionaryError(
                f"{path}: line {number} is not 'caption#tokens#start#end'; unpack the file anew"
            ) from None
        verbs = {word.rsplit("/", 1)[0] for word in tokens.split() if word.endswith("/VERB")}
        captions.append(Caption(text.strip(), frozenset(verbs - VAGUE_VERBS), *times))
    return captions


def unpacked(folder: Path, name: str, cache: Path) -> Path:
    """``folder/name`` if it is a folder, else ``folder/name.zip`` unpacked once below ``cache``."""
    if (folder / name).is_dir():
        return folder / name
    archive = folder / f"{name}.zip"
    if not archive.is_file():
        raise MotionaryError(
            f"{archive}: not found, nor the folder {folder / name}; set data.cmu to where it is"
        )
    target = cache / f"{name}-{archive.stat().st_size}"
    if not target.is_dir():
        try:
            with building_folder(target) as scratch, zipfile.ZipFile(archive) as opened:
                opened.extractall(scratch)
        except zipfile.BadZipFile:
            raise MotionaryError(f"{archive}: not a whole zip file; download it anew") from None
    return target


def _trial_files(folder: Path, cache: Path) -> dict[str, Path]:
    """Trial to motion file, as the archives' own tables list them; BVH before AMC where both are."""
    main = unpacked(folder, "cmu_mocap", cache) / "cmu"
    extra = unpacked(folder, "cmu_mocap_extra", cache) / "cmu_extra"
    files = {row["trial"]: extra / "bvh" / f"{row['trial']}.bvh" for row in _rows(extra / "mapping.csv")}
    for row in sorted(_rows(main / "provenance.csv"), key=lambda row: row["kind"]):  # amc, then bvh
        if row["kind"] in ("amc", "bvh"):
            files[row["trial"]] = main / row["kind"] / f"{row['trial']}.{row['kind']}"
    _refuse_missing([str(file) for file in files.values() if not file.is_file()])
    return files


def _clip_cuts(
    clip: str, trial: str, file: Path, start: int, end: int, split: str, captions: list[Caption]
) -> Iterator[Cut]:
    """The whole clip with its untimed captions, and one part for each stretch of time that has its own."""
    for span in dict.fromkeys((caption.start, caption.end) for caption in captions):
        here = [caption for caption in captions if (caption.start, caption.end) == span]
        whole = span == (0.0, 0.0)
        frames = (start, end) if whole else (start + int(span[0] * 20), start + int(span[1] * 20))
        if frames[1] != -1 and frames[1] <= frames[0]:
            continue
        verbs = Counter(verb for caption in here for verb in caption.verbs)
        yield Cut(
            id=clip if whole else f"{clip}@{span[0]:g}-{span[1]:g}",
            group=clip,
            trial=trial,
            file=file,
            start=frames[0],
            end=frames[1],
            mirrored=clip.startswith("M"),
            split=split,
            captions=tuple(dict.fromkeys(caption.text for caption in here)),
            actions=frozenset(verbs),
            labels=tuple(
                f"a person {_third_person(verb)}" for verb, uses in sorted(verbs.items()) if uses > 1
            ),
        )


def _third_person(verb: str) -> str:
    if verb.endswith(("s", "sh", "ch", "x", "z", "o")):
        return verb + "es"
    if verb.endswith("y") and verb[-2:-1] not in "aeiou":
        return verb[:-1] + "ies"
    return verb + "s"


def _trial(source_path: str) -> str:
    """ "01_02" for ./pose_data/CMU/01/01_02_poses.npy; "" for what is not CMU's."""
    return Path(source_path).name.removesuffix("_poses.npy") if "/CMU/" in source_path else ""


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except OSError as error:
        raise MotionaryError(f"{path}: cannot be read ({error.strerror}); unpack its archive anew") from None


def _refuse_missing(files: list[str]) -> None:
    if files:
        raise MotionaryError(
            f"the CMU data is incomplete, {len(files)} missing: {', '.join(files)}; unpack its archives anew"
        )
