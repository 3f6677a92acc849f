"""What a server is told: read, checked, and refused in one sentence where it is unsafe or makes no sense."""

from dataclasses import replace

import pytest

from motionary.errors import MotionaryError
from motionary_scale.serve_config import ServeConfig, check_config, named_libraries, read_config

WHOLE = """
host = "0.0.0.0"
port = 9000
certificate = "a.pem"
key = "a.key"
tokens = "tokens.toml"
hosts = ["Studio"]
threads = 3
[libraries]
moves = "sub/moves.motionary"
[limits]
per_second = 5
burst = 9
"""


def test_a_file_says_all_of_it_with_paths_beside_itself(tmp_path):
    file = tmp_path / "serve.toml"
    file.write_text(WHOLE)
    config = read_config(file)
    assert config.libraries == {"moves": str(tmp_path / "sub/moves.motionary")}
    assert (config.certificate, config.model) == (str(tmp_path / "a.pem"), "")
    assert (config.limits.per_second, config.limits.burst, config.limits.at_once) == (5.0, 9, 256)
    assert "studio" in config.answered_hosts
    assert config.is_encrypted


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("port = ", "is not TOML"),
        ("port = 70000", "port"),
        ('port = "80"', "port"),
        ("nonsense = 1", "nonsense"),
        ("[limits]\nburst = 0", "limits.burst"),
        ("[limits]\nper_second = nan", "limits.per_second"),
        ("[libraries]\nmoves = 1", "libraries.moves"),
        ("hosts = 1", "hosts"),
    ],
)
def test_a_file_of_something_else_is_refused_with_the_place(tmp_path, text, says):
    file = tmp_path / "serve.toml"
    file.write_text(text)
    with pytest.raises(MotionaryError, match=says) as error:
        read_config(file)
    assert str(error.value).startswith(str(file))
    assert str(error.value).isprintable()


SAFE = ServeConfig(libraries={"moves": "moves.motionary"})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_this_machine_alone_needs_no_tokens(host):
    check_config(replace(SAFE, host=host))
    assert {"localhost", host} <= replace(SAFE, host=host).answered_hosts


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.4", "studio", "localhost.studio"])
def test_other_machines_need_tokens(host):
    with pytest.raises(MotionaryError, match="nobody needs a token"):
        check_config(replace(SAFE, host=host))
    check_config(replace(SAFE, host=host, tokens="tokens.toml"))
    assert replace(SAFE, host=host, tokens="tokens.toml").answered_hosts is None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"libraries": {}}, "no library is named"),
        ({"libraries": {"a/b": "x"}}, "cannot be a library's name"),
        ({"libraries": {"..": "x"}}, "cannot be a library's name"),
        ({"libraries": {"a": "x", "b": "./x"}}, "served as a and as b"),
        ({"certificate": "a.pem"}, "go together"),
        ({"certificate": "nowhere.pem", "key": "nowhere.key"}, "no such file"),
    ],
)
def test_what_makes_no_sense_is_refused(change, says):
    with pytest.raises(MotionaryError, match=says):
        check_config(replace(SAFE, **change))


def test_libraries_are_called_as_their_files(tmp_path):
    first, second = tmp_path / "a" / "moves.motionary", tmp_path / "b" / "moves.motionary"
    assert named_libraries([first]) == {"moves": str(first)}
    with pytest.raises(MotionaryError, match="another library is called moves"):
        named_libraries([first, second])
