"""The indexing process: it answers, it stops, it says what is wrong, and it never outlives who asked."""

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from contextlib import suppress
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

import pytest

import motionary
from motionary.bundle import load_bundle
from motionary.formats import write_bvh
from motionary.index import index_files
from motionary.library import clip_ids, open_library
from motionary.worker import IndexRequest, index_on_request
from tests.bundles import make_bundle
from tests.motions import standing, walk

CORE = Path(motionary.__file__).parent
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")
LONG = 180.0
"""Seconds that a slow machine may take."""


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("model"))


@pytest.fixture
def moves(tmp_path):
    """A folder of three: broken.bvh, stand.bvh, walk.bvh."""
    folder = tmp_path / "moves"
    folder.mkdir()
    write_bvh(walk(2.0), folder / "walk.bvh")
    write_bvh(standing(60), folder / "stand.bvh")
    (folder / "broken.bvh").write_text("HIERARCHY\n")
    return folder


@pytest.fixture
def request_for(tmp_path, model):
    """An `IndexRequest` for a library of this test's own."""

    def make(*sources, **options):
        settings = {"model": str(model), "device": "numpy", "workers": 1}
        return IndexRequest(
            str(tmp_path / "a.motionary"), tuple(str(source) for source in sources), **settings | options
        )

    return make


@pytest.fixture
def start():
    """Start the process and give it its request; whatever is left of it at the end is killed."""
    started = []

    def run(request, *, command=None, env=None):
        process = subprocess.Popen(
            command or [sys.executable, "-P", CORE / "worker.py", CORE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=env,
        )
        started.append(process)
        process.stdin.write(json.dumps(asdict(request)).encode() + b"\n")
        process.stdin.flush()
        return process

    yield run
    for process in started:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            with suppress(OSError):
                stream.close()


def answers_of(process):
    """All it says, each with its only key; stdin stays open until it has said it."""
    said = [json.loads(line) for line in process.stdout]
    assert process.wait(LONG) == 0, process.stderr.read().decode()
    assert all(len(answer) == 1 for answer in said)
    return [next(iter(answer.items())) for answer in said]


def many(folder, files, seconds=6.0):
    folder.mkdir()
    write_bvh(walk(seconds), folder / "000.bvh")
    for number in range(1, files):
        shutil.copy(folder / "000.bvh", folder / f"{number:03}.bvh")
    return folder


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def children(pid):
    """The processes that ``pid`` started."""
    found = []
    for process in Path("/proc").iterdir():
        with suppress(OSError, IndexError, ValueError):
            if int(process.joinpath("stat").read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(process.name))
    return found


def wait_until(holds, what):
    deadline = time.monotonic() + LONG
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


# What it answers


def test_it_tells_of_each_file_and_reports(start, request_for, moves):
    said = answers_of(start(request_for(moves)))
    assert [kind for kind, _ in said] == ["progress"] * 3 + ["report"]
    steps = [step for kind, step in said if kind == "progress"]
    assert [(step["step"], step["done"], step["total"]) for step in steps] == [
        ("Indexing", number, 3) for number in (1, 2, 3)
    ]
    assert [Path(step["name"]).name for step in steps] == ["broken.bvh", "stand.bvh", "walk.bvh"]
    assert "broken.bvh" in steps[0]["failure"]
    report = said[-1][1]
    assert (report["indexed"], report["unchanged"], report["cancelled"]) == (2, 0, False)
    assert report["failures"] == [steps[0]["failure"]]
    with open_library(Path(request_for().library)) as library:
        assert len(clip_ids(library)) == 2


def test_it_does_what_the_request_asks_for(start, request_for, moves):
    answers_of(start(request_for(moves)))
    (moves / "walk.bvh").unlink()
    report = answers_of(start(request_for(moves, prune=True)))[-1][1]
    assert (report["indexed"], report["unchanged"], report["removed"]) == (0, 1, 1)
    report = answers_of(start(request_for(moves, reread=True)))[-1][1]
    assert (report["indexed"], report["unchanged"]) == (1, 0)


def test_it_embeds_again_with_another_model_and_no_sources(start, request_for, moves, tmp_path):
    answers_of(start(request_for(moves)))
    other = load_bundle(make_bundle(tmp_path / "other", seed=1, joint_dim=16))
    said = answers_of(start(request_for(model=str(other.folder), reembed=True)))
    assert [step["step"] for kind, step in said if kind == "progress"] == ["Embedding"] * 2
    assert said[-1][1]["embedded"] == 2
    with open_library(Path(request_for().library)) as library:
        assert library.model.id == other.id


def test_what_else_is_printed_is_not_among_the_answers(start, request_for, moves, tmp_path):
    noisy = tmp_path / "noisy.py"
    noisy.write_text(
        textwrap.dedent(
            """
            import os
            from motionary import index, worker
            read = index._read_file

            def noisy(*given, **named):
                print("from Python", flush=True)
                os.write(1, b"from C")
                return read(*given, **named)

            index._read_file = noisy
            worker.main()
            """
        )
    )
    process = start(request_for(moves), command=[sys.executable, noisy])
    assert answers_of(process)[-1][0] == "report"
    assert process.stderr.read().count(b"from C") == 3


def test_a_core_that_is_not_installed_is_found_by_its_reading_processes_too(
    start, request_for, moves, tmp_path
):
    core = shutil.copytree(CORE, tmp_path / "wheels" / "core", ignore=shutil.ignore_patterns("models"))
    path = tmp_path / "numpy only"
    path.mkdir()
    numpy = Path(find_spec("numpy").origin).parent
    for folder in (numpy, numpy.parent / "numpy.libs"):
        if folder.exists():
            (path / folder.name).symlink_to(folder, target_is_directory=True)
    # A package that the processes must not meet, for it lies beside the core as others lie beside a wheel's.
    (tmp_path / "wheels" / "numpy.py").write_text("raise SystemExit('the wrong numpy')")
    command = [sys.executable, "-P", "-S", core / "worker.py", core]
    process = start(
        request_for(moves, workers=2), command=command, env=os.environ | {"PYTHONPATH": str(path)}
    )
    assert answers_of(process)[-1][1]["indexed"] == 2


# What stops it


def test_cancel_stops_it_and_the_same_request_goes_on(start, request_for, tmp_path):
    folder = many(tmp_path / "many", 40)
    process = start(request_for(folder))
    process.stdout.readline()
    process.stdin.write(b"cancel\n")
    process.stdin.flush()
    report = answers_of(process)[-1][1]
    assert report["cancelled"]
    assert 1 <= report["indexed"] < 40
    again = answers_of(start(request_for(folder)))[-1][1]
    assert (again["cancelled"], again["unchanged"]) == (False, report["indexed"])
    assert again["indexed"] == 40 - report["indexed"]


def test_cancelling_while_embedding_does_not_go_on_to_index(request_for, moves, tmp_path):
    index_on_request(request_for(moves), lambda step, progress: None, lambda: False)
    other = make_bundle(tmp_path / "other", seed=1)
    steps = []
    report = index_on_request(
        request_for(moves, model=str(other), reembed=True, reread=True),
        lambda step, progress: steps.append(step),
        lambda: True,
    )
    assert (report.cancelled, report.indexed, steps) == (True, 0, [])


@LINUX
@pytest.mark.parametrize("workers", [1, 2])
def test_the_end_of_stdin_ends_it_and_its_reading_processes_at_once(start, request_for, tmp_path, workers):
    process = start(request_for(many(tmp_path / "many", 200, seconds=20.0), workers=workers))
    process.stdout.readline()
    readers = children(process.pid)
    assert len(readers) >= (workers if workers > 1 else 0)
    process.stdin.close()
    assert process.wait(LONG) == 0
    wait_until(lambda: not any(map(is_running, readers)), "readers outlive the process they work for")
    with open_library(Path(request_for().library)) as library:
        assert 1 <= len(clip_ids(library)) < 200


ASKS = textwrap.dedent(
    """
    import json, subprocess, sys
    worker = subprocess.Popen(
        [sys.executable, "-P", *sys.argv[1:3]], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    worker.stdin.write(sys.argv[3].encode() + b"\\n")
    worker.stdin.flush()
    worker.stdout.readline()
    print(worker.pid, flush=True)
    worker.wait()
    """
)


@LINUX
def test_who_asked_is_killed_and_nothing_is_left(request_for, tmp_path):
    request = request_for(many(tmp_path / "many", 200, seconds=20.0), workers=2)
    asking = subprocess.Popen(
        [sys.executable, "-c", ASKS, CORE / "worker.py", CORE, json.dumps(asdict(request))],
        stdout=subprocess.PIPE,
    )
    worker = int(asking.stdout.readline())
    left = [worker, *children(worker)]
    assert len(left) >= 3
    asking.send_signal(signal.SIGKILL)
    asking.communicate()
    wait_until(lambda: not any(map(is_running, left)), "the worker outlives who asked")
    with open_library(Path(request.library), write=True) as library:
        assert library.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert len(clip_ids(library)) < 200


def test_ctrl_c_in_the_terminal_is_not_for_it(start, request_for, tmp_path):
    process = start(request_for(many(tmp_path / "many", 12)))
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert answers_of(process)[-1][1]["indexed"] == 12


# What is wrong


def error_of(process):
    kind, error = answers_of(process)[-1]
    assert kind == "error"
    assert "\n" not in error
    return error


def test_a_newer_library_is_refused_with_the_cure(start, request_for, moves):
    path = Path(request_for().library)
    with open_library(path, write=True) as library:
        library.connection.execute("PRAGMA user_version = 99")
    error = error_of(start(request_for(moves)))
    assert error.startswith(str(path))
    assert "update Motionary" in error


def test_a_library_that_another_writes_to_is_said(start, request_for, moves, model):
    path = Path(request_for().library)
    with open_library(path, write=True) as library:
        index_files([moves / "walk.bvh"], library, load_bundle(model), workers=1)
        library.connection.execute("BEGIN IMMEDIATE")
        assert "another program is writing to this library" in error_of(start(request_for(moves)))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_library_in_a_folder_that_cannot_be_written_to_is_said(start, request_for, moves, tmp_path):
    (tmp_path / "kept").mkdir(mode=0o555)
    request = request_for(moves)
    request = IndexRequest(**asdict(request) | {"library": str(tmp_path / "kept" / "a.motionary")})
    assert "cannot be opened; check its permissions" in error_of(start(request))


def test_nothing_to_embed_again_is_said(start, request_for):
    assert "no such library to embed again" in error_of(start(request_for(reembed=True)))


def test_no_source_left_is_in_the_report_and_leaves_no_empty_library(start, request_for, tmp_path):
    report = answers_of(start(request_for(tmp_path / "gone")))[-1][1]
    assert report["failures"] == [f"{tmp_path / 'gone'}: no such file or folder"]
    assert not Path(request_for().library).exists()


@LINUX
def test_a_disk_that_takes_no_more_is_said_and_what_was_finished_is_kept(start, request_for, tmp_path):
    folder = many(tmp_path / "many", 30, seconds=12.0)
    limited = "import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)); "
    limited += "os.execv(sys.executable, [sys.executable, '-P', *sys.argv[1:]])"
    process = start(request_for(folder), command=[sys.executable, "-c", limited, CORE / "worker.py", CORE])
    assert "takes no more; what was indexed before is kept" in error_of(process)
    with open_library(Path(request_for().library), write=True) as library:
        assert 1 <= len(clip_ids(library)) < 30
        assert library.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@LINUX
def test_a_library_that_is_deleted_meanwhile_is_said(start, request_for, tmp_path):
    process = start(request_for(many(tmp_path / "many", 40)))
    process.stdout.readline()
    Path(request_for().library).unlink()
    assert "moved or deleted" in error_of(process)


def test_what_nobody_foresaw_is_one_line_and_its_traceback_in_stderr(start, request_for, moves):
    broken = "import sys; from motionary import index, worker; index.index_files = None; worker.main()"
    process = start(request_for(moves), command=[sys.executable, "-c", broken])
    assert error_of(process).startswith("indexing stopped (TypeError:")
    assert b"Traceback" in process.stderr.read()


def test_a_python_without_numpy_is_said(start, request_for, moves):
    command = [sys.executable, "-I", "-S", CORE / "worker.py", CORE]
    error = error_of(start(request_for(moves), command=command))
    assert error.startswith(f"{sys.executable}: this Python cannot index (")
    assert "it needs numpy" in error
