"""Rotation maths: round trips and invariances over random rotations, and one golden value each."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from motionary import rotation

ORDERS = ["".join(p) for p in permutations("XYZ")]
vectors = hnp.arrays(np.float64, (5, 3), elements=st.floats(-10, 10, allow_subnormal=False))
quaternions = hnp.arrays(np.float64, (5, 4), elements=st.floats(-1, 1, allow_subnormal=False)).map(
    rotation.normalize
)


def same_rotation(a, b, tolerance=1e-6):
    return np.all(np.abs(np.sum(np.asarray(a) * np.asarray(b), axis=-1)) > 1 - tolerance)


@given(quaternions)
def test_matrix_round_trip(q):
    assert same_rotation(rotation.from_matrix(rotation.to_matrix(q)), q)


@given(quaternions)
def test_6d_round_trip(q):
    assert same_rotation(rotation.from_6d(rotation.to_6d(q)), q)


@given(quaternions)
def test_rotvec_round_trip(q):
    assert same_rotation(rotation.from_rotvec(rotation.to_rotvec(q)), q)


@pytest.mark.parametrize("order", ORDERS)
@given(q=quaternions)
def test_euler_round_trip(order, q):
    assert same_rotation(rotation.from_euler(rotation.to_euler(q, order), order), q)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("middle", [np.pi / 2, -np.pi / 2])
def test_euler_at_gimbal_lock(order, middle):
    q = rotation.from_euler([0.3, middle, -0.4], order)
    assert same_rotation(rotation.from_euler(rotation.to_euler(q, order), order), q)


@given(quaternions, quaternions, vectors)
def test_product_composes(a, b, v):
    np.testing.assert_allclose(
        rotation.rotate(rotation.multiply(a, b), v), rotation.rotate(a, rotation.rotate(b, v)), atol=1e-9
    )


@given(quaternions, vectors)
def test_rotate_is_the_matrix(q, v):
    np.testing.assert_allclose(
        rotation.rotate(q, v), (rotation.to_matrix(q) @ v[..., None])[..., 0], atol=1e-9
    )


@given(vectors, vectors)
def test_between_takes_one_direction_to_the_other(a, b):
    la, lb = np.linalg.norm(a, axis=-1, keepdims=True), np.linalg.norm(b, axis=-1, keepdims=True)
    usable = (la[:, 0] > 1e-6) & (lb[:, 0] > 1e-6)
    turned = rotation.rotate(rotation.between(a, b), a)
    np.testing.assert_allclose(turned[usable] / la[usable], b[usable] / lb[usable], atol=1e-4)


def test_between_opposite_directions_is_a_half_turn():
    q = rotation.between([0, 1, 0], [0, -1, 0])
    np.testing.assert_allclose(rotation.rotate(q, [0, 1, 0]), [0, -1, 0], atol=1e-12)


@given(quaternions, quaternions)
def test_slerp_ends(a, b):
    assert same_rotation(rotation.slerp(a, b, 0.0), a)
    assert same_rotation(rotation.slerp(a, b, 1.0), b)


def test_slerp_halves_the_angle():
    half = rotation.slerp(rotation.IDENTITY, rotation.from_axis_angle([0, 0, 1], 1.0), 0.5)
    assert same_rotation(half, rotation.from_axis_angle([0, 0, 1], 0.5), 1e-12)


def test_continuous_changes_signs_only():
    q = rotation.from_axis_angle([0, 1, 0], np.linspace(0, 12, 50))
    shuffled = q * np.where(np.arange(50) % 3 == 0, -1, 1)[:, None]
    np.testing.assert_allclose(rotation.continuous(shuffled) * np.sign(shuffled[0, 0]), q, atol=1e-12)


def test_continuous_euler_keeps_the_rotation_and_does_not_jump():
    spin = rotation.from_axis_angle([0.0, 0.6, 0.8], np.linspace(0, 4 * np.pi, 200))
    for order in ORDERS:
        angles = rotation.continuous_euler(rotation.to_euler(spin, order))
        assert same_rotation(rotation.from_euler(angles, order), spin)
        assert np.abs(np.diff(angles, axis=0)).max() < 0.5


def test_golden_euler_zxy():
    # Rz(90) Rx(90): x -> y by Rz after Rx leaves it; y -> z -> z.
    q = rotation.from_euler(np.radians([90.0, 90.0, 0.0]), "ZXY")
    np.testing.assert_allclose(rotation.rotate(q, np.eye(3)), [[0, 1, 0], [0, 0, 1], [1, 0, 0]], atol=1e-12)
