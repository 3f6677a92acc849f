"""Token buckets: nobody gets more than the rate and a burst, and what is refused costs nothing."""

from hypothesis import given
from hypothesis import strategies as st

from motionary_scale import limits
from motionary_scale.limits import Buckets


class Clock:
    """A time that is set."""

    now = 0.0

    def __call__(self):
        return self.now


@given(
    st.floats(0.1, 100),
    st.integers(1, 50),
    st.lists(st.floats(0, 2), min_size=1, max_size=200),
)
def test_never_more_than_the_rate_and_a_burst(per_second, burst, pauses):
    clock = Clock()
    buckets = Buckets(per_second, burst, clock)
    granted = 0
    for pause in pauses:
        clock.now += pause
        granted += not buckets.wait("anna")
    assert granted <= burst + clock.now * per_second + 1e-6
    assert granted >= min(burst, len(pauses))


@given(st.floats(0.1, 100), st.integers(1, 50))
def test_who_waits_as_long_as_was_said_is_granted(per_second, burst):
    clock = Clock()
    buckets = Buckets(per_second, burst, clock)
    while not (seconds := buckets.wait("anna")):
        pass
    assert 0 < seconds <= 1 / per_second + 1e-9
    assert buckets.wait("anna") > 0
    clock.now += seconds * (1 + 1e-9)
    assert buckets.wait("anna") == 0


def test_everybody_has_a_bucket_and_they_are_not_kept_for_ever(monkeypatch):
    monkeypatch.setattr(limits, "MOST_ASKERS", 2)
    buckets = Buckets(1.0, 1, Clock())
    assert [buckets.wait(name) == 0 for name in "aabbcca"] == [True, False] * 3 + [True]
    assert len(buckets._held) == 2


def test_a_rate_of_none_is_no_limit():
    buckets = Buckets(0.0, 1, Clock())
    assert not any(buckets.wait("anna") for _ in range(1000))
