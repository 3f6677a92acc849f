"""A studio's server in a real window: found, searched while typing, seen, applied, gone and back again."""

import pytest

from motionary.bundle import load_bundle
from motionary.index import add_clips
from motionary.library import open_library
from motionary.starter import starter_clips
from tests.stand_in import serving
from tests.ui.extension import appears, picture, search


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """A library of a few starter clips, by the built-in model."""
    path = tmp_path_factory.mktemp("studio") / "studio.motionary"
    with open_library(path, write=True) as made:
        add_clips(starter_clips()[:6], made, load_bundle(), source="starter")
    return path


def test_a_served_library_is_added_searched_applied_lost_and_found_again(window, library, tmp_path):
    with serving({"studio": library}, None, token="word") as server:
        window.open_panel("motionary.library_choose")
        window.ask(f"preferences().server_address = {server.address!r}; preferences().server_token = 'word'")
        before = picture(window, tmp_path / "before.png")
        window.press_button("motionary.served_find", columns=(0.84,))
        appears(window, tmp_path / "dialog.png", before, 20_000)
        window.press("Return")
        window.wait_for("session().offered is not None")
        assert window.ask("session().offered.failure") == ""
        window.picture(tmp_path / "offered.png")
        window.press_button("motionary.served_add", columns=(0.3,))
        window.wait_for("str(session().library).endswith('/v1/libraries/studio')")
        window.press_button("motionary.served_close", columns=(0.9, 0.84))
        window.wait_for("session().server is None")

        names = search(window, "a person walks")
        assert names
        window.wait_for("ghost().is_playing() or session().looked is not None")
        window.wait_for("all(session().strip(hit) for hit in session().hits)")
        window.picture(tmp_path / "searched.png")
        window.press_button("motionary.apply(", columns=(0.45,))
        window.wait_for(
            "any(item.animation_data and item.animation_data.action for item in bpy.data.objects)"
        )
        port = int(server.address.rpartition(":")[2])

    window.ask("state().query = 'a person waves'")
    window.wait_for("'no server answers there' in session().failure")
    window.picture(tmp_path / "gone.png")
    with serving({"studio": library}, None, token="word", port=port):
        window.wait_for("session().failure == '' and len(session().hits) > 0", patience=90)
        assert window.ask("session().question.query") == "a person waves"
