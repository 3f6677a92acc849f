"""The command line: ``motionary index | search | similar | info | export | starter``.

Results go to stdout (with ``--json`` one JSON document and nothing else), progress and failures to stderr.
Exit codes: 0 done, 1 a failure said in one line, 2 wrong usage, 130 interrupted, 141 nobody reads the output.
What only some commands need is imported within them, so that ``--help`` is there at once.
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from motionary import __version__
from motionary.errors import MotionaryError

if TYPE_CHECKING:
    from motionary.index import IndexReport, Progress
    from motionary.search import Hit

__all__ = ["app", "main"]

PIPED_WIDTH = 160
"""Columns of a table that goes to a file or a pipe."""
DEVICES = ("auto", "numpy", "cpu", "cuda", "mps")
"""What may embed: numpy, or torch on a device."""

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
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name may hold what the terminal's encoding does not
            stream.reconfigure(errors="backslashreplace")
    app(prog_name="motionary")


@contextmanager
def _told_in_one_line() -> Iterator[None]:
    """Around a command: what the user can act on, and what the system refuses, without a traceback."""
    try:
        yield
        sys.stdout.flush()
    except MotionaryError as error:
        _complain(str(error))
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        _complain("interrupted")
        raise typer.Exit(130) from None
    except BrokenPipeError:
        # Whoever read the output, as `head` does, has gone; Python would complain once more on flushing it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(141) from None
    except OSError as error:
        _complain(f"{error.filename or 'the system'}: {error.strerror or error}")
        raise typer.Exit(1) from None


LibraryPath = Annotated[Path, typer.Argument(metavar="LIB", help="The library file, NAME.motionary.")]
ClipName = Annotated[
    str, typer.Argument(metavar="CLIP", help="A clip's id, its name, or the beginning of its name.")
]
ModelPath = Annotated[
    Path | None,
    typer.Option("--model", metavar="BUNDLE", help="A model bundle's folder, instead of the built-in model."),
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
@_told_in_one_line()
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
            metavar="|".join(DEVICES),
            help="What embeds. auto: a GPU, where there is one and the train extra is installed; else numpy.",
        ),
    ] = "auto",
    blender: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="What reads .blend, FBX and glTF: a Blender, or a Python with bpy (found).",
        ),
    ] = None,
    blender_seconds: Annotated[
        float, typer.Option(min=1, help="Seconds that Blender may take over one file.")
    ] = 600.0,
    prune: Annotated[
        bool, typer.Option("--prune", help="Drop clips whose files are no longer in SOURCE.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Read motion files into a library; again, only what changed.

    BVH, AMC with its ASF, HumanML3D npy; where there is a Blender, all Actions of .blend, FBX and glTF files.
    A captions.csv (columns file,caption,tags) in a folder says what its files show.
    """
    if not sources and not reembed:
        raise typer.BadParameter("give a SOURCE: a motion file or a folder of them", param_hint="SOURCE")
    if device not in DEVICES:
        raise typer.BadParameter(f"{device!r} is none of {', '.join(DEVICES)}", param_hint="--device")
    from motionary.blender_files import find_blender
    from motionary.bundle import load_bundle
    from motionary.device import embed_on
    from motionary.index import IndexReport, embed_again, index_files
    from motionary.library import clip_ids, open_library

    bundle = load_bundle(model)
    is_new = not library.exists()
    if is_new and not sources:
        raise MotionaryError(f"{library}: no such library to embed again")
    embed = embed_on(device, bundle)
    again = report = IndexReport()
    try:
        with open_library(library, write=True) as held:
            if reembed:
                with _progress("Embedding") as progress:
                    again = embed_again(held, bundle, workers=workers, embed=embed, progress=progress)
            if sources:
                with _progress("Indexing") as progress:
                    report = index_files(
                        sources,
                        held,
                        bundle,
                        workers=workers,
                        fps=fps,
                        prune=prune,
                        reread=reread,
                        embed=embed,
                        blender=partial(find_blender, blender, seconds=blender_seconds),
                        progress=progress,
                    )
            is_empty = not clip_ids(held)
    except KeyboardInterrupt:
        _complain(f"interrupted; what was finished is in {library}: run the same command again to go on")
        raise typer.Exit(130) from None
    if is_new and is_empty:
        library.unlink()
    failures = again.failures + report.failures
    if as_json:
        done = asdict(report) | {"embedded": again.embedded, "failures": failures}
        _print_json({"library": str(library), "failed": len(failures), **done})
    else:
        print(_summary(again, report))
    if failures:
        raise typer.Exit(1)


@app.command()
@_told_in_one_line()
def search(
    library: LibraryPath,
    query: Annotated[str, typer.Argument(help='What the motion shows, as in "a person waves".')],
    top: Top = 10,
    model: ModelPath = None,
    as_json: Json = False,
) -> None:
    """Find the clips that match a description best."""
    from motionary.bundle import load_bundle
    from motionary.library import open_library
    from motionary.search import search as find

    with open_library(library) as held:
        hits = find(held, load_bundle(model), query, top)
    _show_hits(hits, {"library": str(library), "query": query}, as_json)


@app.command()
@_told_in_one_line()
def similar(library: LibraryPath, clip: ClipName, top: Top = 10, as_json: Json = False) -> None:
    """Find the clips that move most like a clip of the library."""
    from motionary.library import clip_info, find_clip, open_library
    from motionary.search import similar as find

    with open_library(library) as held:
        number = find_clip(held, clip)
        hits, info = find(held, number, top), clip_info(held, number)
    _show_hits(hits, {"library": str(library), "clip": number, "name": info.name}, as_json)


@app.command()
@_told_in_one_line()
def info(
    library: LibraryPath,
    clips: Annotated[bool, typer.Option("--clips", help="List every clip.")] = False,
    as_json: Json = False,
) -> None:
    """Say what is in a library."""
    from motionary.library import clip_ids, clip_info, open_library, summary

    with open_library(library) as held:
        counts, model = asdict(summary(held)), held.model
        listed = [clip_info(held, number) for number in clip_ids(held)] if clips else []
    size = library.stat().st_size
    if as_json:
        named = model and {"id": model.id, "name": model.name, "joint_dim": model.joint_dim}
        document = {"library": str(library), "bytes": size, "model": named, **counts}
        if clips:
            document["clip_list"] = [asdict(clip) | {"duration_s": clip.duration} for clip in listed]
        _print_json(document)
        return
    rows = {
        "library": f"{library} ({size / 1e6:.1f} MB)",
        "model": f"{model.name} ({model.id[:8]}), {model.joint_dim} dimensions" if model else "none",
        "clips": f"{counts['clips']} of {counts['sources']} files, {counts['duration_s'] / 60:.1f} minutes",
        "windows": f"{counts['embeddings']} embedded",
        "captions": str(counts["captions"]),
        "skeletons": str(counts["skeletons"]),
        "tags": ", ".join(f"{tag} {count}" for tag, count in list(counts["tags"].items())[:20]) or "none",
    }
    _print_table((), rows.items())
    if clips:
        _print_table(
            ("id", "name", "seconds", "fps", "caption", "source"),
            (
                (str(c.id), c.name, f"{c.duration:.1f}", f"{c.fps:g}", _first(c.captions), c.source)
                for c in listed
            ),
        )


@app.command()
@_told_in_one_line()
def export(
    library: LibraryPath,
    clip: ClipName,
    out: Annotated[Path, typer.Option(metavar="FILE.bvh", help="The BVH file to write.")],
    start: Annotated[float, typer.Option(min=0, help="Seconds into the clip to begin at.")] = 0.0,
    end: Annotated[float | None, typer.Option(min=0, help="Seconds into the clip to end at.")] = None,
) -> None:
    """Write a clip, on its whole source skeleton, as a BVH file."""
    from motionary.formats import write_bvh
    from motionary.library import find_clip, load_clip, open_library
    from motionary.motion import slice_frames

    if out.suffix.lower() != ".bvh":
        raise typer.BadParameter(f"{out} does not end in .bvh", param_hint="--out")
    with open_library(library) as held:
        found = load_clip(held, find_clip(held, clip))
    motion = found.motion
    first, last = round(start * motion.fps), round((motion.duration if end is None else end) * motion.fps)
    if not first < min(last, motion.frames):
        raise MotionaryError(
            f"{found.name} lasts {motion.duration:.2f} s and has no frame from --start {start:g} s to "
            + ("its end" if end is None else f"--end {end:g} s")
        )
    part = slice_frames(motion, first, min(last, motion.frames))
    write_bvh(part, out)
    print(f"wrote {out}: {found.name}, {part.duration:.2f} s at {part.fps:g} fps")


@app.command()
@_told_in_one_line()
def starter(
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where to write them; made if need be.")],
) -> None:
    """Write the starter clips, made by our own code, as BVH files with captions.csv."""
    from motionary.starter import write_starter

    print(f"wrote {len(write_starter(out))} clips and their captions to {out}")


def _summary(again: IndexReport, report: IndexReport) -> str:
    clips = f" ({report.clips} clips)" if report.clips != report.indexed else ""
    parts = [f"indexed {report.indexed}{clips}", f"skipped {report.unchanged} unchanged"]
    parts += [f"embedded {again.embedded} clips again"] if again.embedded else []
    parts += [f"removed {report.removed}"] if report.removed else []
    return ", ".join([*parts, f"failed {len(again.failures) + len(report.failures)}"])


@contextmanager
def _progress(title: str) -> Iterator[Callable[[Progress], None]]:
    """A bar on a terminal; elsewhere only what there is to say, a line each."""
    if not sys.stderr.isatty():
        yield _complain_of
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar
    from rich.text import Text

    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)

        def show(step: Progress) -> None:
            bar.update(task, completed=step.done, total=step.total)
            for line in _lines(step):
                bar.console.print(Text(f"motionary: {_plain(line)}"), soft_wrap=True)

        yield show


def _complain_of(step: Progress) -> None:
    for line in _lines(step):
        _complain(line)


def _lines(step: Progress) -> list[str]:
    """What there is to say of a file: why it failed, and what in it is no clip."""
    return [*([step.failure] if step.failure else []), *step.notes]


def _show_hits(hits: Sequence[Hit], asked: dict[str, Any], as_json: bool) -> None:
    if as_json:
        _print_json({**asked, "results": [asdict(hit) for hit in hits]})
    elif not hits:
        print("no clips")
    else:
        _print_table(
            ("rank", "score", "clip", "seconds", "caption", "tags"),
            (
                (
                    str(hit.rank),
                    f"{hit.score:.3f}",
                    f"{hit.name} ({hit.clip})",
                    f"{hit.start_s:.1f}-{hit.end_s:.1f}",
                    _first(hit.captions),
                    ", ".join(hit.tags),
                )
                for hit in hits
            ),
        )


def _print_table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Rows under titles; without titles, names and what they are."""
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=None if sys.stdout.isatty() else PIPED_WIDTH, highlight=False)
    table = Table(*titles, box=SIMPLE, show_header=bool(titles), show_edge=False)
    for row in rows:
        table.add_row(*(Text(_plain(cell), overflow="fold") for cell in row))
    console.print(table)


def _print_json(document: dict[str, Any]) -> None:
    print(json.dumps(document, indent=2))


def _complain(message: str) -> None:
    print(f"motionary: {_plain(message)}", file=sys.stderr)


def _plain(text: str) -> str:
    """``text`` on one line and without what would steer a terminal, for names come from anywhere."""
    return "".join(letter if letter.isprintable() else " " if letter.isspace() else "?" for letter in text)


def _first(captions: Sequence[str]) -> str:
    return captions[0] if captions else ""
