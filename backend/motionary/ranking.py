"""How well each embedding of a library matches a query.

    score = cosine of the sentence
          - DISAGREES x what was measured against what the sentence says: left or right, forward, fast, twice
          - UNWANTED x how much better it would match with what is not wanted
          + WORDS x the share of the query's words that its name, captions and tags have

Of several steps, "walks, then sits", a moment of the clip is sought for each, one after the other; half of
the score is the mean of theirs, half that of the whole sentence. Constants: docs/searching.md tells how they
were chosen. A score stays near the cosine in [-1, 1] that it begins as.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from motionary.captions.agreement import disagreement
from motionary.captions.claims import Claims, claims_of
from motionary.captions.facts_array import unpack_facts
from motionary.captions.measure import Facts
from motionary.query import Query, Step

__all__ = ["EmbedTexts", "Rows", "cosines", "directions", "score_rows"]

Floats: TypeAlias = NDArray[np.float32]
EmbedTexts: TypeAlias = Callable[[list[str]], Floats]
"""Texts to (N, D) unit rows."""

DISAGREES = 0.10
UNWANTED = 1.0
UNWANTED_FACTS = 0.15
WORDS = 0.12
ORDER = 0.5
"""Of the score, what the order of several steps decides."""

LOOKED_AT = 400
"""The best rows by cosine whose facts are looked at: what is further down does not come up by them."""


@dataclass(frozen=True, eq=False)
class Rows:
    """A library's embeddings, sorted by clip: vectors (N, D), facts (N, WIDTH), clips (N,), spans (N, 2)."""

    vectors: Floats
    facts: Floats
    clips: NDArray[np.int64]
    spans: NDArray[np.float64]


def cosines(vectors: Floats, vector: Floats) -> Floats:
    """The product of each row of ``vectors`` (N, D) with ``vector`` (D,): (N,)."""
    # One dot product after another: OpenBLAS's product of a matrix and a vector, ``vectors @ vector``, takes
    # two to four times as long where the rows do not fit the processor's cache (scripts/bench_search.py).
    result: Floats = np.matmul(vectors[:, None, :], np.asarray(vector, vectors.dtype)[:, None])[:, 0, 0]
    return result


def score_rows(
    query: Query,
    embed: EmbedTexts,
    rows: Rows,
    *,
    words: Floats | None = None,
    among: NDArray[np.bool_] | None = None,
) -> Floats:
    """The score of each row, (N,); -inf where ``among`` (N,) leaves it out.

    words: (N,) in [0, 1], how much of the query's words is told of the row's clip.
    """
    vectors = _embedded(query, embed)
    scores = [_step_score(step, vectors, rows, among) for step in query.steps]
    score = scores[0]
    if len(scores) > 1:
        whole = cosines(rows.vectors, vectors[query.sentence])
        score = (1 - ORDER) * whole + ORDER * _in_order(scores, rows, among, whole)
    if words is not None:
        score = score + WORDS * words
    result: Floats = np.asarray(score if among is None else np.where(among, score, -np.inf), np.float32)
    return result


def directions(query: Query, embed: EmbedTexts) -> Floats:
    """Where rows lie that may score well, (Q, D): near the whole sentence, its steps, and away from what is
    not wanted. No vector is of unit length; what is far from all of them has a low score."""
    vectors = _embedded(query, embed)
    found = [vectors[query.sentence]]
    for step in query.steps:
        wanted = _wanted(step, vectors)
        away = [vectors[step.sentence] - vectors[f"{step.sentence} {phrase}"] for phrase in step.without]
        found += [wanted, *(wanted + way for way in away)]
        if len(away) > 1:
            found.append(wanted + np.sum(away, axis=0))
    return np.stack([*{row.tobytes(): row for row in found}.values()])


def _wanted(step: Step, vectors: dict[str, Floats]) -> Floats:
    """The wishes of one step, each by its weight: (D,)."""
    weights = np.array([wish.weight for wish in step.wishes], np.float32)
    made = np.stack([vectors[wish.text] for wish in step.wishes])
    result: Floats = weights @ made / weights.sum()
    return result


def _embedded(query: Query, embed: EmbedTexts) -> dict[str, Floats]:
    """Every text that the query asks about, embedded at once."""
    texts = [query.sentence]
    for step in query.steps:
        texts += [wish.text for wish in step.wishes]
        if step.without:
            texts += [step.sentence, *(f"{step.sentence} {phrase}" for phrase in step.without)]
    texts = list(dict.fromkeys(texts))
    return dict(zip(texts, embed(texts), strict=True))


def _step_score(
    step: Step, vectors: dict[str, Floats], rows: Rows, among: NDArray[np.bool_] | None
) -> Floats:
    """By the wishes of one step, each by its weight, what they claim, and what is not wanted."""
    weights = np.array([wish.weight for wish in step.wishes], np.float32)
    score = cosines(rows.vectors, _wanted(step, vectors))
    said = [
        (claims_of(wish.text), float(weight))
        for wish, weight in zip(step.wishes, weights / weights.max(), strict=True)
    ]
    score = score - DISAGREES * _disagreements(said, score, rows, among)
    for phrase in step.without:
        with_it = f"{step.sentence} {phrase}"
        more = np.maximum(cosines(rows.vectors, vectors[with_it] - vectors[step.sentence]), 0.0)
        score = score - UNWANTED * more - UNWANTED_FACTS * _shown(step.sentence, phrase, score, rows, among)
    return score


def _disagreements(
    claims: Sequence[tuple[Claims, float]], score: Floats, rows: Rows, among: NDArray[np.bool_] | None
) -> Floats:
    """Of the best rows what their facts have against the claims; of all others as much as of the worst."""
    result = np.zeros(len(score), np.float32)
    claims = [(said, weight) for said, weight in claims if said != Claims()]
    if not claims or not len(score):
        return result
    shown = score if among is None else np.where(among, score, -np.inf)
    best = _best(shown)
    for row in best.tolist():
        facts = _facts(rows, row)
        if facts is not None:
            result[row] = sum(weight * disagreement(said, facts) for said, weight in claims)
    others = np.ones(len(score), bool)
    others[best] = False
    result[others] = result[best].max()
    return result


def _shown(sentence: str, phrase: str, score: Floats, rows: Rows, among: NDArray[np.bool_] | None) -> Floats:
    """1 for those of the best rows whose facts bear out what is not wanted, else 0."""
    result = np.zeros(len(score), np.float32)
    plain, claimed = claims_of(sentence), claims_of(f"{sentence} {phrase}")
    if plain == claimed:
        plain, claimed = Claims(), claims_of(phrase)
    if claimed != plain:
        for row in _best(score if among is None else np.where(among, score, -np.inf)).tolist():
            facts = _facts(rows, row)
            if facts is not None and disagreement(claimed, facts) <= disagreement(plain, facts):
                result[row] = 1.0
    return result


def _facts(rows: Rows, row: int) -> Facts | None:
    """What was measured of a row; None also where a damaged library has numbers there that are no facts."""
    try:
        return unpack_facts(rows.facts[row])
    except (ValueError, OverflowError):
        return None


def _best(score: Floats) -> NDArray[np.intp]:
    """The rows whose facts are looked at."""
    count = min(LOOKED_AT, len(score))
    return np.argpartition(-score, count - 1)[:count] if count else np.zeros(0, np.intp)


def _in_order(scores: Sequence[Floats], rows: Rows, among: NDArray[np.bool_] | None, whole: Floats) -> Floats:
    """For every row of a clip how well the steps are found in it one after the other, (N,).

    scores: (N,) of each step. Each takes a window of its own; windows may overlap, but the middle of each has
    to come after that of the one before. A clip without such windows is told by the whole sentence.
    """
    result = whole.copy()
    if not len(whole):
        return result
    starts = np.flatnonzero(np.diff(rows.clips, prepend=rows.clips[0] - 1))
    ends = np.append(starts[1:], len(rows.clips))
    likely = np.zeros(len(whole), bool)
    likely[_best(whole if among is None else np.where(among, whole, -np.inf))] = True
    middles = rows.spans.mean(axis=1)
    for run in np.flatnonzero(
        (ends - starts >= len(scores)) & np.logical_or.reduceat(likely, starts)
    ).tolist():
        own = slice(starts[run], ends[run])
        best = _best_order([score[own] for score in scores], middles[own])
        if np.isfinite(best):
            result[own] = best
    return result


def _best_order(scores: Sequence[Floats], middles: NDArray[np.float64]) -> float:
    """The best mean of the steps' scores (W,) over windows whose middles (W,) come one after the other."""
    order = np.argsort(middles, kind="stable")
    reached = np.zeros(len(order))
    for number, score in enumerate(scores):
        own = score[order].astype(np.float64)
        if number:
            # What the steps before reach by any earlier window.
            before = np.concatenate([[-np.inf], np.maximum.accumulate(reached)[:-1]])
            first = np.searchsorted(middles[order], middles[order], side="left")
            own = own + before[np.minimum(first, np.arange(len(order)))]
        reached = own
    return float(reached.max()) / len(scores)
