"""Trainings that stop anywhere, and go on as if they had not."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

import deltarule as dr
from deltarule.files import ModelFileError
from deltarule.layers import (
    GRU,
    LSTM,
    Activation,
    AlphaDropout,
    BatchNorm,
    Conv1D,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    GlobalPool,
    LayerNorm,
    MaxPool,
    PReLU,
    Residual,
    SimpleRNN,
)

RNG = np.random.default_rng(0)
TABLE = RNG.normal(size=(150, 6))
SERIES = RNG.normal(size=(150, 9, 3))
IMAGES = RNG.normal(size=(150, 8, 8, 2))
CODES = RNG.integers(0, 7, (150, 5))
Y = RNG.integers(0, 3, 150)

NETWORKS = {
    "dense": (TABLE, [Dense(20, activation="prelu"), BatchNorm(), Dropout(0.3)]),
    "residual": (TABLE, [Residual([LayerNorm(), Dense(6), PReLU()]), AlphaDropout(0.1)]),
    "recurrent": (SERIES, [LSTM(7, return_sequences=True), GRU(6, bidirectional=True)]),
    "plain recurrent": (SERIES, [SimpleRNN(7, initial_state="learned"), Activation("swish")]),
    "images": (IMAGES, [Conv2D(6, 3, max_norm=1.0), BatchNorm(), MaxPool(2), GlobalPool()]),
    "sequences": (SERIES, [Conv1D(6, 3, l1=1e-3), GlobalPool("max")]),
    "embedding": (CODES, [Embedding(7, 4), LSTM(5, truncate=2)]),
}
FITS = {
    "adam": {"grad_clip_norm": 0.5, "learning_rate": dr.schedules.Cosine(0.02, 6)},
    "sgd": {"solver": "sgd", "learning_rate": 0.01, "accumulate": 3, "grad_clip_value": 0.05},
    "ema": {"ema": 0.9},
    "swa": {"swa_from": 1},
}


def network(layers, dtype):
    return dr.Network([*layers, Dense(3)], "softmax_cross_entropy", dtype=dtype, seed=5)


def same(a, b):
    """Whether two networks are the same to the bit."""
    x, y = a.weights(), b.weights()
    return x.keys() == y.keys() and all(x[k].tobytes() == y[k].tobytes() for k in x)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("how", FITS)
def test_a_resumed_training_is_the_whole_one_to_the_bit(kind, how, dtype, tmp_path):
    x, layers = NETWORKS[kind]
    path = tmp_path / "run.ckpt"
    whole = network(layers, dtype).fit(x, Y, epochs=6, batch_size=32, n_jobs=1, **FITS[how])
    part = network(layers, dtype)
    part.fit(
        x,
        Y,
        epochs=6,
        batch_size=32,
        n_jobs=2,
        checkpoint=path,
        callback=lambda history: len(history) == 2,
        **FITS[how],
    )
    loaded = dr.Network.load_checkpoint(path)
    assert len(loaded.history_) == 2
    for again in (loaded, part):
        again.resume(x, Y, epochs=6, n_jobs=3)
        assert same(again, whole)
        assert again.history_.loss.tolist() == whole.history_.loss.tolist()
        np.testing.assert_array_equal(again.predict(x), whole.predict(x))


def test_a_function_as_schedule_must_be_given_again(tmp_path):
    path = tmp_path / "run.ckpt"
    x, layers = NETWORKS["dense"]

    def rate(epoch):
        return 0.01 / (1 + epoch)

    whole = network(layers, "float32").fit(x, Y, epochs=4, learning_rate=rate)
    network(layers, "float32").fit(x, Y, epochs=2, learning_rate=rate, checkpoint=path)
    loaded = dr.Network.load_checkpoint(path)
    with pytest.raises(ValueError, match="give it again as learning_rate"):
        loaded.resume(x, Y, epochs=4)
    assert same(loaded.resume(x, Y, epochs=4, learning_rate=rate), whole)


def test_a_checkpoint_is_whole_or_refused(tmp_path):
    path = tmp_path / "run.ckpt"
    x, layers = NETWORKS["dense"]
    network(layers, "float32").fit(x, Y, epochs=1, checkpoint=path)
    data = path.read_bytes()
    for cut in (0, 7, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:cut])
        with pytest.raises(ModelFileError):
            dr.Network.load_checkpoint(path)
    path.write_bytes(data[:-5] + bytes([data[-5] ^ 1]) + data[-4:])
    with pytest.raises(ModelFileError):
        dr.Network.load_checkpoint(path)
    model = dr.MLPClassifier((3,), max_iter=200, random_state=0, tol=1).fit(x, Y)
    dr.save(model, path)
    with pytest.raises(ModelFileError, match="holds no network that was being trained"):
        dr.Network.load_checkpoint(path)


PROGRAM = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    import numpy as np
    import deltarule as dr
    from deltarule.layers import LSTM, BatchNorm, Dense, Dropout
    path, epochs = Path(sys.argv[1]), int(sys.argv[2])
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 6, 4)), rng.integers(0, 3, 300)
    if path.exists():
        net = dr.Network.load_checkpoint(path)
        begun = len(net.history_)
        net.resume(X, y, epochs=epochs, checkpoint=path)
    else:
        layers = [LSTM(12), BatchNorm(), Dropout(0.2), Dense(3)]
        net = dr.Network(layers, "softmax_cross_entropy", seed=1)
        begun = 0
        net.fit(X, y, epochs=epochs, batch_size=32, checkpoint=path, grad_clip_norm=1.0,
                learning_rate=dr.schedules.Cosine(0.01, epochs))
    digest = b"".join(w.tobytes() for w in net.weights().values())
    import hashlib
    print(begun, hashlib.sha256(digest).hexdigest())
    """
)


def run_program(path, epochs):
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(path), str(epochs)], stdout=subprocess.PIPE, text=True
    )


@pytest.mark.slow
def test_fifty_kills_at_random_moments_change_nothing(tmp_path):
    """SIGKILL in the middle of epochs and of writing; the newest checkpoint always loads."""
    epochs, path = 8000, tmp_path / "run.ckpt"
    undisturbed = run_program(tmp_path / "whole.ckpt", epochs)
    expected = undisturbed.communicate(timeout=900)[0].split()[1]
    moments, kills, before = random.Random(0), 0, 0
    while kills < 50:
        process = run_program(path, epochs)
        deadline = time.monotonic() + 60
        while not path.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.3 + moments.random() * 0.7)
        finished = process.poll() is not None
        os.kill(process.pid, signal.SIGKILL) if not finished else None
        process.communicate()
        net = dr.Network.load_checkpoint(path)
        done = len(net.history_)
        assert done >= before
        before = done
        kills += 1
        assert not finished, f"The training ended after {kills} kills: make it longer."
    last = run_program(path, epochs).communicate(timeout=900)[0].split()
    assert 0 < int(last[0]) < epochs
    assert last[1] == expected
