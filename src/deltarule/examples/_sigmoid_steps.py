"""Down an activation by gradient descent: what its slope costs in updates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import deltarule as dr
from deltarule.displays import style
from deltarule.examples._checks import require_positive
from deltarule.examples._example import Example, Table
from deltarule.language import Text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]

CLOSE = 1e-9  # as near to the end as counts as there
LIMIT = 100_000  # updates
REACH = 50.0  # from -50 to 50 the place of the start is searched


def sigmoid_steps(
    *,
    units: tuple[str, str] = ("sigmoid", "relu"),
    start: float = 0.9,
    end: float = 0.5,
    step: float = 0.2,
) -> Example:
    """Count the updates that take the output of a unit from 0.9 down to 0.5.

    The output y = f(x) itself is what gradient descent makes smaller, by changing x:
    x <- x - step * f'(x), from the x with f(x) = start until f(x) <= end.  There are no weights.

    In a stack of two, g(f(x)), the output of the stack is made smaller, by the slope
    f'(x) g'(f(x)), and the first unit is followed over the same way: from f(x) = start until
    f(x) <= end.  (A sigmoid of a sigmoid only has outputs from 0.5 to 0.731.)

    Parameters
    ----------
    units : tuple of str, default=("sigmoid", "relu")
        Two activations that do not fall, by name.
    start, end : float, default=0.9, 0.5
        Outputs of both.
    step : float, default=0.2
        Learning rate.

    Returns
    -------
    Example
        Its figures are updates, by what was descended: "sigmoid", "relu of sigmoid" (outer of
        inner) ...

    Raises
    ------
    ValueError
        If the units are not two different ones, one falls somewhere or has no such output, the end
        is not below the start, or 100,000 updates do not suffice.
    """
    require_positive(step=step)
    if not end < start:
        raise ValueError(f"end must be below start; met end={end!r} and start={start!r}.")
    if len(units) != 2 or units[0] == units[1]:
        raise ValueError(f"units must be two different activations; met {units!r}.")
    one, two = (_rising(name) for name in units)
    chains = [chain for f, g in ((one, two), (two, one)) for chain in ((f,), (f, f), (f, g))]
    paths = [_descend(chain, _place_of(chain[0], start), end, step) for chain in chains]
    return Example(
        name="sigmoid_steps",
        story=_story(paths, start, end, step),
        tables=(_table(paths, start, end, step),),
        figures={path.name: path.updates for path in paths},
        series={path.name: np.array([path.x, path.output]) for path in paths}
        | {f"{path.name}, curve": path.curve for path in paths},
        draw=_draw,
        size=(9.0, 5.4),
    )


@dataclass(frozen=True)
class _Path:
    """Where the updates led: x, the output and its slope in x, shape (n_updates + 1,).

    The curve, shape (2, n), is output over x with as much again on either side of the path.
    """

    name: str
    x: Floats
    output: Floats
    slope: Floats
    curve: Floats

    @property
    def updates(self) -> int:
        """How many they were."""
        return len(self.x) - 1


def _rising(name: str) -> Any:
    f = dr.activation(name)
    if not (f.elementwise and f.facts["monotone"]):
        raise ValueError(f"The units must never fall; {f.name} does.")
    return f


def _place_of(f: Any, y: float) -> float:
    """The x with f(x) = y, by bisection."""
    low, high = -REACH, REACH
    if not f(low) <= y <= f(high):
        raise ValueError(f"{f.name} has no output of {y:g} between x = {low:g} and {high:g}.")
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if f(middle) < y else (low, middle)
    return high


def _through(chain: Sequence[Any], x: Any) -> tuple[Any, Any]:
    """Output of a stack, the first unit first, and its slope in x by the chain rule."""
    value, slope = x, 1.0
    for f in chain:
        slope = slope * f.derivative(value)
        value = f(value)
    return value, slope


def _descend(chain: Sequence[Any], x: float, end: float, step: float) -> _Path:
    places = [x]
    while chain[0](x) > end + CLOSE:
        if len(places) > LIMIT:
            raise ValueError(
                f"{LIMIT:,} updates do not bring {_name(chain)} down to {end:g}: its slope is too "
                "small there; take a larger step or end."
            )
        x -= step * float(_through(chain, x)[1])
        places.append(x)
    path = np.array(places)
    margin = max(path[0] - path[-1], 1.0)
    grid = np.linspace(path[-1] - margin, path[0] + margin, 200)
    curve = np.array([grid, _through(chain, grid)[0]])
    return _Path(_name(chain), path, *_through(chain, path), curve)


def _name(chain: Sequence[Any]) -> str:
    return " of ".join(f.name for f in reversed(chain))


# ---- in words ------------------------------------------------------------------------------------


def _table(paths: list[_Path], start: float, end: float, step: float) -> Table:
    return Table(
        Text(
            f"Updates x <- x - {step:g} dy/dx until the first unit's output has gone from "
            f"{start:g} to {end:g}",
            f"更新 x <- x - {step:g} dy/dx，直到第一个单元的输出从 {start:g} 降到 {end:g}",
        ),
        (
            (Text("unit or stack", "单元或叠加"), [_words(path.name) for path in paths]),
            (Text("y at first", "起始 y"), [path.output[0] for path in paths]),
            (Text("y at last", "终止 y"), [path.output[-1] for path in paths]),
            (Text("slope at first", "起始斜率"), [path.slope[0] for path in paths]),
            (Text("slope at last", "终止斜率"), [path.slope[-1] for path in paths]),
            (Text("updates", "更新次数"), [path.updates for path in paths]),
        ),
    )


def _words(name: str) -> Text:
    outer, of, inner = name.partition(" of ")
    return Text(name, f"{outer}({inner})" if of else name)


def _story(paths: list[_Path], start: float, end: float, step: float) -> Text:
    one, twice, _, two, _, behind = paths
    return _STORY.with_numbers(
        start=start, end=end, step=step, one=one, two=two, twice=twice, behind=behind
    )


_STORY = Text(
    "From an output of {start:g} down to {end:g} with steps of {step:g}, the {one.name} takes "
    "{one.updates} updates and the {two.name} takes {two.updates}. An update goes as far as the "
    "slope is steep: at the start it is {one.slope[0]:.3g} for the {one.name} and "
    "{two.slope[0]:.3g} for the {two.name}.\n\n"
    "A stack multiplies slopes. With a second {one.name} behind it, the first one takes "
    "{twice.updates} updates over the same way; a {two.name} with a {one.name} behind it takes "
    "{behind.updates} instead of {two.updates}. Layer after layer of such factors below 1 is what "
    "makes gradients vanish; the weights, which are left out here, are factors as well.",
    "输出从 {start:g} 降到 {end:g}，学习率为 {step:g}：{one.name} 要更新 {one.updates} 次，"
    "{two.name} 只要 {two.updates} 次。每次更新走多远取决于斜率：起点处 {one.name} 的斜率是 "
    "{one.slope[0]:.3g}，{two.name} 的斜率是 {two.slope[0]:.3g}。\n\n"
    "层层叠加时，斜率要相乘（链式法则）。后面再接一个 {one.name}，第一个 {one.name} 走同样的路程就"
    "要更新 {twice.updates} 次；{two.name} 后面接一个 {one.name}，则要 {behind.updates} 次，而不是 "
    "{two.updates} 次。一层又一层地乘上小于 1 的因子，就造成了梯度消失；这里没有权重，而权重同样是"
    "乘进去的因子。",
)


def _draw(example: Example, figure: Figure) -> None:
    panels = style.axes_grid(figure, 2, 3, example.size)
    for ax, (name, updates) in zip(panels.ravel(), example.figures.items(), strict=True):
        ax.plot(*example.series[f"{name}, curve"])
        ax.plot(*example.series[name], "o", markersize=3.5)
        ax.set_title(f"{name}: {updates:g} updates")
    for ax in panels[-1]:
        ax.set_xlabel("x")
    for ax in panels[:, 0]:
        ax.set_ylabel("output")
