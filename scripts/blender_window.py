"""A real Blender with a window on a screen that nobody sees, clicked on and typed into as a person would.

Mouse and keys go through xdotool to the X server Xvfb, and pictures are taken of its screen; nothing of
Blender's is called for them. What cannot be seen (where a region lies, what is in the scene) is asked through
a mailbox (scripts/blender_window_mailbox.py). Used by tests/ui and scripts/bench_extension.py.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from scripts.make_blender_window import is_made, why_not  # noqa: E402

MAILBOX = ROOT / "scripts/blender_window_mailbox.py"
CHROOT = ROOT / "build/blender-window"
TOOLS = ("Xvfb", "xdotool", "import")
PATIENCE = 60.0
"""Seconds that anything may take before it counts as never."""

STEP = 15
"""Pixels between two rows that are looked at for buttons: a button is 20 high, one of a denser column 16."""

COLUMNS = (0.12, 0.45, 0.78)
"""Where in a row buttons are looked for; the sidebar's tabs take the last tenth."""

COMPLAINTS = ("Traceback", "Error:", "not found", "unknown ", "Segmentation fault", "SIGSEGV", "ERROR")

KEYCODES = {f"F{number}": str(66 + number) for number in range(1, 11)}
"""xdotool holds Alt down for a function key that it is asked for by name."""

TAB = 14
"""Pixels from the sidebar's right edge to the middle of its tabs."""

SHOWN_TAB = """[region.active_panel_category for area in bpy.context.window_manager.windows[0].screen.areas
if area.type == "VIEW_3D" for region in area.regions if region.type == "UI"][0]"""


@dataclass(frozen=True)
class Place:
    """Where a Blender with a window is: a chroot's root folder, or "/" for the machine itself."""

    root: Path
    blender: str

    @property
    def prefix(self) -> tuple[str, ...]:
        """What goes before a command so that it runs there."""
        return () if self.root == Path("/") else ("chroot", str(self.root))

    def inside(self, path: Path) -> str:
        """The name that ``path``, which lies in this place, has for what runs there."""
        return f"/{path.relative_to(self.root)}"


def find_place() -> Place | str:
    """The Blender to click on, or one sentence that says why there is none.

    MOTIONARY_UI_BLENDER names a Blender of the machine, MOTIONARY_UI_CHROOT a folder that
    scripts/make_blender_window.py made; otherwise it is build/blender-window.
    """
    if own := os.environ.get("MOTIONARY_UI_BLENDER"):
        missing = [tool for tool in (own, *TOOLS) if shutil.which(tool) is None]
        if missing:
            return f"MOTIONARY_UI_BLENDER is set, but there is no {' and no '.join(missing)} on this machine"
        return Place(Path("/"), str(shutil.which(own)))
    folder = Path(os.environ.get("MOTIONARY_UI_CHROOT") or CHROOT).absolute()
    if not is_made(folder):
        return (
            "there is no Blender with a window: name yours in MOTIONARY_UI_BLENDER, or make one with "
            f"scripts/make_blender_window.py {folder}" + (f" ({reason})" if (reason := why_not()) else "")
        )
    if os.geteuid() != 0:
        return f"{folder} is entered by root only, and this is not root"
    return Place(folder, "/usr/bin/blender")


@dataclass(frozen=True)
class Session:
    """A folder of a place that holds a user's own files: preferences, extensions, libraries, scenes."""

    place: Place
    folder: Path

    def environment(self, **more: str) -> dict[str, str]:
        """What a process of this user finds in its environment: nothing of the machine's user's."""
        return {
            "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "HOME": self.place.inside(self.folder),
            "TMPDIR": self.place.inside(self.folder / "tmp"),
            "BLENDER_USER_RESOURCES": self.place.inside(self.folder / "blender"),
            "LANG": "C.UTF-8",
            "LIBGL_ALWAYS_SOFTWARE": "1",
            **more,
        }

    def run(
        self, *arguments: str, timeout: float = 300, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run Blender with ``arguments`` and no window, and wait for its end."""
        done = subprocess.run(
            [*self.place.prefix, self.place.blender, *arguments],
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        if check and done.returncode != 0:
            raise RuntimeError(f"blender {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
        return done

    def install(self, archive: Path, *, enable: bool = True) -> None:
        """Install the extension's zip as `blender --command extension` does, and have it enabled."""
        shutil.copy(archive, self.folder / archive.name)
        inside = self.place.inside(self.folder / archive.name)
        how = ("-r", "user_default", *(("--enable",) if enable else ()))
        self.run("--command", "extension", "install-file", *how, inside)


@contextmanager
def new_session(place: Place, name: str = "motionary-ui") -> Iterator[Session]:
    """A user who has never started Blender; their folder is removed at the end."""
    parent = place.root / "tmp"
    for number in itertools.count():
        folder = parent / f"{name}-{os.getpid()}-{number}"
        with suppress(FileExistsError):
            folder.mkdir()
            break
    for part in ("tmp", "blender", "mailbox"):
        (folder / part).mkdir()
    try:
        yield Session(place, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class Button:
    """A button at a place; ``name`` is what scripts/blender_window_mailbox.py's under_mouse() says of it."""

    x: float
    y: float
    name: str


@dataclass(frozen=True)
class Window:
    """A running Blender, ``size`` pixels (width, height) large; places on it count from the top left."""

    session: Session
    size: tuple[int, int]
    display: str
    blender: subprocess.Popen[bytes]
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    # What a person does

    def move(self, x: float, y: float) -> None:
        """Move the mouse; in two steps, as what is under it notices a mouse that moves."""
        self._xdotool("mousemove", str(round(x) - 1), str(round(y)))
        self._xdotool("mousemove", "--sync", str(round(x)), str(round(y)))

    def click(self, x: float, y: float, button: int = 1) -> None:
        """Move there and click."""
        self.move(x, y)
        self.settle()
        self._xdotool("click", str(button))
        self.settle()

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Press at ``start``, move to ``end`` in a few steps, and let go."""
        self.move(*start)
        self.settle()
        self._xdotool("mousedown", "1")
        for part in (0.1, 0.3, 0.6, 0.9, 1.0):
            x, y = (a + (b - a) * part for a, b in zip(start, end, strict=True))
            self._xdotool("mousemove", str(round(x)), str(round(y)))
            self.settle()
        self._xdotool("mouseup", "1")
        self.settle()

    def scroll(self, x: float, y: float, steps: int) -> None:
        """Turn the wheel there, down where ``steps`` is positive."""
        self.move(x, y)
        for _ in range(abs(steps)):
            self._xdotool("click", "5" if steps > 0 else "4")
        self.settle()

    def press(self, *keys: str) -> None:
        """Press keys one after the other, by X's names: ``Return``, ``ctrl+z``, ``F9``."""
        for key in keys:
            *held, last = key.split("+")
            self._xdotool("key", "--clearmodifiers", "+".join([*held, KEYCODES.get(last, last)]))
            self.settle()

    def type(self, text: str, each_ms: int = 60) -> None:
        """Type ``text`` at the speed of a quick typist."""
        self._xdotool("type", "--delay", str(each_ms), text)
        self.settle()

    def picture(self, path: Path) -> Path:
        """Take a picture of the whole window, as PNG."""
        name = self.session.folder / f"picture-{next(self._numbers)}.png"
        self._tool("import", "-window", "root", self.session.place.inside(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(name, path)
        return path

    # Where things are

    def place_of(self, area: str, region: str) -> tuple[int, int, int, int]:
        """Left, top, width and height in pixels of a region, as of ``VIEW_3D`` and ``UI``, the sidebar."""
        left, top, width, height = self.wait_for(f"place_of({area!r}, {region!r})")
        return left, top, width, height

    def buttons(self, area: str, region: str, columns: Sequence[float] = COLUMNS) -> Iterator[Button]:
        """Move the mouse over a region from top to bottom, and say what it is on.

        ``columns`` are the places in each row, as parts of the region's width.
        """
        left, top, width, height = self.place_of(area, region)
        for down in range(STEP // 2, height, STEP):
            for column in columns:
                x, y = left + column * width, top + down
                self.move(x, y)
                if name := self.ask("under_mouse()"):
                    yield Button(x, y, str(name))

    def find(
        self, wanted: str, area: str = "VIEW_3D", region: str = "UI", columns: Sequence[float] = COLUMNS
    ) -> Button:
        """The first button with ``wanted`` in its name, in a region that is scrolled down to find it.

        Raises LookupError where there is none.
        """
        left, top, width, height = self.place_of(area, region)
        seen: list[str] = []
        for _ in range(4):
            page = []
            for button in self.buttons(area, region, columns):
                if wanted in button.name:
                    self.settle()
                    if wanted in self.ask("under_mouse()"):
                        return button
                page.append(button.name)
            if page == seen:
                break
            seen = page
            self.scroll(left + 0.4 * width, top + height / 2, 6)
        raise LookupError(f"no button for {wanted!r} in {area} {region}; the last page has {seen}")

    def press_button(self, wanted: str, **where: Any) -> Button:
        """Find a button and click it."""
        button = self.find(wanted, **where)
        self.click(button.x, button.y)
        return button

    def open_tab(self, name: str) -> None:
        """Open the 3D Viewport's sidebar with N where it is closed, and click the tab called ``name``."""
        if self.ask("place_of('VIEW_3D', 'UI')") is None:
            left, top, width, height = self.place_of("VIEW_3D", "WINDOW")
            self.move(left + width / 2, top + height / 2)
            self.press("n")
        left, top, width, height = self.place_of("VIEW_3D", "UI")
        if self.wait_for(SHOWN_TAB) == name:
            return
        # Tabs stand one below the other at the sidebar's edge, and there is nothing that tells where.
        for down in range(20, min(height, 600), 16):
            self.click(left + width - TAB, top + down)
            if self.wait_for(SHOWN_TAB) == name:
                return
        raise LookupError(f"the sidebar has no tab {name!r}")

    def open_panel(self, inside: str) -> None:
        """Click the header of the sidebar's sub-panel that has a button with ``inside`` in its name.

        A header is no button: what shows that the right one is open comes below it.
        """
        left, top, width, height = self.place_of("VIEW_3D", "UI")
        x = left + 0.3 * width
        for down in range(60, height, 18):
            self.move(x, top + down)
            self.settle()
            if self.ask("under_mouse()"):
                continue
            self.click(x, top + down)
            for below in range(10, 90, 15):
                self.move(x, top + down + below)
                self.settle()
                if inside in self.ask("under_mouse()"):
                    return
        raise LookupError(f"no click opens a panel with {inside!r}")

    # What only Blender can tell

    def ask(self, code: str, *, patience: float = PATIENCE) -> Any:
        """What the expression ``code`` is in Blender, or what statements leave in ``answer``.

        Raises RuntimeError with Blender's own traceback where it fails, TimeoutError where Blender stays
        silent, and ChildProcessError where it is gone.
        """
        request = self.session.folder / "mailbox" / f"{next(self._numbers):06}.py"
        request.with_suffix(".new").write_text(code, encoding="utf-8")
        request.with_suffix(".new").rename(request)
        reply = request.with_suffix(".json")
        self._wait(reply.exists, f"Blender did not answer {code!r}", patience, 0.005)
        told = json.loads(reply.read_text(encoding="utf-8"))
        reply.unlink()
        if "error" in told:
            raise RuntimeError(f"Blender failed at {code!r}:\n{told['error']}")
        return told["answer"]

    def wait_for(self, code: str, *, patience: float = PATIENCE) -> Any:
        """Ask again and again until the answer is true, and return it."""
        found: list[Any] = []

        def is_so() -> bool:
            found[:] = [self.ask(code, patience=patience)]
            return bool(found[0])

        self._wait(is_so, f"it never became true: {code}", patience, 0.05)
        return found[0]

    def settle(self) -> None:
        """Wait until Blender has worked off what came before, which takes its way through the X server."""
        time.sleep(0.05)
        self.ask("None")

    def printed(self) -> str:
        """All that this Blender has printed so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def complaints(self) -> list[str]:
        """The lines of what it printed that tell of an exception, of a part of a panel that there is not, or
        of a crash."""
        return [line for line in self.printed().splitlines() if any(sign in line for sign in COMPLAINTS)]

    # The rest

    @property
    def _log(self) -> Path:
        return self.session.folder / "blender.log"

    def _xdotool(self, *arguments: str) -> None:
        self._tool("xdotool", *arguments)

    def _tool(self, *command: str) -> None:
        environment = self.session.environment(DISPLAY=self.display)
        subprocess.run([*self.session.place.prefix, *command], env=environment, check=True, timeout=PATIENCE)

    def _wait(self, is_so: Callable[[], bool], complaint: str, patience: float, every: float) -> None:
        until = time.monotonic() + patience
        while not is_so():
            if self.blender.poll() is not None:
                raise ChildProcessError(
                    f"Blender ended ({self.blender.returncode}); it printed:\n{self.printed()}"
                )
            if time.monotonic() > until:
                raise TimeoutError(
                    f"{complaint} within {patience:g} s; it printed:\n{self.printed()[-3000:]}"
                )
            time.sleep(every)


@contextmanager
def open_window(
    session: Session,
    *arguments: str,
    size: tuple[int, int] = (1280, 800),
    environment: Mapping[str, str] | None = None,
) -> Iterator[Window]:
    """Start Blender with a window of ``size``, offline, and end it and all that it started afterwards."""
    place, (width, height) = session.place, size
    shutil.copy(MAILBOX, session.folder / MAILBOX.name)
    with _screen(session, size) as display:
        command = [
            *(
                *place.prefix,
                place.blender,
                "--offline-mode",
                "--window-geometry",
                "0",
                "0",
                str(width),
                str(height),
            ),
            *("--python", place.inside(session.folder / MAILBOX.name), *arguments),
            *("--", place.inside(session.folder / "mailbox")),
        ]
        surroundings = session.environment(DISPLAY=display, PYTHONUNBUFFERED="1", **(environment or {}))
        with (
            (session.folder / "blender.log").open("ab") as log,
            _running(command, surroundings, log) as blender,
        ):
            window = Window(session, size, display, blender)
            window.wait_for("len(bpy.context.window_manager.windows) > 0", patience=180)
            window.settle()
            yield window


@contextmanager
def _screen(session: Session, size: tuple[int, int]) -> Iterator[str]:
    """An X server with one screen of ``size``; its name."""
    reading, writing = os.pipe()
    command = [*session.place.prefix, "Xvfb", "-displayfd", str(writing), "-nolisten", "tcp"]
    command += ["-screen", "0", f"{size[0]}x{size[1]}x24"]
    with (session.folder / "xvfb.log").open("ab") as log:
        try:
            with _running(command, session.environment(), log, passed=(writing,)) as server:
                os.close(writing)
                number = os.read(reading, 16).decode().strip()
                if not number:
                    raise ChildProcessError(
                        f"Xvfb did not start: {(session.folder / 'xvfb.log').read_text()}"
                    )
                yield f":{number}"
                server.poll()
        finally:
            os.close(reading)


@contextmanager
def _running(
    command: Sequence[str], environment: Mapping[str, str], log: Any, *, passed: Sequence[int] = ()
) -> Iterator[subprocess.Popen[bytes]]:
    """A process with a group of its own, all of which is ended at the end."""
    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        pass_fds=passed,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        for sent, patience in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, sent)
            with suppress(subprocess.TimeoutExpired):
                process.wait(patience)
                break
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
