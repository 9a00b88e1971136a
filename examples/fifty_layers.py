"""Fifty layers: why a deep net does not learn, and what helps.

A net of 50 hidden layers of 64 units with the sigmoid, on scikit-learn's handwritten digits, stays
at 10 %: every sigmoid multiplies the slope by at most 1/4, and nothing of it reaches the first
layers.  Then each remedy by itself, all else being equal:

- ReLU, whose slope is 1 where it is not 0, together with weights of the right size (He et al.
  2015).  With the smaller weights of Glorot, ReLU does not help;
- batch normalisation before every sigmoid (Ioffe and Szegedy 2015);
- residual connections past every layer (He et al. 2016), the sigmoids being kept;
- tanh with orthogonal weights (Saxe et al. 2014), which keep the size of the slopes, or with LSUV
  (Mishkin and Matas 2016), which keeps the size of the values, so that the slopes grow.

The table and the picture show the accuracy on test digits and, before training, the root mean
square of the gradient of every layer's weights.

    python examples/fifty_layers.py --plot fifty_layers.png

takes about 20 seconds on one core.  With ``--rows 1347 --clip inf`` the last of the batches of 64
has three rows, whose mean and variance say little, and no gradient is held back: see what becomes
of the batch normalisation, and of no other net.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from drawing import COLOURS, add_plot_option, figure, legend_beside, plain, save
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import deltarule as dr
from deltarule.layers import Activation, BatchNorm, Dense, Layer, Residual

BATCH = 64
ROWS = 21 * BATCH  # three quarters, in whole batches
UNITS, CLASSES = 64, 10

Digits = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def plain_net(activation: str, init: str) -> Callable[[int], list[Layer]]:
    """Layers that follow each other."""

    def layers(depth: int) -> list[Layer]:
        hidden = [Dense(UNITS, init, activation) for _ in range(depth)]
        return [*hidden, Dense(CLASSES)]

    return layers


def normalised(depth: int) -> list[Layer]:
    """Every sum to mean 0 and variance 1 over the batch, then the sigmoid."""
    block = [Dense(UNITS, bias=False), BatchNorm(), Activation("sigmoid")]
    return [*block * depth, Dense(CLASSES)]


def residual(depth: int) -> list[Layer]:
    """X + sigmoid(x W + b); the first layer brings x to the right number of units."""
    block = Residual([Dense(UNITS, activation="sigmoid")])
    return [Dense(UNITS), *[block] * (depth - 1), Dense(CLASSES)]


NETS = {
    "sigmoid": plain_net("sigmoid", "glorot_uniform"),
    "ReLU, Glorot": plain_net("relu", "glorot_uniform"),
    "ReLU, He": plain_net("relu", "he_normal"),
    "sigmoid, batch norm": normalised,
    "sigmoid, residual": residual,
    "tanh, orthogonal": plain_net("tanh", "orthogonal"),
    "tanh, LSUV": plain_net("tanh", "lsuv"),
}


@dataclass(frozen=True)
class Result:
    """The gradients of a net before training, layer by layer, and what it then learned."""

    gradients: np.ndarray
    accuracy: float
    seconds: float


def digits(rows: int = ROWS) -> Digits:
    """Rows to train on and all others for the test, pixels between -1 and 1."""
    pixels, labels = load_digits(return_X_y=True)
    x, x_test, y, y_test = train_test_split(
        pixels / 8 - 1, labels, train_size=rows, stratify=labels, random_state=0
    )
    return x, y, x_test, y_test


def gradient_sizes(network: dr.Network, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Root mean square of the gradient of the weights, layer by layer."""
    gradients = network.backward(x, y).gradients
    return np.array(
        [np.sqrt(np.mean(g**2)) for name, g in gradients.items() if name.endswith(".weight")]
    )


def learn(
    name: str,
    data: Digits,
    *,
    depth: int = 50,
    epochs: int = 50,
    rate: float = 1e-3,
    clip: float = 1.0,
    seed: int = 0,
) -> Result:
    """Look at the first gradients of a net, then train it."""
    x, y, x_test, y_test = data
    start = time.perf_counter()
    network = dr.Network(  # in float32 there is nothing between 1e-45 and 0
        NETS[name](depth), loss="softmax_cross_entropy", dtype="float64", seed=seed
    )
    gradients = gradient_sizes(network, x[:BATCH], y[:BATCH])
    network.fit(
        x,
        y,
        epochs=epochs,
        batch_size=BATCH,
        learning_rate=dr.schedules.Cosine(rate, epochs),
        grad_clip_norm=clip,
        n_jobs=1,  # layers as small as these are not worth sharing
    )
    accuracy = float(np.mean(network.predict(x_test).argmax(axis=1) == y_test))
    return Result(gradients, accuracy, time.perf_counter() - start)


def print_table(results: dict[str, Result]) -> None:
    print(f"{'':<22}{'rms of the gradient of the weights':>34}")
    print(
        f"{'network':<22}{'first layer':>14}{'middle':>10}{'last':>10}{'accuracy':>12}{'time':>9}"
    )
    for name, result in results.items():
        g = result.gradients
        print(
            f"{name:<22}{g[0]:>14.1e}{g[len(g) // 2]:>10.1e}{g[-1]:>10.1e}"
            f"{result.accuracy:>12.1%}{result.seconds:>7.1f} s"
        )


def draw(results: dict[str, Result], path: Path) -> None:
    picture = figure(height=900)
    whole, close = picture.subplots(2, sharex=True, height_ratios=(3, 2))
    for (name, result), colour in zip(results.items(), COLOURS, strict=True):
        layers = np.arange(1, len(result.gradients) + 1)
        label = f"{name}: {result.accuracy:.0%}"
        for axes in (whole, close):
            axes.plot(layers, result.gradients, color=colour, linewidth=2.5, label=label)
    for axes in (whole, close):
        axes.set_yscale("log")
        axes.set_ylabel("root mean square of dL/dW")
        plain(axes)
    whole.set_title("What reaches the first layers of a deep net, before training")
    close.set_title("The same, enlarged: the nets that learn")
    close.set_ylim(2e-4, 20)
    close.set_xlabel("layer, from the pixels (1) to the classes")
    legend_beside(whole, "network: accuracy\nafter training")
    save(picture, path)


def arguments(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--depth", type=int, default=50, help="hidden layers (50)")
    parser.add_argument("--rows", type=int, default=ROWS, help=f"digits to train on ({ROWS})")
    parser.add_argument("--epochs", type=int, default=50, help="passes over them (50)")
    parser.add_argument("--rate", type=float, default=1e-3, help="first learning rate (0.001)")
    parser.add_argument("--clip", type=float, default=1.0, help="largest norm of a gradient (1)")
    parser.add_argument("--seed", type=int, default=0, help="of the weights (0)")
    add_plot_option(parser)
    return parser.parse_args(given)


def main(given: list[str] | None = None) -> None:
    chosen = arguments(given)
    data = digits(chosen.rows)
    settings = {k: getattr(chosen, k) for k in ("depth", "epochs", "rate", "clip", "seed")}
    results = {name: learn(name, data, **settings) for name in NETS}
    print_table(results)
    if chosen.plot:
        draw(results, chosen.plot)


if __name__ == "__main__":
    main()
