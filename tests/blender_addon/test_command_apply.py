"""What is applied, of all that a library holds."""

import pytest

pytest.importorskip("bpy", reason="needs Blender's Python module")

from blender_addon.command_apply import choose_clip, parse_apply
from motionary.bundle import load_bundle
from motionary.index import add_clips
from motionary.library import open_library
from motionary.motion import Clip
from tests.bundles import make_bundle
from tests.motions import walk


def test_of_a_long_clip_the_part_that_matched_is_applied(tmp_path):
    bundle, path = make_bundle(tmp_path / "bundle"), tmp_path / "long.motionary"
    with open_library(path, write=True) as made:
        add_clips([Clip("long walk", walk(20.0))], made, load_bundle(bundle), source="test")
    ask = f"--rig human --library {path} --model {bundle} --query walks --output x".split()
    part, hit, _ = choose_clip(parse_apply("test", ask))
    assert part.motion.duration == pytest.approx(hit["end_s"] - hit["start_s"], abs=1 / 30)  # to the frame
    whole, _, _ = choose_clip(parse_apply("test", [*ask, "--whole-clip"]))
    assert part.motion.duration < whole.motion.duration == pytest.approx(20.0)
