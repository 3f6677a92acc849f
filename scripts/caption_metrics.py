"""How near a caption is to those that people wrote: BLEU-4, ROUGE-L and CIDEr.

Captions are compared as words in small letters, without marks. Every measure is given clip by clip, so that
an interval can be drawn from clips; BLEU-4 is a number of a whole set, for its counts are added up first.

BLEU-4: Papineni et al. 2002, of a corpus, counts clipped by the most of any reference, brevity against the
reference of the nearest length. ROUGE-L: Lin 2004, F of the longest common subsequence with beta 1.2, of the
best recall and the best precision of any reference. CIDEr: Vedantam et al. 2015, not CIDEr-D: the mean over 1
to 4 words, and over the references, of the cosine of TF-IDF, times ten; a clip's references are one document.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["bleu4", "bleu_counts", "cider", "rouge_l", "words_of"]

LONGEST = 4
BETA = 1.2
Words = Sequence[str]


def words_of(text: str) -> list[str]:
    """ "A person's arm, up!" is a person's arm up."""
    return re.findall(r"[a-z0-9']+", text.lower())


def grams(words: Words, length: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[i : i + length]) for i in range(len(words) - length + 1))


def bleu_counts(said: Words, references: Sequence[Words]) -> NDArray[np.int64]:
    """What a clip adds (10,): of 1 to 4 words the n-grams that are right and those there are, its length and
    that of the nearest reference."""
    counts = []
    for length in range(1, LONGEST + 1):
        own = grams(said, length)
        most: Counter[tuple[str, ...]] = Counter()
        for reference in references:
            most |= grams(reference, length)
        counts += [sum((own & most).values()), sum(own.values())]
    nearest = min((len(reference) for reference in references), key=lambda n: (abs(n - len(said)), n))
    return np.array([*counts, len(said), nearest], np.int64)


def bleu4(counts: NDArray[np.int64]) -> float:
    """BLEU-4 of a set of clips whose ``bleu_counts`` are the rows (N, 10)."""
    total = counts.sum(axis=0).tolist()
    right, there, said, nearest = total[0:8:2], total[1:8:2], total[8], total[9]
    if min(right) == 0:
        return 0.0
    precision = sum(math.log(a / b) for a, b in zip(right, there, strict=True)) / LONGEST
    return math.exp(precision + min(0.0, 1 - nearest / said))


def rouge_l(said: Words, references: Sequence[Words]) -> float:
    """ROUGE-L of one clip, 0 to 1."""
    common = [_common(said, reference) for reference in references]
    recall = max(found / max(len(reference), 1) for found, reference in zip(common, references, strict=True))
    precision = max(common) / max(len(said), 1)
    if recall == 0 or precision == 0:
        return 0.0
    return (1 + BETA**2) * precision * recall / (recall + BETA**2 * precision)


def _common(first: Words, second: Words) -> int:
    """Words of the longest common subsequence."""
    row = [0] * (len(second) + 1)
    for word in first:
        new = [0]
        for place, other in enumerate(second):
            new.append(row[place] + 1 if word == other else max(row[place + 1], new[place]))
        row = new
    return row[-1]


def cider(said: Sequence[Words], references: Sequence[Sequence[Words]]) -> NDArray[np.float64]:
    """CIDEr of each clip (N,); how rare a word is, is counted in the references of all clips."""
    known: Counter[tuple[str, ...]] = Counter()
    for listed in references:
        known.update({gram for words in listed for n in range(1, LONGEST + 1) for gram in grams(words, n)})
    total = math.log(len(references))

    def weighed(words: Words, length: int) -> dict[tuple[str, ...], float]:
        counts = grams(words, length)
        return {gram: count * (total - math.log(max(known[gram], 1))) for gram, count in counts.items()}

    scores = []
    for words, listed in zip(said, references, strict=True):
        cosines = [
            _cosine(weighed(words, length), weighed(reference, length))
            for length in range(1, LONGEST + 1)
            for reference in listed
        ]
        scores.append(10.0 * sum(cosines) / len(cosines))
    return np.array(scores)


def _cosine(first: dict[tuple[str, ...], float], second: dict[tuple[str, ...], float]) -> float:
    sizes = [math.sqrt(sum(value * value for value in one.values())) for one in (first, second)]
    if min(sizes) == 0:
        return 0.0
    return sum(value * second.get(gram, 0.0) for gram, value in first.items()) / (sizes[0] * sizes[1])
