"""Tables: chance, baselines and models side by side, unseen trials apart, folds by trial."""

import dataclasses
import json

import numpy as np
import pytest

from motionary.errors import MotionaryError
from motionary_training.crossval import cross_validate, folds, spread
from motionary_training.data import make_pairs
from motionary_training.evaluate import baseline_scores, embed_motions, evaluate, subset
from motionary_training.report import split_tables, spread_json
from motionary_training.train import build_model
from tests.training.synthetic import tiny_config, tiny_pairs


def test_a_perfect_system_is_perfect_and_chance_is_not():
    pairs = tiny_pairs()
    perfect = (pairs.owner[:, None] == np.arange(len(pairs.samples))).astype(float)
    lucky, found = evaluate({"perfect": perfect}, pairs)
    assert found.text_to_motion.at == found.motion_to_text.at == {1: 100.0, 5: 100.0, 10: 100.0}
    assert found.rehamot_motion_to_text.at[1] == 100.0
    assert lucky.system == "chance"
    assert lucky.text_to_motion.at[1] == pytest.approx(100 / 12)
    assert json.loads(json.dumps(found.as_json()))["STRICT"]["r_sum"] == 600.0


def test_graded_measures_count_other_clips_of_the_same_action():
    pairs = tiny_pairs()
    word = np.arange(12) % 6
    by_action = (word[pairs.owner][:, None] == word).astype(float)
    found = evaluate({"by action": by_action}, pairs)[1]
    assert found.precision == pytest.approx(20)  # two of the first ten; there are no more
    random = np.random.default_rng(0).random(by_action.shape)
    assert found.ndcg > evaluate({"random": random}, pairs)[1].ndcg + 0.1
    assert found.text_to_motion.at[1] == 0  # a tie of two is rank 1.5


def test_baselines_beat_chance_on_clips_that_tell_their_word():
    learnt, asked = tiny_pairs(0, 60), tiny_pairs(1, 12)
    rows = {row.system: row for row in evaluate(baseline_scores(learnt, asked), asked)}
    for name in ("ridge", "kNN"):
        assert rows[name].text_to_motion.at[5] > rows["chance"].text_to_motion.at[5] + 20


def test_embedding_is_the_same_alone_and_in_company():
    pairs, config = tiny_pairs(), tiny_config()
    model = build_model(config, pairs)
    together = embed_motions(model, pairs.samples, 40)
    for number in (0, 5, 11):
        alone = embed_motions(model, pairs.samples[number : number + 1], 40)[0]
        np.testing.assert_allclose(alone, together[number], atol=1e-5)


def test_a_subset_keeps_captions_with_their_clips():
    pairs = tiny_pairs()
    keep = np.arange(12) % 3 == 0
    part = subset(pairs, keep)
    assert [sample.id for sample in part.samples] == ["000000", "000003", "000006", "000009"]
    assert part.owner.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    np.testing.assert_array_equal(part.sentences[2], pairs.sentences[6])


def test_clips_of_unseen_trials_get_their_own_table():
    learnt, asked = tiny_pairs(0, 6), tiny_pairs(1, 12, "val")  # trials 00-02 are in both
    scores = np.random.default_rng(0).random((24, 12))
    tables = split_tables({"model": scores}, asked, learnt, "val")
    assert list(tables) == ["val, all 12 clips", "val, 6 clips of unseen trials"]
    apart = evaluate({"model": scores[12:, 6:]}, subset(asked, np.arange(12) >= 6))
    assert tables["val, 6 clips of unseen trials"] == apart


def test_folds_keep_trials_whole_and_hold_out_every_clip_once():
    pairs = tiny_pairs(0, 20)
    held = []
    for rest, asked in folds(pairs, 5, seed=3):
        assert not {s.trial for s in rest.samples} & {s.trial for s in asked.samples}
        assert len(rest.samples) + len(asked.samples) == 20
        held += [sample.id for sample in asked.samples]
    assert sorted(held) == [sample.id for sample in pairs.samples]


def test_mirrored_clips_are_never_asked_for_nor_learnt_from_beside_their_original():
    plain = tiny_pairs(0, 8)
    mirrored = [
        dataclasses.replace(sample, id="M" + sample.id, group="M" + sample.group) for sample in plain.samples
    ]
    sentences = dict(
        zip((t for s in plain.samples for t in s.captions), plain.sentences.numpy(), strict=True)
    )
    both = make_pairs([*plain.samples, *mirrored], sentences)
    for rest, asked in folds(both, 4, seed=0):
        held = {sample.id for sample in asked.samples}
        assert not any(name.startswith("M") for name in held)
        assert not {sample.id.removeprefix("M") for sample in rest.samples} & held


def test_more_folds_than_trials():
    with pytest.raises(MotionaryError, match="cannot cut 3 trials into 4 folds"):
        folds(tiny_pairs(0, 6), 4, seed=0)


def test_cross_validation_measures_every_system_in_every_fold():
    results = cross_validate(tiny_config(), tiny_pairs(0, 12), 2)
    table = spread_json(results)
    assert set(table) == {"chance", "model", "ridge", "kNN"}
    assert table["model"]["R-sum"]["count"] == 2


def test_spread():
    assert str(spread([1.0, 3.0])) == "2.0 ± 1.4"
    assert spread([4.0]).deviation == 0
