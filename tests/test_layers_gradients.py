"""Gradients of layers against central differences, and against backpropagation cut by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from layer_cases import CASES, F32, F64, TRUNCATED, Given
from layers_reference import Reference

from deltarule._engine import named

TOLERANCE = 1e-7
MOST_ENTRIES = 300  # of an array that are checked
OTHERWISE_IN_TRAINING = [
    name
    for name, case in CASES.items()
    if any(node.kind in ("dropout", "batch_norm") for node in case.plan.nodes)
]


def differences(f, array, entries, step=2e-4):
    """Slopes of f() by some entries of an array that f reads: Richardson of central differences."""

    def central(at, h):
        ends = []
        for sign in (1, -1):
            flat[at] = middle + sign * h
            ends.append(f())
        flat[at] = middle
        return (ends[0] - ends[1]) / (2 * h)

    flat, slopes = array.reshape(-1), []
    assert np.shares_memory(flat, array)
    for at in entries:
        middle = flat[at]
        slopes.append((4 * central(at, step / 2) - central(at, step)) / 3)
    return np.array(slopes)


class Checked:
    """A net of a case behind a Dense layer, whose arrays may be changed, and its loss."""

    def __init__(self, case, weighted, training):
        self.given = Given(case if case.codes else case.behind_dense())
        self.row_weights = self.given.row_weights if weighted else None
        self.training = training
        self.arrays = list(self.given.weights.values())

    def pass_(self, keep):
        given = self.given
        given.net.set_weights(self.arrays)
        data = (given.flat, given.targets, None, self.row_weights)
        return given.net.gradient(*data, 1, self.training, keep, seed=3, step=7)

    def loss(self):
        return self.pass_(keep=False)[0]

    def check(self):
        """Every array that is trained, and X."""
        _, gradients, _, slopes = self.pass_(keep=True)
        gradients = named(self.given.plan, gradients)
        self.largest = max(np.abs(g).max() for g in gradients.values())
        for node in self.given.plan.nodes:
            for parameter in node.parameters:
                name = f"{node.name}.{parameter.name}"
                if parameter.trained and node.controls["trained"]:
                    self.compare(gradients[name], self.given.weights[name])
        if not self.given.case.codes:
            self.check_slopes(slopes)

    def check_slopes(self, slopes):
        """The slope of what the Dense layer gives, times its weights, is that of X."""
        given = self.given
        first = next(i for i, node in enumerate(given.plan.nodes) if node.name == "before")
        slope = slopes[first].reshape(given.x.shape) @ given.weights["before.weight"].T
        padded = given.case.masked & (given.x == 0)
        assert not slope[padded].any()
        self.compare(slope, given.x, np.flatnonzero(~padded))

    def compare(self, gradient, array, entries=None):
        entries = np.arange(array.size) if entries is None else entries
        if len(entries) > MOST_ENTRIES:
            rng = np.random.default_rng(0)
            entries = np.sort(rng.choice(entries, MOST_ENTRIES, replace=False))
        expected = differences(self.loss, array, entries)
        error = np.abs(gradient.reshape(-1)[entries] - expected).max()
        assert error <= TOLERANCE * max(np.abs(gradient).max(), 1e-3 * self.largest)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("weighted", [False, True])
def test_the_gradient_of_every_layer_agrees_with_differences(name, weighted):
    Checked(CASES[name], weighted, training=True).check()


@pytest.mark.parametrize("name", OTHERWISE_IN_TRAINING)
@pytest.mark.parametrize("weighted", [False, True])
def test_the_gradient_of_the_inference_pass_agrees_with_differences(name, weighted):
    Checked(CASES[name], weighted, training=False).check()


@pytest.mark.parametrize("name", CASES)
def test_gradients_of_float32_are_those_of_float64(name):
    """The same numbers, rounded to float32 before both."""
    single = Given(CASES[name], F32)
    double = Given(CASES[name], F32)
    double.dtype = F64
    double.x, double.targets = double.x.astype(F64), double.targets.astype(F64)
    _, got, _, _ = single.gradient(single.row_weights, seed=1)
    _, expected, _, _ = double.gradient(double.row_weights.astype(F64), seed=1)
    largest = max((np.abs(g).max() for g in expected.values()), default=0.0)
    for array, gradient in expected.items():
        error = np.abs(got[array] - gradient).max()
        assert error <= 1e-5 * max(np.abs(gradient).max(), 0.1 * largest), array


def loss_of(given, y, row_weights):
    """Half the squared error, the mean over the rows and over the positions of each."""
    rows = 0.5 * ((y - given.targets) ** 2).sum(axis=1) / given.plan.positions
    return np.average(rows, weights=row_weights)


@pytest.mark.parametrize("name", TRUNCATED)
@pytest.mark.parametrize("weighted", [False, True])
def test_slopes_end_at_the_boundaries_of_truncated_layers(name, weighted):
    """As in a network whose state at every boundary is a number that nothing can change."""
    given = Given(TRUNCATED[name].behind_dense())
    row_weights = given.row_weights if weighted else None
    met = Reference(given.weights)
    met(given.plan.layers, given.x)

    def loss():
        return loss_of(given, given.reference(held=met.states), row_weights)

    value, gradients, _, _ = given.gradient(row_weights)
    assert value == pytest.approx(loss(), rel=1e-13)
    largest = max(np.abs(g).max() for g in gradients.values())
    for array, gradient in gradients.items():
        expected = differences(loss, given.weights[array], np.arange(gradient.size))
        error = np.abs(gradient.reshape(-1) - expected).max()
        assert error <= TOLERANCE * largest, array


@pytest.mark.parametrize("name", TRUNCATED)
def test_truncation_changes_slopes_only(name):
    case = TRUNCATED[name]
    layers = tuple(replace(layer, truncate=None) for layer in case.layers)
    cut, whole = Given(case), Given(replace(case, layers=layers))
    np.testing.assert_array_equal(cut.net.predict(cut.flat), whole.net.predict(cut.flat))
    equal = [
        np.array_equal(a, b)
        for a, b in zip(cut.gradient()[1].values(), whole.gradient()[1].values(), strict=True)
    ]
    assert all(equal) == (case.layers[0].truncate >= case.inputs[0])
