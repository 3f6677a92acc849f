"""Each protocol against a plain loop, written from the description of whoever brought it up."""

import numpy as np
import pytest

from motionary_training.metrics import measured
from motionary_training.protocols import PROTOCOLS, Asked, answers, asked_of, told
from tests.training.synthetic import tiny_pairs

TEXTS = np.array([0, 1, 2, 1, 3, 0, 4, 4, 5])  # 1 is said of motions 0 and 1, 0 of 0 and 2, 4 of 3 and 4
OWNER = np.array([0, 0, 0, 1, 1, 2, 3, 4, 4])


@pytest.fixture
def asked():
    sentences = np.random.default_rng(0).standard_normal((6, 8))[TEXTS]
    sentences /= np.linalg.norm(sentences, axis=1, keepdims=True)
    actions = np.array([[1, 0], [1, 0], [0, 1], [0, 0], [1, 1]], np.float32)
    return Asked(OWNER, TEXTS, sentences, actions, np.ones(5, bool))


@pytest.fixture
def scores():
    """Captions of the same words score alike, as they do with any text encoder."""
    return np.random.default_rng(1).integers(0, 6, (6, 5)).astype(float)[TEXTS]


def rank(row, own, others):
    """1 + how many of ``others`` are better than the best of ``own``, ties half."""
    best = max(row[item] for item in own)
    others = [item for item in others if item not in own]
    return 1 + sum(row[item] > best for item in others) + sum(row[item] == best for item in others) / 2


def ranks(side):
    return side.ranks[0].tolist()


def test_strict(asked, scores):
    t2m, m2t = answers("STRICT", scores, asked)
    assert ranks(t2m) == [rank(scores[c], [OWNER[c]], range(5)) for c in range(9)]
    expected = []
    for caption in range(9):
        gallery = [other for other in range(9) if OWNER[other] != OWNER[caption]]
        expected.append(rank(scores[:, OWNER[caption]], [caption], gallery))
    assert ranks(m2t) == expected
    assert t2m.clips.tolist() == m2t.clips.tolist() == OWNER.tolist()


def test_strict_of_first_captions_is_tmrs_diagonal(asked, scores):
    """TMR's all_contrastive_metrics: the place of the diagonal in the sorted row, ties averaged."""
    firsts = [0, 3, 5, 6, 7]
    square = scores[firsts]
    t2m, m2t = answers("STRICT", scores, asked, "first")
    for side, matrix in ((t2m, square), (m2t, square.T)):
        expected = []
        for row, own in zip(matrix, np.diagonal(matrix), strict=True):
            places = np.flatnonzero(-np.sort(-row) == own)
            expected.append(1 + (places[0] + places[-1]) / 2)
        assert ranks(side) == expected


def test_relaxed(asked, scores):
    """MotionPatches' scripts/test.py: the best place of any item with the query's string."""
    t2m, m2t = answers("RELAXED", scores, asked)
    of_words = {text: [int(OWNER[c]) for c in range(9) if TEXTS[c] == text] for text in TEXTS}
    assert ranks(t2m) == [rank(scores[c], of_words[TEXTS[c]], range(5)) for c in range(9)]
    expected = []
    for caption in range(9):
        own = [other for other in range(9) if TEXTS[other] == TEXTS[caption]]
        gallery = [other for other in range(9) if OWNER[other] != OWNER[caption]]
        expected.append(rank(scores[:, OWNER[caption]], own, gallery))
    assert ranks(m2t) == expected


def test_relaxed_is_never_worse_than_strict(asked, scores):
    for captions in ("all", "first"):
        strict, relaxed = (answers(name, scores, asked, captions) for name in ("STRICT", "RELAXED"))
        for one, other in zip(strict, relaxed, strict=True):
            assert (other.ranks <= one.ranks).all()
        assert any((other.ranks < one.ranks).any() for one, other in zip(strict, relaxed, strict=True))


def test_rehamot(asked, scores):
    t2m, m2t = answers("REHAMOT-1000", scores, asked)
    assert ranks(t2m) == ranks(answers("STRICT", scores, asked)[0])
    own = [[c for c in range(9) if OWNER[c] == motion] for motion in range(5)]
    assert ranks(m2t) == [rank(scores[:, motion], own[motion], range(9)) for motion in range(5)]
    assert "5 motions" in told("REHAMOT-1000", asked)
    assert "fewer than the paper's 1,000" in told("REHAMOT-1000", asked)


def test_rehamot_draws_a_thousand_motions_where_there_are_more():
    owner = np.repeat(np.arange(1200), 2)
    many = Asked(owner, np.arange(2400), np.ones((2400, 1)), np.zeros((1200, 0)), np.ones(1200, bool))
    perfect = (owner[:, None] == np.arange(1200)).astype(np.float32)
    t2m, m2t = answers("REHAMOT-1000", perfect, many)
    assert len(t2m.clips) == 2000
    assert len(np.unique(m2t.clips)) == len(m2t.clips) == 1000
    assert m2t.clips.max() > 1000  # numbered as in the whole gallery
    assert measured((t2m, m2t))["R-sum"] == 600
    assert "drawn with seed 0 from 1200" in told("REHAMOT-1000", many)
    assert "fewer" not in told("REHAMOT-1000", many)


def test_batches_of_32():
    """Guo's: whole shuffled batches, first captions, all else left out of the gallery; medians of batches."""
    owner = np.repeat(np.arange(70), 2)
    many = Asked(owner, np.arange(140), np.ones((140, 1)), np.zeros((70, 0)), np.ones(70, bool))
    scores = np.random.default_rng(0).random((140, 70))
    t2m, m2t = answers("BATCH-32", scores, many)
    assert len(t2m.clips) == 10 * 2 * 32
    assert t2m.ranks.max() <= 32
    medians = []
    for number in range(20):
        batch = t2m.clips[t2m.parts == number]
        assert len(set(batch.tolist())) == 32
        square = scores[2 * batch][:, batch]
        expected = [rank(square[query], [query], range(32)) for query in range(32)]
        assert t2m.ranks[0][t2m.parts == number].tolist() == expected
        expected = [rank(square.T[query], [query], range(32)) for query in range(32)]
        assert m2t.ranks[0][m2t.parts == number].tolist() == expected
        medians.append(np.median(expected))
    assert measured((m2t,))["m2t MedR"] == pytest.approx(np.mean(medians))


def test_graded(asked, scores):
    """nDCG and precision by loops; every caption of a motion has its own relevance, not the first alone."""
    sides = answers("GRADED", scores + 1e-3 * np.arange(5) + 1e-2 * np.arange(9)[:, None], asked)
    scores = scores + 1e-3 * np.arange(5) + 1e-2 * np.arange(9)[:, None]  # no ties: their order is clear
    cosines = np.clip(asked.sentences @ asked.sentences.T, 0, 1)
    discount = 1 / np.log2(np.arange(2, 12))
    for way, queries, matrix in (("t2m", range(9), scores), ("m2t", range(5), scores.T)):
        graded, precise = (side for side in sides if side.way == way)
        for number, query in enumerate(queries):
            own = [query] if way == "t2m" else np.flatnonzero(query == OWNER)
            items = (
                [np.flatnonzero(item == OWNER) for item in range(5)]
                if way == "t2m"
                else [[c] for c in range(9)]
            )
            relevance = np.array([max(cosines[o, i] for o in own for i in item) for item in items])
            gain = 2**relevance - 1
            order = np.argsort(-matrix[query])[:10]
            reached, ideal = gain[order], -np.sort(-gain)[:10]
            expected = (reached * discount[: len(order)]).sum() / (ideal * discount[: len(order)]).sum()
            assert graded.columns["nDCG@10"][number] == pytest.approx(expected)
        assert 3 not in precise.clips  # no action of it is known
    precise = next(side for side in sides if "P@10" in side.columns and side.way == "t2m")
    # Of five motions, 0, 1 and 4 share an action with 0; all five are among the first ten.
    assert precise.columns["P@10"][0] == 60


def test_a_perfect_system_is_perfect_and_chance_is_not():
    pairs = tiny_pairs()
    perfect = (pairs.owner[:, None] == np.arange(12)).astype(float)
    asked = asked_of(pairs)
    for protocol in ("STRICT", "RELAXED", "REHAMOT-1000", "BATCH-32"):
        assert measured(answers(protocol, perfect, asked))["R-sum"] == 600
        lucky = measured(answers(protocol, None, asked))
        assert lucky["t2m R@1"] == pytest.approx(100 / 12)
        assert 0 < lucky["R-sum"] < 450
    graded, lucky = (measured(answers("GRADED", one, asked)) for one in (perfect, None))
    assert graded["t2m nDCG@10"] > lucky["t2m nDCG@10"]
    assert lucky["t2m P@10"] == pytest.approx(100 / 6)  # two of twelve do what the query's motion does


def test_chance_is_what_random_scores_reach(asked):
    draw = np.random.default_rng(0)
    for protocol in PROTOCOLS:
        expected = measured(answers(protocol, None, asked))
        found = [measured(answers(protocol, draw.random((9, 5)), asked)) for _ in range(150)]
        for name in ("t2m R@1", "m2t R@2", "m2t MeanR", "t2m nDCG@10", "m2t P@10"):
            if name in expected:
                assert np.mean([one[name] for one in found]) == pytest.approx(expected[name], rel=0.25)


def test_those_who_do_not_ask_are_in_the_gallery_alone(asked, scores):
    asks = np.array([False, True, False, False, True])
    some = Asked(OWNER, TEXTS, asked.sentences, asked.actions, asks)
    for protocol in ("STRICT", "RELAXED", "REHAMOT-1000", "GRADED"):
        for part, whole in zip(
            answers(protocol, scores, some), answers(protocol, scores, asked), strict=True
        ):
            kept = asks[whole.clips]
            assert part.clips.tolist() == whole.clips[kept].tolist()
            for name, column in part.columns.items():
                np.testing.assert_allclose(column, whole.columns[name][kept])
    assert "2 held-out motions" in told("STRICT", some)


def test_every_protocol_names_itself_and_its_sizes(asked):
    for protocol in PROTOCOLS:
        assert told(protocol, asked).startswith(protocol)
        assert "5" in told(protocol, asked)
    assert "first caption" in told("STRICT", asked, "first")
