"""A library embedded by torch is the one that numpy embeds, and no stop loses what was done."""

import json
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from motionary.bundle import BUILT_IN, load_bundle
from motionary.errors import MotionaryError
from motionary.index import add_clips, embed_again
from motionary.library import Model, clip_ids, open_library, read_embeddings, unembedded
from motionary.motion import Clip
from motionary.safetensors import read_safetensors, write_safetensors
from motionary_training import cli
from motionary_training import embed as embed_module
from motionary_training.config import MotionConfig
from motionary_training.embed import embed_library, make_embed, motion_module, torch_device
from motionary_training.encoders import make_motion_encoder
from tests.bundles import make_bundle
from tests.motions import walk

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return load_bundle(make_bundle(tmp_path_factory.mktemp("model")))


@pytest.fixture(scope="module")
def before(tmp_path_factory):
    """The model that embedded the library first."""
    return load_bundle(make_bundle(tmp_path_factory.mktemp("before"), seed=1, joint_dim=16))


@pytest.fixture
def library(before, tmp_path):
    """Five clips of 1 to 13 s; the last two are long enough for windows."""
    path = tmp_path / "a.motionary"
    with open_library(path, write=True) as held:
        for number, seconds in enumerate((1, 2, 3, 11, 13)):
            add_clips([Clip(f"walk{number}", walk(seconds))], held, before, source=f"{number}.bvh")
    return path


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def motions(bundle, lengths, seed=0):
    rng = np.random.default_rng(seed)
    spread = rng.normal(size=(sum(lengths), len(bundle.motion.mean)))
    frames = (bundle.motion.mean + bundle.motion.std * spread).astype(np.float32)
    return np.split(frames, np.cumsum(lengths)[:-1])


def run(*arguments):
    """The exit status of ``motionary-train ARGUMENTS``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["motionary-train", *map(str, arguments)])
        try:
            cli.main()
        except SystemExit as ended:
            return ended.code or 0
    return 0


# The same vectors


@pytest.mark.parametrize("folder", [BUILT_IN, None], ids=["built-in", "tiny"])
def test_torch_embeds_as_numpy_does(folder, bundle):
    model = load_bundle(folder) if folder else bundle
    # One frame, odd ones, the longest that is taken in whole, and one whose middle is.
    features = motions(model, [1, 2, 7, 60, 119, 120, model.max_frames, model.max_frames + 51])
    vectors = make_embed(model, CPU)(features)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, model.embed_features(features), atol=1e-4, rtol=0)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


KINDS = {
    "transformer": {},
    "transformer, strided positions": {"stride": 3, "columns": "positions"},
    "gru": {"kind": "gru", "stride": 2},
    "lstm": {"kind": "lstm"},
    "bigru": {"kind": "bigru", "columns": "velocities"},
    "patches": {"kind": "patches", "stride": 4},
    "patches of rotations": {"kind": "patches", "stride": 5, "columns": "rotations"},
}
SIZES = {"width": 24, "layers": 2, "heads": 4, "feedforward": 40, "max_frames": 60}


def bundle_of_kind(folder, told):
    """A bundle with a random encoder, in half precision, that config.json's "motion" tells ``told`` of."""
    make_bundle(folder)
    config = json.loads((folder / "config.json").read_text())
    config["motion"] |= SIZES | told
    (folder / "config.json").write_text(json.dumps(config))
    torch.manual_seed(0)
    motion = MotionConfig(**SIZES, **{"features" if key == "columns" else key: told[key] for key in told})
    encoder = make_motion_encoder(motion, 263, config["joint_dim"])
    for name, weight in encoder.named_parameters():
        torch.nn.init.normal_(weight, float("norm" in name and "weight" in name), 0.2)
    kept = read_safetensors(folder / "model.safetensors")
    tensors = {name: tensor for name, tensor in kept.items() if not name.startswith("motion.")}
    tensors |= {f"motion.{name}": weight.half().numpy() for name, weight in encoder.state_dict().items()}
    write_safetensors(tensors, folder / "model.safetensors")
    return load_bundle(folder)


@pytest.mark.parametrize("told", KINDS.values(), ids=KINDS.keys())
def test_every_kind_of_encoder_embeds_as_numpy_does(told, tmp_path):
    model = bundle_of_kind(tmp_path, told)
    features = motions(model, [1, 2, 3, 4, 5, 17, 59, 60, 61, 90])
    vectors = make_embed(model, CPU, batch=150)(features)
    np.testing.assert_allclose(vectors, model.embed_features(features), atol=1e-4, rtol=0)
    assert (vectors[1:] @ vectors[0]).min() < 0.99  # they do not all say the same


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=12), st.integers(1, 200))
def test_neither_order_nor_batches_change_a_vector(bundle, lengths, batch):
    features = motions(bundle, lengths)
    vectors = make_embed(bundle, CPU, batch=batch)(features)
    alone = make_embed(bundle, CPU)
    np.testing.assert_allclose(vectors, np.concatenate([alone([one]) for one in features]), atol=1e-5)


def test_a_batch_has_no_more_frames_than_asked_for(bundle, monkeypatch):
    sizes = []
    whole = embed_module.BundleEncoder.forward

    def forward(self, features, lengths):
        sizes.append((features.shape[0], features.shape[0] * features.shape[1]))
        return whole(self, features, lengths)

    monkeypatch.setattr(embed_module.BundleEncoder, "forward", forward)
    make_embed(bundle, CPU, batch=100)(motions(bundle, [30, 5, 150, 40, 10, 20]))
    assert sum(count for count, _ in sizes) == 6
    assert all(frames <= 100 or count == 1 for count, frames in sizes)
    assert len(sizes) < 6


def test_the_module_carries_the_bundles_weights_and_learns_no_more(bundle):
    module = motion_module(bundle)
    assert not module.training
    assert not any(parameter.requires_grad for parameter in module.parameters())
    np.testing.assert_array_equal(module.features.mean.numpy(), bundle.motion.mean)


def test_what_numpy_refuses_is_refused_in_the_same_words(bundle):
    embed = make_embed(bundle, CPU)
    broken = motions(bundle, [5])[0].copy()
    broken[2, 3] = np.nan
    for bad in (broken, np.zeros((0, 263), np.float32), np.zeros((5, 7), np.float32)):
        with pytest.raises(MotionaryError) as numpys:
            bundle.embed_features([bad])
        with pytest.raises(MotionaryError) as torchs:
            embed([bad])
        assert str(torchs.value) == str(numpys.value)


def test_precision_is_full_within_and_as_before_after(bundle, monkeypatch):
    seen = []
    monkeypatch.setattr(
        embed_module.BundleEncoder,
        "forward",
        lambda self, features, lengths: (
            seen.append((torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32))
            or torch.zeros(len(lengths), bundle.joint_dim)
        ),
    )
    torch.set_float32_matmul_precision("high")
    try:
        make_embed(bundle, CPU)(motions(bundle, [5]))
        assert torch.get_float32_matmul_precision() == "high"
    finally:
        torch.set_float32_matmul_precision("highest")
    assert seen == [("highest", False)]


def test_too_little_memory_is_said_with_the_cure(bundle, monkeypatch):
    def full(self, features, lengths):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nmore")

    monkeypatch.setattr(embed_module.BundleEncoder, "forward", full)
    with pytest.raises(MotionaryError, match=r"cpu: too little free memory for 77 frames .* smaller --batch"):
        make_embed(bundle, CPU, batch=77)(motions(bundle, [5]))


# Devices


@pytest.mark.parametrize(
    ("cuda", "mps", "chosen"), [(True, False, "cuda"), (False, True, "mps"), (False, False, "cpu")]
)
def test_auto_is_a_gpu_where_there_is_one(monkeypatch, cuda, mps, chosen):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends, "mps", SimpleNamespace(is_available=lambda: mps))
    assert torch_device("auto").type == chosen
    assert torch_device("cpu").type == "cpu"


def test_a_device_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(MotionaryError, match="--device cuda: torch finds no such GPU here"):
        torch_device("cuda")
    with pytest.raises(MotionaryError, match="no device 'tpu'; choose one of auto, cuda, mps, cpu"):
        torch_device("tpu")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_a_gpu_embeds_as_numpy_does():
    model = load_bundle()
    features = motions(model, [1, 2, 60, 119, 120, 200, 251])
    vectors = make_embed(model, torch_device("cuda"))(features)
    np.testing.assert_allclose(vectors, model.embed_features(features), atol=1e-4, rtol=0)


# Libraries


def test_a_library_embedded_by_torch_is_the_one_that_numpy_embeds(library, bundle, tmp_path):
    other = tmp_path / "b.motionary"
    other.write_bytes(library.read_bytes())
    report = embed_library(library, bundle, device=CPU, workers=1)
    assert (report.embedded, report.failures, report.cancelled) == (5, (), False)
    with open_library(other, write=True) as held:
        embed_again(held, bundle, workers=1)
        expected, model = read_embeddings(held), held.model
    with open_library(library) as held:
        made = read_embeddings(held)
        assert held.model == model
        assert held.model.id == bundle.id
    np.testing.assert_array_equal(made.clips, expected.clips)
    np.testing.assert_array_equal(made.spans, expected.spans)
    rows = {clip: int((made.clips == clip).sum()) for clip in (1, 2, 3, 4, 5)}
    assert rows[1] == rows[2] == rows[3] == 1
    assert rows[4] > 3  # a long one, in windows
    assert rows[5] > 3
    np.testing.assert_allclose(made.vectors, expected.vectors, atol=1e-4, rtol=0)


def test_what_has_the_models_vectors_is_left(library, bundle):
    assert embed_library(library, bundle, device=CPU, workers=1).embedded == 5
    assert embed_library(library, bundle, device=CPU, workers=1).embedded == 0


def test_a_library_that_is_not_there_is_not_made(bundle, tmp_path):
    with pytest.raises(MotionaryError, match="no such library"):
        embed_library(tmp_path / "a.motionary", bundle, device=CPU)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_killed_half_way_nothing_is_lost(library, bundle, before):
    script = textwrap.dedent(
        f"""
        import os, signal
        from pathlib import Path
        import torch
        from motionary.bundle import load_bundle
        from motionary_training.embed import embed_library

        def progress(step):
            if step.done == 2:
                os.kill(os.getpid(), signal.SIGKILL)

        bundle = load_bundle(Path({str(bundle.folder)!r}))
        embed_library(
            Path({str(library)!r}), bundle, device=torch.device("cpu"), batch=1, workers=1, progress=progress
        )
        """
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == -signal.SIGKILL, done.stderr
    with open_library(library) as held:
        assert held.model.id == before.id  # which still serves, whole
        assert len(np.unique(read_embeddings(held).clips)) == len(clip_ids(held)) == 5
    report = embed_library(library, bundle, device=CPU, workers=1)
    assert report.embedded == 3
    with open_library(library) as held:
        assert held.model.id == bundle.id
        assert len(np.unique(read_embeddings(held).clips)) == 5


# The command


def test_the_command(library, bundle, tmp_path, capsys):
    out = tmp_path / "numbers.json"
    command = ("embed", library, "--model", bundle.folder, "--device", "cpu", "--workers", 2, "--json", out)
    assert run(*command) == 0
    assert "embedded 5 clips with tiny-0" in capsys.readouterr().out
    numbers = json.loads(out.read_text())
    assert (numbers["embedded"], numbers["failures"], numbers["model"]) == (5, [], bundle.id)
    assert run(*command) == 0
    assert json.loads(out.read_text())["embedded"] == 0


def test_a_clip_that_cannot_be_embedded_keeps_the_model_before(library, bundle, before, capsys):
    with open_library(library, write=True) as held:
        held.connection.execute("UPDATE motions SET data = substr(data, 1, 40) WHERE id = 2")
    assert run("embed", library, "--model", bundle.folder, "--device", "cpu", "--workers", 1) == 1
    said = capsys.readouterr()
    assert "embedded 4 clips" in said.out
    assert "clip 2" in said.err
    assert "Traceback" not in said.err
    with open_library(library) as held:
        assert held.model.id == before.id
        assert unembedded(held, Model(bundle.id, bundle.name, bundle.joint_dim)) == [2]


def test_ctrl_c_says_how_to_go_on(library, bundle, monkeypatch, capsys):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(embed_module, "embed_again", stopped)
    assert run("embed", library, "--model", bundle.folder, "--device", "cpu") == 130
    assert "the same command goes on" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("LIBRARY", "--device", "cuda"), "finds no such GPU here"),
        (("LIBRARY", "--device", "gpu"), "there is no device 'gpu'"),
        (("LIBRARY", "--model", "nowhere"), "nowhere"),
        (("nowhere.motionary",), "no such library"),
    ],
)
def test_failures_are_one_line_and_status_1(arguments, says, library, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.chdir(tmp_path)
    places = [str(library) if argument == "LIBRARY" else argument for argument in arguments]
    assert run("embed", *places) == 1
    message = capsys.readouterr().err
    assert says in message
    assert message.count("\n") == 1
    assert not Path("nowhere.motionary").exists()
