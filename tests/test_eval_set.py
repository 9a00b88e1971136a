"""Rows that are looked at beside those to learn from: what is recorded, and what stops."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import sklearn
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, log_loss, r2_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import deltarule as dr
from deltarule import MLPClassifier, MLPRegressor, NetworkClassifier
from deltarule.layers import Dense

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 4))
CLASSES = np.array(["ant", "bee", "cow"])[RNG.integers(0, 3, 120)]
NUMBERS = X[:, 0] ** 2 + 0.3 * RNG.normal(size=120)
LABELS = (RNG.normal(size=(120, 2)) + X[:, :2] > 0).astype(int)
LEARN, LOOK = slice(0, 80), slice(80, 120)
WEIGHTS = RNG.uniform(0.1, 3.0, 40)
SMALL = {"hidden_layer_sizes": (8,), "random_state": 0, "batch_size": 20}


def classifier(**options):
    return MLPClassifier(**{**SMALL, "max_iter": 12, **options})


def regressor(**options):
    return MLPRegressor(**{**SMALL, "max_iter": 12, **options})


def looked(estimator, y, *more, **options):
    return estimator.fit(X[LEARN], y[LEARN], eval_set=(X[LOOK], y[LOOK], *more), **options)


# ---- what is recorded


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("weights", [(), (WEIGHTS,)], ids=["plain", "weighted"])
def test_loss_and_score_of_a_classifier_are_those_of_its_predictions(solver, weights):
    fitted = looked(classifier(solver=solver), CLASSES, *weights)
    given = weights[0] if weights else None
    probabilities = fitted.predict_proba(X[LOOK])
    loss = log_loss(CLASSES[LOOK], probabilities, sample_weight=given)
    score = accuracy_score(CLASSES[LOOK], fitted.predict(X[LOOK]), sample_weight=given)
    assert len(fitted.validation_loss_curve_) == len(fitted.validation_scores_) == fitted.n_iter_
    assert fitted.validation_loss_curve_[-1] == pytest.approx(loss, rel=1e-9)
    assert fitted.validation_scores_[-1] == pytest.approx(score, rel=1e-12)
    assert fitted.best_validation_score_ == max(fitted.validation_scores_)
    assert fitted.best_loss_ == min(fitted.loss_curve_)


@pytest.mark.parametrize("solver", ["sgd", "lbfgs"])
@pytest.mark.parametrize("weights", [(), (WEIGHTS,)], ids=["plain", "weighted"])
def test_loss_and_score_of_a_regressor_are_those_of_its_predictions(solver, weights):
    fitted = looked(regressor(solver=solver), NUMBERS, *weights)
    given = weights[0] if weights else None
    predicted = fitted.predict(X[LOOK])
    loss = np.average((predicted - NUMBERS[LOOK]) ** 2, weights=given) / 2
    assert fitted.validation_loss_curve_[-1] == pytest.approx(loss, rel=1e-9)
    expected = r2_score(NUMBERS[LOOK], predicted, sample_weight=given)
    assert fitted.validation_scores_[-1] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_rows_to_look_at_change_nothing(solver):
    alone = classifier(solver=solver).fit(X[LEARN], CLASSES[LEARN])
    seen = looked(classifier(solver=solver), CLASSES)
    for one, other in zip(alone.coefs_, seen.coefs_, strict=True):
        np.testing.assert_array_equal(one, other)
    assert alone.validation_scores_ is None
    assert alone.validation_loss_curve_ is None
    assert alone.loss_curve_ == seen.loss_curve_


def test_a_list_of_one_tuple_and_sparse_rows_are_the_same():
    plain = looked(classifier(), CLASSES)
    pair = X[LOOK], CLASSES[LOOK]
    listed = classifier().fit(X[LEARN], CLASSES[LEARN], eval_set=[pair])
    assert plain.validation_loss_curve_ == listed.validation_loss_curve_
    thin = sparse.csr_array(X[LOOK]), CLASSES[LOOK]
    spread = classifier().fit(X[LEARN], CLASSES[LEARN], eval_set=thin)
    assert plain.validation_loss_curve_ == spread.validation_loss_curve_


def test_labels_and_layered_estimators_have_one_too():
    fitted = looked(classifier(), LABELS)
    exact = (fitted.predict(X[LOOK]) == LABELS[LOOK]).all(axis=1).mean()
    assert fitted.validation_scores_[-1] == pytest.approx(exact)
    layered = NetworkClassifier([Dense(5, activation="tanh")], max_iter=3, random_state=0)
    assert len(looked(layered, CLASSES).validation_loss_curve_) == 3


def test_class_weights_are_of_the_rows_to_learn_from():
    fitted = looked(classifier(class_weight="balanced"), CLASSES)
    loss = log_loss(CLASSES[LOOK], fitted.predict_proba(X[LOOK]))
    assert fitted.validation_loss_curve_[-1] == pytest.approx(loss, rel=1e-9)


def test_lbfgs_looks_with_the_statistics_of_batch_norm():
    fitted = looked(classifier(solver="lbfgs", batch_norm=True), CLASSES)
    loss = log_loss(CLASSES[LOOK], fitted.predict_proba(X[LOOK]))
    assert fitted.validation_loss_curve_[-1] == pytest.approx(loss, rel=1e-9)


def test_lbfgs_that_has_nothing_to_do_looks_once():
    fitted = looked(regressor(solver="lbfgs", tol=1e9), NUMBERS)
    assert len(fitted.validation_loss_curve_) == 1
    assert np.isfinite(fitted.validation_scores_).all()
    again = looked(regressor(solver="lbfgs", warm_start=True, max_iter=3), NUMBERS)
    looked(again.set_params(tol=1e9), NUMBERS)
    assert len(again.validation_scores_) == 3
    assert again.n_iter_ == 0


def test_files_keep_the_curves(tmp_path):
    fitted = looked(regressor(), NUMBERS)
    dr.save(fitted, tmp_path / "model")
    loaded = dr.load(tmp_path / "model")
    assert loaded.validation_loss_curve_ == fitted.validation_loss_curve_
    assert loaded.validation_scores_ == fitted.validation_scores_
    assert loaded.best_validation_score_ == fitted.best_validation_score_


def test_a_history_that_goes_on_knows_which_epochs_looked():
    going = regressor(warm_start=True, max_iter=3).fit(X[LEARN], NUMBERS[LEARN])
    assert going.validation_loss_curve_ is None
    looked(going, NUMBERS)
    assert np.isnan(going.validation_loss_curve_[:3]).all()
    assert np.isfinite(going.validation_loss_curve_[3:]).all()
    assert going.best_validation_score_ == max(going.validation_scores_[3:])
    going.fit(X[LEARN], NUMBERS[LEARN])
    assert len(going.validation_loss_curve_) == 9
    assert going.best_validation_score_ is None
    assert [e.number for e in going.history_.epochs] == list(range(9))


# ---- when it stops

STOPS = {"early_stopping": True, "n_iter_no_change": 3, "max_iter": 200, "learning_rate_init": 0.03}


@pytest.mark.parametrize("given", [True, False], ids=["eval_set", "held out"])
@pytest.mark.parametrize("monitor", ["loss", "score"])
@pytest.mark.parametrize("kind", ["classifier", "regressor"])
def test_the_best_epoch_is_kept(kind, monitor, given):
    make, y = (classifier, CLASSES) if kind == "classifier" else (regressor, NUMBERS)

    def fit(**options):
        estimator = make(**{**STOPS, "monitor": monitor, "tol": 0.0, **options})
        return looked(estimator, y) if given else estimator.fit(X, y)

    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        fitted = fit()
    curve = -np.array(fitted.validation_loss_curve_) if monitor == "loss" else None
    curve = np.array(fitted.validation_scores_) if curve is None else curve
    best = len(curve) - 1 - int(curve[::-1].argmax())
    assert fitted.n_iter_ < 200
    assert best < fitted.n_iter_ - 1
    assert fitted.n_iter_ - 1 - best <= 4
    stopped = fit(max_iter=best + 1)  # the best so far is the last
    for one, other in zip(fitted.coefs_, stopped.coefs_, strict=True):
        np.testing.assert_array_equal(one, other)


def test_an_eval_set_instead_of_rows_held_out():
    fitted = looked(classifier(**STOPS), CLASSES)
    assert fitted.t_ == fitted.n_iter_ * 80
    assert fitted.best_loss_ is None
    held_out = classifier(**STOPS).fit(X[LEARN], CLASSES[LEARN])
    assert held_out.t_ == held_out.n_iter_ * 72


def test_rows_held_out_by_hand_are_those_of_early_stopping():
    options = {**STOPS, "monitor": "loss", "random_state": 3}
    fitted = regressor(**options).fit(X, NUMBERS)
    rows = np.random.RandomState(3)
    _, out = train_test_split(np.arange(120), test_size=0.1, random_state=rows)
    at = int(np.argmin(fitted.validation_loss_curve_))
    predicted = fitted.predict(X[out])
    loss = np.mean((predicted - NUMBERS[out]) ** 2) / 2
    assert fitted.validation_loss_curve_[at] == pytest.approx(loss, rel=1e-9)


def test_averages_of_the_weights_are_what_is_looked_at():
    fitted = looked(regressor(ema=0.9, **STOPS, monitor="loss"), NUMBERS)
    loss = np.mean((fitted.predict(X[LOOK]) - NUMBERS[LOOK]) ** 2) / 2
    assert min(fitted.validation_loss_curve_) == pytest.approx(loss, rel=1e-9)


# ---- what it may not be

OTHER = np.array(["ant", "bee", "eel", *CLASSES[83:]])
BAD = {
    "unknown class": (CLASSES, (X[LOOK], OTHER), "eval_set has the class .*eel.*not among"),
    "classes of another kind": (CLASSES, (X[LOOK], np.arange(40)), "eval_set has the class"),
    "things": (CLASSES, (X[LOOK], np.array([1, None] * 20)), "cannot be compared with those"),
    "numbers for words": (CLASSES, (X[LOOK], np.arange(40) / 7), "eval_set has the class"),
    "other columns": (CLASSES, (X[LOOK, :3], CLASSES[LOOK]), "3 features, but .* is expecting 4"),
    "other rows": (CLASSES, (X[LOOK], CLASSES[LEARN]), "inconsistent numbers of samples"),
    "no tuple": (CLASSES, X[LOOK], "must be a tuple .X, y. .*; met ndarray"),
    "many": (CLASSES, [(X, CLASSES), (X, CLASSES)], "must be a tuple .*; met list of 2"),
    "one": (CLASSES, (X[LOOK],), "must be a tuple .*; met tuple of 1"),
    "a number": (CLASSES, 3, "must be a tuple .*; met int"),
    "weights of zero": (CLASSES, (X[LOOK], CLASSES[LOOK], np.zeros(40)), "weights are zero"),
    "negative weights": (CLASSES, (X[LOOK], CLASSES[LOOK], -WEIGHTS), "[Nn]egative"),
    "NaN": (CLASSES, (np.full((40, 4), np.nan), CLASSES[LOOK]), "Input X contains NaN"),
    "classes for labels": (LABELS, (X[LOOK], LABELS[LOOK, 0]), "must be 2 labels per row"),
    "labels for classes": (CLASSES, (X[LOOK], LABELS[LOOK]), "should be a 1d array"),
    "too few labels": (LABELS, (X[LOOK], np.ones((40, 3), int)), "must be 2 labels per row"),
    "one row": (NUMBERS, (X[:1], NUMBERS[:1]), "1 row, from which no score"),
    "many targets": (NUMBERS, (X[LOOK], np.ones((40, 2))), "eval_set has 2 columns, .* 1"),
    "words for numbers": (NUMBERS, (X[LOOK], CLASSES[LOOK]), "targets must be numbers"),
    "too large": (NUMBERS.astype(object), (X[LOOK], np.full(40, 1e300)), "largest float32"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_used_is_told(name):
    y, given, words = BAD[name]
    estimator = regressor(dtype="float32") if y.ndim == 1 and y.dtype.kind in "fO" else classifier()
    if name == "too large":
        y = NUMBERS
    before = dict(vars(estimator))
    with pytest.raises((ValueError, TypeError), match=words):
        estimator.fit(X[LEARN], y[LEARN], eval_set=given)
    assert vars(estimator) == before


def test_a_failed_fit_leaves_the_fitted_estimator():
    fitted = looked(classifier(), CLASSES)
    before = dict(vars(fitted))
    with pytest.raises(ValueError, match="must be a tuple"):
        fitted.fit(X, CLASSES, eval_set=X)
    with pytest.raises(ValueError, match="among those to learn from"):
        fitted.fit(X[LEARN], CLASSES[LEARN], eval_set=(X[LOOK], OTHER))
    assert vars(fitted).keys() == before.keys()
    assert all(vars(fitted)[name] is value for name, value in before.items())


def test_counts_that_are_negative_are_told():
    counts = np.abs(np.round(NUMBERS))
    wrong = counts.copy()
    wrong[90] = -2.0
    with pytest.raises(ValueError, match="poisson_log needs targets .*-2"):
        regressor(loss="poisson_log").fit(X, wrong)
    with pytest.raises(ValueError, match="poisson_log needs targets .*-2"):
        regressor(loss="poisson").fit(X[LEARN], counts[LEARN], eval_set=(X[LOOK], wrong[LOOK]))


# ---- with scikit-learn around it


def test_metadata_routing_brings_it_through_a_pipeline():
    with sklearn.config_context(enable_metadata_routing=True):
        last = classifier().set_fit_request(eval_set=True)
        scaler = StandardScaler().fit(X[LEARN])
        given = scaler.transform(X[LOOK]), CLASSES[LOOK]  # a pipeline hands it on as it is
        pipe = make_pipeline(StandardScaler(), last).fit(X[LEARN], CLASSES[LEARN], eval_set=given)
        loss = log_loss(CLASSES[LOOK], pipe.predict_proba(X[LOOK]))
    assert pipe[-1].validation_loss_curve_[-1] == pytest.approx(loss, rel=1e-9)


# ---- other words


def frame(x, columns):
    pandas = pytest.importorskip("pandas")
    return pandas.DataFrame(x, columns=columns)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_none_are_found(value):
    words = "NaN" if np.isnan(value) else r"infinity or a value too large for dtype\('float64'\)"
    x = X.copy()
    x[[17, 90], [2, 0]] = value
    fitted, names = classifier().fit(X, CLASSES), ["a", "b", "c", "d"]
    start = rf"^Input X contains {words}\. The first is in row 17, column 2"
    for given in (x, sparse.csr_array(x), sparse.csc_array(x), x.tolist()):
        for call in (fitted.predict, lambda rows: classifier().fit(rows, CLASSES)):
            with pytest.raises(ValueError, match=start + r"\."):
                call(given)
    with pytest.raises(ValueError, match=start + r" \('c'\)\."):
        classifier().fit(frame(x, names), CLASSES)


def test_numbers_beyond_float32_are_found():
    x = X.copy()
    x[5, 1] = -1e200
    words = r"^Input X contains infinity .*float32.*The first is in row 5, column 1"
    for given in (x, sparse.csr_array(x)):
        with pytest.raises(ValueError, match=words):
            classifier(dtype="float32").fit(given, CLASSES)


def test_an_overflow_names_epoch_layer_and_what_helps():
    with pytest.raises(ValueError, match=r"epoch 1: every layer .* targets too.*StandardScaler"):
        regressor(solver="sgd", learning_rate_init=1e6, activation="identity").fit(X, 1e3 * NUMBERS)
    with pytest.raises(ValueError, match=r"epoch \d+: the layer 'dense_\d'.*StandardScaler"):
        regressor(dtype="float32", solver="sgd", learning_rate_init=1e30).fit(1e6 * X, NUMBERS)


def test_what_belongs_to_others_is_told():
    with pytest.raises(ValueError, match="is for classification; a regressor needs"):
        regressor(loss="cross_entropy").fit(X, NUMBERS)
    with pytest.raises(ValueError, match="targets must be numbers; could not convert .*'ant'"):
        regressor().fit(X, CLASSES)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        classifier().fit(X, CLASSES[:-1])
    partial = classifier().partial_fit(X, CLASSES, classes=np.unique(CLASSES))
    with pytest.raises(ValueError, match="classes not in `self.classes_`"):
        partial.partial_fit(X[:3], ["ant", "bee", "eel"])
