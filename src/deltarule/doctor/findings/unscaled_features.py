"""Features of very different, very large or very small sizes.

What is seen: the root mean square of the largest feature; how often it is that of the features
which tell most of the target, and that of the smaller quarter of them; the network predicts worse
than plain models of scaled features do.
What it means: see MEANING.
How sure: certain from a size of 100 on, from 0.005 down, or from a ratio of 300 (of the quarter:
1000) on; from a size of 10 on where they, not the weights, put the first layer on its flat ends;
not between 0.05 and 20 with ratios below 30 (100), else, and not where the first layer normalises
every feature or reads codes.
Repairs: scale the features.
Side effects: none but that rows to predict must be scaled alike; a pipeline does that.
Source: LeCun et al. 1998, Efficient BackProp, section 4.3.
"""

from __future__ import annotations

import math

import numpy as np

from deltarule.doctor.case import Array, Case, DataFacts
from deltarule.doctor.evidence import falling, figure, number, pre_activations, rising
from deltarule.doctor.finding import Rule, Seen
from deltarule.doctor.repairs import ScaleFeatures
from deltarule.language import Text

MEANING = Text(
    "The gradient of a weight is proportional to its feature, so one learning rate is far too "
    "large for the weights of large features and far too small for those of small ones; large "
    "inputs also drive units into the flat parts of their activations.",
    "权重的梯度与其特征成正比，因此同一个学习率对大特征的权重过大，对小特征的权重又过小；"
    "过大的输入还会把单元推入激活函数的饱和区。",
)


def look(case: Case) -> Seen | None:
    """Features of a wrong size, in a network that fails."""
    data = case.data
    if data is None or not case.scores.fails or case.layers[0].kind in ("batch_norm", "embedding"):
        return None
    sizes = np.hypot(data.mean, data.std)
    at = int(np.argmax(sizes))
    size = float(sizes[at])
    small, ratio, sure = _smaller(data, sizes)
    seen = [
        (
            max(rising(size, 20, 100), falling(size, 0.05, 0.005), _flattens(case, size)),
            _of_size(data, at, size),
        ),
        (sure, _of_ratio(data, at, small, ratio)),
    ]
    confidence, words = max(seen, key=lambda s: s[0])
    return Seen(words, 0.95 * confidence, numbers={"size": size, "ratio": ratio})


def _flattens(case: Case, size: float) -> float:
    """Whether large features put the first activation on its flat ends, with usual weights."""
    at = next(iter(case.hidden_activations), 0)
    weights = pre_activations(case).get(at, math.inf)
    two_sided = case.layers[at].saturates == "both sides"
    flat = rising(number(case.begin, "saturated", at), 0.5, 0.85) * two_sided
    return flat * rising(size, 3, 10) * falling(weights, 2, 1)


def _smaller(data: DataFacts, sizes: Array) -> tuple[int, float, float]:
    """A feature that matters and is far smaller than the largest, how often, how sure."""
    varying = np.flatnonzero(data.std > 0)
    if not len(varying):
        return 0, 1.0, 0.0
    telling = np.flatnonzero(data.relation >= max(0.05, 0.5 * float(data.relation.max())))
    quarter = varying[np.argsort(data.std[varying])][(len(varying) - 1) // 4]
    found = [(int(quarter), float(sizes.max() / data.std[quarter]), 100.0, 1000.0)]
    if len(telling):
        at = telling[np.argmax(data.std[telling])]
        found.append((int(at), float(sizes.max() / data.std[at]), 30.0, 300.0))
    sure = [(at, ratio, rising(ratio, low, high)) for at, ratio, low, high in found]
    return max(sure, key=lambda s: s[2])


def _of_size(data: DataFacts, at: int, size: float) -> Text:
    return Text(
        f"The largest feature, {data.named(at)}, has the size {figure(size)} (root mean square); "
        "sizes near 1 are healthy.",
        f"最大的特征 {data.named(at)} 的大小为 {figure(size)}（均方根）；接近 1 才健康。",
    )


def _of_ratio(data: DataFacts, at: int, small: int, ratio: float) -> Text:
    return Text(
        f"Feature {data.named(at)} is {figure(ratio)} times as large (root mean square) as feature "
        f"{data.named(small)} varies (standard deviation); healthy features are of one size, up "
        "to a factor of 10.",
        f"特征 {data.named(at)} 的大小（均方根）是特征 {data.named(small)} 标准差的 "
        f"{figure(ratio)} 倍；健康的特征彼此大小相近，相差不超过 10 倍。",
    )


RULE = Rule(
    code="unscaled_features",
    title=Text("The features are not scaled", "特征没有缩放"),
    meaning=MEANING,
    look=look,
    rank=10,
    repairs=(ScaleFeatures(),),
    source="LeCun et al. 1998, Efficient BackProp, 4.3",
)
