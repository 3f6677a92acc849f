"""Say in one line what to install when Blender's Python module cannot be loaded. Run by the Makefile.

The bpy wheel links to X11 and OpenGL libraries that a bare Debian or Ubuntu machine does not have, and its
own error names only the first of them.
"""

import sys

# Measured on a minimal Debian 12: the first nine let bpy import, libegl1 lets it render.
LIBRARIES = "libx11-6 libxrender1 libxfixes3 libxi6 libxkbcommon0 libsm6 libice6 libxext6 libgl1 libegl1"


def main() -> int:
    try:
        import bpy  # noqa: F401
    except ImportError as error:
        print(
            f"Blender's Python module does not load ({error}). On Debian or Ubuntu, install what it needs:\n"
            f"  apt-get install -y --no-install-recommends {LIBRARIES}",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
