"""Motion files into a library: read, embed, keep; again and again, only what changed.

Files are read and their features computed in other processes (``motionary.reading_processes``); embedding,
which numpy spreads over the cores by itself (or a GPU does it: ``motionary.device``), and writing happen
here. Other machines may read and embed instead; only this one writes. A file's clips are one transaction, so
whenever the work is stopped, what was finished stays and the same call goes on from there.
What only Blender reads, a Blender of each reading process reads (``motionary.blender_files``).
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import accumulate, chain
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from motionary import library as store
from motionary.blender_files import (
    BLENDER_SUFFIXES,
    CURE,
    Blender,
    ReadFile,
    blender_reader,
    check_blender,
    find_blender,
)
from motionary.captions.facts_array import pack_facts
from motionary.captions.measure import measure_joints, thinned_joints
from motionary.captions_csv import NAME as CAPTIONS_NAME
from motionary.captions_csv import Said, read_captions
from motionary.clip_stream import FileClips
from motionary.codec import encode_motion
from motionary.errors import MotionaryError
from motionary.features import FPS, features_from_joints, motion_joints
from motionary.formats import SUFFIXES, read_clip
from motionary.library import Library, Model, NewClip, Source
from motionary.moments import cut_costs, snapped
from motionary.motion import Clip, Motion
from motionary.reading_processes import read_all
from motionary.search import MotionModel, check_model

__all__ = [
    "Elsewhere",
    "Embed",
    "FileTask",
    "IndexReport",
    "MotionModel",
    "Progress",
    "Read",
    "Windows",
    "add_clips",
    "embed_again",
    "ended_its_process",
    "file_reader",
    "index_files",
    "is_blenders",
    "measured_windows",
    "motion_files",
    "motion_windows",
    "told_reason",
    "window_frames",
    "working_blender",
]

BATCH = 8192
"""Frames that are embedded together: enough to keep numpy or a GPU busy, little to lose when stopped."""
ALL_SUFFIXES = (*SUFFIXES, *BLENDER_SUFFIXES)

Embed: TypeAlias = Callable[[Sequence[NDArray[Any]]], NDArray[np.float32]]
"""Features (T, 263) at 20 fps of N motions to (N, D) unit rows."""


@dataclass(frozen=True)
class Windows:
    """What of a clip gets an embedding, in seconds.

    A clip up to ``whole`` does as it is. So do windows of each of ``lengths``, a new one every ``step`` of
    its length and the last flush with the end: all of them in a longer clip; in one up to ``whole`` those of
    half its length or less, for several things may be done in it, too.
    """

    whole: float = 10.0
    lengths: tuple[float, ...] = (3.0, 6.0, 10.0)
    step: float = 0.5

    def __post_init__(self) -> None:
        if not (
            self.lengths
            and min(self.lengths) > 0
            and max(self.lengths) <= self.whole < np.inf
            and 0 < self.step <= 1
        ):
            raise MotionaryError(f"windows need 0 < lengths <= whole and 0 < step <= 1, not {self}")


@dataclass(frozen=True)
class Progress:
    """``done`` of ``total`` files or clips are finished, ``name`` is the last; ``failure``: why it failed;
    ``notes``: lines about what in it is no clip."""

    done: int
    total: int
    name: str
    failure: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class IndexReport:
    """What was done with files (``clips`` are those of the indexed ones, ``embedded`` counts clips);
    ``failures`` are lines for the user, and so are ``notes`` about what in good files is no clip. upgraded:
    the version that the library was brought to, 0 where that was not asked for."""

    indexed: int = 0
    clips: int = 0
    unchanged: int = 0
    removed: int = 0
    embedded: int = 0
    failures: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    cancelled: bool = False
    seconds: float = 0.0
    upgraded: int = 0


@dataclass(frozen=True)
class FileTask:
    """A motion file to read; ``sha256``: what the library holds of it, where it was read in the same way.

    said: of the file; of_clips: of its clips, by their names.
    """

    name: str
    said: Said
    fps: float | None
    windows: Windows
    reading: str
    sha256: str | None = None
    of_clips: Mapping[str, Said] = field(default_factory=dict)


@dataclass(frozen=True)
class _Stored:
    """A clip of the library ``name`` to embed again."""

    name: str
    clip: int
    windows: Windows


@dataclass(frozen=True, eq=False)
class Read:
    """What a reading process made of a task: clips (None: the file holds what it did), or a failure.

    spans: (N, 2) seconds; parts: the features of each span, (F, 263), of one clip after the other; facts: of
    a stored clip's spans.
    """

    name: str
    source: Source | None = None
    clips: Sequence[NewClip] | None = None
    spans: NDArray[np.float64] | None = None
    parts: Sequence[NDArray[np.float32]] = ()
    facts: NDArray[np.float32] | None = None
    failure: str | None = None
    notes: tuple[str, ...] = ()


Elsewhere: TypeAlias = Callable[
    [Sequence["FileTask"], Callable[[], bool] | None], Iterator[tuple["Read", NDArray[np.float32]]]
]
"""What reads and embeds files on other machines, until its second argument says so: what was read of each, in
any order, and the embeddings (N, D) of its spans."""


def index_files(
    sources: Iterable[Path],
    library: Library,
    bundle: MotionModel,
    *,
    workers: int | None = None,
    fps: float | None = None,
    windows: Windows | None = None,
    prune: bool = False,
    reread: bool = False,
    embed: Embed | None = None,
    batch: int | None = None,
    blender: Callable[[], Blender | None] = find_blender,
    elsewhere: Elsewhere | None = None,
    progress: Callable[[Progress], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> IndexReport:
    """Read the motion files in ``sources`` (files, and folders with all below) into an open library.

    Files that did not change since are passed over; those that changed take the place of what they were.
    What a ``captions.csv`` in a folder says of the files below it is kept with them; one clip of a file that
    has several is ``file.blend#Clip`` to it. A file that cannot be read is reported and passed over; so are
    .blend, FBX and glTF files, in one line for all, where there is no Blender to read them.

    workers: processes that read (None: one a core; 1: this process reads, as it must within Blender). fps:
    frames a second of files whose header is wrong. prune: drop what the library has of files that are no
    longer in ``sources``. reread: unchanged files too. embed: what embeds instead of
    ``bundle.embed_features``, to the same vectors. batch: frames that are embedded together, and then kept
    (None: BATCH). blender: finds what reads such files; called where there are any to read. elsewhere: reads
    and embeds on other machines, with Blenders that it finds there; workers, embed, batch and blender are for
    this one. progress: called after each file, once it is kept. cancel: asked before each file whether to
    stop.

    MotionaryError where another model embedded the library, or it cannot be written.
    """
    began = time.monotonic()
    windows = _fitted(windows or Windows(), bundle)
    model = _taken_over(library, bundle)
    places = [Path(source).resolve() for source in sources]
    paths, said, failures = _find(places)
    tell = progress or (lambda _: None)
    for failure in failures:
        tell(Progress(0, len(paths), "", failure))

    known = store.sources(library)
    gone = [path for path, source in known.items() if prune and _is_gone(source, places)]
    store.remove_sources(library, gone)
    tasks = []
    for path in paths:
        of_clips = dict(said.get(path, {}))
        of_file = of_clips.pop("", None)
        reading = _reading(fps, of_file, of_clips)
        file = FileTask(path, of_file or Said((), ()), fps, windows, reading, of_clips=of_clips)
        old = known.get(path)
        if reread or old is None or old.reading != reading:
            tasks.append(file)
        elif not _is_untouched(old):
            tasks.append(replace(file, sha256=old.sha256))

    unchanged = finished = len(paths) - len(tasks)
    reads_them = None
    for_blender = [task for task in tasks if is_blenders(task)]
    if for_blender and elsewhere is None:
        try:
            reads_them = working_blender(blender())
        except MotionaryError as error:
            tasks = [task for task in tasks if not is_blenders(task)]
            finished += len(for_blender)
            failures.append(f"{_counted(for_blender)} not read: {error}")
            tell(Progress(finished, len(paths), for_blender[-1].name, failures[-1]))
    indexed = clips = 0
    notes: list[str] = []
    if elsewhere:
        done = elsewhere(tasks, cancel)
    else:
        reads = read_all(partial(file_reader, reads_them), ended_its_process, tasks, workers, cancel)
        done = chain.from_iterable(_embedded(reads, bundle, embed, batch or BATCH))
    for read, vectors in done:
        if read.failure:
            failures.append(read.failure)
        elif read.source and read.clips is not None:
            ends = accumulate(len(clip.spans) for clip in read.clips[:-1])
            rows = np.split(vectors, list(ends))
            made = [replace(clip, vectors=own) for clip, own in zip(read.clips, rows, strict=False)]
            store.replace_source(library, read.source, made, model)
            indexed, clips = indexed + 1, clips + len(made)
        elif read.source:
            store.update_source(library, read.source)
            unchanged += 1
        notes += read.notes
        finished += 1
        tell(Progress(finished, len(paths), read.name, read.failure, read.notes))
    return IndexReport(
        indexed,
        clips,
        unchanged,
        len(gone),
        failures=tuple(failures),
        notes=tuple(notes),
        cancelled=finished < len(paths),
        seconds=time.monotonic() - began,
    )


def embed_again(
    library: Library,
    bundle: MotionModel,
    *,
    workers: int | None = None,
    windows: Windows | None = None,
    embed: Embed | None = None,
    batch: int | None = None,
    progress: Callable[[Progress], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> IndexReport:
    """Embed a library's clips with another model, from the motions it holds: the sources are not needed.

    The model before serves until the last clip is done. Stopped, the next call goes on from there. A clip
    that cannot be embedded is reported and keeps the library from changing over to the new model.

    embed: what embeds instead of ``bundle.embed_features``, to the same vectors. batch: frames that it is
    given together (None: BATCH). The rest as for ``index_files``.
    """
    began = time.monotonic()
    windows, model = _fitted(windows or Windows(), bundle), _model(bundle)
    tasks = [_Stored(str(library.path), clip, windows) for clip in store.unembedded(library, model)]
    tell = progress or (lambda _: None)
    failures = []
    finished = 0
    reads = read_all(_stored_reader, ended_its_process, tasks, workers, cancel)
    for made in _embedded(reads, bundle, embed, batch or BATCH):
        done = zip(tasks[finished:], made, strict=False)
        vectors = [
            (task.clip, read.spans, rows, read.facts) for task, (read, rows) in done if read.spans is not None
        ]
        store.set_embeddings(library, model, vectors)
        for read, _ in made:
            if read.failure:
                failures.append(read.failure)
            finished += 1
            tell(Progress(finished, len(tasks), read.name, read.failure))
    if finished == len(tasks) and not failures:
        store.set_model(library, model)
    return IndexReport(
        embedded=finished - len(failures),
        failures=tuple(failures),
        cancelled=finished < len(tasks),
        seconds=time.monotonic() - began,
    )


def add_clips(
    clips: Sequence[Clip],
    library: Library,
    bundle: MotionModel,
    *,
    source: str,
    windows: Windows | None = None,
) -> None:
    """Put clips that no reader here made (an Action, an FBX) into a library, in place of ``source``'s before.

    MotionaryError where one cannot be embedded, or another model embedded the library; then nothing is added.
    """
    windows, model = _fitted(windows or Windows(), bundle), _taken_over(library, bundle)
    made = []
    for clip in clips:
        new, parts = _prepared(clip, windows)
        made.append(replace(new, vectors=bundle.embed_features(parts)))
    store.replace_source(library, Source(source, 0, 0, ""), made, model)


def window_frames(frames: int, windows: Windows) -> list[tuple[int, int]]:
    """Which of ``frames`` frames at 20 fps get an embedding, as [start, end) ranges in order."""
    is_whole = frames <= round(windows.whole * FPS)
    ranges = {(0, frames)} if is_whole else set()
    for seconds in windows.lengths:
        length = max(1, round(seconds * FPS))
        if length <= (frames // 2 if is_whole else frames):
            step = max(1, round(length * windows.step))
            starts = [*range(0, frames - length, step), frames - length]
            ranges |= {(start, start + length) for start in starts}
    return sorted(ranges)


def motion_windows(
    motion: Motion, bundle: MotionModel, windows: Windows | None = None
) -> tuple[NDArray[np.float64], list[NDArray[np.float32]]]:
    """What of a motion gets an embedding: spans (N, 2) in seconds, and the features (F, 263) of each.

    MotionaryError where its skeleton is no human body, or it is too short.
    """
    return _parts(motion, _fitted(windows or Windows(), bundle))


def _fitted(windows: Windows, bundle: MotionModel) -> Windows:
    """Windows that the model takes in whole."""
    longest = bundle.max_frames / FPS
    lengths = tuple(dict.fromkeys(min(length, longest) for length in windows.lengths))
    return replace(windows, whole=min(windows.whole, longest), lengths=lengths)


def _model(bundle: MotionModel) -> Model:
    return Model(bundle.id, bundle.name, bundle.joint_dim, json.dumps(dict(bundle.config)))


def _taken_over(library: Library, bundle: MotionModel) -> Model:
    """The model, which an empty library takes on; MotionaryError where the library has another."""
    model = _model(bundle)
    if library.model is None or not store.clip_ids(library):
        store.set_model(library, model)
    check_model(library, bundle)
    return model


# What there is to do


def motion_files(sources: Iterable[Path]) -> tuple[list[Path], list[str]]:
    """The motion files in ``sources`` (files, and folders with all below), and a line for what is none."""
    paths, _, failures = _find([Path(source).resolve() for source in sources])
    return [Path(path) for path in paths], failures


def _find(places: Sequence[Path]) -> tuple[list[str], dict[str, dict[str, Said]], list[str]]:
    """The motion files in ``places``, what captions files say of each ("") and of its clips, by their names,
    and what is wrong with the places."""
    paths: dict[str, None] = {}
    said: dict[str, dict[str, Said]] = {}
    failures: list[str] = []

    def refused(error: OSError) -> None:
        failures.append(f"{error.filename}: cannot be read: {error.strerror}")

    def heed(folder: Path, *, whole: bool) -> None:
        table = folder / CAPTIONS_NAME
        if not table.is_file():
            return
        try:
            for name, what in read_captions(table).items():
                path, clip = os.path.normpath(folder / name), ""
                if not os.path.exists(path) and "#" in name:  # noqa: PTH110 - Path's raises for a name too long
                    file, _, clip = name.partition("#")
                    path = os.path.normpath(folder / file)
                if not Path(path).is_relative_to(folder):
                    failures.append(
                        f"{table}: line {what.line}: names {name!r}, which is not below its folder; a table "
                        "speaks of the files beside it and below"
                    )
                elif os.path.exists(path):  # noqa: PTH110
                    of_file = said.setdefault(path, {})
                    above = of_file.get(clip, Said((), ()))
                    of_file[clip] = Said(above.captions + what.captions, above.tags + what.tags)
                elif whole:
                    failures.append(f"{table}: line {what.line}: names {name!r}, which is not there")
        except MotionaryError as error:
            failures.append(str(error))

    for place in places:
        if place.is_dir():
            before = len(paths)
            for folder, folders, names in os.walk(place, onerror=refused):
                folders[:] = sorted(name for name in folders if not name.startswith("."))
                heed(Path(folder), whole=True)
                for name in sorted(names):
                    if name.lower().endswith(ALL_SUFFIXES) and not name.startswith("."):
                        paths[str(Path(folder, name))] = None
            if len(paths) == before:
                failures.append(f"{place}: no motion files ({', '.join(ALL_SUFFIXES)}) in this folder")
        elif not place.exists():
            failures.append(f"{place}: no such file or folder")
        elif place.suffix.lower() != ".asf" and place.name != CAPTIONS_NAME:  # as in: index walks/*
            heed(place.parent, whole=False)
            paths[str(place)] = None
    return list(paths), said, failures


def _reading(fps: float | None, said: Said | None, of_clips: Mapping[str, Said]) -> str:
    """A digest of what besides a file's bytes decides what its clips are; empty where nothing does."""
    if fps is None and said is None and not of_clips:
        return ""
    what: list[Any] = [fps, said and said.captions, said and said.tags]
    what += [[clip, own.captions, own.tags] for clip, own in of_clips.items()]
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()


def is_blenders(task: FileTask) -> bool:
    """Whether only Blender reads this file."""
    return task.name.lower().endswith(BLENDER_SUFFIXES)


def _counted(files: Sequence[FileTask]) -> str:
    more = f" and {len(files) - 1} more {'file' if len(files) == 2 else 'files'}" if len(files) > 1 else ""
    return f"{files[0].name}{more}"


def working_blender(blender: Blender | None) -> Blender:
    """``blender``; MotionaryError, with the cure, where there is none or it does not come up."""
    if blender is None:
        raise MotionaryError(f"no Blender was found, which reads {', '.join(BLENDER_SUFFIXES)}; {CURE}")
    check_blender(blender)
    return blender


def _is_untouched(old: Source) -> bool:
    try:
        now = Path(old.path).stat()
    except OSError:
        return False
    return (now.st_size, now.st_mtime_ns) == (old.size, old.mtime_ns)


def _is_gone(source: Source, places: Sequence[Path]) -> bool:
    """Whether a file that was in one of ``places``, which themselves are there, is there no more.

    What `add_clips` was given was never a file to be read again.
    """
    file = Path(source.path)
    return (
        source.sha256 != ""
        and not file.exists()
        and any(place.is_dir() and place in file.parents for place in places)
    )


# In the reading processes


@contextmanager
def file_reader(blender: Blender | None) -> Iterator[Callable[[FileTask], Read]]:
    """What reads one file after another in a process; ``blender`` reads what only Blender does."""
    if blender is None:
        yield _read_file
        return
    with blender_reader(blender) as read:
        yield partial(_read_file, blenders=read)


def _read_file(task: FileTask, blenders: ReadFile | None = None) -> Read:
    path = Path(task.name)
    try:
        task.name.encode()
        if not path.is_file():
            raise MotionaryError(f"{path}: not a file that can be read")
        status = path.stat()
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        source = Source(task.name, status.st_size, status.st_mtime_ns, digest, task.reading)
        if digest == task.sha256:
            return Read(task.name, source)
        if blenders and is_blenders(task):
            return _made_of_many(task, source, blenders(path))
        new, parts = _prepared(_told_of(read_clip(path, fps=task.fps), task.said), task.windows)
        notes = _unknown(task, ())
    except Exception as error:  # whatever one file does to its reader, the others are to be read
        return Read(task.name, failure=told_reason(task.name, error))
    return Read(task.name, source, [new], parts=parts, notes=notes)


def _made_of_many(task: FileTask, source: Source, found: FileClips) -> Read:
    """The clips of a file that holds any number of them; one that is no body's is passed over with a note."""
    clips: list[NewClip] = []
    parts: list[NDArray[np.float32]] = []
    notes = [*found.notes, *_unknown(task, [clip.name for clip in found.clips])]
    for clip in found.clips:
        if task.fps is not None:
            clip = replace(clip, motion=replace(clip.motion, fps=task.fps))
        said = task.of_clips.get(clip.name, Said((), ()))
        try:
            new, own = _prepared(_told_of(_told_of(clip, task.said), said), task.windows)
        except MotionaryError as error:
            notes.append(f"{task.name}#{clip.name}: {error}")
            continue
        clips.append(new)
        parts += own
    return Read(task.name, source, clips, parts=parts, notes=tuple(notes))


def _told_of(clip: Clip, said: Said) -> Clip:
    """``clip`` with the captions and tags that a captions file has of it before its own."""
    return replace(
        clip,
        captions=tuple(dict.fromkeys(said.captions + clip.captions)),
        tags=tuple(dict.fromkeys(said.tags + clip.tags)),
    )


def _unknown(task: FileTask, clips: Sequence[str]) -> tuple[str, ...]:
    return tuple(
        f"{task.name}#{name}: {CAPTIONS_NAME} has captions for this clip, which the file does not have"
        for name in task.of_clips
        if name not in clips
    )


@contextmanager
def _stored_reader() -> Iterator[Callable[[_Stored], Read]]:
    yield _read_stored


def _read_stored(task: _Stored) -> Read:
    try:
        with store.open_library(Path(task.name)) as library:
            motion = store.clip_motion(library, task.clip)
        spans, parts = _parts(motion, task.windows)
        facts = measured_windows(motion, spans)
    except Exception as error:  # as above
        return Read(task.name, failure=told_reason(f"{task.name}: clip {task.clip}", error))
    return Read(task.name, spans=spans, parts=parts, facts=facts)


def _prepared(clip: Clip, windows: Windows) -> tuple[NewClip, list[NDArray[np.float32]]]:
    """A clip that lacks nothing but its vectors, and the features that they are made from."""
    motion = clip.motion
    with np.errstate(over="ignore", invalid="ignore"):  # what comes of it is refused, with the joint
        spans, parts = _parts(motion, windows)
    new = NewClip(
        name=clip.name,
        skeleton=motion.skeleton,
        fps=motion.fps,
        frames=motion.frames,
        data=encode_motion(motion),
        captions=clip.captions,
        tags=clip.tags,
        spans=spans,
        vectors=np.zeros((0, 0), np.float32),
        facts=measured_windows(motion, spans),
    )
    return new, parts


def _parts(motion: Motion, windows: Windows) -> tuple[NDArray[np.float64], list[NDArray[np.float32]]]:
    """The windows of a motion: their seconds (N, 2), and the features of each as if it were all there is."""
    joints = motion_joints(motion)
    frames = max(len(joints) - 1, 1)
    longest = round(windows.whole * FPS)
    ranges = snapped(window_frames(frames, windows), cut_costs(joints, FPS), frames, longest)
    spans = np.array(ranges, np.float64) / FPS
    spans[[end == frames for _, end in ranges], 1] = motion.duration
    return spans, [features_from_joints(joints[start : end + 1]) for start, end in ranges]


def measured_windows(motion: Motion, spans: NDArray[np.float64]) -> NDArray[np.float32]:
    """The facts of each span, (N, WIDTH)."""
    joints, fps = thinned_joints(motion)
    rows = []
    for start, end in spans.tolist():
        first = min(round(start * fps), len(joints) - 1)
        rows.append(pack_facts(measure_joints(joints[first : max(round(end * fps), first + 1)], fps)))
    return np.array(rows, np.float32)


def told_reason(name: str, error: Exception) -> str:
    """One line that begins with what could not be read."""
    if isinstance(error, MotionaryError):
        reason = str(error)
    elif isinstance(error, UnicodeEncodeError):
        return f"{name!a}: its name is not Unicode text; rename it"
    elif isinstance(error, MemoryError):
        reason = "takes more memory than there is"
    elif isinstance(error, OSError):
        reason = f"cannot be read: {error.strerror or error}"
    else:
        reason = f"cannot be read ({type(error).__name__}: {error})"
    reason = " ".join(reason.split())
    return reason if name in reason else f"{name}: {reason}"


def ended_its_process(task: FileTask | _Stored, exit_code: int | None) -> Read:
    """What is told of a task that the process which did it did not survive."""
    return Read(
        task.name,
        failure=f"{task.name}: reading it ended the process that did (exit code {exit_code}); it may need "
        "more memory than there is",
    )


# Here


def _embedded(
    reads: Iterable[Read], bundle: MotionModel, embed: Embed | None, batch: int
) -> Iterator[list[tuple[Read, NDArray[np.float32]]]]:
    """The ``reads``, in order, ``batch`` frames at a time, with the embeddings (N, D) of their parts.

    numpy embeds each read alone: what is embedded together changes the last bits, and a run that was stopped
    and goes on is to end in the same library as one that was not. Other devices take all at once, or they
    would wait more than work.
    """
    none = np.zeros((0, bundle.joint_dim), np.float32)
    for waiting in _batches(reads, batch):
        if embed is None:
            yield [(read, bundle.embed_features(read.parts) if read.parts else none) for read in waiting]
            continue
        parts = [part for read in waiting for part in read.parts]
        ends = np.cumsum([len(read.parts) for read in waiting])
        vectors = embed(parts) if parts else none
        yield list(zip(waiting, np.split(vectors, ends[:-1]), strict=True))


def _batches(reads: Iterable[Read], frames: int) -> Iterator[list[Read]]:
    waiting: list[Read] = []
    held = 0
    for read in reads:
        waiting.append(read)
        held += sum(len(part) for part in read.parts)
        if held >= frames:
            yield waiting
            waiting, held = [], 0
    if waiting:
        yield waiting
