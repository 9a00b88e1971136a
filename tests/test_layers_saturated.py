"""Gates of recurrent layers far out, where 1 - sigmoid(z) and sigmoid(-z) are not the same."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from layer_cases import F32, F64

import deltarule as dr
from deltarule import layers as L
from deltarule._engine import make_net, named
from deltarule.plan import Plan

# One unit, one feature, two steps; every number exact in float32.
X = (1.0, 0.5)
INPUT, RECURRENT, BIAS, TARGET = 0.5, 0.125, 0.25, 2.0
FAR = {F32: 30.0, F64: 100.0}
TOLERANCES = {F32: 1e-5, F64: 1e-12}
GATES = {L.LSTM: 4, L.GRU: 3}
dtypes = pytest.mark.parametrize("dtype", [F32, F64], ids=str)


def weights_of(cell, biases):
    gates = GATES[cell]
    weights = {
        "weight": np.full((1, gates), INPUT),
        "recurrent": np.full((1, gates), RECURRENT),
        "bias": np.array(biases, dtype=np.float64),
    }
    return weights | ({"recurrent_bias": np.array([0.5])} if cell is L.GRU else {})


def sigmoid(z):
    return 1 / (1 + mpmath.exp(-z))


def lstm(weights):
    h = c = mpmath.mpf(0)
    for x in X:
        i, f, g, o = (
            x * w + h * u + b
            for w, u, b in zip(
                *(weights[k].flat for k in ("weight", "recurrent", "bias")), strict=True
            )
        )
        c = sigmoid(f) * c + sigmoid(i) * mpmath.tanh(g)
        h = sigmoid(o) * mpmath.tanh(c)
    return h


def gru(weights):
    h = mpmath.mpf(0)
    for x in X:
        r, k, n = (x * w + b for w, b in zip(weights["weight"].flat, weights["bias"], strict=True))
        u = [h * v for v in weights["recurrent"].flat]
        r, k = sigmoid(r + u[0]), sigmoid(k + u[1])
        n = mpmath.tanh(n + r * (u[2] + weights["recurrent_bias"][0]))
        h = (1 - k) * n + k * h
    return h


def expected_gradients(cell, weights):
    """By differences so small that no digit of the result sees their error."""
    run = {L.LSTM: lstm, L.GRU: gru}[cell]
    with mpmath.workdps(400):
        exact = {name: np.vectorize(mpmath.mpf, otypes="O")(a) for name, a in weights.items()}
        step = mpmath.mpf(10) ** -100
        gradients = {}
        for name, array in exact.items():
            gradients[name] = np.empty(array.shape)
            for at in np.ndindex(array.shape):
                ends = []
                for sign in (1, -1):
                    array[at] += sign * step
                    ends.append((run(exact) - mpmath.mpf(TARGET)) ** 2 / 2)
                    array[at] -= sign * step
                gradients[name][at] = float((ends[0] - ends[1]) / (2 * step))
    return gradients


def plan_of(cell):
    return Plan((len(X), 1), (cell(1),), dr.losses.half_squared_error)


@pytest.mark.parametrize(
    ("cell", "gate"), [(cell, gate) for cell, gates in GATES.items() for gate in range(gates)]
)
@pytest.mark.parametrize("sign", [1, -1])
@dtypes
def test_slopes_through_a_saturated_gate_keep_their_digits(cell, dtype, gate, sign):
    biases = [BIAS] * GATES[cell]
    biases[gate] = sign * FAR[dtype]
    weights = weights_of(cell, biases)
    plan = plan_of(cell)
    net = make_net(plan, dtype, {f"{cell.kind}_1.{name}": a for name, a in weights.items()})
    rows, targets = np.array([X], dtype=dtype), np.array([[TARGET]], dtype=dtype)
    got = named(plan, net.gradient(rows, targets, None, None)[1])
    for name, expected in expected_gradients(cell, weights).items():
        assert expected.all()
        np.testing.assert_allclose(got[f"{cell.kind}_1.{name}"], expected, rtol=TOLERANCES[dtype])


@pytest.mark.parametrize("z", [40.0, 90.0, 110.0, 1000.0, 1e30])
@dtypes
def test_open_gates_let_everything_through_and_closed_ones_nothing(dtype, z):
    rows = np.array([X], dtype=dtype)
    for cell, biases, expected in [
        (L.LSTM, [z, z, z, z], np.tanh(2)),
        (L.LSTM, [z, -z, z, z], np.tanh(1)),
        (L.LSTM, [z, z, z, -z], 0),
        (L.LSTM, [-z, z, z, z], 0),
        (L.GRU, [z, -z, BIAS], np.tanh(X[1] * INPUT + np.tanh(X[0] * INPUT + 0.75) / 8 + 0.75)),
        (L.GRU, [z, z, BIAS], 0),
    ]:
        weights = {f"{cell.kind}_1.{name}": a for name, a in weights_of(cell, biases).items()}
        got = make_net(plan_of(cell), dtype, weights).predict(rows)[0, 0]
        assert got == pytest.approx(expected, rel=1e-6, abs=1e-15), (cell.kind, biases)
