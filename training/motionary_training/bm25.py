"""BM25: ranking texts by the words that they share with a query, rare words counting more.

As Lucene computes it (Robertson and Zaragoza 2009, "The Probabilistic Relevance Framework", equation 3.15,
with an inverse document frequency that cannot be negative).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["bm25_scores", "stems"]

K1, B = 1.2, 0.75


def bm25_scores(queries: Sequence[str], documents: Sequence[str]) -> NDArray[np.float64]:
    """(Q, N) scores of each query with each of N documents, 0 where they share no word.

    score(q, d) = sum over words w of q: idf(w) f / (f + k1 (1 - b + b |d| / mean |d|)), where w is f times in
    d, idf(w) = log(1 + (N - n + 0.5) / (n + 0.5)) and n documents have w; k1 = 1.2, b = 0.75.
    """
    words = [stems(document) for document in documents]
    numbers = {word: place for place, word in enumerate(sorted({word for of in words for word in of}))}
    counts = np.zeros((len(documents), len(numbers)))
    for row, of_document in enumerate(words):
        for word, count in Counter(of_document).items():
            counts[row, numbers[word]] = count
    lengths = counts.sum(axis=1, keepdims=True)
    holding = (counts > 0).sum(axis=0)
    idf = np.log1p((len(documents) - holding + 0.5) / (holding + 0.5))
    weights = idf * counts / (counts + K1 * (1 - B + B * lengths / max(float(lengths.mean()), 1e-12)))
    asked = np.zeros((len(queries), len(numbers)))
    for row, query in enumerate(queries):
        for word in stems(query):
            if word in numbers:
                asked[row, numbers[word]] += 1
    scores: NDArray[np.float64] = asked @ weights.T
    return scores


def stems(text: str) -> list[str]:
    """The words of a text without the endings of English verbs and plurals: "walks", "walking" are "walk".

    >>> stems("A person walks, then is running!")
    ['a', 'person', 'walk', 'then', 'is', 'run']
    """
    return [_stem(word) for word in re.findall(r"[a-z0-9]+", text.lower())]


def _stem(word: str) -> str:
    for ending in ("ing", "ed", "es", "s"):
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= 3 and not (ending == "s" and stem.endswith("s")):
            # "running" is of "run", and "dancing", "dances" and "dance" meet at "danc".
            doubled = ending in ("ing", "ed") and stem[-1] == stem[-2] and stem[-1] not in "lsz"
            return _bare(stem[:-1] if doubled else stem)
    return _bare(word)


def _bare(word: str) -> str:
    return word[:-1] if word.endswith("e") and len(word) > 3 else word
