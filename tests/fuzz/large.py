"""Large files of every format as they mostly are, and how many times their size reading them may take.

test_bombs.py holds them to it; scripts/measure_memory.py tells what they take."""

import json
import struct
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from motionary.captions.batch import open_table
from motionary.captions.corrections import read_corrections
from motionary.captions_csv import read_captions
from motionary.errors import MotionaryError
from motionary.formats import read_clip, write_bvh
from motionary.formats.amc import read_asf
from motionary.formats.cmu import true_fps
from motionary.motion import Motion
from motionary.safetensors import read_safetensors, write_safetensors
from motionary.starter import starter_clips
from motionary.tokenizer import load_vocabulary
from tests.fuzz.targets import ASF, SKELETON

MB = 1 << 20


@dataclass(frozen=True)
class Large:
    """name: of the file. make: writes it, of some MB times a number. read: what is measured. most: times the
    file's size that it may take, besides 4 MB. limit: MB of the largest such file that is read. why: it takes
    more than 4 times its size."""

    name: str
    make: Callable[[Path, int], object]
    read: Callable[[Path], object]
    most: float
    limit: float
    why: str = ""


def peak_memory(read: Callable[[], object]) -> tuple[int, str]:
    """Bytes at most, of what Python and numpy asked for; and in one sentence why it was refused, or ""."""
    tracemalloc.start()
    try:
        read()
        return tracemalloc.get_traced_memory()[1], ""
    except MotionaryError as error:
        return tracemalloc.get_traced_memory()[1], str(error)
    finally:
        tracemalloc.stop()


def _bvh(path: Path, times: int) -> None:
    clip = next(iter(starter_clips())).motion
    turns = np.resize(clip.rotations, (1000 * times, *clip.rotations.shape[1:]))
    places = np.resize(clip.translation, (1000 * times, 3))
    write_bvh(Motion(clip.skeleton, turns, places, 30.0), path)


def _short_bvh(path: Path, times: int) -> None:
    frames = 20_000 * times
    head = SKELETON.partition(b"MOTION")[0] + b"MOTION\nFrames: %d\nFrame Time: 0.01\n" % frames
    path.write_bytes(head + b"0 0 0 0 0 0 0 0 0\n" * frames)


def _amc(path: Path, times: int) -> None:
    path.with_name("01.asf").write_bytes(ASF)
    values = np.random.default_rng(0).uniform(-90, 90, (6000 * times, 9)).tolist()
    row = "%d\nroot %f %f %f %f %f %f\nlhip %f %f %f\n"
    path.write_text(":FULLY-SPECIFIED\n" + "".join(row % (n, *v) for n, v in enumerate(values, 1)))


def _npy(frames: int, *shape: int, dtype: type = np.float32) -> Callable[[Path, int], None]:
    def make(path: Path, times: int) -> None:
        np.save(path, np.random.default_rng(0).normal(size=(frames * times, *shape)).astype(dtype))

    return make


ROW = "walks/clip_{0:05}.bvh,a person walks forward and turns {0},walk;turn\n"


def _table(path: Path, times: int) -> None:
    rows = "".join(ROW.format(number) for number in range(6000 * times))
    path.write_text(f"file,caption,tags\n{rows}")


def _corrected(number: int) -> dict[str, object]:
    return {
        "file": f"walks/clip_{number:05}.bvh",
        "captions": [f"a person walks forward and turns {number}"],
        "tags": ["walk", "turn"],
    }


def _corrections(path: Path, times: int) -> None:
    rows = [_corrected(number) for number in range(6000 * times)]
    path.write_text(json.dumps({"format": "motionary-corrections", "version": 1, "clips": rows}))


def _json_lines(path: Path, times: int) -> None:
    path.write_text("".join(json.dumps(_corrected(number)) + "\n" for number in range(6000 * times)))


def _open_table(path: Path) -> None:
    with open_table(path) as table:
        len(table.rows)


def _one_rate(path: Path) -> object:
    return true_fps(path.with_name("999_01.bvh"))


def _weights(dtype: type) -> Callable[[Path, int], None]:
    def make(path: Path, times: int) -> None:
        write_safetensors({f"t{n}": np.ones(250_000, dtype) for n in range(8 * times)}, path)

    return make


def _header(path: Path, times: int) -> None:
    entry = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    header = json.dumps({f"t{number}": entry for number in range(6000 * times)}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header)


def _vocabulary(path: Path, times: int) -> None:
    words = "".join(f"##word{number}\n" for number in range(20_000 * times))
    path.write_text(f"[PAD]\n[UNK]\n[CLS]\n[SEP]\n{words}")


def _asf(path: Path, times: int) -> None:
    bone = "begin\nid {0}\nname b{0}\ndirection 0 1 0\nlength 1\naxis 0 0 0 XYZ\ndof rx ry rz\nend\n"
    bones = "".join(bone.format(number) for number in range(800 * times))
    names = " ".join(f"b{number}" for number in range(800 * times))
    path.write_text(f":root\norder TX\naxis XYZ\n:bonedata\n{bones}:hierarchy\nbegin\nroot {names}\nend\n")


def _trials(path: Path, times: int) -> None:
    rows = "".join(f"{n:03}_{k:02},120,{n:03}_{k:02}.bvh\n" for n in range(200 * times) for k in range(50))
    path.write_text(f"trial,fps,source_file\n{rows}")


ROTATIONS = "three numbers, 6 bytes, are a rotation of 32"
OBJECTS = "each text becomes an object of Python's, of 49 bytes and more"
LARGE = {
    "BVH": Large("01_01.bvh", _bvh, read_clip, 4, 1024),
    "BVH of one-digit numbers": Large("a.bvh", _short_bvh, read_clip, 13, 1024, ROTATIONS),
    "AMC": Large("01_01.amc", _amc, read_clip, 4, 1024),
    "ASF": Large("01.asf", _asf, read_asf, 70, 2, "every bone has lines, words, axes and a name: " + OBJECTS),
    "joints, float32": Large("a.npy", _npy(3000, 22, 3), read_clip, 4, 2.6e3),
    "joints, float16": Large("a.npy", _npy(3000, 22, 3, dtype=np.float16), read_clip, 7, 1.3e3, ROTATIONS),
    "features, float32": Large("a.npy", _npy(800, 263), read_clip, 4, 10.5e3),
    "features, float16": Large(
        "a.npy", _npy(800, 263, dtype=np.float16), read_clip, 7, 5.3e3, "they are worked with in 8 bytes"
    ),
    "captions.csv": Large("captions.csv", _table, read_captions, 4, 256),
    "corrections, CSV": Large("c.csv", _table, read_corrections, 11, 256, OBJECTS),
    "corrections, JSON": Large("c.json", _corrections, read_corrections, 11, 16, OBJECTS),
    "captions to go on with, CSV": Large("t.csv", _table, _open_table, 10, 256, OBJECTS),
    "captions to go on with, JSON lines": Large("t.jsonl", _json_lines, _open_table, 10, 256, OBJECTS),
    "trials.csv": Large("trials.csv", _trials, _one_rate, 20, 4, OBJECTS),
    "vocabulary": Large("vocab.txt", _vocabulary, load_vocabulary, 16, 4, OBJECTS),
    "weights, float16": Large("a.safetensors", _weights(np.float16), read_safetensors, 4, 8192),
    "weights, float32": Large("a.safetensors", _weights(np.float32), read_safetensors, 4, 8192),
    "header of weights": Large("a.safetensors", _header, read_safetensors, 16, 1, OBJECTS),
}
