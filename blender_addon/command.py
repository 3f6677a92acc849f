"""``blender --command motionary index | search | similar | duplicates | caption | info | export | upgrade |
starter | apply``.

The commands and options of `motionary.cli`, parsed by argparse, for Blender's Python has no typer (a test
compares them), and the same work, from `motionary.commands`. What differs is where things come from: the
model is the one in the extension, and .blend, FBX and glTF files are read by the Blender that this is.
``apply`` is what scripts/apply_motion.py does.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import bpy

from motionary import __version__, commands
from motionary.blender_files import Blender, find_blender
from motionary.filters import Filter
from motionary.remote import Served
from motionary.screen import PLAIN, run_command, show_any_name

from .bundled import own_bundle
from .online import why_offline

__all__ = ["COMMANDS", "NAME", "Command", "main", "register", "unregister"]

NAME = "motionary"
"""What follows ``blender --command``."""
PROG = f"blender --command {NAME}"

Options = argparse.Namespace
Parser = argparse.ArgumentParser

_handles: list[Any] = []
"""What Blender gave for the command, to take it back by."""


def register() -> None:
    """Have Blender know the command."""
    _handles.append(bpy.utils.register_cli_command(NAME, main))  # type: ignore[func-returns-value]


def unregister() -> None:
    """Have Blender forget the command."""
    while _handles:
        bpy.utils.unregister_cli_command(_handles.pop())


def main(arguments: Sequence[str]) -> int:
    """Run one command, and return the exit code: 0 done, 1 a failure said in one line, 2 wrong usage."""
    show_any_name()
    try:
        command = _chosen(arguments)
        with _heeding_ctrl_c():
            return command()
    except SystemExit as ended:  # argparse: 0 after --help, 2 for wrong usage
        return ended.code if isinstance(ended.code, int) else 2


@dataclass(frozen=True)
class Command:
    """about: what it does; the first line is for the list of commands. add_options: to its parser. work: does
    it, and returns the exit code. check: SystemExit where options make no sense together."""

    about: str
    add_options: Callable[[Parser], None]
    work: Callable[[Options], int]
    check: Callable[[Parser, Options], None] = lambda parser, options: None

    def parser(self, prog: str) -> Parser:
        """The parser of its options."""
        result = Parser(
            prog=prog,
            description=self.about,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        self.add_options(result)
        return result


@dataclass(frozen=True)
class AtLeast:
    """Reads a number off the command line, and refuses a smaller one."""

    kind: type[int] | type[float]
    least: int

    def __call__(self, text: str) -> float:
        try:
            number = self.kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is no valid {self.kind.__name__}") from None
        if not number >= self.least:
            raise argparse.ArgumentTypeError(f"{text} is less than {self.least}")
        return number


def _chosen(arguments: Sequence[str]) -> Callable[[], int]:
    """The command that is asked for, ready to run. SystemExit where there is none or it is asked wrongly."""
    usage = _usage()
    if not arguments:
        usage.print_help(sys.stderr)
        usage.exit(2)
    name, *rest = arguments
    if name not in COMMANDS:
        usage.parse_args([name])  # --help and --version end here, and so does a name that is none
    command = COMMANDS[name]
    parser = command.parser(f"{PROG} {name}")
    options = parser.parse_intermixed_args(rest)
    command.check(parser, options)

    def run() -> int:
        try:
            return run_command(lambda: command.work(options))
        except commands.WrongUsage as error:
            parser.error(f"{error.option}: {error}")

    return run


def _usage() -> Parser:
    listed = "\n".join(f"  {name:11}{command.about.splitlines()[0]}" for name, command in COMMANDS.items())
    result = Parser(
        prog=PROG,
        description="A motion dictionary: index motion files, find clips by describing them, "
        "take them out again.",
        epilog=f"commands:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    result.add_argument(
        "--version", action="version", version=f"motionary {__version__}", help="Show the version and leave."
    )
    result.add_argument(
        "command", choices=COMMANDS, metavar="COMMAND", help="What to do; COMMAND --help has more."
    )
    return result


@contextmanager
def _heeding_ctrl_c() -> Iterator[None]:
    """Have Ctrl-C raise KeyboardInterrupt, as in any Python; Blender has a way of its own with it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)


# Each command: its options, then what it does with them.


def _index_options(parser: Parser) -> None:
    parser.add_argument(
        "--library",
        type=Path,
        required=True,
        metavar="LIB",
        help="The library file; made where there is none.",
    )
    parser.add_argument(
        "sources",
        type=Path,
        nargs="*",
        metavar="SOURCE...",
        help="Motion files, and folders with all below them.",
    )
    _add_model(parser)
    parser.add_argument(
        "--workers", type=AtLeast(int, 1), help="Processes that read files; one a core if not given."
    )
    parser.add_argument(
        "--fps", type=float, help="Frames a second of these files, where their headers are wrong."
    )
    parser.add_argument(
        "--reread",
        action="store_true",
        help="Read unchanged files, too: after a change to an ASF or trials.csv.",
    )
    parser.add_argument(
        "--reembed", action="store_true", help="First embed what the library holds with this model."
    )
    parser.add_argument(
        "--device",
        default="auto",
        metavar="|".join(commands.DEVICES),
        help="What embeds. auto: a GPU, where there is one and the train extra is installed; else numpy.",
    )
    _add_blender(parser)
    parser.add_argument(
        "--blender-seconds",
        type=AtLeast(float, 1),
        default=600.0,
        help="Seconds that Blender may take over one file.",
    )
    parser.add_argument(
        "--prune", action="store_true", help="Drop clips whose files are no longer in SOURCE."
    )
    parser.add_argument(
        "--ray",
        metavar="ADDRESS",
        help="A Ray cluster that reads and embeds: HOST:PORT, ray://HOST:PORT, auto, or local (its own).",
    )
    parser.add_argument(
        "--index",
        dest="collection",
        metavar="ADDRESS",
        help="A Milvus collection to fill, too: milvus://HOST:PORT/NAME, or milvus+lite:FILE.db.",
    )
    _add_json(parser)


def _index(options: Options) -> int:
    return commands.index(
        options.library,
        options.sources,
        model=options.model or own_bundle(),
        workers=options.workers,
        fps=options.fps,
        reread=options.reread,
        reembed=options.reembed,
        device=options.device,
        find_blender=partial(_find_blender, options.blender, seconds=options.blender_seconds),
        prune=options.prune,
        ray=options.ray,
        milvus=options.collection,
        as_json=options.json,
        screen=PLAIN,
    )


def _search_options(parser: Parser) -> None:
    _add_place(parser)
    parser.add_argument("query", metavar="QUERY", help='What the motion shows, as in "a person waves".')
    parser.add_argument(
        "--not",
        dest="without",
        action="append",
        metavar="TEXT",
        help="What it does not show; may be repeated.",
    )
    for what, told in (("seconds", "clips that last"), ("distance", "moments that get")):
        unit = "seconds" if what == "seconds" else "metres away"
        for name, default, words in (("min", 0.0, "or more"), ("max", None, "or less")):
            parser.add_argument(
                f"--{name}-{what}",
                type=AtLeast(float, 0),
                default=default,
                help=f"Only {told} this many {unit} {words}.",
            )
    parser.add_argument(
        "--loopable", action="store_true", help="Only what meets its own beginning at its end."
    )
    parser.add_argument(
        "--hand", default="", metavar="left|right|both", help="Only where this hand is at work."
    )
    parser.add_argument(
        "--tag",
        dest="tags",
        action="append",
        help="Only clips with this tag; may be repeated.",
    )
    parser.add_argument("--source", default="", help="Only clips from files whose path holds this text.")
    parser.add_argument("--starred", action="store_true", help="Only clips that have a star.")
    _add_whole_clips(parser)
    _add_top(parser)
    _add_model(parser)
    _add_collection(parser)
    _add_json(parser)


def _search(options: Options) -> int:
    wanted = Filter(
        min_s=options.min_seconds,
        max_s=options.max_seconds,
        tags=tuple(options.tags or ()),
        source=options.source,
        starred=options.starred,
        min_distance=options.min_distance,
        max_distance=options.max_distance,
        loops=options.loopable,
        hand=options.hand,
    )
    return commands.search(
        _place(options),
        options.query,
        without=options.without or (),
        wanted=wanted,
        top=options.top,
        whole_clips=options.whole_clips,
        model=options.model or own_bundle(),
        milvus=options.collection,
        as_json=options.json,
        screen=PLAIN,
    )


def _similar_options(parser: Parser) -> None:
    _add_place(parser)
    parser.add_argument(
        "clip",
        metavar="CLIP|FILE",
        help="A clip's id, its name or the beginning of it; or a motion file, FILE or FILE#CLIP.",
    )
    _add_whole_clips(parser)
    _add_top(parser)
    _add_model(parser)
    _add_blender(parser)
    _add_collection(parser)
    _add_json(parser)


def _similar(options: Options) -> int:
    return commands.similar(
        _place(options),
        options.clip,
        top=options.top,
        whole_clips=options.whole_clips,
        model=options.model or own_bundle(),
        find_blender=partial(_find_blender, options.blender),
        milvus=options.collection,
        as_json=options.json,
        screen=PLAIN,
    )


def _duplicates_options(parser: Parser) -> None:
    _add_library(parser)
    parser.add_argument(
        "--sure",
        type=float,
        default=0.5,
        help="How sure it has to be that two clips are one motion, up to 1.",
    )
    _add_json(parser)


def _duplicates(options: Options) -> int:
    return commands.duplicates(options.library, sure=options.sure, as_json=options.json, screen=PLAIN)


def _caption_options(parser: Parser) -> None:
    parser.add_argument(
        "sources",
        type=Path,
        nargs="+",
        metavar="LIB|SOURCE...",
        help="Libraries, motion files, and folders with all below them.",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="Write a captions.csv, or a .jsonl with all that was measured.",
    )
    parser.add_argument(
        "--sidecar", action="store_true", help="Write NAME.captions.txt beside every motion file."
    )
    parser.add_argument(
        "--bank",
        type=Path,
        action="append",
        metavar="FILE",
        help="More sentences: a text file, one a line, or a folder of them.",
    )
    parser.add_argument("--top", type=AtLeast(int, 1), default=1, help="How many captions a clip gets.")
    parser.add_argument("--again", action="store_true", help="Caption anew what was captioned before.")
    parser.add_argument(
        "--review",
        type=Path,
        metavar="PAGE.html",
        help="Write a page to look the captions through and correct them.",
    )
    parser.add_argument(
        "--apply",
        type=Path,
        metavar="FILE",
        help="Write what that page saved, or a captions.csv, into LIB instead.",
    )
    parser.add_argument(
        "--to-files", action="store_true", help="With --apply, correct the captions.csv of the files, too."
    )
    _add_model(parser)
    _add_blender(parser)
    _add_json(parser)


def _caption(options: Options) -> int:
    return commands.caption(
        options.sources,
        out=options.out,
        sidecar=options.sidecar,
        banks=options.bank or (),
        top=options.top,
        again=options.again,
        review=options.review,
        corrections=options.apply,
        to_files=options.to_files,
        model=options.model or own_bundle(),
        find_blender=partial(_find_blender, options.blender),
        as_json=options.json,
        screen=PLAIN,
    )


def _info_options(parser: Parser) -> None:
    _add_place(parser)
    parser.add_argument("--clips", action="store_true", help="List every clip.")
    _add_json(parser)


def _info(options: Options) -> int:
    return commands.info(_place(options), clips=options.clips, as_json=options.json, screen=PLAIN)


def _export_options(parser: Parser) -> None:
    _add_place(parser)
    _add_clip(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.bvh", help="The BVH file to write.")
    seconds = AtLeast(float, 0)
    parser.add_argument("--start", type=seconds, default=0.0, help="Seconds into the clip to begin at.")
    parser.add_argument("--end", type=seconds, help="Seconds into the clip to end at.")


def _export(options: Options) -> int:
    return commands.export(_place(options), options.clip, options.out, start=options.start, end=options.end)


def _upgrade_options(parser: Parser) -> None:
    _add_library(parser)
    _add_json(parser)


def _upgrade(options: Options) -> int:
    return commands.upgrade(options.library, as_json=options.json, screen=PLAIN)


def _starter_options(parser: Parser) -> None:
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FOLDER", help="Where to write them; made if need be."
    )


def _starter(options: Options) -> int:
    return commands.starter(options.out)


def _apply_options(parser: Parser) -> None:
    from .command_apply import add_command_arguments

    add_command_arguments(parser)


def _check_apply(parser: Parser, options: Options) -> None:
    from .command_apply import check_apply

    check_apply(parser, options)


def _apply(options: Options) -> int:
    from .command_apply import apply, tell

    with _stdout_for_results():
        result = apply(options)
    print(json.dumps(result) if options.json else tell(result))
    return 0


@contextmanager
def _stdout_for_results() -> Iterator[None]:
    """Have all that is printed in the block, also by Blender's C code, go to stderr."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


# What several commands take.


def _add_library(parser: Parser) -> None:
    parser.add_argument("library", type=Path, metavar="LIB", help="The library file, NAME.motionary.")


def _add_place(parser: Parser) -> None:
    parser.add_argument(
        "library",
        metavar="LIB|URL",
        help="The library file, or a served one: https://HOST:PORT/v1/libraries/NAME.",
    )


def _place(options: Options) -> Path | Served:
    """The library that is named, if Blender may ask for it."""
    return commands.place(options.library, why_offline())


def _add_clip(parser: Parser) -> None:
    parser.add_argument("clip", metavar="CLIP", help="A clip's id, its name, or the beginning of its name.")


def _add_model(parser: Parser) -> None:
    parser.add_argument(
        "--model",
        type=Path,
        metavar="BUNDLE",
        help="A model bundle's folder, instead of the built-in model.",
    )


def _add_whole_clips(parser: Parser) -> None:
    parser.add_argument(
        "--whole-clips", action="store_true", help="Tell whole clips, not the moments in them that match."
    )


def _add_top(parser: Parser) -> None:
    parser.add_argument("--top", type=AtLeast(int, 1), default=10, help="How many clips to show.")


def _add_collection(parser: Parser) -> None:
    parser.add_argument(
        "--index",
        dest="collection",
        metavar="ADDRESS",
        help="A Milvus collection that says what to look at: milvus://HOST:PORT/NAME, milvus+lite:FILE.db.",
    )


def _add_blender(parser: Parser) -> None:
    parser.add_argument(
        "--blender",
        type=Path,
        metavar="PATH",
        help="What reads .blend, FBX and glTF: a Blender, or a Python with bpy (found).",
    )


def _find_blender(named: Path | None, *, seconds: float = 600.0) -> Blender | None:
    """What reads such files: the one that was named, or the Blender that this is."""
    this = Path(bpy.app.binary_path) if bpy.app.binary_path else None  # none in pip's module
    return find_blender(named or this, addon=Path(__file__).parent, seconds=seconds)


def _add_json(parser: Parser) -> None:
    parser.add_argument("--json", action="store_true", help="One JSON document on stdout, and nothing else.")


COMMANDS: Mapping[str, Command] = {
    "index": Command(
        "Read motion files into a library; again, only what changed.\n\n"
        "BVH, AMC with its ASF, HumanML3D npy; where there is a Blender, all Actions of .blend, FBX and glTF "
        "files.\n"
        "A captions.csv (columns file,caption,tags) in a folder says what its files show.",
        _index_options,
        _index,
    ),
    "search": Command(
        "Find the clips that match a description best.\n\n"
        'A query may have steps ("walks, then sits"), weights ("walks^2 + waves^0.5") and what is\n'
        'not wanted ("walks -backwards"). Long takes are found by their moments.',
        _search_options,
        _search,
    ),
    "similar": Command(
        "Find the clips that move most like a clip of the library or of a file.\n\n"
        "What moves like its mirror image is found, too, and said to be mirrored.",
        _similar_options,
        _similar,
    ),
    "duplicates": Command(
        "Find the clips of a library that are one motion: copies, cut, scaled, turned, mirrored, on other "
        "rigs.\n\nEach is proved by its joints. Nothing is changed.",
        _duplicates_options,
        _duplicates,
    ),
    "caption": Command(
        "Say in words what clips show, with tags and a file name; again, only what has none yet.\n\n"
        "What can be measured, as way, turns, speed and which hand is raised, is measured, and no caption\n"
        "says otherwise. A captions.csv beside motion files is read by index, and long takes are told\n"
        "moment by moment in a .jsonl.",
        _caption_options,
        _caption,
    ),
    "info": Command("Say what is in a library.", _info_options, _info),
    "export": Command("Write a clip, on its whole source skeleton, as a BVH file.", _export_options, _export),
    "upgrade": Command(
        "Bring a library that an earlier Motionary made up to date.\n\n"
        "Clips, captions, tags and embeddings stay. The library is replaced when all is done, and not\n"
        "before.",
        _upgrade_options,
        _upgrade,
    ),
    "starter": Command(
        "Write the starter clips, made by our own code, as BVH files with captions.csv.",
        _starter_options,
        _starter,
    ),
    "apply": Command(
        "Find a motion by a sentence and put it on a character, without a window.",
        _apply_options,
        _apply,
        _check_apply,
    ),
}
"""By name, in the order of the help."""
