"""Make a folder that holds a whole Debian with a Blender that has a window: what `make test-ui` clicks on.

    python scripts/make_blender_window.py build/blender-window      # 300 MB to download, 1.3 GB on disk

PyPI's bpy has no window, and no distribution's stable release has a Blender that the extension supports.
Debian's unstable one has 5.2 LTS, but that one moves: it is unpacked into a folder of its own, to be entered
by chroot, and nothing of the machine is changed. It takes root and mmdebstrap. Where you have a Blender,
Xvfb, xdotool and ImageMagick of your own, name that Blender in MOTIONARY_UI_BLENDER instead.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

MIRROR = "http://deb.debian.org/debian"
SUITE = "sid"

# Without the python3 ones Blender starts, but its extensions do not: numpy is what the core needs, the others
# are imported by Blender's own bl_pkg, and Debian's package only recommends them. The Blender that people get
# elsewhere has numpy with OpenBLAS; without it Debian's takes ten times as long to understand a query.
PACKAGES = (
    "blender",
    "python3-numpy",
    "python3-requests",
    "python3-zstandard",
    "python3-cattr",
    "xvfb",
    "xdotool",
    "imagemagick",
    "libgl1-mesa-dri",
    "libopenblas0-pthread",
)


def why_not() -> str | None:
    """One sentence that says why a chroot cannot be made here, or None where it can."""
    if sys.platform != "linux":
        return "a Debian can be unpacked and entered on Linux only"
    if os.geteuid() != 0:
        return "a chroot is made and entered by root, and this is not root"
    if shutil.which("mmdebstrap") is None:
        return "mmdebstrap is not installed; on Debian or Ubuntu: apt-get install -y mmdebstrap"
    return None


def is_made(folder: Path) -> bool:
    """Whether ``folder`` holds a finished one."""
    return (folder / "usr/bin/blender").exists()


def make(folder: Path) -> str | None:
    """Unpack Debian and Blender into ``folder``; None, or one sentence that says why it failed.

    It is made beside ``folder`` and moved there when it is whole: a failure leaves nothing behind.
    """
    if (reason := why_not()) is not None:
        return reason
    partial = folder.with_name(folder.name + ".partial")
    folder.parent.mkdir(parents=True, exist_ok=True)
    _remove(partial)
    # The index of a mirror that is kept as a snapshot is out of date on purpose.
    command = [
        *("mmdebstrap", "--quiet", "--variant=minbase", "--include=" + ",".join(PACKAGES)),
        *("--aptopt=Acquire::Check-Valid-Until false", SUITE, str(partial), MIRROR),
    ]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            lines = [line for line in done.stderr.splitlines() if line.startswith("E:")] or [
                "no reason was given"
            ]
            return f"mmdebstrap could not unpack {SUITE} from {MIRROR}: {lines[0]}"
        if not is_made(partial):
            return f"Debian {SUITE} was unpacked, but there is no Blender in it"
        _remove(folder)
        partial.rename(folder)
        return None
    finally:
        _remove(partial)


def _remove(folder: Path) -> None:
    """Remove a whole tree, but none that something is still mounted in: that would be removed as well."""
    mounts = Path("/proc/mounts").read_text().splitlines() if Path("/proc/mounts").exists() else []
    if any(Path(line.split()[1]).is_relative_to(folder.absolute()) for line in mounts):
        raise SystemExit(f"{folder}: something is mounted in this folder; unmount it first.")
    if folder.exists():
        shutil.rmtree(folder)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="where to put it; replaced only when the new one is whole")
    parser.add_argument("--keep", action="store_true", help="do nothing where the folder already holds one")
    arguments = parser.parse_args()
    if arguments.keep and is_made(arguments.folder):
        return 0
    if (reason := make(arguments.folder)) is not None:
        print(f"make_blender_window: {reason}", file=sys.stderr)
        return 1
    print(arguments.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
