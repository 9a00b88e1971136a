"""Weights between networks and PyTorch modules: the same numbers and slopes on either side."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from fresh import output_of
from interchange_cases import CASES, STATES, Case, channels_first

import deltarule as dr
from deltarule._engine import TRAINERS, make_net, named, weights_of
from deltarule._training import settings_of
from deltarule.interchange import from_torch, to_torch
from deltarule.layers import (
    GRU,
    LSTM,
    Activation,
    BatchNorm,
    Conv2D,
    Dense,
    Embedding,
    Flatten,
    Reshape,
)
from deltarule.plan import Plan

# Of the loss and the predictions; of gradients, sums whose terms cancel: so far is either side's
# float32 from float64.
TOLERANCES = {"float32": (1e-6, 4e-6), "float64": (1e-12, 1e-12)}
ROWS = 7


@pytest.fixture(scope="module")
def torch():
    reason = "PyTorch is not installed: install the extra 'bench' to compare with it."
    module = pytest.importorskip("torch", reason=reason)
    module.set_num_threads(1)
    return module


# ---- both sides ---------------------------------------------------------------------------------


def plan_of(case: Case) -> Plan:
    """The layers of a case behind a Dense layer, whose gradient is that of what they read."""
    front = [] if case.codes else [Dense(case.shape[-1], bias=False, name="front")]
    loss = dr.losses["softmax_cross_entropy" if case.classes else "squared_error"]
    shape = case.shape if len(case.shape) > 1 else case.shape[0]
    return Plan(shape, (*front, *case.layers), loss)


def module_of(torch, case: Case, dtype: str):
    def nested(modules):
        within = {k: nested(v) if isinstance(v, dict) else v for k, v in modules.items()}
        return torch.nn.ModuleDict(within)

    modules = case.modules(torch.nn)
    if not case.codes:
        modules["front"] = torch.nn.Linear(case.shape[-1], case.shape[-1], bias=False)
    return nested(modules).to(getattr(torch, dtype)).train(case.training)


def drawn(shapes, dtype, seed=0):
    """Arrays of shapes by name; variances are positive."""
    rng = np.random.default_rng(seed)
    arrays = {}
    for name, shape in shapes.items():
        array = rng.normal(size=shape) * 0.5
        array = 0.5 + np.abs(array) if "running_var" in name else array
        arrays[name] = np.asarray(array, dtype=dtype)
    return arrays


def weights_and_state(plan: Plan, dtype: str, direction: str):
    """Weights of the network, and what PyTorch has for them."""
    weights = drawn({name: p.shape for name, p in plan.parameters}, dtype)
    state = to_torch(plan, weights)
    if direction == "from PyTorch":
        shapes = {k: a.shape for k, a in state.items() if not k.endswith("num_batches_tracked")}
        state |= drawn(shapes, dtype)
    return (weights, state) if direction == "to PyTorch" else (from_torch(plan, state), state)


def data_of(case: Case, plan: Plan, dtype: str):
    rng = np.random.default_rng(1)
    size = (ROWS, *case.shape)
    x = rng.integers(case.codes, size=size) if case.codes else rng.normal(size=size)
    if case.classes:
        return x.astype(dtype), rng.integers(case.classes, size=ROWS)
    return x.astype(dtype), rng.normal(size=(ROWS, *plan.output_shape)).astype(dtype)


def computed(case: Case, plan: Plan, weights, dtype: str) -> dict[str, Any]:
    """What the network computes: by names of PyTorch, and "loss", "output" and "front"."""
    net = make_net(plan, np.dtype(dtype), weights)
    x, targets = data_of(case, plan, dtype)
    given = (None, targets) if case.classes else (targets.reshape(ROWS, -1), None)
    loss, gradients, values, slopes = net.gradient(
        x.reshape(ROWS, -1), *given, None, 1, training=case.training, keep=True
    )
    found = to_torch(plan, named(plan, gradients))
    for name in [name for name in found if "bias_hh" in name]:
        same = found[name.replace("bias_hh", "bias_ih")].copy()  # both biases are added
        own = len(same) * 2 // 3 if name.startswith("gru") else len(same)
        found[name] = np.concatenate([same[:own], found[name][own:]])
    if not case.codes:
        found["front"] = slopes[0].reshape(x.shape)
    return {**found, "loss": loss, "output": values[-1].reshape(ROWS, *plan.output_shape)}


def computed_by_torch(torch, case: Case, plan: Plan, state, dtype: str) -> dict[str, Any]:
    """The same of PyTorch."""
    module = module_of(torch, case, dtype)
    tensors = {name: torch.from_numpy(a) for name, a in state.items()}
    learned = {name: t for name, t in tensors.items() if name.endswith(STATES)}
    module.load_state_dict({name: t for name, t in tensors.items() if name not in learned})
    states: dict[str, dict[str, Any]] = {}
    for name, t in learned.items():
        layer, _, own = name.rpartition(".")
        states.setdefault(layer, {})[own] = t.requires_grad_()
    x, targets = (torch.from_numpy(a) for a in data_of(case, plan, dtype))
    x = x.long() if case.codes else module["front"](x)
    if not case.codes:
        x.retain_grad()
    output = case.forward(module, x, states)
    if case.classes:
        loss = torch.nn.functional.cross_entropy(output, targets)
    else:
        loss = ((output - targets) ** 2).sum(-1).mean()
    loss.backward()
    leaves = {**dict(module.named_parameters()), **learned}
    found = {name: t.grad.numpy() for name, t in leaves.items()}
    if not case.codes:
        found["front"] = x.grad.numpy()
    return {**found, "loss": loss.item(), "output": output.detach().numpy()}


def assert_close(ours, theirs, tolerance: float, name: str = ""):
    """To so much of the largest number."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape, name
    error = np.abs(ours - theirs).max() / np.abs(theirs).max()
    assert error <= tolerance, f"{name}: {error:.1e}"


# ---- the same numbers ---------------------------------------------------------------------------


@pytest.mark.parametrize("direction", ["to PyTorch", "from PyTorch"])
@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths:UserWarning")
def test_a_network_and_its_pytorch_modules_compute_the_same(torch, name, dtype, direction):
    case = CASES[name]
    plan = plan_of(case)
    weights, state = weights_and_state(plan, dtype, direction)
    theirs = computed_by_torch(torch, case, plan, state, dtype)
    ours = computed(case, plan, weights, dtype)
    for key, value in theirs.items():
        is_gradient = key not in ("loss", "output")
        assert_close(ours[key], value, TOLERANCES[dtype][is_gradient], key)


@pytest.mark.parametrize("dtype", TOLERANCES)
def test_running_statistics_follow_a_batch_as_in_pytorch(torch, dtype):
    plan = Plan((4, 5, 3), (BatchNorm(momentum=0.3),), dr.losses["squared_error"])
    weights = drawn({name: p.shape for name, p in plan.parameters}, dtype)
    x = np.random.default_rng(2).normal(3.0, 2.0, size=(ROWS, 4, 5, 3)).astype(dtype)
    net, rows = make_net(plan, np.dtype(dtype), weights), x.reshape(ROWS, -1)
    settings = settings_of(solver="sgd", batch_size=ROWS, learning_rate=0.0)
    TRAINERS[np.dtype(dtype)](net, rows, np.zeros_like(rows), None, None, settings, None).epoch()
    module = torch.nn.BatchNorm2d(3, momentum=0.3, dtype=getattr(torch, dtype))
    state = {k.removeprefix("batch_norm_1."): a for k, a in to_torch(plan, weights).items()}
    module.load_state_dict({k: torch.from_numpy(a) for k, a in state.items()})
    module(channels_first(torch.from_numpy(x)))
    ours, tolerance = weights_of(net, plan), TOLERANCES[dtype][0]
    assert_close(ours["batch_norm_1.running_mean"], module.running_mean, tolerance)
    assert_close(ours["batch_norm_1.running_variance"], module.running_var, tolerance)


def test_a_module_is_read_as_its_state_dict(torch):
    case = CASES["convolutional net"]
    plan, module = plan_of(case), module_of(torch, case, "float32")
    state = {name: t.detach().numpy() for name, t in module.state_dict().items()}
    wanted = from_torch(plan, state)
    for given in (module, module.state_dict(), state | dict(module.named_parameters())):
        found = from_torch(plan, given)
        assert all(np.array_equal(found[name], wanted[name]) for name, _ in plan.parameters)


# ---- without PyTorch ----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("name", CASES)
def test_a_round_trip_is_exact(name, dtype):
    plan = plan_of(CASES[name])
    weights = drawn({name: p.shape for name, p in plan.parameters}, dtype)
    back = from_torch(SimpleNamespace(plan=plan), to_torch(SimpleNamespace(plan=plan), weights))
    assert list(back) == list(weights)
    for key, array in weights.items():
        assert back[key].dtype == array.dtype
        np.testing.assert_array_equal(back[key], array)


def test_importing_needs_neither_pytorch_nor_scipy():
    hide = "import sys; sys.modules.update(torch=None, scipy=None)"
    assert output_of(f"{hide}; import deltarule.interchange as i; print(i.__all__)") == (
        "['from_torch', 'to_torch']\n"
    )


def plan_with(*layers, shape=(4, 3)) -> Plan:
    return Plan(shape, layers, dr.losses["squared_error"])


def zeros_of(plan: Plan):
    return {name: np.zeros(p.shape) for name, p in plan.parameters}


def test_both_ways_of_a_bidirectional_layer_are_one_module_of_its_own():
    plan = plan_with(
        LSTM(2, return_sequences=True),
        LSTM(2, bidirectional=True, return_sequences=True),
        LSTM(2, bidirectional=True, name="reader"),
    )
    names = {key.partition(".")[0] for key in to_torch(plan, zeros_of(plan))}
    assert names == {"lstm_1", "lstm_2", "reader"}
    keys = {key for key in to_torch(plan, zeros_of(plan)) if "weight_hh" in key}
    ways = {f"{n}.weight_hh_l0{s}" for n in ("lstm_2", "reader") for s in ("", "_reverse")}
    assert keys == {"lstm_1.weight_hh_l0", *ways}


def test_two_biases_are_added_but_for_the_candidate_of_a_gru():
    plan = plan_with(GRU(1))
    state = to_torch(plan, zeros_of(plan))
    state["gru_1.bias_ih_l0"] = np.array([1.0, 2.0, 3.0])
    state["gru_1.bias_hh_l0"] = np.array([10.0, 20.0, 30.0])
    weights = from_torch(plan, state)
    assert weights["gru_1.bias"].tolist() == [11.0, 22.0, 3.0]
    assert weights["gru_1.recurrent_bias"].tolist() == [30.0]


def test_the_count_of_batches_may_be_absent():
    plan = plan_with(BatchNorm())
    state = to_torch(plan, zeros_of(plan))
    assert state.pop("batch_norm_1.num_batches_tracked") == 0
    assert from_torch(plan, state).keys() == zeros_of(plan).keys()


def test_converted_arrays_are_copies():
    plan = plan_with(Embedding(4, 3), Dense(3), GRU(2), shape=(4,))
    weights = zeros_of(plan)
    state = to_torch(plan, weights)
    back = from_torch(plan, state)
    for array in [*state.values(), *back.values()]:
        np.add(array, 1, out=array)
        assert array.flags.c_contiguous
    assert not any(a.any() for a in weights.values())
    assert all((a == 1).all() for a in state.values())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda a: a.pop(next(iter(a))), r"do not belong to this network: dense_1\.weight missing"),
        (lambda a: a.update(fc=np.zeros(2)), r"fc unknown\. Its arrays are: dense_1\.weight, "),
        (
            lambda a: a.update({"dense_1.weight": np.zeros((5, 5))}),
            r"'dense_1\.weight' .* has the shape \(\d, \d\); met \(5, 5\)\.",
        ),
    ],
)
@pytest.mark.parametrize("convert", [to_torch, from_torch])
def test_arrays_of_another_network_are_refused(convert, change, words):
    plan = plan_with(Dense(2))
    arrays = zeros_of(plan) if convert is to_torch else to_torch(plan, zeros_of(plan))
    change(arrays)
    with pytest.raises(ValueError, match=words):
        convert(plan, arrays)


def test_the_weights_behind_another_reshape_keep_their_order():
    layers = Conv2D(2), Reshape((3, 4)), Activation("tanh"), Flatten(), Dense(2)
    plan = plan_with(*layers, shape=(4, 5, 3))
    weights = drawn({name: p.shape for name, p in plan.parameters}, "float64")
    state = to_torch(plan, weights)
    np.testing.assert_array_equal(state["dense_1.weight"], weights["dense_1.weight"].T)


def test_a_flattened_image_that_is_halved_has_no_equivalent():
    image = (Conv2D(2), Flatten(), Activation("glu"), Dense(2))
    plan = plan_with(*image, shape=(4, 5, 3))
    with pytest.raises(ValueError, match="'activation_1' .* has no equivalent"):
        to_torch(plan, zeros_of(plan))


def test_a_layer_that_has_no_layout_is_named():
    plan = plan_with(Dense(2))
    node = SimpleNamespace(**{**vars(plan.nodes[0]), "kind": "kernel_machine"})
    strange = SimpleNamespace(nodes=(node,), parameters=plan.parameters)
    with pytest.raises(ValueError, match="'dense_1', of the kind 'kernel_machine', have no layout"):
        to_torch(strange, zeros_of(plan))


def test_what_is_no_network_or_no_state_is_refused():
    with pytest.raises(TypeError, match="Give a Network or a Plan; met list"):
        to_torch([], {})
    with pytest.raises(TypeError, match=r"The state is a PyTorch module .* met list"):
        from_torch(plan_with(Dense(2)), [])
