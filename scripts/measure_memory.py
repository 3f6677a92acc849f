"""How many times its size reading a file takes in memory, for every format.

    python scripts/measure_memory.py --markdown docs/reliability.md   # a few minutes

The files are those of tests/fuzz/large.py, some ten megabytes each where the format allows it; tests/fuzz
holds readers to what stands there with smaller ones. Counted is what Python and numpy ask the system for at
most, what is read included. Exit code 1 where a reader takes more than it may.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "backend"), str(ROOT / "training")]

from scripts.measured_page import put_between  # noqa: E402
from tests.fuzz.large import LARGE, MB, peak_memory  # noqa: E402

TIMES = 20
"""How many times as large as in the tests."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--markdown", type=Path, help="write the table between the marks of this file")
    options = parser.parse_args()
    rows = []
    within = True
    with tempfile.TemporaryDirectory() as folder:
        for name, large in LARGE.items():
            path = Path(folder, large.name)
            times = TIMES if large.limit > 16 else 2
            large.make(path, times)
            size = path.stat().st_size
            peak, refused = peak_memory(lambda path=path, read=large.read: read(path))
            if refused:
                raise RuntimeError(refused)
            within &= peak < large.most * size + 4 * MB
            limit = f"{large.limit / 1024:,.0f} GB" if large.limit >= 1024 else f"{large.limit:g} MB"
            rows.append(f"| {name} | {size / MB:.1f} | {peak / size:.1f} | {limit} | {large.why} |")
            print(rows[-1], flush=True)
            path.unlink()
    if options.markdown:
        head = [
            "| file | MB | times its size in memory | largest that is read | why more than 4 |",
            "|---|---|---|---|---|",
        ]
        put_between(options.markdown, "memory", [*head, *rows])
    return int(not within)


if __name__ == "__main__":
    sys.exit(main())
