"""Build the Blender extension: one zip for every platform and Python, that works offline at once.

    make extension          # or: python scripts/build_extension.py [--text int8]

The zip holds blender_addon, the core as a wheel, the model bundle with its text encoder as float16 (or as
int8, which is smaller: docs/model.md) and the captions that it may give, a library of the starter clips, and
the licences. Blender's own tool, which comes in pip's bpy and needs no Blender, validates the folder and the
zip. It could make the zip, too, but takes the order of the files from the disk: made here, the same input
gives the same bytes, on one kind of machine. A bill of materials lies beside it (``make_sbom``). Both take
their places when whole.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
if find_spec("motionary") is None:
    sys.path.insert(0, str(ROOT / "backend"))

from motionary import __version__  # noqa: E402
from motionary.bundle import BUILT_IN, load_bundle, pack_bundle  # noqa: E402
from motionary.captions.bank import open_bank  # noqa: E402
from motionary.checksums import write_sums  # noqa: E402
from motionary.errors import MotionaryError  # noqa: E402
from motionary.files import replacing  # noqa: E402
from motionary.index import add_clips  # noqa: E402
from motionary.library import open_library  # noqa: E402
from motionary.starter import SOURCE, starter_clips  # noqa: E402
from motionary.weight_precision import PRECISIONS, Precision  # noqa: E402
from scripts.make_sbom import make_sbom, sbom_path  # noqa: E402

# By their paths, for the package itself imports bpy, and this takes place without.
ADDON = ROOT / "blender_addon"
MODEL, LIBRARY, MANIFEST, WHEELS = "model", "starter.motionary", "blender_manifest.toml", "wheels"

OUT = ROOT / "build"
MOST_BYTES = 70_000_000
"""What a user is asked to download, and extensions.blender.org takes with ease."""
EPOCH = 1_767_225_600
"""The time that all files in the zip have: the beginning of 2026. When they were copied tells nothing."""
ZIP_TIME = (2026, 1, 1, 0, 0, 0)
"""The same, as a zip has it."""
UNIX = 3  # among the systems that a zip can name
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")


def build(
    out: Path, *, model: Path | None = None, text: Precision = "float16", most_bytes: int = MOST_BYTES
) -> Path:
    """Build motionary-VERSION.zip, and its bill of materials, in the folder ``out`` and return its path.

    model: the bundle to pack, the built-in one if None. text: how its text encoder's weights are stored.
    MotionaryError, and no new zip, where something is missing or refused, and where the zip would be larger
    than ``most_bytes``.
    """
    tool = blender_tool()
    version = tomllib.loads((ADDON / MANIFEST).read_text(encoding="utf-8"))["version"]
    if version != __version__:
        raise MotionaryError(
            f"{ADDON / MANIFEST}: its version is {version}, Motionary's {__version__}; set it"
        )
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"motionary-{__version__}.zip"
    with TemporaryDirectory(prefix=".extension-", dir=out) as work:
        stage = Path(work) / "motionary"
        shutil.copytree(ADDON, stage, ignore=LEFT_OUT)
        shutil.copyfile(ROOT / "LICENSE", stage / "LICENSE")
        pack_bundle(model or BUILT_IN, stage / MODEL, precision=text)
        open_bank(load_bundle(stage / MODEL), cache=stage / MODEL)  # no user waits for the first caption
        write_sums(stage / MODEL)
        write_starter_library(stage / LIBRARY, stage / MODEL)
        name_wheel(stage / MANIFEST, build_wheel(Path(work) / "core", stage / WHEELS))
        level(stage)
        run_tool(tool, "validate", str(stage))
        with replacing(path) as building, replacing(sbom_path(path)) as bill:
            write_zip(stage, building)
            run_tool(tool, "validate", str(building))
            if (size := building.stat().st_size) > most_bytes:
                large, most = (f"{count / 1e6:.1f} MB" for count in (size, most_bytes))
                raise MotionaryError(f"{path}: would be {large}, more than {most}; pack a smaller model")
            bill.write_text(make_sbom(building), "utf-8")
    return path


def blender_tool() -> Path:
    """Blender's script that builds extensions, in pip's bpy, which is not imported for it."""
    spec = find_spec("bpy")
    if spec is None or spec.origin is None:
        raise MotionaryError("Blender's tool that builds extensions is in pip's bpy: pip install bpy")
    home = Path(spec.origin).parent
    found = sorted(home.glob("*/scripts/addons_core/bl_pkg/cli/blender_ext.py"))
    if not found:
        raise MotionaryError(
            f"{home}: this bpy lacks Blender's tool that builds extensions; install bpy>=4.5"
        )
    return found[-1]


def build_wheel(work: Path, out: Path) -> Path:
    """Build the wheel of the core alone, for it needs numpy and nothing else, in the folder ``out``."""
    if find_spec("setuptools") is None:
        raise MotionaryError(
            "setuptools builds the core's wheel and is not here: pip install 'setuptools>=77'"
        )
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    about = project["project"]
    shutil.copytree(ROOT / "backend" / "motionary", work / "motionary", ignore=LEFT_OUT)
    shutil.copyfile(ROOT / "LICENSE", work / "LICENSE")
    quoted = {name: json.dumps(about[name]) for name in ("name", "description", "requires-python", "license")}
    numpy = [name for name in about["dependencies"] if name.startswith("numpy")]
    data = project["tool"]["setuptools"]["package-data"]["motionary"]
    (work / "pyproject.toml").write_text(
        f"[build-system]\nrequires = {json.dumps(project['build-system']['requires'])}\n"
        f"build-backend = {json.dumps(project['build-system']['build-backend'])}\n\n"
        f"[project]\nversion = {json.dumps(core_version(work / 'motionary'))}\n"
        + "".join(f"{name} = {value}\n" for name, value in quoted.items())
        + f'license-files = ["LICENSE"]\ndependencies = {json.dumps(numpy)}\n\n'
        f'[tool.setuptools.packages.find]\ninclude = ["motionary*"]\nnamespaces = false\n\n'
        f"[tool.setuptools.package-data]\nmotionary = {json.dumps(data)}\n",
        encoding="utf-8",
    )
    level(work)
    pip = ("-m", "pip", "--disable-pip-version-check", "wheel", "--quiet", "--no-deps", "--no-index")
    run(
        [sys.executable, *pip, "--no-build-isolation", "--wheel-dir", str(out), str(work)], "the core's wheel"
    )
    (wheel,) = out.glob("*.whl")
    if not wheel.name.endswith("-py3-none-any.whl"):
        raise MotionaryError(
            f"{wheel.name}: the core is no longer pure Python; one zip is to serve all machines"
        )
    return wheel


def core_version(package: Path) -> str:
    """The core's version, and after a + what its files are: Blender unpacks a wheel whose version it has
    unpacked before no second time, not even where an extension is installed again."""
    digest = hashlib.sha256()
    for path in files_in(package):
        digest.update(f"{path.relative_to(package).as_posix()} {path.stat().st_size}\n".encode())
        digest.update(path.read_bytes())
    return f"{__version__}+c{digest.hexdigest()[:8]}"


def write_starter_library(path: Path, model: Path) -> None:
    """Write the library of starter clips, embedded by the bundle in ``model``."""
    with open_library(path, write=True) as library:
        add_clips(starter_clips(), library, load_bundle(model), source=SOURCE)


def name_wheel(manifest: Path, wheel: Path) -> None:
    """Write into the manifest which wheel comes along."""
    top, table, rest = manifest.read_text(encoding="utf-8").partition("\n[")
    wheels = json.dumps([f"./{WHEELS}/{wheel.name}"])
    manifest.write_text(f"{top}\nwheels = {wheels}\n{table}{rest}", encoding="utf-8")


def write_zip(folder: Path, path: Path) -> None:
    """Write all files of a folder to a zip, in order of their names and with one time and the same rights."""
    with ZipFile(path, "w", ZIP_DEFLATED, compresslevel=9) as archive:
        for file in files_in(folder):
            entry = ZipInfo(file.relative_to(folder).as_posix(), ZIP_TIME)
            entry.create_system, entry.external_attr = UNIX, 0o100644 << 16  # as it is written on any system
            archive.writestr(entry, file.read_bytes(), ZIP_DEFLATED, 9)


def level(folder: Path) -> None:
    """Give every file the same time and rights, which the wheel would else tell apart."""
    for path in files_in(folder):
        path.chmod(0o644)
        os.utime(path, (EPOCH, EPOCH))


def files_in(folder: Path) -> Iterator[Path]:
    paths = sorted(folder.rglob("*"), key=lambda path: path.as_posix())  # in one order on every system
    return (path for path in paths if path.is_file())


def run_tool(tool: Path, *arguments: str) -> None:
    run([sys.executable, str(tool), *arguments], f"Blender's {tool.name} {arguments[0]}")


def run(command: Sequence[str], what: str) -> None:
    """Run a program that is to succeed; MotionaryError with its last line where it does not."""
    # The wheel tells local times.
    environment = os.environ | {"SOURCE_DATE_EPOCH": str(EPOCH), "TZ": "UTC"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise MotionaryError(
            f"{what} failed: {lines[-1].strip() if lines else f'exit code {done.returncode}'}"
        )


def sizes(path: Path) -> str:
    """What the zip holds, and how large that is in it."""
    parts: dict[str, int] = {}
    with ZipFile(path) as archive:
        for entry in archive.infolist():
            folder, slash, _ = entry.filename.partition("/")
            part = f"{folder}/" if slash else LIBRARY if folder == LIBRARY else "code and licences"
            if part not in (f"{MODEL}/", f"{WHEELS}/", LIBRARY):
                part = "code and licences"
            parts[part] = parts.get(part, 0) + entry.compress_size
    lines = [f"  {size / 1e6:5.1f} MB  {part}" for part, size in sorted(parts.items(), key=lambda p: -p[1])]
    return "\n".join([f"{path}: {path.stat().st_size / 1e6:.1f} MB", *lines])


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--model", type=Path, metavar="BUNDLE", help="the model bundle to pack (the built-in one)"
    )
    parser.add_argument(
        "--text", choices=PRECISIONS, default="float16", help="how the text encoder is stored (float16)"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", default=OUT, help="where the zip is put (build)"
    )
    options = parser.parse_args()
    try:
        print(sizes(build(options.out, model=options.model, text=options.text)))
    except MotionaryError as error:
        print(f"build_extension.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
