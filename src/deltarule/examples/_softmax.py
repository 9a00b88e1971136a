"""Softmax: what it makes of scores, what it asks of them, and where squared error fails it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

import deltarule as dr
from deltarule.displays import style
from deltarule.examples._checks import require_finite
from deltarule.examples._example import Example, Table
from deltarule.language import Text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]

SHOWN = (-20, -10, -5, -2, 0, 2, 5, 10)  # leads of the right class in the table
_CROSS, _SQUARED = dr.loss("softmax_cross_entropy"), dr.loss("half_squared_error")


def softmax(*, scores: Sequence[float] = (3, 1, -3), label: int = 0) -> Example:
    """Turn scores into probabilities, and compare what three losses ask of the scores.

    The squared error is sum((. - y)^2) / 2, of the scores z themselves or of the probabilities
    a = softmax(z), y being 1 at the label and 0 elsewhere.

    Parameters
    ----------
    scores : sequence of float, default=(3, 1, -3)
        At least two.
    label : int, default=0
        The place of the right class among them.

    Returns
    -------
    Example
        Its figures are the probabilities "a 0", "a 1" ...; the gradients in the scores, of the
        cross-entropy ("a - y 0" ...) and of the squared error of the raw scores ("z - y 0" ...);
        how far the softmax of two classes is from the sigmoid of their difference; and the sizes
        of the gradients in z where the right class is 10 behind one other.

    Raises
    ------
    ValueError
        If there are less than two scores, one is not finite, or the label is not one of them.
    """
    if len(scores) < 2 or not 0 <= label < len(scores):
        raise ValueError(
            f"label must be a place among two or more scores; met label={label!r} and "
            f"scores={scores!r}."
        )
    require_finite(**{f"scores[{i}]": score for i, score in enumerate(scores)})
    z = np.array(scores, float)
    y = np.eye(len(z))[label]
    gap = np.linspace(-40, 40, 8001)
    of_two = dr.activations.softmax(_two(gap))[:, 0] - dr.activations.sigmoid(gap)
    lead = np.linspace(-20, 10, 301)
    series = {
        "z": z,
        "a": dr.activations.softmax(z),
        "a - y": _CROSS.gradient(z, y, reduction="sum"),
        "z - y": _SQUARED.gradient(z, y, reduction="sum"),
        "lead": lead,
        **_sizes(lead),
    }
    figures = {
        f"{name} {i}": float(v)
        for name in ("a", "a - y", "z - y")
        for i, v in enumerate(series[name])
    }
    figures["softmax of two - sigmoid"] = float(np.abs(of_two).max())
    figures |= {f"{name} at -10": v.item() for name, v in _sizes(np.array([-10.0])).items()}
    return Example(
        name="softmax",
        story=_story(series, figures, label),
        tables=(_scores_table(series, y), _sizes_table()),
        figures=figures,
        series=series,
        draw=_draw,
        size=(10.0, 3.6),
    )


def _two(lead: Floats) -> Floats:
    """Scores of two classes, the first so far ahead."""
    return np.stack([lead, np.zeros_like(lead)], axis=-1)


def _sizes(lead: Floats) -> dict[str, Floats]:
    """Sizes of dL/dz for two classes, over the lead of the right one."""
    z, y = _two(lead), np.broadcast_to([1.0, 0.0], (len(lead), 2))
    a = dr.activations.softmax(z)
    error = _SQUARED.gradient(a, y, reduction="sum")
    return {
        "cross-entropy": np.linalg.norm(_CROSS.gradient(z, y, reduction="sum"), axis=-1),
        "squared error": np.linalg.norm(dr.activations.softmax.vjp(z, error), axis=-1),
    }


# ---- in words ------------------------------------------------------------------------------------


def _scores_table(series: dict[str, Floats], y: Floats) -> Table:
    with np.errstate(over="ignore"):
        powers = np.exp(series["z"])
    return Table(
        Text("Scores z, probabilities a, target y", "得分 z，概率 a，目标 y"),
        (
            (Text("z", "z"), series["z"]),
            (Text("e^z", "e^z"), powers),
            (Text("a = softmax(z)", "a = softmax(z)"), [f"{v:.4f}" for v in series["a"]]),
            (Text("y", "y"), y),
            (Text("a - y, cross-entropy", "a - y，交叉熵"), [f"{v:+.4f}" for v in series["a - y"]]),
            (Text("z - y, raw scores", "z - y，原始得分"), [f"{v:+g}" for v in series["z - y"]]),
        ),
    )


def _sizes_table() -> Table:
    lead = np.array(SHOWN, float)
    sizes = _sizes(lead)
    return Table(
        Text(
            "Two classes: size of dL/dz over the lead of the right class's score",
            "两个类别：dL/dz 的大小随正确类别得分的领先量变化",
        ),
        (
            (Text("lead", "领先量"), lead),
            (
                Text("a of the right class", "正确类别的 a"),
                dr.activations.softmax(_two(lead))[:, 0],
            ),
            (Text("cross-entropy", "交叉熵"), sizes["cross-entropy"]),
            (Text("squared error of a", "a 的平方误差"), sizes["squared error"]),
        ),
    )


def _story(series: dict[str, Floats], figures: dict[str, float], label: int) -> Text:
    return _STORY.with_numbers(
        z=", ".join(f"{v:g}" for v in series["z"]),
        a=", ".join(f"{v:.2f}" for v in series["a"]),
        cross=", ".join(f"{v:+.2f}" for v in series["a - y"]),
        raw=", ".join(f"{v:+g}" for v in series["z - y"]),
        score=series["z"][label],
        found=figures,
    )


_STORY = Text(
    "Softmax turns the scores {z} into the probabilities {a}. The gradient of the cross-entropy in "
    "the scores is a - y: {cross}. Each score is asked to move by what its probability lacks.\n\n"
    "The squared error of the raw scores asks for something else, z - y: {raw}. It wants the right "
    "class at exactly 1, so a score of {score:g} there counts as an error, however far it is "
    "ahead; softmax only looks at differences of scores.\n\n"
    "With two classes softmax is the sigmoid of the difference of the scores: over 8001 "
    "differences from -40 to 40 they are never further apart than "
    "{found[softmax of two - sigmoid]:.1g}.\n\n"
    "The squared error of the probabilities stalls where the net is confidently wrong: with the "
    "right class 10 behind, its gradient has the size {found[squared error at -10]:.2g}, that of "
    "the cross-entropy {found[cross-entropy at -10]:.3g}.",
    "softmax 把得分 {z} 变成概率 {a}。交叉熵对得分的梯度是 a - y：{cross}。概率差多少，得分就被要"
    "求移动多少。\n\n"
    "对原始得分用平方误差，要求就不同了，梯度是 z - y：{raw}。它要正确类别的得分恰好等于 1，于是那"
    "里的得分 {score:g} 不管领先多少都算作误差；而 softmax 只看得分之差。\n\n"
    "只有两个类别时，softmax 就是得分之差的 sigmoid：在 -40 到 40 的 8001 个差值上，两者最多相差 "
    "{found[softmax of two - sigmoid]:.1g}。\n\n"
    "对概率用平方误差，网络自信地犯错时学习会停滞：正确类别落后 10 时，它的梯度大小只有 "
    "{found[squared error at -10]:.2g}，而交叉熵的是 {found[cross-entropy at -10]:.3g}。",
)


def _draw(example: Example, figure: Figure) -> None:
    shares, asked, sizes = style.axes_grid(figure, 1, 3, example.size)[0]
    s = example.series
    places = np.arange(len(s["z"]))
    names = [f"z = {z:g}" for z in s["z"]]
    shares.bar_label(shares.bar(places, s["a"]), fmt="%.2f", padding=2)
    shares.set(title="softmax(z)", xticks=places, xticklabels=names, ylim=(0, 1.1))
    asked.bar(places - 0.2, s["a - y"], 0.4, label="a - y")
    asked.bar(places + 0.2, s["z - y"], 0.4, label="z - y")
    asked.set(title="dL/dz", xticks=places, xticklabels=names)
    asked.legend()
    for name in ("cross-entropy", "squared error"):
        sizes.semilogy(s["lead"], s[name], label=name)
    sizes.set(title="Size of dL/dz, two classes", xlabel="lead of the right class")
    sizes.legend()
