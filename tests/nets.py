"""Nets of the engine as the tests of multilayer perceptrons look at them."""

from __future__ import annotations

import numpy as np

from deltarule._engine import initial_weights, make_net


def begun(plan, dtype, seed=0):
    """A net with its initial weights."""
    kind = np.dtype(dtype)
    return make_net(plan, kind, initial_weights(plan, kind, seed))


def _arrays(net, arrays, *names):
    found = net.weights() if arrays is None else arrays
    return [a for a, block in zip(found, net.blocks(), strict=True) if block[1] in names]


def pairs(net, arrays=None):
    """(W, b) of the dense layers, of the weights or of other arrays in their order."""
    flat = _arrays(net, arrays, "weight", "bias")
    return list(zip(flat[::2], flat[1::2], strict=True))


def learned(net, arrays=None):
    """What activations learn."""
    return _arrays(net, arrays, "parameters")


def put_pairs(net, new):
    """Replace W and b of the dense layers."""
    flat = iter([a for pair in new for a in pair])
    own = net.weights()
    blocks = net.blocks()
    net.set_weights(
        [next(flat) if b[1] in ("weight", "bias") else a for a, b in zip(own, blocks, strict=True)]
    )
