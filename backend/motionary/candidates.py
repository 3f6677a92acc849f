"""A part of a library to search closely, chosen by something else that finds near embeddings among very many.

Exact search looks at every embedding there is. Where those are too many for one machine, an index elsewhere
names clips that are worth a look (`Nearest`), and the same ranking looks at all windows of these clips alone,
as the library has them: what an index has wrong or too old can leave a clip out, but never misrepresents one.
What makes a clip worth a look is what may lift it in the ranking: being near to one of the query's
directions, and having its words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from motionary.filters import Filter, rows_that_pass
from motionary.library import Embeddings, Library, embeddings_of

__all__ = ["Asked", "Choose", "Chosen", "Finder", "Nearest", "chosen_by"]


@dataclass(frozen=True, eq=False)
class Asked:
    """What clips are to be near to, or have.

    directions: (Q, D), of which the first counts most. words: of each word of the query its stems (see
    `motionary.keywords`). clips: how many are wanted in the end.
    """

    directions: NDArray[np.float32]
    words: tuple[tuple[str, ...], ...]
    clips: int


@dataclass(frozen=True, eq=False)
class Chosen:
    """The embeddings to look at, and which of their rows pass the filters, (N,); None where all do."""

    embeddings: Embeddings
    among: NDArray[np.bool_] | None


Nearest: TypeAlias = Callable[[Asked, Filter], Sequence[int]]
"""The ids of clips, in any order, that may be what is asked for and that pass the filter."""

BestCosines: TypeAlias = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Of each of (N, D) vectors its product with the embedding nearest to it, (N,)."""


@dataclass(frozen=True, eq=False)
class Finder:
    """An index elsewhere, open to be asked.

    earlier: a sentence, with the cure, where it is of an earlier state of the library, and so may leave clips
    out; else "".
    """

    nearest: Nearest
    best_cosines: BestCosines
    earlier: str = ""


Choose: TypeAlias = Callable[[Asked], Chosen]
"""What of the library to look at."""


def chosen_by(library: Library, nearest: Nearest, wanted: Filter) -> Choose:
    """Of ``library`` what ``nearest`` names, and passes ``wanted`` by what the library itself says."""

    def choose(asked: Asked) -> Chosen:
        held = embeddings_of(library, nearest(asked, wanted))
        return Chosen(held, rows_that_pass(library, wanted, held))

    return choose
