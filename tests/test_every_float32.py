"""Samples of what `nox -s exhaustive` does with all 2^32 float32 inputs."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from accuracy import ELEMENTWISE, ERRORS, ORDERS
from fresh import REPOSITORY

sys.path.append(str(REPOSITORY / "benchmarks"))

import exhaustive


def sample(f, n=1 << 17):
    """Random bit patterns: all exponents alike."""
    bits = np.random.default_rng(0).integers(0, 1 << 32, n, dtype=np.uint32)
    x = bits.view(np.float32)
    return x[np.isfinite(x) & (x > f.facts["defined_above"])]


def recorded(f):
    """The worst errors over all inputs, where they have been measured."""
    if f.name not in ERRORS[exhaustive.KEY]:
        pytest.skip(f"errors.json has no record of all inputs: run nox -s exhaustive -- {f.name}.")
    return ERRORS[exhaustive.KEY][f.name]


@pytest.mark.parametrize("f", ELEMENTWISE, ids=lambda f: f.name)
def test_a_sample_keeps_the_worst_error_over_all(f):
    worst = recorded(f)
    with np.errstate(all="ignore"):
        for order, name in enumerate(ORDERS):
            judge = exhaustive.Order(exhaustive.as_in_float32(f), order)
            judge.look(sample(f))
            assert judge.worst <= worst[order], (name, judge.at)


@pytest.mark.parametrize("f", ELEMENTWISE, ids=lambda f: f.name)
def test_the_record_of_all_inputs_keeps_the_bound(f):
    for worst, bound in zip(recorded(f), f.facts["ulp_float32"], strict=True):
        assert worst <= bound


class OneWrongDigit:
    """The identity, but three numbers off at 1.5 in float32."""

    parameters: dict[str, float] = {}  # noqa: RUF012
    facts = {"scales": (None, None, None)}  # noqa: RUF012

    def __call__(self, x):
        off = np.float32(1.5 + 3 * 2**-23)
        return np.where(x == 1.5, off, x) if x.dtype == np.float32 else x

    derivative = second_derivative = __call__


def test_the_judge_sees_a_wrong_digit():
    judge = exhaustive.Order(OneWrongDigit(), 0)
    judge.look(np.linspace(1, 2, 1001, dtype=np.float32))
    assert (judge.worst, judge.at) == (3.0, 1.5)
