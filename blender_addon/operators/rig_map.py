"""Which bones take which joint of the body: look at what was found, correct it, keep it on the armature."""

# No postponed annotations here: Blender reads properties from them.
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

import bpy
from bpy.props import CollectionProperty, StringProperty

from motionary.errors import MotionaryError
from motionary.rigs import ESSENTIAL, JOINTS, RigMap, correct, load_rig_map, match, rank_rigs, save_rig_map

from ..armature import armature_data
from ..character import active_armature, shown_armature
from ..rig_choice import choose_rig, forget_rig_map, keep_rig_map

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems

__all__ = [
    "CLASSES",
    "MOTIONARY_PG_joint",
    "MOTIONARY_PG_rig",
    "register",
    "rig_rows",
    "unregister",
]


def _bones(self: bpy.types.bpy_struct, context: bpy.types.Context, text: str) -> Iterator[str]:
    """The armature's bones whose name holds what is typed after the last comma, with what is before it."""
    armature = shown_armature(context)
    before, comma, last = text.rpartition(",")
    if armature is not None:
        for bone in armature_data(armature).bones:
            if last.strip().lower() in bone.name.lower():
                yield f"{before}{comma} {bone.name}".strip()


class MOTIONARY_PG_joint(bpy.types.PropertyGroup):
    """A joint of the body; its name is that of `motionary.rigs`."""

    bones: StringProperty(  # type: ignore[valid-type]
        name="Bones",
        description="The bone that takes this joint; several in a row, root outward, are separated by commas",
        search=_bones,
        search_options={"SUGGESTION"},
    )


class MOTIONARY_PG_rig(bpy.types.PropertyGroup):
    """What was found of an armature, to be looked at and corrected."""

    armature: StringProperty()  # type: ignore[valid-type]
    reason: StringProperty()  # type: ignore[valid-type]
    joints: CollectionProperty(type=MOTIONARY_PG_joint)  # type: ignore[valid-type]


def rig_rows(context: bpy.types.Context) -> MOTIONARY_PG_rig:
    """What was found last."""
    manager = context.window_manager
    assert manager is not None
    return cast("MOTIONARY_PG_rig", manager.motionary_rig)  # type: ignore[attr-defined]


def _show(context: bpy.types.Context, armature: bpy.types.Object) -> None:
    """Look again at ``armature``, and put what is found into the rows."""
    names = {bone.name: bone.parent.name if bone.parent else None for bone in armature_data(armature).bones}
    try:
        choice = choose_rig(armature)
        rig, reason = choice.rig, choice.reason
    except MotionaryError as error:
        # The likeliest is a beginning that the user can complete.
        rig, reason = rank_rigs(names)[0].rig, str(error)
    rows = rig_rows(context)
    rows.armature, rows.reason = armature.name, reason
    rows.joints.clear()
    for joint in JOINTS:
        row = rows.joints.add()
        row.name = joint
        row.bones = ", ".join(rig.joints.get(joint, ()))


def _corrected(context: bpy.types.Context, armature: bpy.types.Object) -> RigMap:
    """The rig map that was found, with the rows as they are now; MotionaryError where one names no bone."""
    bones = armature_data(armature).bones
    try:
        rig = choose_rig(armature).rig
    except MotionaryError:
        rig = rank_rigs([bone.name for bone in bones])[0].rig
    for row in rig_rows(context).joints:
        named = tuple(name for part in str(row.bones).split(",") if (name := part.strip()))
        for name in named:
            if name not in bones:
                raise MotionaryError(f"{row.name}: armature {armature.name!r} has no bone {name!r}")
        if named != tuple(rig.joints.get(row.name, ())):
            rig = correct(rig, row.name, named)
    if lacking := [joint.replace("_", " ") for joint in JOINTS if joint in ESSENTIAL - rig.joints.keys()]:
        raise MotionaryError(f"armature {armature.name!r}: say which bones take {', '.join(lacking)}")
    return rig


class _OfActiveArmature:
    """Asks for an active armature."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An armature, or a mesh that one deforms, is active."""
        if shown_armature(context) is not None or bpy.app.background:
            return True
        cast("type[bpy.types.Operator]", cls).poll_message_set("Select a character's armature first")
        return False


class MOTIONARY_OT_rig_detect(_OfActiveArmature, bpy.types.Operator):
    """Find out which bones of the active armature take which joint of the body"""

    bl_idname = "motionary.rig_detect"
    bl_label = "Detect Bones"

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        """Fill the rows."""
        try:
            _show(context, active_armature(context))
        except MotionaryError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


class MOTIONARY_OT_rig_keep(_OfActiveArmature, bpy.types.Operator):
    """Keep these bones on the armature, in this file, as what motions are applied to and read from"""

    bl_idname = "motionary.rig_keep"
    bl_label = "Keep Bones"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        """Write them onto the armature."""
        try:
            armature = active_armature(context)
            if rig_rows(context).armature != armature.name:
                _show(context, armature)
            keep_rig_map(armature, _corrected(context, armature))
            _show(context, armature)
        except MotionaryError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, f"Kept on {armature.name}")
        return {"FINISHED"}


class MOTIONARY_OT_rig_forget(_OfActiveArmature, bpy.types.Operator):
    """Forget the bones that are kept on the armature, and find them anew"""

    bl_idname = "motionary.rig_forget"
    bl_label = "Forget Kept Bones"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        """Take them off the armature."""
        try:
            armature = active_armature(context)
            forget_rig_map(armature)
            _show(context, armature)
        except MotionaryError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


class MOTIONARY_OT_rig_save(_OfActiveArmature, bpy.types.Operator):
    """Save these bones as a file, for other characters with the same rig"""

    bl_idname = "motionary.rig_save"
    bl_label = "Save Bones"

    filepath: StringProperty(  # type: ignore[valid-type]
        name="File", description="The rig map to write, a .toml file", subtype="FILE_PATH"
    )
    filter_glob: StringProperty(default="*.toml", options={"HIDDEN"})  # type: ignore[valid-type]

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> "set[OperatorReturnItems]":
        """Ask where."""
        assert context.window_manager is not None
        self.filepath = self.filepath or "rig.toml"
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        """Write them."""
        path = Path(bpy.path.ensure_ext(bpy.path.abspath(self.filepath), ".toml"))
        try:
            armature = active_armature(context)
            if rig_rows(context).armature != armature.name:
                _show(context, armature)
            save_rig_map(_corrected(context, armature), path)
        except MotionaryError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, f"Saved {path}")
        return {"FINISHED"}


class MOTIONARY_OT_rig_load(_OfActiveArmature, bpy.types.Operator):
    """Take the bones from a rig map, and keep them on the armature"""

    bl_idname = "motionary.rig_load"
    bl_label = "Load Bones"
    bl_options = {"REGISTER", "UNDO"}

    filepath: StringProperty(  # type: ignore[valid-type]
        name="File", description="The rig map to read, a .toml file", subtype="FILE_PATH"
    )
    filter_glob: StringProperty(default="*.toml", options={"HIDDEN"})  # type: ignore[valid-type]

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> "set[OperatorReturnItems]":
        """Ask for the file."""
        assert context.window_manager is not None
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        """Read them."""
        path = Path(bpy.path.abspath(self.filepath))
        try:
            armature = active_armature(context)
            rig = match(load_rig_map(path), [bone.name for bone in armature_data(armature).bones])
            if rig is None:
                raise MotionaryError(f"{path}: armature {armature.name!r} lacks bones that it names")
            keep_rig_map(armature, rig)
            _show(context, armature)
        except MotionaryError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


CLASSES = (
    MOTIONARY_PG_joint,
    MOTIONARY_PG_rig,
    MOTIONARY_OT_rig_detect,
    MOTIONARY_OT_rig_keep,
    MOTIONARY_OT_rig_forget,
    MOTIONARY_OT_rig_save,
    MOTIONARY_OT_rig_load,
)


def register() -> None:
    """Put what was found on the window manager: it belongs to no file."""
    bpy.types.WindowManager.motionary_rig = bpy.props.PointerProperty(  # type: ignore[attr-defined, func-returns-value]
        type=MOTIONARY_PG_rig, name="Motionary Rig", options={"SKIP_SAVE"}
    )


def unregister() -> None:
    """Take it away."""
    if hasattr(bpy.types.WindowManager, "motionary_rig"):
        del bpy.types.WindowManager.motionary_rig
