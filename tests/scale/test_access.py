"""Tokens: only hashes are kept, and only what the file says is allowed."""

import hashlib
import stat
import sys
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionary.errors import MotionaryError
from motionary_scale.access import EVERY, TokenFile, new_token, read_tokens

DIGEST = "0" * 64


def test_a_token_is_known_by_its_hash_alone(tmp_path):
    file = tmp_path / "tokens.toml"
    tokens = [new_token(file, name, ["moves", 'two "words"']) for name in ("anna", "ben")]
    text = file.read_text()
    assert len(set(tokens)) == 2
    for name, token in zip(("anna", "ben"), tokens, strict=True):
        assert token not in text
        assert hashlib.sha256(token.encode()).hexdigest() in text
        holder = read_tokens(file).holder(token)
        assert (holder.name, holder.libraries) == (name, {"moves", 'two "words"'})
        assert holder.may_read('two "words"')
        assert not holder.may_read("words")
        assert not holder.may_read(EVERY)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX's permissions")
def test_the_file_is_its_owners_alone(tmp_path):
    file = tmp_path / "tokens.toml"
    new_token(file, "anna", [EVERY])
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_what_was_in_the_file_stays_as_it_was(tmp_path):
    file = tmp_path / "tokens.toml"
    file.write_text(f'# ours\n[tokens.ben]\nsha256 = "{DIGEST}"\nlibraries = []')
    new_token(file, "anna", [EVERY])
    assert file.read_text().startswith("# ours\n[tokens.ben]")
    assert [holder.name for _, holder in read_tokens(file).holders] == ["ben", "anna"]


@pytest.mark.parametrize("name", ["", "a b", "a.b", "ä", "x" * 65, 'a"]\n'])
def test_a_name_that_is_none_is_refused(tmp_path, name):
    with pytest.raises(MotionaryError, match="no name"):
        new_token(tmp_path / "tokens.toml", name, [EVERY])
    assert list(tmp_path.iterdir()) == []


def test_a_name_is_taken_once(tmp_path):
    file = tmp_path / "tokens.toml"
    new_token(file, "anna", [EVERY])
    before = file.read_text()
    with pytest.raises(MotionaryError, match="anna has a token already"):
        new_token(file, "anna", [EVERY])
    assert file.read_text() == before


@given(st.text(max_size=300))
def test_no_other_text_is_a_token(tmp_path_factory, text):
    file = tmp_path_factory.mktemp("tokens") / "tokens.toml"
    token = new_token(file, "anna", [EVERY])
    tokens = read_tokens(file)
    assert tokens.holder(text) is None
    assert tokens.holder(token + text) is (None if text else tokens.holders[0][1])


@given(st.lists(st.text(max_size=20), max_size=4))
def test_any_names_of_libraries_come_back(tmp_path_factory, names):
    file = tmp_path_factory.mktemp("tokens") / "tokens.toml"
    names = [name.encode("utf-8", "replace").decode() for name in names]
    new_token(file, "anna", names)
    assert tomllib.loads(file.read_text("utf-8"))["tokens"]["anna"]["libraries"] == names


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[tokens", "is not TOML"),
        ("other = 1", "holds more than tables"),
        ("tokens = 1", "holds more than tables"),
        ("[tokens.anna]\n", "must have sha256 and libraries"),
        (f'[tokens.anna]\nsha256 = "{DIGEST}"\nlibraries = []\nx = 1', "and nothing else"),
        ('[tokens.anna]\nsha256 = "12"\nlibraries = []', "64 hexadecimal digits"),
        (f'[tokens.anna]\nsha256 = "{DIGEST}"\nlibraries = "*"', "must be a list"),
        (f'[tokens."a b"]\nsha256 = "{DIGEST}"\nlibraries = []', "a name has letters"),
        ("x = " + "[" * 10_000, "is not TOML"),
    ],
)
def test_a_file_of_something_else_is_refused_with_the_place(tmp_path, text, says):
    file = tmp_path / "tokens.toml"
    file.write_text(text)
    with pytest.raises(MotionaryError, match=says) as error:
        read_tokens(file)
    assert str(error.value).startswith(str(file))
    assert str(error.value).isprintable()
    file.write_bytes(b"\xff")
    with pytest.raises(MotionaryError, match="is not TOML"):
        TokenFile(file)
    file.unlink()
    with pytest.raises(MotionaryError, match="cannot be read"):
        TokenFile(file)
