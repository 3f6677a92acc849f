"""Many ranks learn what one does: the same loss, gradients and weights, also from a batch that is uneven."""

import json
import multiprocessing
import os
import subprocess
import sys
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from torch import distributed as dist

from motionary_training.batches import frame_store, training_batches
from motionary_training.config import DataConfig, LossConfig, MotionConfig, OptimiserConfig
from motionary_training.data import load_pairs
from motionary_training.distributed import World, first_says, gathered, joined, sum_gradients, summed
from motionary_training.evaluate import embed_motions
from motionary_training.step import batch_loss, learn, make_learner
from motionary_training.train import fit, load_run
from tests.training.synthetic import tiny_config, tiny_pairs, write_official, write_text_encoder

CPU = torch.device("cpu")
LOSSES = {
    "drop_triple": LossConfig("drop_triple", hetero_threshold=0.99, homo_threshold=0.99),
    "symmetric mean": LossConfig(
        "drop_triple", convention="symmetric", hetero_threshold=0.99, homo_threshold=0.7, reduction="mean"
    ),
    "info_nce": LossConfig("info_nce", filter="text", text_threshold=0.8),
    "info_nce mean": LossConfig("info_nce", filter="none", reduction="mean"),
    "max_hinge": LossConfig("max_hinge"),
    "warm-up mean": LossConfig("drop_triple", warmup_epochs=99, reduction="mean"),
    "queue": LossConfig("info_nce", queue=6, queue_momentum=0.5, hetero_threshold=0.99, homo_threshold=0.99),
}
BATCH, PAIRS = 7, 8
"""8 clips of two captions in batches of 7: 7, 7 and 2, of which two ranks hold 4 + 3, 4 + 3 and 1 + 1."""


def settings(loss):
    motion = MotionConfig(width=8, layers=1, heads=2, feedforward=8, dropout=0.0, max_frames=40)
    optimiser = OptimiserConfig(batch=BATCH, learning_rate=1e-2, average=0.9, clip_norm=1.0)
    return tiny_config(loss=loss, motion=motion, optimiser=optimiser)


def told(loss, world):
    """Loss and gradients of each batch from the same weights, then weights after learning from all."""
    config, pairs = settings(loss), tiny_pairs(0, PAIRS)
    learner = make_learner(config, pairs, CPU, world)

    def batches():
        rng = np.random.default_rng(3)
        shard = (world.rank, world.size)
        return training_batches(pairs, frame_store(pairs, CPU), config, learner.std, rng, shard=shard)

    found = []
    for batch in batches():
        value, _ = batch_loss(learner, batch, 9)
        learner.model.zero_grad()
        value.backward()
        sum_gradients(world, learner.model.parameters())
        gradients = {name: p.grad for name, p in learner.model.named_parameters() if p.grad is not None}
        found.append({"loss": summed(world, value.detach().clone()), **gradients})
    tallies = [learn(learner, batch, 9, 1.0) for batch in batches()]
    assert learner.average is not None
    return found, torch.stack(tallies), learner.model.state_dict(), learner.average.state_dict()


def rank_of_two(rank, folder):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    with joined(CPU) as world:
        result = {name: told(loss, world) for name, loss in LOSSES.items()}
        result["says"] = first_says(world, float(rank + 5), CPU)
        rows = torch.arange(8.0).reshape(4, 2)[rank::2].requires_grad_()
        everything = gathered(world, rows, 3)
        (everything * (rank + 1) * torch.tensor([[1.0], [10.0], [100.0]])).sum().backward()
        result["gathered"], result["gradient"] = everything.detach(), rows.grad
    torch.save(result, f"{folder}/{rank}.pt")
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    """What each of two processes found, over Gloo."""
    folder = tmp_path_factory.mktemp("ranks")
    start = multiprocessing.get_context("spawn")
    processes = [start.Process(target=rank_of_two, args=(rank, str(folder))) for rank in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
        alive = process.is_alive()
        process.kill()
        assert not alive, "a rank waits for ever"
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(2)]


@pytest.mark.parametrize("name", LOSSES)
def test_two_ranks_of_half_a_batch_equal_one_of_the_whole(ranks, name):
    alone, tally, *_ = told(LOSSES[name], World())
    for found, tallies, *_ in (rank[name] for rank in ranks):
        assert len(found) == len(alone) == 3
        for one, two in zip(alone, found, strict=True):
            assert one.keys() == two.keys()
            for part in one:
                limit = 1e-5 * max(1.0, float(one[part].abs().max()))
                assert torch.allclose(one[part], two[part], rtol=0, atol=limit), part
        # Weights are not compared: Adam makes a whole step of a gradient that is nothing but rounding.
        assert torch.allclose(tally, tallies, rtol=1e-3, atol=1e-4)
    assert all(float(one["loss"]) > 0 for one in alone)
    for part in (2, 3):
        first, second = ranks[0][name][part], ranks[1][name][part]
        assert all(torch.equal(first[key], second[key]) for key in first)


def test_rows_come_back_in_order_and_gradients_to_where_they_came_from(ranks):
    for rank in ranks:
        assert torch.equal(rank["gathered"], torch.arange(6.0).reshape(3, 2))
    # Row i counts (1 + 2) * 10^i; the fourth row only stands in, and is cut off.
    assert ranks[0]["gradient"].tolist() == [[3, 3], [300, 300]]
    assert ranks[1]["gradient"].tolist() == [[30, 30], [0, 0]]


def test_all_ranks_believe_the_first(ranks):
    assert [rank["says"] for rank in ranks] == [5, 5]


def test_a_process_that_is_alone_has_a_world_of_its_own():
    with joined(CPU) as world:
        assert world == World(0, 1)
        assert not dist.is_initialized()
    assert [World(rank, 3).own(7) for rank in range(3)] == [3, 2, 2]
    assert [World(rank, 3).own(2) for rank in range(3)] == [1, 1, 0]


def test_torchrun_trains_what_one_process_trains(tmp_path):
    config = replace(
        settings(LOSSES["drop_triple"]),
        text=write_text_encoder(tmp_path / "text"),
        data=DataConfig(humanml3d=str(write_official(tmp_path / "set")), cache=str(tmp_path / "cache")),
        optimiser=OptimiserConfig(batch=5, learning_rate=1e-3, epochs=2),
    )
    told = tmp_path / "tiny.toml"
    told.write_text(as_toml(asdict(config)), "utf-8")
    line = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run(
        [*line, "-m", "motionary_training", "train", str(told), "--out", str(tmp_path / "two")],
        env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(tmp_path / "two")  # one rank alone speaks
    fit(config, load_pairs(config, "train"), load_pairs(config, "val"), run=tmp_path / "one")
    (_, one, first), (_, two, second) = load_run(tmp_path / "one"), load_run(tmp_path / "two")
    assert [e.loss for e in first] == pytest.approx([e.loss for e in second], rel=1e-4)
    assert [e.r_sum for e in first] == [e.r_sum for e in second] != [None, None]
    vectors = [embed_motions(model, tiny_pairs().samples, 40) for model in (one, two)]
    assert np.allclose(*vectors, atol=1e-3)
    assert len(list((tmp_path / "two" / "log").iterdir())) == 1


def as_toml(table, prefix=""):
    """TOML of plain values and tables within tables; of plain values, JSON's way to write them is TOML's."""
    plain = {key: value for key, value in table.items() if not isinstance(value, dict)}
    lines = [f"{key} = {json.dumps(value)}" for key, value in plain.items()]
    for key in table.keys() - plain.keys():
        lines += [f"[{prefix}{key}]", as_toml(table[key], f"{prefix}{key}.")]
    return "\n".join(lines)
