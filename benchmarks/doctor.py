"""What watching, examining and mending cost: python benchmarks/doctor.py [--rounds N].

Vitals: fits on digits with one batch in 32 watched, as always, and with none, interleaved; the
share is what watching adds.  The doctor: seconds of `examine` of a healthy network and of `repair`
of the same with a learning rate far too low, over those of a fit of the healthy one.  What a repair
costs by fault is printed by tests/clinic/run.py --repair.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import common  # first: it sets the numbers of threads
import numpy as np
from jobs import NETS
from sklearn.datasets import load_digits, make_classification, make_friedman1, make_moons

import deltarule as dr
from deltarule import _watching

BATCHES = (32, 200)
EPOCHS = {"1024x1024": {32: 3, 200: 6}, "256x256": {32: 15, 200: 40}}
USUAL = {32: 60, 200: 150}
Data = tuple[np.ndarray, np.ndarray]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    warnings.simplefilter("ignore")
    common.pin()
    print("| net | batch | a fit | vitals add |\n|---|---|---|---|")
    shares = [vitals(name, batch, rounds) for name in NETS for batch in BATCHES]
    print(f"| median | | | {np.median(shares):+.1%} |\n")
    print("| network | a fit | examine | repair |\n|---|---|---|---|")
    for name, (maker, data) in networks().items():
        doctor(name, maker, data, max(rounds // 3, 3))


def vitals(name: str, batch: int, rounds: int) -> float:
    X, y = load_digits(return_X_y=True)
    data = (X / 16).astype(np.float32), y
    epochs = EPOCHS.get(name, USUAL)[batch]
    every = _watching.EVERY

    def fit(watched: int) -> None:
        _watching.EVERY = watched
        try:
            network(NETS[name], batch_size=batch, max_iter=epochs).fit(*data)
        finally:
            _watching.EVERY = every

    cases = {what: common.timed(partial(fit, n)) for what, n in (("off", 0), ("on", every))}
    times = common.interleaved(cases, rounds)
    share, took = common.ratio(times, "on", "off") - 1, 1e3 * np.median(times["on"])
    print(f"| {name} | {batch} | {took:.4g} ms | {share:+.1%} |", flush=True)
    return share


def doctor(name: str, maker: Callable[..., Any], data: Data, rounds: int) -> None:
    times = common.interleaved(
        {
            "fit": common.timed(lambda: maker().fit(*data)),
            "examine": common.timed(lambda: dr.examine(maker(), *data)),
            "repair": common.timed(lambda: dr.repair(maker(learning_rate_init=1e-6), *data)),
        },
        rounds,
    )
    fit, *others = (1e3 * np.median(times[what]) for what in ("fit", "examine", "repair"))
    cells = (f"{ms:.4g} ms ({ms / fit:.1f})" for ms in others)
    print(f"| {name} | {fit:.4g} ms | {' | '.join(cells)} |", flush=True)


def networks() -> Mapping[str, tuple[Callable[..., Any], Data]]:
    X, y = load_digits(return_X_y=True)
    numbers, t = make_friedman1(600, noise=0.5, random_state=0)
    many = make_classification(10_000, 30, n_informative=20, n_classes=4, random_state=0)
    of_numbers = partial(network, (32, 32), kind=dr.MLPRegressor)
    return {
        "(16,), moons, 600 rows": (partial(network, (16,)), make_moons(600, noise=0.15)),
        "(32, 32), Friedman, 600 rows": (of_numbers, (2 * numbers - 1, (t - t.mean()) / t.std())),
        "(64,), digits, 1797 rows": (partial(network, (64,)), (X / 16, y)),
        "(256, 256), 10,000 rows": (partial(network, (256, 256), max_iter=20), many),
    }


def network(sizes: tuple[int, ...], kind: Any = dr.MLPClassifier, **settings: Any) -> Any:
    given = {"max_iter": 100, "n_iter_no_change": 1000, "learning_rate_init": 0.003, **settings}
    return kind(hidden_layer_sizes=sizes, random_state=0, n_jobs=1, doctor="off", **given)


if __name__ == "__main__":
    main()
