"""Pictures: whole files of the right size, with something in them."""

import numpy as np
from PIL import Image

from motionary_training.evaluate import Estimate
from motionary_training.figures import (
    bar_figure,
    recall_figure,
    reliability_figure,
    similarity_figure,
    write_png,
)
from motionary_training.metrics import CUTS

ROW = {f"t2m R@{cut}": Estimate(cut * 5.0, 1.0, 2, (cut * 4.0, cut * 6.0)) for cut in CUTS}


def test_panels_lie_below_each_other(tmp_path):
    panels = [
        recall_figure({"chance": ROW, "model": ROW}, "STRICT"),
        bar_figure({"model": Estimate(3, 0, 1, (2, 5)), "other": Estimate(4, 0, 1, None)}, "bars", "R-sum"),
        similarity_figure(np.eye(5), "model"),
        reliability_figure([0.2, 0.8], [0.0, 1.0], [12, 40]),
    ]
    heights = []
    for count in (1, 4):
        write_png(tmp_path / "picture.png", panels[:count])
        with Image.open(tmp_path / "picture.png") as image:
            heights.append(image.height)
            assert len(image.convert("RGB").getcolors(1 << 24)) > 20
    assert heights[1] == 4 * heights[0]
    assert [path.name for path in tmp_path.iterdir()] == ["picture.png"]
