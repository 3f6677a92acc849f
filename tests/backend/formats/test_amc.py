"""ASF/AMC: axes, units and orders by hand, what is refused, and the agreement with BVH of the same trial."""

import numpy as np
import pytest

from motionary import rotation
from motionary.body import body_positions
from motionary.errors import MotionaryError
from motionary.formats import amc as amc_module
from motionary.formats import read_clip
from motionary.formats.amc import read_amc, read_asf
from motionary.motion import forward_kinematics
from tests.data import unzipped

ASF = """# a comment
:version 1.10
:name test
:units
  mass 1.0
  length 1.0
  angle deg
:root
   order TX TY TZ RX RY RZ
   axis XYZ
   position 0 0 0
   orientation 0 0 0
:bonedata
  begin
     id 1
     name upper
     direction 0 1 0
     length 10
     axis 0 0 90 XYZ
     dof rx ry rz
     limits (-160.0 20.0)
            (-70.0 70.0)
            (-60.0 70.0)
  end
  begin
     id 2
     name lower
     direction 1 0 0
     length 5
     axis 0 0 0 XYZ
     dof rz
  end
  begin
     id 3
     name rib
     direction 0 0 1
     length 2
     axis 0 0 0 XYZ
  end
:hierarchy
  begin
    root upper
    upper lower rib
  end
"""
AMC = """#!OML:ASF test
:FULLY-SPECIFIED
:DEGREES
1
root 0 0 0 0 0 0
upper 0 0 0
lower 0
2
root 1 2 3 0 90 0
upper 90 0 0
lower 90
"""
INCH = 0.0254


def read(tmp_path, amc=AMC, asf=ASF, **options):
    if asf is not None:
        (tmp_path / "07.asf").write_text(asf)
    path = tmp_path / "07_01.amc"
    path.write_text(amc)
    return read_amc(path, **options)


def test_joints_are_the_starts_of_bones_and_the_last_ends(tmp_path):
    skeleton = read(tmp_path).skeleton
    assert skeleton.names == ("root", "upper", "lower", "rib", "lower_end", "rib_end")
    offsets = [[0, 0, 0], [0, 0, 0], [0, 10, 0], [0, 10, 0], [5, 0, 0], [0, 0, 2]]
    np.testing.assert_allclose(skeleton.offsets, np.array(offsets) * INCH, atol=1e-12)


def test_rotations_act_in_the_bones_own_axes(tmp_path):
    """By hand: the axis turns rx into a turn about the world's Y, which leaves `upper` pointing up; then the
    root's 90 degrees about Y follow."""
    motion = read(tmp_path)
    positions, _ = forward_kinematics(motion)
    root = np.array([1, 2, 3])
    np.testing.assert_allclose(positions[1, 0], root * INCH, atol=1e-12)
    np.testing.assert_allclose(positions[1, 2], (root + np.array([0, 10, 0])) * INCH, atol=1e-12)
    # lower: +X by Rz(90) -> +Y; about Y by upper and root it stays there
    np.testing.assert_allclose(positions[1, 4], (root + np.array([0, 15, 0])) * INCH, atol=1e-12)
    # rib: +Z by Ry(90) of upper -> +X, by Ry(90) of root -> -Z
    np.testing.assert_allclose(positions[1, 5], (root + np.array([0, 10, -2])) * INCH, atol=1e-12)


def test_the_order_of_a_bones_rotations_is_x_first(tmp_path):
    asf = ASF.replace("axis 0 0 90 XYZ", "axis 0 0 0 XYZ")
    motion = read(tmp_path, AMC.replace("upper 90 0 0", "upper 10 20 30"), asf)
    x, y, z = (
        rotation.from_axis_angle(a, np.radians(d)) for a, d in zip(np.eye(3), (10, 20, 30), strict=True)
    )
    np.testing.assert_allclose(
        motion.rotations[1, 1], rotation.multiply(z, rotation.multiply(y, x)), atol=1e-12
    )


def test_root_channels_come_in_their_own_order(tmp_path):
    asf = ASF.replace("order TX TY TZ RX RY RZ", "order RX RY RZ TX TY TZ")
    motion = read(tmp_path, AMC.replace("root 1 2 3 0 90 0", "root 0 90 0 1 2 3"), asf)
    np.testing.assert_allclose(
        forward_kinematics(motion)[0], forward_kinematics(read(tmp_path))[0], atol=1e-12
    )


def test_radians_and_units(tmp_path):
    asf = ASF.replace("angle deg", "angle rad").replace("length 1.0", "length 0.45")
    asf = asf.replace("axis 0 0 90", f"axis 0 0 {np.pi / 2}")
    amc = AMC.replace(":DEGREES", ":RADIANS").replace("90", str(np.pi / 2))
    expected, _ = forward_kinematics(read(tmp_path))
    positions, _ = forward_kinematics(read(tmp_path, amc, asf))
    np.testing.assert_allclose(positions, expected / 0.45, atol=1e-9)


def test_windows_line_ends_tabs_and_the_rate(tmp_path):
    motion = read(tmp_path, AMC.replace("\n", "\r\n").replace(" ", "\t"), fps=60)
    np.testing.assert_array_equal(motion.rotations, read(tmp_path).rotations)
    assert motion.fps == 60
    assert read(tmp_path).fps == 120


@pytest.mark.parametrize("place", ["07_01.asf", "07.ASF", "../asf/07.asf", "../07.asf", "other.asf"])
def test_the_skeleton_is_found(tmp_path, place):
    folder = tmp_path / "amc"
    folder.mkdir()
    (tmp_path / "asf").mkdir()
    (folder / place).write_text(ASF)
    assert read(folder, asf=None).frames == 2


def test_no_skeleton_says_where_it_was_looked_for(tmp_path):
    with pytest.raises(MotionaryError) as caught:
        read(tmp_path, asf=None)
    message = str(caught.value)
    for part in (
        "07_01.amc",
        "07_01.asf or 07.asf",
        str(tmp_path),
        str(tmp_path.parent / "asf"),
        "beside it",
    ):
        assert part in message


BROKEN = {
    "empty": ("", "file is empty"),
    "text": ("Dear diary,\ntoday I moved.\n", "no frame number below an AMC header"),
    "only a header": (":FULLY-SPECIFIED\n:DEGREES\n", "no frame number below an AMC header"),
    "binary": ("\0\1\2", "line 1: holds binary data"),
    "cut in a frame": (AMC.replace("lower 90\n", ""), "the last frame, 2, has no line for lower"),
    "cut in a line": (AMC.replace("upper 90 0 0\nlower 90\n", "upper 90"), "line 10: upper has 1 numbers"),
    "frame lost": (AMC.replace("\n2\n", "\n3\n"), "line 8: frame 3 follows frame 1"),
    "bone lost": (AMC.replace("lower 0\n", ""), "line 7: frame 1 has no line for lower"),
    "bone twice": (AMC.replace("lower 90\n", "lower 90\nlower 90\n"), "line 12: a second line for lower"),
    "bone unknown": (AMC.replace("lower 90", "tail 90"), "line 11: 'tail' is no bone"),
    "not a number": (AMC.replace("lower 90", "lower nan"), "line 11: 'nan' is not a number"),
    "a word": (AMC.replace("lower 90", "lower much"), "line 11: 'much' is not a number"),
    "order": (
        AMC.replace("upper 90 0 0\nlower 90", "lower 90\nupper 90 0 0"),
        "do not come in the same order",
    ),
    "conflict": (
        AMC.replace("2\nroot", "<<<<<<< HEAD\n2\nroot"),
        "line 8: holds two versions between git's conflict marks",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_motion_says_where_and_what(tmp_path, case):
    text, says = BROKEN[case]
    with pytest.raises(MotionaryError) as caught:
        read(tmp_path, text)
    assert says in str(caught.value)
    assert str(tmp_path / "07_01.amc") in str(caught.value)
    assert "\n" not in str(caught.value)


BROKEN_ASF = {
    "empty": ("", "file is empty"),
    "no bones": (ASF[: ASF.index(":bonedata")], "no :bonedata section"),
    "length": (ASF.replace("length 10", "length ten"), "line 18: needs 1 numbers, found 'ten'"),
    "no direction": (ASF.replace("     direction 0 1 0\n", ""), "the bone that ends here has no direction"),
    "axis": (ASF.replace("0 0 90 XYZ", "0 0 90 XYQ"), "an axis order is XYZ or another"),
    "channel": (ASF.replace("dof rz", "dof rw"), "unknown or repeated channel in 'rw'"),
    "unknown bone": (ASF.replace("upper lower rib", "upper lower rob"), "'rob' is no bone"),
    "loose bone": (ASF.replace("upper lower rib", "upper lower"), "bone 'rib' does not hang on the root"),
    "two parents": (ASF.replace("upper lower rib", "upper lower rib\nlower rib"), "'rib' has two parents"),
    "a ring": (ASF.replace("root upper", "rib upper"), "does not hang on the root"),
}


@pytest.mark.parametrize("case", BROKEN_ASF)
def test_broken_skeletons_say_where_and_what(tmp_path, case):
    text, says = BROKEN_ASF[case]
    path = tmp_path / "07.asf"
    path.write_text(text)
    with pytest.raises(MotionaryError) as caught:
        read_asf(path)
    assert says in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("trial", [f"01_{number:02}" for number in range(2, 13)])
def test_bvh_and_amc_of_a_trial_agree(trial):
    """Two people's conversions of one capture, read by two readers: the same 22 joints, frame by frame."""
    members = [f"cmu/bvh/{trial}.bvh", f"cmu/amc/{trial}.amc", "cmu/asf/01.asf"]
    folder = unzipped("cmu_mocap.zip", *members)
    by_bvh, by_amc = (body_positions(read_clip(folder / member).motion) for member in members[:2])
    assert by_bvh.shape == by_amc.shape
    np.testing.assert_allclose(by_bvh, by_amc, atol=1e-5)  # measured: 5e-6, the digits that BVH keeps


def test_the_twelfth_trial_holds_two_versions(tmp_path):
    """01_01.amc is a botched merge: half of a file, then the whole file, which agrees with the BVH."""
    members = ["cmu/bvh/01_01.bvh", "cmu/amc/01_01.amc", "cmu/asf/01.asf"]
    bvh, amc, asf = (unzipped("cmu_mocap.zip", *members) / member for member in members)
    with pytest.raises(MotionaryError, match=r"01_01\.amc, line 1: holds two versions"):
        read_clip(amc)
    whole = amc.read_bytes().split(b"\n=======\n")[1].rpartition(b">>>>>>>")[0]
    (tmp_path / "01_01.amc").write_bytes(whole)
    motion = read_amc(tmp_path / "01_01.amc", asf)
    np.testing.assert_allclose(body_positions(motion), body_positions(read_clip(bvh).motion), atol=1e-5)


def test_a_root_that_no_channel_moves_stands_still(tmp_path):
    asf = ASF.replace("order TX TY TZ RX RY RZ", "order").replace("position 0 0 0", "position 1 2 3")
    amc = "\n".join(line for line in AMC.splitlines() if not line.startswith("root")) + "\n"
    motion = read(tmp_path, amc, asf)
    assert motion.frames == 2
    np.testing.assert_allclose(motion.translation, [[INCH, 2 * INCH, 3 * INCH]] * 2)


def test_frames_of_a_long_take_follow_each_other_where_its_parts_meet(tmp_path, monkeypatch):
    monkeypatch.setattr(amc_module, "FRAMES_AT_ONCE", 2)
    head, frame = AMC.split("1\n", 1)[0], "root 0 0 {0} 0 0 0\nupper {0} 0 0\nlower 0\n"
    rows = [f"{number}\n{frame.format(number)}" for number in range(1, 8)]
    motion = read(tmp_path, head + "".join(rows))
    np.testing.assert_allclose(motion.translation[:, 2], np.arange(1, 8) * INCH)
    with pytest.raises(MotionaryError, match="frame 4 follows frame 2"):
        read(tmp_path, head + "".join(rows[:2] + rows[3:]))
