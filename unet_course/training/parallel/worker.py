"""One process of a data-parallel run: it computes on its share of every batch.

    RANK=0 WORLD_SIZE=2 COORDINATOR=127.0.0.1:4000 python -m unet_course.training.parallel.worker FOLDER

The same command starts every process, on one machine or on many; only RANK differs. COORDINATOR is the
address at which process 0 listens. FOLDER, which all can read, holds the patches and the runs
(`settings.write`). Each process has a whole copy of the network. In a step it computes the gradient
on its share of the batch, the processes exchange their gradients and take the mean (Goyal et al.,
2017), and each makes the same update. Process 0 keeps a checkpoint after each epoch; started again,
all go on from there.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import inspect
import os
import sys
import threading
import time
import traceback
import zlib
from pathlib import Path

import numpy as np

from unet_course.training.parallel import settings
from unet_course.training.parallel.settings import Run

# how long the processes wait for each other at the start
SECONDS_TO_COME = int(os.environ.get("SECONDS_TO_COME") or 300)
SECONDS_OF_SILENCE = 20  # after which a process that says nothing is taken for dead
FAILED = 1


def rank_and_world() -> tuple[int, int, str]:
    """This process's rank, the number of processes, and the coordinator's address.

    From RANK, WORLD_SIZE and COORDINATOR; without them it is one process by itself.

    Raises:
        ValueError: they don't fit together; the message says how.
    """
    text = {name: os.environ.get(name, "") for name in ("RANK", "WORLD_SIZE", "COORDINATOR")}
    try:
        rank, world = int(text["RANK"] or 0), int(text["WORLD_SIZE"] or 1)
    except ValueError:
        raise ValueError(f"RANK and WORLD_SIZE must be whole numbers, they are {text}") from None
    if world < 1 or not 0 <= rank < world:
        raise ValueError(f"RANK must be 0 to WORLD_SIZE - 1; it is {rank} of {world}")
    if world > 1 and not text["COORDINATOR"].rpartition(":")[2].isdecimal():
        raise ValueError(f"COORDINATOR must be host:port; it is {text['COORDINATOR']!r}")
    return rank, world, text["COORDINATOR"]


def join(rank: int, world: int, coordinator: str) -> None:
    """Meet the other processes. Before anything is computed; Keras isn't imported yet.

    Raises:
        RuntimeError: they didn't all come in `SECONDS_TO_COME`. Some versions of JAX end the
            process instead, with a line about a deadline.
    """
    os.environ["KERAS_BACKEND"] = "jax"
    # Keras imports TensorFlow for side jobs wherever it is installed: half a gigabyte a process
    sys.modules.setdefault("tensorflow", None)
    import jax

    if world == 1:
        return
    options = {
        "initialization_timeout": SECONDS_TO_COME,
        "heartbeat_timeout_seconds": SECONDS_OF_SILENCE,
        "shutdown_timeout_seconds": SECONDS_OF_SILENCE,
    }
    jax.config.update("jax_cpu_collectives_implementation", "gloo")  # cards have their own
    if "jax_enable_preemption_service" in jax.config.values:
        jax.config.update("jax_enable_preemption_service", False)  # it would ignore SIGTERM
    if coordinator.startswith("127."):
        options["coordinator_bind_address"] = coordinator
        _listen_on_loopback_only()
    known = inspect.signature(jax.distributed.initialize).parameters
    options = {name: value for name, value in options.items() if name in known}
    jax.distributed.initialize(coordinator, world, rank, **options)


def _listen_on_loopback_only() -> None:
    """Let the exchange of gradients use 127.0.0.1, not the host's name: JAX has no setting for it."""
    from jax._src import lib

    for module in (getattr(lib, "_jax", None), getattr(lib.xla_client, "_xla", None)):
        if make := getattr(module, "make_gloo_tcp_collectives", None):
            module.make_gloo_tcp_collectives = functools.partial(make, hostname="127.0.0.1")
            return


def build_network(run: Run, shape: tuple[int, ...], classes: int):
    """The network of a run, compiled: `unet`, its layers and `BCEDice` as in lessons 08 to 11."""
    import keras

    from unet_course.network import fast_conv3d, losses, unet

    keras.utils.set_random_seed(run.seed)  # all processes begin with the same weights
    network = unet.unet(
        shape,
        classes=classes,
        head="sigmoid",
        filters=run.filters,
        depth=run.depth,
        patch=2,
        normalization="group",
    )
    network = fast_conv3d.use_fast_convolutions(network)
    network.compile(keras.optimizers.AdamW(run.rate), losses.BCEDice())
    network.optimizer.build(network.trainable_variables)
    return network


class Networks:
    """Networks by their settings, each as it was when it was new: built and compiled once."""

    def __init__(self):
        self._built: dict[tuple, tuple] = {}

    def new(self, run: Run, shape: tuple[int, ...], classes: int):
        """The network of a run, as `build_network` gives it, and with an optimiser at its start."""
        key = run.filters, run.depth, run.seed
        if key not in self._built:
            network = build_network(run, shape, classes)
            # copies: JAX writes the next step's weights into the memory of the last ones
            self._built[key] = network, [np.array(weight) for weight in network.get_weights()]
            return network
        network, weights = self._built[key]
        network.set_weights(weights)
        for variable in network.optimizer.variables:
            variable.assign(np.zeros(variable.shape, variable.dtype))
        network.optimizer.learning_rate = run.rate
        return network


@contextlib.contextmanager
def alone():
    """Make no variables here that all processes share.

    Keras makes some while it writes and reads weights, which would wait for the others.
    """
    import keras

    distribution = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(distribution)


def train(run: Run, folder: Path, patches: Path, rank: int, world: int, networks: Networks) -> dict:
    """Train one run in this process, beginning where its checkpoint ends; returns its record."""
    import keras

    from unet_course.training.checkpoints import Store
    from unet_course.training.parallel.feeding import Clock, Shares

    images = np.load(patches / settings.IMAGES, mmap_mode="r")
    masks = np.load(patches / settings.MASKS, mmap_mode="r")
    if world > 1 and keras.distribution.distribution() is None:
        # each process brings its own share of the batch, so Keras needn't divide it
        both = keras.distribution.DataParallel(auto_shard_dataset=False)
        keras.distribution.set_distribution(both)
    network = networks.new(run, images.shape[1:], masks.shape[-1])
    home = folder / run.name
    home.mkdir(exist_ok=True)
    store = Store(home, network)
    with alone():
        state = store.load(network)
    print(f"process {rank} of {world}: {run.name}, from epoch {state.epoch + 1}", flush=True)
    times: dict[str, list[float]] = {}
    for epoch in range(state.epoch, run.epochs):
        clock = Clock()
        network.optimizer.learning_rate = run.rate_of(epoch)
        shares = Shares(run, images, masks, epoch, rank, world, clock)
        fitted = network.fit(shares, verbose=0, shuffle=False, callbacks=[clock])
        state.history.setdefault("loss", []).append(float(fitted.history["loss"][-1]))
        for what, seconds in clock.seconds().items():
            times.setdefault(what, []).append(seconds)
        state.epoch = state.best_epoch = epoch + 1
        if rank == 0:
            with alone():
                store.save(network, state)
    weights = [np.asarray(weight) for weight in network.get_weights()]
    np.savez(home / f"rank-{rank}.npz", *weights)
    checksum = 0
    for weight in weights:
        checksum = zlib.crc32(np.ascontiguousarray(weight), checksum)
    return {"rank": rank, "world": world, "checksum": checksum, **state.history, **times}


def main(arguments: list[str] | None = None) -> None:
    """Train the runs of a folder, in this process's part of them; see the module's first lines."""
    import json

    parser = argparse.ArgumentParser(prog="python -m unet_course.training.parallel.worker")
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--patches", type=Path, help="a copy of the folder's patches on this machine"
    )
    parser.add_argument("--tethered", action="store_true", help="end when standard input ends")
    parser.add_argument("--one-core", action="store_true", help="keep to one processor core")
    given = parser.parse_args(arguments)
    if given.tethered:
        threading.Thread(target=_end_with_standard_input, daemon=True).start()
    rank: int | str = os.environ.get("RANK") or "0"
    try:
        rank, world, coordinator = rank_and_world()
        if given.one_core:
            _keep_to_one_core(rank)
        began = time.perf_counter()
        join(rank, world, coordinator)
        networks, patches = Networks(), given.patches or given.folder
        for run in settings.read_runs(given.folder):
            record = train(run, given.folder, patches, rank, world, networks)
            file = given.folder / run.name / f"rank-{rank}.json"
            settings.storage.write_text(file, json.dumps(record))
        print(f"process {rank}: done after {time.perf_counter() - began:.0f} s", flush=True)
        _leave(world)
    except Exception as error:
        # a process that has lost the others would wait for them at its end: it leaves at once
        traceback.print_exc()
        first = str(error).strip().partition("\n")[0][:300]
        print(f"process {rank}: {type(error).__name__}: {first}", file=sys.stderr, flush=True)
        os._exit(FAILED)


def _keep_to_one_core(rank: int) -> None:
    """As elsewhere a process has one graphics card. JAX, imported later, then uses one thread."""
    if hasattr(os, "sched_setaffinity"):  # Linux
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[rank % len(cores)]})


def _leave(world: int) -> None:
    if world > 1:
        import jax

        jax.distributed.shutdown()


def _end_with_standard_input() -> None:
    """Its other end is the starter's: it ends with the starter, however that ended."""
    while os.read(0, 1024):  # not sys.stdin, whose lock would be held when Python ends
        pass
    os._exit(FAILED)


if __name__ == "__main__":
    main()
