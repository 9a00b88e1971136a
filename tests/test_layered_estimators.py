"""Estimators over networks of any layers, as scikit-learn uses them."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import deltarule as dr
from deltarule import NetworkClassifier, NetworkRegressor
from deltarule.layers import (
    GRU,
    LSTM,
    Activation,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalPool,
    MaxPool,
)

RNG = np.random.default_rng(0)
TABLE = RNG.normal(size=(120, 4))
SERIES = RNG.normal(size=(120, 7, 3))
IMAGES = RNG.normal(size=(120, 9, 8, 2))
SETTINGS = {
    "max_iter": 60,
    "random_state": 0,
    "tol": 0,
    "learning_rate_init": 0.01,
    "batch_size": 20,
}
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def labels(x):
    return np.where(x.reshape(len(x), -1)[:, :2].sum(axis=1) > 0, "high", "low")


CASES = {
    "table": (TABLE, [Dense(16, activation="gelu"), BatchNorm(), Dropout(0.1)]),
    "series": (SERIES, [LSTM(8, bidirectional=True)]),
    "images": (IMAGES, [Conv2D(8, 3, activation="relu"), MaxPool(2), Flatten(), Dense(8)]),
    "nothing": (TABLE, []),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("early", [False, True])
def test_classes_of_rows_of_any_shape(name, early, tmp_path):
    x, layers = CASES[name]
    y = labels(x)
    model = NetworkClassifier(layers, early_stopping=early, **SETTINGS).fit(x, y)
    assert model.score(x, y) > (0.6 if early else 0.9)
    assert set(model.predict(x)) <= {"high", "low"}
    np.testing.assert_allclose(model.predict_proba(x).sum(axis=1), 1, rtol=1e-12)
    path = tmp_path / "model"
    dr.save(model, path)
    for copy in (pickle.loads(pickle.dumps(model)), dr.load(path)):
        np.testing.assert_array_equal(copy.predict_proba(x), model.predict_proba(x))
        assert copy.get_params() == model.get_params()
        assert set(vars(copy)) == set(vars(model))
    again = clone(model).fit(x, y)
    for key, w in model.weights_.items():
        np.testing.assert_array_equal(again.weights_[key], w)
    if x.ndim == 2:
        np.testing.assert_array_equal(model.freeze().predict(x), model.predict(x))


def test_real_targets_of_sequences():
    y = SERIES[:, :, 0].sum(axis=1)
    model = NetworkRegressor([GRU(12)], **{**SETTINGS, "max_iter": 200}).fit(SERIES, y)
    assert model.score(SERIES, y) > 0.95
    both = NetworkRegressor([GlobalPool(), Activation("tanh")], **SETTINGS)
    assert both.fit(SERIES, np.c_[y, -y]).predict(SERIES).shape == (120, 2)


def test_gradients_of_fitted_estimators_pass_the_check():
    for x, layers in CASES.values():
        if any(isinstance(layer, MaxPool) for layer in layers):
            continue
        smooth = [Activation("tanh") if isinstance(a, BatchNorm) else a for a in layers]
        model = NetworkClassifier(smooth, **{**SETTINGS, "max_iter": 3}).fit(x, labels(x))
        assert dr.check_gradient(model, x[:9], labels(x)[:9]).passed


def test_pipelines_searches_and_scores():
    y = labels(TABLE)
    model = NetworkClassifier([Dense(8, activation="relu")], **SETTINGS)
    pipeline = make_pipeline(StandardScaler(), model)
    assert cross_val_score(pipeline, TABLE, y, cv=3).mean() > 0.8
    grid = {"layers": [[], [Dense(8, activation="tanh")]], "alpha": [0.0, 0.01]}
    search = GridSearchCV(model, grid, cv=3).fit(TABLE, y)
    assert search.best_score_ > 0.8


@pytest.mark.filterwarnings("ignore::deltarule.DiagnosisWarning")  # gradients are clipped away
def test_averages_and_clipping_reach_the_engine():
    y = labels(TABLE)
    plain = NetworkClassifier([Dense(8)], **SETTINGS).fit(TABLE, y)
    for option in (
        {"ema": 0.9},
        {"swa_from": 30},
        {"grad_clip_norm": 0.01},
        {"grad_clip_value": 1e-3},
        {"accumulate": 2},
    ):
        settings = {**SETTINGS, "batch_size": 30, "solver": "sgd", **option}
        other = NetworkClassifier([Dense(8)], **settings).fit(TABLE, y)
        assert not np.array_equal(other.predict_proba(TABLE), plain.predict_proba(TABLE)), option


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ema": 1.0}, r"ema of NetworkClassifier must be None or a number in \(0, 1\)"),
        ({"grad_clip_norm": 0}, "grad_clip_norm of NetworkClassifier must be None or a number > 0"),
        ({"accumulate": 0}, "accumulate of NetworkClassifier must be an integer >= 1"),
        ({"ema": 0.9, "swa_from": 0}, "both average the weights"),
        ({"layers": [LSTM(3, return_sequences=True)]}, "an estimator predicts one"),
        ({"layers": ["relu"]}, "layers must be layers of deltarule.layers; met str"),
    ],
)
def test_bad_parameters_are_sentences(change, words):
    model = NetworkClassifier(**SETTINGS).set_params(**change)
    with pytest.raises((ValueError, TypeError), match=words):
        model.fit(SERIES, labels(SERIES))
    with pytest.raises(ValueError, match=r"fitted on rows of the shape \(7, 3\)"):
        NetworkClassifier([LSTM(3)], max_iter=1).fit(SERIES, labels(SERIES)).predict(
            SERIES[:, :, :2]
        )
