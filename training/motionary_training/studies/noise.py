"""Telling a difference from noise: paired over runs, and corrected for how many were looked at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

__all__ = ["Difference", "difference", "mean_sd"]

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Difference:
    """Mean of paired differences, its interval, and the number of runs."""

    mean: float
    low: float
    high: float
    runs: int

    @property
    def beyond_noise(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.low > 0 or self.high < 0

    def __str__(self) -> str:
        # Rounded first, so that a hair below zero is no "-0.0".
        mean, low, high = (round(value, 1) + 0.0 for value in (self.mean, self.low, self.high))
        return f"{mean:+.1f} [{low:+.1f}, {high:+.1f}]"


def difference(values: Sequence[float], others: Sequence[float], *, among: int = 1) -> Difference:
    """How much larger ``values`` are than ``others``, run by run: 95 % interval of Student's t.

    Args:
        values: one number for each run (fold and seed).
        others: the same runs of what is compared with.
        among: how many such differences are looked at together; the interval widens after Bonferroni, so that
            the best of many is not called better by luck.

    With fewer than two runs the interval is endless. Folds share training clips, so that the runs are not
    wholly independent and the true interval is somewhat wider.
    """
    apart = np.asarray(values, float) - np.asarray(others, float)
    mean, runs = float(apart.mean()), len(apart)
    if runs < 2:
        return Difference(mean, -math.inf, math.inf, runs)
    quantile = float(stats.t.ppf(1 - (1 - CONFIDENCE) / 2 / among, runs - 1))
    half = quantile * float(apart.std(ddof=1)) / math.sqrt(runs)
    return Difference(mean, mean - half, mean + half, runs)


def mean_sd(values: Sequence[float], digits: int = 1) -> str:
    """ "61.3 ± 2.0": mean and sample standard deviation; the mean alone of a single value."""
    mean = f"{np.mean(values):.{digits}f}"
    return f"{mean} ± {np.std(values, ddof=1):.{digits}f}" if len(values) > 1 else mean
