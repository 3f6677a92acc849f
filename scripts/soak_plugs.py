"""Pull the plug on whatever writes to a library, fill its disk, refuse its locks; then look what is left.

    python scripts/soak_plugs.py --markdown docs/reliability.md    # 200 kills an operation; minutes
    python scripts/soak_plugs.py --points 12 --only index upgrade  # a short form

Operations: index (into a new library), re-index (files changed, new and gone, other captions), caption
--apply (with --to-files), upgrade (of a library of version 1), and store-action (the operator of the Blender
extension, where there is pip's bpy). Each runs in a process that is forked for it and, with all that it has
started, ended by SIGKILL: every other time by place, at one of the moments at which SQLite or Python change a
file (tests/faults.py), drawn at random among all that an undisturbed run has; else by time, drawn at random
up to what an undisturbed run takes. Of ten runs that index, two read with two more processes.

After each: the library opens, PRAGMA integrity_check and foreign_key_check find nothing, each source's clips
are wholly as before or wholly as after, what was reported as done is there, nothing lies about but what
STRAYS names, and the same operation, run again, ends in the library of an undisturbed run, to the byte of
every embedding, fact, motion, caption and tag.

The same with a disk that is full from a random moment on: there, nothing at all may be left behind, and one
sentence must say what is wrong. Then a disk that really is full (a tmpfs, for root), a folder that is
read-only, locks that are refused as on NFS, two writers at once, readers during a writer.

Exit code 1 where anything is found. Linux, and a Python whose SQLite is a shared library.
"""

from __future__ import annotations

import argparse
import errno
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from motionary import commands  # noqa: E402
from motionary.errors import MotionaryError  # noqa: E402
from motionary.formats import write_bvh  # noqa: E402
from motionary.index_library import index_library  # noqa: E402
from motionary.library import VERSION, open_library, read_embeddings  # noqa: E402
from motionary.screen import PLAIN  # noqa: E402
from motionary.upgrade import is_earlier, upgrade_library  # noqa: E402
from scripts.measured_page import put_between  # noqa: E402
from tests.bundles import make_bundle  # noqa: E402
from tests.faults import Moments, can_be_met, meet_moments, refuse_locks  # noqa: E402
from tests.motions import standing, walk  # noqa: E402
from tests.old_library import write_old  # noqa: E402

LIBRARY, MOVES = "mine.motionary", "moves"
FILES = 10
BATCH = 250
"""Frames that are kept together: a few files."""
SPAWNING = 10
"""Of so many runs, in two there are two processes that read."""
IN_MEMORY = Path("/dev/shm") if Path("/dev/shm").is_dir() else None  # noqa: S108
"""Where a process is killed, all is the same in memory, and nothing has to wait for a disk."""
LONGEST = 120.0
"""Seconds after which a run hangs."""
STRAYS = (f"{LIBRARY}-journal", f"{LIBRARY}-upgrade", ".captions.csv.*.csv")
"""What a killed process may leave: the journal, which the next to open the library takes; the copy of an
upgrade, which the next upgrade overwrites; half a table, which goes when that is next written, an hour on."""

Tell: TypeAlias = Callable[[str], None]
State: TypeAlias = dict[str, tuple[Any, ...]]


@dataclass(frozen=True)
class Operation:
    """prepare: makes what a folder holds before. act: does it, with so many processes, and tells of each
    source, or at the end "all", when it is done. whole: it is one step, all of it or nothing."""

    name: str
    prepare: Callable[[Path], None]
    act: Callable[[Path, int, Tell], None]
    whole: bool = False


@dataclass
class Tally:
    """What was tried and what was found."""

    runs: int = 0
    killed: int = 0
    moments: int = 0
    seconds: float = 0.0
    half_way: int = 0
    found: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Ended:
    """How a process ended: exit code (negative: the signal), what it told and said, moments, seconds."""

    code: int
    told: tuple[str, ...]
    said: str
    moments: int
    seconds: float

    @property
    def sentence(self) -> str:
        """The one line that was said, the path left out; "" where there were several. Blender says what an
        operator reports, too, before the operator's caller does."""
        lines = {line.removeprefix("motionary: ").removeprefix("Error: ") for line in self.said.splitlines()}
        return lines.pop().partition(": ")[2] if len(lines) == 1 else ""


# What is done


def write_moves(folder: Path, seed: int, numbers: Sequence[int]) -> None:
    """BVH files that differ by number and seed."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        seconds = 1.0 + 0.37 * ((number * 7 + seed * 3) % 9)
        motion = standing(round(20 * seconds)) if number % 4 == 3 else walk(seconds)
        write_bvh(motion, folder / f"{number:03}.bvh")


def write_table(folder: Path, word: str, numbers: Sequence[int]) -> None:
    rows = [f"{number:03}.bvh,a person {word} number {number},take;{word}" for number in numbers]
    (folder / "captions.csv").write_text("\n".join(["file,caption,tags", *rows, ""]), "utf-8")


def index(model: Path, folder: Path, workers: int, tell: Tell) -> None:
    @contextmanager
    def watch(_: str) -> Iterator[Callable[[Any], None]]:
        yield lambda step: tell(step.name) if not step.failure else None

    report = index_library(
        folder / LIBRARY,
        [folder / MOVES],
        model=model,
        device="numpy",
        find_blender=lambda: None,
        watch=watch,
        workers=workers,
        prune=True,
        batch=BATCH,
    )
    if report.failures:
        raise MotionaryError(report.failures[0])
    tell("all")


def before_index(folder: Path) -> None:
    write_moves(folder / MOVES, 0, range(FILES // 2))
    write_moves(folder / MOVES / "more", 0, range(FILES // 2, FILES))
    write_table(folder / MOVES, "moves", range(FILES // 2))
    write_table(folder / MOVES / "more", "moves", range(FILES // 2, FILES))


def before_apply(model: Path, folder: Path) -> None:
    before_index(folder)
    index(model, folder, 1, lambda _: None)
    clips = [
        {
            "file": str(path),
            "captions": [f"someone corrects {path.stem}", "and again"],
            "tags": ["corrected"],
        }
        for path in sorted((folder / MOVES).rglob("*.bvh"))
    ]
    document = {"format": "motionary-corrections", "version": 1, "clips": clips}
    (folder / "corrections.json").write_text(json.dumps(document), "utf-8")


def apply(folder: Path, workers: int, tell: Tell) -> None:
    code = commands.caption(
        [folder / LIBRARY],
        corrections=folder / "corrections.json",
        to_files=True,
        out=None,
        sidecar=False,
        banks=(),
        top=1,
        again=False,
        review=None,
        model=None,
        find_blender=lambda: None,
        as_json=True,
        screen=PLAIN,
    )
    if code != 0:
        raise MotionaryError(f"exit code {code}")
    tell("all")


def before_re_index(model: Path, folder: Path) -> None:
    before_index(folder)
    index(model, folder, 1, lambda _: None)
    write_moves(folder / MOVES, 1, (0, 2))
    write_moves(folder / MOVES / "more", 1, range(FILES, FILES + 2))
    write_table(folder / MOVES, "dances", range(1, FILES // 2))
    for number in (FILES // 2, FILES // 2 + 3):
        (folder / MOVES / "more" / f"{number:03}.bvh").unlink()
    left = [number for number in range(FILES // 2, FILES + 2) if number not in (FILES // 2, FILES // 2 + 3)]
    write_table(folder / MOVES / "more", "moves", left)


def before_upgrade(model: Path, folder: Path) -> None:
    before_index(folder)
    index(model, folder, 1, lambda _: None)
    (folder / LIBRARY).rename(folder / "today")
    write_old(folder / LIBRARY, folder / "today")
    (folder / "today").unlink()


def upgrade(folder: Path, workers: int, tell: Tell) -> None:
    upgrade_library(folder / LIBRARY)
    tell("all")


def store_action(folder: Path, workers: int, tell: Tell) -> None:
    import bpy

    if bpy.ops.motionary.store_action(clip_name="stored", captions="a person waits") != {"FINISHED"}:
        raise MotionaryError("the operator was cancelled")
    tell("all")


def before_store_action(model: Path, scene: Path, folder: Path) -> None:
    """The library, and a character whose Action is to be stored: Blender stays in this process."""
    import bpy

    from blender_addon.apply import apply_motion
    from blender_addon.libraries import add_library
    from blender_addon.preferences import preferences
    from scripts.sample_rigs import SAMPLES

    before_index(folder)
    index(model, folder, 1, lambda _: None)
    bpy.ops.preferences.addon_enable(module="blender_addon")
    preferences().model = str(model)
    preferences().library_folder = str(folder)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    character = SAMPLES["VRM"].make()
    apply_motion(character, walk(2.0), "act")
    bpy.ops.wm.save_as_mainfile(filepath=str(scene))
    add_library(folder / LIBRARY)


def operations(model: Path, away: Path) -> list[Operation]:
    """All of them. away: a folder for what is not the library's."""
    return [
        Operation("index", before_index, partial(index, model)),
        Operation("re-index", partial(before_re_index, model), partial(index, model)),
        Operation("caption --apply", partial(before_apply, model), apply, whole=True),
        Operation("upgrade", partial(before_upgrade, model), upgrade, whole=True),
        Operation(
            "store-action",
            partial(before_store_action, model, away / "scene.blend"),
            store_action,
            whole=True,
        ),
    ]


# A process, and how it ends


def run(
    act: Callable[[Tell], None],
    folder: Path,
    *,
    kill_at: int = 0,
    kill_after: float | None = None,
    full_from: int = 0,
    no_locks: int = 0,
) -> Ended:
    """Do it in a process of its own, with one fault."""
    notes = Path(tempfile.mkdtemp(prefix="motionary-plugs-"))
    began = time.monotonic()
    process = os.fork()
    if process == 0:
        code = 3
        try:
            os.setsid()
            out = os.open(notes / "said", os.O_WRONLY | os.O_CREAT)
            os.dup2(out, 1)
            os.dup2(out, 2)
            log = os.open(notes / "told", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            moments = Moments(kill_at, full_from)
            meet_moments(moments, folder)
            if no_locks:
                refuse_locks(no_locks)
            try:
                act(lambda name: os.write(log, f"{name}\n".encode()) and None)
                code = 0
            except (MotionaryError, RuntimeError) as error:  # RuntimeError: what a Blender operator reports
                os.write(out, f"motionary: {error}".strip().encode())
                code = 1 if isinstance(error, MotionaryError) or "Error: " in str(error) else 3
            (notes / "moments").write_text(str(moments.count))
        except BaseException:
            os.write(2, traceback.format_exc().encode())
        finally:
            os._exit(code)
    status = None
    while status is None:
        done, waited = os.waitpid(process, os.WNOHANG)
        seconds = time.monotonic() - began
        if done:
            status = waited
        elif seconds > LONGEST or (kill_after is not None and seconds >= kill_after):
            for kill in (os.killpg, os.kill):
                with suppress(ProcessLookupError):
                    kill(process, signal.SIGKILL)
            status = os.waitpid(process, 0)[1]
        else:
            time.sleep(0.001)
    with suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)  # whom it may have left
    read = {path.name: path.read_text(errors="replace") for path in notes.iterdir()}
    shutil.rmtree(notes)
    return Ended(
        os.waitstatus_to_exitcode(status),
        tuple(read.get("told", "").splitlines()),
        read.get("said", ""),
        int(read.get("moments") or 0),
        time.monotonic() - began,
    )


# What is left


def state_of(library: Path) -> State:
    """All that a library has of each source, to the byte, whatever the order in the file; {} of none."""
    if not library.exists():
        return {}
    with closing(sqlite3.connect(f"{library.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        read = connection.execute
        if not read("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            return {}
        found: State = {}
        connection.execute("BEGIN")
        for number, path, digest, reading in read("SELECT id, path, sha256, reading FROM sources"):
            clips = []
            for clip, name, start, end, fps, data, skeleton in read(
                "SELECT clips.id, name, start_frame, end_frame, fps, data, json FROM clips "
                "JOIN motions ON motions.id = motion JOIN skeletons ON skeletons.id = skeleton "
                "WHERE source = ? ORDER BY clips.id",
                (number,),
            ):
                texts = [
                    read(f"SELECT text FROM {table} WHERE clip = ? ORDER BY position", (clip,)).fetchall()  # noqa: S608
                    for table in ("captions", "tags")
                ]
                rows = read("SELECT * FROM embeddings WHERE clip = ? ORDER BY start_s, end_s", (clip,))
                clips.append((name, start, end, fps, data, skeleton, *texts, [row[3:] for row in rows]))
            found[path] = (digest, reading, clips)
        connection.execute("COMMIT")
    return found


def tables_of(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("captions.csv")}


def strays_of(folder: Path, before: set[Path]) -> list[Path]:
    """Files that were not there before, besides the library."""
    return sorted(p for p in folder.rglob("*") if p.is_file() and p not in before and p.name != LIBRARY)


def opens(library: Path, told: Sequence[str]) -> str:
    """Open it as any reader would, and have SQLite look it through; what is wrong with it, or ""."""
    try:
        if is_earlier(library):
            connection = sqlite3.connect(library)
        else:
            held = open_library(library)
            connection = held.connection
            read_embeddings(held)
    except MotionaryError as error:
        is_unmade = "not a Motionary library yet" in str(error) or "no such library" in str(error)
        return "" if is_unmade and not told else f"does not open: {error}"
    with closing(connection):
        if (checked := connection.execute("PRAGMA integrity_check").fetchall()) != [("ok",)]:
            return f"integrity_check: {checked}"
        if broken := connection.execute("PRAGMA foreign_key_check").fetchall():
            return f"foreign_key_check: {broken}"
    return ""


@dataclass(frozen=True)
class Trial:
    """An operation with its folder as before, and what an undisturbed run makes of that."""

    operation: Operation
    folder: Path
    kept: Path
    before: State
    after: State
    tables_before: dict[str, bytes]
    tables_after: dict[str, bytes]
    files: frozenset[Path]
    moments: int
    seconds: float
    growth: int

    def reset(self) -> None:
        """The folder as it was before; its path is the same, for it stands in the library."""
        for path in self.folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.copytree(self.kept, self.folder, dirs_exist_ok=True)

    def act(self, workers: int) -> Callable[[Tell], None]:
        """What is done, with so many processes."""
        return partial(self.operation.act, self.folder, workers)

    def faults_of(self, ended: Ended, strays: Sequence[str]) -> tuple[list[str], bool]:
        """What is wrong with what was left, and whether it was left half-way."""
        library = self.folder / LIBRARY
        found = [said] if (said := opens(library, ended.told)) else []
        if found:
            return found, False
        now = state_of(library)
        for source in now.keys() | self.before.keys() | self.after.keys():
            if now.get(source) not in (self.before.get(source), self.after.get(source)):
                found.append(f"{source} is neither as before nor as after")
        for name in ended.told:
            if name in self.after and now.get(name) != self.after[name]:
                found.append(f"{name} was reported as done and is not there")
        if "all" in ended.told and now != self.after:
            found.append("all was reported as done and is not there")
        if self.operation.whole and now not in (self.before, self.after):
            found.append("is half done")
        for path, table in tables_of(self.folder).items():
            if table not in (self.tables_before.get(path), self.tables_after.get(path)):
                found.append(f"{path} is neither as before nor as after")
        left = strays_of(self.folder, set(self.files))
        found += [f"{path} lies about" for path in left if not any(path.match(known) for known in strays)]
        return found, now not in (self.before, self.after) or bool(left)

    def faults_of_going_on(self) -> list[str]:
        """Run it again to its end; what differs from an undisturbed run."""
        for path in strays_of(self.folder, set(self.files)):
            os.utime(path, (0, 0))  # as if an hour had gone by
        ended = run(self.act(1), self.folder)
        if ended.code != 0:
            return [f"the next run ends with {ended.code}: {ended.said}"]
        found = (
            [] if state_of(self.folder / LIBRARY) == self.after else ["the next run ends in another library"]
        )
        if tables_of(self.folder) != self.tables_after:
            found.append("the next run ends in other tables")
        left = strays_of(self.folder, set(self.files))
        return found + [f"{path} still lies about after the next run" for path in left]


def prepared(operation: Operation, folder: Path, kept: Path) -> Trial:
    folder.mkdir()
    operation.prepare(folder)
    shutil.copytree(folder, kept)
    before, tables = state_of(folder / LIBRARY), tables_of(folder)
    used = _size(folder)
    files = frozenset(path for path in folder.rglob("*") if path.is_file())
    ended = run(partial(operation.act, folder, 1), folder)
    if ended.code != 0:
        raise SystemExit(f"{operation.name}: an undisturbed run ends with {ended.code}: {ended.said}")
    after = state_of(folder / LIBRARY)
    assert after != before
    growth = max(_size(folder) - used, 0)
    made = (before, after, tables, tables_of(folder), files, ended.moments, ended.seconds, growth)
    return Trial(operation, folder, kept, *made)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


# The trials


def pull_plugs(trial: Trial, points: int, chance: random.Random) -> Tally:
    """Kill it ``points`` times; a run that ends before its moment comes counts as none."""
    tally, began = Tally(moments=trial.moments), time.monotonic()
    spawns = trial.operation.name in ("index", "re-index")
    for number in range(10 * points):
        if tally.killed == points:
            break
        trial.reset()
        workers = 2 if spawns and number % SPAWNING in (1, 2) else 1  # one by time, one by place
        if number % 2 == 0:
            where = {"kill_at": chance.randint(1, trial.moments)}
        else:
            where = {"kill_after": chance.uniform(0.0, trial.seconds * (1 if workers == 1 else 8))}
        ended = run(trial.act(workers), trial.folder, **where)
        found, is_half_way = trial.faults_of(ended, STRAYS)
        found += trial.faults_of_going_on()
        if ended.code not in (0, -signal.SIGKILL):
            found.append(f"ended with {ended.code}: {ended.said}")
        tally.runs += 1
        tally.killed += ended.code == -signal.SIGKILL
        tally.half_way += is_half_way
        tally.found += [f"{trial.operation.name}, {where}, workers {workers}: {what}" for what in found]
    tally.seconds = time.monotonic() - began
    return tally


def fill_disk(trial: Trial, points: int, chance: random.Random) -> Tally:
    """Have its disk be full from a random moment on, ``points`` times."""
    tally, began = Tally(moments=trial.moments), time.monotonic()
    for _ in range(points):
        trial.reset()
        at = chance.randint(1, trial.moments)
        ended = run(trial.act(1), trial.folder, full_from=at)
        found, is_half_way = trial.faults_of(ended, ())
        found += trial.faults_of_going_on()
        if ended.code == 1 and "the disk is full" not in ended.sentence:
            found.append(f"what is said is: {ended.said}")
        elif ended.code not in (0, 1):
            found.append(f"ended with {ended.code}: {ended.said}")
        tally.runs += 1
        tally.killed += ended.code == 1
        tally.half_way += is_half_way
        tally.found += [f"{trial.operation.name}, full from {at}: {what}" for what in found]
    tally.seconds = time.monotonic() - began
    return tally


def refused_locks(trial: Trial, number: int) -> list[str]:
    """What is wrong where no lock is had, to write or to read."""
    found = []
    trial.reset()
    reads = () if is_earlier(trial.folder / LIBRARY) else (_read(trial.folder / LIBRARY),)
    for act in (trial.act(1), *reads):
        trial.reset()
        ended = run(act, trial.folder, no_locks=number)
        if ended.code != 1 or "does not lock files" not in ended.sentence:
            found.append(f"ends with {ended.code}: {ended.said}")
        if state_of(trial.folder / LIBRARY) != trial.before:
            found.append("the library is another")
    return found


def _read(library: Path) -> Callable[[Tell], None]:
    return lambda _: open_library(library).close()


def two_writers(model: Path, folder: Path) -> list[str]:
    """Two processes index two folders into one library, which neither finds made."""
    folder.mkdir()
    before_index(folder)
    (folder / MOVES / "more").rename(folder / "more")
    wanted = folder / "wanted.motionary"
    for place in (MOVES, "more"):
        _index_into(model, wanted, folder / place, 1)
    library = folder / LIBRARY
    running = []
    for place in (MOVES, "more"):
        process = os.fork()
        if process == 0:
            code = 3
            with suppress(BaseException):
                _index_into(model, library, folder / place, 1)
                code = 0
            os._exit(code)
        running.append(process)
    codes = [os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) for process in running]
    found = [f"exit codes {codes}"] if any(codes) else []
    found += [said] if (said := opens(library, ("x",))) else []
    return found + ([] if state_of(library) == state_of(wanted) else ["the library is not that of both"])


def _index_into(model: Path, library: Path, place: Path, batch: int) -> None:
    @contextmanager
    def watch(_: str) -> Iterator[Callable[[Any], None]]:
        yield lambda step: None

    index_library(
        library, [place], model=model, device="numpy", find_blender=lambda: None, watch=watch, workers=1,
        batch=batch,
    )  # fmt: skip


def reader_during_writer(trial: Trial) -> tuple[list[str], int]:
    """Read all the time while it is done; every state that is seen is whole. How many different ones were."""
    trial.reset()
    found: list[str] = []
    seen = set()
    process = os.fork()
    if process == 0:
        code = 3
        with suppress(BaseException):
            trial.operation.act(trial.folder, 1, lambda _: time.sleep(0.02))
            code = 0
        os._exit(code)
    done = 0
    while not done:
        done, status = os.waitpid(process, os.WNOHANG)
        try:
            with open_library(trial.folder / LIBRARY) as held:
                read_embeddings(held)
        except MotionaryError as error:
            if "no such library" not in str(error) and "yet" not in str(error):
                found.append(str(error))
            continue
        now = state_of(trial.folder / LIBRARY)
        seen.add(len(now))
        found += [
            f"{source} is read half-way"
            for source in now
            if now[source] not in (trial.before.get(source), trial.after.get(source))
        ]
    if os.waitstatus_to_exitcode(status):
        found.append("the writer failed")
    if state_of(trial.folder / LIBRARY) != trial.after:
        found.append("the writer ends in another library")
    return found, len(seen)


def mounted(place: Path, *options: str) -> bool:
    """Have a tmpfs at a place, for root; False where that is not allowed."""
    command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(place)]
    return subprocess.run(command, capture_output=True).returncode == 0


def small_disk(operation: Operation, away: Path) -> list[str] | None:
    """On a tmpfs of ever more room until it is enough; then on one that is read-only. None: not allowed."""
    place = away / "disk"
    place.mkdir(exist_ok=True)
    if not mounted(place, "size=64m"):
        return None
    found = []
    try:
        folder, kept = place / "work", away / "kept-of-disk"
        trial = prepared(operation, folder, kept)
        told = set()
        trial.reset()
        used, step = shutil.disk_usage(place).used, max(trial.growth // 8, 4096)
        for room in range(0, 100 * step, step):
            trial.reset()
            _remount(place, f"size={used + room}")
            ended = run(trial.act(1), trial.folder)
            wrong, _ = trial.faults_of(ended, STRAYS[:1])
            found += [f"{room} bytes free: {what}" for what in wrong]
            _remount(place, "size=64m")
            if ended.code == 0:
                break
            if ended.code != 1 or not ended.sentence:
                found.append(f"{room} bytes free: ends with {ended.code}: {ended.said}")
            told.add(ended.sentence)
            found += [f"{room} bytes free: {what}" for what in trial.faults_of_going_on()]
        if not told:
            found.append("the disk was never full")
        trial.reset()
        _remount(place, "ro")
        ended = run(trial.act(1), trial.folder)
        if ended.code != 1 or not ended.sentence:
            found.append(f"read-only: ends with {ended.code}: {ended.said}")
        if state_of(folder / LIBRARY) != trial.before:
            found.append("read-only: the library is another")
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=False)
    return found


def _remount(place: Path, options: str) -> None:
    mode = "ro" if options == "ro" else f"rw,{options}"
    subprocess.run(["mount", "-o", f"remount,{mode}", str(place)], check=True)


# What is told


def plugs_table(told: dict[str, Tally]) -> list[str]:
    rows = [
        f"| {name} | {each.moments:,} | {each.runs:,} | {each.killed:,} | {each.half_way:,} "
        f"| {len(each.found)} | {each.seconds:,.0f} |"
        for name, each in told.items()
    ]
    return [
        "| operation | moments in it | runs | ended by the kill | left half-way | faults found | seconds |",
        "|---|---|---|---|---|---|---|",
        *rows,
    ]


def disk_table(told: dict[str, Tally], others: dict[str, str]) -> list[str]:
    rows = [
        f"| {name}: disk full from a random moment on | {each.runs:,} ({each.killed:,} refused) "
        f"| {len(each.found)} |"
        for name, each in told.items()
    ]
    return [
        "| what | runs | faults found |",
        "|---|---|---|",
        *rows,
        *(f"| {name} | {said} |" for name, said in others.items()),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--points", type=int, default=200, help="how often each operation is killed")
    parser.add_argument("--only", nargs="+", help="these operations alone")
    parser.add_argument("--seed", type=int, default=0, help="of the points that are drawn")
    parser.add_argument("--no-store-action", action="store_true", help="leave Blender out")
    parser.add_argument("--folder", type=Path, default=IN_MEMORY, help="where it is done (%(default)s)")
    parser.add_argument("--markdown", type=Path, help="write the tables between the marks of this file")
    parser.add_argument("--json", type=Path, help="write what was found to this file, too")
    options = parser.parse_args()
    if not can_be_met():
        print("needs Linux and a Python whose sqlite3 is linked to libsqlite3.so.0", file=sys.stderr)
        return 2
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory(prefix="motionary-plugs-", dir=options.folder) as made:
        return soak(Path(made).resolve(), options)


def soak(away: Path, options: argparse.Namespace) -> int:
    os.environ["MOTIONARY_CACHE"] = str(away / "cache")
    model = make_bundle(away / "model")
    chance = random.Random(options.seed)
    chosen = [
        operation
        for operation in operations(model, away)
        if (not options.only or operation.name in options.only)
        and not (options.no_store_action and operation.name == "store-action")
    ]
    plugs: dict[str, Tally] = {}
    disks: dict[str, Tally] = {}
    others: dict[str, list[str]] = {}
    said: dict[str, str] = {}

    def other(name: str, runs: int | str, found: list[str]) -> None:
        others[name], said[name] = found, f"{runs} | {len(found)}"

    for number, operation in enumerate(chosen):
        try:
            trial = prepared(operation, away / f"work{number}", away / f"kept{number}")
        except ImportError as error:
            print(f"{operation.name}: left out: {error}", file=sys.stderr)
            continue
        plugs[operation.name] = pull_plugs(trial, options.points, chance)
        disks[operation.name] = fill_disk(trial, max(options.points // 4, 4), chance)
        if trial.before:
            other(f"{operation.name}: locks refused with EIO", 2, refused_locks(trial, errno.EIO))
        if operation.name == "re-index":  # not all of them: SQLite waits five seconds for such a lock
            what = "locks refused with ENOLCK, as of NFS without its lock service"
            other(f"{operation.name}: {what}", 2, refused_locks(trial, errno.ENOLCK))
        if operation.name in ("index", "re-index"):
            found, states = reader_during_writer(trial)
            other(f"{operation.name}: read all the time meanwhile ({states} states seen)", 1, found)
        if operation.name in ("index", "re-index", "caption --apply", "upgrade"):
            refused = small_disk(operation, away)
            if refused is not None:
                other(f"{operation.name}: a tmpfs with ever more room, then read-only", "all", refused)
            shutil.rmtree(away / "kept-of-disk", ignore_errors=True)
        print(f"{operation.name}: {plugs[operation.name].runs} kills done", file=sys.stderr, flush=True)
    if not options.only:
        other("two writers make one library", 1, two_writers(model, away / "two"))
    found = [what for each in (*plugs.values(), *disks.values()) for what in each.found]
    found += [f"{name}: {what}" for name, each in others.items() for what in each]
    tables = {"plugs": plugs_table(plugs), "disks": disk_table(disks, said)}
    for mark, lines in tables.items():
        print("\n".join([*lines, ""]))
        if options.markdown:
            put_between(options.markdown, mark, lines)
    for what in found:
        print(what, file=sys.stderr)
    if options.json:
        numbers = {
            "library version": VERSION,
            "runs": {name: each.runs for name, each in plugs.items()},
            "killed": {name: each.killed for name, each in plugs.items()},
            "half_way": {name: each.half_way for name, each in plugs.items()},
            "refused": {name: each.killed for name, each in disks.items()},
            "others": others,
            "found": found,
        }
        options.json.write_text(json.dumps(numbers, indent=1) + "\n", "utf-8")
    sys.stdout.flush()
    return int(bool(found))


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # Blender's module may hang in its destructors
