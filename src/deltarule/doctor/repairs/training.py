"""Changes of the training."""

from __future__ import annotations

from dataclasses import dataclass

from deltarule.doctor.repairs.base import Repair
from deltarule.language import Text


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
class WeighClasses(Repair):
    """Rare classes count more."""

    def words(self) -> Text:
        return Text(
            'weigh the classes by their rarity (class_weight="balanced")',
            '按类别的稀有程度加权（class_weight="balanced"）',
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
class Usual(Repair):
    """All that is usual at once, where no single change was enough."""

    task: str = "classification"
    epochs: int = 400

    def words(self) -> Text:
        return Text(
            "begin with what is usual: scaled features and targets, two hidden layers of 64, relu, "
            "he_normal, adam at 0.002, batches of 32, the loss of the task, alpha=0.01, and change "
            "one thing at a time from there",
            "先回到常用设置：特征和目标标准化、两个 64 单元的隐藏层、relu、he_normal、"
            "adam（学习率 0.002）、每批 32 行、与任务相配的损失、alpha=0.01，再从那里一次只改一处",
        )
