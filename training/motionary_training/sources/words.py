"""HumanML3D's captions: their lines, the stretches of time that they tell of, and their mirrored words."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from motionary.errors import MotionaryError

__all__ = ["Caption", "Span", "mirrored_words", "read_captions", "spans"]

_VAGUE = (
    "be do have seem appear take start begin move make go get use continue try come look stop put keep "
    "perform proceed repeat return place hold bring remain then face"
)
VAGUE_VERBS = frozenset(_VAGUE.split())
"""Verbs that name no action of their own, so sharing one makes no two clips alike."""


@dataclass(frozen=True)
class Caption:
    """One line of a text file. start, end: seconds into the clip; both 0 for the whole clip."""

    text: str
    verbs: frozenset[str]
    start: float = 0.0
    end: float = 0.0


@dataclass(frozen=True)
class Span:
    """What is said of one stretch of a clip. start, end: seconds; both 0 for the whole clip.

    actions: verbs of any caption. labels: short captions of the verbs that two people used.
    """

    start: float
    end: float
    captions: tuple[str, ...]
    actions: frozenset[str]
    labels: tuple[str, ...]

    @property
    def suffix(self) -> str:
        """What the stretch adds to its clip's name: "@0.5-1.5", or nothing for the whole clip."""
        return f"@{self.start:g}-{self.end:g}" if self.end else ""


def read_captions(path: Path) -> list[Caption]:
    """The lines ``caption#word/POS word/POS...#start#end`` of a HumanML3D text file; nan times mean 0.

    MotionaryError, with the line, for anything else, and for what cannot be read.
    """
    captions = []
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise MotionaryError(f"{path}: cannot be read ({error}); unpack the file anew") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            text, tokens, start, end = line.split("#")
            times = [0.0 if math.isnan(float(value)) else float(value) for value in (start, end)]
        except ValueError:
            raise MotionaryError(
                f"{path}: line {number} is not 'caption#tokens#start#end'; unpack the file anew"
            ) from None
        verbs = {word.rsplit("/", 1)[0] for word in tokens.split() if word.endswith("/VERB")}
        if text.strip():
            captions.append(Caption(text.strip(), frozenset(verbs - VAGUE_VERBS), *times))
    return captions


def spans(captions: Sequence[Caption]) -> list[Span]:
    """The stretches of time that have captions of their own, in the order of their first captions.

    Each is told from the start of the whole clip. Those that end before they start are left out.
    """
    found = []
    for start, end in dict.fromkeys((caption.start, caption.end) for caption in captions):
        if end <= start and (start, end) != (0.0, 0.0):
            continue
        here = [caption for caption in captions if (caption.start, caption.end) == (start, end)]
        verbs = Counter(verb for caption in here for verb in caption.verbs)
        labels = tuple(f"a person {_third_person(verb)}" for verb, uses in sorted(verbs.items()) if uses > 1)
        texts = tuple(dict.fromkeys(caption.text for caption in here))
        found.append(Span(start, end, texts, frozenset(verbs), labels))
    return found


_OTHER = {
    "left": "right",
    "right": "left",
    "leftward": "rightward",
    "rightward": "leftward",
    "leftwards": "rightwards",
    "rightwards": "leftwards",
    "clockwise": "counterclockwise",
    "counterclockwise": "clockwise",
    "counter-clockwise": "clockwise",
    "counter clockwise": "clockwise",
    "anticlockwise": "clockwise",
    "anti-clockwise": "clockwise",
}
# "right away" and "right in front" are no sides.
_SIDED = re.compile(
    r"(?<![\w-])(counter[- ]clockwise|anti-clockwise|(?:counter|anti)?clockwise|leftwards?|rightwards?|left"
    r"|right(?!\s+(?:away|now|after|before|behind|next|in\s+front|back|angle|angles|there|up|on)\b))(?!\w)",
    re.IGNORECASE,
)


def mirrored_words(caption: str) -> str:
    """What is true of the mirrored clip: left for right, clockwise for counterclockwise, and back."""

    def other(found: re.Match[str]) -> str:
        word = _OTHER[" ".join(found[0].lower().split())]
        return word.capitalize() if found[0][0].isupper() else word

    return _SIDED.sub(other, caption)


def _third_person(verb: str) -> str:
    if verb.endswith(("s", "sh", "ch", "x", "z", "o")):
        return verb + "es"
    if verb.endswith("y") and verb[-2:-1] not in "aeiou":
        return verb[:-1] + "ies"
    return verb + "s"
