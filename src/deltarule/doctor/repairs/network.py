"""Changes of the network: its layers, weights, output and task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from deltarule.doctor.repairs.base import Repair
from deltarule.language import Text


@dataclass(frozen=True)
class SwapActivation(Repair):
    """Another activation of all hidden layers, with weights that begin in its size."""

    to: str = "relu"
    init: str = "he_normal"

    def words(self) -> Text:
        return Text(
            f"use the activation {self.to} in the hidden layers, with the initialiser {self.init}",
            f"隐藏层改用激活函数 {self.to}，并用 {self.init} 初始化权重",
        )


@dataclass(frozen=True)
class Initialise(Repair):
    """Another size of the first weights, and biases that begin at 0."""

    init: str = "glorot_uniform"

    def words(self) -> Text:
        return Text(
            f"initialise the weights by {self.init} and the biases by 0 (init={self.init!r})",
            f"用 {self.init} 初始化权重，偏置从 0 开始（init={self.init!r}）",
        )


@dataclass(frozen=True)
class InitialiseRecurrent(Repair):
    """Another size of the weights with which a recurrent layer reads its own state."""

    init: str = "orthogonal"

    def words(self) -> Text:
        return Text(
            f"initialise the recurrent weights by {self.init} (recurrent_init={self.init!r})",
            f"用 {self.init} 初始化循环权重（recurrent_init={self.init!r}）",
        )


@dataclass(frozen=True)
class Remember(Repair):
    """Recurrent layers that keep their state for as many steps as the forget gate begins with.

    A gate of sigmoid(b) keeps a share 1 / e of the state for about e^b steps.
    """

    forget_bias: float = 4.0

    def words(self) -> Text:
        b = f"forget_bias={self.forget_bias:g}"
        return Text(
            f"use LSTM layers whose forget gates begin open for as many steps ({b})",
            f"循环层改用 LSTM，并让遗忘门一开始就能保持这么多步（{b}）",
        )


@dataclass(frozen=True)
class ReadBothWays(Repair):
    """A second recurrent layer beside each, which reads backwards."""

    def words(self) -> Text:
        return Text(
            "read the sequence backwards as well, so that its begin is as near as its end "
            "(bidirectional=True)",
            "同时反向读取序列，使开头与结尾一样近（bidirectional=True）",
        )


@dataclass(frozen=True)
class FollowBatches(Repair):
    """Running statistics of batch normalisation that follow the batches faster."""

    momentum: float = 0.1

    def words(self) -> Text:
        m = f"momentum={self.momentum:g}"
        return Text(
            f"let the running statistics follow the batches faster (BatchNorm({m}))",
            f"让滑动统计量更快地跟上各批（BatchNorm({m})）",
        )


@dataclass(frozen=True)
class AddBatchNorm(Repair):
    """Normalise what every hidden layer computes."""

    def words(self) -> Text:
        return Text(
            "put batch normalisation before every hidden activation (batch_norm=True)",
            "在每个隐藏激活之前加批归一化（batch_norm=True）",
        )


@dataclass(frozen=True)
class AddResiduals(Repair):
    """A way around every hidden layer."""

    def words(self) -> Text:
        return Text(
            "let a residual connection lead around every hidden layer (residual=True)",
            "给每个隐藏层加残差连接（residual=True）",
        )


@dataclass(frozen=True)
class UsualOutput(Repair):
    """The loss and the output that belong to the task."""

    task: str = "classification"

    def words(self) -> Text:
        if self.task == "regression":
            return Text(
                "leave the output linear and use the squared error (out_activation=None, "
                'loss="squared_error")',
                '输出层保持线性，并用平方误差（out_activation=None，loss="squared_error"）',
            )
        return Text(
            "leave the output linear and let the loss apply sigmoid or softmax "
            '(out_activation=None, loss="cross_entropy")',
            "输出层保持线性，由损失函数施加 sigmoid 或 softmax"
            '（out_activation=None，loss="cross_entropy"）',
        )


@dataclass(frozen=True)
class Units(Repair):
    """Wider or fewer hidden layers."""

    sizes: tuple[int, ...] = (64, 64)

    def words(self) -> Text:
        return Text(
            f"use hidden layers of {', '.join(map(str, self.sizes))} units",
            f"隐藏层分别取 {'、'.join(map(str, self.sizes))} 个单元",
        )


@dataclass(frozen=True)
class OtherLoss(Repair):
    """Another loss."""

    loss: str = "squared_error"

    def words(self) -> Text:
        return Text(f'use the loss "{self.loss}"', f'改用损失函数 "{self.loss}"')


@dataclass(frozen=True)
class OtherEstimator(Repair):
    """Another task than the one that was set."""

    task: Literal["classification", "regression"] = "classification"

    def words(self) -> Text:
        if self.task == "regression":
            return Text(
                "predict the numbers as numbers (MLPRegressor)",
                "把它们当作数值来预测（MLPRegressor）",
            )
        return Text(
            "predict classes, with a cross-entropy (MLPClassifier)",
            "把它们当作类别，用交叉熵训练（MLPClassifier）",
        )
