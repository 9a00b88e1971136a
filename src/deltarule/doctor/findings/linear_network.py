"""Hidden layers without a bend: however many, they are one linear model.

What is seen: no layer has an activation but the identity; a linear model scores what the network
scores at best, and plain models that can bend score better.
What it means: see MEANING.
How sure: certain, where a bent model gains 12 % over the linear one.
Repairs: an activation.
Side effects: none.
Source: Minsky and Papert 1969; Goodfellow et al. 2016, 6.1.
"""

from __future__ import annotations

from deltarule.doctor.case import Case
from deltarule.doctor.evidence import hidden_units, is_linear
from deltarule.doctor.finding import Rule, Seen
from deltarule.doctor.repairs import SwapActivation, Units
from deltarule.language import Text

MEANING = Text(
    "A linear map of a linear map is a linear map: without a bend between them, many layers can do "
    "no more than one, a line or a plane between the classes or through the numbers.",
    "线性映射的线性映射还是线性映射：层与层之间没有非线性，再多的层也只等于一层，"
    "只能用一条直线或一个平面去划分类别或拟合数值。",
)


def look(case: Case) -> Seen | None:
    """Only identities, on data that are not linear."""
    s, linear = case.scores, case.hints.linear
    if (
        not s.fails
        or not is_linear(case)
        or not s.reference - linear > 0.12 * (s.reference - s.base)
    ):
        return None
    count = len(hidden_units(case))
    layers_en = (
        f"The {count} hidden layer{'s have' if count > 1 else ' has'}"
        if count
        else "The network has no hidden layer with"
    )
    words = Text(
        f"{layers_en} {'no activation but the identity' if count else 'an activation'}: a linear "
        f"model reaches {linear:.3f} on these data, one that can bend {s.reference:.3f}, and the "
        f"network {s.shown:.3f}.",
        (f"{count} 个隐藏层除恒等函数外没有激活函数" if count else "网络没有带激活函数的隐藏层")
        + f"：在这些数据上线性模型得分 {linear:.3f}，非线性模型 {s.reference:.3f}，"
        f"网络 {s.shown:.3f}。",
    )
    cure = SwapActivation("relu", "he_normal")
    return Seen(
        words,
        0.95,
        numbers={"linear": linear, "reference": s.reference},
        repairs=(cure,) if count else (Units((64, 64)), cure),
    )


RULE = Rule(
    code="linear_network",
    title=Text("The network is linear", "网络是线性的"),
    meaning=MEANING,
    look=look,
    rank=7,
    repairs=(SwapActivation("relu", "he_normal"),),
    source="Minsky and Papert 1969; Goodfellow et al. 2016, 6.1",
)
