"""Who is told of epochs: callbacks of the estimator, those of scikit-learn, and a bar."""

from __future__ import annotations

import io
import time
import warnings

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

import deltarule as dr
from deltarule import MLPClassifier, MLPRegressor, NetworkRegressor
from deltarule.layers import Dense
from deltarule.progress import LongFitReport
from deltarule.vitals import Epoch

callback = pytest.importorskip("sklearn.callback")
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 4))
Y = X[:, 0] + 0.5 * X[:, 1] ** 2
SMALL = {"hidden_layer_sizes": (6,), "random_state": 0, "max_iter": 8, "batch_size": 30}
SOLVERS = pytest.mark.parametrize("solver", ["adam", "lbfgs"])


def regressor(**options):
    return MLPRegressor(**{**SMALL, **options})


class StopAt:
    """Ends training after some epochs."""

    def __init__(self, epochs):
        self.epochs = epochs
        self.seen = []

    def on_epoch_end(self, epoch):
        self.seen.append(epoch)
        return len(self.seen) == self.epochs


# ---- the estimator's own


@SOLVERS
def test_functions_and_objects_are_given_every_epoch(solver):
    seen, object_ = [], StopAt(100)
    fitted = regressor(solver=solver, callbacks=[seen.append, object_]).fit(X, Y)
    assert seen == object_.seen == fitted.history_.epochs
    assert all(isinstance(epoch, Epoch) for epoch in seen)
    assert [epoch.number for epoch in seen] == list(range(fitted.n_iter_))


@SOLVERS
def test_a_callback_ends_training_without_a_warning(solver):
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        fitted = regressor(solver=solver, callbacks=[StopAt(3)]).fit(X, Y)
    assert fitted.n_iter_ == len(fitted.loss_curve_) == 3
    same = regressor(solver=solver, max_iter=3).fit(X, Y)
    np.testing.assert_array_equal(fitted.predict(X), same.predict(X))


def test_all_callbacks_are_told_though_the_first_one_stops():
    first, second = StopAt(2), StopAt(5)
    regressor(callbacks=[first, second]).fit(X, Y)
    assert len(first.seen) == len(second.seen) == 2


def test_a_network_and_a_classifier_have_them_too():
    layered = NetworkRegressor([Dense(3)], max_iter=9, random_state=0, callbacks=(StopAt(2),))
    assert layered.fit(X, Y).n_iter_ == 2
    classifier = MLPClassifier((4,), max_iter=9, random_state=0, callbacks=[StopAt(2)])
    assert classifier.fit(X, Y > 0).n_iter_ == 2
    network = dr.Network([Dense(1)], seed=0)
    network.fit(X, Y[:, None], epochs=9, callback=lambda history: len(history) == 4)
    assert len(network.history_) == 4


def test_a_callback_sees_the_rows_held_out():
    seen = []
    fitted = regressor(callbacks=[seen.append]).fit(X[30:], Y[30:], eval_set=(X[:30], Y[:30]))
    assert [epoch.validation_score for epoch in seen] == fitted.validation_scores_


@pytest.mark.parametrize("wrong", [print, [3], [StopAt(2), "stop"], 5])
def test_what_is_no_callback_is_told(wrong):
    with pytest.raises(ValueError, match="callbacks of MLPRegressor must be None, or a list of"):
        regressor(callbacks=wrong).fit(X, Y)


@SOLVERS
def test_an_error_in_a_callback_leaves_the_estimator(solver):
    def fails(epoch):
        raise RuntimeError(f"after epoch {epoch.number}")

    fitted = regressor(solver=solver).fit(X, Y)
    before = dict(vars(fitted))
    with pytest.raises(RuntimeError, match="after epoch 0"):
        fitted.set_params(callbacks=[fails]).fit(X, 2 * Y)
    before["callbacks"] = fitted.callbacks
    assert vars(fitted).keys() == before.keys()
    assert all(vars(fitted)[name] is value for name, value in before.items())


def test_a_clone_keeps_them_and_a_file_does_not(tmp_path):
    fitted = regressor(callbacks=[StopAt(3)]).fit(X, Y)
    cloned = clone(fitted)
    assert cloned.callbacks[0].epochs == 3
    fitted.callbacks[0].seen.clear()
    dr.save(fitted, tmp_path / "model")
    assert dr.load(tmp_path / "model").callbacks is None


# ---- those of scikit-learn


class Diary:
    """Notes what it is told, and stops after some epochs."""

    def __init__(self, stops_at=None, fails_at=None):
        self.stops_at, self.fails_at = stops_at, fails_at
        self.notes, self.scores, self.epochs = [], [], 0

    def setup(self, estimator, context):
        self.notes.append("setup")

    def teardown(self, estimator, context):
        self.notes.append("teardown")

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None, metadata=None, **more):
        self.notes.append(f"begin {context.task_name}")

    def on_fit_task_end(
        self, estimator, context, *, X=None, y=None, fitted_estimator=None, metadata=None, **more
    ):
        self.notes.append(f"end {context.task_name}")
        self.scores.append(r2_score(y, fitted_estimator.predict(X)))
        if context.task_name != "epoch":
            return False
        self.epochs += 1
        if self.epochs == self.fails_at:
            raise RuntimeError("no more")
        return context.task_id + 1 == self.stops_at


def expected_notes(epochs):
    between = ["begin epoch", "end epoch"] * epochs
    return ["setup", "begin fit", *between, "end fit", "teardown"]


def assert_nothing_leaked(estimator):
    left = {"_callback_fit_ctx", "_skl_callbacks_to_teardown", "_parent_callback_ctx"}
    assert not left & set(vars(estimator))


@SOLVERS
def test_a_fit_callback_is_told_in_order_and_stops(solver):
    diary = Diary(stops_at=3)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        fitted = regressor(solver=solver).set_callbacks(diary).fit(X, Y)
    assert fitted.n_iter_ == 3
    assert diary.notes == expected_notes(3)
    assert diary.scores[-1] == diary.scores[-2] == fitted.score(X, Y)
    first = regressor(solver=solver, max_iter=1).fit(X, Y)
    assert diary.scores[0] == first.score(X, Y)
    assert_nothing_leaked(fitted)


@SOLVERS
@pytest.mark.parametrize("batch_norm", [False, True])
def test_all_epochs_are_told(solver, batch_norm):
    diary = Diary()
    fitted = regressor(solver=solver, batch_norm=batch_norm).set_callbacks(diary).fit(X, Y)
    assert diary.notes == expected_notes(fitted.n_iter_)
    assert diary.scores[-1] == diary.scores[-2] == fitted.score(X, Y)


def test_averages_are_what_a_callback_sees():
    """Of averaged weights, as of those that are kept at the end."""
    diary = Diary(stops_at=4)
    fitted = regressor(ema=0.95).set_callbacks(diary).fit(X, Y)
    assert diary.scores[-2] == pytest.approx(fitted.score(X, Y), rel=1e-12)


@SOLVERS
def test_a_failure_ends_the_callbacks(solver):
    diary = Diary(fails_at=2)
    estimator = regressor(solver=solver).set_callbacks(diary)
    with pytest.raises(RuntimeError, match="no more"):
        estimator.fit(X, Y)
    assert diary.notes[-1] == "teardown"
    assert diary.notes.count("setup") == diary.notes.count("teardown") == 1
    assert_nothing_leaked(estimator)
    assert not hasattr(estimator, "coefs_")
    with pytest.raises(ValueError, match="solver"):
        estimator.set_params(solver="none").fit(X, Y)
    assert_nothing_leaked(estimator)


def test_partial_fit_does_not_tell_them():
    diary = Diary()
    estimator = regressor().set_callbacks(diary)
    for _ in range(3):
        estimator.partial_fit(X, Y)
    assert diary.notes == []
    assert_nothing_leaked(estimator)


def test_a_second_fit_is_told_anew():
    diary = Diary()
    estimator = regressor(max_iter=2, warm_start=True).set_callbacks(diary)
    estimator.fit(X, Y).fit(X, Y)
    assert diary.notes == 2 * expected_notes(2)
    assert len(estimator.history_) == 4


def test_a_pipeline_lets_its_last_step_tell():
    diary = Diary(stops_at=3)
    steps = [("scale", StandardScaler()), ("net", regressor().set_callbacks(diary))]
    pipe = Pipeline(steps).fit(X, Y)
    assert pipe[-1].n_iter_ == 3
    assert diary.notes == expected_notes(3)
    assert_nothing_leaked(pipe[-1])


@SOLVERS
def test_a_scoring_monitor_logs_every_epoch(solver):
    monitor = callback.ScoringMonitor(scoring="r2")
    fitted = regressor(solver=solver).set_callbacks(monitor).fit(X, Y)
    scores = [row["r2"] for row in monitor.get_logs().data]  # of the fit, then of its epochs
    assert len(scores) == 1 + fitted.n_iter_
    assert scores[0] == scores[-1] == fitted.score(X, Y)
    assert_nothing_leaked(fitted)


@pytest.mark.parametrize("backend", ["sequential", "loky"])
def test_a_search_shows_all_fits_and_keeps_histories(backend):
    search = GridSearchCV(regressor(), {"alpha": [0.0, 1.0]}, cv=2, n_jobs=2)
    search.set_callbacks(callback.ProgressBar(), callback.ScoringMonitor(scoring="r2"))
    with joblib.parallel_backend(backend):
        search.fit(X, Y)
    best = search.best_estimator_
    assert best.n_iter_ == len(best.history_) == len(best.loss_curve_) == 8
    assert_nothing_leaked(best)
    assert_nothing_leaked(search)
    assert_nothing_leaked(search.estimator)


class Epochs:
    """A scorer that is the number of epochs."""

    def __call__(self, estimator, x, y):
        return len(estimator.history_)


@pytest.mark.parametrize("backend", ["sequential", "loky"])
@pytest.mark.parametrize("own", [True, False])
def test_a_stopping_callback_inside_a_search(own, backend):
    estimator = regressor(callbacks=[StopAt(3)] if own else None)
    if not own:
        estimator.set_callbacks(Diary(stops_at=3))
    search = GridSearchCV(estimator, {"alpha": [0.0, 1.0]}, cv=2, scoring=Epochs(), n_jobs=2)
    with joblib.parallel_backend(backend):
        search.fit(X, Y)
    assert (search.cv_results_["mean_test_score"] == 3).all()
    assert search.best_estimator_.n_iter_ == 3
    assert_nothing_leaked(search.best_estimator_)


@SOLVERS
def test_a_progress_bar_alone(solver, capsys):
    fitted = regressor(solver=solver).set_callbacks(callback.ProgressBar()).fit(X, Y)
    assert fitted.n_iter_ == 8
    assert_nothing_leaked(fitted)


# ---- a bar for those who wait


class Terminal(io.StringIO):
    def isatty(self):
        return True


def report(stream, patience):
    with LongFitReport(5, patience, stream) as shown:
        shown.update(1, 0.5)
        early = stream.getvalue()
        time.sleep(2 * patience)
        for epoch in range(2, 5):
            shown.update(epoch, 0.25, 0.3, 0.9)
        if shown._bar is not None:
            shown._bar.refresh()
        late = stream.getvalue()
    return early, late, stream.getvalue()


def test_a_bar_appears_on_a_terminal_after_a_while_and_goes():
    early, late, after = report(Terminal(), 0.05)
    assert early == ""
    assert "Epoch 4/5" in late
    assert "validation loss 0.3" in late
    assert len(after) > len(late)
    assert "\x1b[2K" in after[len(late) :]  # the line is erased
    assert "Epoch" not in after.rpartition("\x1b[2K")[2]


def test_elsewhere_and_early_there_is_silence():
    assert report(io.StringIO(), 0.02) == ("", "", "")
    assert report(Terminal(), 0.2)[0] == ""
    quick = Terminal()
    with LongFitReport(5, 60.0, quick) as shown:
        for epoch in range(5):
            shown.update(epoch, 0.1)
    assert quick.getvalue() == ""


def test_the_bar_goes_where_a_fit_fails():
    stream = Terminal()
    shown = LongFitReport(5, 0.0, stream)
    with shown:
        shown.update(1, 0.5)
        shown.__exit__(RuntimeError, RuntimeError(), None)
    assert "Epoch" not in stream.getvalue().rpartition("\x1b[2K")[2]


def test_a_long_fit_shows_it_on_standard_error(monkeypatch, capsys):
    stream = Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setattr(LongFitReport.__init__, "__defaults__", (0.0, None))
    regressor().fit(X, Y)
    assert "Epoch" in stream.getvalue()
    shown = len(stream.getvalue())
    regressor().partial_fit(X, Y)
    regressor().set_callbacks(callback.ProgressBar()).fit(X, Y)
    assert len(stream.getvalue()) == shown
    assert "Epoch" not in capsys.readouterr().out
    again = regressor(warm_start=True).fit(X, Y).fit(X, Y)
    assert len(again.history_) == 16
    assert "Epoch 16/16" in stream.getvalue()
    assert "Epoch 16/8" not in stream.getvalue()
