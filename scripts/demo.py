"""The main job from end to end: words in, an animated armature out. `make demo` runs it.

It runs the commands that a user would type, prints each before it runs, and ends by saying what it made.
Without --source it makes its own library of procedural clips; with it, the user's own folder is indexed.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "demo"

# None of these is a caption of the starter library; a test holds that.
QUERIES = (
    "the character sneaks along quietly",
    "someone drops to one knee",
    "a fighter kicks somebody",
)
APPLIED = QUERIES[2]


def run(arguments: list[str], shown: list[str], *, log: Path | None = None, fine: int = 0) -> str:
    """Run one command, echoing what the user would type; end the demo in one line if it fails.

    Its messages go to the terminal, or into ``log`` (Blender has many). Exit codes up to ``fine`` will do.
    """
    print(f"\n$ {shlex.join(shown)}", flush=True)
    with log.open("w") if log else nullcontext() as messages:
        done = subprocess.run(arguments, stdout=subprocess.PIPE, stderr=messages, text=True, cwd=ROOT)
    if not 0 <= done.returncode <= fine:
        if log:
            sys.stderr.write(log.read_text())
        sys.exit(f"demo: the command above failed with exit code {done.returncode}")
    return done.stdout


def motionary(*arguments: str, fine: int = 0) -> str:
    """Run the `motionary` command of this Python."""
    return run([sys.executable, "-m", "motionary", *arguments], ["motionary", *arguments], fine=fine)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", type=Path, help="a folder of your own motion files")
    source: Path | None = parser.parse_args().source
    began = time.monotonic()

    OUT.mkdir(exist_ok=True)
    if source is None:
        folder, library = Path("demo/starter"), Path("demo/starter.motionary")
        print(motionary("starter", "--out", str(folder)), end="")
    else:
        folder, library = source.expanduser().resolve(), Path("demo/mine.motionary")
    # 1 says that some files could not be read, each in a line of its own: the others are there to be found.
    print(motionary("index", str(folder), "--library", str(library), fine=1), end="")

    for query in QUERIES:
        print(motionary("search", str(library), query, "--top", "3"), end="")

    blend, picture = Path("demo/character.blend"), Path("demo/character.png")
    script = ["scripts/apply_motion.py", "--rig", "human", "--library", str(library), "--query", APPLIED]
    script += ["--output", str(blend), "--preview", str(picture), "--json"]
    applied = json.loads(run([sys.executable, *script], ["python", *script], log=OUT / "blender.log"))

    best = applied["clip"]
    print(f"""
For "{APPLIED}" Motionary found "{best["name"]}",
and applied it to a Rigify human, all of it in {time.monotonic() - began:.0f} s:
  {library!s:24} the library: clips, embeddings and captions, in one file
  {blend!s:24} the character with its new Action; open it in Blender
  {picture!s:24} six poses of it
Next, your own motions (BVH, AMC with its ASF, HumanML3D npy):
  make demo SOURCE=/path/to/your/motions
or, command by command:
  .venv/bin/motionary index /path/to/your/motions --library mine.motionary
  .venv/bin/motionary search mine.motionary "a person limps forward, then sits down" """)
    return 0


if __name__ == "__main__":
    sys.exit(main())
