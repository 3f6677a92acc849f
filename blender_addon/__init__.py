"""Motionary inside Blender: the only package that imports bpy. What can be numpy is in `motionary`."""
