"""Index real motion capture and judge what a sentence finds in it by what CMU says each trial is.

    python scripts/bench_cmu.py --data ../shared/data

Unpacks cmu_mocap.zip and cmu_mocap_extra.zip into build/cmu, times `motionary index` on them, asks four
sentences of the library and counts how many of the first ten clips are of trials whose motion description in
trials.csv has the word. The number of such trials stands beside it, for no search can find ten of what there
are five of. Most of these trials' clips are in the model's training set: this measures the product on a
library that it knows, not generalisation (for that, see the validation scores in the model card).
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import subprocess
import sys
import time
import zipfile
from pathlib import Path

QUERIES = {
    "a person is running": r"\b(run|runs|running|jog)",
    "a person walks forward": r"\bwalk",
    "a person dances": r"dance",
    # karate trials carry the Japanese names of their kicks: mawashi geri, yoko geri
    "a man kicks": r"kick|geri\b",
}


def trials(folder: Path) -> dict[str, str]:
    """Trial -> its description in CMU's list; where it has none (94, "indian dance"), that of its subject."""
    with next(folder.rglob("trials.csv")).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {row["trial"]: (row["motion_description"] or row["subject_description"]).lower() for row in rows}


def motionary(*arguments: str) -> str:
    """Run the command line as a user would, its progress on this terminal; return its standard output."""
    command = [sys.executable, "-m", "motionary", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    # 1 is "some files failed", each named on the terminal: 01_01.amc holds the marks of a git conflict.
    if done.returncode not in (0, 1) or not done.stdout:
        sys.exit(done.returncode or 1)
    return done.stdout


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the CMU zips")
    parser.add_argument("--model", type=Path, help="a model bundle other than the built-in one")
    parser.add_argument(
        "--keep", action="store_true", help="search the library of an earlier run, do not index"
    )
    options = parser.parse_args()
    folder, library = Path("build/cmu"), Path("build/cmu.motionary")
    model = ["--model", str(options.model)] if options.model else []

    if not (options.keep and library.exists()):
        for name in ("cmu_mocap.zip", "cmu_mocap_extra.zip"):
            with zipfile.ZipFile(options.data / name) as archive:
                archive.extractall(folder)
        library.unlink(missing_ok=True)
        began = time.perf_counter()
        print(motionary("index", str(folder), "--library", str(library), *model), end="")
        print(f"in {time.perf_counter() - began:.1f} s, {library.stat().st_size / 1e6:.0f} MB")

    described = trials(folder)
    present = {path.stem for path in folder.rglob("*") if path.suffix in (".bvh", ".amc")}
    print(f"{'query':26} {'of first 10':>11} {'trials':>7}  first ten")
    for query, word in QUERIES.items():
        relevant = {trial for trial in present if re.search(word, described.get(trial, ""))}
        answer = json.loads(motionary("search", str(library), query, "--top", "10", "--json", *model))
        found = [hit["name"] for hit in answer["results"]]
        print(
            f"{query:26} {sum(name in relevant for name in found):>11} {len(relevant):>7}  {' '.join(found)}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
