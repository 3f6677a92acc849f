"""Motion files read and embedded on the machines of a Ray cluster.

`motionary.index` asks for files and keeps what comes back; here is what it asks where there is a cluster. Ray
Data hands small blocks of files to workers, one a CPU, each of which has a process that holds the model
(`motionary.reading_processes`), so that a file which ends its process takes nothing else along. A file's path
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
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout
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
    Embed,
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
"""Times that a file is asked for where nothing comes back of it, beside what Ray tries by itself; and that a
cluster of this machine's own is started."""

STORE = 256 << 20
"""Bytes of shared memory that a cluster of this machine's own holds results in until they are taken."""

PATIENCE = 10.0
"""Seconds that a cluster may take to say that it is there."""

QUIET: Mapping[str, str] = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # or every start warns of a change to come
}
"""What keeps Ray from telling its makers, and the terminal, about itself."""

_AGENTS = ("metrics_agent_port", "runtime_env_agent_port", "dashboard_agent_listen_port")

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
    `motionary.device.embed_on` on each node, but "auto" is numpy, and a worker on "cuda" has a GPU to itself.
    find_blender: looks for a Blender on each node. workers: at most, over all nodes (None: one a CPU of the
    cluster).

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
    """Connected to a cluster: how many CPUs it has. MotionaryError where none answers.

    What Ray prints of nodes that die goes to stderr: stdout is for results.
    """
    os.environ.update({name: value for name, value in QUIET.items() if name not in os.environ})
    import ray

    cure = "start one with 'ray start --head', or give --ray local for one of this machine's own"
    with ExitStack() as opened:
        opened.enter_context(redirect_stdout(sys.stderr))
        try:
            if address == "local":
                cure = "this machine may be too busy: try again, or leave --ray out"
                at = opened.enter_context(_own_node(workers or os.cpu_count() or 1))
            elif address == "auto":
                at = address
            else:
                at = _answering(address, cure)
            ray.init(at, log_to_driver=False, logging_level=logging.CRITICAL)
        except MotionaryError:
            raise
        except Exception as error:  # of several kinds: ConnectionError, RuntimeError, ValueError ...
            reason = _told(error)
            raise MotionaryError(f"--ray {address}: no Ray cluster to work on ({reason}); {cure}") from None
        opened.callback(ray.shutdown)
        resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        yield max(1, int(resources.get("CPU", 1)))


@contextmanager
def _own_node(cpus: int) -> Iterator[str]:
    """The address of a cluster of this machine alone.

    Not by ray.init, and tried again: a node whose agents choose their own ports ends itself where they take
    more than 15 s, and Ray gives up on any after 30 s, neither of which is enough on a busy machine.
    """
    cluster = _started(cpus)
    try:
        yield str(cluster.address)
    finally:
        cluster.shutdown()


def _started(cpus: int) -> Any:
    from ray.cluster_utils import Cluster

    for left in reversed(range(TRIES)):
        with ExitStack() as held:
            servers = [held.enter_context(socket.create_server(("", 0))) for _ in _AGENTS]
            ports = {name: one.getsockname()[1] for name, one in zip(_AGENTS, servers, strict=True)}
        node = {"num_cpus": cpus, "object_store_memory": STORE, "include_dashboard": False, **ports}
        try:
            return Cluster(initialize_head=True, head_node_args=node)
        except Exception:  # Ray's "Exception", of no kind of its own
            if not left:
                raise
    return None


def _answering(address: str, cure: str) -> str:
    """``address``; MotionaryError, soon, where nobody listens there: Ray waits, then ends the process."""
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
    return address


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
    """What the cluster makes of tasks, ``size`` a block, as it comes; MotionaryError where a node refuses."""
    import pyarrow as pa
    from ray.data import ActorPoolStrategy, DataContext, from_arrow

    logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # which importing it sets
    context = DataContext.get_current()
    context.enable_progress_bars = context.print_on_execution_start = False
    context.max_errored_blocks = -1  # they are asked for again
    blocks = [
        pa.table({"tasks": pa.array([pickle.dumps(tasks[start : start + size])], pa.large_binary())})
        for start in range(0, len(tasks), size)
    ]
    data = from_arrow(blocks).map_batches(
        _Worker,
        fn_constructor_args=(pickle.dumps(work),),
        batch_size=1,
        batch_format="pyarrow",
        compute=ActorPoolStrategy(min_size=1, max_size=workers, initial_size=workers),
        num_cpus=1,
        num_gpus=1 if work.device == "cuda" else None,
    )
    for batch in data.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0):
        for row in cast("pa.Table", batch).column("done").to_pylist():
            done = pickle.loads(row)  # noqa: S301 - our own workers', who could do anything to begin with
            if isinstance(done, MotionaryError):
                raise done
            yield done


class _Worker:
    """Does blocks of files on a node, for as long as Ray keeps it."""

    def __init__(self, work: bytes) -> None:
        self._node = platform.node() or "without a name"
        self._open = ExitStack()
        reader = partial(_node_reader, self._node, pickle.loads(work))  # noqa: S301 - whoever started this worker's
        self._do = self._open.enter_context(reading_process(reader, _died))

    def __call__(self, batch: pa.Table) -> Iterator[pa.Table]:
        """A table of what was made of each file, pickled, for each file of a table of pickled tasks."""
        import pyarrow as pa

        for tasks in batch.column("tasks").to_pylist():
            for task in pickle.loads(tasks):  # noqa: S301 - as above
                yield pa.table({"done": pa.array([pickle.dumps(self._do(task))], pa.large_binary())})


@contextmanager
def _node_reader(node: str, work: _Work) -> Iterator[Callable[[FileTask], Done | MotionaryError]]:
    """In a worker's reading process: what makes of a file all that a library keeps, or refuses them all."""
    with ExitStack() as opened:
        refusal: MotionaryError | None = None
        embed: Embed = work.bundle.embed_features
        blender, no_blender = None, ""
        try:
            if work.version != __version__:
                told = (
                    f"Motionary is of version {__version__} there and {work.version} here; install the same"
                )
                raise MotionaryError(told)
            embed = embed_on(work.device, work.bundle) or embed
        except MotionaryError as error:
            refusal = MotionaryError(f"on node {node}: {error}")
        if work.find_blender:
            try:
                blender = working_blender(work.find_blender())
            except MotionaryError as error:
                no_blender = f"not read on node {node}: {error}"
        read = opened.enter_context(file_reader(blender))
        none = np.zeros((0, work.bundle.joint_dim), np.float32)

        def do(task: FileTask) -> Done | MotionaryError:
            if refusal:
                return refusal
            reason = no_blender if is_blenders(task) else ""
            if not Path(task.name).is_file():
                reason = f"is not there on node {node}; every node needs the files at the same path"
            if reason:
                return Read(task.name, failure=f"{task.name}: {reason}"), none
            found = read(task)
            try:
                vectors = embed(found.parts) if found.parts else none
            except Exception as error:  # whatever one file's motion does to the model, the others go on
                return Read(task.name, failure=told_reason(task.name, error)), none
            return replace(found, parts=()), vectors

        yield do


def _died(task: FileTask, exit_code: int | None) -> Done:
    return ended_its_process(task, exit_code), np.zeros((0, 0), np.float32)


def _told(error: BaseException) -> str:
    """The first line of an error that says something: Ray's go on for pages."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
