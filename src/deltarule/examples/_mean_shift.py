"""Off-centre outputs: what an activation does to the mean, layer after layer."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np

import deltarule as dr
from deltarule.displays import style
from deltarule.examples._example import Example, Table
from deltarule.examples._nets import Floats, require_counts, rms
from deltarule.language import Text, joined
from deltarule.layers import Dense

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def mean_shift(
    *,
    activations: tuple[str, ...] = ("sigmoid", "tanh", "relu"),
    layers: int = 5,
    units: int = 100,
    rows: int = 4000,
    seed: int = 0,
) -> Example:
    """Send uniform numbers between -1 and 1 through activations, and through layers of them.

    The layers are dense ones without bias, whose weights are normal with mean 0 and variance
    1 / units (LeCun et al. 1998).  The shift of a layer says how far the sums of its units lie from
    0, measured by how much they vary from row to row: the root mean square over the units of the
    mean over rows, divided by that of the standard deviation over rows.

    Parameters
    ----------
    activations : tuple of str, default=("sigmoid", "tanh", "relu")
    layers, units : int, default=5, 100
    rows : int, default=4000
        Each of as many numbers as a layer has units.
    seed : int, default=0

    Returns
    -------
    Example
        Its figures are by activation: "sigmoid, mean" and "sigmoid, spread" of its outputs,
        "sigmoid, shift at layer 2" (3 ...) of the sums.

    Raises
    ------
    ValueError
        If there is no such activation, or a number is out of range.
    """
    require_counts(rows=rows, units=units)
    require_counts(2, layers=layers)
    x = np.random.default_rng(seed).uniform(-1, 1, (rows, units))
    found = [_through(name, x, layers, seed) for name in dict.fromkeys(activations)]
    figures = {"inputs, mean": float(x.mean()), "inputs, spread": float(x.std())}
    for one in found:
        figures |= {f"{one.name}, mean": one.mean, f"{one.name}, spread": one.spread}
        figures |= {
            f"{one.name}, shift at layer {i + 1}": float(s) for i, s in enumerate(one.shifts)
        }
    return Example(
        name="mean_shift",
        story=_story(found, x, layers),
        tables=(_outputs_table(found, x), _layers_table(found, layers)),
        figures=figures,
        series={
            key: values
            for one in found
            for key, values in (
                (f"{one.name}, histogram", one.histogram),
                (f"{one.name}, layers", np.array([one.means, one.spreads, one.shifts])),
            )
        },
        draw=_draw,
        size=(9.0, 3.8),
    )


@dataclass(frozen=True)
class _Passed:
    """What an activation makes of the numbers, and a stack of layers with it.

    Of one activation by itself: mean, spread, smallest and largest output, a histogram (2, n) of
    left edges and shares.  By layer: the shift of the sums, mean and spread of the outputs.
    """

    name: str
    mean: float
    spread: float
    range: tuple[float, float]
    histogram: Floats
    shifts: Floats
    means: Floats
    spreads: Floats


def _through(name: str, x: Floats, layers: int, seed: int) -> _Passed:
    f = dr.activation(name)
    y = f(x)
    shares, edges = np.histogram(y, bins=np.linspace(min(-1.0, y.min()), max(1.0, y.max()), 81))
    stack = [Dense(x.shape[1], "lecun_normal", f, bias=False) for _ in range(layers)]
    net = dr.Network(stack, dtype="float64", input_shape=x.shape[1], seed=seed)
    values = list(net.forward(x, keep=True).values.values())  # sums and outputs in turn
    sums, outputs = values[::2], values[1::2]
    return _Passed(
        f.name,
        float(y.mean()),
        float(y.std()),
        (float(y.min()), float(y.max())),
        np.array([edges[:-1], shares / y.size]),
        np.array([_shift(z) for z in sums]),
        np.array([a.mean() for a in outputs]),
        np.array([rms(a.std(axis=0)) for a in outputs]),
    )


def _shift(z: Floats) -> float:
    return rms(z.mean(axis=0)) / rms(z.std(axis=0))


# ---- in words ------------------------------------------------------------------------------------


def _outputs_table(found: list[_Passed], x: Floats) -> Table:
    lines = [(Text("the inputs", "输入"), x.mean(), x.std(), x.min(), x.max())]
    lines += [(Text(p.name, p.name), p.mean, p.spread, *p.range) for p in found]
    headings = (
        Text("outputs of", "输出"),
        Text("mean", "均值"),
        Text("spread", "标准差"),
        Text("smallest", "最小"),
        Text("largest", "最大"),
    )
    return Table(
        Text(
            "{n:,} numbers, uniform between -1 and 1, and what activations make of them",
            "{n:,} 个在 -1 与 1 之间均匀分布的数，以及经过激活函数之后",
        ).with_numbers(n=x.size),
        tuple(
            zip(headings, ([_whole(v) for v in c] for c in zip(*lines, strict=True)), strict=True)
        ),
    )


def _whole(value: Any) -> Any:
    """A number without the digits of noise: three decimals are what so many numbers tell."""
    return value if isinstance(value, str | tuple) else round(float(value), 3) + 0.0


def _layers_table(found: list[_Passed], layers: int) -> Table:
    columns: list[tuple[Text, Any]] = [
        (Text("activation", "激活函数"), [p.name for p in found for _ in range(layers)]),
        (Text("layer", "层"), list(range(1, layers + 1)) * len(found)),
    ]
    for heading, field in (
        (Text("shift of the sums", "加权和的偏移"), "shifts"),
        (Text("mean of the outputs", "输出均值"), "means"),
        (Text("spread over the rows", "样本间标准差"), "spreads"),
    ):
        columns.append((heading, np.concatenate([getattr(p, field) for p in found])))
    return Table(
        Text(
            "Through {layers} layers of random weights; the shift is the distance of a unit's sum "
            "from 0 in spreads of that sum over the rows",
            "经过 {layers} 层随机权重；偏移 = 单元的加权和偏离 0 的距离 ÷ 该加权和在样本间的标准差",
        ).with_numbers(layers=layers),
        tuple(columns),
    )


def _story(found: list[_Passed], x: Floats, layers: int) -> Text:
    return _STORY.with_numbers(
        centre=round(x.mean(), 2) + 0.0,
        centres=joined(_CENTRE.with_numbers(p=p, mean=round(p.mean, 2) + 0.0) for p in found),
        shifts=joined(
            _SHIFT.with_numbers(p=p, second=p.shifts[1], last=p.shifts[-1]) for p in found
        ),
        layers=layers,
    )


_CENTRE = Text(
    "behind {p.name} it is at {mean:.2f} (spread {p.spread:.2f})",
    "经过 {p.name} 后在 {mean:.2f}（标准差 {p.spread:.2f}）",
)
_SHIFT = Text(
    "{p.name} {second:.3g} at layer 2 and {last:.3g} at the last",
    "{p.name} 第 2 层 {second:.3g}，最后一层 {last:.3g}",
)
_STORY = Text(
    "The centre of the inputs is {centre:.2f}. Outputs need not keep it: {centres}. A mean that "
    "moves away from 0 is a mean shift.\n\n"
    "The next layer adds up weights times outputs. The mean of the outputs contributes the same "
    "amount for every row, so that each unit's sum starts with an offset that says nothing about "
    "the row. In spreads over the rows the offset is, through {layers} layers: {shifts}. Above 1 "
    "it outweighs what tells the rows apart; the last column shows what is left of that.\n\n"
    "What helps: activations centred on 0, inputs and weights with mean 0, and batch "
    "normalisation, which takes the offset away in every layer. Why outputs of one sign also make "
    "the weights zigzag is the example zig_zag.",
    "输入的中心在 {centre:.2f}，输出却不一定：{centres}。均值偏离 0，就是均值偏移。\n\n"
    "下一层要计算输出的加权和。输出的均值对每个样本的贡献都相同，于是每个单元的加权和都带着一个"
    "与样本无关的偏移。以样本间的标准差为单位，经过 {layers} 层时这个偏移是：{shifts}。超过 1 时，"
    "偏移就盖过了样本之间的差别；表的最后一列是这种差别还剩下多少。\n\n"
    "对策：使用以 0 为中心（零均值）的激活函数，让输入和权重的均值为 0，或者用批归一化在每一层"
    "消去偏移。同号的输出还会让权重走之字形，见示例 zig_zag。",
)


def _draw(example: Example, figure: Figure) -> None:
    shapes, depth = style.axes_grid(figure, 1, 2, example.size)[0]
    names = [key.removesuffix(", layers") for key in example.series if key.endswith(", layers")]
    for place, (name, colour) in enumerate(zip(names, cycle(style.COLOURS), strict=False)):
        edges, shares = example.series[f"{name}, histogram"]
        height = 0.8 * shares / shares.max()
        shapes.fill_between(edges, -place, height - place, step="post", color=colour, alpha=0.35)
        mean = example.figures[f"{name}, mean"]
        shapes.plot([mean, mean], [-place, 0.8 - place], color=colour)
        shapes.text(mean + 0.03, 0.55 - place, f"{round(mean, 2) + 0.0:.2f}")
        means, spreads, _ = example.series[f"{name}, layers"]
        layers = np.arange(1, len(means) + 1)
        beside = layers + 0.1 * (place - (len(names) - 1) / 2)
        depth.errorbar(beside, means, spreads, fmt="o-", color=colour, capsize=3, label=name)
    shapes.set(yticks=[-i for i in range(len(names))], yticklabels=names, xlabel="output")
    shapes.locator_params(axis="x", nbins=5)
    shapes.set_title("Uniform inputs, -1 to 1, and their mean behind ...")
    depth.set(xticks=layers, xlabel="layer", title="Mean of a layer, spread over the rows")
    depth.set_ylim(top=depth.get_ylim()[1] + 0.15)
    depth.legend(loc="upper center", ncols=len(names))
