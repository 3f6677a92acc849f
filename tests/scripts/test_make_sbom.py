"""The bill of materials of the extension's zip: valid, whole, the same for the same zip. Of a tiny model."""

import hashlib
import importlib.util
import io
import json
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from motionary.bundle import BUILT_IN, load_bundle
from motionary.errors import MotionaryError
from motionary.pinned_text import pinned_texts
from scripts import build_extension, make_sbom
from tests.bundles import make_bundle

ROOT = Path(__file__).resolve().parents[2]
LICENCES = {
    "weights": "GPL-3.0-or-later",
    "CMU motion capture": "free to use; the data itself must not be resold",
    "HumanML3D captions and splits": "MIT",
    "text encoder tiny": "Apache-2.0",
}

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("bpy") is None, reason="needs Blender's Python module"
)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A zip with a model that tells its licences."""
    bundle = make_bundle(tmp_path_factory.mktemp("model"))
    config = json.loads((bundle / "config.json").read_text())
    config["training"] = {"licences": LICENCES}
    (bundle / "config.json").write_text(json.dumps(config))
    with pytest.MonkeyPatch.context() as patch:  # the captions take longest, and are one file more
        patch.setattr(build_extension, "open_bank", lambda bundle, cache: None)
        return build_extension.build(tmp_path_factory.mktemp("build"), model=bundle)


@pytest.fixture(scope="module")
def bill(built):
    return json.loads(make_sbom.sbom_path(built).read_text("utf-8"))


def parts(components):
    """All components, and those in them."""
    for part in components:
        yield part
        yield from parts(part.get("components", ()))


def by_ref(bill):
    found = list(parts(bill["components"]))
    refs = {part["bom-ref"]: part for part in found}
    assert len(refs) == len(found)
    return refs


def changed(built, path, changes):
    """The zip with other contents of some files, at ``path``; None leaves one out."""
    with zipfile.ZipFile(built) as archive, zipfile.ZipFile(path, "w") as other:
        for entry in archive.infolist():
            content = changes.get(entry.filename, archive.read(entry))
            if content is not None:
                other.writestr(entry, content)
    return path


def test_it_is_valid_cyclonedx_1_6(built):
    validation = pytest.importorskip("cyclonedx.validation.json", reason="needs cyclonedx-python-lib")
    from cyclonedx.schema import SchemaVersion

    validator = validation.JsonStrictValidator(SchemaVersion.V1_6)
    told = make_sbom.make_sbom(built)
    assert validator.validate_str(told) is None
    spoilt = told.replace('"type": "application"', '"type": "cake"', 1)
    assert validator.validate_str(spoilt) is not None  # it does look


def test_every_file_of_the_zip_stands_in_it_with_its_sha256(built, bill):
    refs = by_ref(bill)
    with zipfile.ZipFile(built) as archive:
        held = {f"file:{name}": hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()}
        (wheel,) = (name for name in archive.namelist() if name.endswith(".whl"))
        with zipfile.ZipFile(io.BytesIO(archive.read(wheel))) as opened:
            inside = {
                f"file:{wheel}!/{name}": hashlib.sha256(opened.read(name)).hexdigest()
                for name in opened.namelist()
            }
    told = {ref: part["hashes"][0]["content"] for ref, part in refs.items() if ref.startswith("file:")}
    assert told == held | inside
    assert len(held) > 50
    assert len(inside) > 50


def test_it_names_the_zip_by_its_sha256(built, bill):
    root = bill["metadata"]["component"]
    assert root["hashes"] == [{"alg": "SHA-256", "content": hashlib.sha256(built.read_bytes()).hexdigest()}]
    assert (root["name"], root["version"]) == ("motionary", build_extension.__version__)


def test_each_part_has_its_licence_and_the_manifest_names_them_all(built, bill):
    refs = by_ref(bill)

    def licence(ref):
        (entry,) = refs[ref]["licenses"]
        return entry["license"].get("id") or entry["license"]["name"]

    with zipfile.ZipFile(built) as archive:
        (wheel,) = (name for name in archive.namelist() if name.endswith(".whl"))
        manifest = tomllib.loads(archive.read("blender_manifest.toml").decode())
    own = [licence(ref) for ref in ("add-on", f"file:{wheel}", "model", "file:starter.motionary")]
    assert set(own) == {"GPL-3.0-or-later"}
    assert licence("text-encoder") == "Apache-2.0"
    named = [entry["license"]["id"] for entry in bill["metadata"]["component"]["licenses"]]
    assert manifest["license"] == [f"SPDX:{name}" for name in named]
    assert {*own, licence("text-encoder")} == set(named)
    assert licence("data:HumanML3D captions and splits") == "MIT"
    assert licence("data:CMU motion capture") == LICENCES["CMU motion capture"]


def test_what_the_model_learnt_from_is_told_and_is_not_in_the_zip(bill):
    refs = by_ref(bill)
    learnt = refs["model"]["modelCard"]["modelParameters"]["datasets"]
    assert [entry["ref"] for entry in learnt] == [
        "data:CMU motion capture",
        "data:HumanML3D captions and splits",
    ]
    assert {refs[entry["ref"]]["scope"] for entry in learnt} == {"excluded"}


def test_the_text_encoder_tells_which_weights_it_was_before(built, bill):
    text = by_ref(bill)["text-encoder"]
    with zipfile.ZipFile(built) as archive:
        packed = json.loads(archive.read("model/text/config.json"))["motionary"]
    (ancestor,) = text["pedigree"]["ancestors"]
    assert ancestor["hashes"][0]["content"] == packed["packed_from"]
    assert text["hashes"][0]["content"] == packed["sha256"]


def test_every_arrow_leads_to_a_part(bill):
    refs = {*by_ref(bill), bill["metadata"]["component"]["bom-ref"]}
    for arrow in bill["dependencies"]:
        assert {arrow["ref"], *arrow["dependsOn"]} <= refs


def test_the_same_zip_gives_the_same_bytes_and_another_zip_another_number(built, bill, tmp_path):
    again = shutil.copyfile(built, tmp_path / "again.zip")
    assert make_sbom.make_sbom(again) == make_sbom.sbom_path(built).read_text("utf-8")
    other = changed(built, tmp_path / "other.zip", {"NOTICE.md": b"another"})
    assert json.loads(make_sbom.make_sbom(other))["serialNumber"] != bill["serialNumber"]


def test_the_command_writes_it_beside_the_zip(built, tmp_path):
    again = shutil.copyfile(built, tmp_path / "again.zip")
    command = [sys.executable, make_sbom.__file__, again]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    written = tmp_path / "again.cdx.json"
    assert done.stdout.strip() == str(written)
    assert written.read_bytes() == make_sbom.sbom_path(built).read_bytes()


def test_the_built_in_models_parts_are_under_licences_that_the_manifest_names():
    manifest = tomllib.loads((ROOT / "blender_addon" / "blender_manifest.toml").read_text(encoding="utf-8"))
    bundle = load_bundle(BUILT_IN)
    (text,) = (one for one in pinned_texts() if one.files["model.safetensors"] == bundle.text.sha256)
    licences = {bundle.config["training"]["licences"]["weights"], text.licence}
    assert {f"SPDX:{name}" for name in licences} == set(manifest["license"])


def test_a_licence_that_the_manifest_does_not_name_is_refused(built, tmp_path):
    with zipfile.ZipFile(built) as archive:
        manifest = archive.read("blender_manifest.toml").replace(b', "SPDX:Apache-2.0"', b"")
    other = changed(built, tmp_path / "other.zip", {"blender_manifest.toml": manifest})
    with pytest.raises(MotionaryError, match=r'tiny is under Apache-2.0, .* add "SPDX:Apache-2.0" there'):
        make_sbom.make_sbom(other)


def test_a_studios_own_words_about_its_model_are_told_as_they_are(built, tmp_path):
    with zipfile.ZipFile(built) as archive:
        config = json.loads(archive.read("model/config.json"))
    config["training"]["licences"] = {"weights": "the studio's own"}
    other = changed(built, tmp_path / "other.zip", {"model/config.json": json.dumps(config).encode()})
    bill = json.loads(make_sbom.make_sbom(other))
    assert by_ref(bill)["model"]["licenses"] == [{"license": {"name": "the studio's own"}}]


@pytest.mark.parametrize("missing", ["blender_manifest.toml", "model/config.json", "starter.motionary"])
def test_a_zip_that_lacks_a_part_is_told(built, tmp_path, missing):
    other = changed(built, tmp_path / "other.zip", {missing: None})
    with pytest.raises(MotionaryError, match=r"other.zip: is no zip of the extension: .*make extension"):
        make_sbom.make_sbom(other)


@pytest.mark.parametrize("content", [b"", b"no zip"])
def test_what_is_no_zip_is_told(tmp_path, content):
    (tmp_path / "no.zip").write_bytes(content)
    with pytest.raises(MotionaryError, match=r"no.zip: is no zip of the extension"):
        make_sbom.make_sbom(tmp_path / "no.zip")
