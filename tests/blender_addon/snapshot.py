"""All that is in the open .blend, as plain data that can be compared."""

import bpy

SKIPPED = {
    # what Blender counts, caches or works out, and says nothing about the file
    *("rna_type", "users", "session_uid", "is_evaluated", "is_updated", "is_updated_data", "original"),
    *("is_runtime_data", "id_data", "tag", "bl_rna", "animation_visualization", "preview"),
    *("is_dirty", "is_saved", "use_autopack", "depsgraph", "is_missing", "statistics", "children"),
    "particle_edit",
}
COLLECTIONS = ("actions", "armatures", "cameras", "collections", "images", "lights", "materials", "meshes")
COLLECTIONS += ("objects", "scenes", "texts", "worlds")
ELSEWHERE = ("bones", "bones_recursive", "children", "children_recursive", "collections", "parent_recursive")
DEEPEST = 9


def snapshot():
    """Path -> value of every property of every data block, with what it is made of."""
    found = {}
    for name in COLLECTIONS:
        for block in getattr(bpy.data, name):
            _walk(block, f"{name}[{block.name!r}]", found, 0)
    layer = bpy.context.view_layer
    found["active"] = layer.objects.active.name if layer.objects.active else None
    found["selected"] = sorted(item.name for item in layer.objects if item.select_get())
    found["hidden"] = sorted(item.name for item in layer.objects if item.hide_get())
    found["mode"] = bpy.context.object.mode if bpy.context.object else None
    return found


def changes(before, after):
    """The paths that differ, in order."""
    return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))


def _walk(owner, path, found, depth):
    if depth > DEEPEST:
        return
    if isinstance(owner, bpy.types.ID | bpy.types.Bone | bpy.types.PoseBone):
        for key in owner.keys():  # noqa: SIM118, it is no mapping
            found[f"{path}[{key!r}]"] = _own(owner[key])
    for prop in owner.bl_rna.properties:
        name = prop.identifier
        if name in SKIPPED or name.startswith("bl_"):
            continue
        try:
            value = getattr(owner, name)
        except (AttributeError, RuntimeError, TypeError):
            continue
        where = f"{path}.{name}"
        if prop.type == "COLLECTION":
            # Points of meshes are not what applying could change without changing their number, and bones
            # that bones tell of are in the armature's own list.
            if isinstance(owner, bpy.types.Mesh):
                found[where] = len(value)
                continue
            if (
                isinstance(owner, bpy.types.Bone | bpy.types.PoseBone | bpy.types.BoneCollection)
                and name in ELSEWHERE
            ):
                found[where] = [item.name for item in value]
                continue
            for number, item in enumerate(value):
                if isinstance(item, bpy.types.ID):
                    found[f"{where}[{number}]"] = item.name_full
                elif isinstance(item, bpy.types.bpy_struct):
                    label = getattr(item, "name", "") or number
                    _walk(item, f"{where}[{label!r}:{number}]", found, depth + 1)
            found[f"{where}.length"] = len(value)
        elif prop.type == "POINTER":
            if isinstance(value, bpy.types.ID):
                # What belongs to a block alone is part of it.
                if value.is_embedded_data:
                    _walk(value, where, found, depth + 1)
                else:
                    found[where] = value.name_full
            elif isinstance(value, bpy.types.bpy_struct) and not _points_back(owner, value):
                _walk(value, where, found, depth + 1)
            else:
                found[where] = None
        else:
            found[where] = _plain(value)


def _own(value):
    """A custom property's value, whatever it is made of."""
    if isinstance(value, bpy.types.ID):
        return value.name_full
    if hasattr(value, "items"):
        return tuple(sorted((key, _own(item)) for key, item in value.items()))
    return tuple(value.to_list()) if hasattr(value, "to_list") else _plain(value)


def _plain(value):
    """Numbers and words, in tuples, that do not look into Blender's memory any more."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, set):
        return tuple(sorted(value))
    return tuple(_plain(item) for item in value) if hasattr(value, "__iter__") else str(value)


def _points_back(owner, value):
    """Bones tell their parents, curves their groups: what is elsewhere in the tree already."""
    return isinstance(
        value, bpy.types.Bone | bpy.types.PoseBone | bpy.types.EditBone | bpy.types.ActionGroup
    ) or (isinstance(value, bpy.types.ActionSlot) and not isinstance(owner, bpy.types.Action))
