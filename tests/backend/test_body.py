"""The canonical body on the rigs that animators have: by names, by shape, and where there is none."""

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from motionary.body import (
    HUMAN_LEG,
    JOINTS,
    PARENTS,
    UNITS,
    body_positions,
    find_body,
    leg_length,
    metres_per_unit,
    mirror_joints,
)
from motionary.errors import MotionaryError
from motionary.formats import read_clip
from motionary.motion import Motion, Skeleton, rest_positions
from motionary.rigs import built_in
from tests.data import shared_file, unzipped

# Rest positions of HumanML3D's joints (left half and middle) of a grown person, arms out.
MIDDLE = {"pelvis": 0.95, "spine1": 1.08, "spine2": 1.22, "spine3": 1.28, "neck": 1.5, "head": 1.6}
LEFT = {
    "hip": (0.1, 0.9, 0), "knee": (0.1, 0.48, 0), "ankle": (0.1, 0.06, 0), "foot": (0.1, 0, 0.14),
    "collar": (0.07, 1.4, 0), "shoulder": (0.19, 1.4, 0), "elbow": (0.45, 1.4, 0), "wrist": (0.7, 1.4, 0),
}  # fmt: skip
PLACES = {name: np.array([0, height, 0]) for name, height in MIDDLE.items()}
PLACES |= {f"left_{name}": np.array(place, float) for name, place in LEFT.items()}
PLACES |= {f"right_{name}": np.array(place) * [-1, 1, 1] for name, place in LEFT.items()}


def rig(names, extra=()):
    """A skeleton of the canonical body whose joints are called ``names`` (canonical -> name).

    extra: more joints, as (name, canonical joint of the parent, place)."""
    canonical = [joint for joint in JOINTS if joint in names]
    rows = {joint: row for row, joint in enumerate(canonical)}
    parents, places = [], []
    for joint in canonical:
        parent = PARENTS[JOINTS.index(joint)]
        while parent >= 0 and JOINTS[parent] not in rows:
            parent = PARENTS[parent]
        parents.append(rows[JOINTS[parent]] if parent >= 0 else -1)
        places.append(PLACES[joint])
    for _, parent, place in extra:
        parents.append(rows[parent])
        places.append(np.array(place, float))
    offsets = [
        p - places[parent] if parent >= 0 else np.zeros(3) for p, parent in zip(places, parents, strict=True)
    ]
    all_names = (*(names[joint] for joint in canonical), *(name for name, _, _ in extra))
    return Skeleton(all_names, np.array(parents), np.array(offsets))


def both_sides(pelvis, hip, knee, ankle, foot, collar, shoulder, elbow, wrist, *, left, right, **middle):
    names = {"pelvis": pelvis} | middle
    sides = dict(zip(LEFT, (hip, knee, ankle, foot, collar, shoulder, elbow, wrist), strict=True))
    for side, spelling in (("left", left), ("right", right)):
        names |= {f"{side}_{joint}": name.replace("@", spelling) for joint, name in sides.items() if name}
    return names


def mixamo(prefix, **middle):
    parts = ("Hips", "@UpLeg", "@Leg", "@Foot", "@ToeBase", "@Shoulder", "@Arm", "@ForeArm", "@Hand")
    middle = middle or {
        "spine1": "Spine",
        "spine2": "Spine1",
        "spine3": "Spine2",
        "neck": "Neck",
        "head": "Head",
    }
    return both_sides(
        *(prefix + part for part in parts),
        left="Left",
        right="Right",
        **{joint: prefix + name for joint, name in middle.items()},
    )


def rigify(prefix):
    parts = (
        "spine",
        "thigh.@",
        "shin.@",
        "foot.@",
        "toe.@",
        "shoulder.@",
        "upper_arm.@",
        "forearm.@",
        "hand.@",
    )
    middle = {
        "spine1": "spine.001", "spine2": "spine.002", "spine3": "spine.003", "neck": "spine.004",
        "head": "spine.006",
    }  # fmt: skip
    return both_sides(
        *(prefix + part for part in parts),
        left="L",
        right="R",
        **{joint: prefix + name for joint, name in middle.items()},
    )


UNREAL = (
    "pelvis",
    "thigh_@",
    "calf_@",
    "foot_@",
    "ball_@",
    "clavicle_@",
    "upperarm_@",
    "lowerarm_@",
    "hand_@",
)
VROID = (
    "C_Hips",
    "@_UpperLeg",
    "@_LowerLeg",
    "@_Foot",
    "@_ToeBase",
    "@_Shoulder",
    "@_UpperArm",
    "@_LowerArm",
    "@_Hand",
)
BIPED = ("Pelvis", "@ Thigh", "@ Calf", "@ Foot", "@ Toe0", "@ Clavicle", "@ UpperArm", "@ Forearm", "@ Hand")
RIGS = {
    "mixamo": ("Mixamo", mixamo("mixamorig:")),
    "mixamo numbered": ("Mixamo", mixamo("mixamorig9:")),
    "mixamo in Unity": ("Mixamo", mixamo("mixamorig_")),
    "mixamo bare": ("Mixamo", mixamo("")),
    "HumanIK": ("Mixamo", mixamo("Character1_")),
    "two spine bones": ("Mixamo", mixamo("", spine1="Spine", spine3="Chest", neck="Neck", head="Head")),
    "no spine bones": ("Mixamo", mixamo("", neck="Neck", head="Head")),
    "no neck": ("Mixamo", mixamo("", spine1="Spine", spine2="Spine1", spine3="Spine2", head="Head")),
    "metarig": ("Rigify", rigify("")),
    "rigify DEF": ("Rigify", rigify("DEF-")),
    "unreal": (
        "Unreal",
        both_sides(*UNREAL, left="l", right="r", spine1="spine_01", spine2="spine_02", spine3="spine_03",
                   neck="neck_01", head="head"),
    ),
    "VRoid": (
        "VRM",
        both_sides(*(f"J_Bip_{part}" for part in VROID), left="L", right="R", spine1="J_Bip_C_Spine",
                   spine2="J_Bip_C_Chest", spine3="J_Bip_C_UpperChest", neck="J_Bip_C_Neck",
                   head="J_Bip_C_Head"),
    ),
    "Biped": (
        "Biped",
        both_sides(*(f"Bip01 {part}" for part in BIPED), left="L", right="R", spine1="Bip01 Spine",
                   spine3="Bip01 Spine1", neck="Bip01 Neck", head="Bip01 Head"),
    ),
    "HumanML3D": ("HumanML3D and SMPL", {joint: joint for joint in JOINTS}),
    "SMPL in FBX": (
        "HumanML3D and SMPL",
        {j: "m_avg_" + j.replace("left_", "L_").replace("right_", "R_").title() for j in JOINTS},
    ),
    "SMPL": (
        "HumanML3D and SMPL",
        {j: j.replace("left_", "L_").replace("right_", "R_").title() for j in JOINTS},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGS)
def test_rigs_are_known_by_their_names(name):
    family, names = RIGS[name]
    skeleton = rig(names)
    body = find_body(skeleton)
    assert body.family == family
    np.testing.assert_allclose(body.weights.sum(axis=1), 1)
    found = body.weights @ rest_positions(skeleton) + PLACES["pelvis"]
    for row, joint in enumerate(JOINTS):
        # What a rig has is where it is; what it lacks is interpolated, near to where a human has it.
        tolerance = 0.03 if joint.startswith("spine") else 1e-9 if joint in names else 0.06
        np.testing.assert_allclose(found[row], PLACES[joint], atol=tolerance, err_msg=joint)


@pytest.mark.parametrize("rig_map", built_in(), ids=lambda rig_map: rig_map.name)
def test_the_names_of_every_rig_map_are_known(rig_map):
    names = {joint: rig_map.joints[joint][0] for joint in JOINTS if joint in rig_map.joints}
    names["pelvis"] = rig_map.joints["pelvis"][-1]
    names |= dict(zip(("spine1", "spine2", "spine3"), rig_map.joints["spine"], strict=False))
    skeleton = rig(names)
    body = find_body(skeleton)
    assert body.family != "shape"
    found = body.weights @ rest_positions(skeleton) + PLACES["pelvis"]
    for joint in names:
        # Families differ in what they call spine, neck and collar.
        tolerance = 0.15 if joint.startswith("spine") or joint.endswith(("neck", "collar")) else 1e-9
        place = found[JOINTS.index(joint)]
        np.testing.assert_allclose(place, PLACES[joint], atol=tolerance, err_msg=joint)


def test_a_rig_map_is_asked_before_the_shape():
    rig_map = next(item for item in built_in() if item.name == "MMD")
    names = {joint: rig_map.joints[joint][0] for joint in JOINTS if joint in rig_map.joints}
    names |= {"pelvis": "下半身", "spine1": "上半身"}
    skeleton = rig(names)
    body = find_body(skeleton)
    assert body.family == "MMD"
    found = body.weights @ rest_positions(skeleton) + PLACES["pelvis"]
    for joint in names:
        tolerance = 0.03 if joint.startswith("spine") else 1e-9
        np.testing.assert_allclose(found[JOINTS.index(joint)], PLACES[joint], atol=tolerance, err_msg=joint)


@pytest.mark.parametrize("name", ["mixamo", "metarig", "HumanML3D", "two spine bones"])
def test_bodies_are_known_by_their_shape(name):
    _, names = RIGS[name]
    ends = [
        ("a", "head", (0, 1.8, 0)),
        ("b", "left_foot", (0.1, 0, 0.2)),
        ("c", "right_foot", (-0.1, 0, 0.2)),
    ]
    ends += [("d", "left_wrist", (0.8, 1.4, 0)), ("e", "right_wrist", (-0.8, 1.4, 0))]
    named = rig(names, ends)
    nameless = replace(named, names=tuple(f"bone {j}" for j in range(len(named.names))))
    body = find_body(nameless)
    assert body.family == "shape"
    rest = rest_positions(named)
    expected = find_body(named).weights @ rest
    for row, joint in enumerate(JOINTS):
        tolerance = 0.08 if joint.startswith("spine") or "collar" in joint or joint == "neck" else 1e-9
        np.testing.assert_allclose(body.weights[row] @ rest, expected[row], atol=tolerance, err_msg=joint)


def test_toes_tell_left_from_right_in_a_body_that_faces_away():
    named = rig(RIGS["mixamo"][1], [("end", "head", (0, 1.8, 0))])
    away = replace(
        named,
        names=tuple(f"bone {j}" for j in range(len(named.names))),
        offsets=named.offsets * [-1, 1, -1],
    )
    body = find_body(away)
    left_wrist = body.weights[JOINTS.index("left_wrist")] @ rest_positions(away)
    assert left_wrist[0] < 0  # which was at +X before it turned round


@pytest.mark.parametrize(
    "member", ["cmu/bvh/01_02.bvh", "cmu/bvh/131_01.bvh", "cmu/bvh/10_01.bvh", "cmu/amc/135_02.amc"]
)
def test_real_skeletons_have_the_same_limbs_by_names_and_by_shape(member):
    members = [member, "cmu/asf/135.asf"] if member.endswith("amc") else [member]
    skeleton = read_clip(unzipped("cmu_mocap.zip", *members) / member).motion.skeleton
    nameless = replace(skeleton, names=tuple(f"bone {j}" for j in range(len(skeleton.names))))
    rest = rest_positions(skeleton)
    by_name, by_shape = (find_body(s).weights @ rest for s in (skeleton, nameless))
    limbs = [
        j
        for j, name in enumerate(JOINTS)
        if name.split("_")[-1] in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
    ]
    np.testing.assert_allclose(by_shape[limbs], by_name[limbs], atol=1e-9)


def test_missing_joints_are_listed_with_the_nearest_names():
    names = mixamo("mixamorig:")
    names["left_knee"] = "mixamorig:LeftLegg"
    with pytest.raises(MotionaryError) as caught:
        find_body(
            rig(
                {joint: name for joint, name in names.items() if joint not in ("right_wrist", "head", "neck")}
            )
        )
    message = str(caught.value)
    assert "nearest to Mixamo" in message
    assert "left_knee (like LeftLeg; nearest: mixamorig:LeftLegg" in message
    assert "right_wrist (like RightHand" in message
    assert "left_wrist" not in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("parents", "offsets"),
    [
        ([-1], [[0, 0, 0]]),
        ([-1, 0, 1, 2], [[0, 0, 0]] * 4),
        ([-1, 0, 0, 0, 0], [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [-1, 0, 0]]),
    ],
)
def test_what_is_no_human_is_refused(parents, offsets):
    skeleton = Skeleton(
        tuple(f"j{j}" for j in range(len(parents))), np.array(parents), np.array(offsets, float)
    )
    with pytest.raises(MotionaryError, match="no human body that is known"):
        find_body(skeleton)
    assert metres_per_unit(skeleton) == 0.01


@pytest.mark.parametrize("name", [":" * 5000, "a:" * 5000, "L" * 5000, "_def-" * 1000, "Left" * 2000, "|"])
def test_hostile_names_cost_no_time(name):
    """A regular expression that backtracks would take years here."""
    skeleton = Skeleton((name, name + "b"), np.array([-1, 0]), np.zeros((2, 3)))
    start = time.perf_counter()
    with pytest.raises(MotionaryError):
        find_body(skeleton)
    assert time.perf_counter() - start < 5


def test_the_unit_is_the_likeliest():
    person = rig(RIGS["mixamo"][1])
    assert leg_length(person) == pytest.approx(0.84)
    for unit in UNITS.values():
        for size in (0.8, 1.0, 1.2):
            assert metres_per_unit(replace(person, offsets=person.offsets * size / unit)) == unit
    child = replace(person, offsets=person.offsets * 50 / leg_length(person))
    assert metres_per_unit(child) == 0.01  # 50 cm, not 50 inches
    assert HUMAN_LEG == 0.85


@given(hnp.arrays(np.float64, (3, 22, 3), elements=st.floats(-10, 10)))
def test_a_mirror_of_a_mirror_is_the_thing(joints):
    np.testing.assert_array_equal(mirror_joints(mirror_joints(joints)), joints)


def test_the_mirror_swaps_sides_as_the_official_code_does():
    """swap_left_right of HumanML3D: x negated, then these chains exchanged."""
    right, left = [2, 5, 8, 11, 14, 17, 19, 21], [1, 4, 7, 10, 13, 16, 18, 20]
    joints = np.random.default_rng(0).normal(size=(4, 22, 3))
    expected = joints * [-1, 1, 1]
    expected[:, right], expected[:, left] = expected[:, left], expected[:, right]
    np.testing.assert_array_equal(mirror_joints(joints), expected)


def test_the_mirror_of_a_walk_keeps_left_to_the_left():
    joints = np.load(shared_file("golden.npz"))["raw_000175"].astype(float)
    mirrored = mirror_joints(joints)
    np.testing.assert_allclose(mirrored[:, 0], joints[:, 0] * [-1, 1, 1])
    np.testing.assert_allclose(
        mirrored[:, JOINTS.index("left_wrist")], joints[:, JOINTS.index("right_wrist")] * [-1, 1, 1]
    )


def test_body_positions_move_with_the_motion():
    skeleton = rig(RIGS["mixamo"][1])
    still = np.zeros((2, len(skeleton.names), 4))
    still[..., 0] = 1
    motion = Motion(skeleton, still, np.array([[0, 0.95, 0], [1, 0.95, 2]]), 30.0)
    joints = body_positions(motion)
    assert joints.shape == (2, 22, 3)
    np.testing.assert_allclose(joints[1] - joints[0], np.tile([1, 0, 2], (22, 1)), atol=1e-12)


@pytest.mark.parametrize(
    ("pelvis", "moved"),
    [((0, 0, 0), False), ((0, 0.06, 0), False), ((0, -0.06, -0.05), True), ((0, 0.03, -0.09), True)],
)
def test_a_pelvis_below_or_behind_the_hips_is_put_above_them(pelvis, moved):
    """Rigify's first deform bone begins below the hips, MakeHuman's behind them."""
    at = {
        "pelvis": pelvis,
        **{"left_hip": (0.1, 0, 0), "left_knee": (0.1, -0.4, 0), "left_ankle": (0.1, -0.8, 0)},
        **{"spine1": (0, 0.15, 0), "neck": (0, 0.5, 0), "head": (0, 0.6, 0)},
        **{"left_shoulder": (0.2, 0.45, 0), "left_elbow": (0.45, 0.45, 0), "left_wrist": (0.7, 0.45, 0)},
    }
    at |= {
        name.replace("left", "right"): (-x, y, z) for name, (x, y, z) in at.items() if name.startswith("left")
    }
    over = {"hip": "pelvis", "knee": "hip", "ankle": "knee", "elbow": "shoulder", "wrist": "elbow"}
    names = list(at)
    parents = []
    for name in names:
        side, _, joint = name.rpartition("_")
        trunk = {"pelvis": None, "spine1": "pelvis", "neck": "spine1", "head": "neck", "shoulder": "neck"}
        above = trunk[joint] if joint in trunk else over[joint]
        if above is not None and above not in trunk:
            above = f"{side}_{above}"
        elif above == "shoulder":
            above = f"{side}_shoulder"
        parents.append(-1 if above is None else names.index(above))
    order = sorted(range(len(names)), key=lambda i: _depth(parents, i))
    names = [names[i] for i in order]
    parents = [-1 if parents[i] < 0 else order.index(parents[i]) for i in order]
    rest = np.array([at[name] for name in names], float)
    offsets = rest - np.array([rest[p] if p >= 0 else np.zeros(3) for p in parents])
    weights = find_body(Skeleton(tuple(names), np.array(parents), offsets)).weights
    found = weights[JOINTS.index("pelvis")] @ (rest - rest[0]) + rest[0]
    np.testing.assert_allclose(found, (0, 0.065, 0) if moved else pelvis, atol=1e-9)
    np.testing.assert_allclose(weights.sum(axis=1), 1.0)


def _depth(parents, i):
    return 0 if parents[i] < 0 else 1 + _depth(parents, parents[i])
