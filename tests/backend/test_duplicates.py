"""Copies in a library: found, told apart by what was done to them, and nothing else found."""

from dataclasses import replace

import numpy as np
import pytest

from motionary.bundle import load_bundle
from motionary.duplicates import candidates, find_duplicates
from motionary.edits import mirror, trim
from motionary.errors import MotionaryError
from motionary.index import add_clips
from motionary.library import clip_ids, clip_info, open_library
from motionary.motion import Clip, resample
from motionary.starter import starter_clips
from tests.bundles import make_bundle

CLIPS = {clip.name: clip.motion for clip in starter_clips()}
WAVE, KICK, JUMP, WALK = (CLIPS[name] for name in ("wave_right", "roundhouse_right", "jump", "walk_forward"))


def scaled(motion, size):
    skeleton = replace(motion.skeleton, offsets=motion.skeleton.offsets * size)
    return replace(motion, skeleton=skeleton, translation=motion.translation * size)


COPIES = {
    "wave": (WAVE, None),
    "wave again": (WAVE, ()),
    "wave small": (scaled(WAVE, 0.5), ("scaled",)),
    "wave mirrored": (mirror(WAVE), ("mirrored",)),
    "kick": (KICK, None),
    "kick 24": (resample(KICK, 24.0), ("another rate",)),
    "kick part": (trim(KICK, 0.3, KICK.duration - 0.2), ("cut",)),
    "walk": (WALK, None),
    "walk in place": (replace(WALK, translation=WALK.translation * [0.0, 1.0, 0.0]), ("in place",)),
    "jump": (JUMP, None),
}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return load_bundle(make_bundle(tmp_path_factory.mktemp("model")))


@pytest.fixture(scope="module")
def library(bundle, tmp_path_factory):
    path = tmp_path_factory.mktemp("library") / "copies.motionary"
    with open_library(path, write=True) as made:
        add_clips([Clip(name, motion) for name, (motion, _) in COPIES.items()], made, bundle, source="made")
    with open_library(path) as opened:
        yield opened


def test_every_copy_is_found_with_what_was_done_to_it(library):
    told = []
    groups = find_duplicates(library, progress=told.append)
    found = {group.first.name: {twin.clip.name: twin.kinds for twin in group.twins} for group in groups}
    assert set(found) == {"wave", "kick", "walk"}
    for name, (_, kinds) in COPIES.items():
        if kinds is not None:
            assert found[name.split()[0]][name] == kinds, name
    assert [len(group.twins) for group in groups] == [3, 2, 1]
    assert told[-1].done == told[-1].total
    for group in groups:
        for twin in group.twins:
            assert 0.5 <= twin.sure <= 1.0
            assert twin.degrees < 3.0
    part = next(twin for group in groups for twin in group.twins if twin.clip.name == "kick part")
    assert part.start_s == pytest.approx(0.3, abs=0.05)


def test_surer_finds_no_more(library):
    def pairs(sure):
        groups = find_duplicates(library, sure=sure)
        return {(group.first.id, twin.clip.id) for group in groups for twin in group.twins}

    assert pairs(0.999) <= pairs(0.5)
    with pytest.raises(MotionaryError, match="it is a share"):
        find_duplicates(library, sure=0.0)


def test_a_piece_of_two_longer_clips_does_not_make_these_one(bundle, tmp_path):
    walk_then = [CLIPS[name] for name in ("limp_then_sit", "sit_down", "walk_then_sit")]
    with open_library(tmp_path / "a.motionary", write=True) as made:
        add_clips([Clip(str(n), motion) for n, motion in enumerate(walk_then)], made, bundle, source="made")
        groups = find_duplicates(made)
    for group in groups:
        assert {group.first.name, *(twin.clip.name for twin in group.twins)} != {"0", "1", "2"}


def test_candidates_are_pairs_in_order_and_grow_with_neighbours(library):
    few, many = candidates(library, 1), candidates(library, 5)
    assert few == sorted(set(few))
    assert set(few) <= set(many)
    ids = clip_ids(library)
    assert all(a < b and a in ids and b in ids for a, b in many)
    by_name = {clip_info(library, number).name: number for number in ids}
    assert (by_name["wave"], by_name["wave again"]) in few


def test_candidates_do_not_depend_on_how_many_are_held_at_once(library, monkeypatch):
    expected = candidates(library, 3)
    monkeypatch.setattr("motionary.duplicates.BLOCK", 7)
    assert candidates(library, 3) == expected


def test_a_library_with_one_clip_or_none_has_no_copies(bundle, tmp_path):
    with open_library(tmp_path / "a.motionary", write=True) as made:
        assert find_duplicates(made) == []
        add_clips([Clip("jump", JUMP)], made, bundle, source="made")
    with open_library(tmp_path / "a.motionary") as made:
        assert find_duplicates(made) == []


def test_what_stays_is_the_longest_then_the_one_of_the_highest_rate(bundle, tmp_path):
    clips = [Clip("slow", resample(KICK, 24.0)), Clip("part", trim(KICK, 0.3)), Clip("all", KICK)]
    with open_library(tmp_path / "a.motionary", write=True) as made:
        add_clips(clips, made, bundle, source="made")
        (group,) = find_duplicates(made)
    assert group.first.name == "all"
    assert np.diff([twin.clip.duration for twin in group.twins])[0] < 0
