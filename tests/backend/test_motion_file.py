"""One clip of a file that is in no library."""

import pytest

from motionary import motion_file
from motionary.blender_files import Blender
from motionary.clip_stream import FileClips
from motionary.errors import MotionaryError
from motionary.formats import write_bvh
from motionary.motion import Clip
from motionary.motion_file import is_motion_file, read_one_clip
from tests.motions import walk


@pytest.fixture
def blender(monkeypatch, tmp_path):
    """A scene.blend in the working folder, and a Blender that finds in it the clips given."""
    from contextlib import contextmanager

    monkeypatch.chdir(tmp_path)
    (tmp_path / "scene.blend").touch()

    def holding(*names, notes=()):
        clips = tuple(Clip(name, walk(1.0)) for name in names)

        @contextmanager
        def reader(_):
            yield lambda path: FileClips(clips, notes)

        monkeypatch.setattr(motion_file, "blender_reader", reader)
        return lambda: Blender(("blender",))

    return holding


def test_a_file_that_holds_one(tmp_path):
    write_bvh(walk(1.0), tmp_path / "stroll.bvh")
    named = str(tmp_path / "stroll.bvh")
    assert is_motion_file(named)
    assert read_one_clip(named, lambda: None).name == "stroll"


@pytest.mark.parametrize("named", ["walk", "3", "walk.txt", "walk.bvh", "walk.bvh#x", "", "."])
def test_what_is_no_file_is_a_clips_name(named, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "walk.txt").touch()
    assert not is_motion_file(named)
    with pytest.raises(MotionaryError, match="no such motion file"):
        read_one_clip(named, lambda: None)


def test_a_file_with_a_hash_in_its_name(tmp_path):
    write_bvh(walk(1.0), tmp_path / "take #3.bvh")
    assert read_one_clip(str(tmp_path / "take #3.bvh"), lambda: None).name == "take #3"


def test_one_of_several_is_named(blender):
    find = blender("walk", "run")
    assert read_one_clip("scene.blend#run", find).name == "run"
    with pytest.raises(MotionaryError, match=r"has 2 clips; say which, as in scene\.blend#walk"):
        read_one_clip("scene.blend", find)
    with pytest.raises(MotionaryError, match="has no clip 'fly'; it has walk, run"):
        read_one_clip("scene.blend#fly", find)


def test_one_that_holds_no_body_says_why(blender):
    with pytest.raises(MotionaryError, match="no motion of a human body; Cube: no armature"):
        read_one_clip("scene.blend", blender(notes=("Cube: no armature",)))


def test_without_a_blender_the_cure_is_said(blender):
    blender()
    with pytest.raises(MotionaryError, match=r"no Blender was found.*--blender"):
        read_one_clip("scene.blend", lambda: None)
