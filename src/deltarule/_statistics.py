"""What an activation does to a standard normal input."""

from __future__ import annotations

import math
from numbers import Integral
from typing import NamedTuple

import numpy as np

from deltarule._activation_kinds import Activation, ElementwiseActivation
from deltarule._activations import activation

REACH = 40.0  # the density is 0 beyond
_NODES = 40
_PIECE = 0.25
_ROWS = 65536


class NormalStatistics(NamedTuple):
    """Of f(Z) and f'(Z) for a standard normal Z.

    Attributes
    ----------
    mean : float
        E f(Z): how far the outputs are shifted.
    variance : float
        Var f(Z).
    gain_forward : float
        1 / sqrt(E f(Z)^2): the factor of the weights that keeps the size of the signal.
    gain_backward : float
        1 / sqrt(E f'(Z)^2): the factor that keeps the size of the gradient; infinite where the
        slope is 0 almost everywhere.
    """

    mean: float
    variance: float
    gain_forward: float
    gain_backward: float


def normal_statistics(f: ElementwiseActivation) -> NormalStatistics:
    """The moments of f(Z) and f'(Z) by Gauss-Legendre quadrature between the breaks of f.

    Parameters
    ----------
    f : ElementwiseActivation

    Returns
    -------
    NormalStatistics
        To about 1e-13, relative; NaN where f is not defined on the whole line.  For an own
        formula to about 1e-10, if it is smooth on the scale of 0.01 between the places where its
        comparisons, maxima and absolute values switch.
    """
    breaks = getattr(f, "switches", None)  # of an own formula
    if breaks is None:
        breaks = [at for at, _ in f.kinks if -REACH < at < REACH]
    edges = np.array(sorted({*np.arange(-REACH, REACH + _PIECE, _PIECE), *breaks}))
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    half = np.diff(edges)[:, None] / 2
    z = edges[:-1, None] + half * (nodes + 1)
    w = half * weights * np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    y, slope = f(z), f.derivative(z)
    mean, square, slope_square = (float(np.sum(w * v)) for v in (y, y * y, slope * slope))
    return NormalStatistics(
        mean, square - mean * mean, _inverse_root(square), _inverse_root(slope_square)
    )


def _inverse_root(square: float) -> float:
    return math.inf if square == 0 else 1 / math.sqrt(square)


def init_gain(f: str | Activation, /, mode: str = "forward", *, width: int = 64) -> float:
    """The factor of initial weights that preserves the variance through an activation.

    Weights of variance ``gain**2 / fan_in`` keep the second moment of standard normal signals
    (``mode="forward"``), those of variance ``gain**2 / fan_out`` that of gradients
    (``mode="backward"``).

    Parameters
    ----------
    f : str or Activation
        A name, or an activation with its parameters set.
    mode : {"forward", "backward"}, default="forward"
    width : int, default=64
        The length of the rows of a row-wise activation, on which its gain depends; at least 1.

    Returns
    -------
    float
        Computed for the parameters in use: sqrt(2) for ``"relu"``.  To about 1e-13 for an
        element-wise activation, about 1e-10 for an own formula; from 65536 seeded random rows, to
        about three digits, for a row-wise one.  Infinite backwards where the slope is 0 almost
        everywhere.

    Raises
    ------
    ValueError
        If the name is unknown, the mode is none of the two, or the width no integer >= 1.

    Notes
    -----
    He et al. 2015 for the rectifier; the same integral here for every function.  PyTorch's 5/3 for
    tanh and 3/4 for selu are experience, not this integral, which gives 1.593 and 1.

    Examples
    --------
    >>> import deltarule as dr
    >>> round(dr.init_gain("gelu"), 6)
    1.53353
    """
    if mode not in ("forward", "backward"):
        raise ValueError(f"The mode must be 'forward' or 'backward'; met {mode!r}.")
    if not (isinstance(width, Integral) and width >= 1):
        raise ValueError(f"The width of a row must be an integer >= 1; met {width!r}.")
    chosen = activation(f)
    if isinstance(chosen, ElementwiseActivation):
        statistics = normal_statistics(chosen)
        return statistics.gain_forward if mode == "forward" else statistics.gain_backward
    rng = np.random.default_rng(0)
    x = rng.standard_normal((_ROWS, width))
    y = np.asarray(chosen(x, axis=-1))
    if mode == "backward":
        y = chosen.vjp(x, rng.standard_normal(y.shape), axis=-1)
    return _inverse_root(float(np.mean(np.square(y))))
