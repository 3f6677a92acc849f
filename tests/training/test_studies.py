import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import average_precision_score

from motionary.errors import MotionaryError
from motionary_training.cli import app, main
from motionary_training.studies import STUDIES, cost, false_negatives, thresholds, warm_up
from motionary_training.studies.document import NOTE, write_document, write_index
from motionary_training.studies.noise import Difference, difference, mean_sd
from motionary_training.studies.plan import Plan, cell
from motionary_training.studies.signs import average_precision, caught, curve
from tests.training.synthetic import tiny_pairs

SHIPPED = Path(__file__).parents[2] / "docs" / "studies"


@pytest.fixture(scope="session")
def digits_work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Finished cells of the digits, which two tests share."""
    return tmp_path_factory.mktemp("digits")


def tiny_plan(work: Path, step: Callable[[int, int], None] = lambda done, total: None) -> Plan:
    return Plan(
        quick=True,
        work=work,
        clips=lambda: tiny_pairs(clips=12),
        descriptions=lambda: {f"{trial:02d}": ("walk", "dance")[trial % 2] for trial in range(6)},
        grammar=lambda seed, number: tiny_pairs(seed, clips=6 * number),
        step=step,
        device="cpu",
    )


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_writes_what_it_found_first_then_table_picture_and_how(
    name: str, tmp_path: Path, digits_work: Path
):
    heard: list[tuple[int, int]] = []
    work = digits_work if name == "digits" else tmp_path / "work"
    finding = STUDIES[name](tiny_plan(work, lambda done, total: heard.append((done, total))))
    page = write_document(finding, tmp_path / "out", name, f"motionary-train study {name}", quick=True)
    lines = page.read_text("utf-8").splitlines()
    assert lines[0] == f"**{finding.found}**"
    assert any(character.isdigit() for character in finding.found)
    assert f"# {finding.title}" in lines
    assert any(line.startswith("| --- | ---:") for line in lines)
    assert f"![{finding.title}]({name}.png)" in lines
    assert f"- command: `motionary-train study {name}`" in lines
    assert {"data", "protocol", "machine"} <= set(finding.settings)
    assert (tmp_path / "out" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    stored = json.loads((tmp_path / "out" / f"{name}.json").read_text("utf-8"))
    assert stored["found"] == finding.found
    assert stored["numbers"]
    index = (tmp_path / "out" / "README.md").read_text("utf-8")
    assert f"[**{finding.title}**]({name}.md) {finding.found} *{NOTE}*" in index
    assert heard[-1][0] == heard[-1][1] == len(heard)


def test_a_study_that_was_stopped_goes_on_where_it_was(tmp_path: Path):
    def stop(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        thresholds.run(tiny_plan(tmp_path, stop))
    finished = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.json")}
    assert len(finished) == 2
    whole = thresholds.run(tiny_plan(tmp_path))
    assert {path: path.stat().st_mtime_ns for path in finished} == finished
    unbroken = thresholds.run(tiny_plan(tmp_path / "other"))
    assert whole.found == unbroken.found


def test_a_damaged_cell_is_named(tmp_path: Path):
    assert cell(tmp_path, {"a": 1}, lambda: {"b": 2})["b"] == 2
    (stored,) = tmp_path.glob("*.json")
    stored.write_text("{")
    with pytest.raises(MotionaryError, match=stored.name):
        cell(tmp_path, {"a": 1}, lambda: {"b": 3})


# What the first line says follows from the numbers.


def scored(
    values: Mapping[object, float], plain: float
) -> Callable[..., dict[object, list[dict[str, float]]]]:
    """In place of training: every setting scores ``plain`` or what ``values`` says, with a little noise."""

    def trained(plan: Plan, settings: Mapping[object, object]) -> dict[object, list[dict[str, float]]]:
        rng = np.random.default_rng(0)
        shared = rng.normal(0, 10, 6)  # folds differ much more than settings: pairing takes it out
        return {
            name: [
                {"R-sum": r_sum, "t2m R@10": r_sum / 4, "m2t R@10": r_sum / 4, "seconds": 1.0}
                for r_sum in values.get(name, plain) + shared + rng.normal(0, 0.5, 6)
            ]
            for name in settings
        }

    return trained


def test_the_thresholds_study_tells_help_from_noise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    best = ("symmetric", 0.7, 1.0)
    monkeypatch.setattr(thresholds, "trained", scored({best: 110.0}, 100.0))
    found = thresholds.run(tiny_plan(tmp_path)).found
    assert found.startswith("Dropping helps: symmetric, 0.7 / 1 gains +")
    # The same dropping under the other convention is told of by the name that people know.
    monkeypatch.setattr(thresholds, "trained", scored({("swapping", 0.75, 0.75): 110.0}, 100.0))
    found = thresholds.run(tiny_plan(tmp_path)).found
    assert found.startswith("Dropping helps: symmetric, 0.75 / 0.75 (code of 2024) gains +")
    monkeypatch.setattr(thresholds, "trained", scored({}, 100.0))
    found = thresholds.run(tiny_plan(tmp_path)).found
    assert found.startswith("No thresholds of the ")
    assert "what the paper says does not show here" in found


def test_the_warm_up_study_tells_help_from_noise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    helped = {(loss, 1): 120.0 for loss in warm_up.LOSSES}
    monkeypatch.setattr(warm_up, "trained", scored(helped, 100.0))
    assert warm_up.run(tiny_plan(tmp_path)).found.startswith(
        "As reported of the paper, both losses need a warm-up"
    )
    monkeypatch.setattr(warm_up, "trained", scored({("max_hinge", 1): 120.0}, 100.0))
    assert warm_up.run(tiny_plan(tmp_path)).found.startswith("MH alone needs the paper's warm-up: MH gains +")
    monkeypatch.setattr(warm_up, "trained", scored({}, 100.0))
    assert warm_up.run(tiny_plan(tmp_path)).found.startswith("No gain of a warm-up shows beyond noise")


def test_whether_likeness_is_a_sound_sign_is_said_first():
    def run(precision: float) -> list[dict[str, object]]:
        rule = {"precision": precision, "recall": 50.0}
        signs = {false_negatives.FROZEN: 1.0, false_negatives.EITHER: 2.0}
        return [{"end": {"rules": {false_negatives.OF_2023: rule}, "share": 5.0, "signs": signs}}]

    question = "is likeness inside a modality a sound sign of a false negative"
    for precisions, said in (
        ((60.0, 70.0), f"By 2 of 2 truths {question}: "),
        ((60.0, 40.0), f"By only 1 of 2 truths {question}: "),
        ((10.0, 40.0), f"By no truth {question}, against the paper's premise: "),
    ):
        found = false_negatives._found({f"truth {p}": run(p) for p in precisions})
        assert found.startswith(said)


# Noise.


@given(st.lists(st.tuples(st.floats(-50, 50), st.floats(-50, 50)), min_size=2, max_size=9))
def test_a_difference_has_the_interval_of_the_paired_t_test(pairs: list[tuple[float, float]]):
    values, others = (np.array(column) for column in zip(*pairs, strict=True))
    apart = difference(values, others)
    assert apart.mean == pytest.approx(float((values - others).mean()))
    if np.std(values - others) > 1e-6:
        expected = stats.ttest_rel(values, others).confidence_interval(0.95)
        assert (apart.low, apart.high) == pytest.approx((expected.low, expected.high))
    wider = difference(values, others, among=10)
    assert wider.low <= apart.low <= apart.high <= wider.high


def test_one_run_shows_nothing():
    apart = difference([5.0], [1.0])
    assert (apart.low, apart.high) == (-math.inf, math.inf)
    assert not apart.beyond_noise
    assert str(Difference(-0.04, -1.0, 0.04, 3)) == "+0.0 [-1.0, +0.0]"
    assert mean_sd([5.0]) == "5.0"
    assert mean_sd([1.0, 3.0]) == "2.0 ± 1.4"


# Signs.


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=40))
def test_average_precision_agrees_with_scikit_learn_ties_included(drawn: list[tuple[int, bool]]):
    sign, truth = np.array([row[0] for row in drawn], float), np.array([row[1] for row in drawn])
    if truth.any():
        expected = 100 * average_precision_score(truth, sign)
        assert average_precision(sign, truth) == pytest.approx(expected)
        assert curve(sign, truth)[0][-1] == 100
    else:
        assert average_precision(sign, truth) == 0


def test_caught_counts_among_the_negatives_alone():
    dropped = np.array([[True, True], [False, False]])
    truth = np.array([[True, False], [True, False]])
    assert caught(dropped, truth, np.ones((2, 2), bool)) == caught(dropped.T, truth.T, np.ones((2, 2), bool))
    whole = caught(dropped, truth, np.ones((2, 2), bool))
    assert (whole.dropped, whole.precision, whole.recall) == (50, 50, 50)
    part = caught(dropped, truth, np.array([[False, True], [True, True]]))
    assert (part.precision, part.recall) == (0, 0)
    assert caught(~truth & truth, truth, truth).precision is None


# Cost.


def test_the_memory_of_a_step_is_its_largest_live_sum():
    def step() -> None:
        first = torch.zeros(1_000_000)
        second = first + 1
        del first, second
        torch.zeros(1_500_000)

    assert 8_000_000 <= cost.step_memory(step, "cpu") < 8_100_000


# The command.


def test_the_command_writes_the_page(tmp_path: Path, digits_work: Path, capsys: pytest.CaptureFixture[str]):
    out = tmp_path / "out"
    app(["study", "digits", "--quick", "--out", str(out), "--work", str(digits_work)], standalone_mode=False)
    text = (out / "digits.md").read_text("utf-8")
    assert "- command: `motionary-train study digits --quick`" in text
    assert NOTE in text
    assert str(out / "digits.md") in capsys.readouterr().out.replace("\n", "")


def test_an_unknown_study_is_refused_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("sys.argv", ["motionary-train", "study", "colours"])
    with pytest.raises(SystemExit):
        main()
    assert capsys.readouterr().err.startswith(
        "motionary-train: colours: no such study; name one of thresholds"
    )


def test_a_stray_file_among_the_documents_is_named(tmp_path: Path):
    (tmp_path / "stray.json").write_text("[]")
    with pytest.raises(MotionaryError, match=r"stray\.json: is no study's record"):
        write_index(tmp_path)


@pytest.mark.parametrize("name", STUDIES)
def test_the_shipped_page_is_of_a_full_run(name: str):
    stored = json.loads((SHIPPED / f"{name}.json").read_text("utf-8"))
    assert not stored["quick"]
    assert (SHIPPED / f"{name}.md").read_text("utf-8").splitlines()[0] == f"**{stored['found']}**"
    assert stored["found"] in (SHIPPED / "README.md").read_text("utf-8")
