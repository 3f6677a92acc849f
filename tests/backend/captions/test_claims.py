"""What sentences claim, and that no claim passes which was not measured."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionary.captions.claims import Claims, bearing, bearings, claiming, claims_of, swapped
from motionary.captions.grammar import known_actions, sentences
from motionary.captions.measure import measure, mirrored
from motionary.starter import starter_clips
from tests.motions import standing, walk

CLIPS = {clip.name: clip for clip in starter_clips()}
FACTS = {name: measure(clip.motion) for name, clip in CLIPS.items()}
OTHER = {"left": "right", "right": "left", "clockwise": "counterclockwise", "counterclockwise": "clockwise"}


def other_way(text):
    return re.sub("[a-z]+", lambda word: OTHER.get(word[0], word[0]), text)


# The grammar


def test_the_bank_has_thousands_of_different_sentences():
    texts = [sentence.text for sentence in sentences()]
    assert len(texts) == len(set(texts)) > 3000
    assert all(text.startswith("a person ") and text.isprintable() and "{" not in text for text in texts)


def test_every_sentence_says_what_is_done_by_which_part():
    for sentence in sentences():
        assert sentence.action
        assert sentence.part
        assert sentence.action.replace("_", " ") in sentence.tags
        assert not any(";" in tag for tag in sentence.tags)


def test_every_sided_sentence_has_its_mirror_image_with_the_mirrored_claims():
    by_text = {sentence.text: sentence for sentence in sentences()}
    sided = [sentence for sentence in sentences() if other_way(sentence.text) != sentence.text]
    assert len(sided) > 500
    for sentence in sided:
        if sentence.text == other_way(other_way(sentence.text)) and "left and right" not in sentence.text:
            twin = by_text[other_way(sentence.text)]
            assert twin.claims == swapped(sentence.claims), sentence.text


def test_no_sentence_names_a_side_that_it_does_not_claim():
    for sentence in sentences():
        if "left and right" not in sentence.text and {"left", "right"} & set(sentence.text.split()):
            by_signs = {sign.partition("_")[0] for entry in sentence.shows for sign in entry}
            assert swapped(sentence.claims) != sentence.claims or sentence.side in by_signs, sentence.text


def test_modifiers_are_claims():
    by_text = {sentence.text: sentence for sentence in sentences()}
    assert by_text["a person walks backward slowly"].claims.direction == "backward"
    assert by_text["a person walks backward slowly"].claims.speed == "slow"
    twice = by_text["a person jumps forward twice"].claims
    assert (twice.count, twice.counted, twice.direction) == (2, "jumps", "forward")
    assert by_text["a person kicks with the left leg"].claims.foot == "left"
    assert by_text["a person walks happily"].style == "happy"


def test_verbs_lead_to_actions():
    verbs = known_actions()
    assert (verbs["walks"], verbs["running"], verbs["waves"]) == ("walk", "run", "wave")


# Bearing


@pytest.mark.parametrize("name", sorted(FACTS))
def test_what_is_true_of_a_clip_is_true_mirrored_of_its_mirror_image(name):
    claims = list({sentence.claims for sentence in sentences()})
    facts = FACTS[name]
    assert bearings(claims, facts) == bearings([swapped(one) for one in claims], mirrored(facts))


@pytest.mark.parametrize(
    "name", ["side_step_left", "turn_right", "wave_left", "front_kick_right", "hop_left_leg"]
)
def test_no_claim_passes_with_its_opposite(name):
    for claims in {sentence.claims for sentence in sentences()}:
        if swapped(claims) != claims:
            assert None in (bearing(claims, FACTS[name]), bearing(swapped(claims), FACTS[name]))


@pytest.mark.parametrize(
    ("name", "claims"),
    [
        ("side_step_left", Claims(direction="right")),
        ("walk_forward", Claims(direction="backward")),
        ("walk_forward", Claims(turn="left")),
        ("walk_forward", Claims(speed="slow")),
        ("walk_forward", Claims(hand="left")),
        ("wave_left", Claims(hand="right")),
        ("front_kick_left", Claims(foot="right")),
        ("hop_left_leg", Claims(stand="right")),
        ("jump", Claims(count=2, counted="jumps")),
        ("walk_forward", Claims(needs=("runs",))),
        ("run", Claims(needs=("no_run",))),
        ("idle", Claims(needs=("goes",))),
        ("walk_forward", Claims(needs=("lies",))),
        ("turn_left", Claims(turn="back")),
        ("walk_curve_left", Claims(turn="circle_left")),
        ("walk_circle_left", Claims(turn="curve_left")),
    ],
)
def test_what_the_facts_speak_against_is_not_borne_out(name, claims):
    assert bearing(claims, FACTS[name]) is None


@pytest.mark.parametrize(
    ("name", "claims", "borne"),
    [
        ("walk_forward", Claims(), 0),
        ("walk_slowly", Claims(needs=("goes",), direction="forward", speed="slow"), 2),
        ("walk_circle_left", Claims(turn="circle_left"), 1),
        ("bunny_hops", Claims(count=4, counted="jumps", direction="forward"), 2),
        ("wave_right", Claims(hand="right"), 1),
        ("turn_around_left", Claims(turn="left"), 1),
        ("turn_around_left", Claims(turn="back"), 1),
        ("jump", Claims(direction="place"), 0),  # what every gesture is
    ],
)
def test_what_is_measured_counts(name, claims, borne):
    assert bearing(claims, FACTS[name]) == borne


def test_a_kind_of_claim_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match="colour"):
        claiming(Claims(), "colour", "red")


# Sentences of other people


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        ("A man walks forward slowly.", Claims(("goes",), "forward", speed="slow")),
        ("a person steps to the left", Claims(direction="left")),
        ("someone turns left", Claims(turn="left")),
        ("a person spins clockwise", Claims(turn="right")),
        ("a person rotates counter-clockwise", Claims(turn="left")),
        ("a person turns around", Claims(turn="back")),
        ("she waves with her right hand", Claims(hand="right")),
        ("he throws a left hook", Claims(hand="left")),
        ("a man kicks with the left leg twice", Claims(("foot_up",), foot="left", count=2, counted="kicks")),
        ("a person hops on the right foot", Claims(("jumps",), stand="right")),
        ("a person stands on one leg, the left", Claims(stand="left")),
        ("a person walks in place", Claims(("stays",))),
        ("he bends forward", Claims()),
        ("someone gets up right away", Claims()),
        ("a person waves left and right hand", Claims(direction="left", hand="right")),
    ],
)
def test_claims_are_read_from_words(text, claims):
    assert claims_of(text) == claims


def test_both_sides_of_one_kind_are_borne_out_by_nothing():
    claims = claims_of("a person kicks with the left leg, then with the right leg")
    assert claims.foot == "?"
    assert all(bearing(claims, facts) is None for facts in FACTS.values())


@given(st.text(max_size=60))
def test_any_text_is_read(text):
    claims = claims_of(text)
    assert bearing(claims, FACTS["idle"]) is None or bearing(claims, FACTS["idle"]) >= 0


def test_the_words_for_the_other_side_claim_the_other_side():
    for text in (text for clip in CLIPS.values() for text in clip.captions):
        assert claims_of(other_way(text)) == swapped(claims_of(text)), text


def test_true_captions_with_their_sides_changed_never_pass():
    """What is true of a clip may not be borne out; what is false of it, left for right, never is."""
    told = 0
    for name, facts in FACTS.items():
        for text in CLIPS[name].captions:
            claims = claims_of(text)
            if swapped(claims) != claims:
                told += 1
                assert bearing(swapped(claims), facts) is None, (name, text)
    assert told > 100


def test_most_true_captions_pass():
    passed = [
        bearing(claims_of(text), FACTS[name]) is not None
        for name, clip in CLIPS.items()
        for text in clip.captions
    ]
    assert sum(passed) / len(passed) > 0.85


def test_what_nobody_measured_is_no_claim():
    facts = measure(walk(3.0))
    assert bearing(claims_of("an old man walks forward, thinking of home"), facts) == 1
    assert bearing(claims_of("a person walks forward"), measure(standing(30))) is None
    assert bearing(replace(claims_of("a person walks forward"), direction="left"), facts) is None
