"""Find animations that no model has learnt from by their names: mesh2motion's 87, one sentence each.

    motionary-train train default && motionary-train export runs/default-1234 --out build/unseen
    python scripts/bench_names.py --model build/unseen --data ../shared/data --markdown docs/model.md

The model is one that never saw them: the built-in one has learnt from them, too (configs/shipped.toml).
Blender reads the glTF files; each name is asked for as the sentence that scripts/mesh2motion_sentences.toml
has for it, by cosine alone, and every clip with that sentence is right. T-poses, and poses of a fifth of a
second, are among the clips as they are. Chance is the expectation of a random order.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from motionary.bundle import load_bundle  # noqa: E402
from motionary.library import clip_ids, clip_info, open_library, read_embeddings  # noqa: E402
from scripts.data_options import data_parser  # noqa: E402
from scripts.measured_page import put_between  # noqa: E402
from scripts.mesh2motion import indexed, sentences  # noqa: E402

Floats: TypeAlias = NDArray[np.floating]

CUTS = (1, 5, 10)


def scores(archive: Path, folder: Path, model: Path | None) -> tuple[list[str], Floats]:
    """The sentence of each clip (N,), and (N, N) the best cosine of sentence i with any moment of clip j."""
    told = sentences()
    with open_library(indexed(archive, folder, model)) as library:
        clips = list(clip_ids(library))
        asked = [told[clip_info(library, clip).name] for clip in clips]
        embeddings = read_embeddings(library)
    cosines = load_bundle(model).embed_texts(asked) @ embeddings.vectors.T
    best = np.stack([cosines[:, embeddings.clips == clip].max(axis=1) for clip in clips], axis=1)
    return asked, best


def ranks(asked: list[str], best: Floats) -> tuple[NDArray[np.int64], Floats]:
    """(N,) rank, from 0, of the first right clip of each question, and of how many (N,) are right."""
    same = np.array([[one == other for other in asked] for one in asked])
    top = np.where(same, best, -np.inf).max(axis=1)
    return ((best > top[:, None]) & ~same).sum(axis=1), same.sum(axis=1)


def chance(count: int, right: Floats, cut: int) -> float:
    """The share of questions with one of their ``right`` clips among the first ``cut`` of a random order."""
    missed = [np.prod([(count - int(n) - place) / (count - place) for place in range(cut)]) for n in right]
    return float(1 - np.mean(missed))


def main() -> int:
    parser = data_parser(__doc__)
    parser.add_argument("--model", type=Path, help="a model bundle other than the built-in one")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table into this page too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asked, best = scores(options.data / "mesh2motion.zip", Path(folder), options.model)
    rank, right = ranks(asked, best)
    cells = [f"{100 * (rank < cut).mean():.1f}" for cut in CUTS]
    by_chance = [f"{100 * chance(len(asked), right, cut):.1f}" for cut in CUTS]
    lines = [
        f"| {len(asked)} clips | {' | '.join(f'R@{cut}' for cut in CUTS)} | MedR |",
        "|---|---|---|---|---|",
        f"| chance | {' | '.join(by_chance)} | |",
        f"| the model | {' | '.join(cells)} | {np.median(rank) + 1:.0f} |",
    ]
    if options.markdown is not None:
        put_between(options.markdown, "names", lines)
    print("\n".join(lines))
    missed = sorted(zip(rank.tolist(), asked, strict=True), reverse=True)[:10]
    print("furthest off:", "; ".join(f"{sentence} ({place + 1})" for place, sentence in missed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
