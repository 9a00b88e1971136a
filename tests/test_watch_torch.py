"""A module of PyTorch that is watched shows what the same network of deltarule shows."""

from __future__ import annotations

import copy
import io
import warnings
from collections import OrderedDict

import numpy as np
import pytest
from fresh import run_python
from sklearn.datasets import make_circles, make_friedman1

import deltarule as dr
from deltarule import interchange
from deltarule import layers as L
from deltarule.vitals import NUMBERS

torch = pytest.importorskip("torch")
nn = torch.nn
torch.set_num_threads(1)  # more cost more than they bring

RNG = np.random.default_rng(0)
X, LABELS = make_circles(600, noise=0.05, factor=0.5, random_state=0)
X = X.astype(np.float32)
RATE = 0.05


class Sequences(nn.Module):
    """A recurrent layer whose steps a linear one reads."""

    def __init__(self, recurrent, name):
        super().__init__()
        self.kind = name
        self.add_module(name, recurrent)
        self.dense_1 = nn.Linear(35, 2)

    def forward(self, x):
        steps, _ = getattr(self, self.kind)(x)
        return self.dense_1(steps.flatten(1))


def named(**modules):
    return nn.Sequential(OrderedDict(modules))


NETS = {
    "dense": (
        RNG.normal(size=(48, 6)),
        [L.Dense(20, activation="relu"), L.Dense(9, activation="tanh"), L.Dense(2)],
        lambda: named(
            dense_1=nn.Linear(6, 20),
            activation_1=nn.ReLU(inplace=True),
            dense_2=nn.Linear(20, 9),
            activation_2=nn.Tanh(),
            dense_3=nn.Linear(9, 2),
        ),
    ),
    "activations": (
        2 * RNG.normal(size=(48, 6)),
        [
            *(L.Dense(8, activation="gelu_tanh"), L.Dense(8, activation="sigmoid")),
            *(L.Dense(8), L.Activation(dr.activation("leaky_relu", negative_slope=0.2))),
            *(L.Dense(8), L.Activation(dr.activation("hard_tanh", min_val=-0.5, max_val=0.5))),
            L.Dense(2),
        ],
        lambda: named(
            dense_1=nn.Linear(6, 8),
            activation_1=nn.GELU(approximate="tanh"),
            dense_2=nn.Linear(8, 8),
            activation_2=nn.Sigmoid(),
            dense_3=nn.Linear(8, 8),
            activation_3=nn.LeakyReLU(0.2),
            dense_4=nn.Linear(8, 8),
            activation_4=nn.Hardtanh(-0.5, 0.5),
            dense_5=nn.Linear(8, 2),
        ),
    ),
    "normalised": (
        RNG.normal(size=(48, 6)),
        [
            *(L.Dense(12, bias=False), L.BatchNorm(), L.Activation("relu")),
            *(L.Dense(7), L.LayerNorm(), L.Activation("tanh"), L.Dense(2)),
        ],
        lambda: named(
            dense_1=nn.Linear(6, 12, bias=False),
            batch_norm_1=nn.BatchNorm1d(12, eps=L.BatchNorm().epsilon),
            activation_1=nn.ReLU(inplace=True),
            dense_2=nn.Linear(12, 7),
            layer_norm_1=nn.LayerNorm(7, eps=L.LayerNorm().epsilon),
            activation_2=nn.Tanh(),
            dense_3=nn.Linear(7, 2),
        ),
    ),
    "images": (
        RNG.normal(size=(48, 6, 7, 3)),
        [L.Conv2D(5, 3), L.Activation("relu"), L.MaxPool(2), L.Flatten(), L.Dense(2)],
        lambda: named(
            conv2d_1=nn.Conv2d(3, 5, 3),
            activation_1=nn.ReLU(),
            max_pool_1=nn.MaxPool2d(2),
            flatten=nn.Flatten(),
            dense_1=nn.Linear(20, 2),
        ),
    ),
    "steps": (
        RNG.normal(size=(48, 9, 3)),
        [L.Conv1D(5, 3), L.Activation("relu"), L.Flatten(), L.Dense(2)],
        lambda: named(
            conv1d_1=nn.Conv1d(3, 5, 3),
            activation_1=nn.ReLU(),
            flatten=nn.Flatten(),
            dense_1=nn.Linear(35, 2),
        ),
    ),
}
RECURRENT = {
    "lstm_1": (L.LSTM(7, return_sequences=True), lambda: nn.LSTM(3, 7, batch_first=True)),
    "gru_1": (L.GRU(7, return_sequences=True), lambda: nn.GRU(3, 7, batch_first=True)),
    "simple_rnn_1": (L.SimpleRNN(7, return_sequences=True), lambda: nn.RNN(3, 7, batch_first=True)),
}


def squared(z, t):
    return 0.5 * ((z - t) ** 2).sum(dim=1).mean()


def twins(name):
    """The same network of both, with the same weights, its rows and targets."""
    if name in RECURRENT:
        layer, make = RECURRENT[name]
        x, stack, module = (
            RNG.normal(size=(48, 5, 3)),
            [layer, L.Flatten(), L.Dense(2)],
            Sequences(make(), name),
        )
    else:
        x, stack, make = NETS[name]
        module = make()
    targets = np.random.default_rng(1).normal(size=(48, 2))
    network = dr.Network(stack, "half_squared_error", dtype="float64", seed=1)
    network.forward(x)
    state = interchange.to_torch(network, network.weights())
    module.double().load_state_dict({k: torch.from_numpy(a) for k, a in state.items()})
    return network, module, x, targets


@pytest.mark.parametrize("name", [*NETS, *RECURRENT])
def test_vitals_are_those_of_the_same_network(name):
    network, module, x, targets = twins(name)
    optimizer = torch.optim.SGD(module.parameters(), lr=RATE)
    watch = dr.watch_torch(module, optimizer)
    rows = torch.from_numpy(np.moveaxis(x, -1, 1) if name in ("images", "steps") else x)
    loss = squared(module(rows), torch.from_numpy(targets))
    loss.backward()
    optimizer.step()
    watch.end_epoch(loss)
    given = {"solver": "sgd", "momentum": 0.0, "shuffle": False, "learning_rate": RATE}
    history = network.fit(x, targets, epochs=1, batch_size=48, **given).history_
    assert watch.history.loss == pytest.approx(history.loss)
    assert watch.history.learning_rate == [RATE]
    found, wanted = watch.history.vitals, history.vitals
    assert found.layers == wanted.layers
    for number in NUMBERS:
        unseen = number in ("update_rms", "weight_rms", "gradient_rms") and name == "gru_1"
        columns = slice(1, None) if unseen else slice(None)  # PyTorch's GRU resets another sum
        np.testing.assert_allclose(
            found[number][:, columns],
            wanted[number][:, columns],
            rtol=1e-4,
            atol=1e-7,
            err_msg=number,
        )
    np.testing.assert_allclose(
        found.quantiles[..., 8], wanted.quantiles[..., 8], atol=0.6 * found["value_std"].max()
    )


def train(module, optimizer, loss, epochs, watch=None, rows=(X, LABELS), batch=20):
    generator = torch.Generator().manual_seed(1)
    x, y = (torch.as_tensor(a) for a in rows)
    for _ in range(epochs):
        total = 0.0
        for places in torch.randperm(len(x), generator=generator).split(batch):
            optimizer.zero_grad()
            missed = loss(module(x[places]), y[places])
            missed.backward()
            optimizer.step()
            total += missed.item() * len(places)
        if watch is not None:
            watch.end_epoch(total / len(x))


def a_classifier(seed=0, *, deep=False):
    torch.manual_seed(seed)
    if deep:
        hidden = [
            nn.Linear(2 if i == 0 else 5, 5) if j == 0 else nn.Sigmoid()
            for i in range(9)
            for j in range(2)
        ]
        return nn.Sequential(*hidden, nn.Linear(5, 2))
    return nn.Sequential(
        nn.Linear(2, 30),
        nn.BatchNorm1d(30),
        nn.ReLU(inplace=True),
        nn.Dropout(0.1),
        nn.Linear(30, 30),
        nn.ReLU(),
        nn.Linear(30, 2),
    )


def watched(module, loss, epochs, rate=0.01, rows=(X, LABELS), **given):
    optimizer = torch.optim.Adam(module.parameters(), lr=rate)
    with dr.watch_torch(module, optimizer, loss, **given) as watch:
        train(module, optimizer, loss, epochs, watch, rows)
    return watch


def hooks(module, optimizer):
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    found = [len(getattr(part, kind)) for part in module.modules() for kind in kinds]
    steps = ("_optimizer_step_pre_hooks", "_optimizer_step_post_hooks")
    found += [len(getattr(optimizer, kind)) for kind in steps]
    return sum(found) + sum(len(p._backward_hooks or ()) for p in module.parameters())


def test_watching_changes_no_bit_and_leaves_no_hook():
    ends = []
    for watches in (False, True):
        module = a_classifier()
        optimizer = torch.optim.Adam(module.parameters(), lr=0.01)
        loss = nn.CrossEntropyLoss()
        watch = dr.watch_torch(module, optimizer, loss, every=2) if watches else None
        torch.manual_seed(5)  # of what is dropped
        train(module, optimizer, loss, 3, watch)
        if watch is not None:
            assert hooks(module, optimizer) == 3
            watch.remove()
        assert hooks(module, optimizer) == 0
        ends.append(module.state_dict())
    for name, weights in ends[0].items():
        assert torch.equal(weights, ends[1][name])
    assert len(watch.history) == 3


def test_a_batch_that_was_begun_leaves_no_hook_either():
    module = a_classifier()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    watch = dr.watch_torch(module, optimizer)
    module(torch.as_tensor(X))
    assert hooks(module, optimizer) > 3
    watch.remove()
    assert hooks(module, optimizer) == 0
    watch.remove()


def test_one_batch_in_some_is_watched_and_the_first_of_the_first_epochs():
    module = nn.Linear(2, 2)
    optimizer = torch.optim.SGD(module.parameters(), lr=1e-3)
    loss = nn.CrossEntropyLoss()
    with dr.watch_torch(module, optimizer, loss, every=12) as watch:
        train(module, optimizer, loss, 30, watch, batch=200)  # 3 steps an epoch
    changes = np.flatnonzero(np.diff(watch.history.vitals["weight_rms"][:, 0])) + 1
    assert changes.tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 20, 24, 28]
    assert watch.history.layers == ("linear",)
    assert (watch.history.seconds > 0).all()


def test_evaluation_is_not_watched_and_what_is_computed_again_counts_once():
    from torch.utils.checkpoint import checkpoint

    class Recomputed(nn.Module):
        def __init__(self):
            super().__init__()
            self.hidden = nn.Sequential(nn.Linear(2, 9), nn.ReLU())
            self.out = nn.Linear(9, 2)

        def forward(self, x):
            return self.out(checkpoint(self.hidden, x, use_reentrant=False))

    torch.manual_seed(0)
    module, x, y = Recomputed(), torch.as_tensor(X[:40]), torch.as_tensor(LABELS[:40])
    values = module.hidden[0](x).detach().numpy()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    watch = dr.watch_torch(module, optimizer)
    module.eval()
    module(100 * x)
    module.train()
    with torch.no_grad():
        module(100 * x)
    nn.functional.cross_entropy(module(x), y).backward()
    optimizer.step()
    watch.end_epoch(0.7)
    vitals = watch.history.vitals
    assert vitals.layers == ("hidden.0", "hidden.1", "out")
    assert vitals["value_largest"][0, 0] == pytest.approx(np.abs(values).max())
    assert vitals["saturated"][0, 1] == pytest.approx(np.mean(values < 0))


def test_several_batches_a_step_and_half_precision_are_watched():
    module = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 2)).bfloat16()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    watch = dr.watch_torch(module, optimizer)
    x, y = torch.as_tensor(X[:40]).bfloat16(), torch.as_tensor(LABELS[:40])
    first = module[0](x[:20]).detach().float().abs().max().item()
    for places in (slice(0, 20), slice(20, 40)):
        (nn.functional.cross_entropy(module(x[places]), y[places]) / 2).backward()
    optimizer.step()
    watch.end_epoch(torch.tensor(0.7), validation_loss=0.8, validation_score=0.5)
    assert watch.history.vitals["value_largest"][0, 0] == pytest.approx(first)
    assert np.isfinite(watch.history.vitals["update_rms"][0, [0, 2]]).all()
    assert watch.history.validation_loss == 0.8
    assert watch.history.validation_score == 0.5


def test_gradients_are_those_before_clipping():
    module = nn.Linear(2, 2)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    watch = dr.watch_torch(module, optimizer)
    nn.functional.cross_entropy(module(torch.as_tensor(X)), torch.as_tensor(LABELS)).backward()
    wanted = module.weight.grad.square().mean().sqrt().item()
    nn.utils.clip_grad_norm_(module.parameters(), 1e-6)
    optimizer.step()
    watch.end_epoch(0.7)
    assert watch.history.vitals["gradient_rms"][0, 0] == pytest.approx(wanted)
    assert watch.history.vitals["update_rms"][0, 0] < 1e-6


def test_optimizers_that_compute_within_their_step_are_watched():
    module = nn.Linear(2, 2)
    optimizer = torch.optim.LBFGS(module.parameters())
    watch = dr.watch_torch(module, optimizer)
    x, y = torch.as_tensor(X), torch.as_tensor(LABELS)

    def closure():
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(module(x), y)
        loss.backward()
        return loss

    watch.end_epoch(optimizer.step(closure))
    vitals = watch.history.vitals
    assert vitals["value_std"][0, 0] > 0
    assert vitals["gradient_rms"][0, 0] > 0
    assert np.isnan(vitals["update_rms"][0, 0])
    watch.remove()
    assert hooks(module, optimizer) == 0


def test_copies_and_files_of_a_watched_module_are_its_own():
    module = a_classifier()
    optimizer = torch.optim.Adam(module.parameters(), lr=0.01)
    watch = dr.watch_torch(module, optimizer)
    content = io.BytesIO()
    torch.save(module, content)
    content.seek(0)
    for other in (copy.deepcopy(module), torch.load(content, weights_only=False)):
        train(other, torch.optim.Adam(other.parameters()), nn.CrossEntropyLoss(), 1)
    with pytest.raises(ValueError, match="No training step was seen"):
        watch.end_epoch(1.0)


# ---- examination


def test_a_healthy_module_is_silent_and_a_deep_one_of_sigmoids_is_named():
    loss = nn.CrossEntropyLoss()
    module = a_classifier()
    watch = watched(module, loss, 20)
    diagnosis = dr.examine(watch, X, LABELS)
    assert diagnosis.healthy
    case = diagnosis.case
    assert (case.task, case.loss, case.link) == (
        "classification",
        "softmax_cross_entropy",
        "softmax",
    )
    module.eval()
    right = module(torch.as_tensor(X)).argmax(dim=1).numpy() == LABELS
    assert case.scores.train == right.mean()
    wanted = {"solver": "adam", "learning_rate_init": 0.01, "batch_size": 20, "max_iter": 20}
    assert wanted.items() <= case.settings.items()
    kinds = ["dense", "batch_norm", "activation", "dropout", "dense", "activation", "dense"]
    assert [layer.kind for layer in case.layers] == kinds
    assert [layer.units for layer in case.layers] == [30] * 6 + [2]
    assert [layer.inputs for layer in case.layers] == [2, 0, 0, 0, 30, 0, 30]
    assert case.layers[3].rate == 0.1
    assert case.twins.keys() == {"0", "4", "6"}
    assert case.begin_loss == pytest.approx(np.log(2), abs=0.3)
    assert case.end_loss == watch.history.loss[-1]
    before = a_classifier()[4].weight.detach().numpy()
    change = np.linalg.norm(module[4].weight.detach().numpy() - before) / np.linalg.norm(before)
    assert case.changes["4"] == pytest.approx(change, rel=1e-5)
    deep = watched(a_classifier(deep=True), loss, 20)
    found = dr.examine(deep, X, LABELS)
    assert found.findings[0].code == "vanishing_gradient"
    assert "'0'" in found.explain()


def test_steps_that_are_too_long_are_named_on_rows_that_were_held_out():
    torch.manual_seed(0)
    hidden = [nn.Linear(2, 30), nn.Tanh(), nn.Linear(30, 30), nn.Tanh()]
    module, loss = nn.Sequential(*hidden, nn.Linear(30, 2)), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(module.parameters(), lr=3.0, momentum=0.9, weight_decay=1e-4)
    with dr.watch_torch(module, optimizer, loss) as watch:
        train(module, optimizer, loss, 15, watch, (X[:400], LABELS[:400]))
    diagnosis = dr.examine(watch, X[:400], LABELS[:400], X[400:], LABELS[400:])
    assert diagnosis.findings[0].code == "learning_rate_high"
    assert np.isfinite(diagnosis.case.scores.held_out)
    settings = diagnosis.case.settings
    assert settings["momentum"] == 0.9
    assert settings["alpha"] == pytest.approx(1e-4 * 20)


NUMBERS_X, NUMBERS_Y = make_friedman1(400, random_state=0)
NUMBERS_X = ((NUMBERS_X - 0.5) / 0.29).astype(np.float32)
NUMBERS_Y = ((NUMBERS_Y - NUMBERS_Y.mean()) / NUMBERS_Y.std()).astype(np.float32)
HEADS = {
    "NLLLoss": ([nn.LogSoftmax(dim=1)], 2, LABELS, "classification"),
    "CrossEntropyLoss": ([], 2, LABELS, "classification"),
    "BCEWithLogitsLoss": ([], 1, LABELS[:, None].astype(np.float32), "classification"),
    "BCELoss": ([nn.Sigmoid()], 1, LABELS[:, None].astype(np.float32), "classification"),
    "MSELoss": ([], 1, X[:, :1] ** 2, "regression"),
    "HuberLoss": ([], 1, X[:, :1] ** 2, "regression"),
}


@pytest.mark.parametrize("name", HEADS)
def test_the_loss_tells_the_task_and_the_predictions(name):
    head, outputs, targets, task = HEADS[name]
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(2, 30), nn.ReLU(), nn.Linear(30, outputs), *head)
    watch = watched(module, getattr(nn, name)(), 40, rows=(X, targets))
    y = targets[:, 0] if targets.ndim > 1 else targets
    diagnosis = dr.examine(watch, X, y)
    assert diagnosis.case.task == task
    assert diagnosis.case.scores.train > 0.95
    assert diagnosis.healthy
    predicted = watch.predict(X)
    assert predicted.shape == (600,)
    raw = module.eval()(torch.as_tensor(X)).detach().numpy()
    wanted = {
        "NLLLoss": lambda: raw.argmax(axis=1),
        "CrossEntropyLoss": lambda: raw.argmax(axis=1),
        "BCEWithLogitsLoss": lambda: raw[:, 0] > 0,
        "BCELoss": lambda: raw[:, 0] > 0.5,
    }.get(name, lambda: raw[:, 0])
    np.testing.assert_array_equal(predicted, wanted())


def test_without_a_loss_whole_targets_are_classes():
    module = a_classifier()
    optimizer = torch.optim.Adam(module.parameters(), lr=0.01)
    with dr.watch_torch(module, optimizer) as watch:
        train(module, optimizer, nn.CrossEntropyLoss(), 15, watch)
    case = dr.examine(watch, X, LABELS).case
    assert case.task == "classification"
    assert case.scores.train > 0.95
    assert case.loss == "unknown"
    assert watch.predict(X).shape == (600, 2)
    assert dr.examine(watch, X, np.stack([LABELS, LABELS], axis=1) * 1.0).case.task == "regression"


def test_images_have_their_channels_last_for_the_doctor():
    images = RNG.normal(size=(120, 3, 8, 8)).astype(np.float32)
    images[:, 1] += 50
    labels = (images[:, 0].mean(axis=(1, 2)) > 0).astype(np.int64)
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2))
    watch = watched(module, nn.CrossEntropyLoss(), 2, rows=(images, labels))
    case = dr.examine(watch, images, labels).case
    assert case.data.mean == pytest.approx([0, 50, 0], abs=0.1)
    assert case.layers[0].kind == "convolution"
    assert case.layers[0].inputs == 27
    assert case.layers[1].units == 4


def test_codes_of_an_embedding_stay_whole():
    class Bag(nn.Module):
        def __init__(self):
            super().__init__()
            self.table, self.out = nn.Embedding(10, 6), nn.Linear(6, 2)

        def forward(self, x):
            return self.out(self.table(x).mean(dim=1))

    codes = RNG.integers(0, 10, (200, 5))
    labels = (codes.mean(axis=1) > 4.5).astype(np.int64)
    watch = watched(Bag(), nn.CrossEntropyLoss(), 30, 0.05, rows=(codes, labels))
    case = dr.examine(watch, codes, labels).case
    assert case.scores.train > 0.9
    assert [layer.kind for layer in case.layers] == ["embedding", "dense"]


def test_predicting_leaves_every_part_in_its_mode():
    module = a_classifier()
    watch = watched(module, nn.CrossEntropyLoss(), 1)
    module.train()
    module[1].eval()
    watch.predict(X[:5])
    assert module.training
    assert not module[1].training
    assert module[3].training


def test_modules_of_many_kinds_have_facts():
    class Many(nn.Module):
        def __init__(self):
            super().__init__()
            self.attend = nn.MultiheadAttention(8, 2, batch_first=True)
            self.norm, self.gate = nn.GroupNorm(2, 8), nn.PReLU()
            self.out = nn.Sequential(nn.Softplus(beta=2.0), nn.LazyLinear(2), nn.Softmax(dim=1))

        def forward(self, x):
            x, _ = self.attend(x, x, x)
            return self.out(self.gate(self.norm(x.mean(dim=1))))

    module, x = Many(), torch.randn(16, 5, 8)
    module(x)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    watch = dr.watch_torch(module, optimizer)
    (module(x) ** 2).sum().backward()
    optimizer.step()
    watch.end_epoch(1.0)
    case = dr.examine(watch, x.numpy(), np.zeros((16, 2)) + np.arange(16)[:, None]).case
    found = {layer.name: (layer.kind, layer.activation) for layer in case.layers}
    assert found == {
        "attend": ("multiheadattention", ""),
        "norm": ("groupnorm", ""),
        "gate": ("channel_activation", ""),
        "out.0": ("activation", "softplus"),
        "out.1": ("dense", ""),
        "out.2": ("activation", "softmax"),
    }
    assert case.output_activation == "softmax"
    assert np.isfinite(case.end["gradient_rms"][0, [0, 1, 2, 4]]).all()


@pytest.mark.parametrize("shape", [(80, 6), (80, 6, 5)])
def test_stale_statistics_of_batch_normalisation_are_found(shape):
    x = (3 * np.random.default_rng(0).normal(size=shape) + 2).astype(np.float32)
    norm = nn.BatchNorm1d(6, momentum=1e-6)
    module = nn.Sequential(norm, nn.Flatten(), nn.Linear(x[0].size, 2))
    optimizer, loss = torch.optim.SGD(module.parameters(), lr=1e-3), nn.CrossEntropyLoss()
    with dr.watch_torch(module, optimizer, loss) as watch:
        value = loss(module(torch.tensor(x)), torch.tensor(LABELS[:80]))
        value.backward()
        optimizer.step()
        watch.end_epoch(value.item())
    rows = x.swapaxes(1, -1).reshape(-1, 6)
    wanted = np.sqrt(np.mean(rows.mean(axis=0) ** 2 + (rows.std(axis=0) - 1) ** 2))
    case = dr.examine(watch, x, LABELS[:80]).case
    assert case.stale == {"0": pytest.approx(wanted, rel=1e-3)}
    assert not norm._forward_pre_hooks


def test_predictions_and_targets_of_unlike_shapes_are_named():
    module, loss = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 1)), nn.MSELoss()
    optimizer = torch.optim.Adam(module.parameters(), lr=0.01)
    inputs, numbers = torch.tensor(X), torch.tensor(X[:, 0])

    def trained(wanted):
        with dr.watch_torch(module, optimizer, loss) as watch, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for _ in range(3):
                optimizer.zero_grad()
                value = loss(module(inputs), wanted)
                value.backward()
                optimizer.step()
                watch.end_epoch(value.item())
        return dr.examine(watch, X, X[:, 0])

    found = trained(numbers)
    assert found.findings[0].code == "wrong_loss"
    assert "(600, 1) with targets of shape (600,)" in found.explain()
    assert "squeeze" in found.explain("zh")
    assert "wrong_loss" not in trained(numbers[:, None])


def test_predictions_that_are_not_finite_have_no_score():
    module = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 2))
    watch = watched(module, nn.CrossEntropyLoss(), 2)
    with torch.no_grad():
        module[2].weight.fill_(torch.nan)
    case = dr.examine(watch, X, LABELS).case
    assert np.isnan(case.scores.train)


# ---- what is refused


def test_what_is_no_module_is_refused():
    module = nn.Linear(2, 2)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    with pytest.raises(TypeError, match="takes a torch.nn.Module .* met str and SGD"):
        dr.watch_torch("module", optimizer)
    with pytest.raises(TypeError, match="met Linear and list"):
        dr.watch_torch(module, [])
    with pytest.raises(TypeError, match="loss must be a loss module .* met function"):
        dr.watch_torch(module, optimizer, nn.functional.cross_entropy)
    with pytest.raises(ValueError, match="every must be an integer >= 1; met 0"):
        dr.watch_torch(module, optimizer, every=0)
    others = torch.optim.SGD(nn.Linear(2, 2).parameters(), lr=0.1)
    with pytest.raises(ValueError, match="The optimizer has none of the weights"):
        dr.watch_torch(module, others)
    with pytest.raises(ValueError, match="The watch has seen no epoch"):
        dr.examine(dr.watch_torch(module, optimizer), X, LABELS)


def test_without_torch_the_extra_is_named():
    code = """
import deltarule as dr
import deltarule.examination._torch as watching
watching.find_spec = lambda name: None
try:
    dr.watch_torch(None, None)
except ModuleNotFoundError as error:
    print(error)
"""
    done = run_python(code)
    assert done.stdout.strip() == "watch_torch needs PyTorch: pip install 'deltarule[torch]'."


def test_examining_imports_no_torch():
    code = """
import sys, warnings
warnings.simplefilter("ignore")
import numpy as np, deltarule as dr
x = np.random.default_rng(0).normal(size=(40, 2))
dr.examine(dr.MLPRegressor(max_iter=2), x, x[:, 0])
print("torch" in sys.modules)
"""
    assert run_python(code).stdout.strip() == "False"
