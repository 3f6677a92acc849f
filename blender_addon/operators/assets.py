"""Make Action assets of results and of whole libraries, in the open file or in an asset library."""

# No postponed annotations here: Blender reads properties from them.
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import bpy
from bpy.app.handlers import persistent
from bpy.props import EnumProperty, FloatProperty, StringProperty

from motionary.errors import MotionaryError
from motionary.library import clip_ids, open_library
from motionary.search import Hit

from ..asset_batch import Batch, Outcome, Piece
from ..assets import asset_folder, catalog_file_of, file_waiting, refresh_asset_browsers
from ..character import active_armature
from ..libraries import is_file_chosen
from ..options import ApplyOptions
from ..preferences import chosen_file
from ..properties import state
from ..session import current
from ..ui.panel import MOTIONARY_MT_clip
from .apply import ROOT_ITEMS
from .chosen_clip import ChosenClip, degrees, has_character, span_of

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems

__all__ = ["CLASSES", "register", "unregister"]

BUDGET = 0.05
"""Seconds of clips made between two redraws, one clip at least."""

TICK = 0.01
NAMED = 3
"""Clips left out that a report names."""


class _How:
    """The properties of making assets: Blender collects them from the operators that this is a part of."""

    root_motion: EnumProperty(  # type: ignore[valid-type]
        name="Root Motion", description="What takes the way that the body goes", items=ROOT_ITEMS
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
    catalog: StringProperty(  # type: ignore[valid-type]
        name="Catalog",
        description="The catalog that takes the assets, below it one for each library and first tag",
        default="Motionary",
    )
    author: StringProperty(  # type: ignore[valid-type]
        name="Author", description="The author of the motions, written with each asset"
    )
    license: StringProperty(  # type: ignore[valid-type]
        name="License", description="The license of the motions, written with each asset"
    )


class _Which:
    """The same of making many."""

    what: EnumProperty(  # type: ignore[valid-type]
        name="Clips",
        description="Which clips become assets",
        items=(
            ("RESULTS", "Results", "The clips that the search lists"),
            ("LIBRARY", "Library", "Every clip of the library that is searched"),
        ),
    )
    into: EnumProperty(  # type: ignore[valid-type]
        name="Into",
        description="Where the assets go",
        items=(
            ("FILE", "Current File", "They are Actions of the open file"),
            (
                "ASSETS",
                "Asset Library",
                "They are in a .blend of their own, and the open file stays as it is",
            ),
        ),
    )
    folder: StringProperty(  # type: ignore[valid-type]
        name="Folder",
        description="The folder that the .blend is written to; empty for the first asset library of the "
        "preferences, or else that of the open file",
        subtype="DIR_PATH",
    )


def _batch(given: Any, context: bpy.types.Context, library: Path, pieces: list[Piece]) -> Batch:
    """What an operator's properties ask for. Assets begin at frame 1 and carry the switches they need."""
    options = ApplyOptions(start=1, root_motion=given.root_motion, simplify=degrees(given.simplify))
    return Batch(
        active_armature(context),
        library,
        pieces,
        options,
        root=given.catalog.strip(),
        author=given.author.strip(),
        license=given.license.strip(),
    )


def _tell(operator: bpy.types.Operator, outcome: Outcome, where: str) -> None:
    """In one line what was made, and in one what was left out."""
    what = "clip is an asset" if outcome.made == 1 else "clips are assets"
    operator.report({"INFO"}, f"{outcome.made} {what} in {where}")
    if outcome.failures:
        more = len(outcome.failures) - NAMED
        named = "; ".join(outcome.failures[:NAMED]) + (f"; and {more} more" if more > 0 else "")
        operator.report({"WARNING"}, f"{len(outcome.failures)} left out: {named}")


def _piece(hit: Hit, whole: bool) -> Piece:
    start_s, end_s = span_of(hit, whole)
    return Piece(hit.clip, start_s, end_s or None)


class MOTIONARY_OT_mark_asset(ChosenClip, bpy.types.Operator, _How):
    """Make an Action asset of the chosen clip for the active character, which goes on playing its own"""

    bl_idname = "motionary.mark_asset"
    bl_label = "Mark as Asset"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A result of a library file is chosen, and there may be a character."""
        return is_file_chosen(cls) and super().poll(context)

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        """Make it."""
        try:
            if not self.library:
                self.take_choice(context)
            piece = Piece(self.clip, self.start_s, self.end_s or None)
            batch = _batch(self, context, Path(self.library), [piece])
            batch.step()
            outcome = batch.keep()
        except MotionaryError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        _tell(self, outcome, "this file")
        refresh_asset_browsers()
        return {"FINISHED"}


class MOTIONARY_OT_mark_assets(bpy.types.Operator, _Which, _How):
    """Make Action assets of all results, or of the whole library, for the active character. Esc stops it,
    and then there are none"""

    bl_idname = "motionary.mark_assets"
    bl_label = "Mark Clips as Assets"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There is a library file, and a character."""
        return is_file_chosen(cls) and (bpy.app.background or has_character(cls, context))

    @classmethod
    def description(cls, context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        """The tooltip of either."""
        every = cast("MOTIONARY_OT_mark_assets", properties).what == "LIBRARY"
        of = "every clip of the library" if every else "each result"
        return f"Make an Action asset of {of} for the active character. Esc stops it, and then there are none"

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> "set[OperatorReturnItems]":
        """A few clips between two redraws, and progress in the status bar."""
        if bpy.app.background:
            return self.execute(context)
        try:
            self._begin(context)
        except MotionaryError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        manager = context.window_manager
        assert manager is not None
        self._timer = manager.event_timer_add(TICK, window=context.window)
        manager.progress_begin(0, self._batch.total)
        manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        """All at once."""
        try:
            self._begin(context)
        except MotionaryError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        try:
            while not self._batch.is_over:
                self._batch.step()
        except BaseException:
            self._batch.cancel()
            raise
        return self._finish()

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> "set[OperatorReturnItems]":
        """Nothing else gets through meanwhile: what is being made could be undone under our hands."""
        if event.type == "ESC":
            self._batch.cancel()
            self._end(context)
            self.report({"INFO"}, "Stopped: no assets were made")
            return {"CANCELLED"}
        if event.type != "TIMER":
            return {"RUNNING_MODAL"}
        try:
            self._some(context)
        except BaseException:
            self._batch.cancel()
            self._end(context)
            raise
        if not self._batch.is_over:
            return {"RUNNING_MODAL"}
        self._end(context)
        return self._finish()

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender is closing, or opens another file."""
        self._batch.cancel()
        self._end(context)

    def _begin(self, context: bpy.types.Context) -> None:
        session = current()
        if self.what == "RESULTS":
            if not session.hits or session.library is None:
                raise MotionaryError("there are no results; search for a motion first")
            library = chosen_file(context)
            whole = bool(state(context).whole_clip)
            pieces = [_piece(hit, whole) for hit in session.hits]
        else:
            library = chosen_file(context)
            with open_library(library) as held:
                pieces = [Piece(clip) for clip in clip_ids(held)]
            if not pieces:
                raise MotionaryError(f"{library}: this library is empty; add folders to it and index them")
        self._path = None
        if self.into == "ASSETS":
            folder = Path(bpy.path.abspath(self.folder)) if self.folder else asset_folder()
            character = active_armature(context).name
            self._path = folder / f"{_file_name(f'{library.stem} {character}')}.blend"
            if bpy.data.filepath and self._path == Path(bpy.data.filepath):
                raise MotionaryError(f"{self._path}: this is the open file; choose another folder")
        self._batch = _batch(self, context, library, pieces)

    def _some(self, context: bpy.types.Context) -> None:
        batch, until = self._batch, time.perf_counter() + BUDGET
        while not batch.is_over:
            batch.step()
            if time.perf_counter() >= until:
                break
        assert context.window_manager is not None
        assert context.workspace is not None
        context.window_manager.progress_update(batch.done)
        context.workspace.status_text_set(
            f"Making assets: {batch.done:,} of {batch.total:,}  |  Esc: Stop, with none made"
        )

    def _end(self, context: bpy.types.Context) -> None:
        timer: bpy.types.Timer | None = getattr(self, "_timer", None)
        if timer is None:
            return
        assert context.window_manager is not None
        context.window_manager.event_timer_remove(timer)
        context.window_manager.progress_end()
        del self._timer
        if context.workspace is not None:
            context.workspace.status_text_set(None)

    def _finish(self) -> "set[OperatorReturnItems]":
        try:
            outcome = self._batch.write(self._path) if self._path else self._batch.keep()
        except MotionaryError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        if self._path is None:
            bpy.ops.ed.undo_push(message=str(self.bl_label))  # what is written elsewhere is no step to undo
        _tell(self, outcome, str(self._path or "this file"))
        refresh_asset_browsers()
        return {"FINISHED"}


def _file_name(text: str) -> str:
    """Text as a file can be called on every system."""
    return re.sub(r'[<>:"/\\|?*\x00-\x1f\x7f]', "-", text).strip(" .") or "Motionary"


class MOTIONARY_OT_mark_assets_dialog(bpy.types.Operator, _Which, _How):
    """Ask where the assets go and how they are made, then make them"""

    bl_idname = "motionary.mark_assets_dialog"
    bl_label = "Mark Clips as Assets"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There is a library file, and a character."""
        return is_file_chosen(cls) and (bpy.app.background or has_character(cls, context))

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> "set[OperatorReturnItems]":
        """Ask."""
        assert context.window_manager is not None
        return context.window_manager.invoke_props_dialog(self, width=400, confirm_text="Mark")

    def draw(self, context: bpy.types.Context) -> None:
        """Where they go, and how they are made."""
        layout = self.layout
        assert layout is not None
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(self, "into")
        if self.into == "ASSETS":
            layout.prop(self, "folder")
        for name in ("catalog", "author", "license", "root_motion", "simplify"):
            layout.prop(self, name)

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        """Have them made, in a window bit by bit."""
        names = (*_Which.__annotations__, *_How.__annotations__)
        asked = {name: getattr(self, name) for name in names}
        try:
            bpy.ops.motionary.mark_assets("INVOKE_DEFAULT", **asked)  # type: ignore[attr-defined]
        except RuntimeError as error:  # how an operator's error gets to a script
            self.report({"ERROR"}, str(error).strip().removeprefix("Error: "))
            return {"CANCELLED"}
        return {"FINISHED"}


def _draw_menu(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    """In the menu of what can be done with clips."""
    layout = self.layout
    assert layout is not None
    layout.separator()
    layout.operator("motionary.mark_asset", icon="ASSET_MANAGER")
    layout.operator_context = "INVOKE_DEFAULT"
    for what, text in (("RESULTS", "Mark Results as Assets…"), ("LIBRARY", "Mark Library as Assets…")):
        layout.operator("motionary.mark_assets_dialog", text=text).what = what


@persistent  # type: ignore[untyped-decorator]
def _before_save(*told: object) -> None:
    """What was made an asset in a file that had no place yet gets its catalogs; told first is the place."""
    file = catalog_file_of(str(told[0] if told and told[0] else bpy.data.filepath))
    if file is not None:
        try:
            file_waiting(file)
        except MotionaryError as error:
            print(f"Motionary: {error}")  # the file is saved all the same, and they go on waiting


CLASSES = (MOTIONARY_OT_mark_asset, MOTIONARY_OT_mark_assets, MOTIONARY_OT_mark_assets_dialog)


def register() -> None:
    """Add the menu, and look after catalogs when a file is saved."""
    MOTIONARY_MT_clip.append(_draw_menu)
    bpy.app.handlers.save_pre.append(_before_save)


def unregister() -> None:
    """Take both away."""
    MOTIONARY_MT_clip.remove(_draw_menu)
    if _before_save in bpy.app.handlers.save_pre:
        bpy.app.handlers.save_pre.remove(_before_save)
