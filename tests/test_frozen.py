"""Frozen networks predict what their estimators predict."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

import deltarule as dr
from deltarule import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SETTINGS = {"hidden_layer_sizes": (9, 7), "max_iter": 20, "random_state": 0}
RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 5))
TARGETS = {
    "words": np.array(["cat", "dog", "owl"])[RNG.integers(0, 3, 80)],
    "two classes": RNG.integers(0, 2, 80) * 5 - 3,
    "one class": np.full(80, 4),
    "labels": RNG.integers(0, 2, (80, 4)),
    "booleans": RNG.normal(size=80) > 0,
}
NUMBERS = {"flat": RNG.normal(size=80), "several": RNG.normal(size=(80, 3))}


@pytest.mark.parametrize("dtype", [None, "float32"])
@pytest.mark.parametrize("name", TARGETS)
def test_classes_are_those_of_the_estimator(name, dtype):
    fitted = MLPClassifier(dtype=dtype, **SETTINGS).fit(X, TARGETS[name])
    frozen = fitted.freeze()
    expected = fitted.predict(X)
    for given in (X, X.astype(np.float32).astype(float), X.tolist(), np.asfortranarray(X)):
        np.testing.assert_array_equal(frozen.predict(given), fitted.predict(given))
    assert frozen.predict(X).dtype == expected.dtype
    np.testing.assert_array_equal(frozen.classes_, fitted.classes_)
    for i in range(5):
        np.testing.assert_array_equal(frozen.predict(X[i : i + 1]), expected[i : i + 1])
    raw = frozen.decision_function(X)
    if raw.shape[1] > 1 and name != "labels":
        np.testing.assert_array_equal(
            fitted.predict_proba(X), np.asarray(dr.activations.softmax(raw))
        )


@pytest.mark.parametrize("loss", ["squared_error", "poisson_log"])
@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_are_those_of_the_estimator(name, loss):
    y = np.abs(NUMBERS[name]) if loss == "poisson_log" else NUMBERS[name]
    fitted = MLPRegressor(loss=loss, **SETTINGS).fit(X, y)
    frozen = fitted.freeze()
    np.testing.assert_array_equal(frozen.predict(X), fitted.predict(X))
    assert not hasattr(frozen, "classes_")


def test_a_frozen_network_keeps_what_it_learned():
    fitted = MLPRegressor(**SETTINGS).fit(X, NUMBERS["flat"])
    frozen = fitted.freeze()
    before = frozen.predict(X)
    fitted.coefs_[0] *= 0
    fitted.fit(X[:40], NUMBERS["flat"][:40])
    np.testing.assert_array_equal(frozen.predict(X), before)
    again = pickle.loads(pickle.dumps(frozen))
    np.testing.assert_array_equal(again.predict(X), before)


def test_several_threads_share_a_frozen_network():
    frozen = MLPClassifier(**SETTINGS).fit(X, TARGETS["words"]).freeze()
    many = np.tile(X, (50, 1))
    expected = frozen.predict(many)
    with ThreadPoolExecutor(8) as pool:
        for met in pool.map(frozen.predict, [many] * 40):
            np.testing.assert_array_equal(met, expected)


def test_what_a_frozen_network_refuses():
    with pytest.raises(NotFittedError):
        MLPClassifier().freeze()
    frozen = MLPClassifier(**SETTINGS).fit(X, TARGETS["words"]).freeze()
    for bad, words in ((X[:, :3], "2 dimensions with 3 columns"), (X[0], "1 dimension")):
        with pytest.raises(ValueError, match=f"rows of 5 numbers.*{words}"):
            frozen.predict(bad)
    sparse = pytest.importorskip("scipy.sparse").csr_array(X)
    for bad in (None, [["a"] * 5], [["1"] * 5], X + 1j, sparse, [[None] * 5]):
        with pytest.raises(TypeError, match="X must be a dense array of real numbers"):
            frozen.predict(bad)
    assert frozen.predict(np.ones((1, 5), bool)) == frozen.predict([[1] * 5])
    assert frozen.predict(np.empty((0, 5))).shape == (0,)
    assert np.isnan(frozen.decision_function(np.full((1, 5), np.nan))).all()
