"""Trainers with an estimator's interface: deltarule, scikit-learn, skorch, Keras on JAX."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
from jobs import EPSILON, RATE, Job, Layers, Train


def fit(classifier: Any, regressor: Any, job: Job, **more: Any) -> Train:
    """Train by `fit` of a multilayer perceptron with scikit-learn's parameters."""
    estimator = classifier if job.classes else regressor
    settings = {
        "hidden_layer_sizes": job.hidden,
        "activation": "relu",
        "batch_size": job.batch,
        "learning_rate_init": RATE,
        "epsilon": EPSILON,
        "alpha": 0.0,
        "tol": 0.0,
        "n_iter_no_change": 10**9,
        "random_state": 0,
        **more,
    }

    def train(epochs: int) -> Layers:
        model = estimator(max_iter=epochs, **settings).fit(job.X, job.y)
        return list(zip(model.coefs_, model.intercepts_, strict=True))

    return train


def ours(job: Job) -> Train:
    from deltarule import MLPClassifier, MLPRegressor

    return fit(MLPClassifier, MLPRegressor, job)


def scikit_learn(job: Job) -> Train:
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    return fit(MLPClassifier, MLPRegressor, job)


class Batches:
    """Whole batches of a data set in memory: skorch's own loader collects them row by row."""

    def __init__(self, dataset: Any, batch_size: int, **_: Any) -> None:
        import torch

        self.X, self.y = torch.as_tensor(dataset.X), torch.as_tensor(dataset.y)
        self.batch = batch_size

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        import torch

        for part in torch.randperm(len(self.X)).split(self.batch):
            yield self.X[part], self.y[part]


def skorch_net(job: Job) -> Train:
    import torch
    from skorch import NeuralNetClassifier, NeuralNetRegressor
    from train_torch import layers_of, sequential

    class Net(torch.nn.Module):  # skorch makes the module anew for every fit
        def __init__(self) -> None:
            super().__init__()
            self.layers = sequential(job)

        def forward(self, X: Any) -> Any:
            return self.layers(X)

    torch.set_num_threads(job.threads)
    kind = NeuralNetClassifier if job.classes else NeuralNetRegressor
    loss = torch.nn.CrossEntropyLoss if job.classes else torch.nn.MSELoss
    y = job.y if job.classes else job.targets

    def train(epochs: int) -> Layers:
        net = kind(
            Net,
            criterion=loss,
            optimizer=torch.optim.Adam,
            optimizer__fused=True,
            lr=RATE,
            batch_size=job.batch,
            max_epochs=epochs,
            iterator_train=Batches,
            train_split=None,
            verbose=0,
            callbacks__print_log=None,
        )
        return layers_of(net.fit(job.X, y).module_.layers)

    return train


def keras_jax(job: Job) -> Train:
    os.environ["KERAS_BACKEND"] = "jax"
    import keras

    keras.config.set_floatx(str(job.X.dtype))
    hidden = [keras.layers.Dense(n, activation="relu") for n in job.hidden]
    model = keras.Sequential(
        [keras.Input((job.X.shape[1],)), *hidden, keras.layers.Dense(job.sizes[-1])]
    )
    loss = (
        keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        if job.classes
        else keras.losses.MeanSquaredError()
    )
    optimizer = keras.optimizers.Adam(RATE, epsilon=EPSILON)
    calls = min(job.steps, 64)  # the steps between two looks at the callbacks
    model.compile(optimizer=optimizer, loss=loss, jit_compile=True, steps_per_execution=calls)
    optimizer.build(model.trainable_variables)
    model.set_weights([a for pair in job.initial_layers() for a in pair])
    variables = [*model.variables, *optimizer.variables]
    start = [np.array(v) for v in variables]
    X = keras.ops.convert_to_tensor(job.X)  # faster than NumPy's arrays
    y = keras.ops.convert_to_tensor(job.y if job.classes else job.targets)

    def train(epochs: int) -> Layers:
        for variable, value in zip(variables, start, strict=True):
            variable.assign(value)
        model.fit(X, y, batch_size=job.batch, epochs=epochs, shuffle=True, verbose=0)
        arrays = model.get_weights()
        return list(zip(arrays[::2], arrays[1::2], strict=True))

    return train
