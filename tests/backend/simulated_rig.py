"""A rig in numpy that is posed as Blender would, for tests of what is asked of rigs."""

from dataclasses import dataclass, replace

import numpy as np

from motionary import rotation
from motionary.motion import Motion, forward_kinematics
from motionary.retarget import TO_BLENDER
from motionary.rig_solve import Target, probe_groups, rig_bones, told_apart
from motionary.rigs import find_rig
from tests.motions import SIDE, performer


@dataclass
class Rig:
    """A character as Blender would pose it: bones by name with their parents, rest axes and places."""

    parents: dict[str, str | None]
    axes: dict[str, np.ndarray]
    heads: dict[str, np.ndarray]
    follow: dict[str, float]  # how much of its parent's turn a bone takes; 1 where not named
    world: np.ndarray

    def pose(self, basis=None, location=(0.0, 0.0, 0.0)):
        """World matrices by bone name, for basis rotations by name and a location of the pelvis."""
        matrices = {}
        for bone, parent in self.parents.items():
            rest = matrix(self.axes[bone], self.heads[bone])
            turn = matrix((basis or {}).get(bone, rotation.IDENTITY), np.zeros(3))
            if bone == "pelvis":
                turn[:3, 3] = location
            carried = np.eye(4)
            if parent is not None:
                carried = matrices[parent] @ np.linalg.inv(matrix(self.axes[parent], self.heads[parent]))
            if bone in self.follow:
                part = rotation.slerp(
                    rotation.IDENTITY, rotation.from_matrix(carried[:3, :3]), self.follow[bone]
                )
                head = (carried @ rest)[:3, 3]
                carried = matrix(part, head - rotation.rotate(part, self.heads[bone]))
            matrices[bone] = carried @ rest @ turn
        return {bone: self.world @ m for bone, m in matrices.items()}


def matrix(q, head):
    result = np.eye(4)
    result[:3, :3] = rotation.to_matrix(q)
    result[:3, 3] = head
    return result


def character(seed=0, arms_down=0.0, tall=1.0, world=None, parents=None, follow=None):
    """A character of other proportions and bone rolls than the performer's, arms lowered by degrees."""
    rng = np.random.default_rng(seed)
    skeleton = performer()
    rotations = np.broadcast_to(rotation.IDENTITY, (1, len(skeleton.names), 4)).copy()
    for side, sign in (("left", 1.0), ("right", -1.0)):
        lower = rotation.from_axis_angle([0.0, 0.0, 1.0], -sign * np.radians(arms_down))
        rotations[:, skeleton.index(f"{side}_shoulder")] = lower
    skeleton = replace(
        skeleton, offsets=skeleton.offsets * tall * rng.uniform(0.8, 1.2, (len(skeleton.names), 1))
    )
    mirrored = {f"right_{name}": f"left_{name}" for name in SIDE}
    for right, left in mirrored.items():
        skeleton.offsets[skeleton.index(right)] = skeleton.offsets[skeleton.index(left)] * (-1, 1, 1)
    positions, _ = forward_kinematics(Motion(skeleton, rotations, np.zeros((1, 3)), 30.0))
    heads = rotation.rotate(TO_BLENDER, positions[0])
    heads[:, 2] += 0.03 - heads[:, 2].min()
    names = skeleton.names
    own = {name: (names[skeleton.parents[i]] if i else None) for i, name in enumerate(names)} | (
        parents or {}
    )
    order = sorted(own, key=lambda name: depth(own, name))
    world = np.eye(4) if world is None else world
    heads = (heads - world[:3, 3]) @ np.linalg.inv(world[:3, :3]).T
    turns = rotation.normalize(rng.normal(size=(len(names), 4)))
    return Rig(
        {name: own[name] for name in order},
        dict(zip(names, turns, strict=True)),
        dict(zip(names, heads, strict=True)),
        follow or {},
        world,
    )


def depth(parents, name):
    return 0 if parents[name] is None else 1 + depth(parents, parents[name])


def probed(rig, locked=None, modes=None):
    """What `blender_addon.armature.probe` finds out about a rig."""
    found = find_rig(rig.parents)
    bones = [bone for bone, _, _ in rig_bones(found)]
    rest = rig.pose()
    matrices = np.array([rest[bone] for bone in bones])
    turned = np.empty((len(bones), len(bones), 4, 4))
    for group in probe_groups(found):
        pose = rig.pose({bones[i]: rotation.from_rotvec([0.2, 0.4, 0.6]) for i in group})
        turned[group] = told_apart(matrices, np.array([pose[bone] for bone in bones]), group)
    moved = [middle(rig.pose(location=axis)) - middle(rest) for axis in np.eye(3)]
    return Target(
        found,
        *(matrices, matrices, matrices),
        turned,
        np.array(moved).T,
        tuple((modes or {}).get(bone, "QUATERNION") for bone in bones),
        np.array([(locked or {}).get(bone, (False, False, False)) for bone in bones]),
        rig.world[:3, 3],
    )


def middle(pose):
    return (pose["left_hip"][:3, 3] + pose["right_hip"][:3, 3]) / 2


def shown(rig, pose, t):
    """The rig at frame ``t`` of a Pose."""
    return rig.pose(dict(zip(pose.bones, pose.rotations[t], strict=True)), pose.location[t])


def direction(pose, a, b):
    v = pose[b][:3, 3] - pose[a][:3, 3]
    return v / np.linalg.norm(v)
