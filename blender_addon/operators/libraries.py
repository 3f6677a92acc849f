"""Make, open, choose and forget libraries, say what they are made from, and index them."""

# No postponed annotations here: Blender reads properties from them.
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import bpy
from bpy.props import BoolProperty, CollectionProperty, EnumProperty, StringProperty

from motionary.blender_files import BLENDER_SUFFIXES
from motionary.errors import MotionaryError
from motionary.formats import SUFFIXES
from motionary.library import UPGRADE, open_library
from motionary.upgrade import is_earlier
from motionary.worker import IndexRequest

from .. import indexing
from ..libraries import (
    add_library,
    add_sources,
    check_writable,
    choose_library,
    chosen_item,
    forget_library,
    index_request,
    is_file_chosen,
    is_library_chosen,
    library_sources,
    remove_clips,
    remove_source,
    starter_library,
)
from ..preferences import absolute, chosen_library, library_folder, listed_libraries, place_at
from ..session import current
from ..ui.text import sentence

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems

__all__ = ["CLASSES", "open_folder", "unregister"]

SUFFIX = ".motionary"
MOTIONS = ";".join(f"*{suffix}" for suffix in (*SUFFIXES, *BLENDER_SUFFIXES))
"""What Add Files shows."""


class MOTIONARY_OT_library_new(bpy.types.Operator):
    """Make an empty library file, to be filled from your folders"""

    bl_idname = "motionary.library_new"
    bl_label = "New Library"

    filepath: StringProperty(  # type: ignore[valid-type]
        name="File", description="The library file to make", subtype="FILE_PATH", options={"SKIP_SAVE"}
    )
    check_existing: BoolProperty(  # type: ignore[valid-type]
        name="Check Existing", description="Warn of a file that is there", default=True, options={"HIDDEN"}
    )
    filter_glob: StringProperty(default=f"*{SUFFIX}", options={"HIDDEN"})  # type: ignore[valid-type]

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> "set[OperatorReturnItems]":
        """Ask where, beginning with the folder of the preferences."""
        folder = library_folder(context)
        try:
            folder.mkdir(parents=True, exist_ok=True)  # else the file browser goes elsewhere
        except OSError as error:
            return _refused(self, MotionaryError(f"{folder}: cannot be made: {error.strerror}"))
        if not self.filepath:
            self.filepath = str(_free(folder / f"Motions{SUFFIX}"))
        return _ask_for_files(self, context)

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        """Make it and choose it."""
        try:
            path = _named(self.filepath)
            if path.suffix.lower() != SUFFIX:
                path = path.with_name(path.name + SUFFIX)
            if path.exists():
                raise MotionaryError(f"{path}: is there already; open it, or give another name")
            path.parent.mkdir(parents=True, exist_ok=True)
            open_library(path, write=True).close()
        except MotionaryError as error:
            return _refused(self, error)
        except OSError as error:
            return _refused(self, MotionaryError(f"{error.filename}: cannot be made: {error.strerror}"))
        add_library(path)
        return {"FINISHED"}


class MOTIONARY_OT_library_open(bpy.types.Operator):
    """Add library files that you have to the list, and search the last of them"""

    bl_idname = "motionary.library_open"
    bl_label = "Open Library"

    filepath: StringProperty(  # type: ignore[valid-type]
        name="File", description="The library file", subtype="FILE_PATH", options={"SKIP_SAVE"}
    )
    directory: StringProperty(  # type: ignore[valid-type]
        name="Folder", description="The folder of the files", subtype="DIR_PATH", options={"SKIP_SAVE"}
    )
    files: CollectionProperty(  # type: ignore[valid-type]
        type=bpy.types.OperatorFileListElement,
        name="Files",
        description="Library files in the folder",
        options={"SKIP_SAVE"},
    )
    filter_glob: StringProperty(default=f"*{SUFFIX}", options={"HIDDEN"})  # type: ignore[valid-type]

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> "set[OperatorReturnItems]":
        """Ask which; files that were dropped are known."""
        if self.files or self.filepath:
            return self.execute(context)
        self.directory = str(library_folder(context))
        return _ask_for_files(self, context)

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        """List them and choose the last."""
        try:
            paths = _chosen_files(self)
            for path in paths:
                if not is_earlier(path):  # else it is listed, and the panel offers the upgrade
                    open_library(path).close()
            for path in paths:
                add_library(path)
        except MotionaryError as error:
            return _refused(self, error)
        current().reload()
        return {"FINISHED"}


class MOTIONARY_OT_library_choose(bpy.types.Operator):
    """Search this library"""

    bl_idname = "motionary.library_choose"
    bl_label = "Search This Library"

    filepath: StringProperty(  # type: ignore[valid-type]
        name="File",
        description="The library file, or the address of a served one; empty for the starter library",
        subtype="FILE_PATH",
    )

    @classmethod
    def description(cls, context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        """The tooltip: where it is."""
        path = str(cast("MOTIONARY_OT_library_choose", properties).filepath)
        return f"Search this library: {path or 'the starter clips that come along'}"

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        """Choose it."""
        choose_library(place_at(self.filepath, context) if self.filepath else None)
        return {"FINISHED"}


class MOTIONARY_OT_library_forget(bpy.types.Operator):
    """Take the library off the list; its file stays where it is"""

    bl_idname = "motionary.library_forget"
    bl_label = "Forget Library"

    filepath: StringProperty(  # type: ignore[valid-type]
        name="File",
        description="The library file, or the address of a served one; empty for the one that is searched",
        subtype="FILE_PATH",
    )

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        """Forget it."""
        try:
            path = place_at(self.filepath, context) if self.filepath else chosen_library(context)
            if path not in listed_libraries(context):
                raise MotionaryError(f"{path}: this library is not on the list")
        except MotionaryError as error:
            return _refused(self, error)
        forget_library(path)
        current().reload()
        return {"FINISHED"}


class MOTIONARY_OT_library_add_folder(bpy.types.Operator):
    """Add a folder of motions to the library, and index it with all below"""

    bl_idname = "motionary.library_add_folder"
    bl_label = "Add Folder"

    directory: StringProperty(  # type: ignore[valid-type]
        name="Folder", description="A folder of motion files", subtype="DIR_PATH", options={"SKIP_SAVE"}
    )
    filter_folder: BoolProperty(default=True, options={"HIDDEN"})  # type: ignore[valid-type]
    use_index: BoolProperty(  # type: ignore[valid-type]
        name="Index Now", description="Begin to index at once", default=True
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """The library is the user's own."""
        return _is_own(cls)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> "set[OperatorReturnItems]":
        """Ask which."""
        return _ask_for_files(self, context)

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        """List it and index."""
        try:
            folder = _named(self.directory)
            if not folder.is_dir():
                raise MotionaryError(f"{folder}: no such folder")
            return _add(self, [folder], index=self.use_index)
        except MotionaryError as error:
            return _refused(self, error)


class MOTIONARY_OT_library_add_files(bpy.types.Operator):
    """Add single motion files to the library, and index them"""

    bl_idname = "motionary.library_add_files"
    bl_label = "Add Files"

    directory: StringProperty(  # type: ignore[valid-type]
        name="Folder", description="The folder of the files", subtype="DIR_PATH", options={"SKIP_SAVE"}
    )
    files: CollectionProperty(  # type: ignore[valid-type]
        type=bpy.types.OperatorFileListElement,
        name="Files",
        description="Motion files in the folder",
        options={"SKIP_SAVE"},
    )
    filter_glob: StringProperty(default=MOTIONS, options={"HIDDEN"})  # type: ignore[valid-type]
    use_index: BoolProperty(  # type: ignore[valid-type]
        name="Index Now", description="Begin to index at once", default=True
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """The library is the user's own."""
        return _is_own(cls)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> "set[OperatorReturnItems]":
        """Ask which."""
        return _ask_for_files(self, context)

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        """List them and index."""
        try:
            return _add(self, _chosen_files(self), index=self.use_index)
        except MotionaryError as error:
            return _refused(self, error)


class MOTIONARY_OT_library_remove_source(bpy.types.Operator):
    """Index this folder or file no more"""

    bl_idname = "motionary.library_remove_source"
    bl_label = "Remove Folder"

    filepath: StringProperty(  # type: ignore[valid-type]
        name="Path", description="The folder or file", subtype="FILE_PATH", options={"HIDDEN", "SKIP_SAVE"}
    )
    use_clips: BoolProperty(  # type: ignore[valid-type]
        name="Remove Its Clips", description="Remove what came from it from the library, too"
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Nobody else writes to the library."""
        return _is_own(cls) and _is_idle(cls)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> "set[OperatorReturnItems]":
        """Ask whether its clips go, too."""
        assert context.window_manager is not None
        return context.window_manager.invoke_props_dialog(self)

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        """Take it off the list, and its clips out of the library."""
        try:
            item, path = chosen_item(), _named(self.filepath)
            if item is None or path not in library_sources(item):
                raise MotionaryError(f"{path}: the library is not made from this")
            if self.use_clips:
                removed = remove_clips(check_writable(), path)
                self.report({"INFO"}, f"Removed the clips of {removed} {'file' if removed == 1 else 'files'}")
            remove_source(item, path)
        except MotionaryError as error:
            return _refused(self, error)
        current().reload()
        return {"FINISHED"}


class MOTIONARY_OT_index(bpy.types.Operator):
    """Read the folders of the library, in the background: what is new or has changed since"""

    bl_idname = "motionary.index"
    bl_label = "Index"

    what: EnumProperty(  # type: ignore[valid-type]
        name="What",
        description="Which files are read",
        items=(
            ("CHANGED", "Changed Files", "Files that are new, or have changed since they were indexed"),
            ("ALL", "All Files", "Unchanged files too, as after a change of the skeleton file beside them"),
            (
                "EMBED",
                "None, Embed Again",
                "No file: what the library holds is embedded by the current model",
            ),
        ),
        default="CHANGED",
    )
    use_prune: BoolProperty(  # type: ignore[valid-type]
        name="Remove Missing Files",
        description="Remove clips whose files are no longer in the folders",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def description(cls, context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        """The tooltip of each way."""
        asked = cast("MOTIONARY_OT_index", properties)
        if asked.use_prune:
            return "Index, and remove the clips of files that are no longer in the folders"
        return {
            "CHANGED": cast("str", cls.__doc__),
            "ALL": "Read every file again, as after a change of the skeleton file beside it",
            "EMBED": "Have the current model embed what the library holds; no file is read",
        }[asked.what]

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """The library is the user's own, and nothing is indexed yet."""
        return _is_own(cls) and _is_idle(cls)

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        """Begin; in the background, do it."""
        try:
            path, item = check_writable(), chosen_item()
            if self.what == "EMBED":
                return _begin(self, index_request(path, (), reembed=True))
            sources = library_sources(item) if item else []
            if not sources:
                raise MotionaryError(f"{path.stem}: this library has no folders; add one, then index")
            reread = self.what == "ALL"
            return _begin(self, index_request(path, sources, prune=self.use_prune, reread=reread))
        except MotionaryError as error:
            return _refused(self, error)


class MOTIONARY_OT_library_upgrade(bpy.types.Operator):
    """Bring the library, which an earlier Motionary made, up to date in the background; all in it is kept"""

    bl_idname = "motionary.library_upgrade"
    bl_label = "Upgrade Library"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """The library is the user's own and, as far as is known, of an earlier version."""
        if not (_is_own(cls) and _is_idle(cls)):
            return False
        session = current()
        known = session.surveys.get(session.library) if session.library else None
        if known is not None and UPGRADE not in known.failure:
            cls.poll_message_set("This library is up to date already")
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> "set[OperatorReturnItems]":
        """Ask: an earlier Motionary cannot read it afterwards."""
        assert context.window_manager is not None
        return context.window_manager.invoke_confirm(
            self,
            event,
            title="Upgrade this library?",
            message="An earlier Motionary cannot open it afterwards",
            confirm_text="Upgrade",
        )

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        """Begin; in the background, do it."""
        try:
            path = check_writable()
            if not is_earlier(path):
                open_library(path).close()  # which tells what is wrong with it, if anything is
                raise MotionaryError(f"{path}: this library is up to date already")
            return _begin(self, replace(index_request(path, ()), upgrade=True))
        except MotionaryError as error:
            return _refused(self, error)


class MOTIONARY_OT_index_cancel(bpy.types.Operator):
    """Stop indexing after the files that are being read; what is finished is kept"""

    bl_idname = "motionary.index_cancel"
    bl_label = "Stop Indexing"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Something is indexed."""
        if indexing.is_indexing():
            return True
        cls.poll_message_set("Nothing is being indexed")
        return False

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        """Stop it."""
        indexing.cancel()
        return {"FINISHED"}


class MOTIONARY_OT_report_copy(bpy.types.Operator):
    """Copy what failed and what was noted, a line each, to the clipboard"""

    bl_idname = "motionary.report_copy"
    bl_label = "Copy Report"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Something was indexed."""
        if indexing.job_state() is not None:
            return True
        cls.poll_message_set("Nothing was indexed yet")
        return False

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        """Copy it."""
        state = indexing.job_state()
        if state is None or context.window_manager is None:
            return {"CANCELLED"}
        lines = [*filter(None, [state.error]), *state.failures, *state.notes]
        context.window_manager.clipboard = "\n".join(lines)
        self.report({"INFO"}, f"Copied {len(lines)} {'line' if len(lines) == 1 else 'lines'}")
        return {"FINISHED"}


class MOTIONARY_OT_store_action(bpy.types.Operator):
    """Store the active character's Action as a clip in the library"""

    bl_idname = "motionary.store_action"
    bl_label = "Store Action in Library"

    clip_name: StringProperty(  # type: ignore[valid-type]
        name="Name", description="The clip's name; empty for that of the Action", options={"SKIP_SAVE"}
    )
    captions: StringProperty(  # type: ignore[valid-type]
        name="Captions",
        description="What the motion shows; several captions are separated by semicolons",
        options={"SKIP_SAVE"},
    )
    tags: StringProperty(  # type: ignore[valid-type]
        name="Tags", description="Tags, separated by commas", options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """The library is the user's own, and nobody else writes to it."""
        return _is_own(cls) and _is_idle(cls)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> "set[OperatorReturnItems]":
        """Ask for name, captions and tags, as the Action's asset data has them."""
        from ..store_action import described

        try:
            said = described(context)
        except MotionaryError as error:
            return _refused(self, error)
        self.clip_name = self.clip_name or said.name
        self.captions = self.captions or "; ".join(said.captions)
        self.tags = self.tags or ", ".join(said.tags)
        assert context.window_manager is not None
        return context.window_manager.invoke_props_dialog(self, width=400)

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        """Read the Action, embed it and store it."""
        from ..store_action import store_action

        try:
            stored = store_action(
                context,
                check_writable(),
                name=str(self.clip_name).strip() or None,
                captions=_split(self.captions, ";"),
                tags=_split(self.tags, ","),
            )
        except MotionaryError as error:
            return _refused(self, error)
        current().reload()
        self.report({"INFO"}, f"Stored {stored.name}, {stored.motion.duration:.1f} s")
        return {"FINISHED"}


class MOTIONARY_OT_show_source(bpy.types.Operator):
    """Open the folder of the file that the chosen clip came from"""

    bl_idname = "motionary.show_source"
    bl_label = "Show Source"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A clip is chosen, and its file is on this machine."""
        if current().chosen is not None:
            return is_file_chosen(cls)
        cls.poll_message_set("Choose a result first")
        return False

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        """Open it in the system's file manager."""
        hit = current().chosen
        if hit is None:
            return {"CANCELLED"}
        path = Path(hit.source)
        if not path.exists() and "#" in path.name:  # of a clip stored from a .blend file
            path = path.with_name(path.name.partition("#")[0])
        if not path.parent.is_dir():
            return _refused(self, MotionaryError(f"{hit.source}: its folder is not there any more"))
        open_folder(path.parent)
        return {"FINISHED"}


class MOTIONARY_FH_library(bpy.types.FileHandler):
    """Library files that are dropped into a 3D Viewport are opened."""

    bl_idname = "MOTIONARY_FH_library"
    bl_label = "Motionary Library"
    bl_import_operator = "motionary.library_open"
    bl_file_extensions = SUFFIX

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        """They are dropped there."""
        return context.area is not None and context.area.type == "VIEW_3D"


def open_folder(folder: Path) -> None:
    """Show it in the system's file manager."""
    bpy.ops.wm.path_open(filepath=str(folder))


def unregister() -> None:
    """End what is being indexed."""
    indexing.unregister()


def _refused(operator: bpy.types.Operator, error: MotionaryError) -> "set[OperatorReturnItems]":
    operator.report({"ERROR"}, sentence(str(error)))
    return {"CANCELLED"}


def _ask_for_files(operator: bpy.types.Operator, context: bpy.types.Context) -> "set[OperatorReturnItems]":
    assert context.window_manager is not None
    context.window_manager.fileselect_add(operator)
    return {"RUNNING_MODAL"}


def _named(path: str) -> Path:
    if not path.strip():
        raise MotionaryError("no file or folder is given")
    return absolute(path)


def _chosen_files(operator: Any) -> list[Path]:
    """The files that a file browser, a script or a drop gave."""
    names = [str(item.name) for item in cast("Iterable[Any]", operator.files) if item.name]
    if names:
        return [_named(operator.directory) / name for name in names]
    return [_named(getattr(operator, "filepath", ""))]


def _free(path: Path) -> Path:
    """``path``, or with a number if it is there already."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_stem(f"{path.stem} {number}")
    return free


def _split(text: str, mark: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in str(text).split(mark) if part.strip())


def _is_own(operator: type[bpy.types.Operator]) -> bool:
    """A library file is chosen, and it is not the one that comes along."""
    if is_library_chosen():
        return is_file_chosen(operator)
    if starter_library() is None:
        operator.poll_message_set("Make or open a library first")
    else:
        operator.poll_message_set("The starter library cannot be changed; make a library of your own")
    return False


def _is_idle(operator: type[bpy.types.Operator]) -> bool:
    if indexing.is_indexing():
        operator.poll_message_set("A library is being indexed; wait for it, or stop it")
        return False
    return True


def _add(operator: bpy.types.Operator, paths: list[Path], *, index: bool) -> "set[OperatorReturnItems]":
    library = check_writable()
    item = chosen_item() or add_library(library)
    add_sources(item, paths)
    if not index or indexing.is_indexing():
        return {"FINISHED"}
    return _begin(operator, index_request(library, paths))


def _begin(operator: bpy.types.Operator, request: IndexRequest) -> "set[OperatorReturnItems]":
    """Begin; in the background it is done, and can be reported at once."""
    state = indexing.begin(request)
    if state.error:
        raise MotionaryError(state.error)
    for failure in state.failures:
        operator.report({"WARNING"}, sentence(failure))
    return {"FINISHED"}


CLASSES = (
    MOTIONARY_OT_library_new,
    MOTIONARY_OT_library_open,
    MOTIONARY_OT_library_choose,
    MOTIONARY_OT_library_forget,
    MOTIONARY_OT_library_add_folder,
    MOTIONARY_OT_library_add_files,
    MOTIONARY_OT_library_remove_source,
    MOTIONARY_OT_index,
    MOTIONARY_OT_library_upgrade,
    MOTIONARY_OT_index_cancel,
    MOTIONARY_OT_report_copy,
    MOTIONARY_OT_store_action,
    MOTIONARY_OT_show_source,
    MOTIONARY_FH_library,
)
