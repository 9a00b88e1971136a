"""Losses of pairs, embeddings, boxes, many classes and sequences, as their papers write them.

Plain loops over mpmath numbers; no line is shared with the package.  A loss gives the list of its
values; gradients are central differences.  Points are nested lists of numbers.
"""

from __future__ import annotations

import itertools

import numpy as np
from mpmath import mp, mpf

DIGITS = 100
STEP = mpf(10) ** -30


def exactly(a):
    """The same numbers in nested lists of mpf."""
    if isinstance(a, list | tuple | np.ndarray):
        return [exactly(v) for v in a]
    return mpf(float(a))


def central_differences(f, operands, which, cotangent):
    """The gradient of sum(cotangent * f(*operands)) in one operand, as an object array."""
    operands = [exactly(o) for o in operands]
    shape = np.shape(np.array(operands[which], dtype=object))
    gradient = np.empty(shape, dtype=object)

    def total(index, shift):
        moved = [o if i != which else _moved(o, index, shift) for i, o in enumerate(operands)]
        return sum(c * v for c, v in zip(cotangent, f(*moved), strict=True))

    for index in np.ndindex(shape):
        gradient[index] = (total(index, STEP) - total(index, -STEP)) / (2 * STEP)
    return gradient


def _moved(a, index, shift):
    if not index:
        return a + shift
    return [_moved(v, index[1:], shift) if i == index[0] else v for i, v in enumerate(a)]


def _dot(a, b):
    return sum(x * y for x, y in zip(a, b, strict=True))


def _log_sum_exp(values):
    return mp.log(sum(mp.exp(v) for v in values)) if values else mpf("-inf")


# ---- pairs and triplets -------------------------------------------------------------------------


def margin_ranking(x1, x2, t, margin=0):
    return [max(0, margin - ti * (a - b)) for a, b, ti in zip(x1, x2, t, strict=True)]


def cosine(a, b):
    lengths = mp.sqrt(_dot(a, a) * _dot(b, b))
    return _dot(a, b) / lengths if lengths else mpf(0)


def cosine_embedding(x1, x2, t, margin=0):
    return [
        1 - cosine(a, b) if ti == 1 else max(0, cosine(a, b) - margin)
        for a, b, ti in zip(x1, x2, t, strict=True)
    ]


def distance(a, b, p, eps):
    parts = [abs(x - y + eps) for x, y in zip(a, b, strict=True)]
    return max(parts) if p == mp.inf else sum(v**p for v in parts) ** (1 / mpf(p))


def triplet_margin(anchor, positive, negative, margin=1, eps=1e-6, p=2, swap=False):
    values = []
    for a, q, n in zip(anchor, positive, negative, strict=True):
        far = distance(a, n, p, eps)
        if swap:
            far = min(far, distance(q, n, p, eps))
        values.append(max(0, distance(a, q, p, eps) - far + margin))
    return values


# ---- batches of embeddings ----------------------------------------------------------------------


def npairs(s, t):
    values = []
    for i, row in enumerate(s):
        shared = [
            _dot(t[i], t[j]) if isinstance(t[i], list) else mpf(t[i] == t[j])
            for j in range(len(row))
        ]
        total = _log_sum_exp(row)
        values.append(
            sum(q / sum(shared) * (total - v) for q, v in zip(shared, row, strict=True) if q)
        )
    return values


def lifted_structure(x, t, margin=1):
    n = len(x)
    d = [[mp.sqrt(sum((a - b) ** 2 for a, b in zip(u, v, strict=True))) for v in x] for u in x]
    pairs = [(i, j) for i in range(n) for j in range(i + 1, n) if t[i] == t[j]]
    total = mpf(0)
    for i, j in pairs:
        negatives = [margin - d[k][m] for k in (i, j) for m in range(n) if t[m] != t[k]]
        total += max(0, d[i][j] + _log_sum_exp(negatives)) ** 2
    return [total / (2 * len(pairs)) if pairs else mpf(0)]


def ntxent(x, t, temperature=0.07):
    n = len(x)
    s = [[cosine(u, v) / temperature for v in x] for u in x]
    pairs = sum(t[i] == t[j] for i in range(n) for j in range(n) if i != j)
    values = []
    for i in range(n):
        negatives = [s[i][k] for k in range(n) if t[k] != t[i]]
        value = mpf(0)
        for j in range(n):
            if j != i and t[j] == t[i]:
                value += _log_sum_exp([s[i][j], *negatives]) - s[i][j]
        values.append(value * n / pairs if pairs else mpf(0))
    return values


def circle(x, t, gamma=80, margin=0.4, remove_diagonal=True):
    n = len(x)
    values = []
    for i in range(n):
        s = [_dot(x[i], x[j]) for j in range(n)]
        positive = [
            -gamma * max(0, 1 + margin - s[j]) * (s[j] - (1 - margin))
            for j in range(n)
            if t[j] == t[i] and not (remove_diagonal and j == i)
        ]
        negative = [
            gamma * max(0, s[j] + margin) * (s[j] - margin) for j in range(n) if t[j] != t[i]
        ]
        exponent = _log_sum_exp(positive) + _log_sum_exp(negative)
        values.append(mp.log1p(mp.exp(exponent)) if positive and negative else mpf(0))
    return values


# ---- boxes --------------------------------------------------------------------------------------


def giou(z, t):
    def area(box):
        return max(0, box[2] - box[0]) * max(0, box[3] - box[1])

    values = []
    for a, b in zip(z, t, strict=True):
        low, high = zip(a[:2], b[:2], strict=True), zip(a[2:], b[2:], strict=True)
        low, high = list(low), list(high)
        sides = [min(u) - max(v) for u, v in zip(high, low, strict=True)]
        inner = sides[0] * sides[1] if min(sides) > 0 else mpf(0)
        hull = area([*(min(v) for v in low), *(max(v) for v in high)])
        union = area(a) + area(b) - inner
        iou = inner / union if union else 0
        values.append(1 - iou + ((hull - union) / hull if hull else 0))
    return values


# ---- many classes -------------------------------------------------------------------------------


def _layer(h, W, b):
    return [[_dot(row, w) + bias for w, bias in zip(W, b, strict=True)] for row in h]


def linear_cross_entropy(h, W, b, t, label_smoothing=0):
    values, C = [], len(W)
    for z, ti in zip(_layer(h, W, b), t, strict=True):
        hard = ti if isinstance(ti, list) else [mpf(k == ti) for k in range(C)]
        q = [(1 - label_smoothing) * v + label_smoothing / mpf(C) for v in hard]
        total = _log_sum_exp(z)
        values.append(sum(qk * (total - zk) for qk, zk in zip(q, z, strict=True)))
    return values


def log_uniform(k, C):
    return mp.log(mpf(k + 2) / (k + 1)) / mp.log(C + 1)


def sampled_logits(h, W, b, counts):
    """Logits less the logarithms of the expected counts, rows over all classes."""
    return [[v - mp.log(c) for v, c in zip(z, counts, strict=True)] for z in _layer(h, W, b)]


def sampled_softmax(h, W, b, t, sampled, counts, remove_accidental_hits=True):
    values = []
    for z, ti in zip(sampled_logits(h, W, b, counts), t, strict=True):
        y = int(ti)
        others = [z[k] for k in sampled if not (remove_accidental_hits and k == y)]
        values.append(_log_sum_exp([z[y], *others]) - z[y])
    return values


def nce(h, W, b, t, sampled, counts, remove_accidental_hits=False):
    values = []
    for z, ti in zip(sampled_logits(h, W, b, counts), t, strict=True):
        y = int(ti)
        value = mp.log1p(mp.exp(-z[y]))
        for k in sampled:
            if not (remove_accidental_hits and k == y):
                value += mp.log1p(mp.exp(z[k]))
        values.append(value)
    return values


def adaptive_log_softmax(h, head, b, tail, t, cutoffs, div_value=4):
    d, first = len(h[0]), cutoffs[0]
    heads = _layer(h, head, b)
    edges, place, clusters = [*cutoffs], 0, []
    widths = [int(d // div_value ** (i + 1)) for i in range(len(cutoffs))]
    for i, width in enumerate(widths):
        projection = [tail[place + d * r : place + d * (r + 1)] for r in range(width)]
        place += d * width
        left = len(tail) - place
        size = edges[i + 1] - edges[i] if i + 1 < len(edges) else left // width
        output = [tail[place + width * r : place + width * (r + 1)] for r in range(size)]
        place += width * size
        clusters.append((projection, output))
    values = []
    for row, z, ti in zip(h, heads, t, strict=True):
        y = int(ti)
        if y < first:
            values.append(_log_sum_exp(z) - z[y])
            continue
        i = max(k for k, edge in enumerate(edges) if y >= edge)
        projection, output = clusters[i]
        hidden = [_dot(row, p) for p in projection]
        below = [_dot(hidden, o) for o in output]
        value = _log_sum_exp(z) - z[first + i]
        values.append(value + _log_sum_exp(below) - below[y - edges[i]])
    return values


# ---- sequences ----------------------------------------------------------------------------------


def collapsed(path, blank):
    """The labels of an alignment: repetitions merged, then blanks removed."""
    return [k for k, _ in itertools.groupby(path) if k != blank]


def ctc(z, t, input_lengths, target_lengths, blank=0):
    """Over every path of the length of the input."""
    values = []
    for logits, labels, length, size in zip(z, t, input_lengths, target_lengths, strict=True):
        steps, wanted = int(length), [int(k) for k in labels[: int(size)]]
        log_p = [[v - _log_sum_exp(row) for v in row] for row in logits[:steps]]
        total = mpf(0)
        for path in itertools.product(range(len(logits[0])), repeat=steps):
            if collapsed(path, blank) == wanted:
                total += mp.exp(sum(log_p[i][k] for i, k in enumerate(path)))
        values.append(-mp.log(total) if total else mpf("inf"))
    return values
