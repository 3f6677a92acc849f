"""Where captioned clips come from: a module for each kind of data set, all giving the same samples."""

from motionary_training.sources.recognise import recognised
from motionary_training.sources.sample import SHORTEST, SPLITS, Features, Sample

__all__ = ["SHORTEST", "SPLITS", "Features", "Sample", "recognised"]
