"""What operators have in common that put the chosen clip on a character."""

# No postponed annotations here: Blender reads properties from them.
import math

import bpy
from bpy.props import FloatProperty, IntProperty, StringProperty

from motionary.errors import MotionaryError
from motionary.search import Hit

from ..character import has_armature
from ..properties import state
from ..session import current

__all__ = ["ChosenClip", "degrees", "has_character", "span_of"]


class ChosenClip:
    """Properties that say which clip, and which part of it: Blender collects them from the operators that
    this is a part of."""

    library: StringProperty(  # type: ignore[valid-type]
        name="Library", description="The library file", subtype="FILE_PATH", options={"HIDDEN", "SKIP_SAVE"}
    )
    clip: IntProperty(  # type: ignore[valid-type]
        name="Clip", description="The clip's id in the library", options={"HIDDEN", "SKIP_SAVE"}
    )
    start_s: FloatProperty(  # type: ignore[valid-type]
        name="From",
        description="Seconds of the clip at which to begin",
        min=0.0,
        precision=2,
        options={"SKIP_SAVE"},
    )
    end_s: FloatProperty(  # type: ignore[valid-type]
        name="To",
        description="Seconds of the clip at which to end; 0 for its end",
        min=0.0,
        precision=2,
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A result is chosen, and there may be a character; the background has neither to see."""
        if bpy.app.background:
            return True
        if current().chosen is None:
            cls.poll_message_set("Search for a motion and choose a result first")  # type: ignore[attr-defined]
            return False
        return has_character(cls, context)  # type: ignore[arg-type]

    def take_choice(self, context: bpy.types.Context) -> Hit:
        """Fill the properties with the result that is chosen; MotionaryError where none is."""
        session = current()
        hit = session.chosen
        if hit is None or session.library is None:
            raise MotionaryError("choose a result first")
        self.library, self.clip = str(session.library), hit.clip
        self.start_s, self.end_s = span_of(hit, bool(state(context).whole_clip))
        return hit


def span_of(hit: Hit, whole: bool) -> tuple[float, float]:
    """The seconds of a clip that are meant, an end of 0 for its end."""
    return (0.0, 0.0) if whole else (hit.start_s, hit.end_s)


def has_character(operator: type[bpy.types.Operator], context: bpy.types.Context) -> bool:
    """Whether there may be a character; what to do where there is none is in the tooltip."""
    if not has_armature(context):
        operator.poll_message_set("There is no armature in the scene: add a rigged character")
        return False
    return True


def degrees(radians: float) -> float:
    """An angle as it was typed: Blender keeps float32, and 0.5 degrees are to be 0.5 again."""
    return round(math.degrees(radians), 4)
