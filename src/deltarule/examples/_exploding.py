"""Exploding gradients: factors |w| f'(z) above 1 through depth, and remedies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import deltarule as dr
from deltarule.displays import style
from deltarule.examples._checks import require_positive
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
from deltarule.initialisers import VarianceScaling
from deltarule.language import Text, joined
from deltarule.layers import Activation, BatchNorm, Dense, Layer

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BATCH = 32
_NETS = {
    "too large": Text("weights too large", "权重过大"),
    "clipping": Text("with clipping", "加梯度裁剪"),
    "batch norm": Text("with batch norm", "加批归一化"),
    "He": Text("He's weights", "He 初始化"),
}


def exploding(
    *,
    weights: tuple[float, ...] = (1.0, 2.0, 4.0, 7.0, 10.0, 20.0, 50.0, 100.0),
    depth: int = 10,
    units: int = 32,
    scale: float = 2.0,
    epochs: int = 20,
    rate: float = 0.03,
    clip: float = 1.0,
    seed: int = 0,
) -> Example:
    """Multiply |w| f'(z) through layers, then train ReLU nets whose weights are too large.

    A chain of single units, a' = f(w a + b), multiplies a gradient by w f'(z) per unit.  With the
    sigmoid that is at least 1 for some inputs a only, an interval around the steepest place whose
    width depends on w.

    The nets have ReLU layers and read scikit-learn's digits, by plain gradient descent on batches
    of 32; their weights are ``scale`` times those of He et al. (2015).  Each remedy is tried by
    itself: the gradient clipped to a norm, batch normalisation before every ReLU, or He's weights.

    Parameters
    ----------
    weights : tuple of float
        Sizes |w| in the chain.
    depth : int, default=10
        Units of the chain, hidden layers of the nets.
    units : int, default=32
        Of a hidden layer.
    scale : float, default=2.0
    epochs : int, default=20
    rate : float, default=0.03
        Learning rate.
    clip : float, default=1.0
        Largest norm of the gradient of all weights.
    seed : int, default=0

    Returns
    -------
    Example
        Its figures are, by |w|, "7, width" (of the interval); by net ("too large", "clipping",
        "batch norm", "He") "..., growth" (of dL/dz per hidden layer, backwards), "..., first loss"
        (before training) and, unless the loss overflowed, "..., loss", "..., accuracy" (training
        rows), "..., silent" (share of hidden units that are 0 for every row).

    Raises
    ------
    ValueError
        If a number is out of range.
    """
    require_counts(units=units, epochs=epochs)
    require_counts(2, depth=depth)
    require_positive(scale=scale, rate=rate, clip=clip)
    require_positive(**{f"weight_{i}": w for i, w in enumerate(weights, 1)})
    given = _Setting(depth, units, scale, epochs, rate, clip, seed)
    X, y = digits()
    nets = [_trained(name, X, y, given) for name in _NETS]
    sizes = np.array(weights)
    widths = np.array([_width(w) for w in weights])
    return Example(
        name="exploding",
        story=_story(sizes, widths, nets, given),
        tables=(_chain_table(sizes, widths, depth), _nets_table(nets, given)),
        figures={f"{w:g}, width": float(width) for w, width in zip(weights, widths, strict=True)}
        | {f"{net.name}, {what}": value for net in nets for what, value in net.figures.items()},
        series={f"{net.name}, deltas": net.deltas for net in nets}
        | {f"{net.name}, losses": net.losses for net in nets}
        | {"weights": sizes, "widths": widths},
        draw=_draw,
        size=(10.0, 4.2),
    )


def _factor(w: Any, a: Any) -> Any:
    """What a sigmoid unit multiplies by, a from the middle."""
    return w * dr.activations.sigmoid.derivative(w * a)


def _width(w: float) -> float:
    """Of the inputs a with w f'(w a) >= 1, f being the sigmoid, by bisection."""
    low, high = 0.0, 1000.0 / w
    if _factor(w, low) <= 1:
        return 0.0
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if _factor(w, middle) >= 1 else (low, middle)
    return 2 * low


@dataclass(frozen=True)
class _Setting:
    """What all nets have in common."""

    depth: int
    units: int
    scale: float
    epochs: int
    rate: float
    clip: float
    seed: int


@dataclass(frozen=True)
class _Net:
    """A net before training, and what came of it.

    Attributes
    ----------
    deltas : ndarray, shape (depth + 1,)
        Root mean square of dL/dz by layer, before training.
    losses : ndarray, shape (epochs + 1,)
        Before training, then the mean over each epoch; NaN from where it overflowed.
    accuracy, silent : float or None
        Share of the rows, of the hidden units; None if the loss overflowed.
    """

    name: str
    deltas: Floats
    losses: Floats
    accuracy: float | None
    silent: float | None

    @property
    def growth(self) -> float:
        """Of dL/dz from a hidden layer to the one before it, in the geometric mean."""
        return float((self.deltas[0] / self.deltas[-2]) ** (1 / (len(self.deltas) - 2)))

    @property
    def overflow(self) -> int:
        """The epoch in which the loss overflowed; 0 if it did not."""
        return int(np.argmax(np.isnan(self.losses)))

    @property
    def figures(self) -> dict[str, float]:
        found = {"growth": self.growth, "first loss": float(self.losses[0])}
        if self.accuracy is not None and self.silent is not None:
            found |= {"accuracy": self.accuracy, "silent": self.silent}
            found["loss"] = float(self.losses[-1])
        return found


def _layers(name: str, given: _Setting) -> list[Layer]:
    scale = 1.0 if name == "He" else given.scale
    init = VarianceScaling("in", "normal", scale * np.sqrt(2))
    block: list[Layer] = [Dense(given.units, init), Activation("relu")]
    if name == "batch norm":
        block = [Dense(given.units, init, bias=False), BatchNorm(), Activation("relu")]
    return [*block * given.depth, Dense(CLASSES, init)]


def _trained(name: str, X: Floats, y: Codes, given: _Setting) -> _Net:
    net = dr.Network(
        _layers(name, given),
        "softmax_cross_entropy",
        dtype="float64",
        seed=given.seed,
        input_shape=X.shape[1],
    )
    before = net.backward(X, y)
    losses = [before.loss]
    limit = {"grad_clip_norm": given.clip} if name == "clipping" else {}
    for _ in range(given.epochs):
        try:
            descend(net, X, y, rate=given.rate, batch=BATCH, **limit)
        except ValueError:  # the loss overflowed
            break
        losses.append(net.history_.loss[-1])
    missing = given.epochs + 1 - len(losses)
    deltas = [rms(d) for layer, d in before.deltas.items() if layer.startswith("dense")]
    return _Net(
        name,
        np.array(deltas),
        np.array([*losses, *[np.nan] * missing]),
        None if missing else accuracy(net, X, y),
        None if missing else _silent(net, X),
    )


def _silent(net: dr.Network, X: Floats) -> float:
    """Share of the hidden units that are 0 for every row."""
    values = net.forward(X, keep=True).values
    active = [(a > 0).any(axis=0) for name, a in values.items() if name.startswith("activation")]
    return 1 - float(np.mean(active))


# ---- in words ------------------------------------------------------------------------------------


def _chain_table(sizes: Floats, widths: Floats, depth: int) -> Table:
    return Table(
        Text(
            "The factor |w| f'(z) of a unit and of {depth} in a chain: of the sigmoid in the "
            "middle of its slope and for an input 0.5 beside it; over what width it reaches 1",
            "一个单元的因子 |w| f'(z)，以及 {depth} 个单元连成链的因子：sigmoid 取斜率最大的中点，"
            "以及输入偏离中点 0.5 处；因子达到 1 的输入区间有多宽",
        ).with_numbers(depth=depth),
        (
            (Text("|w|", "|w|"), sizes),
            (_THROUGH.with_numbers(name="relu", depth=depth), sizes**depth),
            (Text("sigmoid", "sigmoid"), _factor(sizes, 0.0)),
            (_THROUGH.with_numbers(name="sigmoid", depth=depth), _factor(sizes, 0.0) ** depth),
            (Text("sigmoid at 0.5", "sigmoid 偏离 0.5"), _factor(sizes, 0.5)),
            (Text("width of >= 1", ">= 1 的宽度"), widths),
        ),
    )


def _nets_table(nets: list[_Net], given: _Setting) -> Table:
    return Table(
        Text(
            "{depth} ReLU layers with {scale:g} times the weights of He, learning rate {rate:g}: "
            "dL/dz before training, and the loss (blank: it overflowed)",
            "{depth} 个 ReLU 层，权重是 He 初始化的 {scale:g} 倍，学习率 {rate:g}：训练前的 "
            "dL/dz，以及损失（空白：已溢出）",
        ).with_numbers(depth=given.depth, scale=given.scale, rate=given.rate),
        (
            (Text("net", "网络"), [_NETS[net.name] for net in nets]),
            (Text("dL/dz first layer", "第一层 dL/dz"), [net.deltas[0] for net in nets]),
            (Text("last", "最后一层"), [net.deltas[-2] for net in nets]),
            (Text("growth", "每层倍数"), [net.growth for net in nets]),
            (Text("loss at first", "起始损失"), [net.losses[0] for net in nets]),
            (Text("epoch 1", "第 1 轮"), [_known(net.losses[1]) for net in nets]),
            (Text("at last", "最后"), [_known(net.losses[-1]) for net in nets]),
            (Text("accuracy", "准确率"), [net.accuracy for net in nets]),
            (Text("silent", "不激活"), [net.silent for net in nets]),
        ),
    )


def _known(loss: float) -> float | None:
    return None if np.isnan(loss) else loss


def _story(sizes: Floats, widths: Floats, nets: list[_Net], given: _Setting) -> Text:
    plain, *helped = nets
    return _STORY.with_numbers(
        depth=given.depth,
        widest=widths.max(),
        at=sizes[widths.argmax()],
        big=sizes.max(),
        beside=_factor(sizes.max(), 0.5),
        scale=given.scale,
        power=given.scale ** (given.depth - 1),
        less=given.depth - 1,
        plain=plain,
        measured=plain.deltas[0] / plain.deltas[-2],
        first=plain.losses[0],
        end=_end(plain, given),
        guess=np.log(CLASSES),
        clip=given.clip,
        helped=joined(
            _HELPED.with_numbers(
                name=_NETS[net.name], net=net, first=net.losses[0], end=_end(net, given)
            )
            for net in helped
        ),
    )


def _end(net: _Net, given: _Setting) -> Text:
    told = _OVERFLOW if net.overflow else _LOSS
    return told.with_numbers(
        epoch=net.overflow,
        epochs=given.epochs,
        loss=net.losses[-1],
        read=net.accuracy,
        silent=net.silent,
    )


_THROUGH = Text("{name}^{depth}", "{name}^{depth}")
_OVERFLOW = Text("it overflows in epoch {epoch}", "在第 {epoch} 轮溢出")
_LOSS = Text(
    "it is {loss:.3g} after {epochs} epochs, with {read:.0%} of the digits read and {silent:.0%} "
    "of the hidden units 0 for all of them",
    "{epochs} 轮之后为 {loss:.3g}，认得 {read:.0%} 的数字，{silent:.0%} 的隐藏单元对所有数字都"
    "不激活",
)
_HELPED = Text(
    "{name} {net.growth:.2f} per layer, the loss begins at {first:,.4g} and {end}",
    "{name}，每层 {net.growth:.2f} 倍，损失从 {first:,.4g} 开始，{end}",
)
_STORY = Text(
    "A gradient explodes where the factors |w| f'(z) are above 1 in layer after layer. An active "
    "ReLU multiplies by |w| itself. The sigmoid needs |w| > 4, and then only where its sum is near "
    "0: of these |w|, {at:g} gives the widest interval of inputs for which the factor is above 1, "
    "{widest:.2f}. For |w| = {big:g}, 0.5 beside the middle, the factor is {beside:.1g}: the "
    "sigmoid saturates.\n\n"
    "Weights {scale:g} times those of He multiply the gradient of every ReLU layer by about "
    "{scale:g}: by {measured:.3g} through {depth} layers, where {scale:g}^{less} is {power:.3g}. "
    "The loss begins at {first:,.4g}; {end}. (Guessing gives a loss of ln 10 = {guess:.3f}.)\n\n"
    "The remedies, each by itself: {helped}.\n\n"
    "Clipping leaves the gradient as large as it was and only bounds the step, here to a norm of "
    "{clip:g}. Batch normalisation divides by the spread of the sums, in which the size of the "
    "weights is contained. Weights of the right size need neither.",
    "当每一层的因子 |w| f'(z) 都大于 1 时，梯度就会爆炸。ReLU 激活时，因子就是 |w|。sigmoid 则需要 "
    "|w| > 4，而且加权和要接近 0：在这些 |w| 中，{at:g} 使因子大于 1 的输入区间最宽，为 "
    "{widest:.2f}。当 |w| = {big:g} 时，偏离中点 0.5 处的因子是 {beside:.1g}：sigmoid 已饱和。\n\n"
    "权重为 He 初始化的 {scale:g} 倍时，每个 ReLU 层大约把梯度乘以 {scale:g}：经过 {depth} 层变为 "
    "{measured:.3g} 倍，而 {scale:g}^{less} = {power:.3g}。损失从 {first:,.4g} 开始，{end}。（随机"
    "猜测的损失是 ln 10 = {guess:.3f}。）\n\n"
    "各用一种对策：{helped}。\n\n"
    "梯度裁剪并不减小梯度本身，只限制每一步的大小，这里把范数限制在 {clip:g}。批归一化除以加权和"
    "的标准差，而标准差里已经包含了权重的大小。权重一开始就大小合适，则两者都不需要。",
)


def _draw(example: Example, figure: Figure) -> None:
    import matplotlib as mpl

    chain, deltas, losses = style.axes_grid(figure, 1, 3, example.size)[0]
    a, ink = np.linspace(-0.6, 0.6, 601), mpl.rcParams["text.color"]
    for w, line in ((2, ":"), (7, "-"), (20, "--"), (100, "-.")):
        chain.plot(a, _factor(w, a), line, color=ink, linewidth=1.4, label=f"|w| = {w}")
    chain.set(yscale="log", ylim=(1e-3, 200), xlabel="input beside the middle")
    chain.set_title("Sigmoid: |w| times slope")
    chain.legend(ncols=2, loc="upper center")
    for name in _NETS:
        sizes = example.series[f"{name}, deltas"]
        course = example.series[f"{name}, losses"]
        dashed = "--" if name == "clipping" else "-"
        deltas.plot(np.arange(1, len(sizes) + 1), sizes, dashed)
        (drawn,) = losses.plot(np.arange(len(course)), course, "o" + dashed, markersize=4)
        if np.isnan(course).any():
            epoch = int(np.argmax(np.isnan(course)))
            text = f"  overflow in epoch {epoch}"
            losses.text(epoch - 1, course[epoch - 1], text, color=drawn.get_color(), va="center")
    deltas.set(yscale="log", xlabel="layer", title="dL/dz before training")
    losses.set(yscale="log", xlabel="epoch", title="Loss")
    figure.legend(deltas.lines, [w.en for w in _NETS.values()], loc="outside lower center", ncols=4)
