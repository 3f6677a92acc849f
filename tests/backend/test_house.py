"""Which way the imports run: the core is numpy alone, and only the add-on and scripts know bpy."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "backend" / "motionary"
HEAVY = {"bpy", "mathutils", "torch", "transformers", "tokenizers", "safetensors", "scipy"}
SCALE = {"ray", "pymilvus", "fastapi", "uvicorn", "starlette", "motionary_scale"}


def core_modules():
    for path in sorted(CORE.rglob("*.py")):
        parts = path.relative_to(CORE.parent).with_suffix("").parts
        if parts[-1] != "__main__":
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(folder):
    """(file, top-level name) of every absolute import under a folder, also those inside functions."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module]
            yield from ((path.relative_to(ROOT).as_posix(), name.partition(".")[0]) for name in names)


def loaded_by(modules):
    """The modules a fresh interpreter has after importing these."""
    code = f"import sys\nfor name in {sorted(modules)!r}: __import__(name)\nprint(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=CORE.parent
    )
    return set(result.stdout.split())


def test_the_core_is_numpy_and_the_standard_library():
    modules = {name for name in core_modules() if name != "motionary.cli"}
    assert {"motionary", "motionary.bundle"} <= modules
    loaded = loaded_by(modules)
    assert modules <= loaded
    assert not loaded & (HEAVY | {"typer", "rich", "motionary_training"})


@pytest.mark.parametrize(
    ("folder", "forbidden"),
    [
        ("backend", {*HEAVY, *SCALE, "motionary_training", "blender_addon"}),
        ("training", {"bpy", "mathutils", "blender_addon"}),
        ("scale", {"bpy", "mathutils", "torch", "transformers", "motionary_training", "blender_addon"}),
        (
            "blender_addon",
            {"torch", "transformers", "tokenizers", "safetensors", "motionary_training", *SCALE},
        ),
    ],
)
def test_no_file_imports_what_its_part_must_not(folder, forbidden):
    assert [(path, name) for path, name in imported(folder) if name in forbidden] == []


def test_the_walk_sees_imports():
    assert ("backend/motionary/nn.py", "numpy") in imported("backend")
