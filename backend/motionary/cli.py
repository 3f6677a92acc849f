"""The command line: ``motionary index | search | similar | duplicates | caption | info | export | upgrade |
serve | starter``.

Results go to stdout (with ``--json`` one JSON document and nothing else), progress and failures to stderr.
Exit codes: 0 done, 1 a failure said in one line, 2 wrong usage, 130 interrupted, 141 nobody reads the output.
Here are the options alone: what a command does is in `motionary.commands`, for the Blender extension's
command.py has the same commands, `serve` aside, and options (a test compares them).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from motionary import __version__, commands
from motionary.screen import PLAIN, Screen, one_line, progress_lines, run_command, show_any_name

if TYPE_CHECKING:
    from motionary.index import Progress

__all__ = ["app", "main"]

PIPED_WIDTH = 160
"""Columns of a table that goes to a file or a pipe."""

app = typer.Typer(
    name="motionary",
    help="A motion dictionary: index motion files, find clips by describing them, take them out again.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command that the process was started with."""
    show_any_name()
    app(prog_name="motionary")


def _leave(command: Callable[[], int]) -> None:
    """Run a command and leave with its exit code."""
    try:
        code = run_command(command)
    except commands.WrongUsage as error:
        raise typer.BadParameter(str(error), param_hint=error.option) from None
    if code:
        raise typer.Exit(code)


LibraryPath = Annotated[Path, typer.Argument(metavar="LIB", help="The library file, NAME.motionary.")]
LibraryPlace = Annotated[
    str,
    typer.Argument(
        metavar="LIB|URL", help="The library file, or a served one: https://HOST:PORT/v1/libraries/NAME."
    ),
]
ClipName = Annotated[
    str, typer.Argument(metavar="CLIP", help="A clip's id, its name, or the beginning of its name.")
]
ModelPath = Annotated[
    Path | None,
    typer.Option("--model", metavar="BUNDLE", help="A model bundle's folder, instead of the built-in model."),
]
WholeClips = Annotated[
    bool, typer.Option("--whole-clips", help="Tell whole clips, not the moments in them that match.")
]
BlenderPath = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH", help="What reads .blend, FBX and glTF: a Blender, or a Python with bpy (found)."
    ),
]
Collection = Annotated[
    str | None,
    typer.Option(
        "--index",
        metavar="ADDRESS",
        help="A Milvus collection that says what to look at: milvus://HOST:PORT/NAME, milvus+lite:FILE.db.",
    ),
]
Top = Annotated[int, typer.Option("--top", min=1, help="How many clips to show.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, and nothing else.")]


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"motionary {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version and leave."),
    ] = False,
) -> None:
    """Options that come before a command."""


@app.command()
def index(
    library: Annotated[Path, typer.Option(metavar="LIB", help="The library file; made where there is none.")],
    sources: Annotated[
        list[Path] | None,
        typer.Argument(metavar="SOURCE...", help="Motion files, and folders with all below them."),
    ] = None,
    model: ModelPath = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that read files; one a core if not given.")
    ] = None,
    fps: Annotated[
        float | None, typer.Option(help="Frames a second of these files, where their headers are wrong.")
    ] = None,
    reread: Annotated[
        bool,
        typer.Option("--reread", help="Read unchanged files, too: after a change to an ASF or trials.csv."),
    ] = False,
    reembed: Annotated[
        bool, typer.Option("--reembed", help="First embed what the library holds with this model.")
    ] = False,
    device: Annotated[
        str,
        typer.Option(
            metavar="|".join(commands.DEVICES),
            help="What embeds. auto: a GPU, where there is one and the train extra is installed; else numpy.",
        ),
    ] = "auto",
    blender: BlenderPath = None,
    blender_seconds: Annotated[
        float, typer.Option(min=1, help="Seconds that Blender may take over one file.")
    ] = 600.0,
    prune: Annotated[
        bool, typer.Option("--prune", help="Drop clips whose files are no longer in SOURCE.")
    ] = False,
    ray: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="A Ray cluster that reads and embeds: HOST:PORT, ray://HOST:PORT, auto, or local (its own).",
        ),
    ] = None,
    collection: Annotated[
        str | None,
        typer.Option(
            "--index",
            metavar="ADDRESS",
            help="A Milvus collection to fill, too: milvus://HOST:PORT/NAME, or milvus+lite:FILE.db.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Read motion files into a library; again, only what changed.

    BVH, AMC with its ASF, HumanML3D npy; where there is a Blender, all Actions of .blend, FBX and glTF files.
    A captions.csv (columns file,caption,tags) in a folder says what its files show.
    """

    def work() -> int:
        from motionary.blender_files import find_blender

        return commands.index(
            library,
            sources or (),
            model=model,
            workers=workers,
            fps=fps,
            reread=reread,
            reembed=reembed,
            device=device,
            find_blender=partial(find_blender, blender, seconds=blender_seconds),
            prune=prune,
            ray=ray,
            milvus=collection,
            as_json=as_json,
            screen=RICH,
        )

    _leave(work)


@app.command()
def search(
    library: LibraryPlace,
    query: Annotated[str, typer.Argument(help='What the motion shows, as in "a person waves".')],
    without: Annotated[
        list[str] | None,
        typer.Option("--not", metavar="TEXT", help="What it does not show; may be repeated."),
    ] = None,
    min_seconds: Annotated[
        float, typer.Option(min=0, help="Only clips that last this many seconds or more.")
    ] = 0.0,
    max_seconds: Annotated[
        float | None, typer.Option(min=0, help="Only clips that last this many seconds or less.")
    ] = None,
    min_distance: Annotated[
        float, typer.Option(min=0, help="Only moments that get this many metres away or more.")
    ] = 0.0,
    max_distance: Annotated[
        float | None, typer.Option(min=0, help="Only moments that get this many metres away or less.")
    ] = None,
    loopable: Annotated[
        bool, typer.Option("--loopable", help="Only what meets its own beginning at its end.")
    ] = False,
    hand: Annotated[
        str, typer.Option(metavar="left|right|both", help="Only where this hand is at work.")
    ] = "",
    tags: Annotated[
        list[str] | None, typer.Option("--tag", help="Only clips with this tag; may be repeated.")
    ] = None,
    source: Annotated[str, typer.Option(help="Only clips from files whose path holds this text.")] = "",
    starred: Annotated[bool, typer.Option("--starred", help="Only clips that have a star.")] = False,
    whole_clips: WholeClips = False,
    top: Top = 10,
    model: ModelPath = None,
    collection: Collection = None,
    as_json: Json = False,
) -> None:
    """Find the clips that match a description best.

    A query may have steps ("walks, then sits"), weights ("walks^2 + waves^0.5") and what is
    not wanted ("walks -backwards"). Long takes are found by their moments.
    """

    def find() -> int:
        from motionary.filters import Filter

        wanted = Filter(
            min_s=min_seconds,
            max_s=max_seconds,
            tags=tuple(tags or ()),
            source=source,
            starred=starred,
            min_distance=min_distance,
            max_distance=max_distance,
            loops=loopable,
            hand=hand,
        )
        return commands.search(
            commands.place(library),
            query,
            without=without or (),
            wanted=wanted,
            top=top,
            whole_clips=whole_clips,
            model=model,
            milvus=collection,
            as_json=as_json,
            screen=RICH,
        )

    _leave(find)


@app.command()
def similar(
    library: LibraryPlace,
    clip: Annotated[
        str,
        typer.Argument(
            metavar="CLIP|FILE",
            help="A clip's id, its name or the beginning of it; or a motion file, FILE or FILE#CLIP.",
        ),
    ],
    whole_clips: WholeClips = False,
    top: Top = 10,
    model: ModelPath = None,
    blender: BlenderPath = None,
    collection: Collection = None,
    as_json: Json = False,
) -> None:
    """Find the clips that move most like a clip of the library or of a file.

    What moves like its mirror image is found, too, and said to be mirrored.
    """

    def find() -> int:
        from motionary.blender_files import find_blender

        return commands.similar(
            commands.place(library),
            clip,
            top=top,
            whole_clips=whole_clips,
            model=model,
            find_blender=partial(find_blender, blender),
            milvus=collection,
            as_json=as_json,
            screen=RICH,
        )

    _leave(find)


@app.command()
def duplicates(
    library: LibraryPath,
    sure: Annotated[
        float, typer.Option(help="How sure it has to be that two clips are one motion, up to 1.")
    ] = 0.5,
    as_json: Json = False,
) -> None:
    """Find the clips of a library that are one motion: copies, cut, scaled, turned, mirrored, on other rigs.

    Each is proved by its joints. Nothing is changed.
    """
    _leave(lambda: commands.duplicates(library, sure=sure, as_json=as_json, screen=RICH))


@app.command()
def caption(
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="LIB|SOURCE...", help="Libraries, motion files, and folders with all below them."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a captions.csv, or a .jsonl with all that was measured."),
    ] = None,
    sidecar: Annotated[
        bool, typer.Option("--sidecar", help="Write NAME.captions.txt beside every motion file.")
    ] = False,
    bank: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="More sentences: a text file, one a line, or a folder of them."),
    ] = None,
    top: Annotated[int, typer.Option("--top", min=1, help="How many captions a clip gets.")] = 1,
    again: Annotated[bool, typer.Option("--again", help="Caption anew what was captioned before.")] = False,
    review: Annotated[
        Path | None,
        typer.Option(metavar="PAGE.html", help="Write a page to look the captions through and correct them."),
    ] = None,
    apply: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write what that page saved, or a captions.csv, into LIB instead."),
    ] = None,
    to_files: Annotated[
        bool, typer.Option("--to-files", help="With --apply, correct the captions.csv of the files, too.")
    ] = False,
    model: ModelPath = None,
    blender: BlenderPath = None,
    as_json: Json = False,
) -> None:
    """Say in words what clips show, with tags and a file name; again, only what has none yet.

    What can be measured, as way, turns, speed and which hand is raised, is measured, and no caption says
    otherwise. A captions.csv beside motion files is read by index, and long takes are told moment by moment
    in a .jsonl.
    """

    def work() -> int:
        from motionary.blender_files import find_blender

        return commands.caption(
            sources,
            out=out,
            sidecar=sidecar,
            banks=bank or (),
            top=top,
            again=again,
            review=review,
            corrections=apply,
            to_files=to_files,
            model=model,
            find_blender=partial(find_blender, blender),
            as_json=as_json,
            screen=RICH,
        )

    _leave(work)


@app.command()
def info(
    library: LibraryPlace,
    clips: Annotated[bool, typer.Option("--clips", help="List every clip.")] = False,
    as_json: Json = False,
) -> None:
    """Say what is in a library."""
    _leave(lambda: commands.info(commands.place(library), clips=clips, as_json=as_json, screen=RICH))


@app.command()
def export(
    library: LibraryPlace,
    clip: ClipName,
    out: Annotated[Path, typer.Option(metavar="FILE.bvh", help="The BVH file to write.")],
    start: Annotated[float, typer.Option(min=0, help="Seconds into the clip to begin at.")] = 0.0,
    end: Annotated[float | None, typer.Option(min=0, help="Seconds into the clip to end at.")] = None,
) -> None:
    """Write a clip, on its whole source skeleton, as a BVH file."""
    _leave(lambda: commands.export(commands.place(library), clip, out, start=start, end=end))


@app.command()
def upgrade(library: LibraryPath, as_json: Json = False) -> None:
    """Bring a library that an earlier Motionary made up to date.

    Clips, captions, tags and embeddings stay. The library is replaced when all is done, and not before.
    """
    _leave(lambda: commands.upgrade(library, as_json=as_json, screen=RICH))


@app.command()
def starter(
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where to write them; made if need be.")],
) -> None:
    """Write the starter clips, made by our own code, as BVH files with captions.csv."""
    _leave(lambda: commands.starter(out))


@app.command()
def serve(
    libraries: Annotated[
        list[Path] | None,
        typer.Argument(metavar="LIB...", help="Libraries; each is served under its file's name."),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE.toml", help="What to serve and how; options go before what it says."),
    ] = None,
    host: Annotated[
        str | None, typer.Option(help="The address to listen on; 127.0.0.1, this machine, if not given.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=0, help="The port to listen on; 8423 if not given, 0 for any.")
    ] = None,
    tokens: Annotated[
        Path | None,
        typer.Option(metavar="FILE.toml", help="Who may read what: hashes of tokens, and libraries."),
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option(metavar="FILE.pem", help="Serve by https, with this certificate.")
    ] = None,
    key: Annotated[Path | None, typer.Option(metavar="FILE", help="The certificate's private key.")] = None,
    model: ModelPath = None,
    new_token: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Serve nothing: make a token for NAME, and print it once."),
    ] = None,
    may_read: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LIBRARY",
            help="With --new-token, a library that it may read, by its name; may be repeated.",
        ),
    ] = None,
) -> None:
    """Serve libraries to a team over HTTP, to be searched and read, not changed.

    Needs pip install "motionary[scale]". Other machines than this one have to show a token.
    """
    _leave(
        lambda: commands.serve(
            libraries or (),
            config=config,
            host=host,
            port=port,
            tokens=tokens,
            certificate=certificate,
            key=key,
            model=model,
            new_token=new_token,
            names=may_read or (),
        )
    )


@contextmanager
def _bar(title: str) -> Iterator[Callable[[Progress], None]]:
    """A bar on a terminal; elsewhere only what there is to say, a line each."""
    if not sys.stderr.isatty():
        with PLAIN.progress(title) as show:
            yield show
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar
    from rich.text import Text

    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)

        def move(step: Progress) -> None:
            bar.update(task, completed=step.done, total=step.total)
            for line in progress_lines(step):
                bar.console.print(Text(f"motionary: {one_line(line)}"), soft_wrap=True)

        yield move


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=None if sys.stdout.isatty() else PIPED_WIDTH, highlight=False)
    table = Table(*titles, box=SIMPLE, show_header=bool(titles), show_edge=False)
    for row in rows:
        table.add_row(*(Text(one_line(cell), overflow="fold") for cell in row))
    console.print(table)


RICH = Screen(_table, _bar)
"""Tables and bars that fit the terminal."""
