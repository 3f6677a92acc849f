"""The data that is shared beside the project, for the tests that need it; they skip where it is absent."""

import atexit
import shutil
import tempfile
import zipfile
from functools import cache
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def shared_file(name: str) -> Path:
    """The path of shared data file ``name``; skips the test, saying so, where there is none."""
    path = SHARED / name
    if not path.is_file():
        pytest.skip(f"needs the shared data file {name}, which is not beside the project")
    return path


def unzipped(zip_name: str, *members: str) -> Path:
    """The folder that holds the extracted ``members`` of a shared zip (all of them if none is named).

    Extracted once a session, into a temporary folder that is removed at its end.
    """
    archive_path, folder = shared_file(zip_name), _folder(zip_name)
    with zipfile.ZipFile(archive_path) as archive:
        for member in members or archive.namelist():
            if not (folder / member).exists():
                archive.extract(member, folder)
    return folder


@cache
def _folder(zip_name: str) -> Path:
    folder = Path(tempfile.mkdtemp(prefix=f"motionary-{Path(zip_name).stem}-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
