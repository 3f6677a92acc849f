"""Motionary, a motion dictionary: the core. numpy and the standard library only; no bpy, no torch."""

__version__ = "0.1.0"
