"""Find a motion by a sentence and put it on a character, without a window.

    blender --background rig.blend --python scripts/apply_motion.py -- --library LIB --query "a person waves" \
        --armature Armature --output out.blend
    python scripts/apply_motion.py --rig human --motion walk.bvh --output out.blend --preview out.png

The first form is Blender, the second Python with pip's bpy; both take the same options. The .blend is saved
before the preview is rendered, so nothing of the preview is in it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

import bpy

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
try:
    import motionary  # noqa: F401
except ImportError:
    sys.path.insert(0, str(ROOT / "backend"))

from blender_addon.apply import apply_motion  # noqa: E402
from blender_addon.armature import find_armature  # noqa: E402
from blender_addon.preview import render_poses  # noqa: E402
from blender_addon.scenes import make_human, open_scene, save_scene  # noqa: E402
from motionary.errors import MotionaryError  # noqa: E402
from motionary.motion import Clip  # noqa: E402

POSES = 6


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(prog="apply_motion.py", description=__doc__.splitlines()[0])
    what = result.add_argument_group("the motion")
    what.add_argument("--library", type=Path, metavar="LIB", help="the library to search")
    what.add_argument("--query", metavar="TEXT", help="what the motion shows")
    what.add_argument("--clip", metavar="NAME", help="a clip of the library, instead of a query")
    what.add_argument("--motion", type=Path, metavar="FILE", help="a motion file, instead of a library")
    what.add_argument("--rank", type=int, default=1, metavar="N", help="take the N-th best match (1)")
    what.add_argument("--model", type=Path, metavar="BUNDLE", help="the model bundle (the built-in one)")
    onto = result.add_argument_group("the character")
    onto.add_argument("--blend", type=Path, metavar="FILE", help="open this .blend, .glb or .gltf file")
    onto.add_argument("--rig", choices=["human"], help="generate a Rigify human")
    onto.add_argument("--armature", metavar="NAME", help="the armature (the file's only human one)")
    onto.add_argument(
        "--start-frame", type=int, metavar="N", help="key from this frame on (the scene's first)"
    )
    onto.add_argument("--keep-place", action="store_true", help="keep where the clip was recorded and faced")
    out = result.add_argument_group("what to make")
    out.add_argument("--output", type=Path, metavar="FILE.blend", help="save the result here")
    out.add_argument("--preview", type=Path, metavar="FILE.png", help=f"render {POSES} poses side by side")
    out.add_argument("--json", action="store_true", help="print one JSON document to stdout and nothing else")
    return result


def check_usage(usage: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    ways = [options.motion, options.query, options.clip]
    if sum(way is not None for way in ways) != 1:
        usage.error("say what to apply: one of --motion, --query and --clip")
    if options.motion is None and options.library is None:
        usage.error("--query and --clip need a --library")
    if options.blend is not None and options.rig is not None:
        usage.error("--blend and --rig are two characters; give one")
    if options.blend is None and options.rig is None and not bpy.data.filepath:
        usage.error("give a character: --blend FILE, or --rig human")
    if options.output is None and options.preview is None:
        usage.error("nothing to make: give --output, --preview or both")
    if options.rank < 1:
        usage.error("--rank counts from 1")


def chosen(options: argparse.Namespace) -> tuple[Clip, dict[str, Any]]:
    """The clip to apply, and what to say of it."""
    if options.motion is not None:
        from motionary.formats import read_clip

        clip = read_clip(options.motion)
        return clip, {"name": clip.name, "source": clip.source}
    from motionary.library import find_clip, load_clip, open_library

    with open_library(options.library) as library:
        if options.clip is not None:
            clip = load_clip(library, find_clip(library, options.clip))
            return clip, {"name": clip.name, "source": clip.source}
        from motionary.bundle import load_bundle
        from motionary.search import search

        hits = search(library, load_bundle(options.model), options.query, options.rank)
        if len(hits) < options.rank:
            raise MotionaryError(f"{options.library}: it has {len(hits)} clips, none of rank {options.rank}")
        hit = hits[options.rank - 1]
        return load_clip(library, hit.clip), asdict(hit)


def apply(options: argparse.Namespace) -> dict[str, Any]:
    if options.rig is not None:
        make_human()
    elif options.blend is not None:
        open_scene(options.blend)
    armature = find_armature(options.armature)
    clip, found = chosen(options)
    applied = apply_motion(
        armature, clip.motion, clip.name, start=options.start_frame, keep_place=options.keep_place
    )
    if options.output is not None:
        save_scene(options.output)
    if options.preview is not None:
        span = applied.frame_end - applied.frame_start
        frames = [applied.frame_start + round(span * i / (POSES - 1)) for i in range(POSES)]
        render_poses(armature, options.preview, frames)
    made = {name: str(path) for name in ("output", "preview") if (path := getattr(options, name)) is not None}
    return {"clip": found, "applied": asdict(applied), **made}


def told(applied: dict[str, Any], result: dict[str, Any]) -> str:
    lines = [
        f"{result['clip']['name']} -> {applied['armature']} ({applied['rig']}): frames {applied['frame_start']} to "
        f"{applied['frame_end']} of Action {applied['action']!r}; off by at most {applied['turn_error']:.2f} "
        f"degrees, hips {applied['hips_error'] * 1000:.1f} mm"
    ]
    lines += [
        f"set {c['bone']}[{c['property']!r}] {c['before']:g} -> {c['after']:g}" for c in applied["changes"]
    ]
    lines += [
        *applied["notes"],
        *(f"{kind}: {result[kind]}" for kind in ("output", "preview") if kind in result),
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    usage = parser()
    options = usage.parse_args(arguments)
    check_usage(usage, options)
    # Blender's C code writes its own progress to stdout; --json promises one document and nothing else there.
    stdout = os.dup(1)
    os.dup2(2, 1)
    try:
        result = apply(options)
    finally:
        sys.stdout.flush()
        os.dup2(stdout, 1)
        os.close(stdout)
    print(json.dumps(result) if options.json else told(result["applied"], result))
    return 0


def leave(code: int) -> NoReturn:
    """End with ``code`` in every Blender: 4.5's module hangs in its destructors after Rigify was enabled."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    given = sys.argv[1:]
    if "--" in given:
        given = given[given.index("--") + 1 :]
    elif bpy.app.binary_path:
        given = []
    try:
        leave(main(given))
    except MotionaryError as error:
        print(f"apply_motion.py: {error}", file=sys.stderr)
        leave(1)
    except SystemExit as ended:  # argparse: 0 after --help, 2 for wrong usage
        leave(ended.code if isinstance(ended.code, int) else 2)
    except BaseException:
        import traceback

        traceback.print_exc()
        leave(1)
