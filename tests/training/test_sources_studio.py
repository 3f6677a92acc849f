"""A studio's folder: its captions file, its splits, and what is refused."""

import hashlib
import shutil

import numpy as np
import pytest

from motionary.errors import MotionaryError
from motionary.formats.bvh import write_bvh
from motionary_training.config import DataConfig
from motionary_training.data import load_samples
from motionary_training.sources.studio import studio_cuts
from tests.training.synthetic import all_starter_clips

ALL = ("train", "val", "test")


def write(folder, rows, header="file,caption,tags"):
    (folder / "captions.csv").write_text("\n".join([header, *rows]) + "\n", "utf-8")


@pytest.fixture(scope="module")
def motions(tmp_path_factory):
    """Eight different BVH files, two of them in a folder."""
    folder = tmp_path_factory.mktemp("motions")
    (folder / "sub").mkdir()
    for number, clip in enumerate(all_starter_clips()[:8]):
        write_bvh(clip.motion, folder / ("sub" if number > 5 else ".") / f"{number}.bvh")
    return folder


@pytest.fixture
def studio(motions, tmp_path):
    shutil.copytree(motions, tmp_path / "studio")
    names = [*(f"{number}.bvh" for number in range(6)), "sub/6.bvh", "sub/7.bvh"]
    write(tmp_path / "studio", [f"{name},turns left {name},turn;spin" for name in names])
    return tmp_path / "studio"


def split_of(folder):
    return {cut.id: cut.split for cut in studio_cuts(folder, ALL, mirrored=False)}


def test_motions_are_read_with_captions_tags_and_mirror_images(studio, tmp_path):
    data = DataConfig(studio=str(studio), cache=str(tmp_path / "cache"))
    samples = {sample.id: sample for sample in load_samples(data, ALL)}
    assert {name for name in samples if name.startswith("studio/")} == set(split_of(studio))
    trained = next(s for s in samples.values() if s.split == "train" and s.id.startswith("studio/"))
    image = samples["M" + trained.id]
    assert trained.captions == (f"turns left {trained.id.removeprefix('studio/')}",)
    assert image.captions == (f"turns right {trained.id.removeprefix('studio/')}",)
    assert trained.actions == {"turn", "spin"}
    assert np.corrcoef(trained.features[:, 0], image.features[:, 0])[0, 1] < -0.7
    assert image.trial == trained.trial
    assert all(sample.split == "train" for name, sample in samples.items() if name.startswith("M"))


def test_without_a_split_column_the_hash_of_the_file_decides(studio):
    before = split_of(studio)
    assert list(before.values()).count("val") == 1
    held = next(name for name, split in before.items() if split == "val").removeprefix("studio/")
    (studio / held).rename(studio / "renamed.bvh")
    shutil.copy(studio / "renamed.bvh", studio / "copy.bvh")
    text = (studio / "captions.csv").read_text().replace(held, "renamed.bvh")
    (studio / "captions.csv").write_text(text + "copy.bvh,the same,\n")
    after = split_of(studio)
    assert after["studio/renamed.bvh"] == after["studio/copy.bvh"] == "val"
    assert list(after.values()).count("val") == 2


def test_a_single_file_is_learnt_from_whatever_its_hash(studio):
    for number in range(6):
        write(studio, [f"{number}.bvh,walks,"])
        assert split_of(studio) == {f"studio/{number}.bvh": "train"}


def test_files_whose_hashes_are_all_small_are_not_all_held_out(studio):
    digests = {}
    for number in range(1000):  # one in ten is small
        content = f"HIERARCHY {number}".encode()
        digests[hashlib.sha256(content).hexdigest()] = content
    for digest, name in zip(sorted(digests), ("0.bvh", "1.bvh", "2.bvh"), strict=False):
        (studio / name).write_bytes(digests[digest])
    write(studio, ["0.bvh,a,", "1.bvh,b,", "2.bvh,c,"])
    assert list(split_of(studio).values()) == ["val", "val", "train"]


def test_a_split_column_decides_where_there_is_one(studio):
    write(
        studio,
        ["0.bvh,a,train", "1.bvh,b,val", "2.bvh,c,test", "0.bvh,d,train"],
        header="file,caption,split",
    )
    assert split_of(studio) == {"studio/0.bvh": "train", "studio/1.bvh": "val", "studio/2.bvh": "test"}
    assert [cut.id for cut in studio_cuts(studio, ("test",), mirrored=True)] == ["studio/2.bvh"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["0.bvh,a,train", "1.bvh,b,dev"], r"line 3: split 'dev' is none of"),
        (["0.bvh,a,train", "0.bvh,b,val"], r"line 3: 0\.bvh is of val here and of train above"),
        (
            ["0.bvh,a,train", "gone.bvh,b,val", "lost.bvh,b,val"],
            r"files missing, 2: .*gone\.bvh, .*lost\.bvh",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(studio, rows, message):
    write(studio, rows, header="file,caption,split")
    with pytest.raises(MotionaryError, match=message):
        studio_cuts(studio, ALL, mirrored=False)


def test_a_file_that_is_no_motion_is_left_out_by_name(studio, tmp_path):
    (studio / "0.bvh").write_text("nothing of the kind")
    write(studio, ["0.bvh,a,train", "1.bvh,b,train", "2.bvh,,train"], header="file,caption,split")
    heard = []
    data = DataConfig(studio=str(studio), cache=str(tmp_path / "cache"), mirrored=False)
    samples = load_samples(data, ("train",), left_out=heard.append)
    assert [sample.id for sample in samples] == ["studio/1.bvh"]
    assert len(heard) == 1
    assert "0.bvh" in heard[0]
