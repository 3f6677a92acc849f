"""The options of applying, as arguments of a command line."""

from __future__ import annotations

import argparse

from motionary.edits import Edit
from motionary.root_motion import ROOT_MOTION

from .options import DESTINATIONS, STRIDES, SWITCHES, ApplyOptions

__all__ = ["add_apply_arguments", "apply_options"]


def add_apply_arguments(parser: argparse.ArgumentParser) -> None:
    """Add every option of `ApplyOptions`, under headings of their own."""
    on_off = argparse.BooleanOptionalAction
    first = parser.add_argument_group("the clip, before it is applied")
    first.add_argument("--trim", nargs=2, type=float, metavar=("START", "END"), help="seconds of it to use")
    first.add_argument("--mirror", action="store_true", help="exchange left and right")
    first.add_argument("--reverse", action="store_true", help="play it backwards")
    first.add_argument("--speed", type=float, default=1.0, metavar="X", help="times as fast (1)")
    first.add_argument("--repeat", type=int, default=1, metavar="N", help="times over, going on (1)")
    first.add_argument(
        "--loop-blend", type=float, default=0.25, metavar="S", help="seconds that a seam is blended (0.25)"
    )
    where = parser.add_argument_group("where it plays")
    where.add_argument(
        "--start-frame", type=int, metavar="N", help="key from this frame on (the scene's first)"
    )
    where.add_argument(
        "--keep-place", action="store_true", help="keep where the clip was recorded, and which way it faces"
    )
    where.add_argument("--turn", type=float, default=0.0, metavar="DEG", help="turn it to the left (0)")
    where.add_argument(
        "--offset", nargs=3, type=float, default=(0.0, 0.0, 0.0), metavar=("X", "Y", "Z"), help="move it by"
    )
    where.add_argument(
        "--root-motion", choices=ROOT_MOTION, default="hips", help="what takes the way that it goes (hips)"
    )
    where.add_argument(
        "--stride", choices=STRIDES, default="legs", help="scale the way by the legs, or keep it"
    )
    how = parser.add_argument_group("how it is keyed")
    how.add_argument("--plant-feet", action=on_off, default=True, help="hold each foot where it stands")
    how.add_argument("--floor", action=on_off, default=True, help="keep feet from sinking in")
    how.add_argument(
        "--into",
        choices=DESTINATIONS,
        default="action",
        help="a new Action, an NLA strip, or the current Action (action)",
    )
    how.add_argument("--blend-in", type=int, default=5, metavar="N", help="frames, of a strip or merge (5)")
    how.add_argument("--blend-out", type=int, default=5, metavar="N", help="likewise at its end (5)")
    how.add_argument("--only", nargs="+", metavar="BONE", help="key these bones alone")
    how.add_argument(
        "--simplify",
        type=float,
        default=0.0,
        metavar="DEG",
        help="leave out keys that change no turn by more",
    )
    how.add_argument("--switches", choices=SWITCHES, default="set", help="IK to FK and the like (set)")
    how.add_argument(
        "--refine", action=on_off, default=True, help="measure and correct what the rig takes inexactly"
    )


def apply_options(given: argparse.Namespace) -> ApplyOptions:
    """What was asked for; MotionaryError where a value makes no sense."""
    start_s, end_s = given.trim or (0.0, None)
    return ApplyOptions(
        edit=Edit(
            start_s=start_s,
            end_s=end_s,
            mirror=given.mirror,
            reverse=given.reverse,
            speed=given.speed,
            repeat=given.repeat,
            loop_blend_s=given.loop_blend,
        ),
        start=given.start_frame,
        keep_place=given.keep_place,
        turn=given.turn,
        offset=tuple(given.offset),
        root_motion=given.root_motion,
        stride=given.stride,
        plant_feet=given.plant_feet,
        floor=given.floor,
        destination=given.into,
        blend_in=given.blend_in,
        blend_out=given.blend_out,
        only=frozenset(given.only) if given.only else None,
        simplify=given.simplify,
        switches=given.switches,
        refine=given.refine,
    )
