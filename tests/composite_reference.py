"""The composed losses as plain loops in mpmath; they share no line with the package.

A definition takes one row (lists), one element (numbers) or a whole batch (lists of rows), as
`per` of the loss says.  Its gradient is a central difference at so many digits that neither the
step nor the rounding is seen in a double.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import numpy as np
from mpmath import mp, mpf

DIGITS, STEP = 1200, "1e-330"


def exp(x):
    return mp.exp(x)


def log(x):
    return mp.log(x) if x > 0 else mpf("-inf")


def softplus(x):
    return log(1 + exp(x))


def sigmoid(x):
    return 1 / (1 + exp(-x))


def logsumexp(xs):
    return log(sum(map(exp, xs)))


def softmax(xs):
    total = sum(map(exp, xs))
    return [exp(x) / total for x in xs]


def dot(a, b):
    return sum(x * y for x, y in zip(a, b, strict=True))


def weighted_logs(q, p):
    """-sum q log p with 0 log 0 = 0."""
    return -sum(a * log(b) for a, b in zip(q, p, strict=True) if a != 0)


def smoothed(t, smoothing):
    return [(1 - mpf(smoothing)) * a + mpf(smoothing) / len(t) for a in t]


def one_hot(code, k):
    return [mpf(i == code) for i in range(k)]


def sparsemax(z):
    """By trying every support: p = z - tau on it, z <= tau outside."""
    k = len(z)
    for size in range(1, k + 1):
        for support in itertools.combinations(range(k), size):
            tau = (sum(z[i] for i in support) - 1) / size
            if all((z[i] > tau) == (i in support) for i in range(k)):
                return [max(x - tau, mpf(0)) for x in z]
    raise AssertionError(z)


# ---- several classes per row --------------------------------------------------------------------


def zlpr(z, t):
    others = 1 + sum(exp(x) for x, y in zip(z, t, strict=True) if y == 0)
    own = 1 + sum(exp(-x) for x, y in zip(z, t, strict=True) if y == 1)
    return log(others) + log(own)


def two_way(z, t, tp, tn):
    def along(z, t):
        terms = []
        for xs, ys in zip(z, t, strict=True):
            own = [x for x, y in zip(xs, ys, strict=True) if y == 1]
            others = [x for x, y in zip(xs, ys, strict=True) if y == 0]
            if own and others:
                gap = tn * logsumexp([x / tn for x in others])
                terms.append(softplus(gap + tp * logsumexp([-x / tp for x in own])))
            elif own:
                terms.append(mpf(0))
        return sum(terms) / len(terms) if terms else mpf(0)

    return along(z, t) + along(list(zip(*z, strict=True)), list(zip(*t, strict=True)))


def distribution_balanced(
    z, t, alpha, beta, mu, neg_scale, bias, gamma, balance, class_counts, n_samples
):
    k, total = len(z), mpf(0)
    of_row = sum(y / n for y, n in zip(t, class_counts, strict=True))
    for x, y, n in zip(z, t, class_counts, strict=True):
        share = mpf(1) / n / of_row if of_row else mpf("inf")
        weight = alpha + (sigmoid(beta * (share - mu)) if of_row else 1)
        u = x - bias * log(mpf(n_samples) / n - 1) / neg_scale
        own = y * softplus(-u) * sigmoid(-u) ** gamma
        other = (1 - y) * softplus(neg_scale * u) * sigmoid(neg_scale * u) ** gamma / neg_scale
        total += weight * (own + other)
    return balance * total / k


def multilabel_soft_margin(z, t):
    terms = [y * softplus(-x) + (1 - y) * softplus(x) for x, y in zip(z, t, strict=True)]
    return sum(terms) / len(z)


def multilabel_margin(z, t):
    own = list(itertools.takewhile(lambda code: code >= 0, t))
    total = mpf(0)
    for j in own:
        for i in range(len(z)):
            if i not in own:
                total += max(mpf(0), 1 - (z[int(j)] - z[i]))
    return total / len(z)


# ---- one class per row --------------------------------------------------------------------------


def categorical_cross_entropy(p, t, label_smoothing):
    return weighted_logs(smoothed(t, label_smoothing), p)


def nll(z, t):
    return -z[t]


def categorical_focal(p, t, alpha, gamma, label_smoothing):
    q = smoothed(t, label_smoothing)
    focused = [a * (1 - b) ** gamma for a, b in zip(q, p, strict=True)]
    return alpha * weighted_logs(focused, p)


def asymmetric_terms(z, t, gamma_pos, gamma_neg, eps):
    terms = []
    for k, p in enumerate(softmax(z)):
        q = (1 - mpf(eps)) * (k == t) + mpf(eps) / len(z)
        weight = (1 - p) ** gamma_pos if k == t else p**gamma_neg
        terms.append(-q * weight * log(p))
    return terms


def asymmetric_single_label(z, t, **parameters):
    return sum(asymmetric_terms(z, t, **parameters))


def poly_cross_entropy(z, t, epsilon):
    p = softmax(z)
    return weighted_logs(t, p) + epsilon * dot(t, [1 - a for a in p])


def generalized_cross_entropy(p, t, q):
    return (1 - p[t] ** q) / q if q else -log(p[t])


def multi_margin(z, t, p, margin):
    return sum(max(mpf(0), margin - z[t] + z[i]) ** p for i in range(len(z)) if i != t) / len(z)


def categorical_hinge(z, t, margin):
    return max(mpf(0), margin + max(z[i] for i in range(len(z)) if i != t) - z[t])


def multiclass_perceptron(z, t):
    return max(z) - z[t]


def sparsemax_loss(z, t):
    p = sparsemax(z)
    return sum((a - x) ** 2 - (b - x) ** 2 for a, b, x in zip(t, p, z, strict=True)) / 2


def fenchel_young(z, t, max_fun):
    if max_fun == "sparsemax":
        p = sparsemax(z)
        return dot(p, z) - dot(p, p) / 2 - dot(t, z)
    return (max(z) if max_fun == "max" else logsumexp(z)) - dot(t, z)


def ranking_softmax(z, t, weights):
    weights = [mpf(1)] * len(z) if weights is None else weights
    return weighted_logs([a * w for a, w in zip(t, weights, strict=True)], softmax(z))


# ---- divergences, numbers, regions --------------------------------------------------------------


def generalized_kl(z, t):
    return sum((y * (log(y) - x) if y else 0) + exp(x) - y for x, y in zip(z, t, strict=True))


def js_divergence(p, t):
    total = mpf(0)
    for a, b in zip(p, t, strict=True):
        m = (a + b) / 2
        total += sum(c * log(c / m) for c in (a, b) if c) / 2
    return total


def mean_pairwise_squared_error(z, t):
    pairs = list(itertools.combinations(range(len(z)), 2))
    return sum(((z[i] - z[j]) - (t[i] - t[j])) ** 2 for i, j in pairs) / max(len(pairs), 1)


def cosine_distance(z, t, eps):
    a, b = mp.sqrt(dot(z, z)), mp.sqrt(dot(t, t))
    return mpf(1) if a <= eps or b <= eps else 1 - dot(z, t) / (a * b)


def gaussian_nll(z, t, v, eps, full, log_variance):
    constant = log(2 * mp.pi) / 2 if full else 0
    if log_variance:
        return (v + (z - t) ** 2 * exp(-v)) / 2 + constant
    v = max(v, mpf(eps))
    return (log(v) + (z - t) ** 2 / v) / 2 + constant


def dice(p, t, smooth):
    both = sum(dot(a, b) for a, b in zip(p, t, strict=True))
    size = sum(map(sum, p)) + sum(map(sum, t)) + smooth
    return 1 - (2 * both + smooth) / size if size else mpf(0)


def tversky(p, t, alpha, beta, smooth):
    pairs = [(a, b) for x, y in zip(p, t, strict=True) for a, b in zip(x, y, strict=True)]
    tp = sum(a * b for a, b in pairs) + smooth
    fp, fn = sum(a * (1 - b) for a, b in pairs), sum((1 - a) * b for a, b in pairs)
    size = tp + alpha * fp + beta * fn
    return 1 - tp / size if size else mpf(0)


def weighted_kappa(p, t, eps, weightage):
    power, n = 2 if weightage == "quadratic" else 1, len(p)
    met = sum(abs(t[i] - k) ** power * p[i][k] for i in range(n) for k in range(len(p[i])))
    chance = sum(
        abs(t[i] - k) ** power * p[j][k] / mpf(n)
        for i in range(n)
        for j in range(n)
        for k in range(len(p[j]))
    )
    return log((met / chance if chance else mpf(0)) + eps)


# ---- values, gradients and errors ---------------------------------------------------------------


@dataclass
class Point:
    """One value with its gradients (flat, by operand name) at operands as they were given."""

    value: mpf
    gradients: dict[str, list[mpf]]
    operands: dict[str, object]
    parameters: dict[str, object] = field(default_factory=dict)

    def flat(self, name):
        return list(np.ravel(np.array(self.operands[name], dtype=object)))

    def lever(self, name):
        """sum |x g|: what a relative change of every x by 1 does to the value."""
        pairs = zip(self.flat(name), self.gradients[name], strict=True)
        return sum(abs(x * g) for x, g in pairs)

    def span(self, *names):
        return max(abs(x) for name in names for x in self.flat(name))


def exactly(x):
    """Arrays as nested lists of mpf; integers stay integers."""
    if isinstance(x, np.ndarray) and x.ndim:
        return [exactly(a) for a in x]
    return int(x) if np.asarray(x).dtype.kind in "iub" else mpf(float(x))


def _moved(x, index, step):
    """Nested lists with one number changed."""
    if not index:
        return x + step
    row = x
    for j in index[:-1]:
        row = row[j]
    row[index[-1]] += step
    return x


def evaluate(definition, operands, differentiable, parameters):
    """The Point of a definition; `operands` is an ordered mapping of arrays."""
    with mp.workdps(DIGITS):
        exact = {name: exactly(a) for name, a in operands.items()}
        gradients = {}
        for name in differentiable:
            gradients[name] = []
            for i in np.ndindex(operands[name].shape):
                step = mpf(STEP) * (abs(mpf(float(operands[name][i]))) or 1)
                ends = []
                for sign in (1, -1):
                    moved = _moved(exactly(operands[name]), i, sign * step)
                    ends.append(definition(*{**exact, name: moved}.values(), **parameters))
                gradients[name].append((ends[0] - ends[1]) / (2 * step))
        value = mpf(definition(*exact.values(), **parameters))
    return Point(value, gradients, exact, parameters)


def error(got, exact, scale, dtype):
    """|got - exact| in eps of the scale, or in the smallest number where that is larger."""
    info = np.finfo(dtype)
    if abs(exact) > mpf(float(info.max)):
        return 0.0 if got == np.sign(float(mp.sign(exact))) * np.inf else np.inf
    if not np.isfinite(got):
        return np.inf
    unit = max(mpf(float(info.eps)) * abs(scale), mpf(float(info.smallest_subnormal)))
    return float(abs(mpf(float(got)) - exact) / unit)
