"""Where embedding is done: numpy unless a GPU is really there; torch is looked for by name."""

import importlib
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner

from motionary import device as device_module
from motionary import index as index_module
from motionary.bundle import load_bundle
from motionary.cli import app
from motionary.device import embed_on, may_have_gpu
from motionary.errors import MotionaryError
from motionary.formats import write_bvh
from motionary.index import Windows, embed_again, index_files, window_frames
from motionary.library import clip_ids, open_library, read_embeddings
from tests.bundles import make_bundle
from tests.motions import walk


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return load_bundle(make_bundle(tmp_path_factory.mktemp("model")))


@pytest.fixture(scope="module")
def moves(tmp_path_factory):
    """Two short clips and one of 12 s, which has windows."""
    folder = tmp_path_factory.mktemp("moves")
    for number, seconds in enumerate((1.0, 2.0, 12.0)):
        write_bvh(walk(seconds), folder / f"{number}.bvh")
    return folder


@pytest.fixture
def library(tmp_path):
    with open_library(tmp_path / "a.motionary", write=True) as made:
        yield made


@pytest.fixture
def plug_in(monkeypatch):
    """In the place of the training package's module; ``finds`` is the only device that it has."""
    fake = SimpleNamespace(finds="cuda", made=[])

    def torch_device(name):
        if name not in ("auto", fake.finds):
            raise MotionaryError(f"--device {name}: torch finds no such GPU here; choose auto or cpu")
        return SimpleNamespace(type=fake.finds)

    def make_embed(bundle, device):
        fake.made.append((bundle.id, device.type))
        return lambda motions: -bundle.embed_features(motions)

    fake.torch_device, fake.make_embed = torch_device, make_embed
    monkeypatch.setitem(sys.modules, "motionary_training.embed", fake)
    monkeypatch.setattr(device_module, "may_have_gpu", lambda: True)
    return fake


def without_torch(monkeypatch, error):
    def refuse(name):
        assert name == "motionary_training.embed"
        raise error

    monkeypatch.setattr(device_module.importlib, "import_module", refuse)


def cli(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)


# Which


def test_numpy_looks_for_nothing(bundle, monkeypatch):
    without_torch(monkeypatch, AssertionError("looked for"))
    assert embed_on("numpy", bundle) is None


def test_auto_without_signs_of_a_gpu_looks_for_nothing(bundle, monkeypatch):
    without_torch(monkeypatch, AssertionError("looked for"))
    monkeypatch.setattr(device_module, "may_have_gpu", lambda: False)
    assert embed_on("auto", bundle) is None


@pytest.mark.parametrize("error", [ModuleNotFoundError("No module named 'torch'"), OSError("libc10.so")])
def test_without_torch_auto_is_numpy_and_a_device_is_refused_with_the_cure(bundle, monkeypatch, error):
    without_torch(monkeypatch, error)
    monkeypatch.setattr(device_module, "may_have_gpu", lambda: True)
    assert embed_on("auto", bundle) is None
    with pytest.raises(
        MotionaryError, match=r"--device cuda needs .* pip install 'motionary\[train\]'"
    ) as told:
        embed_on("cuda", bundle)
    assert str(error) in str(told.value)
    assert "\n" not in str(told.value)


def test_auto_is_the_gpu_that_torch_finds(bundle, plug_in):
    embed = embed_on("auto", bundle)
    features = [np.random.default_rng(0).normal(size=(9, 263)).astype(np.float32)]
    np.testing.assert_array_equal(embed(features), -bundle.embed_features(features))
    assert plug_in.made == [(bundle.id, "cuda")]


def test_auto_is_numpy_where_torch_finds_none_after_all(bundle, plug_in):
    plug_in.finds = "cpu"
    assert embed_on("auto", bundle) is None
    assert plug_in.made == []
    embed_on("cpu", bundle)
    assert plug_in.made == [(bundle.id, "cpu")]


def test_a_gpu_that_torch_does_not_find_is_refused(bundle, plug_in):
    with pytest.raises(MotionaryError, match="--device mps: torch finds no such GPU"):
        embed_on("mps", bundle)


def test_the_signs_of_a_gpu(monkeypatch, tmp_path):
    driver = tmp_path / "driver"
    monkeypatch.setattr(device_module, "_DRIVERS", (str(driver),))
    monkeypatch.setattr(sys, "platform", "linux")
    assert not may_have_gpu()
    driver.touch()
    assert may_have_gpu()
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(device_module.platform, "machine", lambda: "arm64")
    assert may_have_gpu()
    monkeypatch.setattr(device_module.platform, "machine", lambda: "x86_64")
    assert not may_have_gpu()
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(device_module.ctypes.util, "find_library", lambda name: f"{name}.dll")
    assert may_have_gpu()


def test_the_plug_in_is_where_the_core_looks_for_it():
    pytest.importorskip("torch")
    plug_in = importlib.import_module(device_module._PLUG_IN)
    assert callable(plug_in.torch_device)
    assert callable(plug_in.make_embed)


# Indexing with it


@pytest.mark.parametrize("workers", [1, 2])
def test_what_embeds_is_asked_here_whoever_reads(library, bundle, moves, workers):
    given = []

    def embed(motions):
        given.append([len(motion) for motion in motions])
        return -bundle.embed_features(motions)

    report = index_files([moves], library, bundle, workers=workers, embed=embed)
    assert (report.indexed, report.failures) == (3, ())
    (lengths,) = given  # all files in one batch, the long one in its windows
    assert lengths[:2] == [19, 39]
    assert len(lengths) == 2 + len(window_frames(239, Windows()))
    assert library.model.id == bundle.id
    with open_library(library.path.with_name("b.motionary"), write=True) as other:
        index_files([moves], other, bundle, workers=1)
        np.testing.assert_allclose(
            read_embeddings(library).vectors, -read_embeddings(other).vectors, atol=1e-6
        )


def test_no_more_is_held_than_a_batch_and_one_file(library, bundle, moves, monkeypatch):
    monkeypatch.setattr(index_module, "BATCH", 50)
    given = []

    def embed(motions):
        given.append(sum(map(len, motions)))
        return bundle.embed_features(motions)

    index_files([moves], library, bundle, workers=1, embed=embed)
    few, long = given
    assert few == 58
    assert long > 239
    given.clear()
    other = SimpleNamespace(
        **{name: getattr(bundle, name) for name in ("name", "joint_dim", "max_frames", "config")}, id="other"
    )
    report = embed_again(library, other, workers=1, embed=embed, batch=20)
    assert report.embedded == 3
    assert given == [few, long]


def test_what_embeds_may_fail_and_what_was_done_stays(library, bundle, moves, monkeypatch):
    monkeypatch.setattr(index_module, "BATCH", 1)
    asked = []

    def embed(motions):
        asked.append(1)
        if len(asked) > 1:
            raise MotionaryError("cuda: too little free memory")
        return bundle.embed_features(motions)

    with pytest.raises(MotionaryError, match="too little free memory"):
        index_files([moves], library, bundle, workers=2, embed=embed)
    assert len(clip_ids(library)) == 1
    assert index_files([moves], library, bundle, workers=1).indexed == 2


# The command


def test_a_library_indexed_by_torch_is_the_one_that_numpy_indexes(bundle, moves, tmp_path):
    pytest.importorskip("torch")
    held = []
    for device in ("numpy", "cpu"):
        path = tmp_path / f"{device}.motionary"
        command = ("index", moves, "--library", path, "--model", bundle.folder, "--workers", 1)
        done = cli(*command, "--device", device)
        assert (done.exit_code, done.stdout) == (0, "indexed 3, skipped 0 unchanged, failed 0\n"), done.output
        with open_library(path) as library:
            held.append((library.model, read_embeddings(library)))
    (model, numpys), (torchs_model, torchs) = held
    assert torchs_model == model
    np.testing.assert_array_equal(torchs.spans, numpys.spans)
    np.testing.assert_allclose(torchs.vectors, numpys.vectors, atol=1e-4, rtol=0)


def test_again_by_torch(bundle, moves, tmp_path):
    pytest.importorskip("torch")
    path = tmp_path / "a.motionary"
    other = make_bundle(tmp_path / "other", seed=2)
    assert cli("index", moves, "--library", path, "--model", bundle.folder, "--workers", 1).exit_code == 0
    command = ("index", "--library", path, "--model", other, "--reembed", "--workers", 1, "--device", "cpu")
    done = cli(*command)
    assert done.stdout == "indexed 0, skipped 0 unchanged, embedded 3 clips again, failed 0\n"


def test_a_device_that_is_not_there_is_one_line_and_makes_no_library(bundle, moves, tmp_path, monkeypatch):
    without_torch(monkeypatch, ModuleNotFoundError("No module named 'torch'"))
    path = tmp_path / "a.motionary"
    command = ("index", moves, "--library", path, "--model", bundle.folder, "--device")
    done = cli(*command, "cuda")
    assert (done.exit_code, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("motionary: --device cuda needs Motionary's training package and torch")
    assert cli(*command, "gpu").exit_code == 2
    assert not Path(path).exists()
