"""What the extension adds to Blender, module by module, in the order in which it is added."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

import bpy

__all__ = ["MODULES", "register", "unregister"]

MODULES: tuple[str, ...] = (
    "preferences",
    "properties",
    "session",
    "operators.search",
    "operators.apply",
    "ui.ghost",
    "ui.panel",
    "ui.pie",
    "operators.libraries",
    "operators.served",
    "ui.library_panel",
    "ui.status",
    "operators.rig_map",
    "ui.rig_panel",
    "operators.assets",
    "operators.captions",
    "command",
)
"""Each has CLASSES for Blender to know, or a register() and an unregister(), or both."""


def register() -> None:
    """Add everything, or, where a part fails, nothing."""
    added: list[ModuleType] = []
    try:
        for name in MODULES:
            module = import_module(f".{name}", __package__)
            added.append(module)
            for known in getattr(module, "CLASSES", ()):
                bpy.utils.register_class(known)
            if hasattr(module, "register"):
                module.register()
    except BaseException:
        for module in reversed(added):
            _remove(module)
        raise


def unregister() -> None:
    """Take everything away, the last first."""
    for name in reversed(MODULES):
        _remove(import_module(f".{name}", __package__))


def _remove(module: ModuleType) -> None:
    if hasattr(module, "unregister"):
        module.unregister()
    for known in reversed(getattr(module, "CLASSES", ())):
        if known.is_registered:
            bpy.utils.unregister_class(known)
