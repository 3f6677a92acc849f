"""Assets: what the Asset Browser is told of a clip, where it is put, and that nothing else is touched."""

from types import SimpleNamespace

import numpy as np
import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")

from blender_addon import apply, asset_batch, assets  # noqa: E402
from blender_addon.apply import apply_motion  # noqa: E402
from blender_addon.catalogs import FILE_NAME, read_catalogs  # noqa: E402
from blender_addon.make_action import make_action  # noqa: E402
from blender_addon.operators import assets as operators  # noqa: E402
from blender_addon.options import ApplyOptions  # noqa: E402
from blender_addon.properties import state  # noqa: E402
from blender_addon.scenes import open_scene  # noqa: E402
from blender_addon.session import current  # noqa: E402
from motionary import rotation  # noqa: E402
from motionary.bundle import load_bundle  # noqa: E402
from motionary.errors import MotionaryError  # noqa: E402
from motionary.formats import write_bvh  # noqa: E402
from motionary.index import index_files  # noqa: E402
from motionary.library import clip_ids, clip_info, clip_motion, open_library, set_starred  # noqa: E402
from motionary.motion import Motion, Skeleton  # noqa: E402
from motionary.pose_strip import pose_strip  # noqa: E402
from tests.blender_addon.snapshot import changes, snapshot  # noqa: E402
from tests.blender_addon.test_failures import make  # noqa: E402
from tests.bundles import make_bundle  # noqa: E402
from tests.motions import standing, walk  # noqa: E402

ABOUT = assets.About(
    "walk",
    "cmu/walk.bvh",
    "mine",
    0.0,
    1.0,
    ("a person walks", "someone goes"),
    ("gait", "calm"),
    "CMU",
    "free",
)
NOWHERE = "00000000-0000-0000-0000-000000000000"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def library(model, tmp_path_factory):
    """Three clips: stand (no tags), turn (a star and a tag), walk (captions and tags)."""
    folder = tmp_path_factory.mktemp("moves")
    write_bvh(walk(0.4), folder / "walk.bvh")
    write_bvh(walk(0.6), folder / "turn.bvh")
    write_bvh(standing(10), folder / "stand.bvh")
    (folder / "captions.csv").write_text(
        "file,caption,tags\nwalk.bvh,a person walks,gait;calm\nwalk.bvh,someone goes,\nturn.bvh,,turning\n"
    )
    path = folder / "mine.motionary"
    with open_library(path, write=True) as held:
        index_files([folder], held, load_bundle(model), workers=1)
        turn = next(clip for clip in clip_ids(held) if clip_info(held, clip).name == "turn")
        set_starred(held, turn, True)
    return path


@pytest.fixture
def character():
    """A character in the middle of its work: an Action plays, and a bone is posed that it does not key."""
    armature, _ = make("Mixamo")
    apply_motion(armature, standing(3), "walk")
    bpy.context.scene.frame_set(2)
    thumb = next(bone for bone in armature.pose.bones if bone.name.endswith("LeftHandThumb1"))
    thumb.scale = (1.0, 1.5, 1.0)
    bpy.context.view_layer.update()
    snapshot()  # to look at an add-on's properties for the first time makes them
    return armature


@pytest.fixture
def asset_library(tmp_path):
    """The user's only asset library."""
    before = [(each.name, each.path) for each in bpy.context.preferences.filepaths.asset_libraries]
    folder = tmp_path / "assets"
    folder.mkdir()
    with_only([("assets", str(folder))])
    yield folder
    with_only(before)


def with_only(libraries):
    """Have the preferences list these asset libraries and no others."""
    listed = bpy.context.preferences.filepaths.asset_libraries
    while listed:
        listed.remove(listed[0])
    for name, path in libraries:
        listed.new(name=name, directory=path)


@pytest.fixture
def session(character, extension, model, library):
    """The extension, with the library chosen."""
    extension.model, extension.library = str(model), str(library)
    return current()


def found(session, query="a person walks"):
    """Search; name -> number of the result."""
    state().query = query
    session.ask()
    assert not session.failure
    return {hit.name: number for number, hit in enumerate(session.hits)}


def marked(action):
    data = action.asset_data
    return {
        "description": data.description,
        "tags": {tag.name for tag in data.tags},
        "author": data.author,
        "license": data.license,
        "origin": assets.origin(action),
    }


def picture(action):
    size = tuple(action.preview.image_size)
    pixels = np.empty(size[0] * size[1] * 4, np.float32)
    action.preview.image_pixels_float.foreach_get(pixels)
    return pixels.reshape(size[1], size[0], 4)


def appended(path, **how):
    """The Actions of a .blend, by their names there, in a file with nothing else in it."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    with bpy.data.libraries.load(str(path), assets_only=True, **how) as (there, taken):
        names = list(there.actions)
        taken.actions = list(names)
    return dict(zip(names, taken.actions, strict=True))


# An Action that is not played


def test_an_action_is_made_and_the_character_goes_on_with_its_own(character):
    before = snapshot()
    action, applied = make_action(character, walk(0.5), "stroll", ApplyOptions(start=1))
    assert action.name == "stroll"
    assert action.use_frame_range
    assert (action.frame_start, action.frame_end) == (1, applied.frame_end)
    assert applied.turn_error < 1.0
    assert character.animation_data.action.name == "walk"
    bpy.data.actions.remove(action)
    assert changes(before, snapshot()) == []


def test_an_action_is_made_for_one_who_was_never_animated():
    armature, _ = make("Unreal")
    snapshot()
    before = snapshot()
    action, _ = make_action(armature, walk(0.5), "stroll", ApplyOptions(root_motion="object"))
    assert armature.animation_data is None
    bpy.data.actions.remove(action)
    assert changes(before, snapshot()) == []


def test_switches_are_keyed_and_stay_as_they_were():
    armature, _ = make("Auto-Rig Pro")
    switches = [bone for bone in armature.pose.bones if "ik_fk_switch" in bone]
    assert switches
    for bone in switches:
        bone["ik_fk_switch"] = 0.0
    bpy.context.view_layer.update()
    action, applied = make_action(armature, walk(0.5), "stroll")
    assert applied.turn_error < 1.0
    assert {bone["ik_fk_switch"] for bone in switches} == {0.0}
    keyed = {curve.data_path for curve in action.layers[0].strips[0].channelbags[0].fcurves}
    assert {f'pose.bones["{bone.name}"]["ik_fk_switch"]' for bone in switches} <= keyed


def test_no_half_action_is_left_of_what_cannot_be_made(character):
    chain = Skeleton(("a", "b"), np.array([-1, 0]), np.zeros((2, 3)))
    no_body = Motion(chain, np.tile(rotation.IDENTITY, (3, 2, 1)), np.zeros((3, 3)), 30.0)
    before = snapshot()
    with pytest.raises(MotionaryError):
        make_action(character, no_body, "stroll")
    assert changes(before, snapshot()) == []


# What an asset says


def test_an_asset_says_what_is_known_of_the_clip():
    action = bpy.data.actions.new("walk")
    assets.mark_asset(action, walk(1.0), ABOUT)
    assert marked(action) == {
        "description": "a person walks",
        "tags": {"gait", "calm"},
        "author": "CMU",
        "license": "free",
        "origin": ("mine", "cmu/walk.bvh", "walk", 0.0, 1.0),
    }
    np.testing.assert_allclose(picture(action), pose_strip(walk(1.0), 3, (256, 256)), atol=1 / 255)


def test_what_somebody_wrote_there_stays():
    action = bpy.data.actions.new("walk")
    action.asset_mark()
    action.asset_data.description, action.asset_data.author = "my own words", "me"
    action.asset_data.tags.new("keep")
    action.preview_ensure().image_size = (4, 4)
    mine = np.full(4 * 4 * 4, 0.5, np.float32)
    action.preview.image_pixels_float.foreach_set(mine)
    assets.mark_asset(action, walk(1.0), ABOUT)
    told = marked(action)
    assert (told["description"], told["author"], told["license"]) == ("my own words", "me", "free")
    assert told["tags"] == {"keep", "gait", "calm"}
    assert picture(action).shape == (4, 4, 4)


def test_an_action_of_ones_own_comes_from_no_clip():
    action = bpy.data.actions.new("mine")
    assert assets.origin(action) is None
    action.asset_mark()
    assert assets.origin(action) is None


def test_a_catalog_that_was_chosen_is_kept(tmp_path):
    mine, fresh = bpy.data.actions.new("mine"), bpy.data.actions.new("fresh")
    for action in (mine, fresh):
        action.asset_mark()
    mine.asset_data.catalog_id = "11111111-2222-3333-4444-555555555555"
    assets.file_assets({mine: "Motionary/a", fresh: "Motionary/b"}, tmp_path / FILE_NAME)
    by_path = {catalog.path: catalog.id for catalog in read_catalogs(tmp_path / FILE_NAME)}
    assert mine.asset_data.catalog_id == "11111111-2222-3333-4444-555555555555"
    assert fresh.asset_data.catalog_id == by_path["Motionary/b"]


def test_catalogs_are_where_blender_looks_for_them(asset_library, tmp_path):
    assert assets.catalog_file_of("") is None
    assert assets.catalog_file_of(str(tmp_path / "a.blend")) == tmp_path / FILE_NAME
    inside = asset_library / "deep" / "a.blend"
    assert assets.catalog_file_of(str(inside)) == asset_library / FILE_NAME


# The chosen clip


def test_the_chosen_clip_becomes_an_asset(session, character, tmp_path):
    save_as(tmp_path / "work.blend")
    state().chosen = found(session)["walk"]
    before = snapshot()
    assert bpy.ops.motionary.mark_asset(author="CMU") == {"FINISHED"}
    action = bpy.data.actions["walk.001"]  # the character plays another "walk"
    assert character.animation_data.action.name == "walk"
    assert marked(action)["description"] == "a person walks"
    assert marked(action)["tags"] == {"gait", "calm"}
    assert marked(action)["author"] == "CMU"
    by_id = {catalog.id: catalog.path for catalog in read_catalogs(tmp_path / FILE_NAME)}
    assert by_id[action.asset_data.catalog_id] == "Motionary/mine/gait"
    bpy.data.actions.remove(action)
    assert changes(before, snapshot()) == []


def save_as(path):
    bpy.ops.wm.save_as_mainfile(filepath=str(path))


def test_a_star_is_no_tag_of_an_asset_and_names_no_catalog(session, tmp_path):
    save_as(tmp_path / "work.blend")
    state().chosen = found(session)["turn"]
    assert bpy.ops.motionary.mark_asset() == {"FINISHED"}
    assert marked(bpy.data.actions["turn"])["tags"] == {"turning"}
    assert "Motionary/mine/turning" in [c.path for c in read_catalogs(tmp_path / FILE_NAME)]


def test_one_undo_takes_the_asset_away(session):
    state().chosen = found(session)["walk"]
    bpy.ops.ed.undo_push(message="before")
    before = snapshot()
    bpy.ops.motionary.mark_asset()
    bpy.ops.ed.undo_push(message="Mark as Asset")
    assert changes(before, snapshot())
    bpy.ops.ed.undo()
    assert changes(before, snapshot()) == []


def test_in_a_file_without_a_place_catalogs_wait_for_it(session, tmp_path):
    state().chosen = found(session)["walk"]
    bpy.ops.motionary.mark_asset()
    action = bpy.data.actions["walk.001"]
    assert action.asset_data.catalog_id == NOWHERE
    save_as(tmp_path / "work.blend")
    by_id = {catalog.id: catalog.path for catalog in read_catalogs(tmp_path / FILE_NAME)}
    assert by_id[action.asset_data.catalog_id] == "Motionary/mine/gait"
    read = appended(tmp_path / "work.blend")["walk.001"]
    assert by_id[read.asset_data.catalog_id] == "Motionary/mine/gait"
    assert assets.CATALOG not in read.asset_data


def test_without_a_choice_or_a_character_it_is_said(session):
    with pytest.raises(RuntimeError, match="choose a result first"):
        bpy.ops.motionary.mark_asset()
    state().chosen = found(session)["walk"]
    bpy.data.objects.remove(bpy.data.objects[0])
    with pytest.raises(RuntimeError, match="no armature"):
        bpy.ops.motionary.mark_asset()


# Many


def test_all_results_become_assets(session, character, tmp_path):
    save_as(tmp_path / "work.blend")
    found(session)
    assert bpy.ops.motionary.mark_assets(what="RESULTS", catalog="Mine") == {"FINISHED"}
    made = {where[2]: action for action in bpy.data.actions if (where := assets.origin(action))}
    assert made.keys() == {"walk", "turn", "stand"}
    assert {catalog.path for catalog in read_catalogs(tmp_path / FILE_NAME)} == {
        *("Mine", "Mine/mine", "Mine/mine/gait", "Mine/mine/turning")
    }


def test_a_whole_library_goes_into_an_asset_library(session, character, asset_library):
    before = snapshot()
    assert bpy.ops.motionary.mark_assets(what="LIBRARY", into="ASSETS") == {"FINISHED"}
    assert changes(before, snapshot()) == []
    name = character.name
    (file,) = asset_library.glob("*.blend")
    assert file.name == f"mine {name}.blend"
    assert {path.name for path in asset_library.iterdir()} == {file.name, FILE_NAME}

    read = appended(file)
    by_id = {catalog.id: catalog.path for catalog in read_catalogs(asset_library / FILE_NAME)}
    assert read.keys() == {"walk", "turn", "stand"}
    walks = read["walk"]
    assert marked(walks)["description"] == "a person walks"
    assert marked(walks)["tags"] == {"gait", "calm"}
    assert marked(walks)["origin"][0] == "mine"
    assert {each: by_id[action.asset_data.catalog_id] for each, action in read.items()} == {
        "walk": "Motionary/mine/gait",
        "turn": "Motionary/mine/turning",
        "stand": "Motionary/mine",
    }
    assert picture(walks)[..., 3].max() > 0.9
    assert (walks.use_frame_range, walks.frame_start) == (True, 1)
    assert len(walks.layers[0].strips[0].channelbags[0].fcurves) > 30


def test_writing_again_keeps_what_was_written_about_the_assets(session, character, asset_library, tmp_path):
    save_as(tmp_path / "work.blend")
    bpy.ops.motionary.mark_assets(what="LIBRARY", into="ASSETS")
    (file,) = asset_library.glob("*.blend")
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    with bpy.data.libraries.load(str(file)) as (there, taken):
        taken.actions = list(there.actions)
    walks = bpy.data.actions["walk"]
    walks.asset_data.description, walks.asset_data.license = "edited", "CC0"
    walks.asset_data.tags.new("favourite")
    walks.asset_data.catalog_id = "11111111-2222-3333-4444-555555555555"
    hand = bpy.data.actions.new("by hand")
    hand.asset_mark()
    bpy.data.libraries.write(str(file), set(bpy.data.actions))

    open_scene(tmp_path / "work.blend")
    assert bpy.ops.motionary.mark_assets(what="LIBRARY", into="ASSETS") == {"FINISHED"}
    read = appended(file)
    assert read.keys() == {"walk", "turn", "stand", "by hand"}
    told = marked(read["walk"])
    assert (told["description"], told["license"]) == ("edited", "CC0")
    assert told["tags"] == {"gait", "calm", "favourite"}
    assert read["walk"].asset_data.catalog_id == "11111111-2222-3333-4444-555555555555"


def test_clips_of_one_name_are_told_apart_in_the_file(session, character, asset_library, tmp_path):
    """Two libraries have a walk: each is an asset of its own."""
    other = tmp_path / "other.motionary"
    other.write_bytes(session_library(session).read_bytes())
    bpy.ops.motionary.mark_assets(what="LIBRARY", into="ASSETS")
    (file,) = asset_library.glob("*.blend")
    file.rename(asset_library / f"other {character.name}.blend")
    choose(other)
    assert bpy.ops.motionary.mark_assets(what="LIBRARY", into="ASSETS") == {"FINISHED"}
    read = appended(asset_library / f"other {character.name}.blend")
    assert sorted(read) == ["stand", "stand.001", "turn", "turn.001", "walk", "walk.001"]
    assert {assets.origin(action)[0] for action in read.values()} == {"mine", "other"}


def session_library(session):
    session.ask()
    return session.library


def choose(library):
    from blender_addon.preferences import preferences

    preferences().library = str(library)


def test_the_folder_may_be_named(session, character, tmp_path):
    assert bpy.ops.motionary.mark_assets(
        what="LIBRARY", into="ASSETS", folder=str(tmp_path / "new" / "deep")
    ) == {"FINISHED"}
    assert len(list((tmp_path / "new" / "deep").glob("*.blend"))) == 1


def test_without_an_asset_library_it_is_the_folder_of_the_file_or_said(session, tmp_path):
    before = [(each.name, each.path) for each in bpy.context.preferences.filepaths.asset_libraries]
    with_only([])
    try:
        with pytest.raises(RuntimeError, match="Preferences > File Paths > Asset Libraries"):
            bpy.ops.motionary.mark_assets(what="LIBRARY", into="ASSETS")
        save_as(tmp_path / "work.blend")
        assert bpy.ops.motionary.mark_assets(what="LIBRARY", into="ASSETS") == {"FINISHED"}
        assert len(list(tmp_path.glob("mine *.blend"))) == 1
    finally:
        with_only(before)


def test_a_file_with_more_than_actions_is_left_alone(session, character, asset_library):
    file = asset_library / f"mine {character.name}.blend"
    bpy.data.libraries.write(str(file), {bpy.data.objects[0]})
    content, before = file.read_bytes(), snapshot()
    with pytest.raises(RuntimeError, match="more than Actions"):
        bpy.ops.motionary.mark_assets(what="LIBRARY", into="ASSETS")
    assert file.read_bytes() == content
    assert changes(before, snapshot()) == []
    assert [path.name for path in asset_library.iterdir()] == [file.name]


def test_a_file_that_is_no_blend_is_left_alone(session, character, asset_library):
    file = asset_library / f"mine {character.name}.blend"
    file.write_bytes(b"words")
    before = snapshot()
    with pytest.raises(RuntimeError, match="cannot be read, so it stays"):
        bpy.ops.motionary.mark_assets(what="LIBRARY", into="ASSETS")
    assert file.read_bytes() == b"words"
    assert changes(before, snapshot()) == []


def test_a_catalog_file_that_cannot_be_written_leaves_nothing(session, tmp_path):
    save_as(tmp_path / "work.blend")
    (tmp_path / FILE_NAME).write_text("VERSION 9\n")
    found(session)
    before = snapshot()
    with pytest.raises(RuntimeError, match="version 1"):
        bpy.ops.motionary.mark_assets(what="RESULTS")
    assert changes(before, snapshot()) == []


def test_a_clip_that_is_no_body_is_left_out_and_said(session, character, monkeypatch, capsys):
    real = asset_batch.clip_motion
    chain = Skeleton(("a", "b"), np.array([-1, 0]), np.zeros((2, 3)))
    no_body = Motion(chain, np.tile(rotation.IDENTITY, (3, 2, 1)), np.zeros((3, 3)), 30.0)
    monkeypatch.setattr(
        asset_batch, "clip_motion", lambda held, clip: no_body if clip == 1 else real(held, clip)
    )
    assert bpy.ops.motionary.mark_assets(what="LIBRARY") == {"FINISHED"}
    assert sum(assets.origin(action) is not None for action in bpy.data.actions) == 2
    assert "1 left out" in capsys.readouterr().out


# Step by step


@pytest.fixture
def at_work(session):
    """A batch of the whole library with one step done."""
    with open_library(session_library(session)) as held:
        pieces = [asset_batch.Piece(clip) for clip in clip_ids(held)]
    before = snapshot()
    batch = asset_batch.Batch(
        bpy.data.objects[0], session.library, pieces, ApplyOptions(start=1), root="Motionary"
    )
    batch.step()
    return batch, before


def test_stopped_half_way_nothing_is_left(at_work):
    batch, before = at_work
    assert (batch.done, batch.total, batch.is_over) == (1, 3, False)
    batch.step()
    batch.cancel()
    assert changes(before, snapshot()) == []


def keyed(action):
    """All keys of an Action: (frame, value) rows of each channel."""
    curves = action.layers[0].strips[0].channelbag(action.slots[0]).fcurves
    return {
        (curve.data_path, curve.array_index): np.array([point.co[:] for point in curve.keyframe_points])
        for curve in curves
    }


def test_a_batch_asks_a_rig_how_it_moves_once_for_the_same_joints_and_makes_the_same_actions(
    at_work, monkeypatch
):
    batch, _ = at_work
    asked = []
    real = apply.probe
    monkeypatch.setattr(
        apply, "probe", lambda *given, **named: asked.append(given[2]) or real(*given, **named)
    )
    while not batch.is_over:
        batch.step()
    assert len({frozenset(joints) for joints in asked}) == len(asked) < 2  # of three steps, the first is done
    batch.keep()
    together = {assets.origin(action): keyed(action) for action in bpy.data.actions if assets.origin(action)}
    assert len(together) == 3
    with open_library(batch._library.path) as held:
        for clip in clip_ids(held):
            motion = clip_motion(held, clip)
            alone, _ = make_action(bpy.data.objects[0], motion, "alone", ApplyOptions(start=1))
            (name,) = (where for where in together if where[2] == clip_info(held, clip).name)
            assert keyed(alone).keys() == together[name].keys()
            for channel, keys in keyed(alone).items():
                np.testing.assert_array_equal(keys, together[name][channel])
    assert len(asked) >= 3


class InWindow:
    """What runs of the operator in a window, with as much of Blender around it as that takes."""

    modal = operators.MOTIONARY_OT_mark_assets.modal
    cancel = operators.MOTIONARY_OT_mark_assets.cancel
    _some = operators.MOTIONARY_OT_mark_assets._some
    _end = operators.MOTIONARY_OT_mark_assets._end
    _finish = operators.MOTIONARY_OT_mark_assets._finish
    bl_label = "Mark Clips as Assets"

    def __init__(self, batch, path=None):
        self._batch, self._path, self._timer = batch, path, "timer"
        self.said, self.done = [], []
        self.context = SimpleNamespace(
            window_manager=SimpleNamespace(
                event_timer_remove=self.done.append,
                progress_end=lambda: self.done.append("progress"),
                progress_update=lambda count: None,
            ),
            workspace=SimpleNamespace(status_text_set=self.done.append),
        )

    def report(self, kinds, text):
        self.said.append(text)

    def happens(self, kind):
        return self.modal(self.context, SimpleNamespace(type=kind))


def test_in_a_window_a_few_are_made_at_a_time_and_nothing_else_gets_through(at_work, monkeypatch):
    monkeypatch.setattr(operators, "BUDGET", 0.0)
    batch, _ = at_work
    shown = InWindow(batch)
    assert shown.happens("LEFTMOUSE") == {"RUNNING_MODAL"}
    assert batch.done == 1
    assert shown.happens("TIMER") == {"RUNNING_MODAL"}
    assert batch.done == 2
    assert shown.happens("TIMER") == {"FINISHED"}
    assert sum(assets.origin(action) is not None for action in bpy.data.actions) == 3
    assert shown.said == ["3 clips are assets in this file"]
    assert shown.done[-3:] == ["timer", "progress", None]


def test_esc_in_a_window_leaves_nothing(at_work):
    batch, before = at_work
    shown = InWindow(batch)
    assert shown.happens("ESC") == {"CANCELLED"}
    assert changes(before, snapshot()) == []
    assert shown.said == ["Stopped: no assets were made"]
    assert shown.done == ["timer", "progress", None]


def test_blender_closing_in_between_leaves_nothing(at_work):
    batch, before = at_work
    shown = InWindow(batch)
    shown.cancel(shown.context)
    assert changes(before, snapshot()) == []
    assert shown.done == ["timer", "progress", None]


def test_an_undo_between_two_steps_does_no_harm(at_work):
    batch, _ = at_work
    bpy.ops.ed.undo_push(message="one")
    batch.step()
    bpy.ops.ed.undo_push(message="two")
    bpy.ops.ed.undo()
    batch.step()
    outcome = batch.keep()
    assert outcome.made == 2  # the one that was undone is gone
    assert all(assets.origin(action) for action in bpy.data.actions if action.asset_data)


def test_a_character_that_is_deleted_half_way_is_told(at_work):
    batch, _ = at_work
    bpy.data.objects.remove(bpy.data.objects[0])
    while not batch.is_over:
        batch.step()
    assert len(batch.failures) == 2
    assert "no armature" in batch.failures[0]
    batch.cancel()


def test_the_extension_takes_away_what_it_added(empty, extension):
    assert operators._before_save in bpy.app.handlers.save_pre
    operators.unregister()
    assert operators._before_save not in bpy.app.handlers.save_pre
    operators.register()


def test_names_of_files_can_be_written_on_every_system():
    assert operators._file_name('a/b:c*"rig"') == "a-b-c--rig-"
    assert operators._file_name(" . ") == "Motionary"
