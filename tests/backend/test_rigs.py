"""Rig maps: the built-in ones fit their own rigs and nothing else, say why, and survive being saved."""

import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionary.errors import MotionaryError
from motionary.rigs import (
    DEFAULT_MODES,
    ESSENTIAL,
    FINGERS,
    JOINTS,
    NEXT,
    PARENTS,
    RigMap,
    Switch,
    built_in,
    correct,
    find_rig,
    format_rig_map,
    load_rig_map,
    match,
    parse_rig_map,
    rank_rigs,
    save_rig_map,
)

MAPS = {rig.name: rig for rig in built_in()}
SAMPLES = Path(__file__).resolve().parents[2] / "scripts" / "sample_rigs"
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


def tree_of(rig, prefix=""):
    """The rig's own bones, each hanging from the one before it or from the joint that carries its joint."""
    parents = {}
    for joint in sorted(rig.joints, key=JOINTS.index):
        carrier = PARENTS.get(joint)
        while carrier is not None and carrier not in rig.joints:
            carrier = PARENTS.get(carrier)
        above = prefix + rig.joints[carrier][-1] if carrier else None
        for bone in rig.joints[joint]:
            parents[prefix + bone] = above
            above = prefix + bone
    return parents


def test_parents_come_before_children():
    assert all(JOINTS.index(parent) < JOINTS.index(joint) for joint, parent in PARENTS.items())
    assert set(DEFAULT_MODES) == set(JOINTS)


@pytest.mark.parametrize("prefix", ["", "char:", "Armature|", "a:b|char1:"])
@pytest.mark.parametrize("name", MAPS)
def test_a_built_in_map_fits_its_own_bones_best_and_wholly(name, prefix):
    for bones in ([prefix + bone for bone in bones_of(MAPS[name])], tree_of(MAPS[name], prefix)):
        best, second, *_ = rank_rigs(bones)
        assert best.rig.name == name
        assert best.score == 1
        assert second.score < best.score
        assert dict(best.rig.joints) == {
            joint: tuple(prefix + bone for bone in listed) for joint, listed in MAPS[name].joints.items()
        }
        assert find_rig(bones) == best.rig


@pytest.mark.parametrize("name", MAPS)
def test_a_built_in_map_fits_its_rig_without_fingers_best(name):
    bones = {
        bone: parent
        for bone, parent in tree_of(MAPS[name]).items()
        if not any(
            bone in MAPS[name].joints.get(f"{side}_{f}", ()) for side in ("left", "right") for f in FINGERS
        )
    }
    best, second, *_ = rank_rigs(bones)
    assert (best.rig.name, best.score) == (name, 1)
    assert second.score < 1


@pytest.mark.parametrize("name", MAPS)
def test_a_built_in_map_has_two_different_sides(name):
    joints = MAPS[name].joints
    for joint in joints:
        if joint.startswith("left_"):
            assert not set(joints[joint]) & set(joints[joint.replace("left_", "right_")])
            assert len(joints[joint]) == len(joints[joint.replace("left_", "right_")])
    assert joints.keys() >= ESSENTIAL


@pytest.mark.parametrize(
    ("sample", "name", "root"),
    [
        ("auto_rig_pro", "Auto-Rig Pro", "c_traj"),
        ("cmu", "CMU", None),
        ("daz", "Daz", None),
        ("mixamo", "Mixamo", None),
        ("mmd", "MMD", "全ての親"),
        ("mpfb", "MPFB", None),
        ("reallusion", "Reallusion", "CC_Base_BoneRoot"),
        ("unreal", "Unreal", "root"),
        ("vrm", "VRM", "Root"),
    ],
)
def test_the_sample_rigs_are_known_with_all_their_limbs(sample, name, root):
    """The samples' tables were written by another hand, parents and all."""
    table = tomllib.loads((SAMPLES / f"{sample}.toml").read_text(encoding="utf-8"))
    parents = {}
    for line in table["bones"].splitlines():
        if line.strip():
            bone, parent = line.split()[:2]
            for rename in (lambda x: x, lambda x: mirrored(table, x)):
                parents[rename(bone)] = None if parent == "-" else rename(parent)
    best, second, *_ = rank_rigs(parents)
    assert best.rig.name == name
    assert second.score < best.score
    assert best.rig.root == root
    for joint, deform in table["joints"].items():
        bone = table.get("copies", {}).get(deform, deform)
        assert best.rig.joints[f"left_{joint}"][0] == bone
        assert best.rig.joints[f"right_{joint}"][0] == mirrored(table, bone)


def mirrored(table, name):
    for left, right in table["mirror"]:
        name = re.sub(left, right, name)
    return name


@pytest.mark.parametrize("prefix", ["mixamorig:", "mixamorig7:", "mixamorig_", "mixamorig", "", "a:b:"])
def test_mixamo_under_any_prefix(prefix):
    bones = [prefix + bone for bone in bones_of(MAPS["Mixamo"])]
    best = rank_rigs(bones)[0]
    assert best.rig.name == "Mixamo"
    assert sorted(bones_of(best.rig)) == sorted(bones)
    assert best.reason.endswith(f" under the prefix {prefix!r}" if prefix else "10 of 10 fingers")


@pytest.mark.parametrize(
    ("name", "rename"),
    [
        ("Biped", lambda bone: "Bip01 " + bone),
        ("Biped", lambda bone: "Bip001_" + bone.replace(" ", "_")),
        ("Reallusion", lambda bone: "CC_Base_" + bone),
        ("SMPL, FBX", lambda bone: "f_avg_" + bone),
        ("Mixamo", lambda bone: "Character1_" + bone),
        ("ACCAD", str.lower),
        ("VRM humanoid", lambda bone: bone[0].upper() + bone[1:]),
        ("mesh2motion", lambda bone: bone.replace(".", "")),
        ("MMD, mmd_tools", lambda bone: bone.replace(".", "_")),
        ("MMD", lambda bone: bone.translate(str.maketrans("０１２３", "0123"))),
    ],
)
def test_names_as_other_programs_write_them(name, rename):
    best, second, *_ = rank_rigs([rename(bone) for bone in bones_of(MAPS[name])])
    assert (best.rig.name, best.score) == (name, 1)
    assert second.score < 1


def test_a_name_to_the_letter_comes_before_one_that_is_like_it():
    bones = bones_of(MAPS["Unreal"])
    assert find_rig(["Thigh_L", *bones]).joints["left_hip"] == ("thigh_l",)


def test_ready_player_me_is_mixamo_without_prefix():
    bones = [bone for bone in bones_of(MAPS["Mixamo"]) if bone not in ("LeftToe", "RightToe")]
    assert rank_rigs([*bones, "HeadTop_End", "LeftEye", "RightEye"])[0].reason == (
        "Mixamo: 20 of 20 body joints and 10 of 10 fingers"
    )


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
    assert rank_rigs(ue4)[0].score == 1


def test_twist_bones_in_the_chain_are_listed_in_order():
    assert find_rig(tree_of(MAPS["Daz"])).joints["left_hip"][-2:] == ("lThighBend", "lThighTwist")
    assert find_rig(tree_of(MAPS["MPFB"])).joints["left_hip"] == ("upperleg01.L", "upperleg02.L")


def test_the_root_is_the_first_that_is_there():
    reallusion = MAPS["Reallusion"]
    bones = ["CC_Base_" + bone for bone in bones_of(reallusion)]
    assert match(reallusion, [*bones, "RL_BoneRoot"]).root == "RL_BoneRoot"
    assert match(reallusion, [*bones, "RL_BoneRoot", "CC_Base_BoneRoot"]).root == "CC_Base_BoneRoot"
    assert match(reallusion, bones).root is None


def test_controls_that_hang_from_helpers_count_as_well():
    """As in Rigify: the FK controls hang from MCH bones, and the pelvis from the back, upside down."""
    rigify = MAPS["Rigify"]
    parents = {"root": None}
    for bone in bones_of(rigify):
        parents |= {f"MCH-{bone}": "root", bone: f"MCH-{bone}"}
    parents["spine_fk"] = "spine_fk.001"
    best = rank_rigs(parents)[0]
    assert (best.rig.name, best.score) == ("Rigify", 1)
    assert best.rig.joints == rigify.joints
    assert best.rig.root == "root"


def test_a_bone_that_carries_what_it_should_hang_from_is_no_match():
    parents = tree_of(MAPS["Unreal"])
    parents |= {"thigh_l": "ball_l", "calf_l": "thigh_l", "foot_l": "pelvis", "ball_l": "foot_l"}
    best = next(fit for fit in rank_rigs(parents) if fit.rig.name == "Unreal")
    assert best.score < 0.5
    assert best.reason == "Unreal: lacks left_ankle; 'foot_l' is above 'calf_l'; 'ball_l' is above 'calf_l'"
    assert find_rig(parents) is None
    assert find_rig(list(parents)) is not None  # whose parents nobody told


def test_parents_in_a_circle_are_no_trap():
    parents = tree_of(MAPS["Unreal"]) | {"pelvis": "head"}
    assert len(rank_rigs(parents)) == len(MAPS)


def test_a_rig_without_an_essential_joint_fits_nothing_and_is_told_so():
    bones = [bone for bone in bones_of(MAPS["Unreal"]) if bone not in ("calf_r", "thigh_l")]
    assert find_rig(bones) is None
    assert match(MAPS["Unreal"], bones) is None
    best = rank_rigs(bones)[0]
    assert best.reason == "Unreal: lacks left_hip, right_knee"
    assert 0 < best.score < 0.5


def test_every_family_is_ranked_with_its_reason():
    for bones in ([], ["Cube"], bones_of(MAPS["Mixamo"])):
        ranked = rank_rigs(bones)
        assert sorted(fit.rig.name for fit in ranked) == sorted(MAPS)
        assert [fit.score for fit in ranked] == sorted((fit.score for fit in ranked), reverse=True)
        assert all(fit.reason.startswith(f"{fit.rig.name}: ") and "\n" not in fit.reason for fit in ranked)
        assert all((fit.score > 0.5) == (fit.rig.joints.keys() >= ESSENTIAL) for fit in ranked)
    assert rank_rigs([])[0].score == 0
    assert find_rig([]) is None
    assert find_rig(["Cube"], rigs=[]) is None


def test_switches_are_mirrored_and_only_for_bones_there():
    switches = {(switch.bone, switch.property) for switch in MAPS["Rigify"].switches}
    assert ("upper_arm_parent.R", "IK_FK") in switches
    assert ("torso", "neck_follow") in switches
    found = match(MAPS["Rigify"], bones_of(MAPS["Rigify"]))
    assert [switch.bone for switch in found.switches] == ["torso", "torso"]


def test_a_users_map(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        'root = ["ground"]\n'
        + LEAST
        + '[modes]\nleft_ankle = "direction"\n[offsets]\nleft_hip = [1, 2, 3.5]\n'
    )
    rig = load_rig_map(path)
    assert rig.name == "mine"
    assert rig.root == "ground"
    assert rig.joints["right_hip"] == ("rightThigh",)
    assert rig.modes["right_ankle"] == "direction"
    assert rig.offsets == {"left_hip": (1, 2, 3.5), "right_hip": (1, -2, -3.5)}
    assert match(rig, bones_of(rig)) is not None


def test_a_right_side_that_is_named_is_not_mirrored():
    rig = parse_rig_map(
        LEAST + 'right_hip = ["peg"]\n[modes]\nleft_ankle = "keep"\nright_ankle = "follow"\n'
        "[offsets]\nright_hip = [0, 1, 0]\nleft_hip = [5, 0, 0]\n",
        "here",
    )
    assert rig.joints["right_hip"] == ("peg",)
    assert rig.modes["right_ankle"] == "follow"
    assert rig.offsets["right_hip"] == (0, 1, 0)


def test_a_map_without_mirror_has_only_the_side_that_it_names():
    rig = parse_rig_map('mirror = []\n[joints]\npelvis = ["hips"]\nleft_hip = ["leftThigh"]', "here")
    assert set(rig.joints) == {"pelvis", "left_hip"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("joints = [", "not a readable rig map"),
        ("name = 'x'", "joints"),
        ("[joints]\ntail = ['a']", "no joint 'tail'"),
        ("[joints]\npelvis = 'root'", "pelvis needs a list of bone names"),
        ("[joints]\npelvis = []", "pelvis needs a list of bone names"),
        ("root = 'a'\n" + LEAST, "root needs a list of bone names"),
        ("mirror = ['(', 'b']\n" + LEAST, "not a rig map"),
        ("mirror = ['left']\n" + LEAST, "not a rig map"),
        ("prefix = '('\n" + LEAST, "not a rig map"),
        ("joints = 'all'", "not a rig map"),
        (LEAST + "[modes]\npelvis = 'sideways'", "modes are direction, heading, keep, follow"),
        (LEAST + "[modes]\npelvis = ['keep']", "modes are direction, heading, keep, follow"),
        (LEAST + "[modes]\nspine = 'direction'", "no single direction"),
        (LEAST + "[modes]\ntail = 'keep'", "no joint 'tail'"),
        (LEAST + "[offsets]\ntail = [1, 2, 3]", "no joint 'tail'"),
        (LEAST + "[offsets]\nleft_hip = [1, 2]", "three angles in degrees"),
        (LEAST + "[offsets]\nleft_hip = [1, 2, nan]", "three angles in degrees"),
        (LEAST + "[offsets]\nleft_hip = [1, 2, 'x']", "not a rig map"),
        (LEAST + "[offsets]\nleft_hip = 5", "three angles in degrees"),
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


@pytest.mark.parametrize("name", MAPS)
def test_a_built_in_map_is_saved_and_read_back(name, tmp_path):
    path = tmp_path / "map.toml"
    save_rig_map(MAPS[name], path)
    assert load_rig_map(path) == MAPS[name]


@pytest.mark.parametrize("prefix", ["", "mixamorig:", "char:"])
def test_a_map_that_was_fitted_and_saved_fits_its_rig_again(prefix):
    bones = tree_of(MAPS["Mixamo"], prefix)
    fitted = find_rig(bones)
    saved = parse_rig_map(format_rig_map(fitted), "here")
    assert match(saved, bones) == fitted
    assert rank_rigs(bones, [saved])[0].score == 1


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
angles = st.tuples(*[st.floats(-360, 360)] * 3)


@st.composite
def rig_maps(draw):
    modes = {
        joint: draw(st.sampled_from(["keep", "follow", *(["direction", "heading"] if pointing else [])]))
        for joint in draw(st.sets(st.sampled_from(JOINTS), max_size=4))
        for pointing in [joint in NEXT or joint.endswith(FINGERS)]
    }
    lists = st.lists(names, min_size=1, max_size=3).map(tuple)
    return RigMap(
        draw(names),
        draw(st.dictionaries(st.sampled_from(JOINTS), lists)),
        DEFAULT_MODES | modes,
        tuple(draw(st.lists(st.builds(Switch, names, names, st.floats(allow_nan=False)), max_size=2))),
        draw(st.sampled_from([RigMap.prefix, "", r"(?:\"\\x\\d+'''[:_]?)?", "é\n*"])),
        tuple(draw(st.lists(names, max_size=2))),
        draw(st.dictionaries(st.sampled_from(JOINTS), angles, max_size=3)),
    )


@given(rig_maps())
def test_any_map_reads_back_as_it_was_written(rig):
    """With one side only, sides that differ, and names of any characters."""
    assert parse_rig_map(format_rig_map(rig), "here") == rig


def test_saving_replaces_a_file_whole_and_leaves_no_other(tmp_path):
    path = tmp_path / "map.toml"
    path.write_text("mine, and no TOML")
    rig = replace(MAPS["Unreal"], name='línea\n"x"\x7f')
    save_rig_map(rig, path)
    assert load_rig_map(path) == rig
    assert [file.name for file in tmp_path.iterdir()] == ["map.toml"]


def test_what_is_no_map_is_not_written(tmp_path):
    path = tmp_path / "map.toml"
    path.write_text("mine")
    rig = replace(MAPS["Unreal"], joints={"tail": ("a",)})
    with pytest.raises(MotionaryError, match=r"map\.toml is not written: not a rig map: .*no joint 'tail'"):
        save_rig_map(rig, path)
    with pytest.raises(MotionaryError, match=r"is not written: .*surrogates"):
        save_rig_map(replace(MAPS["Unreal"], name="\ud800"), path)
    assert path.read_text() == "mine"
    with pytest.raises(MotionaryError, match="cannot be written"):
        save_rig_map(MAPS["Unreal"], tmp_path / "no folder" / "map.toml")
    assert [file.name for file in tmp_path.iterdir()] == ["map.toml"]


def test_one_joint_is_corrected():
    unreal = MAPS["Unreal"]
    rig = correct(unreal, "left_hip", ["hip_l", "twist_l"])
    assert rig.joints == {**unreal.joints, "left_hip": ("hip_l", "twist_l")}
    assert "neck" not in correct(unreal, "neck", []).joints
    added = correct(parse_rig_map(LEAST, "here"), "head", ["Head"])
    assert added.joints["head"] == ("Head",)


def test_a_bone_takes_one_joint():
    rig = correct(MAPS["Unreal"], "neck", ["spine_05", "neck_01"])
    assert rig.joints["neck"] == ("spine_05", "neck_01")
    assert rig.joints["spine"] == ("spine_01", "spine_02", "spine_03", "spine_04")
    assert "left_knee" not in correct(rig, "left_hip", ["calf_l"]).joints


@pytest.mark.parametrize(
    ("joint", "bones", "said"),
    [
        ("tail", ["a"], "no joint 'tail'"),
        ("head", "head", "list of different bones"),
        ("head", ["a", "a"], "list of different bones"),
        ("head", [""], "list of different bones"),
    ],
)
def test_a_wrong_correction_is_told_in_one_line(joint, bones, said):
    with pytest.raises(MotionaryError, match=said) as caught:
        correct(MAPS["Unreal"], joint, bones)
    assert "\n" not in str(caught.value)
