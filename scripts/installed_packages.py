"""Which packages a virtual environment has. Nothing of it is run, and any Python can ask."""

from __future__ import annotations

import re
from importlib.metadata import distributions
from pathlib import Path

OURS = "motionary"


def installed_packages(environment: Path) -> dict[str, str]:
    """Version by name (small letters, hyphens) of each package in a folder that venv made; ours left out.

    ValueError, in a sentence, where there is none.
    """
    places = [*environment.glob("lib/python3*/site-packages"), *environment.glob("Lib/site-packages")]
    if not places:
        raise ValueError(f"{environment}: is no virtual environment; make test makes those that are needed")
    found = {
        re.sub(r"[-_.]+", "-", package.metadata["Name"]).lower(): package.version
        for package in distributions(path=[str(place) for place in places])
    }
    return {name: version for name, version in sorted(found.items()) if name != OURS}
