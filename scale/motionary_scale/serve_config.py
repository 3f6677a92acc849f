"""What a server is told: a TOML file and options of the command line, as one frozen, checked configuration.

    host = "0.0.0.0"                       # 127.0.0.1 where nothing is said: this machine alone
    port = 8423
    certificate = "studio.pem"             # and key = "studio.key": https
    tokens = "tokens.toml"
    hosts = ["motions.studio"]             # names that a question may give for this server
    model = "my-model"                     # a model bundle's folder, instead of the built-in one
    threads = 4                            # one a core where nothing is said
    [libraries]
    moves = "library/moves.motionary"
    [limits]
    per_second = 50.0                      # motionary_scale/limits.py has them all

Paths are relative to the file. What is not known is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from motionary.errors import MotionaryError
from motionary_scale.guard import is_loopback
from motionary_scale.limits import Limits
from motionary_scale.toml_file import read_toml

__all__ = ["ServeConfig", "check_config", "named_libraries", "read_config"]

PORT = 8423
LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
MOST_BYTES = 1 << 20
PATHS = ("certificate", "key", "tokens", "model")


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class ServeConfig:
    """Where and what to serve; "" for a file that is not used, threads 0 for one a core. libraries: files by
    the names that they are served under."""

    libraries: dict[str, str] = Field(default_factory=dict)
    host: Annotated[str, Field(min_length=1, max_length=255)] = "127.0.0.1"
    port: Annotated[int, Field(strict=True, ge=0, le=65535)] = PORT
    certificate: str = ""
    key: str = ""
    tokens: str = ""
    model: str = ""
    hosts: list[str] = Field(default_factory=list)
    threads: Annotated[int, Field(strict=True, ge=0, le=256)] = 0
    limits: Limits = Field(default_factory=Limits)

    @property
    def is_encrypted(self) -> bool:
        """Whether it is asked by https."""
        return bool(self.certificate)

    @property
    def answered_hosts(self) -> frozenset[str] | None:
        """The hosts that a question may name; None for any, where every question has to show a token."""
        if not self.hosts and not is_loopback(self.host):
            return None
        return frozenset(name.lower() for name in (*LOCAL_NAMES, self.host, *self.hosts))


def read_config(path: Path) -> ServeConfig:
    """The configuration of a file, with absolute paths. MotionaryError, with the place, where it is none."""
    table = read_toml(path, MOST_BYTES, "configuration")
    config = _checked(path, table)
    folder = path.absolute().parent
    paths: dict[str, Any] = {name: str(folder / said) for name in PATHS if (said := getattr(config, name))}
    libraries = {name: str(folder / file) for name, file in config.libraries.items()}
    return replace(config, libraries=libraries, **paths)


def _checked(path: Path, table: Mapping[str, Any]) -> ServeConfig:
    try:
        return TypeAdapter(ServeConfig).validate_python(table)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise MotionaryError(f"{path}: {place}: {first['msg']}") from None


def named_libraries(files: Sequence[Path]) -> dict[str, str]:
    """Files by the names that they are served under: their own, without the ending. MotionaryError where two
    have one name."""
    result: dict[str, str] = {}
    for file in files:
        if file.stem in result:
            raise MotionaryError(
                f"{file}: another library is called {file.stem}, too; name them in the table [libraries] of "
                "a --config"
            )
        result[file.stem] = str(file)
    return result


def check_config(config: ServeConfig) -> None:
    """MotionaryError, with the cure, where this must not be served so."""
    if not config.libraries:
        raise MotionaryError("no library is named; give one or more: motionary serve LIB.motionary")
    for name in config.libraries:
        if not name.isprintable() or not name or "/" in name or name in (".", "..") or len(name) > 200:
            raise MotionaryError(f"{name[:80]!r} cannot be a library's name in an address; choose another")
    places: dict[Path, str] = {}
    for name, file in config.libraries.items():
        other = places.setdefault(Path(file).resolve(), name)
        if other != name:
            raise MotionaryError(f"{file}: served as {other} and as {name}; serve it once")
    if bool(config.certificate) != bool(config.key):
        raise MotionaryError("--certificate and --key go together; give both, or neither")
    for file in filter(None, (config.certificate, config.key)):
        if not Path(file).is_file():
            raise MotionaryError(f"{file}: no such file")
    if not config.tokens and not is_loopback(config.host):
        raise MotionaryError(
            f"{config.host}: other machines could ask, and nobody needs a token; make one with "
            "motionary serve --tokens FILE.toml --new-token NAME and serve with --tokens FILE.toml"
        )
