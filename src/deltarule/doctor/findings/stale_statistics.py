"""Running statistics of batch normalisation that are not those of the data.

What is seen: mean and deviation of what each normalisation reads, beside those that it predicts by.
What it means: see MEANING.
How sure: certain where predictions normalise to something a deviation or more off mean 0 and
deviation 1, silent below 0.3.
Repairs: statistics that follow faster; more epochs, so that there are batches to follow.
Side effects: of a momentum near 1: predictions depend on the last batches.
Source: Ioffe and Szegedy 2015; Wu and Johnson 2021, Rethinking "batch" in BatchNorm.
"""

from __future__ import annotations

from deltarule.doctor.case import Case
from deltarule.doctor.evidence import rising, total_steps
from deltarule.doctor.finding import Rule, Seen
from deltarule.doctor.repairs import Epochs, FollowBatches
from deltarule.language import Text

MEANING = Text(
    "While it trains, a network normalises by the mean and the deviation of the batch; when it "
    "predicts, by running averages of these. If the averages follow too slowly, or there were too "
    "few batches, they stay near the 0 and 1 where they began, and the next layer reads numbers "
    "that it has never learned from.",
    "训练时，批归一化用的是本批的均值和标准差；预测时用的却是它们的滑动平均。如果滑动平均跟得太慢，"
    "或者批次太少，它就仍停在初始的 0 和 1 附近，后面的层读到的数值与学习时完全不同。",
)


def look(case: Case) -> Seen | None:
    """The normalisation whose statistics are farthest off."""
    known = {name: off for name, off in case.stale.items() if off >= 0}
    if not case.scores.fails or not known:
        return None
    layer = max(known, key=lambda name: known[name])
    off, steps = known[layer], total_steps(case)
    words = Text(
        f"In prediction, the layer {layer!r} brings the data to numbers that are {off:.2g} "
        f"deviations off the mean 0 and deviation 1 of the training (below 0.3 is healthy); its "
        f"averages have followed {steps:.0f} batches.",
        f"预测时，层 {layer!r} 归一化后的数值偏离训练时的均值 0、标准差 1 达 {off:.2g} 个标准差"
        f"（低于 0.3 才健康）；它的滑动平均一共只跟随了 {steps:.0f} 批。",
    )
    return Seen(words, 0.95 * rising(off, 0.3, 1.0), layer=layer, numbers={"off": off})


RULE = Rule(
    code="stale_statistics",
    title=Text("Batch normalisation predicts by stale statistics", "批归一化的预测统计量过时"),
    meaning=MEANING,
    look=look,
    rank=10,
    repairs=(FollowBatches(), Epochs()),
    source="Ioffe and Szegedy 2015; Wu and Johnson 2021",
)
