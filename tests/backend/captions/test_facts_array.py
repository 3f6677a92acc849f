"""Facts as numbers and back."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionary.captions.facts_array import UNKNOWN, WIDTH, WORDS, column, pack_facts, unpack_facts
from motionary.captions.measure import Facts, measure
from motionary.library import VERSION
from tests.motions import walk

VALUES = {
    "float": st.floats(-1e3, 1e3, width=32),
    "int": st.integers(0, 1000),
    "bool": st.booleans(),
    "str": st.sampled_from(WORDS),
}


@given(st.fixed_dictionaries({field.name: VALUES[field.type] for field in fields(Facts)}))
def test_facts_come_back(values):
    facts = Facts(**values)
    row = pack_facts(facts)
    assert row.shape == (WIDTH,)
    assert unpack_facts(row) == facts
    assert column(row[None], "steps")[0] == facts.steps


def test_what_is_measured_is_told_in_words_that_have_a_number():
    facts = measure(walk(2.0))
    back = unpack_facts(pack_facts(facts))
    assert back.gait == facts.gait == "walk"
    assert back.distance_m == pytest.approx(facts.distance_m, rel=1e-6)


def test_a_motion_that_was_not_measured_has_none():
    assert unpack_facts(UNKNOWN) is None


def test_what_holds_no_facts_is_refused():
    row = pack_facts(measure(walk(2.0)))
    for name, value in (("gait", 99.0), ("gait", 1.5), ("steps", 0.5)):
        broken = row.copy()
        broken[[field.name for field in fields(Facts)].index(name)] = value
        with pytest.raises(ValueError, match="is no"):
            unpack_facts(broken)


def test_the_librarys_version_tells_which_facts_it_holds():
    """Other facts need another version: what an older Motionary measured means something else."""
    assert (VERSION, WIDTH) == (2, 38)
    assert np.isnan(UNKNOWN).all()
