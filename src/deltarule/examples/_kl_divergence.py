"""KL divergence and its base, cross-entropy, maximum likelihood: one thing seen three times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

import deltarule as dr
from deltarule.displays import style
from deltarule.examples._example import Example, Table
from deltarule.language import Text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]

_BASES = {"base 10": 10.0, "bits": 2.0, "nats": np.e}
_CROSS = dr.loss("softmax_cross_entropy")  # of the raw predictions log(q) it is that of q


def kl_divergence(
    *,
    counts: Sequence[float] = (9, 1),
    predictions: Sequence[Sequence[float]] = ((0.1, 0.9), (0.5, 0.5)),
) -> Example:
    """Measure how far two predictions are from what was counted.

    What was seen, 9 times the one and once the other, has the distribution p = (0.9, 0.1).  The
    predictions are q1 = (0.1, 0.9), the wrong way round, and q2 = (0.5, 0.5).  The textbook states
    the figures 0.763, 0.160, 1.758 and 0.368 alone; of all p, q1 and q2 over two outcomes in
    tenths, this is the only choice, up to the order of the outcomes, with D(p||q1) and D(p||q2) of
    0.763 and 0.160 in base 10, 1.758 and 0.368 in nats.

    Parameters
    ----------
    counts : sequence of float, default=(9, 1)
        How often each outcome was seen, above 0.
    predictions : sequence of distributions, default=((0.1, 0.9), (0.5, 0.5))
        Probabilities above 0.

    Returns
    -------
    Example
        Its figures are, for q1, q2 ...: "D(p||q1) in base 10", "in bits", "in nats"; "D(q1||p) in
        nats"; "cross-entropy of q1" in nats; "entropy" of p; and the probability of the first
        outcome that is likeliest given the counts, and that of the smallest cross-entropy.

    Raises
    ------
    ValueError
        If counts or predictions are no such numbers.
    """
    p, q = _distributions(counts, predictions)
    figures = {"entropy": float(_CROSS(np.log(p), p))}
    for i, prediction in enumerate(q, start=1):
        for name, base in _BASES.items():
            kl = dr.loss("kl_divergence", base=base)
            figures[f"D(p||q{i}) in {name}"] = float(kl(np.log(prediction), p))
        figures[f"D(q{i}||p) in nats"] = float(dr.losses.kl_divergence(np.log(p), prediction))
        figures[f"cross-entropy of q{i}"] = float(_CROSS(np.log(prediction), p))
    series = {"p": p, "q": q, **_sweep(np.array(counts, float), p)}
    first = series["first outcome"]
    figures["likeliest"] = float(first[np.argmax(series["likelihood"])])
    figures["smallest cross-entropy"] = float(first[np.argmin(series["cross-entropy"])])
    return Example(
        name="kl_divergence",
        story=_story(figures, p, q),
        tables=(_table(figures, q),),
        figures=figures,
        series=series,
        draw=_draw,
        size=(10.0, 3.6),
    )


def _distributions(
    counts: Sequence[float], predictions: Sequence[Sequence[float]]
) -> tuple[Floats, Floats]:
    seen, q = np.array(counts, float), np.array(predictions, float)
    if seen.ndim != 1 or len(seen) < 2 or not (np.isfinite(seen) & (seen > 0)).all():
        raise ValueError(f"counts must be two or more numbers above 0; met {counts!r}.")
    if q.shape != (len(q), len(seen)) or not (q > 0).all() or not np.allclose(q.sum(axis=1), 1):
        raise ValueError(
            f"predictions must be distributions over {len(seen)} outcomes, of probabilities above "
            f"0 with the sum 1; met {predictions!r}."
        )
    return seen / seen.sum(), q


def _sweep(counts: Floats, p: Floats) -> dict[str, Floats]:
    """Likelihood and cross-entropy over the probability of the first outcome.

    The other outcomes share the rest as they were counted.  The likelihood, prod(q^counts), is
    stated relative to that of p, which does not underflow.
    """
    first = np.linspace(0, 1, 1001)[1:-1]
    q = np.column_stack([first, np.outer(1 - first, p[1:] / p[1:].sum())])
    likelihood = np.exp(np.log(q / p) @ counts)
    rows = np.broadcast_to(p, q.shape)
    return {
        "first outcome": first,
        "likelihood": likelihood,
        "cross-entropy": _CROSS(np.log(q), rows, reduction="none"),
    }


# ---- in words ------------------------------------------------------------------------------------


def _words(distribution: Floats) -> str:
    return f"({', '.join(f'{v:.4g}' for v in distribution)})"


def _table(figures: dict[str, float], q: Floats) -> Table:
    names = [f"q{i}" for i in range(1, len(q) + 1)]

    def of(pattern: str) -> list[float]:
        return [figures[pattern.format(name)] for name in names]

    return Table(
        Text(
            "Predictions q against what was seen, p; entropy H, cross-entropy CE = H(p) + D(p||q)",
            "预测 q 与观测到的分布 p；熵 H，交叉熵 CE = H(p) + D(p||q)",
        ),
        (
            (Text("q", "q"), [_words(prediction) for prediction in q]),
            (Text("D(p||q), base 10", "D(p||q)，以 10 为底"), of("D(p||{}) in base 10")),
            (Text("bits", "比特"), of("D(p||{}) in bits")),
            (Text("nats", "奈特"), of("D(p||{}) in nats")),
            (Text("D(q||p), nats", "D(q||p)，奈特"), of("D({}||p) in nats")),
            (Text("H(p), nats", "H(p)，奈特"), [figures["entropy"]] * len(q)),
            (Text("CE, nats", "CE，奈特"), of("cross-entropy of {}")),
        ),
    )


def _story(figures: dict[str, float], p: Floats, q: Floats) -> Text:
    return _STORY.with_numbers(
        p=_words(p),
        q="; ".join(map(_words, q)),
        q_zh="；".join(map(_words, q)),
        tens=", ".join(f"{figures[f'D(p||q{i + 1}) in base 10']:.3f}" for i in range(len(q))),
        nats=", ".join(f"{figures[f'D(p||q{i + 1}) in nats']:.3f}" for i in range(len(q))),
        reverse=figures[f"D(q{len(q)}||p) in nats"],
        forward=figures[f"D(p||q{len(q)}) in nats"],
        entropy=figures["entropy"],
        ratio=np.log(10),
        crosses=", ".join(f"{figures[f'cross-entropy of q{i + 1}']:.3f}" for i in range(len(q))),
        likeliest=figures["likeliest"],
        smallest=figures["smallest cross-entropy"],
    )


_STORY = Text(
    "What was seen has the distribution p = {p}. From it the predictions {q} are as far as D(p||q) "
    "= {tens} in base 10 and {nats} in nats: the same amounts, once divided by ln 10 = {ratio:.3f}"
    ". Without its base the number says nothing.\n\n"
    "The cross-entropy is the divergence and the entropy of p, {entropy:.3f} nats: {crosses}. The "
    "entropy does not depend on q, so both have the same gradient and the same minimum.\n\n"
    "It is no distance: from p to the last q it is {forward:.3f} nats and from there to p "
    "{reverse:.3f}.\n\n"
    "The probability of the first outcome under which the counts are likeliest is {likeliest:.3g}, "
    "and the cross-entropy is smallest at {smallest:.3g}: the likelihood of n independent outcomes "
    "is e^(-n CE).",
    "观测到的分布是 p = {p}。预测 {q_zh} 与它的 KL 散度 D(p||q)，以 10 为底是 {tens}，以奈特计是 "
    "{nats}：量是同一个量，只差一个因子 ln 10 = {ratio:.3f}。不写明底数，这个数就没有意义。\n\n"
    "交叉熵等于散度加上 p 的熵 {entropy:.3f} 奈特：{crosses}。熵与 q 无关，所以两者的梯度相同，最"
    "小值点也相同。\n\n"
    "KL 散度不是距离：从 p 到最后一个 q 是 {forward:.3f} 奈特，反过来却是 {reverse:.3f}。\n\n"
    "使这些计数的似然最大的，是首个结果的概率取 {likeliest:.3g}；使交叉熵最小的，是 {smallest:.3g}"
    "：n 个独立结果的似然就是 e^(-n CE)，所以最大似然就是最小交叉熵。",
)


def _draw(example: Example, figure: Figure) -> None:
    shares, parts, sweep = style.axes_grid(figure, 1, 3, example.size)[0]
    s, found = example.series, example.figures
    names = [f"q{i}" for i in range(1, len(s["q"]) + 1)]
    outcomes = np.arange(len(s["p"]))
    width = 0.8 / (len(names) + 1)
    for k, (name, row) in enumerate(zip(["p", *names], [s["p"], *s["q"]], strict=True)):
        shares.bar(outcomes + k * width, row, width, label=name)
    shares.set(title="What was seen, p, and predictions", ylabel="probability", ylim=(0, 1.3))
    shares.set_xticks(outcomes + 0.4 - width / 2, [f"outcome {i + 1}" for i in outcomes])
    shares.legend(ncols=3)
    divergences = [found[f"D(p||{name}) in nats"] for name in names]
    parts.bar(names, [found["entropy"]] * len(names), 0.6, label="H(p)")
    parts.bar(names, divergences, 0.6, found["entropy"], label="D(p||q)")
    parts.set(title="Cross-entropy = H(p) + D(p||q)", ylabel="nats")
    parts.legend()
    first = s["first outcome"]
    sweep.plot(first, s["cross-entropy"], label="cross-entropy, nats")
    sweep.plot(first, s["likelihood"], label="likelihood / that of p")
    sweep.axvline(found["likeliest"], linestyle=":", color=style.COLOURS[2], linewidth=1.2)
    sweep.set(title="The same best q", xlabel="q of outcome 1", ylim=(0, 3))
    sweep.legend()
