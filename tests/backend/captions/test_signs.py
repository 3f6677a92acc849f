"""Signs: seen where they are performed, mirrored in the mirror, whatever the size, place and rate."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionary.captions.grammar import rarities, sentences
from motionary.captions.measure import thinned_joints
from motionary.captions.signs import SIGNS, mirrored_signs, signs_of
from motionary.edits import mirror
from motionary.starter import starter_clips
from tests.motions import walk


@cache
def clips():
    return {clip.name: clip.motion for clip in starter_clips()}


def signs(name):
    return signs_of(*thinned_joints(clips()[name]))


@pytest.mark.parametrize(
    ("name", "seen", "not_seen"),
    [
        ("arms_out", "arms_out left_out no_treads", "arms_forward arms_up treads left_alone_out"),
        ("wave_left", "left_waves", "right_waves arms_up"),
        ("wave_right", "right_waves", "left_waves"),
        ("clap", "hands_meet", "kneels"),
        ("bow", "bows", "no_bows lies_prone"),
        ("nod", "head_nods", "head_turns lively"),
        ("squat", "no_prone no_treads", "kneels_on sits_low seated"),
        ("kneel_left", "kneels", "lies_prone"),
        ("plank", "supports lies_prone", "pumps kneels_on"),
        ("push_ups", "supports pumps lies_prone", "lies_supine strokes"),
        ("lie", "lies_supine", "lies_prone supports"),
        ("sit", "seated", "sits_low lies_supine"),
        ("sit_ups", "trunk_rises", "inverts"),
        ("jumping_jacks", "spreads arms_up", "treads"),
        ("jog_in_place", "treads", "kneels still"),
        ("cross_arms", "arms_folded", "hands_on_hips"),
        ("hands_on_hips", "hands_on_hips", "arms_folded arms_out"),
        ("jab_left", "left_reaches_forward", "arms_down"),
        ("throw_right", "right_swings", "left_swings"),
        ("shrug", "shoulders_rise", "lively"),
        ("idle", "arms_low hardly_moves", "lively arms_up"),
        ("walk_forward", "feet_move no_treads", "treads_walk still"),
    ],
)
def test_what_is_performed_is_seen_and_its_like_is_not(name, seen, not_seen):
    found = signs(name)
    assert set(seen.split()) <= found
    assert not set(not_seen.split()) & found


def test_who_keeps_still_shows_it():
    motion = clips()["arms_out"]
    held = replace(
        motion,
        rotations=np.repeat(motion.rotations[40:41], 60, axis=0),
        translation=np.repeat(motion.translation[40:41], 60, axis=0),
    )
    found = signs_of(*thinned_joints(held))
    assert {"still", "hardly_moves", "arms_out", "left_out", "right_out"} <= found
    assert not found & {"lively", "legs_busy", "feet_move", "treads", "jolts"}


@pytest.mark.parametrize(
    ("name", "gait"),
    [
        ("walk_forward", "walk"),
        ("walk_slowly", "walk"),
        ("walk_fast", "walk"),
        ("jog", "run"),
        ("run", "run"),
    ],
)
def test_who_gets_along_treads_on_the_spot_once_the_pelvis_is_held(name, gait):
    joints, fps = thinned_joints(clips()[name])
    assert "no_treads" in signs_of(joints, fps)  # it gets somewhere, and facts tell of it
    held = joints - joints[:, :1] * [1.0, 0.0, 1.0]
    found = signs_of(held, fps)
    assert {"treads", f"treads_{gait}"} <= found
    assert not {"treads_walk", "treads_run"} <= found


@pytest.mark.parametrize("name", sorted(clips())[::4])
def test_the_mirror_image_shows_the_mirrored_signs(name):
    assert signs_of(*thinned_joints(mirror(clips()[name]))) == mirrored_signs(signs(name))


@given(st.sampled_from(sorted(clips())), st.floats(-3.1, 3.1), st.floats(0.4, 3.0))
def test_neither_place_nor_heading_nor_size_matters(name, angle, size):
    joints, fps = thinned_joints(clips()[name])
    cos, sin = np.cos(angle), np.sin(angle)
    turned = joints @ np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]]) * size + [3.0, 1.0, -5.0]
    # What is exactly at a limit may fall to either side of it.
    assert len(signs_of(turned, fps) ^ signs_of(joints, fps)) <= 2


@pytest.mark.parametrize("frames", [1, 2, 3, 5])
def test_a_few_frames_are_enough(frames):
    joints, fps = thinned_joints(walk(2.0))
    assert signs_of(joints[:frames], fps) <= SIGNS


def test_signs_are_those_that_there_are_and_opposites_exclude_each_other():
    pairs = [
        ("inverts", "no_inverts"),
        ("treads", "no_treads"),
        ("bows", "no_bows"),
        ("gets_low", "off_floor"),
    ]
    seen = set()
    for name in clips():
        found = signs(name)
        seen |= found
        assert found <= SIGNS
        assert all((one in found) != (other in found) for one, other in pairs)
        assert ("treads" in found) == bool(found & {"treads_walk", "treads_run"})
    assert len(seen) > 0.75 * len(SIGNS)


def test_every_sign_that_a_sentence_needs_is_of_its_own_side():
    for sentence in sentences():
        asked = {sign for entry in sentence.shows for sign in entry}
        other = {"left": "right", "right": "left"}.get(sentence.side)
        if other and not any(sign.startswith(sentence.side) for sign in asked):
            continue
        assert not other or not any(sign.startswith(f"{other}_") for sign in asked)


def test_it_was_counted_how_rarely_each_action_is_met():
    found = rarities()
    assert set(found) == {sentence.action for sentence in sentences()}
    assert all(0 <= value <= 4 for value in found.values())
    assert found["walk"] < found["crawl"]
