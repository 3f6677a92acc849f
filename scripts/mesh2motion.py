"""mesh2motion's 87 animations (CC0) as a library, and as a studio folder to learn from.

    python scripts/mesh2motion.py --data ../shared/data --out build/mesh2motion

writes NAME.bvh for each and a captions.csv, which data.studio takes: the model that ships learns from them
(configs/shipped.toml) once it has been measured without (scripts/bench_names.py). Blender reads the glTF
files; captions are the sentences of scripts/mesh2motion_sentences.toml.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from motionary.captions_csv import NAME, Said, write_captions  # noqa: E402
from motionary.formats.bvh import write_bvh  # noqa: E402
from motionary.library import clip_ids, clip_info, load_clip, open_library  # noqa: E402
from scripts.data_options import data_parser  # noqa: E402

__all__ = ["indexed", "sentences", "write_studio"]

SENTENCES = Path(__file__).with_name("mesh2motion_sentences.toml")
SPLIT = "train"


def sentences() -> dict[str, str]:
    """What somebody would ask for each animation by, by its name."""
    return tomllib.loads(SENTENCES.read_text("utf-8"))


def indexed(archive: Path, folder: Path, model: Path | None = None) -> Path:
    """A library of the archive's animations in ``folder``, embedded with a model (None: the built-in one)."""
    with zipfile.ZipFile(archive) as opened:
        for name in opened.namelist():
            if name.endswith("animations.glb"):  # the others are the characters, at rest
                opened.extract(name, folder)
    library = folder / "names.motionary"
    named = ["--model", str(model)] if model else []
    command = [sys.executable, "-m", "motionary", "index", str(folder), "--library", str(library), *named]
    subprocess.run(command, check=True, stdout=sys.stderr)
    return library


def write_studio(library: Path, folder: Path) -> int:
    """Write the animations of a library to ``folder``, with their sentences; how many there are."""
    folder.mkdir(parents=True, exist_ok=True)
    told, said = sentences(), []
    with open_library(library) as opened:
        for clip in clip_ids(opened):
            name = clip_info(opened, clip).name
            file = f"{clip:03d} {name}.bvh"  # two animations may have one name
            write_bvh(load_clip(opened, clip).motion, folder / file)
            said.append((file, Said((told[name],), ())))
    write_captions(folder / NAME, said)
    # Each is to be learnt from: there is no later on to keep one in ten for.
    table = folder / NAME
    header, *lines = table.read_text("utf-8").splitlines()
    table.write_text("\n".join([f"{header},split", *(f"{line},{SPLIT}" for line in lines)]) + "\n", "utf-8")
    return len(said)


def main() -> int:
    parser = data_parser(__doc__)
    parser.add_argument("--out", type=Path, default=Path("build/mesh2motion"), help="the studio folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        count = write_studio(indexed(options.data / "mesh2motion.zip", Path(folder)), options.out)
    print(f"{options.out}: {count} animations")
    return 0


if __name__ == "__main__":
    sys.exit(main())
