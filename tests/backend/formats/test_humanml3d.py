"""HumanML3D's .npy files: the joints come back from the rotations; what is no such file is refused."""

import pickle

import numpy as np
import pytest

from motionary.body import body_positions
from motionary.errors import MotionaryError
from motionary.formats.humanml3d import motion_from_joints, read_npy
from motionary.motion import forward_kinematics
from tests.data import shared_file, unzipped

SAMPLE = "humanml3d/{}/012314.npy"


@pytest.mark.parametrize("kind", ["new_joints", "new_joint_vecs"])
def test_the_real_sample_goes_where_its_joints_are(kind):
    """SMPL's pelvis and chest are rigid, so inverse kinematics loses no position; measured: 2e-6 m."""
    folder = unzipped("humanml3d_texts.zip", SAMPLE.format("new_joints"), SAMPLE.format(kind))
    motion = read_npy(folder / SAMPLE.format(kind))
    assert motion.fps == 20
    joints = np.load(folder / SAMPLE.format("new_joints"))
    np.testing.assert_allclose(body_positions(motion)[: len(joints)], joints[: motion.frames], atol=1e-4)


def test_other_bodies_come_near():
    """CMU's chest is not rigid: the mean error is millimetres, and limbs make up for it. Measured: 2.2 mm."""
    golden = np.load(shared_file("golden.npz"))
    errors = []
    for clip in golden["ids"]:
        joints = golden[f"raw_{clip}"]
        errors.append(
            np.linalg.norm(forward_kinematics(motion_from_joints(joints, 20.0))[0] - joints, axis=-1)
        )
    assert np.mean(np.concatenate(errors)) < 0.004


def test_rotations_come_back(standing):
    joints, _ = forward_kinematics(standing)
    again = motion_from_joints(joints, standing.fps)
    np.testing.assert_allclose(forward_kinematics(again)[0], joints, atol=2e-3)


def test_a_pose_without_extent_is_no_error():
    assert np.isfinite(motion_from_joints(np.zeros((3, 22, 3)), 20.0).rotations).all()


@pytest.mark.parametrize("shape", [(5, 22, 3), (5, 66), (5, 263)])
def test_shapes_and_rates(tmp_path, shape):
    np.save(tmp_path / "a.npy", np.random.default_rng(0).normal(size=shape).astype(np.float32))
    assert read_npy(tmp_path / "a.npy").fps == 20
    assert read_npy(tmp_path / "a.npy", fps=30).fps == 30


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (np.zeros((5, 21, 3)), r"has shape \(5, 21, 3\)"),
        (np.zeros((0, 22, 3)), r"has shape \(0, 22, 3\)"),
        (np.zeros(()), r"has shape \(\)"),
        (np.full((5, 22, 3), "a"), "no single array of numbers"),
        (np.zeros((5, 22, 3), complex), "no single array of numbers"),
        (np.where(np.arange(5)[:, None, None] == 3, np.nan, np.zeros((5, 22, 3))), "frame 3 holds"),
    ],
)
def test_other_arrays_are_refused(tmp_path, array, says):
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(MotionaryError, match=rf"a\.npy: .*{says}"):
        read_npy(tmp_path / "a.npy")


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("the file ran code",))


def test_files_that_are_no_arrays_are_refused(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, np.array([Bomb()], dtype=object), allow_pickle=True)
    contents = [path.read_bytes(), pickle.dumps(Bomb()), b"", b"text\n", b"\x93NUMPY\x01\x00"]
    np.save(path, np.zeros((5, 22, 3)))
    contents.append(path.read_bytes()[:-8])
    contents.append(path.read_bytes().replace(b"(5, 22, 3)", b"(9999999999, 22, 3)"))
    for content in contents:
        path.write_bytes(content)
        with pytest.raises(MotionaryError, match=r"a\.npy"):
            read_npy(path)
    with pytest.raises(MotionaryError, match="cannot be read"):
        read_npy(tmp_path / "none.npy")
