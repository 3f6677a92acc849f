"""The one job that indexes: begun, looked at a few times a second, and at its end the session told.

The user goes on working meanwhile: nothing here is modal. What the job says is kept by the session, for the
panel and the status bar to draw.
"""

from __future__ import annotations

import time

import bpy

from motionary.errors import MotionaryError
from motionary.worker import IndexRequest

from .jobs import Job, JobState, start
from .libraries import worker_python
from .session import current, is_running, redraw
from .ui import status

__all__ = ["begin", "cancel", "is_headless", "is_indexing", "job_state", "look", "start_timer", "unregister"]

INTERVAL = 0.25
"""Seconds between two looks at the job."""


def job_state() -> JobState | None:
    """How far the job is, or what the last one came to; None where there was none."""
    job: Job | None = current().job
    return job.state if job else None


def is_indexing() -> bool:
    """Whether a job is at work."""
    state = job_state()
    return state is not None and not state.is_finished


def begin(request: IndexRequest) -> JobState:
    """Begin to index; in the background, where no timer runs, it is done on return.

    MotionaryError where a job is at work already, or it does not start.
    """
    session = current()
    if is_indexing():
        raise MotionaryError("a library is being indexed already; wait for it, or cancel it")
    if session.job is not None:
        session.job.close()
    session.job = job = start(request, worker_python())
    if is_headless():
        while look() is not None:
            time.sleep(0.02)
    else:
        start_timer()
        _redraw()
    return job.state


def is_headless() -> bool:
    """Whether Blender runs without windows, and so without timers."""
    return bool(bpy.app.background)


def start_timer() -> None:
    """Have the job looked at."""
    if not bpy.app.timers.is_registered(look):
        bpy.app.timers.register(look, first_interval=INTERVAL, persistent=True)


def cancel() -> None:
    """Have the job stop after the files that are being read."""
    if is_indexing():
        current().job.cancel()
        _redraw()


def unregister() -> None:
    """End the job: nobody would see what comes of it. What it has finished is kept."""
    if bpy.app.timers.is_registered(look):
        bpy.app.timers.unregister(look)
    if is_running() and current().job is not None:
        current().job.close()
        current().job = None


def look() -> float | None:
    """Take in what the job says, as the timer does; seconds to the next time, None when the job is done."""
    if not is_running() or current().job is None:
        return None
    before = current().job.state
    state = current().job.poll()
    if state != before:
        _redraw()
    if not state.is_finished:
        return INTERVAL
    current().reload()
    return None


def _redraw() -> None:
    redraw("UI")
    status.redraw()
