"""Buckets of distances, against the words of T5's paper in plain loops."""

import math

import numpy as np
import pytest

from motionary.relative_bias import buckets, relative_bias


def by_the_book(distance):
    """The bucket, of 32, of a distance: 8 exact ones each way, then logarithmic ones up to 128."""
    half = 16 if distance > 0 else 0
    away = abs(distance)
    if away < 8:
        return half + away
    return half + min(8 + int(np.float32(math.log(away / 8) / math.log(16) * 8)), 15)


@pytest.mark.parametrize("length", [1, 2, 9, 200])
def test_buckets(length):
    wanted = [[by_the_book(j - i) for j in range(length)] for i in range(length)]
    assert buckets(length, 32).tolist() == wanted


def test_a_bias_for_each_head():
    table = np.random.default_rng(0).normal(size=(32, 3)).astype(np.float32)
    bias = relative_bias(table, 20)
    assert bias.shape == (3, 20, 20)
    assert bias[2, 4, 9] == table[16 + 5, 2]
    assert bias[1, 9, 4] == table[5, 1]
