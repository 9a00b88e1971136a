"""Numerical gradients of a network: their error over the step h, and what they cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import deltarule as dr
from deltarule.displays import style
from deltarule.examples._checks import require_positive
from deltarule.examples._example import Example, Table
from deltarule.language import Text
from deltarule.layers import Dense

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]

EPS = float(np.finfo(np.float64).eps)
MILLION = 1_000_000
ROUNDS = 21  # of each timing, the median of which counts


def numerical_gradient(
    *, units: int = 16, inputs: int = 10, classes: int = 3, rows: int = 32, seed: int = 0
) -> Example:
    """Compare differences of a network's loss with its exact gradient, for steps h of 0.1 to 1e-12.

    The network is Dense(units, tanh) and Dense(classes) with the cross-entropy, in float64, on
    random rows; the error is |numerical - exact| / |exact| over all weights together.

    Parameters
    ----------
    units, inputs, classes, rows : int, default=16, 10, 3, 32
    seed : int, default=0
        Of the rows and the weights.

    Returns
    -------
    Example
        Its figures are, of forward and of central differences, the best "h", the "error" there and
        the "order", the power of h with which the error falls at first; "parameters";
        "evaluations" of central differences; and seconds, by the clock in this run: of an
        "evaluation" of the loss, a "backward" pass and the "numerical" gradient; and, extrapolated,
        for a million parameters: "at least" as many evaluations as long as these, and "in
        proportion" if their time grows as the number of parameters does.

    Raises
    ------
    ValueError
        If a number is out of range.
    """
    require_positive(units=units, inputs=inputs, classes=classes, rows=rows)
    problem = _Problem.random(int(units), int(inputs), int(classes), int(rows), seed)
    h = 10.0 ** np.arange(-1, -12.25, -0.25)
    forward, central = np.array([problem.errors(step) for step in h]).T
    anchor = int(np.argmin(np.abs(h - 0.01)))
    series = {
        "h": h,
        "forward": forward,
        "central": central,
        "truncation of forward": forward[anchor] * h / h[anchor],
        "truncation of central": central[anchor] * (h / h[anchor]) ** 2,
        "rounding": problem.rounding(h),
    }
    figures = {**_bottoms(series), "parameters": problem.count, "evaluations": 2 * problem.count}
    figures |= problem.seconds()
    least = 2 * MILLION * figures["seconds, evaluation"]
    figures["seconds, a million at least"] = least
    figures["seconds, a million in proportion"] = least * max(MILLION / problem.count, 1.0)
    return Example(
        name="numerical_gradient",
        story=_story(figures),
        tables=(_errors_table(series), _cost_table(figures)),
        figures=figures,
        series=series,
        draw=_draw,
        size=(9.0, 4.0),
    )


@dataclass(frozen=True)
class _Problem:
    """A network with its rows, its weights and their exact gradient as one vector each."""

    net: Any
    x: Floats
    y: NDArray[np.int64]
    weights: Floats
    exact: Floats
    loss: float

    @classmethod
    def random(cls, units: int, inputs: int, classes: int, rows: int, seed: int) -> _Problem:
        rng = np.random.default_rng(seed)
        x, y = rng.normal(size=(rows, inputs)), rng.integers(0, classes, rows)
        layers = [Dense(units, activation="tanh"), Dense(classes)]
        net = dr.Network(layers, "softmax_cross_entropy", dtype="float64", seed=seed)
        trace = net.backward(x, y)
        weights = net.weights()
        exact = np.concatenate([trace.gradients[name].ravel() for name in weights])
        flat = np.concatenate([w.ravel() for w in weights.values()])
        return cls(net, x, y, flat, exact, net.evaluate(x, y))

    @property
    def count(self) -> int:
        """How many parameters the network has."""
        return len(self.weights)

    def at(self, weights: Floats) -> float:
        """The loss at other weights."""
        parts, start = {}, 0
        for name, w in self.net.weights().items():
            parts[name] = weights[start : start + w.size].reshape(w.shape)
            start += w.size
        return float(self.net.set_weights(parts).evaluate(self.x, self.y))

    def differences(self, h: float) -> tuple[Floats, Floats]:
        """Forward and central differences, one number per weight each."""
        up, down = np.empty((2, self.count))
        for i, w in enumerate(self.weights):
            moved = self.weights.copy()
            moved[i] = w + h
            up[i] = self.at(moved)
            moved[i] = w - h
            down[i] = self.at(moved)
        return (up - self.loss) / h, (up - down) / (2 * h)

    def errors(self, h: float) -> list[float]:
        """Of forward and central differences."""
        size = np.linalg.norm(self.exact)
        return [float(np.linalg.norm(g - self.exact) / size) for g in self.differences(h)]

    def rounding(self, h: Floats) -> Floats:
        """The error to be expected because a loss is only known to eps / 2."""
        share = EPS / 2 * self.loss / np.linalg.norm(self.exact)
        return np.asarray(share * np.sqrt(self.count) / h)

    def seconds(self) -> dict[str, float]:
        """What an evaluation, a backward pass and a numerical gradient take."""
        self.at(self.weights)
        return {
            "seconds, evaluation": _seconds(lambda: self.net.evaluate(self.x, self.y)),
            "seconds, backward": _seconds(lambda: self.net.backward(self.x, self.y)),
            "seconds, numerical": _seconds(lambda: self.differences(1e-5), rounds=3),
        }


def _seconds(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    def once() -> float:
        begun = perf_counter()
        work()
        return perf_counter() - begun

    return median(once() for _ in range(rounds))


def _bottoms(series: dict[str, Floats]) -> dict[str, float]:
    """Where the errors are smallest, and how they fall before."""
    h = series["h"]
    found: dict[str, float] = {}
    far, near = (int(np.argmin(np.abs(h - place))) for place in (1e-2, 1e-3))
    for name in ("forward", "central"):
        error = series[name]
        best = int(np.argmin(error))
        order = np.log(error[far] / error[near]) / np.log(h[far] / h[near])
        found |= {
            f"{name}: h": float(h[best]),
            f"{name}: error": float(error[best]),
            f"{name}: order": float(order),
        }
    return found


# ---- in words ------------------------------------------------------------------------------------


def _errors_table(series: dict[str, Floats]) -> Table:
    decades = slice(None, None, 4)
    return Table(
        Text(
            "Relative error of the gradient over the step h; rounding: eps / 2 of the loss over h",
            "梯度的相对误差随步长 h 的变化；舍入：损失的 eps / 2 除以 h",
        ),
        (
            (Text("h", "h"), series["h"][decades]),
            (Text("forward", "前向差分"), series["forward"][decades]),
            (Text("central", "中心差分"), series["central"][decades]),
            (Text("rounding expected", "预计的舍入误差"), series["rounding"][decades]),
        ),
    )


def _cost_table(figures: dict[str, float]) -> Table:
    return Table(
        Text("Cost of a gradient, measured in this run", "求一次梯度的代价，本次运行实测"),
        (
            (
                Text("by", "方法"),
                [
                    Text("one backward pass", "一次反向传播"),
                    Text("central differences", "中心差分"),
                    Text("a million parameters, extrapolated", "一百万个参数，外推"),
                ],
            ),
            (
                Text("evaluations of the loss", "计算损失的次数"),
                [None, int(figures["evaluations"]), 2 * MILLION],
            ),
            (
                Text("seconds", "秒"),
                [
                    f"{figures['seconds, backward']:.2g}",
                    f"{figures['seconds, numerical']:.2g}",
                    f">= {figures['seconds, a million at least']:,.0f}",
                ],
            ),
        ),
    )


def _story(figures: dict[str, float]) -> Text:
    return _STORY.with_numbers(
        f=figures,
        orders=[figures[f"{name}: order"] for name in ("forward", "central")],
        errors=[figures[f"{name}: error"] for name in ("forward", "central")],
        h=[figures[f"{name}: h"] for name in ("forward", "central")],
        eps=EPS,
        root=EPS**0.5,
        cube_root=EPS ** (1 / 3),
        micro=1e6 * figures["seconds, evaluation"],
        hours=figures["seconds, a million in proportion"] / 3600,
    )


_STORY = Text(
    "As h shrinks, the error of forward differences falls like h^{orders[0]:.2f} and that of "
    "central differences like h^{orders[1]:.2f}: this is truncation, the terms of the Taylor "
    "series left out. Then it rises like 1/h: the loss is rounded to about eps = {eps:.1e} of its "
    "value, and the difference of two losses is divided by h. The bottom lies where the two meet, "
    "for forward differences near sqrt(eps) = {root:.1e} (here h = {h[0]:.1e}, error "
    "{errors[0]:.1e}), for central ones near eps^(1/3) = {cube_root:.1e} (here h = {h[1]:.1e}, "
    "error {errors[1]:.1e}). A smaller h than that makes it worse, not better.\n\n"
    "Central differences evaluate the loss twice for each of the {f[parameters]:,} parameters, "
    "{f[evaluations]:,} times; backpropagation goes backward once for all of them. A million "
    "parameters would take two million evaluations: at least {f[seconds, a million at least]:,.0f} "
    "s, were each as short as the {micro:.3g} microseconds of this small network, and {hours:,.0f} "
    "hours, if their time grew with the number of parameters. Both are extrapolated, not measured.",
    "h 变小时，前向差分的误差按 h^{orders[0]:.2f} 下降，中心差分的按 h^{orders[1]:.2f} 下降：这是"
    "截断误差，即泰勒展开中略去的项。之后误差又按 1/h 上升：损失的舍入误差约为其值的 eps = "
    "{eps:.1e} 倍，而两个损失之差要除以 h。两者相交处就是谷底：前向差分在 sqrt(eps) = {root:.1e} "
    "附近（这里 h = {h[0]:.1e}，误差 {errors[0]:.1e}），中心差分在 eps^(1/3) = {cube_root:.1e} 附"
    "近（这里 h = {h[1]:.1e}，误差 {errors[1]:.1e}）。h 再小，结果只会更差。\n\n"
    "中心差分对 {f[parameters]:,} 个参数每个都要算两次损失，共 {f[evaluations]:,} 次；反向传播走一"
    "遍就得到全部梯度。一百万个参数需要计算两百万次：就算每次都像这个小网络一样只用 {micro:.3g} 微"
    "秒，至少也要 {f[seconds, a million at least]:,.0f} 秒；若每次的时间随参数个数成比例增长，则要 "
    "{hours:,.0f} 小时。两个数都是外推，不是实测。",
)


def _draw(example: Example, figure: Figure) -> None:
    errors, cost = style.axes_grid(figure, 1, 2, example.size)[0]
    s = example.series
    soft = {"linestyle": ":", "linewidth": 1.2, "color": errors.spines["left"].get_edgecolor()}
    for name in ("forward", "central"):
        errors.loglog(s["h"], s[f"truncation of {name}"], **soft)
        errors.loglog(s["h"], s[name], "o-", markersize=3, label=name)
    errors.loglog(s["h"], s["rounding"], **soft, label="truncation, rounding")
    low = s["central"].min() / 5
    errors.set(xlabel="step h", title="Relative error of the gradient", ylim=(low, 1))
    errors.legend()
    count = np.array([1.0, MILLION])
    cost.loglog(count, 2 * count, label="central differences")
    cost.loglog(count, 1 + count, label="forward differences")
    cost.loglog(count, np.ones(2), label="a backward pass: once")
    here = (example.figures["parameters"], example.figures["evaluations"])
    cost.plot(*here, "o", label=f"this network: {here[1]:,}")
    cost.set(xlabel="parameters", title="Evaluations of the loss")
    cost.legend()
