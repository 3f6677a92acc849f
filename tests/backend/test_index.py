"""Indexing: windows, only what changed, what is wrong is passed over, what is killed goes on."""

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionary import index as index_module
from motionary.blender_files import Blender, find_blender
from motionary.body import JOINTS, body_positions
from motionary.bundle import load_bundle
from motionary.clip_stream import FileClips
from motionary.errors import MotionaryError
from motionary.features import features_from_joints, motion_features, motion_joints
from motionary.formats import read_clip, write_bvh
from motionary.index import Windows, add_clips, embed_again, index_files, window_frames
from motionary.library import (
    clip_ids,
    clip_info,
    find_clip,
    load_clip,
    open_library,
    read_embeddings,
    sources,
    summary,
)
from motionary.motion import Clip, Motion, Skeleton
from motionary.search import search, similar
from tests.bundles import make_bundle
from tests.data import unzipped
from tests.motions import standing, walk


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return load_bundle(make_bundle(tmp_path_factory.mktemp("model")))


@pytest.fixture(scope="module")
def other_bundle(tmp_path_factory):
    return load_bundle(make_bundle(tmp_path_factory.mktemp("other"), seed=1, joint_dim=16))


@pytest.fixture
def library(tmp_path):
    with open_library(tmp_path / "a.motionary", write=True) as made:
        yield made


@pytest.fixture
def moves(tmp_path):
    """A folder of three: walk.bvh (2 s), sub/long.bvh (14 s), sub/stand.bvh."""
    folder = tmp_path / "moves"
    (folder / "sub").mkdir(parents=True)
    write_bvh(walk(2.0), folder / "walk.bvh")
    write_bvh(walk(14.0), folder / "sub" / "long.bvh")
    write_bvh(standing(60), folder / "sub" / "stand.bvh")
    return folder


def run(library, bundle, *places, **options):
    return index_files(places, library, bundle, **{"workers": 1} | options)


def names(library):
    return [clip_info(library, clip).name for clip in clip_ids(library)]


# Windows


@given(st.integers(1, 20_000))
def test_windows_of_each_length_cover_every_frame(frames):
    ranges = window_frames(frames, Windows())
    assert ranges == sorted(set(ranges))
    assert ranges[0][0] == 0
    assert max(end for _, end in ranges) == frames
    assert all(0 <= start < end <= frames for start, end in ranges)
    lengths = {end - start for start, end in ranges}
    if frames <= 200:
        assert lengths == {frames} | ({60} if frames >= 120 else set())
    else:
        assert lengths == {60, 120, 200}
    for length in lengths:
        own = [(start, end) for start, end in ranges if end - start == length]
        steps = np.diff([start for start, _ in own])
        assert (own[0][0], own[-1][1]) == (0, frames)
        assert (steps[:-1] == length // 2).all()
        assert ((steps > 0) & (steps <= length // 2)).all()


@pytest.mark.parametrize(
    "options",
    [{"step": 0}, {"step": 1.5}, {"lengths": ()}, {"lengths": (0, 3)}, {"whole": 5}, {"whole": np.inf}],
)
def test_senseless_windows_are_refused(options):
    with pytest.raises(MotionaryError, match="windows need"):
        Windows(**options)


def test_a_model_that_takes_in_less_gets_shorter_windows(library, bundle, moves):
    short = SimpleNamespace(
        id="s", name="short", joint_dim=32, max_frames=40, config={}, embed_features=bundle.embed_features
    )
    run(library, short, moves / "sub" / "long.bvh")
    spans = read_embeddings(library).spans
    assert len(spans) > 5
    assert (spans[:, 1] - spans[:, 0]).max() < 2.1


@pytest.mark.parametrize("batch", [1, 400, 1 << 20])
def test_what_is_embedded_beside_it_changes_no_bit_of_an_embedding(library, bundle, moves, tmp_path, batch):
    run(library, bundle, moves, batch=batch)
    together = read_embeddings(library)
    for name in ("stand", "long", "walk"):  # one after the other, and in another order
        with open_library(tmp_path / "other.motionary", write=True) as other:
            run(other, bundle, *moves.rglob(f"{name}.bvh"))
    alone = read_embeddings(other := open_library(tmp_path / "other.motionary"))
    for name in ("stand", "long", "walk"):
        rows = [
            e.vectors[e.clips == find_clip(held, name)] for held, e in ((library, together), (other, alone))
        ]
        np.testing.assert_array_equal(*rows)


# What is read


def test_a_folder_with_all_below_is_read(library, bundle, moves):
    report = run(library, bundle, moves)
    assert (report.indexed, report.unchanged, report.failures, report.cancelled) == (3, 0, (), False)
    assert names(library) == ["walk", "long", "stand"]
    assert library.model.id == bundle.id


def test_the_embedding_is_that_of_the_motion(library, bundle, moves):
    run(library, bundle, moves)
    held = read_embeddings(library)
    whole = motion_features(read_clip(moves / "walk.bvh").motion)
    expected = bundle.embed_features([whole])[0]
    np.testing.assert_allclose(held.vectors[held.clips == find_clip(library, "walk")][0], expected, atol=1e-5)


def test_a_long_clip_has_windows_each_embedded_as_if_it_were_alone(library, bundle, moves):
    run(library, bundle, moves)
    held = read_embeddings(library)
    rows = np.flatnonzero(held.clips == find_clip(library, "long"))
    spans = held.spans[rows]
    assert spans[:, 0].min() == 0.0
    assert spans[:, 1].max() == 14.0
    assert {round(length) for length in np.diff(spans)[:, 0]} >= {3, 6, 10}
    joints = motion_joints(read_clip(moves / "sub" / "long.bvh").motion)
    frames = np.round(np.minimum(spans, 279 / 20) * 20).astype(int)
    alone = [features_from_joints(joints[start : end + 1]) for start, end in frames.tolist()]
    np.testing.assert_allclose(held.vectors[rows], bundle.embed_features(alone), atol=1e-4)


def test_windows_begin_and_end_where_the_take_is_well_cut(library, bundle):
    # Walks, stands still for half a second about 4.7 s, walks on.
    going, still = walk(4.5), walk(0.5)
    still = replace(
        still,
        rotations=np.broadcast_to(going.rotations[-1], still.rotations.shape),
        translation=np.broadcast_to(going.translation[-1], still.translation.shape),
    )
    on = replace(walk(7.0), translation=walk(7.0).translation + np.array([0, 0, 4.5]))
    take = replace(
        going,
        rotations=np.concatenate([part.rotations for part in (going, still, on)]),
        translation=np.concatenate([part.translation for part in (going, still, on)]),
    )
    add_clips([Clip("stops", take)], library, bundle, source="test")
    ends = np.unique(read_embeddings(library).spans)
    (at,) = ends[(ends > 4.1) & (ends < 4.9)]
    assert 4.5 <= at <= 5.0


def test_the_stored_motion_is_the_files(library, bundle, moves):
    run(library, bundle, moves)
    stored, read = load_clip(library, find_clip(library, "walk")), read_clip(moves / "walk.bvh")
    assert stored.source == str(moves / "walk.bvh")
    assert stored.motion.fps == pytest.approx(30.0, abs=1e-3)
    assert stored.motion.skeleton.names == read.motion.skeleton.names
    np.testing.assert_allclose(stored.motion.translation, read.motion.translation, atol=1e-4)


def test_processes_read_the_same_in_the_same_order(library, bundle, moves, tmp_path):
    run(library, bundle, moves)
    with open_library(tmp_path / "b.motionary", write=True) as other:
        report = run(other, bundle, moves, workers=2)
        assert report.indexed == 3
        assert names(other) == names(library)
        np.testing.assert_array_equal(read_embeddings(other).vectors, read_embeddings(library).vectors)


def test_files_can_be_named_and_overlap_with_folders(library, bundle, moves):
    (moves / "skeleton.asf").write_text(":version 1.10")
    report = run(library, bundle, moves / "walk.bvh", moves, moves / "skeleton.asf")
    assert (report.indexed, report.failures) == (3, ())


def test_hidden_files_and_folders_are_left_alone(library, bundle, moves):
    shutil.copytree(moves / "sub", moves / ".trash")
    shutil.copy(moves / "walk.bvh", moves / "._walk.bvh")
    assert run(library, bundle, moves).indexed == 3


def test_fps_overrides_the_header(library, bundle, moves):
    run(library, bundle, moves / "walk.bvh", fps=60.0)
    assert clip_info(library, 1).fps == 60.0
    run(library, bundle, moves / "walk.bvh")
    assert clip_info(library, clip_ids(library)[0]).fps == pytest.approx(30.0, abs=1e-3)


# Only what changed


def test_unchanged_files_are_not_read_again(library, bundle, moves, monkeypatch):
    run(library, bundle, moves)
    monkeypatch.setattr(index_module, "read_clip", lambda *_, **__: pytest.fail("read again"))
    report = run(library, bundle, moves)
    assert (report.indexed, report.unchanged) == (0, 3)


def test_a_touched_file_is_not_embedded_again_and_then_not_even_opened(library, bundle, moves, monkeypatch):
    run(library, bundle, moves)
    os.utime(moves / "walk.bvh", ns=(7, 7))
    monkeypatch.setattr(index_module, "read_clip", lambda *_, **__: pytest.fail("read again"))
    assert run(library, bundle, moves).unchanged == 3
    assert sources(library)[str(moves / "walk.bvh")].mtime_ns == 7


def test_a_changed_file_takes_the_place_of_what_it_was(library, bundle, moves):
    run(library, bundle, moves)
    write_bvh(walk(3.0), moves / "walk.bvh")
    report = run(library, bundle, moves)
    assert (report.indexed, report.unchanged) == (1, 2)
    assert sorted(names(library)) == ["long", "stand", "walk"]
    assert clip_info(library, find_clip(library, "walk")).duration == pytest.approx(3.0, abs=0.01)


def test_a_file_that_broke_keeps_its_clip(library, bundle, moves):
    run(library, bundle, moves)
    (moves / "walk.bvh").write_text("HIERARCHY\n")
    report = run(library, bundle, moves)
    assert len(report.failures) == 1
    assert sorted(names(library)) == ["long", "stand", "walk"]


def test_reread_reads_all(library, bundle, moves):
    run(library, bundle, moves)
    assert run(library, bundle, moves, reread=True).indexed == 3
    assert summary(library).clips == 3


def test_files_that_are_gone_stay_until_pruned(library, bundle, moves, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    write_bvh(walk(1.0), elsewhere / "other.bvh")
    run(library, bundle, moves, elsewhere)
    shutil.rmtree(moves / "sub")
    shutil.rmtree(elsewhere)
    assert run(library, bundle, moves).removed == 0
    assert len(names(library)) == 4
    report = run(library, bundle, moves, elsewhere, prune=True)
    assert report.removed == 2
    # The folder that is not there may be a drive that is not plugged in.
    assert sorted(names(library)) == ["other", "walk"]


# captions.csv


def test_captions_reach_the_clips(library, bundle, moves):
    (moves / "captions.csv").write_text(
        "file,caption,tags\nwalk.bvh,a person walks,gait;slow\nsub/long.bvh,a long walk,\n"
        "walk.bvh,he walks,\n"
    )
    (moves / "sub" / "captions.csv").write_text("file,caption\nlong.bvh,on and on\n")
    run(library, bundle, moves)
    info = clip_info(library, find_clip(library, "walk"))
    assert (info.captions, info.tags) == (("a person walks", "he walks"), ("gait", "slow"))
    assert clip_info(library, find_clip(library, "long")).captions == ("a long walk", "on and on")


def test_a_changed_caption_is_noticed_and_no_other_file_read(library, bundle, moves):
    run(library, bundle, moves)
    (moves / "captions.csv").write_text("file,caption,tags\nwalk.bvh,a person walks,\n")
    report = run(library, bundle, moves)
    assert (report.indexed, report.unchanged) == (1, 2)
    report = run(library, bundle, moves / "walk.bvh")  # named by itself, it is the same file
    assert report.unchanged == 1
    assert clip_info(library, find_clip(library, "walk")).captions == ("a person walks",)


def test_a_malformed_captions_file_is_said_and_the_motions_read(library, bundle, moves):
    (moves / "captions.csv").write_text("file,caption,tags\nwalk.bvh,one,two,three\n")
    report = run(library, bundle, moves)
    assert report.indexed == 3
    assert [line for line in report.failures if "captions.csv: line 2" in line] == list(report.failures)


def test_captions_of_a_file_that_is_not_there_are_said(library, bundle, moves):
    (moves / "captions.csv").write_text("file,caption,tags\nwlak.bvh,a person walks,\n")
    (failure,) = run(library, bundle, moves).failures
    assert "captions.csv: line 2: names 'wlak.bvh', which is not there" in failure


# What is wrong


def truncated(path):
    whole = path.with_name("whole.tmp")
    write_bvh(walk(2.0), whole)
    text = whole.read_text()
    whole.unlink()
    path.write_text(text[: len(text) * 2 // 3])


def with_nan(path):
    write_bvh(walk(1.0), path)
    head, last = path.read_text().rstrip().rsplit(" ", 1)
    assert float(last) is not None
    path.write_text(f"{head} nan\n")


BAD = {
    "truncated.bvh": truncated,
    "nan.bvh": with_nan,
    "text.bvh": lambda path: path.write_text("Dear diary,\nit rains.\n"),
    "empty.bvh": lambda path: path.touch(),
    "binary.bvh": lambda path: path.write_bytes(bytes(range(256)) * 40),
    "lonely.amc": lambda path: path.write_text("#!OML\n:FULLY-SPECIFIED\n:DEGREES\n1\nroot 0 0 0 0 0 0\n"),
    "pickled.npy": lambda path: np.save(path, np.array([{"a": 1}], object), allow_pickle=True),
    "mean.npy": lambda path: np.save(path, np.zeros(263)),
    "folder.bvh": lambda path: path.mkdir(),
}


@pytest.mark.parametrize("workers", [1, 2])
def test_each_bad_file_is_one_line_and_the_rest_is_done(library, bundle, moves, workers):
    for name, make in BAD.items():
        make(moves / name)
    told = []
    report = run(library, bundle, moves, workers=workers, progress=told.append)
    assert report.indexed == 3
    wanted = set(BAD) - {"folder.bvh"}  # a folder is walked, whatever it is called
    assert len(report.failures) == len(wanted)
    for name in wanted:
        (line,) = [line for line in report.failures if name in line]
        assert "\n" not in line
        assert str(moves) in line
    assert [step.failure for step in told if step.failure] == list(report.failures)
    assert told[-1].done == told[-1].total == 3 + len(wanted)


def test_a_reader_that_fails_in_an_unforeseen_way_is_passed_over(library, bundle, moves, monkeypatch):
    def read(path, *, fps):
        if path.name == "walk.bvh":
            raise IndexError("list index\nout of range")
        return read_clip(path, fps=fps)

    monkeypatch.setattr(index_module, "read_clip", read)
    report = run(library, bundle, moves)
    assert report.indexed == 2
    assert report.failures == (f"{moves / 'walk.bvh'}: cannot be read (IndexError: list index out of range)",)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (
            lambda folder: folder.mkdir(),
            r"no motion files \(.bvh, .amc, .npy, .blend, .fbx, .glb, .gltf\) in this folder",
        ),
        (lambda folder: None, "no such file or folder"),
        (lambda folder: folder.write_text("x"), "is not read here"),
    ],
)
def test_places_without_motions_are_said(library, bundle, moves, tmp_path, make, says):
    place = tmp_path / "place"
    make(place)
    report = run(library, bundle, place, moves)
    assert report.indexed == 3
    (failure,) = report.failures
    assert says.replace("\\", "") in failure
    assert str(place) in failure


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_pipe_does_not_hold_up_the_work(library, bundle, moves):
    os.mkfifo(moves / "pipe.bvh")
    report = run(library, bundle, moves)
    assert report.indexed == 3
    assert "not a file" in report.failures[0]


@pytest.mark.skipif(sys.platform != "linux", reason="file names are Unicode on this system")
def test_a_name_that_is_not_unicode_is_said(library, bundle, moves):
    shutil.copy(moves / "walk.bvh", os.fsencode(moves) + b"/\xff.bvh")
    report = run(library, bundle, moves)
    assert report.indexed == 3
    assert "rename it" in report.failures[0]
    report.failures[0].encode()


def test_another_models_library_is_refused_with_the_cure(library, bundle, other_bundle, moves):
    run(library, bundle, moves)
    with pytest.raises(MotionaryError, match="--reembed"):
        run(library, other_bundle, moves)
    assert library.model.id == bundle.id


def test_an_empty_library_takes_on_any_model(library, bundle, other_bundle, moves):
    run(library, bundle, moves / "nothing")
    run(library, other_bundle, moves)
    assert library.model.id == other_bundle.id


# Embedding again, and clips that no file holds


def test_embedding_again_needs_no_sources(library, bundle, other_bundle, moves, tmp_path):
    run(library, bundle, moves)
    with open_library(tmp_path / "b.motionary", write=True) as fresh:
        run(fresh, other_bundle, moves)
        expected = read_embeddings(fresh)
    shutil.rmtree(moves)
    report = embed_again(library, other_bundle, workers=1)
    assert (report.embedded, report.failures) == (3, ())
    assert library.model.id == other_bundle.id
    again = read_embeddings(library)
    np.testing.assert_array_equal(again.spans, expected.spans)
    np.testing.assert_allclose(np.sum(again.vectors * expected.vectors, axis=1), 1.0, atol=1e-3)


def test_embedding_again_goes_on_where_it_stopped(library, bundle, other_bundle, moves, monkeypatch):
    monkeypatch.setattr(index_module, "BATCH", 1)
    run(library, bundle, moves)
    asked = []
    report = embed_again(library, other_bundle, workers=1, cancel=lambda: asked.append(1) or len(asked) > 2)
    assert report.cancelled
    assert library.model.id == bundle.id
    assert len(similar(library, 1)) == 2  # the model before still serves
    report = embed_again(library, other_bundle, workers=1)
    assert report.embedded == 1
    assert library.model.id == other_bundle.id


def test_clips_of_another_programs_reading_can_be_added(library, bundle):
    clips = [Clip("wave", walk(2.0), captions=("a wave",)), Clip("long wave", walk(12.0))]
    add_clips(clips, library, bundle, source="scene.blend")
    add_clips(clips, library, bundle, source="scene.blend")
    assert names(library) == ["wave", "long wave"]
    assert summary(library).embeddings == 1 + len(window_frames(239, Windows()))
    with pytest.raises(MotionaryError, match="at least 2"):
        add_clips([Clip("pose", standing(1))], library, bundle, source="pose.blend")
    assert summary(library).clips == 2


def test_pruning_leaves_alone_what_was_never_a_file(library, bundle, moves):
    run(library, bundle, moves)
    add_clips([Clip("wave", walk(2.0))], library, bundle, source=str(moves / "scene.blend#wave"))
    (moves / "walk.bvh").unlink()
    assert run(library, bundle, moves, prune=True).removed == 1
    assert sorted(names(library)) == ["long", "stand", "wave"]


# What is stopped


def test_cancel_keeps_what_was_done(library, bundle, moves, monkeypatch):
    monkeypatch.setattr(index_module, "BATCH", 1)
    asked = []
    report = run(library, bundle, moves, cancel=lambda: asked.append(1) or len(asked) > 2)
    assert (report.indexed, report.cancelled) == (2, True)
    assert names(library) == ["walk", "long"]
    assert run(library, bundle, moves).indexed == 1


def test_a_smaller_batch_keeps_what_is_finished_sooner(library, bundle, moves):
    calls = []

    def embed(parts):
        calls.append(len(clip_ids(library)))
        return bundle.embed_features(parts)

    run(library, bundle, moves, embed=embed)
    assert calls == [0]
    run(library, bundle, moves, embed=embed, reread=True, batch=1)
    assert len(calls) == 1 + 3


# What Blender reads


class Blenders:
    """What stands for a Blender: file name -> what it finds there; asked: for which files it was."""

    def __init__(self, monkeypatch):
        self.found, self.asked, self.started = {}, [], 0
        monkeypatch.setattr(index_module, "check_blender", lambda _: None)
        monkeypatch.setattr(index_module, "blender_reader", self.reader)

    @contextmanager
    def reader(self, _):
        self.started += 1
        yield self.read

    def read(self, path):
        self.asked.append(path.name)
        found = self.found[path.name]
        if isinstance(found, Exception):
            raise found
        return found


@pytest.fixture
def blenders(monkeypatch, moves):
    """Beside the three: takes.blend, whose clips are walk, stand and cube, and which also holds a pose."""
    cube = Motion(
        Skeleton(("cube",), np.array([-1]), np.zeros((1, 3))), np.ones((9, 1, 4)) / 2, np.zeros((9, 3)), 24
    )
    (moves / "takes.blend").write_bytes(b"takes")
    made = Blenders(monkeypatch)
    made.found["takes.blend"] = FileClips(
        (
            Clip("walk", walk(1.0), "", ("goes",), ("asset",)),
            Clip("stand", standing(40)),
            Clip("cube", cube),
        ),
        (f"{moves / 'takes.blend'}: action 'pose' is a pose of one frame",),
    )
    return made


def some_blender():
    return Blender(("blender",))


def no_blender():
    return None


def test_every_action_of_a_file_is_a_clip_and_what_is_none_is_noted(library, bundle, moves, blenders):
    told = []
    report = run(library, bundle, moves / "takes.blend", blender=some_blender, progress=told.append)
    assert (report.indexed, report.clips, report.failures) == (1, 2, ())
    pose, cube = report.notes
    assert pose.endswith("takes.blend: action 'pose' is a pose of one frame")
    assert f"{moves / 'takes.blend'}#cube: skeleton of 1 joints is no human body" in cube
    assert told[-1].notes == report.notes
    assert names(library) == ["walk", "stand"]
    info = clip_info(library, find_clip(library, "walk"))
    assert (info.captions, info.tags, info.source) == (("goes",), ("asset",), str(moves / "takes.blend"))
    embeddings = read_embeddings(library)
    wanted = bundle.embed_features([motion_features(walk(1.0)), motion_features(standing(40))])
    np.testing.assert_allclose(embeddings.vectors, wanted, atol=1e-5)


def test_a_file_that_blender_reads_is_read_once(library, bundle, moves, blenders):
    run(library, bundle, moves, blender=some_blender)
    report = run(library, bundle, moves, blender=some_blender)
    assert (report.indexed, report.unchanged) == (0, 4)
    (moves / "takes.blend").write_bytes(b"other takes")
    blenders.found["takes.blend"] = FileClips((), ("no armature",))
    assert run(library, bundle, moves, blender=some_blender).notes == ("no armature",)
    assert sorted(names(library)) == ["long", "stand", "walk"]
    # It has no clips, which is known now.
    assert run(library, bundle, moves, blender=some_blender).unchanged == 4
    assert blenders.asked == ["takes.blend"] * 2


def test_blender_is_neither_looked_for_nor_started_without_a_file_for_it(library, bundle, moves, blenders):
    def looks():
        raise AssertionError("looked for it")

    assert run(library, bundle, moves / "walk.bvh", moves / "sub", blender=looks).indexed == 3
    assert blenders.started == 0


def test_without_blender_its_files_are_said_once_and_the_others_read(library, bundle, moves, blenders):
    for name in ("a.fbx", "b.GLB", "c.gltf"):
        (moves / name).write_bytes(b"")
    told = []
    report = run(library, bundle, moves, blender=no_blender, progress=told.append)
    assert report.indexed == 3
    (line,) = report.failures
    assert line.startswith(f"{moves / 'a.fbx'} and 3 more files not read: no Blender was found")
    assert "install pip's bpy" in line
    assert [step.failure for step in told if step.failure] == [line]
    assert told[-1].done == told[-1].total == 7
    assert not report.cancelled


def test_a_blender_that_does_not_come_up_is_said_once(library, bundle, moves, blenders, monkeypatch):
    def fails(_):
        raise MotionaryError("blender: Blender does not start: no libXi")

    monkeypatch.setattr(index_module, "check_blender", fails)
    report = run(library, bundle, moves, blender=some_blender)
    assert report.indexed == 3
    assert report.failures == (
        f"{moves / 'takes.blend'} not read: blender: Blender does not start: no libXi",
    )


def test_what_blender_read_before_stays_where_there_is_none_today(library, bundle, moves, blenders):
    run(library, bundle, moves, blender=some_blender)
    (moves / "takes.blend").write_bytes(b"other takes")
    assert len(run(library, bundle, moves, blender=no_blender).failures) == 1
    assert len(names(library)) == 5


def test_a_file_that_blender_does_not_survive_is_one_line(library, bundle, moves, blenders):
    (moves / "crash.fbx").write_bytes(b"")
    blenders.found["crash.fbx"] = MotionaryError(
        f"{moves / 'crash.fbx'}: Blender ended while reading it (signal 11)"
    )
    report = run(library, bundle, moves, blender=some_blender)
    assert report.indexed == 4
    assert report.failures == (f"{moves / 'crash.fbx'}: Blender ended while reading it (signal 11)",)


def test_captions_are_of_a_file_or_of_one_clip_in_it(library, bundle, moves, blenders):
    (moves / "captions.csv").write_text(
        "file,caption,tags\ntakes.blend,a take,studio\ntakes.blend#walk,a person walks,gait\n"
        "takes.blend#wlak,a slip,\nwalk.bvh,walks,\n"
    )
    report = run(library, bundle, moves, blender=some_blender)
    assert report.failures == ()
    (slip,) = [note for note in report.notes if "wlak" in note]
    assert slip.startswith(f"{moves / 'takes.blend'}#wlak: captions.csv has captions for this clip, which")
    found = {
        clip.name: clip
        for clip in (clip_info(library, c) for c in clip_ids(library))
        if "takes" in clip.source
    }
    assert found["walk"].captions == ("a person walks", "a take", "goes")
    assert found["walk"].tags == ("gait", "studio", "asset")
    assert found["stand"].captions == ("a take",)
    (moves / "captions.csv").write_text("file,caption\ntakes.blend#stand,a person stands\n")
    assert run(library, bundle, moves, blender=some_blender).indexed == 2  # walk.bvh has no caption any more
    stand = [clip_info(library, clip) for clip in clip_ids(library)]
    assert [clip.captions for clip in stand if "takes" in clip.source] == [("goes",), ("a person stands",)]


def test_a_file_with_a_number_sign_in_its_name_is_that_file(library, bundle, moves, blenders):
    shutil.move(moves / "walk.bvh", moves / "walk#2.bvh")
    (moves / "captions.csv").write_text("file,caption\nwalk#2.bvh,a second walk\n")
    run(library, bundle, moves, blender=some_blender)
    (walk_2,) = [c for c in (clip_info(library, clip) for clip in clip_ids(library)) if c.name == "walk#2"]
    assert walk_2.captions == ("a second walk",)


def test_fps_overrides_that_of_a_scene(library, bundle, moves, blenders):
    run(library, bundle, moves / "takes.blend", blender=some_blender, fps=60.0)
    assert clip_info(library, find_clip(library, "walk")).fps == 60.0


@pytest.mark.skipif(find_blender() is None, reason="needs pip's bpy or a Blender")
def test_all_animations_of_the_shared_gltf_files_are_bodies_that_stand_upright(library, tmp_path):
    """87 animations in two files, each read by a Blender of its own process, in one call."""
    folder = unzipped("mesh2motion.zip") / "mesh2motion"
    bundle = load_bundle(None)
    report = run(library, bundle, folder, workers=2)
    assert report.failures == ()
    assert (report.indexed, report.clips) == (8, 87)  # six of them are characters without any
    assert len(report.notes) == 6
    heights = {}
    for clip in clip_ids(library):
        found = load_clip(library, clip)
        at = dict(zip(JOINTS, np.moveaxis(body_positions(found.motion), 1, 0), strict=True))
        assert all(np.isfinite(places).all() for places in at.values())
        legs = np.linalg.norm(at["left_knee"] - at["left_hip"], axis=-1)
        assert legs.min() == pytest.approx(legs.max(), abs=0.01)
        assert 0.35 < legs[0] < 0.5
        heights[found.name] = {joint: places[0, 1] for joint, places in at.items()}
    on_foot = [at for at in heights.values() if at["head"] > 1.3 and at["left_ankle"] < 0.3]
    assert len(on_foot) > 55
    assert all(0.65 < at["pelvis"] < 1.0 and at["left_ankle"] > 0.05 for at in on_foot)
    walks = [hit.name for hit in search(library, bundle, "a person walks", 5)]
    assert any("Walk" in name for name in walks), walks


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_a_process_that_dies_of_a_file_takes_no_other_with_it(moves, tmp_path):
    script = textwrap.dedent(
        f"""
        import os, signal, sys
        from contextlib import nullcontext
        from functools import partial
        from pathlib import Path
        from motionary import index
        from motionary.reading_processes import read_all

        def dies(task):
            if task.name.endswith("long.bvh"):
                os.kill(os.getpid(), signal.SIGKILL)
            return index._read_file(task)

        if __name__ == "__main__":
            from motionary.captions_csv import Said
            files = sorted(Path({str(moves)!r}).rglob("*.bvh"))
            tasks = [index.FileTask(str(f), Said((), ()), None, index.Windows(), "") for f in files]
            for read in read_all(partial(nullcontext, dies), index.ended_its_process, tasks, 2, None):
                print(Path(read.name).name, read.failure and read.failure.partition(": ")[2])
        """
    )
    (tmp_path / "script.py").write_text(script)
    done = subprocess.run(
        [sys.executable, tmp_path / "script.py"], capture_output=True, text=True, timeout=120
    )
    assert done.stdout.splitlines() == [
        "long.bvh reading it ended the process that did (exit code -9); "
        "it may need more memory than there is",
        "stand.bvh None",
        "walk.bvh None",
    ]
    assert done.returncode == 0, done.stderr


KILLED = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from motionary import index
    from motionary.bundle import load_bundle
    from motionary.library import open_library

    if __name__ == "__main__":
        index.BATCH = 1
        with open_library(Path(sys.argv[1]), write=True) as library:
            index.index_files([Path(sys.argv[2])], library, load_bundle(Path(sys.argv[3])), workers=2,
                              progress=lambda step: print(step.done, flush=True))
    """
)


def children(pid):
    """The processes that ``pid`` started, of Linux's /proc."""
    return [int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit() and parent_of(p) == pid]


def parent_of(process):
    try:
        return int(process.joinpath("stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return None


@pytest.mark.skipif(sys.platform != "linux", reason="looks for orphans in /proc")
def test_a_killed_index_keeps_what_was_finished_and_leaves_no_orphans(bundle, tmp_path):
    folder, path = tmp_path / "many", tmp_path / "a.motionary"
    folder.mkdir()
    write_bvh(walk(12.0), folder / "000.bvh")
    for number in range(1, 40):
        shutil.copy(folder / "000.bvh", folder / f"{number:03}.bvh")
    script = tmp_path / "script.py"
    script.write_text(KILLED)
    process = subprocess.Popen(
        [sys.executable, script, path, folder, bundle.folder], stdout=subprocess.PIPE, text=True
    )
    told = [int(process.stdout.readline()) for _ in range(5)]
    readers = children(process.pid)
    process.kill()
    process.wait()
    assert told == [1, 2, 3, 4, 5]
    assert len(readers) >= 2
    with open_library(path) as library:
        assert library.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        kept = len(clip_ids(library))
        assert 5 <= kept < 40
        assert len(np.unique(read_embeddings(library).clips)) == kept
    deadline = time.monotonic() + 20
    while any(parent_of(Path(f"/proc/{reader}")) is not None for reader in readers):
        assert time.monotonic() < deadline, "readers outlive the process they work for"
        time.sleep(0.1)
    with open_library(path, write=True) as library:
        report = run(library, bundle, folder, workers=2)
        assert report.indexed == 40 - kept
        assert names(library) == [f"{number:03}" for number in range(40)]
