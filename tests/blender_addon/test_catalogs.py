"""The catalog file: what is added can be read, what was there stays, and ids are the same everywhere."""

import stat
import sys
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blender_addon.catalogs import FILE_NAME, add_catalogs, catalog_path, read_catalogs
from motionary.errors import MotionaryError

THEIRS = """# This is an Asset Catalog Definition file for Blender.
#
VERSION 1

# my own
11111111-2222-3333-4444-555555555555:Props/Chairs:Props-Chairs
something newer than this
"""


@pytest.fixture
def file(tmp_path):
    return tmp_path / FILE_NAME


def test_a_file_is_made_with_the_catalogs_and_those_above_them(file):
    ids = add_catalogs(file, ["Motionary/cmu/walk", "Motionary/cmu/run"])
    assert [catalog.path for catalog in read_catalogs(file)] == [
        "Motionary",
        "Motionary/cmu",
        "Motionary/cmu/walk",
        "Motionary/cmu/run",
    ]
    assert ids.keys() == {"Motionary/cmu/walk", "Motionary/cmu/run"}
    assert ids["Motionary/cmu/walk"] == read_catalogs(file)[2].id
    assert read_catalogs(file)[2].name == "Motionary-cmu-walk"
    assert "VERSION 1\n" in file.read_text()


def test_no_file_has_no_catalogs(file):
    assert read_catalogs(file) == []


def test_ids_are_the_same_in_every_library(tmp_path):
    (tmp_path / "other").mkdir()
    first = add_catalogs(tmp_path / FILE_NAME, ["Motionary/a"])
    second = add_catalogs(tmp_path / "other" / FILE_NAME, ["Motionary/b", "Motionary/a"])
    assert first["Motionary/a"] == second["Motionary/a"] != second["Motionary/b"]
    assert str(UUID(first["Motionary/a"])) == first["Motionary/a"]


def test_what_others_wrote_stays_to_the_letter(file):
    file.write_text(THEIRS)
    add_catalogs(file, ["Motionary"])
    assert file.read_text().startswith(THEIRS)
    assert [catalog.path for catalog in read_catalogs(file)] == ["Props/Chairs", "Motionary"]


def test_adding_again_writes_nothing(file):
    add_catalogs(file, ["Motionary/a"])
    file.chmod(0o444)
    before = file.stat()
    assert add_catalogs(file, ["Motionary/a", "Motionary"])
    assert file.stat().st_mtime_ns == before.st_mtime_ns
    assert file.stat().st_ino == before.st_ino


def test_a_catalog_that_somebody_made_keeps_their_id(file):
    file.write_text(THEIRS + "99999999-2222-3333-4444-555555555555:Motionary/a:A\n")
    assert add_catalogs(file, ["Motionary/a"])["Motionary/a"] == "99999999-2222-3333-4444-555555555555"


def test_a_catalog_of_ours_that_was_moved_stays_there(file):
    made = add_catalogs(file, ["Motionary/a"])["Motionary/a"]
    file.write_text(file.read_text().replace(":Motionary/a:", ":Animation/mine:"))
    assert add_catalogs(file, ["Motionary/a"])["Motionary/a"] == made
    assert [catalog.path for catalog in read_catalogs(file)] == ["Motionary", "Animation/mine"]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last", ["", "\n"])
def test_line_ends_are_kept(file, end, last):
    file.write_bytes((THEIRS.rstrip("\n") + last).replace("\n", end).encode())
    add_catalogs(file, ["Motionary"])
    data = file.read_bytes()
    assert data.count(b"\r\n") == (data.count(b"\n") if end == "\r\n" else 0)
    assert len(read_catalogs(file)) == 2


def test_a_file_of_comments_gets_its_version(file):
    file.write_text("# mine\n")
    add_catalogs(file, ["Motionary"])
    assert file.read_text().startswith("# mine\n")
    assert [catalog.path for catalog in read_catalogs(file)] == ["Motionary"]


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"VERSION 2\n", "version 1"), (b"\xff\xfe", "UTF-8"), (b"words\n", "begins with 'words'")],
)
def test_another_kind_of_file_is_refused_and_stays(file, content, said):
    file.write_bytes(content)
    with pytest.raises(MotionaryError, match=said):
        add_catalogs(file, ["Motionary"])
    assert file.read_bytes() == content


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(MotionaryError, match="cannot be written"):
        add_catalogs(tmp_path / "none" / FILE_NAME, ["Motionary"])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions")
def test_other_people_can_read_the_file(file):
    add_catalogs(file, ["Motionary"])
    assert stat.S_IMODE(file.stat().st_mode) & 0o044 == 0o044


@given(st.lists(st.text(max_size=90), min_size=1, max_size=4))
def test_any_names_make_a_path_that_is_read_back(tmp_path_factory, names):
    path = catalog_path("Motionary", *names)
    file = tmp_path_factory.mktemp("catalogs") / FILE_NAME
    made = add_catalogs(file, [path])[path]
    found = {catalog.id: catalog for catalog in read_catalogs(file)}
    assert found[made].path == path
    assert all(len(catalog.name.encode()) <= 63 for catalog in found.values())
    assert path.count("/") <= len(names)


def test_names_with_signs_of_the_file_in_them_stay_one_level():
    assert catalog_path("Motionary", "a/b:c", "", "  d  e ") == "Motionary/a-b-c/d e"
