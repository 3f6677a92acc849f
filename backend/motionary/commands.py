"""What every command does, whatever parses its options.

`motionary.cli` is the terminal's command line, by typer, and the Blender extension's command.py is that of
``blender --command motionary``, by argparse: both only name the options, the same ones, and call what is
here. A command prints its result on stdout (as_json: one JSON document and nothing else) and returns the exit
code. What only some commands need is imported within them, so that ``--help`` is there at once.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motionary.errors import MotionaryError
from motionary.screen import Screen, complain, one_line, print_json

if TYPE_CHECKING:
    from motionary.blender_files import Blender
    from motionary.candidates import Finder
    from motionary.filters import Filter
    from motionary.index import IndexReport
    from motionary.library import ClipInfo, Library
    from motionary.motion import Motion
    from motionary.remote import Served
    from motionary.search import Hit

__all__ = [
    "DEVICES",
    "WrongUsage",
    "caption",
    "duplicates",
    "export",
    "index",
    "info",
    "place",
    "search",
    "similar",
    "starter",
    "upgrade",
]

DEVICES = ("auto", "numpy", "cpu", "cuda", "mps")
"""What may embed: numpy, or torch on a device."""


class WrongUsage(Exception):  # noqa: N818
    """Options that make no sense. option: the one to look at, as it is typed."""

    def __init__(self, message: str, option: str) -> None:
        super().__init__(message)
        self.option = option


def place(library: str, offline: str = "") -> Path | Served:
    """The library that a command line names: a file, or the address of a served one, which is asked with the
    token of the environment. offline: why no other machine may be asked, with the cure; "" where any may.

    Raises MotionaryError.
    """
    if "://" not in library:
        return Path(library)
    from motionary.remote import place_of

    return place_of(library, offline)


def index(
    library: Path,
    sources: Sequence[Path],
    *,
    model: Path | None,
    workers: int | None,
    fps: float | None,
    reread: bool,
    reembed: bool,
    device: str,
    find_blender: Callable[[], Blender | None],
    prune: bool,
    ray: str | None,
    milvus: str | None,
    as_json: bool,
    screen: Screen,
) -> int:
    """Read files and folders into a library; 1 where some failed, each told in a line.

    find_blender: what reads .blend, FBX and glTF, looked for when there is such a file. ray: the address of a
    Ray cluster that does it, as for `motionary.index_library.index_library`. milvus: the address of a
    collection that is brought up to date with the library then. The other options are those of
    `motionary.index.index_files`. Raises WrongUsage and MotionaryError.
    """
    if not sources and not reembed and milvus is None:
        raise WrongUsage("give a SOURCE: a motion file or a folder of them", "SOURCE")
    if device not in DEVICES:
        raise WrongUsage(f"{device!r} is none of {', '.join(DEVICES)}", "--device")
    if ray is not None and reembed:
        raise WrongUsage("reads files; embed what the library holds again without it", "--ray")
    from motionary.index import IndexReport
    from motionary.index_library import index_library

    if milvus is not None:
        _milvus("milvus").parse_place(milvus)  # a slip is to be told before an hour of work
    report, filled = IndexReport(), None
    try:
        if sources or reembed:
            report = index_library(
                library,
                sources,
                model=model,
                device=device,
                find_blender=find_blender,
                watch=screen.progress,
                workers=workers,
                fps=fps,
                prune=prune,
                reread=reread,
                reembed=reembed,
                ray=ray,
            )
        if milvus is not None:
            filled = _fill(library, milvus, screen)
    except KeyboardInterrupt:
        complain(f"interrupted; what was finished is in {library}: run the same command again to go on")
        return 130
    if as_json:
        document = {"library": str(library), "failed": len(report.failures), **asdict(report)}
        print_json(document if filled is None else document | {"index": filled})
    else:
        if sources or reembed:
            print(_summary(report))
        if filled is not None:
            print(f"{milvus}: {', '.join(f'{what} {count}' for what, count in filled.items())} embeddings")
    return 1 if report.failures else 0


def _fill(library: Path, address: str, screen: Screen) -> dict[str, int]:
    """Bring a collection of Milvus up to date with a library; how many embeddings were added, removed and
    kept."""
    from motionary.library import open_library

    with open_library(library) as held, screen.progress("Milvus") as progress:
        filled: dict[str, int] = asdict(_milvus("milvus_fill").fill_index(held, address, progress=progress))
    return filled


@contextmanager
def _finder(library: Library, address: str) -> Iterator[Finder]:
    """What finds candidates by a collection of Milvus, which says so where it is not up to date."""
    with _milvus("milvus").finder(address, library) as finder:
        if finder.earlier:
            complain(finder.earlier)
        yield finder


def _milvus(module: str) -> Any:
    """A module of motionary_scale; MotionaryError where that is not installed, as in Blender."""
    try:
        return importlib.import_module(f"motionary_scale.{module}")
    except ImportError as error:
        reason = " ".join(str(error).split())
        raise MotionaryError(
            f'--index cannot be had here ({reason}): pip install "motionary[scale]", or leave --index out'
        ) from None


def search(
    library: Path | Served,
    query: str,
    *,
    without: Sequence[str],
    wanted: Filter,
    top: int,
    whole_clips: bool,
    model: Path | None,
    milvus: str | None,
    as_json: bool,
    screen: Screen,
) -> int:
    """Find the clips that match a description best, of those that pass ``wanted``. Raises MotionaryError.

    Words that nobody knows are taken for slips; that is said on stderr, and also where the answer is unsure.
    milvus: the address of a collection that says what to look at, in place of all. A served library is
    searched by its server's model. Raises WrongUsage for what a server does not take.
    """
    if not isinstance(library, Path):
        from motionary.remote_commands import search as ask

        _refuse_index(milvus)
        if without:
            raise WrongUsage('say it in the query of a served library, as in "walks -backwards"', "--not")
        hits, taken = ask(library, query, top, wanted=wanted, whole_clips=whole_clips)
        return _show_found(library, query, taken, hits, as_json, screen)
    from motionary.bundle import load_bundle
    from motionary.candidates import chosen_by
    from motionary.confidence import background, background_of, no_motion, told_how_sure
    from motionary.filters import rows_that_pass
    from motionary.keywords import understood
    from motionary.library import open_library
    from motionary.search import check_model
    from motionary.search import search as find

    with open_library(library) as held:
        bundle = load_bundle(model)
        taken = understood(held, query, bundle.known_words)
        if milvus is None:
            passing = rows_that_pass(held, wanted)
            hits = find(held, bundle, taken, top, without=without, among=passing, whole_clips=whole_clips)
            behind = background(held.embeddings.vectors, no_motion(bundle))
        else:
            check_model(held, bundle)
            with _finder(held, milvus) as finder:
                choose = chosen_by(held, finder.nearest, wanted)
                hits = find(held, bundle, taken, top, without=without, choose=choose, whole_clips=whole_clips)
                behind = background_of(finder.best_cosines(no_motion(bundle)))
        hits = told_how_sure(hits, behind, bundle.familiarity(query))
    return _show_found(library, query, taken, hits, as_json, screen)


def _refuse_index(milvus: str | None) -> None:
    if milvus is not None:
        raise WrongUsage(
            "is for a library's file; a served library is searched as its server does", "--index"
        )


def _show_found(
    library: Path | Served, query: str, taken: str, hits: Sequence[Hit], as_json: bool, screen: Screen
) -> int:
    """Say what a query found, as what it was taken, and where that is unsure."""
    from motionary.confidence import is_unsure

    if taken != query:
        complain(f"searching for {taken!r}")
    unsure = is_unsure(hits)
    if unsure:
        complain("unsure: this library may have nothing of the kind; these come nearest")
    asked = {"library": str(library), "query": query, "understood": taken, "unsure": unsure}
    _show_hits(hits, asked, as_json, screen)
    return 0


def similar(
    library: Path | Served,
    clip: str,
    *,
    top: int,
    whole_clips: bool,
    model: Path | None,
    find_blender: Callable[[], Blender | None],
    milvus: str | None,
    as_json: bool,
    screen: Screen,
) -> int:
    """Find the clips that move most like a clip of the library or of a file, or like its mirror image.

    clip: "FILE" or "FILE#Clip", where there is such a file, else one of the library's; of a served library an
    id. milvus: as for `search`. Raises WrongUsage and MotionaryError.
    """
    asked: dict[str, Any] = {"library": str(library)}
    if not isinstance(library, Path):
        from motionary.remote_commands import similar as ask

        _refuse_index(milvus)
        info, hits = ask(library, clip, top, whole_clips=whole_clips)
        _show_hits(hits, asked | {"clip": info.id, "name": info.name}, as_json, screen)
        return 0
    from motionary.bundle import load_bundle
    from motionary.candidates import chosen_by
    from motionary.filters import Filter
    from motionary.library import clip_info, find_clip, open_library
    from motionary.motion_file import is_motion_file, read_one_clip
    from motionary.search import similar as find
    from motionary.search import similar_to_motion

    with (
        open_library(library) as held,
        nullcontext() if milvus is None else _finder(held, milvus) as finder,
    ):
        bundle = load_bundle(model)
        choose = None if finder is None else chosen_by(held, finder.nearest, Filter())
        if is_motion_file(clip):
            one = read_one_clip(clip, find_blender)
            hits = similar_to_motion(held, bundle, one.motion, top, choose=choose, whole_clips=whole_clips)
            asked |= {"file": clip, "name": one.name}
        else:
            number = find_clip(held, clip)
            hits = find(held, number, top, bundle=bundle, choose=choose, whole_clips=whole_clips)
            asked |= {"clip": number, "name": clip_info(held, number).name}
    _show_hits(hits, asked, as_json, screen)
    return 0


def duplicates(library: Path, *, sure: float, as_json: bool, screen: Screen) -> int:
    """Find the clips of a library that are one motion. Raises WrongUsage and MotionaryError."""
    if not 0.0 < sure <= 1.0:
        raise WrongUsage(f"{sure:g} is no share; give more than 0 and up to 1", "--sure")
    from motionary.duplicates import find_duplicates
    from motionary.library import open_library

    with open_library(library) as held, screen.progress("Comparing") as progress:
        groups = find_duplicates(held, sure=sure, progress=progress)
    if as_json:
        print_json(
            {
                "library": str(library),
                "groups": [
                    {
                        "keep": _told_clip(group.first),
                        "twins": [
                            _told_clip(twin.clip)
                            | {
                                "kinds": twin.kinds,
                                "sure": twin.sure,
                                "degrees": twin.degrees,
                                "start_s": twin.start_s,
                            }
                            for twin in group.twins
                        ],
                    }
                    for group in groups
                ],
            }
        )
        return 0
    if not groups:
        print("no clip is another's copy")
        return 0
    rows = []
    for number, group in enumerate(groups, 1):
        first = group.first
        rows.append((str(number), "", _named(first), "", f"{first.duration:.1f}", first.source))
        for twin in group.twins:
            what = ", ".join(twin.kinds) or "the same"
            seconds = f"{twin.clip.duration:.1f}"
            rows.append(("", f"{twin.sure:.0%}", _named(twin.clip), what, seconds, twin.clip.source))
    screen.table(("group", "sure", "clip", "what it is of the first", "seconds", "source"), rows)
    count = sum(len(group.twins) for group in groups)
    print(f"{_number(count, 'clip')} in {_number(len(groups), 'group')} could go; nothing was changed")
    return 0


def caption(
    sources: Sequence[Path],
    *,
    out: Path | None,
    sidecar: bool,
    banks: Sequence[Path],
    top: int,
    again: bool,
    review: Path | None,
    corrections: Path | None,
    to_files: bool,
    model: Path | None,
    find_blender: Callable[[], Blender | None],
    as_json: bool,
    screen: Screen,
) -> int:
    """Say in words what clips of libraries and motion files show; 1 where some failed, each told in a line.

    out: the .csv or .jsonl to write; what it has already is left alone, unless ``again``. sidecar: a text
    beside each file, likewise. banks: more sentences. review: the page to write. corrections: instead of all
    that, what such a page saved, to be written into the one library of ``sources``, and with ``to_files``
    into the captions.csv beside its files. Raises WrongUsage and MotionaryError.
    """
    if out is not None and out.suffix.lower() not in (".csv", ".jsonl"):
        raise WrongUsage(f"{out} ends in neither .csv nor .jsonl", "--out")
    if review is not None and review.suffix.lower() not in (".html", ".htm"):
        raise WrongUsage(f"{review} does not end in .html", "--review")
    if corrections is not None:
        return _apply_corrections(sources, corrections, to_files, as_json)
    if to_files:
        raise WrongUsage("goes with --apply", "--to-files")
    from motionary.bundle import load_bundle
    from motionary.captions.bank import open_bank
    from motionary.captions.batch import Row, caption_everything
    from motionary.captions.review import Card, cards_of, write_page
    from motionary.index import Progress
    from motionary.library import clip_motion

    cards: list[Card] = []

    def show_card(library: Library, row: Row) -> None:
        cards.extend(cards_of(row, clip_motion(library, row.clip.id)))

    bundle = load_bundle(model)
    with screen.progress("Sentences") as show:
        bank = open_bank(bundle, banks, progress=lambda done, total: show(Progress(done, total, "")))
    try:
        with screen.progress("Captions") as progress:
            report = caption_everything(
                sources,
                bundle,
                bank,
                top,
                out=out,
                sidecar=sidecar,
                again=again,
                find_blender=find_blender,
                progress=progress,
                show=None if review is None else show_card,
            )
    except KeyboardInterrupt:
        where = out or ("the sidecars" if sidecar else None)
        kept = f"; what was finished is in {where}: run the same command again to go on" if where else ""
        complain(f"interrupted{kept}")
        return 130
    if review is not None:
        write_page(review, cards, f"Captions of {', '.join(path.name for path in sources)}")
    if as_json:
        print_json(
            {
                "captioned": report.captioned,
                "skipped": report.skipped,
                "failed": len(report.failures),
                "failures": report.failures,
                "clips": report.clips,
            }
        )
    else:
        if out is None and not sidecar and review is None:
            screen.table(
                ("clip", "sure", "caption", "tags", "suggested name"),
                (
                    (
                        clip["name"],
                        _share(clip["captions"][0]["confidence"]) if clip["captions"] else "",
                        clip["captions"][0]["text"] if clip["captions"] else "",
                        ", ".join(clip["tags"]),
                        clip["suggested_name"],
                    )
                    for clip in report.clips
                ),
            )
        skipped = f"skipped {report.skipped} done before, " if report.skipped else ""
        print(f"captioned {report.captioned}, {skipped}failed {len(report.failures)}")
        if review is not None:
            size = review.stat().st_size
            print(f"wrote {review}: {len(cards)} cards, {size / 1e6:.1f} MB; open it in a browser")
    return 1 if report.failures else 0


def _apply_corrections(sources: Sequence[Path], corrections: Path, to_files: bool, as_json: bool) -> int:
    from motionary.captions.corrections import apply_corrections, write_back
    from motionary.library import open_library

    if len(sources) != 1 or sources[0].suffix.lower() != ".motionary":
        raise WrongUsage("corrects one library, NAME.motionary; give that alone", "--apply")
    if not sources[0].exists():
        raise MotionaryError(f"{sources[0]}: no such library")
    with open_library(sources[0], write=True) as library:
        done = apply_corrections(library, corrections)
    written = write_back(done.changed) if to_files else []
    for line in done.failures:
        complain(line)
    if as_json:
        print_json(
            {
                "library": str(sources[0]),
                "corrected": done.corrected,
                "unchanged": done.unchanged,
                "failed": len(done.failures),
                "failures": done.failures,
                "tables": [str(path) for path in written],
            }
        )
    else:
        print(f"corrected {done.corrected}, unchanged {done.unchanged}, failed {len(done.failures)}")
        for path in written:
            print(f"wrote {one_line(str(path))}")
    return 1 if done.failures else 0


def info(library: Path | Served, *, clips: bool, as_json: bool, screen: Screen) -> int:
    """Say what is in a library, and with ``clips`` each of them, which a server does not tell.

    Raises WrongUsage and MotionaryError.
    """
    if not isinstance(library, Path):
        return _served_info(library, clips, as_json, screen)
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
        print_json(document)
        return 0
    rows = {
        "library": f"{library} ({size / 1e6:.1f} MB)",
        "model": f"{model.name} ({model.id[:8]}), {model.joint_dim} dimensions" if model else "none",
        "clips": f"{counts['clips']} of {counts['sources']} files, {counts['duration_s'] / 60:.1f} minutes",
        "windows": f"{counts['embeddings']} embedded",
        "captions": str(counts["captions"]),
        "skeletons": str(counts["skeletons"]),
        "tags": ", ".join(f"{tag} {count}" for tag, count in list(counts["tags"].items())[:20]) or "none",
    }
    screen.table((), rows.items())
    if clips:
        screen.table(
            ("id", "name", "seconds", "fps", "caption", "source"),
            (
                (str(c.id), c.name, f"{c.duration:.1f}", f"{c.fps:g}", _first(c.captions), c.source)
                for c in listed
            ),
        )
    return 0


def _served_info(library: Served, clips: bool, as_json: bool, screen: Screen) -> int:
    from motionary.remote_commands import info as ask

    if clips:
        raise WrongUsage("a served library does not list its clips", "--clips")
    told = ask(library)
    if as_json:
        model = {"id": told.model_id, "name": told.model_name} if told.model_id else None
        counts = {"clips": told.clips, "duration_s": told.seconds, "embeddings": told.embeddings}
        print_json({"library": str(library), "model": model, **counts, "state": told.state})
        return 0
    rows = {
        "library": str(library),
        "model": f"{told.model_name} ({told.model_id[:8]})" if told.model_id else "none",
        "clips": f"{told.clips}, {told.seconds / 60:.1f} minutes",
        "windows": f"{told.embeddings} embedded",
    }
    screen.table((), rows.items())
    return 0


def export(library: Path | Served, clip: str, out: Path, *, start: float, end: float | None) -> int:
    """Write a clip, or its seconds from ``start`` to ``end``, as a BVH file; of a served library, by its id.

    Raises WrongUsage and MotionaryError.
    """
    from motionary.formats import write_bvh

    if out.suffix.lower() != ".bvh":
        raise WrongUsage(f"{out} does not end in .bvh", "--out")
    if isinstance(library, Path):
        name, part = _part(library, clip, start, end)
    else:
        from motionary.remote_commands import part_of

        name, part = part_of(library, clip, partial(_frames, start=start, end=end))
    write_bvh(part, out)
    print(f"wrote {out}: {one_line(name)}, {part.duration:.2f} s at {part.fps:g} fps")
    return 0


def _part(library: Path, clip: str, start: float, end: float | None) -> tuple[str, Motion]:
    """A clip's name, and the part of it that is asked for."""
    from motionary.library import find_clip, load_clip, open_library
    from motionary.motion import slice_frames

    with open_library(library) as held:
        found = load_clip(held, find_clip(held, clip))
    first, last = _frames(found.name, found.motion.frames, found.motion.fps, start=start, end=end)
    return found.name, slice_frames(found.motion, first, last)


def _frames(name: str, frames: int, fps: float, *, start: float, end: float | None) -> tuple[int, int]:
    """The frames [first, last) of a clip's seconds; MotionaryError where it has none there."""
    first, last = round(start * fps), min(frames if end is None else round(end * fps), frames)
    if not first < last:
        raise MotionaryError(
            f"{name} lasts {frames / fps:.2f} s and has no frame from --start {start:g} s to "
            + ("its end" if end is None else f"--end {end:g} s")
        )
    return first, last


def starter(out: Path) -> int:
    """Write the starter clips into a folder. Raises MotionaryError."""
    from motionary.starter import write_starter

    print(f"wrote {len(write_starter(out))} clips and their captions to {out}")
    return 0


def upgrade(library: Path, *, as_json: bool, screen: Screen) -> int:
    """Bring a library of an earlier version up to date. Raises MotionaryError."""
    from motionary.upgrade import upgrade_library

    try:
        with screen.progress("Measuring") as progress:
            done = upgrade_library(library, progress=progress)
    except KeyboardInterrupt:
        complain(f"interrupted; {library} is as it was")
        return 130
    if as_json:
        print_json(
            {
                "library": str(library),
                "before": done.before,
                "after": done.after,
                "clips": done.clips,
                "notes": done.notes,
            }
        )
    elif done.before == done.after:
        print(f"{library} is of version {done.after} already")
    else:
        what = f"{_number(done.clips, 'clip')} measured again"
        print(f"upgraded {library} from version {done.before} to {done.after}: {what}")
    return 0


def serve(
    libraries: Sequence[Path],
    *,
    config: Path | None,
    host: str | None,
    port: int | None,
    tokens: Path | None,
    certificate: Path | None,
    key: Path | None,
    model: Path | None,
    new_token: str | None,
    names: Sequence[str],
) -> int:
    """Serve libraries, to be read, until it is told to stop; or, with ``new_token``, make a token for someone
    of that name, who may read the libraries served as ``names``, () for all. Raises WrongUsage and
    MotionaryError.
    """
    from motionary.many_machines import scale_module

    if names and new_token is None:
        raise WrongUsage("goes with --new-token", "--may-read")
    run = scale_module("serve")
    if new_token is not None:
        if tokens is None:
            raise WrongUsage("name the file of tokens that it goes to, with --tokens", "--new-token")
        print(run.add_token(tokens, new_token, names))
        complain(f"{tokens} has its hash alone; nobody can tell the token again")
        return 0
    code: int = run.serve(
        libraries,
        config=config,
        host=host,
        port=port,
        tokens=tokens,
        certificate=certificate,
        key=key,
        model=model,
    )
    return code


def _summary(report: IndexReport) -> str:
    clips = f" ({report.clips} clips)" if report.clips != report.indexed else ""
    parts = [f"indexed {report.indexed}{clips}", f"skipped {report.unchanged} unchanged"]
    parts += [f"embedded {report.embedded} clips again"] if report.embedded else []
    parts += [f"removed {report.removed}"] if report.removed else []
    return ", ".join([*parts, f"failed {len(report.failures)}"])


def _show_hits(hits: Sequence[Hit], asked: dict[str, Any], as_json: bool, screen: Screen) -> None:
    if as_json:
        print_json({**asked, "results": [asdict(hit) for hit in hits]})
    elif not hits:
        print("no clips")
    else:
        screen.table(
            ("rank", "score", "sure", "clip", "seconds", "caption", "tags"),
            (
                (
                    str(hit.rank),
                    f"{hit.score:.3f}",
                    _share(hit.confidence),
                    f"{hit.name} ({hit.clip})" + (", mirrored" if hit.mirrored else ""),
                    f"{hit.start_s:.1f}-{hit.end_s:.1f}",
                    _first(hit.captions),
                    ", ".join(hit.tags),
                )
                for hit in hits
            ),
        )


def _told_clip(clip: ClipInfo) -> dict[str, Any]:
    return {
        "clip": clip.id,
        "name": clip.name,
        "source": clip.source,
        "duration_s": clip.duration,
        "fps": clip.fps,
    }


def _named(clip: ClipInfo) -> str:
    return f"{clip.name} ({clip.id})"


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _share(confidence: float | None) -> str:
    return "" if confidence is None else f"{confidence:.0%}"


def _first(captions: Sequence[str]) -> str:
    return captions[0] if captions else ""
