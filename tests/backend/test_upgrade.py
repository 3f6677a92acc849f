"""Libraries of earlier versions are brought up to date whole, or are left as they were."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing

import numpy as np
import pytest
from typer.testing import CliRunner

from motionary import cli, library, upgrade
from motionary.bundle import load_bundle
from motionary.errors import MotionaryError
from motionary.index import index_files
from motionary.library import VERSION, find_clip, format_version, open_library, read_embeddings, set_starred
from motionary.search import search
from motionary.starter import write_starter
from motionary.upgrade import STEPS, copy_beside, is_earlier, upgrade_library
from motionary.worker import index_on_request, read_request
from tests.bundles import make_bundle
from tests.old_library import SCHEMAS, write_old


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return load_bundle(make_bundle(tmp_path_factory.mktemp("model")))


@pytest.fixture(scope="module")
def today(bundle, tmp_path_factory):
    """A library of this version: six starter clips with captions, one starred."""
    folder = tmp_path_factory.mktemp("today")
    for path in sorted(write_starter(folder / "moves"))[6:]:
        path.unlink(missing_ok=True)
    with open_library(folder / "today.motionary", write=True) as made:
        index_files([folder / "moves"], made, bundle, workers=1)
        set_starred(made, 1, True)
    return folder / "today.motionary"


@pytest.fixture(params=sorted(SCHEMAS))
def old(request, today, tmp_path):
    """The same library, as each earlier version had it."""
    return write_old(tmp_path / "old.motionary", today, request.param)


def held(path):
    """All that a library holds, whatever the order in the file."""
    with closing(sqlite3.connect(path)) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        return {
            table: sorted(connection.execute(f"SELECT * FROM {table}").fetchall(), key=repr)
            for table in tables
        }


def test_there_is_a_step_from_every_earlier_version_and_a_test_of_it():
    assert len(STEPS) == len(SCHEMAS) == VERSION - 1
    assert [step.schema for step in STEPS] == [SCHEMAS[version] for version in sorted(SCHEMAS)]


def test_an_old_library_becomes_what_indexing_makes_today(old, today):
    before = format_version(old)
    told = []
    report = upgrade_library(old, progress=told.append)
    assert (report.before, report.after, report.clips, report.notes) == (before, VERSION, 6, ())
    assert [(step.done, step.total) for step in told] == [(number, 6) for number in range(1, 7)]
    upgraded, wanted = held(old), held(today)
    # What is measured of the stored motion is measured of what is left of it by 16 bits.
    facts, own = (np.frombuffer(b"".join(row[-1] for row in h.pop("embeddings")), "<f4") for h in
                  (upgraded, wanted))  # fmt: skip
    assert upgraded == wanted
    assert np.isfinite(facts).mean() > 0.5
    np.testing.assert_array_equal(np.isnan(facts), np.isnan(own))
    np.testing.assert_allclose(facts, own, rtol=0.02, atol=0.02)
    assert [path.name for path in old.parent.iterdir()] == [old.name]


def test_what_is_upgraded_is_searched_and_starred_as_any_library(old, today, bundle):
    upgrade_library(old)
    with open_library(old, write=True) as one, open_library(today) as other:
        found, wanted = (search(each, bundle, "a person walks", 6) for each in (one, other))
        assert [hit.name for hit in found] == [hit.name for hit in wanted]
        set_starred(one, 2, True)
        assert one.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    np.testing.assert_array_equal(*(read_embeddings(open_library(path)).vectors for path in (old, today)))


def test_readers_and_writers_of_an_old_library_are_told_the_cure(old):
    assert is_earlier(old)
    for write in (False, True):
        with pytest.raises(MotionaryError) as caught:
            open_library(old, write=write)
        assert f"'motionary upgrade {old}'" in str(caught.value)
        assert "earlier" in str(caught.value)
    upgrade_library(old)
    assert not is_earlier(old)


def test_a_library_of_today_is_left_alone(today):
    before = today.read_bytes()
    report = upgrade_library(today)
    assert (report.before, report.after, report.clips) == (VERSION, VERSION, 0)
    assert today.read_bytes() == before


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("PRAGMA user_version = 9", f"library of version 9, not {VERSION}; update Motionary"),
        ("PRAGMA user_version = 0", "of version 0, which there never was"),
        ("CREATE TABLE more (x)", "its tables are not those of one"),
        ("CREATE TRIGGER t AFTER UPDATE ON clips BEGIN DELETE FROM tags; END", "its tables are not those"),
        ("PRAGMA application_id = 7", "another program's"),
    ],
)
def test_what_cannot_be_upgraded_is_told_and_left_alone(old, statement, says):
    with closing(sqlite3.connect(old)) as connection:
        connection.executescript(statement)
    before = old.read_bytes()
    with pytest.raises(MotionaryError, match=says) as caught:
        upgrade_library(old)
    assert str(caught.value).startswith(str(old))
    assert old.read_bytes() == before
    assert [path.name for path in old.parent.iterdir()] == [old.name]


def test_damaged_pages_are_told_and_the_library_is_left_alone(old):
    whole = bytearray(old.read_bytes())
    whole[4096 * 4 : 4096 * 6] = b"\xff" * 8192
    old.write_bytes(whole)
    with pytest.raises(MotionaryError, match="damaged"):
        upgrade_library(old)
    assert old.read_bytes() == whole
    assert [path.name for path in old.parent.iterdir()] == [old.name]


def test_a_clip_that_cannot_be_measured_is_noted_and_stays(old):
    with closing(sqlite3.connect(old)) as connection:
        connection.executescript("UPDATE motions SET data = x'0102' WHERE id = 1")
    report = upgrade_library(old)
    (note,) = report.notes
    assert "clip 1" in note
    with open_library(old) as upgraded:
        rows = read_embeddings(upgraded)
        assert np.isnan(rows.facts[rows.clips == 1]).all()
        assert not np.isnan(rows.facts[rows.clips == 2]).all()


def test_nobody_writes_to_a_library_while_it_is_upgraded(old, monkeypatch):
    real, said = upgrade._copy, []

    def meanwhile(*arguments):
        with closing(sqlite3.connect(old, timeout=0.01)) as other:
            assert other.execute("SELECT count(*) FROM clips").fetchone() == (6,)
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("DELETE FROM clips")
            said.append(True)
        real(*arguments)

    monkeypatch.setattr(upgrade, "_copy", meanwhile)
    upgrade_library(old)
    assert said == [True]


def test_a_library_that_another_writes_to_is_not_upgraded(old, monkeypatch):
    before = old.read_bytes()
    real = library.connect

    def impatient(path, mode):
        connection = real(path, mode)
        connection.execute("PRAGMA busy_timeout = 10")
        return connection

    monkeypatch.setattr(upgrade, "connect", impatient)
    with closing(sqlite3.connect(old, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(MotionaryError, match="another program is writing"):
            upgrade_library(old)
    assert old.read_bytes() == before


@pytest.mark.skipif(sys.platform == "win32", reason="a file that is open cannot be replaced on this system")
def test_a_library_that_was_replaced_in_the_last_moment_is_not_mistaken_for_it(old, today, monkeypatch):
    real = upgrade.connect

    def replaced(path, mode):
        connection = real(path, mode)
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        fresh = old.with_name("fresh")
        fresh.write_bytes(today.read_bytes())
        fresh.replace(old)
        return connection

    monkeypatch.setattr(upgrade, "connect", replaced)
    with pytest.raises(MotionaryError, match="just replaced this library; try again"):
        upgrade_library(old)
    assert old.read_bytes() == today.read_bytes()


def test_it_can_be_cancelled_and_leaves_the_library_as_it_was(old):
    before = old.read_bytes()
    asked = []

    def cancel():
        asked.append(True)
        return len(asked) > 3

    report = upgrade_library(old, cancel=cancel)
    assert report.cancelled
    assert (report.before, report.after) == (format_version(old), format_version(old))
    assert old.read_bytes() == before
    assert [path.name for path in old.parent.iterdir()] == [old.name]


@pytest.mark.skipif(os.name == "nt", reason="needs rights to make a link on this system")
def test_of_a_link_what_it_leads_to_is_upgraded(old, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "link.motionary"
    link.symlink_to(old)
    upgrade_library(link)
    assert link.is_symlink()
    assert format_version(old) == VERSION


@pytest.mark.skipif(os.name == "nt", reason="this system has other permissions")
def test_permissions_stay(old):
    old.chmod(0o640)
    upgrade_library(old)
    assert old.stat().st_mode & 0o777 == 0o640


KILLED = textwrap.dedent(
    """
    import os, signal, sys
    from pathlib import Path
    from motionary import upgrade

    def die(step):
        if step.done == 4:
            os.kill(os.getpid(), signal.SIGKILL)

    upgrade.upgrade_library(Path(sys.argv[1]), progress=die)
    """
)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_killed_half_way_the_old_library_is_there_and_the_next_call_upgrades_it(old):
    before, version = old.read_bytes(), format_version(old)
    done = subprocess.run([sys.executable, "-c", KILLED, str(old)], stderr=subprocess.PIPE, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert old.read_bytes() == before
    assert [path.name for path in sorted(old.parent.iterdir())] == [old.name, copy_beside(old).name]
    assert upgrade_library(old).before == version
    assert format_version(old) == VERSION
    assert [path.name for path in old.parent.iterdir()] == [old.name]


def test_the_command_upgrades_and_says_so(old):
    run = CliRunner()
    document = json.loads(run.invoke(cli.app, ["upgrade", str(old), "--json"]).stdout)
    version = document["before"]
    assert document == {"library": str(old), "before": version, "after": VERSION, "clips": 6, "notes": []}
    again = run.invoke(cli.app, ["upgrade", str(old)])
    assert (again.exit_code, again.stdout) == (0, f"{old} is of version {VERSION} already\n")
    with open_library(old) as upgraded:
        assert find_clip(upgraded, "1") == 1


def test_blenders_worker_upgrades_when_asked(old):
    steps = []
    request = read_request(json.dumps({"library": str(old), "upgrade": True}).encode())
    report = index_on_request(request, lambda step, progress: steps.append(step), lambda: False)
    assert (report.upgraded, report.indexed, report.cancelled) == (VERSION, 0, False)
    assert set(steps) == {"Upgrading"}
    assert format_version(old) == VERSION
