"""The takes that moments are looked for in: put together without a jump, and judged rightly."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionary.features import canonical_joints, motion_joints
from tests.motions import standing, walk

pytest.importorskip("torch", reason="needs the training package's torch")

SCRIPT = Path(__file__).parents[2] / "scripts" / "bench_moments.py"


@pytest.fixture(scope="module")
def bench_moments():
    spec = importlib.util.spec_from_file_location("bench_moments", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["bench_moments"] = module  # where its dataclasses look for their module
    try:
        spec.loader.exec_module(module)
        yield module
    finally:
        del sys.modules["bench_moments"]


def test_a_take_is_its_parts_one_after_the_other_without_a_jump(bench_moments):
    parts = [canonical_joints(motion_joints(motion)) for motion in (walk(3.0), standing(60), walk(2.0))]
    take, ranges = bench_moments.put_together(parts)
    assert [end - start for start, end in ranges] == [len(part) for part in parts]
    assert [start for start, _ in ranges[1:]] == [end for _, end in ranges[:-1]]
    assert len(take) == ranges[-1][1]
    within = max(np.linalg.norm(np.diff(part, axis=0), axis=-1).max() for part in parts)
    assert np.linalg.norm(np.diff(take, axis=0), axis=-1).max() < 1.6 * within
    # Once the difference has died away a part moves as it did, wherever it is and faces.
    start, end = ranges[2]
    steps = np.linalg.norm(np.diff(take[start + 10 : end], axis=0), axis=-1)
    np.testing.assert_allclose(steps, np.linalg.norm(np.diff(parts[2][10:], axis=0), axis=-1), atol=1e-6)


@given(st.tuples(st.floats(0, 9), st.floats(0.1, 9)), st.tuples(st.floats(0, 9), st.floats(0.1, 9)))
def test_overlap_is_a_share_alike_both_ways(bench_moments, a, b):
    a, b = ((start, start + length) for start, length in (a, b))
    share = bench_moments.overlap(a, b)
    assert 0.0 <= share <= 1.0 + 1e-9
    assert share == bench_moments.overlap(b, a)
    assert bench_moments.overlap(a, a) == pytest.approx(1.0)


def test_an_equal_half_is_not_enough(bench_moments):
    assert not bench_moments.overlap((0.0, 10.0), (0.0, 20.0)) > bench_moments.ENOUGH + 1e-6
