"""What is in the extension's zip, and that there is a whole one or none. The model is a tiny one."""

import importlib.util
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import numpy as np
import pytest

from motionary import __version__
from motionary.bundle import load_bundle
from motionary.captions.bank import open_bank
from motionary.captions.grammar import sentences
from motionary.checksums import check_all
from motionary.errors import MotionaryError
from motionary.library import clip_ids, clip_info, open_library
from motionary.starter import starter_clips
from scripts import build_extension
from scripts.make_sbom import sbom_path
from tests.bundles import make_bundle

ROOT = Path(__file__).resolve().parents[2]

needs_blender_tool = pytest.mark.skipif(
    importlib.util.find_spec("bpy") is None, reason="needs Blender's Python module"
)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def built(bundle, tmp_path_factory):
    return build_extension.build(tmp_path_factory.mktemp("build"), model=bundle)


@pytest.fixture(scope="module")
def unpacked(built, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(built) as archive:
        names = archive.namelist()
        assert len(names) == len(set(names))
        archive.extractall(folder)
    (wheel,) = (folder / "wheels").iterdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "wheel")
    return folder


@pytest.fixture
def quick(built, monkeypatch):
    """The wheel that was built before, at once, and no captions."""

    def build_wheel(work, out):
        with zipfile.ZipFile(built) as archive:
            (name,) = (name for name in archive.namelist() if name.endswith(".whl"))
            return Path(archive.extract(name, out.parent))

    monkeypatch.setattr(build_extension, "build_wheel", build_wheel)
    monkeypatch.setattr(build_extension, "open_bank", lambda bundle, cache: None)


# What is committed


def test_the_manifest_has_the_version_of_the_core_and_asks_for_files_and_the_network():
    manifest = tomllib.loads((ROOT / "blender_addon" / "blender_manifest.toml").read_text(encoding="utf-8"))
    assert manifest["version"] == __version__
    assert manifest["blender_version_min"] == "4.5.0"
    assert manifest["license"] == ["SPDX:GPL-3.0-or-later", "SPDX:Apache-2.0"]
    assert list(manifest["permissions"]) == ["network", "files"]
    assert "wheels" not in manifest  # there is none before the build


# What is built


@needs_blender_tool
def test_the_zip_is_named_by_version_and_lies_beside_its_bill_of_materials(built):
    assert built.name == f"motionary-{__version__}.zip"
    assert sorted(path.name for path in built.parent.iterdir()) == [
        f"motionary-{__version__}.cdx.json",
        built.name,
    ]


@needs_blender_tool
def test_the_zip_has_every_module_of_the_extension_and_no_cache(unpacked):
    def modules(folder):
        return {path.relative_to(folder).as_posix() for path in folder.rglob("*.py")}

    here = modules(ROOT / "blender_addon")
    assert {name for name in modules(unpacked) if not name.startswith("wheel/")} == here
    assert "ui/panel.py" in here
    assert not [path for path in unpacked.rglob("*") if path.name == "__pycache__" or path.suffix == ".pyc"]
    assert not list(unpacked.rglob(".*"))


@needs_blender_tool
def test_the_manifest_in_the_zip_names_the_wheel(unpacked):
    manifest = tomllib.loads((unpacked / "blender_manifest.toml").read_text(encoding="utf-8"))
    (wheel,) = manifest["wheels"]
    version = build_extension.core_version(unpacked / "wheel" / "motionary")
    assert wheel == f"./wheels/motionary-{version}-py3-none-any.whl"
    assert (unpacked / wheel).is_file()
    assert list(manifest["permissions"]) == ["network", "files"]


@needs_blender_tool
def test_the_wheel_is_the_whole_core_and_nothing_else(unpacked):
    wheel = unpacked / "wheel"
    (about,) = wheel.glob("*.dist-info")
    assert {path.name for path in wheel.iterdir()} == {"motionary", about.name}
    core = ROOT / "backend" / "motionary"
    held = {
        path.relative_to(wheel / "motionary") for path in (wheel / "motionary").rglob("*") if path.is_file()
    }
    there = {
        path.relative_to(core)
        for path in core.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }
    assert held == there
    metadata = (about / "METADATA").read_text()
    (needed,) = (line for line in metadata.splitlines() if line.startswith("Requires-Dist:"))
    assert needed.startswith("Requires-Dist: numpy")


def test_another_core_has_another_version_for_blender_to_unpack(tmp_path):
    (tmp_path / "a.py").write_text("A = 1\n")
    before = build_extension.core_version(tmp_path)
    assert re.fullmatch(rf"{re.escape(__version__)}\+c[0-9a-f]{{8}}", before)
    assert build_extension.core_version(tmp_path) == before
    (tmp_path / "a.py").write_text("A = 2\n")
    after = build_extension.core_version(tmp_path)
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    assert len({before, after, build_extension.core_version(tmp_path)}) == 3


@needs_blender_tool
def test_the_model_comes_with_its_text_encoder_at_half_the_size(unpacked, bundle):
    packed, whole = load_bundle(unpacked / "model"), load_bundle(bundle)
    assert packed.id == whole.id
    check_all(unpacked / "model")
    sizes = [(folder / "text/model.safetensors").stat().st_size for folder in (unpacked / "model", bundle)]
    assert sizes[0] < 0.7 * sizes[1]
    np.testing.assert_allclose(
        packed.embed_texts(["a man runs"]), whole.embed_texts(["a man runs"]), atol=0.01
    )


@needs_blender_tool
def test_the_library_holds_the_starter_clips_with_their_words(unpacked, bundle):
    with open_library(unpacked / "starter.motionary") as library:
        assert library.model.id == load_bundle(bundle).id
        infos = [clip_info(library, clip) for clip in clip_ids(library)]
    clips = starter_clips()
    assert {info.name: info.captions for info in infos} == {clip.name: clip.captions for clip in clips}
    assert {info.source for info in infos} == {"motionary starter"}


@needs_blender_tool
def test_the_licences_are_there(unpacked):
    assert (unpacked / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    assert "Apache License" in (unpacked / "LICENSE-APACHE").read_text()
    notice = (unpacked / "NOTICE.md").read_text(encoding="utf-8")
    for text in ("all-MiniLM-L6-v2", "Apache-2.0", "GPL-3.0-or-later"):
        assert text in notice


@needs_blender_tool
def test_nothing_in_the_zip_tells_where_it_was_built(unpacked, built, bundle):
    places = [os.fsencode(place) for place in (ROOT, built.parent, bundle)]
    for path in unpacked.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert not [place for place in places if place in data], path


@needs_blender_tool
def test_the_same_input_gives_the_same_bytes(built, bundle, tmp_path):
    again = build_extension.build(tmp_path, model=bundle)
    with zipfile.ZipFile(built) as first, zipfile.ZipFile(again) as second:
        told = [{entry.filename: entry.CRC for entry in archive.infolist()} for archive in (first, second)]
    assert told[0] == told[1]  # says which file, where it is one
    assert built.read_bytes() == again.read_bytes()
    assert sbom_path(built).read_bytes() == sbom_path(again).read_bytes()


def test_a_zip_tells_nothing_of_when_and_in_which_order_files_were_written(tmp_path):
    zips = []
    for number, names in enumerate((["b/z.py", "a.py", "b.py"], ["b.py", "a.py", "b/z.py"])):
        for name in names:
            path = tmp_path / str(number) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"# {name}\n")
            path.chmod(0o600 + number)
            os.utime(path, (number * 1e9, number * 1e9))
        zips.append(tmp_path / f"{number}.zip")
        build_extension.write_zip(tmp_path / str(number), zips[-1])
    assert zips[0].read_bytes() == zips[1].read_bytes()
    with zipfile.ZipFile(zips[0]) as archive:
        assert archive.namelist() == ["a.py", "b.py", "b/z.py"]
        assert archive.testzip() is None


@needs_blender_tool
def test_the_command_says_what_is_how_large(built):
    lines = build_extension.sizes(built).splitlines()
    assert lines[0].endswith(f"{built.stat().st_size / 1e6:.1f} MB")
    assert {line.split("MB")[1].strip() for line in lines[1:]} == {
        *("model/", "wheels/", "starter.motionary", "code and licences")
    }


@needs_blender_tool
def test_the_text_encoder_comes_in_a_byte_a_number_where_asked_for(quick, built, bundle, unpacked, tmp_path):
    path = build_extension.build(tmp_path, model=bundle, text="int8")
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "in")
    small, half = tmp_path / "in" / "model", unpacked / "model"
    check_all(small)
    assert load_bundle(small).id == load_bundle(bundle).id
    sizes = [(folder / "text/model.safetensors").stat().st_size for folder in (small, half)]
    assert sizes[0] < 0.8 * sizes[1]
    rows = [load_bundle(folder).embed_texts(["a man runs"])[0] for folder in (small, bundle)]
    assert 0.999 < rows[0] @ rows[1] < 1
    assert "to int8 with a scale for each row" in sbom_path(path).read_text("utf-8")
    assert "to float16" in sbom_path(built).read_text("utf-8")


# What is refused


@needs_blender_tool
def test_captions_need_no_waiting(unpacked, tmp_path):
    model = load_bundle(unpacked / "model")
    assert len(open_bank(model, cache=tmp_path / "cache").sentences) == len(sentences())
    assert not (tmp_path / "cache").exists()


def left_as_it_was(folder):
    """A folder with a zip of before."""
    old = folder / f"motionary-{__version__}.zip"
    old.write_text("of before")
    return lambda: [path.name for path in folder.iterdir()] == [old.name] and old.read_text() == "of before"


@needs_blender_tool
def test_a_zip_that_is_too_large_is_refused_and_the_old_one_kept(quick, bundle, tmp_path):
    is_as_it_was = left_as_it_was(tmp_path)
    with pytest.raises(MotionaryError, match=r"would be \d\.\d MB, more than 1\.0 MB; pack a smaller model"):
        build_extension.build(tmp_path, model=bundle, most_bytes=1_000_000)
    assert is_as_it_was()


@needs_blender_tool
def test_what_blenders_tool_refuses_is_told_in_its_words(quick, bundle, tmp_path, monkeypatch):
    is_as_it_was = left_as_it_was(tmp_path)

    def spoil(manifest, wheel):
        manifest.write_text(manifest.read_text().replace('type = "add-on"', 'type = "cake"'))

    monkeypatch.setattr(build_extension, "name_wheel", spoil)
    with pytest.raises(MotionaryError, match=r"blender_ext.py validate failed: .*cake"):
        build_extension.build(tmp_path, model=bundle)
    assert is_as_it_was()


@needs_blender_tool
def test_another_version_in_the_manifest_is_refused(bundle, tmp_path, monkeypatch):
    monkeypatch.setattr(build_extension, "__version__", "9.9.9")
    with pytest.raises(MotionaryError, match=r"its version is .*, Motionary's 9.9.9; set it"):
        build_extension.build(tmp_path, model=bundle)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("module", "cure"), [("bpy", "pip install bpy"), ("setuptools", "pip install 'setuptools")]
)
def test_a_missing_tool_is_named_with_its_cure(module, cure, bundle, tmp_path, monkeypatch):
    def find(name):
        return None if name == module else importlib.util.find_spec(name)

    monkeypatch.setattr(build_extension, "find_spec", find)
    if module == "setuptools" and importlib.util.find_spec("bpy") is None:
        pytest.skip("needs Blender's Python module")
    with pytest.raises(MotionaryError, match=cure):
        build_extension.build(tmp_path, model=bundle)
    assert list(tmp_path.iterdir()) == []


@needs_blender_tool
def test_the_script_fails_in_one_line(tmp_path):
    command = [sys.executable, build_extension.__file__, "--out", tmp_path, "--model", tmp_path / "nowhere"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("build_extension.py: ")
    assert "nowhere: is no model bundle" in line
    assert list(tmp_path.iterdir()) == []
