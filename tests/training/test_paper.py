"""The page on the paper names tests that are there."""

import re
from pathlib import Path

HERE = Path(__file__).parent
ROWS = re.compile(r"`(test_\w+)`: ([^|;]+)")


def test_every_test_that_the_page_names_is_there():
    page = (HERE.parents[1] / "docs" / "paper.md").read_text("utf-8")
    rows = ROWS.findall(page)
    named = [(file, name) for file, names in rows for name in re.findall(r"[a-z0-9_]{6,}", names)]
    assert len(named) > 15
    texts = {file: (HERE / f"{file}.py").read_text("utf-8") for file, _ in named}
    missing = [(file, name) for file, name in named if f"def test_{name}(" not in texts[file]]
    assert missing == []
