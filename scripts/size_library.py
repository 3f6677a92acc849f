"""How large, slow and dear a library of millions gets: what was measured, and the arithmetic from there.

    python scripts/size_library.py --markdown docs/sizing.md
    python scripts/size_library.py --core-hour 0.02 --memory-gb-month 2 --disk-gb-month 0.05

Times and side files are read from the tables that the benches wrote into docs/scale.md. Bytes of a library
are measured here: motions (--source, else starter clips) are indexed into one, which is weighed. All grow in
proportion to the windows, for search compares each and a library keeps each. Money is what the options say
that a core, memory and disk cost; their defaults are examples, no quotes.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from bench_index import find_files

from motionary.bundle import load_bundle
from motionary.captions.facts_array import WIDTH
from motionary.index import index_files
from motionary.library import clip_ids, clip_info, open_library, read_embeddings

ROOT = Path(__file__).parents[1]
GB = 1e9
HOURS = 24 * 365 / 12
"""Of a month."""
COUNTS = (1_000_000, 10_000_000, 100_000_000)
MILVUS_GRAPH = 2 * 16 * 4
"""Bytes of an HNSW graph's links for each row, at M = 16: twice M on its lowest layer, of 4 bytes."""
MILVUS_FIELDS = 100
"""Bytes of a row's numbers and short texts that filters need, as an estimate."""


@dataclass(frozen=True)
class Constants:
    """What was measured. dims: numbers of an embedding. Of each window: seconds of mocap, clips, bytes of
    the library, bytes of side files, seconds of one core to index it, milliseconds to compare a query with
    it, seconds to open it for the first time. ray: Ray's clips a second over those of the plain way with as
    many workers; None where it was not measured. milvus_bytes: measured; None: the estimate."""

    dims: int
    mocap_s: float
    clips: float
    library_bytes: float
    side_bytes: float
    index_s: float
    search_ms: float
    first_open_s: float
    ray: float | None
    milvus_bytes: float | None


@dataclass(frozen=True)
class Prices:
    """Of a core for an hour, and of a GB of memory and of disk for a month."""

    core_hour: float
    memory_gb_month: float
    disk_gb_month: float


def section(text: str, name: str) -> str:
    """What stands between a bench's marks; SystemExit where there is nothing."""
    found = re.search(rf"<!-- {name} -->\n(.*?)<!-- end {name} -->", text, re.DOTALL)
    if found is None or not found[1].strip():
        raise SystemExit(f"docs/scale.md has no table between the marks of {name!r}: run its bench first")
    return found[1]


def row(table: str, first: str) -> list[float]:
    """The numbers of the row whose first cell is ``first``, a number a cell but where there are several."""
    for line in table.splitlines():
        cells = [cell.strip() for cell in line.strip("| ").split("|")]
        if cells[0] == first:
            return [
                float(number.replace(",", ""))
                for cell in cells[1:]
                for number in re.findall(r"\d[\d,]*(?:\.\d+)?", cell)
            ]
    raise SystemExit(f"docs/scale.md has no row {first!r}: run the bench that writes it")


def measured(scale: str, weighed: dict[str, Any], milvus: dict[str, Any] | None) -> Constants:
    """The constants, of docs/scale.md's text, of what was weighed, and of Milvus's bench."""
    dims = weighed["dims"]
    million = 1_000_000
    search = row(section(scale, "search"), f"1,000,000 x {dims}")
    opening = row(section(scale, "opening"), "1,000,000")  # seconds, MB; three times; MB of side files
    index = section(scale, "index")
    whole = re.search(r"([\d.]+) minutes of mocap, [\d,]+ MB, ([\d,]+) windows", index)
    if whole is None:
        raise SystemExit("docs/scale.md tells no windows of the indexing bench: run it first")
    windows = float(whole[2].replace(",", ""))
    return Constants(
        dims=dims,
        mocap_s=weighed["mocap_s"] / weighed["windows"],
        clips=weighed["clips"] / weighed["windows"],
        library_bytes=weighed["bytes"] / weighed["windows"],
        side_bytes=opening[-1] * 1e6 / million,
        index_s=row(index, "all")[0] / windows,
        search_ms=search[1] / million,
        first_open_s=opening[2] / million,
        ray=ray_share(scale),
        milvus_bytes=milvus["bytes"] / milvus["rows"] if milvus else None,
    )


def ray_share(scale: str) -> float | None:
    """Ray's clips a second over the plain way's, with the most workers that both were timed with."""
    found = re.search(r"<!-- ray -->\n(.*?)<!-- end ray -->", scale, re.DOTALL)
    rates: dict[str, dict[int, float]] = {"one machine": {}, "Ray": {}}
    for line in found[1].splitlines() if found else ():
        cells = [cell.strip() for cell in line.strip("| ").split("|")]
        if cells[0] in rates:
            rates[cells[0]][int(cells[1])] = float(cells[-1])
    both = set(rates["Ray"]) & set(rates["one machine"])
    return rates["Ray"][max(both)] / rates["one machine"][max(both)] if both else None


def weigh(source: Path | None, most: int, model: Path | None) -> dict[str, Any]:
    """A library of motions, weighed: bytes, windows, clips, seconds of mocap."""
    bundle = load_bundle(model)
    with tempfile.TemporaryDirectory() as name:
        folder, path = Path(name), Path(name, "weighed.motionary")
        files = find_files(source, folder, most)
        if not files:
            raise SystemExit(f"{source}: no BVH files there")
        with open_library(path, write=True) as library:
            report = index_files(files, library, bundle)
            held = read_embeddings(library)
            clips = [clip_info(library, clip) for clip in clip_ids(library)]
        if report.failures:
            raise SystemExit("\n".join(report.failures))
        return {
            "bytes": path.stat().st_size,
            "windows": len(held.vectors),
            "clips": len(clips),
            "mocap_s": sum(clip.duration for clip in clips),
            "dims": bundle.joint_dim,
        }


def sizes(found: Constants, windows: int) -> dict[str, float]:
    """What a library of so many windows takes."""
    # An embedding, its clip and span, and what was measured of it.
    held = 4 * found.dims + 8 + 16 + 4 * WIDTH
    milvus = found.milvus_bytes or 4 * found.dims + MILVUS_GRAPH + MILVUS_FIELDS
    return {
        "clips": windows * found.clips,
        "mocap_h": windows * found.mocap_s / 3600,
        "library_gb": windows * found.library_bytes / GB,
        "vectors_gb": windows * 4 * found.dims / GB,
        "memory_gb": windows * held / GB,
        "side_gb": windows * found.side_bytes / GB,
        "core_hours": windows * found.index_s / 3600,
        "search_ms": windows * found.search_ms,
        "first_open_s": windows * found.first_open_s,
        "milvus_gb": windows * milvus / GB,
    }


def money(size: dict[str, float], prices: Prices) -> dict[str, float]:
    """Of indexing once; then each month, of disk, of memory for exact search, and for Milvus."""
    return {
        "index": size["core_hours"] * prices.core_hour,
        "disk": (size["library_gb"] + size["side_gb"]) * prices.disk_gb_month,
        "exact": size["memory_gb"] * prices.memory_gb_month + HOURS * prices.core_hour,
        "milvus": size["milvus_gb"] * prices.memory_gb_month + HOURS * prices.core_hour,
    }


def short(number: float) -> str:
    """Three digits that count."""
    if number >= 1000:
        return f"{float(f'{number:.3g}'):,.0f}"
    return np.format_float_positional(float(f"{number:.3g}"), trim="-")


def told(found: Constants, prices: Prices, counts: Sequence[int]) -> list[str]:
    """The page's tables."""
    ray = "not measured" if found.ray is None else f"{found.ray:.2f}"
    milvus = (
        f"estimated: 4 x {found.dims} + {MILVUS_GRAPH} of an HNSW graph + {MILVUS_FIELDS} of fields"
        if found.milvus_bytes is None
        else "measured by scripts/bench_milvus.py"
    )
    each = sizes(found, 1)
    lines = [
        "| of each window | measured | by |",
        "|---|---|---|",
        f"| seconds of mocap | {found.mocap_s:.2f} | weighed here |",
        f"| clips | {found.clips:.3f} | weighed here |",
        f"| bytes of the library file, motion included | {found.library_bytes:,.0f} | weighed here |",
        f"| bytes of the embedding | {4 * found.dims:,} | 4 x {found.dims} numbers |",
        f"| bytes in memory | {each['memory_gb'] * GB:,.0f} | that, 8 clip, 16 span, 4 x {WIDTH} facts |",
        f"| bytes of side files | {found.side_bytes:,.0f} | bench_search.py, 1,000,000 |",
        f"| milliseconds of a core to index it | {found.index_s * 1000:.2f} | bench_index.py |",
        f"| nanoseconds of a core to search it | {found.search_ms * 1e6:.1f} | bench_search.py, 1,000,000 |",
        f"| microseconds to open it the first time | {found.first_open_s * 1e6:.1f} | bench_search.py, "
        "1,000,000 |",
        f"| Ray's rate over the plain way's, workers alike | {ray} | bench_ray.py |",
        f"| bytes in Milvus | {each['milvus_gb'] * GB:,.0f} | {milvus} |",
        "",
        "| windows | " + " | ".join(f"{count:,}" for count in counts) + " |",
        "|---|" + "---|" * len(counts),
    ]
    all_sizes = [sizes(found, count) for count in counts]
    names = {
        "clips": "clips",
        "mocap_h": "hours of mocap",
        "library_gb": "library file, GB",
        "side_gb": "side files, GB",
        "vectors_gb": "embeddings alone, GB",
        "memory_gb": "in memory, GB",
        "core_hours": "to index, core-hours",
        "search_ms": "exact search on one core, ms",
        "first_open_s": "to open the first time, s",
        "milvus_gb": "in Milvus, GB",
    }
    lines += [
        f"| {name} | " + " | ".join(short(size[key]) for size in all_sizes) + " |"
        for key, name in names.items()
    ]
    lines += [
        "",
        f"Money at {prices.core_hour:g} for a core-hour, {prices.memory_gb_month:g} for a GB of memory and "
        f"{prices.disk_gb_month:g} for a GB of disk a month:",
        "",
        "| windows | " + " | ".join(f"{count:,}" for count in counts) + " |",
        "|---|" + "---|" * len(counts),
    ]
    bills = [money(size, prices) for size in all_sizes]
    whats = {
        "index": "indexing, once",
        "disk": "library and side files on disk, a month",
        "exact": "exact search in memory and one core, a month",
        "milvus": "Milvus in memory and one core, a month",
    }
    lines += [
        f"| {what} | " + " | ".join(short(bill[key]) for bill in bills) + " |" for key, what in whats.items()
    ]
    size, bill, most = all_sizes[-1], bills[-1], counts[-1]
    return [
        *lines,
        "",
        f"The last column's arithmetic: {most:,} x {found.library_bytes:,.0f} bytes = "
        f"{short(size['library_gb'])} GB; {most:,} x {found.index_s * 1000:.2f} ms / 3,600,000 = "
        f"{short(size['core_hours'])} core-hours; "
        f"{most:,} x {found.search_ms * 1e6:.1f} ns = {short(size['search_ms'])} ms; "
        f"{short(size['core_hours'])} x {prices.core_hour:g} = {short(bill['index'])}; "
        f"{short(size['memory_gb'])} x {prices.memory_gb_month:g} + {HOURS:g} x {prices.core_hour:g} = "
        f"{short(bill['exact'])}.",
    ]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--source", type=Path, help="a folder of BVH files to weigh, instead of the starter clips"
    )
    parser.add_argument("--files", type=int, default=60, help="how many at most")
    parser.add_argument("--model", type=Path, help="a model bundle other than the built-in one")
    parser.add_argument("--scale", type=Path, default=ROOT / "docs" / "scale.md", help="the benches' page")
    parser.add_argument(
        "--milvus", type=Path, help='JSON with "rows" and their "bytes", as measured of a Milvus collection'
    )
    parser.add_argument("--core-hour", type=float, default=0.05, help="price of a core for an hour (0.05)")
    parser.add_argument(
        "--memory-gb-month", type=float, default=3.0, help="of a GB of memory for a month (3)"
    )
    parser.add_argument("--disk-gb-month", type=float, default=0.1, help="of a GB of disk for a month (0.1)")
    parser.add_argument("--windows", type=int, nargs="+", default=COUNTS, help="how many windows to tell of")
    parser.add_argument("--markdown", type=Path, help="write the tables between the marks of this file")
    options = parser.parse_args()
    found = measured(
        options.scale.read_text("utf-8"),
        weigh(options.source, options.files, options.model),
        json.loads(options.milvus.read_text("utf-8")) if options.milvus else None,
    )
    prices = Prices(options.core_hour, options.memory_gb_month, options.disk_gb_month)
    text = "\n".join(told(found, prices, options.windows))
    print(text)
    if options.markdown:
        begin, end = "<!-- sizing -->\n", "<!-- end sizing -->"
        head, rest = options.markdown.read_text("utf-8").split(begin)
        options.markdown.write_text(f"{head}{begin}{text}\n{end}{rest.split(end, 1)[1]}", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
