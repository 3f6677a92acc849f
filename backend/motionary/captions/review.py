"""A page to look captions through: one HTML file with all it needs, pictures that move and a Save button.

A browser opens it from the disk, offline. It asks for nothing: its content security policy allows its own
style and script, by their hashes, and pictures within it. What comes from files (names, captions, tags) is
data, which the script shows as text and never as markup. What Save downloads is what
`motionary.captions.corrections` reads.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from motionary.captions.batch import Row, clip_file
from motionary.captions.caption import Caption
from motionary.files import replacing
from motionary.motion import Motion, slice_frames
from motionary.png import png
from motionary.pose_strip import pose_frames

__all__ = ["Card", "cards_of", "page", "thumbnail", "write_page"]

FRAMES = 12
"""Pictures of a thumbnail, which the page's style counts, too."""
SIZE = (72, 72)
GROUND = (0.16, 0.17, 0.2)
"""What the figures are drawn on, whatever the page's colours."""
QUICKEST, LONGEST = 0.6, 8.0
"""Seconds that a thumbnail plays for; a clip that takes less or longer is shown slower or faster."""


@dataclass(frozen=True)
class Card:
    """A clip to look at, or, where start_s and end_s are given, a part of one. file: as a captions.csv names
    it. known: captions that the clip had before. picture: a PNG of FRAMES pictures, left to right."""

    file: str
    name: str
    captions: tuple[str, ...]
    tags: tuple[str, ...]
    confidence: float | None
    known: tuple[str, ...]
    picture: bytes
    seconds: float
    start_s: float | None = None
    end_s: float | None = None


def thumbnail(motion: Motion) -> bytes:
    """FRAMES pictures of a motion side by side, as a PNG. MotionaryError where it is no human body."""
    drawn = pose_frames(motion, FRAMES, SIZE)[:, ::-1]
    flat = drawn[..., :3] + (1 - drawn[..., 3:]) * np.array(GROUND, np.float32)
    return png(np.concatenate(list(flat), axis=1))


def cards_of(row: Row, motion: Motion) -> list[Card]:
    """The card of a clip whose motion this is, and one for each of its moments."""
    found = row.found
    cards = [_card(row, motion, found.captions, found.tags, row.clip.captions)]
    for moment in found.moments:
        first = min(round(moment.start_s * motion.fps), motion.frames - 1)
        last = min(max(round(moment.end_s * motion.fps), first + 1), motion.frames)
        tags = moment.captions[0].tags if moment.captions else ()
        card = _card(row, slice_frames(motion, first, last), moment.captions, tags, ())
        cards.append(replace(card, start_s=moment.start_s, end_s=moment.end_s))
    return cards


def _card(
    row: Row, motion: Motion, captions: Sequence[Caption], tags: Sequence[str], known: Sequence[str]
) -> Card:
    return Card(
        clip_file(row.clip),
        row.clip.name,
        tuple(caption.text for caption in captions),
        tuple(tags),
        captions[0].confidence if captions else None,
        tuple(known),
        thumbnail(motion),
        motion.duration,
    )


def write_page(path: Path, cards: Sequence[Card], title: str) -> None:
    """Write the page in one step; MotionaryError where it cannot be written."""
    with replacing(path) as temporary:
        temporary.write_text(page(cards, title), encoding="utf-8")


def page(cards: Sequence[Card], title: str) -> str:
    """The whole page."""
    template = resources.files(__package__).joinpath("review.html").read_text("utf-8")
    policy = (
        f"default-src 'none'; img-src data:; style-src {_hash(template, 'style')}; "
        f"script-src {_hash(template, 'script')}; base-uri 'none'; form-action 'none'"
    )
    data = json.dumps({"title": title, "clips": [_data(card) for card in cards]}, ensure_ascii=False)
    # What is in a script element ends at the first "</", and must not open a comment.
    for letter in "<>&\u2028\u2029":
        data = data.replace(letter, f"\\u{ord(letter):04x}")
    parts = {"__POLICY__": escape(policy), "__TITLE__": escape(title), "__DATA__": data}
    return re.sub("|".join(parts), lambda found: parts[found[0]], template)


def _data(card: Card) -> dict[str, Any]:
    seconds = min(max(card.seconds, QUICKEST), LONGEST)
    moment = {} if card.start_s is None else {"start_s": card.start_s, "end_s": card.end_s}
    return {
        "file": card.file,
        "name": card.name,
        **moment,
        "captions": card.captions,
        "tags": card.tags,
        "confidence": None if card.confidence is None else round(card.confidence, 2),
        "known": card.known,
        "seconds": round(card.seconds, 2),
        "plays": round(seconds, 2),
        "picture": f"data:image/png;base64,{base64.b64encode(card.picture).decode()}",
    }


def _hash(template: str, element: str) -> str:
    """How a policy names the only element of that kind which has neither a source nor another type."""
    found = re.search(f"<{element}>(.*?)</{element}>", template, re.DOTALL)
    assert found is not None
    return f"'sha256-{base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()}'"
