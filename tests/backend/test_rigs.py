"""Rig maps: the built-in ones fit their own rigs and nothing else; a broken one is told in one line."""

import pytest

from motionary.errors import MotionaryError
from motionary.rigs import DEFAULT_MODES, ESSENTIAL, JOINTS, PARENTS, built_in, find_rig, load_rig_map, match

MAPS = {rig.name: rig for rig in built_in()}
LEAST = """
[joints]
pelvis = ["root"]
left_hip = ["leftThigh"]
left_knee = ["leftShin"]
left_ankle = ["leftFoot"]
left_shoulder = ["leftArm"]
left_elbow = ["leftForearm"]
"""


def bones_of(rig):
    return [bone for listed in rig.joints.values() for bone in listed]


def test_parents_come_before_children():
    assert all(JOINTS.index(parent) < JOINTS.index(joint) for joint, parent in PARENTS.items())
    assert set(DEFAULT_MODES) == set(JOINTS)


@pytest.mark.parametrize("name", MAPS)
def test_a_built_in_map_fits_its_own_bones_best(name):
    found = find_rig(bones_of(MAPS[name]))
    assert found is not None
    assert (found.name, dict(found.joints)) == (name, dict(MAPS[name].joints))


@pytest.mark.parametrize("name", MAPS)
def test_a_built_in_map_has_two_different_sides(name):
    joints = MAPS[name].joints
    for joint in joints:
        if joint.startswith("left_"):
            assert not set(joints[joint]) & set(joints[joint.replace("left_", "right_")])
            assert len(joints[joint]) == len(joints[joint.replace("left_", "right_")])
    assert joints.keys() >= ESSENTIAL


@pytest.mark.parametrize("prefix", ["mixamorig:", "mixamorig7:", "mixamorig_", "mixamorig", "", "a:b:"])
def test_mixamo_under_any_prefix(prefix):
    bones = [prefix + bone for bone in bones_of(MAPS["Mixamo"])]
    found = find_rig(bones)
    assert found is not None
    assert found.name == "Mixamo"
    assert sorted(bones_of(found)) == sorted(bones)


def test_two_characters_in_one_armature_are_not_mixed():
    bones = bones_of(MAPS["Mixamo"])
    found = find_rig([f"one:{bone}" for bone in bones[:-1]] + [f"two:{bone}" for bone in bones])
    assert found is not None
    assert all(bone.startswith("two:") for bone in bones_of(found))


def test_unreal_with_more_or_fewer_spine_bones():
    unreal = MAPS["Unreal"]
    ue4 = [bone for bone in bones_of(unreal) if bone not in ("spine_04", "spine_05", "neck_02")]
    assert find_rig(ue4).joints["spine"] == ("spine_01", "spine_02", "spine_03")
    assert len(find_rig(bones_of(unreal)).joints["spine"]) == 5


def test_switches_are_mirrored_and_only_for_bones_there():
    switches = {(switch.bone, switch.property) for switch in MAPS["Rigify"].switches}
    assert ("upper_arm_parent.R", "IK_FK") in switches
    assert ("torso", "neck_follow") in switches
    found = match(MAPS["Rigify"], bones_of(MAPS["Rigify"]))
    assert [switch.bone for switch in found.switches] == ["torso", "torso"]


def test_no_rig_without_an_essential_joint():
    bones = [bone for bone in bones_of(MAPS["Unreal"]) if bone != "calf_r"]
    assert find_rig(bones) is None
    assert find_rig([]) is None


def test_a_users_map(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(LEAST + '[modes]\nleft_ankle = "direction"\n')
    rig = load_rig_map(path)
    assert rig.name == "mine"
    assert rig.joints["right_hip"] == ("rightThigh",)
    assert rig.modes["right_ankle"] == "direction"
    assert match(rig, bones_of(rig)) is not None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("joints = [", "not a readable rig map"),
        ("name = 'x'", "joints"),
        ("[joints]\ntail = ['a']", "no joint 'tail'"),
        ("[joints]\npelvis = 'root'", "pelvis needs a list of bone names"),
        ("[joints]\npelvis = []", "pelvis needs a list of bone names"),
        ("mirror = ['(', 'b']\n" + LEAST, "not a rig map"),
        ("prefix = '('\n" + LEAST, "not a rig map"),
        (LEAST + "[modes]\npelvis = 'sideways'", "modes are direction, heading, keep, follow"),
        (LEAST + "[modes]\nspine = 'direction'", "no single direction"),
        (LEAST + "[[switches]]\nbones = ['a']\nproperty = 'p'\nvalue = 'high'", "not a rig map"),
    ],
)
def test_a_broken_map_is_told_in_one_line(tmp_path, text, said):
    path = tmp_path / "broken.toml"
    path.write_text(text)
    with pytest.raises(MotionaryError, match=r"broken\.toml") as caught:
        load_rig_map(path)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
