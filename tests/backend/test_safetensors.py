"""safetensors: the library's files and ours are one format; a hostile file is refused in one line."""

import json
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionary.errors import MotionaryError
from motionary.safetensors import parse_safetensors, read_safetensors, take, write_safetensors

DTYPES = ("f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "?")


def content(header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def entry(begin, end, shape=None, dtype="F32"):
    return {
        "dtype": dtype,
        "shape": [(end - begin) // 4] if shape is None else shape,
        "data_offsets": [begin, end],
    }


@pytest.fixture
def tensors():
    rng = np.random.default_rng(0)
    shapes = [(), (3,), (2, 0), (2, 3, 4)]
    return {
        f"{dtype} {number}": np.asarray(rng.normal(0, 50, shape) ** 2 % 100, dtype)
        for dtype in DTYPES
        for number, shape in enumerate(shapes)
    }


def same(ours, theirs):
    assert ours.keys() == theirs.keys()
    for name, tensor in theirs.items():
        assert ours[name].shape == tensor.shape
        np.testing.assert_array_equal(ours[name], tensor)


def test_what_is_written_is_read(tensors, tmp_path):
    write_safetensors(tensors, tmp_path / "a", {"format": "np"})
    read = read_safetensors(tmp_path / "a")
    same(read, tensors)
    assert all(not tensor.flags.writeable and tensor.flags.aligned for tensor in read.values())
    assert all(
        t.dtype == (np.float32 if tensors[n].dtype == np.float16 else tensors[n].dtype)
        for n, t in read.items()
    )


def test_the_library_reads_ours_and_we_the_library_s(tensors, tmp_path):
    library = pytest.importorskip("safetensors.numpy")
    write_safetensors(tensors, tmp_path / "ours", {"b": "2", "a": "é"})
    theirs = library.load_file(tmp_path / "ours")
    same(theirs, tensors)
    assert all(theirs[name].dtype == tensor.dtype for name, tensor in tensors.items())
    library.save_file(tensors, tmp_path / "theirs", {"format": "np"})
    same(read_safetensors(tmp_path / "theirs"), tensors)


def test_bfloat16_becomes_the_same_numbers_in_float32(tmp_path):
    torch = pytest.importorskip("torch")
    library = pytest.importorskip("safetensors.torch")
    values = torch.randn(1000).bfloat16() * torch.logspace(-30, 30, 1000).bfloat16()
    library.save_file({"x": values}, tmp_path / "x")
    read = read_safetensors(tmp_path / "x")["x"]
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, values.float().numpy())


def test_the_order_of_the_arrays_does_not_change_the_bytes(tensors, tmp_path):
    write_safetensors(tensors, tmp_path / "a")
    write_safetensors(dict(reversed(tensors.items())), tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_views_and_other_byte_orders_are_written_as_numbers(tmp_path):
    grid = np.arange(12, dtype=">f4").reshape(3, 4)
    write_safetensors({"x": grid.T[::2]}, tmp_path / "x")
    np.testing.assert_array_equal(read_safetensors(tmp_path / "x")["x"], grid.T[::2])


def test_an_unaligned_tensor_is_read():
    data = b"\0" + np.float32([1.5, 2.5]).tobytes()
    read = parse_safetensors(content({"a": entry(0, 1, [1], "U8"), "b": entry(1, 9, [2])}, data), "x")
    np.testing.assert_array_equal(read["b"], [1.5, 2.5])
    assert read["b"].flags.aligned


@pytest.mark.parametrize(
    ("blob", "says"),
    [
        (b"", "not a safetensors file"),
        (b"\x05\0\0", "not a safetensors file"),
        (content({}, length=1 << 63), "not a safetensors file"),
        (content({}, length=3), "not a safetensors file"),
        (content(b"not json"), "not JSON"),
        (content(b"\xff\xfe"), "not JSON"),
        (content(b"[" * 100_000), "not JSON: nested too deep"),
        (content(b"[1]"), "no JSON object"),
        (content(b'{"a": {}, "a": {}}'), "twice"),
        (content({"a": [1]}), "dtype, shape and data_offsets"),
        (content({"a": {**entry(0, 4), "code": "x"}}, bytes(4)), "dtype, shape and data_offsets"),
        (content({"a": entry(0, 4, dtype="object")}, bytes(4)), "dtype 'object'"),
        (content({"a": entry(0, 4, dtype=["F32"])}, bytes(4)), "dtype"),
        (content({"a": entry(0, 4, [-1])}, bytes(4)), "shape"),
        (content({"a": entry(0, 4, [True])}, bytes(4)), "shape"),
        (content({"a": entry(0, 4, [1.0])}, bytes(4)), "shape"),
        (content({"a": entry(0, 4, [1] * 9)}, bytes(4)), "shape"),
        (content({"a": entry(0, 0, [0, 1 << 40, 1 << 40])}), "shape"),
        (content({"a": entry(0, 4, [1 << 62, 4])}, bytes(4)), "shape"),
        (content({"a": entry(4, 0, [1])}, bytes(4)), r"\[begin, end\]"),
        (content({"a": {**entry(0, 4), "data_offsets": [0, 4, 8]}}, bytes(4)), r"\[begin, end\]"),
        (content({"a": entry(0, 4, [2])}, bytes(4)), "has 4 bytes for shape"),
        (content({"a": entry(0, 8)}, bytes(4)), "cut short"),
        (content({"a": entry(0, 8), "b": entry(4, 12)}, bytes(12)), "overlaps"),
        (content({"a": entry(0, 4), "b": entry(0, 4)}, bytes(4)), "overlaps"),
        (content({"a": entry(0, 4), "b": entry(8, 12)}, bytes(12)), "gap"),
        (content({"a": entry(0, 4)}, bytes(6)), "2 bytes after the last tensor"),
    ],
)
def test_hostile_files_are_refused_in_one_line(blob, says, tmp_path):
    (tmp_path / "bad").write_bytes(blob)
    with pytest.raises(MotionaryError, match=says) as caught:
        read_safetensors(tmp_path / "bad")
    assert str(caught.value).startswith(str(tmp_path / "bad"))
    assert "\n" not in str(caught.value)


VALID = content({"a": entry(0, 8, [2]), "b": entry(8, 10, [1], "F16")}, bytes(10))


@given(
    st.lists(st.tuples(st.integers(0, len(VALID) - 1), st.integers(0, 255)), max_size=6),
    st.integers(0, len(VALID)),
)
def test_no_damage_gives_another_exception(changes, length):
    damaged = bytearray(VALID)
    for place, value in changes:
        damaged[place] = value
    for blob in (bytes(damaged), bytes(damaged[:length])):
        with suppress(MotionaryError):
            parse_safetensors(blob, "x")


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(MotionaryError, match="cannot be read"):
        read_safetensors(tmp_path / "none.safetensors")


@pytest.mark.parametrize("bad", [np.array(["text"]), np.array([{}], object), np.array([1j])])
def test_what_the_format_lacks_is_not_written_and_the_old_file_stays(bad, tmp_path):
    write_safetensors({"x": np.ones(2)}, tmp_path / "x")
    with pytest.raises(MotionaryError, match="cannot be stored"):
        write_safetensors({"x": bad}, tmp_path / "x")
    np.testing.assert_array_equal(read_safetensors(tmp_path / "x")["x"], [1, 1])


def test_writing_that_fails_half_way_leaves_the_old_file_alone(tmp_path, monkeypatch):
    write_safetensors({"x": np.ones(2)}, tmp_path / "x")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(MotionaryError, match="cannot be written: No space left"):
        write_safetensors({"x": np.zeros(2)}, tmp_path / "x")
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    np.testing.assert_array_equal(read_safetensors(tmp_path / "x")["x"], [1, 1])


@pytest.mark.parametrize(
    ("tensor", "says"),
    [
        (None, "has no tensor 'x'"),
        (np.ones((3, 2), np.float32), r"shape \(3, 2\)"),
        (np.ones((2, 3), np.int64), "int64"),
        (np.full((2, 3), np.nan, np.float32), "not finite"),
    ],
)
def test_a_tensor_that_does_not_fit_is_named(tensor, says):
    with pytest.raises(MotionaryError, match=says):
        take({} if tensor is None else {"x": tensor}, "x", (2, 3), "file")
