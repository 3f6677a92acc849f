"""Motionary inside Blender: the only package that imports bpy. Everything that can be numpy lives in `motionary`."""
