"""What is understood of a query, and that all else is left to the text encoder."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionary.errors import MotionaryError
from motionary.query import parse_query


def told(text, without=()):
    """Steps as (wishes, without), wishes by their weights."""
    return [
        ({wish.text: wish.weight for wish in step.wishes}, step.without)
        for step in parse_query(text, without).steps
    ]


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("a person waves", ["a person waves"]),
        ("walks, then sits down", ["walks", "sits down"]),
        ("a man runs and then jumps", ["a man runs", "jumps"]),
        ("runs then jumps then rolls", ["runs", "jumps", "rolls"]),
        ("walks; turns; waves", ["walks", "turns", "waves"]),
        ("limps forward, and then, sits", ["limps forward", "sits"]),
        ("kneels, after that prays", ["kneels", "prays"]),
        ("walks before jumping", ["walks", "jumping"]),
        ("sits after walking", ["walking", "sits"]),
        ("rises, followed by a bow", ["rises", "a bow"]),
        ("authentic dance", ["authentic dance"]),
        ("strengthens the arms", ["strengthens the arms"]),
    ],
)
def test_steps_come_in_the_order_in_which_they_happen(text, steps):
    assert [step.sentence for step in parse_query(text).steps] == steps


@pytest.mark.parametrize(
    ("text", "wanted", "without"),
    [
        ("walk -backwards", "walk", ("backwards",)),
        ("walk not backwards", "walk", ("backwards",)),
        ("walk, but not backwards", "walk", ("backwards",)),
        ("dances without the arms", "dances", ("the arms",)),
        ("walk -slowly -backwards", "walk", ("slowly", "backwards")),
        ("a side-step", "a side-step", ()),
        ("nothing happens", "nothing happens", ()),
        ("ties a knot", "ties a knot", ()),
    ],
)
def test_what_is_not_wanted(text, wanted, without):
    (step,) = parse_query(text).steps
    assert (step.sentence, step.without) == (wanted, without)


def test_what_is_not_wanted_belongs_to_its_step_or_comes_with_all():
    assert told("walks -fast, then sits", ["jumping"]) == [
        ({"walks": 1.0}, ("fast", "jumping")),
        ({"sits": 1.0}, ("jumping",)),
    ]


def test_weights():
    assert told("walks^2 + waves ^0.5") == [({"walks": 2.0, "waves": 0.5}, ())]
    assert told("walks + waves, then sits^3") == [({"walks": 1.0, "waves": 1.0}, ()), ({"sits": 3.0}, ())]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the query is empty"),
        (" ?! ", "the query is empty"),
        ("-backwards", "only what is not wanted"),
        ("not walking", "only what is not wanted"),
        ("walks^0", "weighs nothing"),
        (" then ".join(["walks"] * 7), "7 steps; 6 can"),
    ],
)
def test_what_asks_for_nothing_is_refused(text, says):
    with pytest.raises(MotionaryError, match=says):
        parse_query(text)


@given(st.text(max_size=80))
def test_any_text_is_a_query_or_is_refused_in_one_line(text):
    try:
        query = parse_query(text)
    except MotionaryError as error:
        query, said = None, str(error)
    if query is None:
        assert "\n" not in said
        return
    assert query.steps
    assert all(wish.text.strip() for step in query.steps for wish in step.wishes)
    assert query.sentence


@given(st.lists(st.sampled_from(["walks", "sits", "a man jumps", "turns left"]), min_size=1, max_size=4))
def test_steps_come_back_from_their_sentence(steps):
    query = parse_query(", then ".join(steps))
    assert [step.sentence for step in query.steps] == steps
    assert parse_query(query.sentence) == query
