"""What the examination measures, what the rules of training see, and that they keep silent."""

import importlib
import json
import math
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import deltarule as dr
from deltarule.doctor import Case, DataFacts, LayerFacts, Scores, diagnose, rules
from deltarule.doctor import evidence as e
from deltarule.doctor.finding import SYMPTOM
from deltarule.examination._batch_norm import off_by
from deltarule.examination._probe import at_birth, changes, plan_of, probe
from deltarule.initialisers import Constant, Normal
from deltarule.layers import Activation, BatchNorm, Dense
from deltarule.vitals import NUMBERS, QUANTILES, Epoch, History, Vitals

CLINIC = Path(__file__).parent / "clinic"
NAMES = (
    "base_rate batch_norm_batches batch_size dead_units exploding_gradient forgetting "
    "initial_variance "
    "learning_rate_high learning_rate_low mean_shift non_finite_loss optimizer_settings "
    "recurrent_state saturation stale_statistics symmetric_init too_few_epochs vanishing_gradient"
)
CODES = NAMES.split()
FAILS = Scores(train=0.5, held_out=0.5, base=0.5, reference=1.0)


# ---- the clinic: one patient of every fault, and its healthy twin -------------------------------


@pytest.fixture(scope="module")
def patients():
    sys.path.insert(0, str(CLINIC))
    try:
        return {code: importlib.import_module(f"patients_{code}").PATIENTS for code in CODES}
    finally:
        sys.path.remove(str(CLINIC))


@pytest.mark.parametrize("code", CODES)
def test_a_patient_is_named_and_its_twin_is_not(patients, code):
    patient = patients[code][0]
    sick = dr.examine(patient.sick(0), *(patient.sick_data or patient.data)(0))
    assert sick.findings[0].code in {code, *patient.also}
    assert code in sick
    found = next(f for f in sick.findings if f.code == code)
    for repair in found.repairs:
        assert repair.words().en
        assert repair.words().zh
    assert found.seen.layer in found.explain("en")
    assert found.seen.layer in found.explain("zh")
    assert json.loads(sick.to_json())["healthy"] is False
    assert dr.examine(patient.healthy(0), *patient.data(0)).healthy


def test_symptoms_come_last(patients):
    patient = patients["dead_units"][0]
    found = dr.examine(patient.sick(0), *patient.data(0)).findings
    ranks = [f.rule.rank >= SYMPTOM for f in found]
    assert ranks == sorted(ranks)
    assert ranks[-1]


def test_every_rule_is_silent_about_a_network_that_predicts_well():
    for rule in rules():
        if rule.code in CODES and rule.code != "non_finite_loss":
            seen = rule.look(case(scores=Scores(1.0, 1.0, 0.5, 1.0)))
            assert seen is None or seen.confidence == 0, rule.code


# ---- what is measured ---------------------------------------------------------------------------


def moons(n=200, seed=0):
    from sklearn.datasets import make_moons

    return make_moons(n, noise=0.2, random_state=seed)


def fitted(**settings):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        given = {"hidden_layer_sizes": (7, 5), "max_iter": 5, "random_state": 3, **settings}
        return dr.MLPClassifier(**given).fit(*moons())


def test_the_first_weights_are_those_of_the_fit():
    x, y = moons()
    model = fitted(early_stopping=True)
    first = at_birth(model, x, y)
    again = fitted(early_stopping=True, learning_rate_init=1e-30, max_iter=1)
    for a, b in zip(first.coefs_, again.coefs_, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-25)
    assert not np.allclose(first.coefs_[0], model.coefs_[0])


def test_a_probe_is_a_pass_over_all_rows_and_changes_nothing():
    x, y = moons(60)
    model = fitted(activation="tanh")
    before = [w.copy() for w in model.coefs_]
    seen = probe(model, x, y)
    (w1, w2, w3), (b1, b2, b3) = model.coefs_, model.intercepts_
    z1 = x @ w1 + b1
    z2 = np.tanh(z1) @ w2 + b2
    z3 = (np.tanh(z2) @ w3 + b3).ravel()
    p = 1 / (1 + np.exp(-z3))
    d3 = ((p - y) / len(x))[:, None]
    d2 = d3 @ w3.T * (1 - np.tanh(z2) ** 2)
    d1 = d2 @ w2.T * (1 - np.tanh(z1) ** 2)
    penalty = model.alpha / 2 / 200 * sum((w**2).sum() for w in before)
    loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)) + penalty
    assert seen.loss == pytest.approx(loss, rel=1e-4)
    column = seen.vitals["delta_rms"][0]
    assert column[0] == pytest.approx(np.sqrt(np.mean(d1**2)), rel=1e-5)
    assert column[2] == pytest.approx(np.sqrt(np.mean(d2**2)), rel=1e-5)
    assert seen.vitals["value_std"][0, 0] == pytest.approx(z1.std(), rel=1e-5)
    for a, b in zip(before, model.coefs_, strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_penalty_of_a_probe_is_that_of_a_batch():
    """The whole data as one batch of a network without steps have the loss of that batch."""
    x, y = moons(100)
    settings = {"alpha": 5.0, "learning_rate_init": 1e-30, "batch_size": 25, "max_iter": 1}
    model = dr.MLPClassifier((6,), random_state=0, **settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(x, y)
    assert probe(model, x, y).loss == pytest.approx(model.history_.loss[0], rel=1e-6)


def test_statistics_that_predict_are_compared_with_those_of_the_data():
    mean, variance = np.array([3.0, 0.0]), np.array([4.0, 9.0])
    assert off_by(mean, variance, mean, variance) == 0
    # (3 - 0) / 1 and 2 - 1; 0 and 3 - 1
    assert off_by(mean, variance, np.zeros(2), np.ones(2)) == pytest.approx(
        np.sqrt((9 + 1 + 4) / 2)
    )
    assert off_by(mean, 0 * variance, np.ones(2), np.ones(2)) == 0  # of constants nothing is made


@pytest.mark.parametrize("momentum", [1e-4, 0.1, 1.0])
def test_stale_statistics_of_an_estimator_and_of_a_network_are_those_of_numpy(momentum):
    x, y = moons(150)
    x = 4 * x + 3
    stack = [
        Dense(6),
        BatchNorm(momentum=momentum),
        Activation("tanh"),
        Dense(3, activation="relu"),
    ]
    stack += [BatchNorm(momentum=momentum)]
    model = dr.NetworkClassifier(stack, max_iter=3, batch_size=50, random_state=0, dtype="float64")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(x, y)
    w = model._fitted_weights()
    read = x @ w["dense_1.weight"] + w["dense_1.bias"]
    running = (w["batch_norm_1.running_mean"], w["batch_norm_1.running_variance"])
    wanted = off_by(read.mean(axis=0), read.var(axis=0), *running)
    stale = dr.examine(model, x, y).case.stale
    assert list(stale) == ["batch_norm_1", "batch_norm_2"]
    assert stale["batch_norm_1"] == pytest.approx(wanted, rel=1e-2, abs=1e-3)
    network = dr.Network([*stack, Dense(1)], "bce_with_logits", seed=0, dtype="float64")
    network.fit(x, y, epochs=3, batch_size=50)
    w = network.weights()
    read = x @ w["dense_1.weight"] + w["dense_1.bias"]
    running = (w["batch_norm_1.running_mean"], w["batch_norm_1.running_variance"])
    found = dr.examine(network, x, y).case.stale["batch_norm_1"]
    assert found == pytest.approx(off_by(read.mean(axis=0), read.var(axis=0), *running))


def test_changes_are_relative_sizes():
    first = {"a.weight": np.array([[3.0, 0.0], [0.0, 4.0]]), "a.bias": np.ones(2)}
    last = {"a.weight": np.array([[3.0, 3.0], [4.0, 4.0]]), "a.bias": np.zeros(2)}
    assert changes(first, last) == {"a": pytest.approx(1.0)}
    assert changes({"b.weight": np.zeros((2, 2))}, {"b.weight": np.ones((2, 2))}) == {"b": math.inf}


def test_the_plan_of_a_fit_that_failed_is_known():
    x, y = moons()
    model = dr.MLPClassifier((4, 3), init=Normal(std=1e200))
    with pytest.raises(ValueError, match="non-finite"):
        model.fit(x, y)
    assert [n.shape[-1] for n in plan_of(model, x, y).nodes if n.kind == "dense"] == [4, 3, 1]


# ---- trainings that overflow --------------------------------------------------------------------


def regression(seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(300, 4))
    return x, x @ rng.normal(size=4)


def sgd(rate, **settings):
    return dr.MLPRegressor(
        hidden_layer_sizes=(16, 16),
        activation="leaky_relu",
        solver="sgd",
        learning_rate_init=rate,
        random_state=0,
        **settings,
    )


def test_an_overflow_in_the_first_epoch_leaves_the_first_weights():
    found = dr.examine(sgd(1e100), *regression())
    assert {"learning_rate_high", "non_finite_loss"} <= {f.code for f in found.findings}
    assert found.findings[0].code == "learning_rate_high"
    assert len(found.case.history) == 0
    assert found.case.begin is not None
    assert math.isnan(found.case.scores.train)


def test_an_overflow_later_keeps_the_epochs_before():
    found = dr.examine(sgd(0.6), *regression())
    failure = found.case.settings["failure"]
    if not failure:
        pytest.fail("This training is meant to overflow after its first epoch.")
    epoch = int(failure.split("in epoch ")[1].split(":")[0])
    assert len(found.case.history) == epoch - 1 >= 1
    assert np.isfinite(found.case.history.loss).all()
    assert next(f for f in found.findings if f.code == "non_finite_loss").seen.epoch == epoch - 1


def test_an_overflow_before_any_step_is_not_the_rate():
    model = dr.MLPRegressor(hidden_layer_sizes=(8, 8), init=Normal(std=1e200), random_state=0)
    found = dr.examine(model, *regression())
    assert [f.code for f in found.findings] == ["non_finite_loss"]
    assert "before any step" in found.explain()
    assert found.case.begin is None
    assert found.findings[0].repairs[0].init == "he_normal"


# ---- twins --------------------------------------------------------------------------------------


def test_twins_are_units_that_begin_alike_and_stay_so():
    x, y = moons()
    alike = dr.examine(dr.MLPClassifier((6, 6), init=Constant(0.2), max_iter=5), x, y)
    assert alike.case.twins == {"dense_1": 1.0, "dense_2": 1.0}
    parted = dr.MLPClassifier((6, 6), init=Constant(0.2), dropout=0.5, max_iter=5)
    assert dr.examine(parted, x, y).case.twins == {"dense_1": 0.0, "dense_2": 0.0}


# ---- evidence -----------------------------------------------------------------------------------


LAYERS = (
    LayerFacts("first", "dense", 4, inputs=9),
    LayerFacts("bend", "activation", 4, activation="relu", saturates="one side"),
    LayerFacts("last", "dense", 1, inputs=4),
)


def vitals(*epochs):
    """Of three layers; a dict of names to the numbers of the layers for every epoch."""
    numbers = np.full((len(epochs), 3, len(NUMBERS)), np.nan, np.float32)
    for i, given in enumerate(epochs):
        for name, values in given.items():
            numbers[i, :, NUMBERS.index(name)] = values
    return Vitals(("first", "bend", "last"), numbers, np.zeros((len(epochs), 3, QUANTILES)))


def history(loss, *epochs):
    rows = vitals(*(epochs or [{}] * len(loss)))
    both = np.concatenate([rows.numbers, rows.quantiles], axis=2).astype(np.float32)
    return History([Epoch(v, vitals=both[i]) for i, v in enumerate(loss)], rows.layers)


def case(**given):
    return Case("classification", LAYERS, "cross_entropy", "sigmoid", **{"scores": FAILS, **given})


def data(rows=100, mean=(0.0, 0.0), std=(1.0, 1.0)):
    none = dict.fromkeys(("target_mean", "target_std", "target_low", "target_high"), math.nan)
    return DataFacts(
        rows,
        np.array(mean),
        np.array(std),
        np.ones(2),
        (),
        np.zeros(2),
        {},
        **none,
        distinct_targets=2,
        whole_targets=True,
        duplicated=0.0,
        contradictory=0.0,
    )


def test_scores_tell_who_did_not_learn_from_who_learned_by_heart():
    assert Scores(0.55, 0.5, 0.5, 1.0).underfits
    by_heart = Scores(1.0, 0.6, 0.5, 1.0)
    assert by_heart.fails
    assert not by_heart.underfits
    assert Scores(math.nan, math.nan, 0.5, 1.0).underfits
    assert not Scores(0.97, 0.96, 0.5, 1.0).fails


def test_steps_are_measured_by_weights_of_usual_size():
    steps = {"update_rms": [0.01, np.nan, 0.02], "weight_rms": [0.001, np.nan, 2.0]}
    one = case(history=history([1.0], steps))
    # 0.01 over 1/3, as the weights are smaller than that; 0.02 over 2
    assert e.usual_step(one) == pytest.approx(np.median([0.03, 0.01]))
    assert e.largest_steps(one) == (pytest.approx(10.0), pytest.approx(10.0))
    assert math.isnan(e.usual_step(case()))


def test_a_first_step_follows_from_the_first_gradient_where_no_epoch_was_done():
    begin = vitals({"gradient_rms": [4.0, np.nan, 2.0], "weight_rms": [1.0, np.nan, 1.0]})
    settings = {"learning_rate_init": 0.1, "solver": "sgd"}
    assert e.first_step(case(begin=begin, settings=settings)) == pytest.approx(0.3)
    adam = {**settings, "solver": "adam"}
    assert e.first_step(case(begin=begin, settings=adam)) == pytest.approx(0.1)


def test_travel_is_in_units_of_weights_that_keep_sizes():
    begin = vitals({"weight_rms": [0.1, np.nan, 1.0]})
    moved = case(begin=begin, changes={"first": 2.0, "last": 0.1})
    assert e.travel(moved) == pytest.approx(max(2.0 * 0.1 * 3, 0.1 * 1.0 * 2))
    assert math.isnan(e.travel(case()))


def test_growth_is_that_of_values_and_of_slopes():
    layers = (*LAYERS[:2], LayerFacts("middle", "dense", 4, 4), LAYERS[1], LAYERS[2])
    numbers = np.full((1, 5, len(NUMBERS)), np.nan, np.float32)
    numbers[0, :, NUMBERS.index("value_mean")] = [3, 0, 30, 0, 0]
    numbers[0, :, NUMBERS.index("value_std")] = [4, 0, 40, 0, 0]
    numbers[0, :, NUMBERS.index("delta_rms")] = [8, 0, 0, 0, 2]
    begin = Vitals(tuple("abcde"), numbers, np.zeros((1, 5, QUANTILES)))
    deep = Case("classification", layers, "cross_entropy", "sigmoid", begin=begin)
    assert e.growth(deep) == (pytest.approx(10.0), pytest.approx(4.0))
    assert e.pre_activations(deep) == {1: pytest.approx(5.0), 3: pytest.approx(50.0)}
    larger = Case("classification", layers, "", "", data=data(std=(2.0, 2.0)), begin=begin)
    assert e.pre_activations(larger)[1] == pytest.approx(2.5)


def test_a_fall_counts_where_it_is_steady():
    falling = case(begin_loss=1.0, history=history([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3]))
    fall, of_whole = e.recent_fall(falling)
    assert fall == pytest.approx(0.2 / 0.55)  # 0.6 and 0.5, 0.4 and 0.3
    assert of_whole == pytest.approx(0.2 / (1.0 - 0.35))
    restless = case(begin_loss=1.0, history=history([0.9, 0.5, 0.9, 0.5, 0.8, 0.4, 0.7]))
    assert e.recent_fall(restless) == (0.0, 0.0)
    assert e.rises(restless) == pytest.approx(0.5)
    assert e.worst_loss(case(begin_loss=0.5, history=history([0.4, 2.0, 0.1]))) == 4.0


def test_units_lost_by_training_are_told_from_those_dead_before():
    begin, end = vitals({"dead": [np.nan, 0.25, np.nan]}), vitals({"dead": [np.nan, 1.0, np.nan]})
    assert e.collapse(case(begin=begin, end=end)) == pytest.approx(0.75)
    assert e.collapse(case(begin=end, end=end)) == 0.0


def test_batches_and_steps_follow_from_rows():
    one = case(data=data(rows=450), history=history([1.0, 0.9]))
    assert (e.batch_rows(one), e.steps_per_epoch(one), e.total_steps(one)) == (200, 3, 6)
    small = case(data=data(rows=450), settings={"batch_size": 1000}, history=history([1.0]))
    assert (e.batch_rows(small), e.total_steps(small)) == (450, 1)


# ---- rules at their thresholds ------------------------------------------------------------------


def confidence(code, given):
    rule = next(rule for rule in rules() if rule.code == code)
    seen = rule.look(given)
    return 0.0 if seen is None else seen.confidence


@pytest.mark.parametrize(("dead", "sure"), [(0.4, 0.0), (0.95, 0.95)])
def test_dead_units_are_a_layer_without_slopes(dead, sure):
    seen = vitals({"dead": [np.nan, dead, np.nan]})
    assert confidence("dead_units", case(begin=seen, end=seen)) == pytest.approx(sure)


def test_units_that_died_by_steps_want_a_smaller_rate():
    begin, end = vitals({"dead": [np.nan, 0.0, np.nan]}), vitals({"dead": [np.nan, 1.0, np.nan]})
    settings = {"learning_rate_init": 0.4}
    (found,) = [
        f
        for f in diagnose(case(begin=begin, end=end, settings=settings)).findings
        if f.code == "dead_units"
    ]
    assert found.repairs[0].rate == pytest.approx(0.04)
    assert "steps did it" in found.explain()
    assert "原因在训练过程" in found.explain("zh")


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"solver": "sgd", "momentum": 0.999}, "momentum=0.999"),
        ({"solver": "sgd", "momentum": 0.9}, ""),
        ({"solver": "adam", "momentum": 0.999, "beta_1": 0.9, "beta_2": 0.999}, ""),
        ({"solver": "adam", "beta_1": 0.9, "beta_2": 0.1}, "beta_2=0.1"),
        ({"solver": "sgd", "beta_1": 0.9, "beta_2": 0.1, "momentum": 0.9}, ""),
        ({"solver": "adam", "beta_1": 0.9, "beta_2": 0.9}, ""),
        ({"solver": "adam", "epsilon": 1.0}, "epsilon=1"),
        ({"solver": "adam", "epsilon": 1e-8}, ""),
    ],
)
def test_settings_are_odd_where_the_optimizer_uses_them(settings, named):
    seen = vitals({"gradient_rms": [0.01, np.nan, 0.02]})
    found = diagnose(case(begin=seen, end=seen, settings=settings)).findings
    odd = [f for f in found if f.code == "optimizer_settings"]
    assert bool(odd) == bool(named)
    assert not odd or named in odd[0].explain()


def test_one_feature_far_off_is_no_shift_and_half_of_them_are():
    assert confidence("mean_shift", case(data=data(mean=(9.0, 0.0)))) == 0.0
    assert confidence("mean_shift", case(data=data(mean=(9.0, 9.0)))) == pytest.approx(0.95)


@pytest.mark.parametrize(("rows", "sure"), [(1, 0.95), (2, 0.95), (32, 0.0)])
def test_batch_normalisation_wants_rows(rows, sure):
    layers = (LAYERS[0], LayerFacts("norm", "batch_norm", 4), *LAYERS[1:])
    given = Case(
        "classification",
        layers,
        "cross_entropy",
        "sigmoid",
        settings={"batch_size": rows},
        data=data(),
        scores=FAILS,
    )
    assert confidence("batch_norm_batches", given) == pytest.approx(sure)


def test_a_gradient_of_zero_has_not_vanished():
    """It is cut off by dead units or weights of 0, which are named instead."""
    zero = vitals({"gradient_rms": [0.0, np.nan, 1.0]})
    small = vitals({"gradient_rms": [1e-6, np.nan, 1.0]})
    assert confidence("vanishing_gradient", case(begin=zero)) == 0.0
    assert confidence("vanishing_gradient", case(begin=small)) == pytest.approx(0.95)


def test_no_finding_of_a_training_without_vitals():
    """As L-BFGS leaves none."""
    x, y = moons()
    found = dr.examine(dr.MLPClassifier((8,), solver="lbfgs", max_iter=1, random_state=0), x, y)
    assert not {"learning_rate_high", "learning_rate_low", "batch_size"} & {
        f.code for f in found.findings
    }
