"""The one exception that users see."""

import unicodedata

__all__ = ["MotionaryError"]


class MotionaryError(Exception):
    """A failure that the user can act on.

    ``str(error)`` is one line: the file, the place in it, what is wrong and the cure. The command line
    prints it and exits with 1; a batch reports it and goes on; Blender shows it in an operator's report.

    Names that a file gives may stand in it, so what is no letter, as the codes that command a terminal, is
    spelled out: \\x1b.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message if message.isprintable() else "".join(map(_shown, message)))


def _shown(letter: str) -> str:
    is_shown = letter.isprintable() or unicodedata.category(letter) == "Zs"  # a space of any width
    return letter if is_shown else letter.encode("unicode_escape").decode("ascii")
