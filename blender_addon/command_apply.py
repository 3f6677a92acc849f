"""Finding a motion and putting it on a character as one command: what scripts/apply_motion.py and
``blender --command motionary apply`` share, which is everything but how they are started."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import bpy

from motionary import commands
from motionary.bundle import load_bundle
from motionary.errors import MotionaryError
from motionary.formats import read_clip
from motionary.library import find_clip, load_clip, open_library
from motionary.motion import Clip, slice_frames
from motionary.remote import Served
from motionary.remote_commands import best_clip, one_clip
from motionary.rigs import load_rig_map, match
from motionary.search import search

from .apply import apply_motion
from .apply_arguments import add_apply_arguments, apply_options
from .armature import find_armature
from .bundled import own_bundle
from .online import why_offline
from .preview import render_poses
from .rig_choice import choose_rig, keep_rig_map
from .scenes import make_human, open_scene, save_scene

__all__ = ["ABOUT", "add_command_arguments", "apply", "check_apply", "choose_clip", "parse_apply", "tell"]

POSES = 6


ABOUT = "Find a motion by a sentence and put it on a character, without a window."


def add_command_arguments(result: argparse.ArgumentParser) -> None:
    """Add every option of the command."""
    what = result.add_argument_group("the motion")
    what.add_argument("--library", metavar="LIB|URL", help="the library to search, a file or a served one")
    what.add_argument("--query", metavar="TEXT", help="what the motion shows")
    what.add_argument("--clip", metavar="NAME", help="a clip of the library by name or id, not by a query")
    what.add_argument("--motion", type=Path, metavar="FILE", help="a motion file, not a library")
    what.add_argument("--rank", type=int, default=1, metavar="N", help="apply the N-th best match (1)")
    what.add_argument(
        "--whole-clip", action="store_true", help="apply all of a long clip, not only the part that matched"
    )
    what.add_argument("--top", type=int, default=5, metavar="N", help="say what the N best matches are (5)")
    what.add_argument("--model", type=Path, metavar="BUNDLE", help="the model bundle (the built-in one)")
    onto = result.add_argument_group("the character")
    onto.add_argument("--blend", type=Path, metavar="FILE", help="open this .blend, .glb or .gltf file")
    onto.add_argument("--rig", choices=["human"], help="or generate a Rigify human")
    onto.add_argument("--armature", metavar="NAME", help="the armature (the file's only human one)")
    onto.add_argument(
        "--rig-map", type=Path, metavar="FILE.toml", help="which bones take which joint (found)"
    )
    onto.add_argument(
        "--keep-rig-map", action="store_true", help="keep that on the armature, in the file that is saved"
    )
    add_apply_arguments(result)
    out = result.add_argument_group("what to make")
    out.add_argument("--output", type=Path, metavar="FILE.blend", help="save the result here")
    out.add_argument("--preview", type=Path, metavar="FILE.png", help=f"render {POSES} poses side by side")
    out.add_argument("--json", action="store_true", help="print the result as one JSON document")


def parse_apply(prog: str, arguments: Sequence[str]) -> argparse.Namespace:
    """The options that a program of this name was given. SystemExit(2) where they make no sense."""
    usage = argparse.ArgumentParser(prog=prog, description=ABOUT)
    add_command_arguments(usage)
    options = usage.parse_args(arguments)
    check_apply(usage, options)
    return options


def check_apply(usage: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """SystemExit(2), said on stderr, where options that are right by themselves make no sense together."""
    if sum(way is not None for way in (options.motion, options.query, options.clip)) != 1:
        usage.error("say what to apply: one of --motion, --query and --clip")
    if options.motion is None and options.library is None:
        usage.error("--query and --clip need a --library")
    if options.blend is not None and options.rig is not None:
        usage.error("--blend and --rig are two characters; give one")
    if options.blend is None and options.rig is None and not bpy.data.filepath:
        usage.error("give a character: --blend FILE, or --rig human")
    if options.output is None and options.preview is None:
        usage.error("nothing to make: give --output, --preview or both")
    if options.rank < 1 or options.top < 1:
        usage.error("--rank and --top count from 1")
    try:
        apply_options(options)
    except MotionaryError as error:
        usage.error(str(error))


def apply(options: argparse.Namespace) -> dict[str, Any]:
    """Do what was asked, and say what was done. MotionaryError where something fails.

    The .blend is saved before the preview is rendered, so nothing of the preview is in it.
    """
    clip, found, matches = choose_clip(options)
    if options.rig is not None:
        make_human()
    elif options.blend is not None:
        open_scene(options.blend)
    armature = find_armature(options.armature)
    if options.rig_map is None:
        rig, reason = (choice := choose_rig(armature)).rig, choice.reason
    else:
        given = load_rig_map(options.rig_map)
        fitting = match(given, [bone.name for bone in armature.pose.bones] if armature.pose else [])
        if fitting is None:
            raise MotionaryError(f"{options.rig_map}: armature {armature.name!r} lacks bones that it names")
        rig, reason = fitting, f"{given.name}: from {options.rig_map}"
    if options.keep_rig_map:
        keep_rig_map(armature, rig)
    applied = apply_motion(armature, clip.motion, clip.name, apply_options(options), rig=rig)
    if options.output is not None:
        save_scene(options.output)
    if options.preview is not None:
        span = applied.frame_end - applied.frame_start
        frames = [applied.frame_start + round(span * i / (POSES - 1)) for i in range(POSES)]
        render_poses(armature, options.preview, frames, rig=rig)
    made = {kind: str(path) for kind in ("output", "preview") if (path := getattr(options, kind)) is not None}
    return {"clip": found, "matches": matches, "rig": reason, "applied": asdict(applied), **made}


def tell(result: dict[str, Any]) -> str:
    """A result of `apply`, in words."""
    applied = result["applied"]
    lines = [f"{hit['rank']}. {hit['name']} ({hit['score']:.2f})" for hit in result["matches"]]
    lines += [
        f"{result['clip']['name']} -> {applied['armature']} ({applied['rig']}), "
        f"frames {applied['frame_start']} to {applied['frame_end']}, Action {applied['action']!r}",
        f"rig map {result['rig']}",
    ]
    if applied["turn_error"] is not None:
        off = max(applied["turn_error"], applied["direction_error"])
        lines.append(f"off by at most {off:.2f} degrees and {applied['hips_error']:.4f} at the hips")
    lines.append(f"feet slide {applied['slide']:.3f} a second, {applied['slide_before']:.3f} unplanted")
    lines += [
        f"set {c['bone']}[{c['property']!r}] {c['before']:g} -> {c['after']:g}" for c in applied["changes"]
    ]
    lines += [
        *applied["notes"],
        *(f"{kind}: {result[kind]}" for kind in ("output", "preview") if kind in result),
    ]
    return "\n".join(lines)


def choose_clip(options: argparse.Namespace) -> tuple[Clip, dict[str, Any], list[dict[str, Any]]]:
    """The clip to apply, what to say of it, and the best matches where there was a query.

    Of a long clip that a query found it is the part that matched. MotionaryError where there is no such clip.
    """
    if options.motion is not None:
        clip = read_clip(options.motion)
        return clip, _described(clip), []
    place = commands.place(options.library, why_offline())
    if isinstance(place, Served):
        return _choose_served(place, options)
    with open_library(place) as library:
        if options.clip is not None:
            clip = load_clip(library, find_clip(library, options.clip))
            return clip, _described(clip), []
        bundle = load_bundle(options.model or own_bundle())
        hits = search(library, bundle, options.query, max(options.rank, options.top))
        if len(hits) < options.rank:
            raise MotionaryError(f"{place}: there are {len(hits)} matches, none of rank {options.rank}")
        hit = hits[options.rank - 1]
        clip = load_clip(library, hit.clip)
        if not options.whole_clip:
            first, end = (round(seconds * clip.motion.fps) for seconds in (hit.start_s, hit.end_s))
            clip = replace(clip, motion=slice_frames(clip.motion, first, min(end, clip.motion.frames)))
        return clip, asdict(hit), [asdict(hit) for hit in hits[: options.top]]


def _choose_served(
    library: Served, options: argparse.Namespace
) -> tuple[Clip, dict[str, Any], list[dict[str, Any]]]:
    if options.clip is not None:
        clip = one_clip(library, options.clip)
        return clip, _described(clip), []
    rank, top = options.rank, options.top
    clip, hits = best_clip(library, options.query, rank, top, whole=options.whole_clip)
    return clip, asdict(hits[rank - 1]), [asdict(hit) for hit in hits[:top]]


def _described(clip: Clip) -> dict[str, Any]:
    return {"name": clip.name, "source": clip.source, "captions": clip.captions, "tags": clip.tags}
