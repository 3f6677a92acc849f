"""The script as users run it: exit codes, one line of complaint, one JSON document, the files made."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from motionary.bundle import load_bundle
from motionary.formats import write_bvh
from motionary.index import add_clips
from motionary.library import open_library
from motionary.motion import Clip
from tests.bundles import make_bundle
from tests.data import unzipped
from tests.motions import standing, walk

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "apply_motion.py"

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("bpy") is None, reason="needs Blender's Python module"
)


def run(*arguments):
    return subprocess.run(
        [sys.executable, SCRIPT, *map(str, arguments)], capture_output=True, text=True, timeout=300
    )


@pytest.fixture(scope="module")
def bvh(tmp_path_factory):
    path = tmp_path_factory.mktemp("motion") / "stroll.bvh"
    write_bvh(walk(1.0), path)
    return path


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """A library of two clips, and the bundle of random weights that embedded them."""
    folder = tmp_path_factory.mktemp("library")
    bundle = make_bundle(folder / "bundle")
    clips = [Clip("stroll", walk(2.0), captions=("a person walks",)), Clip("stand", standing(60))]
    with open_library(folder / "two.motionary", write=True) as made:
        add_clips(clips, made, load_bundle(bundle), source="test")
    return folder / "two.motionary", bundle


def test_a_query_onto_a_rigify_human(library, tmp_path):
    path, bundle = library
    blend, png = tmp_path / "out.blend", tmp_path / "out.png"
    done = run(
        *("--rig", "human", "--library", path, "--model", bundle, "--query", "a person walks", "--rank", "2"),
        *("--output", blend, "--preview", png, "--json", "--start-frame", "11"),
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["clip"]["rank"] == 2
    assert [match["rank"] for match in result["matches"]] == [1, 2]
    assert result["clip"] == result["matches"][1]
    assert result["applied"]["rig"] == "Rigify"
    assert result["applied"]["frame_start"] == 11
    assert result["applied"]["turn_error"] < 0.1
    assert (result["output"], result["preview"]) == (str(blend), str(png))
    assert png.read_bytes().startswith(b"\x89PNG")

    look = (
        "import bpy, json, os, sys\n"
        "bpy.ops.wm.open_mainfile(filepath=sys.argv[1])\n"
        "rig = bpy.data.objects['rig']\n"
        "seen = [rig.animation_data.action.name, len(bpy.data.scenes), len(bpy.data.cameras),"
        " [o.name for o in bpy.data.objects if o.type == 'MESH' and not o.name.startswith('WGT')]]\n"
        "print('seen', json.dumps(seen), flush=True)\n"
        "os._exit(0)\n"
    )
    seen = subprocess.run([sys.executable, "-c", look, blend], capture_output=True, text=True, timeout=60)
    line = next(line for line in seen.stdout.splitlines() if line.startswith("seen "))
    assert json.loads(line.removeprefix("seen ")) == [result["applied"]["action"], 1, 0, []]


def test_a_file_onto_a_glb_in_words(bvh, tmp_path):
    member = "mesh2motion/human-zombie.glb"
    glb = unzipped("mesh2motion.zip", member) / member
    done = run("--blend", glb, "--motion", bvh, "--armature", "Armature", "--output", tmp_path / "out.blend")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("stroll -> Armature (Unreal), frames 1 to ")
    assert done.stdout.splitlines()[-1] == f"output: {tmp_path / 'out.blend'}"
    assert (tmp_path / "out.blend").stat().st_size > 10_000


def test_every_option_of_applying(bvh, tmp_path):
    member = "mesh2motion/human-zombie.glb"
    glb = unzipped("mesh2motion.zip", member) / member
    character = ("--blend", glb, "--motion", bvh, "--output", tmp_path / "out.blend", "--json")
    done = run(
        *(*character, "--trim", "0.1", "0.9", "--mirror", "--reverse", "--speed", "0.5", "--repeat", "2"),
        *("--start-frame", "10", "--turn", "90", "--offset", "1", "0", "0", "--root-motion", "object"),
        *("--stride", "world", "--no-plant-feet", "--no-floor", "--into", "strip", "--blend-in", "2"),
        *("--blend-out", "3", "--simplify", "0.5", "--switches", "key", "--no-refine", "--loop-blend", "0.1"),
    )
    assert done.returncode == 0, done.stderr
    applied = json.loads(done.stdout)["applied"]
    assert applied["strip"]
    assert applied["frame_start"] == 10
    assert applied["frame_end"] - 9 == pytest.approx(0.8 * 2 * 2 * 24, abs=3)
    done = run(*character, "--only", "upperarm_l", "lowerarm_l", "--keep-place")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["applied"]["turn_error"] is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "say what to apply"),
        (("--motion", "a.bvh", "--query", "wave"), "say what to apply"),
        (("--query", "wave", "--rig", "human", "--output", "o.blend"), "need a --library"),
        (("--motion", "a.bvh", "--output", "o.blend"), "give a character"),
        (("--motion", "a.bvh", "--rig", "human"), "nothing to make"),
        (("--motion", "a.bvh", "--rig", "human", "--blend", "b.blend", "--output", "o"), "two characters"),
        (("--motion", "a.bvh", "--rig", "human", "--output", "o", "--rank", "0"), "count from 1"),
        (("--rig", "elephant"), "invalid choice"),
        (("--motion", "a.bvh", "--rig", "human", "--output", "o", "--speed", "0"), "speed is 0"),
        (("--motion", "a.bvh", "--rig", "human", "--output", "o", "--trim", "2", "1"), "cannot be cut"),
        (("--motion", "a.bvh", "--rig", "human", "--output", "o", "--root-motion", "feet"), "invalid choice"),
    ],
)
def test_wrong_usage_is_2(arguments, said):
    done = run(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stdout == ""


def test_help_is_0():
    done = run("--help")
    assert done.returncode == 0
    assert "--query TEXT" in done.stdout


def test_a_failure_is_1_in_one_line(bvh, library, tmp_path):
    path, bundle = library
    broken = tmp_path / "broken.blend"
    broken.write_text("not a .blend")
    rig_map = tmp_path / "map.toml"
    rig_map.write_text("[joints]\ntail = ['a']")
    out = ("--output", tmp_path / "out.blend")
    for arguments, said in [
        (("--rig", "human", "--motion", tmp_path / "none.bvh"), "none.bvh"),
        (("--blend", tmp_path / "none.blend", "--motion", bvh), "none.blend: no such file"),
        (("--blend", broken, "--motion", bvh), "broken.blend: Blender cannot read it"),
        (("--rig", "human", "--library", tmp_path / "none.motionary", "--query", "wave"), "none.motionary"),
        (
            ("--rig", "human", "--library", path, "--model", bundle, "--query", "a", "--rank", "9"),
            "none of rank 9",
        ),
        (("--rig", "human", "--library", path, "--clip", "swim"), "no clip 'swim'"),
    ]:
        done = run(*arguments, *out)
        lines = [line for line in done.stderr.splitlines() if line.startswith("apply_motion.py:")]
        assert done.returncode == 1, done.stderr
        assert len(lines) == 1, done.stderr
        assert said in lines[0]
        assert "Traceback" not in done.stderr
        assert done.stdout == ""
    assert not (tmp_path / "out.blend").exists()


def test_a_rig_map_of_ones_own_and_a_wrong_name(bvh, tmp_path):
    member = "mesh2motion/human-zombie.glb"
    glb = unzipped("mesh2motion.zip", member) / member
    rig_map = tmp_path / "legs.toml"
    rig_map.write_text(
        "mirror = ['_l$', '_r']\n[joints]\npelvis = ['pelvis']\n"
        "left_hip = ['thigh_l']\nleft_knee = ['calf_l']\nleft_ankle = ['foot_l']\n"
        "left_shoulder = ['upperarm_l']\nleft_elbow = ['lowerarm_l']\n"
    )
    character = ("--blend", glb, "--motion", bvh, "--output", tmp_path / "out.blend")
    done = run(*character, "--rig-map", rig_map, "--keep-rig-map", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["applied"]["rig"] == "legs"
    again = run(
        "--blend", tmp_path / "out.blend", "--motion", bvh, "--output", tmp_path / "b.blend", "--json"
    )
    assert json.loads(again.stdout)["rig"] == "legs: kept on the armature"
    rig_map.write_text(rig_map.read_text().replace("calf_l", "shin_l"))
    done = run(*character, "--rig-map", rig_map)
    assert done.returncode == 1
    assert "legs.toml: armature 'Armature' lacks bones" in done.stderr
    done = run(*character, "--armature", "Hero")
    assert done.returncode == 1
    assert "no armature 'Hero'; it has 'Armature'" in done.stderr
