"""Motion files read and embedded on the machines of a Ray cluster.

`motionary.index` asks for files and keeps what comes back; here is what it asks where there is a cluster. Ray
Data hands small blocks of files to workers, one a CPU, each of which holds the model and a process that reads
(`motionary.reading_processes`), so that a file which ends its reader takes nothing else along. A file's path
has to lead to the same bytes on every node.

Ray tries a block again when its node dies, and makes a result anew that was lost with one. What comes back
twice is passed on once; what never comes back is asked for again, alone, and told where that does not help.
"""

from __future__ import annotations

import logging
import os
import pickle
import platform
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from motionary import __version__
from motionary.blender_files import Blender
from motionary.bundle import ModelBundle
from motionary.device import embed_on
from motionary.errors import MotionaryError
from motionary.index import (
    Elsewhere,
    FileTask,
    Read,
    ended_its_process,
    file_reader,
    is_blenders,
    told_reason,
    working_blender,
)
from motionary.reading_processes import reading_process

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["ray_workers"]

BLOCK = 8
"""Files at most that are done in one go, and again when a node dies."""

ROUND = 100_000
"""Files that the cluster is told of at a time, which bounds what this machine holds of them."""

TRIES = 3
"""Rounds that a file is asked for where nothing comes back of it, and in each how often Ray goes on."""

STORE = 256 << 20
"""Bytes of shared memory that a cluster of this machine's own holds results in until they are taken."""

PATIENCE = 10.0
"""Seconds that a cluster may take to say that it is there."""

QUIET: Mapping[str, str] = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # or every start warns of a change to come
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "GRPC_VERBOSITY": "NONE",
}
"""What keeps Ray from telling its makers, and the terminal, about itself."""

Done = tuple[Read, NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class _Work:
    """What a worker needs besides its files. find_blender: None where no file needs one."""

    version: str
    bundle: ModelBundle
    device: str
    find_blender: Callable[[], Blender | None] | None


def ray_workers(
    address: str,
    bundle: ModelBundle,
    *,
    device: str,
    find_blender: Callable[[], Blender | None],
    workers: int | None = None,
) -> Elsewhere:
    """What reads and embeds files on a Ray cluster, for `motionary.index.index_files`.

    address: "HOST:PORT" or "ray://HOST:PORT" of a cluster; "auto", the one that runs on this machine;
    "local", a cluster of this machine's own, for as long as the work takes. device: as for
    `motionary.device.embed_on` on each node, but "auto" is numpy, and a worker on "cuda" has a GPU to itself. find_blender: looks for a
    Blender on each node. workers: at most, over all nodes (None: one a CPU of the cluster).

    What it returns raises MotionaryError where no cluster answers, a node has another version of Motionary,
    or the cluster gives up.
    """

    def done(tasks: Sequence[FileTask], cancel: Callable[[], bool] | None) -> Iterator[Done]:
        if not tasks or (cancel and cancel()):
            return
        needs_blender = any(map(is_blenders, tasks))
        work = _Work(
            __version__,
            bundle,
            "numpy" if device == "auto" else device,
            find_blender if needs_blender else None,
        )
        with _cluster(address, workers) as cpus:
            for start in range(0, len(tasks), ROUND):
                for one in _done_round(tasks[start : start + ROUND], work, min(workers or cpus, cpus)):
                    yield one
                    if cancel and cancel():
                        return

    return done


@contextmanager
def _cluster(address: str, workers: int | None) -> Iterator[int]:
    """Connected to a cluster: how many CPUs it has. MotionaryError where none answers."""
    os.environ.update({name: value for name, value in QUIET.items() if name not in os.environ})
    import ray

    cure = "start one with 'ray start --head', or give --ray local for one of this machine's own"
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.CRITICAL}
    if address == "local":
        options |= {"num_cpus": workers or os.cpu_count() or 1, "include_dashboard": False}
        options |= {"object_store_memory": STORE}
    elif address != "auto":
        _check_answers(address, cure)
    try:
        ray.init(address, **options)
    except Exception as error:  # of several kinds: ConnectionError, RuntimeError, ValueError ...
        raise MotionaryError(f"--ray {address}: no Ray cluster to work on ({_told(error)}); {cure}") from None
    try:
        logging.getLogger("ray.data").setLevel(logging.CRITICAL)
        resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        yield max(1, int(resources.get("CPU", 1)))
    finally:
        ray.shutdown()


def _check_answers(address: str, cure: str) -> None:
    """MotionaryError, soon, where nobody listens at an address; Ray itself waits, then ends the process."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise MotionaryError(
            f"--ray {address}: no address of a Ray cluster; give auto, local, HOST:PORT or ray://HOST:PORT"
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), PATIENCE).close()
    except OSError as error:
        reason = error.strerror or error
        raise MotionaryError(f"--ray {address}: no Ray cluster answers there ({reason}); {cure}") from None


def _done_round(tasks: Sequence[FileTask], work: _Work, workers: int) -> Iterator[Done]:
    """Each task once; what no node came to an end with is tried again, a file to a block, and then told."""
    left = {task.name: task for task in tasks}
    size = max(1, min(BLOCK, len(tasks) // (4 * workers)))
    reason = "every node that read it died"
    for _ in range(TRIES):
        try:
            for read, vectors in _streamed(list(left.values()), size, work, workers):
                if left.pop(read.name, None):
                    yield read, vectors
        except (MotionaryError, GeneratorExit):
            raise
        except Exception as error:  # of Ray: a lost result, a block given up, an actor that cannot start
            reason = _told(error)
        if not left:
            return
        size = 1
    for name in left:
        failure = f"{name}: not read, tried {TRIES} times over ({reason}); run the same command again"
        yield Read(name, failure=failure), np.zeros((0, work.bundle.joint_dim), np.float32)


def _streamed(tasks: Sequence[FileTask], size: int, work: _Work, workers: int) -> Iterator[Done]:
    """What the cluster makes of tasks, ``size`` to a block, as it comes; MotionaryError where a node refuses."""
    import pyarrow as pa
    import ray
    from ray.data import ActorPoolStrategy, DataContext, from_arrow

    context = DataContext.get_current()
    context.enable_progress_bars = context.print_on_execution_start = False
    context.max_errored_blocks = -1  # they are asked for again
    blocks = [
        pa.table({"tasks": pa.array([pickle.dumps(tasks[start : start + size])], pa.large_binary())})
        for start in range(0, len(tasks), size)
    ]
    data = from_arrow(blocks).map_batches(
        _Worker,
        fn_constructor_args=(ray.put(pickle.dumps(work)),),
        batch_size=1,
        batch_format="pyarrow",
        compute=ActorPoolStrategy(min_size=1, max_size=workers, initial_size=workers),
        num_cpus=1,
        num_gpus=1 if work.device == "cuda" else None,
        max_restarts=-1,
        max_task_retries=TRIES,
    )
    for batch in data.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0):
        for row in cast("pa.Table", batch).column("done").to_pylist():
            done = pickle.loads(row)  # noqa: S301 - our own workers', who could do anything to begin with
            if isinstance(done, MotionaryError):
                raise done
            yield done


class _Worker:
    """Reads and embeds blocks of files on a node, for as long as Ray keeps it."""

    def __init__(self, work: Any) -> None:
        import ray

        self._node = platform.node() or ray.get_runtime_context().get_node_id()
        self._refusal: MotionaryError | None = None
        self._no_blender = ""
        self._open = ExitStack()
        try:
            self._start(pickle.loads(ray.get(work)))  # noqa: S301 - whoever started this worker's own
        except MotionaryError as error:
            self._refusal = MotionaryError(f"on node {self._node}: {error}")

    def _start(self, work: _Work) -> None:
        if work.version != __version__:
            raise MotionaryError(
                f"Motionary is of version {__version__} there and {work.version} here; install the same"
            )
        self._bundle = work.bundle
        self._embed = embed_on(work.device, work.bundle) or work.bundle.embed_features
        blender = None
        if work.find_blender:
            try:
                blender = working_blender(work.find_blender())
            except MotionaryError as error:
                self._no_blender = str(error)
        self._read = self._open.enter_context(
            reading_process(partial(file_reader, blender), ended_its_process)
        )

    def __call__(self, batch: pa.Table) -> Iterator[pa.Table]:
        """A table of what was made of each file, pickled, for each file of a table of pickled tasks."""
        import pyarrow as pa

        for tasks in batch.column("tasks").to_pylist():
            for task in pickle.loads(tasks):  # noqa: S301 - as above
                done = pickle.dumps(self._refusal or self._done(task))
                yield pa.table({"done": pa.array([done], pa.large_binary())})

    def _done(self, task: FileTask) -> Done:
        none = np.zeros((0, self._bundle.joint_dim), np.float32)
        if not Path(task.name).is_file():
            reason = f"is not there on node {self._node}; every node needs the files at the same path"
            return Read(task.name, failure=f"{task.name}: {reason}"), none
        if self._no_blender and is_blenders(task):
            reason = f"not read on node {self._node}: {self._no_blender}"
            return Read(task.name, failure=f"{task.name}: {reason}"), none
        read = self._read(task)
        try:
            vectors = self._embed(read.parts) if read.parts else none
        except Exception as error:  # whatever one file's motion does to the model, the others are embedded
            return Read(task.name, failure=told_reason(task.name, error)), none
        return replace(read, parts=()), vectors


def _told(error: BaseException) -> str:
    """The first line of an error that says something: Ray's go on for pages."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
