"""Features of very different or very large sizes.

What is seen: the root mean square of the largest feature, and how often it is that of the middle
one; the network predicts worse than plain models of scaled features do.
What it means: see MEANING.
How sure: certain from a size of 100 or a ratio of 300 on; not below 20 and 30.
Repairs: scale the features.
Side effects: none but that rows to predict must be scaled alike; a pipeline does that.
Source: LeCun et al. 1998, Efficient BackProp, section 4.3.
"""

from __future__ import annotations

import numpy as np

from deltarule._language import Text
from deltarule.doctor.case import Case
from deltarule.doctor.evidence import rising
from deltarule.doctor.finding import Rule, Seen
from deltarule.doctor.repairs import ScaleFeatures

MEANING = Text(
    "The gradient of a weight is proportional to its feature, so one learning rate is far too "
    "large for the weights of large features and far too small for those of small ones; large "
    "inputs also drive units into the flat parts of their activations.",
    "权重的梯度与其特征成正比，因此同一个学习率对大特征的权重过大，对小特征的权重又过小；"
    "过大的输入还会把单元推入激活函数的平坦区。",
)


def look(case: Case) -> Seen | None:
    """Large features, or features of very different sizes, in a network that fails."""
    data = case.data
    if data is None or not case.scores.fails or case.layers[0].kind == "batch_norm":
        return None
    sizes = np.hypot(data.mean, data.std)
    at = int(np.argmax(sizes))
    usual = float(np.median(sizes[sizes > 0])) if (sizes > 0).any() else 1.0
    ratio = float(sizes[at]) / usual
    confidence = max(rising(float(sizes[at]), 20, 100), rising(ratio, 30, 300))
    words = Text(
        f"Feature {data.named(at)} has the size {sizes[at]:.3g} (root mean square), {ratio:.3g} "
        "times that of the middle one of the features; sizes near 1 are healthy.",
        f"特征 {data.named(at)} 的大小为 {sizes[at]:.3g}（均方根），是各特征中位大小的 "
        f"{ratio:.3g} 倍；接近 1 才健康。",
    )
    return Seen(words, 0.95 * confidence, numbers={"size": float(sizes[at]), "ratio": ratio})


RULE = Rule(
    code="unscaled_features",
    title=Text("The features are not scaled", "特征没有缩放"),
    meaning=MEANING,
    look=look,
    rank=10,
    repairs=(ScaleFeatures(),),
    source="LeCun et al. 1998, Efficient BackProp, 4.3",
)
