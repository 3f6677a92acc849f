"""Tables of systems: seeds and intervals, chance beside them, unseen recordings apart; models' embeddings."""

import dataclasses
import json
import sys

import numpy as np
import pytest

from motionary.bundle import BUILT_IN
from motionary_training.cli import main
from motionary_training.data import subset
from motionary_training.evaluate import (
    clusters_of,
    embed_motions,
    embed_texts,
    estimates,
    evaluate,
    model_scores,
    recalls,
    score,
)
from motionary_training.metrics import Embedded, ranked_side
from motionary_training.protocols import PROTOCOLS, answers, asked_of
from motionary_training.report import markdown_table, section_json, split_sections, write_report
from motionary_training.train import build_model
from tests.training.synthetic import tiny_config, tiny_pairs, write_cmu, write_text_encoder


@pytest.fixture(scope="module")
def pairs():
    return tiny_pairs()


SMALL = """name = "small"
joint_dim = 8
device = "cpu"
threads = 1
data = {{ cmu = "data", cache = "cache", mirrored = false }}
text = {{ encoder = "{encoder}", package = "", max_tokens = 16 }}
motion = {{ width = 8, layers = 1, heads = 2, feedforward = 8, max_frames = 40 }}
optimiser = {{ epochs = 1, batch = 4 }}
"""


def run(*words):
    """The exit code of ``motionary-train`` with these words."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["motionary-train", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
    return ended.value.code


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with CMU's layout, a config and two runs of different seeds; what is run, is run in it."""
    folder = tmp_path_factory.mktemp("evaluate")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_cmu(folder / "data")
        text = write_text_encoder(folder / "encoder")
        (folder / "small.toml").write_text(SMALL.format(encoder=text.encoder), "utf-8")
        for seed in (1, 2):
            assert run("train", "small.toml", "--seed", seed, "--out", f"run-{seed}") == 0
        yield folder


def random_scores(count, seed=0):
    draw = np.random.default_rng(seed)
    return [draw.random((24, 12)) for _ in range(count)]


def test_every_protocol_has_its_table_with_chance_first(pairs):
    clusters, drawn = clusters_of(pairs)
    assert drawn == "recordings"
    assert clusters.tolist() == [number // 2 for number in range(12)]
    tables = evaluate({"random": random_scores(1)}, asked_of(pairs), clusters, draws=50)
    assert tuple(tables) == PROTOCOLS
    for table in tables.values():
        assert list(table) == ["chance", "random"]
    assert "R-sum" not in tables["GRADED"]["random"]


def test_seeds_are_averaged_query_by_query(pairs):
    clusters, _ = clusters_of(pairs)
    asked, seeds = asked_of(pairs), random_scores(3)
    row = evaluate({"system": seeds}, asked, clusters, protocols=["STRICT"], draws=200)["STRICT"]["system"]
    alone = [recalls(scores, pairs) for scores in seeds]
    for name in ("t2m R@5", "m2t MedR", "R-sum"):
        values = [one[name] for one in alone]
        assert row[name].mean == pytest.approx(np.mean(values))
        assert row[name].deviation == pytest.approx(np.std(values, ddof=1))
        assert row[name].count == 3
    low, high = row["R-sum"].interval
    assert low < row["R-sum"].mean < high
    assert row["t2m MedR"].interval is None
    assert " ± " in str(row["R-sum"])


def test_an_interval_of_one_seed_has_no_deviation():
    side = ranked_side("t2m", np.array([1.0, 1.0, 12.0]), np.arange(3))
    row = estimates([(side,)], np.arange(3), draws=20)
    assert row["t2m R@1"].deviation == 0
    assert str(row["t2m R@1"]) == "66.7"


def test_clips_without_a_recording_are_drawn_by_themselves(pairs):
    samples = tuple(dataclasses.replace(sample, trial="") for sample in pairs.samples)
    clusters, drawn = clusters_of(dataclasses.replace(pairs, samples=samples))
    assert drawn == "clips"
    assert len(set(clusters.tolist())) == 12


def test_embedding_is_the_same_alone_and_in_company(pairs):
    model = build_model(tiny_config(), pairs)
    together = embed_motions(model, pairs.samples, 40)
    assert together.shape == (12, 8)
    for number in (0, 5, 11):
        alone = embed_motions(model, pairs.samples[number : number + 1], 40)[0]
        np.testing.assert_allclose(alone, together[number], atol=1e-5)
    texts = embed_texts(model, pairs)
    np.testing.assert_allclose(np.linalg.norm(texts, axis=1), 1, atol=1e-5)


def test_validation_is_strict(pairs):
    config = tiny_config()
    model = build_model(config, pairs)
    scores = model_scores(model, pairs, config.motion.max_frames)
    assert isinstance(scores, Embedded)
    found = score(model, pairs, config)
    assert found == recalls(scores.texts @ scores.motions.T, pairs) == recalls(scores, pairs)
    assert {"R-sum", "t2m R@10", "m2t MedR"} <= set(found)


def test_clips_of_unseen_recordings_get_their_own_tables():
    learnt, asked = tiny_pairs(0, 6), tiny_pairs(1, 12, "val")  # recordings 00-02 are in both
    (scores,) = random_scores(1)
    sections = split_sections({"model": [scores]}, asked, learnt, "val", draws=50)
    assert [section.title for section in sections] == [
        "val, all 12 clips",
        "val, 6 clips of unseen recordings",
    ]
    rest = subset(asked, np.arange(12) >= 6)
    apart = recalls(scores[12:, 6:], rest)
    row = sections[1].tables["STRICT"]["model"]
    assert {name: value.mean for name, value in row.items()} == pytest.approx(apart)
    assert "6 motions" in sections[1].told["STRICT"]


def test_a_report_holds_every_number_once_under_its_protocol(tmp_path):
    learnt, asked = tiny_pairs(0, 6), tiny_pairs(1, 12, "val")
    systems = {"one": random_scores(1), "two": random_scores(2, 5)}
    sections = split_sections(systems, asked, learnt, "val", draws=50)
    write_report(sections, tmp_path / "out")
    stored = json.loads((tmp_path / "out" / "evaluation.json").read_text("utf-8"))
    assert stored == json.loads(json.dumps([section_json(section) for section in sections]))
    assert set(stored[0]["protocols"]) == set(PROTOCOLS)
    strict = stored[0]["protocols"]["STRICT"]["systems"]["two"]["R-sum"]
    assert strict["count"] == 2
    assert len(strict["interval"]) == 2
    text = (tmp_path / "out" / "evaluation.md").read_text("utf-8")
    for section in sections:
        for protocol in PROTOCOLS:
            assert section.told[protocol] in text
    assert (tmp_path / "out" / "evaluation.png").read_bytes().startswith(b"\x89PNG")


def test_a_table_in_markdown_has_a_cell_for_every_measure(pairs):
    clusters, _ = clusters_of(pairs)
    asked = asked_of(pairs)
    tables = evaluate({"random": random_scores(2)}, asked, clusters, draws=50)
    lines = markdown_table(tables["STRICT"], "m2t")
    assert lines[0] == "| motion to text | R@1 | R@2 | R@3 | R@5 | R@10 | MedR | MeanR | R-sum |"
    assert {line.count("|") for line in lines if line} == {10}
    assert markdown_table(tables["GRADED"], "t2m")[0] == "| text to motion | nDCG@10 | P@10 |"


def test_first_captions_ask_alone_where_that_is_asked_for(pairs):
    clusters, _ = clusters_of(pairs)
    (scores,) = random_scores(1)
    table = evaluate(
        {"random": [scores]}, asked_of(pairs), clusters, protocols=["STRICT"], captions="first", draws=20
    )["STRICT"]
    square = scores[::2]
    t2m = 1 + (square > np.diagonal(square)[:, None]).sum(axis=1)
    assert table["random"]["t2m MeanR"].mean == pytest.approx(t2m.mean())
    assert len(answers("STRICT", scores, asked_of(pairs), "first")[0].clips) == 12


def test_runs_and_bundles_side_by_side(place, capsys):
    """Two seeds of one config are one row, a bundle another, the baselines beside them."""
    assert run("evaluate", "run-1", "run-2", BUILT_IN, "small.toml", "--out", "told") == 0
    (section,) = json.loads((place / "told" / "evaluation.json").read_text("utf-8"))
    strict = section["protocols"]["STRICT"]["systems"]
    assert list(strict) == [
        "chance",
        "ridge",
        "kNN",
        "BM25, trial descriptions",
        "MiniLM, trial descriptions",
        "oracle",
        "run-1",
        "default",
    ]
    assert strict["run-1"]["R-sum"]["count"] == 2
    assert strict["default"]["R-sum"]["count"] == 1
    assert {path.name for path in (place / "told").iterdir()} == {
        "evaluation.json",
        "evaluation.md",
        "evaluation.png",
    }
    told = capsys.readouterr().out
    for protocol in PROTOCOLS:
        assert f"{protocol}: val, all 1 clips" in told


def test_one_protocol_and_first_captions(place):
    words = ("--protocol", "RELAXED", "--captions", "first", "--out", "first")
    assert run("evaluate", "run-1", "small.toml", *words) == 0
    (section,) = json.loads((place / "first" / "evaluation.json").read_text("utf-8"))
    assert list(section["protocols"]) == ["RELAXED"]
    assert "the first caption of each" in section["protocols"]["RELAXED"]["told"]


def test_a_run_knows_its_own_config(place):
    assert run("evaluate", "run-1", "--protocol", "STRICT", "--out", "own") == 0
    assert run("evaluate", "run-1", "small.toml", "--protocol", "STRICT", "--out", "told-it") == 0
    own, told = ((place / name / "evaluation.json").read_text("utf-8") for name in ("own", "told-it"))
    assert own == told


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("data", "small.toml"), 1, "data: neither a run's folder (last.pt) nor a bundle (config.json)"),
        (("small.toml",), 1, "small.toml: no run and no bundle; name one before the config"),
        ((BUILT_IN,), 1, "a bundle does not tell its data set; name a config behind it"),
        (("run-1", "small.toml", "--split", "train"), 2, "neither val nor test"),
        (("run-1", "small.toml", "--protocol", "STRICTLY"), 2, "is none of STRICT, RELAXED"),
        (("run-1", "small.toml", "--captions", "two"), 2, "neither all nor first"),
    ],
)
def test_what_cannot_be_evaluated_is_said_in_one_line(place, capsys, words, code, message):
    assert run("evaluate", *words, "--out", "none") == code
    error = capsys.readouterr().err
    assert message in " ".join(error.replace("│", " ").split())
    assert "Traceback" not in error
    assert not (place / "none").exists()


def test_cross_validation_of_one_config(place, capsys):
    """Within the train split alone, whose two clips are of two recordings."""
    assert run("crossval", "small.toml", "--folds", 2, "--work", "work", "--out", "folds") == 0
    stored = json.loads((place / "folds" / "comparison.json").read_text("utf-8"))
    assert stored["trained"] == ["small"]
    assert stored["tables"]["all"]["STRICT"]["small"]["R-sum"]["count"] == 1
    assert "3 motions" in stored["told"]["all"]["STRICT"]
    assert stored["finding"].split(";")[0] in capsys.readouterr().out.replace("\n", " ")
