"""The reference of RealMLP is itself right: differences, and the same written with torch."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from realmlp_reference import (
    BETAS,
    EPSILON,
    Batch,
    Recipe,
    activation,
    coslog4,
    decays,
    embed,
    flat_cos,
    forward,
    gradients,
    initial_weights,
    loss,
    rate_factor,
    simplex_bias,
    train,
    unit_variance,
)

STEPS, HIDDEN = 12, (7, 6, 5)
RECIPES = [Recipe(True, STEPS, 0.04), Recipe(False, STEPS, 0.2)]
KINDS = {"all": (3, 4, (5, 11)), "numbers": (4, 0, ()), "flat": (0, 5, ()), "codes": (0, 0, (9,))}


def case(recipe, kind="all", outputs=None, n=40):
    """Rows, weights that have moved away from where they begin, batches and dropout masks."""
    random = np.random.default_rng(5)
    outputs = outputs or (3 if recipe.classification else 1)
    c, flat, cardinalities = KINDS[kind]
    codes = (
        np.stack([random.integers(0, k, n) for k in cardinalities], axis=1) if cardinalities else 0
    )
    data = Batch(
        random.normal(size=(n, c)),
        random.choice([-1.0, 0.0, 1.0], size=(n, flat)),
        codes if cardinalities else np.empty((n, 0), int),
        random.integers(0, outputs, n)
        if recipe.classification
        else random.normal(size=(n, outputs)),
    )
    weights = initial_weights(data, cardinalities, recipe, outputs, random, HIDDEN, 6, 4)
    weights = {name: w + 0.1 * random.normal(size=w.shape) for name, w in weights.items()}
    batches = [random.permutation(n)[:16] for _ in range(STEPS)]
    masks = [[random.random((16, u)) < 0.8 for u in HIDDEN] for _ in range(STEPS)]
    return data, weights, batches, masks


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("drops", [False, True])
def test_gradients_by_central_differences(recipe, kind, drops):
    data, weights, batches, masks = case(recipe, kind)
    rows, mask = data.rows(batches[0]), masks[0] if drops else None

    def value():
        return loss(forward(weights, rows, recipe, mask, 0.2)[0], rows.y, recipe)[0]

    found_value, found = gradients(weights, rows, recipe, mask, 0.2)
    assert found_value == value()
    assert found.keys() == weights.keys()
    h = 1e-6
    for name, w in weights.items():
        expected = np.empty_like(w)
        for where in np.ndindex(w.shape):
            middle = w[where]
            w[where] = middle + h
            above = value()
            w[where] = middle - h
            expected[where] = (above - value()) / (2 * h)
            w[where] = middle
        assert found[name].shape == w.shape
        assert np.any(found[name])
        assert_allclose(found[name], expected, rtol=1e-5, atol=2e-9, err_msg=name)


def torch_forward(torch, w, batch, recipe, masks, p):
    """The network once more, with the functions of torch."""
    functional = torch.nn.functional
    x = torch.tensor(batch.continuous)
    parts = []
    if x.shape[1]:
        for j in range(x.shape[1]):
            waves = torch.cos(
                2 * torch.pi * x[:, j : j + 1] @ w["frequencies"][j : j + 1] + w["phases"][j]
            )
            parts += [x[:, j : j + 1], functional.linear(waves, w["mix"][j].T, w["mix_bias"][j])]
    parts.append(torch.tensor(batch.flat))
    for j in range(batch.codes.shape[1]):
        parts.append(functional.embedding(torch.tensor(batch.codes[:, j]), w[f"embedding.{j}"]))
    x = torch.cat(parts, dim=1) * w["scale"]
    f = functional.selu if recipe.classification else functional.mish
    for i, mask in enumerate(masks):
        x = x @ w[f"hidden.{i}.weight"] / x.shape[1] ** 0.5 + w[f"hidden.{i}.bias"]
        x = x + (f(x) - x) * w[f"hidden.{i}.slope"]
        x = x * torch.tensor(mask) / (1 - p)
    return x @ w["output.weight"] / x.shape[1] ** 0.5 + w["output.bias"]


@pytest.mark.parametrize(
    ("recipe", "outputs"), [(RECIPES[0], 2), (RECIPES[0], 4), (RECIPES[1], 1), (RECIPES[1], 3)]
)
@pytest.mark.parametrize("kind", KINDS)
def test_training_is_that_of_torch(recipe, outputs, kind):
    torch = pytest.importorskip("torch")
    data, weights, batches, masks = case(recipe, kind, outputs)
    w = {name: torch.tensor(value, requires_grad=True) for name, value in weights.items()}
    adam = torch.optim.Adam([{"params": [v]} for v in w.values()], betas=BETAS, eps=EPSILON)
    if recipe.classification:
        criterion = torch.nn.CrossEntropyLoss(label_smoothing=0.1)
    else:
        criterion = torch.nn.MSELoss()
    for i, after in enumerate(train(weights, data, recipe, batches, masks)):
        t = i / STEPS
        rows = data.rows(batches[i])
        raw = torch_forward(torch, w, rows, recipe, masks[i], 0.15 * flat_cos(t))
        adam.zero_grad()
        criterion(raw, torch.tensor(rows.y)).backward()
        for group, (name, value) in zip(adam.param_groups, w.items(), strict=True):
            group["lr"] = recipe.rate * coslog4(t) * rate_factor(name)
            with torch.no_grad():
                wd = 0.02 * flat_cos(t) if decays(name) else 0.0
                value.mul_(1 - wd * group["lr"] * rate_factor(name))
        adam.step()
        for name, value in w.items():
            assert_allclose(
                after[name], value.detach(), rtol=1e-9, atol=1e-10, err_msg=f"{name}, {i}"
            )


def test_schedules():
    assert [coslog4(t) for t in (0, 1 / 15, 3 / 15, 7 / 15, 1)] == pytest.approx([0] * 5, abs=1e-15)
    peaks = (2 ** np.array([0.5, 1.5, 2.5, 3.5]) - 1) / 15
    assert coslog4(peaks) == pytest.approx(1)
    assert [flat_cos(t) for t in (0, 0.2, 0.5, 0.75, 1)] == pytest.approx([1, 1, 1, 0.5, 0])


def test_rates_and_decay():
    _, weights, _, _ = case(RECIPES[0])
    table = {name: (rate_factor(name), decays(name)) for name in weights}
    slow = dict.fromkeys(["frequencies", "phases", "mix", "mix_bias"], (0.1, True))
    expected = {**slow, "embedding.0": (1, True), "embedding.1": (1, True), "scale": (6, True)}
    for i in range(3):
        expected[f"hidden.{i}.weight"] = (1, True)
        expected[f"hidden.{i}.bias"] = (0.1, False)
        expected[f"hidden.{i}.slope"] = (0.1, True)
    assert table == {**expected, "output.weight": (1, True), "output.bias": (0.1, False)}


def test_a_step_by_hand():
    """The first step has the rate 0; in the second, Adam's two moments are weighted means."""
    recipe = RECIPES[0]
    data, weights, batches, _ = case(recipe, "flat")
    after = train(weights, data, recipe, batches)
    for name, w in weights.items():
        assert_allclose(after[0][name], w, rtol=0, atol=0)
    g = [gradients(weights, data.rows(rows), recipe)[1]["scale"] for rows in batches[:2]]
    m = (0.9 * g[0] + g[1]) / 1.9
    v = (0.95 * g[0] ** 2 + g[1] ** 2) / 1.95
    rate = 0.04 * 6 * coslog4(1 / STEPS)
    decayed = weights["scale"] * (1 - 0.02 * rate * 6)
    assert_allclose(after[1]["scale"], decayed - rate * m / (np.sqrt(v) + 1e-8), rtol=1e-12)


@pytest.mark.parametrize("classification", [False, True])
def test_slopes_of_activations(classification):
    x = np.linspace(-30, 30, 1201) + 0.013
    h = 1e-6
    expected = (activation(x + h, classification)[0] - activation(x - h, classification)[0]) / (
        2 * h
    )
    assert_allclose(activation(x, classification)[1], expected, rtol=1e-6, atol=1e-9)


def test_inputs_stand_in_order():
    data, weights, _, _ = case(RECIPES[0])
    x = embed(weights, data)
    assert x.shape == (40, 3 * 4 + 4 + 2 * 4)
    assert_allclose(x[:, [0, 4, 8]], data.continuous)
    assert_allclose(x[:, 12:16], data.flat)
    assert_allclose(x[7, 20:], weights["embedding.1"][data.codes[7, 1]])


def test_initial_weights():
    random = np.random.default_rng(0)
    x = random.lognormal(size=(500, 9)) * np.arange(1, 10)
    w = unit_variance(x, random.normal(size=(9, 4)))
    assert_allclose(np.std(x @ w / 3, axis=0), 1)
    z = x @ w / 3
    rows = random.integers(0, 500, (4, 5))
    bias = simplex_bias(z, rows, np.repeat([[1.0, 0, 0, 3.0, 0]], 4, axis=0))
    assert_allclose(bias, [-(z[r[0], u] + 3 * z[r[3], u]) / 4 for u, r in enumerate(rows)])
    data, *_ = case(RECIPES[1], n=300)
    weights = initial_weights(data, (5, 11), RECIPES[1], 1, random)
    assert {name: w.shape for name, w in weights.items()} == {
        "frequencies": (3, 16),
        "phases": (3, 16),
        "mix": (3, 16, 3),
        "mix_bias": (3, 3),
        "embedding.0": (5, 8),
        "embedding.1": (11, 8),
        "scale": (32,),
        "hidden.0.weight": (32, 256),
        "hidden.0.bias": (256,),
        "hidden.0.slope": (256,),
        "hidden.1.weight": (256, 256),
        "hidden.1.bias": (256,),
        "hidden.1.slope": (256,),
        "hidden.2.weight": (256, 256),
        "hidden.2.bias": (256,),
        "hidden.2.slope": (256,),
        "output.weight": (256, 1),
        "output.bias": (1,),
    }
    assert forward(weights, data, RECIPES[1])[0].std() == pytest.approx(1)
