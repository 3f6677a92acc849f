"""mesh2motion's animations as a folder: all of them, each with its sentence, all to learn from."""

import csv

import pytest

from motionary.formats import read_clip
from scripts.mesh2motion import indexed, sentences, write_studio
from tests.data import shared_file


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("mesh2motion")
    archive = shared_file("mesh2motion.zip")
    assert write_studio(indexed(archive, place / "unpacked"), place / "studio") == 87
    return place / "studio"


def test_each_animation_is_a_file_with_its_sentence_to_learn_from(folder):
    with (folder / "captions.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["file"] for row in rows} == {path.name for path in folder.glob("*.bvh")}
    assert {row["split"] for row in rows} == {"train"}
    assert {row["caption"] for row in rows} <= set(sentences().values())
    flips = [row["file"] for row in rows if row["caption"] == "a person does a backflip"]
    assert len(flips) == 1
    assert read_clip(folder / flips[0]).motion.duration > 0.5
