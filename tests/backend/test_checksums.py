"""SHA256SUMS: as sha256sum writes it, and a bundle that is not what it says is refused in one sentence."""

import hashlib
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionary.bundle import BUILT_IN, load_bundle, pack_bundle
from motionary.checksums import SUMS, check_all, check_files, read_sums, write_sums
from motionary.errors import MotionaryError
from tests.bundles import make_bundle


@pytest.fixture
def folder(tmp_path):
    made = make_bundle(tmp_path / "model")
    write_sums(made)
    return made


def flip(path, place=-1):
    """Change one bit of a file."""
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def test_every_file_stands_in_the_sums_with_its_sha256(folder):
    sums = read_sums(folder)
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != SUMS]
    assert sums == {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }
    assert {"config.json", "model.safetensors", "text/model.safetensors", "text/vocab.txt"} <= set(sums)


def test_the_same_files_give_the_same_sums(folder):
    before = (folder / SUMS).read_bytes()
    write_sums(folder)
    assert (folder / SUMS).read_bytes() == before


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs sha256sum")
def test_sha256sum_reads_them(folder):
    check = ["sha256sum", "--check", "--strict", "--status", SUMS]
    assert subprocess.run(check, cwd=folder).returncode == 0
    flip(folder / "config.json")
    assert subprocess.run(check, cwd=folder).returncode == 1


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_bundle_with_one_bit_changed_does_not_load(folder, name):
    load_bundle(folder)
    flip(folder / name)
    with pytest.raises(MotionaryError, match=rf"{name}: is damaged or not the file .* install it again"):
        load_bundle(folder)


@pytest.mark.parametrize("name", ["text/config.json", "text/vocab.txt", "text/model.safetensors"])
def test_a_text_encoder_with_one_bit_changed_embeds_nothing(tmp_path, name):
    folder = pack_bundle(make_bundle(tmp_path / "model"), tmp_path / "packed")
    load_bundle(folder).embed_texts(["a man walks"])
    flip(folder / name)
    bundle = load_bundle(folder)
    with pytest.raises(MotionaryError, match=r"again"):
        bundle.embed_texts(["a man walks"])


def test_a_file_that_the_sums_name_may_not_be_missing(folder):
    (folder / "captions.json").write_text("{}")
    write_sums(folder)
    (folder / "captions.json").unlink()
    with pytest.raises(MotionaryError, match=r"captions.json: is missing; copy or install it again"):
        load_bundle(folder)


def test_a_bundle_without_sums_loads_as_before(folder):
    (folder / SUMS).unlink()
    flip(folder / "README.md")
    assert load_bundle(folder).name == "tiny-0"
    with pytest.raises(MotionaryError, match=f"has no {SUMS}"):
        check_all(folder)


def test_a_packed_bundle_brings_its_sums(tmp_path):
    packed = pack_bundle(make_bundle(tmp_path / "model"), tmp_path / "packed")
    check_all(packed)
    (packed / "more.txt").write_text("?")
    with pytest.raises(MotionaryError, match=r"more.txt: is not among the files of SHA256SUMS"):
        check_all(packed)


def test_the_built_in_bundle_is_what_its_sums_say():
    """After a change of the model: python scripts/pin_weights.py."""
    check_all(BUILT_IN)


@pytest.mark.parametrize(
    "path", ["../outside", "/etc/hostname", "text/../../outside"], ids=["beside", "absolute", "roundabout"]
)
def test_a_path_in_the_sums_leads_nowhere(folder, path):
    (folder.parent / "outside").write_text("x")
    with (folder / SUMS).open("a") as sums:
        sums.write(f"{'0' * 64}  {path}\n")
    load_bundle(folder)
    with pytest.raises(MotionaryError, match=r"which is missing"):
        check_all(folder)


@given(
    content=st.one_of(
        st.binary(max_size=300),
        st.lists(
            st.builds(
                "{}{}{}".format,
                st.text("0123456789abcdef", min_size=63, max_size=65),
                st.sampled_from(["  ", " *", " ", "\t"]),
                st.text(max_size=9),
            ),
            max_size=4,
        ).map(lambda lines: "\n".join(lines).encode("utf-8", "surrogatepass")),
    )
)
def test_any_sums_are_read_or_refused_in_one_line(tmp_path_factory, content):
    folder = tmp_path_factory.getbasetemp()
    (folder / SUMS).write_bytes(content)
    said = ""
    try:
        sums = read_sums(folder)
    except MotionaryError as error:
        said = str(error)
    if said:
        assert str(folder / SUMS) in said
        assert len(said.splitlines()) == 1
    else:
        assert len(sums) == len(content.decode("utf-8").splitlines())
        assert all(len(bytes.fromhex(value)) == 32 for value in sums.values())


def test_what_is_not_asked_for_is_not_looked_at(folder):
    flip(folder / "README.md")
    check_files(folder, ["config.json", "unheard-of"])
    with pytest.raises(MotionaryError, match=r"README.md: is damaged"):
        check_files(folder, ["README.md"])
