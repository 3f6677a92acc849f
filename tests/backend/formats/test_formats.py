"""read_clip: by suffix, with name and source."""

import numpy as np
import pytest

from motionary.errors import MotionaryError
from motionary.formats import SUFFIXES, read_clip, write_bvh


def test_a_clip_knows_its_name_and_source(tmp_path, standing):
    path = tmp_path / "Stand still.BVH"
    write_bvh(standing, path)
    clip = read_clip(path)
    assert (clip.name, clip.source) == ("Stand still", str(path))
    assert clip.motion.frames == standing.frames


def test_arrays_are_clips_too(tmp_path):
    np.save(tmp_path / "a.npy", np.random.default_rng(0).normal(size=(4, 22, 3)))
    assert read_clip(tmp_path / "a.npy", fps=25).motion.fps == 25


@pytest.mark.parametrize("name", ["a.fbx", "a", "a.asf"])
def test_other_suffixes_are_refused_with_those_that_do(tmp_path, name):
    with pytest.raises(MotionaryError, match=r"\.bvh, \.amc, \.npy"):
        read_clip(tmp_path / name)


def test_a_suffix_does_not_make_the_format(tmp_path):
    for suffix in SUFFIXES:
        path = tmp_path / f"letter{suffix}"
        path.write_text("Dear diary,\ntoday I moved.\n")
        with pytest.raises(MotionaryError, match=r"letter\."):
            read_clip(path)
