"""What the catalogue says of other systems, against those that are installed."""

from __future__ import annotations

import ast
import importlib
import itertools
import os
import warnings

import numpy as np
import pytest

import deltarule as dr
from deltarule import _systems

KINDS = ("activation", "loss")
NATIVES = [(kind, native) for kind in KINDS for native in _systems._natives(kind)]
CATALOGUES = {"activation": dr.activations, "loss": dr.losses}


# ---- the facts ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_every_function_of_the_file_is_in_the_catalogue(kind):
    rows = set(_systems._facts()[kind])
    assert rows <= set(CATALOGUES[kind]), sorted(rows - set(CATALOGUES[kind]))


@pytest.mark.parametrize("kind", KINDS)
def test_aliases_are_those_of_the_rows(kind):
    for alias, row in _systems._rows(kind).items():
        assert CATALOGUES[kind][alias].name == row


def test_every_fact_has_a_known_form():
    for kind, native in NATIVES:
        assert native.system in _systems.systems()
        assert set(native.parameters) <= set(CATALOGUES[kind][native.row].parameters)
        CATALOGUES[kind][native.row].with_parameters(native.parameters)
        assert native.note is None or native.note.endswith(".")


def test_a_native_name_is_found_in_its_system():
    for kind, native in NATIVES:
        assert _systems.profile(kind, native.name, native.system)[0] == native.row


# ---- names --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "name", "system", "row", "parameters"),
    [
        ("activation", "leaky_relu", "keras", "leaky_relu", {"negative_slope": 0.2}),
        ("activation", "LeakyReLU", "keras", "leaky_relu", {"negative_slope": 0.3}),
        ("activation", "leaky_relu", "torch", "leaky_relu", {}),
        ("activation", "gelu", "jax", "gelu_tanh", {}),
        ("activation", "gelu_exact", "jax", "gelu", {}),
        ("activation", "gelu", "torch", "gelu", {}),
        ("activation", "torch.nn.GELU", "torch", "gelu", {}),
        ("activation", "keras.ops.gelu", "keras", "gelu_tanh", {}),
        ("activation", "gelu(approximate='tanh')", "torch", "gelu_tanh", {}),
        ("activation", "hard_sigmoid", "onnx", "hard_sigmoid", {"alpha": 0.2}),
        ("loss", "binary_cross_entropy", "mlx", "bce_with_logits", {}),
        ("loss", "sparsemax_loss", "optax", "binary_sparsemax", {}),
        ("loss", "poisson", "sklearn", "poisson_log", {}),
        ("loss", "huber", "sklearn", "huber", {"delta": 0.5}),
        ("loss", "dice", "optax", "dice", {"smooth": 2.0}),
        ("loss", "hinge_loss", "tf", "hinge", {}),
    ],
)
def test_profiles(kind, name, system, row, parameters):
    assert _systems.profile(kind, name, system) == (row, parameters)


def test_notes_say_what_parameters_cannot():
    assert "dissimilar" in _systems.note("loss", "contrastive", "flux")
    assert _systems.note("activation", "relu", "torch") is None


@pytest.mark.parametrize(
    ("kind", "name", "row"),
    [
        ("loss", "softmax_cross_entropy_with_integer_labels", "softmax_cross_entropy"),
        ("loss", "optax.losses.softmax_cross_entropy_with_integer_labels", "softmax_cross_entropy"),
        ("loss", "BCEWithLogitsLoss", "bce_with_logits"),
        ("loss", "torch.nn.BCEWithLogitsLoss", "bce_with_logits"),
        ("loss", "CategoricalCrossentropy", "categorical_cross_entropy"),
        ("loss", "binary_crossentropy", "binary_cross_entropy"),
        ("loss", "MSELoss", "squared_error"),
        ("loss", "PoissonNLLLoss", "poisson_log"),
        ("loss", "CrossEntropyLoss", None),  # logits in PyTorch, probabilities in LossFunctions.jl
        ("loss", "crossentropy", None),
        ("activation", "LeakyReLU", "leaky_relu"),
        ("activation", "GELU", "gelu"),
        ("activation", "SiLU", "silu"),
        ("activation", "nothing", None),
    ],
)
def test_native_names_resolve_where_they_mean_one_function(kind, name, row):
    assert _systems.resolve(kind, name) == row


def test_what_is_ambiguous_is_explained():
    sentence = _systems.ambiguity("loss", "CrossEntropyLoss")
    assert "'softmax_cross_entropy' in PyTorch" in sentence
    assert "'binary_cross_entropy' in LossFunctions.jl" in sentence
    assert _systems.ambiguity("loss", "MSELoss") is None
    assert _systems.resolve("loss", None) is None


def test_native_names_and_coverage_agree():
    names = _systems.native_names("activation", "swish")
    assert names["torch"] == "silu"
    assert names["onnx"] == "Swish"
    pairs = _systems.coverage()
    assert list(pairs) == list(_systems.systems())
    assert ("leaky_relu", "leaky_relu") in pairs["torch"]
    assert ("SmoothL1Loss", "smooth_l1") in _systems.coverage("loss")["torch"]
    assert sum(map(len, pairs.values())) == len(NATIVES)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("activation", "relu", "pytorch"), "Did you mean 'torch'"),
        (("activation", "leaky_rel", "torch"), "Did you mean 'leaky_relu'"),
        (("activation", "snake", "torch"), "found in TensorFlow Addons"),
        (("loss", "expectile", "torch"), "no other system"),
        (("optimizer", "adam", "torch"), "'activation' or 'loss'"),
    ],
)
def test_refusals(arguments, words):
    with pytest.raises(ValueError, match=words):
        _systems.profile(*arguments)


def test_a_function_of_no_other_system_has_no_native_names():
    assert _systems.native_names("loss", "expectile") == {}
    assert _systems.native_names("activation", "one of the user's own") == {}


# ---- the numbers --------------------------------------------------------------------------------

# Where a system's functions live, in the order in which a name is looked up.
MODULES = {
    "torch": ("torch.nn.functional", "torch", "torch.nn"),
    "jax": ("jax.nn", "jax"),
    "flax": ("flax.linen", "flax.nnx"),
    "keras": ("keras.activations", "keras.layers", "keras", "keras.losses"),
    "optax": ("optax.losses", "optax"),
    "scipy": ("scipy", "numpy"),
}
# What a call needs beside the input, as our own functions work along the last axis.
ARGUMENTS = {
    **{
        ("torch", f): {"dim": -1}
        for f in ("softmax", "log_softmax", "softmin", "logsumexp", "normalize")
    },
    ("torch", "threshold"): {"threshold": 0.0, "value": 0.0},
    ("keras", "threshold"): {"threshold": 0.0, "default_value": 0.0},
    ("keras", "ops.logsumexp"): {"axis": -1},
    **{("jax", f): {"axis": -1} for f in ("logsumexp", "logmeanexp")},
    ("flax", "logsumexp"): {"axis": -1},
    ("scipy", "special.softmax"): {"axis": -1},
    ("scipy", "special.log_softmax"): {"axis": -1},
    ("scipy", "special.logsumexp"): {"axis": -1},
    ("scipy", "numpy.heaviside"): {"x2": 1.0},
}
LEFT_OUT = {
    "gumbel_softmax",  # random
    "prelu",  # a layer with a weight: its initial value is checked by itself
    ("keras", "sparsemax"),  # its note: wrong rows
}


def installed(system):
    """The modules of a system, which may need a moment and warn while they load."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [pytest.importorskip(module) for module in MODULES[system]]


def attribute(module, path):
    for part in path.split("."):
        module = getattr(module, part, None)
    return module


def native_function(system, spelled):
    """The function, with the arguments that its name spells."""
    tree = ast.parse(spelled, mode="eval").body
    arguments = {}
    if isinstance(tree, ast.Call):
        arguments = {k.arg: ast.literal_eval(k.value) for k in tree.keywords}
        spelled = ast.unparse(tree.func)
    arguments |= ARGUMENTS.get((system, spelled), {})
    modules = installed(system)
    name = spelled.removeprefix("numpy.") if system == "scipy" else spelled
    found = next(f for m in modules if (f := attribute(m, name)) is not None)
    if isinstance(found, type):
        return found(**arguments)
    if name == "heaviside":
        return lambda x: found(x, arguments["x2"])
    return lambda *x: found(*x, **arguments)


def as_native(system, *arrays):
    if system == "torch":
        torch = importlib.import_module("torch")
        return [torch.tensor(a) for a in arrays]
    if system in ("jax", "flax", "optax"):
        return [importlib.import_module("jax.numpy").asarray(a) for a in arrays]
    return list(arrays)


def numbers(result):
    return np.asarray(result.detach() if hasattr(result, "detach") else result)


def of_installed(kind, systems):
    return [
        pytest.param(n.system, n.name, id=f"{n.system}-{n.name}")
        for k, n in NATIVES
        if k == kind and n.system in systems and not LEFT_OUT & {n.row, (n.system, n.row)}
    ]


@pytest.mark.parametrize(
    ("system", "name"), of_installed("activation", ("torch", "jax", "flax", "keras", "scipy"))
)
def test_activations_give_the_numbers_of_the_system(system, name):
    row, parameters = _systems.profile("activation", name, system)
    shape = (2, 4, 3, 6) if row == "softmax2d" else (6, 8)
    x = (2 * np.random.default_rng(3).normal(size=shape)).astype(np.float32)
    theirs = numbers(native_function(system, name)(*as_native(system, x)))
    ours = dr.activation(row, **parameters)(x)
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=2e-6, atol=3e-7)


@pytest.mark.parametrize("system", ["torch", "keras"])
def test_the_slope_a_prelu_starts_from(system):
    _, parameters = _systems.profile("activation", "PReLU", system)
    layer = native_function(system, "PReLU")
    x = np.array([[-2.0, 3.0]], np.float32)
    theirs = numbers(layer(*as_native(system, x)))
    np.testing.assert_allclose(dr.activation("prelu", **parameters)(x), theirs)


def operands(row):
    """(operands of ours, operands of the others, predictions first) of a loss."""
    rng = np.random.default_rng(4)
    n, k = 7, 5
    z, y = rng.normal(size=(2, n, k))
    sign = np.where(rng.random((n, k)) < 0.5, -1.0, 1.0)
    codes, bits = rng.integers(0, k, n), (sign > 0).astype(float)
    p, q = rng.dirichlet(np.ones(k), (2, n))
    lists = np.array([rng.permutation(k) for _ in range(n)])
    lists[:, 2:] = -1
    groups = np.array([0, 0, 1, 1, 2, 2, 2])
    table = {
        "binary_cross_entropy": (p, bits),
        "bce_with_logits": (z, bits),
        "softmax_cross_entropy": (z, codes),
        "nll": (np.log(p), codes),
        "multilabel_soft_margin": (z, bits),
        "multilabel_margin": (z, lists),
        "multi_margin": (z, codes),
        "categorical_hinge": (z, codes),
        "multiclass_perceptron": (z, codes),
        "sparsemax_loss": (z, codes),
        "poly_cross_entropy": (z, q),
        "ranking_softmax": (z, bits),
        "binary_sparsemax": (z, bits),
        "binary_focal": (z, bits),
        "categorical_cross_entropy": (p, codes),
        "categorical_focal": (p, codes),
        "generalized_cross_entropy": (p, codes),
        "mape": (z, y),
        "msle": (p, q),
        "kl_divergence": (np.log(p), q),
        "generalized_kl": (np.log(p), q),
        "poisson": (p, np.round(3 * q)),
        "poisson_log": (z, np.round(3 * q)),
        "gaussian_nll": (z, y, p),
        "margin_ranking": (z[:, 0], y[:, 0], sign[:, 0]),
        "cosine_embedding": (z, y, sign[:, 0]),
        "triplet_margin": (z, y, y[::-1].copy()),
        "ntxent": (z, groups),
    }
    signed = {"soft_margin", "hinge", "squared_hinge", "perceptron", "hinge_embedding"}
    return table.get(row, (z, sign if row in signed else y))


def as_taken(name, arrays):
    """The operands for a function that takes another form of the targets."""
    if name in ("softmax_cross_entropy", "safe_softmax_cross_entropy"):  # distributions
        return arrays[0], np.eye(arrays[0].shape[1])[arrays[1]]
    if name == "kl_divergence_with_log_targets":
        return arrays[0], np.log(arrays[1])
    return arrays


NEED_MORE = {
    "adaptive_log_softmax",  # layers: tested with the losses of many classes
    "linear_cross_entropy",
    "ctc",  # lengths: tested with it
    "dice",  # masks: below
    "tversky",
    "fenchel_young",  # takes a function
    ("torch", "cosine_distance"),  # spelled by a label
    ("keras", "rmse"),  # a metric
    ("keras", "cosine_distance"),  # its note: -cos
    ("keras", "categorical_hinge"),  # its note: wrong scores
    ("keras", "kl_divergence"),  # its note: probabilities
    ("keras", "binary_focal"),  # the same
    ("keras", "circle"),  # has no default for a batch of vectors of any length
}


def comparable():
    for system, name in (p.values for p in of_installed("loss", ("torch", "optax", "keras"))):
        row, _ = _systems.profile("loss", name, system)
        if not NEED_MORE & {row, (system, row)}:
            yield pytest.param(system, name, id=f"{system}-{name}")


def in_keras(name, theirs, arrays):
    """Targets come first, classes as rows where the name does not say otherwise."""
    z, t = arrays
    if name.lower().startswith("categorical") and name != "CategoricalGeneralizedCrossEntropy":
        t = np.eye(z.shape[1])[t]
    return theirs(t, z)


@pytest.mark.parametrize(("system", "name"), list(comparable()))
def test_losses_give_the_numbers_of_the_system(system, name):
    row, parameters = _systems.profile("loss", name, system)
    arrays = as_taken(name, operands(row))
    theirs = native_function(system, name)
    if (system, row) == ("torch", "kl_divergence"):
        theirs = installed("torch")[2].KLDivLoss(reduction="batchmean")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        if system == "keras":
            value = numbers(in_keras(name, theirs, arrays))
        else:
            value = numbers(theirs(*as_native(system, *arrays)))
    ours = dr.loss(row, **parameters)(*operands(row))
    np.testing.assert_allclose(ours, value.mean(), rtol=1e-5, atol=1e-6)


def test_the_dice_of_optax_is_that_of_twice_the_smoothing():
    optax = installed("optax")[0]
    rng = np.random.default_rng(0)
    z = rng.normal(size=(1, 30, 3)).astype(np.float32)
    t = np.eye(3, dtype=np.float32)[rng.integers(0, 3, (1, 30))]
    p = np.asarray(dr.activation("softmax")(z))[0]
    for name, more in (
        ("dice_loss", {}),
        ("dice_loss(alpha=0.5, beta=0.5)", {"alpha": 0.3, "beta": 0.7}),
    ):
        row, parameters = _systems.profile("loss", name, "optax")
        ours = dr.loss(row, axis=0, **parameters | more)
        theirs = optax.dice_loss(z, t, **more)
        np.testing.assert_allclose(ours(p, t[0]), theirs[0], rtol=1e-5)


def test_scipy_gives_the_numbers_of_its_losses():
    special = installed("scipy")[0].special
    r = np.linspace(-3, 3, 13)
    for name, theirs in (
        ("special.huber", special.huber),
        ("special.pseudo_huber", special.pseudo_huber),
    ):
        row, parameters = _systems.profile("loss", name, "scipy")
        ours = dr.loss(row, **parameters)(r, np.zeros_like(r), reduction="none")
        np.testing.assert_allclose(ours, theirs(1.0, r), rtol=1e-14, atol=1e-16)


def test_every_installed_name_exists():
    """A name that a system no longer has is a fact that went stale."""
    for system in ("torch", "optax"):
        pytest.importorskip(system)
        modules = installed(system)
        for kind, native in itertools.chain(NATIVES):
            bare = native.name.partition("(")[0]
            if native.system == system and kind == "loss":
                assert any(attribute(m, bare) is not None for m in modules), native
