"""PyTorch three ways: as most write it, with compiled steps, and by hand without autograd."""

from __future__ import annotations

from typing import Any

import torch
from jobs import BETA_1, BETA_2, EPSILON, RATE, Job, Layers, Train, flattened, views
from torch import nn

aten = torch.ops.aten


def sequential(job: Job) -> nn.Sequential:
    modules: list[nn.Module] = []
    for w, b in job.initial_layers():
        linear = nn.Linear(*w.shape, dtype=torch.from_numpy(w).dtype)
        linear.weight.data = torch.from_numpy(w.T.copy())
        linear.bias.data = torch.from_numpy(b)
        modules += [linear, nn.ReLU()]
    return nn.Sequential(*modules[:-1])


def layers_of(net: nn.Sequential) -> Layers:
    dense = [m for m in net if isinstance(m, nn.Linear)]
    return [(m.weight.detach().numpy().T, m.bias.detach().numpy()) for m in dense]


def eager(job: Job) -> Train:
    """`nn.Sequential`, autograd, fused Adam; the data are tensors in memory."""
    torch.set_num_threads(job.threads)
    X = torch.from_numpy(job.X)
    y = torch.from_numpy(job.y if job.classes else job.targets)
    loss = nn.functional.cross_entropy if job.classes else nn.functional.mse_loss

    def train(epochs: int) -> Layers:
        net = sequential(job)
        optimizer = torch.optim.Adam(net.parameters(), RATE, eps=EPSILON, fused=True)
        for _ in range(epochs):
            for part in torch.randperm(len(X)).split(job.batch):
                optimizer.zero_grad(set_to_none=True)
                loss(net(X[part]), y[part]).backward()
                optimizer.step()
        return layers_of(net)

    return train


class Flat:
    """Parameters, gradient and moments as one vector each: Adam is one call."""

    def __init__(self, job: Job) -> None:
        self.start = torch.from_numpy(flattened(job.initial_layers()))
        self.p, self.g, self.m, self.v = (self.start.clone() for _ in range(4))
        self.t = torch.zeros(())
        self.layers, self.gradients = views(self.p, job.sizes), views(self.g, job.sizes)

    def restart(self) -> None:
        self.p.copy_(self.start)
        for moment in (self.m, self.v, self.t):
            moment.zero_()

    def arrays(self) -> Layers:
        return [(w.numpy(), b.numpy()) for w, b in self.layers]

    def adam(self) -> None:
        self.t += 1
        torch._fused_adam_(
            [self.p], [self.g], [self.m], [self.v], [], [self.t],
            lr=RATE, beta1=BETA_1, beta2=BETA_2, eps=EPSILON,
            weight_decay=0.0, amsgrad=False, maximize=False,
        )  # fmt: skip


class Pass:
    """Forward and backward through the kernels that write into given tensors."""

    def __init__(self, job: Job, state: Flat, rows: int) -> None:
        def empty(columns: int) -> torch.Tensor:
            return torch.empty(rows, columns, dtype=state.p.dtype)

        self.x, *self.outputs = [empty(n) for n in job.sizes]
        self.deltas = [empty(n) for n in job.sizes[1:]]
        self.target = empty(job.sizes[-1])
        self.softmax = bool(job.classes)
        inputs = [self.x, *self.outputs]
        self.forward_calls = [
            (b, x, w, z) for (w, b), x, z in zip(state.layers, inputs, self.outputs, strict=False)
        ]
        self.backward_calls = [
            (x.T, x, w.T, d, gw, gb, below)
            for (w, _), (gw, gb), x, d, below in zip(
                state.layers, state.gradients, inputs, self.deltas, [None, *self.deltas],
                strict=False,
            )
        ][::-1]  # fmt: skip

    def run(self, X: torch.Tensor, targets: torch.Tensor, part: torch.Tensor) -> None:
        torch.index_select(X, 0, part, out=self.x)
        torch.index_select(targets, 0, part, out=self.target)
        for b, x, w, z in self.forward_calls[:-1]:
            torch.addmm(b, x, w, out=z).relu_()
        b, x, w, z = self.forward_calls[-1]
        torch.addmm(b, x, w, out=z)
        if self.softmax:
            torch.softmax(z, 1, out=self.deltas[-1]).sub_(self.target)
        else:
            torch.sub(z, self.target, out=self.deltas[-1])
        self.deltas[-1].div_(len(self.x))
        for x_t, x, w_t, d, gw, gb, below in self.backward_calls:
            torch.mm(x_t, d, out=gw)
            torch.sum(d, 0, out=gb)
            if below is not None:
                torch.mm(d, w_t, out=below)
                aten.threshold_backward.grad_input(below, x, 0, grad_input=below)


def manual(job: Job) -> Train:
    """Hand-written, no autograd: every kernel writes into memory that is kept."""
    torch.set_num_threads(job.threads)
    state = Flat(job)
    X, targets = torch.from_numpy(job.X), torch.from_numpy(job.targets)
    rows = {min(job.batch, len(X)), len(X) % job.batch} - {0}
    passes = {n: Pass(job, state, n) for n in rows}

    @torch.inference_mode()
    def train(epochs: int) -> Layers:
        state.restart()
        for _ in range(epochs):
            for part in torch.randperm(len(X)).split(job.batch):
                passes[len(part)].run(X, targets, part)
                state.adam()
        return state.arrays()

    return train


def make_loss(sizes: tuple[int, ...], softmax: bool) -> Any:
    def loss(flat: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        layers = views(flat, sizes)
        for w, b in layers[:-1]:
            x = torch.relu(torch.addmm(b, x, w))
        z = torch.addmm(layers[-1][1], x, layers[-1][0])
        if softmax:
            return -(torch.log_softmax(z, 1) * y).sum(1).mean()
        return nn.functional.mse_loss(z, y)

    return loss


def compiled(job: Job) -> Train:
    """A step, from the gathering of the rows to Adam, as one compiled graph."""
    torch.set_num_threads(job.threads)
    torch._dynamo.reset()
    state, gradient = Flat(job), torch.func.grad(make_loss(job.sizes, bool(job.classes)))
    X, targets = torch.from_numpy(job.X), torch.from_numpy(job.targets)

    @torch.compile(fullgraph=True, dynamic=False)
    def step(p: Any, m: Any, v: Any, t: Any, part: Any) -> None:
        g = gradient(p, X[part], targets[part])
        t.add_(1)
        m.mul_(BETA_1).add_((1 - BETA_1) * g)
        v.mul_(BETA_2).add_((1 - BETA_2) * g * g)
        rate = RATE * torch.sqrt(1 - BETA_2**t) / (1 - BETA_1**t)
        p.sub_(rate * m / (v.sqrt() + EPSILON))

    @torch.no_grad()
    def train(epochs: int) -> Layers:
        state.restart()
        for _ in range(epochs):
            for part in torch.randperm(len(X)).split(job.batch):
                step(state.p, state.m, state.v, state.t, part)
        return state.arrays()

    return train
