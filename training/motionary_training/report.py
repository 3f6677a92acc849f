"""Scores on a split, and on its unseen recordings apart: gathered, written as JSON, Markdown and PNG."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from motionary.bundle import load_bundle
from motionary.errors import MotionaryError
from motionary.files import replacing
from motionary_training.baselines import baselines
from motionary_training.config import Config, TextConfig
from motionary_training.data import Pairs, Sample, load_samples, pairs_for, subset
from motionary_training.evaluate import Estimate, Table, clusters_of, evaluate, model_scores
from motionary_training.figures import Picture, recall_figure, similarity_figure, write_png
from motionary_training.intervals import DRAWS
from motionary_training.metrics import CUTS, Embedded, Scores, part_of
from motionary_training.protocols import PROTOCOLS, Captions, Protocol, asked_of, told
from motionary_training.train import load_run

__all__ = [
    "Section",
    "bundle_scores",
    "markdown_table",
    "report_split",
    "section_json",
    "split_sections",
    "systems_of",
    "write_json",
    "write_report",
    "write_text",
]

WAYS = {"t2m": "text to motion", "m2t": "motion to text"}


@dataclass(frozen=True)
class Section:
    """One gallery. told: what each protocol did there. drawn: what the bootstrap draws whole."""

    title: str
    drawn: str
    told: dict[Protocol, str]
    tables: dict[Protocol, Table]


def report_split(
    sources: Sequence[Path],
    config: Config,
    split: str,
    out: Path,
    *,
    protocols: Sequence[Protocol] = PROTOCOLS,
    captions: Captions = "all",
    draws: int = DRAWS,
) -> list[Section]:
    """Score runs and bundles beside chance and the baselines on one split of the config's data.

    Writes evaluation.json, evaluation.md and evaluation.png into the folder ``out``. Runs of one config with
    different seeds are one row.
    """
    train, asked = (_split_pairs(config, name) for name in ("train", split))
    found: dict[str, list[Scores]] = {name: [one] for name, one in baselines(train, asked, config).items()}
    found |= systems_of(sources, asked.samples, config)
    sections = split_sections(found, asked, train, split, protocols=protocols, captions=captions, draws=draws)
    motions = np.arange(min(len(asked.samples), 64))
    first = np.searchsorted(asked.owner, motions)
    shown = part_of(found[list(found)[-1]][0], first, motions)
    cosines = shown.texts @ shown.motions.T if isinstance(shown, Embedded) else shown
    write_report(sections, out, similarity_figure(cosines, list(found)[-1]))
    return sections


def split_sections(
    systems: Mapping[str, Sequence[Scores]],
    asked: Pairs,
    train: Pairs,
    split: str,
    *,
    protocols: Sequence[Protocol] = PROTOCOLS,
    captions: Captions = "all",
    draws: int = DRAWS,
) -> list[Section]:
    """The whole split, and its clips of recordings that no train clip was cut from.

    HumanML3D cuts one recording into clips of different splits, so the whole split flatters.
    """
    learnt = {sample.trial for sample in train.samples}
    unseen = np.array([sample.trial not in learnt for sample in asked.samples])
    galleries = {f"{split}, all {len(unseen)} clips": np.ones_like(unseen)}
    if 1 < unseen.sum() < len(unseen):
        galleries[f"{split}, {unseen.sum()} clips of unseen recordings"] = unseen
    sections = []
    for title, keep in galleries.items():
        texts, motions = np.flatnonzero(keep[asked.owner]), np.flatnonzero(keep)
        part = {name: [part_of(one, texts, motions) for one in seeds] for name, seeds in systems.items()}
        gallery = subset(asked, keep)
        clusters, drawn = clusters_of(gallery)
        tables = evaluate(
            part, asked_of(gallery), clusters, protocols=protocols, captions=captions, draws=draws
        )
        words = {protocol: told(protocol, asked_of(gallery), captions) for protocol in protocols}
        sections.append(Section(title, drawn, words, tables))
    return sections


def systems_of(sources: Sequence[Path], samples: Sequence[Sample], config: Config) -> dict[str, list[Scores]]:
    """Scores of runs (by torch) and bundles (by numpy, as users have them); seeds of one config together."""
    found: dict[str, list[Scores]] = {}
    rows: dict[Config, str] = {}
    for source in sources:
        if (source / "last.pt").is_file():
            settings, model, _ = load_run(source)
            here = replace(settings, data=replace(settings.data, cache=config.data.cache))
            scores = model_scores(model, pairs_for(samples, here), settings.motion.max_frames)
            # Seeds of one config are one row, by the name of the first.
            name = rows.setdefault(replace(settings, seed=0), source.name)
        elif (source / "config.json").is_file():
            name, scores = source.name, bundle_scores(source, samples)
        else:
            raise MotionaryError(f"{source}: neither a run's folder (last.pt) nor a bundle (config.json)")
        found.setdefault(name, []).append(scores)
    return found


def bundle_scores(folder: Path, samples: Sequence[Sample]) -> Embedded:
    """Scores of a bundle, its text encoder included."""
    bundle = load_bundle(folder)
    texts = [text for sample in samples for text in sample.captions]
    return Embedded(
        bundle.embed_captions(texts), bundle.embed_features([sample.features for sample in samples])
    )


def write_report(sections: Sequence[Section], out: Path, *pictures: Picture) -> None:
    """evaluation.json, evaluation.md and evaluation.png in the folder ``out``, which is made."""
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / "evaluation.json", [section_json(section) for section in sections])
    lines = ["# Evaluation", ""]
    for section in sections:
        lines += [f"## {section.title}", ""]
        for protocol, table in section.tables.items():
            lines += [f"### {protocol}", "", section.told[protocol], ""]
            for way in WAYS:
                lines += markdown_table(table, way)
        lines += [f"In brackets: 95 % bootstrap intervals, whole {section.drawn} drawn.", ""]
    write_text(out / "evaluation.md", "\n".join(lines))
    curves = [
        (f"{protocol}, {section.title}", section.tables[protocol])
        for section in sections[:1]
        for protocol in section.tables
        if protocol != "GRADED"
    ]
    write_png(out / "evaluation.png", [*(recall_figure(table, title) for title, table in curves), *pictures])


def markdown_table(table: Table, way: str) -> list[str]:
    """One direction of one protocol ("t2m", "m2t"), the R-sum at the end of the second."""
    order = [f"{way} R@{cut}" for cut in CUTS] + [f"{way} {name}" for name in ("MedR", "MeanR")]
    order += [f"{way} nDCG@10", f"{way} P@10"] + (["R-sum"] if way == "m2t" else [])
    measures = [name for name in order if name in next(iter(table.values()))]
    lines = [
        f"| {WAYS[way]} | {' | '.join(name.removeprefix(way + ' ') for name in measures)} |",
        "|---" * (len(measures) + 1) + "|",
    ]
    for system, row in table.items():
        lines.append(f"| {system} | {' | '.join(_cell(name, row[name]) for name in measures)} |")
    return [*lines, ""]


def section_json(section: Section) -> dict[str, Any]:
    """All numbers of a section, each protocol apart."""
    return {
        "gallery": section.title,
        "intervals": f"95 % bootstrap, whole {section.drawn} drawn",
        "protocols": {
            protocol: {
                "told": section.told[protocol],
                "systems": {
                    system: {name: asdict(value) for name, value in row.items()}
                    for system, row in table.items()
                },
            }
            for protocol, table in section.tables.items()
        },
    }


def write_json(path: Path, document: Any) -> None:
    """Write a document, replacing ``path`` in one step."""
    write_text(path, json.dumps(document, indent=1) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text, replacing ``path`` in one step."""
    with replacing(path) as temporary:
        temporary.write_text(text, "utf-8")


def _split_pairs(config: Config, split: str) -> Pairs:
    """With vectors of the text encoder that all are graded by, whatever they embed with themselves."""
    samples = load_samples(config.data, (split,), seed=config.seed)
    return pairs_for(samples, replace(config, text=TextConfig()))


def _cell(name: str, value: Estimate) -> str:
    if "nDCG" not in name:
        around = f" ({value.interval[0]:.1f} to {value.interval[1]:.1f})" if value.interval else ""
        return f"{value}{around}"
    spread = f" ± {value.deviation:.3f}" if value.count > 1 else ""
    around = f" ({value.interval[0]:.3f} to {value.interval[1]:.3f})" if value.interval else ""
    return f"{value.mean:.3f}{spread}{around}"
