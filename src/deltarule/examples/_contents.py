"""The table of contents: every worked example by name, its module and its title."""

from __future__ import annotations

from typing import NamedTuple

from deltarule.examples._text import Text


class Entry(NamedTuple):
    """Where the function of an example is, and what the example shows."""

    module: str
    title: Text


CONTENTS = {
    "sigmoid_steps": Entry(
        "_sigmoid_steps",
        Text(
            "How many updates: down a sigmoid and down a ReLU",
            "沿 sigmoid 与沿 ReLU 下降，各要更新多少次",
        ),
    ),
    "one_neuron": Entry(
        "_one_neuron",
        Text(
            "One neuron that is confidently wrong: squared error against cross-entropy",
            "一个自信地犯错的神经元：平方误差与交叉熵",
        ),
    ),
    "squared_error_sums": Entry(
        "_squared_error_sums",
        Text("A line near some points: the sum of squared errors", "几个点附近的直线：误差平方和"),
    ),
    "softmax": Entry(
        "_softmax",
        Text(
            "Softmax: from scores to probabilities, and its gradient",
            "softmax：从得分到概率，以及它的梯度",
        ),
    ),
    "kl_divergence": Entry(
        "_kl_divergence",
        Text(
            "KL divergence, cross-entropy and maximum likelihood",
            "KL 散度、交叉熵与最大似然",
        ),
    ),
    "numerical_gradient": Entry(
        "_numerical_gradient",
        Text("Numerical gradients: how exact, and at what cost", "数值梯度：有多准，代价多大"),
    ),
}
