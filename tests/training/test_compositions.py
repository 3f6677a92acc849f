"""Clips of two clips: whose they are, what is said of them, and that the bodies stay whole."""

import numpy as np
import pytest
import torch

from motionary.body import JOINTS
from motionary.features import features_from_joints, joints_from_features, motion_joints
from motionary_training.compositions import in_parallel, in_sequence
from motionary_training.config import DataConfig
from motionary_training.data import load_samples, make_pairs, relations
from motionary_training.frames import BLEND, layered
from motionary_training.sources import Sample
from tests.training.synthetic import all_starter_clips

LEGS = ("a person walks forward", "a person jogs forward")
ARMS = ("a person waves with the right hand", "a person claps")


@pytest.fixture(scope="module")
def samples():
    """Starter clips, each of a recording of its own."""
    return [
        Sample(
            clip.name,
            clip.name,
            f"take-{number}",
            "train",
            features_from_joints(motion_joints(clip.motion)),
            clip.captions[:1],
            frozenset(clip.tags),
        )
        for number, clip in enumerate(all_starter_clips())
        if clip.captions[0] in LEGS + ARMS
    ]


def test_a_sequence_tells_both_in_order_and_belongs_to_both_recordings(samples):
    made = in_sequence(samples, 6, seed=1)
    assert len(made) == 6
    by_name = {sample.id: sample for sample in samples}
    for one in made:
        first, second = (by_name[name] for name in one.id.split("~then~"))
        assert set(one.trial.split("|")) == {first.trial, second.trial}
        assert len(one.features) == len(first.features) + len(second.features) - BLEND
        told = one.captions[0]
        what = [sample.captions[0].removeprefix("a person ") for sample in (first, second)]
        assert told.index(what[0]) < told.index(what[1])
        assert one.made


def test_a_parallel_has_legs_that_go_and_arms_that_do(samples):
    made = in_parallel(samples, 3, seed=1)
    assert len(made) == 3
    for one in made:
        legs, arms = one.id.split("~while~")
        told = {sample.id: sample.captions[0] for sample in samples}
        assert told[legs] in LEGS
        assert told[arms] in ARMS


def test_what_is_said_of_a_part_is_no_negative_of_the_whole(samples):
    made = in_sequence(samples, 1, seed=1)[0]
    part = next(sample for sample in samples if sample.id == made.id.split("~then~")[0])
    texts = {text: np.ones(4, np.float32) for sample in (made, part) for text in sample.captions}
    pairs = make_pairs([made, part], texts)
    items, ids = torch.from_numpy(pairs.owner), torch.from_numpy(pairs.text_ids)
    same, _ = relations(pairs, items, ids, items, ids)
    assert same.all()


def test_the_same_seed_makes_the_same_clips(samples):
    names = [[one.id for one in in_sequence(samples, 5, seed)] for seed in (1, 1, 2)]
    assert names[0] == names[1] != names[2]


def apart(joints):
    """(T, J, J) distances."""
    return np.linalg.norm(joints[:, :, None] - joints[:, None], axis=-1)


def test_an_upper_body_on_other_legs_keeps_its_bones_and_both_movements(samples):
    legs = next(sample for sample in samples if sample.captions[0] == LEGS[0]).features
    arms = next(sample for sample in samples if sample.captions[0] == ARMS[0]).features
    both = joints_from_features(layered(arms, legs))
    walked = joints_from_features(legs)[: len(both)]
    lower = [at for at, name in enumerate(JOINTS) if name.endswith(("hip", "knee", "ankle", "foot"))]
    # By what is between the joints: who faces where is worked out anew, with other shoulders.
    np.testing.assert_allclose(apart(both[:, lower]), apart(walked[:, lower]), atol=1e-3)
    elbow, wrist = JOINTS.index("right_elbow"), JOINTS.index("right_wrist")
    waved = joints_from_features(arms)[: len(both)]
    for one, other in ((elbow, wrist), (JOINTS.index("spine1"), JOINTS.index("spine2"))):
        length = np.linalg.norm(both[:, one] - both[:, other], axis=-1)
        np.testing.assert_allclose(
            length, np.linalg.norm(waved[:, one] - waved[:, other], axis=-1), atol=1e-3
        )
    pelvis = JOINTS.index("pelvis")
    np.testing.assert_allclose(
        both[:, wrist, 1] - both[:, pelvis, 1], waved[:, wrist, 1] - waved[:, pelvis, 1], atol=1e-3
    )


def test_a_config_adds_them_to_the_train_split():
    plain = DataConfig(starter_variants=1)
    before = load_samples(plain, ("train",))
    after = load_samples(DataConfig(starter_variants=1, sequences=7, parallels=5), ("train",))
    assert len(after) == len(before) + 12
