"""Values far off zero, compared with how much they differ.

What is seen: of the features, how many standard deviations the middle one's mean is off zero; of
the hidden layers before training, how often the mean of their values is their standard deviation.
What it means: see MEANING.
How sure: features: certain from 6 deviations on, not below 2.5; hidden layers: suspected from 8 on.
Repairs: features of mean 0; batch normalisation, an activation centred at 0.
Side effects: rows to predict must be scaled alike; a pipeline does that.
Source: LeCun et al. 1998, 4.3 and 4.4; Ioffe and Szegedy 2015; Clevert et al. 2016.
"""

from __future__ import annotations

import numpy as np

from deltarule.doctor.case import Case
from deltarule.doctor.evidence import number, rising
from deltarule.doctor.finding import Rule, Seen
from deltarule.doctor.repairs import AddBatchNorm, Repair, ScaleFeatures, SwapActivation
from deltarule.language import Text

MEANING = Text(
    "What all rows have in common tells a layer nothing, yet it is the largest part of what it "
    "reads: the gradients of all weights of a unit then share one sign and one direction, steps "
    "zigzag, and only a far smaller learning rate is stable.",
    "所有样本共有的部分不含任何信息，却占了该层输入的绝大部分：同一单元各权重的梯度于是同号、同方向，"
    "训练走之字形，只有小得多的学习率才稳定。",
)


def look(case: Case) -> Seen | None:
    """Features, else a hidden layer, whose values differ little beside their mean."""
    if not case.scores.underfits or case.layers[0].kind == "batch_norm":
        return None
    feature, of_feature = _features(case)
    at, of_layer = _hidden(case)
    by_features = rising(of_feature, 2.5, 6)
    by_layer = 0.6 * rising(of_layer, 4, 12)
    if by_features >= by_layer:
        named = case.data.named(feature) if case.data else ""
        words = Text(
            f"The mean of feature {named} is {of_feature:.3g} standard deviations off zero, and "
            "half of all features are at least as far off; below 1 is healthy.",
            f"特征 {named} 的均值偏离零 {of_feature:.3g} 个标准差，"
            "所有特征中有一半偏离得不比它少；低于 1 才健康。",
        )
        cures: tuple[Repair, ...] = (ScaleFeatures(), AddBatchNorm())
        return Seen(words, 0.95 * by_features, numbers={"shift": of_feature}, repairs=cures)
    layer = case.layers[at]
    words = Text(
        f"Before training, the mean of what {layer.name!r} ({layer.activation}) computes is "
        f"{of_layer:.3g} times its standard deviation; below 2 is healthy.",
        f"训练开始前，层 {layer.name!r}（{layer.activation}）输出的均值是其标准差的 "
        f"{of_layer:.3g} 倍；低于 2 才健康。",
    )
    cures = (AddBatchNorm(), SwapActivation("tanh", "glorot_uniform"))
    return Seen(
        words, by_layer, layer=layer.name, epoch=0, numbers={"shift": of_layer}, repairs=cures
    )


def _features(case: Case) -> tuple[int, float]:
    """The feature in the middle, by how far it is off zero."""
    if case.data is None:
        return 0, 0.0
    varies = np.flatnonzero(case.data.std > 0)
    if not varies.size:
        return 0, 0.0
    shifts = np.abs(case.data.mean[varies]) / case.data.std[varies]
    middle = int(np.argsort(shifts)[(len(shifts) - 1) // 2])
    return int(varies[middle]), float(shifts[middle])


def _hidden(case: Case) -> tuple[int, float]:
    """The hidden activation farthest off zero."""
    shifts = {0: 0.0}
    for i in case.hidden_activations:
        spread = number(case.begin, "value_std", i)
        if spread > 0:
            shifts[i] = abs(number(case.begin, "value_mean", i)) / spread
    at = max(shifts, key=lambda i: shifts[i])
    return at, shifts[at]


RULE = Rule(
    code="mean_shift",
    title=Text("Values are far off zero", "数值远离零点"),
    meaning=MEANING,
    look=look,
    rank=12,
    repairs=(ScaleFeatures(), AddBatchNorm()),
    source="LeCun et al. 1998, 4.3 and 4.4; Ioffe and Szegedy 2015",
)
