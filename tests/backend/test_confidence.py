"""How sure an answer is: held against what says nothing, and monotone in the score."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionary.bundle import load_bundle
from motionary.confidence import (
    CONSTANTS,
    NO_MOTION,
    UNSURE,
    Background,
    background,
    confidence,
    is_unsure,
    no_motion,
    told_how_sure,
)
from motionary.search import Hit
from tests.bundles import make_bundle


def hit(score):
    return Hit(1, 1, "c", score, 0.0, 1.0, 30.0, "c.bvh", (), (), 1.0)


@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(0.001, 0.5), st.floats(-1, 1))
def test_a_better_score_is_never_less_sure(a, b, deviation, mean):
    behind = Background(mean, deviation)
    low, high = sorted((a, b))
    assert 0 <= confidence(low, behind) <= confidence(high, behind) <= 1


def test_what_scores_as_nonsense_does_is_unsure_and_what_stands_out_is_not():
    behind = Background(0.2, 0.05)
    assert is_unsure(told_how_sure([hit(0.2)], behind, 0.2))
    assert not is_unsure(told_how_sure([hit(0.5)], behind))
    assert not is_unsure([hit(0.0)])  # nothing was told of it
    assert not is_unsure([])


def test_the_background_is_of_this_library(tmp_path):
    sentences = no_motion(load_bundle(make_bundle(tmp_path / "model")))
    assert sentences.shape == (len(NO_MOTION), 32)
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(500, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    small, large = background(vectors[:5], sentences), background(vectors, sentences)
    assert large.mean > small.mean
    assert background(vectors[:0], sentences) == Background(0.0, 1.0)
    assert background(np.repeat(vectors[:1], 2, axis=0), sentences[:1]).deviation > 0


def test_the_curve_is_the_one_that_was_fitted():
    told = json.loads(CONSTANTS.read_text())
    assert confidence(1.5, Background(0.5, 0.5)) == pytest.approx(
        1 / (1 + np.exp(-told["intercept"] - 2 * told["slope"] - told["familiar"]))
    )
    held_out = told["held_out"]
    assert held_out["brier"] < held_out["brier_of_the_mean"]
    assert held_out["calibration_error"] < 0.05
    assert confidence(0.0, Background(0.0, 1.0), 0.5) < UNSURE


def test_a_question_about_no_motion_is_less_sure_and_the_built_in_model_knows_one():
    behind = Background(0.2, 0.05)
    assert confidence(0.35, behind, 0.1) < confidence(0.35, behind, 0.9)
    model = load_bundle()
    asked = [model.familiarity(text) for text in ("a person walks forward", "jumps", "waves the left hand")]
    assert min(asked) > 0.5 > np.mean([model.familiarity(text) for text in NO_MOTION])


def test_a_model_without_a_text_space_cannot_tell(tmp_path):
    assert load_bundle(make_bundle(tmp_path / "model")).familiarity("the price of oil") == 1.0
