"""Weights in fewer bytes: none is off by more than half a step; broken scales are refused in one line."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from motionary.errors import MotionaryError
from motionary.safetensors import read_safetensors, write_safetensors
from motionary.weight_precision import in_precision, restored

LARGEST = float(np.finfo(np.float32).max / 2)
tables = arrays(
    np.float32, array_shapes(min_dims=2, max_dims=2), elements=st.floats(-LARGEST, LARGEST, width=32)
)


@given(tables)
def test_no_number_is_further_off_than_half_a_step_of_its_row(table):
    kept = in_precision({"x": table}, "int8")
    assert (kept["x"].dtype, kept["x.scale"].dtype) == (np.int8, np.float32)
    assert kept["x"].min() >= -127
    back = restored(kept, "file")
    assert set(back) == {"x"}
    assert (back["x"].dtype, back["x"].shape) == (np.float32, table.shape)
    off = np.abs(back["x"].astype(np.float64) - table)
    # A step is the row's largest number over 127; float32 rounds what was multiplied once more.
    largest = np.abs(table).max(axis=1, keepdims=True).astype(np.float64)
    step = np.maximum(largest / 127, np.finfo(np.float32).tiny)
    assert (off <= 0.5 * step + 1e-6 * largest).all()


@given(tables)
def test_what_was_restored_is_kept_as_it_is(table):
    once = restored(in_precision({"x": table}, "int8"), "file")["x"]
    again = restored(in_precision({"x": once}, "int8"), "file")["x"]
    np.testing.assert_allclose(again, once, rtol=1e-6, atol=0)


def test_every_row_has_a_scale_of_its_own():
    table = np.float32([[127, -64, 0.4], [1.27, 0, -0.01], [0, 0, 0]])
    kept = in_precision({"x": table}, "int8")
    np.testing.assert_array_equal(kept["x"], [[127, -64, 0], [127, 0, -1], [0, 0, 0]])
    np.testing.assert_allclose(kept["x.scale"][:2], [1, 0.01])
    assert kept["x.scale"][2] > 0


@pytest.mark.parametrize(
    ("tensor", "kept_as"),
    [
        (np.float32([1, 2]), np.float16),
        (np.float32([1, 1e6]), np.float32),
        (np.ones((2, 2, 2), np.float32), np.float16),
        (np.full((2, 2), np.inf, np.float32), np.float32),
        (np.full((2, 2), np.nan, np.float32), np.float32),
        (np.full((2, 2), np.finfo(np.float32).max), np.float32),
        (np.zeros((0, 3), np.float32), np.int8),
        (np.zeros((3, 0), np.float32), np.int8),
    ],
)
def test_what_is_no_table_of_finite_numbers_is_halved_at_most(tensor, kept_as, tmp_path):
    write_safetensors(in_precision({"x": tensor}, "int8"), tmp_path / "x")
    assert in_precision({"x": tensor}, "int8")["x"].dtype == kept_as
    back = restored(read_safetensors(tmp_path / "x"), "file")
    assert set(back) == {"x"}
    np.testing.assert_array_equal(back["x"], tensor)


@pytest.mark.parametrize(("precision", "error"), [("float32", 0), ("float16", 1e-3), ("int8", 1e-2)])
def test_a_file_gives_back_what_its_precision_can_hold(precision, error, tmp_path):
    tensors = {
        "bias": np.linspace(-1, 1, 9, dtype=np.float32),
        "weight": np.random.default_rng(0).normal(size=(9, 5)).astype(np.float32),
    }
    write_safetensors(in_precision(tensors, precision), tmp_path / "x")
    back = restored(read_safetensors(tmp_path / "x"), "file")
    assert back.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert back[name].dtype == np.float32
        assert not back[name].flags.writeable
        assert np.abs(back[name] - tensor).max() <= error * np.abs(tensor).max()


def test_other_tensors_pass_as_they_are():
    others = {"ids": np.arange(3), "y.scale": np.ones(2, np.float32), "z": np.ones((2, 2), np.uint8)}
    back = restored(others, "file")
    assert back.keys() == others.keys()
    assert all(back[name] is others[name] for name in others)


TABLE = np.ones((2, 3), np.int8)


@pytest.mark.parametrize(
    ("tensors", "says"),
    [
        ({"x": TABLE}, "has no scales beside it"),
        ({"x": TABLE, "scale": np.ones(2, np.float32)}, "has no scales beside it"),
        ({"x": TABLE, "x.scale": np.ones(3, np.float32)}, r"scales that are float32 of shape \(3,\)"),
        ({"x": TABLE, "x.scale": np.ones((2, 1), np.float32)}, r"shape \(2, 1\); its 2 rows"),
        ({"x": TABLE, "x.scale": np.float32(1)}, r"shape \(\)"),
        ({"x": TABLE, "x.scale": np.ones(2)}, "scales that are float64"),
        ({"x": TABLE, "x.scale": np.ones(2, np.int32)}, "scales that are int32"),
        ({"x": TABLE, "x.scale": np.float32([1, 0])}, "not finite and above 0"),
        ({"x": TABLE, "x.scale": np.float32([1, -1])}, "not finite and above 0"),
        ({"x": TABLE, "x.scale": np.float32([np.inf, 1])}, "not finite and above 0"),
        ({"x": TABLE, "x.scale": np.float32([np.nan, 1])}, "not finite and above 0"),
        ({"x": np.ones(2, np.int8), "x.scale": np.ones(2, np.float32)}, r"shape \(2,\); only tables"),
        ({"x": np.ones((), np.int8)}, r"shape \(\); only tables"),
    ],
)
def test_broken_scales_are_refused_in_one_line(tensors, says):
    for order in (tensors, dict(reversed(tensors.items()))):
        with pytest.raises(MotionaryError, match=says) as caught:
            restored({name: np.asarray(tensor) for name, tensor in order.items()}, "folder/model.safetensors")
        assert str(caught.value).startswith("folder/model.safetensors: tensor 'x'")
        assert "\n" not in str(caught.value)


def test_a_scale_without_end_gives_what_is_refused_where_it_is_used():
    back = restored({"x": TABLE * 100, "x.scale": np.float32([1, 3e38])}, "file")["x"]
    assert np.isfinite(back).all(axis=1).tolist() == [True, False]
