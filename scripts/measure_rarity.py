"""Count how often what each action of the grammar asks for is met: backend/motionary/captions/rarity.json.

    python scripts/measure_rarity.py --data ../shared/data

An action that asks for much and finds it has more to be said for it than one that would fit any clip. So a
caption is ranked by how rarely its action's needs and signs are met, too: in CMU's trials, cut into pieces of
six seconds, and in the starter clips. Nothing of what people said of these clips is used. Run it after a
change to grammar.toml, claims.py, measure.py or signs.py.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from bench_captions import library
from numpy.typing import NDArray

from motionary.captions.claims import Claims, bearings
from motionary.captions.grammar import sentences
from motionary.captions.measure import Facts, measure_joints, thinned_joints
from motionary.captions.signs import signs_of
from motionary.errors import MotionaryError
from motionary.files import replacing
from motionary.library import clip_ids, clip_motion, open_library
from motionary.motion import Motion
from motionary.starter import starter_clips

OUT = Path("backend/motionary/captions/rarity.json")
PIECE_S = 6.0


def pieces(motion: Motion) -> Iterator[tuple[NDArray[np.float64], float]]:
    """Joints (T, 22, 3) of one piece after the other, and their rate; what is over counts with the last."""
    joints, fps = thinned_joints(motion)
    length = round(PIECE_S * fps)
    for start in range(0, max(len(joints) - length // 2, 1), length):
        last = start + length + length // 2 >= len(joints)
        yield joints[start : None if last else start + length], fps


def met_by(facts: Facts, signs: frozenset[str], asked: dict[tuple[Claims, object], set[str]]) -> set[str]:
    """The actions of which some sentence is true."""
    listed = list(asked)
    borne = bearings([claims for claims, _ in listed], facts)
    found: set[str] = set()
    for (claims, shows), there in zip(listed, borne, strict=True):
        if there is not None and all(signs.intersection(entry) for entry in shows):  # type: ignore[attr-defined]
            found |= asked[claims, shows]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the CMU zips")
    options = parser.parse_args()
    asked: dict[tuple[Claims, object], set[str]] = {}
    for sentence in sentences():
        asked.setdefault((sentence.claims, sentence.shows), set()).add(sentence.action)
    met: Counter[str] = Counter({sentence.action: 0 for sentence in sentences()})
    clips = 0

    def take(motion: Motion) -> None:
        nonlocal clips
        for joints, fps in pieces(motion):
            clips += 1
            met.update(met_by(measure_joints(joints, fps), signs_of(joints, fps), asked))

    with open_library(library(options.data)) as held:
        for number in clip_ids(held):
            try:
                take(clip_motion(held, number))
            except MotionaryError as error:
                print(f"left out: {error}", file=sys.stderr)
    for clip in starter_clips():
        take(clip.motion)
    document = {"made_by": "scripts/measure_rarity.py", "clips": clips, "met": dict(sorted(met.items()))}
    with replacing(OUT) as temporary:
        temporary.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(f"{clips} clips; {', '.join(f'{name} {count}' for name, count in met.most_common())}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
