"""Studies: each answers one open question of the paper by one command, with a table and a picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from motionary_training.studies import (
    cost,
    digits,
    encoders,
    false_negatives,
    hard_negatives,
    thresholds,
    warm_up,
)
from motionary_training.studies.document import Finding
from motionary_training.studies.plan import Plan

__all__ = ["STUDIES"]

STUDIES: Mapping[str, Callable[[Plan], Finding]] = {
    "thresholds": thresholds.run,
    "false-negatives": false_negatives.run,
    "encoders": encoders.run,
    "warm-up": warm_up.run,
    "cost": cost.run,
    "digits": digits.run,
    "hard-negatives": hard_negatives.run,
}
