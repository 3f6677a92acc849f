"""Configuration values are taken by type and range, never on trust."""

import pytest

from motionary.config import get, read_json
from motionary.errors import MotionaryError

CONFIG = {
    "name": "x",
    "size": 3,
    "rate": 0.5,
    "inner": {"size": 7},
    "empty": "",
    "zero": 0,
    "nan": float("nan"),
}


def test_values_of_the_right_type_are_given():
    assert get(CONFIG, "name", str, "f") == "x"
    assert get(CONFIG, "inner.size", int, "f") == 7
    rate = get(CONFIG, "size", float, "f")
    assert (rate, type(rate)) == (3.0, float)


@pytest.mark.parametrize(
    ("name", "kind", "says"),
    [
        ("missing", int, "missing is missing; it must be a whole number from 1 on"),
        ("name.size", int, "name.size is missing"),
        ("inner", str, "inner is {'size': 7}; it must be a text"),
        ("empty", str, "must be a text"),
        ("zero", int, "must be a whole number from 1 on"),
        ("rate", int, "must be a whole number"),
        ("zero", float, "must be a positive number"),
        ("nan", float, "must be a positive number"),
    ],
)
def test_others_are_refused_by_name(name, kind, says):
    with pytest.raises(MotionaryError, match=f"^file: .*{says}"):
        get(CONFIG, name, kind, "file")


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    (tmp_path / "c.json").write_bytes(b" " * ((1 << 20) + 1))
    with pytest.raises(MotionaryError, match="more than the 1048576 that are read"):
        read_json(tmp_path / "c.json")
