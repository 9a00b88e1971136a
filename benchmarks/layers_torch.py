"""The nets of layers.py in PyTorch: as most write it, without what can be avoided, and compiled.

Images are (channels, height, width), a sequence for a convolution is an image of height 1, and one
for a recurrent layer has its time steps before the rows of the batch, as PyTorch prefers it.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # huge pages for large tensors

import torch
from jobs import BETA_1, BETA_2, EPSILON, RATE
from layers import Cell, Train
from torch import nn
from torch.nn.functional import cross_entropy

Batches = list[tuple[torch.Tensor, torch.Tensor]]
Fields = Any


def keep_memory() -> None:
    """Have glibc keep what is freed: large tensors made anew cost a sixth of a step of images."""
    trim_threshold, mmap_threshold = -1, -3  # malloc.h
    if sys.platform == "linux":
        for option in (trim_threshold, mmap_threshold):
            ctypes.CDLL(None).mallopt(option, 2**31 - 1)


# ---- nets ----------------------------------------------------------------------------------------


class LastState(nn.Module):
    def __init__(self, recurrent: nn.RNNBase) -> None:
        super().__init__()
        self.recurrent = recurrent

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        state = self.recurrent(x)[1]
        return (state[0] if isinstance(state, tuple) else state)[0]


class UniformDropout(nn.Module):
    """Dropout from uniform numbers, which take less than half the time of Bernoulli's."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.rand_like(x).ge_(self.rate).mul_(1 / (1 - self.rate))


def pooling(f: Fields) -> nn.Module:
    if f["takes_largest"]:
        return nn.MaxPool2d((f["window_height"], f["window_width"]))
    return nn.Sequential(nn.AdaptiveAvgPool2d((f["out_height"], f["out_width"])), nn.Flatten())


MODULES: dict[str, Callable[[Fields], nn.Module]] = {
    "dense": lambda f: nn.Linear(f["inputs"], f["units"]),
    "batch_norm": lambda f: nn.BatchNorm1d(f["columns"], f["epsilon"], f["momentum"]),
    "activation": lambda f: {"relu": nn.ReLU(inplace=True)}[f["name"]],
    "lstm": lambda f: LastState(nn.LSTM(f["inputs"], f["units"])),
    "gru": lambda f: LastState(nn.GRU(f["inputs"], f["units"])),
    "convolution": lambda f: nn.Conv2d(
        f["channels"], f["units"], (f["kernel_height"], f["kernel_width"])
    ),
    "pool": pooling,
}


def network(cell: Cell, dropout: Callable[[float], nn.Module]) -> nn.Sequential:
    modules: list[nn.Module] = []
    shape, nodes = cell.shape, cell.plan.nodes
    for node in nodes:
        if node.kind == "dropout":
            modules.append(dropout(node.fields["rate"]))
        else:
            if node.kind == "dense" and len(shape) > 1:
                modules.append(nn.Flatten())
            modules.append(MODULES[node.kind](node.fields))
        shape = node.shape
    return nn.Sequential(*modules).to(getattr(torch, cell.dtype))


def batches(cell: Cell) -> Batches:
    x, y = map(torch.from_numpy, cell.data())
    kind = cell.plan.nodes[0].kind
    if kind in ("lstm", "gru"):
        x = x.transpose(1, 2)
    elif kind == "convolution":
        x = x.reshape(*x.shape[:2], -1, *x.shape[-2:]).movedim(-1, 2)
    return [(part.contiguous(), target) for part, target in zip(x, y, strict=True)]


# ---- trainers ------------------------------------------------------------------------------------

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
Step = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def loss_of(net: nn.Module) -> Loss:
    return lambda x, y: cross_entropy(net(x), y)


def trainer(step: Step, data: Batches) -> Train:
    def train(epochs: int) -> float:
        for _ in range(epochs):
            losses = [step(x, y) for x, y in data]
        return float(torch.stack(losses).mean())

    return train


def prepare(cell: Cell) -> None:
    keep_memory()
    torch.set_num_threads(cell.threads)
    torch.set_flush_denormal(True)


def eager(cell: Cell) -> Train:
    """`nn.Sequential`, autograd, fused Adam."""
    prepare(cell)
    net = network(cell, nn.Dropout)
    optimizer = torch.optim.Adam(net.parameters(), RATE, eps=EPSILON, fused=True)
    loss = loss_of(net)

    def step(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        optimizer.zero_grad(set_to_none=True)
        value = loss(x, y)
        value.backward()
        optimizer.step()
        return value.detach()

    return trainer(step, batches(cell))


def lean_step(loss: Loss, parameters: Sequence[nn.Parameter]) -> Step:
    """Gradients straight into the kernel of Adam.

    They pass through `Tensor.grad`, which brings them into the order in memory that the weights
    have: the kernel does not look at it.
    """
    weights = [p.detach() for p in parameters]
    m, v = ([torch.zeros_like(w) for w in weights] for _ in range(2))
    steps = [torch.zeros(()) for _ in weights]

    def step(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        for p in parameters:
            p.grad = None
        value = loss(x, y)
        value.backward()
        torch._foreach_add_(steps, 1)
        torch._fused_adam_(
            weights, [p.grad for p in parameters], m, v, [], steps,
            lr=RATE, beta1=BETA_1, beta2=BETA_2, eps=EPSILON,
            weight_decay=0.0, amsgrad=False, maximize=False,
        )  # fmt: skip
        return value.detach()

    return step


def lean(cell: Cell) -> Train:
    """`eager` without an optimizer's bookkeeping and with a faster dropout."""
    prepare(cell)
    net = network(cell, UniformDropout)
    return trainer(lean_step(loss_of(net), list(net.parameters())), batches(cell))


def channels_last(cell: Cell) -> Train | None:
    """`lean` with the channels of an image side by side."""
    if all(node.kind != "convolution" for node in cell.plan.nodes):
        return None
    prepare(cell)
    net = network(cell, UniformDropout).to(memory_format=torch.channels_last)
    data = [(x.contiguous(memory_format=torch.channels_last), y) for x, y in batches(cell)]
    return trainer(lean_step(loss_of(net), list(net.parameters())), data)


def compiled(cell: Cell) -> Train:
    """`lean` with the net, its loss and their gradients as compiled graphs."""
    prepare(cell)
    torch._dynamo.reset()
    net = network(cell, UniformDropout)
    loss = torch.compile(loss_of(net), dynamic=False)
    return trainer(lean_step(loss, list(net.parameters())), batches(cell))
