"""What a smaller text encoder costs: the model packed in float32, float16 and int8, and what each then finds.

    python scripts/bench_text_precision.py --data ../shared/data --markdown docs/model.md

Every caption of every captioned CMU clip is embedded by each, the motions once. Cosines are to float32, of
the text encoder's own vectors and of those of the joint space. Recall is text to motion under STRICT: a
caption asks for its own clip among all. "another first hit" is the share of captions that another clip comes
first for than with float32. Times are of the processor, so that other programs are not in them: loading is
the quickest of several, checksums included; a caption's is the median of captions asked one by one. All
precisions compute in float32, so only size and loading differ.
"""

from __future__ import annotations

import io
import sys
import tempfile
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from motionary.bundle import ModelBundle, load_bundle, pack_bundle  # noqa: E402
from motionary.features import motion_features  # noqa: E402
from motionary.nn import unit_rows  # noqa: E402
from motionary.text_encoder import encode_texts  # noqa: E402
from motionary.weight_precision import PRECISIONS  # noqa: E402
from motionary_training.metrics import Embedded, measured  # noqa: E402
from motionary_training.protocols import Asked, answers  # noqa: E402
from scripts.captioned_cmu import captioned_clips  # noqa: E402
from scripts.data_options import data_parser  # noqa: E402
from scripts.measured_page import put_between  # noqa: E402

Rows: TypeAlias = NDArray[np.float32]

LOADS = 5
ALONE = 50
"""Captions that are timed one by one, the first of all."""


@dataclass(frozen=True, eq=False)
class Found:
    """What a packed model gives. sentences (C, W), joint (C, D): unit vectors of the captions. size, zipped:
    bytes of the text encoder's weights, and of those in a zip. load_s, caption_s: seconds of
    the processor."""

    sentences: Rows
    joint: Rows
    size: int
    zipped: int
    load_s: float
    caption_s: float


def found_by(folder: Path, captions: Sequence[str]) -> Found:
    weights = folder / "text" / "model.safetensors"
    loading, asking = list[float](), list[float]()
    for _ in range(LOADS):
        model = load_bundle(folder)
        began = time.process_time()
        encoder = model.text_encoder
        loading.append(time.process_time() - began)
    for caption in captions[:ALONE]:
        began = time.process_time()
        model.embed_texts([caption])
        asking.append(time.process_time() - began)
    states = encode_texts(encoder, captions, pooling=model.text.pooling, max_tokens=model.text.max_tokens)
    return Found(
        unit_rows(states),
        model.embed_texts(captions),
        weights.stat().st_size,
        zipped(weights),
        min(loading),
        float(np.median(asking)),
    )


def zipped(path: Path) -> int:
    """Bytes that a file takes in a zip such as the extension's."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.write(path)
        return archive.infolist()[0].compress_size


def recalls(texts: Rows, motions: Rows, owner: NDArray[np.int64]) -> dict[str, float]:
    """STRICT, in per cent, by measure. owner: (C,) the clip of each caption."""
    # STRICT asks neither for actions nor for which sentences are alike.
    asked = Asked(
        owner,
        np.arange(len(owner)),
        texts,
        np.zeros((len(motions), 0), np.float32),
        np.ones(len(motions), bool),
    )
    return measured(answers("STRICT", Embedded(texts, motions), asked))


def table(found: dict[str, Found], motions: Rows, owner: NDArray[np.int64]) -> list[str]:
    """The page's lines. The first of ``found`` is what the others are compared with."""
    exact = next(iter(found.values()))
    lines = [
        f"{len(owner)} captions of {len(motions)} clips.",
        "",
        "| weights | MB | in a zip | cosine of sentences, lowest | in the joint space, lowest | R@1 | R@10 "
        "| another first hit | loading | a caption |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, one in found.items():
        cosines = [
            np.sum(a * b, axis=1) for a, b in ((one.sentences, exact.sentences), (one.joint, exact.joint))
        ]
        recall = recalls(one.joint, motions, owner)
        first, before = (np.argmax(rows @ motions.T, axis=1) for rows in (one.joint, exact.joint))
        cells = [
            name,
            f"{one.size / 1e6:.1f}",
            f"{one.zipped / 1e6:.1f}",
            *(f"{each.mean():.5f}, {each.min():.5f}" for each in cosines),
            f"{recall['t2m R@1']:.1f}",
            f"{recall['t2m R@10']:.1f}",
            f"{100 * np.mean(first != before):.1f} %",
            f"{one.load_s:.2f} s",
            f"{1000 * one.caption_s:.1f} ms",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def packed(model: ModelBundle, folder: Path, captions: Sequence[str]) -> dict[str, Found]:
    """What each precision gives, packed below ``folder``."""
    return {
        precision: found_by(pack_bundle(model.folder, folder / precision, precision=precision), captions)
        for precision in PRECISIONS
    }


def main() -> int:
    parser = data_parser(__doc__)
    parser.add_argument("--cache", type=Path, default=Path("build/cache"), help="folder of what is unpacked")
    parser.add_argument("--model", type=Path, help="a model bundle other than the built-in one")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table into this page too")
    options = parser.parse_args()
    model = load_bundle(options.model)
    cuts, clips = captioned_clips(options.data, options.cache)
    motions = model.embed_features([motion_features(clip) for clip in clips])
    captions = [caption for cut in cuts for caption in cut.captions]
    owner = np.repeat(np.arange(len(cuts)), [len(cut.captions) for cut in cuts])
    with tempfile.TemporaryDirectory() as folder:
        lines = table(packed(model, Path(folder), captions), motions, owner)
    if options.markdown is not None:
        put_between(options.markdown, "text precision", lines)
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
