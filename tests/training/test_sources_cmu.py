"""The captioned CMU clips: which are found, how they are cut, and what is said when something is missing."""

import shutil

import pytest

from motionary.errors import MotionaryError
from motionary_training.sources.cmu import cmu_cuts, described_cuts, unpacked
from tests.data import unzipped
from tests.training.synthetic import write_cmu


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_cmu(tmp_path_factory.mktemp("cmu"))


def test_clips_are_cut_as_the_index_says(folder, tmp_path):
    cuts = {cut.id: cut for cut in cmu_cuts(folder, tmp_path, ("train", "val"), mirrored=False)}
    assert set(cuts) == {"000001", "000001@0.5-1.5", "000002", "000003"}
    assert (cuts["000001"].start, cuts["000001"].end) == (0, 40)
    assert (cuts["000002"].start, cuts["000002"].end, cuts["000002"].trial) == (5, 45, "60_01")
    assert (cuts["000003"].split, cuts["000002"].split) == ("val", "train")


def test_a_timed_caption_cuts_once_and_stays_with_its_clip(folder, tmp_path):
    cuts = {cut.id: cut for cut in cmu_cuts(folder, tmp_path, ("train",), mirrored=False)}
    part = cuts["000001@0.5-1.5"]
    assert (part.start, part.end, part.group, part.captions) == (10, 30, "000001", ("he turns",))
    assert cuts["000001"].captions == ("a man walks left",)


def test_mirrored_clips_carry_mirrored_captions_in_train_only(folder, tmp_path):
    cuts = {cut.id: cut for cut in cmu_cuts(folder, tmp_path, ("train", "val"), mirrored=True)}
    assert cuts["M000001"].captions == ("a man walks right",)
    assert cuts["M000001"].mirrored
    assert cuts["M000001"].group != cuts["000001"].group
    assert "M000003" not in cuts


def test_verbs_that_two_people_used_make_short_captions(tmp_path):
    folder = write_cmu(tmp_path / "data")
    texts = folder / "humanml3d_texts" / "humanml3d" / "texts"
    (texts / "000002.txt").write_text(
        "he crosses and spins#cross/VERB spin/VERB#0.0#0.0\n"
        "crossing, carrying it#cross/VERB carry/VERB#0.0#0.0\n"
        "carries and is#carry/VERB be/VERB play/VERB#0.0#0.0\nplays#play/VERB be/VERB#0.0#0.0\n"
    )
    cuts = {cut.id: cut for cut in cmu_cuts(folder, tmp_path, ("train",), mirrored=False)}
    assert cuts["000002"].labels == ("a person carries", "a person crosses", "a person plays")
    assert cuts["000002"].actions == {"carry", "cross", "play", "spin"}
    assert cuts["000001"].labels == ()


def test_repeated_captions_and_times_that_are_no_number(folder, tmp_path):
    cuts = {cut.id: cut for cut in cmu_cuts(folder, tmp_path, ("train",), mirrored=False)}
    assert cuts["000002"].captions == ("dances",)
    assert cuts["000002"].actions == {"dance"}


def test_zips_are_unpacked_once_and_read_the_same(folder, tmp_path):
    for name in ("cmu_mocap", "cmu_mocap_extra", "humanml3d_texts"):
        shutil.make_archive(str(tmp_path / name), "zip", folder / name)
    plain = cmu_cuts(folder, tmp_path / "cache", ("train",), mirrored=True)
    zipped = cmu_cuts(tmp_path, tmp_path / "cache", ("train",), mirrored=True)
    assert [(cut.id, cut.captions) for cut in plain] == [(cut.id, cut.captions) for cut in zipped]
    assert all(cut.file.is_file() for cut in zipped)
    first = unpacked(tmp_path, "cmu_mocap", tmp_path / "cache")
    assert first == unpacked(tmp_path, "cmu_mocap", tmp_path / "cache")
    assert not list((tmp_path / "cache").glob(".*"))


def test_each_missing_file_is_named(tmp_path):
    folder = write_cmu(tmp_path / "data")
    texts = folder / "humanml3d_texts" / "humanml3d" / "texts"
    (texts / "000002.txt").unlink()
    (texts / "M000001.txt").unlink()
    with pytest.raises(MotionaryError, match=r"missing, 2: .*M000001\.txt.*000002\.txt"):
        cmu_cuts(folder, tmp_path, ("train",), mirrored=True)
    (folder / "cmu_mocap" / "cmu" / "bvh" / "01_01.bvh").unlink()
    with pytest.raises(MotionaryError, match=r"missing, 1: .*01_01\.bvh"):
        cmu_cuts(folder, tmp_path, ("train",), mirrored=True)


def test_a_list_of_a_split_that_is_missing_is_named(tmp_path):
    folder = write_cmu(tmp_path / "data")
    (folder / "humanml3d_texts" / "humanml3d" / "val.txt").unlink()
    with pytest.raises(MotionaryError, match=r"missing, 1: .*val\.txt"):
        cmu_cuts(folder, tmp_path, ("train", "val"), mirrored=True)


def test_a_folder_without_the_data_and_a_broken_zip(tmp_path):
    with pytest.raises(MotionaryError, match=r"cmu_mocap.zip: not found"):
        cmu_cuts(tmp_path, tmp_path / "cache", ("train",), mirrored=True)
    (tmp_path / "cmu_mocap.zip").write_bytes(b"PK not really")
    with pytest.raises(MotionaryError, match=r"cmu_mocap.zip: not a whole zip"):
        unpacked(tmp_path, "cmu_mocap", tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())


def test_descriptions_go_only_to_trials_that_no_clip_was_cut_from(folder, tmp_path):
    assert described_cuts(folder, tmp_path) == []


def test_the_real_splits_have_the_known_sizes(tmp_path):
    for name in ("cmu_mocap", "cmu_mocap_extra", "humanml3d_texts"):
        (tmp_path / name).symlink_to(unzipped(f"{name}.zip"))
    cuts = cmu_cuts(tmp_path, tmp_path / "cache", ("train", "val", "test"), mirrored=True)
    clips = {split: {cut.group for cut in cuts if cut.split == split} for split in ("train", "val", "test")}
    assert {split: len(groups) for split, groups in clips.items()} == {"train": 518, "val": 20, "test": 18}
