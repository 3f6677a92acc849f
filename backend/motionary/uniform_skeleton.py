"""The skeleton that HumanML3D puts every motion on, so that features do not depend on who was recorded.

Source: the bone lengths of the SMPL body in frame 0 of HumanML3D's example motion 000021, along the rest
directions of its ``paramUtil.py`` (https://github.com/EricGuo5513/HumanML3D, MIT licence). They are part of
the format: features made with other lengths are not comparable to the published ones.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["OFFSETS"]

OFFSETS: NDArray[np.float64] = np.array(
    [
        [0.0, 0.0, 0.0],  # pelvis
        [0.10307396948337555, 0.0, 0.0],  # left_hip
        [-0.1098833680152893, 0.0, 0.0],  # right_hip
        [0.0, 0.13156823813915253, 0.0],  # spine1
        [0.0, -0.3936232030391693, 0.0],  # left_knee
        [0.0, -0.39018821716308594, 0.0],  # right_knee
        [0.0, 0.14319021999835968, 0.0],  # spine2
        [0.0, -0.4324330687522888, 0.0],  # left_ankle
        [0.0, -0.42564332485198975, 0.0],  # right_ankle
        [0.0, 0.05736473575234413, 0.0],  # spine3
        [0.0, 0.0, 0.14338181912899017],  # left_foot
        [0.0, 0.0, 0.14941906929016113],  # right_foot
        [0.0, 0.21936005353927612, 0.0],  # neck
        [0.1374867707490921, 0.0, 0.0],  # left_collar
        [-0.14338283240795135, 0.0, 0.0],  # right_collar
        [0.0, 0.0, 0.1030392274260521],  # head
        [0.0, -0.13161404430866241, 0.0],  # left_shoulder
        [0.0, -0.122984379529953, 0.0],  # right_shoulder
        [0.0, -0.2568399906158447, 0.0],  # left_elbow
        [0.0, -0.2630917429924011, 0.0],  # right_elbow
        [0.0, -0.26601171493530273, 0.0],  # left_wrist
        [0.0, -0.2698763906955719, 0.0],  # right_wrist
    ]
)
"""(22, 3) metres from the parent joint, in the rest pose: Y up, +Z forward, left at +X. Read-only."""
OFFSETS.setflags(write=False)
