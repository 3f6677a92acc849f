"""What an animator does in a real window: type, look, step, apply, undo, redo otherwise."""

from tests.ui.extension import appears, changed, over_viewport, picture, rest, search, viewport, watch

QUERY = "a person walks"
CURVES = "bpy.data.objects['rig'].animation_data.action.layers[0].strips[0].channelbags[0].fcurves"
KEYS = f"[curve.evaluate(20) for curve in {CURVES} if 'arm_fk' in curve.data_path]"


def test_what_is_in_the_library_is_known_before_anything_is_asked(opened):
    assert opened.wait_for("session().summary is not None and session().summary.clips") > 100


def test_clips_are_found_while_the_query_is_typed(window):
    window.press_button("motionary.query", columns=(0.45,))
    window.type("a person wal")
    window.wait_for("session().question is not None and session().question.query == 'a person wal'")
    window.type("ks")
    window.wait_for("session().question.query == 'a person walks'")
    assert any("walk" in name for name in window.ask("found()"))
    window.press("Return")
    assert window.ask("state().query") == QUERY


def test_the_ghost_plays_and_the_scene_stays_as_it_was(window, tmp_path):
    window.ask("before = snapshot()")
    nothing = viewport(window, tmp_path / "nothing.png")
    search(window, QUERY)
    still = viewport(window, tmp_path / "still.png")
    assert changed(nothing, still) > 100
    watch(window)
    poses = []
    for number in range(3):
        window.wait_for("ghost().is_playing()")
        poses.append(window.ask("ghost().pose_now()"))
        moving = viewport(window, tmp_path / f"moving{number}.png")
    rest(window)
    assert poses[0] != poses[1] != poses[2]
    assert changed(still, moving) > 100
    window.press_button("motionary.show_ghost")
    assert changed(nothing, viewport(window, tmp_path / "hidden.png")) < 20
    assert window.ask("changes(before, snapshot())") == []


def test_results_are_stepped_through_by_click_by_button_and_by_key(window):
    names = search(window, QUERY)
    assert len(names) == 4
    assert window.ask("session().chosen.name") == names[0]
    window.press_button("motionary.choose(index=2)", columns=(0.45,))
    assert window.ask("session().chosen.name") == names[2]
    window.press_button("motionary.step(step=1)", columns=(0.85,))
    assert window.ask("session().chosen.name") == names[3]
    window.press_button("motionary.step(step=-1)", columns=(0.08,))
    assert window.ask("session().chosen.name") == names[2]
    over_viewport(window)
    window.press("shift+alt+period", "shift+alt+period")
    assert window.ask("session().chosen.name") == names[0]
    window.press("shift+alt+comma")
    assert window.ask("session().chosen.name") == names[3]
    # What is seen is the clip that is chosen.
    window.wait_for("session().looked is not None and session().looked.look.hit == session().chosen")


def test_apply_keys_the_character_in_one_undo_step(window):
    search(window, QUERY)
    window.ask("before = snapshot()")
    window.press_button("motionary.apply(", columns=(0.45,))
    window.wait_for("len(bpy.data.actions) == 1")
    first, last = window.ask("list(bpy.data.actions[0].frame_range)")
    assert first == window.ask("bpy.context.scene.frame_current")
    assert last - first > 20
    assert window.ask(f"len({CURVES})") > 60
    assert window.ask("ghost().pose_now()") is None
    window.ask("applied = snapshot()")
    over_viewport(window)
    window.press("ctrl+z")
    window.wait_for("len(bpy.data.actions) == 0")
    assert window.ask("changes(before, snapshot())") == []
    window.press("ctrl+shift+z")
    window.wait_for("len(bpy.data.actions) == 1")
    assert window.ask("changes(applied, snapshot())") == []


def test_the_redo_panel_applies_again_in_another_way(window, tmp_path):
    search(window, QUERY)
    window.press_button("motionary.apply(", columns=(0.45,))
    window.wait_for("len(bpy.data.actions) == 1")
    plain = window.ask(KEYS)
    over_viewport(window)
    closed = picture(window, tmp_path / "closed.png")
    window.press("F9")
    appears(window, tmp_path / "popup.png", closed, 20_000)
    window.press("Escape")

    left, top, _width, height = window.place_of("VIEW_3D", "HUD")
    window.click(left + 20, top + height / 2)
    window.wait_for("place_of('VIEW_3D', 'HUD')[3] > 200")
    left, top, width, height = window.place_of("VIEW_3D", "HUD")
    mirrored = "bpy.context.window_manager.operators[-1].properties.mirror"
    for down in range(70, 110, 8):  # nothing tells where the options of an operator are drawn
        window.click(left + 0.46 * width, top + down)
        window.press("Escape")
        if window.ask(mirrored):
            break
    assert window.ask(mirrored)
    window.wait_for("len(bpy.data.actions) == 1")
    assert window.ask(KEYS) != plain
    window.press("ctrl+z")
    window.wait_for("len(bpy.data.actions) == 0")


def test_the_pie_menu_opens_at_the_mouse_and_does_what_it_says(window, tmp_path):
    names = search(window, QUERY)
    x, y = over_viewport(window)
    closed = picture(window, tmp_path / "closed.png")
    window.press("shift+alt+m")
    appears(window, tmp_path / "pie.png", closed, 8_000)
    window.click(x + 150, y)
    window.wait_for(f"session().chosen.name == {names[1]!r}")


def test_a_motion_is_found_and_chosen_without_the_sidebar(window, tmp_path):
    over_viewport(window)
    window.press("n")
    window.wait_for("place_of('VIEW_3D', 'UI') is None")
    closed = picture(window, tmp_path / "closed.png")
    window.press("shift+alt+f")
    appears(window, tmp_path / "opened.png", closed, 5_000)
    window.press("Escape")
