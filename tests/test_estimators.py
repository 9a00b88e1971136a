"""The estimators as a user of scikit-learn's MLP meets them."""

from __future__ import annotations

import inspect
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import warnings

import numpy as np
import pytest
from fresh import SANITIZED
from sklearn.base import clone
from sklearn.datasets import load_digits, make_classification, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.neural_network import MLPClassifier as SklearnClassifier
from sklearn.neural_network import MLPRegressor as SklearnRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import deltarule as dr
from deltarule import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return train_test_split(X / 16, y, test_size=0.25, random_state=0, stratify=y)


@pytest.fixture(scope="module")
def line():
    X = np.linspace(-1, 1, 120).reshape(-1, 2)
    return X, np.column_stack([X[:, 0] - X[:, 1] ** 2, X.sum(axis=1)])


def test_parameters_are_scikit_learns():
    """Theirs first, in their order and with their defaults, then our own."""
    for ours, theirs in ((MLPClassifier, SklearnClassifier), (MLPRegressor, SklearnRegressor)):
        known, own = (list(inspect.signature(c).parameters.values()) for c in (theirs, ours))
        for expected, found in zip(known, own, strict=False):
            assert (found.name, found.default, found.kind) == (
                expected.name,
                expected.default,
                expected.kind,
            )
        assert len(own) > len(known)


@pytest.mark.slow
def test_digits_score_no_lower_than_scikit_learns():
    """The default settings over ten seeds and splits, in one run.

    The standard error of the difference of the two means is 0.0005; a real loss would be larger
    than the 0.001 allowed for it.
    """
    X, y = load_digits(return_X_y=True)
    scores = np.empty((10, 2))
    for seed in range(10):
        A, B, a, b = train_test_split(X / 16, y, random_state=seed, stratify=y)
        for k, kind in enumerate((MLPClassifier, SklearnClassifier)):
            scores[seed, k] = kind(random_state=seed).fit(A, a).score(B, b)
    ours, theirs = scores.mean(axis=0)
    assert ours >= theirs - 0.001, (ours, theirs)
    assert ours > 0.97


def test_fitted_names_are_scikit_learns(digits):
    X, _, y, _ = digits
    X, y = X[:200], y[:200]
    ours = MLPClassifier(max_iter=3, random_state=0).fit(X, y)
    theirs = SklearnClassifier(max_iter=3, random_state=0).fit(X, y)
    fitted = {k for k in vars(theirs) if k.endswith("_") and not k.startswith("_")}
    assert fitted - set(vars(ours)) == set()
    for name in ("n_iter_", "n_layers_", "n_outputs_", "out_activation_", "t_", "n_features_in_"):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert [w.shape for w in ours.coefs_] == [w.shape for w in theirs.coefs_]
    assert len(ours.loss_curve_) == 3
    assert ours.loss_ == ours.loss_curve_[-1]
    assert ours.best_loss_ == min(ours.loss_curve_)
    assert ours.validation_scores_ is ours.best_validation_score_ is None
    np.testing.assert_array_equal(ours.history_.loss, ours.loss_curve_)
    assert np.isnan(ours.history_.validation_loss).all()
    assert (ours.history_.seconds > 0).all()


def test_early_stopping_keeps_the_best_epoch(digits):
    X, X_test, y, y_test = digits
    model = MLPClassifier(
        (32,), early_stopping=True, random_state=1, max_iter=200, learning_rate_init=0.02
    ).fit(X, y)
    scores = np.array(model.validation_scores_)
    assert model.best_validation_score_ == scores.max()
    assert len(scores) - 1 - scores.argmax() >= 10
    assert model.n_iter_ < 200
    assert model.best_loss_ is None
    assert np.isfinite(model.history_.validation_loss).all()
    np.testing.assert_array_equal(model.history_.validation_score, scores)
    assert model.score(X_test, y_test) > 0.93


def test_early_stopping_of_two_classes_and_of_equal_scores():
    X, y = make_classification(200, random_state=0)
    model = MLPClassifier(early_stopping=True, random_state=0, max_iter=300).fit(X, y)
    scores = np.array(model.validation_scores_)
    last = len(scores) - scores[::-1].argmax()
    again = MLPClassifier(early_stopping=True, random_state=0, max_iter=int(last)).fit(X, y)
    np.testing.assert_array_equal(again.coefs_[0], model.coefs_[0])


def test_training_stops_when_the_loss_does():
    X, y = make_classification(random_state=0)
    model = MLPClassifier(tol=10.0, n_iter_no_change=3, max_iter=100).fit(X, y)
    assert (
        model.n_iter_ == 5
    )  # the first epoch improves on nothing; then more than 3 without change
    assert MLPClassifier(tol=10.0, n_iter_no_change=np.inf, max_iter=20).fit(X, y).n_iter_ == 20


def test_too_few_epochs_warn_once():
    X, y = make_classification(random_state=0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        MLPClassifier(max_iter=2).fit(X, y)
    assert [w.category for w in caught] == [ConvergenceWarning]
    assert "Maximum iterations (2) reached" in str(caught[0].message)
    assert caught[0].filename == __file__


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_same_seed_same_bits(digits, solver):
    X, _, y, _ = digits

    def weights(seed):
        model = MLPClassifier(solver=solver, max_iter=3, random_state=seed).fit(X, y)
        return np.concatenate([w.ravel() for w in model.coefs_])

    np.testing.assert_array_equal(weights(3), weights(3))
    assert not np.array_equal(weights(3), weights(4))


def test_the_dtype_is_that_of_the_data_unless_said_otherwise(digits):
    X, _, y, _ = digits
    X, y = X[:100], y[:100]
    for data, dtype, expected in (
        (X, None, np.float64),
        (X.astype(np.float32), None, np.float32),
        (X, "float32", np.float32),
        (X.astype(np.float32), "float64", np.float64),
        ((X * 16).astype(np.int32), None, np.float64),
    ):
        model = MLPClassifier(max_iter=2, dtype=dtype).fit(data, y)
        assert model.coefs_[0].dtype == expected
        assert model.predict_proba(data).dtype == expected


def test_activations_per_layer(digits):
    X, _, y, _ = digits
    X, y = X[:200], y[:200]
    leaky = dr.activation("leaky_relu", negative_slope=0.3)
    model = MLPClassifier((20, 10), activation=["gelu", leaky], max_iter=3, random_state=0).fit(
        X, y
    )
    hidden = dr.activations.gelu(X @ model.coefs_[0] + model.intercepts_[0])
    hidden = leaky(hidden @ model.coefs_[1] + model.intercepts_[1])
    z = hidden @ model.coefs_[2] + model.intercepts_[2]
    np.testing.assert_allclose(model.predict_proba(X), dr.activations.softmax(z), rtol=1e-12)
    clone(model).fit(X, y)
    with pytest.raises(ValueError, match="lists 1 functions for 2 hidden layers"):
        MLPClassifier((20, 10), activation=["gelu"]).fit(X, y)
    with pytest.raises(ValueError, match="no activation named 'geluu'. Did you mean 'gelu'"):
        MLPClassifier(activation="geluu").fit(X, y)


LAYERS = [
    name
    for name, f in dr.activations.items()
    if f.facts["width"] == "same"
    and f.facts["defined_above"] == -np.inf
    and name != "gumbel_softmax"
]


@pytest.mark.parametrize("name", LAYERS)
def test_every_activation_trains(digits, name):
    X, _, y, _ = digits
    model = MLPClassifier((24,), activation=name, max_iter=15, random_state=0).fit(X, y)
    assert model.loss_curve_[-1] < model.loss_curve_[0]


REGRESSION = [
    name
    for name, f in dr.losses.items()
    if isinstance(f, dr.Loss)
    and f.link == "identity"
    and f.facts["targets"] == "real"
    and name != "periodic"  # has a minimum at every period, so it fits angles, not numbers
]


@pytest.mark.parametrize("loss", REGRESSION)
def test_every_regression_loss_trains(line, loss):
    X, Y = line
    settings = {"max_iter": 500, "n_iter_no_change": np.inf, "learning_rate_init": 0.01}
    model = MLPRegressor(loss, (30,), random_state=0, **settings)
    assert model.fit(X, Y).score(X, Y) > 0.95
    assert model.predict(X).shape == Y.shape
    assert model.fit(X, Y[:, 0]).predict(X).shape == (len(X),)


def test_squared_error_means_what_it_means_in_scikit_learn(line):
    X, Y = line
    ours = MLPRegressor(alpha=0, max_iter=1, learning_rate_init=1e-12, random_state=0).fit(
        X, Y[:, 0]
    )
    half = np.mean((ours.predict(X) - Y[:, 0]) ** 2) / 2
    assert ours.loss_ == pytest.approx(half, rel=1e-6)


def test_two_classes_and_text_labels(digits):
    X, X_test, y, y_test = digits
    labels = np.array(["zero", "one"], dtype=object)
    two, two_test = y < 2, y_test < 2
    model = MLPClassifier(random_state=0, max_iter=30).fit(X[two], labels[y[two]])
    assert model.out_activation_ == "logistic"
    assert model.n_outputs_ == 1
    assert list(model.classes_) == ["one", "zero"]
    assert model.score(X_test[two_test], labels[y_test[two_test]]) > 0.98
    proba, log_proba = model.predict_proba(X_test), model.predict_log_proba(X_test)
    assert proba.shape == (len(X_test), 2)
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=4e-16)
    np.testing.assert_allclose(np.exp(log_proba), proba, rtol=1e-12)


def test_probabilities_are_not_rounded_to_one_or_zero():
    """Far from the data the logits are large; the smaller probability stays what it is."""
    X = np.array([[-1.0], [1.0]] * 20)
    model = MLPClassifier(max_iter=300, learning_rate_init=0.05, random_state=0).fit(X, X[:, 0] > 0)
    far = np.array([[10.0]])
    while (z := float(model._raw(far)[0, 0])) < 100:
        far *= 1.5
    assert z < 600
    assert model.predict_proba(far)[0, 0] == pytest.approx(np.exp(-z), rel=1e-12)
    assert model.predict_log_proba(far)[0, 1] == pytest.approx(-np.exp(-z), rel=1e-12)
    assert (model.predict_proba(far) > 0).all()


@pytest.mark.parametrize("classes", [2, 3, 10])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_probabilities_add_up_to_one(classes, dtype):
    rng = np.random.default_rng(classes)
    X = rng.normal(size=(2000, 5)).astype(dtype)
    model = MLPClassifier((16,), max_iter=5, random_state=0).fit(X, rng.integers(0, classes, 2000))
    for scale in (1, 1e2, 1e4):
        p = model.predict_proba((scale * X).astype(dtype))
        assert p.dtype == dtype
        assert np.abs(p.sum(axis=1, dtype=np.float64) - 1).max() <= 2 * np.finfo(dtype).eps
        assert p.min() >= 0


def test_multilabel():
    X, Y = make_multilabel_classification(n_samples=300, random_state=0)
    model = MLPClassifier(random_state=0, max_iter=300).fit(X, Y)
    assert model.out_activation_ == "logistic"
    assert model.predict(X).shape == Y.shape
    assert model.score(X, Y) > 0.7
    np.testing.assert_allclose(
        np.exp(model.predict_log_proba(X)), model.predict_proba(X), rtol=1e-12
    )
    held = MLPClassifier(random_state=0, max_iter=5, early_stopping=True).fit(X, Y)
    assert len(held.validation_scores_) == 5


def test_losses_of_the_classifier(digits):
    X, _, y, _ = digits
    X, y = X[:300], y[:300]
    smooth = MLPClassifier(
        loss=dr.loss("cross_entropy", label_smoothing=0.1), max_iter=40, random_state=0
    )
    assert smooth.fit(X, y).loss_ > 0.3
    assert (
        MLPClassifier(loss="kl_divergence", max_iter=40, random_state=0).fit(X, y).score(X, y) > 0.9
    )
    binary = MLPClassifier(loss=dr.loss("bce_with_logits", pos_weight=20), max_iter=5)
    assert binary.fit(X, y == 3).predict_proba(X)[:, 1].mean() > 0.3
    with pytest.raises(ValueError, match="huber is not for probabilities"):
        MLPClassifier(loss="huber").fit(X, y)
    with pytest.raises(ValueError, match="y has 10 classes. Use 'cross_entropy'"):
        MLPClassifier(loss="binary_cross_entropy").fit(X, y)
    with pytest.raises(ValueError, match="many labels per row. Use 'bce_with_logits'"):
        MLPClassifier(loss="kl_divergence").fit(X, np.column_stack([y > 3, y > 5]).astype(int))
    with pytest.raises(ValueError, match="cross_entropy is for classification"):
        MLPRegressor(loss="cross_entropy").fit(X, y)


def test_sample_weight(digits):
    X, _, y, _ = digits
    X, y = X[:150], y[:150]
    weights = np.where(y == 3, 0.0, 1.0)
    model = MLPClassifier(max_iter=60, random_state=0).fit(X, y, sample_weight=weights)
    assert (model.predict(X[y == 3]) != 3).mean() > 0.9
    with pytest.raises(ValueError, match="All sample weights are zero"):
        model.fit(X, y, sample_weight=np.zeros(len(y)))
    with pytest.raises(ValueError, match="[Nn]egative"):
        model.fit(X, y, sample_weight=-np.ones(len(y)))


def test_the_input_is_not_changed_and_its_layout_does_not_matter(digits):
    X, _, y, _ = digits
    before = X.copy()
    X.flags.writeable = False
    MLPClassifier(max_iter=2).fit(X, y)
    np.testing.assert_array_equal(X, before)
    expected = MLPClassifier(max_iter=2, random_state=0).fit(X, y).predict_proba(X)
    for layout in (np.asfortranarray(X), X.astype(">f8"), X.tolist()):
        model = MLPClassifier(max_iter=2, random_state=0).fit(layout, y)
        np.testing.assert_array_equal(model.predict_proba(layout), expected)


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        (
            {"solver": "lbfgs?"},
            "solver of MLPClassifier must be one of 'adam', .* 'sgd', .* 'lbfgs'; met 'lbfgs?'",
        ),
        ({"alpha": -1}, "alpha of MLPClassifier must be a number >= 0; met -1"),
        ({"hidden_layer_sizes": (3, 0)}, r"must be > 0 and at most 2147483647; met \(3, 0\)"),
        ({"batch_size": 0}, "batch_size of MLPClassifier must be 'auto' or an integer >= 1; met 0"),
        ({"max_iter": 1.5}, "max_iter of MLPClassifier must be an integer >= 1; met 1.5"),
        ({"momentum": 2}, r"momentum of MLPClassifier must be a number in \[0, 1\]; met 2"),
        ({"beta_1": 1.0}, r"beta_1 of MLPClassifier must be a number in \[0, 1\)"),
        ({"shuffle": "yes"}, "shuffle of MLPClassifier must be True or False; met 'yes'"),
        (
            {"init": "xavier"},
            "init of MLPClassifier must be an initialiser or the name of one: zeros, ones",
        ),
        ({"dtype": "float16"}, "dtype of MLPClassifier must be one of None, 'float32', 'float64'"),
        ({"n_iter_no_change": 0}, "an integer >= 1 or infinity; met 0"),
    ],
)
def test_bad_parameters_are_sentences(parameters, sentence):
    X, y = make_classification(random_state=0)
    with pytest.raises(ValueError, match=sentence.replace("?", r"\?")):
        MLPClassifier(**parameters).fit(X, y)


def test_overflow_names_the_epoch_and_what_helps():
    X = np.random.default_rng(0).normal(size=(50, 3)) * 1e200
    with pytest.raises(ValueError, match="became (inf|nan) in epoch 1: .* scaled features"):
        MLPRegressor(max_iter=5).fit(X, X[:, 0])


def test_inside_pipelines_and_searches(digits):
    X, _, y, _ = digits
    X, y = X[:240], y[:240]
    pipe = make_pipeline(
        StandardScaler(), MLPClassifier((16,), max_iter=30, learning_rate_init=0.02, random_state=0)
    )
    assert cross_val_score(pipe, X, y, cv=3).mean() > 0.8
    search = GridSearchCV(pipe, {"mlpclassifier__activation": ["tanh", "mish"]}, cv=2).fit(X, y)
    assert search.best_score_ > 0.7


def test_pickle_and_record_round_trips_keep_the_bits(digits, line):
    X, _, y, _ = digits
    models = [
        MLPClassifier((9, 8), activation=["silu", dr.activation("elu", alpha=0.5)], max_iter=3),
        MLPClassifier(
            max_iter=3, early_stopping=True, loss=dr.loss("cross_entropy", label_smoothing=0.1)
        ),
    ]
    for model in models:
        model.fit(X, y)
        for copy in (
            pickle.loads(pickle.dumps(model)),
            MLPClassifier.from_record(*model.to_record()),
        ):
            np.testing.assert_array_equal(copy.predict_proba(X), model.predict_proba(X))
            assert copy.get_params() == model.get_params()
            assert copy.loss_curve_ == model.loss_curve_
            assert copy.validation_scores_ == model.validation_scores_
            assert set(vars(model)) == set(vars(copy))
    X, Y = line
    model = MLPRegressor(max_iter=3).fit(X, Y)
    copy = MLPRegressor.from_record(*model.to_record())
    np.testing.assert_array_equal(copy.predict(X), model.predict(X))


def test_a_record_whose_weights_do_not_fit_its_plan_is_refused(digits):
    X, _, y, _ = digits
    metadata, arrays = MLPClassifier((9,), max_iter=2).fit(X[:50], y[:50]).to_record()
    name = "weights.dense_1.weight"
    with pytest.raises(ValueError, match=r"weights 'dense_1.weight' of the shape \(64, 9\)"):
        MLPClassifier.from_record(metadata, {**arrays, name: arrays[name][:, :8].copy()})
    del arrays["weights.dense_2.bias"]
    with pytest.raises(ValueError, match="lacks the weights 'dense_2.bias'"):
        MLPClassifier.from_record(metadata, arrays)


def test_verbose_prints_a_line_per_epoch(capsys, digits):
    X, _, y, _ = digits
    MLPClassifier(max_iter=2, verbose=True, early_stopping=True).fit(X[:200], y[:200])
    out = capsys.readouterr().out
    assert "Iteration 1, loss = " in out
    assert "Iteration 2, loss = " in out
    assert "Validation score: " in out
    MLPClassifier(max_iter=2).fit(X[:200], y[:200])
    assert capsys.readouterr().out == ""


def test_ctrl_c_ends_the_running_epoch_and_leaves_a_model():
    """A real process, a real SIGINT."""
    program = textwrap.dedent(
        """
        import sys, warnings, numpy as np
        from deltarule import InterruptedFitWarning, MLPClassifier
        X = np.random.default_rng(0).normal(size=(20000, 50)); y = X[:, 0] > 0
        print("ready", flush=True)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model = MLPClassifier(max_iter=100000, tol=0, n_iter_no_change=100000).fit(X, y)
        assert [w.category for w in caught] == [InterruptedFitWarning], caught
        assert model.n_iter_ == len(model.loss_curve_) < 100000
        print(model.n_iter_, model.score(X, y))
        """
    )
    environment = {**os.environ, "DELTARULE_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout.readline() == "ready\n"
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1.5)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert float(out.split()[1]) > 0.9


def test_mnist_slice(shared_data):
    X, y, X_test, y_test = dr.datasets.load_mnist(shared_data / "mnist")
    X, X_test = X[:6000] / np.float32(255), X_test[:2000] / np.float32(255)
    model = MLPClassifier(max_iter=15, random_state=0).fit(X, y[:6000])
    assert model.score(X_test, y_test[:2000]) > 0.9


def test_a_failed_fit_leaves_the_estimator_as_it_was():
    X = np.random.default_rng(0).normal(size=(60, 3))
    labels = np.where(X[:, 0] > 0, "yes", "no")
    model = MLPClassifier(max_iter=30, random_state=0).fit(X, labels)
    expected = model.predict_proba(X)
    model.set_params(learning_rate_init=1e300, solver="sgd")
    with pytest.raises(ValueError, match="The loss became"), np.errstate(all="ignore"):
        model.fit(X * 1e10, np.where(X[:, 0] > 0, "red", "blue"))
    assert list(model.classes_) == ["no", "yes"]
    np.testing.assert_array_equal(model.predict_proba(X), expected)
    fresh = MLPClassifier(learning_rate_init=1e300, solver="sgd")
    with pytest.raises(ValueError, match="The loss became"), np.errstate(all="ignore"):
        fresh.fit(X * 1e10, labels)
    assert not [name for name in vars(fresh) if name.endswith("_")]


def test_early_stopping_with_rare_and_with_many_classes():
    X = np.random.default_rng(0).normal(size=(100, 4))
    many = np.arange(100) % 20
    assert MLPClassifier(early_stopping=True, max_iter=3).fit(X, many).validation_scores_
    with pytest.raises(ValueError, match="too few members are"):  # scikit-learn's words
        MLPClassifier(early_stopping=True, max_iter=3).fit(X, np.r_[0, np.ones(99)])


def test_the_rows_kept_for_training_are_not_copied():
    import tracemalloc

    X = np.random.default_rng(0).normal(size=(20_000, 250))
    y = X[:, 0] > 0
    for early_stopping, share in ((False, 0.05), (True, 0.2)):  # a tenth is held out, and copied
        model = MLPClassifier((8,), max_iter=1, early_stopping=early_stopping)
        model.fit(X[:100], y[:100])  # imports are not counted
        tracemalloc.start()
        model.fit(X, y)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < share * X.nbytes, (early_stopping, peak / X.nbytes)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_the_number_of_threads_does_not_change_a_bit(solver):
    """A whole fit in processes that are allowed so many threads."""
    program = f"""
        import hashlib, warnings, numpy as np
        from deltarule import MLPClassifier
        warnings.simplefilter("ignore")
        X = np.random.default_rng(0).normal(size=(3000, 300)); y = X[:, 0] > 0
        model = MLPClassifier((200, 100), solver={solver!r}, batch_size=500, max_iter=3)
        model.set_params(random_state=0).fit(X, y)
        print(hashlib.sha256(b"".join(w.tobytes() for w in model.coefs_)).hexdigest())
    """
    seen = {
        subprocess.run(
            [sys.executable, "-c", textwrap.dedent(program)],
            env={**os.environ, "DELTARULE_NUM_THREADS": threads},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for threads in ("1", "2", "5")
    }
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"hidden_layer_sizes": None}, "must be an integer or a list of them"),
        ({"hidden_layer_sizes": "100"}, "must be an integer or a list of them"),
        ({"hidden_layer_sizes": 2**60}, "at most 2147483647; met 1152921504606846976"),
        ({"alpha": 10**400}, "alpha of MLPClassifier must be a number >= 0"),
    ],
)
def test_odd_parameters_are_sentences(parameters, sentence):
    X, y = make_classification(random_state=0)
    with pytest.raises(ValueError, match=sentence):
        MLPClassifier(**parameters).fit(X, y)
    with pytest.raises(TypeError, match="must be a name or an instance"):
        MLPClassifier(activation=None).fit(X, y)
    with pytest.raises(ValueError, match="'dense_2' would have .* numbers in one array"):
        MLPClassifier((2**31 - 1, 2**31 - 1)).fit(X, y)


@pytest.mark.skipif(SANITIZED, reason="A sanitizer aborts where so much memory is asked for.")
def test_a_network_beyond_the_memory_is_refused():
    X, y = make_classification(random_state=0)
    with pytest.raises(MemoryError):
        MLPClassifier((2**18, 2**28)).fit(X, y)


def test_targets_beyond_the_dtype_are_named(line):
    X, Y = line
    with pytest.raises(ValueError, match="targets go beyond 3.4e.38, the largest float32"):
        MLPRegressor(dtype="float32").fit(X, Y[:, 0] * 1e300)


def test_an_alias_of_squared_error_means_the_same(line):
    X, Y = line
    fits = [
        MLPRegressor(name, max_iter=2, random_state=0).fit(X, Y)
        for name in ("mse", "squared_error")
    ]
    assert fits[0].loss_curve_ == fits[1].loss_curve_
    whole = MLPRegressor(dr.losses.squared_error, max_iter=1, random_state=0, alpha=0).fit(X, Y)
    assert whole.loss_curve_[0] > 1.5 * fits[0].loss_curve_[0]


def test_a_net_that_is_kept_follows_the_weights():
    """Predictions see weights that were changed in place or replaced, from several threads too."""
    from concurrent.futures import ThreadPoolExecutor

    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4))
    model = MLPRegressor(hidden_layer_sizes=(8,), max_iter=3, random_state=0).fit(X, X[:, 0])
    before = model.predict(X)
    model.coefs_[-1] *= 2
    model.intercepts_[-1] *= 2
    np.testing.assert_allclose(model.predict(X), 2 * before, rtol=1e-12)
    model.coefs_[0] = np.asfortranarray(model.coefs_[0])
    np.testing.assert_allclose(model.predict(X), 2 * before, rtol=1e-12)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: model.predict(X), range(64)):
            np.testing.assert_allclose(found, 2 * before, rtol=1e-12)
    model.coefs_[0] = model.coefs_[0][:2]
    with pytest.raises(ValueError, match="weights"):
        model.predict(X)
