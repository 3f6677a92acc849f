"""The figures of what Motionary is made from: pins, checks before loading, the zip, its bill, the audit.

    python scripts/measure_supply.py --markdown docs/reliability.md     # minutes; make audit comes before

Times are the least of several, in milliseconds on the clock. The zip is built twice. Exit code 1 where one
thing is not as it should be. The audit is told as it is: not everywhere is there a service to ask.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from motionary.bundle import BUILT_IN, load_bundle  # noqa: E402
from motionary.checksums import check_all, check_files, read_sums, sha256_of  # noqa: E402
from motionary.pinned_text import pinned_texts  # noqa: E402
from scripts.build_extension import build  # noqa: E402
from scripts.check_weights import check_text, installed  # noqa: E402
from scripts.make_sbom import sbom_path  # noqa: E402
from scripts.measured_page import put_between  # noqa: E402
from scripts.pin_packages import NAMED  # noqa: E402

MARK = "supply"
ENVIRONMENTS = {"constraints.txt": ".venv", "constraints-blender5.txt": ".venv-blender5"}


def milliseconds(work: Callable[[], object], times: int = 7) -> float:
    """The least that ``work`` took."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        took.append(1000 * (time.perf_counter() - began))
    return min(took)


def weights() -> Iterator[tuple[str, str]]:
    """What is pinned, and what it costs to check it."""
    check_all(BUILT_IN)
    sums = read_sums(BUILT_IN)
    yield "the built-in model: files in its SHA256SUMS", f"{len(sums)}, all as they should be"
    told = milliseconds(lambda: check_files(BUILT_IN, sums))
    yield "checking them, at each load of the model", f"{told:.1f} ms"
    for pinned in pinned_texts():
        found = len(check_text(pinned))
        what = f"{found} checked" if found else "not installed here"
        count = len(pinned.wheels)
        counts = f"{count} wheel{'s' * (count > 1)}, {len(pinned.files) + len(pinned.parts)} files"
        yield f"pinned of {pinned.name}", f"{counts}; {what}"
    default = load_bundle().text
    folder = installed(default.package)
    if folder:
        path = folder / "model" / "model.safetensors"
        size, took = path.stat().st_size / 1e6, milliseconds(lambda: sha256_of(path))
        whole = milliseconds(lambda: load_bundle().text_encoder, 5)
        yield (
            f"sha256 of the text encoder ({size:.0f} MB), when the first text is embedded",
            f"{took:.0f} ms of the {whole:.0f} ms that loading it takes",
        )


def extension() -> Iterator[tuple[str, str]]:
    """Two zips, and what their bills of materials say. ValueError where they differ."""
    with TemporaryDirectory() as one, TemporaryDirectory() as other:
        first, second = build(Path(one)), build(Path(other))
        if first.read_bytes() != second.read_bytes():
            raise ValueError("two builds of the extension gave two zips; did a file change meanwhile?")
        told = sbom_path(first).read_text("utf-8")
        if told != sbom_path(second).read_text("utf-8"):
            raise ValueError("two builds of the extension gave two bills of materials")
        yield (
            "two builds of the extension",
            f"the same {first.stat().st_size / 1e6:.1f} MB, byte for byte",
        )
    parts = list(components(json.loads(told)))
    files = [part for part in parts if part["bom-ref"].startswith("file:")]
    hashed = [part for part in files if part.get("hashes")]
    if len(hashed) != len(files):
        raise ValueError("the bill of materials has a file without a sha256")
    yield "files in its bill of materials, each with its sha256", str(len(files))
    yield "valid CycloneDX 1.6", validity(told)


def components(part: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All components of a bill, and those in them."""
    for inner in part.get("components", ()):
        yield inner
        yield from components(inner)


def validity(told: str) -> str:
    """What the schema says. ValueError where it is no bill of materials."""
    try:
        from cyclonedx.schema import SchemaVersion
        from cyclonedx.validation.json import JsonStrictValidator
    except ImportError:
        return "not checked: cyclonedx-python-lib is not installed"
    if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(told):
        raise ValueError(f"the bill of materials is no CycloneDX 1.6: {error}")
    return "yes"


def packages() -> Iterator[tuple[str, str]]:
    """How many packages are pinned, and what the audit said of those that are installed."""
    for file, environment in ENVIRONMENTS.items():
        yield (
            f"packages pinned for {environment}",
            str(len(NAMED.findall((ROOT / file).read_text("utf-8")))),
        )
    python = ROOT / ".venv-audit" / "bin" / "python"
    for environment in ENVIRONMENTS.values():
        if not python.is_file():
            yield f"audit of {environment}", "not done: make audit"
            continue
        command = [str(python), "scripts/audit.py", environment]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
        said = (done.stdout.strip() or done.stderr.strip()).splitlines()
        told = "; ".join(line.strip() for line in said)
        yield f"audit of {environment}", told.removeprefix("audit.py: ").removeprefix(f"{environment}: ")


def table(rows: Sequence[tuple[str, str]]) -> list[str]:
    return ["| what | measured |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--markdown", type=Path, help="write the table between the marks of this file")
    options = parser.parse_args()
    try:
        lines = table([*weights(), *extension(), *packages()])
    except ValueError as error:
        print(f"measure_supply.py: {error}", file=sys.stderr)
        return 1
    print("\n".join(lines))
    if options.markdown:
        put_between(options.markdown, MARK, lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
