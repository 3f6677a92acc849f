"""Every reader of files that strangers make, as a function of bytes, and what it may do with them.

What a reader may do: return, or raise MotionaryError in one line that names the file. What it may not: raise
anything else, take more than SECONDS of processor time or BYTES of memory, write outside its folder, start a
process, open a connection or load a library. `findings` says what of it happened. scripts/fuzz.py makes the
bytes; tests/fuzz/test_corpus.py keeps those that once broke a reader.
"""

import io
import json
import signal
import sqlite3
import struct
import sys
import tempfile
import traceback
import zlib
from collections.abc import Callable
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from motionary.bundle import load_bundle
from motionary.captions.batch import open_table
from motionary.captions.corrections import read_corrections
from motionary.captions.facts_array import WIDTH
from motionary.captions_csv import read_captions
from motionary.clip_stream import FileClips, read_answer, write_answer, write_failure
from motionary.codec import encode_motion
from motionary.errors import MotionaryError
from motionary.formats import read_clip, write_bvh
from motionary.formats.amc import Asf, read_amc, read_asf
from motionary.formats.cmu import true_fps
from motionary.formats.humanml3d import read_array
from motionary.library import (
    Model,
    NewClip,
    Source,
    clip_ids,
    load_clip,
    open_library,
    replace_source,
    set_model,
    sources,
    summary,
)
from motionary.motion import Clip, Motion, Skeleton
from motionary.rigs import built_in, format_rig_map, load_rig_map, match
from motionary.safetensors import read_safetensors, write_safetensors
from motionary.search import search
from motionary.side_file import HEAD, MAGIC, map_arrays, save_arrays
from motionary.starter import starter_clips
from motionary.text_encoder import load_text_encoder
from motionary.tokenizer import encode, load_vocabulary
from motionary.weight_precision import in_precision, restored
from motionary.worker import IndexRequest, read_request
from motionary_training.config import load_config, shipped_configs
from tests.bundles import make_bundle

SECONDS = 2.0
BYTES = 512 << 20
"""More memory than all the files that are tried here may take, however small they are."""

WRITING = {
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.mkdir",
    "os.link",
    "os.symlink",
    "os.truncate",
    "os.chmod",
}
NEVER = {
    *("subprocess.Popen", "os.system", "os.exec", "os.fork", "os.posix_spawn", "pty.spawn"),
    *("socket.connect", "socket.bind", "sqlite3.enable_load_extension", "sqlite3.load_extension"),
    *("ctypes.dlopen", "pickle.find_class"),
}


@dataclass(frozen=True)
class Target:
    """A reader. text: it reads text. seeds: files that it takes, made when asked for. read: does what is
    done with such bytes; the folder it gets is its own."""

    text: bool
    seeds: Callable[[], list[bytes]]
    read: Callable[[bytes, Path], object]


class Overran(BaseException):
    """No Exception, for a reader may catch those."""


class Watch:
    """What a reader opens for writing, starts or loads while `folder` is set. Hooks cannot be taken away."""

    def __init__(self) -> None:
        self.folder: str | None = None
        self.seen: list[str] = []
        sys.addaudithook(self._hook)

    def _hook(self, event: str, details: tuple[object, ...]) -> None:
        if self.folder is None:
            return
        if event == "open":
            path, mode, flags = details
            writes = flags & 0b11 if isinstance(flags, int) else set(mode or "") & set("wax+")
            if writes and not str(path).startswith(self.folder) and not isinstance(path, int):
                self.seen.append(f"opens {path} for writing")
        elif event in WRITING and not str(details[0]).startswith(self.folder):
            self.seen.append(f"{event} of {details[0]}")
        elif event in NEVER:
            self.seen.append(f"{event} of {details[:1]!r:.80}")


@cache
def _watch() -> Watch:
    return Watch()


def findings(target: Target, data: bytes, folder: Path) -> list[str]:
    """What the reader did with these bytes that it may not do; nothing, where all is well.

    Where the reader raised what it may not, the innermost lines of it are in the text.
    """
    watch = _watch()
    watch.seen = []
    found = []
    watch.folder = str(folder)
    try:
        with _limited():
            target.read(data, folder)
    except MotionaryError as error:
        if any(not (letter.isprintable() or letter in "\xa0\u3000") for letter in str(error)):
            found.append(f"its message is not one line of text: {str(error)!a:.200}")
        if folder.name not in str(error):
            found.append(f"its message names no file: {str(error)[:200]}")
    except Overran as error:
        found.append(f"took more than {SECONDS:g} s{_place(error)}")
    except BaseException as error:  # also SystemExit
        found.append(f"{type(error).__name__}: {str(error)[:200]!a}{_place(error)}")
    finally:
        watch.folder = None
    return found + watch.seen


def _place(error: BaseException) -> str:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "motionary" in frame.filename]
    return f" in {Path(frames[-1].filename).name}:{frames[-1].name}:{frames[-1].lineno}" if frames else ""


@contextmanager
def _limited():
    """Ends what takes too much of the processor's time, however long a busy machine takes over that."""
    if not hasattr(signal, "setitimer"):  # Windows: a hang is a hang there
        yield
        return

    def end(number, frame):
        raise Overran

    before = signal.signal(signal.SIGVTALRM, end)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def limit_memory(more: int = BYTES) -> None:
    """Let this process take so many bytes more than it has, and not one beyond: then MemoryError."""
    import resource

    has = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (has + more, has + more))


# Motion files

SKELETON = b"""HIERARCHY
ROOT Hips
{
 OFFSET 0 0 0
 CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
 JOINT Spine
 {
  OFFSET 0 10 0
  CHANNELS 3 Zrotation Xrotation Yrotation
  End Site
  {
   OFFSET 0 5 0
  }
 }
}
MOTION
Frames: 2
Frame Time: 0.008333
0 90 0 0 0 0 1 2 3
1 90 0.5 10 -20 3e1 1 2 3
"""
ASF = b""":version 1.10
:name VICON
:units
 mass 1.0
 length 0.45
 angle deg
:root
 order TX TY TZ RX RY RZ
 axis XYZ
 position 0 0 0
 orientation 0 0 0
:bonedata
 begin
 id 1
 name lhip
 direction 0.6 -0.7 0.3
 length 2.4
 axis 0 0 0 XYZ
 dof rx ry rz
 limits (-160.0 20.0)
 (-70 70)
 (-60 70)
 end
 begin
 id 2
 name spine
 direction 0 1 0
 length 2
 axis 10 0 20 ZYX
 end
:hierarchy
 begin
 root lhip spine
 end
"""
AMC = b"""#!OML:ASF F:\\x
:FULLY-SPECIFIED
:DEGREES
1
root 9.3 17.8 -17.3 -2 1 3
lhip -5 10 20
2
root 9.4 17.8 -17.3 -2 1 3
lhip -5.5 1e1 +20
"""


def _bvh_seeds() -> list[bytes]:
    clip = next(iter(starter_clips()))
    few = Motion(clip.motion.skeleton, clip.motion.rotations[:2], clip.motion.translation[:2], 30.0)
    with tempfile.TemporaryDirectory() as folder:
        write_bvh(few, Path(folder, "a.bvh"))
        whole = Path(folder, "a.bvh").read_bytes()
    return [SKELETON, SKELETON.replace(b"\n", b"\r\n"), whole]


def _read_clip(name: str, **beside: bytes) -> Callable[[bytes, Path], object]:
    def read(data: bytes, folder: Path) -> object:
        for other, content in beside.items():
            (folder / other.replace("__", ".")).write_bytes(content)
        (folder / name).write_bytes(data)
        clip = "01_02.amc" if name.endswith(".asf") else name
        return read_clip(folder / clip)

    return read


def _skeleton() -> Asf:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "01.asf").write_bytes(ASF)
        return read_asf(Path(folder, "01.asf"))


BONES_OF_AMC = _skeleton()


def _read_amc(path: Path) -> object:
    """As `read_clip` does, but for the skeleton, which is read once: "asf" tries that."""
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            return read_amc(path, BONES_OF_AMC)
    except MotionaryError as error:
        said = str(error)
        raise MotionaryError(
            f"{path}: {said}" if said.startswith(("motion ", "skeleton ")) else said
        ) from None


def _npy_seeds() -> list[bytes]:
    def saved(array):
        file = io.BytesIO()
        np.save(file, array)
        return file.getvalue()

    rng = np.random.default_rng(0)
    return [
        saved(rng.normal(size=(3, 22, 3)).astype(np.float32)),
        saved(rng.normal(size=(2, 66))),
        saved(rng.normal(size=(3, 263)).astype(np.float16)),
        saved(np.zeros((1, 22, 3), ">i2")),
    ]


def _header_seeds() -> list[bytes]:
    """Headers as numpy writes them, and no numbers: two frames that are not there, or none at all."""
    shapes = [(0, 22, 3), (2, 66), (0, 263)]
    text = [f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}" for shape in shapes]
    return [
        b"\x93NUMPY\x01\0" + struct.pack("<H", len(each) + 1) + each.encode() + b"\n" for each in text
    ] + [b"\x93NUMPY\x02\0" + struct.pack("<I", len(text[0]) + 1) + text[0].encode() + b"\n" + b"\0" * 600]


def _read_trials(data: bytes, folder: Path) -> object:
    (folder / "trials.csv").write_bytes(data)
    return true_fps(folder / "01_02.bvh")


# Tables, corrections, rig maps, configs


def _read_file(name: str, read: Callable[[Path], object]) -> Callable[[bytes, Path], object]:
    def write_and_read(data: bytes, folder: Path) -> object:
        path = folder / name
        path.write_bytes(data)
        return read(path)

    return write_and_read


def _read_table(path: Path) -> object:
    with open_table(path) as table:
        return len(table.rows)


CAPTIONS = b'file,caption,tags\na.bvh,a walk,gait;slow\nsub/b.bvh,"one, ""two""",\n../../etc/passwd,x,\n'
CORRECTIONS = json.dumps(
    {
        "format": "motionary-corrections",
        "version": 1,
        "clips": [
            {"file": "a.bvh", "captions": ["a walk", "he walks"], "tags": ["slow"]},
            {"file": "../b.blend#Run", "captions": [], "tags": []},
        ],
    }
).encode()

BONES = {"Hips": None, "spine_01": "Hips", "thigh_l": "Hips", "thigh_r": "Hips", "mixamorig:Head": "spine_01"}


def _read_rig(path: Path) -> object:
    return match(load_rig_map(path), BONES)


def _rig_seeds() -> list[bytes]:
    known = Path(load_rig_map.__code__.co_filename).parent
    files = [(known / f"{name}.toml").read_bytes() for name in ("unreal", "rigify")]
    return [*files, format_rig_map(built_in()[0]).encode()]


def _training_seeds() -> list[bytes]:
    paths = sorted(shipped_configs().values(), key=lambda path: path.stat().st_size)
    return [paths[-1].read_bytes(), b"[optimiser]\nbatch = 64\n[motion]\nwidth = 32\nheads = 4\n"]


# The model bundle


@cache
def _bundle() -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        made = make_bundle(Path(folder, "tiny"))
        return {path.relative_to(made).as_posix(): path.read_bytes() for path in made.rglob("*.*")}


def _in_bundle(name: str, read: Callable[[Path], object]) -> Callable[[bytes, Path], object]:
    def write_and_read(data: bytes, folder: Path) -> object:
        if not (folder / "README.md").exists():
            for other, content in _bundle().items():
                (folder / other).parent.mkdir(exist_ok=True)
                (folder / other).write_bytes(content)
        (folder / name).write_bytes(data)
        return read(folder)

    return write_and_read


def _weights_seeds() -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.safetensors")
        write_safetensors({"a": np.ones((2, 3), np.float16), "b": np.zeros(2, np.float32)}, path, {"k": "v"})
        small = path.read_bytes()
        write_safetensors(in_precision({"a": np.ones((2, 3), np.float32)}, "int8"), path)
        whole = path.read_bytes()
    header = json.dumps({"x": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}).encode()
    return [small, struct.pack("<Q", len(header)) + header + b"\0\x3f\0\0", whole]


def _read_weights(path: Path) -> object:
    return restored(read_safetensors(path), str(path))


def _read_vocabulary(path: Path) -> object:
    return encode("A person waves, [SEP] twice", load_vocabulary(path), 12)


# What processes tell each other


def _moving() -> Motion:
    rng = np.random.default_rng(0)
    skeleton = Skeleton(("a", "b"), np.array([-1, 0]), np.array([[0, 0, 0], [0, 1.0, 0]]))
    turns = rng.normal(size=(4, 2, 4))
    turns /= np.linalg.norm(turns, axis=-1, keepdims=True)
    return Motion(skeleton, turns, rng.normal(size=(4, 3)), 30.0)


def _stream_seeds() -> list[bytes]:
    one, failed = io.BytesIO(), io.BytesIO()
    write_answer(one, FileClips((Clip("walk", _moving(), "", ("a walk",), ("gait",)),), ("a note",)))
    write_failure(failed, "why")
    return [one.getvalue(), failed.getvalue()]


def _read_stream(data: bytes, folder: Path) -> object:
    try:
        return read_answer(io.BytesIO(data))
    except (EOFError, ValueError, MotionaryError) as error:  # what motionary.blender_files makes of it
        raise MotionaryError(f"{folder}: Blender's answer is damaged ({error})") from None


def _read_request(data: bytes, folder: Path) -> object:
    try:
        return read_request(data)
    except MotionaryError as error:
        raise MotionaryError(f"{folder}: {error}") from None


REQUEST = json.dumps(dict(IndexRequest("a.motionary", ("b",), fps=30.0, workers=2).__dict__)).encode()


# The library


@cache
def _library() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.motionary")
        motion, model = _moving(), Model("a" * 64, "tiny", 4)
        with open_library(path, write=True) as library:
            made = NewClip(
                "walk",
                motion.skeleton,
                motion.fps,
                motion.frames,
                encode_motion(motion),
                ("a walk",),
                ("gait",),
                np.array([[0.0, 0.1]]),
                np.array([[1, 0, 0, 0]], np.float32),
                np.zeros((1, WIDTH), np.float32),
            )
            replace_source(library, Source("a.bvh", 1, 2, "b" * 64), [made], model)
            set_model(library, model)
        return path.read_bytes()


def _read_library(path: Path) -> object:
    with open_library(path) as library:
        found = [summary(library), sources(library), library.model, library.embeddings, library.keywords]
        for query in ("walk", "someone with raised hands walks fast, then waves"):
            found += search(library, TextModel(), query, without=["running"])
        return [*found, *(load_clip(library, clip) for clip in clip_ids(library)[:5])]


class TextModel:
    """What `motionary.search` asks a model for; the one that embedded `_library`."""

    id, name = "a" * 64, "tiny"

    def embed_texts(self, texts: list[str]) -> np.ndarray:
        return np.tile(np.array([1, 0, 0, 0], np.float32), (len(texts), 1))


@cache
def _columns() -> list[tuple[str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.motionary")
        path.write_bytes(_library())
        with closing(sqlite3.connect(path)) as connection:
            tables = [
                row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
            ]
            return [
                (table, row[1])
                for table in sorted(tables)
                for row in connection.execute(f"PRAGMA table_info({table})")
            ]


def _read_rows(data: bytes, folder: Path) -> object:
    """Bytes as cells: each is a column's number, a kind, and the value to the next 0xff."""
    path = folder / "a.motionary"
    path.write_bytes(_library())
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA journal_mode = MEMORY")
        for cell in data.split(b"\xff")[:8]:
            if len(cell) >= 2:
                table, column = _columns()[cell[0] % len(_columns())]
                with suppress(sqlite3.IntegrityError, OverflowError):  # what SQLite itself does not let in
                    connection.execute(f'UPDATE {table} SET "{column}" = ?', (_cell(cell[1], cell[2:]),))
    return _read_library(path)


def _cell(kind: int, value: bytes) -> object:
    padded = value.ljust(8, b"\0")[:8]
    kinds = (
        lambda: None,
        lambda: int.from_bytes(padded, "little", signed=True),
        lambda: struct.unpack("<d", padded)[0],
        lambda: value.decode("utf-8", "replace"),
        lambda: value,
        lambda: int(value[:18]) if value.isdigit() else -1,
    )
    return kinds[kind % len(kinds)]()


def _row_seeds() -> list[bytes]:
    columns = {f"{table}.{column}": number for number, (table, column) in enumerate(_columns())}
    cells = [
        (
            "skeletons.json",
            3,
            b'{"names": ["a", "b"], "parents": [-1, 0], "offsets": [[0, 0, 0], [0, 1, 0]]}',
        ),
        ("motions.fps", 2, struct.pack("<d", 24.0)),
        ("motions.data", 4, encode_motion(_moving()).replace(b"\xff", b"\xfe")),
        ("clips.end_frame", 5, b"3"),
        ("models.joint_dim", 5, b"4"),
        ("embeddings.vector", 4, b"\0" * 16),
        ("embeddings.facts", 4, b"\0\0\x80\x3f" * WIDTH),
        ("captions.text", 3, b"a walk"),
    ]
    return [bytes([columns[name], kind]) + value for name, kind, value in cells]


# The side file of a library

KEY = b"k" * 32
ARRAYS = {"starts": "<i8", "stems": "|u1"}


def _side_seeds() -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder, "a.motionary")
        save_arrays(library, "words", KEY, {"starts": np.arange(3), "stems": np.zeros(0, np.uint8)})
        data = Path(folder, "a.motionary-words").read_bytes()
    length = HEAD.unpack_from(data)[2]
    return [data[HEAD.size : HEAD.size + length] + b"\n" + data[-24:]]


def _read_side(data: bytes, folder: Path) -> object:
    """What is told of the arrays, and after a line's end the arrays: key and checksum are made to fit."""
    told, _, arrays = data.partition(b"\n")
    told += b" " * (-(HEAD.size + len(told)) % 64)
    head = HEAD.pack(MAGIC, KEY, len(told), zlib.crc32(told))
    (folder / "a.motionary-words").write_bytes(head + told + arrays)
    found = map_arrays(folder / "a.motionary", "words", KEY, ARRAYS)
    return found and [array.sum() for array in found.arrays.values()]


TARGETS: dict[str, Target] = {
    "bvh": Target(True, _bvh_seeds, _read_clip("01_02.bvh")),
    "asf": Target(True, lambda: [ASF], _read_clip("01.asf", **{"01_02__amc": AMC})),
    "amc": Target(True, lambda: [AMC], _read_file("01_02.amc", _read_amc)),
    "trials": Target(True, lambda: [b"trial,fps,source_file\n01_02,60,a.bvh\n02_01,,\n"], _read_trials),
    "captions": Target(True, lambda: [CAPTIONS], _read_file("captions.csv", read_captions)),
    "table": Target(
        True, lambda: [b'{"file": "a", "captions": []}\n{"file": "b"}\n'], _read_file("c.jsonl", _read_table)
    ),
    "corrections": Target(True, lambda: [CORRECTIONS], _read_file("c.json", read_corrections)),
    "corrections-csv": Target(True, lambda: [CAPTIONS], _read_file("c.csv", read_corrections)),
    "rig": Target(True, _rig_seeds, _read_file("rig.toml", _read_rig)),
    "training": Target(True, _training_seeds, _read_file("run.toml", load_config)),
    "config": Target(True, lambda: [_bundle()["config.json"]], _in_bundle("config.json", load_bundle)),
    "text-config": Target(
        True,
        lambda: [_bundle()["text/config.json"]],
        _in_bundle("text/config.json", lambda folder: load_text_encoder(folder / "text", "bert")),
    ),
    "vocabulary": Target(
        True, lambda: [_bundle()["text/vocab.txt"]], _read_file("vocab.txt", _read_vocabulary)
    ),
    "request": Target(True, lambda: [REQUEST], _read_request),
    "npy-header": Target(True, _header_seeds, _read_file("012314.npy", read_array)),
    "npy": Target(False, _npy_seeds, _read_clip("012314.npy")),
    "weights": Target(False, _weights_seeds, _read_file("a.safetensors", _read_weights)),
    "bundle": Target(
        False, lambda: [_bundle()["model.safetensors"]], _in_bundle("model.safetensors", load_bundle)
    ),
    "stream": Target(False, _stream_seeds, _read_stream),
    "library": Target(False, lambda: [_library()], _read_file("a.motionary", _read_library)),
    "side": Target(False, _side_seeds, _read_side),
    "rows": Target(False, _row_seeds, _read_rows),
}
