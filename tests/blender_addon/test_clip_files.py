"""Files in the formats that Blender reads: every Action in them is a clip, on every version of Blender."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")

from mathutils import Matrix  # noqa: E402

from blender_addon.apply import apply_motion  # noqa: E402
from blender_addon.clip_files import read_file  # noqa: E402
from blender_addon.scenes import open_scene, save_scene  # noqa: E402
from motionary.blender_files import blender_reader, find_blender  # noqa: E402
from motionary.body import JOINTS, body_positions  # noqa: E402
from motionary.errors import MotionaryError  # noqa: E402
from motionary.motion import resample  # noqa: E402
from scripts.sample_rigs import SAMPLES, clear_file  # noqa: E402
from tests.blender_addon.test_apply import AS_RECORDED, mesh2motion  # noqa: E402
from tests.motions import walk  # noqa: E402


def animated(kind="VRM", *, fps=24, names=("walk",)):
    """An armature with a walk a name, alone in the file."""
    clear_file()
    bpy.context.scene.render.fps = fps
    armature = SAMPLES[kind].make()
    for name in names:
        apply_motion(armature, walk(1.0), name, AS_RECORDED)
        armature.animation_data.action.name = name
        armature.animation_data.action.use_fake_user = True
    return armature


def saved(folder, suffix):
    """What is open, as a file of that format."""
    path = folder / f"take{suffix}"
    if suffix == ".blend":
        save_scene(path)
    elif suffix == ".fbx":
        bpy.ops.export_scene.fbx(filepath=str(path), bake_anim_simplify_factor=0.0)
    else:
        kind = {".glb": "GLB", ".gltf": "GLTF_SEPARATE"}[suffix]
        bpy.ops.export_scene.gltf(filepath=str(path), export_format=kind)
    return path


def check_walks(motion):
    """It is the walk that was applied, on a body of the same size."""
    places, asked = (body_positions(resample(each, 10.0)) for each in (motion, walk(1.0)))
    for side in ("left", "right"):
        for a, b in (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist")):
            first, second = JOINTS.index(f"{side}_{a}"), JOINTS.index(f"{side}_{b}")
            ours, theirs = (p[:9, second] - p[:9, first] for p in (places, asked))
            cosine = (
                np.sum(ours * theirs, -1) / np.linalg.norm(ours, axis=-1) / np.linalg.norm(theirs, axis=-1)
            )
            assert np.degrees(np.arccos(np.clip(cosine, -1, 1))).max() < 1.0, (side, a)
    assert np.linalg.norm(places[0, 0] - asked[0, 0]) < 0.15  # rigs differ in where their pelvis begins
    way = (places[8, 0] - places[0, 0])[2]
    assert way == pytest.approx((asked[8, 0] - asked[0, 0])[2], rel=0.1)


@pytest.mark.parametrize("fps", [24, 30, 60])
@pytest.mark.parametrize("suffix", [".blend", ".fbx", ".glb", ".gltf"])
def test_a_walk_comes_back_from_every_format_at_its_own_rate(tmp_path, suffix, fps):
    animated(fps=fps)
    (clip,) = read_file(saved(tmp_path, suffix)).clips
    assert clip.motion.fps == fps
    assert clip.motion.frames == pytest.approx(fps, abs=2)
    check_walks(clip.motion)


@pytest.mark.parametrize("suffix", [".blend", ".fbx", ".glb"])
def test_all_actions_of_a_file_come_with_their_names(tmp_path, suffix):
    names = {"stroll", "march", "amble"}
    animated(names=names)
    found = read_file(saved(tmp_path, suffix))
    assert {clip.name for clip in found.clips} == names
    for clip in found.clips:
        check_walks(clip.motion)


@pytest.mark.parametrize(("suffix", "name"), [(".blend", "mixamo.com"), (".fbx", "take"), (".glb", "take")])
def test_the_only_clip_of_an_exported_file_is_called_as_the_file(tmp_path, suffix, name):
    animated(names=["mixamo.com"])
    (clip,) = read_file(saved(tmp_path, suffix)).clips
    assert clip.name == name


def test_a_mixamo_character_small_and_lying_as_fbx_has_it(tmp_path):
    armature = animated("Mixamo")
    armature.name = "Armature"
    armature.matrix_world = Matrix.Rotation(np.pi / 2, 4, "X") @ Matrix.Scale(0.01, 4)
    armature.data.transform(armature.matrix_world.inverted())
    armature.data.update_tag()
    for action in list(bpy.data.actions):
        bpy.data.actions.remove(action)
    apply_motion(armature, walk(1.0), "walk", AS_RECORDED)
    (clip,) = read_file(saved(tmp_path, ".fbx")).clips
    check_walks(clip.motion)
    assert not any(name.endswith("_end") for name in clip.motion.skeleton.names)


@pytest.mark.parametrize("hide", ["eye", "viewport", "collection", "nowhere"])
def test_a_library_of_actions_may_hide_its_character(tmp_path, hide):
    armature = animated()
    if hide == "eye":
        armature.hide_set(True)
    elif hide == "viewport":
        armature.hide_viewport = True
    elif hide == "collection":
        folder = bpy.data.collections.new("rigs")
        bpy.context.collection.children.link(folder)
        folder.objects.link(armature)
        bpy.context.collection.objects.unlink(armature)
        bpy.context.view_layer.layer_collection.children["rigs"].exclude = True
    else:
        armature.use_fake_user = True
        for folder in armature.users_collection:
            folder.objects.unlink(armature)
    (clip,) = read_file(saved(tmp_path, ".blend")).clips
    check_walks(clip.motion)


def test_a_surface_that_a_constraint_needs_is_evaluated(tmp_path):
    """Meshes are switched off to save their time; a constraint's is not."""
    armature = animated()
    bpy.ops.mesh.primitive_plane_add(size=50, location=(0, 0, 5.0))
    plane = bpy.context.object
    wave = plane.modifiers.new("up", "DISPLACE")
    wave.strength, wave.mid_level = 1.0, 0.0
    bone = armature.pose.bones["Root"] if "Root" in armature.pose.bones else armature.pose.bones[0]
    stick = bone.constraints.new("SHRINKWRAP")
    stick.target = plane
    bpy.context.view_layer.update()
    (clip,) = read_file(saved(tmp_path, ".blend")).clips
    assert clip.motion.translation[:, 1].min() > 5.5


def test_scripts_in_a_file_do_not_run(tmp_path):
    armature = animated()
    witness = tmp_path / "ran"
    text = bpy.data.texts.new("harm.py")
    text.write(f"open({str(witness)!r}, 'w')")
    text.use_module = True
    driver = armature.pose.bones[0].driver_add("location", 0).driver
    driver.expression = f"len(str(open({str(witness)!r}, 'w')))"
    path = saved(tmp_path, ".blend")
    witness.unlink(missing_ok=True)
    read_file(path)
    assert not witness.exists()


def test_a_file_without_animation_says_so(tmp_path):
    clear_file()
    SAMPLES["VRM"].make()
    found = read_file(saved(tmp_path, ".blend"))
    assert found.clips == ()
    assert found.notes == (f"{tmp_path / 'take.blend'}: holds no armature that is animated",)


def test_a_scene_full_of_props_is_told_of_in_a_few_lines(tmp_path):
    animated()
    for i in range(30):
        prop = bpy.data.objects.new(f"prop {i}", None)
        bpy.context.collection.objects.link(prop)
        for frame in (1, 9):
            prop.keyframe_insert("location", frame=frame)
    found = read_file(saved(tmp_path, ".blend"))
    assert [clip.name for clip in found.clips] == ["walk"]
    assert found.notes[-1] == f"{tmp_path / 'take.blend'}: 20 more actions are passed over"
    assert len(found.notes) == 11


def test_notes_name_the_file(tmp_path):
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.object.armature_add()
    bpy.context.object.keyframe_insert("location", frame=1)
    notes = read_file(saved(tmp_path, ".blend")).notes
    assert len(notes) == 2
    assert all(note.startswith(f"{tmp_path / 'take.blend'}: ") and "\n" not in note for note in notes)


@pytest.mark.parametrize("suffix", [".blend", ".fbx", ".glb", ".gltf"])
@pytest.mark.parametrize(
    "data", [b"", b"glTF\x02\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xffJSON{", b"{}", b"[1, 2]"]
)
def test_a_broken_file_is_one_line(tmp_path, suffix, data):
    path = tmp_path / f"broken{suffix}"
    path.write_bytes(data)
    with pytest.raises(MotionaryError, match=r"^\S*broken\.") as told:
        open_scene(path)
    assert "\n" not in str(told.value)


def test_the_shared_animations_are_the_same_as_gltf_and_as_fbx(tmp_path):
    mesh2motion("base-animations")
    keep = ("Walk_Loop", "Roll_RM", "Sitting_Enter")
    for action in list(bpy.data.actions):
        if action.name not in keep:
            bpy.data.actions.remove(action)
    path = saved(tmp_path, ".fbx")
    with blender_reader(find_blender()) as read:
        fbx = {clip.name: clip.motion for clip in read(path).clips}
        assert set(fbx) == set(keep)
        glb = {clip.name: clip.motion for clip in read(saved(tmp_path, ".glb")).clips}
    for name in keep:
        places = [body_positions(motion) for motion in (fbx[name], glb[name])]
        np.testing.assert_allclose(places[0], places[1], atol=2e-3)


def test_the_process_says_nothing_else_on_stdout_and_ends_with_its_stdin(tmp_path):
    animated()
    path = saved(tmp_path, ".glb")  # whose importer prints
    script = Path(__file__).resolve().parents[2] / "blender_addon" / "read_clips.py"
    process = subprocess.Popen(
        [sys.executable, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    process.stdin.write(json.dumps({"path": str(path)}).encode() + b"\n")
    process.stdin.flush()
    greeting, header = (json.loads(process.stdout.readline()) for _ in range(2))
    assert greeting["motionary"] == 1
    assert greeting["blender"] == bpy.app.version_string
    (clip,) = header["clips"]
    assert len(process.stdout.read(clip["bytes"])) == clip["bytes"]
    process.stdin.close()
    assert process.wait(20) == 0
    assert process.stdout.read() == b""
    process.stdout.close()
