"""What the user sets once for this machine: where libraries are, which model, how previews look."""

# No postponed annotations here: Blender reads properties from them.
import os
from pathlib import Path
from typing import cast

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    FloatVectorProperty,
    IntProperty,
    StringProperty,
)

from motionary.errors import MotionaryError
from motionary.remote import TOKEN, Access, Place, Served, is_address, served_at

from .online import why_offline

__all__ = [
    "CLASSES",
    "MOTIONARY_AP_preferences",
    "MOTIONARY_PG_folder",
    "MOTIONARY_PG_library",
    "absolute",
    "chosen_file",
    "chosen_library",
    "is_served_chosen",
    "library_folder",
    "listed_libraries",
    "model_folder",
    "new_server",
    "place_at",
    "preferences",
]


def _changed(self: bpy.types.bpy_struct, context: bpy.types.Context) -> None:
    """Another library or model: what is shown of the one before is gone, and the query asked again."""
    from .session import current

    current().reload()


class MOTIONARY_PG_folder(bpy.types.PropertyGroup):
    """A folder or file whose motions are in a library."""

    path: StringProperty(  # type: ignore[valid-type]
        name="Path", description="A folder, read with all below it, or a motion file", subtype="FILE_PATH"
    )


class MOTIONARY_PG_library(bpy.types.PropertyGroup):
    """A library that the user works with: a file and what it is made from, or a served one."""

    path: StringProperty(  # type: ignore[valid-type]
        name="Library",
        description="The library file, NAME.motionary, or the address of a served library",
        subtype="FILE_PATH",
    )
    token: StringProperty(  # type: ignore[valid-type]
        name="Token",
        description=(
            "What the server is shown, kept unencrypted in Blender's preferences; empty for that of the "
            "environment variable MOTIONARY_TOKEN"
        ),
        subtype="PASSWORD",
        update=_changed,
    )
    use_unencrypted: BoolProperty(  # type: ignore[valid-type]
        name="Allow Unencrypted",
        description="Send the token over http, where anybody on the network can read it",
        update=_changed,
    )
    folders: CollectionProperty(  # type: ignore[valid-type]
        type=MOTIONARY_PG_folder,
        name="Folders",
        description="Folders and files that Index reads into this library",
    )


class MOTIONARY_AP_preferences(bpy.types.AddonPreferences):
    """The page under Preferences > Add-ons > Motionary."""

    bl_idname = __package__

    libraries: CollectionProperty(  # type: ignore[valid-type]
        type=MOTIONARY_PG_library, name="Libraries", description="The library files that the panel offers"
    )
    library: StringProperty(  # type: ignore[valid-type]
        name="Library",
        description=(
            "The library file that is searched, or the address of a served library; empty for the starter "
            "library that comes along"
        ),
        subtype="FILE_PATH",
        update=_changed,
    )
    library_folder: StringProperty(  # type: ignore[valid-type]
        name="Library Folder",
        description="Where new libraries are saved, for every version of Blender on this machine",
        subtype="DIR_PATH",
        default=str(Path("~") / "Motionary"),
    )
    model: StringProperty(  # type: ignore[valid-type]
        name="Model",
        description="The folder of a model bundle that searches and indexes; empty for the built-in one",
        subtype="DIR_PATH",
        update=_changed,
    )
    server_address: StringProperty(  # type: ignore[valid-type]
        name="Address",
        description="The server to add libraries of, as in https://studio:8423",
        default="https://",
    )
    server_token: StringProperty(  # type: ignore[valid-type]
        name="Token",
        description=(
            "What the server is shown, kept unencrypted in Blender's preferences; empty for that of the "
            "environment variable MOTIONARY_TOKEN"
        ),
        subtype="PASSWORD",
    )
    server_unencrypted: BoolProperty(  # type: ignore[valid-type]
        name="Allow Unencrypted",
        description="Send the token over http, where anybody on the network can read it",
    )
    worker_python: StringProperty(  # type: ignore[valid-type]
        name="Python for Indexing",
        description=(
            "A Python that indexes instead of Blender's own: one with torch and motionary[train] uses the "
            "GPU. Empty for Blender's own"
        ),
        subtype="FILE_PATH",
    )
    results: IntProperty(  # type: ignore[valid-type]
        name="Results",
        description="How many clips a search lists",
        default=12,
        min=1,
        max=100,
        update=_changed,
    )
    page: IntProperty(  # type: ignore[valid-type]
        name="Results per Page",
        description="How many of them the panel shows at a time",
        default=4,
        min=1,
        soft_max=12,
        max=100,
    )
    search_as_you_type: BoolProperty(  # type: ignore[valid-type]
        name="Search as You Type",
        description="Search while the query is typed, instead of when it is confirmed",
        default=True,
    )
    animate_panel: BoolProperty(  # type: ignore[valid-type]
        name="Animate in the Panel",
        description="Play the chosen clip in the sidebar; off shows it as a row of poses",
        default=True,
    )
    ghost_place: EnumProperty(  # type: ignore[valid-type]
        name="Ghost",
        description="Where the chosen clip plays before it is applied",
        items=(
            ("BESIDE", "Beside", "One step to the left of the active character"),
            ("ON", "On Character", "Where the active character stands and as it faces"),
        ),
        default="BESIDE",
    )
    ghost_time: EnumProperty(  # type: ignore[valid-type]
        name="Ghost Time",
        description="What moves the preview",
        items=(
            ("FREE", "Free-Running", "It plays by itself, over and over"),
            ("TIMELINE", "Timeline", "It follows the current frame, from the frame it was chosen at"),
        ),
        default="FREE",
    )
    ghost_color: FloatVectorProperty(  # type: ignore[valid-type]
        name="Ghost Color",
        description="Color and opacity of the preview in the 3D Viewport",
        subtype="COLOR",
        size=4,
        min=0.0,
        max=1.0,
        default=(0.25, 0.75, 1.0, 0.85),
    )
    ghost_size: FloatProperty(  # type: ignore[valid-type]
        name="Ghost Thickness",
        description="How thick the bones of the preview are, as a factor",
        default=1.0,
        min=0.2,
        max=3.0,
    )

    def draw(self, context: bpy.types.Context) -> None:
        """Libraries, model, previews and shortcuts."""
        from .ui.preferences_page import draw_preferences

        draw_preferences(self, context)


def preferences(context: bpy.types.Context | None = None) -> MOTIONARY_AP_preferences:
    """The user's settings."""
    context = context or bpy.context
    assert context.preferences is not None
    addon = context.preferences.addons[__package__]
    return cast("MOTIONARY_AP_preferences", addon.preferences)


def absolute(path: str) -> Path:
    """A path as the user gave it, from the root on."""
    return Path(bpy.path.abspath(path)).expanduser()


def place_at(text: str, context: bpy.types.Context | None = None) -> Place:
    """The library at a path, or at the address of a served one, with how that may be asked now."""
    if not is_address(text):
        return absolute(text)
    try:
        served = served_at(text)
    except MotionaryError:
        return Path(text)  # a file that is not there: opening it says so
    for item in preferences(context).libraries:
        if is_address(str(item.path)) and str(item.path) == str(served):
            return served_at(text, _access(str(item.token), bool(item.use_unencrypted)))
    return served_at(text, _access("", False))


def new_server(context: bpy.types.Context | None = None) -> Served:
    """The server whose address is typed to add libraries of it; MotionaryError where that is no address."""
    settings = preferences(context)
    access = _access(str(settings.server_token), bool(settings.server_unencrypted))
    return served_at(str(settings.server_address), access)


def _access(token: str, unencrypted: bool) -> Access:
    return Access(token.strip() or os.environ.get(TOKEN, "").strip(), unencrypted, why_offline())


def is_served_chosen(context: bpy.types.Context | None = None) -> bool:
    """Whether the library that is searched is a served one, which can only be read."""
    return is_address(str(preferences(context).library))


def chosen_file(context: bpy.types.Context | None = None) -> Path:
    """The library that is searched, where that is a file; MotionaryError where it is served, or there is
    none."""
    found = chosen_library(context)
    if isinstance(found, Served):
        raise MotionaryError(
            f"{found.name}: this library is served, so it can only be searched; choose a file"
        )
    return found


def chosen_library(context: bpy.types.Context | None = None) -> Place:
    """The library that is searched: the one chosen, else the starter library that comes along.

    MotionaryError where there is neither, as when the extension runs from its source tree.
    """
    from .bundled import own_library

    named = str(preferences(context).library)
    found = place_at(named, context) if named else own_library()
    if found is None:
        raise MotionaryError("no library is chosen; make one under Libraries, or add one that you have")
    return found


def listed_libraries(context: bpy.types.Context | None = None) -> list[Place]:
    """The libraries that the panel offers, besides the starter library."""
    return [place_at(str(item.path), context) for item in preferences(context).libraries]


def library_folder(context: bpy.types.Context | None = None) -> Path:
    """Where new libraries are saved; it may not be there yet."""
    return absolute(str(preferences(context).library_folder) or str(Path("~") / "Motionary"))


def model_folder(context: bpy.types.Context | None = None) -> Path | None:
    """The model bundle that is used, for `motionary.bundle.load_bundle`."""
    from .bundled import own_bundle

    named = str(preferences(context).model)
    return absolute(named) if named else own_bundle()


CLASSES = (MOTIONARY_PG_folder, MOTIONARY_PG_library, MOTIONARY_AP_preferences)
