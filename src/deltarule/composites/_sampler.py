"""Random classes for the losses that look at a sample of them.

P is the distribution of one draw.  Classes drawn with replacement m times have the expected counts
m P; distinct classes, of which the m-th came at draw T, have 1 - (1 - P)^T.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from deltarule._catalogue import Array


class Sampler:
    """A distribution over the classes 0 ... C - 1.

    Parameters
    ----------
    name : str
        The loss, for messages.
    C : int
    distribution : {"log_uniform", "uniform"} or array_like, shape (C,)
        log_uniform, P(k) = log((k + 2) / (k + 1)) / log(C + 1), is for classes in the order of
        falling frequency (Zipf's law).  An array holds numbers > 0 proportional to P.

    Raises
    ------
    ValueError
        If the distribution is none of these.
    """

    def __init__(self, name: str, C: int, distribution: Any) -> None:
        self.name, self.C, self.kind = name, C, ""
        if isinstance(distribution, str):
            if distribution not in ("log_uniform", "uniform"):
                raise ValueError(
                    f"The distribution of {name} must be 'log_uniform', 'uniform' or {C} numbers "
                    f"> 0; met {distribution!r}."
                )
            self.kind = distribution
            return
        p = np.asarray(distribution, dtype=np.float64)
        if p.shape != (C,) or not ((p > 0) & np.isfinite(p)).all():
            raise ValueError(
                f"The distribution of {name} must be {C} finite numbers > 0, one per class; met "
                f"the shape {p.shape}."
            )
        self._p = p / p.sum()

    def probability(self, codes: Array) -> Array:
        """P of each code."""
        if self.kind == "log_uniform":
            return np.asarray(np.log1p(1 / (codes + 1.0)) / np.log(self.C + 1.0))
        if self.kind == "uniform":
            return np.full(codes.shape, 1 / self.C)
        return np.asarray(self._p[codes])

    def expected_counts(self, codes: Array, draws: int, unique: bool) -> Array:
        """How often each code is expected in a sample of that many draws."""
        p = self.probability(codes)
        if not unique:
            return draws * p
        with np.errstate(divide="ignore"):  # a single class: P = 1
            return np.asarray(-np.expm1(draws * np.log1p(-p)))

    def sample(self, number: Any, rng: Any, unique: bool) -> tuple[Array, int]:
        """Classes (number,) in the order drawn, and how many draws they took.

        Raises
        ------
        ValueError
            If the number does not fit the classes, or rng is neither a seed nor a generator.
        """
        most = self.C if unique else np.inf
        if not isinstance(number, int | np.integer) or not 1 <= number <= most:
            raise ValueError(
                f"num_sampled of {self.name} must be an integer >= 1"
                + (f", and at most the {self.C} classes there are" if unique else "")
                + f"; met {number!r}."
            )
        try:
            generator = np.random.default_rng(rng)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"rng of {self.name} must be a seed or a numpy.random.Generator; met {rng!r}."
            ) from error
        if not unique:
            return self._draw(generator, int(number)), int(number)
        if self.kind and 4 * number <= self.C:
            return self._repeat(generator, int(number))
        return self._race(generator, int(number))

    def _draw(self, rng: np.random.Generator, number: int) -> Array:
        if self.kind == "uniform":
            return np.asarray(rng.integers(self.C, size=number))
        u = rng.random(number)
        if self.kind == "log_uniform":
            codes = np.exp(u * np.log(self.C + 1.0)).astype(np.int64) - 1
        else:
            codes = np.searchsorted(np.cumsum(self._p), u, side="right")
        return np.asarray(np.clip(codes, 0, self.C - 1))

    def _repeat(self, rng: np.random.Generator, number: int) -> tuple[Array, int]:
        """Draws until there are enough distinct classes."""
        drawn = self._draw(rng, 2 * number)
        while True:
            first = np.sort(np.unique(drawn, return_index=True)[1])
            if len(first) >= number:
                return drawn[first[:number]], int(first[number - 1]) + 1
            drawn = np.concatenate([drawn, self._draw(rng, len(drawn))])

    def _race(self, rng: np.random.Generator, number: int) -> tuple[Array, int]:
        """The same without the draws: exponential clocks ring in the order of first appearance.

        Between two new classes lies a geometric number of draws of those already seen.
        """
        p = self.probability(np.arange(self.C))
        clock = rng.standard_exponential(self.C) / p
        classes = np.argsort(clock)[:number]
        unseen = 1 - np.cumsum(p[classes])[:-1]
        waits = rng.geometric(np.clip(unseen, 1e-15, 1))
        return classes, 1 + int(waits.sum())
