"""Search by a Milvus collection, held against exact search of the same library, in one run.

    pip install "motionary[scale]"
    python scripts/bench_milvus.py --markdown docs/scale.md --json docs/sizing/milvus.json

The library is made for this: as many windows as ``--rows``, each a mixture of two windows of ``--source``, a
library of real clips (the starter clips, if none is given), with a little noise, and with the facts, captions
and tags of the one that counts most. The queries are sentences of our own captions, one in five with a second
step and one in five with what is not wanted; the filters take turns. Milvus is Milvus Lite, in this process,
with each kind of index.

Recall is how many of the ten clips that exact search has are among the ten by Milvus. Embedding a query is
the same for both, and not timed. The exit code is 1 where recall is less than 0.99, with filters or without.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from motionary.bundle import load_bundle  # noqa: E402
from motionary.candidates import chosen_by  # noqa: E402
from motionary.captions.grammar import sentences  # noqa: E402
from motionary.filters import Filter, rows_that_pass  # noqa: E402
from motionary.index import index_files  # noqa: E402
from motionary.library import Library, clip_ids, clip_info, open_library, set_model  # noqa: E402
from motionary.search import Hit, search  # noqa: E402
from motionary.starter import write_starter  # noqa: E402
from motionary_scale.milvus import KINDS, finder  # noqa: E402
from motionary_scale.milvus_fill import fill_index  # noqa: E402
from scripts.measured_page import put_between  # noqa: E402

ENOUGH = 0.99
TOP = 10
NOISE = 0.02
"""Of each number of a unit vector: what makes two mixtures of the same windows differ."""
FILTERS = (
    Filter(max_s=4.0),
    Filter(min_s=3.0, tags=("walk",)),
    Filter(min_distance=1.0),
    Filter(hand="left"),
    Filter(source="shelf_7/"),
    Filter(loops=True, max_distance=2.0),
)


@dataclass
class Texts:
    """A model bundle that embeds each text once, so that only searching is timed."""

    bundle: Any
    known: dict[str, NDArray[np.float32]] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The bundle's."""
        return str(self.bundle.id)

    @property
    def name(self) -> str:
        """The bundle's."""
        return str(self.bundle.name)

    def embed_texts(self, texts: list[str]) -> NDArray[np.float32]:
        """(N, D) unit rows."""
        new = [text for text in dict.fromkeys(texts) if text not in self.known]
        if new:
            self.known.update(zip(new, self.bundle.embed_texts(new), strict=True))
        return np.stack([self.known[text] for text in texts])


def make_source(folder: Path, bundle: Any) -> Path:
    """A library of the starter clips."""
    path = folder / "starter.motionary"
    write_starter(folder / "starter")
    with open_library(path, write=True) as library:
        index_files([folder / "starter"], library, bundle)
    return path


def make_library(path: Path, source: Library, rows: int) -> int:
    """A library of ``rows`` windows, or a few more, and no motions; how many they are."""
    rng = np.random.default_rng(0)
    held, model = source.embeddings, source.model
    if model is None:
        raise SystemExit(f"bench_milvus.py: {source.path} has no clips")
    infos = [clip_info(source, clip) for clip in clip_ids(source)]
    windows = [np.flatnonzero(held.clips == info.id) for info in infos]
    infos, windows = zip(*((i, w) for i, w in zip(infos, windows, strict=True) if len(w)), strict=True)
    made = 0
    with open_library(path, write=True) as library:
        set_model(library, model)
        execute = library.connection.execute
        execute("PRAGMA synchronous = OFF")
        execute("BEGIN")
        execute("INSERT INTO skeletons VALUES (1, '', '{}')")
        clip = 0
        while made < rows:
            clip += 1
            of = int(rng.integers(len(infos)))
            info, own = infos[of], windows[of]
            others = rng.integers(len(held.clips), size=len(own))
            share = rng.uniform(0.6, 1.0)
            mixed = share * held.vectors[own] + (1 - share) * held.vectors[others]
            mixed += NOISE * rng.standard_normal(mixed.shape)
            mixed /= np.linalg.norm(mixed, axis=1, keepdims=True)
            execute(
                "INSERT INTO sources VALUES (?, ?, 1, 1, '', '')",
                (clip, f"/shelf_{clip % 50}/{clip}_{info.name}.bvh"),
            )
            execute("INSERT INTO motions VALUES (?, ?, 1, ?, x'00')", (clip, clip, info.fps))
            execute(
                "INSERT INTO clips VALUES (?, ?, ?, 0, ?)", (clip, clip, f"{info.name}_{clip}", info.frames)
            )
            for table, texts in (("captions", info.captions), ("tags", info.tags)):
                for place, text in enumerate(texts):
                    execute(f"INSERT INTO {table} VALUES (?, ?, ?)", (clip, place, text))  # noqa: S608
            for row, vector in zip(own.tolist(), mixed.astype("<f4"), strict=True):
                execute(
                    "INSERT INTO embeddings (model, clip, start_s, end_s, vector, facts) "
                    "VALUES (1, ?, ?, ?, ?, ?)",
                    (clip, *held.spans[row].tolist(), vector.tobytes(), held.facts[row].tobytes()),
                )
            made += len(own)
        execute("COMMIT")
    return made


def make_queries(count: int) -> list[str]:
    """Sentences, some of two steps, some with what is not wanted."""
    rng = np.random.default_rng(1)
    known = sorted({sentence.text for sentence in sentences()})
    picked = [known[at] for at in rng.choice(len(known), count, replace=False)]
    unwanted = ("left", "slowly", "forward", "hand")
    return [
        f"{text}, then {known[int(rng.integers(len(known)))]}"
        if number % 5 == 3
        else f"{text} -{unwanted[number % 4]}"
        if number % 5 == 4
        else text
        for number, text in enumerate(picked)
    ]


def recall(exact: Sequence[Hit], found: Sequence[Hit]) -> float:
    wanted = {hit.clip for hit in exact}
    return len(wanted & {hit.clip for hit in found}) / len(wanted) if wanted else 1.0


def size_of(path: Path) -> int:
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def bench_kind(
    library: Library, texts: Texts, queries: Sequence[str], kind: str, folder: Path
) -> dict[str, Any]:
    """A collection with one kind of index: how long it takes to fill, how large it is, and what it finds."""
    data = folder / f"{kind}.db"
    began = time.perf_counter()
    filled = fill_index(library, f"milvus+lite:{data}?kind={kind}")
    result: dict[str, Any] = {"kind": kind, "rows": filled.added, "fill_s": time.perf_counter() - began}
    began = time.perf_counter()
    fill_index(library, f"milvus+lite:{data}?kind={kind}")
    result |= {"again_s": time.perf_counter() - began, "bytes": size_of(data)}
    with finder(f"milvus+lite:{data}", library) as found:
        for name, filters in (("plain", (Filter(),)), ("filtered", FILTERS)):
            recalls: list[float] = []
            seconds: dict[str, list[float]] = {"exact": [], "milvus": []}
            for number, query in enumerate(queries):
                wanted = filters[number % len(filters)]
                texts.embed_texts([query])
                began = time.perf_counter()
                exact = search(library, texts, query, TOP, among=rows_that_pass(library, wanted))
                seconds["exact"].append(time.perf_counter() - began)
                choose = chosen_by(library, found.nearest, wanted)
                began = time.perf_counter()
                near = search(library, texts, query, TOP, choose=choose)
                seconds["milvus"].append(time.perf_counter() - began)
                recalls.append(recall(exact, near))
            result[name] = {
                "recall": float(np.mean(recalls)),
                "least": min(recalls),
                **{f"{way}_ms": percentiles(times) for way, times in seconds.items()},
            }
    return result


def percentiles(seconds: Iterable[float]) -> list[float]:
    """The 50th and the 95th, in milliseconds."""
    return [float(value) for value in np.percentile(1e3 * np.array(list(seconds)), [50, 95])]


def table(found: Sequence[dict[str, Any]], queries: int, library_bytes: int) -> list[str]:
    rows = found[0]["rows"]
    lines = [
        f"{rows:,} windows, {queries} queries, each without a filter and with one; Milvus Lite. The library "
        f"has {library_bytes / 1e6:,.0f} MB, without motions.",
        "",
        "| index | recall@10 | worst query | with filters | worst query | ms, median and 95% | with filters "
        "| exact, ms | filling | again, nothing new | bytes a window |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for each in found:
        plain, filtered = each["plain"], each["filtered"]
        milvus = [f"{how['milvus_ms'][0]:,.0f}, {how['milvus_ms'][1]:,.0f}" for how in (plain, filtered)]
        lines.append(
            f"| {each['kind']} | {plain['recall']:.4f} | {plain['least']:.1f} | {filtered['recall']:.4f} "
            f"| {filtered['least']:.1f} | {' | '.join(milvus)} | {plain['exact_ms'][0]:,.0f} "
            f"| {each['fill_s']:,.0f} s | {each['again_s']:,.0f} s | {each['bytes'] / each['rows']:,.0f} |"
        )
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--source", type=Path, metavar="LIB", help="a library whose windows are mixed")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--kinds", nargs="+", choices=[*KINDS], default=[*KINDS])
    parser.add_argument("--folder", type=Path, help="where all is made, instead of the system's")
    parser.add_argument("--markdown", type=Path, help="write the table between the marks of this file")
    parser.add_argument("--json", type=Path, help="write the numbers to this file, too")
    options = parser.parse_args()
    bundle = load_bundle(None)
    texts, queries = Texts(bundle), make_queries(options.queries)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        with open_library(options.source or make_source(folder, bundle)) as source:
            made = make_library(folder / "mixed.motionary", source, options.rows)
        print(f"a library of {made:,} windows", file=sys.stderr)
        found = []
        with open_library(folder / "mixed.motionary") as library:
            library_bytes = library.path.stat().st_size
            search(library, texts, queries[0], TOP)  # what is read once is read
            for kind in options.kinds:
                found.append(bench_kind(library, texts, queries, kind, folder))
                print(json.dumps(found[-1]), file=sys.stderr)
    lines = table(found, options.queries, library_bytes)
    print("\n".join(lines))
    if options.markdown:
        put_between(options.markdown, "milvus", lines)
    if options.json:
        numbers = {"rows": found[0]["rows"], "bytes": found[0]["bytes"], "kinds": found}
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(numbers, indent=1) + "\n", "utf-8")
    return int(min(each[how]["recall"] for each in found for how in ("plain", "filtered")) < ENOUGH)


if __name__ == "__main__":
    sys.exit(main())
