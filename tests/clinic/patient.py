"""What the clinic is made of: patients with a planted fault, their healthy twins, data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn import datasets

import deltarule as dr

Data = Callable[[int], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Patient:
    """A network with a planted fault, and the same without it.

    Attributes
    ----------
    fault : str
        The code of the finding that names it.
    name : str
    sick, healthy : callable
        An unfitted estimator of a seed.
    data : callable
        X and y of a seed.
    sick_data : callable, optional
        Of the sick one, where the fault is in the data.
    also : tuple of str
        Codes that name the same fault as rightly.
    """

    fault: str
    name: str
    data: Data
    sick: Callable[[int], Any]
    healthy: Callable[[int], Any]
    sick_data: Data | None = None
    also: tuple[str, ...] = ()


def circles(seed: int) -> tuple[np.ndarray, np.ndarray]:
    return datasets.make_circles(600, noise=0.05, factor=0.5, random_state=seed)


def moons(seed: int) -> tuple[np.ndarray, np.ndarray]:
    return datasets.make_moons(600, noise=0.15, random_state=seed)


def blobs(seed: int) -> tuple[np.ndarray, np.ndarray]:
    return datasets.make_blobs(600, centers=3, cluster_std=1.2, random_state=seed)


def digits(seed: int) -> tuple[np.ndarray, np.ndarray]:
    X, y = datasets.load_digits(return_X_y=True)
    keep = np.random.default_rng(seed).permutation(len(X))[:1200]
    return X[keep] / 16, y[keep]


def cancer(seed: int) -> tuple[np.ndarray, np.ndarray]:
    X, y = datasets.load_breast_cancer(return_X_y=True)
    return (X - X.mean(axis=0)) / X.std(axis=0), y


def friedman(seed: int) -> tuple[np.ndarray, np.ndarray]:
    X, y = datasets.make_friedman1(600, noise=0.5, random_state=seed)
    return (X - 0.5) / 0.29, (y - y.mean()) / y.std()


def wave(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2, 2, (400, 1))
    return x, np.sin(2 * x[:, 0]) + 0.1 * rng.normal(size=400)


def plane(seed: int) -> tuple[np.ndarray, np.ndarray]:
    X, y = datasets.make_regression(500, 8, noise=5.0, random_state=seed)
    return X, (y - y.mean()) / y.std()


def steps(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Sequences of 10 numbers; the class is whether the first two are positive on average."""
    X = np.random.default_rng(seed).normal(size=(800, 10, 1))
    return X, (X[:, :2, 0].mean(axis=1) > 0).astype(int)


def parity(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Whether an odd number of five signs is negative: no sign alone tells anything."""
    X = np.random.default_rng(seed).choice([-1.0, 1.0], size=(600, 5))
    return X, (X.prod(axis=1) < 0).astype(int)


def shifted(data: Data, by: float) -> Data:
    """The same rows, all features larger by a number."""

    def moved(seed: int) -> tuple[np.ndarray, np.ndarray]:
        X, y = data(seed)
        return X + by, y

    return moved


def iris(seed: int) -> tuple[np.ndarray, np.ndarray]:
    X, y = datasets.load_iris(return_X_y=True)
    return (X - X.mean(axis=0)) / X.std(axis=0), y


def wine(seed: int) -> tuple[np.ndarray, np.ndarray]:
    X, y = datasets.load_wine(return_X_y=True)
    return (X - X.mean(axis=0)) / X.std(axis=0), y


def waves(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two targets of three features."""
    X = np.random.default_rng(seed).normal(size=(600, 3))
    return X, np.column_stack([np.sin(2 * X[:, 0]) + X[:, 1], X[:, 2] * X[:, 1]])


def altered(data: Data, change: Callable[..., Any]) -> Data:
    """The rows and targets that a function of X, y and a generator makes of others."""
    return lambda seed: change(*data(seed), np.random.default_rng(seed + 1000))


def classifier(sizes: tuple[int, ...], **settings: Any) -> Callable[[int], Any]:
    """Makes a classifier of a seed."""
    return _maker(dr.MLPClassifier, sizes, settings)


def regressor(sizes: tuple[int, ...], **settings: Any) -> Callable[[int], Any]:
    """Makes a regressor of a seed."""
    return _maker(dr.MLPRegressor, sizes, settings)


def _maker(kind: Any, sizes: tuple[int, ...], settings: dict[str, Any]) -> Callable[[int], Any]:
    given = {"max_iter": 150, "learning_rate_init": 0.005, **settings}
    return lambda seed: kind(hidden_layer_sizes=sizes, random_state=seed, **given)


def layered(kind: Any, layers: Any, **settings: Any) -> Callable[[int], Any]:
    """Makes an estimator of layers, which trains to the last of its epochs."""
    epochs = settings.setdefault("max_iter", 60)
    given = {"n_iter_no_change": epochs, "learning_rate_init": 0.01, "batch_size": 50, **settings}
    return lambda seed: kind(list(layers), random_state=seed, **given)
