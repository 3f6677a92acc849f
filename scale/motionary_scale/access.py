"""Who may read which library of a server: tokens, of which only hashes are kept.

A token is 32 random bytes. The file of tokens, TOML, holds of each the SHA-256, which needs no salt and no
slow hash, for nobody guesses 256 bits; and the names of the libraries that it may read, or "*"::

    [tokens.anna]
    sha256 = "…"
    libraries = ["moves"]

`motionary serve --new-token NAME` adds one. The file is looked at again whenever it has changed: a token that
is deleted there is refused from the next question on.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from motionary.errors import MotionaryError
from motionary.files import replacing
from motionary_scale.toml_file import read_toml

__all__ = ["ANYBODY", "EVERY", "Holder", "TokenFile", "Tokens", "new_token", "read_tokens"]

EVERY = "*"
"""In place of names of libraries: all that are served, now and later."""

BYTES = 32
PREFIX = "mty_"
"""What every token begins with, for programs that look for secrets where none should be."""

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
SHA256 = re.compile(r"[0-9a-f]{64}")
MOST_BYTES = 1 << 20
"""Of the file of tokens: some thousand people."""
LONGEST = 200
"""Letters of what is looked up as a token."""

LOG = logging.getLogger("motionary.serve")


@dataclass(frozen=True)
class Holder:
    """Who holds a token: a name for the log, and the libraries that may be read."""

    name: str
    libraries: frozenset[str]

    def may_read(self, library: str) -> bool:
        """Whether this library may be read."""
        return EVERY in self.libraries or library in self.libraries


ANYBODY = Holder("anybody", frozenset({EVERY}))
"""Who asks a server that has no tokens; it is bound to loopback."""


@dataclass(frozen=True)
class Tokens:
    """The SHA-256 of each token, and who holds it."""

    holders: tuple[tuple[bytes, Holder], ...] = ()

    def holder(self, token: str) -> Holder | None:
        """Who holds this token; None where nobody does. Takes as long for any token."""
        asked = hashlib.sha256(token[:LONGEST].encode("utf-8", "replace")).digest()
        found = None
        for known, holder in self.holders:
            if hmac.compare_digest(known, asked):
                found = holder
        return found


class TokenFile:
    """The tokens of a file, read again when it changes. Where it cannot be read, those of before hold."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen = self._look()
        self._tokens = read_tokens(path)

    def holder(self, token: str) -> Holder | None:
        """Who holds this token, as the file has it now."""
        seen = self._look()
        if seen != self._seen:
            self._seen = seen
            try:
                self._tokens = read_tokens(self.path)
                LOG.info("read the tokens again")
            except MotionaryError as error:
                LOG.error("%s; the tokens of before hold", error)
        return self._tokens.holder(token)

    def _look(self) -> tuple[int, int, int] | None:
        try:
            stat = self.path.stat()
        except OSError:
            return None
        return stat.st_ino, stat.st_size, stat.st_mtime_ns


def read_tokens(path: Path) -> Tokens:
    """The tokens of a file. MotionaryError, with the place, where it is none or holds something else."""
    tables = read_toml(path, MOST_BYTES, "file of tokens")
    tokens = tables.pop("tokens", {})
    if tables or not isinstance(tokens, dict):
        raise MotionaryError(f"{path}: holds more than tables [tokens.NAME]; is it a file of tokens?")
    return Tokens(tuple(_holder(path, name, table) for name, table in tokens.items()))


def _holder(path: Path, name: str, table: Any) -> tuple[bytes, Holder]:
    place = f"{path}: [tokens.{name}]"
    if not NAME.fullmatch(name):
        raise MotionaryError(f"{place}: a name has letters, digits, - and _, and 64 of them at most")
    if not isinstance(table, dict) or table.keys() != {"sha256", "libraries"}:
        raise MotionaryError(f"{place}: must have sha256 and libraries, and nothing else")
    digest, libraries = table["sha256"], table["libraries"]
    if not isinstance(digest, str) or not SHA256.fullmatch(digest):
        raise MotionaryError(f"{place}: sha256 must be 64 hexadecimal digits")
    if not isinstance(libraries, list) or not all(isinstance(library, str) for library in libraries):
        raise MotionaryError(f'{place}: libraries must be a list of names, or ["*"]')
    return bytes.fromhex(digest), Holder(name, frozenset(libraries))


def new_token(path: Path, name: str, libraries: Sequence[str]) -> str:
    """Make a token that may read ``libraries``, add its hash to a file, made where there is none, and return
    it: it is nowhere else. MotionaryError where the name is taken or the file cannot be written."""
    if not NAME.fullmatch(name):
        raise MotionaryError(f"{name[:80]!r} is no name; it has letters, digits, - and _, up to 64 of them")
    there = path.exists()
    if there and any(holder.name == name for _, holder in read_tokens(path).holders):
        raise MotionaryError(f"{path}: {name} has a token already; delete [tokens.{name}] there first")
    token = PREFIX + secrets.token_urlsafe(BYTES)
    digest = hashlib.sha256(token.encode()).hexdigest()
    listed = ", ".join(f'"{_quoted(library)}"' for library in libraries)
    text = path.read_text("utf-8") if there else ""
    gap = "\n" if text.endswith("\n") else "\n\n" if text else ""
    with replacing(path) as temporary:
        temporary.write_text(
            f'{text}{gap}[tokens.{name}]\nsha256 = "{digest}"\nlibraries = [{listed}]\n', "utf-8"
        )
    path.chmod(0o600)
    return token


def _quoted(text: str) -> str:
    return "".join(
        f"\\{letter}" if letter in '"\\' else letter if letter.isprintable() else f"\\U{ord(letter):08x}"
        for letter in text
    )
