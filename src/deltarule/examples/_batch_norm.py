"""Batch normalisation: what it does to numbers, in training, in predictions and in tiny batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

import deltarule as dr
from deltarule.displays import style
from deltarule.examples._example import Example, Table
from deltarule.examples._nets import (
    CLASSES,
    Codes,
    Floats,
    accuracy,
    descend,
    digits,
    require_counts,
    rms,
)
from deltarule.language import Text
from deltarule.layers import Activation, BatchNorm, Dense, Layer

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TRAINING_ROWS = 1200  # digits to learn from; the others are the test
UNITS, RATE, FULL_BATCH = 32, 0.05, 16
_COLUMNS = {
    "normal": Text("normal, mean 5, spread 2", "正态，均值 5，标准差 2"),
    "uniform": Text("uniform, 0 to 0.1", "均匀，0 到 0.1"),
    "exponential": Text("exponential, mean 100", "指数，均值 100"),
}


def batch_norm(
    *,
    rows: int = 512,
    momentum: float = 0.1,
    batch_sizes: tuple[int, ...] = (2, 4, 16, 64),
    batches: int = 60,
    epochs: int = 10,
    seed: int = 0,
) -> Example:
    """Normalise three columns, follow the running statistics, and make the batches smaller.

    The columns are a batch of random numbers of different centres, spreads and shapes.  The running
    statistics are those of the first column, over ``batches`` batches of 16 rows drawn anew.

    The effect of the batch size is shown on columns of ``rows`` standard normal numbers and on
    scikit-learn's digits: 1,200 of them train a net of two ReLU layers of 32 units, with batch
    normalisation before every ReLU and without, by plain gradient descent with the learning rate
    0.05 (in proportion less for batches below 16); the other 597 test it.

    Parameters
    ----------
    rows : int, default=512
    momentum : float, default=0.1
        running = (1 - momentum) running + momentum batch.
    batch_sizes : tuple of int, default=(2, 4, 16, 64)
        At least 2, at most ``rows``.
    batches, epochs : int, default=60, 10
    seed : int, default=0

    Returns
    -------
    Example
        Its figures are by column "normal, mean" and "normal, spread" (behind the layer), "normal,
        restored" (largest error of the input that gamma = its spread and beta = its mean give back,
        in spreads), "normal, restored exactly" (gamma = sqrt(variance + epsilon) instead); by batch
        size "2, difference" (root mean square of training minus prediction, standard normal
        column), "2, largest" (output in training), "2, accuracy" (test digits) and "2, accuracy
        without".

    Raises
    ------
    ValueError
        If a number is out of range.
    """
    require_counts(2, rows=rows, smallest_batch_size=min(batch_sizes))
    require_counts(batches=batches, epochs=epochs)
    if max(batch_sizes) > rows:
        raise ValueError(
            f"A batch has at most as many rows as there are, {rows:,}; met {max(batch_sizes):,}."
        )
    rng = np.random.default_rng(seed)
    columns = np.column_stack(
        [rng.normal(5, 2, rows), rng.uniform(0, 0.1, rows), rng.exponential(100, rows)]
    )
    shown = [_normalised(name, x[:, None]) for name, x in zip(_COLUMNS, columns.T, strict=True)]
    followed = _followed(rng, momentum, batches)
    x, data = rng.normal(size=(rows, 1)), digits()
    sizes = [_with_batches(size, x, data, epochs, seed) for size in batch_sizes]
    return Example(
        name="batch_norm",
        story=_story(shown, followed, sizes, momentum),
        tables=(_columns_table(shown), _running_table(followed), _sizes_table(sizes)),
        figures={f"{one.name}, {k}": v for one in shown for k, v in one.figures.items()}
        | {f"{one.size}, {k}": v for one in sizes for k, v in one.figures.items()},
        series={f"{one.name}, before": one.x for one in shown}
        | {f"{one.name}, after": one.y for one in shown}
        | followed.series
        | {"batch sizes": np.array(batch_sizes, float)}
        | {
            f"{what}, by batch size": np.array([one.figures[what] for one in sizes])
            for what in sizes[0].figures
        },
        draw=_draw,
        size=(9.0, 6.0),
    )


_LAYER = "batch_norm_1"


def _layer(momentum: float = 0.1) -> dr.Network:
    layers = [BatchNorm(momentum=momentum)]
    return dr.Network(layers, "squared_error", dtype="float64", input_shape=1)


@dataclass(frozen=True)
class _Column:
    """A column before and behind the layer, and how far off it is when it is given back."""

    name: str
    x: Floats
    y: Floats
    restored: float
    exactly: float

    @property
    def figures(self) -> dict[str, float]:
        return {
            "mean": float(self.y.mean()),
            "spread": float(self.y.std()),
            "restored": self.restored,
            "restored exactly": self.exactly,
        }


def _normalised(name: str, x: Floats) -> _Column:
    net = _layer()
    y = net.forward(x, training=True)
    spread, epsilon = x.std(), BatchNorm().epsilon

    def error(gamma: float) -> float:
        net.set_weights({f"{_LAYER}.gamma": [gamma], f"{_LAYER}.beta": [x.mean()]})
        return float(np.abs(net.forward(x, training=True) - x).max() / spread)

    exact = np.sqrt(x.var() + epsilon)
    return _Column(name, x[:, 0], y[:, 0], error(spread), error(exact))


@dataclass(frozen=True)
class _Running:
    """Mean and variance of each batch and the running ones behind it, shape (n_batches,)."""

    mean: Floats
    variance: Floats
    running_mean: Floats
    running_variance: Floats

    @property
    def series(self) -> dict[str, Floats]:
        return {
            "batch means": self.mean,
            "batch variances": self.variance,
            "running means": self.running_mean,
            "running variances": self.running_variance,
        }


def _followed(rng: np.random.Generator, momentum: float, batches: int) -> _Running:
    net, found = _layer(momentum), []
    for _ in range(batches):
        x = rng.normal(5, 2, (FULL_BATCH, 1))
        descend(net, x, x, rate=1e-3, batch=len(x))
        w = net.weights()
        running = [w[f"{_LAYER}.running_{what}"].item() for what in ("mean", "variance")]
        found.append([x.mean(), x.var(), *running])
    return _Running(*np.array(found).T)


@dataclass(frozen=True)
class _Size:
    """What batches of a size do to standard normal numbers, and to learning digits."""

    size: int
    figures: dict[str, float]


def _with_batches(
    size: int, x: Floats, data: tuple[Floats, Codes], epochs: int, seed: int
) -> _Size:
    net = _layer()
    net.set_weights(
        {f"{_LAYER}.running_mean": x.mean(axis=0), f"{_LAYER}.running_variance": x.var(axis=0)}
    )
    whole = x[: len(x) // size * size].reshape(-1, size, 1)
    trained = np.concatenate([net.forward(batch, training=True) for batch in whole])
    means = whole.mean(axis=1)
    figures = {
        "spread of means": float(means.std() / x.std()),
        "largest": float(np.abs(trained).max()),
        "difference": rms(trained - net.forward(whole.reshape(-1, 1))),
    }
    return _Size(size, figures | _digits_read(size, data, epochs, seed))


def _digits_read(size: int, data: tuple[Floats, Codes], epochs: int, seed: int) -> dict[str, float]:
    (images, labels), nets = data, {}
    X, X_test = images[:TRAINING_ROWS], images[TRAINING_ROWS:]
    y, y_test = labels[:TRAINING_ROWS], labels[TRAINING_ROWS:]
    for normalised in (True, False):
        net = dr.Network(_net(normalised), "softmax_cross_entropy", dtype="float64", seed=seed)
        rate = RATE * min(1.0, size / FULL_BATCH)
        descend(net, X, y, rate=rate, batch=size, epochs=epochs)
        nets[normalised] = net
    batches = range(0, len(X_test) - size + 1, size)
    right = [
        nets[True].forward(X_test[i : i + size], training=True).argmax(axis=1)
        == y_test[i : i + size]
        for i in batches
    ]
    return {
        "accuracy": accuracy(nets[True], X_test, y_test),
        "accuracy in training": float(np.mean(right)),
        "accuracy without": accuracy(nets[False], X_test, y_test),
    }


def _net(normalised: bool) -> list[Layer]:
    block: list[Layer] = [Dense(UNITS, "he_normal", bias=not normalised), Activation("relu")]
    if normalised:
        block.insert(1, BatchNorm())
    return [*block, *block, Dense(CLASSES)]


# ---- in words ------------------------------------------------------------------------------------


def _skewness(x: Floats) -> float:
    return float(np.mean(((x - x.mean()) / x.std()) ** 3))


def _columns_table(shown: list[_Column]) -> Table:
    return Table(
        Text(
            "Columns before the layer and behind it; back: largest error in spreads of what gamma "
            "= spread, beta = mean give back, and gamma = sqrt(variance + epsilon)",
            "各列在批归一化之前和之后；还原：取 gamma = 标准差、beta = 均值时与原输入的最大误差（以"
            "标准差为单位），以及取 gamma = sqrt(方差 + epsilon) 时",
        ),
        (
            (Text("column", "列"), [_COLUMNS[one.name] for one in shown]),
            (Text("mean", "均值"), [one.x.mean() for one in shown]),
            (Text("spread", "标准差"), [one.x.std() for one in shown]),
            (Text("skewness", "偏度"), [_skewness(one.x) for one in shown]),
            (Text("mean behind", "之后均值"), [round(one.y.mean(), 9) + 0.0 for one in shown]),
            (Text("spread behind", "之后标准差"), [one.y.std() for one in shown]),
            (Text("skewness behind", "之后偏度"), [_skewness(one.y) for one in shown]),
            (Text("back", "还原"), [f"{one.restored:.0e}" for one in shown]),
            (Text("exactly", "精确还原"), [f"{one.exactly:.0e}" for one in shown]),
        ),
    )


def _running_table(followed: _Running) -> Table:
    last = len(followed.mean)
    counts = np.array([k for k in (1, 2, 5, 10, 20, 40) if k < last] + [last])
    columns = {
        Text("mean of the batch", "批的均值"): followed.mean,
        Text("running mean", "滑动均值"): followed.running_mean,
        Text("variance of the batch", "批的方差"): followed.variance,
        Text("running variance", "滑动方差"): followed.running_variance,
    }
    return Table(
        Text(
            "Running statistics after so many batches of {rows} rows; the true ones are mean 5 and "
            "variance 4",
            "经过若干批（每批 {rows} 个样本）之后的滑动统计量；真实均值 5，真实方差 4",
        ).with_numbers(rows=FULL_BATCH),
        (
            (Text("batches", "批数"), counts.tolist()),
            *((heading, values[counts - 1]) for heading, values in columns.items()),
        ),
    )


_FIGURES = {
    "spread of means": Text("spread of the means", "批均值的标准差"),
    "largest": Text("largest output", "最大输出"),
    "difference": Text("off", "训练与预测之差"),
    "accuracy without": Text("digits, without", "数字，不用"),
    "accuracy": Text("with, predicted", "用，预测时"),
    "accuracy in training": Text("with, as in training", "用，按训练方式"),
}


def _sizes_table(sizes: list[_Size]) -> Table:
    return Table(
        Text(
            "By the rows in a batch. Standard normal numbers: spread of the means of the batches, "
            "largest output in training, rms of training minus prediction; test digits read "
            "without and with batch normalisation",
            "按批量大小。标准正态分布的数：各批均值的标准差、训练时的最大输出、训练与预测输出之差的"
            "均方根；以及不用和用批归一化时认得的测试数字",
        ),
        (
            (Text("batch", "批量大小"), [one.size for one in sizes]),
            *((said, [one.figures[key] for one in sizes]) for key, said in _FIGURES.items()),
        ),
    )


def _story(shown: list[_Column], followed: _Running, sizes: list[_Size], momentum: float) -> Text:
    small, large = (pick(sizes, key=lambda one: one.size) for pick in (min, max))
    most_skewed = max(shown, key=lambda one: abs(_skewness(one.x)))
    return _STORY.with_numbers(
        skewed=_COLUMNS[most_skewed.name],
        skewness=(_skewness(most_skewed.x), _skewness(most_skewed.y)),
        least=min(one.y.std() for one in shown),
        back=max(one.restored for one in shown),
        exactly=max(one.exactly for one in shown),
        momentum=momentum,
        batches=len(followed.mean),
        left=(1 - momentum) ** len(followed.mean),
        mean=followed.running_mean[-1],
        variance=followed.running_variance[-1],
        small=small,
        large=large,
        **{f"small_{k.replace(' ', '_')}": v for k, v in small.figures.items()},
        **{f"large_{k.replace(' ', '_')}": v for k, v in large.figures.items()},
    )


_STORY = Text(
    "Behind the layer every column has mean 0 and spread 1, wherever it lay (the smallest is "
    "{least:.4f}, as the layer divides by sqrt(variance + epsilon), epsilon being 1e-5). Its shape "
    "stays: the skewness of the column '{skewed}' is {skewness[0]:.2f} before and "
    "{skewness[1]:.2f} behind. The layer can also undo what it did: gamma = spread and beta = mean "
    "give the input back up to {back:.0e} spreads, because of epsilon, and gamma = sqrt(variance + "
    "epsilon) up to {exactly:.0e}, which is rounding.\n\n"
    "A prediction must not depend on the other rows of a batch, and uses running statistics. They "
    "begin at mean 0 and variance 1; each batch brings a share of {momentum:g}. After {batches} "
    "batches {left:.1g} of the beginning is left, and they are {mean:.2f} and {variance:.2f} where "
    "5 and 4 are true. Before they have followed, training and prediction are different nets.\n\n"
    "In a batch of n rows the mean is off by about 1 / sqrt(n) spreads, and no output is larger "
    "than sqrt(n - 1). With {small.size} rows the outputs reach {small_largest:.3g} at most, "
    "and are off those of prediction by {small_difference:.2g}; with {large.size} rows they reach "
    "{large_largest:.3g} and are off by {large_difference:.2g}.\n\n"
    "On digits, batches of {small.size} read {small_accuracy:.1%} of the test with batch "
    "normalisation and {small_accuracy_without:.1%} without it; batches of {large.size} read "
    "{large_accuracy:.1%} and {large_accuracy_without:.1%}. Where batches must be tiny, layer "
    "normalisation (LayerNorm, RMSNorm) looks at one row at a time.",
    "经过批归一化，每一列不论原来在哪里，均值都变为 0，标准差都变为 1（最小的是 {least:.4f}，因为"
    "除数是 sqrt(方差 + epsilon)，epsilon 为 1e-5）。分布的形状不变：“{skewed}”这一列的偏度之前是 "
    "{skewness[0]:.2f}，之后是 {skewness[1]:.2f}。这一层也能还原输入：取 gamma = 标准差、beta = "
    "均值，误差不超过 {back:.0e} 个标准差，这是 epsilon 造成的；取 gamma = sqrt(方差 + epsilon)，"
    "误差只有 {exactly:.0e}，即舍入误差。\n\n"
    "预测不应取决于同一批里的其他样本，因此使用滑动统计量。它们从均值 0、方差 1 开始，每一批以 "
    "{momentum:g} 的比例更新。{batches} 批之后，初始值只剩 {left:.1g}，滑动均值和滑动方差是 "
    "{mean:.2f} 和 {variance:.2f}，真实值是 5 和 4。在它们跟上之前，训练和预测用的是两个不同的"
    "网络。\n\n"
    "一批有 n 个样本时，均值的误差约为 1 / sqrt(n) 个标准差，而且输出不会超过 sqrt(n - 1)。"
    "批量大小为 {small.size} 时，输出最大只有 {small_largest:.3g}，与预测时的输出相差 "
    "{small_difference:.2g}；批量大小为 {large.size} 时，输出最大 {large_largest:.3g}，相差 "
    "{large_difference:.2g}。\n\n"
    "在手写数字上，批量大小为 {small.size} 时，用批归一化认得测试数字的 {small_accuracy:.1%}，不用"
    "时认得 {small_accuracy_without:.1%}；批量大小为 {large.size} 时是 {large_accuracy:.1%} 和 "
    "{large_accuracy_without:.1%}。如果批量必须很小，可以用层归一化（LayerNorm、RMSNorm），它每次"
    "只看一个样本。",
)


def _draw(example: Example, figure: Figure) -> None:
    (before, after), (running, read) = style.axes_grid(figure, 2, 2, example.size)
    for name, words in _COLUMNS.items():
        x, y = example.series[f"{name}, before"], example.series[f"{name}, after"]
        before.hist(x[x > 0], np.geomspace(1e-3, 1e3, 50), alpha=0.6, label=words.en)
        after.hist(y, np.linspace(-3, 5, 50), histtype="step", linewidth=1.5)
    before.set(xscale="log", title="Three columns before", yticks=[])
    before.legend(fontsize=8)
    after.set(title="... and behind: mean 0, spread 1", yticks=[])
    counts = np.arange(1, len(example.series["batch means"]) + 1)
    running.plot(counts, example.series["batch means"], ".", markersize=4, label="mean of a batch")
    running.plot(counts, example.series["running means"], label="running mean")
    running.set(xlabel="batches", title="The running mean follows")
    running.legend(loc="lower right")
    sizes = example.series["batch sizes"]
    for key, label in (("accuracy", "with batch norm"), ("accuracy without", "without")):
        read.plot(sizes, 100 * example.series[f"{key}, by batch size"], "o-", label=label)
    read.set(xscale="log", xlabel="rows in a batch", title="Test digits read, %", ylim=(0, 102))
    read.set_xticks(sizes, [f"{size:g}" for size in sizes], minor=False)
    read.minorticks_off()
    read.legend(loc="lower right")
