"""Penalties, noise or limits so strong that nothing is learned.

What is seen: the size of the weights at the end over that at the beginning, and the share of the
penalty in the gradient there; the share of units that dropout drops; whether weights lie at their
largest norm; the network fails on the rows that it learned from, too.
What it means: see MEANING.
How sure: certain where weights have shrunk to 20 % under a penalty that was 30 % of the gradient,
or to 60 % under a decay that takes back half of a first step, where 80 % of the units are dropped
or a largest norm below 0.3 is reached; not above 60 % or under 5 %, above 100 % or under 10 %,
below 40 % or above a norm of 1, nor before batch normalisation, to which size is nothing.  Where
some layers have penalties of their own it is these that count.
Repairs: a hundredth of the penalty, less dropout.
Side effects: it may overfit; a validation set shows it.
Source: Krogh and Hertz 1991; Srivastava et al. 2014, section 7.3.
"""

from __future__ import annotations

import math

from deltarule.doctor.case import Case, LayerFacts
from deltarule.doctor.evidence import batch_rows, falling, first_step, number, rising, total_steps
from deltarule.doctor.finding import Rule, Seen
from deltarule.doctor.repairs import Regularise
from deltarule.language import Text

MEANING = Text(
    "A penalty pulls every weight towards 0 in each step, and dropout hides units at random. "
    "Stronger than what the data say, they leave weights too small, or too few units at a time, "
    "to tell rows apart.",
    "惩罚项在每一步都把权重拉向 0，dropout 则随机屏蔽单元。若它们强过数据本身的信号，"
    "权重就会太小，或同时工作的单元太少，无法区分样本。",
)


def look(case: Case) -> Seen | None:
    """What holds the network down, in one that has not even learned its own rows."""
    if not case.scores.underfits:
        return None
    alpha = float(case.settings.get("alpha") or 0.0)
    rate = max((layer.rate for layer in case.layers), default=0.0)
    seen = [_shrunk(case, alpha), _dropped(case, rate), _held(case)]
    confidence, words, numbers = max(seen, key=lambda s: s[0])
    repairs = (Regularise(min(alpha / 100, 1e-4), min(rate, 0.1)),)
    return Seen(words, 0.95 * confidence, numbers=numbers, repairs=repairs)


Evidence = tuple[float, Text, dict[str, float]]


def _shrunk(case: Case, alpha: float) -> Evidence:
    """Weights that are punished from the beginning and have become small."""
    found = []
    for i in case.weighted:
        begin, end = (number(v, "weight_rms", i) for v in (case.begin, case.end))
        if begin > 0 and case.layers[min(i + 1, len(case.layers) - 1)].kind != "batch_norm":
            found.append((end / begin, _pull(case, i, alpha, begin), i))
    if not found:
        return 0.0, Text("", ""), {}
    own = [f for f in found if case.layers[f[2]].l1 or case.layers[f[2]].l2]
    found = sorted(own or found)
    ratio, pull, at = found[len(found) // 2]
    layer = case.layers[at]
    decay = _decay(case, layer)
    given = {"alpha": alpha, "l1": layer.l1, "l2": layer.l2, "weight_decay": decay}
    how = ", ".join(f"{name}={value:g}" for name, value in given.items() if value)
    words = Text(
        f"The weights of {layer.name!r} have shrunk to {ratio:.0%} of the size with which they "
        f"began, under the penalty {how}; weights that learn keep their size or grow.",
        f"层 {layer.name!r} 的权重在惩罚项（{how}）作用下缩小到初始大小的 {ratio:.0%}；"
        "正常学习的权重会保持大小或增大。",
    )
    taken = decay * float(case.settings.get("learning_rate_init", 0.0))
    taken /= first_step(case) or math.nan
    confidence = max(
        falling(ratio, 0.6, 0.2) * rising(pull, 0.05, 0.3),
        falling(ratio, 1.0, 0.6) * rising(taken, 0.1, 0.5),
    )
    return confidence, words, {"ratio": ratio, "pull": pull, "alpha": alpha, "taken": taken}


def _decay(case: Case, layer: LayerFacts) -> float:
    """Weight decay apart from the gradient: of the layer, or of AdamW for all."""
    of_all = case.settings.get("weight_decay") if case.settings.get("solver") == "adamw" else 0.0
    return layer.weight_decay or float(of_all or 0.0)


def _pull(case: Case, at: int, alpha: float, size: float) -> float:
    """How strong penalties are beside the gradient at the beginning, or decay in all steps.

    A penalty of less than a thousandth is none, however little else is left of a gradient.
    """
    layer, gradient = case.layers[at], number(case.begin, "gradient_rms", at)
    rows = case.data.rows if case.data and case.settings.get("solver") == "lbfgs" else None
    punished = (alpha / (rows or batch_rows(case)) + layer.l2) * size + layer.l1
    rate = float(case.settings.get("learning_rate_init", 0.0))
    decayed = rate * _decay(case, layer) * total_steps(case) / 5
    return max(punished / gradient if gradient > 0 and punished > 1e-3 else 0.0, decayed)


def _dropped(case: Case, rate: float) -> Evidence:
    """Units that are hidden."""
    units = [layer.units for layer in case.layers if layer.rate == rate and rate]
    left = (1 - rate) * min(units, default=0)
    words = Text(
        f"Dropout hides {rate:.0%} of the units, which leaves {left:.3g} at a time in the "
        "narrowest layer; rates from 0.1 to 0.5 are usual.",
        f"dropout 屏蔽了 {rate:.0%} 的单元，最窄的层每次只剩 {left:.3g} 个；通常取 0.1 到 0.5。",
    )
    return rising(rate, 0.4, 0.8) ** 0.5, words, {"rate": rate, "left": left}


def _held(case: Case) -> Evidence:
    """Weights at the largest norm that they may have."""
    if case.end is None:
        return 0.0, Text("", ""), {}
    found = []
    for i in case.weighted:
        norm, limit = _norm(case, i), case.layers[i].max_norm
        if math.isfinite(limit) and norm > 0.8 * limit:
            found.append((falling(limit, 1.0, 0.3), limit, case.layers[i].name))
    if not found:
        return 0.0, Text("", ""), {}
    sure, limit, name = max(found)
    words = Text(
        f"The weights that a unit of {name!r} reads may have the norm {limit:g} at most, and do; "
        "limits from 2 to 4 are usual.",
        f"层 {name!r} 每个单元的权重范数不得超过 {limit:g}，并且已达到上限；通常取 2 到 4。",
    )
    return sure, words, {"max_norm": limit}


def _norm(case: Case, at: int) -> float:
    assert case.end is not None
    return float(case.end["weight_rms"][0, at]) * math.sqrt(case.layers[at].inputs)


RULE = Rule(
    code="over_regularised",
    title=Text("The network is regularised too strongly", "正则化过强"),
    meaning=MEANING,
    look=look,
    rank=15,
    repairs=(Regularise(1e-4),),
    source="Krogh and Hertz 1991; Srivastava et al. 2014, 7.3",
)
