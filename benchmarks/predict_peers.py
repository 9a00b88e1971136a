"""Ways to predict classes with the same weights: from an array of rows to an array of labels.

A way is a function (model, rows) -> predict, prepared for that number of rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jobs import Array, Layers

Predict = Callable[[Array], Any]
BLOCK = 1000  # rows that pass through all layers while they are in the cache


@dataclass(frozen=True)
class Model:
    """Trained layers, and the estimator they come from."""

    layers: Layers
    estimator: Any
    threads: int

    @property
    def sizes(self) -> tuple[int, ...]:
        return (self.layers[0][0].shape[0], *(len(b) for _, b in self.layers))

    @property
    def dtype(self) -> Any:
        return self.layers[0][0].dtype


def in_blocks(predict: Predict, rows: int) -> Predict:
    """Many rows block by block: faster than all at once wherever memory is the limit."""
    if rows <= BLOCK:
        return predict

    def by_block(X: Array) -> Array:
        labels = np.empty(len(X), np.int64)
        for start in range(0, len(X), BLOCK):
            labels[start : start + BLOCK] = predict(X[start : start + BLOCK])
        return labels

    return by_block


def ours(model: Model, rows: int) -> Predict:
    return model.estimator.predict


def frozen(model: Model, rows: int) -> Predict:
    return model.estimator.freeze().predict


def scikit_learn(model: Model, rows: int) -> Predict:
    from sklearn.neural_network import MLPClassifier

    X = np.zeros((10, model.sizes[0]), model.dtype)
    twin = MLPClassifier(model.sizes[1:-1], max_iter=1).fit(X, np.arange(10))
    twin.coefs_ = [w for w, _ in model.layers]
    twin.intercepts_ = [b for _, b in model.layers]
    return twin.predict


def numpy_blocks(model: Model, rows: int) -> Predict:
    block = min(rows, BLOCK)
    memory = [np.empty((block, n), model.dtype) for n in model.sizes[1:]]
    last = len(model.layers) - 1

    def predict(X: Array) -> Array:
        labels = np.empty(len(X), np.int64)
        for start in range(0, len(X), block):
            x = X[start : start + block]
            for k, (w, b) in enumerate(model.layers):
                x = np.dot(x, w, out=memory[k][: len(x)])
                x += b
                if k < last:
                    np.maximum(x, 0, out=x)
            x.argmax(1, out=labels[start : start + block])
        return labels

    return predict


def torch_module(model: Model) -> Any:
    import torch

    modules: list[Any] = []
    for w, b in model.layers:
        linear = torch.nn.Linear(*w.shape, dtype=torch.from_numpy(w).dtype)
        linear.weight.data = torch.from_numpy(w.T.copy())
        linear.bias.data = torch.from_numpy(b.copy())
        modules += [linear, torch.nn.ReLU()]
    torch.set_num_threads(model.threads)
    return torch.nn.Sequential(*modules[:-1]).eval()


def torch_eager(model: Model, rows: int) -> Predict:
    import torch

    net = torch_module(model)

    @torch.inference_mode()
    def predict(X: Array) -> Array:
        return net(torch.from_numpy(X)).argmax(1).numpy()

    return in_blocks(predict, rows)


def torch_jit(model: Model, rows: int) -> Predict:
    import torch

    kind = torch.from_numpy(model.layers[0][0]).dtype
    example = torch.zeros(min(rows, BLOCK), model.sizes[0], dtype=kind)
    with torch.no_grad():
        traced = torch.jit.freeze(torch.jit.trace(torch_module(model), example))

    @torch.inference_mode()
    def predict(X: Array) -> Array:
        return traced(torch.from_numpy(X)).argmax(1).numpy()

    return in_blocks(predict, rows)


def jax_jit(model: Model, rows: int) -> Predict:
    import jax

    layers = [(jax.numpy.asarray(w), jax.numpy.asarray(b)) for w, b in model.layers]

    @jax.jit
    def forward(x: Any) -> Any:
        for w, b in layers[:-1]:
            x = jax.nn.relu(x @ w + b)
        return (x @ layers[-1][0] + layers[-1][1]).argmax(1)

    return in_blocks(lambda X: np.asarray(forward(X)), rows)


def numba_loop(model: Model, rows: int) -> Predict:
    from predict_numba import labels_of

    layers, block = tuple(model.layers), min(rows, BLOCK)
    memory = tuple(np.empty((block, n), model.dtype) for n in model.sizes[1:])
    return lambda X: labels_of(X, layers, memory)


def onnx_runtime(model: Model, rows: int) -> Predict:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = model.threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(onnx_bytes(model), options, ["CPUExecutionProvider"])
    return in_blocks(lambda X: session.run(None, {"x": X})[0], rows)


def onnx_bytes(model: Model) -> bytes:
    """Gemm and Relu per layer, then ArgMax, as an ONNX file."""
    import onnx
    from onnx import parser

    kind = {"float32": "float", "float64": "double"}[str(model.dtype)]
    calls, x = [], "x"
    for k in range(len(model.layers)):
        calls.append(f"z{k} = Gemm({x}, w{k}, b{k})")
        x = f"z{k}"
        if k < len(model.layers) - 1:
            calls.append(f"a{k} = Relu({x})")
            x = f"a{k}"
    calls.append(f"y = ArgMax<axis = 1, keepdims = 0>({x})")
    head = '<ir_version: 9, opset_import: ["": 17]>'
    types = f"net ({kind}[N, {model.sizes[0]}] x) => (int64[N] y)"
    file = parser.parse_model(f"{head} {types} {{ {' '.join(calls)} }}")
    number = {"float": 1, "double": 11}[kind]
    for k, pair in enumerate(model.layers):
        for letter, a in zip("wb", pair, strict=True):
            tensor = onnx.TensorProto(name=f"{letter}{k}", dims=a.shape, data_type=number)
            tensor.raw_data = np.ascontiguousarray(a).tobytes()
            file.graph.initializer.append(tensor)
    onnx.checker.check_model(file)
    return file.SerializeToString()
