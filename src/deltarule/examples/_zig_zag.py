"""Inputs of one sign: the weights of a unit can only move together, and zigzag."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

import deltarule as dr
from deltarule.displays import style
from deltarule.examples._checks import require_positive
from deltarule.examples._example import Example, Table
from deltarule.examples._nets import Floats, require_counts
from deltarule.language import Text
from deltarule.layers import Dense

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TARGET = np.array([1.0, -1.0])  # the weights that are looked for: one rises, one falls
_INPUTS = {
    "positive": Text("all positive", "全为正"),
    "centred": Text("centred on 0", "零均值"),
}
_WEIGHT = "dense_1.weight"


def zig_zag(
    *,
    batch_sizes: tuple[int, ...] = (1, 4, 16, 64),
    rates: tuple[float, ...] = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0),
    goal: float = 0.01,
    rows: int = 400,
    repeats: int = 20,
    limit: int = 200,
    seed: int = 0,
) -> Example:
    """Teach one linear unit with two weights, from inputs that are all positive or centred on 0.

    The positive inputs are sigmoid(v) of standard normal numbers v, the centred ones the same minus
    1/2, which is tanh(v / 2) / 2.  The targets are those of the weights (1, -1), equal for both
    kinds of inputs; gradient descent starts at (0, 0) and ends when the mean squared error of all
    rows is ``goal`` times what it was.  Each kind of inputs and each size of the batches has the
    learning rate with which it arrives first, by the median over the repeats.

    Parameters
    ----------
    batch_sizes : tuple of int, default=(1, 4, 16, 64)
        Rows of an update, drawn at random.
    rates : tuple of float, default=(0.25, 0.5, 1, 2, 4, 8)
        Learning rates that are tried.
    goal : float, default=0.01
        Below 1.
    rows : int, default=400
    repeats : int, default=20
        Times that it is done, with other rows and batches.
    limit : int, default=200
        Most updates of a repeat.
    seed : int, default=0

    Returns
    -------
    Example
        Its figures are by inputs and batch size, as "positive, 16, updates": median updates, mean
        share of updates in which both weights move the same way ("one sign"), median length of the
        path over the distance from its start to its end ("detour"), "rate".  "positive, steepness"
        says how many times as steep the error is, by its second derivative, where both weights move
        together as where they part.

    Raises
    ------
    ValueError
        If a number is out of range, or no learning rate arrives within the limit in half of the
        repeats.
    """
    for values, name in ((batch_sizes, "batch_sizes"), (rates, "rates")):
        if not values:
            raise ValueError(f"{name} must name at least one; it is empty.")
    require_counts(rows=rows, repeats=repeats, limit=limit, smallest_batch_size=min(batch_sizes))
    require_positive(goal=goal, smallest_rate=min(rates))
    if goal >= 1:
        raise ValueError(f"goal is a share of the error at first, below 1; met {goal!r}.")
    drawn = _Setting(rows, goal, limit, range(seed, seed + repeats))
    found = {
        (kind, batch): _best(kind, batch, rates, drawn) for kind in _INPUTS for batch in batch_sizes
    }
    first = batch_sizes[0]
    return Example(
        name="zig_zag",
        story=_story(found, batch_sizes, drawn),
        tables=(
            _updates_table({kind: found[kind, first].shown for kind in _INPUTS}, first),
            _runs_table(found, drawn),
        ),
        figures=_figures(found, drawn),
        series={f"{kind}, path": found[kind, first].shown.path for kind in _INPUTS}
        | {"batch sizes": np.array(batch_sizes, dtype=np.float64)}
        | {
            f"{kind}, {what}": np.array([found[kind, b].figures[what] for b in batch_sizes])
            for kind in _INPUTS
            for what in ("updates", "one sign", "detour")
        },
        draw=_draw,
        size=(10.0, 3.8),
    )


@dataclass(frozen=True)
class _Setting:
    """What every descent has in common."""

    rows: int
    goal: float
    limit: int
    seeds: range


@dataclass(frozen=True)
class _Descent:
    """Weights before the first and after every update, shape (n_updates + 1, 2)."""

    path: Floats
    arrived: bool

    @property
    def updates(self) -> float:
        """How many they were; infinite if they did not arrive."""
        return len(self.path) - 1 if self.arrived else np.inf

    @property
    def one_sign(self) -> float:
        """Share of the updates that move both weights the same way."""
        return float(np.mean(np.prod(np.diff(self.path, axis=0), axis=1) > 0))

    @property
    def detour(self) -> float:
        """Length of the path over the distance from its start to its end."""
        steps = np.linalg.norm(np.diff(self.path, axis=0), axis=1)
        return float(steps.sum() / np.linalg.norm(self.path[-1] - self.path[0]))


@dataclass(frozen=True)
class _Repeats:
    """Descents with one learning rate."""

    rate: float
    runs: list[_Descent]

    @property
    def median(self) -> float:
        """Of the updates: the lower one of two in the middle."""
        return sorted(run.updates for run in self.runs)[(len(self.runs) - 1) // 2]

    @property
    def shown(self) -> _Descent:
        """One that takes the median number of updates."""
        return next(run for run in self.runs if run.updates == self.median)

    @property
    def figures(self) -> dict[str, float]:
        return {
            "updates": float(self.median),
            "one sign": float(np.mean([run.one_sign for run in self.runs if run.arrived])),
            "detour": float(np.median([run.detour for run in self.runs if run.arrived])),
            "rate": self.rate,
        }


def _best(kind: str, batch: int, rates: tuple[float, ...], drawn: _Setting) -> _Repeats:
    tried = [
        _Repeats(rate, [_descend(kind, batch, rate, s, drawn) for s in drawn.seeds])
        for rate in rates
    ]
    best = min(tried, key=lambda repeats: repeats.median)
    if best.median == np.inf:
        raise ValueError(
            f"No learning rate brings the error down to {drawn.goal:g} of what it was within "
            f"{drawn.limit} updates (inputs {kind}, batches of {batch}): raise limit or try other "
            "rates."
        )
    return best


def _figures(found: dict[tuple[str, int], _Repeats], drawn: _Setting) -> dict[str, float]:
    figures = {
        f"{kind}, {batch}, {what}": value
        for (kind, batch), one in found.items()
        for what, value in one.figures.items()
    }
    return figures | {f"{kind}, steepness": _steepness(kind, drawn) for kind in _INPUTS}


def _inputs(kind: str, rng: np.random.Generator, rows: int) -> Floats:
    x = dr.activation("sigmoid")(rng.normal(size=(rows, 2)))
    return np.asarray(x - 0.5 if kind == "centred" else x)


def _steepness(kind: str, drawn: _Setting) -> float:
    """Second derivative of the error along (1, 1) over that along (1, -1)."""
    x = _inputs(kind, np.random.default_rng(drawn.seeds[0]), drawn.rows)
    return float(np.mean(x.sum(axis=1) ** 2) / np.mean((x @ TARGET) ** 2))


def _descend(kind: str, batch: int, rate: float, seed: int, drawn: _Setting) -> _Descent:
    rng = np.random.default_rng(seed)
    x = _inputs(kind, rng, drawn.rows)
    y = x @ TARGET[:, None]
    neuron = Dense(1, init="zeros", bias=False)
    net = dr.Network([neuron], "squared_error", dtype="float64", input_shape=2)
    path, error = [np.zeros(2)], net.evaluate(x, y)
    low, high = drawn.goal * error, 100 * error  # above that it only grows
    while low < error < high and len(path) <= drawn.limit:
        chosen = rng.integers(drawn.rows, size=batch)
        gradient = net.backward(x[chosen], y[chosen]).gradients[_WEIGHT]
        path.append(path[-1] - rate * gradient[:, 0])
        net.set_weights({_WEIGHT: path[-1][:, None]})
        error = net.evaluate(x, y)
    return _Descent(np.array(path), error <= low)


# ---- in words ------------------------------------------------------------------------------------


def _updates_table(shown: dict[str, _Descent], batch: int, most: int = 6) -> Table:
    steps = {kind: np.diff(run.path, axis=0)[:most] for kind, run in shown.items()}
    length = max(map(len, steps.values()))
    columns: list[tuple[Text, list[float | int | None]]] = [
        (Text("update", "更新"), list(range(1, length + 1)))
    ]
    for kind, found in steps.items():
        padded = [*found.tolist(), *[[None, None]] * (length - len(found))]
        columns += [
            (
                Text("{k}: w{i}", "{k}：w{i}").with_numbers(k=_INPUTS[kind], i=i + 1),
                [step[i] for step in padded],
            )
            for i in range(2)
        ]
    return Table(
        Text(
            "How far the first updates move the two weights (rows in an update: {batch})",
            "最初几次更新使两个权重移动多少（每次更新的样本数：{batch}）",
        ).with_numbers(batch=batch),
        tuple(columns),
    )


def _runs_table(found: dict[tuple[str, int], _Repeats], drawn: _Setting) -> Table:
    figures = [one.figures for one in found.values()]
    return Table(
        Text(
            "Updates until the error is {goal:g} of what it was, each with its best learning rate "
            "({n} repeats); detour: length of the path / distance covered",
            "误差降到起始值的 {goal:g} 要更新多少次，各用最好的学习率（重复 {n} 次）；绕路 = "
            "路径长度 ÷ 起点到终点的距离",
        ).with_numbers(goal=drawn.goal, n=len(drawn.seeds)),
        (
            (Text("inputs", "输入"), [_INPUTS[kind] for kind, _ in found]),
            (Text("batch", "批量大小"), [batch for _, batch in found]),
            (Text("best rate", "最佳学习率"), [f["rate"] for f in figures]),
            (Text("updates", "更新次数"), [int(f["updates"]) for f in figures]),
            (Text("of one sign", "同号的比例"), [f"{f['one sign']:.0%}" for f in figures]),
            (Text("detour", "绕路"), [f["detour"] for f in figures]),
        ),
    )


def _story(
    found: dict[tuple[str, int], _Repeats], batches: tuple[int, ...], drawn: _Setting
) -> Text:
    numbers = {
        f"{what.replace(' ', '_')}_{kind}_{size}": value
        for size, batch in (("small", min(batches)), ("large", max(batches)))
        for kind in _INPUTS
        for what, value in found[kind, batch].figures.items()
    }
    return _STORY.with_numbers(
        small=min(batches),
        large=max(batches),
        **numbers,
        **{f"steep_{kind}": _steepness(kind, drawn) for kind in _INPUTS},
    )


_STORY = Text(
    "The gradient of a weight is the unit's delta times its input. Where all inputs of a row are "
    "positive, every weight is told the sign of the delta: both rise or both fall. The way from "
    "(0, 0) to (1, -1) needs one to rise and one to fall, and can only be made up of updates that "
    "overshoot by turns, the zigzag.\n\n"
    "With batches of {small}, {one_sign_positive_small:.0%} of the updates from positive inputs "
    "have one sign and {one_sign_centred_small:.0%} of those from centred ones; the paths are "
    "{detour_positive_small:.1f} and {detour_centred_small:.1f} times as long as the way, and take "
    "{updates_positive_small:.0f} and {updates_centred_small:.0f} updates.\n\n"
    "A mini-batch adds up rows whose deltas differ in sign. With batches of {large}, "
    "{one_sign_positive_large:.0%} and {one_sign_centred_large:.0%} have one sign, and the paths "
    "are {detour_positive_large:.1f} and {detour_centred_large:.1f} times as long as the way. The "
    "updates are {updates_positive_large:.0f} and {updates_centred_large:.0f}, for there is more "
    "to it than signs: from positive inputs the error is {steep_positive:.1f} times as steep where "
    "both weights move together as where they part (second derivatives), from centred ones "
    "{steep_centred:.1f} times, and the steepest direction limits the learning rate. Batches leave "
    "that as it is; centring the inputs changes it.",
    "权重的梯度 = 单元的 δ × 该权重的输入。一个样本的输入全为正时，每个权重的梯度都与 δ 同号：两个"
    "权重要么一起增大，要么一起减小。而从 (0, 0) 到 (1, -1) 需要一个增大、一个减小，只能靠来回"
    "过头的更新凑出来，路径就成了之字形。\n\n"
    "批量大小为 {small} 时，输入全为正的更新有 {one_sign_positive_small:.0%} 同号，零均值输入的有 "
    "{one_sign_centred_small:.0%}；路径长度分别是直线距离的 {detour_positive_small:.1f} 倍和 "
    "{detour_centred_small:.1f} 倍，更新 {updates_positive_small:.0f} 次和 "
    "{updates_centred_small:.0f} 次。\n\n"
    "小批量把 δ 符号不同的样本加在一起。批量大小为 {large} 时，同号的比例是 "
    "{one_sign_positive_large:.0%} 和 {one_sign_centred_large:.0%}，路径长度是直线距离的 "
    "{detour_positive_large:.1f} 倍和 {detour_centred_large:.1f} 倍，更新 "
    "{updates_positive_large:.0f} 次和 {updates_centred_large:.0f} 次。可见问题不只在符号：输入全为"
    "正时，误差在两个权重同向变化的方向上比反向变化的方向陡 {steep_positive:.1f} 倍（比较二阶"
    "导数），零均值时这个倍数是 {steep_centred:.1f}，而学习率受最陡的方向限制。小批量改变不了"
    "这一点，把输入零均值化才可以。",
)


def _draw(example: Example, figure: Figure) -> None:
    plane, signs, updates = style.axes_grid(figure, 1, 3, example.size)[0]
    sizes = example.series["batch sizes"]
    for kind, words in _INPUTS.items():
        path = example.series[f"{kind}, path"]
        plane.plot(*path.T, "o-", markersize=3, linewidth=1.2, label=words.en)
        signs.plot(sizes, 100 * example.series[f"{kind}, one sign"], "o-")
        updates.plot(sizes, example.series[f"{kind}, updates"], "o-")
    plane.plot(*TARGET, "*", markersize=14, color=style.COLOURS[4])
    plane.set(xlabel="first weight", ylabel="second weight", title="Updates of two weights")
    for ax, title in ((signs, "Updates of one sign, %"), (updates, "Updates to the goal")):
        ax.set(xscale="log", xlabel="rows in a batch", title=title)
        ax.set_xticks(sizes, [f"{size:g}" for size in sizes], minor=False)
        ax.minorticks_off()
        ax.set_ylim(bottom=0)
    figure.legend(loc="outside lower center", ncols=len(_INPUTS))
