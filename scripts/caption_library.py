"""Caption a folder of motion files, and the Actions of its .blend files in these files themselves.

    blender --background --python scripts/caption_library.py -- FOLDER --out captions.csv
    python scripts/caption_library.py FOLDER --out captions.jsonl --in-place

The first is Blender, the second Python with pip's bpy. BVH, AMC, FBX, glTF and .blend files get rows in the
table (a captions.csv is read by `motionary index`; a .jsonl has all that was measured). Of .blend files the
Actions also become assets with the caption as description, and tags: in a copy beside, NAME.captioned.blend,
or with --in-place in the file, which this version of Blender then has saved. Run it again, and only what is
not done yet is. Exit codes as of `motionary`: 0 done, 1 some failed, each told in a line, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import redirect_stdout
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import bpy

ROOT = Path(__file__).resolve().parent.parent


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="caption_library.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sources", type=Path, nargs="+", metavar="SOURCE", help="motion files, and folders")
    parser.add_argument("--out", type=Path, required=True, help="the .csv or .jsonl to write")
    parser.add_argument("--in-place", action="store_true", help="write into the .blend files themselves")
    parser.add_argument(
        "--overwrite", action="store_true", help="describe anew the Actions that have a description"
    )
    parser.add_argument("--again", action="store_true", help="caption anew what has rows in the table")
    parser.add_argument("--top", type=int, default=1, help="captions a clip gets in the table")
    parser.add_argument("--bank", type=Path, action="append", default=[], help="a file of more sentences")
    parser.add_argument("--model", type=Path, help="a model bundle instead of the built-in one")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout, and nothing else")
    try:
        options = parser.parse_args(arguments)
        if options.top < 1 or options.out.suffix.lower() not in (".csv", ".jsonl"):
            parser.error("--top is 1 or more, and --out ends in .csv or .jsonl")
    except SystemExit as ended:  # 0 after --help, 2 for wrong usage
        return ended.code if isinstance(ended.code, int) else 2
    from blender_addon.bundled import own_bundle
    from blender_addon.caption_files import caption_folder
    from motionary.blender_files import find_blender
    from motionary.bundle import load_bundle
    from motionary.captions.bank import open_bank
    from motionary.errors import MotionaryError
    from motionary.screen import PLAIN, complain

    this = Path(bpy.app.binary_path) if bpy.app.binary_path else None  # none in pip's module
    try:
        with redirect_stdout(sys.stderr), PLAIN.progress("Captions") as progress:
            bundle = load_bundle(options.model or own_bundle())
            done = caption_folder(
                options.sources,
                options.out,
                bundle,
                open_bank(bundle, options.bank),
                top=options.top,
                in_place=options.in_place,
                overwrite=options.overwrite,
                again=options.again,
                find_blender=partial(find_blender, this),
                progress=progress,
            )
    except MotionaryError as error:
        complain(str(error))
        return 1
    written = {str(one.path): one.actions for one in done.written}
    if options.json:
        document = {"table": str(options.out), "captioned": done.captioned, "skipped": done.skipped}
        print(json.dumps(document | {"failures": done.failures, "written": written}, indent=2))
    else:
        print(f"captioned {done.captioned}, skipped {done.skipped} done before, failed {len(done.failures)}")
        for path, actions in written.items():
            print(f"wrote {path}: {actions} Actions")
    return 1 if done.failures else 0


# Only here, for the processes that read files import this script once more, and need none of it.
if __name__ == "__main__":
    # What Blender's C code prints goes to stderr, from its import on: stdout is for the result.
    sys.stdout = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    import bpy

    sys.path.insert(0, str(ROOT))
    if find_spec("motionary") is None:
        sys.path.insert(0, str(ROOT / "backend"))
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
    # Not sys.exit: Blender may take it for an error of the script, and 4.5's module may hang in destructors.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
