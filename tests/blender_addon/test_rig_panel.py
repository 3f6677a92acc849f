"""Bones of a character in the panel: found, corrected, kept, saved, loaded, forgotten."""

import bpy
import pytest

from blender_addon.operators.rig_map import rig_rows
from blender_addon.rig_choice import choose_rig, is_kept
from blender_addon.ui.rig_panel import MOTIONARY_PT_rig
from tests.blender_addon.layouts import drawn


@pytest.fixture
def active(human, extension):
    bpy.context.view_layer.objects.active = human
    return human


def row(joint):
    return next(row for row in rig_rows(bpy.context).joints if row.name == joint)


def texts():
    return " ".join(drawn(MOTIONARY_PT_rig, bpy.context).texts())


def test_the_bones_that_were_found_are_shown_with_the_reason(active):
    assert "Detect shows which" in texts()
    assert bpy.ops.motionary.rig_detect() == {"FINISHED"}
    assert row("left_hip").bones == "thigh_fk.L"
    assert "Rigify" in texts()
    assert "Left Hip" in texts()


def test_what_is_corrected_is_kept_used_and_forgotten(active):
    bpy.ops.motionary.rig_detect()
    before = choose_rig(active).rig
    row("left_foot").bones = ""
    row("neck").bones = "neck"
    assert bpy.ops.motionary.rig_keep() == {"FINISHED"}
    assert is_kept(active)
    kept = choose_rig(active).rig
    assert "left_foot" not in kept.joints
    assert kept.joints["neck"] == ("neck",)
    assert {j: b for j, b in kept.joints.items() if j not in ("neck", "left_foot")} == {
        j: b for j, b in before.joints.items() if j not in ("neck", "left_foot")
    }
    assert "kept on the armature" in texts().lower()
    assert bpy.ops.motionary.rig_forget() == {"FINISHED"}
    assert not is_kept(active)
    assert row("left_foot").bones == ", ".join(before.joints["left_foot"])


def test_sides_can_be_exchanged(active):
    bpy.ops.motionary.rig_detect()
    left, right = row("left_hip").bones, row("right_hip").bones
    row("left_hip").bones, row("right_hip").bones = right, left
    bpy.ops.motionary.rig_keep()
    assert choose_rig(active).rig.joints["left_hip"] == (right,)
    assert choose_rig(active).rig.joints["right_hip"] == (left,)
    bpy.ops.motionary.rig_forget()


def test_a_bone_that_is_not_there_is_said_and_nothing_is_kept(active):
    bpy.ops.motionary.rig_detect()
    row("left_hip").bones = "no such bone"
    with pytest.raises(RuntimeError, match=r"left_hip: armature .* has no bone 'no such bone'"):
        bpy.ops.motionary.rig_keep()
    assert not is_kept(active)


def test_bones_are_saved_for_other_characters(active, tmp_path):
    bpy.ops.motionary.rig_detect()
    row("left_foot").bones = ""
    path = tmp_path / "mine.toml"
    assert bpy.ops.motionary.rig_save(filepath=str(path)) == {"FINISHED"}
    assert bpy.ops.motionary.rig_load(filepath=str(path)) == {"FINISHED"}
    assert "left_foot" not in choose_rig(active).rig.joints
    bpy.ops.motionary.rig_forget()
    with pytest.raises(RuntimeError, match=r"none\.toml: not a readable rig map"):
        bpy.ops.motionary.rig_load(filepath=str(tmp_path / "none.toml"))


def test_an_armature_that_is_no_human_shows_the_likeliest_beginning(empty, extension):
    armature = bpy.data.objects.new("lamp", bpy.data.armatures.new("lamp"))
    bpy.context.scene.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    for name in ("base", "arm"):
        armature.data.edit_bones.new(name).tail = (0, 0, 1)
    bpy.ops.object.mode_set(mode="OBJECT")
    assert bpy.ops.motionary.rig_detect() == {"FINISHED"}
    assert "no rig map fits" in texts().lower()
    with pytest.raises(RuntimeError, match="say which bones take pelvis, left shoulder"):
        bpy.ops.motionary.rig_keep()


def test_without_a_character_the_panel_says_what_to_do(empty, extension):
    assert "Select a character's armature" in texts()
    with pytest.raises(RuntimeError, match="scene has no armature"):
        bpy.ops.motionary.rig_detect()
