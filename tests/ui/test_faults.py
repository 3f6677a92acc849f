"""What goes wrong while the window is open: each is said in one line, and Blender goes on."""

from tests.ui.extension import appears, changed, over_viewport, picture, rest, search, viewport, watch

QUERY = "a person walks"


def test_without_a_character_the_ghost_plays_and_apply_says_what_is_missing(window, tmp_path):
    window.ask("[bpy.data.objects.remove(item) for item in list(bpy.data.objects)]")
    nothing = viewport(window, tmp_path / "nothing.png")
    search(window, QUERY)
    assert changed(nothing, viewport(window, tmp_path / "ghost.png")) > 100
    window.press_button("motionary.apply(", columns=(0.45,))
    assert window.ask("len(bpy.data.actions)") == 0
    said = "bpy.types.MOTIONARY_OT_apply.poll(bpy.context)"
    assert window.ask(said) is False


def test_the_character_is_deleted_while_its_ghost_plays(window, tmp_path):
    search(window, QUERY)
    watch(window)
    window.wait_for("ghost().is_playing()")
    x, y = over_viewport(window)
    window.ask("bpy.context.preferences.view.show_tooltips = False")
    window.press("Delete")
    window.wait_for("'rig' not in bpy.context.scene.objects")
    before = window.ask("ghost().pose_now()")
    first = viewport(window, tmp_path / "first.png")
    window.wait_for(f"ghost().pose_now() != {before!r}")
    rest(window)
    assert changed(first, viewport(window, tmp_path / "second.png")) > 50
    # Undo brings the character back, and the clip goes onto it.
    window.move(x, y)
    window.settle()
    window.press("ctrl+z")
    window.wait_for("'rig' in bpy.context.scene.objects")
    window.press_button("motionary.apply(", columns=(0.45,))
    window.wait_for("len(bpy.data.actions) == 1")


def test_undo_and_redo_while_the_ghost_plays(window):
    search(window, QUERY)
    watch(window)
    window.wait_for("ghost().is_playing()")
    over_viewport(window)
    window.press("g")
    window.type("2")
    window.press("Return")
    window.wait_for("abs(bpy.data.objects['rig'].location.length - 2) < 1e-3")
    window.press("ctrl+z")
    window.wait_for("bpy.data.objects['rig'].location.length < 1e-3")
    window.press("ctrl+shift+z")
    window.wait_for("abs(bpy.data.objects['rig'].location.length - 2) < 1e-3")
    window.wait_for("ghost().is_playing()")
    rest(window)


def test_another_file_is_opened_while_the_ghost_plays(window, human_file):
    search(window, QUERY)
    watch(window)
    window.wait_for("ghost().is_playing()")
    file = window.session.place.inside(window.session.folder / human_file.name)
    window.ask(
        "with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):\n"
        f"    bpy.ops.wm.open_mainfile(filepath={file!r}, load_ui=False)"
    )
    window.wait_for("'rig' in bpy.data.objects")
    assert window.ask("ghost().pose_now()") is None
    rest(window)
    # What was found is still there, and may be chosen and applied.
    window.press_button("motionary.choose(index=1)", columns=(0.45,))
    window.wait_for("ghost().pose_now() is not None")
    window.press_button("motionary.apply(", columns=(0.45,))
    window.wait_for("len(bpy.data.actions) == 1")


def test_a_new_file_by_keys_while_the_ghost_plays(window):
    search(window, QUERY)
    watch(window)
    window.wait_for("ghost().is_playing()")
    window.ask("bpy.ops.wm.read_homefile(app_template='', use_empty=True, load_ui=False)")
    window.wait_for("'rig' not in bpy.data.objects")
    assert window.ask("ghost().pose_now()") is None
    rest(window)


def test_no_library_and_a_library_that_is_gone_are_said_and_cured(window, tmp_path):
    search(window, QUERY)
    gone = window.session.folder / "gone.motionary"
    shown = picture(window, tmp_path / "shown.png")
    window.ask(f"preferences().library = {window.session.place.inside(gone)!r}")
    window.wait_for("session().failure")
    assert "gone.motionary" in window.ask("session().failure")
    appears(window, tmp_path / "failure.png", shown, 2_000)
    window.ask("preferences().library = ''")
    window.wait_for("not session().failure and session().hits")


def test_what_passes_no_filter_is_said(window, tmp_path):
    search(window, QUERY)
    window.ask("state().use_filters = True\nstate().min_seconds = 3000.0")
    window.wait_for("session().question.wanted.min_s == 3000.0 and not session().searching")
    assert window.ask("found()") == []
    window.picture(tmp_path / "nothing-passes.png")
    window.ask("state().min_seconds = 0.0\nstate().use_filters = False")
    window.wait_for("session().hits")


def test_disabled_and_enabled_again_it_is_as_before(window):
    search(window, QUERY)
    watch(window)
    window.wait_for("ghost().is_playing()")
    before = window.ask("sorted(name for name in dir(bpy.types) if 'MOTIONARY' in name)")
    handlers = (
        "[len(each) for each in map(bpy.app.handlers.__getattribute__, dir(bpy.app.handlers)) "
        "if type(each) is list]"
    )
    held = window.ask(handlers)
    name = "bl_ext.user_default.motionary"
    for _ in range(2):
        window.ask(f"bpy.ops.preferences.addon_disable(module={name!r})")
        assert window.ask("[name for name in dir(bpy.types) if 'MOTIONARY' in name]") == []
        assert not window.ask("hasattr(bpy.types.WindowManager, 'motionary')")
        window.settle()
        window.ask(f"bpy.ops.preferences.addon_enable(module={name!r})")
    assert window.ask("sorted(name for name in dir(bpy.types) if 'MOTIONARY' in name)") == before
    assert window.ask(handlers) == held
    window.open_tab("Motionary")
    assert any("walk" in name for name in search(window, QUERY))
