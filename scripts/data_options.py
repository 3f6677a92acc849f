"""The command line of scripts that read the shared data's zips."""

from __future__ import annotations

import argparse
from pathlib import Path

__all__ = ["data_parser"]

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def data_parser(told: str | None) -> argparse.ArgumentParser:
    """A parser that shows ``told`` as it is written and knows --data, the folder of the zips."""
    parser = argparse.ArgumentParser(description=told, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=SHARED, help="folder of the zips")
    return parser
