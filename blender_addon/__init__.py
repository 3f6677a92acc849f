"""Motionary in Blender: find clips by describing them, see them move, put them on a character.

Nothing is imported here until Blender enables the extension: command-line scripts and the processes that
read files import this package for a module or two of it.
"""

import sys


def _forget_old_core() -> None:
    """Have the core imported anew when the extension is: after an update within a session Blender drops the
    extension's own modules and keeps those of its wheel, which are the old ones."""
    if any(name.startswith(f"{__name__}.") for name in sys.modules):
        return  # nothing was updated, and what is loaded fits together
    for name in [name for name in sys.modules if name.partition(".")[0] == "motionary"]:
        del sys.modules[name]


if __name__.startswith("bl_ext."):
    _forget_old_core()


def register() -> None:
    """Enable the extension."""
    from . import registration

    registration.register()


def unregister() -> None:
    """Disable it and leave nothing behind."""
    from . import registration

    registration.unregister()
