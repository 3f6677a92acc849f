"""Actions of glTF files are read as the files have them: worked out anew from their bytes, without Blender.

Nine of mesh2motion's 87 animations hold one pose throughout, whatever their names (Walk, Sit and Idle are
T-poses): that is how they were exported, and no fault of the reading.
"""

import json
import struct

import numpy as np
import pytest

pytest.importorskip("bpy", reason="needs Blender's Python module")

from blender_addon.clip_files import read_file
from motionary.motion import forward_kinematics
from tests.data import unzipped

POSES = {
    *("A_TPose", "Idle", "Pistol_Aim_Down", "Pistol_Aim_Neutral", "Pistol_Aim_Up", "Rest Pose", "Sit"),
    *("T-Pose", "Walk"),
}
START = {"translation": (0, 0, 0), "rotation": (0, 0, 0, 1), "scale": (1, 1, 1)}


class File:
    """A .glb whose numbers are all float32, as these are."""

    def __init__(self, path):
        data = path.read_bytes()
        size = struct.unpack_from("<I", data, 12)[0]
        self.json, self.data = json.loads(data[20 : 20 + size]), data[28 + size :]
        self.nodes = self.json["nodes"]
        self.above = {child: n for n, node in enumerate(self.nodes) for child in node.get("children", ())}

    def numbers(self, accessor):
        found = self.json["accessors"][accessor]
        view = self.json["bufferViews"][found["bufferView"]]
        width = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}[found["type"]]
        start = view.get("byteOffset", 0) + found.get("byteOffset", 0)
        return np.frombuffer(self.data, "<f4", found["count"] * width, start).reshape(-1, width).astype(float)

    def curves(self, animation):
        """By node and path, the times and the values of its keys."""
        found = {}
        for channel in animation["channels"]:
            sampler, target = animation["samplers"][channel["sampler"]], channel["target"]
            keys = self.numbers(sampler["input"])[:, 0], self.numbers(sampler["output"])
            found[target["node"], target["path"]] = keys
        return found

    def places(self, curves, seconds):
        """Where each node is in the world at one moment, by its name."""
        worlds = {}

        def world(node):
            if node not in worlds:
                own = np.eye(4)
                move, turn, size = (
                    at(*curves[node, path], seconds)
                    if (node, path) in curves
                    else np.array(self.nodes[node].get(path, START[path]), float)
                    for path in START
                )
                own[:3, :3], own[:3, 3] = matrix(turn) * size, move
                worlds[node] = world(self.above[node]) @ own if node in self.above else own
            return worlds[node]

        return {node["name"]: world(n)[:3, 3] for n, node in enumerate(self.nodes)}


def at(times, values, seconds):
    """Between two keys along a line: at the keys' own times, where this looks, that is what Blender shows."""
    after = int(np.clip(np.searchsorted(times, seconds), 1, len(times) - 1)) if len(times) > 1 else 0
    if not after:
        return values[0]
    part = np.clip((seconds - times[after - 1]) / (times[after] - times[after - 1]), 0, 1)
    first, second = values[after - 1], values[after]
    return (1 - part) * first + part * (second if first @ second >= 0 or len(first) < 4 else -second)


def matrix(turn):
    x, y, z, w = turn / np.linalg.norm(turn)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


@pytest.mark.parametrize(("name", "count"), [("human-base-animations", 50), ("human-addon-animations", 37)])
def test_every_action_of_the_shared_files_is_read_to_a_tenth_of_a_millimetre(name, count):
    member = f"mesh2motion/{name}.glb"
    file = File(path := unzipped("mesh2motion.zip", member) / member)
    animations = {animation["name"]: animation for animation in file.json["animations"]}
    clips = read_file(path).clips
    assert {clip.name for clip in clips} == set(animations)
    assert len(clips) == count
    for clip in clips:
        curves, motion = file.curves(animations[clip.name]), clip.motion
        first = min(times[0] for times, _ in curves.values())
        begins = round(first * motion.fps) / motion.fps
        places, _ = forward_kinematics(motion)
        for frame in {motion.frames // 3, motion.frames - 1}:
            told = file.places(curves, begins + frame / motion.fps)
            wanted = np.array([told[bone] for bone in motion.skeleton.names])
            assert np.abs(places[frame] - wanted).max() < 1e-4, (clip.name, frame)
        moves = max(np.ptp(values, axis=0).max() for _, values in curves.values())
        assert (moves < 1e-6) == (clip.name in POSES)
        assert (np.ptp(places, axis=0).max() < 1e-4) == (clip.name in POSES)
