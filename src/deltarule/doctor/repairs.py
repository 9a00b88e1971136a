"""Typed changes of a plan, of a training or of the way data come in."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

from deltarule.language import Text


@dataclass(frozen=True)
class Repair:
    """A change that may cure: the subclasses are closed, whoever applies them knows each."""

    @property
    def is_known(self) -> bool:
        """Whether its numbers are: a learning rate that nobody gave cannot be divided by 10."""
        return not any(isinstance(v, float) and math.isnan(v) for v in vars(self).values())

    def words(self) -> Text:
        """What to do, as a clause."""
        raise NotImplementedError

    def to_record(self) -> dict[str, Any]:
        """The change as plain data."""
        return {"type": type(self).__name__, **asdict(self)}


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
class ClipGradients(Repair):
    """The norm of the gradient is held below a number."""

    norm: float = 1.0

    def words(self) -> Text:
        return Text(
            f"clip the gradient to the norm {self.norm:g} (grad_clip_norm={self.norm:g})",
            f"把梯度范数裁剪到 {self.norm:g}（grad_clip_norm={self.norm:g}）",
        )


@dataclass(frozen=True)
class LearningRate(Repair):
    """Another learning rate."""

    rate: float = 1e-3

    def words(self) -> Text:
        return Text(
            f"set the learning rate to {self.rate:g} (learning_rate_init={self.rate:g})",
            f"把学习率设为 {self.rate:g}（learning_rate_init={self.rate:g}）",
        )


@dataclass(frozen=True)
class Optimizer(Repair):
    """Another optimizer, with its usual settings."""

    solver: str = "adam"

    def words(self) -> Text:
        return Text(
            f"use the optimizer {self.solver} with its usual settings",
            f"改用优化器 {self.solver}，参数取默认值",
        )


@dataclass(frozen=True)
class Setting(Repair):
    """Another number for a setting of the training, by the name of the estimators' parameter."""

    name: str = "momentum"
    value: float = 0.9

    def words(self) -> Text:
        return Text(f"set {self.name}={self.value:g}", f"设 {self.name}={self.value:g}")


@dataclass(frozen=True)
class BatchSize(Repair):
    """Another number of rows per step."""

    rows: int = 32

    def words(self) -> Text:
        return Text(
            f"take batches of {self.rows} rows (batch_size={self.rows})",
            f"每批取 {self.rows} 行（batch_size={self.rows}）",
        )


@dataclass(frozen=True)
class ScaleFeatures(Repair):
    """Every feature to mean 0 and deviation 1."""

    def words(self) -> Text:
        return Text(
            "scale every feature to mean 0 and standard deviation 1 (StandardScaler in a Pipeline)",
            "把每个特征缩放到均值 0、标准差 1（在 Pipeline 中用 StandardScaler）",
        )


@dataclass(frozen=True)
class ScaleTargets(Repair):
    """Targets to mean 0 and deviation 1, predictions back."""

    def words(self) -> Text:
        return Text(
            "scale the target to mean 0 and standard deviation 1 (TransformedTargetRegressor)",
            "把目标缩放到均值 0、标准差 1（TransformedTargetRegressor）",
        )


@dataclass(frozen=True)
class WeighClasses(Repair):
    """Rare classes count more."""

    def words(self) -> Text:
        return Text(
            'weigh the classes by their rarity (class_weight="balanced")',
            '按类别的稀有程度加权（class_weight="balanced"）',
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
class Regularise(Repair):
    """Less freedom, or more."""

    alpha: float = 1e-2
    dropout: float = 0.0
    early_stopping: bool = False
    l1: float = 0.0

    def words(self) -> Text:
        if self.l1:
            return Text(
                f"penalise the size of every weight, so that useless ones go to 0 (l1={self.l1:g})",
                f"惩罚每个权重的绝对值，使无用的权重变为 0（l1={self.l1:g}）",
            )
        stop_en = " and stop early by a validation set (early_stopping=True)"
        stop_zh = "，并用验证集早停（early_stopping=True）"
        return Text(
            f"set the weight penalty to alpha={self.alpha:g} and dropout={self.dropout:g}"
            + stop_en * self.early_stopping,
            f"把权重惩罚设为 alpha={self.alpha:g}，dropout 设为 {self.dropout:g}"
            + stop_zh * self.early_stopping,
        )


@dataclass(frozen=True)
class Epochs(Repair):
    """More passes over the data."""

    epochs: int = 500

    def words(self) -> Text:
        return Text(
            f"train for up to {self.epochs} epochs (max_iter={self.epochs})",
            f"最多训练 {self.epochs} 轮（max_iter={self.epochs}）",
        )


@dataclass(frozen=True)
class Together(Repair):
    """Repairs that help only together."""

    parts: tuple[Repair, ...] = (ScaleFeatures(), ScaleTargets())

    @property
    def is_known(self) -> bool:
        return all(part.is_known for part in self.parts)

    def words(self) -> Text:
        said = [part.words() for part in self.parts]
        return Text(" and ".join(t.en for t in said), "，同时".join(t.zh for t in said))

    def to_record(self) -> dict[str, Any]:
        return {"type": "Together", "parts": [part.to_record() for part in self.parts]}


@dataclass(frozen=True)
class Usual(Repair):
    """All that is usual at once, where no single change was enough."""

    task: str = "classification"

    def words(self) -> Text:
        return Text(
            "begin with what is usual: scaled features, relu, he_normal, adam at 0.002, the loss "
            "of the task, a small penalty, and change one thing at a time from there",
            "先回到常用设置：特征标准化、relu、he_normal、adam（学习率 0.002）、与任务相配的损失、"
            "很小的权重惩罚，再从那里一次只改一处",
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
class DropFeatures(Repair):
    """Leave features out."""

    features: tuple[int, ...] = ()
    names: tuple[str, ...] = ()

    def words(self) -> Text:
        names = self.names or tuple(f"X[:, {feature}]" for feature in self.features)
        if not names:
            return Text("leave the feature out", "去掉这个特征")
        return Text(
            f"leave out the feature{'s' * (len(names) > 1)} {', '.join(names)}",
            f"去掉特征 {'、'.join(names)}",
        )


@dataclass(frozen=True)
class CleanLabels(Repair):
    """Look at the rows: no machine can repair this."""

    def words(self) -> Text:
        return Text(
            "look at the contradictory rows and correct or remove them",
            "检查互相矛盾的样本，改正或删除它们",
        )


@dataclass(frozen=True)
class CheckFeatures(Repair):
    """Look at how the features were made: no machine can repair this."""

    def words(self) -> Text:
        return Text(
            "look at the features as the network gets them and at the step before that made them",
            "检查网络实际收到的特征，以及生成它们的上一步",
        )


@dataclass(frozen=True)
class SplitAnew(Repair):
    """Validation rows drawn from the same rows as those to learn from."""

    def words(self) -> Text:
        return Text(
            "draw the validation rows at random from all rows (train_test_split, with stratify=y "
            "for classes) and transform both parts by what was fitted on the training rows",
            "从全部数据中随机抽取验证集（train_test_split，分类时加 stratify=y），"
            "两部分都用在训练集上拟合的变换来处理",
        )


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


@dataclass(frozen=True)
class OtherLoss(Repair):
    """Another loss."""

    loss: str = "squared_error"

    def words(self) -> Text:
        return Text(f'use the loss "{self.loss}"', f'改用损失函数 "{self.loss}"')
