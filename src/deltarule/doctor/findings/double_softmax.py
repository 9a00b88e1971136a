"""Probabilities that are made twice.

What is seen: an output activation whose values lie between 0 and 1 under a loss that applies
sigmoid or softmax itself; or layers that end with a softmax before the output layer.
What it means: see MEANING.
How sure: certain; of a softmax before the output layer, where the network fails.
Repairs: leave the output linear.
Side effects: none.
Source: documentation of torch.nn.CrossEntropyLoss; Goodfellow et al. 2016, 6.2.2.
"""

from __future__ import annotations

from deltarule.doctor.case import Case
from deltarule.doctor.evidence import SHARES, applies_link
from deltarule.doctor.finding import Rule, Seen
from deltarule.doctor.repairs import UsualOutput
from deltarule.language import Text

MEANING = Text(
    "The loss takes the raw outputs and turns them into probabilities itself. Outputs already "
    "squeezed into 0 to 1 leave it nearly equal probabilities whatever the network says: of two "
    "classes at most 73%, and the gradient shrinks twice.",
    "损失函数接收原始输出，自己把它变成概率。若输出已被压到 0 到 1 之间，"
    "无论网络算出什么，得到的概率都相差无几（两类时最多 73%），梯度也被缩小两次。",
)


def look(case: Case) -> Seen | None:
    """Sigmoid or softmax in front of a loss that has its own."""
    if not applies_link(case):
        return None
    output = case.output
    if output is not None and output.low >= 0 and output.high <= 1:
        words = Text(
            f"The output activation is {output.activation!r}, and the loss {case.loss!r} applies "
            f"{case.link} to what it gives; the output should be linear.",
            f"输出激活函数是 {output.activation!r}，而损失函数 {case.loss!r} 还会再施加 "
            f"{case.link}；输出层应保持线性。",
        )
        return Seen(words, 0.95, layer=output.name)
    return _before_the_output(case) if case.scores.fails else None


def _before_the_output(case: Case) -> Seen | None:
    hidden = [case.layers[i] for i in case.hidden_activations]
    outputs = case.layers[case.weighted[-1]].units if case.weighted else 0
    if not hidden or hidden[-1].activation not in SHARES or hidden[-1].units > outputs + 1:
        return None
    words = Text(
        f"The hidden layers end with {hidden[-1].activation!r} ({hidden[-1].name!r}); the "
        f"estimator adds the output layer, and the loss {case.loss!r} applies {case.link} to it.",
        f"隐藏层以 {hidden[-1].activation!r}（{hidden[-1].name!r}）结尾；估计器会自己加输出层，"
        f"损失函数 {case.loss!r} 再对它施加 {case.link}。",
    )
    return Seen(words, 0.9, layer=hidden[-1].name)


RULE = Rule(
    code="double_softmax",
    title=Text("Probabilities are made twice", "概率被计算了两次"),
    meaning=MEANING,
    look=look,
    rank=4,
    repairs=(UsualOutput("classification"),),
    source="documentation of torch.nn.CrossEntropyLoss; Goodfellow et al. 2016, 6.2.2",
)
