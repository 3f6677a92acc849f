"""What captions alone teach: that two captions of one motion are nearer than the frozen encoder has them."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from motionary.errors import MotionaryError
from motionary.text_space import make_text_space, meanings
from motionary_training.config import DataConfig
from motionary_training.encoders.text_space import SPACE_WIDTH, TextSpace
from motionary_training.sources.captions_only import Described, captions_only
from motionary_training.text_pretraining import learn_text_space

WIDTH = 32


def made_up(motions=60, seed=0):
    """Captions that share a hidden meaning, under a lot of what only tells who wrote them."""
    rng = np.random.default_rng(seed)
    means = rng.standard_normal((motions, 8))
    carry, noise = rng.standard_normal((8, WIDTH)), rng.standard_normal((16, WIDTH))
    vectors = [mean @ carry + 1.5 * rng.standard_normal((3, 16)) @ noise for mean in means]
    groups = [F.normalize(torch.tensor(rows, dtype=torch.float32), dim=1) for rows in vectors]
    told = [
        Described((f"{n} a", f"{n} b", f"{n} c"), frozenset({"walk" if n % 2 else "run"}))
        for n in range(motions)
    ]
    return groups, told


def found_first(vectors):
    """How often the second caption of a motion is the nearest to its first."""
    first, second = (F.normalize(torch.stack([rows[at] for rows in vectors]), dim=1) for at in (0, 1))
    return float(((first @ second.T).argmax(dim=1) == torch.arange(len(vectors))).float().mean())


def test_captions_of_one_motion_come_nearer_also_those_never_seen():
    groups, told = made_up(400)
    space = learn_text_space(groups[:340], told[:340], epochs=30, batch=64)
    held = groups[340:]
    with torch.no_grad():
        assert found_first([space.learnt(rows) for rows in held]) > found_first(held) + 0.1


def test_one_seed_gives_one_space():
    groups, told = made_up()
    one, two = (learn_text_space(groups, told, epochs=2, batch=20).state_dict() for _ in range(2))
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_it_starts_as_the_sentences_main_directions():
    sentences = torch.cat(made_up()[0])
    space = TextSpace(WIDTH)
    space.start_as_principal_axes(sentences)
    with torch.no_grad():
        vectors = space.eval().learnt(sentences)
    centred = F.normalize(sentences - sentences.mean(dim=0), dim=1)
    torch.testing.assert_close(vectors @ vectors.T, centred @ centred.T, atol=1e-4, rtol=0)


def test_what_all_captions_share_is_kept_so_that_other_sentences_stand_apart():
    rng = np.random.default_rng(0)
    shared = rng.standard_normal(WIDTH)
    captions = F.normalize(
        torch.tensor(shared + rng.standard_normal((50, WIDTH)), dtype=torch.float32), dim=1
    )
    others = F.normalize(torch.tensor(rng.standard_normal((50, WIDTH)), dtype=torch.float32), dim=1)
    space = TextSpace(WIDTH)
    space.start_as_principal_axes(captions)
    with torch.no_grad():
        told, untold = (space.eval()(rows)[:, -1] for rows in (captions, others))
    assert told.median() > 0.4 > 0.2 > untold.abs().median()


def test_numpy_and_torch_agree():
    space = TextSpace(WIDTH).eval()
    space.common.copy_(F.normalize(torch.randn(WIDTH), dim=0))
    tensors = {f"text.space.{name}": tensor.numpy() for name, tensor in space.state_dict().items()}
    sentences = F.normalize(torch.randn(7, WIDTH), dim=1)
    ours = meanings(make_text_space(tensors, WIDTH, "here"), sentences.numpy())
    with torch.no_grad():
        np.testing.assert_allclose(ours, space(sentences).numpy(), atol=1e-6)
    assert ours.shape == (7, SPACE_WIDTH)


def test_a_bundle_without_one_has_none():
    assert make_text_space({"text.projection.weight": np.zeros((2, 2))}, 2, "here") is None


def test_a_broken_one_is_told():
    space = {f"text.space.{name}": tensor.numpy() for name, tensor in TextSpace(WIDTH).state_dict().items()}
    with pytest.raises(MotionaryError, match="here"):
        make_text_space(space, WIDTH + 1, "here")


def official(folder, texts, train):
    (folder / "texts").mkdir()
    (folder / "train.txt").write_text("\n".join(train))
    for name, lines in texts.items():
        (folder / "texts" / f"{name}.txt").write_text("\n".join(f"{line}#0#0" for line in lines))


def test_train_captions_alone_and_no_mirrored_ones(tmp_path):
    texts = {
        "000001": [
            "a man walks#a/DET man/NOUN walk/VERB",
            "he goes on foot#he/PRON go/VERB on/ADP foot/NOUN",
        ],
        "M000001": ["a man walks#a/DET man/NOUN walk/VERB", "he goes#he/PRON go/VERB"],
        "000002": ["only one#only/ADV one/NUM"],
        "000003": ["held out#x/VERB", "held out too#y/VERB"],
    }
    official(tmp_path, texts, ["000001", "M000001", "000002"])
    (one,) = captions_only(DataConfig(humanml3d=str(tmp_path)))
    assert one == Described(("a man walks", "he goes on foot"), frozenset({"walk"}))


def test_cmus_own_captions_are_left_out(tmp_path):
    texts = tmp_path / "humanml3d_texts" / "humanml3d"
    texts.mkdir(parents=True)
    lines = ["a man walks#walk/VERB", "a person walks#walk/VERB"]
    official(texts, {"000001": lines, "000002": lines}, ["000001", "000002"])
    rows = [
        "./pose_data/CMU/01/01_01_poses.npy,0,9,000001.npy",
        "./pose_data/KIT/3/x_poses.npy,0,9,000002.npy",
    ]
    (texts / "index.csv").write_text("\n".join(["source_path,start_frame,end_frame,new_name", *rows]))
    assert len(captions_only(DataConfig(cmu=str(tmp_path), cache=str(tmp_path / "cache")))) == 1


def test_without_captions_it_says_what_to_set():
    with pytest.raises(MotionaryError, match=r"data\.humanml3d or data\.cmu"):
        captions_only(DataConfig())
