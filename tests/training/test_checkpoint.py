"""The folder of a run: one run, one config; a checkpoint that is whole, plain, and never half written."""

import os
import signal
from dataclasses import replace

import pytest
import torch

from motionary.errors import MotionaryError
from motionary_training import checkpoint
from motionary_training.checkpoint import (
    asked_to_stop,
    open_run,
    read_checkpoint,
    read_config,
    write_checkpoint,
)
from tests.training.synthetic import tiny_config


def test_what_is_written_is_read(tmp_path):
    state = {
        "step": 3,
        "best": float("-inf"),
        "model": {"weight": torch.arange(4.0)},
        "history": [{"r": None}],
    }
    write_checkpoint(tmp_path, state)
    stored = read_checkpoint(tmp_path)
    assert torch.equal(stored.pop("model")["weight"], torch.arange(4.0))
    assert {key: stored[key] for key in ("step", "best", "history")} == {
        "step": 3,
        "best": float("-inf"),
        "history": [{"r": None}],
    }


def test_a_write_that_fails_leaves_the_old_checkpoint_and_no_other_file(tmp_path):
    write_checkpoint(tmp_path, {"step": 1})

    class Refused:
        def __reduce__(self):
            raise RuntimeError("cannot be written")

    with pytest.raises(RuntimeError):
        write_checkpoint(tmp_path, {"step": 2, "bad": Refused()})
    assert read_checkpoint(tmp_path)["step"] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["last.pt"]


def test_a_run_is_not_overwritten_nor_resumed_with_another_config(tmp_path):
    config, run = tiny_config(), tmp_path / "run"
    assert open_run(run, config, resume=False) is None
    assert read_config(run) == config
    assert open_run(run, config, resume=True) is None  # killed before the first checkpoint: begins anew
    write_checkpoint(run, {"step": 1})
    with pytest.raises(MotionaryError, match="already holds a run; add --resume"):
        open_run(run, config, resume=False)
    with pytest.raises(MotionaryError, match="another config"):
        open_run(run, replace(config, seed=9), resume=True)
    stored = open_run(run, config, resume=True)
    assert stored is not None
    assert stored["step"] == 1


def test_other_ranks_write_nothing(tmp_path):
    assert open_run(tmp_path / "run", tiny_config(), resume=False, write=False) is None
    assert not (tmp_path / "run").exists()


def test_a_run_in_the_place_of_a_file(tmp_path):
    (tmp_path / "run").write_text("")
    with pytest.raises(MotionaryError, match="run: cannot be made"):
        open_run(tmp_path / "run", tiny_config(), resume=False)


def test_a_checkpoint_that_is_none(tmp_path):
    with pytest.raises(MotionaryError, match=r"last\.pt: not found"):
        read_checkpoint(tmp_path)
    for content in (b"", b"not a checkpoint"):
        (tmp_path / "last.pt").write_bytes(content)
        with pytest.raises(MotionaryError, match=r"last\.pt: is damaged"):
            read_checkpoint(tmp_path)
    torch.save([1, 2], tmp_path / "last.pt")
    with pytest.raises(MotionaryError, match=r"last\.pt: is damaged"):
        read_checkpoint(tmp_path)


def test_a_checkpoint_that_is_cut_short(tmp_path):
    write_checkpoint(tmp_path, {"weights": torch.zeros(1000)})
    whole = (tmp_path / "last.pt").read_bytes()
    (tmp_path / "last.pt").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(MotionaryError, match=r"last\.pt: is damaged"):
        read_checkpoint(tmp_path)


def test_a_checkpoint_of_another_version(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "FORMAT", 1)
    write_checkpoint(tmp_path, {})
    monkeypatch.undo()
    with pytest.raises(MotionaryError, match="another version of the trainer"):
        read_checkpoint(tmp_path)


def test_a_checkpoint_cannot_run_code(tmp_path):
    touched = tmp_path / "touched"

    class Evil:
        def __reduce__(self):
            return type(touched).touch, (touched,)

    torch.save({"format": checkpoint.FORMAT, "model": Evil()}, tmp_path / "last.pt")
    with pytest.raises(MotionaryError, match=r"last\.pt: is damaged"):
        read_checkpoint(tmp_path)
    assert not touched.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_asks_and_the_usual_handler_is_back_for_the_second(number):
    heard = []
    before = signal.signal(number, lambda *told: heard.append(told[0]))
    try:
        with asked_to_stop() as asked:
            assert not asked()
            os.kill(os.getpid(), number)
            assert asked()
            assert not heard
            os.kill(os.getpid(), number)
            assert heard == [number]
        with asked_to_stop() as asked:
            assert not asked()
    finally:
        signal.signal(number, before)


def test_started_by_torchrun_every_signal_only_asks():
    # torchrun passes Ctrl-C on to its processes, which have had it from the terminal already.
    with asked_to_stop(insist=True) as asked:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        assert asked()
