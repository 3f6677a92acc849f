"""Folds by recording: each captioned clip is held out once, and models and baselines answer for those they
never saw. Every result is a file, so that runs share the work and one that was killed goes on.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from motionary.errors import MotionaryError
from motionary_training.baselines import baselines, with_descriptions
from motionary_training.config import Config, DataConfig
from motionary_training.data import Pairs, Sample, load_samples, pairs_for, subset
from motionary_training.evaluate import model_scores
from motionary_training.metrics import Scores, Side, part_of
from motionary_training.protocols import Protocol, answers, asked_of
from motionary_training.querybank import with_querybank
from motionary_training.report import write_json
from motionary_training.sources.starter import starter_identity
from motionary_training.train import fit

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

__all__ = [
    "GALLERIES",
    "JOINED",
    "SHOWN",
    "Answers",
    "Plan",
    "cross_validate",
    "fold_trials",
    "load_gallery",
]

FORMAT = 2
"""Of a result; raised when what it holds changes, so that old ones are not taken for new."""
FOLD_SEED = 0
JOINED = " + descriptions"
"""Ends the name of a row that is shown again with the recordings' descriptions added."""
GALLERIES = ("fold", "all")
"""Held-out queries against the fold's held-out clips, and against all captioned clips."""
SHOWN: tuple[Protocol, ...] = ("STRICT", "GRADED")
PAUSE = 2.0
"""Seconds between two looks at what other processes are still at."""

Answers = dict[str, dict[Protocol, tuple[Side, ...]]]
"""By gallery, then protocol: one system's answers; the clips are numbered as in the whole gallery."""


@dataclass(frozen=True)
class Plan:
    """What is run: ``configs`` by the name of their row, each with ``seeds`` from its own seed on.

    splits: whose clips are held out in turn. Of more than the train split, all of them are learnt from.
    work: the folder of the results. described: rows that get a second one, ``with_descriptions``.
    """

    configs: Mapping[str, Config]
    splits: tuple[str, ...]
    folds: int
    seeds: int
    work: Path
    described: frozenset[str] = frozenset()

    @property
    def data(self) -> DataConfig:
        """Where the gallery comes from: what the first config learns from, without all that is added."""
        return plain(next(iter(self.configs.values())).data)


@dataclass(frozen=True)
class _Material:
    """What a config learns from, all folds together, and the gallery as its text encoder takes it."""

    config: Config
    learnt: Pairs
    asked: Pairs


@dataclass(frozen=True)
class _Task:
    """One result: of one config and seed on one fold, or of all baselines, where ``is_trained`` is off."""

    row: str
    config: Config
    is_trained: bool
    is_described: bool
    fold: int
    path: Path

    def __str__(self) -> str:
        seed = f", seed {self.config.seed}" if self.is_trained else ""
        return f"{self.row}, fold {self.fold + 1}{seed}"


def cross_validate(
    plan: Plan,
    gallery: Pairs,
    *,
    jobs: int = 1,
    report: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> dict[str, list[Answers]]:
    """Answers to every held-out query, all folds joined: by system, one for each seed.

    ``jobs`` processes share the work; so does any other process with the same plan's files at the same time.
    ``report`` hears of each result. Raises MotionaryError for unusable data or configs.
    """
    tasks = _tasks(plan, gallery)
    others = [
        multiprocessing.get_context("spawn").Process(target=_work, args=(plan, jobs), daemon=True)
        for _ in range(jobs - 1)
    ]
    for process in others:
        process.start()
    try:
        _run_all(plan, tasks, gallery, jobs, report)
    finally:
        for process in others:
            process.terminate()
    stored = {task: json.loads(task.path.read_text("utf-8")) for task in tasks}
    found: dict[str, list[Answers]] = {}
    for row in dict.fromkeys(task.row for task in tasks):
        of_row = [task for task in tasks if task.row == row]
        for seed in dict.fromkeys(task.config.seed for task in of_row):
            parts = [stored[task]["systems"] for task in of_row if task.config.seed == seed]
            for name in parts[0]:
                system = {"model": row, "described": row + JOINED}.get(name, name)
                found.setdefault(system, []).append(_joined([part[name] for part in parts]))
    return found


def load_gallery(plan: Plan) -> Pairs:
    """All captioned clips that are held out in turn, with the vectors that everything is graded by."""
    return pairs_for(load_samples(plan.data, plan.splits), Config("", data=plan.data))


def plain(data: DataConfig) -> DataConfig:
    """The same clips, and nothing that is made of them or added to them."""
    return replace(
        data,
        mirrored=False,
        starter_variants=0,
        action_captions=False,
        trial_descriptions=False,
        hard_negatives=(),
        sequences=0,
        parallels=0,
        paraphrases=0,
    )


def fold_trials(samples: Sequence[Sample], count: int) -> list[frozenset[str]]:
    """The recordings that each fold holds out, in an order that no config changes.

    Raises MotionaryError with fewer recordings than folds.
    """
    trials = sorted({sample.trial for sample in samples})
    if not 2 <= count <= len(trials):
        raise MotionaryError(
            f"cannot cut {len(trials)} recordings into {count} folds; choose 2 to {len(trials)}"
        )
    shuffled = np.random.default_rng(FOLD_SEED).permutation(trials)
    return [frozenset(shuffled[number::count].tolist()) for number in range(count)]


def _work(plan: Plan, jobs: int) -> None:
    """What a further process does: the same as the first, silently."""
    try:
        gallery = load_gallery(plan)
        _run_all(plan, _tasks(plan, gallery), gallery, jobs, lambda what, done, total: None)
    except (MotionaryError, KeyboardInterrupt):
        # The first process meets the same error, and tells it.
        return


def _run_all(
    plan: Plan,
    tasks: Sequence[_Task],
    gallery: Pairs,
    jobs: int,
    report: Callable[[str, int, int], None],
) -> None:
    if jobs > 1:
        torch.set_num_threads(max(1, (os.cpu_count() or 1) // jobs))
    held = fold_trials(gallery.samples, plan.folds)
    told: set[_Task] = set()
    material: _Material | None = None
    while len(told) < len(tasks):
        worked = False
        for task in tasks:
            if task in told:
                continue
            with _claimed(task.path.with_suffix(".lock")) as mine:
                if mine and not task.path.exists():
                    began = time.perf_counter()
                    # The folds of one config and seed lie together: what they share is kept for the next.
                    if material is None or material.config != task.config:
                        material = _material(task.config, plan, gallery)
                    systems = _answered(task, material, gallery, held[task.fold])
                    write_json(
                        task.path,
                        {
                            "what": str(task),
                            "seconds": round(time.perf_counter() - began, 1),
                            "systems": {name: _as_json(one) for name, one in systems.items()},
                        },
                    )
                    worked = True
            if task.path.exists():
                told.add(task)
                report(str(task), len(told), len(tasks))
        if not worked and len(told) < len(tasks):
            time.sleep(PAUSE)


def _tasks(plan: Plan, gallery: Pairs) -> list[_Task]:
    try:
        plan.work.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MotionaryError(f"{plan.work}: cannot be made ({error.strerror}); name another folder") from None
    identity = _identity(gallery.samples)
    rows = [("baselines", Config("baselines", data=replace(plan.data, mirrored=True)), False)]
    for name, config in plan.configs.items():
        rows += [(name, replace(config, seed=config.seed + more), True) for more in range(plan.seeds)]
    tasks = []
    for row, config, is_trained in rows:
        is_described = is_trained and row in plan.described
        made = (starter_identity(),) if config.data.starter_variants else ()
        for fold in range(plan.folds):
            matters = (FORMAT, plan.splits, plan.folds, fold, identity, is_trained, _matters(config), *made)
            digest = hashlib.sha256(repr(matters + is_described * ("described",)).encode()).hexdigest()[:32]
            path = plan.work / f"{digest}.json"
            tasks.append(_Task(row, config, is_trained, is_described, fold, path))
    return tasks


def _answered(task: _Task, material: _Material, gallery: Pairs, held: frozenset[str]) -> dict[str, Answers]:
    asks = np.array([sample.trial in held for sample in gallery.samples])
    # Whatever was made of a held-out recording, its mirror image say, stays out of what is learnt from.
    learnt = [held.isdisjoint(sample.trial.split("|")) for sample in material.learnt.samples]
    rest = subset(material.learnt, np.array(learnt))
    found: dict[str, Scores | None]
    if not task.is_trained:
        found = {"chance": None, **baselines(rest, gallery, material.config)}
    else:
        model = with_querybank(task.config, fit(task.config, rest, None), rest)
        scores = model_scores(model, material.asked, task.config.motion.max_frames)
        found = {"model": scores}
        if task.is_described:
            found["described"] = with_descriptions(scores, gallery, task.config)
    return {name: _answers(scores, gallery, asks) for name, scores in found.items()}


def _material(config: Config, plan: Plan, gallery: Pairs) -> _Material:
    samples = load_samples(config.data, plan.splits, seed=config.seed, pooled=len(plan.splits) > 1)
    return _Material(config, pairs_for(samples, config), pairs_for(gallery.samples, config))


def _answers(scores: Scores | None, gallery: Pairs, asks: NDArray[np.bool_]) -> Answers:
    captions, motions = np.flatnonzero(asks[gallery.owner]), np.flatnonzero(asks)
    fold = asked_of(subset(gallery, asks))
    apart = None if scores is None else part_of(scores, captions, motions)
    whole = asked_of(gallery, asks)
    return {
        "fold": {
            protocol: tuple(
                replace(side, clips=motions[side.clips]) for side in answers(protocol, apart, fold)
            )
            for protocol in SHOWN
        },
        "all": {protocol: answers(protocol, scores, whole) for protocol in SHOWN},
    }


def _joined(parts: Sequence[dict[str, dict[Protocol, list[dict[str, Any]]]]]) -> Answers:
    """All folds' answers to their own queries, in one."""
    return {
        gallery: {
            protocol: tuple(
                _joined_side(same) for same in _same_sides([part[gallery][protocol] for part in parts])
            )
            for protocol in SHOWN
        }
        for gallery in GALLERIES
    }


def _same_sides(parts: Sequence[list[dict[str, Any]]]) -> list[list[dict[str, Any]]]:
    """Sides of one direction and one set of columns together; a fold may lack one (no action known)."""
    together: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for sides in parts:
        for side in sides:
            together.setdefault((side["way"], *side["columns"]), []).append(side)
    return list(together.values())


def _joined_side(sides: Sequence[dict[str, Any]]) -> Side:
    clips = np.concatenate([np.array(side["clips"], np.int64) for side in sides])
    columns = {
        name: np.concatenate([np.array(side["columns"][name], float) for side in sides])
        for name in sides[0]["columns"]
    }
    ranked = sides[0]["ranks"] is not None
    ranks = np.concatenate([np.array(side["ranks"], float) for side in sides], axis=1) if ranked else None
    return Side(sides[0]["way"], clips, columns, ranks)


def _as_json(found: Answers) -> dict[str, dict[Protocol, list[dict[str, Any]]]]:
    return {
        gallery: {
            protocol: [
                {
                    "way": side.way,
                    "clips": side.clips.tolist(),
                    "columns": {name: np.round(column, 6).tolist() for name, column in side.columns.items()},
                    "ranks": None if side.ranks is None else side.ranks.tolist(),
                }
                for side in sides
            ]
            for protocol, sides in by_protocol.items()
        }
        for gallery, by_protocol in found.items()
    }


def _identity(samples: Sequence[Sample]) -> str:
    """Of clips and captions: other data, other results."""
    digest = hashlib.sha256()
    for sample in samples:
        digest.update(repr((sample.id, sample.trial, sample.captions, sorted(sample.actions))).encode())
        digest.update(np.ascontiguousarray(sample.features).tobytes())
    return digest.hexdigest()


def _matters(config: Config) -> dict[str, Any]:
    """What a result follows from: not the name, nor where files lie, nor what computes it.

    What is left at its default is left out, so that a key that is added later makes no old result another's:
    raise FORMAT where a default changes.
    """
    table, usual = dataclasses.asdict(config), dataclasses.asdict(Config(""))
    for key in ("name", "licence", "device", "threads", "compile", "select"):
        del table[key]
    del table["data"]["studio_licence"]
    for key in ("cache", "cmu", "humanml3d", "kit", "studio"):
        table["data"][key], usual["data"][key] = bool(table["data"][key]), False
    return _told_apart(table, usual)


def _told_apart(table: dict[str, Any], usual: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _told_apart(value, usual[key]) if isinstance(value, dict) else value
        for key, value in sorted(table.items())
        if value != usual[key]
    }


@contextmanager
def _claimed(path: Path) -> Iterator[bool]:
    """Whether this process now holds ``path``; when it ends, however it does, the system lets go of it."""
    with path.open("a+b") as file:
        try:
            if sys.platform == "win32":
                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield True
