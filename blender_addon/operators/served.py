"""Add libraries that a server has: ask it which there are, then choose."""

# No postponed annotations here: Blender reads properties from them.
from typing import TYPE_CHECKING

import bpy
from bpy.props import StringProperty

from motionary.errors import MotionaryError
from motionary.remote import Served, check_allowed, is_loopback, served_at

from ..libraries import add_library
from ..online import why_offline
from ..preferences import new_server, preferences
from ..session import current
from ..ui.text import draw_lines, sentence

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems

__all__ = ["CLASSES"]

WIDTH = 400
"""Pixels of the dialog."""


class MOTIONARY_OT_served_find(bpy.types.Operator):
    """Ask a server in your studio, or on this machine, which libraries it has for you"""

    bl_idname = "motionary.served_find"
    bl_label = "Add Served Library"

    # The token is a preference and no property here: those of operators are shown in the Info Editor.
    address: StringProperty(  # type: ignore[valid-type]
        name="Address",
        description="The server's address; empty for the one in the preferences",
        options={"SKIP_SAVE", "HIDDEN"},
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> "set[OperatorReturnItems]":
        """Ask for the address and the token."""
        assert context.window_manager is not None
        return context.window_manager.invoke_props_dialog(self, width=WIDTH, confirm_text="Find Libraries")

    def draw(self, context: bpy.types.Context) -> None:
        """Where the server is, and what it is shown."""
        layout, settings = self.layout, preferences(context)
        assert layout is not None
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(settings, "server_address")
        layout.prop(settings, "server_token")
        address = str(settings.server_address).lower()
        is_here = is_loopback(address)
        if address.startswith("http:") and not is_here:
            layout.prop(settings, "server_unencrypted")
        layout.label(text="The token is kept unencrypted in Blender's preferences", icon="INFO")
        if (reason := why_offline()) and not is_here:
            draw_lines(layout, context, reason, "INFO", wide=WIDTH)

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        """Ask it; the panel shows what it has."""
        try:
            if self.address:
                preferences(context).server_address = self.address
            found = new_server(context)
            server = Served(found.server, "", found.access)
            check_allowed(server)
        except MotionaryError as error:
            return _refused(self, str(error))
        session = current()
        session.offer(server)
        if session.offered is not None and session.offered.failure:
            return _refused(self, session.offered.failure)
        return {"FINISHED"}


class MOTIONARY_OT_served_add(bpy.types.Operator):
    """Add this library of the server to the list, and search it"""

    bl_idname = "motionary.served_add"
    bl_label = "Add This Library"

    library: StringProperty(  # type: ignore[valid-type]
        name="Library", description="The library's name on the server", options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A server was asked, and may be asked still."""
        server = current().server
        if server is None:
            cls.poll_message_set("Ask a server first which libraries it has")
            return False
        if not is_loopback(server.server) and (reason := why_offline()):
            cls.poll_message_set(reason)
            return False
        return True

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        """List it and choose it."""
        session = current()
        server, offered = session.server, session.offered
        names = [facts.name for facts in offered.libraries] if offered else []
        if server is None or self.library not in names:
            return _refused(self, f"{server}: has no library {self.library!r} for you")
        try:
            # As it will be read from the preferences: a name that makes no address is found out now.
            place = served_at(str(Served(server.server, self.library)), server.access)
        except MotionaryError as error:
            return _refused(self, str(error))
        add_library(place)
        return {"FINISHED"}


class MOTIONARY_OT_served_close(bpy.types.Operator):
    """Put away the list of what the server has; libraries that were added stay"""

    bl_idname = "motionary.served_close"
    bl_label = "Close Server"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There is one."""
        if current().server is not None:
            return True
        cls.poll_message_set("No server was asked")
        return False

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        """Put it away, and the token that was typed for it, which the libraries have."""
        preferences(context).server_token = ""
        current().offer(None)
        return {"FINISHED"}


def _refused(operator: bpy.types.Operator, reason: str) -> "set[OperatorReturnItems]":
    operator.report({"ERROR"}, sentence(reason))
    return {"CANCELLED"}


CLASSES = (MOTIONARY_OT_served_find, MOTIONARY_OT_served_add, MOTIONARY_OT_served_close)
