"""How quick the extension is in a real Blender with a window, as a Markdown table.

    python scripts/bench_extension.py                         # builds the extension first; some minutes
    python scripts/bench_extension.py --zip build/motionary-0.1.0.zip --clips 10000 --files 50 --profile

It needs a Blender with a window as `make test-ui` does (scripts/blender_window.py). Libraries are synthetic:
random unit rows for embeddings, and a few distinct short motions, which changes nothing for a search.

- Enable: the first time in a Blender that runs no other extension; the first time of all, Blender unpacks the
  wheel and Python compiles.
- First result: a fresh Blender, the sidebar open; from the first letter until the list is drawn, with what
  the model, the library and the pause after the last letter take.
- A keystroke's search: in the thread that searches, while the window stays free; the library and the model
  are open. Its median and its slowest of all queries but the first.
- Longest gap: of the main thread, seen by a timer that asks to be called again at once, while nothing else
  happens, and while --files files are indexed. A gap has the redraw of what changed in it, which a processor
  does here (llvmpipe), not a graphics card, and on all cores, which the indexing has its share of: hence a
  small window with little in it, the row "drawing", which is what one redraw of its 3D Viewport takes by
  itself, and the row on what the main thread itself had to do in a gap, by its processor time.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
for folder in (ROOT, ROOT / "backend"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from motionary.bundle import load_bundle  # noqa: E402
from motionary.codec import encode_motion  # noqa: E402
from motionary.formats.bvh import write_bvh  # noqa: E402
from motionary.library import Model, NewClip, Source, open_library, replace_source, set_model  # noqa: E402
from motionary.motion import Motion, slice_frames  # noqa: E402
from motionary.starter import starter_clips, starter_variants  # noqa: E402
from scripts.blender_window import Place, Session, find_place, new_session, open_window  # noqa: E402
from scripts.build_extension import build  # noqa: E402

QUERIES = (
    "a person walks forward",
    "someone waves with the right hand",
    "a man limps, then sits down",
    "she jumps over something",
    "a fighter kicks somebody",
    "the character sneaks along quietly",
    "a person turns around and runs away",
    "someone drops to one knee",
)

SMALL = (900, 640)

MODULE = "bl_ext.user_default.motionary"


NAMES = """
import importlib, time
def module(name):
    return importlib.import_module(f"bl_ext.user_default.motionary.{name}")
def session():
    return module("session").current()
def state():
    return module("properties").state()
def preferences():
    return module("preferences").preferences()
def region(kind):
    window = bpy.context.window_manager.windows[0]
    area = next(area for area in window.screen.areas if area.type == "VIEW_3D")
    return window, area, next(region for region in area.regions if region.type == kind)
"""

# A timer sees what happens as soon as the main thread gets to it.
WATCH = """
def watch(is_so):
    began, seen = time.perf_counter(), []
    def look():
        if is_so():
            seen.append(time.perf_counter() - began)
            return None
        return 0.0
    bpy.app.timers.register(look)
    return seen
"""

GAPS = """
gaps, last = [], [None]
def probe():
    now = time.perf_counter(), time.thread_time()
    if last[0] is not None:
        gaps.append([now[0] - last[0][0], now[1] - last[0][1]])
    last[0] = now
    return 0.0
bpy.app.timers.register(probe)
"""

TAKE_GAPS = """
wall, own = ([gap[i] for gap in gaps] for i in (0, 1))
answer = [max(wall), sorted(wall)[len(wall) * 99 // 100], max(own)] if gaps else None
gaps.clear()
"""

ENABLE = f"""
import time
began = time.perf_counter()
bpy.ops.preferences.addon_enable(module={MODULE!r})
answer = time.perf_counter() - began
"""

REDRAW = """
window, area, place = region("WINDOW")
with bpy.context.temp_override(window=window, area=area, region=place):
    began = time.perf_counter()
    bpy.ops.wm.redraw_timer(type="DRAW", iterations=10)
answer = (time.perf_counter() - began) / 10
"""

PLAIN = """
bpy.context.preferences.system.viewport_aa = "OFF"
region("WINDOW")[1].spaces.active.overlay.show_overlays = False
"""

PROFILE = """
import cProfile
profiler = cProfile.Profile()
profiler.enable()
"""

TELL_PROFILE = """
import io, pstats
profiler.disable()
text = io.StringIO()
pstats.Stats(profiler, stream=text).sort_stats("cumulative").print_stats(25)
answer = text.getvalue()
"""


@dataclass(frozen=True)
class Figure:
    """A row: seconds that something took, and what they have to be below, if that is promised."""

    what: str
    measured: float
    limit: float | None = None

    @property
    def held(self) -> str:
        """Whether it holds."""
        if self.limit is None:
            return ""
        return "yes" if self.measured < self.limit else "NO"


def make_library(path: Path, clips: int, seed: int = 1234) -> None:
    """A library of so many clips of a second, with random embeddings by the built-in model."""
    bundle = load_bundle()
    random = np.random.default_rng(seed)
    motions = [slice_frames(clip.motion, 0, round(clip.motion.fps)) for clip in starter_clips()[:5]]
    packed = [encode_motion(motion) for motion in motions]
    model = Model(bundle.id, bundle.name, bundle.joint_dim, json.dumps(dict(bundle.config)))
    with open_library(path, write=True) as library:
        set_model(library, model)
        for first in range(0, clips, 1000):
            rows = random.standard_normal((min(1000, clips - first), bundle.joint_dim)).astype(np.float32)
            rows /= np.linalg.norm(rows, axis=1, keepdims=True)
            source = Source(f"/takes/{first // 1000:03}.bvh", 1, 1, f"{first:064x}")
            replace_source(library, source, _clips(first, rows, motions, packed), model)


def _clips(
    first: int, rows: NDArray[np.float32], motions: Sequence[Motion], packed: Sequence[bytes]
) -> Iterator[NewClip]:
    for number, row in enumerate(rows, start=first):
        motion = motions[number % len(motions)]
        yield NewClip(
            name=f"clip_{number:06}",
            skeleton=motion.skeleton,
            fps=motion.fps,
            frames=motion.frames,
            data=packed[number % len(packed)],
            captions=(f"take {number}",),
            tags=("walk",) if number % 3 else ("run", "loop"),
            spans=np.array([[0.0, motion.duration]]),
            vectors=row[None],
        )


def make_files(folder: Path, count: int) -> None:
    """So many BVH files of procedural clips."""
    folder.mkdir()
    clips = starter_clips()
    many = starter_variants(1, -(-count // len(clips)))
    for number, clip in enumerate(many[:count]):
        write_bvh(clip.motion, folder / f"{number:03}_{clip.name}.bvh")


def measure_enable(place: Place, archive: Path) -> Iterator[Figure]:
    """Install without enabling, and enable in a fresh Blender."""
    with new_session(place) as session:
        session.install(archive, enable=False)
        with open_window(session) as window:
            yield Figure("enable, right after installing", float(window.ask(ENABLE)))
        with open_window(session) as window:
            yield Figure("enable", float(window.ask(ENABLE)), 0.3)


def measure_first_result(session: Session) -> Iterator[Figure]:
    """From the first letter typed in a fresh Blender to the list."""
    with open_window(session) as window:
        window.ask(NAMES)
        window.ask(WATCH)
        window.open_tab("Motionary")
        button = window.find("motionary.query", columns=(0.45,))
        window.click(button.x, button.y)
        window.ask("typed = watch(lambda: state().query)\nfound = watch(lambda: session().hits)")
        window.type(QUERIES[0], each_ms=20)
        window.wait_for("typed and found")
        yield Figure("first result, cold, the starter library", float(window.ask("found[0] - typed[0]")), 1.5)


def measure_searches(session: Session, library: Path, clips: int, limit: float) -> Iterator[Figure]:
    """Queries one after the other on one library."""
    with open_window(session) as window:
        window.ask(NAMES)
        window.ask(WATCH)
        window.open_tab("Motionary")
        window.ask("preferences().ghost_time = 'TIMELINE'\npreferences().animate_panel = False")
        window.ask(f"preferences().library = {session.place.inside(library)!r}")
        inside: list[float] = []
        to_list: list[float] = []
        for query in QUERIES:
            done = f"session().question is not None and session().question.query == {query!r}"
            window.ask(f"seen = watch(lambda: {done})\nstate().query = {query!r}")
            window.wait_for("seen")
            inside.append(float(window.ask("session().seconds")))
            to_list.append(float(window.ask("seen[0] - module('session').TYPING_PAUSE")))
        what = f"a keystroke's search, {clips:,} clips"
        yield Figure(f"{what}: the first", inside[0])
        yield Figure(f"{what}: median", statistics.median(inside[1:]), limit)
        yield Figure(f"{what}: slowest", max(inside[1:]))
        yield Figure(f"{what}: median until the list, without the pause", statistics.median(to_list[1:]))


def measure_gaps(session: Session, folder: Path, files: int, *, profile: bool) -> Iterator[Figure]:
    """The main thread's longest gaps: idle, indexing, and with a ghost."""
    with open_window(session, size=SMALL) as window:
        window.ask(NAMES)
        window.open_tab("Motionary")
        window.ask("preferences().ghost_time = 'TIMELINE'\npreferences().animate_panel = False")
        window.ask(PLAIN)
        yield Figure("drawing the 3D Viewport once", float(window.ask(REDRAW)))
        window.ask(GAPS)
        window.ask(TAKE_GAPS)
        time.sleep(5)
        yield Figure("longest gap, idle", float(window.ask(TAKE_GAPS)[0]))
        if profile:
            window.ask(PROFILE)
        library = session.place.inside(session.folder / "bench.motionary")
        source = session.place.inside(folder)
        window.ask(f"bpy.ops.motionary.library_new(filepath={library!r})")
        window.ask(f"bpy.ops.motionary.library_add_folder(directory={source!r})")
        window.ask(TAKE_GAPS)
        began = time.monotonic()
        window.wait_for("session().job is not None and session().job.state.is_finished", patience=900)
        seconds = time.monotonic() - began
        longest, most, own = window.ask(TAKE_GAPS)
        yield Figure(f"longest gap while {files} files are indexed", float(longest), 0.05)
        yield Figure("99 of 100 gaps meanwhile are below", float(most))
        yield Figure("the main thread's own work in any of them", float(own), 0.05)
        yield Figure(f"indexing {files} files", seconds)
        if profile:
            print(window.ask(TELL_PROFILE), file=sys.stderr)
        for failure in window.ask("list(session().job.state.failures) + [session().job.state.error]"):
            if failure:
                raise RuntimeError(f"indexing failed: {failure}")


def measure(archive: Path, sizes: Sequence[int], files: int, *, profile: bool) -> Iterator[Figure]:
    """Every figure, one Blender after the other."""
    place = find_place()
    if isinstance(place, str):
        raise SystemExit(f"bench_extension: {place}")
    yield from measure_enable(place, archive)
    with new_session(place) as session:
        session.install(archive)
        yield from measure_first_result(session)
        for clips in sizes:
            library = session.folder / f"synthetic_{clips}.motionary"
            make_library(library, clips)
            yield from measure_searches(session, library, clips, 0.06 if clips <= 10_000 else 0.12)
            library.unlink()
        folder = session.folder / "takes"
        make_files(folder, files)
        yield from measure_gaps(session, folder, files, profile=profile)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--zip", type=Path, help="the extension's zip; built from the tree without")
    parser.add_argument("--clips", type=int, nargs="*", default=[10_000, 100_000], help="sizes of libraries")
    parser.add_argument("--files", type=int, default=300, help="how many files are indexed")
    parser.add_argument(
        "--profile", action="store_true", help="where Blender's main thread is while indexing"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        archive = arguments.zip or build(Path(folder))
        print("| what | measured | limit | held |\n|---|---|---|---|")
        for figure in measure(archive, arguments.clips, arguments.files, profile=arguments.profile):
            limit = "" if figure.limit is None else f"{figure.limit * 1000:,.0f} ms"
            print(
                f"| {figure.what} | {figure.measured * 1000:,.0f} ms | {limit} | {figure.held} |", flush=True
            )
    load = ", ".join(f"{part:.1f}" for part in os.getloadavg())
    print(f"\n{os.cpu_count()} cores, load {load} (1, 5, 15 minutes), graphics by the processor.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
