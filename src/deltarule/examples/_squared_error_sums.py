"""A line through points: the sum of squared errors, and gradient descent on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

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

SHOWN = (0, 1, 2, 3, 5, 10, 20, 30, 50, 100)  # updates of the table
_LOSS = dr.loss("squared_error")


def squared_error_sums(
    *,
    x: Sequence[float] = (-2, -1, 0, 1, 2),
    y: Sequence[float] = (-3, 0, 0, 3, 4),
    lines: Sequence[tuple[float, float]] = ((2, 1), (0, 0)),
    step: float = 0.03,
    updates: int = 30,
) -> Example:
    """Compare lines w x + b by the sum of their squared errors, and descend from the last of them.

    Parameters
    ----------
    x, y : sequence of float
        The points, at least two of different x.
    lines : sequence of (w, b), default=((2, 1), (0, 0))
    step : float, default=0.03
        Learning rate, for the gradient of the sum (not of the mean) over the points.
    updates : int, default=30

    Returns
    -------
    Example
        Its figures are the sums by line, as "(2, 1)"; the smallest sum there is, of the line of
        least squares, with its w and b; the sum after the updates.

    Raises
    ------
    ValueError
        If x and y do not fit, a number is out of range, or the sum grows with such a step.
    """
    require_positive(step=step, updates=updates)
    points = _points(x, y)
    given = np.array(lines, float).reshape(-1, 2)
    design = np.stack([points[0], np.ones_like(points[0])], axis=1)
    best = np.linalg.lstsq(design, points[1])[0]
    path = _descend(design, points[1], given[-1], step, int(updates))
    series = {
        "points": points,
        "lines": given,
        "sums": _sums(design, points[1], given),
        "path": path,
        "path, sum": _sums(design, points[1], path),
        **_surface(design, points[1], np.concatenate([path, given])),
    }
    figures = {
        **{f"({w:g}, {b:g})": s for (w, b), s in zip(given, series["sums"].tolist(), strict=True)},
        "smallest": _sums(design, points[1], best[None]).item(),
        "w": best[0].item(),
        "b": best[1].item(),
        "after the updates": series["path, sum"][-1].item(),
    }
    return Example(
        name="squared_error_sums",
        story=_story(series, figures, step),
        tables=(_lines_table(series, figures), _path_table(series)),
        figures=figures,
        series=series,
        draw=_draw,
        size=(9.0, 4.0),
    )


def _points(x: Sequence[float], y: Sequence[float]) -> Floats:
    if len(x) != len(y):
        raise ValueError(f"There must be one y for each x; met {len(x)} x and {len(y)} y.")
    points = np.array([x, y], float)
    if not np.isfinite(points).all() or len(np.unique(points[0])) < 2:
        raise ValueError("A line needs finite points, at least two of them at different x.")
    return points


def _sums(design: Floats, y: Floats, lines: Floats) -> Floats:
    """Sum of the squared errors of lines (..., 2), one for each."""
    z = lines @ design.T
    return np.asarray(_LOSS(z, np.broadcast_to(y, z.shape), reduction="none").sum(axis=-1))


def _descend(design: Floats, y: Floats, line: Floats, step: float, updates: int) -> Floats:
    """W and b before the first and after every update, shape (updates + 1, 2)."""
    path = [line]
    for _ in range(updates):
        line = line - step * design.T @ _LOSS.gradient(design @ line, y, reduction="sum")
        path.append(line)
    found = np.array(path)
    first, last = _sums(design, y, found[[0, -1]])
    if not last <= first:
        raise ValueError(f"With steps of {step:g} the sum grows: take smaller ones.")
    return found


def _surface(design: Floats, y: Floats, around: Floats) -> dict[str, Floats]:
    """The sum over a grid of w and b around some lines."""
    low, high = around.min(axis=0), around.max(axis=0)
    margin = 0.35 * (high - low) + 0.1
    w, b = np.linspace(low - margin, high + margin, 81).T
    grid = np.stack(np.meshgrid(w, b), axis=-1)
    return {"surface, w": w, "surface, b": b, "surface": _sums(design, y, grid)}


# ---- in words ------------------------------------------------------------------------------------


def _lines_table(series: dict[str, Floats], figures: dict[str, float]) -> Table:
    w, b = np.concatenate([series["lines"], [[figures["w"], figures["b"]]]]).T
    sums = np.append(series["sums"], figures["smallest"])
    count = series["points"].shape[1]
    return Table(
        Text(
            "Sum of the squared errors of w x + b; the last line is that of least squares",
            "直线 w x + b 的误差平方和；最后一行是最小二乘直线",
        ),
        (
            (Text("w", "w"), w),
            (Text("b", "b"), b),
            (Text("sum", "总和"), sums),
            (Text("mean", "均值"), sums / count),
            (Text("half the sum", "总和的一半"), sums / 2),
        ),
    )


def _path_table(series: dict[str, Floats]) -> Table:
    shown = [n for n in SHOWN if n < len(series["path"])]
    w, b = series["path"][shown].T
    return Table(
        Text("Gradient descent from the last of the lines", "从最后一条给定直线出发的梯度下降"),
        (
            (Text("updates", "更新次数"), shown),
            (Text("w", "w"), w),
            (Text("b", "b"), b),
            (Text("sum", "总和"), series["path, sum"][shown]),
        ),
    )


def _story(series: dict[str, Floats], figures: dict[str, float], step: float) -> Text:
    names = list(figures)[: len(series["lines"])]
    count = series["points"].shape[1]
    return _STORY.with_numbers(
        sums=", ".join(f"{name}: {figures[name]:.4g}" for name in names),
        sums_zh="，".join(f"{name} 是 {figures[name]:.4g}" for name in names),
        best=figures,
        updates=len(series["path"]) - 1,
        after=figures["after the updates"],
        step=step,
        count=count,
        of_mean=step * count,
    )


_STORY = Text(
    "The sums of the squared errors by (w, b): {sums}. No line does better than "
    "{best[smallest]:.4g}, that of w = {best[w]:.4g} and b = {best[b]:.4g}, which solving two "
    "linear equations gives at once. Gradient descent with steps of {step:g} comes to {after:.6g} "
    "after {updates} updates.\n\n"
    "Whether the loss is the sum, the mean or half of it changes no minimum, but it changes the "
    "gradient: with the mean over the {count} points the same path needs steps of {of_mean:g}.",
    "误差平方和（按 (w, b)）：{sums_zh}。没有哪条直线比 {best[smallest]:.4g} 更好，它的 w = "
    "{best[w]:.4g}，b = {best[b]:.4g}，解两个线性方程就能直接得到。学习率取 {step:g} 时，梯度下降"
    "更新 {updates} 次后达到 {after:.6g}。\n\n"
    "损失取总和、均值还是一半，最小值点都不变，但梯度变了：若改用 {count} 个点上的均值，要走同样的"
    "路径，学习率就得取 {of_mean:g}。",
)


def _draw(example: Example, figure: Figure) -> None:
    left, right = style.axes_grid(figure, 1, 2, example.size)[0]
    s, found = example.series, example.figures
    x, y = s["points"]
    reach = np.array([x.min() - 0.3, x.max() + 0.3])
    best = (found["w"], found["b"], found["smallest"])
    for w, b, total in [*zip(*s["lines"].T, s["sums"], strict=True), best]:
        left.plot(reach, w * reach + b, label=f"({w:.3g}, {b:.3g}): {total:.3g}")
    left.plot(x, y, "o", color=left.xaxis.label.get_color(), markersize=5)
    left.set(xlabel="x", ylabel="y", title="Lines (w, b) and their sums")
    left.legend()
    low, high = found["smallest"], s["surface"].max()
    levels = np.geomspace(low + 0.01 * (high - low), high, 12)
    shades = right.contourf(
        s["surface, w"], s["surface, b"], s["surface"], levels, cmap=style.SEQUENTIAL, extend="min"
    )
    figure.colorbar(shades, ax=right, format="%.2g")
    right.plot(*s["path"].T, "o-", color=style.COLOURS[1], markersize=4, linewidth=1)
    right.plot(*best[:2], "*", color="white", markersize=11)
    right.set(xlabel="w", ylabel="b", title="Sum of squared errors, descent")
    right.grid(visible=False)
