"""Folds, shared and resumed work, and what the table says of it; most models are stood in for."""

import json
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from motionary.errors import MotionaryError
from motionary_training import baselines, crossval
from motionary_training.cli import main
from motionary_training.compare import Comparison, Difference, compared, finding, write_comparison
from motionary_training.config import DataConfig
from motionary_training.crossval import Plan, cross_validate, fold_trials, load_gallery, plain
from motionary_training.data import load_samples, make_pairs
from motionary_training.evaluate import Estimate
from motionary_training.metrics import Embedded, measured
from motionary_training.protocols import answers, asked_of
from motionary_training.sources import SPLITS
from tests.training.synthetic import tiny_config, tiny_pairs, write_cmu, write_text_encoder


@pytest.fixture
def world(monkeypatch):
    """Twelve clips of six recordings, mirrored ones to learn from, a model as good as its margin is small.

    ``learnt`` tells of every training: its config and the samples.
    """
    pairs = tiny_pairs()
    vectors = dict(zip(pairs.texts, pairs.sentences.numpy(), strict=True))
    mirrored = [replace(one, id="M" + one.id, group="M" + one.group) for one in pairs.samples]
    joined = replace(pairs.samples[0], id="x", group="x", trial="00|03", made=True)
    learnt = []

    def samples(data, splits, *, seed=0, pooled=False):
        return sorted(
            [
                *pairs.samples,
                *(mirrored if data.mirrored else []),
                *([joined] if data.hard_negatives else []),
            ],
            key=lambda sample: sample.id,
        )

    def fit(config, train, val):
        learnt.append((config, train.samples))
        return config

    def scores(config, gallery, max_frames):
        draw = np.random.default_rng(config.seed)
        noise = config.loss.margin * draw.standard_normal((len(gallery.owner), 12))
        return Embedded(np.eye(12)[gallery.owner] + noise, np.eye(12))

    monkeypatch.setattr(crossval, "load_samples", samples)
    monkeypatch.setattr(crossval, "pairs_for", lambda chosen, config: make_pairs(chosen, vectors))
    monkeypatch.setattr(crossval, "fit", fit)
    monkeypatch.setattr(crossval, "model_scores", scores)
    return learnt


def config(margin=0.2, **changes):
    plain_config = tiny_config(**changes)
    return replace(plain_config, loss=replace(plain_config.loss, margin=margin))


def plan_of(folder, folds=3, seeds=1, **configs):
    return Plan(configs, ("train", "val"), folds, seeds, folder / "work")


def test_every_recording_is_held_out_once_whatever_the_config():
    samples = tiny_pairs(0, 20).samples
    held = fold_trials(samples, 4)
    assert sorted(trial for fold in held for trial in fold) == sorted({one.trial for one in samples})
    assert fold_trials(samples[::-1], 4) == held
    assert {len(fold) for fold in held} == {2, 3}


def test_more_folds_than_recordings():
    with pytest.raises(MotionaryError, match="cannot cut 3 recordings into 4 folds; choose 2 to 3"):
        fold_trials(tiny_pairs(0, 6).samples, 4)


def test_nothing_made_of_a_held_out_recording_is_learnt_from(world, tmp_path):
    data = replace(tiny_config().data, mirrored=True, hard_negatives=("order",))
    plan = plan_of(tmp_path, one=config(data=data))
    gallery = load_gallery(plan)
    assert [sample.id for sample in gallery.samples] == [f"{number:06d}" for number in range(12)]
    cross_validate(plan, gallery)
    held = fold_trials(gallery.samples, 3)
    assert len(world) == 3
    for (_, samples), fold in zip(world, held, strict=True):
        assert not fold & {trial for sample in samples for trial in sample.trial.split("|")}
        assert {sample.group[0] for sample in samples} >= {"0", "M"}
        assert len(samples) == 2 * (12 - 2 * len(fold)) + (not fold & {"00", "03"})


def test_what_is_added_to_learn_from_is_no_part_of_the_gallery():
    data = replace(
        DataConfig(cmu="somewhere"),
        mirrored=True,
        starter_variants=3,
        action_captions=True,
        trial_descriptions=True,
        hard_negatives=("mirror",),
    )
    assert plain(data) == DataConfig(cmu="somewhere", mirrored=False)


def test_all_folds_answers_are_those_of_one_gallery_asked_by_all(world, tmp_path):
    """A model that is the same in every fold answers all clips as if it had been asked once."""
    plan = plan_of(tmp_path, one=config(1.0))
    gallery = load_gallery(plan)
    found = cross_validate(plan, gallery)
    scores = crossval.model_scores(plan.configs["one"], gallery, 40)
    for protocol in crossval.SHOWN:
        whole = measured(answers(protocol, scores, asked_of(gallery)))
        assert measured(found["one"][0]["all"][protocol]) == pytest.approx(whole)
    smaller = measured(found["one"][0]["fold"]["STRICT"])
    assert smaller["m2t MeanR"] < measured(found["one"][0]["all"]["STRICT"])["m2t MeanR"]
    assert set(found) == {"chance", "ridge", "kNN", "oracle", "one"}


def test_a_killed_run_goes_on_where_it_was(world, tmp_path, monkeypatch):
    plan = plan_of(tmp_path, one=config(), two=config(0.5), seeds=2)
    gallery = load_gallery(plan)
    whole = cross_validate(replace(plan, work=tmp_path / "whole"), gallery)
    assert len(world) == 12
    world.clear()
    fit = crossval.fit

    def dying(*given):
        if len(world) == 4:
            raise KeyboardInterrupt
        return fit(*given)

    monkeypatch.setattr(crossval, "fit", dying)
    with pytest.raises(KeyboardInterrupt):
        cross_validate(plan, gallery)
    monkeypatch.setattr(crossval, "fit", fit)
    told = []
    again = cross_validate(plan, gallery, report=lambda *what: told.append(what))
    assert len(world) == 12
    assert told[-1] == ("two, fold 3, seed 6", 15, 15)
    for name, seeds in whole.items():
        for one, other in zip(seeds, again[name], strict=True):
            assert measured(one["all"]["STRICT"]) == measured(other["all"]["STRICT"])


def test_results_are_kept_by_what_they_follow_from(world, tmp_path):
    gallery = load_gallery(plan_of(tmp_path, one=config()))
    cross_validate(plan_of(tmp_path, one=config()), gallery)
    cross_validate(plan_of(tmp_path, other_name=config(name="other", threads=3)), gallery)
    assert len(world) == 3
    cross_validate(plan_of(tmp_path, one=config(0.3)), gallery)
    cross_validate(plan_of(tmp_path, folds=2, one=config()), gallery)
    assert len(world) == 3 + 3 + 2
    samples = [replace(gallery.samples[0], features=gallery.samples[0].features + 1), *gallery.samples[1:]]
    cross_validate(plan_of(tmp_path, one=config()), replace(gallery, samples=tuple(samples)))
    assert len(world) == 3 + 3 + 2 + 3


HOLDER = """
import fcntl, sys, time
file = open(sys.argv[1], "ab")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)
"""


def test_one_process_at_a_time_holds_a_task_and_a_killed_one_lets_go(tmp_path):
    path = tmp_path / "task.lock"
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, path], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "held\n"
        with crossval._claimed(path) as mine:
            assert not mine
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.communicate()
    with crossval._claimed(path) as mine:
        assert mine


def test_the_finding_is_computed(world, tmp_path):
    plan = plan_of(tmp_path, seeds=2, good=config(0.05), bad=config(3.0))
    gallery = load_gallery(plan)
    found = compared(plan, gallery, cross_validate(plan, gallery), "bad", draws=200)
    line = finding(found)
    sums = {row: found.tables["all"]["STRICT"][row]["R-sum"] for row in ("good", "bad", "ridge")}
    ahead = sums["good"].mean - sums["bad"].mean
    assert f"good has the highest STRICT R-sum of the trained rows, {sums['good']}" in line
    assert f"{ahead:+.1f} ({100 * ahead / sums['bad'].mean:+.0f} %;" in line
    assert "off zero) against bad" in line
    assert "the strongest baseline" in line
    # The same told from the other side.
    turned = finding(compared(plan, gallery, cross_validate(plan, gallery), "good", draws=200))
    assert f"{ahead:+.1f} (" in turned
    assert "against bad" in turned
    difference = found.differences["all"]["good"]
    assert difference.interval[0] < difference.mean < difference.interval[1]
    assert set(found.beaten) == {"chance", "ridge", "kNN"}  # the oracle is not to be beaten


def test_systems_that_are_alike_differ_by_nothing(world, tmp_path):
    plan = plan_of(tmp_path, one=config(), same=config(name="same"))
    gallery = load_gallery(plan)
    found = compared(plan, gallery, cross_validate(plan, gallery), "one", draws=50)
    assert found.differences["all"]["same"].interval == (0, 0)
    assert not found.differences["fold"]["same"].is_clear
    assert "zero in it" in finding(found)


def test_a_row_to_compare_with_must_be_there(world, tmp_path):
    plan = plan_of(tmp_path, one=config())
    gallery = load_gallery(plan)
    with pytest.raises(MotionaryError, match="--against names no row 'two'; rows are chance, ridge"):
        compared(plan, gallery, cross_validate(plan, gallery), "two")


def test_what_is_written(world, tmp_path):
    plan = plan_of(tmp_path, one=config(), two=config(0.5))
    gallery = load_gallery(plan)
    found = compared(plan, gallery, cross_validate(plan, gallery), "one", draws=50)
    write_comparison(found, tmp_path / "out")
    text = (tmp_path / "out" / "comparison.md").read_text("utf-8")
    assert text.splitlines()[0] == finding(found)
    for title in ("## STRICT, the fold's clips", "## GRADED, all clips", "oracle: what another person"):
        assert title in text
    stored = json.loads((tmp_path / "out" / "comparison.json").read_text("utf-8"))
    assert stored["finding"] == finding(found)
    assert from_json(stored) == found
    assert "| R-sum of one less that of | | in per cent |" in text
    for row, ahead in found.beaten.items():
        assert f"| {row} | {ahead} | {ahead.percent:+.0f} |" in text
    assert stored["tables"]["all"]["STRICT"]["one"]["R-sum"]["count"] == 1
    assert (tmp_path / "out" / "comparison.png").read_bytes().startswith(b"\x89PNG")


def test_the_page_that_ships_is_what_its_numbers_say(tmp_path):
    shipped = Path(__file__).parents[2] / "docs" / "comparison"
    write_comparison(from_json(json.loads((shipped / "comparison.json").read_text("utf-8"))), tmp_path)
    for name in ("comparison.md", "comparison.json"):
        assert (tmp_path / name).read_text("utf-8") == (shipped / name).read_text("utf-8")


def from_json(stored):
    """The Comparison that ``comparison.json`` was written from."""

    def interval(table):
        return table | {"interval": table["interval"] and tuple(table["interval"])}

    def differences(rows):
        return {row: Difference(**interval(table)) for row, table in rows.items()}

    tables = {
        name: {
            protocol: {
                system: {measure: Estimate(**interval(one)) for measure, one in row.items()}
                for system, row in rows.items()
            }
            for protocol, rows in by_protocol.items()
        }
        for name, by_protocol in stored["tables"].items()
    }
    plain = {name: stored[name] for name in ("against", "seeds", "folds", "drawn", "told")}
    return Comparison(
        **plain,
        trained=tuple(stored["trained"]),
        tables=tables,
        differences={name: differences(rows) for name, rows in stored["differences"].items()},
        beaten=differences(stored["beaten"]),
        joined=differences(stored["joined"]),
    )


def test_two_processes_on_files_from_end_to_end(tmp_path, monkeypatch, capsys):
    """CMU's layout, every baseline, and a second process."""
    monkeypatch.chdir(tmp_path)
    texts = write_cmu(tmp_path / "data") / "humanml3d_texts" / "humanml3d" / "texts"
    shutil.copy(texts / "000003.txt", texts / "M000003.txt")  # all splits are learnt from, mirrored too
    text = write_text_encoder(tmp_path / "encoder")
    (tmp_path / "small.toml").write_text(
        f"""name = "small"
joint_dim = 8
device = "cpu"
threads = 1
data.cmu = "data"
data.cache = "cache"
text = {{ encoder = "{text.encoder}", package = "", max_tokens = 16 }}
motion = {{ width = 8, layers = 1, heads = 2, feedforward = 8, max_frames = 40 }}
optimiser = {{ epochs = 1, batch = 4 }}
""",
        "utf-8",
    )
    rows = ["small.toml", "again=small.toml", "--folds", "2", "--seeds", "1", "--jobs", "2"]
    given = ["compare", *rows, "--work", "work", "--out", "out"]
    monkeypatch.setattr(sys, "argv", ["motionary-train", *given])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert len(list((tmp_path / "work").glob("*.json"))) == 2 + 2  # both rows are one config: one training
    told = capsys.readouterr()
    assert "BM25, trial" in told.out
    assert "6 of 6" in told.err
    first = (tmp_path / "out" / "comparison.md").read_text("utf-8").splitlines()[0]
    assert first.startswith("Over all clips ")
    learnt = load_samples(DataConfig(cmu="data", cache="cache"), SPLITS, pooled=True)
    assert {sample.split for sample in learnt} == {"train"}
    assert {"000003", "M000003"} <= {sample.id for sample in learnt}


def test_a_row_is_shown_again_with_descriptions(world, tmp_path, monkeypatch):
    def told(scores, gallery, config):
        return Embedded(np.eye(12)[gallery.owner], np.eye(12))

    monkeypatch.setattr(crossval, "with_descriptions", told)
    plan = replace(plan_of(tmp_path, a=config(3.0), b=config(2.0)), described=frozenset({"a"}))
    found = cross_validate(plan, load_gallery(plan))
    assert "a + descriptions" in found
    assert "b + descriptions" not in found
    assert measured(found["a + descriptions"][0]["all"]["STRICT"])["t2m R@1"] == 100
    assert measured(found["a"][0]["all"]["STRICT"])["t2m R@1"] < 100


def test_descriptions_add_their_cosines(monkeypatch):
    pairs = tiny_pairs()
    monkeypatch.setattr(baselines, "trial_descriptions", lambda folder, cache: {})
    notes = Embedded(np.full((len(pairs.owner), 2), 0.5), np.full((12, 2), 0.25))
    monkeypatch.setattr(
        baselines, "described", lambda gallery, told, cache: {"MiniLM, trial descriptions": notes}
    )
    model = Embedded(np.eye(12)[pairs.owner], np.eye(12))
    both = baselines.with_descriptions(model, pairs, tiny_config())
    np.testing.assert_allclose(both.texts @ both.motions.T, np.eye(12)[pairs.owner] + 0.25)
