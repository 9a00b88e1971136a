"""Changes of the way data come in, and several changes at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from deltarule.doctor.repairs.base import Repair
from deltarule.language import Text


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
class MatchShapes(Repair):
    """Predictions and targets of one shape: that is up to who calls the loss."""

    def words(self) -> Text:
        return Text(
            "give the loss predictions and targets of one shape: loss(output.squeeze(1), y)",
            "让预测与目标形状相同再交给损失函数：loss(output.squeeze(1), y)",
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
