"""captions.csv: what is read, what is written, which line is wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionary.captions_csv import Said, read_captions, write_captions
from motionary.errors import MotionaryError


def table(tmp_path, content):
    path = tmp_path / "captions.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_rows_of_a_file_add_up(tmp_path):
    rows = [
        "a.bvh,a walk,gait;slow",
        r'sub\b.bvh,"one, two",',
        "",
        "a.bvh,he walks,slow; old",
        "a.bvh,a walk,",
    ]
    said = read_captions(table(tmp_path, "\n".join(["file,caption,tags", *rows])))
    assert said == {
        "a.bvh": Said(("a walk", "he walks"), ("gait", "slow", "old"), 2),
        "sub/b.bvh": Said(("one, two",), (), 3),
    }


def test_columns_come_in_any_order_and_tags_may_be_missing(tmp_path):
    assert read_captions(table(tmp_path, b"\xef\xbb\xbfcaption,note,file\r\nwalk,x,a.bvh\r\n")) == {
        "a.bvh": Said(("walk",), (), 2)
    }


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "line 1: no column caption nor file; the first line must be"),
        ("name,caption\na,b\n", "line 1: no column file;"),
        ("file,caption,tags\na.bvh,one, two,t\n", r"line 2: does not have 3 columns; .* .quotes."),
        ("file,caption,tags\na.bvh,one\n", "line 2: does not have 3 columns"),
        ("file,caption,tags\na.bvh,x,\n,walk,\n", "line 3: names no file"),
        ('file,caption,tags\na.bvh,"open,\n', "line 3: not CSV|line 2: not CSV"),
        (b"file,caption,tags\na.bvh,\xff\xfe,\n", "not UTF-8 text"),
        ("file,caption,tags\n" + "x" * 200_000 + ",,\n", "not CSV"),
        (b"file,caption,tags\na\0.bvh,x,\n", "line 2: names no file"),
    ],
)
def test_what_is_malformed_is_said_with_its_line(tmp_path, content, says):
    with pytest.raises(MotionaryError, match=says) as caught:
        read_captions(table(tmp_path, content))
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(MotionaryError, match="cannot be read"):
        read_captions(tmp_path / "captions.csv")


WORDS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P"))).filter(
    lambda text: text == text.strip()
)


@given(
    st.dictionaries(
        WORDS.filter(lambda name: name and "\\" not in name),
        st.builds(
            lambda captions, tags: Said(tuple(captions), tuple(tags)),
            st.lists(WORDS.filter(bool), unique=True, max_size=3),
            st.lists(WORDS.filter(lambda tag: tag and ";" not in tag), unique=True, max_size=3),
        ),
        max_size=4,
    )
)
def test_what_is_written_is_read(tmp_path_factory, said):
    path = tmp_path_factory.mktemp("c") / "captions.csv"
    write_captions(path, said.items())
    read = read_captions(path)
    assert {name: (what.captions, what.tags) for name, what in read.items()} == {
        name: (what.captions, what.tags) for name, what in said.items()
    }
