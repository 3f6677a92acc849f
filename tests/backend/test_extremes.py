"""Absurd numbers, from reading to a character: a file goes through or is refused in one sentence.

The table in docs/reliability.md is made of the same files (scripts/measure_extremes.py)."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from motionary import rotation
from motionary.bundle import load_bundle
from motionary.codec import decode_motion, encode_motion
from motionary.errors import MotionaryError
from motionary.formats import read_clip, write_bvh
from motionary.formats.bvh import read_bvh
from motionary.motion import Motion, Skeleton, resample
from tests.bundles import make_bundle
from tests.extremes import EXTREMES, STEPS, steps
from tests.fuzz.targets import AMC, ASF


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return load_bundle(make_bundle(tmp_path_factory.mktemp("model")))


@pytest.mark.parametrize("name", [name for name, each in EXTREMES.items() if not each.slow])
def test_a_file_of_absurd_numbers_goes_through_or_is_refused_in_one_sentence(name, tmp_path, bundle):
    extreme = EXTREMES[name]
    path = extreme.make(tmp_path / "x")
    told = steps(path, tmp_path, bundle)
    step, words = extreme.refused
    assert words in told[step] if step else not told["index"]
    if step:
        assert str(path) in told[step]
        assert all(not told[before] for before in STEPS[: STEPS.index(step)])
    assert all(text.isprintable() for text in told.values())
    if not told["read"]:
        assert not told["export"]


numbers = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from([1e308, -1e308, 5e-324, 1e-300, 1e15, 1e7, 360.0, 1e6, float("nan"), float("inf")]),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(number=numbers, place=st.integers(0, 8), which=st.sampled_from(["bvh", "amc", "asf", "npy"]))
def test_any_number_in_any_place_gives_a_motion_or_a_sentence(tmp_path, number, place, which):
    if which == "npy":
        values = np.full((3, 22, 3), 0.5)
        values[1, place, 1] = number
        np.save(tmp_path / "x.npy", values)
        path = tmp_path / "x.npy"
    elif which == "bvh":
        words = ["0"] * 9
        words[place] = repr(number)
        joint = "OFFSET 0 1 0\nCHANNELS 3 Zrotation Xrotation Yrotation\n"
        head = "OFFSET 0 0 0\nCHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation\n"
        path = tmp_path / "x.bvh"
        path.write_text(
            f"HIERARCHY\nROOT a\n{{\n{head}JOINT b\n{{\n{joint}}}\n}}\n"
            f"MOTION\nFrames: 1\nFrame Time: 0.01\n{' '.join(words)}\n"
        )
    else:
        text = {"amc": AMC, "asf": ASF}
        old = {"amc": [b"9.3", b"-17.3", b"-5 10"], "asf": [b"2.4", b"0.45", b"-0.7"]}[which]
        chosen = old[place % len(old)]
        new = repr(number).encode() + chosen.partition(b" ")[1] + chosen.partition(b" ")[2]
        text[which] = text[which].replace(chosen, new)
        (tmp_path / "x.asf").write_bytes(text["asf"])
        path = tmp_path / "x.amc"
        path.write_bytes(text["amc"])
    refused = ""
    try:
        motion = read_clip(path).motion
    except MotionaryError as error:
        refused = str(error)
    if refused:
        assert str(tmp_path) in refused
        assert refused.isprintable()
        return
    assert np.isfinite(motion.translation).all()
    assert np.isfinite(motion.skeleton.offsets).all()
    np.testing.assert_allclose(np.linalg.norm(motion.rotations, axis=-1), 1, atol=1e-6)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    frames=st.integers(1, 40),
    joints=st.sampled_from([1, 2, 3, 40]),
    fps=st.sampled_from([0.1, 0.5, 23.976, 29.97, 30.0, 59.94, 120.0, 1000.0]),
    scale=st.sampled_from([0.0, 1e-300, 1e-9, 1e-3, 1.0, 1e3]),
    seed=st.integers(0, 10**6),
)
def test_any_motion_is_stored_exported_and_resampled_as_it_is(tmp_path, frames, joints, fps, scale, seed):
    rng = np.random.default_rng(seed)
    skeleton = Skeleton(
        tuple(f"j{number}" for number in range(joints)),
        np.array([-1, *(rng.integers(0, n) for n in range(1, joints))]),
        np.vstack([np.zeros(3), rng.normal(size=(joints - 1, 3)) * scale]),
    )
    turns = rotation.normalize(rng.normal(size=(frames, joints, 4)))
    motion = Motion(skeleton, turns, rng.normal(size=(frames, 3)) * min(scale, 1e3), fps)
    kept = decode_motion(encode_motion(motion), skeleton, fps)
    apart = np.abs(np.sum(kept.rotations * turns, axis=-1))
    np.testing.assert_allclose(apart, 1, atol=1e-7)
    np.testing.assert_allclose(kept.translation, motion.translation, atol=1e-4)
    write_bvh(motion, tmp_path / "x.bvh")
    again = read_bvh(tmp_path / "x.bvh", unit=0.01)
    assert again.frames == frames
    assert abs(again.fps - fps) < 1e-3 * fps
    np.testing.assert_allclose(again.translation, motion.translation, atol=1e-6)
    if frames / fps * 20 < 1e5:
        twenty = resample(motion, 20.0)
        assert np.isfinite(twenty.rotations).all()
        assert twenty.frames == int((frames - 1) * 20 / fps + 1e-6) + 1
