"""Folders of files, captioned: rows in a table, descriptions in .blend files, whole or not at all."""

import json
import shutil

import numpy as np
import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")

from blender_addon import caption_files  # noqa: E402
from blender_addon.caption_files import caption_folder  # noqa: E402
from motionary.blender_files import find_blender  # noqa: E402
from motionary.bundle import load_bundle  # noqa: E402
from motionary.captions.bank import Bank  # noqa: E402
from motionary.captions.grammar import sentences  # noqa: E402
from motionary.captions_csv import read_captions  # noqa: E402
from motionary.errors import MotionaryError  # noqa: E402
from motionary.formats import write_bvh  # noqa: E402
from motionary.nn import unit_rows  # noqa: E402
from tests.blender_addon.test_clip_files import animated, saved  # noqa: E402
from tests.bundles import make_bundle  # noqa: E402
from tests.motions import walk  # noqa: E402


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return load_bundle(make_bundle(tmp_path_factory.mktemp("model")))


@pytest.fixture(scope="module")
def bank(bundle):
    vectors = np.random.default_rng(5).normal(size=(len(sentences()), bundle.joint_dim)).astype(np.float32)
    return Bank(sentences(), unit_rows(vectors), bundle.id)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    animated(names=("Stroll", "Armature|Walk|BaseLayer"))
    bpy.data.actions["Stroll"].asset_mark()
    bpy.data.actions["Stroll"].asset_data.description = "as the animator said"
    saved(folder, ".blend")
    saved(folder, ".glb")
    write_bvh(walk(1.5), folder / "capture.bvh")
    return folder


@pytest.fixture
def moves(made, tmp_path):
    return shutil.copytree(made, tmp_path / "moves")


def described(path):
    """Of each Action of a .blend, what its asset data says."""
    bpy.ops.wm.open_mainfile(filepath=str(path))
    return {
        action.name: (action.asset_data.description, set(action.asset_data.tags.keys()))
        for action in bpy.data.actions
        if action.asset_data
    }


def test_all_get_rows_and_a_copy_of_the_blend_gets_descriptions(moves, bundle, bank):
    before = (moves / "take.blend").read_bytes()
    done = caption_folder([moves], moves / "captions.csv", bundle, bank, find_blender=find_blender)
    assert not done.failures
    rows = read_captions(moves / "captions.csv")
    assert {name for name in rows if "blend" in name} == {"take.blend#Stroll", "take.blend#Walk"}
    assert "capture.bvh" in rows
    assert sum(name.startswith("take.glb#") for name in rows) == 2
    assert done.captioned == len(rows) == 5
    assert (moves / "take.blend").read_bytes() == before
    (written,) = done.written
    assert (written.path, written.actions) == (moves / "take.captioned.blend", 1)
    said = described(written.path)
    assert said["Stroll"][0] == "as the animator said"
    text, tags = said["Armature|Walk|BaseLayer"]
    assert (text,) == rows["take.blend#Walk"].captions
    assert tags == set(rows["take.blend#Walk"].tags)


def test_what_is_done_is_not_done_again_and_copies_are_no_sources(moves, bundle, bank):
    (moves / "take.glb").unlink()
    first = caption_folder([moves], moves / "captions.csv", bundle, bank)
    table = (moves / "captions.csv").read_text()
    again = caption_folder([moves], moves / "captions.csv", bundle, bank)
    assert (first.captioned, again.captioned, again.skipped, again.written) == (3, 0, 2, ())
    assert (moves / "captions.csv").read_text() == table
    assert "captioned.blend" not in table
    (moves / "take.captioned.blend").unlink()  # then only that is made
    third = caption_folder([moves], moves / "captions.csv", bundle, bank)
    assert [one.path.name for one in third.written] == ["take.captioned.blend"]
    assert len(read_captions(moves / "captions.csv")) == 3


def test_in_place_everything_else_of_the_file_stays(moves, bundle, bank):
    path = moves / "take.blend"
    done = caption_folder([path], moves / "captions.jsonl", bundle, bank, in_place=True, overwrite=True)
    assert [(one.path, one.actions) for one in done.written] == [(path, 2)]
    said = described(path)
    assert len(said) == 2
    assert all(text and text != "as the animator said" for text, _ in said.values())
    (armature,) = (item for item in bpy.data.objects if item.type == "ARMATURE")
    assert armature.animation_data.action.name == "Armature|Walk|BaseLayer"
    assert not any(item.name.startswith(".take") for item in moves.iterdir())
    rows = [json.loads(line) for line in (moves / "captions.jsonl").read_text().splitlines()]
    assert {row["name"] for row in rows} == {"Stroll", "Walk"}


def test_a_file_that_does_not_open_is_a_line_and_the_rest_is_done(moves, bundle, bank):
    (moves / "take.glb").unlink()
    (moves / "broken.blend").write_bytes(b"no blend file")
    done = caption_folder([moves, moves / "none"], moves / "captions.csv", bundle, bank)
    assert len(done.failures) == 2
    assert "none: no such file" in done.failures[0]
    assert "broken.blend" in done.failures[1]
    assert done.captioned == 3


def test_a_file_that_cannot_be_written_stays_as_it_was(moves, bundle, bank, monkeypatch):
    path = moves / "take.blend"
    before = path.read_bytes()

    def refuse(action, text, tags):
        raise MotionaryError("no")

    monkeypatch.setattr(caption_files, "describe", refuse)
    done = caption_folder([path], moves / "captions.csv", bundle, bank, in_place=True)
    assert done.failures == ("no",)
    assert done.written == ()
    assert path.read_bytes() == before
    assert not read_captions(moves / "captions.csv")  # so that the next call tries again
