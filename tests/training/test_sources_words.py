"""Captions: their lines, their stretches of time, and what they say in a mirror."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionary.errors import MotionaryError
from motionary_training.sources.words import Caption, mirrored_words, read_captions, spans
from tests.data import unzipped


def test_lines_are_captions_with_verbs_and_times(tmp_path):
    path = tmp_path / "000001.txt"
    path.write_text(
        "he turns#he/PRON turn/VERB is/VERB#0.5#1.5\n\nwalks#walk/VERB do/VERB#nan#nan\n#a/B#0.0#0.0\n"
    )
    assert read_captions(path) == [
        Caption("he turns", frozenset({"turn", "is"}), 0.5, 1.5),
        Caption("walks", frozenset({"walk"})),
    ]


@pytest.mark.parametrize("line", ["not fine#0.0", "a#b/VERB#x#0.0", "no fields"])
def test_a_line_that_is_no_caption(tmp_path, line):
    path = tmp_path / "000001.txt"
    path.write_text(f"fine#x/VERB#0.0#0.0\n{line}\n")
    with pytest.raises(MotionaryError, match=r"000001\.txt: line 2"):
        read_captions(path)


def test_a_text_file_that_is_no_text(tmp_path):
    path = tmp_path / "000001.txt"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(MotionaryError, match=r"000001\.txt: cannot be read"):
        read_captions(path)


def test_stretches_gather_the_captions_of_the_same_time():
    told = [
        Caption("walks", frozenset({"walk"})),
        Caption("turns", frozenset({"turn"}), 1.0, 2.5),
        Caption("walks", frozenset({"walk"})),
        Caption("nothing", frozenset(), 3.0, 3.0),
        Caption("spins", frozenset({"turn"}), 1.0, 2.5),
    ]
    whole, part = spans(told)
    assert (whole.suffix, whole.captions, whole.labels) == ("", ("walks",), ("a person walks",))
    assert (part.suffix, part.captions, part.actions) == ("@1-2.5", ("turns", "spins"), {"turn"})


@pytest.mark.parametrize(
    ("caption", "other"),
    [
        ("a person turns left", "a person turns right"),
        ("Left foot, then right.", "Right foot, then left."),
        ("turns 90 degrees clockwise", "turns 90 degrees counterclockwise"),
        ("runs counter-clockwise in a circle", "runs clockwise in a circle"),
        ("spins anticlockwise", "spins clockwise"),
        ("steps leftwards", "steps rightwards"),
        ("stands upright, right away", "stands upright, right away"),
        ("a leftover", "a leftover"),
        ("left-handed, to the right side", "right-handed, to the left side"),
    ],
)
def test_words_in_a_mirror(caption, other):
    assert mirrored_words(caption) == other


WORDS = ["left", "right", "clockwise", "counterclockwise", "walks", "to", "the", "upright", "Left", "right,"]


@given(st.lists(st.sampled_from(WORDS)))
def test_two_mirrors_say_what_was_said(words):
    caption = " ".join(words)
    assert mirrored_words(mirrored_words(caption)) == caption


def test_the_words_of_real_mirrored_captions_are_nearly_always_ours():
    listed = (unzipped("humanml3d_texts.zip", "humanml3d/train.txt") / "humanml3d" / "train.txt").read_text()
    names = [name for name in listed.split() if not name.startswith("M")][:400]
    members = [f"humanml3d/texts/{stem}.txt" for name in names for stem in (name, "M" + name)]
    folder = unzipped("humanml3d_texts.zip", *members)
    same = total = 0
    for plain_file, image_file in zip(members[::2], members[1::2], strict=True):
        for plain, image in zip(
            read_captions(folder / plain_file), read_captions(folder / image_file), strict=True
        ):
            if plain.text != image.text:
                total += 1
                same += mirrored_words(plain.text).lower() == image.text.lower()
    assert total > 100
    assert same / total > 0.85
