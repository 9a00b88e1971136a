"""Vanishing gradients: products of slopes, deep nets whose first layers stand still, remedies."""

from __future__ import annotations

from collections.abc import Callable
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
    gradient_sizes,
    require_counts,
    rms,
)
from deltarule.language import Text, joined
from deltarule.layers import Activation, BatchNorm, Dense, Layer, Residual

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BATCH = 32
Stack = Callable[[int, int], list[Layer]]  # (hidden layers, units)


def vanishing_by_depth(
    *,
    activations: tuple[str, ...] = ("sigmoid", "tanh", "relu", "elu", "gelu", "silu"),
    depths: tuple[int, ...] = (3, 10, 30),
    hidden: int = 3,
    deep: int = 30,
    units: int = 32,
    epochs: int = 20,
    rate: float = 0.1,
    seed: int = 0,
) -> Example:
    """Multiply slopes through layers, then see a sigmoid net learn slowly, and remedies.

    The nets read scikit-learn's digits and are trained by plain gradient descent on batches of 32,
    as momentum or Adam would hide how small a gradient is.  The weights are normal of variance
    1 / inputs (LeCun et al. 1998), for ReLU 2 / inputs (He et al. 2015).

    Parameters
    ----------
    activations : tuple of str
        Of the products of slopes.
    depths : tuple of int, default=(3, 10, 30)
        Numbers of factors.
    hidden : int, default=3
        Hidden layers of the nets that are trained.
    deep : int, default=30
        Hidden layers of the nets whose first gradient is measured, layer by layer.
    units : int, default=32
        Of a hidden layer.
    epochs : int, default=20
    rate : float, default=0.1
        Learning rate.
    seed : int, default=0

    Returns
    -------
    Example
        Its figures are "sigmoid, largest slope" and "sigmoid, typical slope" (the root mean square
        of f'(z) over standard normal z); by net "..., reach" (gradient of the first hidden layer
        over that of the last one, deep net), "..., factor" (the same per layer), "..., first moves"
        and "..., last moves" (norm of the change of a layer's weights in the first epoch over the
        norm of the weights), "..., accuracy" (training rows).

    Raises
    ------
    ValueError
        If there is no such activation, or a number is out of range.
    """
    require_counts(hidden=hidden, deep=deep, units=units, epochs=epochs)
    require_counts(**{f"depth_{i}": depth for i, depth in enumerate(depths, 1)})
    require_positive(rate=rate)
    slopes = [_slopes(name) for name in dict.fromkeys(activations)]
    X, y = digits()
    given = _Setting(hidden, deep, units, epochs, rate, seed)
    nets = [_trained(name, X, y, given) for name in NETS]
    return Example(
        name="vanishing_by_depth",
        story=_story(slopes, nets, max(depths), given),
        tables=(
            _slopes_table(slopes, depths),
            _deep_table(nets, deep),
            _trained_table(nets, given),
        ),
        figures={f"{one.name}, {k}": v for one in slopes for k, v in one.figures.items()}
        | {f"{net.name}, {k}": v for net in nets for k, v in net.figures.items()},
        series={
            f"{net.name}, {what}": values
            for net in nets
            for what, values in (
                ("gradients", net.gradients),
                ("moves", net.moves),
                ("accuracies", net.accuracies),
            )
        },
        draw=_draw,
        size=(10.0, 4.2),
    )


def _plain(activation: str, init: str) -> Stack:
    def layers(hidden: int, units: int) -> list[Layer]:
        return [*[Dense(units, init, activation)] * hidden, Dense(CLASSES, "lecun_normal")]

    return layers


def _normalised(hidden: int, units: int) -> list[Layer]:
    block = [Dense(units, "lecun_normal", bias=False), BatchNorm(), Activation("sigmoid")]
    return [*block * hidden, Dense(CLASSES, "lecun_normal")]


def _residual(hidden: int, units: int) -> list[Layer]:
    first = Dense(units, "lecun_normal", "sigmoid")
    return [first, *[Residual([first])] * (hidden - 1), Dense(CLASSES, "lecun_normal")]


NETS: dict[str, Stack] = {
    "sigmoid": _plain("sigmoid", "lecun_normal"),
    "ReLU, He": _plain("relu", "he_normal"),
    "sigmoid, batch norm": _normalised,
    "sigmoid, residual": _residual,
}
_NAMES = {
    "sigmoid": Text("sigmoid", "sigmoid"),
    "ReLU, He": Text("ReLU with He's weights", "ReLU + He 初始化"),
    "sigmoid, batch norm": Text("sigmoid, batch norm", "sigmoid + 批归一化"),
    "sigmoid, residual": Text("sigmoid, residual", "sigmoid + 残差连接"),
}


@dataclass(frozen=True)
class _Slopes:
    """The largest slope of an activation, and its root mean square over standard normal z."""

    name: str
    largest: float
    typical: float

    @property
    def figures(self) -> dict[str, float]:
        return {"largest slope": self.largest, "typical slope": self.typical}


def _slopes(name: str) -> _Slopes:
    f = dr.activation(name)
    z = (np.arange(200_000) + 0.5) / 10_000 - 10  # midpoints of cells from -10 to 10
    weights = np.exp(-(z**2) / 2)
    mean_square = np.average(f.derivative(z) ** 2, weights=weights)
    return _Slopes(f.name, float(f.facts["lipschitz"]), float(np.sqrt(mean_square)))


@dataclass(frozen=True)
class _Setting:
    """What all nets have in common."""

    hidden: int
    deep: int
    units: int
    epochs: int
    rate: float
    seed: int


@dataclass(frozen=True)
class _Net:
    """A net before and while it is trained.

    Attributes
    ----------
    gradients : ndarray, shape (deep + 1,)
        Of the deep net before training: root mean square of dL/dW by layer.
    moves : ndarray, shape (epochs, hidden + 1)
        Norm of the change of a layer's weights over the norm of the weights before.
    accuracies : ndarray, shape (epochs,)
    """

    name: str
    gradients: Floats
    moves: Floats
    accuracies: Floats

    @property
    def reach(self) -> float:
        """What of the last hidden layer's gradient is left in the first."""
        return float(self.gradients[0] / self.gradients[-2])

    @property
    def factor(self) -> float:
        """By what a hidden layer multiplies the gradient, in the geometric mean."""
        return float(self.reach ** (1 / max(len(self.gradients) - 2, 1)))

    @property
    def figures(self) -> dict[str, float]:
        return {
            "reach": self.reach,
            "factor": self.factor,
            "first moves": float(self.moves[0, 0]),
            "last moves": float(self.moves[0, -1]),
            "accuracy": float(self.accuracies[-1]),
        }


def _trained(name: str, X: Floats, y: Codes, given: _Setting) -> _Net:
    def net_of(depth: int) -> dr.Network:
        layers = NETS[name](depth, given.units)
        loss, size = "softmax_cross_entropy", X.shape[1]
        return dr.Network(layers, loss, dtype="float64", seed=given.seed, input_shape=size)

    net = net_of(given.hidden)
    weights, moves, accuracies = _matrices(net), [], []

    def look(_: Any) -> None:
        nonlocal weights
        before, weights = weights, _matrices(net)
        moves.append([rms(w - old) / rms(old) for w, old in zip(weights, before, strict=True)])
        accuracies.append(accuracy(net, X, y))

    descend(net, X, y, rate=given.rate, batch=BATCH, epochs=given.epochs, callback=look)
    gradients = gradient_sizes(net_of(given.deep), X, y)
    return _Net(name, gradients, np.array(moves), np.array(accuracies))


def _matrices(net: dr.Network) -> list[Floats]:
    """The weights of the dense layers, in their order."""
    return [w for name, w in net.weights().items() if name.endswith(".weight")]


# ---- in words ------------------------------------------------------------------------------------


def _slopes_table(slopes: list[_Slopes], depths: tuple[int, ...]) -> Table:
    columns: list[tuple[Text, Any]] = [
        (Text("activation", "激活函数"), [one.name for one in slopes])
    ]
    for word, field in ((Text("largest", "最大"), "largest"), (Text("typical", "典型"), "typical")):
        numbers = np.array([getattr(one, field) for one in slopes])
        columns += [
            (_POWER.with_numbers(word=word, depth=f"^{d}" if d > 1 else ""), numbers**d)
            for d in dict.fromkeys((1, *depths))
        ]
    return Table(
        Text(
            "Slopes multiplied through layers: the largest f'(z), and the typical one (root mean "
            "square over standard normal z)",
            "斜率逐层连乘：f'(z) 的最大值，以及典型值（z 服从标准正态分布时的均方根）",
        ),
        tuple(columns),
    )


_POWER = Text("{word}{depth}", "{word}{depth}")


def _deep_table(nets: list[_Net], deep: int) -> Table:
    sizes = [net.gradients for net in nets]
    return Table(
        Text(
            "{deep} hidden layers before training: root mean square of dL/dW",
            "{deep} 个隐藏层、训练之前：dL/dW 的均方根",
        ).with_numbers(deep=deep),
        (
            (Text("net", "网络"), [_NAMES[net.name] for net in nets]),
            (Text("first hidden", "第一隐藏层"), [g[0] for g in sizes]),
            (Text("middle", "中间"), [g[(len(g) - 1) // 2] for g in sizes]),
            (Text("last hidden", "最后隐藏层"), [g[-2] for g in sizes]),
            (Text("factor per layer", "每层的因子"), [net.factor for net in nets]),
        ),
    )


def _trained_table(nets: list[_Net], given: _Setting) -> Table:
    return Table(
        Text(
            "{hidden} hidden layers in training, learning rate {rate:g}: change of a layer's "
            "weights in an epoch, as a share of their norm",
            "{hidden} 个隐藏层、训练之中（学习率 {rate:g}）：一轮之内一层权重的变化与权重范数之比",
        ).with_numbers(hidden=given.hidden, rate=given.rate),
        (
            (Text("net", "网络"), [_NAMES[net.name] for net in nets]),
            (Text("first layer, epoch 1", "第一层，第 1 轮"), [net.moves[0, 0] for net in nets]),
            (Text("last layer, epoch 1", "最后一层，第 1 轮"), [net.moves[0, -1] for net in nets]),
            (
                Text("first layer, last epoch", "第一层，最后一轮"),
                [net.moves[-1, 0] for net in nets],
            ),
            (Text("accuracy", "准确率"), [f"{net.accuracies[-1]:.1%}" for net in nets]),
        ),
    )


def _story(slopes: list[_Slopes], nets: list[_Net], depth: int, given: _Setting) -> Text:
    low, high = (pick(slopes, key=lambda one: one.typical) for pick in (min, max))
    plain, *helped = nets
    return _STORY.with_numbers(
        low=low,
        high=high,
        depth=depth,
        powers=[low.largest**depth, low.typical**depth, high.typical**depth],
        deep=given.deep,
        hidden=given.hidden,
        epochs=given.epochs,
        plain=plain,
        moves=plain.moves[0, [0, -1]],
        read=plain.accuracies[-1],
        reached=joined(_REACHED.with_numbers(name=_NAMES[n.name], n=n) for n in helped),
        learned=joined(
            _LEARNED.with_numbers(name=_NAMES[n.name], move=n.moves[0, 0], read=n.accuracies[-1])
            for n in helped
        ),
    )


_REACHED = Text(
    "{name} {n.reach:.2g} ({n.factor:.2f} per layer)", "{name} {n.reach:.2g}（每层 {n.factor:.2f}）"
)
_LEARNED = Text("{name} {move:.1%} and {read:.1%}", "{name} {move:.1%} 和 {read:.1%}")
_STORY = Text(
    "Going back through a layer, a gradient is multiplied by the weights and by the slope f'(z). "
    "Of these activations {low.name} has the smallest typical slope, {low.typical:.3f}; through "
    "{depth} layers that makes {powers[1]:.2g}, and at the very best {powers[0]:.2g}. The largest "
    "typical slope has {high.name}, {high.typical:.3f}: {powers[2]:.2g}.\n\n"
    "In a net of {deep} hidden sigmoid layers, {plain.reach:.2g} of the gradient of the last "
    "hidden layer is left in the first: {plain.factor:.3f} per layer. With one remedy each: "
    "{reached}.\n\n"
    "Already {hidden} hidden layers show it. In the first epoch the sigmoid net's first layer "
    "changes by {moves[0]:.1%} of its norm and its last by {moves[1]:.1%}; after {epochs} epochs "
    "it reads {read:.1%} of the digits it was trained on. The first layer's change and the digits "
    "read are with the remedies: {learned}.\n\n"
    "Why they help: ReLU's slope is 1 wherever the unit is active, and He's weights make up for "
    "the rows where it is not. Batch normalisation divides by the spread of the sums, which makes "
    "up for slopes below 1. A residual connection adds a way around the layer on which nothing is "
    "multiplied.",
    "梯度每向回穿过一层，就要乘上权重和斜率 f'(z)。在这些激活函数中，{low.name} 的典型斜率最小，为 "
    "{low.typical:.3f}；经过 {depth} 层就是 {powers[1]:.2g}，最好的情况也只有 {powers[0]:.2g}。"
    "典型斜率最大的是 {high.name}，为 {high.typical:.3f}，经过 {depth} 层是 {powers[2]:.2g}。\n\n"
    "在有 {deep} 个 sigmoid 隐藏层的网络里，最后一个隐藏层的梯度传到第一层只剩 {plain.reach:.2g}，"
    "即每层乘 {plain.factor:.3f}，这就是梯度消失。各用一种对策：{reached}。\n\n"
    "{hidden} 个隐藏层就已经看得出来。第一轮训练中，sigmoid 网络第一层的变化是其范数的 "
    "{moves[0]:.1%}，最后一层是 {moves[1]:.1%}；{epochs} 轮之后，它只认得训练数字的 {read:.1%}。"
    "用上对策，第一层的变化和认得的比例分别是：{learned}。\n\n"
    "为什么有效：ReLU 在激活时斜率为 1，He 初始化补偿了未激活的那一半。批归一化除以加权和的标准差，"
    "补偿了小于 1 的斜率。残差连接增加了一条绕过该层的通路，在这条路上什么都不用乘。",
)


def _draw(example: Example, figure: Figure) -> None:
    deep, moves, read = style.axes_grid(figure, 1, 3, example.size)[0]
    for name, words in _NAMES.items():
        gradients, moved, accuracies = (
            example.series[f"{name}, {what}"] for what in ("gradients", "moves", "accuracies")
        )
        epochs = np.arange(1, len(moved) + 1)
        deep.plot(np.arange(1, len(gradients) + 1), gradients, label=words.en)
        moves.plot(epochs, 100 * moved[:, 0])
        read.plot(epochs, 100 * accuracies)
    deep.set(yscale="log", xlabel="layer", title="Gradient through a deep net")
    moves.set(xlabel="epoch", title="Change of the first layer, %", ylim=(0, None))
    read.set(xlabel="epoch", title="Training digits read, %", ylim=(0, 102))
    figure.legend(loc="outside lower center", ncols=len(_NAMES))
