"""Find a motion by a sentence and put it on a character, without a window.

    blender --background rig.blend --python scripts/apply_motion.py -- \
        --library LIB --query "a person waves" --armature Armature --output out.blend
    python scripts/apply_motion.py --rig human --motion walk.bvh --output out.blend --preview out.png

The first is Blender, the second Python with pip's bpy; both take the same options, and so does the installed
extension's ``blender --command motionary apply``. With --json the result is the last line on stdout; from
Python it is also the only one, while Blender greets there before any script runs.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import redirect_stdout
from importlib.util import find_spec
from pathlib import Path

# What Blender's C code prints goes to stderr, from its import on: stdout is for the result.
sys.stdout = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)

import bpy  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
if find_spec("motionary") is None:
    sys.path.insert(0, str(ROOT / "backend"))

from blender_addon.command_apply import apply, parse_apply, tell  # noqa: E402
from motionary.errors import MotionaryError  # noqa: E402


def main(arguments: Sequence[str]) -> int:
    try:
        options = parse_apply("apply_motion.py", arguments)
        with redirect_stdout(sys.stderr):
            result = apply(options)
    except MotionaryError as error:
        print(f"apply_motion.py: {error}", file=sys.stderr)
        return 1
    except SystemExit as ended:  # argparse: 0 after --help, 2 for wrong usage
        return ended.code if isinstance(ended.code, int) else 2
    print(json.dumps(result) if options.json else tell(result))
    return 0


if __name__ == "__main__":
    given = sys.argv[1:]
    if "--" in given:
        given = given[given.index("--") + 1 :]
    elif bpy.app.binary_path:  # Blender's own options, and none for us
        given = []
    try:
        code = main(given)
    except BaseException:
        traceback.print_exc()
        code = 1
    # Not sys.exit: Blender may take it for an error of the script, and 4.5's module, once Rigify was enabled,
    # hangs for ever in its destructors.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
