"""Which rig map a character gets: the user's word, the VRM add-on's, the names, the shape; in that order."""

from dataclasses import replace

import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")

from blender_addon.rig_choice import (  # noqa: E402
    KEPT,
    choose_rig,
    find_rig_map,
    forget_rig_map,
    keep_rig_map,
)
from blender_addon.scenes import open_scene, save_scene  # noqa: E402
from motionary.errors import MotionaryError  # noqa: E402
from motionary.rigs import RigMap, correct  # noqa: E402
from scripts.sample_rigs import (  # noqa: E402
    clear_file,
    make_auto_rig_pro,
    make_metarig,
    make_unreal,
    make_vrm,
    remove_bones,
    rename_bones,
)


class FakeNode(bpy.types.PropertyGroup):
    """As the VRM add-on's BonePropertyGroup."""

    bone_name: bpy.props.StringProperty()


class FakeHuman1(bpy.types.PropertyGroup):
    node: bpy.props.PointerProperty(type=FakeNode)


class FakeHuman0(bpy.types.PropertyGroup):
    bone: bpy.props.StringProperty()
    node: bpy.props.PointerProperty(type=FakeNode)


VRM1 = ("hips", "spine", "chest", "upper_chest", "neck", "head", "left_eye", "jaw")
SIDES = ("upper_leg", "lower_leg", "foot", "toes", "shoulder", "upper_arm", "lower_arm", "hand")
THUMB = ("thumb_metacarpal", "thumb_proximal", "thumb_distal")
BOTH = tuple(f"{side}_{part}" for side in ("left", "right") for part in SIDES + THUMB)


class FakeBones1(bpy.types.PropertyGroup):
    __annotations__ = {
        **{name: bpy.props.PointerProperty(type=FakeHuman1) for name in VRM1 + BOTH},
        "initial_automatic_bone_assignment": bpy.props.BoolProperty(default=True),
    }


class FakeHumanoid1(bpy.types.PropertyGroup):
    human_bones: bpy.props.PointerProperty(type=FakeBones1)


class FakeHumanoid0(bpy.types.PropertyGroup):
    human_bones: bpy.props.CollectionProperty(type=FakeHuman0)


class FakeVrm1(bpy.types.PropertyGroup):
    humanoid: bpy.props.PointerProperty(type=FakeHumanoid1)


class FakeVrm0(bpy.types.PropertyGroup):
    humanoid: bpy.props.PointerProperty(type=FakeHumanoid0)


class FakeExtension(bpy.types.PropertyGroup):
    spec_version: bpy.props.EnumProperty(
        items=[("0.0", "VRM 0.0", ""), ("1.0", "VRM 1.0", "")], default="1.0"
    )
    vrm0: bpy.props.PointerProperty(type=FakeVrm0)
    vrm1: bpy.props.PointerProperty(type=FakeVrm1)


FAKES = (
    *(FakeNode, FakeHuman1, FakeHuman0, FakeBones1, FakeHumanoid1, FakeHumanoid0),
    *(FakeVrm1, FakeVrm0, FakeExtension),
)


@pytest.fixture
def vrm_addon():
    """The properties of the VRM add-on that tell what is which bone, and no more of it."""
    for fake in FAKES:
        bpy.utils.register_class(fake)
    bpy.types.Armature.vrm_addon_extension = bpy.props.PointerProperty(type=FakeExtension)
    yield
    clear_file()
    del bpy.types.Armature.vrm_addon_extension
    for fake in reversed(FAKES):
        bpy.utils.unregister_class(fake)


def bones_by_human_name():
    """VRM 1's name -> bone of the sample rig whose bones were given other names."""
    parts = {"upper_leg": "UpperLeg", "lower_leg": "LowerLeg", "foot": "Foot", "toes": "ToeBase"}
    parts |= {"shoulder": "Shoulder", "upper_arm": "UpperArm", "lower_arm": "LowerArm", "hand": "Hand"}
    parts |= {"thumb_metacarpal": "Thumb1", "thumb_proximal": "Thumb2", "thumb_distal": "Thumb3"}
    bones = {"hips": "C_Hips", "spine": "C_Spine", "chest": "C_Chest", "upper_chest": "C_UpperChest"}
    bones |= {"neck": "C_Neck", "head": "C_Head"}
    for side in ("left", "right"):
        bones |= {f"{side}_{part}": f"{side[0].upper()}_{name}" for part, name in parts.items()}
    return {human: "my" + bone for human, bone in bones.items()}


def camel_case(name):
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def vrm_rig():
    clear_file()
    armature = make_vrm()
    rename_bones(armature, lambda name: name.replace("J_Bip_", "my"))
    return armature


@pytest.mark.parametrize("version", ["0.0", "1.0"])
def test_the_vrm_addons_assignment_is_read(vrm_addon, version):
    armature = vrm_rig()
    extension = armature.data.vrm_addon_extension
    extension.spec_version = version
    for human, bone in bones_by_human_name().items():
        if version == "1.0":
            getattr(extension.vrm1.humanoid.human_bones, human).node.bone_name = bone
        else:
            item = extension.vrm0.humanoid.human_bones.add()
            item.bone = camel_case(human).replace("ThumbProximal", "ThumbIntermediate")
            item.bone = item.bone.replace("ThumbMetacarpal", "ThumbProximal")
            item.node.bone_name = bone
    choice = choose_rig(armature)
    assert choice.rig.name == "VRM add-on"
    assert choice.reason == "VRM add-on: it has 28 bones assigned"
    assert choice.rig.joints["spine"] == ("myC_Spine", "myC_Chest", "myC_UpperChest")
    assert choice.rig.joints["right_hip"] == ("myR_UpperLeg",)
    assert choice.rig.joints["left_thumb"] == ("myL_Thumb1", "myL_Thumb2", "myL_Thumb3")
    assert choice.rig.root == "Root"


def test_an_assignment_without_a_body_is_passed_over(vrm_addon):
    armature = vrm_rig()
    assert choose_rig(armature).rig.name == "by shape"
    humans = armature.data.vrm_addon_extension.vrm1.humanoid.human_bones
    for human, bone in bones_by_human_name().items():
        getattr(humans, human).node.bone_name = bone if human != "left_foot" else "gone"
    assert choose_rig(armature).rig.name == "by shape"


def test_the_users_word_comes_before_the_vrm_addons(vrm_addon):
    armature = vrm_rig()
    humans = armature.data.vrm_addon_extension.vrm1.humanoid.human_bones
    for human, bone in bones_by_human_name().items():
        getattr(humans, human).node.bone_name = bone
    keep_rig_map(armature, correct(find_rig_map(armature), "neck", []))
    assert "neck" not in choose_rig(armature).rig.joints


def test_names_are_chosen_with_their_reason():
    clear_file()
    choice = choose_rig(make_auto_rig_pro())
    assert choice.rig.name == "Auto-Rig Pro"
    assert choice.rig.root == "c_traj"
    assert choice.reason.startswith("Auto-Rig Pro: 20 of 20 body joints")
    assert {(switch.bone, switch.property) for switch in choice.rig.switches} == {
        (f"c_{limb}_ik.{side}", "ik_fk_switch") for limb in ("hand", "foot") for side in "lr"
    }


def test_a_generated_rigify_rig_is_known_for_certain(human):
    choice = choose_rig(human)
    assert choice.rig.name == "Rigify"
    assert choice.rig.root == "root"
    assert choice.reason == "Rigify: 20 of 20 body joints and 10 of 10 fingers"
    assert sum(map(len, choice.rig.joints.values())) == 53


def test_the_shape_is_asked_where_the_names_say_nothing():
    clear_file()
    armature = make_metarig()
    assert choose_rig(armature).rig.name == "Rigify metarig"
    rename_bones(armature, lambda name: "b" + name.encode().hex())
    choice = choose_rig(armature)
    assert choice.rig.name == "by shape"
    assert choice.reason.startswith("by the shape at rest")


def test_what_is_no_body_is_told_with_the_nearest_family():
    clear_file()
    armature = make_unreal()
    bones = [
        bone.name for bone in armature.data.bones if not bone.name.startswith(("root", "pelvis", "calf"))
    ]
    remove_bones(armature, bones)
    with pytest.raises(MotionaryError) as caught:
        choose_rig(armature)
    assert (
        f"armature {armature.name!r}: no rig map fits (Unreal: lacks left_shoulder, left_elbow, left_hip,"
        in str(caught.value)
    )
    assert "\n" not in str(caught.value)


def test_a_kept_map_survives_saving_and_copying(tmp_path):
    clear_file()
    armature = make_unreal()
    rig = correct(find_rig_map(armature), "neck", ["neck_02"])
    rig = replace(rig, name="mine", offsets={"left_hip": (1.0, 0.0, 0.5)})
    keep_rig_map(armature, rig)
    copy = armature.copy()  # as a linked duplicate is: it shares the armature data
    assert find_rig_map(copy) == rig
    bpy.context.scene.collection.objects.link(copy)
    names = armature.name, copy.name
    save_scene(tmp_path / "kept.blend")
    open_scene(tmp_path / "kept.blend")
    for name in names:
        choice = choose_rig(bpy.data.objects[name])
        assert choice.rig == rig
        assert choice.reason == "mine: kept on the armature"
    forget_rig_map(bpy.data.objects[names[0]])
    forget_rig_map(bpy.data.objects[names[0]])
    assert find_rig_map(bpy.data.objects[names[0]]).name == "Unreal"
    assert find_rig_map(bpy.data.objects[names[1]]) == rig


def test_keeping_a_map_leaves_nothing_but_itself_and_forgetting_nothing():
    clear_file()
    armature = make_unreal()
    before = set(armature.keys())
    keep_rig_map(armature, find_rig_map(armature))
    assert set(armature.keys()) - before == {KEPT}
    forget_rig_map(armature)
    assert set(armature.keys()) == before


def test_bones_that_are_gone_do_not_count():
    clear_file()
    armature = make_unreal()
    rig = find_rig_map(armature)
    keep_rig_map(armature, correct(rig, "neck", ["neck_01", "gone"]))
    assert find_rig_map(armature).joints["neck"] == ("neck_01",)
    keep_rig_map(armature, replace(rig, joints={**rig.joints, "left_hip": ("gone",)}, roots=("gone", "root")))
    with pytest.raises(MotionaryError) as caught:
        choose_rig(armature)
    assert "the rig map kept on it lacks left_hip (gone is not there); correct it or forget it" in str(
        caught.value
    )


@pytest.mark.parametrize("kept", ["joints = [", "[joints]\ntail = ['a']", "", 7])
def test_a_broken_kept_map_is_told_in_one_line(kept):
    clear_file()
    armature = make_unreal()
    armature[KEPT] = kept
    with pytest.raises(MotionaryError) as caught:
        choose_rig(armature)
    assert f"armature {armature.name!r}: the rig map kept on it" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_no_map_is_not_kept():
    clear_file()
    armature = make_unreal()
    with pytest.raises(MotionaryError, match="no joint 'tail'"):
        keep_rig_map(armature, RigMap("bad", {"tail": ("a",)}, {}))
    assert KEPT not in armature


def test_an_armature_of_another_file_brings_its_map_and_takes_no_other(tmp_path):
    """Blender would drop it from a library override when the file is saved."""
    clear_file()
    armature = make_unreal()
    rig = correct(find_rig_map(armature), "neck", ["neck_02"])
    keep_rig_map(armature, rig)
    save_scene(tmp_path / "rig.blend")
    clear_file()
    with bpy.data.libraries.load(str(tmp_path / "rig.blend"), link=True) as (there, here):
        here.objects = list(there.objects)
    linked = next(item for item in here.objects if item.type == "ARMATURE")
    bpy.context.scene.collection.objects.link(linked)
    override = linked.override_create(remap_local_usages=True)
    for item in (linked, override):
        for change in (lambda item: keep_rig_map(item, rig), forget_rig_map):
            with pytest.raises(MotionaryError, match="comes from another file"):
                change(item)
    name = override.name
    save_scene(tmp_path / "shot.blend")
    open_scene(tmp_path / "shot.blend")
    assert bpy.data.objects[name].override_library is not None
    assert find_rig_map(bpy.data.objects[name]) == rig
