"""Every optimizer against plain NumPy and PyTorch, and what resumes, scales and changes steps."""

from __future__ import annotations

import numpy as np
import pytest
from nets import begun

import deltarule as dr
from deltarule import MLPClassifier, MLPRegressor
from deltarule._engine import TRAINERS, make_net, weights_of
from deltarule._training import SOLVERS, rule_of, settings_of
from deltarule.layers import Dense
from deltarule.plan import Plan

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
F32, F64 = np.dtype(np.float32), np.dtype(np.float64)
RATE, STEPS = 0.03, 7
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(24, 5)), RNG.normal(size=(24, 2))
OPTIONS = {"momentum": 0.8, "beta_1": 0.85, "beta_2": 0.97, "epsilon": 1e-3, "rho": 0.8}


# ---- the reference: a function of w, g, the state and the number of the step from 1 --------------


def momentum(w, g, s, t, o, nesterov=False):
    v = s["v"] = o["momentum"] * s.get("v", 0.0) - o["rate"] * g
    return w + (o["momentum"] * v - o["rate"] * g if nesterov else v)


def nesterov(w, g, s, t, o):
    return momentum(w, g, s, t, o, nesterov=True)


def moments(g, s, o):
    m = s["m"] = o["beta_1"] * s.get("m", 0.0) + (1 - o["beta_1"]) * g
    v = s["v"] = o["beta_2"] * s.get("v", 0.0) + (1 - o["beta_2"]) * g**2
    return m, v


def adam(w, g, s, t, o):
    m, v = moments(g, s, o)  # epsilon beside the biased moment, as in scikit-learn
    rate = o["rate"] * np.sqrt(1 - o["beta_2"] ** t) / (1 - o["beta_1"] ** t)
    return w - rate * m / (np.sqrt(v) + o["epsilon"])


def adamw(w, g, s, t, o):
    m, v = moments(g, s, o)
    m, v = m / (1 - o["beta_1"] ** t), v / (1 - o["beta_2"] ** t)
    return w - o["rate"] * m / (np.sqrt(v) + o["epsilon"])


def nadam(w, g, s, t, o):
    m, v = moments(g, s, o)
    now, following = (o["beta_1"] * (1 - 0.5 * 0.96 ** (0.004 * k)) for k in (t, t + 1))
    product = s["product"] = s.get("product", 1.0) * now
    m = following * m / (1 - product * following) + (1 - now) * g / (1 - product)
    return w - o["rate"] * m / (np.sqrt(v / (1 - o["beta_2"] ** t)) + o["epsilon"])


def adagrad(w, g, s, t, o):
    s["v"] = s.get("v", 0.0) + g**2
    return w - o["rate"] * g / (np.sqrt(s["v"]) + o["epsilon"])


def rmsprop(w, g, s, t, o):
    s["v"] = o["rho"] * s.get("v", 0.0) + (1 - o["rho"]) * g**2
    return w - o["rate"] * g / (np.sqrt(s["v"]) + o["epsilon"])


def lion(w, g, s, t, o):
    m = s.get("m", np.zeros_like(g))
    s["m"] = o["beta_2"] * m + (1 - o["beta_2"]) * g
    return w - o["rate"] * np.sign(o["beta_1"] * m + (1 - o["beta_1"]) * g)


RULES = {f.__name__: f for f in (momentum, nesterov, adam, adamw, nadam, adagrad, rmsprop, lion)}


def gradient_of(weights, x=X, y=Y):
    a, b = weights["a.weight"], weights["b.weight"]
    hidden = np.tanh(x @ a + weights["a.bias"])
    delta = (hidden @ b + weights["b.bias"] - y) / len(x)
    below = (delta @ b.T) * (1 - hidden**2)
    return {
        "a.weight": x.T @ below,
        "a.bias": below.sum(axis=0),
        "b.weight": hidden.T @ delta,
        "b.bias": delta.sum(axis=0),
    }


def plan_of(**controls):
    layers = (Dense(4, activation="tanh", name="a", **controls), Dense(2, name="b", **controls))
    return Plan(5, layers, dr.losses.half_squared_error)


def settings(solver, **more):
    chosen = {"batch_size": len(X), "shuffle": False, "learning_rate": RATE, **OPTIONS}
    return settings_of(**{**chosen, **rule_of(solver, True), **more})


def trainer_of(net, dtype, solver, **more):
    x, y = X.astype(dtype), Y.astype(dtype)
    return TRAINERS[dtype](net, x, y, None, None, settings(solver, **more))


def reference(solver, weights, steps=STEPS, rates=None):
    weights = {name: w.astype(np.float64) for name, w in weights.items()}
    states = {name: {} for name in weights}
    for t in range(1, steps + 1):
        options = {**OPTIONS, "rate": RATE if rates is None else rates[t - 1]}
        found = gradient_of(weights)
        weights = {
            name: RULES[solver](w, found[name], states[name], t, options)
            for name, w in weights.items()
        }
    return weights


def assert_near(got, expected, dtype=F64):
    for name, w in expected.items():
        tolerance = 1e-11 if dtype == F64 else 2e-5
        np.testing.assert_allclose(got[name], w, rtol=tolerance, atol=tolerance, err_msg=name)


@pytest.mark.parametrize("dtype", [F32, F64], ids=str)
@pytest.mark.parametrize("solver", RULES)
def test_steps_are_those_of_the_textbook(solver, dtype):
    plan = plan_of()
    net = begun(plan, dtype)
    before = weights_of(net, plan)
    trainer = trainer_of(net, dtype, solver)
    for _ in range(STEPS):
        trainer.epoch()
    if solver == "lion" and dtype == F32:  # a sign is right or wrong as a whole: most are right
        wrong = [
            abs(weights_of(net, plan)[k] - w) > 1e-4 for k, w in reference(solver, before).items()
        ]
        assert np.mean(np.concatenate([w.ravel() for w in wrong])) < 0.1
        return
    assert_near(weights_of(net, plan), reference(solver, before), dtype)


def test_every_solver_has_a_reference():
    assert set(SOLVERS) == {*RULES, "sgd"}


def torch_optimizer(torch, solver, parameters):
    o = torch.optim
    betas = {"betas": (OPTIONS["beta_1"], OPTIONS["beta_2"]), "eps": OPTIONS["epsilon"]}
    of_sgd = {"lr": RATE, "momentum": OPTIONS["momentum"]}
    return {
        "momentum": lambda: o.SGD(parameters, **of_sgd),
        "nesterov": lambda: o.SGD(parameters, **of_sgd, nesterov=True),
        "adagrad": lambda: o.Adagrad(parameters, lr=RATE, eps=OPTIONS["epsilon"]),
        "rmsprop": lambda: o.RMSprop(
            parameters, lr=RATE, alpha=OPTIONS["rho"], eps=OPTIONS["epsilon"]
        ),
        "adamw": lambda: o.AdamW(parameters, lr=RATE, weight_decay=0.1, **betas),
        "nadam": lambda: o.NAdam(parameters, lr=RATE, **betas),
    }[solver]()


@pytest.mark.parametrize("solver", ["momentum", "nesterov", "adagrad", "rmsprop", "adamw", "nadam"])
def test_steps_are_those_of_pytorch(solver):
    torch = pytest.importorskip("torch")
    decay = 0.1 if solver == "adamw" else 0.0
    layers = tuple(
        Dense(units, activation=f, name=name, bias=False, weight_decay=decay)
        for units, f, name in ((4, "tanh", "a"), (2, None, "b"))
    )
    plan = Plan(5, layers, dr.losses.half_squared_error)
    net = begun(plan, F64)
    theirs = {
        name: torch.tensor(w.copy(), requires_grad=True)
        for name, w in weights_of(net, plan).items()
    }
    optimizer = torch_optimizer(torch, solver, list(theirs.values()))
    trainer, x, y = trainer_of(net, F64, solver), torch.tensor(X), torch.tensor(Y)
    for _ in range(20):
        trainer.epoch()
        optimizer.zero_grad()
        out = torch.tanh(x @ theirs["a.weight"]) @ theirs["b.weight"]
        (0.5 * ((out - y) ** 2).sum(dim=1).mean()).backward()
        optimizer.step()
    tolerance = 1e-8 if solver == "nadam" else 1e-11  # PyTorch's product of momenta is float32
    for name, w in weights_of(net, plan).items():
        np.testing.assert_allclose(w, theirs[name].detach(), rtol=tolerance, atol=tolerance)


# ---- to be continued -----------------------------------------------------------------------------


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_trainer_goes_on_bit_for_bit_from_its_state(solver):
    plan = plan_of(weight_decay=0.01)
    whole, first = begun(plan, F32), begun(plan, F32)
    straight = trainer_of(whole, F32, solver, batch_size=7, shuffle=True)
    early = trainer_of(first, F32, solver, batch_size=7, shuffle=True)
    for _ in range(6):
        straight.epoch()
    for _ in range(2):
        early.epoch()
    later = make_net(plan, F32, weights_of(first, plan))
    late = trainer_of(later, F32, solver, batch_size=7, shuffle=True)
    late.set_state(early.state())
    for _ in range(4):
        late.epoch()
    assert_same(weights_of(whole, plan), weights_of(later, plan))


def assert_same(some, others):
    assert some.keys() == others.keys()
    for name, w in some.items():
        np.testing.assert_array_equal(w, others[name], err_msg=name)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_checkpoint_goes_on_bit_for_bit(solver, tmp_path):
    def network():
        return dr.Network([Dense(4, activation="tanh"), Dense(2)], seed=3)

    options = {"solver": solver, "rho": 0.7, "learning_rate": 0.01, "batch_size": 5}
    whole = network().fit(X, Y, epochs=6, **options)
    network().fit(X, Y, epochs=2, checkpoint=tmp_path / "c", **options)
    later = dr.Network.load_checkpoint(tmp_path / "c").resume(X, Y, epochs=6)
    assert_same(whole.weights(), later.weights())
    np.testing.assert_array_equal(whole.history_.loss, later.history_.loss)


@pytest.mark.parametrize("solver", SOLVERS)
def test_partial_fits_are_a_fit(solver):
    options = {
        "hidden_layer_sizes": (6,),
        "solver": solver,
        "random_state": 0,
        "tol": 0.0,
        "n_iter_no_change": np.inf,
    }
    whole = MLPRegressor(max_iter=5, **options).fit(X, Y)
    parts = MLPRegressor(**options)
    for _ in range(5):
        parts.partial_fit(X, Y)
    for one, other in zip(whole.coefs_, parts.coefs_, strict=True):
        np.testing.assert_array_equal(one, other)
    assert whole.loss_curve_ == parts.loss_curve_


@pytest.mark.parametrize(("first", "then"), [("adam", "nadam"), ("sgd", "lion"), ("adam", "sgd")])
def test_the_state_of_one_solver_is_not_given_to_another(first, then):
    fitted = MLPRegressor(solver=first, random_state=0).partial_fit(X, Y)
    with pytest.raises(ValueError, match=f"trained with solver='{first}'.* set solver back"):
        fitted.set_params(solver=then).partial_fit(X, Y)
    fitted.set_params(solver=first).partial_fit(X, Y)
    assert len(fitted.history_) == 2
    fitted.set_params(solver=then, max_iter=2).fit(X, Y)


# ---- estimators ----------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", SOLVERS)
def test_estimators_learn_with_every_solver(solver):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(300, 4))
    y = (x[:, 0] + x[:, 1] > 0).astype(int)
    rate = {"lion": 1e-3, "adagrad": 0.05}.get(solver, 0.01)
    fitted = MLPClassifier((16,), solver=solver, learning_rate_init=rate, random_state=0).fit(x, y)
    assert fitted.score(x, y) > 0.93


def test_adamw_decays_by_a_hundredth_unless_told():
    def fitted(**more):
        options = {"solver": "adamw", "max_iter": 3, "random_state": 0, "alpha": 0.0}
        return MLPRegressor(hidden_layer_sizes=(6,), **options, **more).fit(X, Y)

    default, stated, none = fitted(), fitted(weight_decay=0.01), fitted(weight_decay=0.0)
    np.testing.assert_array_equal(default.coefs_[0], stated.coefs_[0])
    assert not np.array_equal(default.coefs_[0], none.coefs_[0])
    plain = MLPRegressor(
        hidden_layer_sizes=(6,), solver="adam", max_iter=3, random_state=0, alpha=0.0
    ).fit(X, Y)
    assert all(node.controls["decay"] == 0 for node in plain._plan.nodes)
    assert all(n.controls["decay"] == 0.01 for n in default._plan.nodes if n.kind == "dense")


def test_two_names_are_sgd_with_its_momentum():
    def fitted(**options):
        return (
            MLPRegressor(hidden_layer_sizes=(6,), max_iter=4, random_state=0, **options)
            .fit(X, Y)
            .coefs_[0]
        )

    for name, look_ahead in (("nesterov", True), ("momentum", False)):
        expected = fitted(solver="sgd", nesterovs_momentum=look_ahead)
        np.testing.assert_array_equal(fitted(solver=name), expected)
        named = fitted(solver=name, nesterovs_momentum=not look_ahead)
        np.testing.assert_array_equal(named, expected)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"solver": "adamax"}, "solver .*must be one of 'adam', 'adamw'"),
        ({"rho": 1.0}, r"rho .*\[0, 1\)"),
        ({"weight_decay": -1.0}, "weight_decay .*>= 0"),
    ],
)
def test_parameters_are_checked(wrong, words):
    with pytest.raises(ValueError, match=words):
        MLPRegressor(**wrong).fit(X, Y)


# ---- controls of a node --------------------------------------------------------------------------


class Controlled(Plan):
    """A plan whose nodes have other controls than their layers state."""

    def compile(self):
        nodes, loss = super().compile()
        for node in nodes:
            if node["type"] == "dense":
                node["controls"] |= CONTROLS
        return nodes, loss


CONTROLS: dict[str, float] = {}


@pytest.mark.parametrize("scale", [0.25, 3.0])
@pytest.mark.parametrize("solver", RULES)
def test_a_scale_is_a_net_of_scaled_weights(solver, scale, monkeypatch):
    """w = scale W; the optimizer steps along W, and biases are as they are."""
    monkeypatch.setitem(CONTROLS, "scale", scale)
    plan = Controlled(5, plan_of().layers, dr.losses.half_squared_error)
    net = begun(plan, F64)
    factors = {name: scale if name.endswith(".weight") else 1.0 for name in weights_of(net, plan)}
    own = {name: w / factors[name] for name, w in weights_of(net, plan).items()}
    trainer = trainer_of(net, F64, solver)
    states = {name: {} for name in own}
    for t in range(1, STEPS + 1):
        trainer.epoch()
        found = gradient_of({name: w * factors[name] for name, w in own.items()})
        for name, factor in factors.items():
            g = found[name] * factor
            options = {**OPTIONS, "rate": RATE}
            own[name] = RULES[solver](own[name], g, states[name], t, options)
    assert_near(weights_of(net, plan), {name: w * factors[name] for name, w in own.items()})


@pytest.mark.parametrize("solver", ["sgd", "adam", "lion"])
def test_a_bias_rate_is_of_biases_alone(solver, monkeypatch):
    def step():
        plan = Controlled(5, plan_of().layers, dr.losses.half_squared_error)
        net = begun(plan, F64)
        before = weights_of(net, plan)
        trainer_of(net, F64, solver).epoch()
        return {name: w - before[name] for name, w in weights_of(net, plan).items()}

    plain = step()
    monkeypatch.setitem(CONTROLS, "bias_rate", 0.1)
    slow = step()
    for name, change in plain.items():
        factor = 0.1 if name.endswith(".bias") else 1.0
        np.testing.assert_allclose(slow[name], factor * change, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_gradient_that_is_nan_does_not_become_a_number(solver):
    plan = Plan(5, (Dense(2),), dr.losses.half_squared_error)
    net = begun(plan, F64)
    settings = settings_of(**rule_of(solver, True), batch_size=24, learning_rate=0.1)
    TRAINERS[F64](net, np.where(X > 2, X, np.nan), Y, None, None, settings).epoch()
    assert all(np.isnan(w).all() for w in weights_of(net, plan).values())
