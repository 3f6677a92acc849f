"""What the panel asks for: on the window manager, for it belongs to no file and to no undo step."""

# No postponed annotations here: Blender reads properties from them.
from collections.abc import Iterator
from typing import cast

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, PointerProperty, StringProperty

__all__ = ["CLASSES", "MOTIONARY_PG_state", "register", "state", "unregister"]


def _typed(self: bpy.types.bpy_struct, context: bpy.types.Context) -> None:
    from .session import current

    current().ask_soon()


def _choice(self: bpy.types.bpy_struct, context: bpy.types.Context) -> None:
    from .session import current

    current().choose(int(cast("MOTIONARY_PG_state", self).chosen))


def _tags(self: bpy.types.bpy_struct, context: bpy.types.Context, text: str) -> Iterator[tuple[str, str]]:
    """The library's tags that hold what is typed, with how many clips have them."""
    from .session import current

    for tag, count in current().tags.items():
        if text.lower() in tag.lower():
            yield tag, f"{count} clips"


class MOTIONARY_PG_state(bpy.types.PropertyGroup):
    """Query, filters and choice of this session."""

    query: StringProperty(  # type: ignore[valid-type]
        name="Query",
        description='What the motion shows, as in "a person limps forward, then sits down"',
        options={"TEXTEDIT_UPDATE", "SKIP_SAVE"},
        update=_typed,
    )
    use_filters: BoolProperty(  # type: ignore[valid-type]
        name="Filters", description="Look only at clips that pass the filters", update=_typed
    )
    min_seconds: FloatProperty(  # type: ignore[valid-type]
        name="At Least",
        description="Only clips that last this many seconds or more",
        min=0.0,
        soft_max=60.0,
        step=50,
        precision=1,
        subtype="TIME_ABSOLUTE",
        unit="TIME_ABSOLUTE",
        update=_typed,
    )
    max_seconds: FloatProperty(  # type: ignore[valid-type]
        name="At Most",
        description="Only clips that last this many seconds or less; 0 for any length",
        min=0.0,
        soft_max=60.0,
        step=50,
        precision=1,
        subtype="TIME_ABSOLUTE",
        unit="TIME_ABSOLUTE",
        update=_typed,
    )
    min_distance: FloatProperty(  # type: ignore[valid-type]
        name="From",
        description="Only moments that get this many metres away from where they begin, or more",
        min=0.0,
        soft_max=20.0,
        step=25,
        precision=1,
        subtype="DISTANCE",
        update=_typed,
    )
    max_distance: FloatProperty(  # type: ignore[valid-type]
        name="Up To",
        description="Only moments that get this many metres away, or less; 0 for any way",
        min=0.0,
        soft_max=20.0,
        step=25,
        precision=1,
        subtype="DISTANCE",
        update=_typed,
    )
    loops: BoolProperty(  # type: ignore[valid-type]
        name="Loops", description="Only what meets its own beginning at its end", update=_typed
    )
    hand: EnumProperty(  # type: ignore[valid-type]
        name="Hand",
        description="Only where this hand is at work",
        items=(
            ("any", "Any", "Whatever the hands do"),
            ("left", "Left", "The left hand is at work"),
            ("right", "Right", "The right hand is at work"),
            ("both", "Both", "Both hands are at work"),
        ),
        update=_typed,
    )
    tag: StringProperty(  # type: ignore[valid-type]
        name="Tag",
        description="Only clips with this tag; several are separated by commas",
        options={"SKIP_SAVE"},
        search=_tags,
        search_options={"SUGGESTION"},
        update=_typed,
    )
    source: StringProperty(  # type: ignore[valid-type]
        name="Source",
        description="Only clips from files whose path holds this text",
        options={"TEXTEDIT_UPDATE", "SKIP_SAVE"},
        update=_typed,
    )
    starred: BoolProperty(  # type: ignore[valid-type]
        name="Starred", description="Only clips that you gave a star", update=_typed
    )
    chosen: IntProperty(  # type: ignore[valid-type]
        name="Chosen",
        description="Which of the results is previewed and applied, counted from 0; -1 for none",
        default=-1,
        min=-1,
        options={"SKIP_SAVE"},
        update=_choice,
    )
    show_ghost: BoolProperty(  # type: ignore[valid-type]
        name="Ghost",
        description="Play the chosen clip in the 3D Viewport, without a change to the scene",
        default=True,
    )
    whole_clip: BoolProperty(  # type: ignore[valid-type]
        name="Whole Clip",
        description="Preview and apply all of a long clip, not only the part that matches",
        update=_choice,
    )


def state(context: bpy.types.Context | None = None) -> MOTIONARY_PG_state:
    """This session's query, filters and choice."""
    manager = (context or bpy.context).window_manager
    assert manager is not None
    # The stubs do not know what extensions add.
    return cast("MOTIONARY_PG_state", manager.motionary)  # type: ignore[attr-defined]


CLASSES = (MOTIONARY_PG_state,)


def register() -> None:
    """Put them on the window manager."""
    bpy.types.WindowManager.motionary = PointerProperty(  # type: ignore[attr-defined, func-returns-value]
        type=MOTIONARY_PG_state, name="Motionary", options={"SKIP_SAVE"}
    )


def unregister() -> None:
    """Take them away."""
    if hasattr(bpy.types.WindowManager, "motionary"):
        del bpy.types.WindowManager.motionary
