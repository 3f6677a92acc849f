"""One clip of a motion file that is in no library, to look for what is like it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from motionary.blender_files import BLENDER_SUFFIXES, CURE, Blender, blender_reader
from motionary.errors import MotionaryError
from motionary.formats import SUFFIXES, read_clip
from motionary.motion import Clip

__all__ = ["is_motion_file", "read_one_clip"]


def is_motion_file(named: str) -> bool:
    """Whether "FILE" or "FILE#Clip" names a motion file that is there."""
    return _split(named) is not None


def read_one_clip(named: str, find_blender: Callable[[], Blender | None]) -> Clip:
    """The clip of "FILE", which has no other, or of "FILE#Clip".

    find_blender: what reads .blend, FBX and glTF, looked for when it is such a file. MotionaryError where it
    cannot be read, or does not tell which of several clips is meant.
    """
    split = _split(named)
    if split is None:
        raise MotionaryError(f"{named}: no such motion file ({', '.join((*SUFFIXES, *BLENDER_SUFFIXES))})")
    path, wanted = split
    if path.suffix.lower() in BLENDER_SUFFIXES:
        blender = find_blender()
        if blender is None:
            raise MotionaryError(f"{path}: no Blender was found, which reads such files; {CURE}")
        with blender_reader(blender) as read:
            found = read(path.resolve())
        clips, notes = found.clips, found.notes
    else:
        clips, notes = (read_clip(path),), ()
    chosen = [clip for clip in clips if clip.name == wanted] if wanted else clips
    if len(chosen) == 1:
        return chosen[0]
    if not clips:
        reason = "".join(f"; {note}" for note in notes[:1])
        raise MotionaryError(f"{path}: holds no motion of a human body{reason}")
    names = ", ".join(clip.name for clip in clips[:8]) + (", and more" if len(clips) > 8 else "")
    if not chosen:
        raise MotionaryError(f"{path}: has no clip {wanted!r}; it has {names}")
    raise MotionaryError(
        f"{path}: has {len(chosen)} clips; say which, as in {path.name}#{clips[0].name} ({names})"
    )


def _split(named: str) -> tuple[Path, str] | None:
    """The file, and the clip that is named of it, or ""; None where there is no such motion file."""
    whole, (file, _, clip) = Path(named), named.rpartition("#")
    for path, wanted in ((whole, ""), (Path(file), clip)):
        if path.suffix.lower() in (*SUFFIXES, *BLENDER_SUFFIXES) and path.is_file():
            return path, wanted
    return None
