"""The captioned CMU clips of HumanML3D: which stretch of which trial carries which captions, in which split.

Wants three things in one folder, each as NAME.zip or unpacked as NAME/: ``cmu_mocap`` (cmu/bvh, cmu/amc,
cmu/provenance.csv), ``cmu_mocap_extra`` (cmu_extra/bvh, cmu_extra/mapping.csv) and ``humanml3d_texts``
(humanml3d/index.csv, texts/, train.txt, val.txt, test.txt).
"""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from motionary.errors import MotionaryError
from motionary.files import building_folder
from motionary_training.sources.cuts import Cut
from motionary_training.sources.missing import refuse
from motionary_training.sources.sample import mirrored_id, plain_id
from motionary_training.sources.words import Span, read_captions, spans

__all__ = ["cmu_cuts", "described_cuts", "trial_descriptions", "unpacked"]

FPS = 20
WINDOW, STEP = 120, 80
"""Frames at 20 fps of the windows that trials without captions are cut into, and from one to the next."""


def cmu_cuts(
    folder: Path, cache: Path, splits: Sequence[str], *, mirrored: bool, pooled: bool = False
) -> list[Cut]:
    """Every captioned clip of ``splits`` whose trial is at hand, in the order of its id.

    Mirrored clips are added to the train split only; ``pooled`` takes all clips for that split's. Raises
    MotionaryError naming each missing file.
    """
    files, texts = _trial_files(folder, cache), unpacked(folder, "humanml3d_texts", cache) / "humanml3d"
    lists = {split: texts / f"{split}.txt" for split in splits}
    _refuse_missing([str(file) for file in lists.values() if not file.is_file()])
    split_of = {
        name: "train" if pooled else split
        for split, file in lists.items()
        for name in file.read_text("utf-8").split()
    }
    cuts: list[Cut] = []
    missing: list[str] = []
    for row in _rows(texts / "index.csv"):
        name, trial = row["new_name"].removesuffix(".npy"), _trial(row["source_path"])
        if trial not in files or name not in split_of:
            continue
        for clip in (name, mirrored_id(name)) if mirrored and split_of[name] == "train" else (name,):
            text = texts / "texts" / f"{clip}.txt"
            if not text.is_file():
                missing.append(str(text))
                continue
            start, end = int(row["start_frame"]), int(row["end_frame"])
            cuts += _clip_cuts(
                clip, trial, files[trial], start, end, split_of[name], spans(read_captions(text))
            )
    _refuse_missing(missing)
    return sorted(cuts, key=lambda cut: cut.id)


def described_cuts(folder: Path, cache: Path) -> list[Cut]:
    """Windows of the trials that no HumanML3D clip was cut from, with CMU's description of the trial.

    Trials of the val and test splits are never among them.
    """
    files, texts = _trial_files(folder, cache), unpacked(folder, "humanml3d_texts", cache) / "humanml3d"
    captioned = {_trial(row["source_path"]) for row in _rows(texts / "index.csv")}
    told = trial_descriptions(folder, cache)
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


def trial_descriptions(folder: Path, cache: Path) -> dict[str, str]:
    """Trial to CMU's own line about it, as far as trials.csv has one."""
    rows = _rows(unpacked(folder, "cmu_mocap", cache) / "cmu" / "trials.csv")
    return {row["trial"]: row["motion_description"].strip() for row in rows}


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
    clip: str, trial: str, file: Path, start: int, end: int, split: str, told: list[Span]
) -> Iterator[Cut]:
    """The whole clip with its untimed captions, and one part for each stretch of time that has its own."""
    for span in told:
        frames = (start + int(span.start * FPS), start + int(span.end * FPS)) if span.end else (start, end)
        if frames[1] != -1 and frames[1] <= frames[0]:
            continue
        yield Cut(
            id=clip + span.suffix,
            group=clip,
            trial=trial,
            file=file,
            start=frames[0],
            end=frames[1],
            mirrored=plain_id(clip) != clip,
            split=split,
            captions=span.captions,
            actions=span.actions,
            labels=span.labels,
        )


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
    refuse("the CMU data is incomplete, files missing", files, "unpack its archives anew")
