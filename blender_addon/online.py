"""Whether Blender lets the extension ask other machines: Preferences > System > Network has the say."""

from __future__ import annotations

import bpy

__all__ = ["why_offline"]


def why_offline() -> str:
    """Why no other machine may be asked now, with the cure; "" where any may. This machine always may be."""
    if bpy.app.online_access:
        return ""
    if bpy.app.online_access_override:
        return "Blender was started offline, so only this machine is asked; start it with --online-mode"
    return (
        "Blender is offline, so only this machine is asked; turn on Allow Online Access in Preferences > "
        "System > Network"
    )
