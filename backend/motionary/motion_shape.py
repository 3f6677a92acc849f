"""What a motion encoder is like, as a bundle's config.json tells it: its kind, what it reads, its sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from motionary.config import get
from motionary.errors import MotionaryError
from motionary.feature_columns import BLOCKS, PARTS

__all__ = ["KINDS", "MotionShape", "check_shape", "read_shape", "told_shape"]

KINDS = ("transformer", "gru", "lstm", "bigru", "patches")
_WITH_HEADS = ("transformer", "patches")
_MAX_TOKENS = 10_000  # of one motion, 500 seconds of frames: attention's memory grows with the square
_MAX_STRIDE = 32  # frames


@dataclass(frozen=True)
class MotionShape:
    """columns: the block of features that is read, see ``feature_columns``. stride: the frames of a step, or
    of a body part's patch. summary: whether statistics of the whole clip are read too. heads, feedforward:
    the Transformers' alone, 0 elsewhere."""

    width: int
    layers: int
    max_frames: int
    heads: int = 0
    feedforward: int = 0
    kind: str = "transformer"
    columns: str = "all"
    stride: int = 1
    summary: bool = False

    @property
    def steps(self) -> int:
        """The most steps, or cells of time, that a motion has."""
        return -(-self.max_frames // self.stride)


def read_shape(config: Mapping[str, Any], origin: str) -> MotionShape:
    """The shape in config.json's "motion"; kind, columns, stride and summary may be
    missing, as in older bundles.

    MotionaryError, naming ``origin``, where something is missing or no such value is known.
    """
    told = config.get("motion")
    given = told if isinstance(told, Mapping) else {}
    kind = get(config, "motion.kind", str, origin) if "kind" in given else "transformer"
    names = ("width", "layers", "max_frames", *(("heads", "feedforward") if kind in _WITH_HEADS else ()))
    shape = MotionShape(
        **{name: get(config, f"motion.{name}", int, origin) for name in names},
        kind=kind,
        columns=get(config, "motion.columns", str, origin) if "columns" in given else "all",
        stride=get(config, "motion.stride", int, origin) if "stride" in given else 1,
        summary=given.get("summary", False),
    )
    check_shape(shape, origin)
    return shape


def told_shape(shape: MotionShape) -> dict[str, int | str]:
    """What sets a shape apart, by name: what is as it always was before there was a choice stays untold, so
    that the ids of older bundles hold."""
    defaults = {field.name: field.default for field in fields(shape)}
    return {name: value for name, value in asdict(shape).items() if value != defaults[name]}


def check_shape(shape: MotionShape, origin: str) -> None:
    """MotionaryError, naming ``origin``, for what the tensors' own shapes would not give away."""
    for name, value, known in (("kind", shape.kind, KINDS), ("columns", shape.columns, BLOCKS)):
        if value not in known:
            raise MotionaryError(
                f"{origin}: motion.{name} is {value[:40]!a}; it must be one of {', '.join(known)}"
            )
    if type(shape.summary) is not bool:
        raise MotionaryError(f"{origin}: motion.summary is {shape.summary!a:.40}; it must be true or false")
    if shape.stride > _MAX_STRIDE:
        raise MotionaryError(
            f"{origin}: motion.stride is {shape.stride}; no more than {_MAX_STRIDE} make sense"
        )
    parts = len(PARTS) if shape.kind == "patches" else 1
    if parts * shape.steps > _MAX_TOKENS:
        most = _MAX_TOKENS // parts * shape.stride
        raise MotionaryError(
            f"{origin}: motion.max_frames is {shape.max_frames}; no more than {most} make sense"
        )
    if shape.kind in _WITH_HEADS and (shape.heads < 1 or shape.width % (2 * shape.heads)):
        raise MotionaryError(
            f"{origin}: a motion width of {shape.width} does not split into {shape.heads} even heads"
        )
    if shape.kind == "bigru" and shape.width % 2:
        raise MotionaryError(f"{origin}: a motion width of {shape.width} does not split into two directions")
