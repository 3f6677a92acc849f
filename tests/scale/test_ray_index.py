"""Indexing on a Ray cluster of two nodes: as on one machine, also when a node or the driver is killed."""

import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import ExitStack, closing, suppress

import numpy as np
import pytest

from motionary.bundle import load_bundle
from motionary.formats import write_bvh
from motionary.index import index_files
from motionary.library import clip_ids, clip_info, open_library, read_embeddings
from tests.bundles import make_bundle
from tests.motions import walk

ray = pytest.importorskip("ray", reason="the scale extra is not installed")

FILES = 24
GENEROUS = 300.0
"""Seconds: what hangs is to fail, and what is slow is not."""


@pytest.fixture(scope="module")
def cluster():
    """Two nodes of one CPU each, which notice within seconds that the other is gone."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    reason = ""
    for _ in range(3):  # Ray gives a node half a minute to come up, which a busy machine may not do
        try:
            made = two_nodes()
            break
        except Exception as error:  # of many kinds: no shared memory, no ports, too slow
            reason = str(error)
    else:
        pytest.skip(f"Ray does not start here: {reason}")
    yield made
    made.shutdown()


def ports():
    """Ports for a node's agents. Where they choose their own, a node ends itself if it has not heard of them
    in 15 s, which is how long they take to start on a busy machine."""
    names = ("metrics_agent_port", "runtime_env_agent_port", "dashboard_agent_listen_port")
    with ExitStack() as held:
        free = [held.enter_context(closing(socket.create_server(("", 0)))).getsockname()[1] for _ in names]
    return dict(zip(names, free, strict=True))


def two_nodes():
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": 100 << 20, "include_dashboard": False}
    health = {
        "health_check_period_ms": 1000,
        "health_check_timeout_ms": 5000,
        "health_check_failure_threshold": 5,
    }
    made = Cluster(initialize_head=True, head_node_args={**node, **ports(), "_system_config": health})
    try:
        made.add_node(**node, **ports())
        made.wait_for_nodes(GENEROUS)
    except Exception:
        made.shutdown()
        raise
    return made


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def moves(tmp_path_factory):
    """Takes of 12 s and more, one that is broken, and what a captions.csv says of one."""
    folder = tmp_path_factory.mktemp("moves")
    for number in range(FILES):
        write_bvh(walk(12.0 + number / 4), folder / f"{number:02}.bvh")
    (folder / "broken.bvh").write_text("HIERARCHY\n")
    (folder / "captions.csv").write_text("file,caption,tags\n03.bvh,a person walks,gait\n")
    return folder


@pytest.fixture(scope="module")
def local(moves, model, tmp_path_factory):
    """What is to come out: the same files, indexed by this machine alone."""
    path = tmp_path_factory.mktemp("local") / "a.motionary"
    with open_library(path, write=True) as library:
        index_files([moves], library, load_bundle(model), workers=1)
    return held(path)


def held(path):
    """By file: what a library holds, each clip once."""
    with open_library(path) as library:
        embeddings = read_embeddings(library)
        clips = [clip_info(library, clip) for clip in clip_ids(library)]
        made = {
            clip.source: (
                (clip.name, clip.captions, clip.tags),
                embeddings.spans[embeddings.clips == clip.id],
                embeddings.vectors[embeddings.clips == clip.id],
            )
            for clip in clips
        }
    assert len(made) == len(clips)
    return made


def assert_same(ours, local):
    assert set(ours) == set(local)
    for source, (told, spans, vectors) in local.items():
        assert ours[source][0] == told
        np.testing.assert_array_equal(ours[source][1], spans)
        np.testing.assert_allclose(ours[source][2], vectors, atol=1e-6)


def started(cluster, moves, model, library):
    command = ("index", moves, "--library", library, "--model", model, "--ray", cluster.address, "--json")
    return subprocess.Popen(
        [sys.executable, "-c", "from motionary.cli import main; main()", *map(str, command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(path, files, process):
    """Until so many files are in a library that ``process`` writes."""
    end = time.monotonic() + GENEROUS
    while time.monotonic() < end and process.poll() is None:
        with suppress(sqlite3.OperationalError):
            reading = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
            try:
                if reading.execute("SELECT count(*) FROM sources").fetchone()[0] >= files:
                    return
            finally:
                reading.close()
        time.sleep(0.02)
    pytest.fail(f"ended or hung before {files} files were in the library: {process.stderr.read()[-2000:]}")


def test_killed_driver_and_killed_node_lose_no_clip_and_make_none_twice(
    cluster, moves, model, local, tmp_path
):
    path = tmp_path / "a.motionary"
    driver = started(cluster, moves, model, path)
    try:
        wait_for(path, 2, driver)
    finally:
        driver.kill()
        driver.communicate()
    kept = held(path)
    assert 2 <= len(kept) <= FILES

    again = started(cluster, moves, model, path)
    try:
        if len(kept) < FILES - 4:
            wait_for(path, len(kept) + 2, again)
        (node,) = cluster.worker_nodes
        cluster.remove_node(node, allow_graceful=False)
        out, told = again.communicate(timeout=GENEROUS)
    finally:
        again.kill()
    report = json.loads(out)
    assert again.returncode == 1, told  # of the broken file
    assert len(report["failures"]) == 1
    assert "broken.bvh" in report["failures"][0]
    assert (report["indexed"], report["unchanged"]) == (FILES - len(kept), len(kept))
    assert_same(held(path), local)
    with sqlite3.connect(path) as reading:
        assert reading.execute("PRAGMA integrity_check").fetchone() == ("ok",)
