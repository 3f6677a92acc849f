"""Exact search beside FAISS and usearch, and opening a large library, in one run.

    pip install ".[bench]"                                    # faiss-cpu and usearch, to compare with
    python scripts/bench_search.py --markdown docs/scale.md   # a few minutes, 5 GB of memory, 3 GB of disk

Searching: the ten rows nearest to a query among unit vectors at random, by `motionary.ranking.cosines` as
search does it; by all that ranks a plain sentence (its facts, too), without embedding it; by FAISS
IndexFlatIP; and by usearch, exact. All have the same vectors, threads and query; they take turns, and the
quickest of each counts, for other programs only ever add to it. Memory is what each takes besides the
vectors. All must find the same rows; the exit code is 1 where they do not.

Opening: a library of as many made-up clips, each with a window and a caption; from opening the file until
its embeddings and words are there, in a process of its own each time.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from motionary.captions.facts_array import UNKNOWN  # noqa: E402
from motionary.library import Model, open_library, set_model  # noqa: E402
from motionary.query import parse_query  # noqa: E402
from motionary.ranking import Rows, cosines, score_rows  # noqa: E402
from scripts.measured_page import put_between  # noqa: E402

Floats: TypeAlias = NDArray[np.float32]
Find: TypeAlias = Callable[[], Sequence[int]]

TOP = 10
QUERY = "a person walks to the left"
SAID = (
    "walks runs jumps turns left right kicks sits stands waves dances forward backward slowly quickly arm "
    "leg hand ground chair steps spins crouches climbs throws catches picks up down around in circle"
)
MODEL = Model("m" * 64, "made up", 256)

OPENING = r"""
import json, re, sys, time
from pathlib import Path
from motionary import keywords, library
if sys.argv[2] == "without":
    library.LARGE = keywords.LARGE = 1 << 62
began = time.perf_counter()
with library.open_library(Path(sys.argv[1])) as held:
    rows = len(held.embeddings.clips)
    words = len(held.keywords.clips)
    seconds = time.perf_counter() - began
status = Path("/proc/self/status")  # getrusage would tell what the calling process held
peak = int(re.search(r"VmHWM:\s*(\d+)", status.read_text())[1]) * 1024 if status.exists() else 0
print(json.dumps([seconds, peak, rows, words]))
"""


def unit_rows(count: int, dim: int, seed: int = 0) -> Floats:
    """(count, dim) unit rows at random."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((count, dim), dtype=np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def best(scores: Floats) -> Sequence[int]:
    """The TOP highest, the highest first: what search does with its scores."""
    bar = np.partition(scores, -TOP)[-TOP]
    reach = np.flatnonzero(scores >= bar)
    return [int(row) for row in reach[np.argsort(-scores[reach], kind="stable")][:TOP]]


def ours(vectors: Floats, query: Floats) -> dict[str, Find]:
    count = len(vectors)
    facts = np.broadcast_to(UNKNOWN, (count, len(UNKNOWN)))
    rows = Rows(vectors, facts, np.arange(count), np.tile([0.0, 3.0], (count, 1)))
    asked = parse_query(QUERY)

    def embed(texts: list[str]) -> Floats:
        return np.tile(query, (len(texts), 1))

    return {
        "nearest": lambda: best(cosines(vectors, query)),
        "ranking": lambda: best(score_rows(asked, embed, rows)),
        "v @ q": lambda: best(vectors @ query),
    }


def others(vectors: Floats, query: Floats, threads: int) -> dict[str, Find]:
    """FAISS and usearch, where they are installed."""
    found: dict[str, Find] = {}
    try:
        import faiss
    except ImportError:
        print('FAISS is not installed (pip install ".[bench]"): left out', file=sys.stderr)
    else:
        faiss.omp_set_num_threads(threads)
        index = faiss.IndexFlatIP(vectors.shape[1])
        index.add(vectors)
        found["FAISS"] = lambda: index.search(query[None], TOP)[1][0].tolist()
    try:
        from usearch.index import MetricKind
        from usearch.index import search as usearch_search
    except ImportError:
        print('usearch is not installed (pip install ".[bench]"): left out', file=sys.stderr)
    else:
        found["usearch"] = lambda: usearch_search(
            vectors, query, TOP, metric=MetricKind.IP, exact=True, threads=threads
        ).keys.tolist()
    return found


def resident() -> int:
    """Bytes that this process holds; 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def peak_of(find: Find) -> int:
    """The most that numpy allocates meanwhile, in bytes."""
    tracemalloc.start()
    find()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def bench_search(count: int, dim: int, threads: int, repeats: int) -> dict[str, Any]:
    vectors = unit_rows(count, dim)
    query = unit_rows(1, dim, seed=1)[0] + vectors[count // 3]
    query /= np.linalg.norm(query)
    ways = ours(vectors, query)
    memory = {name: peak_of(find) for name, find in ways.items()}
    before = resident()
    compared = others(vectors, query, threads)
    memory["FAISS"] = max(resident() - before, 0)
    ways |= compared
    answers = {name: find() for name, find in ways.items()}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, find in ways.items():
            began = time.perf_counter()
            find()
            seconds[name].append(time.perf_counter() - began)
    return {
        "rows": count,
        "dim": dim,
        "seconds": {name: min(times) for name, times in seconds.items()},
        "memory": memory,
        "equal": all(answer == answers["nearest"] for answer in answers.values()),
    }


def make_library(path: Path, count: int) -> None:
    """A library of ``count`` clips of one window each, with everything but motions."""
    rng, words = np.random.default_rng(0), SAID.split()
    facts = UNKNOWN.tobytes()
    with open_library(path, write=True) as library:
        set_model(library, MODEL)
        connection = library.connection
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        connection.execute("INSERT INTO skeletons VALUES (1, '', '{}')")
        for first in range(1, count + 1, 10_000):
            ids = range(first, min(first + 10_000, count + 1))
            said = rng.integers(0, len(words), (len(ids), 6)).tolist()
            texts = [f"a person {' '.join(words[number] for number in row)}" for row in said]
            vectors = unit_rows(len(ids), MODEL.joint_dim, seed=first)
            for sql, rows in (
                ("sources VALUES (?, ?, 1, 1, '', '')", ((i, f"/{i // 1000}/take_{i:07}.bvh") for i in ids)),
                ("motions VALUES (?, ?, 1, 30.0, x'00')", ((i, i) for i in ids)),
                ("clips VALUES (?, ?, ?, 0, 90)", ((i, i, f"take_{i:07}") for i in ids)),
                ("captions VALUES (?, 0, ?)", zip(ids, texts, strict=True)),
                (
                    "embeddings VALUES (?, 1, ?, 0.0, 3.0, ?, ?)",
                    ((i, i, row.tobytes(), facts) for i, row in zip(ids, vectors, strict=True)),
                ),
            ):
                connection.executemany(f"INSERT INTO {sql}", rows)
        connection.execute("COMMIT")


def opened(path: Path, how: str) -> tuple[float, int]:
    """Seconds, and the most bytes that the process held."""
    told = subprocess.run(
        [sys.executable, "-c", OPENING, str(path), how], check=True, capture_output=True, text=True
    )
    seconds, peak, _, _ = json.loads(told.stdout)
    return seconds, peak


def bench_opening(count: int, folder: Path) -> dict[str, Any]:
    path = folder / f"{count}.motionary"
    make_library(path, count)
    without = opened(path, "without")
    first = opened(path, "with")
    again = min(opened(path, "with") for _ in range(3))
    sides = sum(side.stat().st_size for side in folder.glob(f"{path.name}-*"))
    found = {"rows": count, "without": without, "first": first, "again": again, "side_bytes": sides}
    for file in folder.glob(f"{path.name}*"):
        file.unlink()
    return found


def search_table(found: Sequence[dict[str, Any]], threads: int) -> list[str]:
    names = list(dict.fromkeys(name for each in found for name in each["seconds"]))
    lines = [f"Milliseconds, threads: {threads}; numpy {np.__version__}.", ""]
    lines.append(f"| rows x numbers | {' | '.join(names)} | ours / faster of the two | same rows |")
    lines.append("|---|" + "---|" * (len(names) + 2))
    for each in found:
        times = each["seconds"]
        rivals = [times[name] for name in ("FAISS", "usearch") if name in times]
        ratio = f"{times['nearest'] / min(rivals):.2f}" if rivals else "-"
        cells = " | ".join(f"{times[name] * 1e3:.2f}" if name in times else "-" for name in names)
        lines.append(
            f"| {each['rows']:,} x {each['dim']} | {cells} | {ratio} | {'yes' if each['equal'] else 'NO'} |"
        )
    last = found[-1]
    lines += [
        "",
        f"Memory besides the vectors' {last['rows'] * last['dim'] * 4 / 1e6:,.0f} MB, at {last['rows']:,} x "
        f"{last['dim']}: nearest {last['memory']['nearest'] / 1e6:.0f} MB, ranking "
        f"{last['memory']['ranking'] / 1e6:.0f} MB, FAISS {last['memory']['FAISS'] / 1e6:,.0f} MB (a copy of "
        "them).",
    ]
    return lines


def opening_table(found: Sequence[dict[str, Any]]) -> list[str]:
    lines = [
        "| clips | without side files | first time, making them | after that | side files |",
        "|---|---|---|---|---|",
    ]
    for each in found:
        cells = " | ".join(
            f"{each[how][0]:.3f} s, {each[how][1] / 1e6:,.0f} MB" for how in ("without", "first", "again")
        )
        lines.append(f"| {each['rows']:,} | {cells} | {each['side_bytes'] / 1e6:,.0f} MB |")
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--dims", type=int, nargs="+", default=[256, 384])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--only", choices=["search", "opening"])
    parser.add_argument("--folder", type=Path, help="where the libraries are made, instead of the system's")
    parser.add_argument("--markdown", type=Path, help="write the tables between the marks of this file")
    parser.add_argument("--json", type=Path, help="write the numbers to this file, too")
    options = parser.parse_args()
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        if os.environ.get(variable) != str(options.threads):  # which are read when numpy is loaded
            threads = dict.fromkeys(
                ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(options.threads)
            )
            return subprocess.run([sys.executable, *sys.argv], env=os.environ | threads).returncode
    tables: dict[str, list[str]] = {}
    numbers: dict[str, Any] = {}
    if options.only != "opening":
        numbers["search"] = [
            bench_search(count, dim, options.threads, options.repeats)
            for dim in options.dims
            for count in options.rows
        ]
        tables["search"] = search_table(numbers["search"], options.threads)
        print("\n".join(tables["search"]), flush=True)
    if options.only != "search":
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            numbers["opening"] = [bench_opening(count, Path(folder)) for count in options.rows]
        tables["opening"] = opening_table(numbers["opening"])
        print("\n".join(tables["opening"]))
    for mark, lines in tables.items():
        if options.markdown:
            put_between(options.markdown, mark, lines)
    if options.json:
        options.json.write_text(json.dumps(numbers, indent=1) + "\n", "utf-8")
    return int(not all(each["equal"] for each in numbers.get("search", [])))


if __name__ == "__main__":
    sys.exit(main())
