"""Units that begin alike, and therefore stay alike.

What is seen: of the hidden layer where it is largest, the share of units that have the incoming
weights of another unit both before training and after it.
What it means: see MEANING.
How sure: certain from half of a layer on; not below a fifth.
Repairs: random first weights.
Side effects: none.
Source: Rumelhart, Hinton and Williams 1986; Goodfellow et al. 2016, Deep Learning, 8.4.
"""

from __future__ import annotations

from deltarule.doctor.case import Case
from deltarule.doctor.evidence import rising
from deltarule.doctor.finding import Rule, Seen
from deltarule.doctor.repairs import Initialise
from deltarule.language import Text

MEANING = Text(
    "Units with the same weights compute the same number, get the same gradient and take the same "
    "step: however many there are, they stay one unit. Weights that are all 0 do not even pass a "
    "gradient on.",
    "权重相同的单元算出同样的数，得到同样的梯度，做同样的更新：无论有多少个，始终只相当于一个单元。"
    "若权重全为零，连梯度都传不回去。",
)


def look(case: Case) -> Seen | None:
    """A hidden layer most of whose units are copies."""
    hidden = [case.layers[i] for i in case.weighted[:-1] if case.layers[i].name in case.twins]
    if not case.scores.fails or not hidden:
        return None
    layer = max(hidden, key=lambda hidden: case.twins[hidden.name])
    share = case.twins[layer.name]
    words = Text(
        f"{share:.0%} of the {layer.units} units of {layer.name!r} begin with the weights of "
        f"another unit (initialiser: {layer.init}) and still have them at the end; 0% is healthy.",
        f"层 {layer.name!r} 的 {layer.units} 个单元中，有 {share:.0%} 一开始就与另一个单元权重相同"
        f"（初始化：{layer.init}），到最后仍然相同；健康值是 0%。",
    )
    confidence = 0.95 * rising(share, 0.2, 0.5)
    return Seen(words, confidence, layer=layer.name, epoch=0, numbers={"twins": share})


RULE = Rule(
    code="symmetric_init",
    title=Text("Units begin with the same weights", "单元的初始权重相同"),
    meaning=MEANING,
    look=look,
    rank=15,
    repairs=(Initialise("glorot_uniform"), Initialise("he_normal")),
    source="Rumelhart, Hinton and Williams 1986; Goodfellow et al. 2016, 8.4",
)
