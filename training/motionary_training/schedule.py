"""The learning rate over a run: a function of the place in it, so that there is no state to restore."""

from __future__ import annotations

import math

from motionary_training.config import OptimiserConfig

__all__ = ["rate_factor"]


def rate_factor(config: OptimiserConfig, epoch: int, share: float) -> float:
    """What every learning rate is multiplied by, in (0, 1] (0 only where ``drop_factor`` is).

    epoch: from 0. share: of the epoch that is learnt from by the end of this step, in (0, 1]; the rise and
    the cosine go on within an epoch. The rise, if any, comes first; ``drop_epoch`` counts its epochs too.

    Example:
        >>> steps = OptimiserConfig(drop_epoch=30, drop_factor=0.1)
        >>> [rate_factor(steps, epoch, 1.0) for epoch in (0, 29, 30)]
        [1.0, 1.0, 0.1]
        >>> rate_factor(OptimiserConfig(schedule="cosine", drop_factor=0.0, epochs=60), 29, 1.0)
        0.5
    """
    done = epoch + share
    if done < config.rise_epochs:
        return done / config.rise_epochs
    if config.schedule == "step":
        return config.drop_factor if epoch >= config.drop_epoch else 1.0
    falling = config.epochs - config.rise_epochs
    part = min((done - config.rise_epochs) / falling, 1.0) if falling > 0 else 0.0
    return config.drop_factor + (1 - config.drop_factor) * (1 + math.cos(math.pi * part)) / 2
