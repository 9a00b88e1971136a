"""Learning rates that change: schedules, what they are asked, and courses of batches."""

from __future__ import annotations

import math

import numpy as np
import pytest
from nets import begun
from sklearn.exceptions import ConvergenceWarning
from test_optimizers import (
    F64,
    X,
    Y,
    assert_near,
    assert_same,
    gradient_of,
    plan_of,
    reference,
    settings,
    trainer_of,
)

import deltarule as dr
from deltarule import MLPClassifier, MLPRegressor, schedules
from deltarule._engine import TRAINERS, weights_of
from deltarule._training import SOLVERS
from deltarule.layers import Dense, Dropout
from deltarule.plan import Plan
from deltarule.schedules import (
    Constant,
    Cosine,
    CosLog4,
    Exponential,
    OneCycle,
    ReduceOnPlateau,
    Step,
    WarmUp,
    rate_at,
)
from deltarule.vitals import Epoch, History

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ALL = [
    Constant(0.01),
    Step(0.01, 2, 0.5),
    Exponential(0.01, 0.9),
    Cosine(0.01, 8, 0.001, warm_up=2),
    OneCycle(0.01, 8),
    CosLog4(0.01, 8),
    ReduceOnPlateau(0.01, 0.5, 0, threshold=0.2, last=1e-4),
    WarmUp(CosLog4(0.01, 6), 2),
    WarmUp(ReduceOnPlateau(0.01, 0.5, 0, threshold=0.2), 2),
    WarmUp(WarmUp(Exponential(0.01, 0.5), 2), 1),
]
each = pytest.mark.parametrize("schedule", ALL, ids=repr)


def history_of(*losses, held_out=None):
    held_out = [None] * len(losses) if held_out is None else held_out
    return History([Epoch(*pair) for pair in zip(losses, held_out, strict=True)])


# ---- what each gives


def test_coslog4_has_four_waves_each_twice_as_long():
    schedule = CosLog4(0.3, 15)
    assert schedule.per_batch
    for start, end in ((0, 1), (1, 3), (3, 7), (7, 15)):
        assert schedule(start) == pytest.approx(0, abs=1e-15)
        top = 2 ** ((math.log2(start + 1) + math.log2(end + 1)) / 2) - 1
        assert schedule(top) == pytest.approx(0.3)
    for epoch in (0.2, 4.7, 13.1):
        expected = 0.15 * (1 - np.cos(2 * np.pi * np.log2(1 + epoch)))
        assert schedule(epoch) == pytest.approx(expected, rel=1e-12)
    assert schedule(40) == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize("seed", range(6))
def test_plateaus_are_those_of_pytorch(seed):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    factor, patience = rng.uniform(0.2, 0.9), int(rng.integers(0, 4))
    threshold = [1e-4, 0.05][seed % 2]
    losses = np.abs(np.exp(-0.1 * np.arange(60)) + 0.2 * rng.normal(size=60)) + 0.1
    losses[rng.integers(0, 60, 3)] = np.nan
    own = ReduceOnPlateau(0.5, factor, patience, threshold, last=1e-3)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, factor=factor, patience=patience, threshold=threshold, min_lr=1e-3
    )
    history = History()
    for loss in losses:
        history.append(Epoch(float(loss)))
        theirs.step(loss)
        assert rate_at(own, len(history), history) == optimizer.param_groups[0]["lr"]
    assert rate_at(own, 60, history) < 0.5


def test_a_plateau_is_of_the_validation_where_there_is_one():
    schedule = ReduceOnPlateau(1.0, 0.1, 0)
    falling, rising = [3.0, 2.0, 1.0], [1.0, 2.0, 3.0]
    assert rate_at(schedule, 3, history_of(*falling)) == 1.0
    assert rate_at(schedule, 3, history_of(*falling, held_out=rising)) == pytest.approx(0.01)
    earlier = history_of(*rising, *falling)
    assert rate_at(schedule, 3, earlier, first=3) == 1.0  # of this training alone


def test_a_warm_up_rises_in_equal_steps_and_then_the_schedule_begins():
    schedule = WarmUp(Exponential(0.4, 0.5), 3)
    rates = [rate_at(schedule, epoch, History()) for epoch in range(6)]
    np.testing.assert_allclose(rates, [0.1, 0.2, 0.3, 0.4, 0.2, 0.1])
    nested = WarmUp(WarmUp(Exponential(0.4, 0.5), 3), 2)
    rates = [rate_at(nested, epoch, History()) for epoch in range(8)]
    np.testing.assert_allclose(rates, [0.1 / 3, 0.2 / 3, 0.1, 0.2, 0.3, 0.4, 0.2, 0.1])
    rates = [rate_at(WarmUp(CosLog4(0.4, 1), 1), at, History()) for at in (0, 0.9, 1, 1 + 1 / 15)]
    np.testing.assert_allclose(rates, [0.2, 0.2, 0, 0], atol=1e-15)


def test_a_warm_up_of_a_plateau_does_not_count_its_own_epochs():
    schedule = WarmUp(ReduceOnPlateau(1.0, 0.1, 0), 2)
    assert rate_at(schedule, 2, history_of(1.0, 2.0)) == 1.0
    assert rate_at(schedule, 3, history_of(1.0, 2.0, 3.0)) == 1.0
    assert rate_at(schedule, 4, history_of(1.0, 2.0, 3.0, 4.0)) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: CosLog4(0.0, 3), "rate must be a number > 0"),
        (lambda: CosLog4(0.1, 0), "epochs must be an integer >= 1"),
        (lambda: ReduceOnPlateau(0.1, 1.0), r"factor must be in \(0, 1\)"),
        (lambda: ReduceOnPlateau(0.1, patience=-1), "patience must be"),
        (lambda: ReduceOnPlateau(0.1, last=0.2), "last must be"),
        (lambda: ReduceOnPlateau(0.1, threshold=-1.0), "threshold must be"),
        (lambda: ReduceOnPlateau(0.1, threshold=math.nan), "threshold must be"),
        (lambda: WarmUp(Constant(0.1), 0), "epochs must be an integer >= 1"),
    ],
)
def test_schedules_refuse_what_they_cannot_be(wrong, words):
    with pytest.raises(ValueError, match=words):
        wrong()


def test_a_warm_up_is_of_a_schedule():
    with pytest.raises(TypeError, match="must be one of deltarule.schedules"):
        WarmUp(lambda epoch: 0.1, 3)


@each
def test_a_record_is_the_schedule(schedule):
    record = schedules.to_record(schedule)
    assert schedules.is_record(record)
    assert schedules.from_record(record) == schedule


# ---- in trainings


def expected_rates(schedule, history, batches):
    """Of the last batch of every epoch."""
    rates = []
    for epoch in range(len(history)):
        before = History(history.epochs[:epoch])
        last = (batches - 1) / batches if schedules.changes_per_batch(schedule) else 0
        rates.append(rate_at(schedule, epoch + last, before))
    return rates


@each
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_estimators_record_the_rates_they_use(schedule, solver):
    options = {"solver": solver, "batch_size": 10, "max_iter": 8, "random_state": 0}
    fitted = MLPRegressor(learning_rate=schedule, n_iter_no_change=np.inf, **options).fit(X, Y)
    rates = fitted.history_.learning_rate
    np.testing.assert_allclose(rates, expected_rates(schedule, fitted.history_, 3), rtol=1e-13)


@each
def test_networks_record_the_rates_they_use(schedule):
    network = dr.Network([Dense(2)], seed=0)
    network.fit(X, Y, epochs=3, learning_rate=0.1)
    validation = (X[:5], Y[:5])
    network.fit(X, Y, epochs=8, batch_size=10, learning_rate=schedule, validation=validation)
    later = History(network.history_.epochs[3:])
    expected = expected_rates(schedule, later, 3)
    np.testing.assert_allclose(later.learning_rate, expected, rtol=1e-13)
    assert (network.history_.learning_rate[:3] == 0.1).all()


def test_rates_of_batches_are_the_steps_that_are_taken():
    """Against the reference, with the rate of every batch of every epoch."""
    schedule = CosLog4(0.05, 2)
    x, y = np.tile(X, (3, 1)), np.tile(Y, (3, 1))
    options = {"batch_size": 24, "shuffle": False, "solver": "adagrad", "epsilon": 1e-3}
    network = dr.Network(
        plan_of().layers, dr.losses.half_squared_error, dtype="float64", input_shape=5
    )
    before = network.fit(x, y, epochs=1, learning_rate=lambda epoch: 0.0, **options).weights()
    network.fit(x, y, epochs=2, learning_rate=schedule, **options)
    rates = [schedule(batch / 3) for batch in range(6)]
    assert_near(network.weights(), reference("adagrad", before, 6, rates))


def test_a_last_checkpoint_knows_the_plateau(tmp_path):
    schedule = WarmUp(ReduceOnPlateau(0.05, 0.3, 0, threshold=0.3), 1)
    options = {"batch_size": 7, "learning_rate": schedule, "validation": (X[:9], Y[:9])}
    whole = dr.Network([Dense(2)], seed=1).fit(X, Y, epochs=9, **options)
    assert len(set(whole.history_.learning_rate)) > 2
    dr.Network([Dense(2)], seed=1).fit(X, Y, epochs=4, checkpoint=tmp_path / "c", **options)
    later = dr.Network.load_checkpoint(tmp_path / "c")
    later.resume(X, Y, epochs=9, validation=(X[:9], Y[:9]))
    assert_same(whole.weights(), later.weights())
    np.testing.assert_array_equal(whole.history_.learning_rate, later.history_.learning_rate)


@each
def test_checkpoints_go_on_bit_for_bit(schedule, tmp_path):
    options = {"batch_size": 7, "learning_rate": schedule}
    whole = dr.Network([Dense(2)], seed=1).fit(X, Y, epochs=8, **options)
    dr.Network([Dense(2)], seed=1).fit(X, Y, epochs=3, checkpoint=tmp_path / "c", **options)
    later = dr.Network.load_checkpoint(tmp_path / "c").resume(X, Y, epochs=8)
    assert_same(whole.weights(), later.weights())
    np.testing.assert_array_equal(whole.history_.learning_rate, later.history_.learning_rate)


@each
def test_files_hold_the_schedule_of_an_estimator(schedule, tmp_path):
    fitted = MLPClassifier(learning_rate=schedule, max_iter=4, random_state=0)
    fitted.fit(X, Y[:, 0] > 0)
    dr.save(fitted, tmp_path / "model")
    loaded = dr.load(tmp_path / "model")
    assert loaded.learning_rate == schedule
    np.testing.assert_array_equal(loaded.history_.learning_rate, fitted.history_.learning_rate)
    assert [e.number for e in loaded.history_.epochs] == [0, 1, 2, 3]
    np.testing.assert_array_equal(loaded.predict(X), fitted.predict(X))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "the loss still improves .* early_stopping=True"),
        ({"early_stopping": True}, "the score still improves"),
        ({"early_stopping": True, "monitor": "loss"}, "the validation loss still improves"),
    ],
)
def test_the_warning_says_what_still_improves(options, words):
    with pytest.warns(ConvergenceWarning, match=words):
        MLPRegressor(max_iter=2, random_state=0, **options).fit(X, Y)


def test_a_schedule_rules_partial_fits_too():
    fitted = MLPRegressor(learning_rate=Exponential(0.1, 0.5), random_state=0)
    for _ in range(3):
        fitted.partial_fit(X, Y)
    np.testing.assert_allclose(fitted.history_.learning_rate, [0.1, 0.05, 0.025])


def test_constant_and_adaptive_rates_are_recorded():
    plain = MLPRegressor(max_iter=3, random_state=0).fit(X, Y)
    assert plain.history_.learning_rate.tolist() == [0.001] * 3
    options = {"solver": "sgd", "tol": 10.0, "n_iter_no_change": 1, "max_iter": 50}
    slowed = MLPRegressor(learning_rate="adaptive", random_state=0, **options).fit(X, Y)
    rates = slowed.history_.learning_rate
    assert rates[0] == 0.001
    assert set(np.round(np.unique(rates[:-1] / rates[1:]), 9)) == {1.0, 5.0}
    least = MLPRegressor(solver="lbfgs", max_iter=3, random_state=0).fit(X, Y)
    assert np.isnan(least.history_.learning_rate).all()


# ---- courses -------------------------------------------------------------------------------------


def test_rates_of_a_course_are_those_of_the_batches():
    plan = plan_of()
    net = begun(plan, F64)
    before, rates = weights_of(net, plan), [0.03, 0.0, 0.02]
    x, y = np.tile(X, (3, 1)), np.tile(Y, (3, 1))  # the same rows in every batch
    trainer = TRAINERS[F64](net, x, y, None, None, settings("adam"))
    assert trainer.batches == 3
    trainer.epoch(rates)
    assert trainer.learning_rate == 0.02
    assert_near(weights_of(net, plan), reference("adam", before, 3, rates))


def test_decays_of_a_course_are_factors():
    decayed = 0.5
    plan = plan_of(weight_decay=decayed)
    net = begun(plan, F64)
    before = weights_of(net, plan)
    trainer_of(net, F64, "sgd", batch_size=12, momentum=0.0).epoch([0.1, 0.2], [0.0, 3.0])
    own = {name: w.copy() for name, w in before.items()}
    for half, rate, factor in ((slice(0, 12), 0.1, 0.0), (slice(12, 24), 0.2, 3.0)):
        found = gradient_of(own, X[half], Y[half])
        for name, w in own.items():
            shrink = 1 - rate * decayed * factor if name.endswith(".weight") else 1.0
            own[name] = shrink * w - rate * found[name]
    assert_near(weights_of(net, plan), own)


def test_dropouts_of_a_course_are_factors():
    def after(rate, dropouts):
        layers = (Dense(40, activation="tanh"), Dropout(rate), Dense(2))
        plan = Plan(5, layers, dr.losses.half_squared_error)
        net = begun(plan, F64)
        trainer = trainer_of(net, F64, "sgd", batch_size=12)
        trainer.epoch(dropouts=dropouts)
        return weights_of(net, plan)

    assert_same(after(0.5, [0.0, 0.0]), after(0.0, []))
    assert_same(after(0.5, [1.0, 1.0]), after(0.5, []))
    assert_same(after(0.5, [0.5, 0.5]), after(0.25, []))
    different = after(0.5, [0.0, 1.0])["dense_1.weight"]
    assert not np.array_equal(different, after(0.5, [])["dense_1.weight"])


def test_a_course_has_a_number_for_every_batch():
    net = begun(plan_of(), F64)
    trainer = trainer_of(net, F64, "adam", batch_size=10)
    for course in ([0.1], [0.1] * 4):
        with pytest.raises(ValueError, match="one number per batch"):
            trainer.epoch(course)


@pytest.mark.parametrize("batch_size", [7, 8, 24])
def test_a_last_small_batch_is_dropped_where_it_is_wanted(batch_size):
    whole = len(X) // batch_size * batch_size
    dropping, alone = begun(plan_of(), F64), begun(plan_of(), F64)
    trainer = trainer_of(dropping, F64, "adam", batch_size=batch_size, drop_last=True)
    assert trainer.batches == len(X) // batch_size
    chosen = settings("adam", batch_size=batch_size)
    part = TRAINERS[F64](alone, X[:whole].copy(), Y[:whole].copy(), None, None, chosen)
    assert trainer.epoch() == part.epoch()
    assert_same(weights_of(dropping, plan_of()), weights_of(alone, plan_of()))


def test_rows_that_are_all_one_small_batch_are_not_dropped():
    trainer = trainer_of(begun(plan_of(), F64), F64, "adam", batch_size=100, drop_last=True)
    assert trainer.batches == 1
    assert trainer.epoch() > 0


def test_a_rate_of_the_network_reaches_every_solver():
    for solver in SOLVERS:
        network = dr.Network([Dense(2)], seed=0)
        network.fit(X, Y, epochs=3, solver=solver, learning_rate=Exponential(0.01, 0.5))
        np.testing.assert_allclose(network.history_.learning_rate, [0.01, 0.005, 0.0025])
