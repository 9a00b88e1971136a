"""The race to 25 % training error: saturating activations against ReLU, on images."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

import deltarule as dr
from deltarule.displays import style
from deltarule.examples._checks import require_positive
from deltarule.examples._example import Example, Table
from deltarule.examples._nets import CLASSES, Codes, Floats, digits, require_counts
from deltarule.examples._race_runs import BATCH, EVERY, Runner, Track, best_of, median_of
from deltarule.language import Text, joined

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RATES = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)


def race(
    *,
    activations: tuple[str, ...] = ("tanh", "relu", "sigmoid"),
    target: float = 0.25,
    rates: tuple[float, ...] = RATES,
    larger: float = 3.0,
    rows: int = 600,
    updates: int = 320,
    repeats: int = 3,
    data_home: str | os.PathLike[str] | None = None,
    seed: int = 0,
) -> Example:
    """Count the updates to 25 % training error with tanh, with ReLU and with the sigmoid.

    Krizhevsky, Sutskever and Hinton (2012, figure 1) trained a convolutional network of four layers
    on CIFAR-10 and reached 25 % training error about six times faster with ReLU than with tanh.
    Here a network of four layers (two convolutions, two dense layers) learns small images, by plain
    gradient descent on batches of 16.  Each activation has initial weights whose gain preserves the
    variance (`deltarule.init_gain`) and the learning rate with which it arrives first, by the
    median over the repeats.  All training rows are looked at after every fourth update.  The first
    activation runs once more with larger initial weights, so that it begins saturated.

    Parameters
    ----------
    activations : tuple of str, default=("tanh", "relu", "sigmoid")
        At least two; the first is compared with the second.
    target : float, default=0.25
        Share of wrong training rows, below 0.9.
    rates : tuple of float, default=(0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
        Learning rates that are tried.
    larger : float, default=3.0
        Factor of the larger initial weights.
    rows : int, default=600
        Images to train on.
    updates : int, default=320
        Most of a run.
    repeats : int, default=3
        Runs of each learning rate, of different initial weights and batches.
    data_home : path-like, optional
        The folder of MNIST's files (see `deltarule.datasets.load_mnist`), whose images of 28 x 28
        pixels take some minutes; without it scikit-learn's digits of 8 x 8 pixels are learned.
    seed : int, default=0

    Returns
    -------
    Example
        Its figures are, as far as they exist, "relu, updates" (median), "relu, rate" (the best),
        "relu, largest rate" (with which half of the runs arrive), "relu, slope" (mean slope of the
        hidden units before training), the same of "tanh, larger weights", and "tanh against relu",
        the ratio of the updates.

    Raises
    ------
    ValueError
        If a number is out of range.
    deltarule.datasets.DatasetError
        If MNIST is not in the folder.
    """
    if len(set(activations)) < 2 or not rates:
        raise ValueError("A race has at least two different activations and one learning rate.")
    require_counts(rows=rows, updates=updates, repeats=repeats)
    require_positive(target=target, smallest_rate=min(rates), larger=larger)
    if target >= 1 - 1 / CLASSES:
        raise ValueError(f"target must be below 0.9, the error of guessing; met {target!r}.")
    X, y = _images(data_home, rows, seed)
    track = Track(X, y, rates, target, updates, range(seed, seed + repeats))
    found = [best_of(name, 1.0, track) for name in dict.fromkeys(activations)]
    saturated = best_of(found[0].name, larger, track)
    return Example(
        name="race",
        story=_story(found, saturated, track, larger),
        tables=(
            _results_table([*found, saturated], track),
            _rates_table([*found, saturated], track),
        ),
        figures=_figures(found, saturated),
        series={f"{f.name}, errors": f.errors for f in found}
        | {"updates": np.arange(found[0].errors.shape[1], dtype=np.float64) * EVERY}
        | {"target": np.array([target])},
        draw=_draw,
        size=(8.0, 4.4),
    )


def _images(data_home: str | os.PathLike[str] | None, rows: int, seed: int) -> tuple[Floats, Codes]:
    """Images (rows, side, side, 1) with pixels from -1 to 1, drawn at random, and their classes."""
    if data_home is None:
        X, y = digits()
    else:
        pixels, y, _, _ = dr.datasets.load_mnist(data_home)
        X = pixels / 127.5 - 1
    if rows > len(X):
        raise ValueError(f"There are {len(X):,} images; met rows={rows!r}.")
    side = round(X.shape[1] ** 0.5)
    chosen = np.random.default_rng(seed).permutation(len(X))[:rows]
    return X[chosen].reshape(-1, side, side, 1), y[chosen]


def _figures(found: list[Runner], saturated: Runner) -> dict[str, float]:
    named = {f.name: f for f in found} | {f"{saturated.name}, larger weights": saturated}
    figures = {f"{name}, {k}": v for name, f in named.items() for k, v in f.figures.items()}
    one, other = found[:2]
    if np.isfinite(one.median) and np.isfinite(other.median):
        figures[f"{one.name} against {other.name}"] = one.median / other.median
    return figures


# ---- in words ------------------------------------------------------------------------------------


def _named(runner: Runner) -> Text:
    plain = Text(runner.name, runner.name)
    return plain if runner.scale == 1 else _LARGER.with_numbers(f=runner)


_LARGER = Text("{f.name}, weights x {f.scale:g}", "{f.name}，权重 x {f.scale:g}")


def _results_table(found: list[Runner], track: Track) -> Table:
    return Table(
        Text(
            "{n:,} images of {side} x {side} pixels, batches of {batch}: updates to {target:.0%} "
            "training error, each with its best learning rate",
            "{n:,} 幅 {side} x {side} 像素的图像，批量大小 {batch}：训练误差降到 {target:.0%} 的"
            "更新次数，各用最好的学习率",
        ).with_numbers(n=len(track.X), side=track.X.shape[1], batch=BATCH, target=track.target),
        (
            (Text("activation", "激活函数"), [_named(f) for f in found]),
            (Text("slope at first", "起始平均斜率"), [f.slope for f in found]),
            (Text("best rate", "最佳学习率"), [f.rate for f in found]),
            (Text("updates", "更新次数"), [_known(f.median) for f in found]),
            (Text("fastest run", "最快一次"), [_known(min(f.best)) for f in found]),
            (Text("slowest run", "最慢一次"), [_known(max(f.best)) for f in found]),
        ),
    )


def _known(updates: float) -> int | None:
    return int(updates) if np.isfinite(updates) else None


def _rates_table(found: list[Runner], track: Track) -> Table:
    return Table(
        Text(
            "Median updates to {target:.0%} by learning rate; blank where half of the runs did not "
            "arrive",
            "各学习率下误差降到 {target:.0%} 的更新次数（中位数）；空白：半数运行没有达到",
        ).with_numbers(target=track.target),
        (
            (Text("rate", "学习率"), list(track.rates)),
            *(
                (_named(f), [_known(median_of(updates)) for updates in f.arrivals.values()])
                for f in found
            ),
        ),
    )


def _story(found: list[Runner], saturated: Runner, track: Track, larger: float) -> Text:
    one, other, *_ = found
    return _STORY.with_numbers(
        n=len(track.X),
        side=track.X.shape[1],
        arrivals=joined(_arrival(f, track) for f in found),
        verdict=_verdict(one, other),
        slopes=joined(_SLOPE.with_numbers(f=f) for f in found),
        one=one,
        larger=larger,
        saturated=saturated,
        then=_arrival(saturated, track),
        largest=joined(_largest_rate(f) for f in found),
    )


def _arrival(runner: Runner, track: Track) -> Text:
    told = _ARRIVES if np.isfinite(runner.median) else _STAYS
    return told.with_numbers(f=runner, updates=track.updates)


def _largest_rate(runner: Runner) -> Text:
    rate = runner.largest_rate
    return _NO_RATE.with_numbers(f=runner) if rate is None else _RATE.with_numbers(f=runner)


def _verdict(one: Runner, other: Runner) -> Text:
    if not (np.isfinite(one.median) and np.isfinite(other.median)):
        return _OPEN.with_numbers(one=one, other=other)
    fast, slow = sorted((one, other), key=lambda f: f.median)
    ratio = slow.median / fast.median
    told = _AHEAD if ratio >= 1.1 else _EVEN
    return told.with_numbers(fast=fast, slow=slow, ratio=ratio)


_ARRIVES = Text(
    "{f.name} takes {f.median:.0f} updates (rate {f.rate:g})",
    "{f.name} 更新 {f.median:.0f} 次（学习率 {f.rate:g}）",
)
_STAYS = Text(
    "{f.name} does not arrive within {updates} updates", "{f.name} 更新 {updates} 次仍未达到"
)
_OPEN = Text(
    "{one.name} and {other.name} cannot be compared, as one of them did not arrive",
    "{one.name} 和 {other.name} 无法比较，因为至少有一个没有达到",
)
_EVEN = Text(
    "{fast.name} and {slow.name} are about equally fast (a ratio of {ratio:.2f})",
    "{fast.name} 和 {slow.name} 差不多快（比值 {ratio:.2f}）",
)
_AHEAD = Text(
    "{slow.name} takes {ratio:.1f} times as many updates as {fast.name}",
    "{slow.name} 的更新次数是 {fast.name} 的 {ratio:.1f} 倍",
)
_SLOPE = Text("{f.name} {f.slope:.2f}", "{f.name} {f.slope:.2f}")
_RATE = Text("{f.name} {f.largest_rate:g}", "{f.name} {f.largest_rate:g}")
_NO_RATE = Text("{f.name} none", "{f.name} 没有")
_STORY = Text(
    "Krizhevsky, Sutskever and Hinton (2012) found that a convolutional network of four layers "
    "reaches 25 % training error on CIFAR-10 about six times faster with ReLU than with tanh. That "
    "is a result about their network and their images. Here, on {n:,} images of {side} x {side} "
    "pixels: {arrivals}. So {verdict}.\n\n"
    "Why it need not be six: saturation costs time only where units are saturated. With pixels "
    "from -1 to 1 and initial weights made for each activation, the mean slope of the hidden units "
    "begins at: {slopes}. With initial weights {larger:g} times as large {one.name} begins at "
    "{saturated.slope:.2f}, and then {then}.\n\n"
    "The slope is not all. Outputs off 0 (see mean_shift and zig_zag) make some directions steep "
    "and bound the learning rate; the largest one tried with which half of the runs arrive is: "
    "{largest}. The sigmoid has both against it, a slope of at most 1/4 and outputs around 1/2.",
    "Krizhevsky、Sutskever 和 Hinton（2012）发现，一个四层卷积网络在 CIFAR-10 上用 ReLU 达到 25 % "
    "训练误差，大约比用 tanh 快六倍。那是他们的网络和他们的图像上的结果。这里用 {n:,} 幅 {side} x "
    "{side} 像素的图像：{arrivals}。所以，{verdict}。\n\n"
    "为什么不一定是六倍：只有单元真的处于饱和区，饱和才会耽误时间。像素在 -1 到 1 之间，初始权重按"
    "激活函数选取，隐藏单元的平均斜率一开始是：{slopes}。初始权重放大 {larger:g} 倍后，{one.name} "
    "的平均斜率一开始是 {saturated.slope:.2f}，这时 {then}。\n\n"
    "斜率不是全部。输出偏离 0（见 mean_shift 和 zig_zag）会使某些方向特别陡，从而限制学习率；能使"
    "半数运行达到目标的最大学习率是：{largest}。sigmoid 两样都不利：斜率不超过 1/4，输出又以 1/2 为"
    "中心。",
)


def _draw(example: Example, figure: Figure) -> None:
    ax = style.axes_grid(figure, 1, 1, example.size)[0, 0]
    updates, (target,) = example.series["updates"], example.series["target"]
    for key, errors in example.series.items():
        if not key.endswith(", errors"):
            continue
        low, middle, high = 100 * np.nanquantile(errors, (0, 0.5, 1), axis=0)
        (line,) = ax.plot(updates, middle, label=key.removesuffix(", errors"))
        ax.fill_between(updates, low, high, color=line.get_color(), alpha=0.15)
        there = np.flatnonzero(middle <= 100 * target)
        if there.size:
            ax.plot(updates[there[0]], middle[there[0]], "o", color=line.get_color())
    ax.axhline(100 * target, linestyle=":", linewidth=1.2)
    ax.set(xlabel="updates", ylabel="training error, %", ylim=(0, 100))
    ax.set_title("Each with its best learning rate: median and range of the runs")
    ax.legend()
