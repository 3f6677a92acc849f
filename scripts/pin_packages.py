"""Write into a constraints file the version of every package that set-up installs, as it is installed here.

    python scripts/pin_packages.py constraints.txt .venv .venv-audit     # make pins does this

The lines up to the mark are kept by hand: versions that are what they are for a reason. Below it stands all
else that the environments have, so that set-up makes the same environment tomorrow and elsewhere, and an
audit of it tells of what users get. The text encoders are in no constraints file: their sha256 pins them.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts.installed_packages import installed_packages  # noqa: E402

MARK = "# All else, as installed: scripts/pin_packages.py writes what is below.\n"
HASHED = re.compile(r"^([a-z0-9-]+)==\S+ --hash=", re.MULTILINE)
NAMED = re.compile(r"^([A-Za-z0-9._-]+)==", re.MULTILINE)


def pinned_lines(head: str, packages: Mapping[str, str], without: Iterable[str] = ()) -> list[str]:
    """A line for each package that neither ``head``, ``without`` nor the text encoders' requirements name."""
    files = ROOT.glob("requirements-text*.txt")
    named = {name for file in files for name in HASHED.findall(file.read_text("utf-8"))} | set(without)
    named |= {re.sub(r"[-_.]+", "-", name).lower() for name in NAMED.findall(head)}
    return [
        f"{name}=={version.partition('+')[0]}\n"  # an index may call its build of a version +cpu
        for name, version in sorted(packages.items())
        if name not in named
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("constraints", type=Path)
    parser.add_argument("environments", type=Path, nargs="+", help="the first that has a package decides")
    parser.add_argument("--without", nargs="+", default=[], metavar="NAME", help="leave these packages out")
    options = parser.parse_args()
    head = options.constraints.read_text("utf-8").partition(MARK)[0]
    packages: dict[str, str] = {}
    try:
        for environment in options.environments:
            packages = installed_packages(environment) | packages
    except ValueError as error:
        print(f"pin_packages.py: {error}", file=sys.stderr)
        return 1
    lines = pinned_lines(head, packages, options.without)
    options.constraints.write_text(f"{head}{MARK}{''.join(lines)}", "utf-8")
    print(f"{options.constraints}: {len(lines)} packages pinned")
    return 0


if __name__ == "__main__":
    sys.exit(main())
