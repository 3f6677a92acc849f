"""Processes that read: each does one task after another, and one that dies takes no other's task with it.

Not concurrent.futures: there, a process that dies takes every task under way with it, and one whose parent
is killed, or interrupted twice, waits for ever. Here each process has a pipe of its own, whose end tells who
died of what, and is ended at once when the work is stopped.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import TypeAlias, TypeVar, cast

__all__ = ["Died", "Reader", "read_all", "reading_process"]

AHEAD = 4
"""Tasks a process may be ahead of what is taken, which bounds the memory."""

Task = TypeVar("Task")
Made = TypeVar("Made")

Reader: TypeAlias = Callable[[], AbstractContextManager[Callable[[Task], Made]]]
"""What a process does with its tasks, and what it needs for that, from its first task to its last."""

Died: TypeAlias = Callable[[Task, int | None], Made]
"""What is made of a task that ended its process, with that exit code."""


def read_all(
    reader: Reader[Task, Made],
    died: Died[Task, Made],
    tasks: Sequence[Task],
    workers: int | None,
    cancel: Callable[[], bool] | None,
) -> Iterator[Made]:
    """What ``reader`` makes of each task, in order, until ``cancel``; at most AHEAD a process are kept ahead.

    workers: processes (None: one a core; 1: this process does it all).
    """
    workers = min(workers or os.cpu_count() or 1, len(tasks))
    is_stopped = cancel or (lambda: False)
    if workers <= 1:
        with reader() as read:
            for task in tasks:
                if is_stopped():
                    return
                yield read(task)
        return
    given = taken = 0
    results: dict[int, Made] = {}
    busy: dict[Connection, int] = {}
    readers = dict(_process(reader) for _ in range(workers))
    try:
        while taken < len(tasks):
            for pipe in readers:
                if pipe not in busy and given < min(len(tasks), taken + AHEAD * workers) and not is_stopped():
                    with suppress(BrokenPipeError):  # it died, which reading from it will tell
                        pipe.send(tasks[given])
                    busy[pipe], given = given, given + 1
            if taken in results:
                yield results.pop(taken)
                taken += 1
                continue
            if not busy:
                return
            for pipe in cast("list[Connection]", wait(list(busy))):
                number = busy.pop(pipe)
                try:
                    results[number] = pipe.recv()
                except (EOFError, ConnectionResetError):
                    dead = readers.pop(pipe)
                    dead.join()
                    results[number] = died(tasks[number], dead.exitcode)
                    readers |= [_process(reader)]
    finally:
        _end(readers)


@contextmanager
def reading_process(reader: Reader[Task, Made], died: Died[Task, Made]) -> Iterator[Callable[[Task], Made]]:
    """What does one task after another in a process of its own; after one that ended it, in a new one."""
    readers: dict[Connection, SpawnProcess] = {}

    def read(task: Task) -> Made:
        if not readers:
            readers.update([_process(reader)])
        (pipe,) = readers
        try:
            with suppress(BrokenPipeError):
                pipe.send(task)
            return cast("Made", pipe.recv())
        except (EOFError, ConnectionResetError):
            dead = readers.pop(pipe)
            dead.join()
            pipe.close()
            return died(task, dead.exitcode)

    try:
        yield read
    finally:
        _end(readers)


def _end(readers: dict[Connection, SpawnProcess]) -> None:
    for process in readers.values():
        process.terminate()
    for pipe, process in readers.items():
        process.join()
        pipe.close()


def _process(reader: Reader[Task, Made]) -> tuple[Connection, SpawnProcess]:
    """A new process that reads, and this end of its pipe."""
    # Spawned, for a fork of a process with threads (Blender's, or numpy's) may hang.
    context = get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(reader, there), daemon=True)
    with _deaf_to_interrupts():
        process.start()
    there.close()  # so that the pipe ends when the process does
    return here, process


def _serve(reader: Reader[Task, Made], pipe: Connection) -> None:
    """In a reading process: do what comes through the pipe, until nobody is at its other end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # where there is no mask
    with suppress(EOFError, OSError), reader() as read:
        while True:
            pipe.send(read(pipe.recv()))


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Processes started within leave Ctrl-C to this one from their first moment: they inherit its mask."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # which the first process would start, and that undoes the mask
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
