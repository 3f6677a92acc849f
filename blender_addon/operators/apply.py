"""Put the chosen clip on the character, with every option of applying in the redo panel."""

# No postponed annotations here: Blender reads properties from them.
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import (
    BoolProperty,
    EnumProperty,
    FloatProperty,
    FloatVectorProperty,
    IntProperty,
    StringProperty,
)

from motionary.edits import Edit
from motionary.errors import MotionaryError
from motionary.formats import read_clip
from motionary.library import clip_info, clip_motion, open_library
from motionary.motion import Motion
from motionary.remote import Place, Served

from ..apply import Applied, apply_motion
from ..armature import current_scene
from ..character import active_armature, has_armature
from ..fetched import fetch_now, name_now
from ..options import ApplyOptions
from ..preferences import place_at
from ..session import current
from ..ui import ghost
from ..ui.text import sentence
from .chosen_clip import ChosenClip, degrees

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems

__all__ = ["CLASSES", "ROOT_ITEMS"]

ROOT_ITEMS = (
    ("hips", "Hips", "The hips take the whole way"),
    ("root", "Root Bone", "The root bone goes along the ground and turns; the hips move over it"),
    ("in_place", "In Place", "The character stays where it is"),
    ("object", "Object", "The armature object goes along the ground and turns"),
)


class _Options:
    """The properties of applying: Blender collects them from the operators that this is a part of."""

    mirror: BoolProperty(  # type: ignore[valid-type]
        name="Mirror", description="Exchange left and right"
    )
    reverse: BoolProperty(  # type: ignore[valid-type]
        name="Reverse", description="Play the clip backwards"
    )
    speed: FloatProperty(  # type: ignore[valid-type]
        name="Speed",
        description="How many times as fast the clip plays",
        default=1.0,
        min=0.1,
        max=10.0,
        precision=2,
    )
    repeat: IntProperty(  # type: ignore[valid-type]
        name="Repeat",
        description="How many times the clip plays, each time going on from where it got to",
        default=1,
        min=1,
        soft_max=20,
        max=1000,
    )
    loop_blend: FloatProperty(  # type: ignore[valid-type]
        name="Loop Blend",
        description="Seconds over which the seam between two repetitions is blended",
        default=0.25,
        min=0.0,
        soft_max=2.0,
        subtype="TIME_ABSOLUTE",
        unit="TIME_ABSOLUTE",
    )
    start: IntProperty(  # type: ignore[valid-type]
        name="Start Frame", description="The scene's frame at which the clip begins", default=1
    )
    keep_place: BoolProperty(  # type: ignore[valid-type]
        name="Keep Place",
        description="Keep where the clip was recorded and which way it faces, instead of the character's",
    )
    turn: FloatProperty(  # type: ignore[valid-type]
        name="Turn",
        description="Degrees by which the clip is turned to the left about the vertical",
        subtype="ANGLE",
        soft_min=-3.14159265,
        soft_max=3.14159265,
    )
    offset: FloatVectorProperty(  # type: ignore[valid-type]
        name="Offset", description="How far the clip is moved, in the scene's units", subtype="TRANSLATION"
    )
    root_motion: EnumProperty(  # type: ignore[valid-type]
        name="Root Motion", description="What takes the way that the body goes", items=ROOT_ITEMS
    )
    stride: EnumProperty(  # type: ignore[valid-type]
        name="Stride",
        description="How long the character's steps are",
        items=(
            ("legs", "By Leg Length", "Longer legs take longer steps, and feet do not slide"),
            ("world", "As Recorded", "The way is as long as it was recorded"),
        ),
    )
    plant_feet: BoolProperty(  # type: ignore[valid-type]
        name="Plant Feet", description="Hold each foot in its place while it stands", default=True
    )
    floor: BoolProperty(  # type: ignore[valid-type]
        name="Floor", description="Keep feet from sinking into the floor", default=True
    )
    destination: EnumProperty(  # type: ignore[valid-type]
        name="Into",
        description="Where the keys go",
        items=(
            ("action", "New Action", "A new Action in place of the current one, which is kept", "ACTION", 0),
            ("strip", "NLA Strip", "A strip on a new track of the NLA", "NLA", 1),
            ("merge", "Current Action", "The current Action, crossfaded with what is there", "ANIM", 2),
        ),
    )
    blend_in: IntProperty(  # type: ignore[valid-type]
        name="Blend In",
        description="Frames over which a strip or the merged clip fades in",
        default=5,
        min=0,
        soft_max=100,
    )
    blend_out: IntProperty(  # type: ignore[valid-type]
        name="Blend Out",
        description="Frames over which a strip or the merged clip fades out",
        default=5,
        min=0,
        soft_max=100,
    )
    only_selected: BoolProperty(  # type: ignore[valid-type]
        name="Only Selected Bones", description="Key the selected bones and no others"
    )
    simplify: FloatProperty(  # type: ignore[valid-type]
        name="Simplify",
        description="Leave out keys that change no turn by more than this many degrees; 0 keys every frame",
        min=0.0,
        soft_max=0.1,
        max=1.5,
        subtype="ANGLE",
        precision=2,
    )
    switches: EnumProperty(  # type: ignore[valid-type]
        name="Rig Switches",
        description="What is done with IK/FK switches and the like, so that the keyed controls have the say",
        items=(
            ("set", "Set", "Set them; Undo sets them back with the rest"),
            ("key", "Key", "Key them over the length of the clip"),
            ("leave", "Leave", "Leave them as they are"),
        ),
    )
    refine: BoolProperty(  # type: ignore[valid-type]
        name="Refine",
        description="Where the rig does not take the motion exactly, measure every frame and correct it",
        default=True,
    )
    all_selected: BoolProperty(  # type: ignore[valid-type]
        name="All Selected Characters", description="Apply the clip to every selected armature"
    )


def _options_of(given: Any, armature: bpy.types.Object, start_s: float, end_s: float | None) -> ApplyOptions:
    """What an operator's properties ask for."""
    only = None
    if given.only_selected:
        only = frozenset(_selected_bones(armature))
        if not only:
            raise MotionaryError(f"no bone of {armature.name!r} is selected; select some, or key all of them")
    return ApplyOptions(
        edit=Edit(start_s, end_s, given.mirror, given.reverse, given.speed, given.repeat, given.loop_blend),
        start=given.start,
        keep_place=given.keep_place,
        turn=degrees(given.turn),
        offset=tuple(given.offset),
        root_motion=given.root_motion,
        stride=given.stride,
        plant_feet=given.plant_feet,
        floor=given.floor,
        destination=given.destination,
        blend_in=given.blend_in,
        blend_out=given.blend_out,
        only=only,
        simplify=degrees(given.simplify),
        switches=given.switches,
        refine=given.refine,
    )


def _selected_bones(armature: bpy.types.Object) -> list[str]:
    pose = armature.pose
    if pose is None:
        return []
    # Selection moved from bones to pose bones in Blender 5.0.
    return [
        bone.name
        for bone in pose.bones
        if getattr(bone, "select", False) or getattr(bone.bone, "select", False)
    ]


def _draw_options(given: Any, layout: bpy.types.UILayout) -> None:
    """All of it, under headings, as the redo panel shows it."""
    layout.use_property_split = True
    layout.use_property_decorate = False
    heading = layout.column(heading="Clip")
    for name in ("mirror", "reverse"):
        heading.prop(given, name)
    for name in ("speed", "repeat"):
        heading.prop(given, name)
    if given.repeat > 1:
        heading.prop(given, "loop_blend")
    place = layout.column()
    place.separator()
    place.prop(given, "start")
    place.prop(given, "keep_place")
    place.prop(given, "turn")
    place.prop(given, "offset")
    place.prop(given, "root_motion")
    place.prop(given, "stride")
    feet = layout.column(heading="Feet")
    feet.prop(given, "plant_feet")
    feet.prop(given, "floor")
    keys = layout.column()
    keys.separator()
    keys.prop(given, "destination")
    if given.destination != "action":
        keys.prop(given, "blend_in")
        keys.prop(given, "blend_out")
    keys.prop(given, "simplify")
    keys.prop(given, "switches")
    more = layout.column(heading="Keys")
    more.prop(given, "only_selected")
    more.prop(given, "refine")
    more.prop(given, "all_selected")


def _targets(context: bpy.types.Context, every: bool) -> list[bpy.types.Object]:
    if not every:
        return [active_armature(context)]
    found = [item for item in context.selected_objects if item.type == "ARMATURE"]
    if not found:
        raise MotionaryError("no armature is selected; select the characters that the clip is for")
    return found


def _tell(operator: bpy.types.Operator, applied: list[Applied], name: str) -> None:
    """In one line what was done, and a line for each thing to know."""
    done = applied[0]
    who = done.armature if len(applied) == 1 else f"{len(applied)} characters"
    operator.report({"INFO"}, f"{name} on {who}, frames {done.frame_start} to {done.frame_end}")
    for item in applied:
        for note in item.notes:
            operator.report({"INFO"}, f"{item.armature}: {note}")


def _apply_all(
    operator: Any, context: bpy.types.Context, motion: Motion, name: str, span: tuple[float, float | None]
) -> "set[OperatorReturnItems]":
    """Apply to every target; where one cannot take it, nothing is left of it there, and it is said."""
    applied: list[Applied] = []
    try:
        for armature in _targets(context, operator.all_selected):
            applied.append(apply_motion(armature, motion, name, _options_of(operator, armature, *span)))
    except MotionaryError as error:
        operator.report({"ERROR"}, str(error))
        if not applied:
            return {"CANCELLED"}
    ghost.hide()
    current().use()
    _tell(operator, applied, name)
    return {"FINISHED"}


class MOTIONARY_OT_apply(ChosenClip, bpy.types.Operator, _Options):
    """Key the chosen clip onto the active character, from the current frame on"""

    bl_idname = "motionary.apply"
    bl_label = "Apply Motion"
    bl_options = {"REGISTER", "UNDO"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> "set[OperatorReturnItems]":
        """Take the chosen clip and the current frame."""
        self.mirror, self.library = False, ""
        self.start = current_scene().frame_current
        return self.execute(context)

    def _take_choice(self, context: bpy.types.Context) -> None:
        hit = self.take_choice(context)
        # Where it is the mirror image that was found and previewed, that is what there is to mirror.
        self.mirror = self.mirror != hit.mirrored

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        """Apply it."""
        try:
            if not self.library:
                self._take_choice(context)
            if self.end_s and self.end_s <= self.start_s:
                raise MotionaryError(f"the clip cannot be cut from {self.start_s:g} s to {self.end_s:g} s")
            name, motion, span = self._clip(place_at(self.library, context))
        except MotionaryError as error:
            self.report({"ERROR"}, sentence(str(error)))
            return {"CANCELLED"}
        return _apply_all(self, context, motion, name, span)

    def _clip(self, library: Place) -> tuple[str, Motion, tuple[float, float | None]]:
        """The clip's name, a motion, and which seconds of that are meant: of a served clip it is no more than
        them, which the preview has mostly brought already."""
        session = current()
        if isinstance(library, Served):
            span = (self.start_s, self.end_s or None)
            hit = next((hit for hit in session.hits if hit.clip == self.clip), None)
            motion = fetch_now(session.motions, library, self.clip, span)
            return hit.name if hit else name_now(library, self.clip), motion, (0.0, None)
        with open_library(library) as held:
            info, motion = clip_info(held, self.clip), clip_motion(held, self.clip)
        # float32 may have rounded the end of a clip up.
        end_s = None if not self.end_s or self.end_s >= motion.duration - 1e-3 else self.end_s
        return info.name, motion, (self.start_s, end_s)

    def draw(self, context: bpy.types.Context) -> None:
        """The redo panel."""
        layout = self.layout
        assert layout is not None
        layout.use_property_split = True
        layout.use_property_decorate = False
        span = layout.column(align=True)
        span.prop(self, "start_s")
        span.prop(self, "end_s")
        _draw_options(self, layout)


class MOTIONARY_OT_apply_file(bpy.types.Operator, _Options):
    """Key a BVH, AMC or HumanML3D file onto the active character, from the current frame on"""

    bl_idname = "motionary.apply_file"
    bl_label = "Apply Motion File"
    bl_options = {"REGISTER", "UNDO"}

    filepath: StringProperty(  # type: ignore[valid-type]
        name="File", description="The motion file", subtype="FILE_PATH", options={"SKIP_SAVE"}
    )
    filter_glob: StringProperty(  # type: ignore[valid-type]
        default="*.bvh;*.amc;*.npy", options={"HIDDEN"}
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> "set[OperatorReturnItems]":
        """Ask for the file, unless one was dropped."""
        self.start = current_scene().frame_current
        if self.filepath:
            return self.execute(context)
        assert context.window_manager is not None
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        """Apply it."""
        try:
            clip = read_clip(Path(bpy.path.abspath(self.filepath)))
        except MotionaryError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return _apply_all(self, context, clip.motion, clip.name, (0.0, None))

    def draw(self, context: bpy.types.Context) -> None:
        """The redo panel, and the options beside the list of files."""
        assert self.layout is not None
        _draw_options(self, self.layout)


class MOTIONARY_FH_motion_file(bpy.types.FileHandler):
    """Motion files dropped into the viewport go onto the active character."""

    bl_idname = "MOTIONARY_FH_motion_file"
    bl_label = "Apply Motion to Character"
    bl_import_operator = "motionary.apply_file"
    bl_file_extensions = ".bvh;.amc"

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        """There is a character under way."""
        return context.area is not None and context.area.type == "VIEW_3D" and has_armature(context)


CLASSES = (MOTIONARY_OT_apply, MOTIONARY_OT_apply_file, MOTIONARY_FH_motion_file)
