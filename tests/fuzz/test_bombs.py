"""Files made to hang, to fill the memory or to reach elsewhere: each is refused in one sentence."""

import io
import json
import sqlite3
import struct
import subprocess
import sys
import zlib
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from motionary.captions.facts_array import WIDTH
from motionary.codec import decode_motion
from motionary.errors import MotionaryError
from motionary.formats import read_clip
from motionary.index import motion_files
from motionary.library import open_library
from motionary.motion import Motion, Skeleton, resample
from motionary.rigs import parse_rig_map
from motionary.safetensors import read_safetensors
from tests.fuzz.large import LARGE, MB, peak_memory
from tests.fuzz.targets import AMC, ASF, SKELETON, TARGETS, findings
from tests.fuzz.targets import _library as a_library


@pytest.mark.parametrize("name", LARGE)
def test_memory_grows_with_the_file_and_no_faster(tmp_path, name):
    large = LARGE[name]
    large.make(tmp_path / large.name, 1)
    peak, refused = peak_memory(lambda: large.read(tmp_path / large.name))
    assert not refused
    assert peak < large.most * (tmp_path / large.name).stat().st_size + 4 * MB
    assert large.most <= 4 or large.why


def bvh(joints, frames, root_channels="1 Xposition"):
    """Joints without channels below a root."""
    chain = b"".join(b"JOINT j%d {\nOFFSET 0 1 0\nCHANNELS 0\n" % number for number in range(joints))
    return b"".join(
        [
            f"HIERARCHY\nROOT r {{\nOFFSET 0 0 0\nCHANNELS {root_channels}\n".encode(),
            chain,
            b"}" * (joints + 1),
            f"\nMOTION\nFrames: {frames}\nFrame Time: 0.01\n".encode(),
            b"0\n" * frames,
        ]
    )


def test_joints_that_never_move_do_not_fill_the_memory(tmp_path):
    (tmp_path / "a.bvh").write_bytes(bvh(2000, 20_000))  # 120 KB; 1.3 GB as rotations
    peak, refused = peak_memory(lambda: read_clip(tmp_path / "a.bvh"))
    assert "20000 frames of 2001 joints, most of which never move" in refused
    assert peak < 20 * MB


def test_bones_that_never_move_do_not_fill_the_memory_either(tmp_path):
    bones = b"".join(
        b"begin\nname b%d\ndirection 0 1 0\nlength 1\naxis 0 0 0 XYZ\nend\n" % number
        for number in range(2000)
    )
    names = b" ".join(b"b%d" % number for number in range(2000))
    (tmp_path / "01.asf").write_bytes(
        b":root\norder TX\naxis XYZ\n:bonedata\n" + bones + b":hierarchy\nbegin\nroot " + names + b"\nend\n"
    )
    rows = b"".join(b"%d\nroot 0\n" % number for number in range(1, 10_001))
    (tmp_path / "01_01.amc").write_bytes(b":FULLY-SPECIFIED\n" + rows)
    peak, refused = peak_memory(lambda: read_clip(tmp_path / "01_01.amc"))
    assert "most of which never move" in refused
    assert peak < 30 * MB


def test_a_name_is_not_repeated_until_the_memory_is_full(tmp_path):
    ends = b"End Site {\nOFFSET 0 1 0\n}\n" * 4000
    text = SKELETON.replace(b"ROOT Hips", b"ROOT " + b"x" * 1_000_000).replace(
        b" JOINT Spine", ends + b" JOINT Spine"
    )
    (tmp_path / "a.bvh").write_bytes(text)  # 1 MB; 4 GB as names
    peak, refused = peak_memory(lambda: read_clip(tmp_path / "a.bvh"))
    assert "a name of 1000000 letters" in refused
    assert peak < 20 * MB


@pytest.mark.parametrize("frames", [b"999999999", b"1" * 5000, b"-1", b"1e9"])
def test_frames_that_are_only_promised_take_no_memory(tmp_path, frames):
    (tmp_path / "a.bvh").write_bytes(SKELETON.replace(b"Frames: 2", b"Frames: " + frames))
    peak, refused = peak_memory(lambda: read_clip(tmp_path / "a.bvh"))
    assert refused
    assert peak < 2 * MB


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("a.bvh", b"0 10 0", b"0 1e308 1e308"),
        ("a.bvh", b"0 90 0 0", b"0 1e308 0 0"),
        ("a.bvh", b"1 2 3\n1", b"1e308 1e308 1e308\n1"),
        ("01.asf", b"length 2.4", b"length 1e308"),
        ("01.asf", b"length 0.45", b"length 1e-320"),
        ("01.amc", b"9.3", b"1e308"),
    ],
)
def test_numbers_that_overflow_give_no_motion_that_is_none(tmp_path, name, old, new):
    texts = {"a.bvh": SKELETON, "01.asf": ASF, "01.amc": AMC}
    assert old in texts[name]
    for other, text in texts.items():
        (tmp_path / other).write_bytes(text.replace(old, new) if other == name else text)
    motions = []
    _, refused = peak_memory(
        lambda: motions.append(read_clip(tmp_path / name.replace(".asf", ".amc")).motion)
    )
    assert not refused or str(tmp_path) in refused
    for motion in motions:
        assert np.isfinite(motion.skeleton.offsets).all()
        np.testing.assert_allclose(np.linalg.norm(motion.rotations, axis=-1), 1, atol=1e-6)
    assert motions or refused


def test_two_frames_do_not_become_a_million(tmp_path):
    still = np.tile([1.0, 0, 0, 0], (2, 1, 1))
    for fps in (1e-300, 1e-9, 5e-324):
        motion = Motion(Skeleton(("a",), np.array([-1]), np.zeros((1, 3))), still, np.zeros((2, 3)), fps)
        with pytest.raises(MotionaryError, match="too long for 20 a second"):
            resample(motion, 20.0)


@pytest.mark.parametrize(
    "shape", [(10**9, 22, 3), (2**62, 66), (-1, 263), (0, 22, 3), (10**7, 263), (2, 22, 3, 2**31)]
)
def test_an_array_that_is_only_promised_takes_no_memory(tmp_path, shape):
    head = str({"descr": "<f4", "fortran_order": False, "shape": shape}).encode().ljust(117) + b"\n"
    (tmp_path / "a.npy").write_bytes(b"\x93NUMPY\1\0" + struct.pack("<H", len(head)) + head + b"\0" * 100)
    peak, refused = peak_memory(lambda: read_clip(tmp_path / "a.npy"))
    assert refused
    assert peak < 2 * MB


def test_no_pickle_is_opened(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{}], object), allow_pickle=True)
    with pytest.raises(MotionaryError):
        read_clip(tmp_path / "a.npy")
    # np.load also takes a bare pickle and a zip archive, whatever the file is called.
    (tmp_path / "b.npy").write_bytes(b"\x80\x04cos\nsystem\n(S'false'\ntR.")
    assert findings(TARGETS["npy"], (tmp_path / "b.npy").read_bytes(), tmp_path) == []
    zipped = io.BytesIO()
    np.savez_compressed(zipped, a=np.zeros(10_000_000))  # 10 KB; 80 MB
    (tmp_path / "c.npy").write_bytes(zipped.getvalue())
    peak, refused = peak_memory(lambda: read_clip(tmp_path / "c.npy"))
    assert "no single array" in refused
    assert peak < 2 * MB


def tensors(entries, data=b""):
    header = json.dumps(entries).encode()
    return struct.pack("<Q", len(header)) + header + data


@pytest.mark.parametrize(
    "content",
    [
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 2**24) + b"{}",
        tensors({"a": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}),
        tensors({"a": {"dtype": "F32", "shape": [2**62, 4], "data_offsets": [0, 0]}}),
        tensors({"a": {"dtype": "F32", "shape": [0, 2**60], "data_offsets": [0, 0]}}),
        tensors({"a": {"dtype": "F32", "shape": [1] * 100, "data_offsets": [0, 4]}}, b"\0" * 4),
    ],
)
def test_weights_that_are_only_promised_take_no_memory(tmp_path, content):
    (tmp_path / "a.safetensors").write_bytes(content)
    peak, refused = peak_memory(lambda: read_safetensors(tmp_path / "a.safetensors"))
    assert refused
    assert peak < 2 * MB


def test_a_stored_motion_does_not_inflate_beyond_what_it_claims():
    skeleton = Skeleton(("a",), np.array([-1]), np.zeros((1, 3)))
    bomb = zlib.compress(b"\0" * (100 * MB))  # 100 KB
    peak, refused = peak_memory(lambda: decode_motion(struct.pack("<II", 3, 1) + bomb, skeleton, 30.0))
    assert "does not hold the 3 frames" in refused
    assert peak < 2 * MB
    peak, refused = peak_memory(
        lambda: decode_motion(struct.pack("<II", 2**32 - 1, 1) + bomb, skeleton, 30.0)
    )
    assert "claims 4294967295 frames" in refused
    assert peak < 2 * MB


def test_a_table_with_many_captions_of_one_file_takes_no_longer(tmp_path):
    rows = "".join(f"a.bvh,caption {number},tag {number}\n" for number in range(20_000))
    # Each row copied those before it once, and the time grew with the square of the rows.
    assert findings(TARGETS["captions"], f"file,caption,tags\n{rows}".encode(), tmp_path) == []


def test_corrections_with_many_rows_of_one_file_take_no_longer(tmp_path):
    rows = [{"file": "a.bvh", "captions": [f"caption {n}"], "tags": []} for n in range(20_000)]
    document = {"format": "motionary-corrections", "version": 1, "clips": rows}
    assert findings(TARGETS["corrections"], json.dumps(document).encode(), tmp_path) == []


# Rig maps


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+$",
        "(a|aa)+$",
        "(?:a?){50}",
        "a?" * 40 + "a" * 40,
        ".*.*.*.*x",
        "(?:.*a){12}",
        r"(a*)\1b",
        "(?P<a>a*)(?P=a)",
        "(?i)a",
        "a{99999999999999}",
        "(" * 2000,
        "x" * 101,
        "[a-z]+[a-z]+[a-z]+[a-z]+x",
    ],
)
@pytest.mark.parametrize("place", ["prefix", "mirror"])
def test_a_pattern_that_could_take_for_ever_is_refused(pattern, place):
    entry = (
        f"prefix = {json.dumps(pattern)}" if place == "prefix" else f"mirror = [{json.dumps(pattern)}, 'r']"
    )
    with pytest.raises(MotionaryError, match=r"^a\.toml: not a"):
        parse_rig_map(f'{entry}\n[joints]\npelvis = ["hips"]\n', "a.toml")


def test_the_worst_pattern_that_is_taken_takes_not_long(tmp_path):
    text = (
        "prefix = '.*.*.*Q?Q?Q?Q'\nmirror = ['.*Q', 'r']\n[joints]\n"
        + f"pelvis = [{', '.join(repr('h' * 255 + str(n % 10)) for n in range(100))}]\n"
    )
    assert findings(TARGETS["rig"], text.encode(), tmp_path) == []


@pytest.mark.parametrize("right", [r"\\g<name>", r"\\9", "\\\\", "x" * 200])
def test_a_replacement_that_is_none_is_refused(right):
    with pytest.raises(MotionaryError, match=r"^a\.toml: not a"):
        parse_rig_map(f'mirror = ["left", "{right}"]\n[joints]\nleft_hip = ["left"]\n', "a.toml")


# Reaching elsewhere


@pytest.mark.parametrize("name", ["../b.bvh", "/etc/passwd", "x/../../b.bvh", "..", r"..\\b.bvh"])
def test_a_table_that_names_what_is_not_below_it_is_told(tmp_path, name):
    folder = tmp_path / "own"
    folder.mkdir()
    for path in (folder / "a.bvh", tmp_path / "b.bvh"):
        path.write_bytes(SKELETON)
    (folder / "captions.csv").write_text(f"file,caption\na.bvh,a walk\n{name},theirs\n", "utf-8")
    files, failures = motion_files([folder])
    assert files == [folder / "a.bvh"]
    assert len(failures) == 1
    assert f"{folder / 'captions.csv'}: line 3: names " in failures[0]
    assert "not below its folder" in failures[0]


def test_a_table_that_names_a_file_too_long_to_be_is_told(tmp_path):
    (tmp_path / "a.bvh").write_bytes(SKELETON)
    (tmp_path / "captions.csv").write_text(f"file,caption\n{'x' * 5000},a walk\n", "utf-8")
    files, failures = motion_files([tmp_path])
    assert files == [tmp_path / "a.bvh"]
    assert len(failures) == 1
    assert "which is not there" in failures[0]


def test_links_in_a_circle_end(tmp_path):
    (tmp_path / "a.bvh").write_bytes(SKELETON)
    (tmp_path / "again").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "own.bvh").symlink_to(tmp_path / "own.bvh")
    files, _ = motion_files([tmp_path])
    assert tmp_path / "a.bvh" in files
    assert len(files) == 2  # a folder that is a link is not entered
    with pytest.raises(MotionaryError, match=r"own\.bvh: cannot be read"):
        read_clip(tmp_path / "own.bvh")


# The library


@pytest.fixture
def library(tmp_path):
    path = tmp_path / "a.motionary"
    path.write_bytes(a_library())
    return path


def change(path, *statements):
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


TRIGGER = "CREATE TRIGGER {} AFTER DELETE ON clips BEGIN DELETE FROM captions; END"


@pytest.mark.parametrize(
    "statements",
    [
        [TRIGGER.format("t")],
        # SQLite keeps this name to itself, but reads it in a file that has it.
        [
            "PRAGMA writable_schema = ON",
            "INSERT INTO sqlite_schema VALUES "
            f"('trigger', 'sqlite_t', 'clips', 0, '{TRIGGER.format('sqlite_t')}')",
        ],
        ["CREATE VIEW v AS SELECT load_extension('x')"],
        ["ALTER TABLE clips RENAME TO c", "CREATE VIEW clips AS SELECT * FROM c"],
        ["CREATE VIRTUAL TABLE v USING fts5(x)"],
        ["CREATE INDEX i ON clips(abs(name))"],
        ["CREATE TABLE extra (x)"],
        ["ALTER TABLE clips ADD COLUMN x DEFAULT 7"],
        [
            "PRAGMA writable_schema = ON",
            "UPDATE sqlite_schema SET sql = 'ATTACH ''x'' AS x' WHERE name = 'clips'",
        ],
        ["PRAGMA writable_schema = ON", "UPDATE sqlite_schema SET rootpage = 999999 WHERE name = 'clips'"],
        ["PRAGMA writable_schema = ON", "DELETE FROM sqlite_schema WHERE name = 'clips'"],
    ],
)
@pytest.mark.parametrize("write", [False, True])
def test_a_library_whose_schema_is_not_ours_is_refused(library, statements, write):
    change(library, *statements)
    before = library.read_bytes()
    with pytest.raises(MotionaryError, match=r"a\.motionary: "):
        open_library(library, write=write)
    assert library.read_bytes() == before
    assert list(library.parent.iterdir()) == [library]


def test_a_library_opens_no_other_file_and_loads_no_code(library):
    for write in (False, True):
        with open_library(library, write=write) as opened:
            with pytest.raises(sqlite3.OperationalError, match="too many attached"):
                opened.connection.execute("ATTACH ':memory:' AS other")
            with pytest.raises(sqlite3.OperationalError, match="not authorized"):
                opened.connection.execute("SELECT load_extension('x')")


def test_a_reader_of_a_library_changes_nothing(library):
    with open_library(library) as opened, pytest.raises(sqlite3.OperationalError, match="readonly"):
        opened.connection.execute("DELETE FROM clips")


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE motions SET data = zeroblob(50000000)", "damaged"),
        ("UPDATE motions SET data = x'ffffffff02000000'", "claims 4294967295 frames"),
        ("UPDATE motions SET data = 30000000000", "is no bytes"),
        ("UPDATE skeletons SET json = replace(hex(zeroblob(50000)), '00', '[')", "damaged"),
        ("UPDATE embeddings SET vector = zeroblob(50000000)", "damaged"),
        ("UPDATE models SET joint_dim = 4611686018427387904", "damaged"),
        ("UPDATE clips SET end_frame = 4611686018427387904", "not within"),
        ("UPDATE motions SET fps = 'fast'", "damaged"),
        ("UPDATE embeddings SET clip = 7", "embeddings of no clip"),
        (f"UPDATE embeddings SET facts = x'{'0000c842' * WIDTH}'", ""),  # 100, which is no word
        (f"UPDATE embeddings SET facts = x'{'0000807f' * WIDTH}'", ""),  # infinity
        ("UPDATE motions SET fps = 9e999", "damaged"),
        ("UPDATE clips SET name = x'ff'", ""),
        ("UPDATE captions SET text = CAST(x'ff' AS TEXT)", "UTF-8"),
    ],
)
def test_a_library_with_hostile_rows_is_told(library, statement, says):
    change(library, statement)
    data = library.read_bytes()
    assert findings(TARGETS["library"], data, library.parent) == []
    peak, refused = peak_memory(lambda: TARGETS["library"].read(data, library.parent))
    assert says in refused
    assert bool(refused) == bool(says)
    assert peak < 4 * len(data) + 16 * MB


def test_a_blob_whose_pages_run_in_a_circle_fills_no_memory(library):
    change(library, "UPDATE motions SET data = randomblob(200000)")
    data = bytearray(library.read_bytes())
    page = struct.unpack_from(">H", data, 16)[0]
    chain = [
        n for n in range(1, len(data) // page) if data[n * page : n * page + 4] == struct.pack(">I", n + 2)
    ]
    assert len(chain) > 20  # overflow pages, each beginning with the next one's number
    for number in chain:
        struct.pack_into(">I", data, number * page, chain[0] + 1)
    peak, _ = peak_memory(lambda: TARGETS["library"].read(bytes(data), library.parent))
    assert peak < 4 * len(data) + 16 * MB


def test_the_memory_that_fuzzing_allows_is_a_limit():
    code = (
        "import sys; sys.path[:0] = ['.', 'backend', 'training']\n"
        "from tests.fuzz.targets import limit_memory\nlimit_memory(64 << 20)\n"
        "try:\n    bytearray(256 << 20)\nexcept MemoryError:\n    print('ended')"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, timeout=120)
    assert done.stdout == "ended\n", done.stderr
