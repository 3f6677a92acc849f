"""Search, step through what was found, star it, find what moves like it."""

# No postponed annotations here: Blender reads properties from them.
from typing import TYPE_CHECKING, cast

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty, StringProperty

from motionary.errors import MotionaryError
from motionary.library import STARRED, open_library, set_starred

from ..bundled import own_library
from ..character import active_armature
from ..libraries import is_file_chosen
from ..preferences import chosen_file, preferences
from ..properties import state
from ..session import current

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems

__all__ = ["CLASSES"]


class MOTIONARY_OT_search(bpy.types.Operator):
    """Find the clips of the library that match a description best"""

    bl_idname = "motionary.search"
    bl_label = "Search Motions"

    query: StringProperty(  # type: ignore[valid-type]
        name="Query", description="What the motion shows; empty for what is typed in the panel"
    )

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        """Search for the query."""
        typed, session = state(context), current()
        if self.query:
            typed.query = self.query
        if not str(typed.query).strip():
            self.report({"ERROR"}, "The query is empty; say what the motion shows, as in: a person waves")
            return {"CANCELLED"}
        session.remember(str(typed.query).strip())
        session.ask()
        if session.failure and not session.searching:  # else it is that of the question before
            self.report({"ERROR"}, session.failure)
            return {"CANCELLED"}
        return {"FINISHED"}


class MOTIONARY_OT_clear(bpy.types.Operator):
    """Empty the query and the list of results"""

    bl_idname = "motionary.clear"
    bl_label = "Clear Search"

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        """Ask for nothing."""
        state(context).query = ""
        current().ask()
        return {"FINISHED"}


class MOTIONARY_OT_choose(bpy.types.Operator):
    """Preview this clip: its ghost plays in the viewport. Shift-click applies it at once"""

    bl_idname = "motionary.choose"
    bl_label = "Preview Clip"
    bl_options = {"INTERNAL"}

    index: IntProperty(  # type: ignore[valid-type]
        name="Index", description="Which of the results, counted from 0", min=0
    )

    @classmethod
    def description(cls, context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        """The tooltip: the clip's captions."""
        hits, index = current().hits, int(cast("MOTIONARY_OT_choose", properties).index)
        if index >= len(hits):
            return cast("str", cls.__doc__)
        said = "; ".join(hits[index].captions[:3])
        return f"{hits[index].name}: {said}" if said else hits[index].name

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> "set[OperatorReturnItems]":
        """With Shift, apply too."""
        done = self.execute(context)
        if event.shift and "FINISHED" in done:
            return cast("set[OperatorReturnItems]", bpy.ops.motionary.apply("INVOKE_DEFAULT"))  # type: ignore[attr-defined]
        return done

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        """Choose it."""
        session = current()
        if self.index >= len(session.hits):
            self.report({"ERROR"}, f"There are {len(session.hits)} results")
            return {"CANCELLED"}
        state(context).chosen = self.index
        session.use()
        return {"FINISHED"}


class MOTIONARY_OT_step(bpy.types.Operator):
    """Preview the next or the previous result"""

    bl_idname = "motionary.step"
    bl_label = "Step Through Results"

    step: IntProperty(  # type: ignore[valid-type]
        name="Step", description="How many results further, negative for back", default=1
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There is something to step through."""
        return _has_results(cls)

    @classmethod
    def description(cls, context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        """The tooltip of either direction."""
        further = int(cast("MOTIONARY_OT_step", properties).step) > 0
        return f"Preview the {'next' if further else 'previous'} result, over the ends of the list"

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        """Choose another one."""
        typed = state(context)
        typed.chosen = (max(int(typed.chosen), 0) + self.step) % len(current().hits)
        current().use()
        return {"FINISHED"}


class MOTIONARY_OT_page(bpy.types.Operator):
    """Show the next or the previous page of results"""

    bl_idname = "motionary.page"
    bl_label = "Turn Page of Results"
    bl_options = {"INTERNAL"}

    step: IntProperty(  # type: ignore[valid-type]
        name="Step", description="How many pages further, negative for back", default=1
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There is something to show."""
        return _has_results(cls)

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        """Preview the first of that page."""
        typed, size = state(context), int(preferences(context).page)
        pages = -(-len(current().hits) // size)
        typed.chosen = (max(int(typed.chosen), 0) // size + self.step) % pages * size
        return {"FINISHED"}


class MOTIONARY_OT_star(bpy.types.Operator):
    """Give the clip a star, or take it; the filter Starred shows clips that have one"""

    bl_idname = "motionary.star"
    bl_label = "Star"

    index: IntProperty(  # type: ignore[valid-type]
        name="Index", description="Which of the results, counted from 0; -1 for the chosen one", default=-1
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There is something to star, in a library that can be written to."""
        return _has_results(cls) and is_file_chosen(cls)

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        """Write it into the library."""
        session = current()
        index = int(self.index) if self.index >= 0 else int(state(context).chosen)
        if not 0 <= index < len(session.hits) or session.library is None:
            self.report({"ERROR"}, "Choose a result first")
            return {"CANCELLED"}
        hit = session.hits[index]
        starred = STARRED not in hit.tags
        try:
            if session.library == own_library():
                raise MotionaryError("the starter library cannot be changed; make a library of your own")
            with open_library(chosen_file(context), write=True) as library:
                set_starred(library, hit.clip, starred)
        except MotionaryError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        session.set_starred(hit, starred)
        return {"FINISHED"}


class MOTIONARY_OT_similar(bpy.types.Operator):
    """Find the clips of the library that move most alike"""

    bl_idname = "motionary.similar"
    bl_label = "Find Similar Motions"

    to: EnumProperty(  # type: ignore[valid-type]
        name="To",
        description="What the clips are to move like",
        items=(
            ("CLIP", "Chosen Clip", "The result that is previewed"),
            ("ACTION", "Active Action", "What the active character does in its Action"),
        ),
        default="CLIP",
    )

    @classmethod
    def description(cls, context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        """The tooltip of either."""
        what = cast("MOTIONARY_OT_similar", properties).to
        like = "the chosen clip does" if what == "CLIP" else "the active character does in its Action"
        return f"Find the clips of the library that move as {like}"

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        """Search by the motion."""
        session = current()
        try:
            if self.to == "CLIP":
                hit = session.chosen
                if hit is None:
                    raise MotionaryError("choose a result first, then find what is similar to it")
                session.ask(like=hit)
            else:
                from ..read_action import read_action

                armature = active_armature(context)
                if armature.animation_data is None or armature.animation_data.action is None:
                    raise MotionaryError(f"armature {armature.name!r} has no Action to compare")
                session.ask(motion=read_action(armature).motion)
            if session.failure and bpy.app.background:
                raise MotionaryError(session.failure)
        except MotionaryError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


class MOTIONARY_OT_recall(bpy.types.Operator):
    """Search for this again"""

    bl_idname = "motionary.recall"
    bl_label = "Recall Query"
    bl_options = {"INTERNAL"}

    query: StringProperty(name="Query", description="A query of before")  # type: ignore[valid-type]

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        """Type it again."""
        state(context).query = self.query
        current().ask()
        return {"FINISHED"}


class MOTIONARY_OT_quick_search(bpy.types.Operator):
    """Search for a motion in a window at the mouse, without the sidebar"""

    bl_idname = "motionary.quick_search"
    bl_label = "Find a Motion"

    keep: BoolProperty(  # type: ignore[valid-type]
        name="Keep Query", description="Begin with the query of before", default=True
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> "set[OperatorReturnItems]":
        """Open it."""
        assert context.window_manager is not None
        if not self.keep:
            state(context).query = ""
        current().ask_soon()
        return context.window_manager.invoke_popup(self, width=360)

    def draw(self, context: bpy.types.Context) -> None:
        """The panel's own parts."""
        from ..ui.panel import draw_query, draw_results

        assert self.layout is not None
        draw_query(self.layout, context, is_first=True)
        draw_results(self.layout, context)

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        """It does nothing by itself."""
        return {"FINISHED"}


def _has_results(operator: type[bpy.types.Operator]) -> bool:
    if current().hits:
        return True
    operator.poll_message_set("Search for a motion first")
    return False


CLASSES = (
    MOTIONARY_OT_search,
    MOTIONARY_OT_clear,
    MOTIONARY_OT_choose,
    MOTIONARY_OT_step,
    MOTIONARY_OT_page,
    MOTIONARY_OT_star,
    MOTIONARY_OT_similar,
    MOTIONARY_OT_recall,
    MOTIONARY_OT_quick_search,
)
