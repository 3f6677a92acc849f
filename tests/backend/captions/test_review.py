"""The page to look captions through: whole, harmless and moving; in a browser, where there is one."""

import base64
import json
import re
import time
import zlib
from itertools import pairwise

import numpy as np
import pytest

from motionary.captions.corrections import read_corrections
from motionary.captions.review import FRAMES, SIZE, Card, page, thumbnail, write_page
from motionary.errors import MotionaryError
from motionary.motion import slice_frames
from motionary.png import png
from tests.browser import opened
from tests.motions import walk

HOSTILE = "</script><img src=x onerror=alert(1)>\u2028<!-- & \"'"


def card(file="/moves/walk.bvh", **changes):
    values = {
        "file": file,
        "name": file.rpartition("/")[2],
        "captions": ("a person walks",),
        "tags": ("walk", "legs"),
        "confidence": 0.83,
        "known": (),
        "picture": thumbnail(walk(1.0)),
        "seconds": 1.0,
    }
    return Card(**{**values, **changes})


def data_of(text):
    return json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])


def pixels_of(data):
    """A PNG of palette colours, unpacked: (H, W, 3)."""
    chunks, at = {}, 8
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        chunks[data[at + 4 : at + 8]] = data[at + 8 : at + 8 + size]
        at += 12 + size
    width, height = (int.from_bytes(chunks[b"IHDR"][i : i + 4], "big") for i in (0, 4))
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, width + 1)
    assert not rows[:, 0].any()
    return np.frombuffer(chunks[b"PLTE"], np.uint8).reshape(-1, 3)[rows[:, 1:]]


def test_a_png_holds_the_picture_to_a_tenth():
    picture = np.random.default_rng(0).uniform(0, 1, (9, 17, 3)).astype(np.float32)
    assert np.abs(pixels_of(png(picture)) / 255 - picture).max() <= 0.101


def test_a_thumbnail_is_a_row_of_pictures_that_differ():
    shown = pixels_of(thumbnail(walk(2.0)))
    assert shown.shape == (SIZE[1], FRAMES * SIZE[0], 3)
    frames = np.split(shown, FRAMES, axis=1)
    assert sum((a != b).any() for a, b in pairwise(frames)) > FRAMES / 2
    still = np.split(pixels_of(thumbnail(slice_frames(walk(2.0), 5, 6))), FRAMES, axis=1)
    assert all((a == still[0]).all() for a in still)


def test_names_and_captions_are_data_and_never_markup():
    text = page([card(f"/moves/{HOSTILE}", captions=(HOSTILE,), tags=(HOSTILE,), known=(HOSTILE,))], HOSTILE)
    (clip,) = data_of(text)["clips"]
    assert clip["captions"] == clip["tags"] == clip["known"] == [HOSTILE]
    assert "<img src=x" not in text
    assert text.count("<script") == text.count("</script>") == 2


def test_the_page_asks_for_nothing_and_is_small():
    text = page([card(), card("/moves/other.bvh")], "Captions")
    assert not re.search(r"(src|href)\s*=\s*[\"']?(https?:)?//", text)
    assert "http" not in text.replace("http-equiv", "")
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)[1]
    assert "default-src" in policy
    assert "unsafe" not in policy
    assert " style=" not in text  # which such a policy refuses
    assert " onclick=" not in text
    assert len(base64.b64decode(data_of(text)["clips"][0]["picture"].partition(",")[2])) < 12_000


def test_a_page_is_written_whole_or_not_at_all(tmp_path):
    with pytest.raises(MotionaryError, match="cannot be written"):
        write_page(tmp_path / "nowhere" / "page.html", [card()], "Captions")
    write_page(tmp_path / "page.html", [], "None")
    assert data_of((tmp_path / "page.html").read_text("utf-8"))["clips"] == []


# In a browser


def saved(folder, name):
    """What the browser downloads, as soon as it is whole."""
    until = time.monotonic() + 60
    while not (folder / name).exists():
        assert time.monotonic() < until, list(folder.iterdir())
        time.sleep(0.05)
    return folder / name


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    folder = tmp_path_factory.mktemp("review")
    cards = [
        card(f"/moves/{HOSTILE}", captions=(HOSTILE,), confidence=0.2),
        card("/moves/long.bvh", captions=("a person walks", "a person strolls")),
        card("/moves/long.bvh", captions=("a person jogs",), start_s=2.0, end_s=4.5),
        *(card(f"/moves/{number}.bvh", confidence=None) for number in range(80)),
    ]
    write_page(folder / "page.html", cards, HOSTILE)
    with opened(folder / "page.html", folder) as found:
        yield found, folder


def test_the_browser_shows_every_name_as_it_is_and_runs_nothing_of_it(shown):
    found, _ = shown
    assert found.run("document.querySelector('article h2').textContent") == HOSTILE.rpartition("/")[2]
    assert found.run("document.querySelectorAll('article').length") == 60
    assert found.run("[...document.images].every((image) => image.src.startsWith('data:image/png'))")


def test_thumbnails_move(shown):
    found, _ = shown
    assert found.run("document.querySelector('.film img').getAnimations()[0].playState") == "running"
    first = found.ask("Page.captureScreenshot")["data"]
    until = time.monotonic() + 60
    while found.ask("Page.captureScreenshot")["data"] == first:
        assert time.monotonic() < until, "two pictures of the page never differ"


def test_an_edit_is_typed_saved_and_read_back(shown):
    found, folder = shown
    found.press("j")  # the first clip, and the next
    found.press("j")
    found.press("e")
    found.run("document.activeElement.select()")
    found.type("a person marches past\nsomeone marches")
    found.press("Escape")
    found.press("r")
    assert found.run("document.activeElement.className") == "right"
    found.press("j")
    found.press("w")
    found.press("s", modifiers=2)
    path = saved(folder, "corrections.json")
    document = json.loads(path.read_text("utf-8"))
    assert [clip["verdict"] for clip in document["clips"]] == ["right", "wrong"]
    assert document["clips"][1]["captions"] == []
    (row,), failures = read_corrections(path)
    assert (row.file, row.captions) == ("/moves/long.bvh", ("a person marches past", "someone marches"))
    assert not failures
    found.run("document.getElementById('save-csv').click()")
    (row,), failures = read_corrections(saved(folder, "corrections.csv"))
    assert (row.file, row.captions) == ("/moves/long.bvh", ("a person marches past", "someone marches"))


def test_the_filter_leaves_what_has_the_words(shown):
    found, _ = shown
    found.press("/")
    found.type("79.bvh")
    assert found.run("[...document.querySelectorAll('article h2')].map((name) => name.textContent)") == [
        "79.bvh"
    ]
    found.run("document.activeElement.select()")
    found.type("no such clip")
    assert found.run("document.querySelectorAll('article').length") == 0
