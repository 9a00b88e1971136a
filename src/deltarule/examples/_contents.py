"""The table of contents: every worked example by name, its module and its title."""

from __future__ import annotations

from typing import NamedTuple

from deltarule.language import Text


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
    "mean_shift": Entry(
        "_mean_shift",
        Text(
            "Mean shift: where activations put the centre of their outputs",
            "均值偏移：激活函数把输出的中心放在哪里",
        ),
    ),
    "zig_zag": Entry(
        "_zig_zag",
        Text(
            "The zigzag of the weights under inputs of one sign",
            "输入全为正时，权重更新的之字形路径",
        ),
    ),
    "vanishing_by_depth": Entry(
        "_vanishing_by_depth",
        Text(
            "Vanishing gradients: a product of slopes through depth, and remedies",
            "梯度消失：斜率随深度连乘，以及对策",
        ),
    ),
    "exploding": Entry(
        "_exploding",
        Text(
            "Exploding gradients: weights that are too large, and remedies",
            "梯度爆炸：权重过大，以及对策",
        ),
    ),
    "dead_relu": Entry(
        "_dead_relu",
        Text("A ReLU killed by one step too large", "一步过大，杀死一个 ReLU 神经元"),
    ),
    "batch_norm": Entry(
        "_batch_norm",
        Text(
            "Batch normalisation: in training, in predictions, and in tiny batches",
            "批归一化：训练时、预测时、以及批量很小时",
        ),
    ),
    "race": Entry(
        "_race",
        Text(
            "tanh against ReLU: the race to a small training error on images",
            "tanh 与 ReLU 赛跑：谁先降低图像的训练误差",
        ),
    ),
}
