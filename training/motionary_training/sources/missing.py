"""How an incomplete or damaged data set is refused: file by file, in one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from motionary.errors import MotionaryError

__all__ = ["refuse"]

NAMED = 20


def refuse(what: str, files: Sequence[str], cure: str) -> None:
    """Raise MotionaryError "WHAT, N: FILE, FILE, ...; CURE" where there are any.

    20 of them are named in the line; the rest are the error's notes, which ``data check`` tells too.
    """
    if files:
        rest = f" and {len(files) - NAMED} more" if len(files) > NAMED else ""
        error = MotionaryError(f"{what}, {len(files)}: {', '.join(files[:NAMED])}{rest}; {cure}")
        for file in files[NAMED:]:
            error.add_note(file)
        raise error
