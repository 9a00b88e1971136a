"""Time per optimizer step of deltarule and its peers; see jobs.py for the work.

A peer is a function (job) -> train, where train(epochs) trains from the start and returns the
layers; a line in PEERS makes it a column.  A step is the wall time of train over its steps, so it
holds the share of whatever a call costs besides; compiling is not counted.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import common
from apart import Absent, Options, load, selected
from jobs import NETS, SETS, Job, Train, fitted
from records import Table

PEERS = {
    "deltarule": "train_estimators.ours",
    "scikit-learn": "train_estimators.scikit_learn",
    "PyTorch eager": "train_torch.eager",
    "PyTorch manual": "train_torch.manual",
    "PyTorch compiled": "train_torch.compiled",
    "JAX scan": "train_jax.scan",
    "numba": "train_numba.loop",
    "skorch": "train_estimators.skorch_net",
    "Keras on JAX": "train_estimators.keras_jax",
}
BATCHES = [32, 200, 1024]
SECONDS, LEAST_EPOCHS = 0.1, 5  # of one timing


def jobs(options: Options) -> Iterator[tuple[str, Job]]:
    for name in options.sets or ["digits"]:
        X, y = SETS[name](options.dtype)
        for net in options.nets or NETS:
            for batch in options.batches or BATCHES:
                yield f"{name} {net}, {batch}", Job(X, y, NETS[net], batch, options.threads)


def ready(peers: dict[str, str], job: Job, absent: Absent) -> dict[str, tuple[Train, int]]:
    """The peers that run here, compiled, each with the epochs of one timing."""
    found: dict[str, tuple[Train, int]] = {}
    for name, where in peers.items():
        if name in absent.names:
            continue
        try:
            train: Train = load(where)(job)
            train(1)
        except Exception as error:
            absent.report(name, error)
            continue
        once = common.timed(lambda train=train: train(1))()
        found[name] = train, max(LEAST_EPOCHS, round(SECONDS / once))
    return found


def steps(options: Options) -> Table:
    peers, absent = selected(PEERS, options), Absent()
    title = f"Training step, {options.words}"
    table = Table(title, "microseconds", 1e6, list(peers))
    for name, job in jobs(options):
        cases = {
            peer: common.timed(lambda train=train, n=n: train(n), n * job.steps)
            for peer, (train, n) in ready(peers, job, absent).items()
        }
        table.add(name, common.interleaved(cases, options.rounds))
    return table


def check(options: Options) -> None:
    """Do all peers learn?  Accuracy and loss on the training rows after 20 epochs."""
    X, y = SETS["digits"](options.dtype)
    job, epochs, absent = Job(X, y, (64,), 32, options.threads), 20, Absent()
    print(f"\n### digits, (64,), batch 32, {epochs} epochs, {options.words}\n")
    print("| | accuracy | loss | seconds with compiling |\n|---|---|---|---|")
    for name, where in selected(PEERS, options).items():
        start = time.perf_counter()
        try:
            accuracy, loss = fitted(job, load(where)(job)(epochs))
        except Exception as error:
            absent.report(name, error)
            continue
        wall = time.perf_counter() - start
        print(f"| {name} | {accuracy:.4f} | {loss:.4f} | {wall:.1f} |", flush=True)


def tables(options: Options) -> list[Table]:
    if options.check:
        check(options)
        return []
    return [steps(options)]
