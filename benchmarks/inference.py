"""Time of one call that turns an array of rows into class labels, by number of rows."""

from __future__ import annotations

from typing import Any

import common
import numpy as np
from apart import Absent, Options, load, selected
from jobs import NETS, Array, digits
from predict_peers import Model, Predict
from records import Table

PEERS = {
    "deltarule": "predict_peers.ours",
    "deltarule frozen": "predict_peers.frozen",
    "scikit-learn": "predict_peers.scikit_learn",
    "onnxruntime": "predict_peers.onnx_runtime",
    "NumPy": "predict_peers.numpy_blocks",
    "PyTorch eager": "predict_peers.torch_eager",
    "PyTorch traced": "predict_peers.torch_jit",
    "JAX jit": "predict_peers.jax_jit",
    "numba": "predict_peers.numba_loop",
}
ROWS = [1, 32, 1000, 100_000]
DEFAULT_NETS = ["64", "100", "256x256"]
SECONDS = 0.01  # of one timing; at least a call


def trained(X: Array, y: Array, hidden: tuple[int, ...], threads: int) -> Model:
    from deltarule import MLPClassifier

    estimator = MLPClassifier(hidden, max_iter=10, random_state=0).fit(X, y)
    layers = [
        (np.ascontiguousarray(w), np.ascontiguousarray(b))
        for w, b in zip(estimator.coefs_, estimator.intercepts_, strict=True)
    ]
    return Model(layers, estimator, threads)


def ready(
    peers: dict[str, str], model: Model, X: Array, absent: Absent
) -> dict[str, tuple[Predict, int]]:
    """The peers that run here and agree, each with the calls of one timing."""
    found: dict[str, tuple[Predict, int]] = {}
    expected = model.estimator.predict(X)
    for name, where in peers.items():
        if name in absent.names:
            continue
        try:
            predict: Predict = load(where)(model, len(X))
            if np.mean(predict(X) == expected) < 0.999:
                raise ValueError("other labels than deltarule's")
        except Exception as error:
            absent.report(name, error)
            continue
        once = common.timed(lambda predict=predict: predict(X))()
        found[name] = predict, min(2000, max(1, round(SECONDS / once)))
    return found


def repeat(predict: Predict, X: Array, calls: int) -> None:
    for _ in range(calls):
        predict(X)


def tables(options: Options) -> list[Table]:
    X, y = digits(options.dtype)
    many = np.ascontiguousarray(np.resize(X, (max(ROWS), X.shape[1])))
    peers, absent = selected(PEERS, options), Absent()
    if not can_freeze():
        peers.pop("deltarule frozen", None)
    table = Table(f"Prediction, {options.words}", "microseconds", 1e6, list(peers))
    for net in options.nets or DEFAULT_NETS:
        model = trained(X, y, NETS[net], options.threads)
        for rows in ROWS:
            found = ready(peers, model, many[:rows], absent)
            table.add(
                f"digits {net}, {rows} row{'s' * (rows > 1)}",
                timings(found, many[:rows], options.rounds),
            )
    return [table]


def timings(found: dict[str, tuple[Predict, int]], X: Array, rounds: int) -> dict[str, Any]:
    cases = {
        name: common.timed(lambda predict=predict, n=n: repeat(predict, X, n), n)
        for name, (predict, n) in found.items()
    }
    return common.interleaved(cases, rounds)


def can_freeze() -> bool:
    from deltarule import MLPClassifier

    return hasattr(MLPClassifier, "freeze")
