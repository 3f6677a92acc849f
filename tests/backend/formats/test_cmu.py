"""The CMU repairs, each on real files, against the golden joints, and on all trials there are."""

from dataclasses import replace

import numpy as np
import pytest

from motionary import rotation
from motionary.body import JOINTS, body_positions, find_body, leg_length
from motionary.errors import MotionaryError
from motionary.formats import cmu, read_clip
from motionary.formats.bvh import read_bvh
from motionary.motion import forward_kinematics
from tests.data import shared_file, unzipped

MOCAP, EXTRA = "cmu_mocap.zip", "cmu_mocap_extra.zip"


def trial(name, *with_it):
    """The path of a trial, in a folder that also holds ``with_it``."""
    archive, member = (
        (EXTRA, f"cmu_extra/bvh/{name}.bvh")
        if name[:2] in ("60", "61", "94")
        else (MOCAP, f"cmu/bvh/{name}.bvh")
    )
    return unzipped(archive, member, *with_it) / member


def heights(motion, joint):
    return body_positions(motion)[:, JOINTS.index(joint), 1]


GOLDEN_IDS = [
    "008142", "006722", "003007", "000757", "004756", "006971",
    "002356", "011787", "008453", "000175", "001417", "006865",
]  # fmt: skip


@pytest.mark.parametrize("clip", GOLDEN_IDS)
def test_the_official_input_joints_come_out(clip):
    """The joints that another implementation made, with all repairs; measured: 1e-7 m, float32's end."""
    golden = np.load(shared_file("golden.npz"))
    assert sorted(golden["ids"]) == sorted(GOLDEN_IDS)
    row = list(golden["ids"]).index(clip)
    name, fps = str(golden["source_file"][row]), int(golden["fps"][row])
    subject = name.split("_")[0]
    if name.endswith(".amc"):
        path = unzipped(MOCAP, f"cmu/amc/{name}", f"cmu/asf/{subject}.asf") / f"cmu/amc/{name}"
    elif subject in ("06", "10", "61", "131"):  # no ASF is there, or none is needed
        path = trial(name.removesuffix(".bvh"))
    else:
        path = trial(name.removesuffix(".bvh"), f"cmu/asf/{subject}.asf")
    motion = read_clip(path).motion
    assert motion.fps == fps
    joints = body_positions(motion)[:: fps // 20][golden["start"][row] : golden["end"][row]]
    np.testing.assert_allclose(joints, golden[f"raw_{clip}"], atol=1e-6)


def test_every_trial_is_read_and_has_a_human_body():
    """All 332; of the 12 that are there twice, both, but for the one AMC that is a botched merge."""
    folders = [unzipped(MOCAP), unzipped(EXTRA)]
    files = sorted(
        file for folder in folders for suffix in ("bvh", "amc") for file in folder.rglob(f"*.{suffix}")
    )
    files = [file for file in files if file.name != "01_01.amc"]
    assert len({file.stem for file in files}) == 332
    for file in files:
        motion = read_clip(file).motion
        body = find_body(motion.skeleton)
        assert body.family.startswith("CMU"), file.name
        assert 0.75 < leg_length(motion.skeleton) < 1.0, file.name
        subject = int(file.stem.split("_")[0])
        assert motion.fps == (60 if subject in (60, 61) else 120), file.name
        # No rest pose is left in front: nobody's joints move 5 cm on average to the next frame. (Later they
        # may seem to: 08_07 and 16_23 have lost some frames near their start.)
        front = replace(motion, rotations=motion.rotations[:2], translation=motion.translation[:2])
        first, second = body_positions(front, body)
        assert np.linalg.norm(second - first, axis=-1).mean() < 0.05, file.name


def test_the_thorax_is_put_back_from_the_asf_or_guessed(tmp_path):
    """01_02 without its ASF beside it has the same legs, and head and arms within 2 cm, not 12 too low."""
    path = trial("01_02", "cmu/asf/01.asf")
    alone = tmp_path / "a" / "b" / "01_02.bvh"
    alone.parent.mkdir(parents=True)
    alone.write_bytes(path.read_bytes())
    exact, guessed = (body_positions(read_clip(file).motion) for file in (path, alone))
    raw = body_positions(read_bvh(path))[1:]  # after the rest frame
    legs, head = [JOINTS.index(j) for j in ("left_ankle", "right_knee", "spine2")], JOINTS.index("head")
    np.testing.assert_allclose(exact[:, legs], guessed[:, legs], atol=1e-9)
    assert np.linalg.norm(exact[:, head] - guessed[:, head], axis=-1).max() < 0.02
    assert np.linalg.norm(exact[:, head] - raw[:, head], axis=-1).mean() == pytest.approx(0.117, abs=0.001)


def test_a_thorax_that_is_there_is_left_alone():
    path = trial("01_02", "cmu/asf/01.asf")
    once = read_clip(path).motion
    np.testing.assert_array_equal(cmu.repair(once, path).skeleton.offsets, once.skeleton.offsets)


@pytest.mark.parametrize(
    ("name", "cut"), [("01_02", 1), ("09_11", 1), ("09_10", 5), ("131_01", 0), ("94_04", 1)]
)
def test_rest_frames_in_front_are_cut(name, cut):
    """09_10 has a T-pose, four rows of nothing but zeros, and then the run, 1.9 m away."""
    path = trial(name)
    assert read_bvh(path).frames - read_clip(path).motion.frames == cut


@pytest.mark.parametrize("rests", [1, 2, 3])
def test_two_rest_frames_are_cut_as_one_is(tmp_path, rests):
    """As in 07_12, which is not at hand."""
    lines = trial("09_11").read_bytes().split(b"\n")
    first = next(i for i, line in enumerate(lines) if line.startswith(b"Frame Time")) + 1
    count = int(lines[first - 2].split()[1])
    lines[first - 2] = b"Frames: %d" % (count + rests - 1)
    path = tmp_path / "09_11.bvh"
    path.write_bytes(b"\n".join(lines[:first] + lines[first : first + 1] * (rests - 1) + lines[first:]))
    assert read_clip(path).motion.frames == count - 1


def test_a_t_pose_that_the_movement_grows_out_of_stays():
    """Only a jump tells a rest frame: an actor may well start in a T-pose."""
    motion = read_bvh(trial("09_11"))
    part = np.minimum(np.arange(60) / 50, 1.0)[:, None]
    slow = rotation.slerp(rotation.IDENTITY, motion.rotations[20], part)
    start = replace(motion, rotations=slow, translation=np.tile(motion.translation[20], (60, 1)))
    assert cmu.repair(start, trial("09_11")).frames == 60


@pytest.mark.parametrize("name", ["10_01", "60_01", "94_04"])
def test_the_ease_in_is_held(name):
    motion = read_clip(trial(name)).motion
    held = np.all(motion.rotations[:8] == motion.rotations[0], axis=(1, 2)).sum()
    assert held == 5  # four frames of ease-in, and the first clean one
    wrist = body_positions(motion)[:12, JOINTS.index("left_wrist")]
    assert np.linalg.norm(np.diff(wrist, axis=0), axis=-1).max() < 0.05


def test_the_daz_pelvis_is_above_the_hips():
    motion = read_clip(trial("10_01")).motion
    joints = body_positions(motion)
    hips = (joints[:, JOINTS.index("left_hip")] + joints[:, JOINTS.index("right_hip")]) / 2
    up = rotation.rotate(motion.rotations[:, 0], [0.0, 1.0, 0.0])
    np.testing.assert_allclose(joints[:, 0] - hips, 0.09 * up, atol=1e-4)
    assert motion.skeleton.names[-1] == "pelvis"
    np.testing.assert_allclose(forward_kinematics(motion)[0][:, -1], joints[:, 0], atol=1e-12)


@pytest.mark.parametrize(
    ("stem", "rate"),
    [
        ("60_01", 60),
        ("89_3", 60),
        ("136_19", 60),
        ("136_18", 120),
        ("90_08", 60),
        ("01_02", 120),
        ("walk", None),
    ],
)
def test_rates_without_a_table(tmp_path, stem, rate):
    assert cmu.true_fps(tmp_path / f"{stem}.bvh") == rate


def test_rates_from_a_table(tmp_path):
    folder = tmp_path / "data" / "bvh"
    folder.mkdir(parents=True)
    (tmp_path / "data" / "mapping.csv").write_text(
        "trial,source_file,fps\n60_01,salsa_01.bvh,60\n05_01,b.bvh,\n"
    )
    (tmp_path / "trials.csv").write_text("trial,fps\n03_01,90\n90_08,120\n")
    expected = {"salsa_01": 60, "60_01": 60, "03_01": 90, "90_08": 60, "05_01": 120, "walk": None}
    assert {stem: cmu.true_fps(folder / f"{stem}.bvh") for stem in expected} == expected


@pytest.mark.parametrize("fps", ["fast", "0", "nan", "1e9"])
def test_a_bad_table_is_refused(tmp_path, fps):
    (tmp_path / "trials.csv").write_text(f"trial,fps\n01_01,120\n01_02,{fps}\n")
    with pytest.raises(MotionaryError, match=r"trials\.csv, line 3: fps must be empty or a number"):
        cmu.true_fps(tmp_path / "01_02.bvh")


def test_a_table_of_something_else_is_passed_over(tmp_path):
    (tmp_path / "trials.csv").write_text("name;value\n01_02;x\n")
    assert cmu.true_fps(tmp_path / "01_02.bvh") == 120


def test_the_users_rate_wins():
    assert read_clip(trial("60_01"), fps=100).motion.fps == 100


def test_other_skeletons_are_left_alone(standing, tmp_path):
    assert cmu.repair(standing, tmp_path / "60_01.bvh") is standing
