"""BVH: write and read is the identity; the many dialects; every kind of broken file says where and what."""

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionary import rotation
from motionary.body import body_positions
from motionary.errors import MotionaryError
from motionary.formats import bvh
from motionary.formats.bvh import read_bvh, write_bvh
from motionary.motion import Motion, Skeleton, forward_kinematics

SMALL = """HIERARCHY
ROOT Hips
{
  OFFSET 1 2 3
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT Left Arm
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
Frame Time: 0.0083333
0 90 0 0 0 0 0 0 0
0 90 1 90 0 0 0 0 90
"""


def read(tmp_path, text, **options):
    path = tmp_path / "clip.bvh"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_bvh(path, **options)


@st.composite
def motions(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    joints, frames = draw(st.integers(1, 12)), draw(st.integers(1, 5))
    parents = np.array([-1, *(rng.integers(0, j) for j in range(1, joints))])
    skeleton = Skeleton(tuple(f"joint {j}" for j in range(joints)), parents, rng.normal(0, 0.3, (joints, 3)))
    turns = rotation.normalize(rng.normal(0, 1, (frames, joints, 4)))
    fps = draw(st.sampled_from([20.0, 24.0, 29.97, 30.0, 60.0, 120.0, 240.0]))
    return Motion(skeleton, turns, rng.normal(0, 2, (frames, 3)), fps)


@settings(max_examples=60)
@given(motions())
def test_what_is_written_is_read_again(tmp_path_factory, motion):
    path = tmp_path_factory.mktemp("bvh") / "clip.bvh"
    write_bvh(motion, path)
    again = read_bvh(path, unit=0.01)
    assert sorted(again.skeleton.names) == sorted(motion.skeleton.names)
    assert again.fps == pytest.approx(motion.fps, rel=1e-6)
    order = [again.skeleton.index(name) for name in motion.skeleton.names]
    np.testing.assert_allclose(
        forward_kinematics(again)[0][:, order], forward_kinematics(motion)[0], atol=1e-4
    )
    assert [path] == list(path.parent.iterdir())  # no temporary file is left


def test_end_sites_survive(tmp_path):
    motion = read(tmp_path, SMALL, unit=0.01)
    assert motion.skeleton.names == ("Hips", "Left Arm", "Left Arm_end")
    write_bvh(motion, tmp_path / "again.bvh")
    assert "End Site" in (tmp_path / "again.bvh").read_text()
    assert read_bvh(tmp_path / "again.bvh", unit=0.01).skeleton.names == motion.skeleton.names


def test_golden_positions(tmp_path):
    """Rz(90) takes the arm from +Y to -X; the root's OFFSET is not added to its position channels."""
    positions, _ = forward_kinematics(read(tmp_path, SMALL, unit=0.01))
    np.testing.assert_allclose(positions[0], [[0, 0.9, 0], [0, 1, 0], [0, 1.05, 0]], atol=1e-12)
    np.testing.assert_allclose(
        positions[1], [[0, 0.9, 0.01], [-0.1, 0.9, 0.01], [-0.15, 0.9, 0.01]], atol=1e-12
    )


@pytest.mark.parametrize("order", ["XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX"])
def test_any_order_of_rotations(tmp_path, order):
    channels = " ".join(f"{axis}rotation" for axis in order)
    text = SMALL.replace("CHANNELS 3 Zrotation Xrotation Yrotation", f"CHANNELS 3 {channels}")
    motion = read(tmp_path, text.replace("0 90 1 90 0 0 0 0 90", "0 90 1 0 0 0 10 20 30"))
    matrix = np.eye(3)
    for axis, degrees in zip(order, (10, 20, 30), strict=True):
        axes = np.eye(3)["XYZ".index(axis)]
        matrix = matrix @ rotation.to_matrix(rotation.from_axis_angle(axes, np.radians(degrees)))
    np.testing.assert_allclose(rotation.to_matrix(motion.rotations[1, 1]), matrix, atol=1e-12)


def test_one_rotation_channel_and_none(tmp_path):
    text = SMALL.replace("CHANNELS 3 Zrotation Xrotation Yrotation", "CHANNELS 1 Xrotation")
    text = text.replace("0 90 0 0 0 0 0 0 0", "0 90 0 0 0 0 0").replace(
        "0 90 1 90 0 0 0 0 90", "0 90 0 0 0 0 90"
    )
    motion = read(tmp_path, text)
    np.testing.assert_allclose(rotation.to_rotvec(motion.rotations[1, 1]), [np.pi / 2, 0, 0], atol=1e-12)


@pytest.mark.parametrize(
    ("written", "fps"),
    [
        ("0.0083333", 120),
        (".008333", 120),
        ("0.0333667", 1 / 0.0333667),
        ("0.033333", 30),
        ("0.04", 25),
        ("1", 1),
    ],
)
def test_frame_times_are_whole_rates_where_they_can_be(tmp_path, written, fps):
    assert read(tmp_path, SMALL.replace("0.0083333", written)).fps == pytest.approx(fps, rel=1e-12)


def test_the_users_rate_wins(tmp_path):
    assert read(tmp_path, SMALL, fps=50).fps == 50


def test_windows_line_ends_bom_and_tabs(tmp_path):
    text = b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").replace("  ", "\t").encode()
    expected = read(tmp_path, SMALL)
    np.testing.assert_array_equal(read(tmp_path, text).rotations, expected.rotations)


@pytest.mark.parametrize(
    ("channels", "expected"),
    [((0, 10, 0), (0, 10, 0)), ((0, 12, 0), (0, 12, 0)), ((0, 1, 0), (0, 11, 0)), ((0, 0, 0), (0, 10, 0))],
    ids=["the offset", "another place", "a difference", "no difference"],
)
def test_places_of_other_joints_become_offsets(tmp_path, channels, expected):
    text = SMALL.replace(
        "CHANNELS 3 Zrotation Xrotation Yrotation",
        "CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation",
    )
    place = " ".join(map(str, channels))
    text = text.replace("0 90 0 0 0 0 0 0 0", f"0 90 0 0 0 0 {place} 0 0 0")
    text = text.replace("0 90 1 90 0 0 0 0 90", f"0 90 0 0 0 0 {place} 0 0 0")
    motion = read(tmp_path, text, unit=1.0)
    np.testing.assert_allclose(motion.skeleton.offsets[1], expected)


def test_hips_that_travel_below_a_bare_reference_become_the_root(tmp_path):
    inner = SMALL[SMALL.index("ROOT") : SMALL.index("MOTION")].replace("ROOT", "JOINT")
    text = (
        "HIERARCHY\nROOT Reference\n{\nOFFSET 0 0 0\nCHANNELS 3 Zrotation Xrotation Yrotation\n"
        f"{inner}}}\nMOTION\nFrames: 2\nFrame Time: 0.01\n"
        "90 0 0 0 90 0 0 0 0 0 0 0\n90 0 0 0 90 50 90 0 0 0 0 90\n"
    )
    motion = read(tmp_path, text, unit=0.01)
    assert motion.skeleton.names == ("Hips", "Left Arm", "Left Arm_end")
    positions, _ = forward_kinematics(motion)
    np.testing.assert_allclose(positions[0], [[-0.9, 0, 0], [-1, 0, 0], [-1.05, 0, 0]], atol=1e-12)
    np.testing.assert_allclose(positions[1, :2], [[-0.9, 0, 0.5], [-0.9, -0.1, 0.5]], atol=1e-12)


@pytest.mark.parametrize(("name", "unit"), [("m", 1.0), ("cm", 0.01), ("mm", 0.001), ("inch", 0.0254)])
def test_the_unit_is_told_by_the_legs(tmp_path, standing, name, unit):
    write_bvh(standing, tmp_path / "cm.bvh")
    rescaled = replace(
        standing,
        skeleton=replace(standing.skeleton, offsets=standing.skeleton.offsets * 0.01 / unit),
        translation=standing.translation * 0.01 / unit,
    )
    write_bvh(rescaled, tmp_path / f"{name}.bvh")
    np.testing.assert_allclose(
        body_positions(read_bvh(tmp_path / f"{name}.bvh")), body_positions(standing), atol=1e-4
    )


def test_what_stands_along_z_is_turned(tmp_path, standing):
    """Blender's own exporter writes its axes: Z up, -Y forward."""
    along_z = bvh._turned(standing, rotation.inverse(bvh.Z_UP))
    assert body_positions(along_z)[0, 15, 2] > 1.3  # the head
    write_bvh(along_z, tmp_path / "blender.bvh")
    again = read_bvh(tmp_path / "blender.bvh")
    np.testing.assert_allclose(body_positions(again), body_positions(standing), atol=1e-4)


NAN_ROW, WORD_ROW = SMALL.replace("0 90 1 90", "0 nan 1 90"), SMALL.replace("0 90 1 90", "0 90 oops 90")
BROKEN = {
    "empty": ("", "file is empty"),
    "blank": (" \n\n ", "file is empty"),
    "text": ("Dear diary,\ntoday I moved.\n", "line 1: a BVH file starts with HIERARCHY"),
    "binary": (b"HIERARCHY\nROOT\x00\x01\xff", "line 2: holds binary data"),
    "no motion": (SMALL[: SMALL.index("MOTION")], "no MOTION block"),
    "cut in a row": (SMALL[:-8], "line 20: a frame needs 9 numbers, found 6"),
    "frame lost": (SMALL[: SMALL.index("0 90 1 90")], "promises 2 frames and holds 1"),
    "frame too many": (SMALL + "0 0 0 0 0 0 0 0 0\n", "promises 2 frames and holds 3"),
    "not a number": (NAN_ROW, "line 20: 'nan' is not a number"),
    "infinite": (SMALL.replace("0 90 1 90", "0 -inf 1 90"), "line 20: '-inf' is not a number"),
    "a word": (WORD_ROW, "line 20: 'oops' is not a number"),
    "a word at the end": (SMALL + "the end", "line 21: 'the' is not a number"),
    "decimal commas": (SMALL.replace("0 90 1 90", "0 90,5 1 90"), "line 20: '90,5' is not a number"),
    "no frames": (SMALL.replace("Frames: 2", "Frames: 0"), "line 17: Frames: must be a count"),
    "frames absurd": (
        SMALL.replace("Frames: 2", "Frames: 99999999999999"),
        "line 17: Frames: must be a count",
    ),
    "frames many": (SMALL.replace("Frames: 2", "Frames: 900000000"), "promises 900000000 frames and holds 2"),
    "frame time": (SMALL.replace("0.0083333", "0"), "line 18: Frame Time: must be the seconds"),
    "frame time text": (SMALL.replace("0.0083333", "fast"), "line 18: Frame Time: must be the seconds"),
    "channel": (SMALL.replace("3 Zrotation", "3 Wrotation"), "line 9: unknown channel 'Wrotation'"),
    "channel count": (SMALL.replace("CHANNELS 3", "CHANNELS 4"), "line 9: CHANNELS needs a count"),
    "channel twice": (SMALL.replace("3 Zrotation", "3 Xrotation"), "line 9: CHANNELS needs a count"),
    "offset": (SMALL.replace("OFFSET 0 10 0", "OFFSET 0 ten 0"), "line 8: OFFSET needs three numbers"),
    "offset nan": (SMALL.replace("OFFSET 0 10 0", "OFFSET 0 nan 0"), "line 8: OFFSET needs three numbers"),
    "no offset": (SMALL.replace("    OFFSET 0 10 0\n", ""), "line 6: Left Arm has no OFFSET"),
    "brace lost": (SMALL.replace("}\nMOTION", "MOTION"), "line 14: the HIERARCHY ends before its last }"),
    "brace too many": (SMALL.replace("MOTION", "}\nMOTION"), "line 16: expected JOINT"),
    "no brace": (SMALL.replace("Hips\n{", "Hips\n"), "line 4: expected {"),
    "two roots": (SMALL.replace("MOTION", "ROOT B\n{\n}\nMOTION"), "line 16: a second ROOT"),
    "two names": (SMALL.replace("Left Arm", "Hips"), "line 6: 'Hips' names a second joint"),
    "no name": (SMALL.replace("JOINT Left Arm", "JOINT"), "line 6: 'nothing' names"),
    "keyword": (SMALL.replace("JOINT Left", "BONE Left"), "line 6: expected JOINT"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_files_say_where_and_what(tmp_path, case):
    text, says = BROKEN[case]
    with pytest.raises(MotionaryError) as caught:
        read(tmp_path, text)
    message = str(caught.value)
    assert says in message
    assert message.startswith(str(tmp_path / "clip.bvh"))
    assert "\n" not in message


def test_a_file_of_blank_lines_costs_no_time(tmp_path):
    """A regular expression that starts anew at each blank line would take hours here."""
    start = time.perf_counter()
    with pytest.raises(MotionaryError, match="no MOTION block"):
        read(tmp_path, "HIERARCHY" + "\n" * 1_000_000)
    assert time.perf_counter() - start < 5


def test_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(MotionaryError, match=r"none\.bvh: cannot be read"):
        read_bvh(tmp_path / "none.bvh")
    with pytest.raises(MotionaryError, match="cannot be read"):
        read_bvh(tmp_path)


def test_a_file_too_large_is_not_read(tmp_path):
    path = tmp_path / "huge.bvh"
    with path.open("wb") as file:
        file.truncate(2 << 30)
    with pytest.raises(MotionaryError, match="2048 MB is more than"):
        read_bvh(path)


def test_too_many_joints_are_refused(tmp_path):
    depth = bvh.MOST_JOINTS + 1
    joints = "".join(f"JOINT j{i}\n{{\nOFFSET 0 1 0\n" for i in range(depth))
    end = "}" * (depth + 1) + "\nMOTION\nFrames: 1\nFrame Time: 1\n0\n"
    text = f"HIERARCHY\nROOT r\n{{\nOFFSET 0 0 0\n{joints}{end}"
    with pytest.raises(MotionaryError, match="more than 4096 joints"):
        read(tmp_path, text)


@pytest.mark.parametrize("name", ["", "two\nlines", "bra{ce", " led"])
def test_names_that_cannot_be_written_are_refused(tmp_path, name):
    skeleton = Skeleton((name,), np.array([-1]), np.zeros((1, 3)))
    motion = Motion(skeleton, np.array([[rotation.IDENTITY]]), np.zeros((1, 3)), 30.0)
    with pytest.raises(MotionaryError, match="cannot be written to BVH"):
        write_bvh(motion, tmp_path / "clip.bvh")
    assert not list(tmp_path.iterdir())


def test_writing_fails_with_the_reason_and_keeps_what_was_there(tmp_path, standing):
    with pytest.raises(MotionaryError, match="cannot be written"):
        write_bvh(standing, tmp_path / "no folder" / "clip.bvh")
