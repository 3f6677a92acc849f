"""``blender --command motionary``: the options of the terminal's command line, and what it prints."""

import argparse
import inspect
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from types import NoneType
from typing import get_args, get_origin, get_type_hints

import pytest
from typer.models import OptionInfo
from typer.testing import CliRunner

pytest.importorskip("bpy", reason="needs Blender's Python module")

from blender_addon import command
from blender_addon.command_apply import ABOUT
from motionary import __version__, cli
from motionary.bundle import load_bundle
from motionary.formats import read_clip, write_bvh
from motionary.index import add_clips
from motionary.library import open_library
from motionary.motion import Clip
from tests.bundles import make_bundle
from tests.motions import standing, walk

ROOT = Path(__file__).resolve().parents[2]

NOT_IN_BLENDER = {"serve"}
"""Commands that need packages which Blender's Python has not: a server runs beside Blender, not in it."""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def library(bundle, tmp_path_factory):
    path = tmp_path_factory.mktemp("library") / "two.motionary"
    clips = [Clip("stroll", walk(2.0), captions=("a person walks",)), Clip("stand", standing(60))]
    with open_library(path, write=True) as made:
        add_clips(clips, made, load_bundle(bundle), source="test")
    return path


@pytest.fixture
def run(capsys):
    """Run a command as Blender does: the exit code, stdout and stderr."""

    def run(*arguments):
        code = command.main([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return run


# The same options


def told_by_typer(callback):
    """What each option of a terminal's command is."""
    hints = get_type_hints(callback, include_extras=True)
    for name, parameter in inspect.signature(callback).parameters.items():
        kind, info = get_args(hints[name])
        if NoneType in get_args(kind):  # X | None
            (kind,) = (arg for arg in get_args(kind) if arg is not NoneType)
        many = get_origin(kind) is list
        given = parameter.default is not inspect.Parameter.empty
        is_option = isinstance(info, OptionInfo)
        # In an annotation the first name lies where the default would else be.
        names = [text for text in (info.default, *(info.param_decls or ())) if isinstance(text, str)]
        yield {
            "names": names or (["--" + name.replace("_", "-")] if is_option else []),
            "metavar": info.metavar or (None if is_option else name.upper()),
            "kind": get_args(kind)[0] if many else kind,
            "least": info.min,
            "many": many,
            "required": not given,
            "default": (parameter.default if given else None) or None,
            "help": info.help,
        }


def told_by_argparse(parser):
    """What each option of Blender's command is, but for --help."""
    for action in parser._actions:
        if isinstance(action, argparse._HelpAction):
            continue
        kind = bool if isinstance(action, argparse._StoreTrueAction) else action.type or str
        many = action.nargs in ("*", "+") or isinstance(action, argparse._AppendAction)
        yield {
            "names": action.option_strings,
            "metavar": action.metavar,
            "kind": getattr(kind, "kind", kind),
            "least": getattr(kind, "least", None),
            "many": many,
            "required": action.required and action.nargs != "*",
            "default": action.default or None,
            "help": action.help,
        }


def test_every_command_of_the_terminal_is_there_with_every_option():
    terminal = {
        info.callback.__name__: info.callback
        for info in cli.app.registered_commands
        if info.callback.__name__ not in NOT_IN_BLENDER
    }
    assert list(terminal) == [name for name in command.COMMANDS if name != "apply"]
    for name, callback in terminal.items():
        here = list(told_by_argparse(command.COMMANDS[name].parser(name)))
        assert here == list(told_by_typer(callback)), name
        assert command.COMMANDS[name].about.split() == inspect.getdoc(callback).split(), name


def test_the_comparison_sees_options():
    (index,) = (info.callback for info in cli.app.registered_commands if info.callback.__name__ == "index")
    workers = next(option for option in told_by_typer(index) if option["names"] == ["--workers"])
    assert (workers["kind"], workers["least"], workers["default"]) == (int, 1, None)


def test_what_comes_before_a_command_is_the_same(run):
    assert run("--version") == (0, f"motionary {__version__}\n", "")
    code, said, _ = run("--help")
    assert code == 0
    assert cli.app.info.help in " ".join(said.split())
    for name in command.COMMANDS:
        assert re.search(rf"^  {name} +\S", said, re.MULTILINE)
        code, told, _ = run(name, "--help")
        assert code == 0
        assert told.startswith(f"usage: blender --command motionary {name} ")
    assert command.COMMANDS["apply"].about == ABOUT


# The same answers


@pytest.mark.parametrize(
    "arguments",
    [
        ("search", "LIBRARY", "a person walks", "--top", "1", "--json", "--model", "BUNDLE"),
        ("similar", "LIBRARY", "str", "--json"),
        ("search", "LIBRARY", "walk", "--whole-clips", "--json", "--model", "BUNDLE"),
        ("similar", "LIBRARY", "stand", "--whole-clips", "--json", "--model", "BUNDLE"),
        ("duplicates", "LIBRARY"),
        ("duplicates", "LIBRARY", "--json"),
        ("info", "LIBRARY", "--clips", "--json"),
        ("search", "nowhere.motionary", "walk", "--model", "BUNDLE"),
        ("search", "LIBRARY", " ", "--model", "BUNDLE"),
        ("similar", "LIBRARY", "fly"),
        ("export", "LIBRARY", "stand", "--out", "a.bvh", "--start", "40"),
        ("index", "nowhere", "--library", "a.motionary", "--model", "BUNDLE"),
        ("index", "--library", "a.motionary", "--reembed", "--model", "BUNDLE"),
    ],
)
def test_a_command_prints_what_it_does_in_the_terminal(
    arguments, run, library, bundle, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    places = {"LIBRARY": str(library), "BUNDLE": str(bundle)}
    arguments = [places.get(argument, argument) for argument in arguments]
    there = CliRunner().invoke(cli.app, arguments, catch_exceptions=False)
    assert run(*arguments) == (there.exit_code, there.stdout, there.stderr)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "usage: blender --command motionary "),
        (("dance",), "invalid choice: 'dance'"),
        (("index", "--library", "a.motionary"), "give a SOURCE"),
        (("index", "moves"), "required: --library"),
        (
            ("index", "moves", "--library", "a.motionary", "--device", "abacus"),
            "--device: 'abacus' is none of",
        ),
        (("search", "a.motionary"), "required: QUERY"),
        (("search", "a.motionary", "walk", "--top", "0"), "--top: 0 is less than 1"),
        (("search", "a.motionary", "walk", "--to", "3"), "unrecognized arguments: --to"),
        (("export", "a.motionary", "walk", "--out", "walk.fbx"), "--out: walk.fbx does not end in .bvh"),
        (("export", "a.motionary", "walk", "--out", "walk.bvh", "--start", "-1"), "-1 is less than 0"),
        (("export", "a.motionary", "walk", "--out", "walk.bvh", "--end", "late"), "'late' is no valid float"),
        (("apply", "--query", "wave"), "need a --library"),
        (("apply", "--motion", "a.bvh", "--rig", "human", "--output", "a.blend", "--speed", "0"), "speed"),
    ],
)
def test_wrong_usage_is_2(arguments, says, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, error = run(*arguments)
    assert (code, out) == (2, "")
    assert says in error
    assert list(tmp_path.iterdir()) == []


def test_tables_need_no_rich(run, library):
    code, out, error = run("info", library, "--clips")
    assert (code, error) == (0, "")
    assert "2 of 1 files" in out
    assert re.search(r"^\d   stroll +2.0 +30 +a person walks +test$", out, re.MULTILINE), out


def test_indexing_takes_options_before_and_after_the_folder(run, bundle, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_bvh(walk(1.0), tmp_path / name / f"{name}.bvh")
    made = tmp_path / "made.motionary"
    done = run(
        "index", tmp_path / "a", "--library", made, "--model", bundle, tmp_path / "b", "--workers", "1"
    )
    assert done == (0, "indexed 2, skipped 0 unchanged, failed 0\n", "")
    code, _, _ = run("export", made, "a", "--out", tmp_path / "out.bvh")
    assert code == 0
    assert read_clip(tmp_path / "out.bvh").motion.frames == walk(1.0).frames


def test_blender_files_are_read_by_this_blender(run, bundle, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(command, "find_blender", lambda *given, **named: asked.append((given, named)))
    (tmp_path / "a.fbx").write_bytes(b"")
    run("index", tmp_path, "--library", tmp_path / "a.motionary", "--model", bundle, "--blender-seconds", "9")
    run("index", tmp_path, "--library", tmp_path / "a.motionary", "--model", bundle, "--blender", "mine")
    addon = Path(command.__file__).parent
    assert asked == [
        ((None,), {"addon": addon, "seconds": 9.0}),
        ((Path("mine"),), {"addon": addon, "seconds": 600.0}),
    ]


# The process


def in_process(code, **options):
    """A Python with Blender's module, which runs ``code``; what that calls code is the exit code."""
    script = (
        "import os, sys\nfrom blender_addon import command\n"  # Blender 5.2 greets on stdout
        f"print('started', flush=True)\n{code}\nsys.stdout.flush()\nos._exit(code)"
    )
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, options.pop("arguments", ()))],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def said_since_it_started(process):
    said, error = process.communicate(timeout=120)
    return said.rpartition("started\n")[2], error


def test_apply_puts_a_motion_on_a_character_and_prints_one_document(library, bundle, human_file, tmp_path):
    out = tmp_path / "out.blend"
    arguments = ("apply", "--library", library, "--model", bundle, "--query", "a person walks")
    done = in_process(
        "code = command.main(sys.argv[1:])",
        arguments=(*arguments, "--blend", human_file, "--output", out, "--json"),
    )
    said, error = said_since_it_started(done)
    assert done.returncode == 0, error
    result = json.loads(said.splitlines()[-1])
    assert result["clip"] == result["matches"][0]
    assert result["applied"]["rig"] == "Rigify"
    assert result["output"] == str(out)
    assert out.stat().st_size > 10_000
    assert len(said.splitlines()) == 1  # Blender's own words are on stderr


def test_a_failure_of_apply_is_one_line(human_file, tmp_path):
    arguments = (
        "apply",
        "--motion",
        tmp_path / "no.bvh",
        "--blend",
        human_file,
        "--output",
        tmp_path / "a.blend",
    )
    done = in_process("code = command.main(sys.argv[1:])", arguments=arguments)
    said, error = said_since_it_started(done)
    assert (done.returncode, said) == (1, "")
    assert error.splitlines()[-1].startswith("motionary: ")
    assert "no.bvh" in error
    assert "Traceback" not in error


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent in another way there")
def test_ctrl_c_ends_a_command_with_130_though_blender_took_the_signal(library):
    code = (
        "import signal, dataclasses\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "def work(options):\n"
        "    print('working', flush=True)\n"
        "    while True: signal.pause()\n"
        "command.COMMANDS['info'] = dataclasses.replace(command.COMMANDS['info'], work=work)\n"
        "code = command.main(['info', 'a.motionary'])\n"
        "assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN"
    )
    started = in_process(code)
    while line := started.stdout.readline():
        if line == "working\n":
            break
    os.kill(started.pid, signal.SIGINT)
    _, error = started.communicate(timeout=60)
    assert (started.returncode, error.splitlines()[-1:]) == (130, ["motionary: interrupted"])


def test_blender_knows_the_command_until_it_is_taken_back():
    for _ in range(2):
        command.register()
        assert len(command._handles) == 1
        command.unregister()
        assert command._handles == []
