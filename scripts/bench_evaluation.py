"""Seconds and memory to score a large gallery, protocol by protocol, without ever holding all its scores.

    python scripts/bench_evaluation.py                      # 20,000 motions and as many captions
    python scripts/bench_evaluation.py --motions 100000     # fails above 4 GB
    python scripts/bench_evaluation.py --motions 100000 --asking 1000   # the same memory, a part of the time

Vectors are random, a caption's a noisy copy of its motion's; every tenth caption has another one's words.
The peak is that of the whole process so far, in the order of the lines.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time

import numpy as np
from numpy.typing import NDArray

from motionary_training.intervals import interval, resampled
from motionary_training.metrics import Embedded, measured
from motionary_training.protocols import PROTOCOLS, Asked, answers

LIMIT_GB = 4.0


def unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths: NDArray[np.float32] = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / lengths


def made_up(motions: int, asking: int, width: int, text_width: int) -> tuple[Embedded, Asked]:
    draw = np.random.default_rng(0)
    places = unit(draw.standard_normal((motions, width), np.float32))
    noise = draw.standard_normal((motions, width), np.float32)
    texts = np.arange(motions)
    texts[::10] = draw.integers(0, motions, len(texts[::10]))
    sentences = unit(draw.standard_normal((motions, text_width), np.float32))
    actions = (draw.random((motions, 50)) < 0.05).astype(np.float32)
    asked = Asked(np.arange(motions), texts, sentences[texts], actions, np.arange(motions) < asking)
    return Embedded(unit(places + 0.15 * noise)[texts], places), asked


def peak_gb() -> float:
    if sys.platform == "win32":
        return float("nan")
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e9 if sys.platform == "darwin" else 1e6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--motions", type=int, default=20_000)
    parser.add_argument("--width", type=int, default=512, help="of the joint space")
    parser.add_argument("--text-width", type=int, default=384, help="of the text encoder that grades")
    parser.add_argument("--asking", type=int, help="motions that ask; all, if not given")
    parser.add_argument("--protocol", action="append", choices=PROTOCOLS)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    scores, asked = made_up(given.motions, given.asking or given.motions, given.width, given.text_width)
    rows = []
    for protocol in given.protocol or PROTOCOLS:
        began = time.perf_counter()
        sides = answers(protocol, scores, asked)
        ranked = time.perf_counter()
        drawn = resampled(sides, np.arange(given.motions) // 2)
        names = [name for name in ("t2m R@10", "t2m nDCG@10") if name in drawn]
        low, high = interval(drawn[names[0]])
        found = measured(sides)[names[0]]
        rows.append(
            {
                "protocol": protocol,
                "measure": names[0],
                "value": found,
                "interval": [low, high],
                "seconds": ranked - began,
                "bootstrap_seconds": time.perf_counter() - ranked,
                "peak_gb": peak_gb(),
            }
        )
        if not given.json:
            print(
                f"{protocol:13} {names[0]} {found:.3f} ({low:.3f} to {high:.3f})  {ranked - began:7.1f} s"
                f"  bootstrap {rows[-1]['bootstrap_seconds']:5.1f} s  peak {peak_gb():.2f} GB",
                flush=True,
            )
    if given.json:
        machine = f"{platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}"
        print(json.dumps({"machine": machine, "motions": given.motions, "rows": rows}, indent=1))
    if peak_gb() > LIMIT_GB:
        sys.exit(f"peak {peak_gb():.2f} GB is above {LIMIT_GB} GB")


if __name__ == "__main__":
    main()
