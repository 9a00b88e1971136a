"""Layers beside the PyTorch modules that are equivalent to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from deltarule.layers import (
    GRU,
    LSTM,
    Activation,
    AveragePool,
    BatchNorm,
    Columns,
    Concatenate,
    Conv1D,
    Conv2D,
    Dense,
    Embedding,
    Flatten,
    GlobalPool,
    Layer,
    LayerNorm,
    MaxPool,
    ParametricActivation,
    PeriodicEmbedding,
    PReLU,
    Residual,
    RMSNorm,
    Scale,
    SimpleRNN,
)


class Case(NamedTuple):
    """Layers, the PyTorch modules by the same names, and how those compute.

    ``forward`` reads the modules, the rows, and the learned initial states by name.
    """

    shape: tuple[int, ...]
    layers: list[Layer]
    modules: Callable[[Any], dict[str, Any]]
    forward: Callable[[Any, Any, dict[str, Any]], Any]
    training: bool = True
    codes: int = 0  # the rows are so many codes
    classes: int = 0  # cross-entropy of so many classes instead of squared errors


def channels_first(x):
    return x.movedim(-1, 1)


def channels_last(x):
    return x.movedim(1, -1)


def rows_of(layer, make, *, name=None, shape=(6,), **options) -> Case:
    """A layer over the last axis, as in PyTorch."""
    name = name or f"{layer.kind}_1"
    return Case(shape, [layer], lambda nn: {name: make(nn)}, lambda m, x, _: m[name](x), **options)


def images_of(layer, make, *, name=None, shape=(7, 6, 3), **options) -> Case:
    """A layer that is channels first in PyTorch."""
    name = name or f"{layer.kind}_1"

    def forward(m, x, _):
        return channels_last(m[name](channels_first(x)))

    return Case(shape, [layer], lambda nn: {name: make(nn)}, forward, **options)


def pooled(layer, compute, shape=(7, 6, 3)) -> Case:
    """A layer without weights; ``compute`` reads torch.nn and what is channels first."""

    def forward(m, x, _):
        from torch import nn

        y = compute(nn, channels_first(x))
        return channels_last(y) if y.ndim > 2 else y

    return Case(shape, [layer], lambda nn: {}, forward)


def recurrent(layer, module, **options) -> Case:
    name = f"{layer.kind}_1"

    def modules(nn):
        both = layer.bidirectional
        return {name: getattr(nn, module)(4, 5, batch_first=True, bidirectional=both, **options)}

    def forward(m, x, states):
        return run_recurrent(m[name], x, layer, [states.get(name, {}).get(s) for s in STATES])

    return Case((6, 4), [layer], modules, forward)


STATES = ("h_0", "h_0_reverse", "c_0", "c_0_reverse")


def run_recurrent(module, x, layer, states=(None,) * 4):
    """What a recurrent module gives: all steps, or the last state of either way."""
    import torch

    given = []
    for both in (states[:2], states[2:]):
        learned = [s for s in both if s is not None]
        if learned:
            given.append(torch.stack(learned)[:, None].expand(-1, len(x), -1).contiguous())
    start = tuple(given) if len(given) == 2 else (given or [None])[0]
    steps, end = module(x, start)
    if layer.return_sequences:
        return steps
    end = end[0] if layer.kind == "lstm" else end
    return end.movedim(0, 1).flatten(1)


def recurrent_cases():
    kinds = {"LSTM": (LSTM, {}), "GRU": (GRU, {}), "RNN": (SimpleRNN, {})}
    for module, (layer, fields) in kinds.items():
        for both in (False, True):
            for steps in (False, True):
                ways = "both ways" if both else "one way"
                shape = {"bidirectional": both, "return_sequences": steps}
                words = f"{module} {ways} {'all steps' if steps else 'last state'}"
                yield words, recurrent(layer(5, **shape, **fields), module)
            learns = layer(5, bidirectional=both, initial_state="learned")
            yield f"{module} {ways} learned state", recurrent(learns, module)
    relu = SimpleRNN(5, return_sequences=True, activation="relu")
    yield "RNN relu", recurrent(relu, "RNN", nonlinearity="relu")


def conv2d(**fields) -> Case:
    """A two-dimensional convolution with 4 filters; the names of fields are PyTorch's."""
    ours = {"kernel_size": "kernel"}
    layer = Conv2D(4, **{ours.get(name, name): value for name, value in fields.items()})
    return images_of(layer, lambda nn: nn.Conv2d(3, 4, **fields))


def conv1d(**fields) -> Case:
    ours = {"kernel_size": "kernel"}
    layer = Conv1D(4, **{ours.get(name, name): value for name, value in fields.items()})
    return images_of(layer, lambda nn: nn.Conv1d(3, 4, **fields), shape=(11, 3))


# ---- whole networks -----------------------------------------------------------------------------


def residual_block() -> Case:
    layers = [Residual([Dense(5), LayerNorm(), Activation("relu"), Dense(4)], activation="tanh")]

    def modules(nn):
        block = {"dense_1": nn.Linear(6, 5), "layer_norm_1": nn.LayerNorm(5)}
        beside = {"dense_2": nn.Linear(5, 4), "projection": nn.Linear(6, 4, bias=False)}
        return {"residual_1": {**block, **beside}}

    def forward(m, x, _):
        b = m["residual_1"]
        branch = b["dense_2"](b["layer_norm_1"](b["dense_1"](x)).relu())
        return (branch + b["projection"](x)).tanh()

    return Case((6,), layers, modules, forward)


def conv_net() -> Case:
    layers = [
        Conv2D(4, bias=False, padding=1),
        BatchNorm(),
        Activation("relu"),
        MaxPool(2),
        Residual([Conv2D(4, padding="same"), PReLU()]),
        Flatten(),
        Dense(8, activation="tanh"),
        Dense(3),
    ]

    def modules(nn):
        return {
            "conv2d_1": nn.Conv2d(2, 4, 3, padding=1, bias=False),
            "batch_norm_1": nn.BatchNorm2d(4),
            "residual_1": {"conv2d_1": nn.Conv2d(4, 4, 3, padding=1), "prelu_1": nn.PReLU(4)},
            "dense_1": nn.Linear(4 * 3 * 4, 8),
            "dense_2": nn.Linear(8, 3),
        }

    def forward(m, x, _):
        from torch.nn.functional import max_pool2d

        y = max_pool2d(m["batch_norm_1"](m["conv2d_1"](channels_first(x))).relu(), 2)
        b = m["residual_1"]
        y = y + b["prelu_1"](b["conv2d_1"](y))
        return m["dense_2"](m["dense_1"](y.flatten(1)).tanh())

    return Case((6, 8, 2), layers, modules, forward, classes=3)


def flattened_branches() -> Case:
    """Two flattened images side by side; what is between them and a Dense layer is reordered."""
    layers = [
        Concatenate([[Conv2D(2), Flatten()], [MaxPool(2), Flatten()], [GlobalPool()]]),
        LayerNorm(),
        PReLU(),
        BatchNorm(),
        Dense(3),
    ]
    width = 3 * 4 * 2 + 2 * 3 * 2 + 2

    def modules(nn):
        between = {
            "layer_norm_1": nn.LayerNorm(width),
            "prelu_1": nn.PReLU(width),
            "batch_norm_1": nn.BatchNorm1d(width),
        }
        return {
            "concatenate_1": {"conv2d_1": nn.Conv2d(2, 2, 3)},
            **between,
            "dense_1": nn.Linear(width, 3),
        }

    def forward(m, x, _):
        import torch

        x = channels_first(x)
        pooled = torch.nn.functional.max_pool2d(x, 2).flatten(1)
        branches = [m["concatenate_1"]["conv2d_1"](x).flatten(1), pooled, x.mean((2, 3))]
        y = torch.cat(branches, dim=1)
        for name in ("layer_norm_1", "prelu_1", "batch_norm_1", "dense_1"):
            y = m[name](y)
        return y

    return Case((5, 6, 2), layers, modules, forward, training=False)


def flattened_steps(layer, width, make, forward) -> Case:
    """All steps of a layer side by side, and a Dense layer."""
    name = f"{layer.kind}_1"
    return Case(
        (6, 4),
        [layer, Activation("tanh"), Flatten(), Dense(3)],
        lambda nn: {name: make(nn), "dense_1": nn.Linear(width, 3)},
        lambda m, x, _: m["dense_1"](forward(m[name], x).tanh().flatten(1)),
    )


def parameters_of(nn, **shapes):
    """Arrays by name, as an own module of PyTorch has them."""
    import torch

    return nn.ParameterDict({name: torch.empty(shape) for name, shape in shapes.items()})


def waves_of(arrays, x):
    """x, cos(2 pi x w + b) V + c of every column."""
    import torch

    angles = 2 * torch.pi * x[..., None] * arrays["frequency"] + arrays["phase"]
    z = torch.einsum("...cf,cfu->...cu", angles.cos(), arrays["weight"]) + arrays["bias"]
    return torch.cat([x[..., None], z], dim=-1).flatten(-2)


def table(columns=6) -> Case:
    """The layers of tables in front of a Dense layer."""
    layers = [
        Concatenate([[Columns(0, 2)], [Columns(2, columns - 2), PeriodicEmbedding(5, 2)]]),
        *(Scale(), Dense(4), ParametricActivation("selu")),
    ]
    waved, width = columns - 2, 2 + 3 * (columns - 2)

    def modules(nn):
        waves = {"frequency": (waved, 5), "phase": (waved, 5), "weight": (waved, 5, 2)}
        return {
            "concatenate_1": {"periodic_embedding_1": parameters_of(nn, **waves, bias=(waved, 2))},
            "scale_1": parameters_of(nn, weight=(width,)),
            "dense_1": nn.Linear(width, 4),
            "parametric_activation_1": parameters_of(nn, blend=(4,)),
        }

    def forward(m, x, _):
        import torch

        waves = waves_of(m["concatenate_1"]["periodic_embedding_1"], x[:, 2:])
        z = m["dense_1"](m["scale_1"]["weight"] * torch.cat([x[:, :2], waves], dim=1))
        return z + m["parametric_activation_1"]["blend"] * (torch.nn.functional.selu(z) - z)

    return Case((columns,), layers, modules, forward)


def waves_of_flattened_image() -> Case:
    layers = [Conv2D(2, 2), Flatten(), Scale(), PeriodicEmbedding(3, 2), Dense(3)]
    size = 2 * 3 * 2

    def modules(nn):
        waves = {"frequency": (size, 3), "phase": (size, 3), "weight": (size, 3, 2)}
        return {
            "conv2d_1": nn.Conv2d(1, 2, 2),
            "scale_1": parameters_of(nn, weight=(size,)),
            "periodic_embedding_1": parameters_of(nn, **waves, bias=(size, 2)),
            "dense_1": nn.Linear(3 * size, 3),
        }

    def forward(m, x, _):
        y = m["scale_1"]["weight"] * m["conv2d_1"](channels_first(x)).flatten(1)
        return m["dense_1"](waves_of(m["periodic_embedding_1"], y))

    return Case((3, 4, 1), layers, modules, forward)


def lstm_classifier() -> Case:
    embedding, lstm = Embedding(9, 4), LSTM(5, bidirectional=True)

    def modules(nn):
        return {
            "embedding_1": nn.Embedding(9, 4),
            "lstm_1": nn.LSTM(4, 5, batch_first=True, bidirectional=True),
            "dense_1": nn.Linear(10, 3),
        }

    def forward(m, x, _):
        return m["dense_1"](run_recurrent(m["lstm_1"], m["embedding_1"](x), lstm))

    return Case((6,), [embedding, lstm, Dense(3)], modules, forward, codes=9, classes=3)


CASES = {
    "dense": rows_of(Dense(5), lambda nn: nn.Linear(6, 5)),
    "dense over steps": rows_of(Dense(5), lambda nn: nn.Linear(4, 5), shape=(3, 4)),
    "dense without bias": rows_of(Dense(5, bias=False), lambda nn: nn.Linear(6, 5, bias=False)),
    "layer norm": rows_of(LayerNorm(epsilon=1e-3), lambda nn: nn.LayerNorm(6, eps=1e-3)),
    "rms norm": rows_of(RMSNorm(epsilon=1e-3), lambda nn: nn.RMSNorm(6, eps=1e-3)),
    **{
        f"batch norm {mode}{words}": case(
            BatchNorm(epsilon=1e-3), make, shape=shape, training=mode == "training"
        )
        for mode in ("training", "inference")
        for words, case, make, shape in [
            ("", rows_of, lambda nn: nn.BatchNorm1d(6, eps=1e-3), (6,)),
            (" of steps", images_of, lambda nn: nn.BatchNorm1d(3, eps=1e-3), (5, 3)),
            (" of images", images_of, lambda nn: nn.BatchNorm2d(3, eps=1e-3), (4, 5, 3)),
        ]
    },
    **dict(recurrent_cases()),
    "conv1d": conv1d(kernel_size=3),
    "conv1d strided": conv1d(kernel_size=4, stride=3, padding=2),
    "conv1d dilated": conv1d(kernel_size=3, dilation=3, padding="same"),
    "conv2d": conv2d(kernel_size=(3, 2)),
    "conv2d strided": conv2d(kernel_size=3, stride=(2, 3), padding=(1, 2)),
    "conv2d dilated": conv2d(kernel_size=(2, 3), dilation=(3, 2), bias=False),
    "conv2d same": conv2d(kernel_size=(2, 3), padding="same"),
    "max pool": pooled(MaxPool(2), lambda nn, x: nn.MaxPool2d(2)(x)),
    "max pool of steps": pooled(
        MaxPool(3, stride=2, padding=1), lambda nn, x: nn.MaxPool1d(3, 2, 1)(x), (9, 3)
    ),
    "max pool padded": pooled(
        MaxPool((3, 2), stride=(2, 1), padding=(1, 1)),
        lambda nn, x: nn.MaxPool2d((3, 2), (2, 1), (1, 1))(x),
    ),
    "average pool": pooled(
        AveragePool(3, stride=2, padding=1),
        lambda nn, x: nn.AvgPool2d(3, 2, 1, count_include_pad=False)(x),
    ),
    "average pool of steps": pooled(
        AveragePool(2, padding=1),
        lambda nn, x: nn.AvgPool1d(2, 2, 1, count_include_pad=False)(x),
        (9, 3),
    ),
    "global average": pooled(GlobalPool(), lambda nn, x: x.mean((2, 3))),
    "global maximum": pooled(GlobalPool("max"), lambda nn, x: x.amax((2, 3))),
    "embedding": rows_of(Embedding(9, 4), lambda nn: nn.Embedding(9, 4), codes=9),
    "prelu": rows_of(PReLU(), lambda nn: nn.PReLU(6)),
    "prelu of images": images_of(PReLU(), lambda nn: nn.PReLU(3)),
    "prelu of a layer": rows_of(Activation("prelu"), lambda nn: nn.PReLU()),
    "glu": rows_of(Activation("glu"), lambda nn: nn.GLU()),
    "glu of images": images_of(Activation("glu"), lambda nn: nn.GLU(dim=1), shape=(3, 2, 4)),
    "residual block": residual_block(),
    "convolutional net": conv_net(),
    "flattened branches": flattened_branches(),
    "flattened convolution": flattened_steps(
        Conv1D(5),
        4 * 5,
        lambda nn: nn.Conv1d(4, 5, 3),
        lambda module, x: module(channels_first(x)),
    ),
    "flattened lstm": flattened_steps(
        LSTM(5, return_sequences=True),
        6 * 5,
        lambda nn: nn.LSTM(4, 5, batch_first=True),
        lambda module, x: module(x)[0],
    ),
    "lstm classifier": lstm_classifier(),
    "table": table(),
    "waves of a flattened image": waves_of_flattened_image(),
}
