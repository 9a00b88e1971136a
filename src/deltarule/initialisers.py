"""Where the weights of a layer begin: records that draw arrays from (seed, stream).

A layer takes one by name (``init="he_normal"``) or as an object
(``init=VarianceScaling("in", gain="tanh")``).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from deltarule import _core
from deltarule._activation_kinds import Activation
from deltarule._activations import activation
from deltarule._statistics import init_gain

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Fans:
    """What a unit reads and what reads it, in numbers."""

    inputs: int
    outputs: int


@dataclass(frozen=True)
class Initialiser(ABC):
    """How an array of weights begins."""

    needs_data = False  # whether it looks at what the layer computes

    @abstractmethod
    def draw(self, shape: tuple[int, ...], fans: Fans, seed: int, stream: int) -> Array:
        """The array; the same for the same seed and stream.

        Parameters
        ----------
        shape : tuple of int
            The last axis is that of the units.
        fans : Fans
        seed, stream : int
            ``stream`` tells the arrays of a network apart.

        Returns
        -------
        ndarray of float64
        """


def _uniform(shape: tuple[int, ...], seed: int, stream: int) -> Array:
    numbers: Array = _core.draw("uniform", math.prod(shape), seed, stream)  # in (-1, 1)
    return numbers.reshape(shape)


def _normal(shape: tuple[int, ...], seed: int, stream: int) -> Array:
    numbers: Array = _core.draw("normal", math.prod(shape), seed, stream)
    return numbers.reshape(shape)


# Standard deviation of a standard normal number cut at two of them.
_CUT = 2.0
_DENSITY_CUT = math.exp(-_CUT * _CUT / 2) / math.sqrt(2 * math.pi)
_DEVIATION_CUT = math.sqrt(1 - 2 * _CUT * _DENSITY_CUT / math.erf(_CUT / math.sqrt(2)))


def _truncated_normal(shape: tuple[int, ...], seed: int, stream: int) -> Array:
    """Normal numbers within two standard deviations, by inversion; standard deviation 0.88."""
    from statistics import NormalDist

    normal, numbers = NormalDist(), _uniform(shape, seed, stream).ravel()
    reach = math.erf(_CUT / math.sqrt(2)) / 2  # of the distribution function around its middle
    inverse = [normal.inv_cdf(0.5 + reach * u) for u in numbers]
    return np.array(inverse).reshape(shape)


@dataclass(frozen=True)
class Constant(Initialiser):
    """Every weight is ``value``."""

    value: float = 0.0

    def draw(self, shape: tuple[int, ...], fans: Fans, seed: int, stream: int) -> Array:
        return np.full(shape, float(self.value))


@dataclass(frozen=True)
class Uniform(Initialiser):
    """Uniform between ``low`` and ``high``."""

    low: float = -0.05
    high: float = 0.05

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise ValueError(f"low must not exceed high; met {self.low} and {self.high}.")

    def draw(self, shape: tuple[int, ...], fans: Fans, seed: int, stream: int) -> Array:
        middle, half = (self.low + self.high) / 2, (self.high - self.low) / 2
        return middle + half * _uniform(shape, seed, stream)


@dataclass(frozen=True)
class Normal(Initialiser):
    """Normal with ``mean`` and standard deviation ``std``; ``truncated`` at two of them."""

    mean: float = 0.0
    std: float = 0.05
    truncated: bool = False

    def __post_init__(self) -> None:
        if not self.std >= 0:
            raise ValueError(f"std must be at least 0; met {self.std}.")

    def draw(self, shape: tuple[int, ...], fans: Fans, seed: int, stream: int) -> Array:
        numbers = _truncated_normal if self.truncated else _normal
        return self.mean + self.std * numbers(shape, seed, stream)


@dataclass(frozen=True)
class VarianceScaling(Initialiser):
    """Mean 0 and variance ``gain**2 / n``, n being what a unit reads, what reads it, or the mean.

    Attributes
    ----------
    fan : {"in", "out", "average"}
        Glorot and Bengio 2010: "average"; He et al. 2015 and LeCun et al. 1998: "in".
    distribution : {"uniform", "normal", "truncated_normal"}
        A truncated normal ends at two standard deviations and has the variance named.
    gain : float, str or Activation
        A number, or the activation whose variance-preserving gain (`deltarule.init_gain`) is
        taken.
    """

    fan: Literal["in", "out", "average"] = "in"
    distribution: Literal["uniform", "normal", "truncated_normal"] = "normal"
    gain: float | str | Activation = 1.0

    def __post_init__(self) -> None:
        if self.fan not in ("in", "out", "average"):
            raise ValueError(f"fan must be 'in', 'out' or 'average'; met {self.fan!r}.")
        if self.distribution not in ("uniform", "normal", "truncated_normal"):
            raise ValueError(
                "distribution must be 'uniform', 'normal' or 'truncated_normal'; met "
                f"{self.distribution!r}."
            )
        if isinstance(self.gain, str):
            object.__setattr__(self, "gain", activation(self.gain))

    def deviation(self, fans: Fans) -> float:
        """The standard deviation for these fans."""
        n = {"in": fans.inputs, "out": fans.outputs, "average": (fans.inputs + fans.outputs) / 2}
        gain = init_gain(self.gain) if isinstance(self.gain, Activation) else float(self.gain)
        return gain / math.sqrt(n[self.fan])

    def draw(self, shape: tuple[int, ...], fans: Fans, seed: int, stream: int) -> Array:
        deviation = self.deviation(fans)
        if self.distribution == "uniform":
            return math.sqrt(3.0) * deviation * _uniform(shape, seed, stream)
        if self.distribution == "normal":
            return deviation * _normal(shape, seed, stream)
        return deviation / _DEVIATION_CUT * _truncated_normal(shape, seed, stream)


@dataclass(frozen=True)
class Orthogonal(Initialiser):
    """Orthonormal rows or columns, whichever are fewer, times ``gain`` (Saxe et al. 2014).

    An array of more than two axes counts as a matrix of its last one; every block of as many
    columns as there are rows is orthonormal by itself in recurrent weights of several gates.
    """

    gain: float | str | Activation = 1.0

    def __post_init__(self) -> None:
        if isinstance(self.gain, str):
            object.__setattr__(self, "gain", activation(self.gain))

    def draw(self, shape: tuple[int, ...], fans: Fans, seed: int, stream: int) -> Array:
        columns = shape[-1]
        rows = math.prod(shape[:-1])
        gain = init_gain(self.gain) if isinstance(self.gain, Activation) else float(self.gain)
        tall = _normal((max(rows, columns), min(rows, columns)), seed, stream)
        q, r = np.linalg.qr(tall)
        q = q * np.where(np.diagonal(r) < 0, -1.0, 1.0)  # uniform among the orthonormal matrices
        return gain * (q if rows >= columns else q.T).reshape(shape)


@dataclass(frozen=True)
class FromData(Initialiser):
    """An initialiser that looks at what the layer computes of the first rows it is fitted on."""

    needs_data = True

    @abstractmethod
    def adjust(
        self, array: NDArray[Any], outputs: Callable[[], Array], name: str, seed: int, stream: int
    ) -> None:
        """Change an array in place.

        Parameters
        ----------
        array : ndarray
            As it was drawn.
        outputs : callable
            Gives what the layer computes with the arrays as they are, shape (rows, units).
        name : str
            Of the array, for messages.
        seed, stream : int
            As for `draw`.
        """


@dataclass(frozen=True)
class LSUV(FromData):
    """Orthonormal, then scaled until what the layer computes has variance 1 (Mishkin, Matas 2016).

    The scale follows from the first rows that the network is fitted on, layer after layer.

    Attributes
    ----------
    tolerance : float
        Of the variance.
    trials : int
        Most rescalings of a layer.
    """

    tolerance: float = 0.01
    trials: int = 10

    def draw(self, shape: tuple[int, ...], fans: Fans, seed: int, stream: int) -> Array:
        return Orthogonal().draw(shape, fans, seed, stream)

    def adjust(
        self, array: NDArray[Any], outputs: Callable[[], Array], name: str, seed: int, stream: int
    ) -> None:
        for _ in range(self.trials):
            variance = float(np.var(outputs()))
            if not variance > 0 or not math.isfinite(variance):
                raise ValueError(
                    f"The layer of {name!r} computes values of variance {variance}; LSUV cannot "
                    "scale them to 1. Look at the data and the layers before it."
                )
            if abs(variance - 1) <= self.tolerance:
                break
            array /= np.asarray(math.sqrt(variance), array.dtype)


@dataclass(frozen=True)
class UnitVariance(FromData):
    """Normal, then every unit scaled so that what it computes varies with standard deviation 1.

    A unit that computes a constant is left as it is.  Of RealMLP (Holzmüller et al. 2024).
    """

    def draw(self, shape: tuple[int, ...], fans: Fans, seed: int, stream: int) -> Array:
        return _normal(shape, seed, stream) / math.sqrt(fans.inputs)

    def adjust(
        self, array: NDArray[Any], outputs: Callable[[], Array], name: str, seed: int, stream: int
    ) -> None:
        spread = np.std(outputs(), axis=0, dtype=np.float64)
        varies = np.isfinite(spread) & (spread > 0)
        array /= np.where(varies, spread, 1.0).astype(array.dtype)


@dataclass(frozen=True)
class AgainstPoints(FromData):
    """For biases: minus a random mean of what the unit computes of some rows, without its bias.

    The weights of the mean are exponential numbers, scaled to the sum 1: units bend where the data
    is.  Of RealMLP (Holzmüller et al. 2024).

    Attributes
    ----------
    points : int
        Rows of each mean.
    """

    points: int = 5

    def draw(self, shape: tuple[int, ...], fans: Fans, seed: int, stream: int) -> Array:
        return np.zeros(shape)

    def adjust(
        self, array: NDArray[Any], outputs: Callable[[], Array], name: str, seed: int, stream: int
    ) -> None:
        z = outputs()
        drawn = (_uniform((2, array.size, self.points), seed, stream) + 1) / 2
        rows = np.minimum((drawn[0] * len(z)).astype(np.intp), len(z) - 1)
        shares = -np.log(np.clip(drawn[1], 1e-300, 1 - 1e-16))
        shares /= shares.sum(axis=1, keepdims=True)
        chosen = np.asarray(z, np.float64)[rows, np.arange(array.size)[:, None]]
        array[...] = -(chosen * shares).sum(axis=1)


def _he(distribution: Any) -> Initialiser:
    return VarianceScaling("in", distribution, math.sqrt(2.0))


NAMED: Mapping[str, Initialiser] = MappingProxyType(
    {
        "zeros": Constant(0.0),
        "ones": Constant(1.0),
        "uniform": Uniform(),
        "normal": Normal(),
        "truncated_normal": Normal(truncated=True),
        "glorot_uniform": VarianceScaling("average", "uniform"),
        "glorot_normal": VarianceScaling("average", "normal"),
        "he_uniform": _he("uniform"),
        "he_normal": _he("normal"),
        "lecun_uniform": VarianceScaling("in", "uniform"),
        "lecun_normal": VarianceScaling("in", "normal"),
        "orthogonal": Orthogonal(),
        "lsuv": LSUV(),
    }
)


def initialiser(spec: str | Initialiser) -> Initialiser:
    """An initialiser by name, or itself.

    Raises
    ------
    ValueError
        If there is none of that name.
    """
    if isinstance(spec, Initialiser):
        return spec
    if not isinstance(spec, str) or spec not in NAMED:
        raise ValueError(f"There is no initialiser named {spec!r}. There are: {', '.join(NAMED)}.")
    return NAMED[spec]
