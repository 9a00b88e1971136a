"""TabularClassifier and TabularRegressor: the recipe, step by step, and what users rely on."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import realmlp_reference as reference
from sklearn.base import clone
from sklearn.metrics import log_loss
from sklearn.utils.estimator_checks import parametrize_with_checks

import deltarule as dr
from deltarule import TabularClassifier, TabularRegressor, _core
from deltarule._engine import make_net
from deltarule.estimators._ready import predict

QUICK = {"max_iter": 8, "random_state": 0, "hidden_layer_sizes": (32, 16)}
FAILS = {
    "check_sample_weight_equivalence_on_dense_data": (
        "quartiles and first weights are those of rows, and dropout draws for every row: a row of "
        "weight 2 is not two rows"
    ),
}


@parametrize_with_checks(
    [TabularClassifier(**QUICK), TabularRegressor(**QUICK)], expected_failed_checks=lambda e: FAILS
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


# ---- the recipe ---------------------------------------------------------------------------------


def order_of(n, seed, epoch):
    """The rows of an epoch: Fisher and Yates with the numbers of random.hpp."""
    order, place, left = np.arange(n), 0, n
    while left > 1:
        bits = _core.philox(seed, 2 << 56 | epoch, place // 2)[place % 2]
        partner = bits * left >> 64
        order[left - 1], order[partner] = order[partner], order[left - 1]
        left, place = left - 1, place + 1
    return order


def names_of(encoder, layers):
    """The engine's names of the reference's arrays."""
    pbld = zip(
        ("frequencies", "phases", "mix", "mix_bias"), ("frequency", "phase", "weight", "bias"),
        strict=True,
    )  # fmt: skip
    names = {"scale": "scale_1.weight"}
    if encoder.continuous:
        names |= {theirs: f"periodic_embedding_1.{ours}" for theirs, ours in pbld}
    for j in range(len(encoder.cardinalities)):
        names[f"embedding.{j}"] = f"embedding_{j + 1}.weight"
    for i in range(layers):
        for array in ("weight", "bias"):
            names[f"hidden.{i}.{array}"] = f"dense_{i + 1}.{array}"
        names[f"hidden.{i}.slope"] = f"parametric_activation_{i + 1}.blend"
    last = f"dense_{layers + 1}"
    return names | {"output.weight": f"{last}.weight", "output.bias": f"{last}.bias"}


def without_scope(weights):
    """Names without what tells branches apart."""
    return {".".join(name.split(".")[-2:]): w for name, w in weights.items()}


def table(rng, rows, classes):
    numbers = rng.normal(size=(rows, 3)) * [1, 10, 0.1]
    few, many = rng.integers(0, 3, rows), rng.integers(0, 12, rows)
    X = np.empty((rows, 5), dtype=object)
    X[:, :3], X[:, 3], X[:, 4] = numbers, few.astype(str), np.char.add("c", many.astype(str))
    signal = numbers[:, 0] + 0.1 * numbers[:, 1] * (few - 1) + 0.3 * (many % 3)
    if classes:
        return X, np.digitize(signal, np.quantile(signal, [0.4, 0.7])[: classes - 1])
    return X, signal * 7 + 3


@pytest.mark.parametrize("classes", [2, 3, 0])
@pytest.mark.parametrize(("epochs", "dropout"), [(2, 0.0), (4, 0.15)])
def test_ten_steps_are_those_of_the_recipe(classes, epochs, dropout, monkeypatch):
    """On the same matrix, with the same first weights, rows and masks: 1e-5 after every epoch."""
    rows, batch, hidden = 330, 64, (24, 16)  # five batches, and ten rows that are left out
    X, y = table(np.random.default_rng(classes), rows, classes)
    estimator = TabularClassifier if classes else TabularRegressor
    begun = {}
    initial = estimator._initial_weights

    def remember(self, data, dtype):
        weights = initial(self, data, dtype)
        begun.update({k: w.copy() for k, w in weights.items()}, x=data.x)
        return weights

    monkeypatch.setattr(estimator, "_initial_weights", remember)
    model = estimator(
        hidden, dropout=dropout, max_iter=epochs, early_stopping=False, random_state=3,
        batch_size=batch, n_members=1, callbacks=[lambda record: record.number == 1],
        **({"label_smoothing": 0.1} if classes else {}),
    ).fit(X, y)  # fmt: skip
    encoder, x = model.encoder_, begun.pop("x")
    assert (encoder.continuous, encoder.flat, encoder.cardinalities) == (3, 3, (13,))
    target = y if classes else (y - y.mean())[:, None] / y.std()
    data = reference.Batch(x[:, :3], x[:, 3:6], x[:, 6:].astype(int), target)
    recipe = reference.Recipe(bool(classes), 5 * epochs, 0.04 if classes else 0.2, dropout)
    orders = [order_of(rows, model._seed, e) for e in range(2)]
    batches = [order[i * batch : (i + 1) * batch] for order in orders for i in range(5)]
    names = names_of(encoder, len(hidden))
    first = scaled(without_scope(begun), names, np.multiply)
    masks = [masks_of(model, x[rows], step) for step, rows in enumerate(batches)]
    after = reference.train(first, data, recipe, batches, masks if dropout else None)[-1]
    ours = scaled(without_scope(model.weights_), names, np.multiply)
    assert abs(first["embedding.0"].mean()) < 0.3
    assert 0.8 < first["embedding.0"].std() < 1.2
    unseen, *seen = ours["embedding.0"]  # no row has the code of what was never seen
    np.testing.assert_allclose(unseen, np.mean(seen, axis=0), rtol=1e-5)
    for arrays in (first, after, ours):
        arrays["embedding.0"] = arrays["embedding.0"][1:]
    for name, expected in after.items():
        np.testing.assert_allclose(ours[name], expected, rtol=1e-5, atol=1e-5, err_msg=name)
        assert np.abs(expected - first[name]).max() > 1e-4, f"{name} did not move"


def scaled(weights, names, change):
    """The reference's weights: those of dense layers are not divided by the root of the inputs."""
    found = {}
    for theirs, ours in names.items():
        w = weights[ours].astype(np.float64)
        ntk = theirs.endswith(".weight")
        found[theirs] = change(w, np.sqrt(len(w))) if ntk else w
    return found


def masks_of(model, x, step):
    net = make_net(model._plan, np.dtype(np.float32), model.weights_)
    values = net.forward(x, training=True, seed=model._seed, step=step)
    kinds = [node.kind for node in model._plan.nodes]
    return [v != 0 for kind, v in zip(kinds, values, strict=True) if kind == "dropout"]


def test_first_weights_are_those_of_the_recipe():
    """Of the first rows every unit computes what varies by 1; biases lie within that."""
    X, y = table(np.random.default_rng(0), 400, 2)
    settings = {"max_iter": 1, "learning_rate_init": 1e-30, "n_members": 1, "random_state": 0}
    model = TabularClassifier((64, 32), **settings)
    model.fit(X, y, eval_set=(X, y))
    weights = without_scope(model.weights_)
    x = model._read(X, dtype="float32")[0]
    net = make_net(model._plan, np.dtype(np.float32), model.weights_)
    for node, z in zip(model._plan.nodes, net.forward(x), strict=True):
        if node.kind != "dense":
            continue
        bias = weights[f"{node.name.split('.')[-1]}.bias"]
        np.testing.assert_allclose(z.std(axis=0), 1, rtol=1e-3)
        assert ((z - bias).min(axis=0) <= -bias).all()
        assert ((z - bias).max(axis=0) >= -bias).all()


# ---- what users rely on -------------------------------------------------------------------------


@pytest.mark.parametrize("members", [1, 3])
def test_a_classifier_from_a_frame_to_a_file(members, tmp_path):
    pandas = pytest.importorskip("pandas", reason="The frames of this test are those of pandas.")
    X, y = table(np.random.default_rng(1), 600, 3)
    frame = pandas.DataFrame(X, columns=list("abcde")).astype({"a": float, "b": float, "c": float})
    frame.loc[::7, "b"] = np.nan
    frame.loc[::5, "e"] = None
    names = np.array(["low", "mid", "top"])[y]
    model = TabularClassifier((64, 64), max_iter=40, n_members=members, random_state=0)
    model.fit(frame, names)
    assert model.score(frame, names) > 0.85
    p, logs = model.predict_proba(frame), model.predict_log_proba(frame)
    assert p.dtype == np.float64
    assert np.abs(p.sum(axis=1) - 1).max() <= 2 * np.spacing(1.0)
    np.testing.assert_allclose(np.exp(logs), p, rtol=1e-12)
    assert (model.classes_[p.argmax(axis=1)] == model.predict(frame)).all()
    assert model.n_outputs_ == 3
    dr.save(model, tmp_path / "model")
    for other in (dr.load(tmp_path / "model"), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(other.predict_proba(frame), p)
        assert other.get_params() == model.get_params()
    again = clone(model).set_params(n_jobs=2).fit(frame, names)
    np.testing.assert_array_equal(again.predict_proba(frame), p)


@pytest.mark.parametrize("columns", [1, 2])
def test_a_regressor_stays_within_the_targets(columns, tmp_path):
    X, y = table(np.random.default_rng(2), 500, 0)
    y = y if columns == 1 else np.column_stack([y, -100 * y])
    model = TabularRegressor((64,), max_iter=40, n_members=2, random_state=0).fit(X, y)
    assert model.score(X, y) > 0.8
    wild = X.copy()
    wild[:, 0] = wild[:, 0] * 1e6
    predicted = model.predict(wild)
    assert predicted.shape == y.shape
    assert (predicted >= y.min(axis=0)).all()
    assert (predicted <= y.max(axis=0)).all()
    dr.save(model, tmp_path / "model")
    np.testing.assert_array_equal(dr.load(tmp_path / "model").predict(X), model.predict(X))


def test_the_temperature_is_the_best_one():
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(900, 4)), rng.integers(0, 2, 900)
    y[:600] = X[:600, 0] + rng.normal(size=600) > 0
    held = X[300:], y[300:]
    settings = {"max_iter": 60, "random_state": 0, "label_smoothing": 0.0, "dropout": 0.0}
    model = TabularClassifier((64, 64), **settings).fit(X[:300], y[:300], eval_set=held)
    plain = TabularClassifier((64, 64), **settings, calibrate=False)
    plain.fit(X[:300], y[:300], eval_set=held)
    assert plain.temperature_ == 1.0
    losses = {}
    for t in (1.0, 0.9 * model.temperature_, model.temperature_, 1.1 * model.temperature_):
        plain.temperature_ = t
        losses[t] = log_loss(held[1], plain.predict_proba(held[0]))
    assert min(losses, key=losses.get) == model.temperature_
    np.testing.assert_array_equal(model.predict(X), plain.predict(X))


def test_probabilities_are_never_0_where_the_gap_is_not():
    X = np.linspace(-1, 1, 200).reshape(-1, 1)
    model = TabularClassifier((32,), max_iter=30, random_state=0, calibrate=False)
    model.fit(X, (X[:, 0] > 0).astype(int))
    model.temperature_ = 0.02  # gaps of hundreds
    logs = model.predict_log_proba(X)
    assert np.isfinite(logs).all()
    assert logs.min() < -100
    assert (model.predict_proba(X)[logs > -700] > 0).all()


def test_the_best_epoch_is_kept():
    X, y = table(np.random.default_rng(4), 400, 2)
    model = TabularClassifier((32, 32), max_iter=30, monitor="score", random_state=0).fit(X, y)
    scores = model.history_.validation_score
    best = len(scores) - 1 - int(np.argmax(scores[::-1]))
    assert model.best_validation_score_ == scores.max()
    stopped = clone(model).set_params(callbacks=[lambda record: record.number == best])
    stopped.fit(X, y)
    for name, w in model.weights_.items():
        np.testing.assert_array_equal(stopped.weights_[name], w)


@pytest.mark.parametrize("kind", ["two", "three", "numbers", "labels"])
def test_members_do_not_learn_from_their_folds(kind):
    """Other targets for the member from whom a row is withheld change nothing."""
    classes = {"two": 2, "three": 3, "numbers": 0, "labels": 2}[kind]
    X, y = table(np.random.default_rng(7), 200, classes)
    y = np.column_stack([y, 1 - y]) if kind == "labels" else y
    estimator = TabularClassifier if classes else TabularRegressor

    def learn(shift):
        model = estimator((16,), n_members=3, max_iter=6, monitor="score", random_state=0)
        parts = model._parts

        def spoiled(*given):
            found = parts(*given)
            targets = next(a for a in found.data.targets if a is not None)
            folds = np.asarray(found.data.x)[:, -1].astype(int) - 1
            assert np.bincount(folds).tolist() == pytest.approx([200 / 3] * 3, abs=1)
            of_members = targets.reshape(len(folds), 3, -1)
            rows = np.arange(len(folds))
            if shift is not None:
                place = rows, (folds + shift) % 3
                of_members[place] = 1 - of_members[place] % 2
            return found

        model._parts = spoiled
        return model.fit(X, y).weights_

    plain, withheld, learned = learn(None), learn(0), learn(1)
    for name, w in plain.items():
        np.testing.assert_array_equal(withheld[name], w)
        assert not np.array_equal(learned[name], w)


def test_class_weights_and_few_rows():
    X, y = table(np.random.default_rng(5), 500, 2)
    rare = np.flatnonzero((y == 0) | (np.arange(500) % 12 == 0))
    plain = TabularClassifier(**QUICK).fit(X[rare], y[rare])
    fair = TabularClassifier(**QUICK, class_weight="balanced").fit(X[rare], y[rare])
    assert fair.predict(X).mean() > plain.predict(X).mean()
    few = TabularClassifier(**QUICK).fit(X[:10], y[:10])  # too few to hold any out
    assert few.validation_scores_ is None
    labels = np.column_stack([y, 1 - y, y])
    many = TabularClassifier(**{**QUICK, "max_iter": 40, "n_members": 2}).fit(X, labels)
    assert many.predict(X).shape == (500, 3)
    assert many.score(X, labels) > 0.8


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        (
            {"n_members": 0},
            "n_members of TabularClassifier must be 'auto' or an integer >= 1; met 0",
        ),
        ({"activation": "softmax"}, "works along whole rows"),
        ({"categorical_features": ["z"]}, "categorical_features"),
        ({"learning_rate_init": -1}, "must be None or a number > 0; met -1"),
    ],
)
def test_refusals_are_sentences(parameters, words):
    X, y = table(np.random.default_rng(6), 60, 2)
    with pytest.raises(ValueError, match=words):
        TabularClassifier(**{**QUICK, **parameters}).fit(X, y)


def test_freezing_says_what_to_do_instead():
    X, y = table(np.random.default_rng(6), 60, 2)
    with pytest.raises(TypeError, match="call predict for many rows at once"):
        TabularClassifier(**QUICK).fit(X, y).freeze()


@pytest.mark.parametrize("classes", [3, 0])
def test_what_is_measured_is_what_members_predict_of_their_folds(classes):
    X, y = table(np.random.default_rng(8), 150, classes)
    estimator = TabularClassifier if classes else TabularRegressor
    model = estimator((16,), n_members=4, max_iter=3, monitor="score", random_state=0)
    kept = {}

    def remember(*given):
        kept["parts"] = parts(*given)
        return kept["parts"]

    parts, model._parts = model._parts, remember
    model.fit(X, y)
    rows = kept["parts"].held_out
    folds = rows.x[:, -1].astype(int) - 1
    raw = model._members(predict(model, rows.x, list(model.weights_.values())))[
        np.arange(150), folds
    ]
    found = model._out_of_fold(list(model.weights_.values()), rows, 1)
    np.testing.assert_array_equal(found, raw)
    best = model.history_.validation_score.max()
    if classes:
        assert best == pytest.approx(np.mean(model.classes_[raw.argmax(axis=1)] == y))
    else:
        predicted = raw[:, 0] * y.std() + y.mean()
        error = np.mean((np.clip(predicted, y.min(), y.max()) - y) ** 2)
        assert best == pytest.approx(1 - error / y.var(), rel=1e-5)


def test_rows_of_weight_0_are_absent():
    X, y = table(np.random.default_rng(9), 120, 0)
    wild = np.vstack([X, X[:5]])
    wild[-5:, 0] = 1e9
    weights = np.r_[np.ones(120), np.zeros(5)]
    model = TabularRegressor(**QUICK, n_members=2)
    with_them = model.fit(wild, np.r_[y, np.full(5, 1e12)], weights).predict(X)
    np.testing.assert_array_equal(with_them, clone(model).fit(X, y, np.ones(120)).predict(X))
    few = np.zeros(100)
    few[:3] = 1
    model = TabularRegressor(**{**QUICK, "max_iter": 30}).fit(X[:100], y[:100], few)
    assert np.isfinite(model.loss_curve_).all()


def test_the_class_is_the_most_probable_one():
    rng = np.random.default_rng(10)
    X, y = rng.normal(size=(300, 4)), rng.integers(0, 3, 300)
    model = TabularClassifier((32,), max_iter=20, random_state=0).fit(X, y)
    assert model.temperature_ > 2
    wide = rng.normal(size=(3000, 4))
    classes = model.classes_[model.predict_proba(wide).argmax(axis=1)]
    np.testing.assert_array_equal(model.predict(wide), classes)


def test_a_category_of_another_kind_is_refused_whatever_the_dtype():
    rng = np.random.default_rng(11)
    X, y = rng.integers(0, 12, (200, 1)).astype(str).astype(object), rng.normal(size=200)
    model = TabularRegressor(**QUICK).fit(X, y)
    assert np.isfinite(model.predict([["never seen"]])).all()
    with pytest.raises(ValueError, match="holds numbers, such as 3, where its categories"):
        model.predict(np.array([[3], [4]], dtype=object))


@pytest.mark.parametrize("size", [1e200, 1e-200])
def test_targets_of_any_size(size):
    X, y = table(np.random.default_rng(12), 200, 0)
    settings = {**QUICK, "max_iter": 20}
    plain = TabularRegressor(**settings).fit(X, y)
    sized = TabularRegressor(**settings).fit(X, y * size)
    np.testing.assert_allclose(sized.predict(X) / size, plain.predict(X), rtol=1e-3)


def test_what_a_fit_does_not_need_is_not_kept():
    X, y = table(np.random.default_rng(13), 200, 2)
    model = TabularClassifier(n_members=2, max_iter=1, random_state=0).fit(X, y)
    bytes_of_weights = sum(w.nbytes for w in model.weights_.values())
    assert len(pickle.dumps(model)) < 1.1 * bytes_of_weights
    assert model.t_ == 192  # three batches of 64


def test_what_is_not_for_tables_says_so():
    X, y = table(np.random.default_rng(14), 50, 2)
    with pytest.raises(ValueError, match="n_members=51 networks .* X has 50 rows"):
        TabularClassifier(**QUICK, n_members=51).fit(X, y)
    model = TabularClassifier(**QUICK).fit(X, y)
    with pytest.raises(TypeError, match="check a deltarule.Network of the same layers"):
        dr.check_gradient(model, X, y)
    with pytest.raises(ValueError, match="A regressor learns numbers; y holds 'a'"):
        TabularRegressor(**QUICK).fit(X, np.full(50, "a"))
    assert not hasattr(model, "partial_fit")
