"""How much may be asked of a server: by one person, at a time, and in one question."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

__all__ = ["Buckets", "Limits"]

MOST_ASKERS = 10_000
"""Askers that are remembered; who asked longest ago is forgotten, and may ask at once again."""


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Limits:
    """What is taken before a question is refused. Seconds, bytes and numbers; the table [limits]."""

    per_second: Annotated[float, Field(strict=True, ge=0, le=1e6, allow_inf_nan=False)] = 50.0
    """Questions a second of one token, or of one address where there are no tokens; 0: any number."""
    burst: Annotated[int, Field(strict=True, ge=1, le=10**6)] = 200
    """Questions that may come at once, after a pause."""
    at_once: Annotated[int, Field(strict=True, ge=1, le=10**5)] = 256
    """Questions that are being answered or wait for it; one more is told to come back."""
    connections: Annotated[int, Field(strict=True, ge=1, le=10**5)] = 1024
    """Connections at a time."""
    body_bytes: Annotated[int, Field(strict=True, ge=1024, le=1 << 24)] = 1 << 16
    """Bytes of a question."""
    arrive_s: Annotated[float, Field(strict=True, gt=0, le=3600)] = 10.0
    """Seconds in which a question has to have arrived."""
    answer_s: Annotated[float, Field(strict=True, gt=0, le=3600)] = 20.0
    """Seconds in which it has to be answered."""
    send_s: Annotated[float, Field(strict=True, gt=0, le=86400)] = 120.0
    """Seconds in which the answer has to be taken."""


class Buckets:
    """A token bucket for each asker: it holds ``burst`` and fills by ``per_second``. For one thread."""

    def __init__(self, per_second: float, burst: int, now: Callable[[], float] = time.monotonic) -> None:
        self._per_second, self._burst, self._now = per_second, burst, now
        self._held: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, asker: str) -> float:
        """Take one out of an asker's bucket: 0.0, or the seconds until there is one in it."""
        if not self._per_second:
            return 0.0
        now = self._now()
        left, at = self._held.pop(asker, (float(self._burst), now))
        left = min(self._burst, left + (now - at) * self._per_second)
        seconds = 0.0 if left >= 1 else (1 - left) / self._per_second
        self._held[asker] = (left if seconds else left - 1, now)
        if len(self._held) > MOST_ASKERS:
            self._held.popitem(last=False)
        return seconds
