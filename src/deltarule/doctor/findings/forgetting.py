"""A recurrent network that forgets what earlier steps said.

What is seen: by how much its predictions change where a quarter of the steps is another row's, and
what plain models make of that quarter alone.
What it means: see MEANING.
How sure: certain where plain models gain half of all there is from a quarter on which the
predictions depend half as much as on a later one; silent where they gain less than a fifth, or
the predictions depend on it as much.
Repairs: a second reading backwards, which ends with the first steps; LSTM layers whose forget gates
begin open for as many steps as there are.  The latter first where a middle quarter is forgotten.
Side effects: twice as many weights; four times as many as a SimpleRNN.
Source: Bengio et al. 1994; Gers et al. 2000; Tallec and Ollivier 2018.
"""

from __future__ import annotations

import math

import numpy as np

from deltarule.doctor.case import Case
from deltarule.doctor.evidence import RECURRENT, falling, rising
from deltarule.doctor.finding import Rule, Seen
from deltarule.doctor.repairs import ReadBothWays, Remember
from deltarule.language import Text

MEANING = Text(
    "At every step the new input takes part of the place of what the state kept, and the gradient "
    "shrinks on its way back by the same factor: after many steps nothing is left of the first "
    "ones, so the weights cannot learn to keep it either.",
    "每走一步，新的输入都会挤掉状态里原有的一部分内容，梯度往回传时也按同样的比例缩小："
    "步数一多，最初几步的信息荡然无存，权重也就学不会把它留住。",
)

_QUARTERS = (
    Text("first", "第一个"),
    Text("second", "第二个"),
    Text("third", "第三个"),
    Text("last", "最后一个"),
)


def look(case: Case) -> Seen | None:
    """The quarter of the steps that tells most, if the predictions depend on a later one."""
    places, told, depends = case.places(*RECURRENT), case.hints.quarters, case.depends
    gain = case.scores.reference - case.scores.base
    if not places or not case.scores.fails or not told or not depends or not gain > 0:
        return None
    most, heard = int(np.argmax(told)), int(np.argmax(depends))
    if not most < heard or not _has_learned(case):
        return None
    confidence = min(
        rising((told[most] - case.scores.base) / gain, 0.2, 0.5),
        falling(depends[most] / depends[heard], 1.0, 0.5),
    )
    layer, part, later = case.layers[places[-1]].name, _QUARTERS[most], _QUARTERS[heard]
    words = Text(
        f"Plain models that read nothing but the {part.en} quarter of the {case.steps} steps score "
        f"{told[most]:.2f}. Yet where that quarter is taken from another row, the predictions "
        f"behind {layer!r} change by no more than {depends[most]:.2g} of their spread, and by "
        f"{depends[heard]:.2g} where it is the {later.en} quarter.",
        f"只读 {case.steps} 步中{part.zh}四分之一的基线模型就能得分 {told[most]:.2f}；"
        f"可是把这一段换成别的样本的，层 {layer!r} 之后的预测只改变其离散程度的 "
        f"{depends[most]:.2g}，换{later.zh}四分之一却改变 {depends[heard]:.2g}。",
    )
    numbers = {"told": told[most], "depends": depends[most], "depends_later": depends[heard]}
    bias = float(f"{math.log(max(case.steps, 3)):.2g}")
    cures = (ReadBothWays(), Remember(bias)) if most == 0 else (Remember(bias), ReadBothWays())
    return Seen(words, 0.95 * confidence, layer=layer, numbers=numbers, repairs=cures)


def _has_learned(case: Case) -> bool:
    """Something: before, and after steps that are too long, predictions depend on anything."""
    losses = case.history.loss
    known = case.begin_loss > 0 and len(losses) > 0
    return not known or bool(min(losses[-1], np.median(losses)) < 0.99 * case.begin_loss)


RULE = Rule(
    code="forgetting",
    title=Text("The recurrent network forgets earlier steps", "循环网络遗忘了前面的步"),
    meaning=MEANING,
    look=look,
    rank=29,
    repairs=(ReadBothWays(), Remember()),
    source="Bengio et al. 1994; Gers et al. 2000; Tallec and Ollivier 2018",
)
