"""Say in words what Actions show: proposed, looked through, and written as their asset descriptions."""

# No postponed annotations here: Blender reads properties from them.
from typing import TYPE_CHECKING, Any, cast

import bpy
from bpy.props import BoolProperty, CollectionProperty, EnumProperty, IntProperty, StringProperty

from motionary.errors import MotionaryError
from motionary.motion import Clip

from ..captioning import Captioner, Proposal, cache_place, describe, propose, read_clips
from ..character import active_armature
from ..preferences import model_folder
from ..read_action import Skipped

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems

__all__ = ["CLASSES", "register", "unregister"]

TICK = 0.1
"""Seconds between two looks at how far the words are."""
WIDTH, ROWS = 720, 12
NAMED = 3
"""Actions left out that a report names."""

_running: list[Captioner] = []
"""The thread that is at work, if any: it ends with the extension."""


class MOTIONARY_PG_caption(bpy.types.PropertyGroup):
    """A caption to look through."""

    use: BoolProperty(  # type: ignore[valid-type]
        name="Write", description="Write this caption and these tags", default=True
    )
    # PropertyGroup's own `name` is the Action's.
    caption: StringProperty(  # type: ignore[valid-type]
        name="Caption", description="What the Action shows; it becomes the asset's description"
    )
    tags: StringProperty(  # type: ignore[valid-type]
        name="Tags", description="Tags, separated by commas; they are added to those that the asset has"
    )
    sure: StringProperty(  # type: ignore[valid-type]
        name="Confidence", description="How likely the caption names what is done, in percent"
    )


class MOTIONARY_UL_captions(bpy.types.UIList):
    """Captions, a row each."""

    def draw_item(
        self,
        context: bpy.types.Context,
        layout: bpy.types.UILayout,
        data: Any,
        item: Any,
        icon: int | None,
        active_data: Any,
        active_property: str | None,
        index: int | None = 0,
        flt_flag: int | None = 0,
    ) -> None:
        """Whether to write it, which Action, what is said, how sure, and the tags."""
        row = layout.row(align=True)
        row.prop(item, "use", text="")
        parts = row.split(factor=0.22)
        parts.label(text=item.name, translate=False)
        said = parts.split(factor=0.6)
        words = said.row(align=True)
        words.active = item.use
        words.prop(item, "caption", text="")
        sure = words.row(align=True)
        sure.ui_units_x = 2.2  # else it takes half of what the words need
        sure.label(text=item.sure, translate=False)
        tags = said.row()
        tags.active = item.use
        tags.prop(item, "tags", text="")


class MOTIONARY_OT_caption(bpy.types.Operator):
    """Say in words what Actions show, to look through before it is written as asset description and tags"""

    bl_idname = "motionary.caption"
    bl_label = "Caption Actions"
    bl_options = {"REGISTER", "UNDO"}

    which: EnumProperty(  # type: ignore[valid-type]
        name="Actions",
        description="Which Actions get captions",
        items=(
            ("ACTIVE", "Active", "The active character's Action"),
            ("ALL", "All", "Every Action of this file that moves a character of this scene"),
        ),
    )
    overwrite: BoolProperty(  # type: ignore[valid-type]
        name="Replace Descriptions",
        description="Write also where an Action has a description already; else that one stays",
    )
    rows: CollectionProperty(  # type: ignore[valid-type]
        name="Captions",
        description="What is written; found anew where it is empty",
        type=MOTIONARY_PG_caption,
        options={"HIDDEN", "SKIP_SAVE"},
    )
    row: IntProperty(  # type: ignore[valid-type]
        name="Row", description="The row that is active in the list", options={"HIDDEN", "SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There is an Action."""
        if bpy.data.actions:
            return True
        cls.poll_message_set("There is no Action in this file")
        return False

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> "set[OperatorReturnItems]":
        """Read and find the words while Blender goes on; then ask."""
        manager = context.window_manager
        assert manager is not None
        if self.rows:
            return manager.invoke_props_dialog(self, width=WIDTH, confirm_text="Write")
        if _running:
            self.report({"ERROR"}, "Captions are being found already; wait for them, or stop them with Esc")
            return {"CANCELLED"}
        self._left_out: list[str] = []
        self._clips: list[tuple[str, Clip]] = []
        self._found: list[Proposal] = []
        self._thread: Captioner | None = None
        try:
            self._reading = read_clips(active_armature(context) if self.which == "ACTIVE" else None)
        except MotionaryError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self._timer = manager.event_timer_add(TICK, window=context.window)
        manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> "set[OperatorReturnItems]":
        """Read one Action, or look how far the thread is."""
        if event.type == "ESC":
            self._end(context)
            self.report({"INFO"}, "No captions were written")
            return {"CANCELLED"}
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        try:
            if self._thread is None:
                if (step := next(self._reading, None)) is not None:
                    _sort(step, self._clips, self._left_out)
                    _show(context, f"Reading Actions: {len(self._clips)}  |  Esc: Stop")
                    return {"RUNNING_MODAL"}
                if not self._clips:
                    raise MotionaryError(_none_of(self._left_out))
                self._thread = Captioner(self._clips, model_folder(context), cache_place())
                _running.append(self._thread)
            is_done = self._thread.is_done  # asked first, for what it finds meanwhile is taken next time
            self._found += self._thread.take()
            _show(context, f"Captions: {len(self._found)} of {len(self._clips)}  |  Esc: Stop")
            if not is_done:
                return {"RUNNING_MODAL"}
            if self._thread.failure:
                raise MotionaryError(self._thread.failure)
        except MotionaryError as error:
            self._end(context)
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self._end(context)
        self._tell_left_out(self._left_out)
        rows = [_row(proposal, self.overwrite) for proposal in self._found]
        _ask(self.which, self.overwrite, rows)
        return {"CANCELLED"}  # the dialog's operator is the one to be undone

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender ends the waiting, as when another file is opened; or the dialog was left."""
        if hasattr(self, "_timer"):
            self._end(context)

    def _end(self, context: bpy.types.Context) -> None:
        if self._thread is not None:
            self._thread.close()
            _running.clear()
        manager = context.window_manager
        assert manager is not None
        manager.event_timer_remove(self._timer)
        _show(context, None)

    def draw(self, context: bpy.types.Context) -> None:
        """The rows of the dialog; of the redo panel there is nothing to ask."""
        layout = self.layout
        assert layout is not None
        if not self.rows:
            layout.prop(self, "which")
            layout.prop(self, "overwrite")
            return
        layout.template_list(
            MOTIONARY_UL_captions.__name__,
            "",
            self,
            "rows",
            self,
            "row",
            rows=min(max(len(self.rows), 2), ROWS),
            maxrows=ROWS,
        )

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        """Write what is in the rows; without rows, what is found."""
        try:
            if not self.rows:
                self._find(context)
        except MotionaryError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        written = 0
        for row in self.rows:
            text = " ".join(str(row.caption).split())
            if not row.use or not text:
                continue
            action = _own(row.name)
            if action is None:
                self.report(
                    {"WARNING"}, f"{row.name}: is no Action of this file; open the one it is linked from"
                )
                continue
            describe(action, text, [tag for part in str(row.tags).split(",") if (tag := part.strip())])
            written += 1
        if not written:
            self.report({"INFO"}, "No captions were written")
            return {"CANCELLED"}
        self.report({"INFO"}, f"Captioned {written} {'Action' if written == 1 else 'Actions'}")
        return {"FINISHED"}

    def _find(self, context: bpy.types.Context) -> None:
        """Fill the rows, here and now."""
        left_out: list[str] = []
        clips: list[tuple[str, Clip]] = []
        for step in read_clips(active_armature(context) if self.which == "ACTIVE" else None):
            _sort(step, clips, left_out)
        if not clips:
            raise MotionaryError(_none_of(left_out))
        for proposal in propose(clips, model_folder(context), cache_place()):
            row = self.rows.add()
            for name, value in _row(proposal, self.overwrite).items():
                setattr(row, name, value)
        self._tell_left_out(left_out)

    def _tell_left_out(self, left_out: list[str]) -> None:
        if left_out:
            more = f"; and {len(left_out) - NAMED} more" if len(left_out) > NAMED else ""
            self.report({"WARNING"}, f"{len(left_out)} left out: {'; '.join(left_out[:NAMED])}{more}")


def _ask(which: str, overwrite: bool, rows: list[dict[str, Any]]) -> None:
    """Open the dialog with these rows."""
    caption = bpy.ops.motionary.caption  # type: ignore[attr-defined]
    caption("INVOKE_DEFAULT", which=which, overwrite=overwrite, rows=rows)


def _sort(step: tuple[str, Clip | Skipped], clips: list[tuple[str, Clip]], left_out: list[str]) -> None:
    name, found = step
    if isinstance(found, Clip):
        clips.append((name, found))
    else:
        left_out.append(found.reason)


def _none_of(left_out: list[str]) -> str:
    return left_out[0] if left_out else "no Action of this file moves a character of this scene"


def _row(proposal: Proposal, overwrite: bool) -> dict[str, Any]:
    """A row of the dialog. Where an Action has a description, that stays unless the user says otherwise."""
    action = _own(proposal.action)
    data = action.asset_data if action else None
    return {
        "name": proposal.action,
        "use": overwrite or not (data and data.description.strip()),
        "caption": proposal.caption,
        "tags": ", ".join(proposal.tags),
        "sure": "" if proposal.confidence is None else f"{proposal.confidence:.0%}",
    }


def _own(name: str) -> bpy.types.Action | None:
    """The Action of that name that is in this file itself, and can be written to."""
    action: bpy.types.Action | None = bpy.data.actions.get((name, None))
    return action


def _show(context: bpy.types.Context, text: str | None) -> None:
    if context.workspace is not None:
        context.workspace.status_text_set(text)


def _draw_menu(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    """In the Action Editor's menu of the Action."""
    layout = self.layout
    assert layout is not None
    layout.separator()
    layout.operator_context = "INVOKE_DEFAULT"
    for which, text in (("ACTIVE", "Caption Action…"), ("ALL", "Caption All Actions…")):
        asked = layout.operator(MOTIONARY_OT_caption.bl_idname, text=text)
        cast("MOTIONARY_OT_caption", asked).which = which


def register() -> None:
    """Add to the Action Editor's menu."""
    bpy.types.DOPESHEET_MT_action.append(_draw_menu)


def unregister() -> None:
    """Take that away, and end the thread."""
    bpy.types.DOPESHEET_MT_action.remove(_draw_menu)
    while _running:
        _running.pop().close()


CLASSES = (MOTIONARY_PG_caption, MOTIONARY_UL_captions, MOTIONARY_OT_caption)
