"""The trained parts: motion encoders by kind, the text tower, and both together."""

from motionary_training.encoders.dual import DualEncoder, FeatureNorm, make_model, make_motion_encoder
from motionary_training.encoders.patches import PatchEncoder
from motionary_training.encoders.recurrent import RecurrentEncoder
from motionary_training.encoders.text import TextTower
from motionary_training.encoders.transformer import TransformerEncoder, positions

__all__ = [
    "DualEncoder",
    "FeatureNorm",
    "PatchEncoder",
    "RecurrentEncoder",
    "TextTower",
    "TransformerEncoder",
    "make_model",
    "make_motion_encoder",
    "positions",
]
