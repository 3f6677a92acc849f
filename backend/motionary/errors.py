"""The one exception that users see."""

__all__ = ["MotionaryError"]


class MotionaryError(Exception):
    """A failure that the user can act on.

    ``str(error)`` is one line: the file, the place in it, what is wrong and the cure. The command line
    prints it and exits with 1; a batch reports it and goes on; Blender shows it in an operator's report.
    """
