"""A ReLU that one step kills: its gradient is exactly 0 from then on, unless something moves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import deltarule as dr
from deltarule.displays import style
from deltarule.examples._checks import require_positive
from deltarule.examples._example import Example, Table
from deltarule.examples._nets import Floats, descend, require_counts
from deltarule.language import Text, joined
from deltarule.layers import Dense

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# The one unit begins with w = b = 1, above every target.
ROWS = np.linspace(0, 2, 41)[:, None]
TARGETS = 0.5 * ROWS + 0.25
START = {"dense_1.weight": np.array([[1.0]]), "dense_1.bias": np.array([1.0])}
LEARNED = 1e-6  # a loss that counts as having learned the line
CURVE = np.linspace(-1, 1, 65)[:, None]  # of the small nets
NET_RATE, NET_UPDATES = 0.05, 5000


def dead_relu(
    *,
    step: float = 1.0,
    rate: float = 0.1,
    updates: int = 2000,
    slopes: tuple[float, ...] = (0.01, 0.1),
    units: int = 32,
    net_step: float = 0.5,
    repeats: int = 5,
    seed: int = 0,
) -> Example:
    """Kill a ReLU unit with one step, look whether it comes back, and beside it leaky ReLU.

    One unit f(w x + b) with w = b = 1 is to learn y = x / 2 + 1/4 on 41 points from 0 to 2, by the
    mean squared error over all of them.  The first update has the learning rate ``step``, all
    others ``rate``.  "Bias reset" sets b back to 1 right after the first.

    The small nets, a layer of tanh and a layer of ReLU, learn sin(3 x) in the same way (65 points
    from -1 to 1; 5,000 updates with the rate 0.05): once with a first layer that learns too, once
    with one that is fixed after the large step.

    Parameters
    ----------
    step, rate : float, default=1.0, 0.1
        Learning rates.
    updates : int, default=2000
        After the large one.
    slopes : tuple of float, default=(0.01, 0.1)
        Of leaky ReLU for negative inputs.
    units : int, default=32
        In each layer of the small nets.
    net_step : float, default=0.5
        Learning rate of their first update.
    repeats : int, default=5
        Small nets, of different initial weights.
    seed : int, default=0

    Returns
    -------
    Example
        Its figures are, for the unit ("relu", "relu, bias reset", "leaky_relu 0.01" ...): "...,
        gradient" (the largest, after the large step), "..., back" and "..., learned" (updates until
        it is active for a row again, and until the loss is below 1e-6; absent if that never
        happens); for the nets ("learning", "fixed"): "..., killed" by the step, "..., back" of
        these at the end, "..., silent" at the end, all in units.

    Raises
    ------
    ValueError
        If a number is out of range, or the unit survives the large step.
    """
    require_counts(updates=updates, units=units, repeats=repeats)
    require_positive(step=step, rate=rate, net_step=net_step)
    require_positive(**{f"slope_{i}": slope for i, slope in enumerate(slopes, 1)})
    relu = dr.activation("relu")
    kinds = {"relu": (relu, False), "relu, bias reset": (relu, True)}
    for slope in slopes:
        kinds[f"leaky_relu {slope:g}"] = (dr.activation("leaky_relu", negative_slope=slope), False)
    runs = [_unit(name, *kind, step, rate, updates) for name, kind in kinds.items()]
    seeds = range(seed, seed + repeats)
    nets = [_nets(name, units, net_step, seeds) for name in _NETS]
    return Example(
        name="dead_relu",
        story=_story(runs, nets, step),
        tables=(_units_table(runs, step), _nets_table(nets, net_step)),
        figures={f"{one.name}, {k}": v for one in runs for k, v in one.figures.items()}
        | {f"{net.name}, {k}": v for net in nets for k, v in net.figures.items()},
        series={f"{run.name}, {k}": v for run in runs for k, v in run.series.items()},
        draw=_draw,
        size=(9.0, 3.8),
    )


@dataclass(frozen=True)
class _Unit:
    """One unit after the large step, and what came of it.

    Attributes
    ----------
    weight, bias, highest : float
        After the step (and the reset): w, b and the largest w x + b of the rows.
    gradient : ndarray, shape (2,)
        dL/dw and dL/db there.
    losses : ndarray, shape (updates + 2,)
        Before the step, after it, after each update.
    active : ndarray, shape (updates + 2,)
        Share of the rows with w x + b > 0.
    outputs : ndarray, shape (3, n_rows)
        Before the step, after it, at the end.
    moved : bool
        Whether w or b are not bit for bit what they were after the step.
    """

    name: str
    weight: float
    bias: float
    highest: float
    gradient: Floats
    losses: Floats
    active: Floats
    outputs: Floats
    moved: bool

    @property
    def back(self) -> int | None:
        """Updates after the step until a row is active again."""
        return _first(self.active[1:] > 0)

    @property
    def learned(self) -> int | None:
        """Updates after the step until the loss is as good as 0."""
        return _first(self.losses[1:] < LEARNED)

    @property
    def figures(self) -> dict[str, float]:
        found = {"back": self.back, "learned": self.learned}
        known = {name: float(at) for name, at in found.items() if at is not None}
        return {"gradient": float(np.abs(self.gradient).max()), **known}

    @property
    def series(self) -> dict[str, Floats]:
        return {"losses": self.losses, "outputs": self.outputs}


def _first(true: NDArray[np.bool_]) -> int | None:
    places = np.flatnonzero(true)
    return int(places[0]) if places.size else None


def _unit(name: str, f: Any, reset: bool, step: float, rate: float, updates: int) -> _Unit:
    net = dr.Network([Dense(1, activation=f)], "squared_error", dtype="float64", input_shape=1)
    net.set_weights(START)
    losses, active = [], []

    def look(_: Any = None) -> None:
        losses.append(net.evaluate(ROWS, TARGETS))
        active.append(float(np.mean(_sums(net) > 0)))

    look()
    outputs = [net.forward(ROWS)]
    descend(net, ROWS, TARGETS, rate=step, batch=len(ROWS), shuffle=False)
    if (_sums(net) > 0).any():
        raise ValueError(
            f"A step with the rate {step:g} leaves the unit active for "
            f"{int((_sums(net) > 0).sum())} of {len(ROWS)} rows: it is not dead; take a larger one."
        )
    if reset:
        net.set_weights({"dense_1.bias": START["dense_1.bias"]})
    look()
    outputs.append(net.forward(ROWS))
    after, gradients = net.weights(), net.backward(ROWS, TARGETS).gradients
    highest = float(_sums(net).max())
    later = {"shuffle": False, "epochs": updates, "callback": look}
    descend(net, ROWS, TARGETS, rate=rate, batch=len(ROWS), **later)
    outputs.append(net.forward(ROWS))
    return _Unit(
        name,
        after["dense_1.weight"].item(),
        after["dense_1.bias"].item(),
        highest,
        np.array([gradients[key].item() for key in START]),
        np.array(losses),
        np.array(active),
        np.array(outputs)[:, :, 0],
        any((net.weights()[key] != after[key]).any() for key in START),
    )


def _sums(net: dr.Network) -> Floats:
    """The sums w x + b of the rows."""
    return np.asarray(net.forward(ROWS, keep=True).values["dense_1"])


@dataclass(frozen=True)
class _Nets:
    """Units of the ReLU layer of several small nets, counted.

    Silent before the large step, killed by it, of these active again at the end, silent at the end.
    """

    name: str
    units: int
    before: int
    killed: int
    back: int
    silent: int
    loss: float

    @property
    def figures(self) -> dict[str, float]:
        return {"killed": self.killed, "back": self.back, "silent": self.silent}


def _nets(name: str, units: int, step: float, seeds: range) -> _Nets:
    counts, losses, y = np.zeros(4, int), [], np.sin(3 * CURVE)
    for seed in seeds:
        net = _small(units, seed, fixed=False)
        first = _silent(net)
        descend(net, CURVE, y, rate=step, batch=len(CURVE), shuffle=False)
        killed = _silent(net) & ~first
        if name == "fixed":
            net = _small(units, seed, fixed=True).set_weights(net.weights())
        later = {"shuffle": False, "epochs": NET_UPDATES}
        descend(net, CURVE, y, rate=NET_RATE, batch=len(CURVE), **later)
        last = _silent(net)
        losses.append(net.evaluate(CURVE, y))
        counts += [first.sum(), killed.sum(), (killed & ~last).sum(), last.sum()]
    before, killed, back, silent = counts.tolist()
    loss = float(np.median(losses))
    return _Nets(name, units * len(seeds), before, killed, back, silent, loss)


def _small(units: int, seed: int, *, fixed: bool) -> dr.Network:
    first = Dense(units, activation="tanh", trainable=not fixed)
    second = Dense(units, "he_normal", "relu", name="relu_layer")
    layers = [first, second, Dense(1)]
    return dr.Network(layers, "squared_error", dtype="float64", input_shape=1, seed=seed)


def _silent(net: dr.Network) -> Any:
    """Which units of the ReLU layer are 0 for every row."""
    return (net.forward(CURVE, keep=True).values["relu_layer"] <= 0).all(axis=0)


# ---- in words ------------------------------------------------------------------------------------

_UNITS = {
    "relu": Text("ReLU", "ReLU"),
    "relu, bias reset": Text("ReLU (bias reset)", "ReLU（重置偏置）"),
}
_NETS = {
    "learning": Text("first layer learns", "第一层也学习"),
    "fixed": Text("first layer fixed", "第一层固定"),
}


def _named(run: _Unit) -> Text:
    return _UNITS.get(run.name, Text(run.name, run.name))


def _units_table(runs: list[_Unit], step: float) -> Table:
    return Table(
        Text(
            "One unit after an update with the learning rate {step:g} (loss before: {loss:.3g}); "
            "then updates until it is active for some row again, and until the loss is < {low:g}",
            "一个单元在一次学习率为 {step:g} 的更新之后（之前的损失：{loss:.3g}）；此后再过多少次"
            "更新它重新对某个样本激活，以及损失降到 {low:g} 以下",
        ).with_numbers(step=step, loss=runs[0].losses[0], low=LEARNED),
        (
            (Text("unit", "单元"), [_named(run) for run in runs]),
            (Text("w", "w"), [run.weight for run in runs]),
            (Text("b", "b"), [run.bias for run in runs]),
            (Text("largest w x + b", "w x + b 的最大值"), [run.highest for run in runs]),
            (Text("dL/dw", "dL/dw"), [run.gradient[0] for run in runs]),
            (Text("dL/db", "dL/db"), [run.gradient[1] for run in runs]),
            (Text("active", "重新激活"), [_never(run.back) for run in runs]),
            (Text("learned", "学会"), [_never(run.learned) for run in runs]),
        ),
    )


def _never(updates: int | None) -> Text | str:
    return Text("never", "从未") if updates is None else f"{updates:,}"


def _nets_table(nets: list[_Nets], step: float) -> Table:
    return Table(
        Text(
            "{n} ReLU units of small nets after an update with the learning rate {step:g}, and "
            "{updates:,} ordinary ones later",
            "小网络的 {n} 个 ReLU 单元：一次学习率为 {step:g} 的更新之后，以及再过 {updates:,} 次"
            "普通更新之后",
        ).with_numbers(n=nets[0].units, step=step, updates=NET_UPDATES),
        (
            (Text("nets", "网络"), [_NETS[net.name] for net in nets]),
            (Text("silent before", "之前不激活"), [net.before for net in nets]),
            (Text("killed", "被杀死"), [net.killed for net in nets]),
            (Text("came back", "复活"), [net.back for net in nets]),
            (Text("silent at last", "最后不激活"), [net.silent for net in nets]),
            (Text("median loss", "损失中位数"), [net.loss for net in nets]),
        ),
    )


def _story(runs: list[_Unit], nets: list[_Nets], step: float) -> Text:
    dead, reset, *leaky = runs
    learning, fixed = nets
    return _STORY.with_numbers(
        step=step,
        dead=dead,
        updates=len(dead.losses) - 2,
        same=_MOVED if dead.moved else _SAME,
        loss=dead.losses[-1],
        ways=joined(_way(run) for run in (reset, *leaky)),
        learning=learning,
        fixed=fixed,
    )


def _way(run: _Unit) -> Text:
    told = _NOT_BACK if run.back is None else _NOT_LEARNED if run.learned is None else _LEARNED
    return told.with_numbers(name=_named(run), back=run.back, learned=run.learned)


_SAME = Text("are bit for bit what they were", "仍与原来逐位相同")
_MOVED = Text("have changed", "变了")
_NOT_BACK = Text("{name} is not active again", "{name} 没有重新激活")
_NOT_LEARNED = Text(
    "{name} is active after {back:,} updates, but has not learned the line",
    "{name} 经过 {back:,} 次更新重新激活，但没有学会这条直线",
)
_LEARNED = Text(
    "{name} is active after {back:,} updates and has learned the line after {learned:,}",
    "{name} 经过 {back:,} 次更新重新激活，{learned:,} 次之后学会这条直线",
)
_STORY = Text(
    "One update with the learning rate {step:g} takes w from 1 to {dead.weight:.3g} and b from 1 "
    "to {dead.bias:.3g}. Now w x + b is {dead.highest:.3g} at most: the unit gives 0 for every "
    "row, its slope is 0 for every row, and so the gradient is exactly 0. After {updates:,} more "
    "updates w and b {same}, and the loss is {loss:.3g}. No smaller learning rate afterwards can "
    "help.\n\n"
    "What can is to put the bias back to where rows are active, or a slope that is never 0: "
    "{ways}. The smaller the slope of the negative side, the longer the way back.\n\n"
    "In a net the inputs of a dead unit may move, as the layers before it go on learning through "
    "the units that are alive. Of {learning.units} units the large update killed "
    "{learning.killed}. Where the first layer goes on learning, {learning.back} of them came back; "
    "where it is fixed {fixed.back} did, as nothing changes their inputs or their weights.\n\n"
    "What prevents it: smaller steps, clipped gradients, a learning rate that warms up, weights "
    "of the right size (He), and activations without a flat side.",
    "一次学习率为 {step:g} 的更新，把 w 从 1 变为 {dead.weight:.3g}，把 b 从 1 变为 "
    "{dead.bias:.3g}。此时 w x + b 最大也只有 {dead.highest:.3g}：这个单元对所有样本的输出都是 0，"
    "斜率也都是 0，因此梯度恰好为 0，成了死亡神经元。再更新 {updates:,} 次，w 和 b {same}，损失是 "
    "{loss:.3g}。此后再怎么调小学习率也没有用。\n\n"
    "有用的是把偏置重置到有样本激活的地方，或者改用斜率从不为 0 的激活函数：{ways}。负半轴的斜率"
    "越小，恢复得越慢。\n\n"
    "在网络中，前面的层还能通过活着的单元继续学习，死亡单元的输入就可能移动。{learning.units} 个"
    "单元中有 {learning.killed} 个被这次大的更新杀死。第一层继续学习时，有 {learning.back} 个复"
    "活；第一层固定时有 {fixed.back} 个，因为它们的输入和权重都不再变化。\n\n"
    "预防的办法：减小步长、梯度裁剪、学习率预热、大小合适的初始权重（He 初始化），以及没有平坦一侧"
    "的激活函数。",
)


def _draw(example: Example, figure: Figure) -> None:
    unit, losses = style.axes_grid(figure, 1, 2, example.size)[0]
    names = [k.removesuffix(", losses") for k in example.series if k.endswith(", losses")]
    unit.plot(ROWS, TARGETS, ".", markersize=5, color=style.COLOURS[4], label="targets")
    before, after, _ = example.series["relu, outputs"]
    unit.plot(ROWS, before, ":", color=style.COLOURS[5], label="before the step")
    unit.plot(ROWS, after, "-", color=style.COLOURS[0], label="ReLU, after it")
    for name in names:
        course = example.series[f"{name}, losses"]
        losses.plot(np.arange(1, len(course)), course[1:], label=name)
    unit.set(xlabel="x", ylabel="output", title="One unit, one large step")
    unit.legend()
    losses.set(xscale="log", yscale="log", xlabel="updates", title="Loss after the large step")
    losses.set_ylim(LEARNED, 10)
    losses.legend(loc="lower left")
