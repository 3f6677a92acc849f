"""What a worker of a Ray cluster makes of a file, and what is said where there is no cluster."""

import os
import signal
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from motionary import __version__, index_library
from motionary.bundle import load_bundle
from motionary.captions_csv import Said
from motionary.commands import WrongUsage, index
from motionary.errors import MotionaryError
from motionary.formats import write_bvh
from motionary.index import FileTask, Progress, Read, Windows, index_files
from motionary.library import open_library, sources
from motionary.screen import PLAIN
from motionary_scale import ray_index
from motionary_scale.ray_index import ray_workers
from tests.bundles import make_bundle
from tests.motions import walk


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("model"))


@pytest.fixture
def work(model):
    return ray_index._Work(__version__, load_bundle(model), "numpy", None)


def task(path):
    return FileTask(str(path), Said((), ()), None, Windows(), "")


def one(work, path):
    with ray_index._node_reader("mocap-7", work) as do:
        return do(task(path))


def test_a_worker_gives_what_indexing_here_gives(work, tmp_path):
    write_bvh(walk(12.0), tmp_path / "walk.bvh")
    read, vectors = one(work, tmp_path / "walk.bvh")
    with open_library(tmp_path / "a.motionary", write=True) as library:
        index_files([tmp_path / "walk.bvh"], library, work.bundle, workers=1)
        np.testing.assert_array_equal(vectors, library.embeddings.vectors)
        assert read.source == sources(library)[str(tmp_path / "walk.bvh")]
    assert read.parts == ()  # which nobody needs any more, and the network would carry


def test_a_file_that_a_node_has_not_is_told_with_its_name(work, tmp_path):
    read, vectors = one(work, tmp_path / "gone.bvh")
    assert read.failure == (
        f"{tmp_path / 'gone.bvh'}: is not there on node mocap-7; every node needs the files at the same path"
    )
    assert vectors.shape == (0, work.bundle.joint_dim)


def test_a_node_without_a_blender_tells_that_of_what_needs_one(work, tmp_path):
    (tmp_path / "a.fbx").write_bytes(b"")
    read, _ = one(replace(work, find_blender=lambda: None), tmp_path / "a.fbx")
    assert "not read on node mocap-7: no Blender was found" in read.failure


def test_a_node_with_another_version_or_without_the_device_refuses(work, tmp_path):
    write_bvh(walk(1.0), tmp_path / "walk.bvh")
    refused = one(replace(work, version="0.0.1"), tmp_path / "walk.bvh")
    assert isinstance(refused, MotionaryError)
    assert "on node mocap-7: Motionary is of version" in str(refused)


def test_what_the_model_chokes_on_is_one_files_failure(work, tmp_path, monkeypatch):
    write_bvh(walk(1.0), tmp_path / "walk.bvh")

    def chokes(*_):
        raise ValueError("no")

    monkeypatch.setattr(ray_index, "embed_on", lambda *_: chokes)
    read, _ = one(work, tmp_path / "walk.bvh")
    assert read.failure == f"{tmp_path / 'walk.bvh'}: cannot be read (ValueError: no)"


def test_what_comes_twice_is_passed_on_once_and_what_never_comes_is_asked_for_again_and_told(
    work, monkeypatch
):
    asked = []

    def streamed(tasks, size, _work, _workers):
        asked.append((size, [each.name for each in tasks]))
        for each in tasks:
            if each.name == "1" and len(asked) == 1:
                raise RuntimeError("\nlost with its node\nand pages more")
            if each.name != "2":
                yield from [(Read(each.name), np.zeros((1, 32), np.float32))] * 2

    monkeypatch.setattr(ray_index, "_streamed", streamed)
    tasks = [task(str(number)) for number in range(20)]
    made = list(ray_index._done_round(tasks, work, 1))
    assert sorted(read.name for read, _ in made) == sorted(each.name for each in tasks)
    assert [read.name for read, _ in made if read.failure] == ["2"]
    assert "tried 3 times over (lost with its node)" in made[-1][0].failure
    assert asked[0][0] == 5
    assert asked[1:] == [(1, [str(number) for number in range(1, 20)]), (1, ["2"])]


@pytest.mark.parametrize("address", ["nowhere", "ray://", "host:port", "host:99999", ":1"])
def test_an_address_that_is_none_is_told(model, address):
    with pytest.raises(MotionaryError, match=r"no address of a Ray cluster; give auto, local, HOST:PORT"):
        list(ray_workers(address, load_bundle(model), device="numpy", find_blender=list)([task("a")], None))


def test_a_cluster_that_does_not_answer_is_told_and_leaves_no_library(model, tmp_path, capsys):
    write_bvh(walk(1.0), tmp_path / "walk.bvh")
    run = partial(
        index,
        tmp_path / "a.motionary",
        [tmp_path / "walk.bvh"],
        model=model,
        workers=None,
        fps=None,
        reread=False,
        device="auto",
        find_blender=lambda: None,
        prune=False,
        ray="127.0.0.1:1",
        milvus=None,
        as_json=True,
        screen=PLAIN,
    )
    with pytest.raises(MotionaryError, match=r"no Ray cluster answers there .*ray start --head"):
        run(reembed=False)
    with pytest.raises(WrongUsage, match="embed what the library holds again without it"):
        run(reembed=True)
    assert capsys.readouterr().out == ""


def test_without_ray_one_sentence_says_what_to_install(model, tmp_path, monkeypatch):
    def missing(name):
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(index_library.importlib, "import_module", missing)
    with pytest.raises(MotionaryError, match=r'--ray needs Ray, .*: pip install "motionary\[scale\]"'):
        index_library.index_library(
            tmp_path / "a.motionary",
            [tmp_path],
            model=model,
            device="auto",
            find_blender=lambda: None,
            watch=PLAIN.progress,
            ray="local",
        )
    assert not (tmp_path / "a.motionary").exists()


def test_nothing_to_do_or_stopped_before_it_began_needs_no_cluster(model):
    ask = ray_workers("127.0.0.1:1", load_bundle(model), device="numpy", find_blender=lambda: None)
    assert list(ask([], None)) == []
    assert list(ask([task("a")], lambda: True)) == []


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_a_file_that_ends_its_process_is_told_and_the_next_gets_another():
    from motionary.reading_processes import reading_process

    with reading_process(_deadly, ray_index._died) as do:
        assert "(exit code -9)" in do(task("deadly"))[0].failure
        assert do(task("harmless"))[0].name == "harmless"


class _Deadly:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def __call__(self, each):
        if each.name == "deadly":
            os.kill(os.getpid(), signal.SIGKILL)
        return Read(each.name), np.zeros((0, 0), np.float32)


_deadly = _Deadly


def test_progress_goes_to_the_one_who_watches(model, tmp_path, monkeypatch):
    write_bvh(walk(1.0), tmp_path / "walk.bvh")
    bundle = load_bundle(model)
    work = ray_index._Work(__version__, bundle, "numpy", None)

    def elsewhere(tasks, _):
        with ray_index._node_reader("here", work) as do:
            for each in tasks:
                yield do(each)

    steps: list[Progress] = []
    with open_library(tmp_path / "a.motionary", write=True) as library:
        report = index_files([tmp_path], library, bundle, elsewhere=elsewhere, progress=steps.append)
        again = index_files([tmp_path], library, bundle, elsewhere=elsewhere)
    assert [(step.done, step.total) for step in steps] == [(1, 1)]
    assert (report.indexed, again.indexed, again.unchanged) == (1, 0, 1)
