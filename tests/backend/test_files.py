"""A file is replaced whole or not at all."""

import os
import stat

import pytest

from motionary.errors import MotionaryError
from motionary.files import LEFT_BEHIND_S, building_folder, replacing, sweep


def test_the_new_file_takes_the_old_one_s_place(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert (path.read_text(), temporary.suffix, temporary.parent) == ("old", ".txt", tmp_path)
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail_halfway():
        with replacing(path) as temporary:
            temporary.write_text("ne")
            raise ValueError("halfway")

    with pytest.raises(ValueError, match="halfway"):
        fail_halfway()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with (
        pytest.raises(MotionaryError, match="cannot be written: No such file"),
        replacing(tmp_path / "x" / "a"),
    ):
        pass


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_others_may_read_the_file_as_any_new_one(tmp_path):
    (tmp_path / "usual").touch()
    with replacing(tmp_path / "a"):
        pass
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == stat.S_IMODE((tmp_path / "usual").stat().st_mode)


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "new" / "folder"
    with pytest.raises(FileNotFoundError), building_folder(path) as building:
        (building / "missing" / "half").write_text("no folder to write to")
    assert list(path.parent.iterdir()) == []
    with building_folder(path) as building:
        (building / "whole").write_text("whole")
        assert not path.exists()
    assert [inner.name for inner in path.parent.rglob("*")] == ["folder", "whole"]


def test_what_a_killed_process_left_goes_when_nobody_writes_it_any_more(tmp_path):
    path = tmp_path / "a.txt"
    old, new, other = (tmp_path / name for name in (".a.txt.x1.txt", ".a.txt.x2.txt", ".b.txt.x3.txt"))
    for file in (path, old, new, other):
        file.write_text("half")
    long_ago = new.stat().st_mtime - 2 * LEFT_BEHIND_S
    for file in (path, old, other):
        os.utime(file, (long_ago, long_ago))
    sweep(path)
    assert sorted(tmp_path.iterdir()) == sorted([path, new, other])
