"""What may lie beside a library when SQLite opens it: the journal of a writer that died, if it is ours.

SQLite undoes by ``NAME-journal`` what a writer left half-way, also for one who only wants to read. Such a
file can come from a stranger, in one archive with the library. What it says of the library's pages is no more
than the library could say itself. But where it names another file at its end (a super-journal, of
transactions over several files), SQLite reads that file and then deletes it, whatever it is; and it makes the
library as long as it says. Motionary writes no such journals (it attaches no file), nor write-ahead logs.
Format: sqlite.org/fileformat.html, section 3; the name at the end: pager.c, readSuperJournal.
"""

from __future__ import annotations

import struct
from pathlib import Path

from motionary.errors import MotionaryError

__all__ = ["check_beside"]

MAGIC = bytes.fromhex("d9d505f920a163d7")
HEAD = struct.Struct(">8sIIIII")
"""Magic, records, nonce, pages of the library before the transaction, bytes of a sector and of a page."""
MOST_LONGER = 4
"""How many times what there is of library and journal the library can have been; pages that were free then
are in neither."""
AT_LEAST = 64 << 20


def check_beside(path: Path) -> None:
    """MotionaryError where what lies beside a library makes SQLite touch more than that library.

    path: the library's own, links followed, for that is where SQLite looks.
    """
    log, journal = path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-journal")
    if log.exists():
        raise MotionaryError(
            f"{log}: a write-ahead log, which Motionary never makes; if another program has the library "
            "open, close that; otherwise move this file away"
        )
    try:
        with journal.open("rb") as file:
            head = file.read(HEAD.size)
            length = file.seek(0, 2)
            file.seek(max(0, length - len(MAGIC)))
            end = file.read()
        size = path.stat().st_size
    except FileNotFoundError:
        return
    except OSError as error:
        raise MotionaryError(f"{journal}: cannot be read: {error.strerror or error}") from None
    if end == MAGIC:
        raise MotionaryError(
            f"{journal}: names a file besides the library, which no journal of Motionary's does; do not "
            "trust whom it came from, and move it away"
        )
    if len(head) == HEAD.size and head.startswith(MAGIC):
        _, _, _, pages, _, page = HEAD.unpack(head)
        if pages * page > MOST_LONGER * (size + length) + AT_LEAST:
            raise MotionaryError(
                f"{journal}: would make the library {pages * page >> 20} MB long, which it cannot have been; "
                "move this file away"
            )
