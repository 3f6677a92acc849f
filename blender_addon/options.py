"""How a clip is applied: every choice that an animator has, with what it means."""

from __future__ import annotations

from dataclasses import dataclass, field

from motionary.edits import Edit
from motionary.errors import MotionaryError
from motionary.root_motion import ROOT_MOTION

__all__ = ["DESTINATIONS", "STRIDES", "SWITCHES", "ApplyOptions"]

STRIDES = ("legs", "world")
DESTINATIONS = ("action", "strip", "merge")
SWITCHES = ("set", "key", "leave")


@dataclass(frozen=True)
class ApplyOptions:
    """edit: what is done to the clip first. start: its first frame in the scene, the scene's first if None.

    keep_place: where it was recorded, instead of where the character stands and faces. turn: degrees about
    the vertical, and offset: the scene's units, both added to that. root_motion: what takes the way that the
    body goes (see `motionary.root_motion`). stride: "legs" scales the way by leg length, "world" keeps it.
    plant_feet: hold each foot where it stands. floor: keep feet from sinking in.
    destination: a new "action", a "strip" of the NLA, or "merge" into the current Action, crossfaded over
    blend_in and blend_out frames. only: names of the bones to key, None for all. simplify: leave out keys as
    long as no turn is off by more than these degrees, and no place by what that is at the end of a leg; 0
    keys every frame. switches: "set" IK to FK and the like, "key" them with the clip, or "leave" them.
    refine: where the rig does not take the motion exactly, measure and correct it frame by frame.
    """

    edit: Edit = field(default_factory=Edit)
    start: int | None = None
    keep_place: bool = False
    turn: float = 0.0
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)
    root_motion: str = "hips"
    stride: str = "legs"
    plant_feet: bool = True
    floor: bool = True
    destination: str = "action"
    blend_in: int = 5
    blend_out: int = 5
    only: frozenset[str] | None = None
    simplify: float = 0.0
    switches: str = "set"
    refine: bool = True

    def __post_init__(self) -> None:
        for name, known in (
            ("root_motion", ROOT_MOTION),
            ("stride", STRIDES),
            ("destination", DESTINATIONS),
            ("switches", SWITCHES),
        ):
            if (value := getattr(self, name)) not in known:
                raise MotionaryError(f"{name} is {value!r}; it is one of {', '.join(known)}")
        if not 0 <= self.simplify < 90:
            raise MotionaryError(f"simplify is {self.simplify} degrees; it is 0 or a few degrees")
        if min(self.blend_in, self.blend_out) < 0:
            raise MotionaryError("blend_in and blend_out are frames, 0 or more")
