"""The learning rate: where it rises, where it falls, and that it is the same however a run is cut."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionary_training.config import OptimiserConfig
from motionary_training.schedule import rate_factor


def test_the_paper_s_rate_drops_once_to_a_tenth():
    paper = OptimiserConfig(schedule="step", drop_epoch=30, drop_factor=0.1)
    assert [rate_factor(paper, epoch, 0.5) for epoch in (0, 29, 30, 59)] == [1, 1, 0.1, 0.1]


def test_the_drop_comes_with_its_epoch_s_first_step_and_not_with_the_last_one_before():
    paper = OptimiserConfig(drop_epoch=3)
    assert rate_factor(paper, 2, 1.0) == 1
    assert rate_factor(paper, 3, 0.001) == paper.drop_factor


def test_the_rise_is_linear_within_epochs_and_never_zero():
    rising = OptimiserConfig(rise_epochs=4)
    assert [
        rate_factor(rising, epoch, share) for epoch, share in ((0, 0.01), (0, 1.0), (1, 1.0), (3, 0.5))
    ] == [
        pytest.approx(0.0025),
        0.25,
        0.5,
        0.875,
    ]
    assert rate_factor(rising, 3, 1.0) == 1


@pytest.mark.parametrize("rise", [0, 2])
def test_the_cosine_goes_from_one_to_the_drop_factor(rise):
    config = OptimiserConfig(schedule="cosine", drop_factor=0.2, epochs=10, rise_epochs=rise)
    at = [rate_factor(config, epoch, share / 8) for epoch in range(rise, 10) for share in range(1, 9)]
    assert at == sorted(at, reverse=True)
    assert at[0] < 1
    assert at[-1] == pytest.approx(0.2)
    # against the formula, halfway down
    middle = (10 - rise) * 8 // 2 - 1
    assert at[middle] == pytest.approx(0.2 + 0.8 * (1 + math.cos(math.pi / 2)) / 2)


@given(
    st.sampled_from(["step", "cosine"]),
    st.integers(0, 12),
    st.integers(1, 12),
    st.floats(0, 1),
    st.integers(0, 11),
    st.floats(1e-6, 1),
)
def test_the_factor_is_always_between_nothing_and_one(kind, rise, drop, low, epoch, share):
    config = OptimiserConfig(
        schedule=kind, rise_epochs=rise, drop_epoch=drop, drop_factor=low, epochs=max(12, rise)
    )
    factor = rate_factor(config, epoch, share)
    assert 0 <= factor <= 1
    if epoch + share >= rise:
        assert factor >= low - 1e-12
