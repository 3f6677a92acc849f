"""Rotations as unit quaternions, in numpy.

Everywhere in Motionary a quaternion is (w, x, y, z) on the last axis and acts by ``v' = q v q*`` on column
vectors; every function broadcasts over leading axes and returns float64 unless told otherwise. Angles are
radians. Formulas: Diebel, *Representing Attitude* (2006); 6D: Zhou et al., arXiv 1812.07035.
"""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "IDENTITY",
    "between",
    "continuous",
    "continuous_euler",
    "from_6d",
    "from_axis_angle",
    "from_euler",
    "from_matrix",
    "from_rotvec",
    "inverse",
    "lengths",
    "multiply",
    "normalize",
    "rotate",
    "slerp",
    "to_6d",
    "to_euler",
    "to_matrix",
    "to_rotvec",
]

Floats: TypeAlias = NDArray[np.float64]

IDENTITY: NDArray[np.float64] = np.array([1.0, 0.0, 0.0, 0.0])
IDENTITY.setflags(write=False)


def lengths(v: ArrayLike) -> Floats:
    """The length of each vector (..., N): (...). For short vectors: 3 to 5 times as quick as numpy's norm."""
    v = np.asarray(v, np.float64)
    return np.sqrt(_dots(v, v))


def _dots(a: Floats, b: Floats) -> Floats:
    """The products of vectors (..., N), (..., N) -> (...), summed up in order, as numpy's reduction does."""
    products = a * b
    result: Floats = products[..., 0]
    for column in range(1, products.shape[-1]):
        result = result + products[..., column]
    return result


def multiply(a: ArrayLike, b: ArrayLike) -> Floats:
    """Hamilton product ``a b``: first ``b`` turns, then ``a``. Shapes (..., 4), (..., 4) -> (..., 4)."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    aw, ax, ay, az = (a[..., i] for i in range(4))
    bw, bx, by, bz = (b[..., i] for i in range(4))
    w = aw * bw - ax * bx - ay * by - az * bz
    product = np.empty((*w.shape, 4))
    product[..., 0] = w
    product[..., 1] = aw * bx + ax * bw + ay * bz - az * by
    product[..., 2] = aw * by - ax * bz + ay * bw + az * bx
    product[..., 3] = aw * bz + ax * by - ay * bx + az * bw
    return product


def inverse(q: ArrayLike) -> Floats:
    """The conjugate, which inverts a unit quaternion. Shape (..., 4)."""
    result: Floats = np.asarray(q, np.float64) * np.array([1.0, -1.0, -1.0, -1.0])
    return result


def normalize(q: ArrayLike) -> Floats:
    """``q`` scaled to unit length; a zero quaternion becomes the identity. Shape (..., 4)."""
    q = np.asarray(q, np.float64)
    length = lengths(q)[..., None]
    return np.where(length > 1e-12, q / np.maximum(length, 1e-12), IDENTITY)


def rotate(q: ArrayLike, v: ArrayLike) -> Floats:
    """``v`` (..., 3) turned by unit quaternions ``q`` (..., 4)."""
    q, v = np.asarray(q, np.float64), np.asarray(v, np.float64)
    u = q[..., 1:]
    t = 2.0 * _cross(u, v)
    result: Floats = v + q[..., :1] * t + _cross(u, t)
    return result


def _cross(a: Floats, b: Floats) -> Floats:
    """numpy's, without the checks that take most of its time on a few hundred vectors."""
    ax, ay, az, bx, by, bz = a[..., 0], a[..., 1], a[..., 2], b[..., 0], b[..., 1], b[..., 2]
    return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], axis=-1)


def from_axis_angle(axis: ArrayLike, angle: ArrayLike) -> Floats:
    """Turn by ``angle`` (...) radians about the unit vector ``axis`` (..., 3)."""
    half = np.asarray(angle, np.float64)[..., None] / 2.0
    return np.concatenate([np.cos(half), np.sin(half) * np.asarray(axis, np.float64)], axis=-1)


def from_rotvec(v: ArrayLike) -> Floats:
    """Rotation vectors (..., 3), axis times angle, to quaternions (exponential map)."""
    v = np.asarray(v, np.float64)
    angle = lengths(v)[..., None]
    # sin(a/2)/a, by its series near zero where the quotient is 0/0
    scale = np.where(angle > 1e-8, np.sin(angle / 2) / np.maximum(angle, 1e-8), 0.5 - angle**2 / 48)
    return np.concatenate([np.cos(angle / 2), v * scale], axis=-1)


def to_rotvec(q: ArrayLike) -> Floats:
    """Unit quaternions to rotation vectors (..., 3) of at most pi in length (logarithm)."""
    q = np.asarray(q, np.float64)
    q = np.where(q[..., :1] < 0, -q, q)
    sine = lengths(q[..., 1:])[..., None]
    angle = 2.0 * np.arctan2(sine, q[..., :1])
    result: Floats = q[..., 1:] * np.where(sine > 1e-8, angle / np.maximum(sine, 1e-8), 2.0)
    return result


def from_matrix(m: ArrayLike) -> Floats:
    """Rotation matrices (..., 3, 3) to quaternions with w >= 0, by the largest of the four components."""
    m = np.asarray(m, np.float64)
    m00, m11, m22 = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    # Row k of `candidates` is 4 q_k q: each is exact, and that of the largest |q_k| is well conditioned.
    candidates = np.stack(
        [
            np.stack([1 + m00 + m11 + m22, m[..., 2, 1] - m[..., 1, 2],
                      m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]], -1),
            np.stack([m[..., 2, 1] - m[..., 1, 2], 1 + m00 - m11 - m22,
                      m[..., 0, 1] + m[..., 1, 0], m[..., 0, 2] + m[..., 2, 0]], -1),
            np.stack([m[..., 0, 2] - m[..., 2, 0], m[..., 0, 1] + m[..., 1, 0],
                      1 - m00 + m11 - m22, m[..., 1, 2] + m[..., 2, 1]], -1),
            np.stack([m[..., 1, 0] - m[..., 0, 1], m[..., 0, 2] + m[..., 2, 0],
                      m[..., 1, 2] + m[..., 2, 1], 1 - m00 - m11 + m22], -1),
        ],
        axis=-2,
    )  # fmt: skip
    best = np.argmax(np.diagonal(candidates, axis1=-2, axis2=-1), axis=-1)
    q = normalize(np.take_along_axis(candidates, best[..., None, None], axis=-2)[..., 0, :])
    return np.where(q[..., :1] < 0, -q, q)


def to_matrix(q: ArrayLike) -> Floats:
    """Unit quaternions to rotation matrices (..., 3, 3) acting on column vectors."""
    q = np.asarray(q, np.float64)
    w, x, y, z = (q[..., i] for i in range(4))
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def from_euler(angles: ArrayLike, order: str) -> Floats:
    """Intrinsic Euler angles (..., len(order)) to quaternions.

    ``order`` is read as BVH channels are: ``"ZXY"`` means ``R = Rz Rx Ry``, so the last axis named turns the
    vector first. One to three axes; none of X, Y, Z gives the identity.
    """
    angles = np.asarray(angles, np.float64)
    q: Floats = np.broadcast_to(IDENTITY, (*angles.shape[:-1], 4))
    for i, axis in enumerate(order.upper()):
        half = angles[..., i] / 2.0
        turn = np.zeros((*angles.shape[:-1], 4))
        turn[..., 0] = np.cos(half)
        turn[..., 1 + "XYZ".index(axis)] = np.sin(half)
        q = turn if i == 0 else multiply(q, turn)
    return q


def to_euler(q: ArrayLike, order: str) -> Floats:
    """Unit quaternions to intrinsic Euler angles (..., 3) for an ``order`` of three different axes.

    The middle angle lies in [-pi/2, pi/2]; at gimbal lock the last angle is set to zero.
    """
    i, j, k = ("XYZ".index(axis) for axis in order.upper())
    sign = 1.0 if (j - i) % 3 == 1 else -1.0
    m = to_matrix(q)
    sine = np.clip(sign * m[..., i, k], -1.0, 1.0)
    locked = np.abs(sine) > 1.0 - 1e-12
    first = np.where(
        locked,
        np.arctan2(sign * m[..., k, j], m[..., j, j]),
        np.arctan2(-sign * m[..., j, k], m[..., k, k]),
    )
    last = np.where(locked, 0.0, np.arctan2(-sign * m[..., i, j], m[..., i, i]))
    return np.stack([first, np.arcsin(sine), last], axis=-1)


def between(a: ArrayLike, b: ArrayLike) -> Floats:
    """The shortest rotation that takes the direction of ``a`` (..., 3) to that of ``b`` (..., 3).

    For opposite directions, where it is not unique, a half turn about an axis at right angles to ``a``.
    A zero vector gives the identity.
    """
    a, b = np.broadcast_arrays(np.asarray(a, np.float64), np.asarray(b, np.float64))
    la = lengths(a)[..., None]
    lb = lengths(b)[..., None]
    ua, ub = a / np.maximum(la, 1e-12), b / np.maximum(lb, 1e-12)
    dot = _dots(ua, ub)[..., None]
    q = np.concatenate([1.0 + dot, _cross(ua, ub)], axis=-1)
    # The half turn: about the cross product with the axis that `a` is least along.
    least = np.eye(3)[np.argmin(np.abs(ua), axis=-1)]
    side = _cross(ua, least)
    side /= np.maximum(lengths(side)[..., None], 1e-12)
    half_turn = np.concatenate([np.zeros_like(dot), side], axis=-1)
    q = np.where(dot < -1.0 + 1e-10, half_turn, q)
    return normalize(np.where((la < 1e-12) | (lb < 1e-12), IDENTITY, q))


def slerp(a: ArrayLike, b: ArrayLike, t: ArrayLike) -> Floats:
    """Spherical interpolation from ``a`` (t = 0) to ``b`` (t = 1) along the shorter arc; ``t`` is (...)."""
    a, b = np.broadcast_arrays(np.asarray(a, np.float64), np.asarray(b, np.float64))
    t = np.asarray(t, np.float64)[..., None]
    dot = _dots(a, b)[..., None]
    b = np.where(dot < 0, -b, b)
    angle = np.arccos(np.clip(np.abs(dot), 0.0, 1.0))
    sine = np.sin(angle)
    near = sine < 1e-6
    safe = np.where(near, 1.0, sine)
    wa = np.where(near, 1.0 - t, np.sin((1.0 - t) * angle) / safe)
    wb = np.where(near, t, np.sin(t * angle) / safe)
    return normalize(wa * a + wb * b)


def continuous(q: ArrayLike) -> Floats:
    """Signs chosen along axis 0 so that neighbours are at most a half turn apart: (T, ..., 4)."""
    q = np.array(q, np.float64)
    if len(q) > 1:
        flips = _dots(q[1:], q[:-1]) < 0
        q[1:][np.cumsum(flips, axis=0) % 2 == 1] *= -1
    return q


def continuous_euler(angles: ArrayLike) -> Floats:
    """Angles (T, 3) about three different axes, rewritten so that each frame is closest to the one before.

    (a, b, c) and (a + pi, pi - b, c + pi) are the same rotation, and so is any angle a full turn further; the
    first frame stays as it is.
    """
    angles = np.array(angles, np.float64)
    if not len(angles):
        return angles
    # Plain numbers: a frame depends on the one before, and numpy takes longer to begin than this does.
    turn = 2.0 * math.pi
    rows = angles.tolist()
    before = rows[0]
    for t in range(1, len(rows)):
        a, b, c = rows[t]
        choices = []
        for choice in ((a, b, c), (a + math.pi, math.pi - b, c + math.pi)):
            near = [x + turn * round((x0 - x) / turn) for x, x0 in zip(choice, before, strict=True)]
            choices.append((sum(abs(x - x0) for x, x0 in zip(near, before, strict=True)), near))
        before = rows[t] = min(choices)[1]
    return np.array(rows)


def to_6d(q: ArrayLike) -> Floats:
    """The first two columns of the rotation matrix, one after the other: (..., 6). Zhou et al. 2019."""
    m = to_matrix(q)
    return np.concatenate([m[..., :, 0], m[..., :, 1]], axis=-1)


def from_6d(d: ArrayLike) -> Floats:
    """The inverse of :func:`to_6d`, by Gram-Schmidt, so that any two independent columns do."""
    d = np.asarray(d, np.float64)
    x = d[..., :3] / np.maximum(lengths(d[..., :3])[..., None], 1e-12)
    z = np.cross(x, d[..., 3:])
    z /= np.maximum(lengths(z)[..., None], 1e-12)
    return from_matrix(np.stack([x, np.cross(z, x), z], axis=-1))
