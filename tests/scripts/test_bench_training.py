"""The training benchmark: its arithmetic against torch's own count, and that it runs small and says so."""

import importlib.util
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs the training package's torch")

from torch.nn.attention import SDPBackend, sdpa_kernel  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from motionary_training.config import MotionConfig  # noqa: E402
from motionary_training.encoders import make_motion_encoder  # noqa: E402

SCRIPT = Path(__file__).parents[2] / "scripts" / "bench_training.py"


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("bench_training", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("changes", [{}, {"layers": 1, "width": 64, "heads": 2, "feedforward": 96}])
def test_the_operations_are_those_that_torch_counts(bench, changes):
    config = replace(MotionConfig(dropout=0.0), **changes)
    encoder = make_motion_encoder(config, bench.FEATURES, 128)
    features = torch.zeros(2, 50, bench.FEATURES)
    # torch does not count what a fused attention kernel does on a CPU.
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        encoder.train()(features, torch.full((2,), 50))
    assert counter.get_total_flops() == 2 * bench.forward_flops(config, 50, bench.FEATURES, 128)


def test_the_peak_is_that_of_the_longest_name_that_fits(bench, monkeypatch):
    assert bench.peak_tflops(torch.device("cpu")) is None
    names = {"NVIDIA H200": 989.0, "NVIDIA L40S": 362.0, "NVIDIA L4": 121.0, "Somebody's GPU": None}
    for name, peak in names.items():
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda device, name=name: name)
        assert bench.peak_tflops(torch.device("cuda")) == peak


def test_the_set_has_the_shape_asked_for(bench):
    pairs = bench.shaped_pairs(5, 12, 3)
    assert [sample.features.shape for sample in pairs.samples] == [(12, 263)] * 5
    assert pairs.sentences.shape == (15, bench.TEXT_WIDTH)
    assert torch.allclose(pairs.sentences.norm(dim=1), torch.ones(15))


def test_it_prints_its_table_on_a_cpu():
    line = [sys.executable, str(SCRIPT), "--device", "cpu", "--motions", "8", "--frames", "20"]
    done = subprocess.run(
        [*line, "--batch", "4", "--seconds", "0.1", "--peak-tflops", "1", "--clips", "3"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    embedding = ("clips/s, numpy", "clips/s, torch on cpu", "3 clips", "largest difference")
    for word in (
        "samples/s",
        "MFU",
        "memory",
        "60 epochs",
        "8 motions of 20 frames",
        "%",
        " min",
        *embedding,
    ):
        assert word in done.stdout
