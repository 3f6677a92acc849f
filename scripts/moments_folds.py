"""Models that have never seen the clips they are asked about: one for each fold of CMU's recordings.

    python scripts/moments_folds.py --data ../shared/data --out build/moments

The recipe is that of the built-in model (configs/default.toml), trained on all but what a fold
holds out: the clips of a fifth of the recordings, and whatever was made of them. Training takes minutes a
fold; a fold whose bundle is there is left as it is. ``scripts/bench_moments.py`` reads them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from motionary_training.config import Config, load_config
from motionary_training.crossval import fold_trials
from motionary_training.data import load_samples, pairs_for, subset
from motionary_training.export import bundle_config, write_bundle
from motionary_training.querybank import with_querybank
from motionary_training.sources.sample import SPLITS, Sample
from motionary_training.train import Epoch, fit

RECIPE = Path(__file__).parents[1] / "training/motionary_training/configs/default.toml"
FOLDS = 5


def held_out(samples: Sequence[Sample]) -> list[frozenset[str]]:
    """The recordings that each fold holds out; the procedural clips are no recording."""
    return fold_trials([sample for sample in samples if sample.trial != "starter"], FOLDS)


def fold_config(data: Path, settings: Sequence[str] = ()) -> Config:
    """The recipe, with the data's place."""
    return load_config(RECIPE, [f"data.cmu={data}", "data.cache=build/cache", "threads=1", *settings])


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the CMU zips")
    parser.add_argument("--out", type=Path, default=Path("build/moments"), help="folder of the bundles")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="changes to the recipe")
    options = parser.parse_args()
    config = fold_config(options.data, options.set)
    samples = load_samples(config.data, SPLITS, seed=config.seed, pooled=True)
    trials = held_out(samples)
    learnt = pairs_for(samples, config)
    for number, held in enumerate(trials):
        out = options.out / f"fold_{number}"
        if (out / "config.json").is_file():
            continue
        keep = np.array([held.isdisjoint(sample.trial.split("|")) for sample in learnt.samples])
        rest = subset(learnt, keep)

        def told(epoch: Epoch, number: int = number) -> None:
            print(
                f"fold {number}: epoch {epoch.number}, loss {epoch.loss:.3f}, {epoch.seconds:.0f} s",
                flush=True,
            )

        model = with_querybank(config, fit(config, rest, None, report=told), rest)
        document = bundle_config(config, model, rest, config.optimiser.epochs, {})
        write_bundle(out, config, document | {"held_out": sorted(held)}, model)
    return 0


if __name__ == "__main__":
    sys.exit(main())
