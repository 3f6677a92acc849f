"""Blender in a process of its own: found, asked, outlived. Most tests start a stand-in for it."""

import os
import sys
import textwrap
import time
from pathlib import Path

import pytest

from motionary import blender_files
from motionary.blender_files import Blender, blender_reader, check_blender, find_blender
from motionary.errors import MotionaryError

STAND_IN = """
import io, json, os, signal, sys, time
sys.path[:0] = {paths!r}
from motionary.blender_files import GREETING
from motionary.clip_stream import FileClips, write_answer, write_failure
from motionary.errors import MotionaryError
from motionary.motion import Clip
from tests.motions import standing

out = sys.stdout.buffer
out.write(b"Blender 4.5.0 (hash 1234)\\nRead prefs\\n" + GREETING + b" 1}}\\n")
out.flush()
for line in sys.stdin:
    path = json.loads(line)["path"]
    if "crash" in path:
        os.kill(os.getpid(), signal.SIGKILL)
    elif "leave" in path:
        os._exit(3)
    elif "hang" in path:
        time.sleep(600)
    elif "babble" in path:
        out.write(b"Warning: something\\n")
        out.flush()
    elif "half" in path:
        whole = io.BytesIO()
        write_answer(whole, FileClips((Clip("a", standing(30)),)))
        out.write(whole.getvalue()[:-9])
        out.flush()
        os._exit(0)
    elif "bad" in path:
        write_failure(out, path + ": Blender cannot read it")
    else:
        write_answer(out, FileClips((Clip(str(os.getpid()), standing()),), (path,)))
"""
ROOT = Path(__file__).resolve().parents[2]
KILLS = pytest.mark.skipif(sys.platform == "win32", reason="no signals on this system")


@pytest.fixture
def stand_in(tmp_path):
    """What pretends to be a Blender."""
    script = tmp_path / "stand_in.py"
    script.write_text(textwrap.dedent(STAND_IN).format(paths=[str(ROOT), str(ROOT / "backend")]))
    return Blender((sys.executable, str(script)), 30.0)


def is_running(pid):
    """Whether a process that is no child of ours still does something."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def pid_of(found):
    (clip,) = found.clips
    return clip.name


# Finding it


@pytest.fixture
def nowhere(monkeypatch):
    """A machine without any Blender."""
    monkeypatch.delenv("MOTIONARY_BLENDER", raising=False)
    monkeypatch.setattr(blender_files, "_has_bpy", lambda: False)
    monkeypatch.setenv("PATH", "")


def executable(path):
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_without_any_there_is_none(nowhere):
    assert find_blender() is None


@KILLS
def test_the_users_word_comes_first_then_the_environment_then_this_python_then_the_path(
    nowhere, monkeypatch, tmp_path
):
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    on_path = executable(tmp_path / "bin" / "blender")
    assert find_blender().command[0] == str(on_path)
    monkeypatch.setattr(blender_files, "_has_bpy", lambda: True)
    assert find_blender().command[0] == sys.executable
    named = executable(tmp_path / "blender-5.2")
    monkeypatch.setenv("MOTIONARY_BLENDER", str(named))
    assert find_blender().command[0] == str(named)
    given = executable(tmp_path / "mine")
    assert find_blender(given, seconds=5.0).command[0] == str(given)
    assert find_blender(given, seconds=5.0).seconds == 5.0


@KILLS
def test_a_blender_runs_the_script_without_the_users_settings_and_a_python_runs_it_alone(nowhere, tmp_path):
    script = str(ROOT / "blender_addon" / "read_clips.py")
    command = find_blender(executable(tmp_path / "blender")).command
    assert command[1:6] == ("--background", "--factory-startup", "--python", script, "--")
    command = find_blender(executable(tmp_path / "python3.13"), addon=tmp_path).command
    assert command[1:3] == ("-P", str(tmp_path / "read_clips.py"))


@pytest.mark.parametrize("given", ["no/such/blender", "blender-9"])
def test_one_that_is_not_there_is_said_with_the_cure(nowhere, given):
    with pytest.raises(MotionaryError, match=f"{given}: no such program; install pip's bpy"):
        find_blender(Path(given))


def test_the_script_that_it_runs_is_there():
    assert (blender_files._addon() / "read_clips.py").is_file()


# Asking it


def test_one_blender_reads_one_file_after_another(stand_in):
    with blender_reader(stand_in) as read:
        first = read(Path("a.fbx"))
        assert first.notes == (str(Path("a.fbx").absolute()),)
        assert pid_of(read(Path("b.fbx"))) == pid_of(first)


def test_blender_ends_with_the_block(stand_in):
    with blender_reader(stand_in) as read:
        pid = int(pid_of(read(Path("a.fbx"))))
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_no_blender_starts_where_nothing_is_read():
    with blender_reader(Blender(("no such program",))):
        pass


def test_a_file_that_cannot_be_read_costs_no_blender(stand_in):
    with blender_reader(stand_in) as read:
        pid = pid_of(read(Path("a.fbx")))
        with pytest.raises(MotionaryError, match=r"bad\.fbx: Blender cannot read it$"):
            read(Path("bad.fbx"))
        assert pid_of(read(Path("b.fbx"))) == pid


@KILLS
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("crash.blend", r"^crash\.blend: Blender ended while reading it \(signal 9\)$"),
        ("leave.blend", r"^leave\.blend: Blender ended while reading it \(exit code 3\)$"),
        ("half.blend", r"^half\.blend: Blender ended while reading it \(exit code 0\)$"),
        ("babble.blend", r"^babble\.blend: Blender's answer is damaged \(.+\)$"),
    ],
)
def test_a_file_that_blender_does_not_survive_is_said_and_the_next_gets_a_new_one(stand_in, name, says):
    with blender_reader(stand_in) as read:
        pid = pid_of(read(Path("a.fbx")))
        with pytest.raises(MotionaryError, match=says):
            read(Path(name))
        assert pid_of(read(Path("b.fbx"))) != pid


def test_one_that_hangs_is_ended_when_its_time_is_up(stand_in):
    began = time.monotonic()
    with blender_reader(Blender(stand_in.command, 2.0)) as read:
        with pytest.raises(
            MotionaryError, match=r"^hang\.fbx: Blender did not finish reading it in 2 seconds"
        ):
            read(Path("hang.fbx"))
        assert read(Path("a.fbx")).clips
    assert time.monotonic() - began < 20


@pytest.mark.skipif(sys.platform != "linux", reason="looks for orphans in /proc")
def test_what_a_script_called_blender_started_ends_with_it(stand_in, tmp_path):
    shell = tmp_path / "blender"
    shell.write_text(f"#!/bin/sh\n{sys.executable} {stand_in.command[1]}\nexit 0\n")
    shell.chmod(0o755)
    with blender_reader(Blender((str(shell),), 3.0)) as read:
        pid = int(pid_of(read(Path("a.fbx"))))
        with pytest.raises(MotionaryError, match="did not finish"):
            read(Path("hang.fbx"))
    give_up = time.monotonic() + 20  # a killed process that is not our child is gone a moment later
    while is_running(pid) and time.monotonic() < give_up:
        time.sleep(0.05)
    assert not is_running(pid)


# Starting it


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (
            "import sys; sys.exit('libXi.so.6: cannot open shared object file')",
            "start: libXi.so.6: cannot open",
        ),
        ("raise SystemExit(4)", r"start: exit code 4$"),
        ("print('Blender 2.79')", r"start: exit code 0$"),
    ],
)
def test_one_that_does_not_come_up_is_said_in_its_own_words(code, says):
    with pytest.raises(MotionaryError, match=says):
        check_blender(Blender((sys.executable, "-c", code)))


def test_a_program_that_cannot_be_run_is_said(tmp_path):
    with pytest.raises(MotionaryError, match="Blender does not start: "):
        check_blender(Blender((str(tmp_path),)))


def test_one_that_never_comes_up_is_not_waited_for():
    with pytest.raises(MotionaryError, match="does not start"):
        check_blender(Blender((sys.executable, "-c", "import time; time.sleep(600)"), 1.0))


# The real one


@pytest.fixture(scope="module")
def blender():
    found = find_blender()
    if found is None:
        pytest.skip("needs pip's bpy or a Blender")
    return found


def test_a_blender_comes_up_and_reads_a_file_that_is_none(blender, tmp_path):
    broken = tmp_path / "broken.glb"
    broken.write_bytes(b"glTF and nothing more")
    with blender_reader(blender) as read:
        with pytest.raises(MotionaryError, match=r"broken\.glb: Blender cannot read it: ") as told:
            read(broken)
        assert "\n" not in str(told.value)
        with pytest.raises(MotionaryError, match=r"gone\.blend: no such file"):
            read(tmp_path / "gone.blend")


@KILLS
def test_a_program_that_runs_scripts_as_blender_does_reads_too(blender, tmp_path):
    """It prints to stdout before the script has the say, and lends it no path to Motionary."""
    if not Path(blender.command[0]).name.startswith("python"):
        pytest.skip("needs pip's bpy")
    shell = tmp_path / "blender"
    shell.write_text(
        f'#!/bin/sh\necho "Blender 4.5.0"\ntest "$3" = --python || exit 2\nscript=$4\nshift 4\n'
        f'exec {blender.command[0]} -P "$script" "$@"\n'
    )
    shell.chmod(0o755)
    broken = tmp_path / "broken.fbx"
    broken.write_bytes(b"")
    found = find_blender(shell)
    assert found is not None
    with blender_reader(found) as read, pytest.raises(MotionaryError, match=r"broken\.fbx: Blender cannot"):
        read(broken)
