"""What a repaired network is given: a fitting rate, enough epochs, at last all that is usual."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace
from typing import Any

import numpy as np

from deltarule.doctor import Case, Finding
from deltarule.doctor.evidence import batch_rows, recent_fall, stopped_by_limit
from deltarule.doctor.lagging import lagging
from deltarule.doctor.repairs import Epochs, LearningRate, Repair, Usual
from deltarule.examination._changes import USUAL_BATCH
from deltarule.examination._examine import Examined
from deltarule.examination._split import Split
from deltarule.examination._treatment import Treatment, apply
from deltarule.examination._wrapped import network_of

_FACTORS = (0.3, 1.0, 3.0)
_SHARE, _FEWEST, _MOST = 4, 4, 50  # of the epochs, for which every rate is tried
_LAGS, _LAGS_MUCH = 0.02, 0.05  # of what there is to gain over a constant
_PERFECT = 0.99
_STEPS = 12_000  # of a network that is given time


def reason_of(found: Examined) -> Finding | None:
    """What is to be mended: the first finding; or that it lags behind, whatever the cause."""
    diagnosis = found.diagnosis
    if diagnosis.findings:
        return diagnosis.findings[0]
    return lagging(diagnosis.case, _LAGS_MUCH)


def better_rate(
    estimator: Any, treatment: Treatment, split: Split, found: Examined
) -> Repair | None:
    """The rate by which the loss falls farthest in a few epochs; None where that is the present.

    Smith 2017, Cyclical learning rates, 3.3, with a run for every rate; that at the present rate
    was the fit itself.
    """
    network = network_of(found.model)
    if not _is_unfinished(found) or getattr(network, "solver", "") == "lbfgs":
        return None
    rate = getattr(network, "learning_rate_init", None)
    if rate is None:
        return None
    epochs = int(np.clip(network.max_iter // _SHARE, _FEWEST, _MOST))
    present, losses = _present_loss(found, epochs), {}
    for factor in _FACTORS:
        cure = LearningRate(float(f"{factor * rate:.2g}"))
        if factor == 1 and present is not None:
            losses[cure] = present
            continue
        parameters = {**treatment.parameters, "learning_rate_init": cure.rate}
        changed = apply(cure, estimator, treatment) or replace(treatment, parameters=parameters)
        model = changed.of(estimator)
        network_of(model).set_params(max_iter=epochs, random_state=network.random_state)
        losses[cure] = _loss_after(model, split)
    best = min(losses, key=lambda cure: losses[cure])
    before = losses[LearningRate(float(f"{rate:.2g}"))]
    return best if losses[best] < 0.9 * before or math.isinf(before) else None


def _present_loss(found: Examined, epochs: int) -> float | None:
    """The loss of the fit itself after some epochs; None: it is not comparable."""
    network, history = network_of(found.model), found.diagnosis.case.history
    own = hasattr(network, "doctor")
    if not own or getattr(network, "learning_rate", "") != "constant":
        return None
    if len(history) < epochs and found.diagnosis.case.settings.get("failure"):
        return math.inf
    loss = float(history.loss[min(epochs, len(history)) - 1]) if len(history) else math.inf
    return loss if math.isfinite(loss) else math.inf


def more_epochs(
    estimator: Any, treatment: Treatment, split: Split, found: Examined
) -> Repair | None:
    """Several times as many, where the loss still fell when they ended."""
    case = found.diagnosis.case
    fall, of_whole = recent_fall(case)
    still_falls = stopped_by_limit(case) and (fall > 0.02 or of_whole > 0.02)
    if not _is_unfinished(found) or not still_falls:
        return None
    epochs = len(case.history)
    wanted = min(max(4 * epochs, 300), _affordable(case, batch_rows(case)))
    return Epochs(wanted) if wanted > 1.5 * epochs else None


def all_usual(estimator: Any, treatment: Treatment, split: Split, found: Examined) -> Repair | None:
    """For comparison: whether the network as it is left is as good as a usual one."""
    case = found.diagnosis.case
    shown = case.scores.shown
    known = case.task != "unknown" and not math.isnan(case.scores.reference)
    if shown > _PERFECT or not known:
        return None
    return Usual(case.task, min(400, _affordable(case, USUAL_BATCH)))


def _affordable(case: Case, batch: float) -> int:
    """Epochs of which the steps learn most of what there is, whatever the rows."""
    rows = case.data.rows if case.data else 1
    return max(int(_STEPS * batch / max(rows, 1)), 20)


def _is_unfinished(found: Examined) -> bool:
    """Whether it lags behind plain models, or its loss fell to the end."""
    case = found.diagnosis.case
    still_falls = stopped_by_limit(case) and recent_fall(case)[0] > 0.05
    return case.scores.shortfall > _LAGS or (still_falls and case.scores.shown < _PERFECT)


def _loss_after(model: Any, split: Split) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model.fit(*split.train)
        except ValueError:  # of what overflows nothing is to be hoped
            return math.inf
    loss = float(network_of(model).history_.loss[-1])
    return loss if math.isfinite(loss) else math.inf
