"""What multilayer perceptrons have beyond scikit-learn's: blocks, penalties, class weights."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import deltarule as dr
from deltarule import MLPClassifier, MLPRegressor

RNG = np.random.default_rng(0)
X = RNG.normal(size=(150, 6))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)
T = X[:, 0] * X[:, 1]
SETTINGS = {"hidden_layer_sizes": (16, 16), "max_iter": 20, "random_state": 0, "tol": 0}
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize(
    "option",
    [
        {"dropout": 0.3},
        {"batch_norm": True},
        {"residual": True},
        {"l1": 0.01},
        {"weight_decay": 0.5},
        {"max_norm": 0.3},
        {"grad_clip_norm": 1e-3},
        {"ema": 0.9},
        {"swa_from": 5},
        {"residual": True, "batch_norm": True, "dropout": 0.1, "activation": "prelu"},
    ],
    ids=str,
)
def test_every_option_changes_the_fit_and_survives_a_file(option, tmp_path):
    plain = MLPRegressor(**SETTINGS).fit(X, T)
    model = MLPRegressor(**SETTINGS, **option).fit(X, T)
    assert not np.array_equal(model.predict(X), plain.predict(X))
    dr.save(model, tmp_path / "model")
    for other in (dr.load(tmp_path / "model"), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(other.predict(X), model.predict(X))
        assert other.get_params() == model.get_params()
        assert set(vars(other)) == set(vars(model))
    np.testing.assert_array_equal(model.freeze().predict(X), model.predict(X))
    if "max_norm" in option:
        assert np.linalg.norm(model.coefs_[0], axis=0).max() <= 0.3 * (1 + 1e-12)
    if option == {"residual": True}:
        shapes = [w.shape for w in model.coefs_]
        assert shapes == [(6, 16), (6, 16), (16, 16), (16, 1)]  # the first is projected


def test_blocks_learn():
    options = {"residual": True, "batch_norm": True, "dropout": 0.05}
    settings = {**SETTINGS, "max_iter": 200, "learning_rate_init": 0.01}
    assert MLPClassifier(**settings, **options).fit(X, Y).score(X, Y) > 0.97


def test_class_weights_are_weights_of_rows():
    y = np.where(X[:, 0] > 1.2, "rare", "often")
    factors = {"rare": 5.0, "often": 0.5}
    rows = np.where(y == "rare", 5.0, 0.5)
    a = MLPClassifier(class_weight=factors, **SETTINGS).fit(X, y)
    b = MLPClassifier(**SETTINGS).fit(X, y, sample_weight=rows)
    np.testing.assert_array_equal(a.predict_proba(X), b.predict_proba(X))
    both = MLPClassifier(class_weight=factors, **SETTINGS).fit(X, y, sample_weight=rows)
    c = MLPClassifier(**SETTINGS).fit(X, y, sample_weight=rows**2)
    np.testing.assert_allclose(both.predict_proba(X), c.predict_proba(X), rtol=1e-9)
    balanced = MLPClassifier(class_weight="balanced", **SETTINGS).fit(X, y)
    rare = (y == "rare").sum()
    rows = np.where(y == "rare", 150 / (2 * rare), 150 / (2 * (150 - rare)))
    d = MLPClassifier(**SETTINGS).fit(X, y, sample_weight=rows)
    np.testing.assert_allclose(balanced.predict_proba(X), d.predict_proba(X), rtol=1e-9)
    with pytest.raises(ValueError, match="needs all rows at once"):
        MLPClassifier(class_weight="balanced").partial_fit(X, y, classes=["often", "rare"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dropout": 1.0}, r"dropout of MLPRegressor must be a number in \[0, 1\)"),
        ({"batch_norm": 1}, "batch_norm of MLPRegressor must be True or False"),
        ({"l1": -1.0}, "l1 of MLPRegressor must be a number >= 0"),
        ({"max_norm": 0.0}, "max_norm of MLPRegressor must be None or a number > 0"),
        ({"ema": 2.0}, "ema of MLPRegressor must be None"),
    ],
)
def test_bad_options_are_sentences(change, words):
    with pytest.raises(ValueError, match=words):
        MLPRegressor(**SETTINGS, **change).fit(X, T)
