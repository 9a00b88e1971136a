"""What the doctor's findings were seen in: numbers by layer, epoch, feature or class."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from deltarule.doctor import Case, Diagnosis, Finding
from deltarule.vitals import Vitals

Floats = NDArray[np.float64]
Axis = Literal["layer", "epoch", "feature", "class", "quarter", "score"]

BEGIN, END = "before training", "at the end"
_MOST = 12  # features, classes


@dataclass(frozen=True)
class Evidence:
    """The numbers beside a finding.

    Attributes
    ----------
    shown : str
        What the numbers are.
    axis : {"layer", "epoch", "feature", "class", "quarter", "score"}
        What they are of.
    at : tuple of str
        Names of layers, features, classes, quarters of the steps or scores; epochs, counted from 1.
    series : dict of str to ndarray, shape (len(at),)
        By name.
    healthy : tuple of float or None
        Between which numbers they should lie.
    logarithmic : bool
        Whether they are shown on such a scale.
    title : str
        What was found.
    accused : int or None
        Place of the layer that the finding names.
    """

    shown: str
    axis: Axis
    at: tuple[str, ...]
    series: dict[str, Floats]
    healthy: tuple[float, float] | None = None
    logarithmic: bool = False
    title: str = ""
    accused: int | None = None

    @property
    def tells(self) -> bool:
        """Whether there is a number."""
        return any(np.isfinite(values).any() for values in self.series.values())


def evidence_of(diagnosis: Diagnosis, most: int) -> tuple[Evidence, ...]:
    """Of the first findings; of a healthy network its scores.

    Findings that are seen in the same numbers share them.

    Parameters
    ----------
    diagnosis : Diagnosis
    most : int
    """
    case = diagnosis.case
    if diagnosis.healthy:
        return (replace(_scores(case) or _loss(case), title="Nothing wrong was found"),)
    found: dict[tuple[str, int | None], Evidence] = {}
    for finding in diagnosis.findings[:most]:
        one = _of_finding(case, finding)
        known = found.get((one.shown, one.accused))
        title = f"{known.title}; {one.title}" if known else one.title
        found[one.shown, one.accused] = replace(one, title=title)
    return tuple(found.values())


def _of_finding(case: Case, finding: Finding) -> Evidence:
    views = (_VIEWS.get(finding.code, _as_scores), _as_scores)
    seen = (view(case, finding) for view in views)
    shown = next((one for one in seen if one is not None and one.tells), _loss(case))
    layer = finding.seen.layer
    return replace(
        shown,
        title="Suspected: " * finding.is_suspicion + finding.rule.title.en,
        accused=shown.at.index(layer) if layer in shown.at else None,
    )


# ---- by layer


def _by_layer(
    case: Case, places: list[int], of: Callable[[Vitals], NDArray[np.floating[Any]]]
) -> dict[str, Floats]:
    found = {name: v for name, v in ((BEGIN, case.begin), (END, case.end)) if v is not None}
    with np.errstate(all="ignore"):
        return {name: of(v)[0, places].astype(np.float64) for name, v in found.items()}


def _named(case: Case, places: list[int]) -> tuple[str, ...]:
    return tuple(case.layers[i].name for i in places)


def _of_weighted(number: str, shown: str) -> Callable[[Case, Finding], Evidence | None]:
    """A number of the layers with weights beside that of the last one."""

    def view(case: Case, _: Finding) -> Evidence | None:
        series = _by_layer(case, case.weighted, lambda v: v[number])
        if not series:
            return None
        last = next(iter(series.values()))[-1]
        healthy = (0.05 * float(last), 20 * float(last)) if last > 0 else None
        return Evidence(shown, "layer", _named(case, case.weighted), series, healthy, True)

    return view


def _of_active(number: str, shown: str, most: float) -> Callable[[Case, Finding], Evidence | None]:
    """A share of the activations."""

    def view(case: Case, _: Finding) -> Evidence | None:
        places = case.hidden_activations
        series = _by_layer(case, places, lambda v: v[number])
        return (
            Evidence(shown, "layer", _named(case, places), series, (0.0, most)) if series else None
        )

    return view


def _values(case: Case, _: Finding) -> Evidence | None:
    series = _by_layer(case, case.weighted, lambda v: np.hypot(v["value_mean"], v["value_std"]))
    size = 1.0
    if case.data is not None:
        size = float(np.sqrt(np.mean(case.data.mean**2 + case.data.std**2))) or 1.0
    shown = "rms of what layers compute"
    healthy = (0.1 * size, 3 * size)
    return Evidence(shown, "layer", _named(case, case.weighted), series, healthy, True)


def _shifts(case: Case, finding: Finding) -> Evidence | None:
    if not finding.seen.layer:
        return _features(case, finding)
    places = case.hidden_activations
    series = _by_layer(case, places, lambda v: np.abs(v["value_mean"]) / v["value_std"])
    shown = "mean over deviation of values"
    return Evidence(shown, "layer", _named(case, places), series, (0.0, 2.0))


def _twins(case: Case, _: Finding) -> Evidence | None:
    names = tuple(n for n in _named(case, case.weighted) if n in case.twins)
    shares = np.array([case.twins[name] for name in names])
    return Evidence("share of units that are copies", "layer", names, {"": shares}, (0.0, 0.2))


def _weights(case: Case, _: Finding) -> Evidence | None:
    series = _by_layer(case, case.weighted, lambda v: v["weight_rms"])
    return Evidence("rms of weights", "layer", _named(case, case.weighted), series, None, True)


# ---- by epoch


def _steps(case: Case, _: Finding) -> Evidence | None:
    vitals = case.history.vitals
    if not vitals.layers or not case.weighted:
        return None
    ratios = vitals.update_ratio[:, case.weighted].astype(np.float64)
    known = np.where(np.isfinite(ratios), ratios, np.nan)
    seen = ~np.isnan(known).all(axis=1)
    largest, middle = np.full((2, len(known)), np.nan)
    largest[seen], middle[seen] = np.nanmax(known[seen], 1), np.nanmedian(known[seen], 1)
    series = {"largest layer": largest, "middle layer": middle}
    return Evidence("step / weights", "epoch", _epochs(case), series, (1e-3, 1e-2), True)


def _loss(case: Case) -> Evidence:
    history = case.history
    series = {"training": history.loss, "validation": history.validation_loss}
    known = {name: v for name, v in series.items() if np.isfinite(v).any()}
    finite = np.concatenate([v[np.isfinite(v)] for v in series.values()])
    wide = finite.size > 0 and finite.min() > 0 and finite.max() > 100 * finite.min()
    return Evidence("loss", "epoch", _epochs(case), known, None, bool(wide))


def _as_loss(case: Case, _: Finding) -> Evidence | None:
    return _loss(case)


def _epochs(case: Case) -> tuple[str, ...]:
    return tuple(str(i) for i in range(1, len(case.history) + 1))


# ---- of the data


def _features(case: Case, _: Finding) -> Evidence | None:
    """The largest and the smallest."""
    if case.data is None:
        return None
    sizes = np.hypot(case.data.mean, case.data.std)
    order = _ends(np.argsort(-sizes, kind="stable").tolist())
    names = tuple(case.data.named(i).strip("'") for i in order)
    return Evidence("rms of features", "feature", names, {"": sizes[order]}, (0.05, 20.0), True)


def _deviations(case: Case, _: Finding) -> Evidence | None:
    """Of the features that vary least."""
    if case.data is None:
        return None
    order = _ends(np.argsort(case.data.std, kind="stable").tolist())
    names = tuple(case.data.named(i).strip("'") for i in order)
    return Evidence("deviation of features", "feature", names, {"": case.data.std[order]})


def _targets(case: Case, _: Finding) -> Evidence | None:
    data = case.data
    if data is None or math.isnan(data.target_mean):
        return None
    numbers = {
        "smallest": data.target_low,
        "mean": data.target_mean,
        "largest": data.target_high,
        "deviation": data.target_std,
    }
    values = np.array([*numbers.values()])
    return Evidence("targets", "score", tuple(numbers), {"": values}, (-5.0, 5.0))


def _classes(case: Case, _: Finding) -> Evidence | None:
    """How many rows of every class are recognised; else how many there are."""
    if case.hints.recalls:
        both = {"this network": case.hints.recalls, "plain models": case.hints.expected_recalls}
        names = _ends(sorted(case.hints.recalls, key=lambda c: case.hints.recalls[c]))
        recalls = {who: np.array([of.get(c, np.nan) for c in names]) for who, of in both.items()}
        return Evidence("share recognised", "class", tuple(map(str, names)), recalls)
    if case.data is None or not case.data.counts:
        return None
    counts = case.data.counts
    names = _ends(sorted(counts, key=lambda c: -counts[c]))
    rows = np.array([counts[c] for c in names], dtype=np.float64)
    return Evidence("rows of a class", "class", tuple(map(str, names)), {"": rows})


def _statistics(case: Case, _: Finding) -> Evidence | None:
    """How far each batch normalisation predicts off what it trains with."""
    if not case.stale:
        return None
    values = np.array([*case.stale.values()])
    shown = "off mean 0 and deviation 1"
    return Evidence(shown, "layer", tuple(case.stale), {"": values}, (0.0, 0.3))


def _quarters(case: Case, _: Finding) -> Evidence | None:
    """What a quarter of the steps tells plain models, and how much of it the network hears."""
    depends = np.array(case.depends)
    told = np.maximum(np.array(case.hints.quarters) - case.scores.base, 0.0)
    if not depends.any() or not told.any():
        return None
    series = {"this network": depends / depends.sum(), "plain models": told / told.sum()}
    shown = "share of what is told"
    return Evidence(shown, "quarter", ("first", "second", "third", "last"), series)


def _ends(names: list[Any]) -> list[Any]:
    """The first and the last of many."""
    return names if len(names) <= _MOST else names[: _MOST // 2] + names[-_MOST // 2 :]


def _leaks(case: Case, _: Finding) -> Evidence | None:
    """How much of the target features tell by themselves: the most of all."""
    if case.data is None:
        return None
    order = np.argsort(-case.data.relation, kind="stable")[:_MOST].tolist()
    names = tuple(case.data.named(i).strip("'") for i in order)
    series = {"": case.data.relation[order]}
    return Evidence("share of the target that it tells", "feature", names, series, (0.0, 0.95))


def _moves(case: Case, _: Finding) -> Evidence | None:
    """How far features of the validation rows are off those of the training rows."""
    if case.data is None or case.validation is None:
        return None
    shift, spread = case.validation.shift, case.data.std
    usual = np.flatnonzero(spread > 0.1 * np.median(spread))  # of others a deviation means little
    order = _ends(usual[np.argsort(-np.abs(shift[usual]), kind="stable")].tolist())
    names = tuple(case.data.named(i).strip("'") for i in order)
    shown = "shift of the mean, in deviations"
    return Evidence(shown, "feature", names, {"": shift[order]}, (-0.5, 0.5))


def _errors(case: Case, _: Finding) -> Evidence | None:
    """What plain models get wrong, and rows that contradict others."""
    named = {
        "of all rows": case.hints.error,
        "of the surest": case.hints.core_error,
        "contradicted": case.data.contradictory if case.data else math.nan,
    }
    known = {name: v for name, v in named.items() if math.isfinite(v)}
    values = np.array([*known.values()])
    shown = "share that is wrong"
    return Evidence(shown, "score", tuple(known), {"": values}, (0.0, 0.06)) if known else None


def _reach(case: Case, finding: Finding) -> Evidence | None:
    """Targets beside what the output can be."""
    targets, output = _targets(case, finding), case.output
    if targets is None or output is None or case.link != "identity":
        return None
    low = max(output.low, 2 * min(case.data.target_low, 0.0) - 1) if case.data else output.low
    high = min(output.high, 2 * max(case.data.target_high, 0.0) + 1) if case.data else output.high
    return replace(targets, healthy=(low, high))


def _scores(case: Case) -> Evidence | None:
    s = case.scores
    named = {
        "own rows": s.train,
        "other rows": s.held_out,
        "a constant": s.base,
        "plain models": s.reference,
    }
    known = {name: v for name, v in named.items() if math.isfinite(v)}
    if not known:
        return None
    expected = s.reference - max(0.12 * (s.reference - s.base), 0.025)
    healthy = (expected, 1.0) if math.isfinite(expected) else None
    shown = "R2" if case.task == "regression" else "accuracy"
    return Evidence(shown, "score", tuple(known), {"": np.array([*known.values()])}, healthy)


def _as_scores(case: Case, _: Finding) -> Evidence | None:
    return _scores(case)


_gradients = _of_weighted("gradient_rms", "rms of weight gradient")
# What each finding is seen in; the others are seen in the scores.
_VIEWS: Mapping[str, Callable[[Case, Finding], Evidence | None]] = {
    "vanishing_gradient": _gradients,
    "exploding_gradient": _of_weighted("delta_rms", "rms of delta"),
    "dead_units": _of_active("dead", "share of dead units", 0.4),
    "saturation": _of_active("saturated", "share of saturated inputs", 0.4),
    "initial_variance": _values,
    "recurrent_state": _values,
    "forgetting": _quarters,
    "stale_statistics": _statistics,
    "mean_shift": _shifts,
    "symmetric_init": _twins,
    "over_regularised": _weights,
    "learning_rate_high": _steps,
    "learning_rate_low": _steps,
    "optimizer_settings": _steps,
    "too_few_epochs": _as_loss,
    "non_finite_loss": _as_loss,
    "batch_size": _as_loss,
    "underfitting": _as_loss,
    "unscaled_features": _features,
    "constant_features": _deviations,
    "unscaled_targets": _targets,
    "class_imbalance": _classes,
    "leaking_feature": _leaks,
    "validation_split": _moves,
    "label_noise": _errors,
    "output_activation": _reach,
}
