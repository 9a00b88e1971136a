"""A recurrent state that runs into its ends, or grows without bound.

What is seen: before training, the size of what a recurrent layer passes on, and by how much its
weights multiply what they read.
What it means: see MEANING.
How sure: certain where weights make 5 of the state, which leaves gates and tanh no slope, or an
unbounded state is above 50; not below 1.5 and 5.
Repairs: orthogonal recurrent weights, which keep the size of the state; a bound for the gradient.
Side effects: none.
Source: Pascanu et al. 2013; Saxe et al. 2014; Le et al. 2015.
"""

from __future__ import annotations

import math

from deltarule.doctor.case import Case
from deltarule.doctor.evidence import RECURRENT, number, rising
from deltarule.doctor.finding import Rule, Seen
from deltarule.doctor.repairs import ClipGradients, InitialiseRecurrent
from deltarule.language import Text

MEANING = Text(
    "At every step the state is multiplied by the recurrent weights. If these are too large, the "
    "state jumps between the ends of its activations and gates, where slopes are 0, or grows "
    "without bound: what the first steps said is lost in a few steps, and so is the gradient.",
    "每一步都用循环权重乘以状态。权重过大时，状态在激活函数和门的两端之间乱跳（那里导数为零），"
    "或无限增长：几步之内，开头几步的信息就丢失了，梯度也一样。",
)


def look(case: Case) -> Seen | None:
    """The recurrent layer whose state begins largest."""
    places = case.places(*RECURRENT)
    if not case.scores.underfits or not places or case.begin is None:
        return None
    found = {i: (_confidence(case, i), *_sizes(case, i)) for i in places}
    at = max(found, key=lambda i: found[i])
    confidence, gain, state = found[at]
    layer = case.layers[at].name
    words = Text(
        f"Before training, the weights of {layer!r} multiply what they read by about {gain:.2g} "
        f"(near 1 is healthy), and its state has the size {state:.2g}: gates and activations read "
        f"{gain * state:.2g}, and are flat beyond 3.",
        f"训练开始前，层 {layer!r} 的权重把读入的数值放大约 {gain:.2g} 倍（接近 1 才健康），"
        f"其状态大小为 {state:.2g}：门和激活读到的约为 {gain * state:.2g}，超过 3 就进入饱和区。",
    )
    numbers = {"gain": gain, "state": state}
    return Seen(words, 0.95 * confidence, layer=layer, epoch=0, numbers=numbers)


def _sizes(case: Case, at: int) -> tuple[float, float]:
    """Factor of the weights; root mean square of the state."""
    layer = case.layers[at]
    gain = number(case.begin, "weight_rms", at) * math.sqrt(layer.inputs + layer.units)
    state = math.hypot(number(case.begin, "value_mean", at), number(case.begin, "value_std", at))
    return gain, state


def _confidence(case: Case, at: int) -> float:
    gain, state = _sizes(case, at)
    if number(case.begin, "value_largest", at) > 1:  # of an activation without ends
        return rising(state, 5, 50)
    return rising(gain * state, 1.5, 5)


RULE = Rule(
    code="recurrent_state",
    title=Text("The recurrent state runs into its ends", "循环状态饱和或爆炸"),
    meaning=MEANING,
    look=look,
    rank=28,
    repairs=(InitialiseRecurrent("orthogonal"), ClipGradients(1.0)),
    source="Pascanu et al. 2013; Saxe et al. 2014; Le et al. 2015",
)
