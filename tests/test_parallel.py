"""Large arrays are shared among threads; no bit depends on how many there are."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from fresh import output_of

import deltarule as dr

WORK = """
    import hashlib, sys
    import numpy as np
    import deltarule as dr

    rng = np.random.default_rng(0)
    digest = hashlib.sha256()
    for dtype in (np.float32, np.float64):
        x = rng.normal(size=400_001).astype(dtype)
        for name in ("tanh", "gelu", "leaky_relu"):
            f = dr.activations[name]
            for y in (f(x), f.derivative(x[::-1]), f.vjp(x, x)):
                digest.update(y.tobytes())
        z, t = rng.normal(size=(30_001, 20)).astype(dtype), rng.integers(0, 20, 30_001)
        digest.update(dr.activations.softmax(z).tobytes())
        for name, y in (("softmax_cross_entropy", t), ("huber", z * 0)):
            value, gradient = dr.losses[name].value_and_gradient(z, y)
            digest.update(value.tobytes() + gradient.tobytes())
    print(digest.hexdigest())
"""


def digest(threads: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(WORK)],
        env={**os.environ, "DELTARULE_NUM_THREADS": threads},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout


def test_the_same_bits_on_any_number_of_threads():
    assert digest("1") == digest("2") == digest("7")


def test_accumulate_and_overlaps_stay_in_order():
    n = 300_000
    x = np.abs(np.random.default_rng(0).normal(size=n)) + 0.5
    leaky = dr.activations.leaky_relu
    expected = x[0]
    total = leaky.ufunc.reduce(x)
    for value in x[1:1000]:
        expected = leaky.ufunc(expected, value)
    assert leaky.ufunc.reduce(x[:1000]) == expected
    assert total == x[0]  # positive numbers pass unchanged
    shifted, y = x.copy(), leaky(-x[:-1])
    leaky(-shifted[:-1], out=shifted[1:])
    np.testing.assert_array_equal(shifted[1:], y)
    inplace = x.copy()
    dr.activations.tanh(inplace, out=inplace)
    np.testing.assert_array_equal(inplace, dr.activations.tanh(x))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="This system has no fork().")
def test_a_forked_child_computes_on():
    output_of(
        """
import os
import numpy as np
import deltarule as dr
x = np.random.default_rng(0).normal(size=400_000)
expected = dr.activations.tanh(x)
child = os.fork()
if child == 0:
    os._exit(0 if np.array_equal(dr.activations.tanh(x), expected) else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
np.testing.assert_array_equal(dr.activations.tanh(x), expected)
""",
        DELTARULE_NUM_THREADS="4",
    )


def test_several_python_threads_at_once():
    from concurrent.futures import ThreadPoolExecutor

    x = np.random.default_rng(0).normal(size=(8, 200_000))
    expected = dr.activations.gelu(x)
    with ThreadPoolExecutor(8) as pool:
        for got, row in zip(pool.map(dr.activations.gelu, x), expected, strict=True):
            np.testing.assert_array_equal(got, row)
