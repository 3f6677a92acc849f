"""Faults on purpose, in the process that calls this: ended, or refused by the system, at a chosen moment.

A moment is a call by which a process changes a file: SQLite's writes, truncations and deletions, its opening
of files to be written, and what Python opens to be written, renames or deletes. SQLite's are met where SQLite
itself lets tests meet them (`sqlite3_vfs.xSetSystemCall`), by way of ctypes; so nothing has to be compiled or
preloaded, and nothing stays behind when the process ends, for there is no way back within it. Python's are
met by an audit hook. Needs a Python whose sqlite3 module is linked to a shared SQLite, on Linux.
"""

import ctypes
import errno
import os
import signal
import sys
from pathlib import Path

__all__ = ["Moments", "can_be_met", "meet_moments", "refuse_locks"]

SYSCALL_LIBRARY = "libsqlite3.so.0"
POINTERS_BEFORE = 13
"""Functions of an sqlite3_vfs between its data and xSetSystemCall."""
SET_LOCK = {5, 6, 7, 36, 37, 38}
"""The commands of fcntl that ask for a lock, or of one: F_GETLK, F_SETLK, F_SETLKW, those of open files."""


class _Vfs(ctypes.Structure):
    pass


_Set = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_Vfs), ctypes.c_char_p, ctypes.c_void_p)
_Get = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.POINTER(_Vfs), ctypes.c_char_p)
_Vfs._fields_ = [
    ("version", ctypes.c_int),
    ("size", ctypes.c_int),
    ("longest", ctypes.c_int),
    ("next", ctypes.c_void_p),
    ("name", ctypes.c_char_p),
    ("data", ctypes.c_void_p),
    ("others", ctypes.c_void_p * POINTERS_BEFORE),
    ("set", _Set),
    ("get", _Get),
]

_long, _pointer = ctypes.c_long, ctypes.c_void_p
CALLS = {
    # name in SQLite: what it returns, what it takes
    b"pwrite": (_long, ctypes.c_int, _pointer, ctypes.c_size_t, _long),
    b"pwrite64": (_long, ctypes.c_int, _pointer, ctypes.c_size_t, _long),
    b"write": (_long, ctypes.c_int, _pointer, ctypes.c_size_t),
    b"ftruncate": (ctypes.c_int, ctypes.c_int, _long),
    b"unlink": (ctypes.c_int, ctypes.c_char_p),
    b"open": (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_int),
    b"fcntl": (ctypes.c_int, ctypes.c_int, ctypes.c_int, _long),
}
NEEDS_ROOM = {b"pwrite", b"pwrite64", b"write"}

_kept = []
"""What SQLite calls from now on, up to the end of the process."""


class Moments:
    """Counts the moments as they come.

    kill_at: at this one, the process and all of its group are ended by SIGKILL. full_from: from this one on,
    what needs room on the disk is refused, as on a full disk. 0: never.
    """

    def __init__(self, kill_at=0, full_from=0):
        self.count = 0
        self.kill_at = kill_at
        self.full_from = full_from

    def come(self, needs_room=False):
        """One more; the errno that the call is refused with, 0 where it is not."""
        self.count += 1
        if self.count == self.kill_at:
            os.killpg(0, signal.SIGKILL)
        return errno.ENOSPC if needs_room and self.full_from and self.count >= self.full_from else 0


def can_be_met():
    """Whether this Python's SQLite is one whose calls can be met."""
    if sys.platform != "linux":
        return False
    try:
        import _sqlite3

        loaded = Path("/proc/self/maps").read_text()
    except (ImportError, OSError):
        return False
    return SYSCALL_LIBRARY in loaded and getattr(_sqlite3, "__file__", None) is not None


def meet_moments(moments, folder):
    """Have ``moments`` come from now on, as SQLite and Python change files; Python's only in ``folder``."""
    for name in (b"pwrite", b"pwrite64", b"write", b"ftruncate", b"unlink"):
        _put(name, lambda real, *given, name=name: _met(moments, name in NEEDS_ROOM) or real(*given))
    writing = os.O_WRONLY | os.O_RDWR

    def opened(real, path, flags, mode):
        return (_met(moments) if flags & writing else 0) or real(path, flags, mode)

    _put(b"open", opened)
    inside = os.fspath(folder)

    def hook(event, given):
        is_change = event in ("os.rename", "os.remove", "os.mkdir", "os.truncate")
        is_change = is_change or (event == "open" and bool((given[2] or 0) & writing))
        if is_change and inside in _text(given[0]):
            moments.come()

    sys.addaudithook(hook)


def refuse_locks(number=errno.ENOLCK):
    """Have every lock that SQLite asks for refused with this errno: ENOLCK is what NFS answers where no lock
    service runs, EIO what a drive answers that fails at it."""

    def asked(real, handle, command, what):
        if command in SET_LOCK:
            ctypes.set_errno(number)
            return -1
        return real(handle, command, what)

    _put(b"fcntl", asked)


def _met(moments, needs_room=False):
    """-1 where the call is refused, 0 where it is to be done."""
    number = moments.come(needs_room)
    if number:
        ctypes.set_errno(number)
    return -1 if number else 0


def _text(path):
    return os.fsdecode(path) if isinstance(path, (str, bytes, os.PathLike)) else ""


def _put(name, call):
    """Have SQLite call ``call(real, ...)`` where it calls the system's ``name``, if it does."""
    library = ctypes.CDLL(SYSCALL_LIBRARY)
    library.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
    vfs = library.sqlite3_vfs_find(None)
    address = vfs.contents.get(vfs, name)
    if not address:  # this build has no use for it
        return
    kind = ctypes.CFUNCTYPE(*CALLS[name], use_errno=True)
    real = kind(address)
    made = kind(lambda *given: call(real, *given))
    _kept.append((real, made))
    if vfs.contents.set(vfs, name, ctypes.cast(made, ctypes.c_void_p)) != 0:
        raise RuntimeError(f"SQLite does not let {name!r} be met")
