"""One neuron that is sure and wrong: squared error and cross-entropy from the same start."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

import deltarule as dr
from deltarule.displays import style
from deltarule.examples._checks import require_finite, require_positive
from deltarule.examples._example import Example, Table
from deltarule.language import Text
from deltarule.layers import Dense

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]

LIMIT = 20_000  # updates
SHOWN = (0.01, 0.1, 0.5, 0.9, 0.99, 0.999)  # outputs of the table of gradients
_SQUARED, _CROSS = dr.loss("half_squared_error"), dr.loss("bce_with_logits")
_NAMES = {  # two of them; runs and gradients are in this order
    "squared error": Text("squared error", "平方误差"),
    "cross-entropy": Text("cross-entropy", "交叉熵"),
}


def one_neuron(
    *,
    weight: float = math.log(9),
    x: float = 1.0,
    target: float = 0.5,
    step: float = 0.2,
    tolerance: float = 0.001,
) -> Example:
    """Teach one sigmoid neuron, a = sigmoid(w x + b), one row: with two losses.

    With w = ln 9, b = 0 and x = 1 the output is 0.9; gradient descent brings it towards 0.5.  Only
    w learns; in the figures "... (with bias)" b learns as well.  The squared error is
    (a - y)^2 / 2.  With either loss the updates, which `deltarule.Network` makes, are counted until
    (a - y)^2 / 2 < tolerance.

    Parameters
    ----------
    weight : float, default=ln 9
        At first; b begins at 0.
    x : float, default=1.0
        Not 0.
    target : float, default=0.5
        From 0 to 1.
    step : float, default=0.2
        Learning rate.
    tolerance : float, default=0.001

    Returns
    -------
    Example

    Raises
    ------
    ValueError
        If a number is out of range, or 20,000 updates do not suffice.
    """
    require_positive(step=step, tolerance=tolerance)
    require_finite(weight=weight, x=x)
    if x == 0:
        raise ValueError("x must not be 0: the weight would learn nothing.")
    if not 0 <= target <= 1:
        raise ValueError(f"target must be a number from 0 to 1; met {target!r}.")
    row = _Row(weight, x, target, step, tolerance)
    runs = {
        f"{name}{' (with bias)' * bias}": _taught(name, bias, row)
        for bias in (False, True)
        for name in _NAMES
    }
    updates = {name: len(outputs) - 1 for name, outputs in runs.items()}
    a = np.linspace(0, 1, 2001)[1:-1]
    sweep = _losses(a, 0.0)
    steepest = a[np.argmax(sweep["squared error, gradient"])]
    largest = sweep["squared error, gradient"].max()
    return Example(
        name="one_neuron",
        story=_story(runs, row, float(steepest), float(largest)),
        tables=(_updates_table(runs, row), _sweep_table()),
        figures=updates | {"steepest at": float(steepest), "steepest": float(largest)},
        series={**{f"{n}, output": o for n, o in runs.items()}, "a": a, **sweep},
        draw=_draw,
        size=(10.0, 3.6),
    )


@dataclass(frozen=True)
class _Row:
    """The one row that is learned, and how."""

    weight: float
    x: float
    target: float
    step: float
    tolerance: float


def _taught(name: str, bias: bool, row: _Row) -> Floats:
    """Outputs before the first and after every update, shape (n_updates + 1,)."""
    squared = name == "squared error"
    layer = Dense(1, bias=bias, activation="sigmoid" if squared else None)
    net = dr.Network([layer], _SQUARED if squared else _CROSS, input_shape=1, dtype="float64")
    net.set_weights({"dense_1.weight": [[row.weight]]})
    x, y = [[row.x]], [[row.target]]
    outputs = [net.predict(x).item()]

    def close(_: object = None) -> bool:
        return bool(_SQUARED(outputs[-1], row.target) < row.tolerance)

    def after(_: object) -> bool:
        outputs.append(net.predict(x).item())
        return close()

    if not close():
        net.fit(
            x,
            y,
            epochs=LIMIT,
            batch_size=1,
            solver="sgd",
            momentum=0.0,
            learning_rate=row.step,
            callback=after,
        )
    if not close():
        raise ValueError(
            f"{LIMIT:,} updates with the {name} do not bring the error below {row.tolerance:g}: "
            "the step is too small or too large, or the gradient has vanished."
        )
    return np.array(outputs)


def _losses(a: Floats, target: float) -> dict[str, Floats]:
    """Both losses over the output a, and their gradients dL/dz."""
    z, y = np.log(a) - np.log1p(-a), np.full_like(a, target)
    slope = dr.activations.sigmoid.derivative(z)
    return {
        "squared error, loss": _SQUARED(a, y, reduction="none"),
        "cross-entropy, loss": _CROSS(z, y, reduction="none"),
        "squared error, gradient": _SQUARED.gradient(a, y, reduction="none") * slope,
        "cross-entropy, gradient": _CROSS.gradient(z, y, reduction="none"),
    }


def _gradients(a: float, target: float) -> list[float]:
    """The gradient dL/dz at an output, of both losses."""
    found = _losses(np.array([a]), target)
    return [found[f"{name}, gradient"].item() for name in _NAMES]


# ---- in words ------------------------------------------------------------------------------------


def _updates_table(runs: dict[str, Floats], row: _Row) -> Table:
    plain = [runs[name] for name in _NAMES]
    return Table(
        Text(
            "Updates of w until (a - y)^2 / 2 < {limit:g}: a from {a:.3g} to y = {y:g}, step "
            "{step:g}",
            "w 的更新次数，直到 (a - y)^2 / 2 < {limit:g}：a 从 {a:.3g} 到 y = {y:g}，学习率 "
            "{step:g}",
        ).with_numbers(limit=row.tolerance, a=plain[0][0], y=row.target, step=row.step),
        (
            (Text("loss", "损失函数"), list(_NAMES.values())),
            (Text("dL/dz at first", "起始 dL/dz"), _gradients(plain[0][0], row.target)),
            (Text("a at last", "终止 a"), [outputs[-1] for outputs in plain]),
            (Text("updates", "更新次数"), [len(outputs) - 1 for outputs in plain]),
            (
                Text("if b learns too", "b 也学习时"),
                [len(runs[f"{name} (with bias)"]) - 1 for name in _NAMES],
            ),
        ),
    )


def _sweep_table() -> Table:
    found = _losses(np.array(SHOWN), 0.0)
    columns = [
        (Text(f"{words.en}: {what}", f"{words.zh}：{what}"), found[f"{name}, {key}"])
        for name, words in _NAMES.items()
        for key, what in (("loss", "L"), ("gradient", "dL/dz"))
    ]
    return Table(
        Text("Over the output a where the target is 0", "目标为 0 时，随输出 a 的变化"),
        ((Text("a", "a"), SHOWN), *columns),
    )


def _story(runs: dict[str, Floats], row: _Row, at: float, steepest: float) -> Text:
    a = runs["squared error"][0]
    return _STORY.with_numbers(
        a=a,
        y=row.target,
        n=[len(outputs) - 1 for outputs in runs.values()],
        first=_gradients(a, row.target),
        at=at,
        steepest=steepest,
        far=SHOWN[-1],
        last=_gradients(SHOWN[-1], 0.0),
        x=row.x,
        ratio=1 + row.x**-2,
    )


_STORY = Text(
    "The output is {a:.3g} and should be {y:g}. The squared error takes {n[0]} updates, the "
    "cross-entropy {n[1]}. What the weight is told is dL/dz, at the start {first[0]:.3g} against "
    "{first[1]:.3g}: for the squared error it is (a - y) a (1 - a), for the cross-entropy a - y, "
    "as the slope a (1 - a) of the sigmoid cancels.\n\n"
    "Where the target is 0, the gradient of the squared error grows up to {steepest:.3g} at a = "
    "{at:.3g} and then falls: at a = {far:g}, where the neuron is surest and most wrong, it is "
    "{last[0]:.2g}, and that of the cross-entropy {last[1]:.3g}.\n\n"
    "Where the bias learns too, an update moves z {ratio:g} times as far for x = {x:g}: {n[2]} and "
    "{n[3]} updates.",
    "输出是 {a:.3g}，目标是 {y:g}。用平方误差要更新 {n[0]} 次，用交叉熵只要 {n[1]} 次。权重得到的"
    "信号是 dL/dz，起点处分别是 {first[0]:.3g} 和 {first[1]:.3g}：平方误差的是 (a - y) a (1 - a)，"
    "交叉熵的是 a - y，因为 sigmoid 的斜率 a (1 - a) 正好约掉了。\n\n"
    "目标为 0 时，平方误差的梯度在 a = {at:.3g} 处达到最大值 {steepest:.3g}，此后反而变小：在 a = "
    "{far:g} 处，神经元最自信、错得也最离谱，梯度却只有 {last[0]:.2g}，而交叉熵的梯度是 "
    "{last[1]:.3g}。\n\n"
    "如果偏置也学习，当 x = {x:g} 时每次更新让 z 移动的距离是原来的 {ratio:g} 倍：分别更新 {n[2]} "
    "次和 {n[3]} 次。",
)


def _draw(example: Example, figure: Figure) -> None:
    course, losses, gradients = style.axes_grid(figure, 1, 3, example.size)[0]
    for name in _NAMES:
        a = example.series[f"{name}, output"]
        course.plot(a, label=f"{name}: {len(a) - 1}")
        losses.plot(example.series["a"], example.series[f"{name}, loss"])
        gradients.plot(example.series["a"], example.series[f"{name}, gradient"])
    course.set(xlabel="updates", ylabel="output a", title="Learning")
    course.legend()
    losses.set(xlabel="output a", ylabel="loss", title="Loss, target 0", ylim=(-0.1, 4))
    gradients.set(xlabel="output a", ylabel="dL/dz", title="Gradient, target 0")
