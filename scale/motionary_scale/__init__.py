"""Motionary on many machines: indexing through Ray, candidates from Milvus, a library served to a team.

What needs more than numpy and the standard library for that; the core calls it when asked to, and nothing
here is in the extension. ``pip install "motionary[scale]"``.
"""
