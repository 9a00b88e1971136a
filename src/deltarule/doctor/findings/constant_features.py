"""Features that are the same in (nearly) every row of the data, so that nothing can be learned.

What is seen: the share of features with a single value; the network predicts little better than a
constant does.
What it means: see MEANING.
How sure: certain where 92 % of the features are constant; not below 80 %, and not where the rest
tells enough: a few constant features do no harm.
Repairs: look at how the features were made.
Side effects: none.
Source: Zheng and Casari 2018, Feature Engineering for Machine Learning.
"""

from __future__ import annotations

import numpy as np

from deltarule.doctor.case import Case
from deltarule.doctor.evidence import rising
from deltarule.doctor.finding import Rule, Seen
from deltarule.doctor.repairs import CheckFeatures
from deltarule.language import Text

MEANING = Text(
    "What is the same in every row cannot tell rows apart. Mostly a step before has lost it: an "
    "integer division, a cast of fractions to integers, a scaler fitted on other data, a column "
    "that was filled with one value.",
    "每一行都相同的特征无法区分样本。多半是前面某一步弄丢了信息：整数除法、把小数转换成整数、"
    "在别的数据上拟合的缩放器，或整列被填成同一个值。",
)


def look(case: Case) -> Seen | None:
    """Next to no feature that varies, and next to nothing learned."""
    data, scores = case.data, case.scores
    if data is None or not scores.shown - scores.base < 0.4 * (1 - scores.base):
        return None
    constant = data.std <= 1e-9 * np.maximum(data.largest, 1e-300)
    share, kept = float(constant.mean()), int((~constant).sum())
    rest_en = f", and the other {kept} tell little of the target" if kept else ""
    rest_zh = f"，其余 {kept} 个所含的目标信息很少" if kept else ""
    words = Text(
        f"{constant.sum()} of {len(constant)} features have the same value in every row (hardly "
        f"any is healthy){rest_en}.",
        f"{len(constant)} 个特征中有 {constant.sum()} 个在所有行上取同一个值"
        f"（健康的数据几乎没有这样的特征）{rest_zh}。",
    )
    return Seen(words, 0.95 * rising(share, 0.8, 0.92), numbers={"share": share})


RULE = Rule(
    code="constant_features",
    title=Text("The features are constant", "特征是常数"),
    meaning=MEANING,
    look=look,
    rank=8,
    repairs=(CheckFeatures(),),
    source="Zheng and Casari 2018, Feature Engineering for Machine Learning",
)
