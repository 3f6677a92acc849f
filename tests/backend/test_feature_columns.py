"""Columns of blocks and body parts, against the format's own words."""

import numpy as np
import pytest

from motionary.body import JOINTS
from motionary.errors import MotionaryError
from motionary.feature_columns import BLOCKS, PARTS, block_columns, part_columns


def names(width):
    """For each column, what it is and the joint it tells of."""
    joints = (width + 1) // 12
    return [
        *[("root", 0)] * 4,
        *(("positions", joint) for joint in range(1, joints) for _ in range(3)),
        *(("rotations", joint) for joint in range(1, joints) for _ in range(6)),
        *(("velocities", joint) for joint in range(joints) for _ in range(3)),
        *(("contacts", foot) for foot in ("left", "left", "right", "right")),
    ]


@pytest.mark.parametrize("width", [263, 251])
@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_is_the_root_its_kind_and_the_contacts(width, block):
    told = names(width)
    assert len(told) == width
    wanted = [
        column
        for column, (kind, _) in enumerate(told)
        if block == "all" or kind in ("root", block, "contacts")
    ]
    assert block_columns(width, block).tolist() == wanted


@pytest.mark.parametrize("width", [263, 251])
@pytest.mark.parametrize("block", BLOCKS)
def test_the_parts_share_a_block_without_rest(width, block):
    parts = part_columns(width, block)
    assert len(parts) == len(PARTS)
    assert all(len(part) for part in parts)
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), block_columns(width, block))
    told = names(width)
    owners = [{told[column][1] for column in part if told[column][0] != "contacts"} for part in parts]
    assert sum(map(len, owners)) == len(set().union(*owners))  # a joint has one owner


def test_limbs_hold_the_joints_of_their_side():
    told = names(263)
    for part, name in zip(part_columns(263, "all"), PARTS, strict=True):
        joints = {JOINTS[told[c][1]] for c in part if told[c][0] not in ("contacts", "root")}
        sides = {side for side in ("left", "right") for joint in joints if joint.startswith(side)}
        assert sides == ({name.split()[0]} if name != "spine and head" else set())
        limb = {"arm": {"collar", "shoulder", "elbow", "wrist"}, "leg": {"hip", "knee", "ankle", "foot"}}
        if sides:
            assert {joint.split("_")[1] for joint in joints} == limb[name.split()[1]]
        feet = {foot for kind, foot in (told[c] for c in part) if kind == "contacts"}
        assert feet == (sides if name.endswith("leg") else set())


@pytest.mark.parametrize("width", [0, 4, 262, 275, 12 * 22])
def test_other_widths_are_refused(width):
    with pytest.raises(MotionaryError, match=f"{width} wide"):
        block_columns(width, "all")
