"""Caption CMU's trials: how fast, how true the measured facts are, and how often the action is right.

    python scripts/bench_captions.py --data ../shared/data

Unpacks cmu_mocap.zip and cmu_mocap_extra.zip into build/cmu and indexes them (or takes the library of
scripts/bench_cmu.py, if it is there), then prints three tables:

1. Speed: clips a second once the bank is embedded and the library indexed, on one core and on two.
2. Facts against CMU's own trial descriptions: of the trials whose description says a thing that can be
   measured, the share of which the facts say the same. Descriptions tell of a part of a trial only, and now
   and then of another one: nobody has corrected them here. Beside it, of the trials whose description says
   nothing of the kind, how many facts say it all the same: often rightly, for descriptions are short.
   What parts walks from runs, and slow ones from others, was set on these trials (measure.py).
3. Captions: how many of the first captions name an action that the description names (see
   calibrate_captions.py); most of these trials were trained on, and those that were not stand apart. And how
   many first captions say a side that the mirrored motion's first caption says too: each is a contradiction.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from bench_cmu import trials
from calibrate_captions import actions_of, stems

from motionary.bundle import load_bundle
from motionary.captions.bank import Bank, open_bank
from motionary.captions.caption import caption, caption_windows, load_calibration
from motionary.captions.claims import bearing, claims_of, swapped
from motionary.captions.measure import Facts, measure
from motionary.edits import mirror
from motionary.errors import MotionaryError
from motionary.library import clip_ids, clip_info, clip_motion, open_library
from motionary.motion import Motion

FOLDER, LIBRARY = Path("build/cmu"), Path("build/cmu.motionary")


@dataclass(frozen=True)
class Fact:
    """A word of the descriptions, what it means of the facts, and words that make it mean something else."""

    name: str
    word: str
    holds: Callable[[Facts], bool]
    but: str = r"(?!x)x"


TURN = r"\b(turn|veer|curve)[a-z]* (to the )?SIDE\b|\bSIDE turn|90.degree SIDE"
FACTS = (
    Fact("walks", r"\bwalk", lambda f: f.gait == "walk", r"run|jog|sit|climb|swing|dribbl|jump|stairs|wait"),
    Fact("runs", r"\b(run|jog)", lambda f: f.gait == "run", r"walk|jump|stop|run in place|dribbl"),
    Fact("slow", r"\bslow\b", lambda f: f.speed == "slow"),
    Fact("turns left", TURN.replace("SIDE", "left"), lambda f: f.turn == "left"),
    Fact("turns right", TURN.replace("SIDE", "right"), lambda f: f.turn == "right"),
    Fact("jumps", r"\b(jump|hop|leap)", lambda f: f.jumps > 0, r"rope|jumping jack|side.*hop"),
    Fact("kicks", r"\bkick|geri\b", lambda f: f.foot_raised != "none"),
    Fact("cartwheels", r"cartwheel", lambda f: f.tilt_deg > 110),
    Fact("sits", r"\bsit", lambda f: f.sitting > 0.1),
    Fact("goes backward", r"\bbackwards?\b", lambda f: f.direction == "backward", r"forward|jump|step"),
    Fact("goes sideways", r"\bsideways\b", lambda f: f.direction in ("left", "right"), r"forward"),
)


def library(data: Path) -> Path:
    """CMU's trials, indexed; anew where they were by another version."""
    try:
        open_library(LIBRARY).close()
    except MotionaryError:
        LIBRARY.unlink(missing_ok=True)
        for name in ("cmu_mocap.zip", "cmu_mocap_extra.zip"):
            with zipfile.ZipFile(data / name) as archive:
                archive.extractall(FOLDER)
        command = [sys.executable, "-m", "motionary", "index", str(FOLDER), "--library", str(LIBRARY)]
        subprocess.run(command, check=False)  # one file holds the marks of a git conflict, and is told
    return LIBRARY


def captioned(part: tuple[int, int]) -> tuple[int, float]:
    """Caption each ``of``th clip of the library from ``first`` on: how many, and the seconds a core worked.

    In a process of its own.
    """
    first, of = part
    bundle = load_bundle()
    bank, calibration = open_bank(bundle), load_calibration(bundle)
    with open_library(LIBRARY) as held:
        kept = held.embeddings
        numbers = clip_ids(held)[first::of]
        began = time.process_time()
        for number in numbers:
            own = kept.clips == number
            caption_windows(
                clip_motion(held, number), kept.spans[own], kept.vectors[own], bank, 1, calibration
            )
        worked = time.process_time() - began
    return len(numbers), worked


def speeds() -> None:
    one_clip = (0, 100_000)  # what starting costs is not counted
    for workers in (1, 2):
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            list(pool.map(captioned, [one_clip] * workers))
            began = time.perf_counter()
            parts = list(pool.map(captioned, [(first, workers) for first in range(workers)]))
            took = time.perf_counter() - began
        done, worked = sum(count for count, _ in parts), sum(seconds for _, seconds in parts)
        # On a busy machine the second number is what the work takes, the first what one waits.
        rate = (
            f"{done} clips in {took:.1f} s, {done / took:.0f} a second; {done / worked:.0f} a core's second"
        )
        print(f"{workers} process{'es' if workers > 1 else ''}: {rate}")


def facts_table(facts: dict[str, Facts], described: dict[str, str]) -> None:
    print(f"\n{'description says':16} {'trials':>6} {'agree':>6} {'share':>6}  otherwise said of")
    agreed = asked = 0
    for fact in FACTS:
        said = {
            name
            for name in facts
            if re.search(fact.word, described.get(name, "")) and not re.search(fact.but, described[name])
        }
        agree = sum(fact.holds(facts[name]) for name in said)
        silent = [name for name in facts if not re.search(fact.word, described.get(name, ""))]
        over = sum(fact.holds(facts[name]) for name in silent)
        asked, agreed = asked + len(said), agreed + agree
        share = agree / max(len(said), 1)
        print(f"{fact.name:16} {len(said):>6} {agree:>6} {share:>6.0%}  {over} of {len(silent)}")
        wrong = sorted(name for name in said if not fact.holds(facts[name]))
        if wrong:
            print(f"{'':16}   not: {' '.join(wrong)}")
    print(f"{'all':16} {asked:>6} {agreed:>6} {agreed / max(asked, 1):>6.0%}")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the CMU zips")
    parser.add_argument("--mirrors", type=int, default=60, help="motions captioned with their mirror image")
    options = parser.parse_args()
    path = library(options.data)
    bundle = load_bundle()
    began = time.perf_counter()
    bank = open_bank(bundle)
    print(f"bank of {len(bank.sentences)} sentences in {time.perf_counter() - began:.1f} s")
    speeds()

    described = trials(FOLDER)
    facts: dict[str, Facts] = {}
    right: list[bool] = []
    with open_library(path) as held:
        kept, numbers = held.embeddings, clip_ids(held)
        for number in numbers:
            info, motion = clip_info(held, number), clip_motion(held, number)
            own = kept.clips == number
            facts[info.name] = measure(motion)
            first = caption_windows(motion, kept.spans[own], kept.vectors[own], bank).captions[0]
            sentence = next(one for one in bank.sentences if one.text == first.text)
            if described.get(info.name):
                right.append(bool(actions_of(sentence) & stems(described[info.name])))
        facts_table(facts, described)
        print(f"\nfirst caption names an action of the description: {np.mean(right):.0%} of {len(right)}")
        some = numbers[:: max(len(numbers) // options.mirrors, 1)]
        sided, broken = mirrors(bank, [clip_motion(held, number) for number in some])
    print(f"first captions that name a side: {sided}; of which the mirror image's says the same: {broken}")
    return 0


def mirrors(bank: Bank, motions: list[Motion]) -> tuple[int, int]:
    """Of the first captions of motions, how many name a side, and of these, those of the mirror image too."""
    bundle = load_bundle()
    sided = broken = 0
    for motion in motions:
        text = caption(motion, bundle, bank, 1).captions[0].text
        claims = claims_of(text)
        if swapped(claims) != claims:
            image = claims_of(caption(mirror(motion), bundle, bank, 1).captions[0].text)
            sided += 1
            broken += bearing(claims, measure(mirror(motion))) is not None or image == claims
    return sided, broken


if __name__ == "__main__":
    sys.exit(main())
