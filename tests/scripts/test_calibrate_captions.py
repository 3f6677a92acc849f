"""How sure captions may be: words are matched by their stems, and the curve is the one that was asked of."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the script reads data as the trainer does")

PATH = Path(__file__).resolve().parents[2] / "scripts" / "calibrate_captions.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("calibrate_captions", PATH)
    module = importlib.util.module_from_spec(spec)
    sys.modules["calibrate_captions"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def examples(script):
    """Three captions each of 400 clips of 60 recordings, right as often as a curve says."""
    rng = np.random.default_rng(5)
    score, place = rng.uniform(0, 0.7, 1200), np.arange(1200) % 3
    rarity = rng.uniform(0, 4, 1200)
    chance = 1 / (1 + np.exp(-(-3.0 + 9.0 * score - 1.0 * (place > 0) + 0.4 * rarity)))
    right = rng.uniform(size=1200) < chance
    return [
        script.Example(str(n // 3 % 60), bool(right[n]), float(score[n]), int(place[n]), float(rarity[n]))
        for n in range(1200)
    ]


def test_words_are_matched_by_their_stems(script):
    for words in (("dance", "dances", "dancing"), ("run", "runs", "running"), ("walk", "walks", "walked")):
        assert len({script.stem(word) for word in words}) == 1
    assert script.stems("Jog_Fwd_Loop2") == {"jog", "fwd", "loop"}
    assert script.stems("PickUp a man's boxes") >= {"pick", "up", "box"}


def test_an_action_is_called_by_its_kind_too(script):
    from motionary.captions.grammar import sentences

    by_text = {sentence.text: sentence for sentence in sentences()}
    assert script.stem("walk") in script.actions_of(by_text["a person limps"])
    assert script.stem("limp") in script.actions_of(by_text["a person limps"])
    assert script.actions_of(by_text["a person dances salsa"]) >= {script.stem("dance"), script.stem("salsa")}
    assert not script.actions_of(by_text["a person picks something up from the floor"]) & {"up"}


def test_the_curve_is_found_again(script, examples):
    intercept, score, later, rarity = script.fitted(examples)
    assert intercept == pytest.approx(-3.0, abs=0.5)
    assert score == pytest.approx(9.0, rel=0.2)
    assert later == pytest.approx(-1.0, abs=0.4)
    assert rarity == pytest.approx(0.4, abs=0.2)


def test_it_is_judged_on_recordings_that_it_has_not_seen(script, examples):
    out = script.left_out(examples)
    judged = script.judged(examples, out)
    assert judged["captions"] == 1200
    assert judged["said"] == pytest.approx(judged["right"], abs=0.02)
    assert judged["brier"] < judged["base_brier"] - 0.03
    assert judged["calibration_error"] < 0.06
    assert script.of_first(examples, out)["captions"] == 400
    seen = script.predicted(examples, script.fitted(examples))
    assert not np.array_equal(out, seen)


def test_nonsense_is_judged_as_such(script, examples):
    contrary = 1 - script.predicted(examples, script.fitted(examples))
    judged = script.judged(examples, contrary)
    assert judged["brier"] > judged["base_brier"]
    assert judged["calibration_error"] > 0.3
