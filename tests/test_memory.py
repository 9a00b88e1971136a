"""A step of training takes the memory that the summary of a network says."""

from __future__ import annotations

import pytest
from fresh import peak_of

BEFORE = """
import numpy as np
import deltarule as dr
from deltarule.layers import *

shape, layers, batch, threads = eval(sys.argv[1])
rng = np.random.default_rng(0)
X = rng.random((2 * batch, *shape), np.float32)
y = rng.integers(0, 4, 2 * batch)
warm = dr.Network([Dense(4)], "softmax_cross_entropy")  # what is loaded at the first use
warm.fit(X[:8].reshape(8, -1), y[:8], epochs=1, n_jobs=threads)
net = dr.Network([*layers, Dense(4)], "softmax_cross_entropy", input_shape=shape)
print(net.summary(batch, n_jobs=threads).training_bytes)
"""
MEASURED = "net.fit(X, y, epochs=1, batch_size=batch, n_jobs=threads)"

CASES = {
    "dense": ((500,), "[Dense(2000, activation='relu'), BatchNorm(), Dropout(0.5)]", 3000, 2),
    "images": (
        (28, 28, 1),
        "[Conv2D(32, 3, activation='relu'), Conv2D(64, 3, activation='relu'), MaxPool(2), "
        "Flatten()]",
        64,
        1,
    ),
    "sequences": ((80, 20), "[LSTM(128, return_sequences=True), GRU(96)]", 200, 2),
    "table": (
        (60,),
        "[PeriodicEmbedding(), Scale(), Dense(200), ParametricActivation('selu')]",
        3000,
        2,
    ),
    "residual": ((400,), "[Residual([LayerNorm(), Dense(400)]) for _ in range(30)]", 1500, 1),
}


@pytest.mark.parametrize("name", CASES)
def test_training_takes_the_memory_that_the_summary_says(name):
    shape, layers, batch, threads = CASES[name]
    said, took = peak_of(BEFORE, MEASURED, f"({shape}, {layers}, {batch}, {threads})")
    assert said > 30e6
    assert took == pytest.approx(said, rel=0.1)
