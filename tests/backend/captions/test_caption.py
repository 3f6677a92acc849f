"""Captions: true to what is measured always, and of the right action mostly."""

import json
import shutil
from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from motionary.bundle import BUILT_IN, load_bundle, pack_bundle
from motionary.captions.bank import Bank
from motionary.captions.caption import (
    Calibration,
    _one_after_another,
    caption,
    caption_windows,
    load_calibration,
    rank,
    suggested_name,
)
from motionary.captions.claims import Claims, bearing, swapped
from motionary.captions.grammar import Sentence, sentences
from motionary.captions.measure import measure, measure_joints, thinned_joints
from motionary.captions.signs import signs_of
from motionary.edits import mirror
from motionary.errors import MotionaryError
from motionary.index import motion_windows
from motionary.nn import unit_rows
from motionary.starter import starter_clips
from tests.bundles import make_bundle
from tests.motions import walk

ACTIONS = {
    *(
        "walk",
        "run",
        "jog",
        "sidestep",
        "turn",
        "jump",
        "hop",
        "wave",
        "clap",
        "bow",
        "kick",
        "punch",
        "squat",
    ),
    *("sit", "sit_down", "stand_up", "lie", "push_up", "crawl", "dance", "stand", "stairs_up", "stairs_down"),
    *("limp", "sneak", "march", "throw", "pick_up", "balance", "jumping_jacks", "climb", "salute", "point"),
}


@cache
def clips():
    return {clip.name: clip for clip in starter_clips()}


@pytest.fixture(scope="module")
def bundle():
    return load_bundle()


@pytest.fixture(scope="module")
def bank(bundle):
    """A few hundred short sentences of the grammar: enough to choose from, few to embed."""
    some = tuple(s for s in sentences() if s.action in ACTIONS and not s.style and len(s.text.split()) <= 8)
    return Bank(some, bundle.embed_texts([sentence.text for sentence in some]), bundle.id)


@pytest.fixture(scope="module")
def random_bank():
    """All sentences, at random places in the joint space: nothing but the facts decides."""
    vectors = np.random.default_rng(7).normal(size=(len(sentences()), 16)).astype(np.float32)
    return Bank(sentences(), unit_rows(vectors), "random")


@pytest.mark.parametrize(
    ("name", "actions"),
    [
        ("walk_forward", {"walk"}),
        ("walk_backward", {"walk"}),
        ("run", {"run", "jog"}),
        ("side_step_left", {"sidestep", "walk"}),
        ("turn_right", {"turn"}),
        ("jump", {"jump"}),
        ("wave_left", {"wave"}),
        ("front_kick_right", {"kick"}),
        ("sit_down", {"sit_down", "sit"}),
        ("stand_up", {"stand_up"}),
        ("lie", {"lie"}),
        ("push_ups", {"push_up"}),
        ("crawl", {"crawl"}),
        ("limp_left", {"limp"}),
        ("march", {"march"}),
        ("climb_stairs", {"stairs_up"}),
        ("bow", {"bow"}),
        ("jumping_jacks", {"jumping_jacks", "jump"}),
    ],
)
def test_starter_clips_get_sensible_captions(name, actions, bundle, bank):
    found = caption(clips()[name].motion, bundle, bank)
    assert found.captions[0].action in actions, found.captions
    assert 0.1 < found.captions[0].score <= 1
    assert 0 < found.captions[0].confidence < 1


def test_captions_name_sides_and_ways_as_they_were_performed(bundle, bank):
    for name, words in {
        "wave_left": "left",
        "wave_right": "right",
        "side_step_left": "left",
        "turn_right": "right",
        "walk_backward": "backward",
        "walk_slowly": "slowly",
    }.items():
        text = caption(clips()[name].motion, bundle, bank).captions[0].text
        assert words in text.split(), (name, text)


def test_the_mirror_image_is_told_with_the_sides_exchanged(bundle, bank):
    for name in ("wave_left", "side_step_right", "turn_left", "front_kick_left"):
        side, other = ("left", "right") if name.endswith("left") else ("right", "left")
        shown, image = (
            caption(motion, bundle, bank).captions[0].text
            for motion in (clips()[name].motion, mirror(clips()[name].motion))
        )
        assert side in shown
        assert other not in shown
        assert other in image
        assert side not in image


@pytest.mark.parametrize("name", sorted(clips()))
def test_no_caption_ever_contradicts_what_is_measured(name, random_bank):
    """Whatever the joint space says: here it says nothing but noise."""
    joints, fps = thinned_joints(clips()[name].motion)
    facts, signs = measure_joints(joints, fps), signs_of(joints, fps)
    by_text = {sentence.text: sentence for sentence in random_bank.sentences}
    for seed in range(3):
        vector = np.random.default_rng(seed).normal(size=16).astype(np.float32)
        ranked = rank(vector, facts, signs, random_bank, 5)
        assert ranked
        for one in ranked:
            claims = by_text[one.sentence.text].claims
            assert bearing(claims, facts) is not None
            assert all(signs.intersection(entry) for entry in by_text[one.sentence.text].shows)
            if swapped(claims) != claims:
                assert bearing(swapped(claims), facts) is None


def test_captions_are_of_different_actions_best_first(random_bank):
    joints, fps = thinned_joints(walk(3.0))
    ranked = rank(random_bank.vectors[0], measure_joints(joints, fps), signs_of(joints, fps), random_bank, 6)
    assert len({one.sentence.action for one in ranked}) == len(ranked) == 6
    assert [one.worth for one in ranked] == sorted((one.worth for one in ranked), reverse=True)


def test_of_equals_the_one_that_says_more_is_chosen():
    facts = measure(walk(3.0))
    plain = Sentence("a person walks", Claims(("goes",)), "walk", "legs")
    said = replace(plain, text="a person walks forward", claims=Claims(("goes",), "forward"))
    styled = replace(plain, text="a person walks sadly", style="sad")
    vectors = np.ones((3, 4), np.float32) / 2
    for order in ((plain, said, styled), (styled, said, plain)):
        (best,) = rank(vectors[0], facts, frozenset(), Bank(order, vectors, "m"), 1)
        assert best.sentence is said


def test_long_takes_are_told_moment_by_moment(bundle, bank):
    motion = walk(21.0)
    found = caption(motion, bundle, bank, top=2)
    spans = [(moment.start_s, moment.end_s) for moment in found.moments]
    assert spans[0][0] == 0.0
    assert spans[-1][1] == pytest.approx(motion.duration)
    assert all(start <= before + 0.3 for (_, before), (start, _) in pairwise(spans))
    assert 3 <= len(spans) <= 5
    assert all(1 <= len(moment.captions) <= 2 for moment in found.moments)
    assert all(moment.facts.direction == "forward" for moment in found.moments)
    assert found.facts.duration_s == pytest.approx(21.0)
    assert not caption(walk(3.0), bundle, bank).moments


@pytest.mark.parametrize(
    ("windows", "told"),
    [
        ([(0, 6), (3, 9), (6, 12), (7, 13.05)], [(0, 6), (6, 12), (7, 13.05)]),
        ([(0, 3), (0, 6), (0, 10), (1.5, 4.5), (3, 9), (3, 13), (6, 12), (10, 13)], [(0, 6), (6, 12)]),
        ([(0, 10), (5, 15), (10, 20), (15, 25)], [(0, 10), (10, 20), (15, 25)]),
        ([(0, 4)], [(0, 4)]),
    ],
)
def test_of_many_windows_those_that_follow_each_other_are_moments(windows, told):
    spans = np.array(windows, float)
    assert [tuple(spans[number]) for number in _one_after_another(spans)] == told
    order = np.random.default_rng(0).permutation(len(spans))
    assert sorted(tuple(spans[order][number]) for number in _one_after_another(spans[order])) == sorted(told)


def test_embedded_windows_give_what_the_motion_gives(bundle, bank):
    motion = clips()["run"].motion
    spans, parts = motion_windows(motion, bundle)
    vectors = bundle.embed_features(parts)
    told = caption_windows(motion, spans, vectors, bank, calibration=load_calibration(bundle))
    assert told == caption(motion, bundle, bank)
    with pytest.raises(MotionaryError, match="no embedding"):
        caption_windows(motion, spans[:0], vectors[:0], bank)


def test_tags_say_action_part_way_speed_and_side(bundle, bank):
    tags = caption(clips()["walk_slowly"].motion, bundle, bank).tags
    assert {"walk", "legs", "slow", "forward"} <= set(tags)
    assert any(tag.endswith(" steps") for tag in tags)
    assert {"wave", "left hand", "in place"} <= set(caption(clips()["wave_left"].motion, bundle, bank).tags)
    assert "turn left" in caption(clips()["turn_left"].motion, bundle, bank).tags
    assert {"loop", "walk"} <= set(caption(clips()["walk_cycle"].motion, bundle, bank).tags)


@pytest.mark.parametrize(
    ("name", "sentence", "expected"),
    [
        ("walk_slowly", Sentence("", Claims(("goes",)), "walk", "legs"), "walk_forward_slow"),
        ("run_curve_left", Sentence("", Claims(), "run", "legs"), "run_forward_turn_left"),
        ("wave_left", Sentence("", Claims(hand="left"), "wave", "arms", "happy"), "wave_left_happy"),
        ("turn_right", Sentence("", Claims(turn="right"), "turn", "whole body"), "turn_right"),
        (
            "bunny_hops",
            Sentence("", Claims(("jumps",), count=4, counted="jumps"), "hop", "arms"),
            "hop_forward_4x",
        ),
        ("idle", Sentence("Él camina / ../etc\\passwd: now!"), "l_camina_etc_passwd_now"),
        ("idle", Sentence("走"), "motion"),
        ("idle", Sentence("con"), "con_motion"),
        ("idle", Sentence("very " * 40), "very"),
        ("idle", None, "motion"),
    ],
)
def test_suggested_names_are_safe_on_every_system(name, sentence, expected):
    assert suggested_name(sentence, measure(clips()[name].motion)) == expected


# How sure


def test_the_built_in_model_is_calibrated_on_clips_it_was_not_trained_on(bundle):
    calibration = load_calibration(bundle)
    assert calibration.score > 0
    document = json.loads((BUILT_IN / "captions.json").read_text())
    judged = document["measured"]["first captions, left out in turn"]
    assert judged["captions"] > 100
    assert judged["brier"] < judged["base_brier"]
    assert judged["calibration_error"] < 0.1


def test_confidence_rises_with_the_score_and_is_less_for_what_comes_after(random_bank):
    which = next(n for n, s in enumerate(random_bank.sentences) if s.text == "a person walks forward")
    noise = np.random.default_rng(3).normal(size=16) / 4
    sure = []
    for strength in (0.2, 0.6, 1.0):
        vector = (strength * random_bank.vectors[which] + (1 - strength) * noise).astype(np.float32)
        spans = np.array([[0.0, 3.0]])
        found = caption_windows(
            walk(3.0), spans, vector[None], random_bank, 3, Calibration(-3.0, 8.0, -1.0, 0.0)
        )
        first, *others = found.captions
        sure.append(first.confidence)
        assert first.confidence == pytest.approx(1 / (1 + np.exp(3.0 - 8.0 * first.score)))
        assert all(
            other.confidence == pytest.approx(1 / (1 + np.exp(4 - 8 * other.score))) for other in others
        )
    assert sure == sorted(sure)


def test_a_model_without_a_calibration_is_not_said_to_be_sure(tmp_path):
    bundle = load_bundle(make_bundle(tmp_path / "model"))
    assert load_calibration(bundle) is None
    shutil.copy(BUILT_IN / "captions.json", bundle.folder / "captions.json")  # of other weights
    assert load_calibration(bundle) is None


@pytest.mark.parametrize("logistic", [{}, {"intercept": 0, "score": "high", "later": 1}, [1, 2, 3], None])
def test_a_broken_calibration_is_told_in_one_line(logistic, tmp_path):
    bundle = load_bundle(make_bundle(tmp_path / "model"))
    path = bundle.folder / "captions.json"
    path.write_text(json.dumps({"model": bundle.id, "logistic": logistic}))
    with pytest.raises(MotionaryError, match=r"captions\.json: logistic needs the numbers"):
        load_calibration(bundle)


def test_a_packed_bundle_is_calibrated_too(tmp_path):
    folder = make_bundle(tmp_path / "model")
    numbers = {"intercept": -3.0, "score": 9.0, "later": -2.0, "rarity": 0.5}
    (folder / "captions.json").write_text(json.dumps({"model": load_bundle(folder).id, "logistic": numbers}))
    packed = load_bundle(pack_bundle(folder, tmp_path / "packed"))
    assert load_calibration(packed) == Calibration(-3.0, 9.0, -2.0, 0.5)
