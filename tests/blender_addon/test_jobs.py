"""Indexing in a process of its own: watched without waiting, stopped, outlived, and its end is told."""

import os
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")

from blender_addon import jobs  # noqa: E402
from motionary.errors import MotionaryError  # noqa: E402
from motionary.formats import write_bvh  # noqa: E402
from motionary.library import clip_ids, open_library  # noqa: E402
from motionary.worker import IndexRequest  # noqa: E402
from tests.bundles import make_bundle  # noqa: E402
from tests.motions import walk  # noqa: E402

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="no scripts and signals on this system")
LONG = 180.0


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("model"))


@pytest.fixture
def begin(tmp_path, model):
    """Start a job on ``files`` copies of a clip; it is closed at the end."""
    begun = []

    def start(files=3, seconds=2.0, python=None, **options):
        folder = tmp_path / f"moves {len(begun)}"
        folder.mkdir()
        for number in range(files):
            if number:
                shutil.copy(folder / "000.bvh", folder / f"{number:03}.bvh")
            else:
                write_bvh(walk(seconds), folder / "000.bvh")
        asked = {"model": str(model), "device": "numpy", "workers": 1} | options
        job = jobs.start(IndexRequest(str(tmp_path / "a.motionary"), (str(folder),), **asked), python)
        begun.append(job)
        return job

    yield start
    for job in begun:
        job.close()


def wait_for(job, holds=lambda state: state.is_finished):
    deadline = time.monotonic() + LONG
    while not holds(state := job.poll()):
        assert time.monotonic() < deadline, state
        time.sleep(0.02)
    return state


def script(path, body):
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def test_a_job_says_how_far_it_is_and_ends_with_a_report(begin):
    job = begin()
    assert job.state.step == "Starting"
    assert job.state.fraction == 0.0
    state = wait_for(job)
    assert (state.step, state.done, state.total, state.fraction) == ("Indexing", 3, 3, 1.0)
    assert (state.report.indexed, state.error) == (3, "")
    assert job.process.wait(LONG) == 0
    with open_library(state.library) as library:
        assert len(clip_ids(library)) == 3


def test_failures_are_gathered_as_they_come_and_are_in_the_report(begin, tmp_path):
    (tmp_path / "broken.bvh").write_text("HIERARCHY\n")
    job = begin(1)
    wait_for(job)
    request = IndexRequest(str(tmp_path / "b.motionary"), (str(tmp_path),), device="numpy", workers=1)
    job = jobs.start(request)
    try:
        state = wait_for(job)
    finally:
        job.close()
    (failure,) = state.failures
    assert "broken.bvh" in failure
    assert state.report.failures == (failure,)


def test_cancel_ends_it_early_with_a_report(begin):
    job = begin(60, 6.0)
    wait_for(job, lambda state: state.done)
    job.cancel()
    assert job.state.is_cancelling
    state = wait_for(job)
    assert state.report.cancelled
    assert 1 <= state.report.indexed < 60


def test_a_request_longer_than_a_pipe_holds_nothing_up(begin):
    job = begin(fps=30.0, addon="x" * 1_000_000)
    job.cancel()
    assert wait_for(job).report.cancelled


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_a_killed_process_is_told_of_and_the_next_job_goes_on(begin):
    job = begin(60, 6.0)
    wait_for(job, lambda state: state.done)
    job.process.kill()
    state = wait_for(job)
    assert state.report is None
    assert state.error.startswith("the process that indexes ended (signal 9)")
    assert "\n" not in state.error
    with open_library(state.library) as library:
        assert 1 <= len(clip_ids(library)) < 60


@POSIX
def test_a_process_that_fails_is_told_of_with_its_last_words(begin, tmp_path):
    python = script(tmp_path / "python", "echo some noise; echo first >&2; echo 'the last words' >&2; exit 3")
    state = wait_for(begin(python=python))
    assert state.error.startswith("the process that indexes ended (exit code 3): the last words;")


def test_a_python_that_is_not_there_is_said_at_once(begin, tmp_path):
    with pytest.raises(MotionaryError, match=r"does not start: .*; choose another Python for Indexing"):
        begin(python=tmp_path / "python3.99")


def test_another_python_indexes(begin):
    state = wait_for(begin(python=Path(sys.executable)))
    assert state.report.indexed == 3


@POSIX
def test_closing_ends_a_process_that_works_and_one_that_does_not_heed(begin, tmp_path, monkeypatch):
    job = begin(200, 20.0)
    wait_for(job, lambda state: state.done)
    job.close()
    assert job.process.returncode == 0
    assert "stopped" in job.poll().error
    monkeypatch.setattr(jobs, "PARTING", 0.2)
    deaf = begin(python=script(tmp_path / "python", "exec sleep 600"))
    deaf.close()
    assert deaf.process.returncode == -signal.SIGKILL


def test_polling_does_not_wait_for_a_process_that_says_nothing(begin, monkeypatch):
    job = begin()
    monkeypatch.setattr(job.process, "wait", lambda *_: pytest.fail("it waits"))
    while not job.poll().is_finished:
        time.sleep(0.01)
    monkeypatch.undo()


def test_a_closed_job_leaves_no_thread_and_no_hook(begin):
    job = begin()
    wait_for(job)
    job.close()
    assert not any(thread.is_alive() for thread in job._threads)
    job.close()  # again, as the end of Blender may do


def test_blenders_own_python_runs_as_blender_runs_it_and_else_blender_does(monkeypatch):
    command = jobs.worker_command()
    assert command[:2] == (sys.executable, "-I")
    assert Path(command[2]).name == "worker.py"
    assert Path(command[3]) == Path(command[2]).parent
    assert jobs.worker_command(Path("/opt/python"))[0] == os.fspath(Path("/opt/python"))
    monkeypatch.setattr(sys, "executable", "/opt/blender/blender")
    command = jobs.worker_command()
    assert command[1:4] == ("--background", "--factory-startup", "--python")
    assert command[-2] == "--"
