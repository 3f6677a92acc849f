"""HumanML3D and KIT-ML in their official layouts: what is read, what is left out, what is refused."""

import re
import shutil

import numpy as np
import pytest

from motionary.errors import MotionaryError
from motionary_training.config import DataConfig
from motionary_training.data import frame_rate, load_samples
from motionary_training.sources.missing import refuse
from motionary_training.sources.official import HUMANML3D, KIT, official_samples
from tests.data import unzipped
from tests.training.synthetic import write_official


def read(folder, layout=HUMANML3D, splits=("train", "val", "test"), mirrored=True):
    heard = []
    samples = official_samples(
        folder, layout, splits, mirrored=mirrored, left_out=heard.append, step=lambda done, total: None
    )
    return {sample.id: sample for sample in samples}, heard


@pytest.fixture
def humanml3d(tmp_path):
    return write_official(tmp_path / "HumanML3D")


def frames(folder, name):
    return np.load(folder / "new_joint_vecs" / f"{name}.npy")


def test_every_stretch_is_cut_from_the_whole_once(humanml3d):
    samples, heard = read(humanml3d)
    assert heard == []
    whole = frames(humanml3d, "000001")
    np.testing.assert_array_equal(samples["000001"].features, whole)
    # Two timed captions: the second is not cut out of the first, as the authors' loader does it.
    np.testing.assert_array_equal(samples["000001@1-2.5"].features, whole[20:50])
    np.testing.assert_array_equal(samples["000001@2-4"].features, whole[40:80])
    assert samples["000001@2-4"].captions == ("he turns",)
    assert {samples[name].group for name in ("000001", "000001@1-2.5", "000001@2-4")} == {"000001"}
    assert samples["000001"].captions == ("a man walks left", "walks")
    assert samples["000001"].actions == {"walk"}
    assert samples["000001"].labels == ("a person walks",)


def test_splits_are_the_official_ones_with_their_mirrored_clips(humanml3d):
    samples, _ = read(humanml3d)
    split_of = {name: sample.split for name, sample in samples.items() if "@" not in name}
    assert split_of == {
        "000001": "train",
        "M000001": "train",
        "000002": "train",
        "000003": "val",
        "M000003": "val",
        "000004": "test",
    }
    assert samples["M000001"].trial == samples["000001"].trial
    assert samples["M000001"].group != samples["000001"].group
    plain, _ = read(humanml3d, mirrored=False)
    assert "M000001" not in plain
    assert "M000003" in plain


def test_kit_is_cut_at_its_own_rate(tmp_path):
    folder = write_official(tmp_path / "KIT-ML", width=251)
    samples, _ = read(folder, KIT)
    np.testing.assert_array_equal(samples["000001@2-4"].features, frames(folder, "000001")[25:50])
    data = DataConfig(kit=str(folder))
    assert frame_rate(data) == 12.5
    assert {sample.features.shape[1] for sample in load_samples(data, ("train",))} == {251}


def test_short_clips_and_numbers_that_are_none_are_left_out_by_name(humanml3d):
    rows = frames(humanml3d, "000001")
    np.save(
        humanml3d / "new_joint_vecs" / "M000001.npy", rows[0]
    )  # one frame, as the official code writes it
    rows[3, 7] = np.nan
    np.save(humanml3d / "new_joint_vecs" / "000002.npy", rows)
    (humanml3d / "texts" / "000004.txt").write_text("\n")
    np.save(humanml3d / "new_joint_vecs" / "000003.npy", rows[10:19])
    samples, heard = read(humanml3d)
    assert {"M000001", "000002", "000003", "000004"}.isdisjoint(samples)
    told = "\n".join(heard)
    assert "M000001.npy: has 1 frames; 10 are the least" in told
    assert "000002.npy: holds a value that is not a number" in told
    assert "000003.npy: has 9 frames; 10" in told
    assert "000004.txt: holds no caption" in told


def test_a_stretch_past_the_end_is_left_out(humanml3d):
    (humanml3d / "texts" / "000002.txt").write_text("a#a/X#0#0\nb#b/X#900.0#910.0\nc#c/X#0.0#0.01\n")
    samples, heard = read(humanml3d)
    assert {name for name in samples if name.startswith("000002")} == {"000002"}
    assert any("000002.npy: has 0 frames from 900 s to 910 s" in reason for reason in heard)
    assert any("000002.npy: has 0 frames from 0 s to 0.01 s" in reason for reason in heard)


def test_all_damaged_files_are_named_at_once(humanml3d):
    vectors = humanml3d / "new_joint_vecs"
    np.save(vectors / "000001.npy", np.zeros((30, 251), np.float32))
    np.save(vectors / "000002.npy", np.array([{"pickled": 1}], object), allow_pickle=True)
    (vectors / "000003.npy").write_bytes(b"")
    np.save(vectors / "000004.npy", np.zeros((30, 263), np.int64))
    with pytest.raises(MotionaryError, match="HumanML3D data is damaged, 4: ") as told:
        read(humanml3d)
    assert "000001.npy (shape (30, 251), not (frames, 263))" in str(told.value)
    for name in ("000002", "000003", "000004"):
        assert f"{name}.npy (no array of numbers)" in str(told.value)


def test_all_missing_files_are_named_at_once(humanml3d):
    (humanml3d / "new_joint_vecs" / "M000001.npy").unlink()
    (humanml3d / "texts" / "000003.txt").unlink()
    with pytest.raises(MotionaryError, match=r"files missing, 2: .*M000001\.npy, .*000003\.txt; add them"):
        read(humanml3d)
    read(humanml3d, splits=("test",))  # whose files are all there


def test_parts_of_the_layout_that_are_missing_are_named(humanml3d, tmp_path):
    (humanml3d / "val.txt").unlink()
    shutil.rmtree(humanml3d / "texts")
    with pytest.raises(MotionaryError, match=r"missing, 2: .*texts, .*val\.txt; set data\.humanml3d"):
        read(humanml3d)
    with pytest.raises(MotionaryError, match=r"KIT-ML data is incomplete, missing, 5: .*set data\.kit"):
        load_samples(DataConfig(kit=str(tmp_path / "nowhere")), ("train", "val", "test"))


def test_of_many_files_twenty_are_named_in_the_line_and_the_rest_are_its_notes():
    with pytest.raises(MotionaryError) as caught:
        refuse("gone", [str(number) for number in range(25)], "look")
    assert re.fullmatch(r"gone, 25: 0, 1, .*, 19 and 5 more; look", str(caught.value))
    assert caught.value.__notes__ == ["20", "21", "22", "23", "24"]
    refuse("gone", [], "look")


def test_the_official_example_is_read_with_its_captions(tmp_path):
    folder = unzipped(
        "humanml3d_texts.zip",
        "humanml3d/new_joint_vecs/012314.npy",
        "humanml3d/texts/012314.txt",
    )
    official = folder / "humanml3d"
    for split in ("train", "val", "test"):
        (tmp_path / f"{split}.txt").write_text("012314\n" if split == "train" else "")
    for part in ("new_joint_vecs", "texts"):
        (tmp_path / part).symlink_to(official / part)
    samples, heard = read(tmp_path)
    whole = samples["012314"]
    assert heard == []
    assert whole.features.shape[1] == 263
    assert len(whole.captions) == len((official / "texts" / "012314.txt").read_text().split("\n")) - 1
