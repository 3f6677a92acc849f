"""Draw what the built-in model knows: docs/model/similarity.png, map.png, queries.png and reliability.png.

    python scripts/picture_model.py --data ../shared/data

The clips are the captioned CMU clips of HumanML3D. The matrix holds those of its val and test splits, which
no shipped model has learnt from; the map and the queries hold all of them, and a frame marks what was not
learnt from. The map is t-SNE (van der Maaten and Hinton, 2008) of the embeddings, coloured by the commonest
action verb of each clip's captions. How sure answers are is drawn from what calibrate_search.py found.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.manifold import TSNE

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from motionary.bundle import ModelBundle, load_bundle  # noqa: E402
from motionary.confidence import CONSTANTS  # noqa: E402
from motionary.features import motion_features  # noqa: E402
from motionary.files import replacing  # noqa: E402
from motionary.motion import Motion  # noqa: E402
from motionary.pose_strip import pose_strip  # noqa: E402
from motionary_training.figures import reliability_figure, similarity_figure, write_png  # noqa: E402
from motionary_training.sources.cuts import Cut  # noqa: E402
from scripts.captioned_cmu import captioned_clips  # noqa: E402
from scripts.data_options import data_parser  # noqa: E402

Vectors: TypeAlias = NDArray[np.float32]

QUERIES = (
    "a person walks forward",
    "someone runs",
    "a person dances",
    "a man kicks",
    "a person climbs up",
    "somebody jumps up and down",
    "a person waves",
    "a basketball player dribbles a ball",
    "a person sits down",
    "a boxer throws punches",
)
FOUND = 5
COLOURED = 9
"""Verbs that have a colour on the map; clips of the rest are grey."""
STRIP = (288, 72)
"""Pixels of a strip of poses."""


def draw_map(path: Path, cuts: Sequence[Cut], vectors: Vectors) -> None:
    """The clips as points, near where their embeddings are."""
    counts = Counter(verb for cut in cuts for verb in cut.actions)
    common = [verb for verb, _ in counts.most_common(COLOURED)]
    of = [max(cut.actions, key=lambda verb: counts[verb], default="") for cut in cuts]
    places = TSNE(metric="cosine", perplexity=20, init="pca", random_state=0).fit_transform(vectors)
    figure = Figure(figsize=(8, 6), dpi=110, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    unseen = np.array([cut.split != "train" for cut in cuts])
    for number, verb in enumerate([*common, ""]):
        here = np.array([one == verb if verb else one not in common for one in of])
        colour = f"C{number}" if verb else "0.75"
        axes.scatter(*places[here].T, s=22, color=colour, label=verb or "other", linewidths=0)
    axes.scatter(
        *places[unseen].T, s=40, facecolors="none", edgecolors="black", linewidths=0.6, label="unseen"
    )
    axes.set_xticks([])
    axes.set_yticks([])
    axes.legend(fontsize="small", ncols=2, frameon=False)
    with replacing(path) as temporary:
        canvas.print_png(temporary)  # type: ignore[no-untyped-call]


def draw_queries(
    path: Path, cuts: Sequence[Cut], motions: Sequence[Motion], vectors: Vectors, model: ModelBundle
) -> None:
    """A row for each query: strips of what comes first, with its first caption."""
    figure = Figure(figsize=(3.0 * FOUND, 1.35 * len(QUERIES)), dpi=80, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    for row, (query, asked) in enumerate(zip(QUERIES, model.embed_texts(QUERIES), strict=True)):
        for column, number in enumerate(np.argsort(-(vectors @ asked), kind="stable")[:FOUND]):
            axes = figure.add_subplot(len(QUERIES), FOUND, row * FOUND + column + 1)
            picture = pose_strip(motions[number], 6, STRIP)[::-1]
            axes.imshow(np.clip(picture[..., :3] + 1 - picture[..., 3:], 0, 1))  # on white
            axes.set_xticks([])
            axes.set_yticks([])
            told = cuts[number].captions[0]
            axes.set_xlabel(told if len(told) < 50 else told[:49] + "…", fontsize=7)
            axes.spines[:].set_color("0.2" if cuts[number].split != "train" else "0.9")
            if column == 0:
                axes.set_title(query, fontsize=10, loc="left")
    with replacing(path) as temporary:
        canvas.print_png(temporary)  # type: ignore[no-untyped-call]


def main() -> int:
    parser = data_parser(__doc__)
    parser.add_argument("--cache", type=Path, default=Path("build/cache"), help="folder of what is unpacked")
    parser.add_argument("--model", type=Path, help="a model bundle other than the built-in one")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "model", help="folder of the pictures")
    options = parser.parse_args()
    model = load_bundle(options.model)
    options.out.mkdir(parents=True, exist_ok=True)
    cuts, motions = captioned_clips(options.data, options.cache)
    vectors = model.embed_features([motion_features(motion) for motion in motions])
    unseen = [number for number, cut in enumerate(cuts) if cut.split != "train"]
    texts = model.embed_texts([cuts[number].captions[0] for number in unseen])
    write_png(options.out / "similarity.png", [similarity_figure(texts @ vectors[unseen].T, model.name)])
    curve = json.loads(CONSTANTS.read_text("utf-8"))["held_out"]["reliability"]
    columns = ([point[name] for point in curve] for name in ("said", "right", "questions"))
    write_png(options.out / "reliability.png", [reliability_figure(*columns)])
    draw_map(options.out / "map.png", cuts, vectors)
    draw_queries(options.out / "queries.png", cuts, motions, vectors, model)
    return 0


if __name__ == "__main__":
    sys.exit(main())
