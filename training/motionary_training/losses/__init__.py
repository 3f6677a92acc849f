"""Retrieval losses: pure functions of similarity matrices, one in each file.

Throughout, row i of a batch is a pair of motion i and text i, S[i, j] is the cosine of motion i and text j,
M[i, j] that of motions i and j, T[i, j] that of texts i and j, and ``same[i, j]`` says that pairs i and j
show one motion, so that text j is a true caption of motion i and no negative.
"""

from motionary_training.losses.drop_triple import drop_triple, dropped_negatives
from motionary_training.losses.max_hinge import max_hinge
from motionary_training.losses.sum_hinge import sum_hinge

__all__ = ["drop_triple", "dropped_negatives", "max_hinge", "sum_hinge"]
