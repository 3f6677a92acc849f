"""Indexing: windows, only what changed, what is wrong is passed over, what is killed goes on."""

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionary import index as index_module
from motionary.bundle import load_bundle
from motionary.errors import MotionaryError
from motionary.features import motion_features
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
from motionary.motion import Clip, slice_frames
from motionary.search import similar
from tests.bundles import make_bundle
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
def test_windows_cover_every_frame_and_are_all_as_long(frames):
    ranges = window_frames(frames, Windows())
    assert ranges[0][0] == 0
    assert ranges[-1][1] == frames
    if frames <= 200:
        assert ranges == [(0, frames)]
    else:
        assert {end - start for start, end in ranges} == {120}
        steps = np.diff([start for start, _ in ranges])
        assert (steps[:-1] == 60).all()
        assert 0 < steps[-1] <= 60


@pytest.mark.parametrize(
    "options", [{"step": 0}, {"length": 20}, {"step": 7}, {"whole": np.inf}, {"length": -1}]
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
    rows = held.clips == find_clip(library, "long")
    np.testing.assert_allclose(held.spans[rows], [[0, 6], [3, 9], [6, 12], [7.95, 14]])
    motion = read_clip(moves / "sub" / "long.bvh").motion
    # Frames 90 to 272 at 30 fps are seconds 3 to 9 and the frame after, whose features end there.
    alone = bundle.embed_features([motion_features(slice_frames(motion, 90, 271))])[0]
    np.testing.assert_allclose(held.vectors[rows][1], alone, atol=1e-4)


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
    assert summary(library).embeddings == 1 + 3
    with pytest.raises(MotionaryError, match="at least 2"):
        add_clips([Clip("pose", standing(1))], library, bundle, source="pose.blend")
    assert summary(library).clips == 2


# What is stopped


def test_cancel_keeps_what_was_done(library, bundle, moves, monkeypatch):
    monkeypatch.setattr(index_module, "BATCH", 1)
    asked = []
    report = run(library, bundle, moves, cancel=lambda: asked.append(1) or len(asked) > 2)
    assert (report.indexed, report.cancelled) == (2, True)
    assert names(library) == ["walk", "long"]
    assert run(library, bundle, moves).indexed == 1


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_a_process_that_dies_of_a_file_takes_no_other_with_it(moves, tmp_path):
    script = textwrap.dedent(
        f"""
        import os, signal, sys
        from contextlib import nullcontext
        from functools import partial
        from pathlib import Path
        from motionary import index

        def dies(task):
            if task.name.endswith("long.bvh"):
                os.kill(os.getpid(), signal.SIGKILL)
            return index._read_file(task)

        if __name__ == "__main__":
            from motionary.captions_csv import Said
            files = sorted(Path({str(moves)!r}).rglob("*.bvh"))
            tasks = [index._File(str(f), Said((), ()), None, index.Windows(), "") for f in files]
            for read in index._parallel(partial(nullcontext, dies), tasks, 2, None):
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
