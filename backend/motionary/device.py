"""What embeds motions: numpy, or, where the training package and torch are installed, torch on a GPU.

The core needs no torch and imports none. ``motionary_training.embed`` is looked for by its name, and only
when a device other than numpy is asked for, or "auto" finds signs of a GPU: importing torch takes seconds.
"""

from __future__ import annotations

import ctypes.util
import importlib
import platform
import sys
from pathlib import Path

from motionary.bundle import ModelBundle
from motionary.errors import MotionaryError
from motionary.index import Embed

__all__ = ["embed_on", "may_have_gpu"]

_PLUG_IN = "motionary_training.embed"
_DRIVERS = ("/proc/driver/nvidia/version", "/dev/nvidiactl", "/dev/kfd", "/dev/dxg")  # NVIDIA, AMD, WSL


def embed_on(device: str, bundle: ModelBundle) -> Embed | None:
    """What embeds for ``bundle`` on a device: "numpy", or torch's "cpu", "cuda" or "mps".

    "auto" is torch on a GPU that is really there, else numpy. None: the bundle itself does it, in numpy.

    MotionaryError where a device is asked for by its name and torch or the device is not there.
    """
    if device == "numpy" or (device == "auto" and not may_have_gpu()):
        return None
    try:
        plug_in = importlib.import_module(_PLUG_IN)
    except (ImportError, OSError) as error:  # OSError: a library of torch's own that is missing or broken
        if device == "auto":
            return None
        raise MotionaryError(
            f"--device {device} needs Motionary's training package and torch, which cannot be imported here "
            f"({' '.join(str(error).split())}): pip install 'motionary[train]', or leave --device out"
        ) from None
    found = plug_in.torch_device(device)
    if device == "auto" and found.type == "cpu":  # importing torch takes about what it saves there
        return None
    embed: Embed = plug_in.make_embed(bundle, found)
    return embed


def may_have_gpu() -> bool:
    """Whether there are signs of a GPU that torch could use; a moment's work, torch has the last word."""
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    if sys.platform == "win32":
        return ctypes.util.find_library("nvcuda") is not None
    return any(Path(sign).exists() for sign in _DRIVERS)
