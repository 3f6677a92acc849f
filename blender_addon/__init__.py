"""Motionary in Blender: find clips by describing them, see them move, put them on a character.

Nothing is imported here until Blender enables the extension: command-line scripts and the processes that
read files import this package for a module or two of it.
"""


def register() -> None:
    """Enable the extension."""
    from . import registration

    registration.register()


def unregister() -> None:
    """Disable it and leave nothing behind."""
    from . import registration

    registration.unregister()
