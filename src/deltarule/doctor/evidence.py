"""From numbers to confidence."""

from __future__ import annotations

import math

import numpy as np

from deltarule.doctor.case import Array, Case
from deltarule.vitals import Vitals


def rising(value: float, from_: float, to: float) -> float:
    """0 up to a number, 1 from another on, between them by the logarithm; 0 for what is unknown."""
    if not value > from_:
        return 0.0
    return min(math.log(value / from_) / math.log(to / from_), 1.0)


def falling(value: float, from_: float, to: float) -> float:
    """0 down to a number, 1 from a smaller one down, between them by the logarithm."""
    if not value < from_:
        return 0.0
    return 1.0 if value <= 0 else min(math.log(from_ / value) / math.log(from_ / to), 1.0)


def figure(value: float, digits: int = 2) -> str:
    """A number with so many digits that count, as in ``0.00067``, ``52,000`` and ``3.1e-07``."""
    if not math.isfinite(value) or value == 0:
        return f"{value:g}"
    short = f"{value:.{digits - 1}e}"
    if not 1e-4 <= abs(value) < 1e6:
        return short
    decimals = max(digits - 1 - int(short.partition("e")[2]), 0)
    return f"{float(short):,.{decimals}f}"


def ends(case: Case) -> tuple[str, str]:
    """The names of the first and of the last layer with weights."""
    places = case.weighted
    return (case.layers[places[0]].name, case.layers[places[-1]].name) if places else ("", "")


def gradient_ratio(case: Case) -> float:
    """Gradient of the first weights over that of the last ones, before training; NaN: unknown."""
    places = case.weighted
    if case.begin is None or len(places) < 2:
        return math.nan
    sizes = case.begin["gradient_rms"][0, [places[0], places[-1]]].astype(float)
    return float(sizes[0] / sizes[1]) if sizes[1] > 0 else math.nan


def usual_step(case: Case) -> float:
    """Size of a step over that of the weights in the first five epochs; NaN: unknown.

    The median over layers and epochs.  Where weights are smaller than those that pass values on as
    large as they came, it is the size of these that counts.
    """
    vitals = case.history.vitals
    if not vitals.layers:
        return math.nan
    return _step(case, vitals["update_rms"][:5], vitals["weight_rms"][:5])


def first_step(case: Case) -> float:
    """Size of a step of the first epoch over that of the first weights, likewise.

    Of a fit without an epoch: of the step that the first gradient asks for.
    """
    if case.begin is None:
        return math.nan
    vitals = case.history.vitals
    steps: Array = vitals["update_rms"][:1]
    if not vitals.layers:
        rate = float(case.settings.get("learning_rate_init", math.nan))
        sgd = case.settings.get("solver") in ("sgd", "momentum", "nesterov")
        of_gradient = case.begin["gradient_rms"].astype(float)
        steps = rate * (of_gradient if sgd else np.ones((1, len(case.layers))))
    return _step(case, steps, case.begin["weight_rms"])


def _step(case: Case, steps: Array, weights: Array) -> float:
    places = case.weighted
    usual = np.array([1 / math.sqrt(case.layers[i].inputs) for i in places])
    ratios = steps[:, places].astype(float) / np.fmax(weights[:, places].astype(float), usual)
    known = ratios[~np.isnan(ratios)]
    return float(np.median(known)) if known.size else math.nan


def narrow_and_deep(case: Case) -> bool:
    """Whether many layers of few units stand behind each other: one dead layer cuts the net."""
    units = [case.layers[i].units for i in case.hidden_activations]
    return len(units) > 4 and min(units) <= 8


def number(vitals: Vitals | None, name: str, place: int) -> float:
    """A number of a layer in vitals of one pass; NaN: unknown."""
    return math.nan if vitals is None else float(vitals[name][0, place])


def collapse(case: Case) -> float:
    """By how much the share of units without a slope grew by training, where it grew most.

    Dead units of one-sided activations, saturated inputs of two-sided ones.
    """
    grown = [0.0]
    for i in case.hidden_activations:
        sides = case.layers[i].saturates
        name = {"one side": "dead", "both sides": "saturated"}.get(sides)
        if name:
            grown.append(number(case.end, name, i) - number(case.begin, name, i))
    return max(g for g in grown if not math.isnan(g))


def input_size(case: Case) -> float:
    """Root mean square of the features; 1 where they are not known, or all 0."""
    if case.data is None:
        return 1.0
    return float(np.sqrt(np.mean(case.data.mean**2 + case.data.std**2))) or 1.0


def pre_activations(case: Case) -> dict[int, float]:
    """Before training: root mean square of what every hidden activation reads, by its place.

    In units of the features' size, or, behind an activation with ends, of its largest value where
    that is smaller: whatever the features, no more comes out of it.
    """
    sizes, unit = {}, input_size(case)
    for i in case.hidden_activations:
        if i and case.layers[i - 1].kind != "batch_norm":
            size = math.hypot(
                number(case.begin, "value_mean", i - 1), number(case.begin, "value_std", i - 1)
            )
            sizes[i] = size / unit
        unit = min(unit, max(abs(case.layers[i].low), abs(case.layers[i].high)))
    return sizes


def output_size(case: Case) -> float:
    """Before training: root mean square of the raw predictions, in units of the targets'.

    Of classes the unit is 1, as log-odds of that size are sure; of small targets, too.  Large
    features make large predictions, for which the weights are not to blame.
    """
    at = case.weighted[-1]
    size = math.hypot(number(case.begin, "value_mean", at), number(case.begin, "value_std", at))
    size /= max(input_size(case), 1.0)
    if case.task == "classification" or case.data is None:
        return size
    return size / max(math.hypot(case.data.target_mean, case.data.target_std), 1.0)


def growth(case: Case) -> tuple[float, float]:
    """Before training: how values grow from the first pre-activation to the last, and slopes back.

    NaN: unknown.
    """
    sizes, places = list(pre_activations(case).values()), case.weighted
    forward = sizes[-1] / sizes[0] if len(sizes) > 1 and sizes[0] > 0 else math.nan
    if len(places) < 2:
        return forward, math.nan
    first, last = (number(case.begin, "delta_rms", place) for place in (places[0], places[-1]))
    return forward, first / last if last > 0 else math.nan


def travel(case: Case) -> float:
    """How far the weights went in all steps: the layer that went farthest; NaN: unknown.

    1 is the size of weights that pass values on as large as they came.
    """
    found = [
        case.changes[case.layers[i].name]
        * number(case.begin, "weight_rms", i)
        * math.sqrt(case.layers[i].inputs)
        for i in case.weighted
        if case.layers[i].name in case.changes
    ]
    return max((f for f in found if not math.isnan(f)), default=math.nan)


def largest_steps(case: Case) -> tuple[float, float]:
    """Size of a step over that of the weights, of the layer with the largest; NaN: unknown.

    Of the first three epochs, and of the middle one of all epochs.
    """
    vitals = case.history.vitals
    ratios = vitals.update_ratio[:, case.weighted] if vitals.layers else np.zeros((0, 1))
    of_epochs = np.where(np.isfinite(ratios), ratios, -1.0).max(axis=1, initial=-1.0)
    known = of_epochs >= 0
    if not known[:3].any():
        return math.nan, math.nan
    return float(of_epochs[:3].max()), float(np.median(of_epochs[known]))


def rises(case: Case) -> float:
    """Share of the epochs in which the loss rose; 0 of less than four."""
    loss = case.history.loss
    return float(np.mean(np.diff(loss) > 0)) if len(loss) > 3 else 0.0


def worst_loss(case: Case) -> float:
    """The largest loss of an epoch over that of the first weights; NaN: unknown."""
    loss = case.history.loss
    if not len(loss) or not case.begin_loss > 0:
        return math.nan
    return float(np.nanmax(loss)) / case.begin_loss


def stopped_by_limit(case: Case) -> bool:
    """Whether training used all the epochs it was allowed."""
    return len(case.history) >= float(case.settings.get("max_iter", 0))


def recent_fall(case: Case) -> tuple[float, float]:
    """By how much the loss fell in the last quarter of the epochs, if it fell in most of them.

    As a share of the loss, and of all that it had fallen since the first weights; 0: it did not.
    Means of as many epochs are compared, so that noise counts less.  Where the fit ended before
    max_iter, it is the epochs without an improvement that count, if they are fewer.
    """
    loss = np.append(case.begin_loss, case.history.loss)
    loss = loss[np.isfinite(loss)]
    quarter = max(len(loss) // 4, 1)
    if not stopped_by_limit(case):
        quarter = int(min(quarter, float(case.settings.get("n_iter_no_change", quarter))))
    if len(loss) < 3 or np.mean(np.diff(loss[-2 * quarter - 1 :]) < 0) < 0.6:
        return 0.0, 0.0
    before, now = loss[-2 * quarter : -quarter].mean(), loss[-quarter:].mean()
    fallen = max(float(before - now), 0.0)
    whole = float(loss[0] - now)
    return fallen / abs(before) if before else 0.0, fallen / whole if whole > 0 else 0.0


def total_steps(case: Case) -> float:
    """Steps of the whole training; NaN: unknown."""
    return len(case.history) * steps_per_epoch(case) / int(case.settings.get("accumulate", 1))


def batch_rows(case: Case) -> float:
    """Rows of a batch; NaN: unknown."""
    if case.data is None:
        return math.nan
    size = case.settings.get("batch_size", "auto")
    return min(200 if size == "auto" else int(size), case.data.rows)


def early_signal(case: Case) -> float:
    """Signal-to-noise of the gradient in the first epochs: median over layers; NaN: unknown."""
    vitals = case.history.vitals
    signal = vitals["signal"][:5, case.weighted] if vitals.layers else np.array([])
    known = signal[np.isfinite(signal)]
    return float(np.median(known)) if known.size else math.nan


def steps_per_epoch(case: Case) -> float:
    """Batches of an epoch."""
    if case.data is None:
        return math.nan
    size = case.settings.get("batch_size", "auto")
    return math.ceil(case.data.rows / (200 if size == "auto" else int(size)))


# Half of what these read is passed on, so weights of twice the variance keep the size.
_HALVES = ("relu", "leaky_relu", "prelu", "rrelu", "relu6")


def fitting_init(case: Case) -> str:
    """The initialiser whose weights pass values on in their size."""
    names = {case.layers[i].activation for i in case.hidden_activations}
    if names == {"selu"}:
        return "lecun_normal"
    return "he_normal" if names and names <= set(_HALVES) else "glorot_uniform"


RECURRENT = ("simple_rnn", "lstm", "gru")

# Activations of a whole row, whose values are shares of one.
SHARES = ("softmax", "gumbel_softmax", "softmax2d", "softmin", "sparsemax", "hardmax")


def applies_link(case: Case) -> bool:
    """Whether the loss turns raw predictions into probabilities by itself."""
    return case.link in ("sigmoid", "softmax")


def is_limited(low: float, high: float) -> bool:
    """Whether a range has two ends."""
    return math.isfinite(low) and math.isfinite(high)


def hidden_units(case: Case) -> list[int]:
    """How wide the layers with weights before the last are."""
    return [case.layers[i].units for i in case.weighted[:-1]]


def is_linear(case: Case) -> bool:
    """Whether no layer bends anything: a network of dense layers and identities."""
    plain = ("dense", "dropout", "batch_norm", "scale", "add")
    return all(
        layer.kind in plain or layer.activation in ("identity", "affine") for layer in case.layers
    )
